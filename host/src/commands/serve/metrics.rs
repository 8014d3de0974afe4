//! What Prometheus reads of a host (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! Invariant: it is made anew each time from how things stand, so what is no more there is no more told; and nothing that a
//! guest wrote is in it.

use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::{Label, counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::api::{Listening, gave_way, listen_at_port};
use super::board::{Shown, ShownState};
use super::handle::Handle;
use crate::api::types::{AccountState, ScriptStanding, ScriptState};

/// The bounds by which durations of callbacks are told, in microseconds: from a tenth of a millisecond to half a minute.
const BOUNDS_US: [u64; 10] = [1 << 7, 1 << 9, 1 << 11, 1 << 13, 1 << 15, 1 << 17, 1 << 19, 1 << 21, 1 << 23, 1 << 25];

/// Tells them at a port, and gives its address.
///
/// # Errors
/// Where it cannot be listened there.
pub(super) async fn at_port(address: SocketAddr, handle: Handle) -> Result<(Listening, SocketAddr)> {
    let tell = async move || {
        let shown = handle.board().shown();
        let text = tokio::task::spawn_blocking(move || text(&shown)).await.unwrap_or_default();
        ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
    };
    listen_at_port(address, Router::new().route("/metrics", get(tell))).await
}

/// All of them, as text.
fn text(shown: &Shown) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    with_local_recorder(&recorder, || {
        describe();
        counter!("tglhost_connections_gave_way_total").absolute(gave_way());
        for account in shown.accounts(|_| true, |_| true) {
            let labels = || vec![Label::new("account", account.name.clone())];
            gauge!("tglhost_account_online", labels()).set(f64::from(u8::from(account.state == AccountState::Online)));
            counter!("tglhost_account_flood_waits_total", labels()).absolute(account.flood_waits);
        }
        for (tenant, counts) in &shown.errors {
            let labels = || vec![Label::new("tenant", tenant.to_string())];
            let (all, told) = counts.read();
            counter!("tglhost_tenant_errors_total", labels()).absolute(all);
            counter!("tglhost_tenant_errors_told_total", labels()).absolute(told);
        }
        for standing in shown.scripts(|_| true) {
            record(&standing);
        }
        for (key, script) in &shown.scripts {
            let ShownState::Running(status) = &script.state else { continue };
            let callbacks = status.borrow().usage.callbacks;
            let labels = || labels(&key.tenant, &key.name, &script.account);
            gauge!("tglhost_script_callback_seconds_sum", labels()).set(callbacks.sum_us() as f64 / 1e6);
            counter!("tglhost_script_callback_seconds_count", labels()).absolute(callbacks.count());
            let told = callbacks.below_us().filter(|(bound_us, _)| BOUNDS_US.contains(bound_us));
            let told = told.map(|(bound_us, below)| ((bound_us as f64 / 1e6).to_string(), below));
            for (bound, below) in told.chain([("+Inf".to_owned(), callbacks.count())]) {
                let labels = [labels(), vec![Label::new("le", bound)]].concat();
                counter!("tglhost_script_callback_seconds_bucket", labels).absolute(below);
            }
        }
    });
    handle.render()
}

/// Which script it is.
fn labels(tenant: &str, script: &str, account: &str) -> Vec<Label> {
    let names = [("tenant", tenant), ("script", script), ("account", account)];
    names.into_iter().map(|(name, value)| Label::new(name, value.to_owned())).collect()
}

/// What is told of one script.
fn record(script: &ScriptStanding) {
    let labels = || labels(&script.tenant, &script.name, &script.account);
    let is_running = f64::from(u8::from(script.state == ScriptState::Running));
    gauge!("tglhost_script_running", labels()).set(is_running);
    gauge!("tglhost_script_held", labels()).set(f64::from(u8::from(is_running > 0.0 && script.why.is_some())));
    gauge!("tglhost_script_inbox_events", labels()).set(script.waiting_events as f64);
    gauge!("tglhost_script_pending_calls", labels()).set(script.waiting_calls as f64);
    gauge!("tglhost_script_memory_bytes", labels()).set(script.usage.memory_bytes as f64);
    let counts = [
        ("tglhost_script_events_total", script.usage.events),
        ("tglhost_script_calls_total", script.usage.calls),
        ("tglhost_script_cpu_milliseconds_total", script.usage.cpu_ms),
        ("tglhost_script_crashes_total", script.crashes),
        ("tglhost_script_lost_events_total", script.lost_events),
    ];
    for (name, count) in counts {
        counter!(name, labels()).absolute(count);
    }
    for (limit, count) in &script.usage.limits_reached {
        let labels = [labels(), vec![Label::new("limit", limit.clone())]].concat();
        counter!("tglhost_script_limit_reached_total", labels).absolute(*count);
    }
}

fn describe() {
    describe_gauge!("tglhost_account_online", "1 where the account is connected");
    describe_counter!(
        "tglhost_tenant_errors_total",
        "Errors and warnings of the tenant's scripts since the host was started"
    );
    describe_counter!("tglhost_tenant_errors_told_total", "Messages about them into the chat of the tenant's choice");
    describe_counter!(
        "tglhost_connections_gave_way_total",
        "Connections that had asked nothing with a token and were closed for others, all places being taken, since the start"
    );
    describe_counter!(
        "tglhost_account_flood_waits_total",
        "Calls that had to wait because Telegram wanted it, since the account was started"
    );
    describe_gauge!("tglhost_script_running", "1 where the script takes what comes");
    describe_gauge!("tglhost_script_held", "1 where a running script waits for one of its limits or for its account");
    describe_gauge!("tglhost_script_inbox_events", "Events that wait for the script");
    describe_gauge!("tglhost_script_pending_calls", "Calls that have not completed");
    describe_gauge!("tglhost_script_memory_bytes", "Linear memory of the script, shared pages included");
    describe_counter!("tglhost_script_events_total", "Events handled since the script was started");
    describe_counter!("tglhost_script_calls_total", "Calls made since the script was started");
    describe_counter!("tglhost_script_cpu_milliseconds_total", "CPU time since the script was started");
    describe_counter!("tglhost_script_crashes_total", "Crashes since the script was started");
    describe_counter!("tglhost_script_lost_events_total", "Events that left the inbox before the script came to them");
    describe_counter!("tglhost_script_limit_reached_total", "How often the script has reached this limit of its own");
    describe_counter!("tglhost_script_callback_seconds_count", "Events whose callbacks have ended");
    describe_counter!("tglhost_script_callback_seconds_bucket", "Events whose callback took less than `le` seconds");
    describe_gauge!("tglhost_script_callback_seconds_sum", "What the callbacks of events took in all");
}
