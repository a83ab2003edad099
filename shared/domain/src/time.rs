//! Arithmetic on times that stops at the end of the calendar. `+` and `-` panic there, and times come from outside.

use jiff::{SignedDuration, Timestamp};

/// That much later, or the last moment there is.
#[must_use]
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}

/// That much earlier, or the first moment there is.
#[must_use]
pub fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(if by.is_negative() { Timestamp::MAX } else { Timestamp::MIN })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timestamps() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond())
            .prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
    }

    fn durations() -> impl Strategy<Value = SignedDuration> {
        (any::<i64>(), 0..1_000_000_000i32).prop_map(|(seconds, nanos)| {
            SignedDuration::from_secs(seconds).saturating_add(SignedDuration::from_nanos(i64::from(nanos)))
        })
    }

    proptest! {
        #[test]
        fn no_time_is_out_of_reach(at in timestamps(), by in durations()) {
            let (first, last) = if by.is_negative() { (later(at, by), earlier(at, by)) } else { (earlier(at, by), later(at, by)) };
            prop_assert!(first <= at && at <= last);
        }
    }

    #[test]
    fn the_calendar_has_two_ends() {
        let second = SignedDuration::from_secs(1);
        assert_eq!(later(Timestamp::MAX, second), Timestamp::MAX);
        assert_eq!(later(Timestamp::MIN, -second), Timestamp::MIN);
        assert_eq!(earlier(Timestamp::MIN, second), Timestamp::MIN);
        assert_eq!(earlier(Timestamp::MAX, SignedDuration::MIN), Timestamp::MAX);
        assert_eq!(later(Timestamp::UNIX_EPOCH, second).as_second(), 1);
        assert_eq!(earlier(Timestamp::UNIX_EPOCH, second).as_second(), -1);
    }
}
