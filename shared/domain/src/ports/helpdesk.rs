//! Zendesk, or whatever plays it.

use async_trait::async_trait;

use crate::{Account, AccountId, Ticket, TicketId, TicketUpdate, plan::Part, ports::PortError};

/// The answer to an update.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Updated {
    Applied(Applied),
    /// The ticket changed since it was read: nothing was written.
    Conflict,
    /// Closed for good: it cannot be written any more.
    Gone,
    /// There is no such ticket, or not yet.
    NotFound,
}

/// How an update went that was written.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Applied {
    /// What the helpdesk would not take; all else is written.
    pub refused: Vec<Part>,
    /// Our private note came out public, and was made private at once.
    pub exposed: bool,
}

/// Reads what a triage needs, writes what it decided.
///
/// - A ticket that does not exist (any more) is `None`, not an error.
/// - An update whose `updated_stamp` is not the ticket's current one is [`Updated::Conflict`].
/// - What the helpdesk refuses of an update is left out, and the rest is written.
/// - After a transient failure of [`Helpdesk::update`] the write may or may not have arrived; [`Helpdesk::look_up`]
///   tells, and finishes what was left undone of it: a note that came out public is made private.
#[async_trait]
pub trait Helpdesk: Send + Sync {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError>;

    /// The customer behind a ticket. An account that is not known has its id for a name and nothing else.
    async fn account(&self, id: &AccountId) -> Result<Account, PortError>;

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError>;

    /// How the update with this marker went; none if it never reached the ticket.
    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError>;
}
