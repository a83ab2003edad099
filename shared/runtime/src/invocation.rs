//! One call of a function.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Nothing new is begun with less time than this left.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// Kept free of reading a ticket: for the write to the helpdesk, the alerts and the record.
const WRITING: SignedDuration = SignedDuration::from_secs(8);

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
        domain::time::later(self.deadline, SignedDuration::from_secs(5))
    }

    /// How long the analyst may take, `elapsed` into the call: what is left, less the time that writing needs.
    #[must_use]
    pub fn reading_time(&self, elapsed: Duration) -> Duration {
        let left = self.deadline.duration_since(self.now) - WRITING;
        Duration::try_from(left).unwrap_or_default().saturating_sub(elapsed)
    }

    /// Whether there is time to begin something, `elapsed` into the call.
    #[must_use]
    pub fn has_time(&self, elapsed: Duration) -> bool {
        let left = self.deadline.duration_since(self.now) - MARGIN;
        SignedDuration::try_from(elapsed).is_ok_and(|elapsed| elapsed < left)
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn a_lease_may_end_with_time() {
        let now = jiff::Timestamp::MAX;
        let invocation = Invocation { request_id: "r".into(), now, deadline: now };
        assert_eq!((invocation.lease_until(), invocation.has_time(Duration::ZERO)), (now, false));
    }

    #[test]
    fn reading_leaves_time_to_write() {
        let now = sample::now();
        let invocation = Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) };
        for (elapsed, left) in [(0, 22), (10, 12), (22, 0), (29, 0), (60, 0)] {
            assert_eq!(invocation.reading_time(Duration::from_secs(elapsed)).as_secs(), left, "{elapsed}");
        }
    }
}
