//! The embedded analyst: understands a ticket without a network. The customer's own words, the language, the sentence
//! encoder's heads, retrieval over the knowledge base, drafts.
//!
//! Invariant: pure. No file, clock, network or randomness; the same ticket gives the same reading on every machine.

pub mod acts;
pub mod asked;
pub mod background;
pub mod customer_text;
pub mod draft;
pub mod embedded;
pub mod features;
pub mod gate;
mod gravity;
mod greeting;
pub mod heads;
pub mod heard;
pub mod inputs;
pub mod kinds;
pub mod knowledge;
pub mod languages;
pub mod model;
pub mod ngram_head;
mod numbers;
mod quantised;
pub mod routing;
pub mod sentence_vectors;
pub mod text;
mod weights;

pub use acts::Acts;
pub use asked::Asked;
pub use background::Background;
pub use customer_text::CustomerText;
pub use domain::topics;
pub use embedded::EmbeddedAnalyst;
pub use encoder::Encoder;
pub use gate::Gate;
pub use heads::{PerTask, Task};
pub use kinds::Kinds;
pub use knowledge::KnowledgeBase;
pub use languages::Languages;
pub use model::Model;
pub use sentence_vectors::SentenceVectors;
pub use weights::{Weights, WeightsError};
