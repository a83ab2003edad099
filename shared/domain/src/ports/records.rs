//! Finished triages, read.

use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};

use crate::{AccountId, AuditEntry, PastTicket, Record, Summary, TicketId, ports::PortError};

/// What reports and histories are made of. A ticket counts once, with its newest record. What has expired by `now` is
/// never returned, whether or not the store has deleted it yet.
#[async_trait]
pub trait Records: Send + Sync {
    /// The newest record of a ticket.
    async fn record(&self, ticket: TicketId, now: Timestamp) -> Result<Option<Record>, PortError>;

    /// Tickets whose newest triage fell on that UTC day, oldest first.
    async fn day(&self, day: Date, now: Timestamp) -> Result<Vec<Summary>, PortError>;

    /// What people corrected, as noted on that UTC day ([`AuditAction::Correction`]), oldest first.
    ///
    /// [`AuditAction::Correction`]: crate::AuditAction::Correction
    async fn corrections(&self, day: Date, now: Timestamp) -> Result<Vec<AuditEntry>, PortError>;

    /// Tickets of the account triaged before `now`, newest first, at most `limit`, without `but`.
    async fn past(
        &self,
        account: &AccountId,
        but: TicketId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<PastTicket>, PortError>;
}
