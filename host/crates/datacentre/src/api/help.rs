//! `help.*` and `langpack.*`: what clients ask for at their start.
//!
//! Invariant: nothing here needs a login or changes anything.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::context::Context;
use super::error::Answer;
use super::limits::{CHANNEL_MEMBERS_MAX, CHAT_MEMBERS_MAX, EDIT_TIME_S, FORWARDED_MAX, TEXT_MAX_UTF16};

/// How long clients may keep the configuration.
const CONFIG_LIFE_S: i32 = 3600;
/// Names the application configuration, so that clients that have it are not sent it again.
const APP_CONFIG_HASH: i32 = 1;

/// help.getConfig: <https://core.telegram.org/method/help.getConfig>. There is this data centre only.
pub(super) fn get_config(context: &mut Context<'_>, _: functions::help::GetConfig) -> Answer<enums::Config> {
    let small = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let address = context.dc.address;
    let here = types::DcOption {
        ipv6: address.is_ipv6(),
        media_only: false,
        tcpo_only: false,
        cdn: false,
        r#static: true,
        this_port_only: true,
        id: context.dc.id,
        ip_address: address.ip().to_string(),
        port: address.port().into(),
        secret: None,
    };
    Ok(types::Config {
        default_p2p_contacts: false,
        preload_featured_stickers: false,
        revoke_pm_inbox: true,
        blocked_mode: false,
        force_try_ipv6: false,
        date: context.now,
        expires: context.now + CONFIG_LIFE_S,
        test_mode: true,
        this_dc: context.dc.id,
        dc_options: vec![here.into()],
        dc_txt_domain_name: String::new(),
        chat_size_max: small(CHAT_MEMBERS_MAX),
        megagroup_size_max: CHANNEL_MEMBERS_MAX,
        forwarded_count_max: small(FORWARDED_MAX),
        online_update_period_ms: 210_000,
        offline_blur_timeout_ms: 5_000,
        offline_idle_timeout_ms: 30_000,
        online_cloud_timeout_ms: 300_000,
        notify_cloud_delay_ms: 30_000,
        notify_default_delay_ms: 1_500,
        push_chat_period_ms: 60_000,
        push_chat_limit: 2,
        edit_time_limit: EDIT_TIME_S,
        revoke_time_limit: i32::MAX,
        revoke_pm_time_limit: i32::MAX,
        rating_e_decay: 2_419_200,
        stickers_recent_limit: 200,
        channels_read_media_period: 604_800,
        tmp_sessions: None,
        call_receive_timeout_ms: 20_000,
        call_ring_timeout_ms: 90_000,
        call_connect_timeout_ms: 30_000,
        call_packet_timeout_ms: 10_000,
        me_url_prefix: "https://t.me/".to_owned(),
        autoupdate_url_prefix: None,
        gif_search_username: None,
        venue_search_username: None,
        img_search_username: None,
        static_maps_provider: None,
        caption_length_max: 1024,
        message_length_max: small(TEXT_MAX_UTF16),
        webfile_dc_id: context.dc.id,
        suggested_lang_code: None,
        lang_pack_version: None,
        base_lang_pack_version: None,
        reactions_default: None,
        autologin_token: None,
    }
    .into())
}

/// help.getNearestDc: <https://core.telegram.org/method/help.getNearestDc>.
pub(super) fn get_nearest_dc(context: &mut Context<'_>, _: functions::help::GetNearestDc) -> Answer<enums::NearestDc> {
    let dc = context.dc.id;
    Ok(types::NearestDc { country: "XX".to_owned(), this_dc: dc, nearest_dc: dc }.into())
}

/// help.getAppConfig: <https://core.telegram.org/method/help.getAppConfig>: nothing beyond the clients' defaults.
pub(super) fn get_app_config(
    _: &mut Context<'_>,
    call: functions::help::GetAppConfig,
) -> Answer<enums::help::AppConfig> {
    if call.hash == APP_CONFIG_HASH {
        return Ok(enums::help::AppConfig::NotModified);
    }
    let config = types::JsonObject { value: Vec::new() }.into();
    Ok(types::help::AppConfig { hash: APP_CONFIG_HASH, config }.into())
}

