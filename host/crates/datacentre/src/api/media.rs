//! From what clients send as media to what a message keeps: <https://core.telegram.org/type/InputMedia>.
//!
//! Nothing outside this data centre is ever reached, so media that Telegram would fetch from elsewhere is refused as
//! Telegram refuses what it cannot fetch; so is media that it does not offer.
//!
//! Invariant: what is kept has at most [`MEDIA_BYTES_MAX`], whatever a client sends.

use grammers_tl_types as tl;
use tl::{Serializable, enums, types};

use super::context::Context;
use super::error::{Answer, bad_request};
use super::image::{self, Image};
use super::{named, upload, view, webpages};
use crate::model::disk::Blob;
use crate::model::files::{self as stored, File, Thumb};
use crate::model::{random, users};

/// The longest media, as kept.
const MEDIA_BYTES_MAX: usize = 32 << 10;
/// The largest photo; anything above is to be sent as a document.
const PHOTO_BYTES_MAX: i64 = 10 << 20;
/// Width and height of a photo together, and how many times as long as the other one may be.
const PHOTO_SIDES_MAX_PIXELS: i32 = 10_000;
const PHOTO_RATIO_MAX: i32 = 20;
/// What photos' names may end in.
const PHOTO_EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "gif", "webp", "jfif"];
/// The largest thumbnail of a document, in bytes and in pixels of each side.
const THUMB_BYTES_MAX: i64 = 200 << 10;
const THUMB_PIXELS_MAX: i32 = 320;
/// The most attributes of a document.
const ATTRIBUTES_MAX: usize = 16;
/// What can be thrown, and how many ways it can fall.
const DICE: [(&str, u32); 6] = [("🎲", 6), ("🎯", 6), ("🎳", 6), ("🏀", 5), ("⚽", 5), ("🎰", 64)];
const MIME_DEFAULT: &str = "application/octet-stream";

/// What a message shows besides its text.
#[derive(Clone, Debug)]
pub(super) struct Media {
    /// As it is stored; [`view::files::refresh`] makes it one to show.
    pub(super) tl: enums::MessageMedia,
    /// The photos and documents in it.
    pub(super) files: Vec<i64>,
}

impl Media {
    /// Its bytes, as a content keeps them.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        Some(self.tl.to_bytes())
    }

    fn plain(tl: impl Into<enums::MessageMedia>) -> Media {
        Media { tl: tl.into(), files: Vec::new() }
    }
}

/// The media a client sends.
pub(super) fn of_input(context: &Context<'_>, input: &enums::InputMedia) -> Answer<Media> {
    use enums::InputMedia as M;
    let media = match input {
        M::Empty => return Err(bad_request("MEDIA_EMPTY")),
        M::UploadedPhoto(media) => uploaded_photo(context, media)?,
        M::Photo(media) => {
            check_lasting(media.ttl_seconds)?;
            photo_media(context, &named::files::by_input_photo(context, &media.id, "MEDIA_EMPTY")?, media.spoiler)
        }
        M::UploadedDocument(media) => uploaded_document(context, media)?,
        M::Document(media) => {
            check_lasting(media.ttl_seconds)?;
            document_media(context, &named::files::by_input_document(context, &media.id, "MEDIA_EMPTY")?, media.spoiler)
        }
        M::GeoPoint(media) => Media::plain(types::MessageMediaGeo { geo: geo_point(&media.geo_point)? }),
        M::Venue(media) => Media::plain(types::MessageMediaVenue {
            geo: geo_point(&media.geo_point)?,
            title: media.title.clone(),
            address: media.address.clone(),
            provider: media.provider.clone(),
            venue_id: media.venue_id.clone(),
            venue_type: media.venue_type.clone(),
        }),
        M::Contact(media) => contact(context, media)?,
        M::Dice(media) => dice(&media.emoticon)?,
        M::WebPage(media) => {
            webpages::media(&media.url).map(Media::plain).ok_or_else(|| bad_request("WEBPAGE_NOT_FOUND"))?
        }
        M::PhotoExternal(_) | M::DocumentExternal(_) => return Err(bad_request("WEBPAGE_CURL_FAILED")),
        _ => return Err(bad_request("MEDIA_INVALID")),
    };
    let fits = media.tl.to_bytes().len() <= MEDIA_BYTES_MAX;
    if fits { Ok(media) } else { Err(bad_request("MEDIA_INVALID")) }
}

