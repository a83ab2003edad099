//! Who reads tickets.

use async_trait::async_trait;

use crate::{Account, Reading, Ticket, ports::PortError};

/// Understands a ticket. Never invents: what it cannot read is an error, not a default label.
#[async_trait]
pub trait Analyst: Send + Sync {
    /// The account is for redaction and for the greeting of a draft; its MRR and health are not evidence.
    async fn read(&self, ticket: &Ticket, account: &Account) -> Result<Reading, PortError>;
}
