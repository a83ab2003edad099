//! What changed in the helpdesk, asked for rather than told.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{TicketId, Version, ports::PortError};

/// A ticket that changed, as far as it takes to see whether we missed what its customer wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Changed {
    pub ticket: TicketId,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the requester last did something with it; none where the helpdesk does not say.
    pub customer_at: Option<Timestamp>,
    /// When the newest comment was added, whoever wrote it; none where the helpdesk does not say.
    pub commented_at: Option<Timestamp>,
    /// Closed for good or deleted: it cannot be written any more.
    pub closed: bool,
}

/// A stretch of the helpdesk's changes that is walked page by page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stretch {
    pub since: Timestamp,
    /// Where to go on: [`Changes::next`] of the page before, none at the beginning.
    pub page: Option<String>,
}

/// One page of a stretch.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Changes {
    pub changed: Vec<Changed>,
    /// The next page; none once the stretch is walked.
    pub next: Option<String>,
}

/// The helpdesk's own account of what happened, for whatever no event told us.
///
/// - Walking a stretch to its end names every ticket changed at `since` or later and before the walk began, each at
///   least once, in any order, and none that last changed before. One that changes meanwhile may be named again, or
///   only by the next walk.
/// - A page has at most [`PAGE`] tickets and costs at most [`PAGE_REQUESTS`] requests, the newest comment one.
#[async_trait]
pub trait Feed: Send + Sync {
    async fn changes(&self, stretch: &Stretch) -> Result<Changes, PortError>;

    /// The version a triage of the ticket would see; none if no end user wrote in it in public, or there is no such
    /// ticket.
    async fn newest_customer_comment(&self, ticket: TicketId) -> Result<Option<Version>, PortError>;
}

/// Tickets on a page at most.
pub const PAGE: usize = 100;
/// Requests that a page costs at most: the list, and what the list did not say of its tickets.
pub const PAGE_REQUESTS: u64 = 2;
