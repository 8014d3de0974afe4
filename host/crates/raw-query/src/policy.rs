//! What no script may ask Telegram, whatever it is granted, and what it may only where it may see the messages of Telegram's
//! service account.
//!
//! Invariant: of the methods of `account.` those are granted that are named here, so one that a later layer brings is not.

use thiserror::Error;

use tl_schema as schema;

/// Why a method can be granted to no script.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum NotGrantable {
    #[error("layer {} has no method of this name: see https://core.telegram.org/methods", grammers_tl_types::LAYER)]
    Unknown,
    #[error("it is about who may use the account, and no script may call it")]
    Security,
    #[error(
        "it carries another query, or is about the connection, and no script may call it: name that query's own method"
    )]
    Wrapper,
    #[error("it is about secret chats, whose keys no script has, and no script may call it")]
    SecretChat,
}

/// Groups of methods that decide who may use an account, have the keys of a wallet, or are handed login codes of others.
const SECURITY_GROUPS: [&str; 4] = ["auth.", "smsjobs.", "toncenter.", "wallet."];

/// The others that give somebody a login or a token, or the account's groups and money away.
const SECURITY: [&str; 14] = [
    "bots.editAccessSettings",
    "bots.exportBotToken",
    "bots.requestWebViewButton",
    "messages.acceptUrlAuth",
    "messages.checkUrlAuthMatchCode",
    "messages.declineUrlAuth",
    "messages.editChatCreator",
    "messages.requestAppWebView",
    "messages.requestMainWebView",
    "messages.requestSimpleWebView",
    "messages.requestUrlAuth",
    "messages.requestWebView",
    "payments.getStarGiftWithdrawalUrl",
    "payments.getStarsRevenueWithdrawalUrl",
];

/// Those by which a script would make, end or use up the account's secret chats.
const SECRET_CHATS: [&str; 11] = [
    "messages.acceptEncryption",
    "messages.discardEncryption",
    "messages.readEncryptedHistory",
    "messages.receivedQueue",
    "messages.reportEncryptedSpam",
    "messages.requestEncryption",
    "messages.sendEncrypted",
    "messages.sendEncryptedFile",
    "messages.sendEncryptedService",
    "messages.setEncryptedTyping",
    "messages.uploadEncryptedFile",
];

/// Those of `account.` that are about no such thing.
const PLAIN_ACCOUNT: &str = "checkUsername clearRecentEmojiStatuses createBusinessChatLink createTheme deleteAutoSaveExceptions \
    deleteBusinessChatLink deleteWebBrowserSettingsExceptions disablePeerConnectedBot editBusinessChatLink \
    getAccountTTL getAutoDownloadSettings getAutoSaveSettings getBotBusinessConnection getBusinessChatLinks \
    getChannelDefaultEmojiStatuses getChannelRestrictedStatusEmojis getChatThemes getCollectibleEmojiStatuses \
    getConnectedBots getContactSignUpNotification getContentSettings getDefaultBackgroundEmojis \
    getDefaultEmojiStatuses getDefaultGroupPhotoEmojis getDefaultProfilePhotoEmojis getGlobalPrivacySettings \
    getMultiWallPapers getNotifyExceptions getNotifySettings getPaidMessagesRevenue getPrivacy \
    getReactionsNotifySettings getRecentEmojiStatuses getSavedMusicIds getSavedRingtones getTheme getThemes \
    getUniqueGiftChatThemes getWallPaper getWallPapers getWebBrowserSettings installTheme installWallPaper \
    reorderUsernames reportPeer reportProfilePhoto resetNotifySettings resetWallPapers resolveBusinessChatLink \
    saveAutoDownloadSettings saveAutoSaveSettings saveMusic saveRingtone saveTheme saveWallPaper \
    setContactSignUpNotification setContentSettings setMainProfileTab setReactionsNotifySettings \
    toggleSponsoredMessages toggleUsername updateBirthday updateBusinessAwayMessage updateBusinessGreetingMessage \
    updateBusinessIntro updateBusinessLocation updateBusinessWorkHours updateColor updateEmojiStatus \
    updateNotifySettings updatePersonalChannel updateProfile updateStatus updateTheme updateUsername \
    uploadRingtone uploadTheme uploadWallPaper";

/// Methods by which it is learnt what a message says that is not in the answer: it is passed on, translated, or found.
const UNSEEN: [&str; 5] = [
    "messages.forwardMessages",
    "messages.searchGlobal",
    "messages.summarizeText",
    "messages.translateRichMessage",
    "messages.translateText",
];

/// Searches everywhere where its peer is empty.
const SEARCH: &str = "messages.search";

/// What the arguments of a query name.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mentions {
    /// Telegram's service account.
    pub(crate) service: bool,
    /// No peer where one can be.
    pub(crate) empty_peer: bool,
}

