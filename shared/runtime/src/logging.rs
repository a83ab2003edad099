//! Structured logs: one JSON object a line. Ids and counts, never ticket text, addresses or secrets.

use jiff::Timestamp;
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterFn, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::metrics::{self, EmbeddedMetrics};

/// Starts logging to standard error at the level of `filter` (as `RUST_LOG`), for a terminal.
pub fn start(filter: &str) {
    let lines = tracing_subscriber::fmt::layer().without_time().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(levels(filter, "warn")).with_filter(no_metrics())).init();
}

/// Starts logging to standard output as JSON, metrics included, for CloudWatch. `stage` is the metrics' dimension.
pub fn start_json(filter: &str, stage: String, clock: fn() -> Timestamp) {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(levels(filter, "info")).with_filter(no_metrics()))
        .with(EmbeddedMetrics::new(stage, clock, std::io::stdout).with_filter(LevelFilter::INFO))
        .init();
}

fn levels(filter: &str, otherwise: &str) -> EnvFilter {
    EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(otherwise))
}

fn no_metrics() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.target() != metrics::TARGET)
}
