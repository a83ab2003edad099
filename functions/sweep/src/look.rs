//! Whether a ticket holds something that no event told us of. A plain function: all it needs is handed to it.

use domain::{Record, Version, ports::Changed, time::earlier};
use jiff::{SignedDuration, Timestamp};

/// A ticket without record and without a word of its customer for so long is past: its record, if it had one, has
/// expired.
const PAST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Our own write comes so long after the moment a triage is dated at: the time a triage function may take, twice.
const OWN_WRITE: SignedDuration = SignedDuration::from_mins(2);

/// What is known of the last triage of a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Triaged {
    pub(crate) version: Version,
    pub(crate) at: Timestamp,
}

/// What to do about a changed ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// Nothing in it is new to us.
    Leave,
    /// There is no record of it.
    Lost,
    /// The customer did something since its record; whether it was to write, the newest comment tells.
    Likely,
    /// Somebody wrote since its record, probably an agent; whether it was the customer, the newest comment tells.
    Unlikely,
}

impl From<&Record> for Triaged {
    fn from(record: &Record) -> Self {
        Self { version: record.version, at: record.triaged_at }
    }
}

/// `began` is when the first sweep began to look: what came before was nobody's to triage.
pub(crate) fn look(changed: &Changed, triaged: Option<Triaged>, began: Timestamp, now: Timestamp) -> Look {
    if changed.closed {
        return Look::Leave;
    }
    let Some(triaged) = triaged else {
        let wrote = changed.customer_at.unwrap_or(changed.created_at);
        return if wrote < began || wrote < earlier(now, PAST) { Look::Leave } else { Look::Lost };
    };
    if changed.customer_at.is_some_and(|at| at > triaged.at) {
        return Look::Likely;
    }
    let wrote = changed.commented_at.unwrap_or(changed.updated_at);
    if wrote.duration_since(triaged.at) > OWN_WRITE { Look::Unlikely } else { Look::Leave }
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        sample::now() + SignedDuration::from_mins(minutes)
    }

    /// Minutes from the sample's moment; the sweep first looked at minute 0 and looks now at minute 1,000.
    struct Case {
        created: i64,
        updated: i64,
        customer: Option<i64>,
        commented: Option<i64>,
        triaged: Option<i64>,
    }

    impl Case {
        fn look(&self) -> Look {
            let changed = Changed {
                ticket: sample::ticket_id(1),
                created_at: at(self.created),
                updated_at: at(self.updated),
                customer_at: self.customer.map(at),
                commented_at: self.commented.map(at),
                closed: false,
            };
            let triaged = self.triaged.map(|minute| Triaged { version: Version(1), at: at(minute) });
            assert_eq!(look(&Changed { closed: true, ..changed }, triaged, at(0), at(1_000)), Look::Leave, "closed");
            look(&changed, triaged, at(0), at(1_000))
        }
    }

    #[test]
    fn a_ticket_without_record_is_lost_unless_it_is_past() {
        let month = -30 * 24 * 60;
        for (created, customer, expected) in [
            (10, None, Look::Lost),
            (10, Some(10), Look::Lost),
            (-10, None, Look::Leave),
            (-10, Some(-5), Look::Leave),
            (-10, Some(5), Look::Lost),
            (month, Some(990), Look::Lost),
            (2 * month, None, Look::Leave),
        ] {
            let case = Case { created, updated: 999, customer, commented: None, triaged: None };
            assert_eq!(case.look(), expected, "created {created}, customer {customer:?}");
        }
    }

    #[test]
    fn a_month_old_ticket_without_record_is_past() {
        let changed = Changed {
            ticket: sample::ticket_id(1),
            created_at: at(0),
            updated_at: at(0),
            customer_at: None,
            commented_at: None,
            closed: false,
        };
        let days = |days: i64| at(0) + SignedDuration::from_hours(24 * days);
        assert_eq!(look(&changed, None, at(-10), days(29)), Look::Lost);
        assert_eq!(look(&changed, None, at(-10), days(31)), Look::Leave);
    }

    #[test]
    fn a_triaged_ticket_is_looked_into_after_a_later_word() {
        for (updated, customer, commented, expected) in [
            (101, Some(100), Some(101), Look::Leave),
            (101, None, None, Look::Leave),
            (110, Some(110), Some(110), Look::Likely),
            (110, Some(110), None, Look::Likely),
            (110, Some(50), Some(110), Look::Unlikely),
            (110, Some(50), Some(90), Look::Leave),
            (110, None, None, Look::Unlikely),
        ] {
            let case = Case { created: 10, updated, customer, commented, triaged: Some(100) };
            assert_eq!(case.look(), expected, "updated {updated}, customer {customer:?}, commented {commented:?}");
        }
    }
}
