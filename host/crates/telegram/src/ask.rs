//! What the host asks of the data centre on its own behalf: to catch up.
//!
//! Invariant: one question waits no longer than [`FLOOD_WAIT_MAX`] in all because the data centre says FLOOD_WAIT.

use std::time::Duration;

use grammers_client::sender::RpcError;
use grammers_tl_types as tl;

use crate::rpc_error::{self, InvokeError};

/// How long one call, of the host's own or of a script, waits in all because the data centre says FLOOD_WAIT. A longer wait is
/// told to who made it.
pub(crate) const FLOOD_WAIT_MAX: Duration = Duration::from_secs(300);

/// Parts of one difference that are fetched in one go. What remains is fetched after a pause: a data centre that has always
/// more to give does not get all of the host.
pub(crate) const PARTS_MAX: u32 = 10_000;
const PAUSE: Duration = Duration::from_secs(1);

/// Who is asked: the account's data centre.
pub(crate) trait Ask: Sync {
    /// Makes one call that is serialised already.
    fn ask_raw(&self, request: Vec<u8>) -> impl Future<Output = Result<Vec<u8>, InvokeError>> + Send;

    /// Makes one call.
    fn ask<R: tl::RemoteCall>(&self, request: &R) -> impl Future<Output = Result<R::Return, InvokeError>> + Send {
        let request = request.to_bytes();
        async move { rpc_error::read::<R>(&self.ask_raw(request).await?) }
    }

