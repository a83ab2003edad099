//! Structured logs: one JSON object a line. Ids and counts, never ticket text, addresses or secrets.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error at the level of `filter` (as `RUST_LOG`), as JSON or for a terminal.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { subscriber.json().flatten_event(true).init() } else { subscriber.without_time().init() }
}
