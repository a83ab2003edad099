//! Claude as a language model: the Messages API, its prices, and what happens when a call fails.
//!
//! Invariant: no ticket text, key or address is ever logged; ids, counts and error codes are.

mod client;
pub mod config;
pub mod price;
mod wire;

use std::sync::Arc;

use llm::LanguageModel;

pub use client::{ClaudeError, Client};
pub use config::{Config, Effort, Model, Thinking};

/// The model of this configuration; none without a key.
///
/// # Errors
/// A key that cannot be sent.
pub fn language_model(config: &Config) -> Result<Option<Arc<dyn LanguageModel>>, String> {
    let Some(key) = config.key.clone() else { return Ok(None) };
    Ok(Some(Arc::new(Client::new(config, key)?)))
}
