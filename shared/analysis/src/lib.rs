//! Reading tickets without a network: the embedded analyst, its training, retrieval over a knowledge base, language.
//!
//! Invariant: pure. No file, clock, network or randomness; the same ticket gives the same reading on every machine.

pub mod corpus;
pub mod draft;
pub mod embedded;
pub mod evaluate;
pub mod features;
pub mod knowledge;
pub mod language;
pub mod model;
pub mod text;
pub mod train;

pub use embedded::EmbeddedAnalyst;
pub use knowledge::KnowledgeBase;
pub use model::Model;
