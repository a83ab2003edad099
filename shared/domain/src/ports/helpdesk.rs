//! Zendesk, or whatever plays it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Account, AccountId, Ticket, TicketId, TicketUpdate, ports::PortError};

/// The answer to an update.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Updated {
    Applied,
    /// The ticket changed since it was read: nothing was written.
    Conflict,
    /// Closed or deleted: it cannot be written any more.
    Gone,
}

/// Reads what a triage needs, writes what it decided.
///
/// - A ticket that does not exist (any more) is `None`, not an error.
/// - An update whose `updated_stamp` is not the ticket's current one is [`Updated::Conflict`].
/// - After a transient failure of [`Helpdesk::update`] the write may or may not have arrived;
///   [`Helpdesk::has_marker`] tells.
#[async_trait]
pub trait Helpdesk: Send + Sync {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError>;

    /// The customer behind a ticket. An account that is not known has its id for a name and nothing else.
    async fn account(&self, id: &AccountId) -> Result<Account, PortError>;

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError>;

    /// Whether an update with this marker reached the ticket.
    async fn has_marker(&self, id: TicketId, marker: &str) -> Result<bool, PortError>;
}
