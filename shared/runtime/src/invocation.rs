//! One call of a function.

use std::time::Duration;

use domain::time::later;
use jiff::{SignedDuration, Timestamp};

/// Nothing new is begun with less time than this left.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// Kept free of handling a record: for hiding it in the queue and answering for the batch.
const ANSWERING: SignedDuration = SignedDuration::from_secs(1);

/// Kept free of reading a ticket: for the write to the helpdesk, the alerts and the record.
const WRITING: SignedDuration = SignedDuration::from_secs(8);

/// A claim outlives its call by this much: the runtime's clock and ours may differ, and ending a call takes a moment.
const PAST_THE_END: SignedDuration = SignedDuration::from_secs(5);

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
        later(self.deadline, PAST_THE_END)
    }

    /// How long the analyst may take, `elapsed` into the call: what is left, less the time that writing needs.
    #[must_use]
    pub fn reading_time(&self, elapsed: Duration) -> Duration {
        let left = self.deadline.duration_since(self.now).saturating_sub(WRITING);
        Duration::try_from(left).unwrap_or_default().saturating_sub(elapsed)
    }

    /// How long a record may be handled, `elapsed` into the call: what is left, less the time that answering needs.
    #[must_use]
    pub fn handling_time(&self, elapsed: Duration) -> Duration {
        let left = self.deadline.duration_since(self.now).saturating_sub(ANSWERING);
        Duration::try_from(left).unwrap_or_default().saturating_sub(elapsed)
    }

    /// Whether there is time to begin something, `elapsed` into the call.
    #[must_use]
    pub fn has_time(&self, elapsed: Duration) -> bool {
        let left = self.deadline.duration_since(self.now).saturating_sub(MARGIN);
        SignedDuration::try_from(elapsed).is_ok_and(|elapsed| elapsed < left)
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;
    use proptest::prelude::*;

    use super::*;

    fn timestamps() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond())
            .prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
    }

    proptest! {
        #[test]
        fn no_call_has_a_time_that_panics(now in timestamps(), deadline in timestamps(), elapsed in any::<Duration>()) {
            let invocation = Invocation { request_id: "r".into(), now, deadline };
            prop_assert!(invocation.lease_until() >= deadline);
            if invocation.has_time(elapsed) {
                prop_assert!(now < deadline);
            }
            prop_assert!(invocation.reading_time(elapsed) <= invocation.reading_time(Duration::ZERO));
        }
    }

    #[test]
    fn a_call_without_end_keeps_its_claim() {
        let invocation = Invocation { request_id: "r".into(), now: Timestamp::MIN, deadline: Timestamp::MAX };
        assert_eq!(invocation.lease_until(), Timestamp::MAX);
        assert!(invocation.has_time(Duration::from_secs(60)));
        let ended = Invocation { request_id: "r".into(), now: Timestamp::MAX, deadline: Timestamp::MIN };
        assert!(!ended.has_time(Duration::ZERO));
        assert_eq!(ended.reading_time(Duration::MAX), Duration::ZERO);
    }

    #[test]
    fn handling_leaves_time_to_answer() {
        let now = sample::now();
        let invocation = Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) };
        for (elapsed, left) in [(0, 29), (10, 19), (29, 0), (60, 0)] {
            assert_eq!(invocation.handling_time(Duration::from_secs(elapsed)).as_secs(), left, "{elapsed}");
        }
    }

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
