//! From a request's bytes to the method that answers it, and back to bytes.
//!
//! Invariant: a method runs only for callers of the kind its line in the table names.

use grammers_tl_types as tl;
use tl::{Cursor, Deserializable, Identifiable, RemoteCall, Serializable, functions};
use tl_schema::layers;

use super::context::Context;
use super::error::{Answer, bad_request, rpc, unauthorized};
use super::{
    account, auth, bots, channels, contacts, download, help, invites, messages, nesting, photos, secret_chats, updates,
    upload, users, webpages,
};
use crate::model::keys::LoggedOut;
use crate::seam::NO_METHOD;

/// Who may call a method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Anyone, before login too.
    All,
    /// Any user, human or bot.
    Users,
    /// Humans.
    Humans,
    /// Bots.
    Bots,
}

/// Telegram's name of the method a request calls, e.g. `auth.signIn`.
pub(super) fn method_name(request: &[u8]) -> Answer<&'static str> {
    Ok(tl::name_for_id(constructor(request)?))
}

fn constructor(request: &[u8]) -> Answer<u32> {
    u32::from_bytes(request).map_err(|_| bad_request(NO_METHOD))
}

fn check_caller(context: &Context<'_>, kind: For) -> Answer<()> {
    if kind == For::All {
        return Ok(());
    }
    if context.me == 0 {
        let holder = &context.holder;
        return Err(match holder.logged_out {
            _ if holder.password_pending.is_some() => unauthorized("SESSION_PASSWORD_NEEDED"),
            LoggedOut::Here => unauthorized("AUTH_KEY_UNREGISTERED"),
            LoggedOut::Elsewhere => unauthorized("SESSION_REVOKED"),
            LoggedOut::UsedTwice => rpc(406, "AUTH_KEY_DUPLICATED"),
        });
    }
    match kind {
        For::Humans if context.bot => Err(bad_request("BOT_METHOD_INVALID")),
        For::Bots if !context.bot => Err(bad_request("USER_BOT_REQUIRED")),
        _ => Ok(()),
    }
}

/// The table: for whom, which method, answered by what.
macro_rules! methods {
    ($($kind:ident $space:ident :: $method:ident => $handler:path;)*) => {
        /// Executes the request: its serialised result.
        pub(super) fn invoke(context: &mut Context<'_>, request: &[u8]) -> Answer<Vec<u8>> {
            if !nesting::is_bounded(request) {
                return Err(bad_request("INPUT_REQUEST_TOO_LONG"));
            }
            match constructor(request)? {
                $(functions::$space::$method::CONSTRUCTOR_ID => {
                    check_caller(context, For::$kind)?;
                    let parse = |request: &[u8]| functions::$space::$method::deserialize(&mut Cursor::from_slice(&request[4..]));
                    let call = parse(request)
                        .ok()
                        .or_else(|| parse(&layers::request(request.to_vec()).ok()?).ok())
                        .ok_or_else(|| bad_request("INPUT_FETCH_ERROR"))?;
                    let result: <functions::$space::$method as RemoteCall>::Return = $handler(context, call)?;
                    Ok(result.to_bytes())
                })*
                _ => Err(bad_request(NO_METHOD)),
            }
        }
    };
}

