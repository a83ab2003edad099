//! The outside, as small traits. Every promise is in the trait's doc, and the module `contract` holds an adapter to it.

use std::time::Duration;

mod alert_log;
mod analyst;
mod audit;
mod chat;
mod control;
mod conversations;
mod cursors;
mod eraser;
pub mod feed;
mod follow_ups;
mod helpdesk;
mod json_error;
mod mailer;
mod queue;
mod records;
mod settings;
mod site;
mod ticket_log;

#[cfg(feature = "contract")]
pub mod contract;

pub use alert_log::{AlertLog, Handover, Opened, Reopened, Taken};
pub use analyst::Analyst;
pub use audit::Audit;
pub use chat::{Chat, Post, Thread, Threads};
pub use control::{Control, Count, Leased};
pub use conversations::Conversations;
pub use cursors::{Cursor, Cursors, Moved};
pub use eraser::{Erased, Eraser, Outbox};
pub use feed::{Changed, Changes, Feed, Stretch};
pub use follow_ups::FollowUps;
pub use helpdesk::{Applied, Helpdesk, Updated};
pub use json_error::{JsonError, json_error};
pub use mailer::{Accepted, Email, Mailer};
pub use queue::Queue;
pub use records::Records;
pub use settings::{Settings, SigningSecrets};
pub use site::{Page, Site};
pub use ticket_log::{Claim, Fenced, Lease, TicketLog};

/// The cause of a failed call, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// How a call to the outside failed. The adapter knows its service, so the adapter sorts.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Throttled, timed out, 5xx, no connection: the same call may succeed later.
    #[error("{service} did not answer")]
    Transient {
        service: &'static str,
        /// The service said not to ask again before this has passed, counted from its answer. A span and not a moment:
        /// services say seconds (`Retry-After: 60`), and an adapter has no clock. Only an adapter sets it.
        not_before: Option<Duration>,
        #[source]
        cause: Cause,
    },
    /// Our credentials or rights are not enough: no call like it succeeds until a person mends that.
    #[error("{service} denied access")]
    Denied {
        service: &'static str,
        #[source]
        cause: Cause,
    },
    /// Malformed, refused: the same call will fail again.
    #[error("{service} refused")]
    Permanent {
        service: &'static str,
        #[source]
        cause: Cause,
    },
}

/// An error with its causes in one line, for a log or an audit: `SQS did not answer: timed out`.
#[must_use]
pub fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl PortError {
    pub fn transient(service: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Transient { service, not_before: None, cause: cause.into() }
    }

    /// A transient failure of a service that said how long to leave it alone.
    pub fn throttled(service: &'static str, not_before: Duration, cause: impl Into<Cause>) -> Self {
        Self::Transient { service, not_before: Some(not_before), cause: cause.into() }
    }

    pub fn denied(service: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Denied { service, cause: cause.into() }
    }

    pub fn permanent(service: &'static str, cause: impl Into<Cause>) -> Self {
        Self::Permanent { service, cause: cause.into() }
    }
}
