//! Samples and what is said of them.

use std::time::Duration;

use serde::Serialize;

/// How many samples of each there are to be, where there are to be few.
const FEW_VARIABLE: &str = "TGLHOST_BENCH_SAMPLES";

/// How many samples to take of what has so many in a whole run.
pub(crate) fn count(whole: usize) -> usize {
    few().map_or(whole, |few| few.min(whole))
}

/// Whether this run is to show no more than that everything can be measured.
pub(crate) fn are_few() -> bool {
    few().is_some()
}

fn few() -> Option<usize> {
    std::env::var(FEW_VARIABLE).ok()?.parse().ok()
}

/// One thing that was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measure {
    /// Names it for programs.
    pub(crate) id: &'static str,
    /// Says for people what was measured.
    pub(crate) what: &'static str,
    /// Of every figure here.
    pub(crate) unit: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub(crate) figures: Figures,
    /// How many samples there were, warm-up not counted.
    pub(crate) samples: usize,
    /// What the median, or the one figure, must not exceed; none for a measure that only explains another.
    pub(crate) budget: Option<f64>,
}

/// The figures of a measure.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Figures {
    /// Of many samples.
    Percentiles { p50: f64, p90: f64, p99: f64 },
    /// Found once.
    One { value: f64 },
}

impl Measure {
    /// Of durations, in a unit of this many seconds.
    pub(crate) fn of_times(
        id: &'static str,
        what: &'static str,
        (unit, unit_s): (&'static str, f64),
        mut times: Vec<Duration>,
        budget: Option<f64>,
    ) -> Self {
        times.sort_unstable();
        let figures = Figures::Percentiles {
            p50: percentile(&times, 50) / unit_s,
            p90: percentile(&times, 90) / unit_s,
            p99: percentile(&times, 99) / unit_s,
        };
        Self { id, what, unit, figures, samples: times.len(), budget }
    }

    /// Of one measure relative to another.
    pub(crate) fn ratio(id: &'static str, what: &'static str, of: &Self, to: &Self, budget: f64) -> Self {
        let figures = Figures::One { value: of.main_figure() / to.main_figure() };
        Self { id, what, unit: "×", figures, samples: of.samples, budget: Some(budget) }
    }

    /// The figure that the budget is for.
    pub(crate) fn main_figure(&self) -> f64 {
        match self.figures {
            Figures::Percentiles { p50, .. } => p50,
            Figures::One { value } => value,
        }
    }
}

/// Milliseconds, for [`Measure::of_times`].
pub(crate) const MS: (&str, f64) = ("ms", 1e-3);
/// Microseconds, for [`Measure::of_times`].
pub(crate) const US: (&str, f64) = ("µs", 1e-6);

/// In seconds, of sorted times: the smallest that at least `percent` of them do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(f64::NAN, Duration::as_secs_f64)
}
