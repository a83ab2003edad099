//! One conversation with each person about each account, or about what may be one outage: which alert is sent at once in it,
//! and which waits for the digest.
//!
//! | the account's alert | goes out |
//! |---|---|
//! | is the first, or nothing was said for [`SILENCE`] | at once, and opens the conversation |
//! | is of a higher band than any of its kind before, says something of a new sort, or has a new deadline | at once |
//! | says what its ticket said before, and is no more urgent | never by itself |
//! | is another | once [`PAUSE`] has passed since the last message, and not while an alert that people closed has its cooldown |
//! | was sent before, and nobody knows whether it arrived | again, in the same place |
//!
//! A conversation about an outage is over after [`PAUSE`]: what may be one fault is told once an hour.

use std::{fmt, sync::Arc};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    AccountId, Alert, AlertKey, AlertKind, Deadline, EmailAddress, Signal, Stage, TeamId, TicketId, TopicId,
    fingerprint::Fingerprint, time::later,
};

/// What says nothing new waits so long after the conversation's last message.
pub const PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// A conversation in which nothing was said for so long is over.
pub const SILENCE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What was said longer ago than this many messages counts as new: an item of a table has to end somewhere.
const REMEMBERED: usize = 40;

/// The messages about an account to one person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Conversation {
    /// Its first alert, whose message the others answer.
    pub opened_by: AlertKey,
    /// Oldest first.
    pub said: Vec<Said>,
    /// After that a new one begins.
    pub until: Timestamp,
    /// A change is written only over the revision it was decided on. Those of a later conversation are higher.
    pub revision: i64,
}

/// What an alert said, without its text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Said {
    pub alert: AlertKey,
    /// The sort of signal: an intent, or the playbook's reason. None: no reason in particular.
    pub sort: Option<Arc<str>>,
    pub deadline: Option<(Date, Option<Time>)>,
    pub quotes: Vec<Fingerprint>,
    /// When its message went out.
    pub at: Timestamp,
}

/// How long things are kept back or remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// After people settled an alert or called it wrong.
    pub cooldown: SignedDuration,
    /// How long text is kept: no conversation is remembered for longer.
    pub retention: SignedDuration,
}

/// What becomes of an alert now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Turn {
    /// It waits for the digest.
    Waits,
    Speaks {
        /// None: it opens the conversation.
        reply: Option<Reply>,
        /// The conversation with it. None: that knows of it, so the message may be out already.
        next: Option<Conversation>,
    },
}

/// A message that goes on with a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub opened_by: AlertKey,
    pub news: Option<News>,
    /// The quote that says it best: one that was not sent before.
    pub quote: Option<String>,
}

/// Why a message cannot wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum News {
    /// The band is higher than any of its kind before.
    Worse,
    /// A sort of signal that was not said before.
    Signal,
    Deadline,
}

/// What a conversation is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Matter {
    Account(AccountId),
    /// P0 tickets that one team has about one topic: likely one fault that hits many customers.
    Outage {
        team: TeamId,
        topic: Option<TopicId>,
    },
}

impl Matter {
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match alert.signal.kind() {
            AlertKind::Guardian | AlertKind::Opportunity => Self::Account(alert.account.clone()),
            AlertKind::Outage => Self::Outage { team: alert.agent.clone(), topic: alert.topic.clone() },
        }
    }
}

/// The account, or `outage#nexus/order-sync`.
impl fmt::Display for Matter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(f, "{account}"),
            Self::Outage { team, topic: Some(topic) } => write!(f, "{}#{team}/{topic}", AlertKind::Outage),
            Self::Outage { team, topic: None } => write!(f, "{}#{team}", AlertKind::Outage),
        }
    }
}

