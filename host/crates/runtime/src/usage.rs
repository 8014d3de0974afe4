//! What a script has used since it was started, for those who watch it.
//!
//! Invariant: it only ever grows, its memory aside, and it costs a few additions per event.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tgl::LimitCounts;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Events handled.
    pub events: u64,
    /// Calls made.
    pub calls: u64,
    /// CPU time, in microseconds.
    pub cpu_us: u64,
    /// Linear memory now, in bytes, over all memories of the guest; what it has not written to is shared with others.
    pub memory_bytes: u64,
    /// How often it has reached each of its limits.
    pub limits_reached: LimitCounts,
    /// How long the callbacks of events took, from their begin to their end.
    pub callbacks: Durations,
}

impl Usage {
    /// This, after what was used before. Neither is believed to have a sum that fits.
    pub fn after(&self, before: &Self) -> Self {
        Self {
            events: self.events.saturating_add(before.events),
            calls: self.calls.saturating_add(before.calls),
            cpu_us: self.cpu_us.saturating_add(before.cpu_us),
            memory_bytes: self.memory_bytes,
            limits_reached: self.limits_reached.and(&before.limits_reached),
            callbacks: self.callbacks.and(&before.callbacks),
        }
    }
}

/// How many durations there are of each order of magnitude.
const ORDERS: usize = 28;

/// Durations, counted by their order of magnitude: by powers of two of a microsecond, up to two minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    counts: [u64; ORDERS],
    sum_us: u64,
}

impl Durations {
    /// Counts one more.
    pub(crate) fn add(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let order = (u64::BITS - us.leading_zeros()) as usize;
        self.counts[order.min(ORDERS - 1)] += 1;
        self.sum_us = self.sum_us.saturating_add(us);
    }

    /// These and those.
    fn and(&self, those: &Self) -> Self {
        let count = |order: usize| self.counts[order].saturating_add(those.counts[order]);
        Self { counts: std::array::from_fn(count), sum_us: self.sum_us.saturating_add(those.sum_us) }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// All of them together, in microseconds.
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// How many are shorter than a bound, with that bound in microseconds: one pair for each power of two, in their order.
    pub fn below_us(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts.iter().enumerate().scan(0_u64, |below, (order, count)| {
            *below = below.saturating_add(*count);
            Some((1 << order, *below))
        })
    }

    /// The duration that this share of them (from 0 to 1) is shorter than, in microseconds: a power of two, 0 without any.
    pub fn quantile_us(&self, share: f64) -> u64 {
        let (count, mut bounds) = (self.count(), self.below_us());
        let wanted = (count as f64 * share).ceil().max(1.0) as u64;
        bounds.find(|(_, below)| count > 0 && *below >= wanted).map_or(0, |(bound, _)| bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_by_their_order() {
        let mut durations = Durations::default();
        assert_eq!((durations.quantile_us(0.5), durations.count()), (0, 0));
        for us in [0, 1, 3, 100, 100, 100, 100, 100, 100, 5_000_000_000] {
            durations.add(Duration::from_micros(us));
        }
        assert_eq!((durations.count(), durations.sum_us()), (10, 5_000_000_604));
        let quantiles = [0.1, 0.2, 0.3, 0.5, 0.9, 0.99].map(|share| durations.quantile_us(share));
        assert_eq!(quantiles, [1, 2, 4, 128, 128, 1 << 27]);
    }
}
