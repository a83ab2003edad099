//! Moments that come from outside may lie at the end of time, where plain arithmetic panics.

use jiff::{SignedDuration, Timestamp};

/// The moment `by` after `at`, or the last one there is.
#[must_use]
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// The moment `by` before `at`, or the first one there is.
#[must_use]
pub fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ends_without_a_panic() {
        let day = SignedDuration::from_hours(24);
        assert_eq!(later(Timestamp::MAX, day), Timestamp::MAX);
        assert_eq!(later(Timestamp::MIN, SignedDuration::MAX), Timestamp::MAX);
        assert_eq!(earlier(Timestamp::MIN, day), Timestamp::MIN);
        assert_eq!(earlier(Timestamp::MAX, SignedDuration::MAX), Timestamp::MIN);
        assert_eq!(later(Timestamp::UNIX_EPOCH, day).as_second(), 86_400);
    }
}
