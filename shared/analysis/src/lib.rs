//! Understanding tickets without a network: the embedded analyst, its training, retrieval over a knowledge base, and
//! both ends of a language model's call: redaction, prompt and schema, the check of its answer.
//!
//! Invariant: pure. No file, clock, network or randomness; the same ticket gives the same reading on every machine.

pub mod answer;
pub mod corpus;
pub mod draft;
pub mod embedded;
pub mod evaluate;
pub mod features;
pub mod grounding;
mod heads;
pub mod injection;
pub mod inputs;
pub mod knowledge;
pub mod language;
pub mod model;
pub mod prompt;
mod random;
pub mod redaction;
pub mod text;
pub mod train;
mod words;

pub use embedded::EmbeddedAnalyst;
pub use encoder::Encoder;
pub use heads::{TASKS, Task};
pub use knowledge::KnowledgeBase;
pub use model::Model;
