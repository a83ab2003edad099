//! One worker per ticket, and what it leaves behind.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{AuditEntry, Record, TicketId, TicketState, ports::PortError};

/// The right to work on a ticket until a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    pub ticket: TicketId,
    /// Unique to one delivery of one message.
    pub owner: String,
    pub until: Timestamp,
}

/// The answer to a claim.
#[derive(Clone, PartialEq, Debug)]
pub enum Claim {
    /// Ours now; with what was remembered.
    Mine(Box<TicketState>),
    /// Somebody else works on it, at most until then.
    Theirs { until: Timestamp },
}

/// The answer to a write under a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fenced {
    Written,
    /// Somebody else owns the ticket by now: nothing was written, and the work is theirs.
    Lost,
}

/// The claim on a ticket and its state.
///
/// - Of any number of concurrent claims on a ticket exactly one is [`Claim::Mine`]; a lease whose `until` is not after
///   `now` counts as released. A claim repeated by its own owner, whose first answer was lost, is [`Claim::Mine`] again.
/// - [`TicketLog::save`] and [`TicketLog::finish`] write only while the lease's owner is the ticket's owner: a late
///   worker can never overwrite a newer one.
/// - `finish` stores the record, makes it the ticket's newest, and releases, all or nothing.
/// - Both store the audit `entries` of what led there in the same write: a progress and its trail are kept together or
///   not at all, so that a retry repeats neither.
/// - What was saved is in the next claim's state.
#[async_trait]
pub trait TicketLog: Send + Sync {
    async fn claim(&self, lease: &Lease, now: Timestamp) -> Result<Claim, PortError>;

    /// Remembers progress; the lease stays.
    async fn save(&self, lease: &Lease, state: &TicketState, entries: &[AuditEntry]) -> Result<Fenced, PortError>;

    /// Stores the finished triage until `expires`, and releases.
    async fn finish(
        &self,
        lease: &Lease,
        state: &TicketState,
        record: &Record,
        expires: Timestamp,
        entries: &[AuditEntry],
    ) -> Result<Fenced, PortError>;

    /// Gives the ticket back unfinished; a lease already lost is no error.
    async fn release(&self, lease: &Lease) -> Result<(), PortError>;
}
