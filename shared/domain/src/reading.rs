//! What an analyst understood of a ticket: evidence, never a decision.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Agent, Intent, Language, Priority, Sentiment};

/// One analyst's view of one version of a ticket.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reading {
    /// Which analyst and which version of it, such as `embedded-1`.
    pub analyst: String,
    /// The analyst that should have read was not able to, and this one stood in.
    pub fallback: bool,
    pub language: Language,
    pub priority: Scored<Priority>,
    pub agent: Scored<Agent>,
    pub sentiment: Scored<Sentiment>,
    /// `value`: the customer may leave. `confidence` is the probability of that, also where `value` is false.
    pub churn: Signal<bool>,
    /// `value`: what the customer wants to buy. `confidence` is the probability of any such wish.
    pub intent: Signal<Option<Intent>>,
    pub draft: Option<Draft>,
    /// The text tries to instruct its reader.
    pub suspicious: bool,
    pub usage: Usage,
}

/// A label and how sure the analyst is of it, 0 to 1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Scored<T> {
    pub value: T,
    pub confidence: f32,
}

/// A signal with the words that carry it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Signal<T> {
    pub value: T,
    /// 0 to 1.
    pub confidence: f32,
    /// Claimed to be the customer's words; [`decide()`](crate::decide()) drops what does not occur in the ticket.
    pub quotes: Vec<String>,
}

/// A reply grounded in one article of the customer's knowledge base.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Markdown, from the greeting to the team's signature.
    pub text: Arc<str>,
    /// File name of the article without its extension.
    pub article: String,
    pub article_title: Arc<str>,
    /// The article answers anybody, without a look at the account.
    pub faq: bool,
    /// How well the article fits the question, 0 to 1.
    pub match_score: f32,
}

/// What the reading cost. All zero for the embedded analyst.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct Usage {
    pub llm_calls: u32,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// US dollars.
    pub cost_usd: f64,
}
