//! Structured logs: one JSON object a line. Ids and counts, never ticket text, addresses or secrets.

use jiff::Timestamp;
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterFn, filter_fn},
    layer::SubscriberExt,
    reload,
    util::SubscriberInitExt,
};

use crate::metrics::{self, EmbeddedMetrics};

/// Starts logging to standard error at the level of `filter` (as `RUST_LOG`), for a terminal.
pub fn start(filter: &str) {
    let lines = tracing_subscriber::fmt::layer().without_time().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines.with_filter(levels(filter, "warn")).with_filter(no_metrics())).init();
}

/// What is logged, while a process runs. By default a process that logs nothing.
#[derive(Clone, Debug, Default)]
pub struct Levels(Option<reload::Handle<EnvFilter, Registry>>);

impl Levels {
    /// Logs at the level of `filter` (as `RUST_LOG`) from now on.
    pub fn set(&self, filter: &str) {
        if let Some(handle) = &self.0 {
            // It fails only where the subscriber is gone, and then there is nothing to log to.
            let _ = handle.reload(levels(filter, "info"));
        }
    }
}

/// Starts logging to standard output as JSON, metrics included, for CloudWatch. `stack` is the metrics' dimension.
pub fn start_json(filter: &str, stack: String, clock: fn() -> Timestamp) -> Levels {
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    let (reloaded, handle) = reload::Layer::new(levels(filter, "info"));
    tracing_subscriber::registry()
        .with(lines.with_filter(reloaded).with_filter(no_metrics()))
        .with(EmbeddedMetrics::new(stack, clock, std::io::stdout).with_filter(LevelFilter::INFO))
        .init();
    Levels(Some(handle))
}

fn levels(filter: &str, otherwise: &str) -> EnvFilter {
    EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(otherwise))
}

fn no_metrics() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.target() != metrics::TARGET)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    /// Whose messages are constant, so that a log can be searched and counted by them.
    const FOLDERS: [&str; 11] = [
        "functions/webhook/src",
        "functions/triage/src",
        "functions/alert/src",
        "functions/report/src",
        "functions/local/src",
        "shared/aws/src",
        "shared/claude/src",
        "shared/llm/src",
        "shared/memory/src",
        "shared/runtime/src",
        "shared/zendesk/src",
    ];

    /// What a file logs: the inside of each call.
    fn calls(code: &str) -> Vec<&str> {
        let levels = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];
        let after =
            levels.iter().flat_map(|level| code.split(&format!("tracing::{level}")).skip(1).collect::<Vec<_>>());
        after.map(inside).collect()
    }

    /// Up to the bracket that closes the call.
    fn inside(call: &str) -> &str {
        let (mut depth, mut quoted) = (1, false);
        let closes = |c: char| {
            match c {
                '"' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            depth == 0
        };
        call.find(closes).map_or(call, |end| &call[..end])
    }

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn log_messages_hold_no_values() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut seen = 0;
        for file in FOLDERS.iter().flat_map(|folder| files(&root.join(folder))) {
            let code = fs::read_to_string(&file).unwrap_or_default();
            for call in calls(&code) {
                seen += 1;
                assert!(!call.contains('{'), "{}: {call}", file.display());
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
