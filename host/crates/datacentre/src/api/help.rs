//! `help.*`: what clients ask for at their start.
//!
//! Invariant: nothing here needs a login or changes anything.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::context::Context;
use super::error::Answer;
use super::messages::{EDIT_TIME_S, FORWARDED_MAX};
use super::text::TEXT_MAX_UTF16;

/// How long clients may keep the configuration.
const CONFIG_LIFE_S: i32 = 3600;
/// The most members of a basic group.
pub(super) const CHAT_MEMBERS_MAX: usize = 200;

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
        megagroup_size_max: 200_000,
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
