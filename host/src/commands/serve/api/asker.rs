//! Who asks, and how often they may.
//!
//! Invariant: a tenant reaches what is its own, and does not learn what else there is.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::listen::Caller;
use super::tokens::{Pass, Tokens};
use crate::commands::serve::refusal::Refusal;

/// Questions of one tenant within a second, in the long run, and at once.
const TENANT_PER_S_MAX: NonZeroU32 = NonZeroU32::new(20).unwrap();
const TENANT_BURST_MAX: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Questions of one tenant that are being answered at one time, of the places that all tenants share.
const TENANT_AT_ONCE_MAX: usize = 32;
/// Questions of all together whom nobody knows, within a second in the long run, and at once.
const UNKNOWN_PER_S_MAX: NonZeroU32 = NonZeroU32::new(5).unwrap();
const UNKNOWN_BURST_MAX: NonZeroU32 = NonZeroU32::new(50).unwrap();

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The host's owner, at its socket.
    Owner,
    /// A tenant, by its token.
    Tenant(Arc<str>),
}

impl Asker {
    /// Whether what is this tenant's may be seen.
    pub(super) fn may_see(&self, tenant: &str) -> bool {
        match self {
            Self::Owner => true,
            Self::Tenant(own) => **own == *tenant,
        }
    }

    /// # Errors
    /// Where it is not the owner who asks.
    pub(super) fn owner_only(&self) -> Result<(), Refusal> {
        if *self == Self::Owner { Ok(()) } else { Err(Refusal::OwnerOnly) }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::Unknown)
    }
}

/// What decides who asks by TCP. Cheap to clone.
#[derive(Clone)]
pub(super) struct Doorkeeper {
    shared: Arc<Shared>,
}

struct Shared {
    tokens: Tokens,
    tenants: Mutex<BTreeMap<Arc<str>, Arc<Door>>>,
    unknown: DefaultDirectRateLimiter,
}

/// One tenant's way in.
struct Door {
    limiter: DefaultDirectRateLimiter,
    /// Those who ask and are not answered yet.
    asking: Semaphore,
    /// Whoever changes something: a tenant's changes wait for each other here, so that others' do not.
    turn: tokio::sync::Mutex<()>,
}

impl Doorkeeper {
    pub(super) fn new(tokens: Tokens) -> Self {
        let unknown = RateLimiter::direct(Quota::per_second(UNKNOWN_PER_S_MAX).allow_burst(UNKNOWN_BURST_MAX));
        Self { shared: Arc::new(Shared { tokens, tenants: Mutex::default(), unknown }) }
    }

    /// Who has this token, if so much may be asked.
    fn admit(&self, token: Option<&str>) -> Result<(Asker, Pass, Arc<Door>), Refusal> {
        let too_much = |_| Refusal::TooMuch("this is asked too often: ask again in a second".to_owned());
        let Some((tenant, pass)) = token.and_then(|token| self.shared.tokens.tenant_of(token)) else {
            self.shared.unknown.check().map_err(too_much)?;
            return Err(Refusal::Unknown);
        };
        let quota = || Quota::per_second(TENANT_PER_S_MAX).allow_burst(TENANT_BURST_MAX);
        let new = || {
            let (limiter, turn) = (RateLimiter::direct(quota()), tokio::sync::Mutex::default());
            Arc::new(Door { limiter, asking: Semaphore::new(TENANT_AT_ONCE_MAX), turn })
        };
        let door = {
            let mut tenants = self.shared.tenants.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(tenants.entry(Arc::clone(&tenant)).or_insert_with(new))
        };
        door.limiter.check().map_err(too_much)?;
        Ok((Asker::Tenant(tenant), pass, door))
    }
}

/// Lets through who has a tenant's token.
pub(super) async fn by_token(State(doorkeeper): State<Doorkeeper>, mut request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    match doorkeeper.admit(header.and_then(|header| header.strip_prefix("Bearer "))) {
        Ok((asker, pass, door)) => {
            request.extensions_mut().insert(asker);
            request.extensions_mut().insert(pass);
            let Ok(_asking) = door.asking.try_acquire() else {
                let at_once =
                    format!("{TENANT_AT_ONCE_MAX} questions of this tenant are being answered: ask again in a while");
                return Refusal::TooMuch(at_once).into_response();
            };
            request.extensions().get::<Caller>().inspect(|caller| caller.is_let_through());
            let _turn = if request.method() == Method::GET { None } else { Some(door.turn.lock().await) };
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets through everybody, as the owner: at the socket that nobody else can open.
pub(super) async fn as_owner(mut request: Request, next: Next) -> Response {
    request.extensions().get::<Caller>().inspect(|caller| caller.is_let_through());
    request.extensions_mut().insert(Asker::Owner);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_waits_and_nobody_else_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = Tokens::open(folder.path()).expect("opened");
        let (ann, ben) = (tokens.make("ann").expect("made"), tokens.make("ben").expect("made"));
        let doorkeeper = Doorkeeper::new(tokens);
        let admitted = |token: &str| doorkeeper.admit(Some(token)).map(|(asker, ..)| asker);
        let until_refused = |token: &str| (0..1_000).find(|_| matches!(admitted(token), Err(Refusal::TooMuch(_))));
        assert!(until_refused(&ann).is_some_and(|times| times >= TENANT_BURST_MAX.get() as usize));
        assert_eq!(admitted(&ben).expect("another's"), Asker::Tenant("ben".into()));
        assert!(until_refused("tglhost_guess").is_some_and(|times| times >= UNKNOWN_BURST_MAX.get() as usize));
        assert_eq!(admitted(&ben).expect("known"), Asker::Tenant("ben".into()));
    }
}
