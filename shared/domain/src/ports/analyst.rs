//! Who reads tickets.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Account, Reading, Ticket, ports::PortError};

/// Understands a ticket. Never invents: what it cannot read is an error, not a default label.
#[async_trait]
pub trait Analyst: Send + Sync {
    /// The account is for redaction and for the greeting of a draft; its MRR and health are not evidence. Answers, or
    /// fails, `within` that time.
    async fn read(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError>;
}
