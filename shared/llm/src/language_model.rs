//! The seam between the product and a vendor of language models.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Fallback, ports::Cause, reading::Usage};

use crate::prompt::Schema;

/// One question: what is the same for every ticket, what belongs to this one, and the shape of the answer.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Cached by vendors that can.
    pub system: &'a str,
    pub ticket: &'a str,
    pub schema: &'a Schema,
}

/// A text that came back, and what it cost.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    pub text: String,
    pub usage: Usage,
}

/// No text came back.
#[derive(Debug)]
pub struct Failure {
    /// What the record says of it.
    pub fallback: Fallback,
    /// What was paid for nothing.
    pub usage: Usage,
    /// For the log: holds no text of the request or the answer.
    pub cause: Cause,
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    pub result: Result<Reply, Failure>,
    /// An attempt broke off after it was sent: it may have been answered, and billed, without our knowing.
    pub in_doubt: bool,
}

/// A vendor's model with its parameters.
///
/// - [`LanguageModel::ask`] never sends the request anywhere else than to the vendor, retries where that may help, and
///   ends before `within` is over.
/// - The cost of a call is never above [`LanguageModel::most_it_can_cost`].
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// As records name it, such as `claude-haiku-5-5`.
    fn name(&self) -> &str;

    /// Micro-dollars.
    fn most_it_can_cost(&self, request: &Request<'_>) -> u64;

    async fn ask(&self, request: &Request<'_>, within: Duration) -> Outcome;

    /// Opens the connection, so that the first ticket need not wait. A failure is logged and no more: a ticket will tell.
    async fn warm(&self);
}
