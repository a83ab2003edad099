//! Forgetting a ticket.

use async_trait::async_trait;

use crate::{
    AuditEntry, TicketId, TicketState,
    ports::{Lease, PortError},
};

/// The answer to an erasure.
#[derive(Clone, PartialEq, Debug)]
pub enum Erased {
    /// Done; with the state as it is kept now.
    Stored(Box<TicketState>),
    /// Somebody else owns the ticket by now: nothing was erased.
    Lost,
}

/// Erases what is held of a ticket: record, reading, alerts. What stays is the audit, which holds no text, and a state.
///
/// - All or nothing, and only while the lease's owner is the ticket's owner; the lease stays. `entries` are stored in the
///   same write.
/// - `state` is what is kept, with the keys of the alerts that were settled added ([`TicketState::remember`]). It holds no
///   reading.
/// - An alert that is being delivered is gone for its deliverer too: settling it is [`Fenced::Lost`], taking it
///   [`Taken::Settled`].
/// - To erase what was erased, or was never there, is no error.
///
/// [`Fenced::Lost`]: crate::ports::Fenced::Lost
/// [`Taken::Settled`]: crate::ports::Taken::Settled
#[async_trait]
pub trait Eraser: Send + Sync {
    async fn erase(&self, lease: &Lease, state: &TicketState, entries: &[AuditEntry]) -> Result<Erased, PortError>;
}

/// Where messages lie that no mail service took.
///
/// After [`Outbox::discard`] none about that ticket alone is left. To discard what is not there is no error.
#[async_trait]
pub trait Outbox: Send + Sync {
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError>;
}