    /// Makes one call, and again after each wait that the data centre wants, up to [`FLOOD_WAIT_MAX`] in all. No script
    /// waits for it.
    fn ask_patiently<R: tl::RemoteCall>(
        &self,
        request: &R,
    ) -> impl Future<Output = Result<R::Return, InvokeError>> + Send {
        let request = request.to_bytes();
        async move {
            let mut patience = Patience(FLOOD_WAIT_MAX);
            loop {
                let error = match self.ask_raw(request.clone()).await {
                    Err(InvokeError::Rpc(error)) => error,
                    answer => return rpc_error::read::<R>(&answer?),
                };
                let Some(wait) = patience.wait_for(&error) else { return Err(InvokeError::Rpc(error)) };
                tracing::info!(error = rpc_error::name(&error), "the data centre wants to be asked later");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// How many parts of a difference were fetched since the last pause.
#[derive(Debug, Default)]
pub(crate) struct Round(u32);

impl Round {
    /// To be waited for before each part.
    pub(crate) async fn next_part(&mut self) {
        if self.0 >= PARTS_MAX {
            tracing::info!("what was missed takes long; it goes on after a pause");
            tokio::time::sleep(PAUSE).await;
            self.0 = 0;
        }
        self.0 += 1;
    }

    /// What was done in place of a part was as much as a round: the next part comes after a pause.
    pub(crate) fn end(&mut self) {
        self.0 = PARTS_MAX;
    }
}

/// How much longer may be waited.
pub(crate) struct Patience(pub(crate) Duration);

impl Patience {
    /// How long to wait before the same is asked again; none where that would be too long, or does not help.
    pub(crate) fn wait_for(&mut self, error: &RpcError) -> Option<Duration> {
        let wait = Some(rpc_error::flood_wait(error)).filter(|_| error.code == 420)?;
        self.0 = self.0.checked_sub(wait)?;
        Some(wait)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use store::{AccountStore, Owner, UpdateState};
    use tempfile::TempDir;
    use tgl::AccountState;
    use tl::{enums, functions, types};
    use tokio::sync::watch;

    use super::*;
    use crate::config::DcAddress;
    use crate::context::Context;
    use crate::intake::Intake;
    use crate::intake::tests::{ADA, CHANNEL, US, channel, user};
    use crate::session::StoreSession;
    use crate::transfers::Transfers;

    /// An account that knows Ada and a channel, up to pts 10 in either.
    pub(crate) fn context(dir: &TempDir) -> Arc<Context> {
        let context = new_context(dir);
        let mut intake = context.intake();
        intake.begin_difference();
        intake.begin_at(UpdateState { pts: 10, qts: 1, date: 100, seq: 0 });
        intake.end_difference();
        intake.learn(&[user(ADA, "Ada", |_| {})], &[channel(|_| {})], &[]).unwrap();
        intake.write(|batch| batch.set_channel_pts(CHANNEL, Some(10))).unwrap();
        drop(intake);
        context
    }

    /// An account that has just logged in.
    pub(crate) fn new_context(dir: &TempDir) -> Arc<Context> {
        let store = AccountStore::open(dir.path()).unwrap();
        let owner = Owner { user_id: US, is_bot: false };
        store.set_owner(owner).unwrap();
        // Somebody for whom events are kept.
        store.scripts().join("test.py").unwrap();
        let intake = Intake::open(store.clone(), owner, watch::Sender::new(AccountState::default())).unwrap();
        let session = Arc::new(StoreSession::open(store.clone(), &DcAddress::Telegram, None).unwrap());
        Arc::new(Context::new(store, intake, Transfers::new(session, 1)))
    }

    /// A data centre that answers by a function: of the request's method and what follows it.
    pub(crate) struct Answering<F>(pub(crate) F);

    impl<F: Fn(u32, &[u8]) -> Result<Vec<u8>, RpcError> + Sync> Ask for Answering<F> {
        async fn ask_raw(&self, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
            let (method, rest) = request.split_at(4);
            (self.0)(u32::from_le_bytes(method.try_into().unwrap()), rest).map_err(InvokeError::Rpc)
        }
    }

    /// A conversation with nothing unread.
    pub(crate) fn dialog(peer: enums::Peer, top_message: i32, pts: Option<i32>) -> enums::Dialog {
        types::Dialog {
            pinned: false,
            unread_mark: false,
            view_forum_as_messages: false,
            peer,
            top_message,
            read_inbox_max_id: 0,
            read_outbox_max_id: 0,
            unread_count: 0,
            unread_mentions_count: 0,
            unread_reactions_count: 0,
            unread_poll_votes_count: 0,
            notify_settings: tl_blank::peer_notify_settings().into(),
            pts,
            draft: None,
            folder_id: None,
            ttl_period: None,
        }
        .into()
    }

    /// How many messages are in the inbox.
    pub(crate) fn messages_kept(context: &Context) -> usize {
        let events = context.store.scripts().inbox_after(0, 100_000).unwrap();
        events.iter().filter(|(_, event)| matches!(&***event, tgl::Event::Message(_))).count()
    }

    pub(crate) fn error(code: i32, name: &str, value: Option<u32>) -> RpcError {
        RpcError { code, name: name.to_owned(), value, caused_by: None }
    }

    #[test]
    fn all_waits_of_a_call_together_are_bounded() {
        let flood = |seconds| error(420, "FLOOD_WAIT", Some(seconds));
        for (waits, expected) in [
            (vec![1; 300], 300),
            (vec![1; 301], 300),
            (vec![300, 1], 1),
            (vec![301], 0),
            (vec![299, 2, 1, 1], 2),
            (vec![u32::MAX], 0),
        ] {
            let mut patience = Patience(FLOOD_WAIT_MAX);
            let waited = waits.iter().filter(|seconds| patience.wait_for(&flood(**seconds)).is_some()).count();
            assert_eq!(waited, expected, "{waits:?}");
        }
        assert_eq!(Patience(FLOOD_WAIT_MAX).wait_for(&error(400, "PEER_ID_INVALID", None)), None);
    }

    #[tokio::test]
    async fn what_would_have_to_wait_too_long_is_given_back() {
        let asked = AtomicU32::new(0);
        let dc = Answering(|_, _: &[u8]| {
            let seconds = if asked.fetch_add(1, Ordering::Relaxed) == 0 { 1 } else { 300 };
            Err(error(420, "FLOOD_WAIT", Some(seconds)))
        });
        let given = dc.ask_patiently(&functions::updates::GetState {}).await;
        assert!(matches!(given, Err(InvokeError::Rpc(error)) if error.value == Some(300)));
        assert_eq!(asked.load(Ordering::Relaxed), 2, "once more after the wait that was short enough");
    }
}
