//! What is killed or stopped at any moment loses nothing and does nothing twice.

mod apart;
mod databases;
mod ends;
mod load;
mod serving;
mod system;
mod workers;

/// A fixed sequence that looks random, so that a failure can be had again.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        Self(7)
    }

    /// The next one, below `max`.
    fn below(&mut self, max: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % max
    }
}