/// The name of the conversation: a hash, so that it names neither once the rest is erased.
#[must_use]
pub fn name(recipient: &EmailAddress, matter: &Matter) -> String {
    let digest = Sha256::digest(format!("{}\n{matter}", recipient.folded()).as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The name of the thread that an alert opens. A message sent twice has it twice, so that mail programs fold the two.
#[must_use]
pub fn thread(opened_by: AlertKey) -> String {
    format!("{}-{}", opened_by.ticket.number(), opened_by.kind)
}

/// Whether an alert is sent at once. `conversation` is the one with its recipient about its account that has not ended.
#[must_use]
pub fn turn(conversation: Option<&Conversation>, alert: &Alert, patience: Patience, now: Timestamp) -> Turn {
    let said = Said::of(alert, now);
    let Some(conversation) = conversation else {
        let opened = Conversation {
            opened_by: said.alert,
            said: Vec::new(),
            until: now,
            // Higher than those of one that ended before.
            revision: now.as_millisecond(),
        };
        return Turn::Speaks { reply: None, next: Some(opened.with(said, patience)) };
    };
    if let Some(place) = conversation.said.iter().position(|before| before.alert == said.alert) {
        let before = conversation.said.get(..place).unwrap_or_default();
        let reply = (conversation.opened_by != said.alert).then(|| conversation.reply(before, &said, alert));
        return Turn::Speaks { reply, next: None };
    }
    let before = conversation.said.as_slice();
    let paused = before.last().is_some_and(|last| now < later(last.at, PAUSE));
    let closed = closed_at(alert).is_some_and(|at| now < later(at, patience.cooldown));
    let waits = said.is_copy(before) || (said.news(before).is_none() && (paused || closed));
    if waits {
        return Turn::Waits;
    }
    let reply = conversation.reply(before, &said, alert);
    Turn::Speaks { reply: Some(reply), next: Some(conversation.with(said, patience)) }
}

/// When people last settled an earlier alert of the kind, or called it wrong.
fn closed_at(alert: &Alert) -> Option<Timestamp> {
    let of_kind = alert.earlier.iter().filter(|earlier| earlier.key.kind == alert.signal.kind());
    let closed = of_kind.filter_map(|earlier| match earlier.stage {
        Stage::Settled { at, .. } | Stage::Wrong { at, .. } => Some(at),
        Stage::New | Stage::Taken { .. } | Stage::Snoozed { .. } => None,
    });
    closed.max()
}

impl Conversation {
    /// The conversation as it was before `next`, to be stored in its place: that message reached nobody.
    #[must_use]
    pub fn taken_back(seen: Option<&Self>, next: &Self, now: Timestamp) -> Self {
        let before = seen.cloned().unwrap_or_else(|| Self { until: now, ..next.clone() });
        Self { revision: next.revision.saturating_add(1), ..before }
    }

    /// Whether the ticket has said anything in it.
    #[must_use]
    pub fn has(&self, ticket: TicketId) -> bool {
        self.opened_by.ticket == ticket || self.said.iter().any(|said| said.alert.ticket == ticket)
    }

    fn with(&self, said: Said, patience: Patience) -> Self {
        let silence = if said.alert.kind == AlertKind::Outage { PAUSE } else { SILENCE };
        let until = later(said.at, silence.min(patience.retention));
        let forgotten = (self.said.len() + 1).saturating_sub(REMEMBERED);
        let said = self.said.iter().skip(forgotten).cloned().chain([said]).collect();
        Self { said, until, revision: self.revision.saturating_add(1), ..self.clone() }
    }

    fn reply(&self, before: &[Said], said: &Said, alert: &Alert) -> Reply {
        let news = said.news(before);
        let due = alert.deadline.as_ref().filter(|_| news == Some(News::Deadline));
        Reply { opened_by: self.opened_by, news, quote: newest_words(before, &alert.evidence, due) }
    }
}

/// Of the quotes that were not sent before, the one with the new deadline, else the first.
fn newest_words(before: &[Said], quotes: &[String], due: Option<&Deadline>) -> Option<String> {
    let sent = |quote: &&String| {
        let print = Fingerprint::of(quote);
        print.is_some_and(|print| before.iter().any(|said| said.quotes.contains(&print)))
    };
    let fresh: Vec<&String> = quotes.iter().filter(|quote| !sent(quote)).collect();
    let with_deadline = due.and_then(|due| fresh.iter().find(|quote| quote.contains(&due.words)));
    with_deadline.or(fresh.first()).copied().or(quotes.first()).cloned()
}

impl Said {
    #[must_use]
    pub fn of(alert: &Alert, at: Timestamp) -> Self {
        Self {
            alert: alert.key(),
            sort: match alert.signal {
                Signal::Guardian { .. } => alert.because.clone(),
                Signal::Opportunity { intent, .. } => Some(intent.to_string().into()),
                Signal::Outage { .. } => None,
            },
            deadline: alert.deadline.as_ref().map(|deadline| (deadline.day, deadline.time)),
            quotes: alert.evidence.iter().filter_map(|quote| Fingerprint::of(quote)).collect(),
            at,
        }
    }

    fn news(&self, before: &[Self]) -> Option<News> {
        let of_kind = || before.iter().filter(|said| said.alert.kind == self.alert.kind);
        let known = of_kind().next().is_some();
        if known && of_kind().all(|said| said.alert.band < self.alert.band) {
            return Some(News::Worse);
        }
        let new_sort = self.sort.is_some() && of_kind().all(|said| said.sort != self.sort);
        if !known || new_sort {
            return Some(News::Signal);
        }
        let new_deadline = self.deadline.is_some() && before.iter().all(|said| said.deadline != self.deadline);
        new_deadline.then_some(News::Deadline)
    }

    /// Whether its ticket said all of this before, and was no less urgent.
    fn is_copy(&self, before: &[Self]) -> bool {
        let same = |said: &&Self| said.alert.ticket == self.alert.ticket && said.alert.kind == self.alert.kind;
        let said = |quote: &Fingerprint| before.iter().filter(same).any(|said| said.quotes.contains(quote));
        before.iter().filter(same).any(|said| said.alert.band >= self.alert.band) && self.quotes.iter().all(said)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;
    use crate::{AlertKind, Band, EarlierAlert, Intent, Version, follow_up::Outcome, sample};

    const PATIENCE: Patience =
        Patience { cooldown: SignedDuration::from_hours(24), retention: SignedDuration::from_hours(90 * 24) };

    fn at(minutes: i64) -> Timestamp {
        sample::now() + SignedDuration::from_mins(minutes)
    }

    /// What an alert says beside its ticket, kind and band.
    #[derive(Clone, Copy, Debug, Default)]
    struct Words {
        sort: Option<&'static str>,
        /// Of November.
        due: Option<i8>,
        quote: &'static str,
    }

    fn alert(ticket: u64, kind: AlertKind, band: Band, words: Words) -> Alert {
        let signal = match kind {
            AlertKind::Guardian => Signal::Guardian { score: 8 },
            AlertKind::Opportunity => Signal::Opportunity { intent: Intent::Upgrade, confidence: 8 },
            AlertKind::Outage => Signal::Outage { what: None },
        };
        Alert {
            signal,
            band,
            because: words.sort.map(Arc::from),
            deadline: words.due.map(due),
            evidence: Arc::new([words.quote.to_owned()]),
            ..sample::alert(ticket)
        }
    }

    fn due(day: i8) -> Deadline {
        Deadline { day: date(2026, 11, day), time: Some(time(9, 0, 0, 0)), words: format!("on the {day}th") }
    }

    fn guardian(ticket: u64, band: Band, words: Words) -> Alert {
        alert(ticket, AlertKind::Guardian, band, words)
    }

    /// The conversation once each has spoken, a minute apart.
    fn after(alerts: &[Alert]) -> Conversation {
        let mut conversation = None;
        for (alert, minute) in alerts.iter().zip(0..) {
            let Turn::Speaks { next, .. } = turn(conversation.as_ref(), alert, PATIENCE, at(minute)) else {
                panic!("{} waits", alert.key())
            };
            conversation = next.or(conversation);
        }
        conversation.unwrap()
    }

    /// `opens`, `waits`, `says more`, or what is new.
    fn word(turn: &Turn) -> &'static str {
        match turn {
            Turn::Waits => "waits",
            Turn::Speaks { reply: None, .. } => "opens",
            Turn::Speaks { reply: Some(reply), .. } => match reply.news {
                None => "says more",
                Some(News::Worse) => "worse",
                Some(News::Signal) => "signal",
                Some(News::Deadline) => "deadline",
            },
        }
    }

    #[test]
    fn what_is_new_goes_out_at_once() {
        use AlertKind::{Guardian, Opportunity};
        use Band::{Critical, Elevated};
        let words = Words { sort: Some("price"), due: Some(17), quote: "We leave on the 17th." };
        let first = guardian(1, Elevated, words);
        let other = Words { quote: "It is worse by the day.", ..words };
        let (dueless, vague) = (Words { due: None, ..other }, Words { sort: None, ..other });
        for (next, expected) in [
            (guardian(2, Elevated, other), "says more"),
            (guardian(2, Elevated, dueless), "says more"),
            (guardian(2, Elevated, vague), "says more"),
            (guardian(2, Critical, other), "worse"),
            (guardian(1, Critical, words), "worse"),
            (guardian(2, Elevated, Words { sort: Some("outage"), ..other }), "signal"),
            (alert(2, Opportunity, Elevated, other), "signal"),
            (alert(2, Opportunity, Critical, other), "signal"),
            (guardian(2, Elevated, Words { due: Some(18), ..other }), "deadline"),
            (guardian(2, Critical, Words { due: Some(18), sort: Some("outage"), ..other }), "worse"),
        ] {
            for minute in [1, 59, 60, 24 * 60] {
                let turn = turn(Some(&after(std::slice::from_ref(&first))), &next, PATIENCE, at(minute));
                let expected = if expected == "says more" && minute < 60 { "waits" } else { expected };
                assert_eq!(word(&turn), expected, "{} after {minute} minutes", next.key());
            }
        }
        assert_eq!(word(&turn(None, &first, PATIENCE, at(0))), "opens");
        assert_eq!(first.key().kind, Guardian);
    }

    /// Every pair of alerts, one after the other, against the rules in other words.
    #[test]
    fn a_grid_of_second_alerts() {
        let kinds = [AlertKind::Guardian, AlertKind::Opportunity];
        let bands = [Band::Elevated, Band::Critical];
        let texts = ["We leave.", "We mean it."];
        let mut all = Vec::new();
        for ticket in [1, 2] {
            for kind in kinds {
                for band in bands {
                    for sort in [None, Some("price"), Some("outage")] {
                        for due in [None, Some(17), Some(18)] {
                            let with = |quote| alert(ticket, kind, band, Words { sort, due, quote });
                            all.extend(texts.map(with));
                        }
                    }
                }
            }
        }
        let mut counted = [0; 3];
        for first in all.iter().filter(|alert| alert.ticket.number() == 1) {
            let conversation = after(std::slice::from_ref(first));
            for second in &all {
                let same_kind = first.signal.kind() == second.signal.kind();
                let same_ticket = first.ticket == second.ticket;
                let urgent = !same_kind
                    || second.band > first.band
                    // An intent is the same in the whole grid.
                    || (second.signal.kind() == AlertKind::Guardian
                        && second.because.is_some()
                        && second.because != first.because)
                    || (second.deadline.is_some() && second.deadline != first.deadline);
                let copy = same_ticket && same_kind && second.band <= first.band && second.evidence == first.evidence;
                for minute in [0, 59, 60] {
                    let sent = matches!(turn(Some(&conversation), second, PATIENCE, at(minute)), Turn::Speaks { .. });
                    let expected = if first.key() == second.key() {
                        counted[0] += 1;
                        true
                    } else if copy {
                        counted[1] += 1;
                        false
                    } else {
                        counted[2] += 1;
                        urgent || minute == 60
                    };
                    assert_eq!(sent, expected, "{first:?}\n{second:?}\nafter {minute} minutes");
                }
            }
        }
        assert!(counted.iter().all(|count| *count > 900), "{counted:?}");
    }

    #[test]
    fn a_message_sent_again_is_the_same() {
        let words = Words { quote: "We leave.", ..Words::default() };
        let alerts = [
            guardian(1, Band::Elevated, words),
            guardian(2, Band::Critical, words),
            alert(3, AlertKind::Opportunity, Band::Elevated, words),
        ];
        let mut conversation = None;
        for (alert, minute) in alerts.iter().zip(0..) {
            let Turn::Speaks { reply, next: Some(next) } = turn(conversation.as_ref(), alert, PATIENCE, at(minute))
            else {
                panic!("{}", alert.key())
            };
            let again = turn(Some(&next), alert, PATIENCE, at(minute + 30));
            assert_eq!(again, Turn::Speaks { reply, next: None }, "{}", alert.key());
            conversation = Some(next);
        }
        let first = turn(conversation.as_ref(), &alerts[0], PATIENCE, at(9));
        assert_eq!(first, Turn::Speaks { reply: None, next: None }, "whatever was said since");
        let second = turn(conversation.as_ref(), &alerts[1], PATIENCE, at(9));
        assert_eq!(word(&second), "worse");
    }

    #[test]
    fn what_people_closed_stays_silent_for_its_cooldown() {
        let words = Words { quote: "We leave.", ..Words::default() };
        let first = guardian(1, Band::Elevated, words);
        let conversation = after(std::slice::from_ref(&first));
        let by = || "ann@example.com".parse().unwrap();
        let check = |stage: Stage, kind: AlertKind, minute: i64, expected: &str| {
            let key = AlertKey { kind, ..first.key() };
            let earlier = vec![EarlierAlert { key, version: Version(1), at: at(0), stage }];
            let next = Alert { earlier, ..guardian(2, Band::Elevated, Words { quote: "Still.", ..words }) };
            assert_eq!(word(&turn(Some(&conversation), &next, PATIENCE, at(minute))), expected, "{minute} {kind}");
            let worse = Alert { band: Band::Critical, ..next };
            assert_eq!(word(&turn(Some(&conversation), &worse, PATIENCE, at(minute))), "worse");
        };
        let settled = || Stage::Settled { outcome: Outcome::Saved, by: by(), at: at(30) };
        let day = 24 * 60;
        for (minute, expected) in [(60, "waits"), (day + 29, "waits"), (day + 30, "says more")] {
            check(settled(), AlertKind::Guardian, minute, expected);
        }
        check(settled(), AlertKind::Opportunity, 60, "says more");
        for stage in [Stage::New, Stage::Taken { by: by(), at: at(30) }] {
            check(stage, AlertKind::Guardian, 60, "says more");
        }
    }

    #[test]
    fn the_subject_gets_the_words_that_are_new() {
        let quotes = |quotes: &[&str], due| Alert {
            evidence: quotes.iter().map(|quote| (*quote).to_owned()).collect(),
            deadline: due,
            ..guardian(2, Band::Elevated, Words::default())
        };
        let said = "We leave.";
        let conversation = after(&[guardian(1, Band::Elevated, Words { quote: said, ..Words::default() })]);
        for (next, expected) in [
            (quotes(&[said, "I sign tomorrow."], None), Some("I sign tomorrow.")),
            (quotes(&["Hello.", "I sign on the 18th."], Some(due(18))), Some("I sign on the 18th.")),
            (quotes(&[said], None), Some(said)),
            (quotes(&[], None), None),
        ] {
            let Turn::Speaks { reply: Some(reply), .. } = turn(Some(&conversation), &next, PATIENCE, at(60)) else {
                panic!("{next:?}")
            };
            assert_eq!(reply.quote.as_deref(), expected);
        }
    }

    #[test]
    fn a_conversation_ends_after_a_silence() {
        let first = guardian(1, Band::Elevated, Words::default());
        let until = |retention: i64| {
            let patience = Patience { retention: SignedDuration::from_hours(24 * retention), ..PATIENCE };
            match turn(None, &first, patience, at(0)) {
                Turn::Speaks { next: Some(next), .. } => next.until,
                other => panic!("{other:?}"),
            }
        };
        let day = 24 * 60;
        assert_eq!([until(90), until(7)], [at(30 * day), at(7 * day)], "retention is a limit");
    }

    #[test]
    fn what_reached_nobody_is_taken_back() {
        let words = |quote| Words { quote, ..Words::default() };
        let (first, second) = (guardian(1, Band::Elevated, words("a")), guardian(2, Band::Critical, words("b")));
        let (before, next) = (after(std::slice::from_ref(&first)), after(&[first, second]));
        let back = Conversation::taken_back(Some(&before), &next, at(2));
        assert_eq!((&back.said, back.until), (&before.said, before.until));
        assert!(back.revision > next.revision);
        assert_eq!(Conversation::taken_back(None, &before, at(2)).until, at(2), "there was none");
    }

    #[test]
    fn a_conversation_stays_small() {
        let alerts: Vec<Alert> = (1..=200)
            .map(|number| {
                let sort = Some(&*number.to_string().leak());
                guardian(number, Band::Elevated, Words { sort, ..Words::default() })
            })
            .collect();
        let conversation = after(&alerts);
        assert_eq!((conversation.said.len(), conversation.opened_by), (REMEMBERED, alerts[0].key()));
        assert!(serde_json::to_string(&conversation).unwrap().len() < 16 * 1024);
    }

    #[test]
    fn a_name_is_of_both_and_names_neither() {
        let of =
            |recipient: &str, account| name(&recipient.parse().unwrap(), &Matter::Account(sample::account_id(account)));
        assert_eq!(of("A@Example.com", "Acme"), of("a@example.com", "Acme"));
        let names = [of("a@example.com", "Acme"), of("b@example.com", "Acme"), of("a@example.com", "Bolt")];
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        assert!(names.iter().all(|name| name.len() == 32 && name.chars().all(|c| c.is_ascii_hexdigit())));
    }

    #[test]
    fn what_may_be_one_fault_is_told_once_an_hour() {
        let p0 = |ticket, customer: &str, team: &str, topic: &str| Alert {
            account: sample::account_id(customer),
            agent: sample::team(team),
            topic: topic.parse().ok(),
            ..alert(ticket, AlertKind::Outage, Band::Critical, Words { due: Some(17), ..Words::default() })
        };
        let risk =
            |customer: &str| Alert { signal: Signal::Guardian { score: 9 }, ..p0(1, customer, "nexus", "webhooks") };
        let first = p0(1, "Acme", "nexus", "webhooks");
        for (other, same) in [
            (p0(2, "Acme", "nexus", "webhooks"), true),
            (p0(2, "Other", "nexus", "webhooks"), true),
            (p0(2, "Acme", "cipher", "webhooks"), false),
            (p0(2, "Acme", "nexus", "order-sync"), false),
            (p0(2, "Acme", "nexus", ""), false),
            (risk("Acme"), false),
        ] {
            assert_eq!(Matter::of(&first) == Matter::of(&other), same, "{other:?}");
            assert_eq!(Matter::of(&first).to_string() == Matter::of(&other).to_string(), same);
        }
        assert_eq!(Matter::of(&risk("Acme")).to_string(), "Acme");
        let conversation = after(std::slice::from_ref(&first));
        let other = p0(2, "Other", "nexus", "webhooks");
        assert_eq!(turn(Some(&conversation), &other, PATIENCE, at(59)), Turn::Waits);
        assert_eq!(conversation.until, at(60), "then another begins");
    }
}
