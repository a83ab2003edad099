//! The trail of automated actions.

use async_trait::async_trait;

use crate::{AuditEntry, ports::PortError};

/// Appends. Entries of a ticket are never overwritten, also when two share a moment.
#[async_trait]
pub trait Audit: Send + Sync {
    async fn append(&self, entry: &AuditEntry) -> Result<(), PortError>;
}
