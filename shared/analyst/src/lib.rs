//! The embedded analyst: understands a ticket without a network. The customer's own words, the language, the sentence
//! encoder's heads, retrieval over the knowledge base, drafts.
//!
//! Invariant: pure. No file, clock, network or randomness; the same ticket gives the same reading on every machine.

pub mod customer_text;
pub mod draft;
pub mod embedded;
pub mod features;
mod greeting;
pub mod heads;
pub mod inputs;
pub mod knowledge;
pub mod language;
pub mod model;
pub mod ngram_head;
mod quantised;
pub mod text;

pub use customer_text::CustomerText;
pub use embedded::EmbeddedAnalyst;
pub use encoder::Encoder;
pub use heads::{PerTask, Task};
pub use knowledge::KnowledgeBase;
pub use model::Model;
