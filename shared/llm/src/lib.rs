//! What any language model needs to read tickets: the prompt and its schema, the check of the answer, redaction, the
//! budget, and the choice of who reads. A vendor is one adapter of [`LanguageModel`].
//!
//! Invariant: no vendor, HTTP or SDK in here, and no ticket text in a log line.

/// A fixed pattern, compiled when it is first used.
macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new(&$pattern).expect("a fixed pattern"));
    };
}

pub mod answer;
mod breaker;
mod budget;
pub mod config;
pub mod grounding;
pub mod injection;
pub mod language_model;
pub mod prompt;
mod reader;
pub mod redaction;
mod router;

pub use budget::Budget;
pub use config::{Config, Who};
pub use language_model::{Failure, LanguageModel, Outcome, Reply, Request};
pub use router::Router;
