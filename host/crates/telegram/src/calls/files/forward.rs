//! Sending what a message carries again, without saying where it comes from.
//!
//! Invariant: nothing is loaded and brought again: the server takes its own file.

use grammers_tl_types as tl;
use store::{MediaFile, MediaKind};
use tgl::{Failure, GeoPoint, Media, MessageId, Outcome, PeerId};
use tl::{enums, types};

use super::download::{fetch_media, is_expired, media_of};
use crate::calls::{Caller, messages};
use crate::fault::Fault;
use crate::naming::unknown_message;

/// messages.sendMedia with what the message has: <https://core.telegram.org/method/messages.sendMedia>.
pub(crate) async fn forward_media(
    caller: &Caller,
    random_id: i64,
    to: PeerId,
    id: MessageId,
) -> Result<Outcome, Fault> {
    let message = caller.context.store.message(id)?;
    let media = message.ok_or_else(|| unknown_message(id))?.media;
    let media = match media {
        None => return Err(Fault::new(Failure::NotFound, "the message carries nothing but its text")),
        Some(Media::Photo(_) | Media::Document) => input(&media_of(caller, id).await?),
        Some(Media::Geo(point)) => types::InputMediaGeoPoint { geo_point: geo_point(point) }.into(),
        Some(Media::Venue(venue)) => types::InputMediaVenue {
            geo_point: geo_point(venue.point),
            title: venue.title,
            address: venue.address,
            provider: venue.provider,
            venue_id: venue.id,
            venue_type: String::new(),
        }
        .into(),
        Some(Media::Contact(card)) => types::InputMediaContact {
            phone_number: card.phone,
            first_name: card.first_name,
            last_name: card.last_name,
            vcard: String::new(),
        }
        .into(),
        Some(Media::WebPage(_)) => return Err(Fault::invalid("a link's preview cannot be sent without its text")),
        Some(Media::Unsupported) => return Err(Fault::invalid("what this message carries cannot be sent on its own")),
    };
    match messages::send_media(caller, random_id, to, media).await {
        Err(error) if is_expired(&error) => {
            let media = input(&fetch_media(caller, id).await?);
            messages::send_media(caller, random_id, to, media).await
        }
        ended => ended,
    }
}

fn input(media: &MediaFile) -> enums::InputMedia {
    let (id, access_hash, file_reference) = (media.id, media.access_hash, media.reference.clone());
    match media.kind {
        MediaKind::Photo => {
            tl_blank::input_media_photo(types::InputPhoto { id, access_hash, file_reference }.into()).into()
        }
        MediaKind::Document => {
            tl_blank::input_media_document(types::InputDocument { id, access_hash, file_reference }.into()).into()
        }
    }
}

fn geo_point(point: GeoPoint) -> enums::InputGeoPoint {
    types::InputGeoPoint { lat: point.latitude, long: point.longitude, accuracy_radius: None }.into()
}
