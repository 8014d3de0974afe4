//! A file's content as messages.
//!
//! Invariant: each message has a random id that follows from the call's, so that none is sent twice, and the call leaves
//! the outbox with the last. While they wait the text waits in memory, of which each script has a bounded share, and no
//! place for transfers is taken.

use files::OpenFile;
use tgl::{Failure, Outcome, PeerId};

use super::{TEXT_FILE_BYTES_MAX, upload};
use crate::calls::caller::blocking;
use crate::calls::{Caller, messages};
use crate::fault::Fault;

/// The longest message, in UTF-16 units: <https://core.telegram.org/method/messages.sendMessage>.
const MESSAGE_UNITS_MAX: usize = 4_096;

/// Sends what is in the file, in as many messages as it takes; the outcome is the last.
pub(super) async fn send(caller: &Caller, to: PeerId, path: &str) -> Result<Outcome, Fault> {
    let (seat, random_id) = (&caller.seat, caller.random_id);
    let file = upload::open(&seat.files, path).await?;
    let _held = seat.text(check_size(&file)?).await;
    let text = {
        let _disk = caller.context.transfers.disk().await;
        blocking(file, |file| read(&file)).await?
    };
    let pieces = pieces(&text);
    let Some((last, before)) = pieces.split_last() else { return Err(Fault::invalid("there is no text in the file")) };
    for (number, piece) in (1..).zip(before) {
        let part = caller.for_part();
        messages::send(&part, random_id.wrapping_add(number), to, piece, None, None).await?;
    }
    messages::send(caller, random_id, to, last, None, None).await
}

fn check_size(file: &OpenFile) -> Result<u32, Fault> {
    let (name, bytes) = (file.name(), file.len());
    u32::try_from(bytes).ok().filter(|_| bytes <= TEXT_FILE_BYTES_MAX).ok_or_else(|| {
        let why = format!("{name} has {bytes} bytes, and {TEXT_FILE_BYTES_MAX} is the most that is sent as text");
        Fault::new(Failure::LimitReached, why)
    })
}

fn read(file: &OpenFile) -> Result<String, Fault> {
    let name = file.name();
    let mut content = vec![0; file.len() as usize];
    file.read_at(&mut content, 0)
        .map_err(|error| Fault::new(Failure::Unavailable, format!("{name} cannot be read: {error}")))?;
    String::from_utf8(content).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Fault::invalid(format!(
            "{name} is not UTF-8 text (at byte {place}): save it as UTF-8, or send it as a document"
        ))
    })
}

/// Cuts a text into messages. What would be a message without anything to see is left out.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut units = 0;
        let fits = |(_, letter): &(usize, char)| {
            units += letter.len_utf16();
            units <= MESSAGE_UNITS_MAX
        };
        let end = rest.char_indices().take_while(fits).last().map_or(rest.len(), |(at, letter)| at + letter.len_utf8());
        let (piece, others) = rest.split_at(end);
        pieces.push(piece);
        rest = others;
    }
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_a_message_is_full() {
        let cases = [
            (String::new(), vec![]),
            (" \n".to_owned(), vec![]),
            ("hello".to_owned(), vec![5]),
            ("x".repeat(4_096), vec![4_096]),
            ("x".repeat(4_097), vec![4_096, 1]),
            ("ä".repeat(4_097), vec![8_192, 2]),
            ("😀".repeat(2_049), vec![8_192, 4]),
            (format!("{}{}{}", "x".repeat(4_096), " ".repeat(4_096), "y"), vec![4_096, 1]),
        ];
        for (text, lengths) in cases {
            assert_eq!(pieces(&text).into_iter().map(str::len).collect::<Vec<_>>(), lengths, "{text:.10}");
        }
    }
}
