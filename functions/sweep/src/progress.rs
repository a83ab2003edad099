//! How far the sweeping has come, kept from run to run as a cursor's text.

use std::collections::BTreeMap;

use domain::{TicketId, ports::Changed, time::earlier};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Events of the last minute may be on their way, and Zendesk's exports leave it out.
const ON_THE_WAY: SignedDuration = SignedDuration::from_mins(1);
/// Read again by each run: clocks differ, and a list may be a little behind.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// How far the second look goes back, and how long after one the next is due: what was queued and then given up lies in
/// no stretch any more, and is found by it. A message is given up after eight hours at the most.
const BACK: SignedDuration = SignedDuration::from_hours(24);
const BACK_EVERY: SignedDuration = SignedDuration::from_hours(6);
/// Tickets remembered as looked at: more than change in the minutes read again, and far less than an item holds.
const MOST_LOOKED: usize = 4_000;

/// The text of the cursor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    v: u8,
    /// When the first sweep began to look.
    pub(crate) began: Timestamp,
    /// Every change before is looked at.
    since: Timestamp,
    fresh: Option<Walk>,
    back: Option<Walk>,
    /// When the next second look is due.
    back_due: Timestamp,
    /// What was looked at, by its last change, as far as it will be read again.
    looked: BTreeMap<TicketId, Timestamp>,
}

/// A stretch that is being walked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Walk {
    pub(crate) since: Timestamp,
    /// What changed later is the next walk's.
    pub(crate) until: Timestamp,
    pub(crate) page: Option<String>,
}

/// Which of the two a walk is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// What changed since the last one.
    Fresh,
    /// The second look.
    Back,
}

impl Progress {
    const CURRENT: u8 = 1;

    /// The first sweep looks back so far.
    pub(crate) fn begin(now: Timestamp, look_back: SignedDuration) -> Self {
        let since = earlier(now, look_back);
        Self {
            v: Self::CURRENT,
            began: since,
            since,
            fresh: None,
            back: None,
            back_due: domain::time::later(now, BACK_EVERY),
            looked: BTreeMap::new(),
        }
    }

