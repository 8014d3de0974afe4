//! Errors of a tenant's scripts, told in the chat that its file names.
//!
//! Invariant: a kind of error is told once within an hour, and [`ERRORS_TOLD_PER_HOUR_MAX`] of a tenant at most, so errors that
//! the telling brings about come to an end by themselves. Whoever has an error waits for nobody.

mod hour;
mod told;
mod traceback;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use broker::Attachment;
use config::{ERRORS_TOLD_PER_HOUR_MAX, ErrorsTo};
use files::FileSpace;
use runtime::ScriptOutput;
use supervisor::Account;
use tgl::{Call, CallGroup, Chats, Giver, Grants, PeerId, ScriptName};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use self::hour::Hour;
use self::told::{Fault, Heard};
use crate::output::Output;

/// Texts that wait to be sent: as many as an hour's errors and what is told at its end.
const TEXTS_WAITING_MAX: usize = ERRORS_TOLD_PER_HOUR_MAX + 1;

/// One tenant's errors. Cheap to clone.
#[derive(Clone)]
pub(super) struct Errors {
    shared: Arc<Shared>,
}

struct Shared {
    tenant: Arc<str>,
    counts: Arc<ErrorCounts>,
    hour: Arc<Mutex<Hour>>,
    way: Mutex<Option<Way>>,
}

/// How many errors there were since the host was started.
#[derive(Default)]
pub(super) struct ErrorCounts {
    all: AtomicU64,
    told: AtomicU64,
}

/// Where they go.
struct Way {
    to: ErrorsTo,
    texts: mpsc::Sender<String>,
}

impl ErrorCounts {
    /// All, and those that were told in the tenant's chat.
    pub(super) fn read(&self) -> (u64, u64) {
        (self.all.load(Ordering::Relaxed), self.told.load(Ordering::Relaxed))
    }
}

impl Errors {
    /// Those of this tenant, which go nowhere yet.
    pub(super) fn of(tenant: &str) -> Self {
        let shared =
            Shared { tenant: tenant.into(), counts: Arc::default(), hour: Arc::default(), way: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// How many there were.
    pub(super) fn counts(&self) -> Arc<ErrorCounts> {
        Arc::clone(&self.shared.counts)
    }

    /// What a script says, of which errors are heard here too.
    pub(super) fn heard_in(&self, output: Arc<dyn ScriptOutput>, script: &Arc<str>) -> Arc<dyn ScriptOutput> {
        Arc::new(Heard::new(output, Arc::clone(script), self.clone()))
    }

    /// Has them told there from now on, by this account: it is none where that is not at work.
    pub(super) fn go(&self, to: Option<&ErrorsTo>, account: Option<&Account>, output: &Output) {
        let mut way = lock(&self.shared.way);
        if way.as_ref().is_some_and(|way| Some(&way.to) == to && !way.texts.is_closed()) {
            return;
        }
        *way = None;
        let (Some(to), Some(account)) = (to, account) else { return };
        let (texts, waiting) = mpsc::channel(TEXTS_WAITING_MAX);
        let teller = Teller {
            tenant: Arc::clone(&self.shared.tenant),
            attachment: account.telegram().attach(
                // No script is called so: their names have a dot.
                ScriptName::from(&*self.shared.tenant),
                FileSpace::empty(),
                may_send_to(to.chat),
            ),
            chat: to.chat,
            hour: Arc::clone(&self.shared.hour),
            counts: self.counts(),
            output: output.clone(),
            has_failed: false,
        };
        tokio::spawn(teller.run(waiting));
        *way = Some(Way { to: to.clone(), texts });
    }

    /// Something went wrong with a script.
    fn hear(&self, fault: &Fault<'_>) {
        self.shared.counts.all.fetch_add(1, Ordering::Relaxed);
        let way = lock(&self.shared.way);
        let Some(way) = &*way else { return };
        if lock(&self.shared.hour).admits(&fault.kind(), Instant::now()) {
            // Where so many wait already, one more would not be read either.
            let _ = way.texts.try_send(fault.text(&self.shared.tenant));
        }
    }
}

/// Has errors of tenants told where each wants them.
pub(super) fn keep_only(errors: &mut BTreeMap<Arc<str>, Errors>, tenants: &[Arc<str>]) {
    errors.retain(|tenant, _| tenants.contains(tenant));
    for tenant in tenants {
        errors.entry(Arc::clone(tenant)).or_insert_with(|| Errors::of(tenant));
    }
}

fn may_send_to(chat: PeerId) -> Grants {
    Grants {
        calls: [CallGroup::Send].into(),
        chats: Arc::new(Chats { listed: [chat].into(), ..Chats::default() }),
        giver: Giver::TenantFile,
        ..Grants::default()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells one tenant's errors, until nobody has any or the account has gone.
struct Teller {
    tenant: Arc<str>,
    attachment: Attachment,
    chat: PeerId,
    hour: Arc<Mutex<Hour>>,
    counts: Arc<ErrorCounts>,
    output: Output,
    /// The last one could not be sent, which was said.
    has_failed: bool,
}

impl Teller {
    async fn run(mut self, mut texts: mpsc::Receiver<String>) {
        loop {
            let hours_end = lock(&self.hour).ends_at();
            let hour = async {
                match hours_end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            let text = tokio::select! {
                text = texts.recv() => text,
                () = hour => match lock(&self.hour).end(Instant::now()) {
                    0 => continue,
                    more => Some(format!(
                        "{}: {more} more errors within the last hour, of kinds told before or beyond {ERRORS_TOLD_PER_HOUR_MAX}; \
                         the scripts' logs have them",
                        self.tenant
                    )),
                },
                () = self.attachment.requests.closed() => None,
            };
            let Some(text) = text else { return };
            self.tell(text).await;
        }
    }

    async fn tell(&mut self, text: String) {
        let call = Call::SendMessage { to: self.chat, text, reply_to: None, preview: Some(false) };
        let why = match self.attachment.send(1, call).await {
            Err(error) => error.to_string(),
            Ok(()) => match self.attachment.completions.recv().await.map(|arrived| arrived.completion.result) {
                Some(Ok(_)) => {
                    self.counts.told.fetch_add(1, Ordering::Relaxed);
                    self.has_failed = false;
                    return;
                }
                Some(Err(error)) => error.detail,
                None => "its account is not at work any more".to_owned(),
            },
        };
        if !std::mem::replace(&mut self.has_failed, true) {
            self.output.note(&format!(
                "Errors of {} cannot be told in {}, which its file names in [errors]: {why}. The next one is tried again.",
                self.tenant, self.chat
            ));
        }
    }
}
