//! How long a message is put off, and how often it may be.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

/// Seconds after the first receive; doubled with each further one.
const FIRST: u64 = 5;

/// Seconds between two receives at most: whatever the trouble was, its end is noticed within a quarter of an hour.
const LONGEST: u64 = 900;

/// Seconds a service's word holds at most: a header in the wrong unit must not hide a message for half a day.
const LONGEST_NOT_BEFORE: u64 = 3600;

/// Receives before a queue gives a message up (`maxReceiveCount` in template.yaml): enough for four hours of trouble.
///
/// At the least, the waits are 3 + 5 + 10 + 20 + 40 + 80 + 160 + 320 s and then 450 s each. After 39 waits that is
/// 638 + 31 × 450 = 14,588 s: the fortieth receive comes four hours after the first, or up to eight.
pub const RECEIVES: u32 = 40;

/// How long to put off a message that was received so often: 5 s × 2ⁿ up to 15 min, of which between half and all.
///
/// Messages put off together come back apart, and which comes when follows from id and count alone.
#[must_use]
pub fn backoff(message_id: &str, receives: u32) -> Duration {
    let least = whole(receives).div_ceil(2);
    Duration::from_secs(least + jitter(message_id, receives))
}

/// As [`backoff`], and not before the service wants to be asked again.
#[must_use]
pub fn backoff_after(message_id: &str, receives: u32, not_before: Duration) -> Duration {
    let not_before = whole_seconds(not_before).min(Duration::from_secs(LONGEST_NOT_BEFORE));
    // Everybody who was told the same moment must not come at that moment.
    let spread = not_before + Duration::from_secs(jitter(message_id, receives));
    spread.max(backoff(message_id, receives))
}

/// A span in whole seconds, which is what queues count in, rounded up so that what is waited for is over.
#[must_use]
pub fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)))
}

/// Seconds before the spread.
fn whole(receives: u32) -> u64 {
    let doublings = receives.saturating_sub(1);
    1u64.checked_shl(doublings).map_or(LONGEST, |factor| FIRST.saturating_mul(factor)).min(LONGEST)
}

/// Up to the half of the seconds that is spread.
fn jitter(message_id: &str, receives: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message_id, receives).hash(&mut hasher);
    hasher.finish() % (whole(receives) / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR_HOURS: u64 = 4 * 3600;

    /// What `waits` take at the least and at the most.
    fn sum(waits: u32) -> (u64, u64) {
        (1..=waits).fold((0, 0), |(least, most), n| (least + whole(n).div_ceil(2), most + whole(n)))
    }

    #[test]
    fn receives_are_enough_for_four_hours() {
        assert_eq!(sum(RECEIVES - 1), (638 + 31 * 450, 1275 + 31 * 900));
        assert!(sum(RECEIVES - 1).0 >= FOUR_HOURS);
        assert!(sum(RECEIVES - 2).0 < FOUR_HOURS, "and no more than enough");
    }

    #[test]
    fn a_wait_doubles_up_to_its_cap() {
        for (receives, least, most) in
            [(0, 3, 5), (1, 3, 5), (2, 5, 10), (3, 10, 20), (8, 320, 640), (9, 450, 900), (u32::MAX, 450, 900)]
        {
            let waits = (0..20_000).map(|n| backoff(&format!("message-{n}"), receives).as_secs());
            let waits: std::collections::BTreeSet<u64> = waits.collect();
            assert_eq!((waits.first(), waits.last()), (Some(&least), Some(&most)), "{receives}");
        }
    }

    #[test]
    fn the_same_delivery_waits_the_same() {
        assert_eq!(backoff("m", 7), backoff("m", 7));
    }

    #[test]
    fn a_services_word_is_obeyed_up_to_an_hour() {
        for (said, least, most) in [(0, 3, 5), (2, 3, 5), (60, 60, 62), (3600, 3600, 3602), (86_400, 3600, 3602)] {
            let wait = backoff_after("m", 1, Duration::from_secs(said)).as_secs();
            assert!((least..=most).contains(&wait), "{said}: {wait}");
        }
        assert_eq!(whole_seconds(Duration::from_millis(1001)).as_secs(), 2, "never too short");
        assert_eq!(whole_seconds(Duration::MAX).as_secs(), u64::MAX);
    }
}
