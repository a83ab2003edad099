//! The trail of automated actions.

use async_trait::async_trait;

use crate::{AuditEntry, ports::PortError};

/// Appends an action that changes nothing we store; one that does is audited in the write that stores the change
/// ([`AlertLog`], [`TicketLog`]). Entries of a ticket are never overwritten, also when two are equal or share a moment, and
/// keep the order they came in.
///
/// [`AlertLog`]: crate::ports::AlertLog
/// [`TicketLog`]: crate::ports::TicketLog
#[async_trait]
pub trait Audit: Send + Sync {
    async fn append(&self, entry: &AuditEntry) -> Result<(), PortError>;
}
