//! What a triage did so far and has not written down yet.

use std::borrow::Cow;

use domain::{
    AuditAction, AuditEntry, TicketId, TicketState,
    ports::{Fenced, Lease, PortError},
};
use jiff::Timestamp;

use crate::Triage;

/// Audit entries, stored together with the progress they describe. An attempt that fails before then loses them, and the
/// next one finds the same again.
pub(crate) struct Trail {
    ticket: TicketId,
    at: Timestamp,
    entries: Vec<AuditEntry>,
}

pub(crate) fn entry(
    ticket: TicketId,
    at: Timestamp,
    action: AuditAction,
    target: impl Into<Cow<'static, str>>,
    outcome: impl Into<Cow<'static, str>>,
) -> AuditEntry {
    AuditEntry { at, ticket, action, target: target.into(), outcome: outcome.into() }
}

impl Trail {
    pub(crate) fn new(ticket: TicketId, at: Timestamp) -> Self {
        Self { ticket, at, entries: Vec::new() }
    }

    /// An entry for a write of its own.
    pub(crate) fn entry(
        &self,
        action: AuditAction,
        target: impl Into<Cow<'static, str>>,
        outcome: impl Into<Cow<'static, str>>,
    ) -> AuditEntry {
        entry(self.ticket, self.at, action, target, outcome)
    }

    pub(crate) fn add(
        &mut self,
        action: AuditAction,
        target: impl Into<Cow<'static, str>>,
        outcome: impl Into<Cow<'static, str>>,
    ) {
        self.entries.push(self.entry(action, target, outcome));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is not stored yet.
    pub(crate) fn entries(&self) -> &[AuditEntry] {
        &self.entries
    }

    /// Stores the progress and the entries so far, or neither.
    pub(crate) async fn save(
        &mut self,
        triage: &Triage,
        lease: &Lease,
        state: &TicketState,
    ) -> Result<Fenced, PortError> {
        let fenced = triage.log.save(lease, state, &self.entries).await?;
        self.entries.clear();
        Ok(fenced)
    }
}
