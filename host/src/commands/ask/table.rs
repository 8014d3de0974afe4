//! What a host answers, as rows for people.
//!
//! Invariant: a row is one line, and what is compared stands in columns.

use std::collections::HashMap;
use std::time::Instant;

use crate::api::types::{AccountStanding, ScriptStanding};

/// Scripts that `top` shows at most.
const SHOWN_MAX: usize = 40;

/// A script: what it is, how it stands, what waits.
pub(super) fn standing(script: &ScriptStanding) -> String {
    let ScriptStanding { tenant, name, account, state, waiting_events, waiting_calls, .. } = script;
    let state = state.as_str();
    let mut row =
        format!("{tenant}/{name}\t{account}\t{state}\t{waiting_events} events and {waiting_calls} calls wait");
    if script.lost_events > 0 {
        row.push_str(&format!(", {} events are lost", script.lost_events));
    }
    if script.crashes > 0 {
        row.push_str(&format!(", {} crashes", script.crashes));
    }
    if let Some(why) = &script.why {
        row.push_str(&format!("\t{}", why.trim_end().lines().next_back().unwrap_or_default()));
    }
    row
}

/// An account: what it is, how it stands, who runs on it.
pub(super) fn account(account: &AccountStanding) -> String {
    let AccountStanding { name, state, why, scripts, .. } = account;
    let why = why.as_ref().map(|why| format!("\t{why}")).unwrap_or_default();
    format!("{name}\t{}\t{scripts} scripts{why}", state.as_str())
}

/// What scripts have used, with a head.
pub(super) fn usage(scripts: &[ScriptStanding]) -> Vec<String> {
    let head = ["SCRIPT", "EVENTS", "CALLS", "CPU s", "MEMORY MiB", "CALLBACK p50 ms", "p99 ms", "LIMITS REACHED"]
        .map(str::to_owned);
    let row = |script: &ScriptStanding| {
        let usage = &script.usage;
        [
            format!("{}/{}", script.tenant, script.name),
            usage.events.to_string(),
            usage.calls.to_string(),
            seconds(usage.cpu_ms),
            mib(usage.memory_bytes),
            ms(usage.callback_us_p50),
            ms(usage.callback_us_p99),
            usage
                .limits_reached
                .iter()
                .map(|(limit, count)| format!("{limit} {count}×"))
                .collect::<Vec<_>>()
                .join(", "),
        ]
    };
    columns(std::iter::once(head).chain(scripts.iter().map(row)).collect())
}

/// What is used now, seen again and again.
pub(super) struct Top {
    /// CPU milliseconds and events of each script, as they were last seen.
    before: HashMap<(String, String), (u64, u64)>,
    at: Instant,
}

impl Top {
    /// Begins at what was used by then.
    pub(super) fn new(scripts: Vec<ScriptStanding>) -> Self {
        let mut top = Self { before: HashMap::new(), at: Instant::now() };
        top.rows(scripts);
        top
    }

    /// The rows since the last time, who used most first.
    pub(super) fn rows(&mut self, scripts: Vec<ScriptStanding>) -> Vec<String> {
        let elapsed = std::mem::replace(&mut self.at, Instant::now()).elapsed().as_secs_f64().max(0.001);
        let mut now = HashMap::new();
        let mut rows: Vec<(u64, [String; 7])> = scripts
            .iter()
            .map(|script| {
                let key = (script.tenant.clone(), script.name.clone());
                let (cpu_before, events_before) = self.before.get(&key).copied().unwrap_or_default();
                let cpu_ms = script.usage.cpu_ms.saturating_sub(cpu_before);
                let events = script.usage.events.saturating_sub(events_before);
                now.insert(key, (script.usage.cpu_ms, script.usage.events));
                let row = [
                    format!("{}/{}", script.tenant, script.name),
                    script.state.as_str().to_owned(),
                    format!("{:.1}", cpu_ms as f64 / elapsed / 10.0),
                    format!("{:.0}", events as f64 / elapsed),
                    mib(script.usage.memory_bytes),
                    script.waiting_events.to_string(),
                    ms(script.usage.callback_us_p99),
                ];
                (cpu_ms, row)
            })
            .collect();
        self.before = now;
        rows.sort_by_key(|(cpu_ms, _)| std::cmp::Reverse(*cpu_ms));
        let head = ["SCRIPT", "STATE", "CPU %", "EVENTS/s", "MEMORY MiB", "WAITING", "p99 ms"].map(str::to_owned);
        columns(std::iter::once(head).chain(rows.into_iter().map(|(_, row)| row).take(SHOWN_MAX)).collect())
    }
}

/// Rows whose cells stand below each other: the first to the left, the others to the right.
fn columns<const N: usize>(rows: Vec<[String; N]>) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

fn seconds(ms: u64) -> String {
    format!("{:.2}", ms as f64 / 1e3)
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

fn ms(us: u64) -> String {
    format!("{:.1}", us as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn cells_stand_below_each_other() {
        let rows = [["A", "COUNT"], ["long/name", "1"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(rows.to_vec()), ["A          COUNT", "long/name      1"]);
    }
}
