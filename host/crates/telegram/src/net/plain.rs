//! Messages without a key, by which keys are made: <https://core.telegram.org/mtproto/description#unencrypted-message>.
//!
//! Invariant: one question at a time, and its answer.

use grammers_mtproto::mtp::{self, Deserialization, Mtp};
use grammers_tl_types as tl;
use tl::Deserializable;
use tokio::net::TcpStream;

use super::packets::{Fault, Packets};

/// A connection that has no key yet.
pub(crate) struct Plain {
    packets: Packets,
    mtp: mtp::Plain,
}

impl Plain {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { packets: Packets::new(stream), mtp: mtp::Plain::new() }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn invoke<R: tl::RemoteCall>(&mut self, request: &R) -> Result<R::Return, Fault> {
        let free = self.packets.free().ok_or(Fault::Garbage)?;
        self.mtp.push(free, &request.to_bytes());
        self.mtp.finalize(free);
        self.packets.seal();
        loop {
            self.packets.step().await?;
            let Some(packet) = self.packets.next()? else { continue };
            let messages = self.mtp.deserialize(packet).map_err(|_| Fault::Garbage)?;
            let Some(Deserialization::RpcResult(answer)) = messages.into_iter().next() else {
                return Err(Fault::Garbage);
            };
            return R::Return::from_bytes(&answer.body).map_err(|_| Fault::Garbage);
        }
    }
}
