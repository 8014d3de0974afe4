//! One seat for each account that somebody logs in to: who takes a step of its login has it, and leaves the login there for
//! the next step.
//!
//! Invariant: a login is in one hand or on its seat; on its seat it stays for so long only, and there are so many seats.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::refusal::Refusal;

/// Who wants a seat waits so long for whoever has it.
const SEAT_WAIT_MAX: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Seats<T> {
    seats_max: usize,
    stay_max: Duration,
    seats: Mutex<BTreeMap<String, Arc<Seat<T>>>>,
}

struct Seat<T> {
    /// How often a login was begun here.
    begun: watch::Sender<u64>,
    left: Arc<tokio::sync::Mutex<Option<Left<T>>>>,
}

/// What was left for the next step.
struct Left<T> {
    login: T,
    _stay: Stay,
}

/// Ends a stay where it is gone on with.
struct Stay(AbortHandle);

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A seat in hand.
pub(super) struct Taken<T> {
    /// What was left there by the step before.
    pub(super) login: Option<T>,
    begun: watch::Receiver<u64>,
    place: OwnedMutexGuard<Option<Left<T>>>,
    stay_max: Duration,
    /// Nobody else's seat while this is there.
    _seat: Arc<Seat<T>>,
}

impl<T: Send + 'static> Seats<T> {
    /// So many, on each of which a login stays so long.
    pub(super) fn new(seats_max: usize, stay_max: Duration) -> Self {
        Self { seats_max, stay_max, seats: Mutex::default() }
    }

    /// Takes the account's seat, once whoever has it has done. Who begins a login `anew` hurries those who can be: see
    /// [`Taken::until_begun_anew`].
    ///
    /// # Errors
    /// Where there are too many, or it takes too long.
    pub(super) async fn take(&self, account: &str, anew: bool) -> Result<Taken<T>, Refusal> {
        let seat = self.seat(account)?;
        let mut begun = seat.begun.subscribe();
        if anew {
            seat.begun.send_modify(|count| *count += 1);
            begun.mark_unchanged();
        }
        let place = timeout(SEAT_WAIT_MAX, Arc::clone(&seat.left).lock_owned()).await;
        let mut place = place.map_err(|_| Refusal::Busy)?;
        let login = place.take().map(|left| left.login);
        Ok(Taken { login, begun, place, stay_max: self.stay_max, _seat: seat })
    }

    fn seat(&self, account: &str) -> Result<Arc<Seat<T>>, Refusal> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.retain(|_, seat| seat.is_taken());
        if seats.len() >= self.seats_max && !seats.contains_key(account) {
            let max = self.seats_max;
            return Err(Refusal::TooMuch(format!("{max} logins are under way: try again in a while")));
        }
        let new = || Arc::new(Seat { begun: watch::Sender::new(0), left: Arc::default() });
        Ok(Arc::clone(seats.entry(account.to_owned()).or_insert_with(new)))
    }
}

impl<T> Seat<T> {
    /// Somebody has it, or a login is on it.
    fn is_taken(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1 || self.left.try_lock().is_ok_and(|left| left.is_some())
    }
}

impl<T: Send + 'static> Taken<T> {
    /// Ready when somebody else begins a login of this account.
    pub(super) async fn until_begun_anew(&mut self) {
        // The seat outlives this: it does not fail.
        let _ = self.begun.changed().await;
    }

    /// Leaves the login for the next step.
    pub(super) fn leave(mut self, login: T) {
        let (place, stay_max) = (Arc::clone(OwnedMutexGuard::mutex(&self.place)), self.stay_max);
        let stay = tokio::spawn(async move {
            sleep(stay_max).await;
            *place.lock().await = None;
        });
        *self.place = Some(Left { login, _stay: Stay(stay.abort_handle()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_so_many_seats() {
        let seats = Seats::new(2, Duration::from_secs(60));
        let held = seats.take("ann", true).await.expect("there is room");
        seats.take("ben", true).await.expect("there is room").leave("ben's");
        assert!(matches!(seats.take("eve", true).await, Err(Refusal::TooMuch(_))));
        assert_eq!(seats.take("ben", false).await.expect("it is ben's").login, Some("ben's"));
        seats.take("eve", true).await.expect("nobody has ben's");
        drop(held);
    }

    #[tokio::test]
    async fn a_login_stays_so_long() {
        let seats = Seats::new(1, Duration::from_millis(1));
        seats.take("ann", true).await.expect("there is room").leave("ann's");
        while seats.take("ben", true).await.is_err() {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(seats.take("ann", false).await.expect("there is room").login, None);
    }

    #[tokio::test]
    async fn who_begins_anew_hurries_who_waits() {
        let seats = Arc::new(Seats::new(1, Duration::from_secs(60)));
        let mut first = seats.take("ann", true).await.expect("there is room");
        let second = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { seats.take("ann", true).await.map(|taken| taken.login) }
        });
        first.until_begun_anew().await;
        first.leave(1);
        assert_eq!(second.await.expect("no panic").ok(), Some(Some(1)));
    }
}
