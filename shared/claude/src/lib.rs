//! Claude reads tickets: the Messages API, what a call may cost, and what happens when it fails.
//!
//! Invariant: no ticket text, key or address is ever logged; ids, counts and error codes are.

mod analyst;
mod breaker;
mod budget;
mod client;
pub mod config;
pub mod price;
mod reader;
mod wire;

pub use analyst::{ClaudeAnalyst, Failed};
pub use budget::Budget;
pub use client::{ClaudeError, Client, Ended, connection};
pub use config::{Config, Effort, Model, Thinking, Who};
pub use reader::Reader;
