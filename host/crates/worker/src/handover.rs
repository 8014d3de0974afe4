//! Frames with open descriptors, by a Unix socket, while a worker is set up.
//!
//! Invariant: a frame's descriptors come with its head, so each arrives with what it belongs to. What comes is closed at an
//! exec, and is closed again where nobody takes it.
//!
//! Source: <https://man7.org/linux/man-pages/man7/unix.7.html> (SCM_RIGHTS).

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::protocol::ORDER_BYTES_MAX;

/// Descriptors of one frame.
pub const DESCRIPTORS_MAX: usize = 32;

/// A frame's head: how many bytes follow, the lowest first.
const HEAD_BYTES: usize = 4;

/// Sends a message and its descriptors. Blocks.
///
/// # Errors
/// As the system says; [`io::ErrorKind::InvalidInput`] for a message that is too long or has too many descriptors.
pub fn hand_over(socket: &UnixStream, message: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let too_much = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let body = postcard::to_extend(message, Vec::new()).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|length| *length as usize <= ORDER_BYTES_MAX);
    let head = length.ok_or_else(|| too_much("it is too long for a worker"))?.to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let is_added = descriptors.is_empty()
        || descriptors.len() <= DESCRIPTORS_MAX && rights.push(SendAncillaryMessage::ScmRights(descriptors));
    if !is_added {
        return Err(too_much("it has too many folders for a worker"));
    }
    let sent = sendmsg(socket, &[IoSlice::new(&head)], &mut rights, SendFlags::NOSIGNAL)?;
    (&*socket).write_all(&head[sent..])?;
    (&*socket).write_all(&body)
}

/// The next message and its descriptors. Blocks.
///
/// # Errors
/// As the system says, and where what comes is no such message; `EMFILE` where this process may not have as many descriptors.
pub fn take_over<T: DeserializeOwned>(socket: &UnixStream) -> io::Result<(T, Vec<OwnedFd>)> {
    let mut head = [0; HEAD_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut head)], &mut rights, RecvFlags::CMSG_CLOEXEC)?;
    let descriptors = rights
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    // The sender keeps to the bound, so it is this process's own that cut them short.
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(Errno::MFILE.into());
    }
    (&*socket).read_exact(&mut head[received.bytes..])?;
    let length = u32::from_le_bytes(head) as usize;
    if length > ORDER_BYTES_MAX {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut body = vec![0; length];
    (&*socket).read_exact(&mut body)?;
    Ok((postcard::from_bytes(&body).map_err(io::Error::other)?, descriptors))
}

#[cfg(test)]
mod tests {
    use std::io::Seek;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_handed_over_arrives_with_what_it_belongs_to() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"held open").unwrap();
        let long = "x".repeat(100_000);
        let sender = std::thread::spawn(move || {
            let both = [file.as_fd(), file.as_fd()];
            hand_over(&ours, &"none", &[]).unwrap();
            hand_over(&ours, &long, &both[..1]).unwrap();
            hand_over(&ours, &"two", &both).unwrap();
            let too_many = vec![file.as_fd(); DESCRIPTORS_MAX + 1];
            assert_eq!(hand_over(&ours, &"many", &too_many).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        });
        for (message_bytes, count) in [(4, 0), (100_000, 1), (3, 2)] {
            let (message, descriptors): (String, _) = take_over(&theirs).unwrap();
            assert_eq!((message.len(), descriptors.len()), (message_bytes, count));
            for descriptor in descriptors {
                let (mut file, mut text) = (std::fs::File::from(descriptor), String::new());
                file.rewind().unwrap();
                file.read_to_string(&mut text).unwrap();
                assert_eq!(text, "held open");
            }
        }
        sender.join().unwrap();
        assert!(take_over::<String>(&theirs).is_err(), "the other side has gone");
    }
}
