//! What guests call: the state behind one guest's imports, and the linker that all guests share.
//!
//! Invariant: an import only hands data over; it never waits and never calls back into the guest.

use tgl::{Call, RequestId};
use thiserror::Error;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Result};
use wasmtime_wasi::filesystem::WasiFilesystemCtx;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::Script;
use crate::bindings::tgl::script::{calls, host, lookup, types};
use crate::host::{ExitMoment, LogLevel, Output};
use crate::limits::Limiter;
use crate::outlet::Outlet;
use crate::quota::{self, Handles, Quota};

/// What belongs to one guest on the host's side.
pub(crate) struct Guest {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) limiter: Limiter,
    pub(crate) outlet: Outlet,
    pub(crate) quota: Quota,
    pub(crate) filesystem: WasiFilesystemCtx,
    pub(crate) handles: Handles,
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
    linker.allow_shadowing(false);
    Script::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

impl Guest {
    fn call(&mut self, call: Call) -> Result<RequestId> {
        Ok(self.outlet.ask(|host| host.call(call)).ok_or(CallsExhausted)?)
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl types::Host for Guest {}

impl calls::Host for Guest {
    fn get_contacts(&mut self) -> Result<RequestId> {
        self.call(Call::GetContacts)
    }

    fn get_dialogs(&mut self) -> Result<RequestId> {
        self.call(Call::GetDialogs)
    }

    fn add_contact(&mut self, phone: String, first_name: String, last_name: String) -> Result<RequestId> {
        self.call(Call::AddContact { phone, first_name, last_name })
    }

    fn delete_contact(&mut self, user: types::PeerId) -> Result<RequestId> {
        self.call(Call::DeleteContact { user: user.into() })
    }

    fn set_profile_name(&mut self, first_name: String, last_name: String) -> Result<RequestId> {
        self.call(Call::SetProfileName { first_name, last_name })
    }

    fn set_profile_photo(&mut self, path: String) -> Result<RequestId> {
        self.call(Call::SetProfilePhoto { path })
    }

    fn set_presence(&mut self, state: calls::Presence) -> Result<RequestId> {
        self.call(Call::SetPresence { state: state.into() })
    }

    fn send_message(&mut self, to: types::PeerId, text: String, options: calls::SendOptions) -> Result<RequestId> {
        let calls::SendOptions { reply_to, preview } = options;
        self.call(Call::SendMessage { to: to.into(), text, reply_to, preview })
    }

    fn send_file(&mut self, to: types::PeerId, kind: calls::FileKind, path: String) -> Result<RequestId> {
        self.call(Call::SendFile { to: to.into(), kind: kind.into(), path })
    }

    fn send_location(&mut self, to: types::PeerId, latitude: f64, longitude: f64) -> Result<RequestId> {
        self.call(Call::SendLocation { to: to.into(), latitude, longitude })
    }

    fn send_contact(
        &mut self,
        to: types::PeerId,
        phone: String,
        first_name: String,
        last_name: String,
    ) -> Result<RequestId> {
        self.call(Call::SendContact { to: to.into(), phone, first_name, last_name })
    }

    fn forward_message(&mut self, to: types::PeerId, id: types::MessageId) -> Result<RequestId> {
        self.call(Call::ForwardMessage { to: to.into(), id })
    }

    fn forward_media(&mut self, to: types::PeerId, id: types::MessageId) -> Result<RequestId> {
        self.call(Call::ForwardMedia { to: to.into(), id })
    }

    fn delete_message(&mut self, id: types::MessageId) -> Result<RequestId> {
        self.call(Call::DeleteMessage { id })
    }

    fn restore_message(&mut self, id: types::MessageId) -> Result<RequestId> {
        self.call(Call::RestoreMessage { id })
    }

    fn mark_read(&mut self, peer: types::PeerId) -> Result<RequestId> {
        self.call(Call::MarkRead { peer: peer.into() })
    }

    fn set_typing(&mut self, peer: types::PeerId, state: calls::TypingState) -> Result<RequestId> {
        self.call(Call::SetTyping { peer: peer.into(), state: state.into() })
    }

    fn get_history(&mut self, peer: types::PeerId, range: calls::Page) -> Result<RequestId> {
        self.call(Call::GetHistory { peer: peer.into(), page: range.into() })
    }

    fn search_messages(&mut self, peer: Option<types::PeerId>, text: String, range: calls::Page) -> Result<RequestId> {
        self.call(Call::SearchMessages { peer: peer.map(Into::into), text, page: range.into() })
    }

    fn get_peer_info(&mut self, peer: types::PeerId) -> Result<RequestId> {
        self.call(Call::GetPeerInfo { peer: peer.into() })
    }

    fn load_file(&mut self, message: types::MessageId, part: calls::FilePart) -> Result<RequestId> {
        self.call(Call::LoadFile { message, part: part.into() })
    }

    fn create_chat(&mut self, users: Vec<types::PeerId>, title: String) -> Result<RequestId> {
        self.call(Call::CreateChat { users: users.into_iter().map(Into::into).collect(), title })
    }

    fn rename_chat(&mut self, chat: types::PeerId, title: String) -> Result<RequestId> {
        self.call(Call::RenameChat { chat: chat.into(), title })
    }

    fn set_chat_photo(&mut self, chat: types::PeerId, path: String) -> Result<RequestId> {
        self.call(Call::SetChatPhoto { chat: chat.into(), path })
    }

    fn add_chat_user(&mut self, chat: types::PeerId, user: types::PeerId) -> Result<RequestId> {
        self.call(Call::AddChatUser { chat: chat.into(), user: user.into() })
    }

    fn delete_chat_user(&mut self, chat: types::PeerId, user: types::PeerId) -> Result<RequestId> {
        self.call(Call::DeleteChatUser { chat: chat.into(), user: user.into() })
    }

    fn join_chat_by_link(&mut self, link: String) -> Result<RequestId> {
        self.call(Call::JoinChatByLink { link })
    }

    fn create_secret_chat(&mut self, user: types::PeerId) -> Result<RequestId> {
        self.call(Call::CreateSecretChat { user: user.into() })
    }

    fn accept_secret_chat(&mut self, chat: types::PeerId) -> Result<RequestId> {
        self.call(Call::AcceptSecretChat { chat: chat.into() })
    }

    fn raw_query(&mut self, text: String) -> Result<RequestId> {
        self.call(Call::RawQuery { text })
    }
}

impl lookup::Host for Guest {
    fn get_peer(&mut self, id: types::PeerId) -> Result<Option<types::Peer>> {
        Ok(self.outlet.ask(|host| host.peer(id.into())).map(|peer| types::Peer::from(&peer)))
    }

    fn get_message(&mut self, id: types::MessageId) -> Result<Option<types::Message>> {
        Ok(self.outlet.ask(|host| host.message(id)).map(|message| types::Message::from(&message)))
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