/// Whether a method can be granted to a script by its name.
///
/// # Errors
/// Why it cannot.
pub fn check_grantable(method: &str) -> Result<(), NotGrantable> {
    if schema::method(method).is_none() {
        return Err(NotGrantable::Unknown);
    }
    let is_plain = |name: &str| PLAIN_ACCOUNT.split(' ').any(|plain| plain == name);
    if method.strip_prefix("account.").is_some_and(|name| !is_plain(name))
        || SECURITY_GROUPS.iter().any(|group| method.starts_with(group))
        || SECURITY.contains(&method)
    {
        return Err(NotGrantable::Security);
    }
    if SECRET_CHATS.contains(&method) {
        return Err(NotGrantable::SecretChat);
    }
    // What stands in no group is about the connection.
    if method.contains('.') { Ok(()) } else { Err(NotGrantable::Wrapper) }
}

pub(crate) fn reaches_service(method: &str, mentions: Mentions) -> bool {
    mentions.service || UNSEEN.contains(&method) || (method == SEARCH && mentions.empty_peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tl_schema::Kind;

    /// Those of `account.` that decide who may use the account, or that let others read along.
    const SECURITY_ACCOUNT: &str = "acceptAuthorization cancelPasswordEmail changeAuthorizationSettings changePhone \
        confirmBotConnection confirmPasswordEmail confirmPhone declinePasswordReset deleteAccount deletePasskey \
        deleteSecureValue finishTakeoutSession getAllSecureValues getAuthorizationForm getAuthorizations getPasskeys \
        getPassword getPasswordSettings getSecureValue getTmpPassword getWebAuthorizations initPasskeyRegistration \
        initTakeoutSession invalidateSignInCodes registerDevice registerPasskey resendPasswordEmail resetAuthorization \
        resetPassword resetWebAuthorization resetWebAuthorizations saveSecureValue sendChangePhoneCode \
        sendConfirmPhoneCode sendVerifyEmailCode sendVerifyPhoneCode setAccountTTL setAuthorizationTTL \
        setGlobalPrivacySettings setPrivacy toggleConnectedBotPaused toggleNoPaidMessagesException \
        toggleWebBrowserSettingsException unregisterDevice updateConnectedBot updateDeviceLocked updatePasswordSettings \
        updateWebBrowserSettings verifyEmail verifyPhone";

    #[test]
    fn every_method_of_an_account_is_either_about_its_security_or_plain() {
        let known = PLAIN_ACCOUNT.split(' ').chain(SECURITY_ACCOUNT.split(' '));
        let mut known: Vec<String> = known.map(|name| format!("account.{name}")).collect();
        known.sort();
        let mut all: Vec<&str> =
            schema::methods().map(|method| method.name).filter(|name| name.starts_with("account.")).collect();
        all.sort_unstable();
        assert_eq!(known, all);
        for name in SECURITY_ACCOUNT.split(' ') {
            assert_eq!(check_grantable(&format!("account.{name}")), Err(NotGrantable::Security), "{name}");
        }
    }

    #[test]
    fn what_wants_a_password_gives_a_login_or_carries_a_query_is_never_granted() {
        for method in schema::methods() {
            let takes = |wanted| method.fields().any(|field| field.kind == wanted && field.condition.is_none());
            let is_kept = takes(Kind::Object("InputCheckPasswordSRP"))
                || takes(Kind::Other)
                || method.result.starts_with("auth.")
                || method.name.starts_with("invoke")
                || method.name.starts_with("auth.");
            assert!(!is_kept || check_grantable(method.name).is_err(), "{}", method.name);
        }
        for name in SECURITY.iter().chain(&UNSEEN).chain([&SEARCH]) {
            assert!(schema::method(name).is_some(), "{name}");
        }
        assert_eq!(check_grantable("initConnection"), Err(NotGrantable::Wrapper));
        assert_eq!(check_grantable("messages.getdialogs"), Err(NotGrantable::Unknown));
        assert_eq!(check_grantable("messages.getDialogs"), Ok(()));
    }

    #[test]
    fn no_script_meddles_with_secret_chats() {
        for name in SECRET_CHATS {
            assert!(schema::method(name).is_some(), "{name}");
            assert_eq!(check_grantable(name), Err(NotGrantable::SecretChat), "{name}");
        }
        for method in schema::methods() {
            let names_one = method.fields().any(|field| field.kind == Kind::Object("InputEncryptedChat"));
            let gives_one = method.result.ends_with("EncryptedChat");
            assert!(!(names_one || gives_one) || check_grantable(method.name).is_err(), "{}", method.name);
        }
    }

    #[test]
    fn what_tells_of_messages_without_showing_them_needs_the_service_accounts_grant() {
        let (none, service) = (Mentions::default(), Mentions { service: true, empty_peer: false });
        let everywhere = Mentions { service: false, empty_peer: true };
        for (method, mentions, expected) in [
            ("messages.getHistory", none, false),
            ("messages.getHistory", service, true),
            ("messages.getDialogs", everywhere, false),
            ("messages.search", none, false),
            ("messages.search", everywhere, true),
            ("messages.forwardMessages", none, true),
        ] {
            assert_eq!(reaches_service(method, mentions), expected, "{method}");
        }
    }
}