/// A photo of an upload, checked and stored. Nothing refers to it yet.
pub(super) fn store_photo(context: &Context<'_>, file: &enums::InputFile) -> Answer<File> {
    let blob = upload::taken(context, file)?;
    if blob.size > PHOTO_BYTES_MAX {
        return Err(bad_request("PHOTO_SAVE_FILE_INVALID"));
    }
    let Image { mime, width, height } = image_in(context, &blob)?.ok_or_else(|| bad_request("IMAGE_PROCESS_FAILED"))?;
    let (shorter, longer) = (width.min(height), width.max(height));
    if width.saturating_add(height) > PHOTO_SIDES_MAX_PIXELS || longer > shorter.saturating_mul(PHOTO_RATIO_MAX) {
        return Err(bad_request("PHOTO_INVALID_DIMENSIONS"));
    }
    let mut photo = File::new(true, blob, context.now, mime.to_owned());
    (photo.width, photo.height) = (width, height);
    photo.id = stored::insert(context.db, &photo)?;
    Ok(photo)
}

fn uploaded_photo(context: &Context<'_>, media: &types::InputMediaUploadedPhoto) -> Answer<Media> {
    check_lasting(media.ttl_seconds)?;
    let extension = upload::name(&media.file).rsplit_once('.').map_or("", |(_, extension)| extension);
    if !PHOTO_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension)) {
        return Err(bad_request("PHOTO_EXT_INVALID"));
    }
    Ok(photo_media(context, &store_photo(context, &media.file)?, media.spoiler))
}

fn photo_media(context: &Context<'_>, file: &File, spoiler: bool) -> Media {
    let photo = Some(view::files::photo(context, file).into());
    let tl = types::MessageMediaPhoto { spoiler, photo, ..tl_blank::message_media_photo() };
    Media { tl: tl.into(), files: vec![file.id] }
}

fn uploaded_document(context: &Context<'_>, media: &types::InputMediaUploadedDocument) -> Answer<Media> {
    check_lasting(media.ttl_seconds)?;
    let blob = upload::taken(context, &media.file)?;
    let mime = Some(media.mime_type.clone()).filter(|mime| !mime.is_empty()).unwrap_or_else(|| MIME_DEFAULT.to_owned());
    let mut attributes: Vec<_> = media.attributes.iter().filter(|attribute| is_known(attribute)).cloned().collect();
    attributes.truncate(ATTRIBUTES_MAX);
    let sized = attributes.iter().any(|attribute| {
        matches!(attribute, enums::DocumentAttribute::ImageSize(_) | enums::DocumentAttribute::Video(_))
    });
    if mime.starts_with("image/")
        && !sized
        && let Some(Image { width: w, height: h, .. }) = image_in(context, &blob)?
    {
        attributes.insert(0, types::DocumentAttributeImageSize { w, h }.into());
    }
    let mut file = File::new(false, blob, context.now, mime);
    file.attributes = Some(attributes.to_bytes());
    file.thumb = media.thumb.as_ref().map(|thumb| uploaded_thumb(context, thumb)).transpose()?.flatten();
    file.id = stored::insert(context.db, &file)?;
    Ok(document_media(context, &file, media.spoiler))
}

/// A thumbnail as a client made it; one that is too large or no image is left out, as Telegram does.
fn uploaded_thumb(context: &Context<'_>, file: &enums::InputFile) -> Answer<Option<Thumb>> {
    let blob = upload::taken(context, file)?;
    let fits = |image: &Image| image.width.max(image.height) <= THUMB_PIXELS_MAX && blob.size <= THUMB_BYTES_MAX;
    let image = image_in(context, &blob)?.filter(fits);
    Ok(image.map(|Image { width, height, .. }| Thumb { blob, width, height }))
}

fn document_media(context: &Context<'_>, file: &File, spoiler: bool) -> Media {
    let document = view::files::document(context, file);
    let kind = Kind::of_attributes(&document.attributes);
    let tl = types::MessageMediaDocument {
        spoiler,
        video: matches!(kind, Kind::Video | Kind::RoundVideo),
        round: kind == Kind::RoundVideo,
        voice: kind == Kind::Voice,
        document: Some(document.into()),
        ..tl_blank::message_media_document()
    };
    Media { tl: tl.into(), files: vec![file.id] }
}

