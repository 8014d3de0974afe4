//! Sending a file of the script's.
//!
//! Invariant: the same call sends one message, however often parts of it or the whole of it are tried.

use tgl::{FileKind, Outcome, PeerId};

use super::upload::{self, Upload};
use super::{kinds, text};
use crate::calls::caller::blocking;
use crate::calls::{Caller, messages};
use crate::fault::Fault;

/// How often parts are brought again because the data centre has lost them.
const MISSING_TRIES_MAX: u32 = 16;

/// messages.sendMedia with a file: <https://core.telegram.org/method/messages.sendMedia>.
pub(crate) async fn send(caller: &Caller, to: PeerId, kind: FileKind, path: &str) -> Result<Outcome, Fault> {
    // Before anything is brought anywhere.
    caller.context.input_peer(to)?;
    if kind == FileKind::Text {
        return text::send(caller, to, path).await;
    }
    let transfers = &caller.context.transfers;
    let slot = transfers.slot(&caller.seat.script).await;
    let file = upload::open(&caller.seat.files, path).await?;
    let kind = blocking(file.clone(), move |file| kinds::kind(&file, kind)).await?;
    let upload = Upload::whole(caller, file.clone()).await?;
    drop(slot);
    let mut tries = 0;
    loop {
        let media = kind.media(&upload, file.name());
        match messages::send_media(caller, caller.random_id, to, media).await {
            Err(error) if tries < MISSING_TRIES_MAX => {
                let part = missing_part(&error).ok_or(error)?;
                tries += 1;
                let _slot = transfers.slot(&caller.seat.script).await;
                upload.part(caller, part).await?;
            }
            ended => return ended,
        }
    }
}

/// The part that the data centre has lost: <https://core.telegram.org/api/files#uploading-files>.
pub(super) fn missing_part(error: &Fault) -> Option<u32> {
    error.rpc().filter(|error| error.name == "FILE_PART_MISSING")?.value
}

#[cfg(test)]
mod tests {
    use grammers_tl_types as tl;

    use super::*;

    #[test]
    fn a_missing_part_has_a_number() {
        for (said, part) in [
            ("FILE_PART_0_MISSING", Some(0)),
            ("FILE_PART_3999_MISSING", Some(3999)),
            ("FILE_PARTS_INVALID", None),
            ("FILE_PART_-1_MISSING", None),
            ("FILE_PART__MISSING", None),
        ] {
            let error = tl::types::RpcError { error_code: 400, error_message: said.to_owned() };
            assert_eq!(missing_part(&Fault::Rpc(error.into())), part, "{said}");
        }
    }
}
