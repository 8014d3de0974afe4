//! TL objects and requests of which everything is absent that may be: <https://core.telegram.org/mtproto/TL-optional>.
//! Whoever makes one says what it must have, here, and then what else it has, by name:
//!
//! ```
//! use grammers_tl_types::{enums, functions};
//!
//! let request = functions::messages::SendMessage {
//!     silent: true,
//!     ..tl_blank::send_message(enums::InputPeer::PeerSelf, "hello".to_owned(), 1)
//! };
//! ```
//!
//! Invariant: a row of the table is the schema's: first its words of flags, then its fields that are not optional, in order.

use grammers_tl_types as tl;
use tl::{Deserializable, Serializable, enums, functions, types};

/// Makes a function of each row, by reading the object from its required fields with no flag set. So a row names only what
/// is in every object, and the schema may give it more optional fields.
macro_rules! blanks {
    ($(fn $name:ident($($flags:ident)+ $(, $field:ident: $type:ty)*) -> $object:ty;)+) => {
        $(
            #[doc = concat!("[`", stringify!($object), "`] without anything optional.")]
            #[must_use]
            #[allow(clippy::too_many_arguments, reason = "as many as the schema has")]
            pub fn $name($($field: $type),*) -> $object {
                let mut bytes = Vec::new();
                $({ let $flags = 0_u32; $flags.serialize(&mut bytes); })+
                $($field.serialize(&mut bytes);)*
                <$object>::from_bytes(&bytes).expect("required fields, with no flag set, are the whole object")
            }
        )+
    };
}

blanks! {
    // Requests.
    fn create_channel(flags, title: String, about: String) -> functions::channels::CreateChannel;
    fn create_forum_topic(
        flags, peer: enums::InputPeer, title: String, random_id: i64
    ) -> functions::messages::CreateForumTopic;
    fn delete_history(flags, peer: enums::InputPeer, max_id: i32) -> functions::messages::DeleteHistory;
    fn edit_exported_chat_invite(
        flags, peer: enums::InputPeer, link: String
    ) -> functions::messages::EditExportedChatInvite;
    fn edit_message(flags, peer: enums::InputPeer, id: i32) -> functions::messages::EditMessage;
    fn export_chat_invite(flags, peer: enums::InputPeer) -> functions::messages::ExportChatInvite;
    fn forward_messages(
        flags, from_peer: enums::InputPeer, id: Vec<i32>, random_id: Vec<i64>, to_peer: enums::InputPeer
    ) -> functions::messages::ForwardMessages;
    fn get_difference(flags, pts: i32, date: i32, qts: i32) -> functions::updates::GetDifference;
    fn save_draft(flags, peer: enums::InputPeer, message: String) -> functions::messages::SaveDraft;
    fn send_media(
        flags, peer: enums::InputPeer, media: enums::InputMedia, message: String, random_id: i64
    ) -> functions::messages::SendMedia;
    fn send_message(flags, peer: enums::InputPeer, message: String, random_id: i64) -> functions::messages::SendMessage;
    fn send_multi_media(
        flags, peer: enums::InputPeer, multi_media: Vec<enums::InputSingleMedia>
    ) -> functions::messages::SendMultiMedia;
    fn upload_profile_photo(flags) -> functions::photos::UploadProfilePhoto;

    // What clients send.
    fn code_settings(flags) -> types::CodeSettings;
    fn document_attribute_audio(flags, duration: i32) -> types::DocumentAttributeAudio;
    fn document_attribute_video(flags, duration: f64, w: i32, h: i32) -> types::DocumentAttributeVideo;
    fn input_media_document(flags, id: enums::InputDocument) -> types::InputMediaDocument;
    fn input_media_photo(flags, id: enums::InputPhoto) -> types::InputMediaPhoto;
    fn input_media_uploaded_document(
        flags, file: enums::InputFile, mime_type: String, attributes: Vec<enums::DocumentAttribute>
    ) -> types::InputMediaUploadedDocument;
    fn input_media_uploaded_photo(flags, file: enums::InputFile) -> types::InputMediaUploadedPhoto;
    fn input_media_web_page(flags, url: String) -> types::InputMediaWebPage;
    fn input_peer_notify_settings(flags) -> types::InputPeerNotifySettings;
    fn input_reply_to_message(flags, reply_to_msg_id: i32) -> types::InputReplyToMessage;

    // What the data centre says.
    fn bot_info(flags) -> types::BotInfo;
    fn channel(flags flags2, id: i64, title: String, photo: enums::ChatPhoto, date: i32) -> types::Channel;
    fn channel_full(
        flags flags2, id: i64, about: String, read_inbox_max_id: i32, read_outbox_max_id: i32, unread_count: i32,
        chat_photo: enums::Photo, notify_settings: enums::PeerNotifySettings, bot_info: Vec<enums::BotInfo>, pts: i32
    ) -> types::ChannelFull;
    fn chat(
        flags, id: i64, title: String, photo: enums::ChatPhoto, participants_count: i32, date: i32, version: i32
    ) -> types::Chat;
    fn chat_admin_rights(flags) -> types::ChatAdminRights;
    fn chat_banned_rights(flags, until_date: i32) -> types::ChatBannedRights;
    fn chat_full(
        flags, id: i64, about: String, participants: enums::ChatParticipants, notify_settings:
        enums::PeerNotifySettings
    ) -> types::ChatFull;
    fn chat_invite(flags, title: String, photo: enums::Photo, participants_count: i32, color: i32) -> types::ChatInvite;
    fn chat_invite_exported(flags, link: String, admin_id: i64, date: i32) -> types::ChatInviteExported;
    fn draft_message(flags, message: String, date: i32) -> types::DraftMessage;
    fn global_privacy_settings(flags) -> types::GlobalPrivacySettings;
    fn message(flags flags2, id: i32, peer_id: enums::Peer, date: i32, message: String) -> types::Message;
    fn message_fwd_header(flags, date: i32) -> types::MessageFwdHeader;
    fn message_media_document(flags) -> types::MessageMediaDocument;
    fn message_media_photo(flags) -> types::MessageMediaPhoto;
    fn message_media_web_page(flags, webpage: enums::WebPage) -> types::MessageMediaWebPage;
    fn message_reply_header(flags) -> types::MessageReplyHeader;
    fn message_service(
        flags, id: i32, peer_id: enums::Peer, date: i32, action: enums::MessageAction
    ) -> types::MessageService;
    fn message_views(flags) -> types::MessageViews;
    fn peer_notify_settings(flags) -> types::PeerNotifySettings;
    fn peer_settings(flags) -> types::PeerSettings;
    fn short_message(
        flags, id: i32, user_id: i64, message: String, pts: i32, pts_count: i32, date: i32
    ) -> types::UpdateShortMessage;
    fn short_sent_message(flags, id: i32, pts: i32, pts_count: i32, date: i32) -> types::UpdateShortSentMessage;
    fn user(flags flags2, id: i64) -> types::User;
    fn user_full(
        flags flags2, id: i64, settings: enums::PeerSettings, notify_settings: enums::PeerNotifySettings,
        common_chats_count: i32
    ) -> types::UserFull;
    fn web_page(flags, id: i64, url: String, display_url: String, hash: i32) -> types::WebPage;
}
