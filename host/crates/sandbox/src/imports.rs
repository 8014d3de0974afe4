//! What guests call: the state behind one guest's imports, and the linker that all guests share.
//!
//! Invariant: an import only hands data over; it never blocks and never calls back into the guest.

use tgl::{Call, FileKind, FilePart, MessageId, Page, PeerId, Presence, RequestId, TypingState};
use thiserror::Error;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Result};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::Script;
use crate::bindings::tgl::script::{calls, host, lookup, types};
use crate::convert::{FromGuest, ToGuest};
use crate::host::{ExitMoment, LogLevel, Output};
use crate::limits::Limiter;
use crate::outlet::Outlet;
use crate::quota::{self, Handles, Quota};
use crate::random;

/// What belongs to one guest on the host's side.
pub(crate) struct Guest {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limiter: Limiter,
    pub(crate) outlet: Outlet,
    pub(crate) quota: Quota,
    pub(crate) filesystem: WasiFilesystemCtx,
    pub(crate) handles: Handles,
    pub(crate) random_bytes_max: u64,
}

/// A guest made so many calls that not even their refusals can be kept.
#[derive(Debug, Error)]
#[error("too many calls without a completion")]
pub(crate) struct CallsExhausted;

/// Everything that a guest may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    linker.allow_shadowing(true);
    quota::add_to_linker(&mut linker)?;
    random::add_to_linker(&mut linker)?;
    linker.allow_shadowing(false);
    Script::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

impl Guest {
    async fn call(&mut self, call: Call) -> Result<RequestId> {
        let named = self.outlet.ask(|host| host.call(call)).await;
        Ok(named.ok_or(CallsExhausted)?)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for Guest {}

/// One function for each call of the table.
macro_rules! imports {
    ($(
        $(#[$attribute:meta])*
        $function:ident $call:ident $({ $($argument:ident: $type:ty $([$bound:ident])?),* })?
        -> $outcome:ident, $($property:ident $(($of:ident))?),*;
    )*) => {
        impl calls::Host for Guest {
            $(imports!(@$function $call $($($argument: $type),*)?);)*
        }
    };
    // The contract has two of its arguments in a record.
    (@send_message $call:ident $($argument:ident: $type:ty),*) => {
        async fn send_message(
            &mut self,
            to: types::PeerId,
            text: String,
            options: calls::SendOptions,
        ) -> Result<RequestId> {
            let calls::SendOptions { reply_to, preview } = options;
            self.call(Call::$call { to: FromGuest::from_guest(to), text, reply_to, preview }).await
        }
    };
    (@$function:ident $call:ident $($argument:ident: $type:ty),*) => {
        async fn $function(&mut self, $($argument: <$type as FromGuest>::Guest),*) -> Result<RequestId> {
            self.call(Call::$call { $($argument: FromGuest::from_guest($argument)),* }).await
        }
    };
}

tgl::calls!(imports);

impl lookup::Host for Guest {
    async fn get_peer(&mut self, id: types::PeerId) -> Result<Option<types::Peer>> {
        Ok(self.outlet.ask(|host| host.peer(PeerId::from_guest(id))).await.map(|peer| peer.to_guest()))
    }

    async fn get_message(&mut self, id: types::MessageId) -> Result<Option<types::Message>> {
        Ok(self.outlet.ask(|host| host.message(id)).await.map(|message| message.to_guest()))
    }
}

impl host::Host for Guest {
    fn log(&mut self, level: host::LogLevel, text: String) -> Result<()> {
        let level = match level {
            host::LogLevel::Trace => LogLevel::Trace,
            host::LogLevel::Debug => LogLevel::Debug,
            host::LogLevel::Info => LogLevel::Info,
            host::LogLevel::Warn => LogLevel::Warn,
            host::LogLevel::Error => LogLevel::Error,
        };
        self.outlet.log(level, &text);
        Ok(())
    }

    fn print(&mut self, to: host::Output, text: String) -> Result<()> {
        let to = match to {
            host::Output::Stdout => Output::Stdout,
            host::Output::Stderr => Output::Stderr,
        };
        self.outlet.print(to, &text);
        Ok(())
    }

    fn set_timer(&mut self, after_ms: u64) -> Result<()> {
        self.outlet.ask(|host| host.set_timer(after_ms));
        Ok(())
    }

    fn exit(&mut self, code: u8, moment: host::ExitMoment) -> Result<()> {
        let moment = match moment {
            host::ExitMoment::Drained => ExitMoment::Drained,
            host::ExitMoment::Now => ExitMoment::Now,
        };
        self.outlet.ask(|host| host.exit(code, moment));
        Ok(())
    }
}
