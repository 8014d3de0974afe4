//! How much text one script may have written: at once, and in the long run.
//!
//! Invariant: all that was taken or owed, over any time, is at most the burst and the rate times that time.

use std::time::Instant;

use sandbox::Limits;

/// A bucket that fills by itself.
#[derive(Debug)]
pub struct Allowance {
    bytes_per_s: u64,
    burst_bytes_max: i64,
    /// Below zero where something was written that had to be.
    left: i64,
    filled_at: Instant,
}

impl Allowance {
    /// Full: so much a second in the long run, and so much at once.
    pub fn new(bytes_per_s: u64, burst_bytes_max: u64) -> Self {
        let burst_bytes_max = i64::try_from(burst_bytes_max).unwrap_or(i64::MAX);
        Self { bytes_per_s, burst_bytes_max, left: burst_bytes_max, filled_at: Instant::now() }
    }

    /// Of what a script with these limits writes.
    pub fn of_output(limits: &Limits) -> Self {
        Self::new(limits.output_bytes_per_s, limits.output_burst_bytes_max)
    }

    /// Whether so much may be written now.
    pub fn has(&mut self, bytes: usize) -> bool {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if self.left < bytes {
            self.fill(Instant::now());
        }
        self.left >= bytes
    }

    /// Takes so much, whether it is there or not.
    pub fn take(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    fn fill(&mut self, now: Instant) {
        let elapsed_ms = now.saturating_duration_since(self.filled_at).as_millis() as u64;
        let gained = elapsed_ms.saturating_mul(self.bytes_per_s) / 1_000;
        if gained > 0 {
            self.left = self.left.saturating_add_unsigned(gained).min(self.burst_bytes_max);
            self.filled_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_fills_by_its_rate_up_to_its_burst_and_debts_are_paid_back() {
        let mut allowance = Allowance::new(1_000, 10);
        assert!(allowance.has(10) && !allowance.has(11), "more than can ever be there");
        allowance.take(30);
        let begun = allowance.filled_at;
        // after so many milliseconds, there are so many bytes
        for (after_ms, left) in [(0, -20), (15, -5), (26, 6), (500, 10)] {
            allowance.fill(begun + Duration::from_millis(after_ms));
            assert_eq!(allowance.left, left, "after {after_ms} ms");
        }
    }
}
