//! Loading what a message carries, in parts: <https://core.telegram.org/api/files#downloading-files>.
//!
//! Invariant: a part is written where it belongs as soon as it is there; the file has its name when all of them are.

use std::sync::Arc;

use files::Incoming;
use futures_util::{StreamExt, TryStreamExt};
use grammers_tl_types as tl;
use store::MediaFile;
use tgl::{Failure, FilePart, MessageId, Outcome};
use tl::{Identifiable, Serializable, enums, functions};
use tokio::sync::Mutex;

use super::part;
use super::progress::Progress;
use super::target::Target;
use super::{LOAD_BYTES_MAX, PART_BYTES, PARTS_IN_FLIGHT_MAX, file_error};
use crate::calls::caller::{Body, Way, blocking};
use crate::calls::{Caller, contents, messages};
use crate::fault::Fault;
use crate::naming::unknown_message;

/// Loads a part of a message's media into the script's private folder; the outcome is the guest's path.
pub(crate) async fn load(caller: &Caller, id: MessageId, part: FilePart) -> Result<Outcome, Fault> {
    let seat = &caller.seat;
    let target = Target::of(&media_of(caller, id).await?, part)?;
    check_size(target.bytes)?;
    let transfers = &caller.context.transfers;
    let _name = transfers.saving(&seat.script, &target.name).await;
    let at = (seat.files.clone(), target.name.clone(), target.bytes);
    let saved = blocking(at.clone(), |(files, name, bytes)| files.saved(&name, bytes).map_err(file_error));
    if let Some(path) = saved.await? {
        return Ok(Outcome::File(path));
    }
    let _slot = transfers.slot(&seat.script).await;
    let incoming = blocking(at, |(files, name, bytes)| files.save(&name, bytes).map_err(file_error)).await?;
    let progress = Progress::new(seat.notes.clone(), &format!("loading {}", target.name), target.bytes);
    let download =
        Download { caller, id, part, incoming: Arc::new(incoming), source: Mutex::new(Source::new(target)), progress };
    download.whole().await
}

/// Where the server keeps a message's photo or file.
///
/// # Errors
/// [`Failure::NotFound`] where the account does not know the message, or it carries neither.
pub(super) async fn media_of(caller: &Caller, id: MessageId) -> Result<MediaFile, Fault> {
    let store = &caller.context.store;
    if let Some(media) = store.media(id)? {
        return Ok(media);
    }
    let message = store.message(id)?.ok_or_else(|| unknown_message(id))?;
    match message.media {
        Some(tgl::Media::Photo(_) | tgl::Media::Document) => fetch_media(caller, id).await,
        _ => Err(Fault::new(Failure::NotFound, "the message carries no photo and no file")),
    }
}

/// Fetches the message again, and with it a new reference to its file.
pub(super) async fn fetch_media(caller: &Caller, id: MessageId) -> Result<MediaFile, Fault> {
    let store = &caller.context.store;
    let (messages, users, chats) = contents(messages::fetch(caller, id).await?);
    caller.context.intake().learn(&users, &chats, &messages)?;
    let media = store.media(id)?;
    media.ok_or_else(|| Fault::new(Failure::NotFound, "the message carries no photo and no file any more"))
}

fn check_size(bytes: u64) -> Result<(), Fault> {
    if bytes <= LOAD_BYTES_MAX {
        return Ok(());
    }
    let why = format!("the file has {bytes} bytes, and {LOAD_BYTES_MAX} is the most that is loaded");
    Err(Fault::new(Failure::LimitReached, why))
}

/// What the server is asked for, and whether a new reference to it was fetched already.
struct Source {
    target: Target,
    dc_id: Option<i32>,
    is_renewed: bool,
}

struct Download<'a> {
    caller: &'a Caller,
    id: MessageId,
    part: FilePart,
    incoming: Arc<Incoming>,
    source: Mutex<Source>,
    progress: Progress,
}

impl Source {
    fn new(target: Target) -> Self {
        Self { target, dc_id: None, is_renewed: false }
    }
}