methods! {
    All help::GetConfig => help::get_config;
    All help::GetNearestDc => help::get_nearest_dc;
    All help::GetAppConfig => help::get_app_config;
    All help::GetCountriesList => help::get_countries_list;
    All help::GetAppUpdate => help::get_app_update;
    All help::GetCdnConfig => help::get_cdn_config;
    All help::GetInviteText => help::get_invite_text;
    Humans help::GetTermsOfServiceUpdate => help::get_terms_of_service_update;
    Humans help::GetPromoData => help::get_promo_data;
    All langpack::GetLangPack => help::get_lang_pack;
    All langpack::GetLanguages => help::get_languages;
    All langpack::GetStrings => help::get_strings;

    All auth::SendCode => auth::send_code;
    All auth::ResendCode => auth::resend_code;
    All auth::CancelCode => auth::cancel_code;
    All auth::SignIn => auth::sign_in;
    All auth::SignUp => auth::sign_up;
    All auth::CheckPassword => auth::check_password;
    All auth::ImportBotAuthorization => auth::import_bot_authorization;
    All auth::ExportLoginToken => auth::export_login_token;
    All auth::ImportLoginToken => auth::import_login_token;
    Humans auth::AcceptLoginToken => auth::accept_login_token;
    All auth::LogOut => auth::log_out;
    All auth::ImportAuthorization => auth::import_authorization;
    Users auth::ExportAuthorization => auth::export_authorization;
    Humans auth::ResetAuthorizations => auth::reset_authorizations;

    All account::GetPassword => account::get_password;
    Humans account::GetPasswordSettings => account::get_password_settings;
    Humans account::UpdatePasswordSettings => account::update_password_settings;
    Humans account::UpdateStatus => account::update_status;
    Humans account::UpdateProfile => account::update_profile;
    Humans account::CheckUsername => account::check_username;
    Humans account::UpdateUsername => account::update_username;
    Humans account::GetAuthorizations => account::get_authorizations;
    Humans account::ResetAuthorization => account::reset_authorization;
    Humans account::GetNotifySettings => account::get_notify_settings;
    Humans account::UpdateNotifySettings => account::update_notify_settings;
    Humans account::RegisterDevice => account::register_device;
    Humans account::UnregisterDevice => account::unregister_device;
    Humans account::GetPrivacy => account::get_privacy;
    Humans account::GetGlobalPrivacySettings => account::get_global_privacy_settings;
    Humans account::GetContentSettings => account::get_content_settings;
    Humans account::GetContactSignUpNotification => account::get_contact_sign_up_notification;

    Users users::GetUsers => users::get_users;
    Users users::GetFullUser => users::get_full_user;

    Users upload::SaveFilePart => upload::save_file_part;
    Users upload::SaveBigFilePart => upload::save_big_file_part;
    Users upload::GetFile => download::get_file;
    Users upload::GetFileHashes => download::get_file_hashes;

    Users photos::GetUserPhotos => photos::get_user_photos;
    Users photos::UploadProfilePhoto => photos::upload_profile_photo;
    Users photos::UpdateProfilePhoto => photos::update_profile_photo;
    Users photos::DeletePhotos => photos::delete_photos;
    Users messages::EditChatPhoto => photos::edit_chat_photo;
    Users channels::EditPhoto => photos::edit_channel_photo;

    Bots bots::SetBotCommands => bots::set_bot_commands;
    Bots bots::ResetBotCommands => bots::reset_bot_commands;
    Bots bots::GetBotCommands => bots::get_bot_commands;

    Humans contacts::GetContacts => contacts::get_contacts;
    Humans contacts::GetStatuses => contacts::get_statuses;
    Humans contacts::ImportContacts => contacts::import_contacts;
    Humans contacts::AddContact => contacts::add_contact;
    Humans contacts::DeleteContacts => contacts::delete_contacts;
    Humans contacts::DeleteByPhones => contacts::delete_by_phones;
    Users contacts::ResolveUsername => contacts::resolve_username;
    Humans contacts::ResolvePhone => contacts::resolve_phone;
    Humans contacts::Search => contacts::search;
    Humans contacts::GetTopPeers => contacts::get_top_peers;
    Humans contacts::Block => contacts::block;
    Humans contacts::Unblock => contacts::unblock;
    Humans contacts::GetBlocked => contacts::get_blocked;

    Users messages::SendMessage => messages::send::send_message;
    Users messages::SendMedia => messages::media::send_media;
    Users messages::UploadMedia => messages::media::upload_media;
    Users messages::SendMultiMedia => messages::media::send_multi_media;
    Humans messages::GetWebPagePreview => webpages::get_web_page_preview;
    Users messages::ForwardMessages => messages::send::forward_messages;
    Humans messages::StartBot => messages::send::start_bot;
    Users messages::SetTyping => messages::send::set_typing;

    Users messages::EditMessage => messages::change::edit_message;
    Humans messages::GetMessageEditData => messages::change::get_message_edit_data;
    Users messages::DeleteMessages => messages::change::delete_messages;
    Humans messages::DeleteHistory => messages::change::delete_history;

    Humans messages::GetHistory => messages::history::get_history;
    Users messages::GetMessages => messages::history::get_messages;
    Humans messages::Search => messages::history::search;
    Humans messages::SearchGlobal => messages::history::search_global;
    Humans messages::GetSplitRanges => messages::history::get_split_ranges;
    Humans messages::GetSearchCounters => messages::history::get_search_counters;
    Humans messages::GetUnreadMentions => messages::history::get_unread_mentions;
    Humans messages::GetScheduledHistory => messages::history::get_scheduled_history;

    Humans messages::ReadHistory => messages::read::read_history;
    Humans messages::ReceivedMessages => messages::read::received_messages;
    Humans messages::ReadMessageContents => messages::read::read_message_contents;
    Humans messages::ReadMentions => messages::read::read_mentions;
    Humans messages::MarkDialogUnread => messages::read::mark_dialog_unread;
    Humans messages::GetDialogUnreadMarks => messages::read::get_dialog_unread_marks;

    Humans messages::GetDialogs => messages::dialogs::get_dialogs;
    Humans messages::GetPeerDialogs => messages::dialogs::get_peer_dialogs;
    Humans messages::GetPinnedDialogs => messages::dialogs::get_pinned_dialogs;
    Humans messages::ToggleDialogPin => messages::dialogs::toggle_dialog_pin;
    Humans messages::ReorderPinnedDialogs => messages::dialogs::reorder_pinned_dialogs;
    Humans messages::SaveDraft => messages::dialogs::save_draft;
    Humans messages::GetAllDrafts => messages::dialogs::get_all_drafts;
    Humans messages::ClearAllDrafts => messages::dialogs::clear_all_drafts;
    Humans messages::GetPeerSettings => messages::dialogs::get_peer_settings;
    Humans messages::GetDialogFilters => messages::dialogs::get_dialog_filters;

    Humans messages::CreateChat => messages::chats::create_chat;
    Users messages::GetChats => messages::chats::get_chats;
    Users messages::GetFullChat => messages::chats::get_full_chat;
    Humans messages::AddChatUser => messages::chats::add_chat_user;
    Users messages::DeleteChatUser => messages::chats::delete_chat_user;
    Users messages::EditChatTitle => messages::chats::edit_chat_title;
    Users messages::EditChatAbout => messages::chats::edit_chat_about;
    Humans messages::EditChatAdmin => messages::chats::edit_chat_admin;
    Humans messages::DeleteChat => messages::chats::delete_chat;
    Humans messages::GetCommonChats => messages::chats::get_common_chats;
    Users messages::GetOnlines => messages::chats::get_onlines;
    Users messages::EditChatDefaultBannedRights => messages::chats::edit_chat_default_banned_rights;
    Humans messages::MigrateChat => channels::migrate::migrate_chat;

    Users messages::ExportChatInvite => invites::links::export_chat_invite;
    Users messages::EditExportedChatInvite => invites::links::edit_exported_chat_invite;
    Users messages::GetExportedChatInvite => invites::links::get_exported_chat_invite;
    Humans messages::GetExportedChatInvites => invites::links::get_exported_chat_invites;
    Humans messages::DeleteExportedChatInvite => invites::links::delete_exported_chat_invite;
    Humans messages::DeleteRevokedExportedChatInvites => invites::links::delete_revoked_exported_chat_invites;
    Humans messages::GetAdminsWithInvites => invites::links::get_admins_with_invites;
    Humans messages::CheckChatInvite => invites::join::check_chat_invite;
    Humans messages::ImportChatInvite => invites::join::import_chat_invite;
    Humans messages::GetChatInviteImporters => invites::requests::get_chat_invite_importers;
    Users messages::HideChatJoinRequest => invites::requests::hide_chat_join_request;
    Humans messages::HideAllChatJoinRequests => invites::requests::hide_all_chat_join_requests;

    Humans messages::GetDhConfig => secret_chats::life::get_dh_config;
    Humans messages::RequestEncryption => secret_chats::life::request_encryption;
    Humans messages::AcceptEncryption => secret_chats::life::accept_encryption;
    Humans messages::DiscardEncryption => secret_chats::life::discard_encryption;
    Humans messages::SendEncrypted => secret_chats::messages::send_encrypted;
    Humans messages::SendEncryptedFile => secret_chats::messages::send_encrypted_file;
    Humans messages::SendEncryptedService => secret_chats::messages::send_encrypted_service;
    Humans messages::UploadEncryptedFile => secret_chats::files::upload_encrypted_file;
    Humans messages::SetEncryptedTyping => secret_chats::messages::set_encrypted_typing;
    Humans messages::ReadEncryptedHistory => secret_chats::messages::read_encrypted_history;
    Humans messages::ReceivedQueue => secret_chats::messages::received_queue;

    Humans channels::CreateChannel => channels::manage::create_channel;
    Users channels::EditTitle => channels::manage::edit_title;
    Humans channels::CheckUsername => channels::manage::check_username;
    Humans channels::UpdateUsername => channels::manage::update_username;
    Humans channels::ToggleSignatures => channels::manage::toggle_signatures;
    Humans channels::ToggleForum => channels::topics::toggle_forum;
    Users messages::CreateForumTopic => channels::topics::create_forum_topic;
    Humans channels::DeleteChannel => channels::manage::delete_channel;
    Users channels::GetChannels => channels::info::get_channels;
    Users channels::GetFullChannel => channels::info::get_full_channel;
    Users channels::GetParticipants => channels::participants::get_participants;
    Users channels::GetParticipant => channels::participants::get_participant;
    Humans channels::InviteToChannel => channels::participants::invite_to_channel;
    Humans channels::JoinChannel => channels::participants::join_channel;
    Users channels::LeaveChannel => channels::participants::leave_channel;
    Users channels::EditAdmin => channels::moderate::edit_admin;
    Users channels::EditBanned => channels::moderate::edit_banned;
    Users channels::GetMessages => channels::messages::get_messages;
    Users channels::DeleteMessages => channels::messages::delete_messages;
    Humans channels::DeleteHistory => channels::messages::delete_history;
    Humans channels::DeleteParticipantHistory => channels::messages::delete_participant_history;
    Humans channels::ReadHistory => channels::messages::read_history;
    Humans channels::ReadMessageContents => channels::messages::read_message_contents;
    Users channels::ExportMessageLink => channels::messages::export_message_link;
    Humans messages::GetMessagesViews => channels::messages::get_messages_views;
    Users updates::GetChannelDifference => channels::difference::get_channel_difference;

    Users updates::GetState => updates::get_state;
    Users updates::GetDifference => updates::get_difference;
}
