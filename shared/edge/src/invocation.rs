//! One call of a function.

use jiff::{SignedDuration, Timestamp};

/// The moment of the call and how long it may take. The only source of time a handler has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invocation {
    /// The runtime's request id.
    pub request_id: String,
    pub now: Timestamp,
    /// The runtime ends the call here.
    pub deadline: Timestamp,
}

impl Invocation {
    /// How long work on a ticket may hold its claim: past the end of this call, so that no live owner is overtaken.
    #[must_use]
    pub fn lease_until(&self) -> Timestamp {
        self.deadline + SignedDuration::from_secs(5)
    }
}