    /// None for a text that this version cannot read.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|progress: &Self| progress.v == Self::CURRENT)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("plain values serialise")
    }

    /// The walk that is under way, or the one that begins now.
    pub(crate) fn walk(&mut self, kind: Kind, now: Timestamp) -> &mut Walk {
        let until = earlier(now, ON_THE_WAY);
        match kind {
            Kind::Fresh => {
                let since = self.since.min(until);
                self.fresh.get_or_insert(Walk { since, until, page: None })
            }
            Kind::Back => {
                let since = earlier(now, BACK).max(self.began);
                self.back.get_or_insert(Walk { since, until, page: None })
            }
        }
    }

    pub(crate) fn is_back_due(&self, now: Timestamp) -> bool {
        self.back.is_some() || self.back_due <= now
    }

    /// Whether the ticket still has to be looked at on that walk. A second look trusts nothing that was noted.
    pub(crate) fn is_new(&self, kind: Kind, changed: &Changed) -> bool {
        kind == Kind::Back || self.looked.get(&changed.ticket) != Some(&changed.updated_at)
    }

    pub(crate) fn looked_at(&mut self, changed: &Changed) {
        self.looked.insert(changed.ticket, changed.updated_at);
    }

    /// The walk has come to its end.
    pub(crate) fn finish(&mut self, kind: Kind, now: Timestamp) {
        match kind {
            Kind::Fresh => {
                if let Some(walk) = self.fresh.take() {
                    self.since = earlier(walk.until, OVERLAP).max(self.since);
                }
                self.forget();
            }
            Kind::Back => {
                self.back = None;
                self.back_due = domain::time::later(now, BACK_EVERY);
            }
        }
    }

    /// A page that the helpdesk refuses to go on from: the walk begins anew.
    pub(crate) fn restart(&mut self, kind: Kind) {
        match kind {
            Kind::Fresh => self.fresh = None,
            Kind::Back => self.back = None,
        }
    }

    /// How far the fresh walk lags behind.
    pub(crate) fn behind(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since)
    }

    /// Drops what no walk reads again, and the oldest of what is too much.
    fn forget(&mut self) {
        let since = self.since;
        self.looked.retain(|_, at| *at >= since);
        if self.looked.len() > MOST_LOOKED {
            let mut times: Vec<Timestamp> = self.looked.values().copied().collect();
            times.sort_unstable();
            let oldest = times.get(times.len() - MOST_LOOKED).copied().unwrap_or(since);
            self.looked.retain(|_, at| *at >= oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        sample::now() + SignedDuration::from_mins(minutes)
    }

    fn changed(number: u64, minute: i64) -> Changed {
        Changed {
            ticket: sample::ticket_id(number),
            created_at: at(0),
            updated_at: at(minute),
            customer_at: None,
            commented_at: None,
            closed: false,
        }
    }

    #[test]
    fn a_walk_leaves_out_the_last_minute_and_reads_some_again() {
        let mut progress = Progress::begin(at(60), SignedDuration::from_hours(1));
        let walk = progress.walk(Kind::Fresh, at(60)).clone();
        assert_eq!((walk.since, walk.until), (at(0), at(59)));
        progress.finish(Kind::Fresh, at(60));
        let walk = progress.walk(Kind::Fresh, at(65)).clone();
        assert_eq!((walk.since, walk.until), (at(54), at(64)));
    }

    #[test]
    fn an_unfinished_walk_goes_on() {
        let mut progress = Progress::begin(at(60), SignedDuration::from_hours(1));
        progress.walk(Kind::Fresh, at(60)).page = Some("two".into());
        let mut read = Progress::read(&progress.text()).unwrap();
        assert_eq!(read, progress);
        let walk = read.walk(Kind::Fresh, at(65));
        assert_eq!((walk.since, walk.until, walk.page.as_deref()), (at(0), at(59), Some("two")));
        read.restart(Kind::Fresh);
        assert_eq!(read.walk(Kind::Fresh, at(65)).since, at(0), "from where all is looked at");
    }

    #[test]
    fn a_second_look_comes_every_six_hours() {
        let mut progress = Progress::begin(at(0), SignedDuration::from_hours(1));
        assert!(!progress.is_back_due(at(359)));
        assert!(progress.is_back_due(at(360)));
        assert_eq!(progress.walk(Kind::Back, at(360)).since, at(-60), "not before the beginning");
        progress.finish(Kind::Back, at(361));
        assert!(!progress.is_back_due(at(720)));
        assert_eq!(progress.walk(Kind::Back, at(3_000)).since, at(3_000 - 24 * 60));
    }

    #[test]
    fn what_was_looked_at_is_forgotten_when_it_is_past() {
        let mut progress = Progress::begin(at(60), SignedDuration::from_hours(1));
        progress.looked_at(&changed(1, 50));
        progress.looked_at(&changed(2, 58));
        progress.walk(Kind::Fresh, at(60));
        progress.finish(Kind::Fresh, at(60));
        assert!(progress.is_new(Kind::Fresh, &changed(1, 50)));
        assert!(!progress.is_new(Kind::Fresh, &changed(2, 58)));
        assert!(progress.is_new(Kind::Fresh, &changed(2, 59)), "it changed again");
        assert!(progress.is_new(Kind::Back, &changed(2, 58)));
        for number in 1..=2 * MOST_LOOKED as u64 {
            progress.looked_at(&changed(number, 60 + i64::try_from(number).unwrap()));
        }
        progress.forget();
        assert_eq!(progress.looked.len(), MOST_LOOKED);
        assert!(progress.text().len() < 300_000, "an item holds 400 kB");
    }

    #[test]
    fn a_text_of_another_version_is_not_read() {
        let text = Progress::begin(at(0), SignedDuration::ZERO).text();
        assert!(Progress::read(&text.replace("\"v\":1", "\"v\":2")).is_none());
        assert!(Progress::read("{}").is_none() && Progress::read("").is_none());
    }
}