impl Download<'_> {
    async fn whole(self) -> Result<Outcome, Fault> {
        let bytes = self.source.lock().await.target.bytes;
        let offsets = (0..bytes.div_ceil(PART_BYTES)).map(|part| part * PART_BYTES);
        let parts = futures_util::stream::iter(offsets).map(|offset| self.part_at(offset, bytes));
        let loaded = match parts.buffer_unordered(PARTS_IN_FLIGHT_MAX).try_collect::<()>().await {
            Ok(()) => blocking(self.incoming.clone(), |incoming| incoming.finish().map_err(file_error)).await,
            Err(error) => Err(error),
        };
        // A part may still be on its way to the disk: nothing of it is seen any more.
        loaded.inspect_err(|_| self.incoming.abandon()).map(Outcome::File)
    }

    async fn part_at(&self, offset: u64, bytes: u64) -> Result<(), Fault> {
        let wanted = (bytes - offset).min(PART_BYTES);
        let mut is_foreign_known = false;
        let (_, answer) = loop {
            let (location, dc_id) = {
                let source = self.source.lock().await;
                (source.target.location.clone(), source.dc_id)
            };
            match self.ask(location.clone(), dc_id, offset).await {
                Ok(answer) => break answer,
                Err(error) if is_expired(&error) => self.renew(&location, error).await?,
                Err(error) => match (migrated_to(&error), dc_id) {
                    // Already asked there: a redirect loop.
                    (Some(to), from) if from != Some(to) => self.move_to(to, error).await?,
                    (None, Some(dc_id)) if error.is_named("AUTH_KEY_UNREGISTERED") && !is_foreign_known => {
                        is_foreign_known = true;
                        self.introduce(dc_id).await?;
                    }
                    _ => return Err(error),
                },
            }
        };
        let wrong = || Fault::new(Failure::Unavailable, "the file at the server is not what it was said to be");
        let place = part::payload(&answer).filter(|place| place.len() as u64 == wanted).ok_or_else(wrong)?;
        let _disk = self.caller.context.transfers.disk().await;
        blocking(self.incoming.clone(), move |incoming| incoming.write_at(&answer[place], offset).map_err(file_error))
            .await?;
        self.progress.add(wanted);
        Ok(())
    }

    /// upload.getFile: <https://core.telegram.org/method/upload.getFile>.
    async fn ask(
        &self,
        location: enums::InputFileLocation,
        dc_id: Option<i32>,
        offset: u64,
    ) -> Result<(u64, Vec<u8>), Fault> {
        let request = functions::upload::GetFile {
            precise: false,
            cdn_supported: false,
            location,
            offset: offset.cast_signed(),
            limit: PART_BYTES as i32,
        };
        let body = Body::Whole(request.to_bytes());
        self.caller.exchange(functions::upload::GetFile::CONSTRUCTOR_ID, Way::Files { dc_id }, &body).await
    }

    /// The reference has expired: the first part to hear of it fetches a new one, once.
    async fn renew(&self, expired: &enums::InputFileLocation, error: Fault) -> Result<(), Fault> {
        let mut source = self.source.lock().await;
        if source.target.location != *expired {
            return Ok(());
        }
        if std::mem::replace(&mut source.is_renewed, true) {
            return Err(error);
        }
        let target = Target::of(&fetch_media(self.caller, self.id).await?, self.part)?;
        if (&target.name, target.bytes) != (&source.target.name, source.target.bytes) {
            return Err(Fault::new(Failure::NotFound, "the message carries another file now"));
        }
        source.target = target;
        Ok(())
    }

    /// The file is in another data centre. That is said once.
    async fn move_to(&self, dc_id: i32, error: Fault) -> Result<(), Fault> {
        let mut source = self.source.lock().await;
        match source.dc_id.replace(dc_id) {
            Some(known) if known != dc_id => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes us known in another data centre: <https://core.telegram.org/api/datacenter#authorization-transfer>.
    async fn introduce(&self, dc_id: i32) -> Result<(), Fault> {
        // One part does it for all.
        let _source = self.source.lock().await;
        let export = functions::auth::ExportAuthorization { dc_id };
        let enums::auth::ExportedAuthorization::Authorization(exported) = self.caller.invoke(&export).await?;
        let import = functions::auth::ImportAuthorization { id: exported.id, bytes: exported.bytes };
        let body = Body::Whole(import.to_bytes());
        let method = functions::auth::ImportAuthorization::CONSTRUCTOR_ID;
        self.caller.exchange(method, Way::Files { dc_id: Some(dc_id) }, &body).await.map(drop)
    }
}

/// <https://core.telegram.org/api/file_reference>
pub(super) fn is_expired(error: &Fault) -> bool {
    error.rpc().is_some_and(|error| error.name.starts_with("FILE_REFERENCE_"))
}

fn migrated_to(error: &Fault) -> Option<i32> {
    error.rpc().filter(|error| error.name == "FILE_MIGRATE")?.value?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_not_begun() {
        assert!(check_size(LOAD_BYTES_MAX).is_ok());
        assert_eq!(check_size(LOAD_BYTES_MAX + 1).unwrap_err().told().kind, Failure::LimitReached);
    }
}