/// help.getTermsOfServiceUpdate: <https://core.telegram.org/method/help.getTermsOfServiceUpdate>: there are none.
pub(super) fn get_terms_of_service_update(
    context: &mut Context<'_>,
    _: functions::help::GetTermsOfServiceUpdate,
) -> Answer<enums::help::TermsOfServiceUpdate> {
    Ok(types::help::TermsOfServiceUpdateEmpty { expires: context.now + CONFIG_LIFE_S }.into())
}

/// help.getCountriesList: <https://core.telegram.org/method/help.getCountriesList>: the one of the test numbers.
pub(super) fn get_countries_list(
    _: &mut Context<'_>,
    _: functions::help::GetCountriesList,
) -> Answer<enums::help::CountriesList> {
    let code = types::help::CountryCode {
        country_code: "999".to_owned(),
        prefixes: Some(vec!["66".to_owned()]),
        patterns: None,
    };
    let country = types::help::Country {
        hidden: false,
        iso2: "XX".to_owned(),
        default_name: "Test numbers".to_owned(),
        name: None,
        country_codes: vec![code.into()],
    };
    Ok(types::help::CountriesList { countries: vec![country.into()], hash: 1 }.into())
}

/// help.getAppUpdate: <https://core.telegram.org/method/help.getAppUpdate>: there is none.
pub(super) fn get_app_update(_: &mut Context<'_>, _: functions::help::GetAppUpdate) -> Answer<enums::help::AppUpdate> {
    Ok(enums::help::AppUpdate::NoAppUpdate)
}

/// help.getPromoData: <https://core.telegram.org/method/help.getPromoData>: there is none.
pub(super) fn get_promo_data(
    context: &mut Context<'_>,
    _: functions::help::GetPromoData,
) -> Answer<enums::help::PromoData> {
    Ok(types::help::PromoDataEmpty { expires: context.now + CONFIG_LIFE_S }.into())
}

/// help.getInviteText: <https://core.telegram.org/method/help.getInviteText>.
pub(super) fn get_invite_text(
    _: &mut Context<'_>,
    _: functions::help::GetInviteText,
) -> Answer<enums::help::InviteText> {
    Ok(types::help::InviteText { message: "This data centre is for tests.".to_owned() }.into())
}

/// help.getCdnConfig: <https://core.telegram.org/method/help.getCdnConfig>: there is no CDN.
pub(super) fn get_cdn_config(_: &mut Context<'_>, _: functions::help::GetCdnConfig) -> Answer<enums::CdnConfig> {
    Ok(types::CdnConfig { public_keys: Vec::new() }.into())
}

/// langpack.getLangPack: <https://core.telegram.org/method/langpack.getLangPack>: clients speak as they were built.
pub(super) fn get_lang_pack(
    _: &mut Context<'_>,
    call: functions::langpack::GetLangPack,
) -> Answer<enums::LangPackDifference> {
    let lang_code = call.lang_code;
    Ok(types::LangPackDifference { lang_code, from_version: 0, version: 0, strings: Vec::new() }.into())
}

/// langpack.getLanguages: <https://core.telegram.org/method/langpack.getLanguages>.
pub(super) fn get_languages(
    _: &mut Context<'_>,
    _: functions::langpack::GetLanguages,
) -> Answer<Vec<enums::LangPackLanguage>> {
    Ok(Vec::new())
}

/// langpack.getStrings: <https://core.telegram.org/method/langpack.getStrings>.
pub(super) fn get_strings(
    _: &mut Context<'_>,
    _: functions::langpack::GetStrings,
) -> Answer<Vec<enums::LangPackString>> {
    Ok(Vec::new())
}