fn contact(context: &Context<'_>, media: &types::InputMediaContact) -> Answer<Media> {
    let digits: String = media.phone_number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Err(bad_request("PHONE_NUMBER_INVALID"));
    }
    if media.first_name.trim().is_empty() {
        return Err(bad_request("CONTACT_NAME_EMPTY"));
    }
    let user_id = users::by_phone(context.db, &digits)?.map_or(0, |user| user.id);
    Ok(Media::plain(types::MessageMediaContact {
        phone_number: media.phone_number.clone(),
        first_name: media.first_name.clone(),
        last_name: media.last_name.clone(),
        vcard: media.vcard.clone(),
        user_id,
    }))
}

/// What falls by chance: <https://core.telegram.org/api/dice>.
fn dice(emoticon: &str) -> Answer<Media> {
    let faces = DICE.iter().find(|(known, _)| *known == emoticon).map(|(_, faces)| *faces);
    let faces = faces.ok_or_else(|| bad_request("EMOTICON_INVALID"))?;
    let value = 1 + (u32::from_le_bytes(random()) % faces).cast_signed();
    Ok(Media::plain(types::MessageMediaDice { value, emoticon: emoticon.to_owned(), game_outcome: None }))
}

fn geo_point(input: &enums::InputGeoPoint) -> Answer<enums::GeoPoint> {
    let enums::InputGeoPoint::Point(point) = input else { return Err(bad_request("MEDIA_EMPTY")) };
    if !(-90.0..=90.0).contains(&point.lat) || !(-180.0..=180.0).contains(&point.long) {
        return Err(bad_request("GEO_POINT_INVALID"));
    }
    let access_hash = i64::from_le_bytes(random());
    let accuracy_radius = point.accuracy_radius;
    Ok(types::GeoPoint { long: point.long, lat: point.lat, access_hash, accuracy_radius }.into())
}

/// Media that destroys itself is not offered.
fn check_lasting(ttl_seconds: Option<i32>) -> Answer<()> {
    if ttl_seconds.is_some() { Err(bad_request("TTL_MEDIA_INVALID")) } else { Ok(()) }
}

fn image_in(context: &Context<'_>, blob: &Blob) -> Answer<Option<Image>> {
    Ok(image::image(&context.model.disk.read(blob, 0, image::HEAD_BYTES)?))
}

/// Attributes that are kept as a client sends them; those that name sticker sets are not, there are none.
fn is_known(attribute: &enums::DocumentAttribute) -> bool {
    use enums::DocumentAttribute as A;
    match attribute {
        A::Sticker(sticker) => sticker.stickerset == enums::InputStickerSet::Empty,
        A::CustomEmoji(_) => false,
        _ => true,
    }
}

/// What kind of media a message has, as <https://core.telegram.org/type/MessagesFilter> tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Photo,
    Video,
    RoundVideo,
    Gif,
    Voice,
    Music,
    Sticker,
    Document,
    Geo,
    Contact,
    WebPage,
}

impl Kind {
    /// The kind of a message's media.
    pub(super) fn of(media: &enums::MessageMedia) -> Option<Kind> {
        use enums::MessageMedia as M;
        match media {
            M::Photo(_) => Some(Kind::Photo),
            M::Document(media) => match &media.document {
                Some(enums::Document::Document(document)) => Some(Kind::of_attributes(&document.attributes)),
                _ => Some(Kind::Document),
            },
            M::Geo(_) | M::Venue(_) => Some(Kind::Geo),
            M::Contact(_) => Some(Kind::Contact),
            M::WebPage(_) => Some(Kind::WebPage),
            _ => None,
        }
    }

    /// Whether it can be in an album with this other one: <https://core.telegram.org/api/files#albums-grouped-media>.
    pub(super) fn goes_with(self, other: Kind) -> bool {
        let group = |kind| match kind {
            Kind::Photo | Kind::Video => Some(0),
            Kind::Document => Some(1),
            Kind::Music => Some(2),
            _ => None,
        };
        group(self).is_some() && group(self) == group(other)
    }

    fn of_attributes(attributes: &[enums::DocumentAttribute]) -> Kind {
        use enums::DocumentAttribute as A;
        let kind = |attribute: &A| match attribute {
            A::Animated => Some(Kind::Gif),
            A::Sticker(_) => Some(Kind::Sticker),
            A::Video(video) if video.round_message => Some(Kind::RoundVideo),
            A::Audio(audio) if audio.voice => Some(Kind::Voice),
            _ => None,
        };
        let plain = |attribute: &A| match attribute {
            A::Video(_) => Some(Kind::Video),
            A::Audio(_) => Some(Kind::Music),
            _ => None,
        };
        attributes.iter().find_map(kind).or_else(|| attributes.iter().find_map(plain)).unwrap_or(Kind::Document)
    }
}
