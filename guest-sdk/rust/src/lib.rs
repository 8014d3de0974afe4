//! Write guests for tglhost in Rust: programs that the host runs in a sandbox of their own, with an account of Telegram.
//!
//! Invariant: a guest runs one callback at a time, and nothing of it runs between callbacks. So a guest needs no locks, and
//! what a call comes to is heard of only after the callback that made the call has returned.
//!
//! ```
//! use tgl_guest::{Message, Result, Script};
//!
//! #[derive(Default)]
//! struct Greeter {
//!     greeted: u32,
//! }
//!
//! impl Script for Greeter {
//!     fn on_message(&mut self, message: Message) -> Result {
//!         if !message.is_outgoing() && message.text.as_deref() == Some("hello") {
//!             message.reply("Hello to you!").then(|me: &mut Greeter, sent| {
//!                 sent?;
//!                 me.greeted += 1;
//!                 Ok(())
//!             })?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! tgl_guest::export!(Greeter);
//! ```
//!
//! A guest is a library with `crate-type = ["cdylib"]`, built for `wasm32-wasip2`. `cargo xtask run FOLDER` builds and runs it.
//!
//! Every function of [`calls`] gives a [`Call`], which leaves in one of three ways: [`Call::start`] (the answer does not matter),
//! [`Call::then`] (a closure gets the script and the answer), or `.await` in a future given to [`spawn`].
//!
//! A panic ends the instance, and the host starts the script anew. So answer errors with `?`: that ends only the callback, and
//! the host writes the error to the script's log.

#[doc(hidden)]
pub mod bindings;
mod call;
pub mod calls;
mod driver;
mod executor;
mod host;
mod pending;
mod types;

pub use bindings::tgl::script::host::{ExitMoment, LogLevel};
pub use bindings::tgl::script::types::{
    CallError, Changes, ContactCard, Dialog, Failure, Forward, GeoPoint, Group, Media, Message, MessageFlags,
    MessageId, Peer, PeerDetails, PeerId, PeerKind, SecretChat, ServiceAction, Timestamp, User, UserStatus, Venue,
    WebPage,
};
pub use call::{Answer, Call, Pending, SendMessage};
#[doc(hidden)]
pub use driver::Exported;
pub use executor::{TASKS_MAX, spawn};
pub use host::{exit, log, message, peer, set_timer};
pub use pending::CALLS_PENDING_MAX;

/// What callbacks, closures and tasks give back. An error ends only the callback; its text goes to the script's log.
pub type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// A script: a value that lives as long as its instance, and what it does when the host calls. Each callback does nothing
/// unless it is written.
///
/// The value is made with [`Default`] when the host first calls. Callbacks come in this order: [`on_our_id`](Script::on_our_id),
/// what was left from last time, [`on_binlog_replay_end`](Script::on_binlog_replay_end), what was missed,
/// [`on_get_difference_end`](Script::on_get_difference_end), and then everything as it happens.
pub trait Script: Default + 'static {
    /// The account that is logged in. First of all.
    fn on_our_id(&mut self, id: i64) -> Result {
        let _ = id;
        Ok(())
    }

    /// What was left from last time has been delivered. From here on, calls made so far leave.
    fn on_binlog_replay_end(&mut self) -> Result {
        Ok(())
    }

    /// What was missed while away has been delivered.
    fn on_get_difference_end(&mut self) -> Result {
        Ok(())
    }

    /// A message new to this account, its own included: look at [`Message::is_outgoing`] before you answer.
    fn on_message(&mut self, message: Message) -> Result {
        let _ = message;
        Ok(())
    }

    /// A user became known or changed.
    fn on_user_update(&mut self, user: Peer, what: Changes) -> Result {
        let _ = (user, what);
        Ok(())
    }

    /// A group became known or changed.
    fn on_chat_update(&mut self, chat: Peer, what: Changes) -> Result {
        let _ = (chat, what);
        Ok(())
    }

    /// A secret chat became known or changed.
    fn on_secret_chat_update(&mut self, chat: Peer, what: Changes) -> Result {
        let _ = (chat, what);
        Ok(())
    }

    /// The moment asked for with [`set_timer`] has come.
    fn on_timer(&mut self) -> Result {
        Ok(())
    }
}

/// Makes the component out of a [`Script`]: `tgl_guest::export!(MyScript);`, once, at the top of the guest's library.
///
/// Built for another target than WebAssembly it exports nothing, so that a guest can have ordinary unit tests.
#[macro_export]
macro_rules! export {
    ($script:ty) => {
        const _: () = {
            type ExportedScript = $crate::Exported<$script>;
            #[cfg(target_arch = "wasm32")]
    $crate::bindings::export_component!(ExportedScript with_types_in $crate::bindings);
            #[cfg(not(target_arch = "wasm32"))]
            const _: fn() -> Option<ExportedScript> = || None;
        };
    };
}

/// Writes a line to the script's log, formatted as by [`format!`]: `log!(LogLevel::Info, "{n} greeted")`.
#[macro_export]
macro_rules! log {
    ($level:expr, $($text:tt)+) => {
        $crate::log($level, &::std::format!($($text)+))
    };
}
