//! What people make of an alert: who has it, how it ended, whether it was wrong.

use std::fmt;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

use crate::{
    Alert, AlertKind, Band, Delivery, EmailAddress,
    policy::{AlertPolicy, Pressers},
    time::later,
};

/// Where an alert stands with people, as a part of the alert. One that was stored before alerts had this is new.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct FollowUp {
    #[serde(flatten)]
    pub stage: Stage,
    /// How often it changed: a change is written only over the revision it was decided on.
    pub revision: u32,
    /// The second address, from when it was told. It may press what the recipient may press.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_to: Option<EmailAddress>,
    /// When it last came back from a snooze.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub woken_at: Option<Timestamp>,
    /// Who had snoozed it then, and is told that it is back. They may press what the recipient may press.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub woken_for: Option<EmailAddress>,
    /// To whom it was handed, the newest last. They may press what the recipient may press.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handed: Vec<HandedOver>,
    /// Where it stands in a chat, so that what becomes of it is shown there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted: Option<Posted>,
}

/// An alert went from one person to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HandedOver {
    pub by: EmailAddress,
    pub to: EmailAddress,
    pub at: Timestamp,
    /// The new owner has a mail about it.
    #[serde(default)]
    pub told: bool,
}

/// An alert's message in a chat, with what it takes to write it anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Posted {
    /// The chat's name for the channel, such as `C0123ABCD`.
    pub channel: String,
    /// The chat's name for the message. None: it went through a webhook, and nobody can change or delete it.
    pub message: Option<String>,
    /// Who may press its buttons beside the recipients, as the policy was then.
    #[serde(default)]
    pub may_press: Pressers,
    /// Where its ticket is opened.
    pub helpdesk_url: String,
    /// The account on the dashboard, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// In which its times are told.
    #[serde(default = "utc", with = "jiff::fmt::serde::tz::required")]
    pub time_zone: TimeZone,
    /// What stands before its amounts.
    #[serde(default = "dollar")]
    pub currency: String,
}

fn dollar() -> String {
    "$".to_owned()
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

/// How far people are with it.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Stage {
    /// Nobody has said anything.
    #[default]
    New,
    /// Somebody looks after it.
    Taken { by: EmailAddress, at: Timestamp },
    /// It came to an end.
    Settled { outcome: Outcome, by: EmailAddress, at: Timestamp },
    /// It should not have been raised.
    Wrong { reason: WrongReason, by: EmailAddress, at: Timestamp },
    /// It comes back then.
    Snoozed { until: Timestamp, by: EmailAddress, at: Timestamp },
}

/// Of how many hand-overs the people are known.
const MOST_HANDED: usize = 20;

/// How an alert ended. Each kind has its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    Saved,
    Leaving,
    NotReached,
    Won,
    Lost,
    Later,
    Fixed,
    NotOurs,
    NoOutage,
}

/// Why an alert was wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum WrongReason {
    /// The words do not mean that.
    Misread,
    /// True once, and dealt with before the alert came.
    OldNews,
    /// Another account, or no customer at all.
    WrongAccount,
    Other,
}

/// When a snoozed alert comes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Display, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Snooze {
    Tomorrow,
    ThreeDays,
    NextWeek,
}

/// What a person does with an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    Take,
    Settle(Outcome),
    CallWrong(WrongReason),
    Snooze(Snooze),
    /// It is that person's from now on.
    HandOver(EmailAddress),
}

/// Where a person pressed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Door {
    /// A signed link in a mail.
    #[default]
    Link,
    /// The dashboard, where they are signed in.
    Page,
    /// A button in Slack.
    Slack,
}

/// A step that the alert does not allow.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    #[error("{by} has had it since {at}")]
    TakenBy { by: EmailAddress, at: Timestamp },
    /// The same person did the same before.
    #[error("it is so already")]
    Already,
    #[error("it is settled: {0}")]
    Settled(Outcome),
    #[error("it was called wrong: {0}")]
    CalledWrong(WrongReason),
    #[error("an alert of kind {kind} does not end as {outcome}")]
    OtherKind { outcome: Outcome, kind: AlertKind },
    #[error("it may not be handed to that person")]
    NoColleague,
    #[error("it is not snoozed, or not long enough")]
    NotDue,
    #[error("somebody has it, or the second address was told before")]
    NotToEscalate,
}

impl Outcome {
    #[must_use]
    pub fn kind(self) -> AlertKind {
        match self {
            Self::Saved | Self::Leaving | Self::NotReached => AlertKind::Guardian,
            Self::Won | Self::Lost | Self::Later => AlertKind::Opportunity,
            Self::Fixed | Self::NotOurs | Self::NoOutage => AlertKind::Outage,
        }
    }

    /// How an alert of a kind can end.
    pub fn of(kind: AlertKind) -> impl Iterator<Item = Self> {
        Self::iter().filter(move |outcome| outcome.kind() == kind)
    }

    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Saved => "saved: the customer stays",
            Self::Leaving => "leaving: the customer goes",
            Self::NotReached => "not reached",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Later => "later: not now, but interested",
            Self::Fixed => "fixed",
            Self::NotOurs => "not ours: another company's fault",
            Self::NoOutage => "no outage: it was less than a P0",
        }
    }
}

impl WrongReason {
    /// What is pressed to call an alert wrong.
    #[must_use]
    pub fn button(kind: AlertKind) -> &'static str {
        match kind {
            AlertKind::Guardian => "Not a risk",
            AlertKind::Opportunity => "Not a buying signal",
            AlertKind::Outage => "Not a P0",
        }
    }

    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Misread => "the words do not mean that",
            Self::OldNews => "dealt with before the alert came",
            Self::WrongAccount => "another account, or no customer",
            Self::Other => "another reason",
        }
    }
}

impl Snooze {
    #[must_use]
    pub fn length(self) -> SignedDuration {
        SignedDuration::from_hours(match self {
            Self::Tomorrow => 24,
            Self::ThreeDays => 3 * 24,
            Self::NextWeek => 7 * 24,
        })
    }

    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tomorrow => "tomorrow, at this time",
            Self::ThreeDays => "in three days",
            Self::NextWeek => "in a week",
        }
    }
}

impl FollowUp {
    /// What becomes of it when a person does that.
    ///
    /// # Errors
    /// [`Refused`], where the alert does not allow it; nothing changes then.
    pub fn after(&self, kind: AlertKind, step: Step, by: &EmailAddress, at: Timestamp) -> Result<Self, Refused> {
        match &self.stage {
            Stage::Settled { outcome, .. } => return Err(Refused::Settled(*outcome)),
            Stage::Wrong { reason, .. } => return Err(Refused::CalledWrong(*reason)),
            Stage::Taken { by: owner, at } if owner != by => {
                return Err(Refused::TakenBy { by: owner.clone(), at: *at });
            }
            Stage::Taken { .. } if step == Step::Take => return Err(Refused::Already),
            Stage::New | Stage::Taken { .. } | Stage::Snoozed { .. } => {}
        }
        let by = by.clone();
        let stage = match step {
            Step::Take => Stage::Taken { by, at },
            Step::Settle(outcome) if outcome.kind() != kind => return Err(Refused::OtherKind { outcome, kind }),
            Step::Settle(outcome) => Stage::Settled { outcome, by, at },
            Step::CallWrong(reason) => Stage::Wrong { reason, by, at },
            Step::Snooze(snooze) => Stage::Snoozed { until: later(at, snooze.length()), by, at },
            Step::HandOver(to) => {
                let mut next = self.with(Stage::Taken { by: to.clone(), at });
                next.handed.push(HandedOver { by, to, at, told: false });
                let many = next.handed.len().saturating_sub(MOST_HANDED);
                next.handed.drain(..many);
                return Ok(next);
            }
        };
        Ok(self.with(stage))
    }

    /// What becomes of it when its snooze is over: new again.
    ///
    /// # Errors
    /// It is not snoozed, or not long enough.
    pub fn woken(&self, now: Timestamp) -> Result<Self, Refused> {
        match &self.stage {
            Stage::Snoozed { until, by, .. } if *until <= now => {
                Ok(Self { woken_at: Some(now), woken_for: Some(by.clone()), ..self.with(Stage::New) })
            }
            Stage::Snoozed { .. } | Stage::New | Stage::Taken { .. } | Stage::Settled { .. } | Stage::Wrong { .. } => {
                Err(Refused::NotDue)
            }
        }
    }

    /// What becomes of it when the second address is told. Once in the life of an alert.
    ///
    /// # Errors
    /// Somebody said something already, or the second address was told before.
    pub fn escalated(&self, to: &EmailAddress) -> Result<Self, Refused> {
        match self.stage {
            Stage::New if self.escalated_to.is_none() => Ok(self.told(to)),
            Stage::New | Stage::Snoozed { .. } | Stage::Taken { .. } | Stage::Settled { .. } | Stage::Wrong { .. } => {
                Err(Refused::NotToEscalate)
            }
        }
    }

    /// The hand-over whose new owner is still to be told, and what becomes of it then. None once they did something
    /// themselves.
    #[must_use]
    pub fn to_tell(&self) -> Option<(HandedOver, Self)> {
        let last = self.handed.last().filter(|last| !last.told)?;
        let theirs = matches!(&self.stage, Stage::Taken { by, at } if *by == last.to && *at == last.at);
        let mut next = self.with(self.stage.clone());
        next.handed.last_mut()?.told = true;
        theirs.then(|| (last.clone(), next))
    }

    /// The same, known to the second address as well.
    #[must_use]
    pub fn told(&self, to: &EmailAddress) -> Self {
        Self { escalated_to: Some(to.clone()), ..self.with(self.stage.clone()) }
    }

    /// The same, with its message in a chat.
    #[must_use]
    pub fn posted(&self, posted: Posted) -> Self {
        Self { posted: Some(posted), ..self.with(self.stage.clone()) }
    }

    fn with(&self, stage: Stage) -> Self {
        Self { stage, revision: self.revision.saturating_add(1), ..self.clone() }
    }

    /// Whether nobody need look at it any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.stage.is_open()
    }
}

/// For a reader: `new`, `taken by kam@example.com`, `settled: saved`.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("new"),
            Self::Taken { by, .. } => write!(f, "taken by {by}"),
            Self::Settled { outcome, by, .. } => write!(f, "settled by {by}: {outcome}"),
            Self::Wrong { reason, by, .. } => write!(f, "called wrong by {by}: {reason}"),
            Self::Snoozed { until, by, .. } => write!(f, "snoozed by {by} until {until:.0}"),
        }
    }
}

impl Stage {
    /// Whether somebody has to act still.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::New | Self::Taken { .. } | Self::Snoozed { .. } => true,
            Self::Settled { .. } | Self::Wrong { .. } => false,
        }
    }

    /// One word, for a chip or a log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Taken { .. } => "taken",
            Self::Settled { .. } => "settled",
            Self::Wrong { .. } => "wrong",
            Self::Snoozed { .. } => "snoozed",
        }
    }

    /// When somebody pressed last.
    #[must_use]
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::New => None,
            Self::Taken { at, .. } | Self::Settled { at, .. } | Self::Wrong { at, .. } | Self::Snoozed { at, .. } => {
                Some(*at)
            }
        }
    }

    /// Who pressed last.
    #[must_use]
    pub fn by(&self) -> Option<&EmailAddress> {
        match self {
            Self::New => None,
            Self::Taken { by, .. } | Self::Settled { by, .. } | Self::Wrong { by, .. } | Self::Snoozed { by, .. } => {
                Some(by)
            }
        }
    }
}

/// What is to be said about an alert that went out before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reminder {
    /// Its snooze is over: to whoever snoozed it.
    Woken { to: EmailAddress, next: FollowUp },
    /// Somebody handed it over: to whom it is now.
    HandedOver { handed: HandedOver, next: FollowUp },
    /// Nobody took it for too long: to the second address.
    Escalated { to: EmailAddress, next: FollowUp },
}

/// Whether something is to be said about an alert by now.
#[must_use]
pub fn reminder(alert: &Alert, policy: &AlertPolicy, now: Timestamp) -> Option<Reminder> {
    let follow_up = &alert.follow_up;
    if let (Ok(next), Some(by)) = (follow_up.woken(now), follow_up.stage.by()) {
        return Some(Reminder::Woken { to: by.clone(), next });
    }
    if let Some((handed, next)) = follow_up.to_tell() {
        return Some(Reminder::HandedOver { handed, next });
    }
    let escalation = policy.escalation.as_ref()?;
    let since = follow_up.woken_at.unwrap_or(alert.at);
    let waited = now.duration_since(since) >= SignedDuration::from_hours(i64::from(escalation.untaken_hours.get()));
    if alert.band != Band::Critical || !waited || !went_out(&alert.delivery) {
        return None;
    }
    let next = follow_up.escalated(&escalation.to).ok()?;
    Some(Reminder::Escalated { to: escalation.to.clone(), next })
}

/// Whether a message about it was made. One that was refused for good is for the second address all the more.
fn went_out(delivery: &Delivery) -> bool {
    match delivery {
        Delivery::Sent { .. } | Delivery::Filed { .. } | Delivery::Digested | Delivery::Refused { .. } => true,
        Delivery::Pending | Delivery::Skipped { .. } | Delivery::Held { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::{policy::Escalation, sample};

    fn person(name: &str) -> EmailAddress {
        format!("{name}@example.com").parse().unwrap()
    }

    fn at(hours: i64) -> Timestamp {
        sample::now() + SignedDuration::from_hours(hours)
    }

    fn of(stage: Stage) -> FollowUp {
        FollowUp { stage, ..FollowUp::default() }
    }

    fn stages() -> [Stage; 5] {
        let (by, at) = (person("ann"), at(0));
        [
            Stage::New,
            Stage::Taken { by: by.clone(), at },
            Stage::Snoozed { until: self::at(24), by: by.clone(), at },
            Stage::Settled { outcome: Outcome::Saved, by: by.clone(), at },
            Stage::Wrong { reason: WrongReason::Misread, by, at },
        ]
    }

    const STEPS: [Step; 4] = [
        Step::Take,
        Step::Settle(Outcome::Leaving),
        Step::CallWrong(WrongReason::OldNews),
        Step::Snooze(Snooze::ThreeDays),
    ];

    /// One letter for each step in the order of [`STEPS`]: allowed, taken by somebody else, already so, settled, wrong.
    fn answers(stage: &Stage, by: &EmailAddress) -> String {
        let answer = |step| match of(stage.clone()).after(AlertKind::Guardian, step, by, at(1)) {
            Ok(_) => 'a',
            Err(Refused::TakenBy { by, .. }) if by == person("ann") => 't',
            Err(Refused::Already) => '=',
            Err(Refused::Settled(Outcome::Saved)) => 's',
            Err(Refused::CalledWrong(WrongReason::Misread)) => 'w',
            Err(other) => panic!("{other}"),
        };
        STEPS.into_iter().map(answer).collect()
    }

    #[test]
    fn every_step_is_allowed_or_refused_by_name() {
        let expected = [("aaaa", "aaaa"), ("=aaa", "tttt"), ("aaaa", "aaaa"), ("ssss", "ssss"), ("wwww", "wwww")];
        for (stage, (ann, bob)) in stages().iter().zip(expected) {
            assert_eq!(answers(stage, &person("ann")), ann, "{stage} and whoever it is with");
            assert_eq!(answers(stage, &person("bob")), bob, "{stage} and somebody else");
        }
    }

    #[test]
    fn a_step_says_who_and_when() {
        let (by, now) = (person("bob"), at(1));
        let after = |step| FollowUp::default().after(AlertKind::Guardian, step, &by, now).unwrap();
        let expected = [
            Stage::Taken { by: by.clone(), at: now },
            Stage::Settled { outcome: Outcome::Leaving, by: by.clone(), at: now },
            Stage::Wrong { reason: WrongReason::OldNews, by: by.clone(), at: now },
            Stage::Snoozed { until: at(1 + 72), by: by.clone(), at: now },
        ];
        for (step, stage) in STEPS.into_iter().zip(expected) {
            assert_eq!(after(step), FollowUp { stage, revision: 1, ..FollowUp::default() });
        }
    }

    #[test]
    fn each_kind_has_its_own_outcomes() {
        let ends = |kind| Outcome::of(kind).map(|outcome| outcome.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(ends(AlertKind::Guardian), "saved leaving not_reached");
        assert_eq!(ends(AlertKind::Opportunity), "won lost later");
        assert_eq!(ends(AlertKind::Outage), "fixed not_ours no_outage");
        for (kind, outcome) in [
            (AlertKind::Guardian, Outcome::Won),
            (AlertKind::Opportunity, Outcome::Fixed),
            (AlertKind::Outage, Outcome::Saved),
        ] {
            let refused = FollowUp::default().after(kind, Step::Settle(outcome), &person("ann"), at(0));
            assert_eq!(refused, Err(Refused::OtherKind { outcome, kind }));
        }
    }

    #[test]
    fn an_alert_is_handed_to_whoever_is_on_the_list() {
        let list: [EmailAddress; 3] = ["ann", "bob", "cleo"].map(person);
        let alert = |stage| Alert { colleagues: list.to_vec().into(), follow_up: of(stage), ..sample::alert(1) };
        let hand = |stage, by: &str, to: &str| alert(stage).after(Step::HandOver(person(to)), &person(by), at(1));
        for (stage, allowed) in stages().into_iter().zip([true, true, true, false, false]) {
            assert_eq!(hand(stage.clone(), "ann", "bob").is_ok(), allowed, "{stage}");
        }
        let taken = Stage::Taken { by: person("ann"), at: at(0) };
        assert_eq!(hand(taken.clone(), "ann", "eve"), Err(Refused::NoColleague), "not on the list");
        assert_eq!(hand(taken.clone(), "ann", "ann"), Err(Refused::NoColleague), "to oneself");
        assert_eq!(hand(taken.clone(), "bob", "cleo"), Err(Refused::TakenBy { by: person("ann"), at: at(0) }));
        let next = hand(taken, "ann", "bob").unwrap();
        assert_eq!((&next.stage, next.revision), (&Stage::Taken { by: person("bob"), at: at(1) }, 1));
        let handed = Alert { follow_up: next.clone(), ..alert(Stage::New) };
        for (name, known) in [("kam", true), ("bob", true), ("cleo", false)] {
            assert_eq!(handed.is_known_to(&person(name)), known, "{name}");
        }
        let stored = serde_json::to_string(&next).unwrap();
        assert_eq!(serde_json::from_str::<FollowUp>(&stored).unwrap(), next);
    }

    #[test]
    fn a_new_owner_is_told_once() {
        let first = FollowUp::default()
            .after(AlertKind::Guardian, Step::HandOver(person("bob")), &person("ann"), at(0))
            .unwrap();
        let (handed, told) = first.to_tell().unwrap();
        assert_eq!((handed.by, handed.to, handed.at), (person("ann"), person("bob"), at(0)));
        assert_eq!((told.to_tell(), told.revision), (None, 2));
        let settled = first.after(AlertKind::Guardian, Step::Settle(Outcome::Saved), &person("bob"), at(1)).unwrap();
        assert_eq!(settled.to_tell(), None, "they know already");
        let on = first.after(AlertKind::Guardian, Step::HandOver(person("cleo")), &person("bob"), at(1)).unwrap();
        assert_eq!(on.to_tell().unwrap().0.to, person("cleo"), "who has it is told, and nobody else");
        assert_eq!(on.handed.len(), 2);
    }

    #[test]
    fn a_snooze_ends_once() {
        let snoozed = of(Stage::Snoozed { until: at(24), by: person("ann"), at: at(0) });
        assert_eq!(snoozed.woken(at(23)), Err(Refused::NotDue));
        let woken = snoozed.woken(at(24)).unwrap();
        assert_eq!((woken.stage.clone(), woken.revision, woken.woken_at), (Stage::New, 1, Some(at(24))));
        let back = Alert { follow_up: woken, ..sample::alert(1) };
        assert!(back.is_known_to(&person("ann")), "its mail goes to them");
        assert!(!back.is_known_to(&person("bob")));
        for stage in stages().into_iter().filter(|stage| !matches!(stage, Stage::Snoozed { .. })) {
            assert_eq!(of(stage).woken(at(99)), Err(Refused::NotDue));
        }
    }

    #[test]
    fn only_what_nobody_took_is_escalated_and_once() {
        let lead = person("lead");
        for stage in stages() {
            let new = stage == Stage::New;
            assert_eq!(of(stage).escalated(&lead).is_ok(), new);
        }
        let once = FollowUp::default().escalated(&lead).unwrap();
        assert_eq!((once.revision, once.escalated_to.as_ref()), (1, Some(&lead)));
        assert_eq!(once.escalated(&lead), Err(Refused::NotToEscalate));
    }

    #[test]
    fn what_is_said_again_is_said_when_due() {
        let sent = Delivery::Sent { id: "m".into() };
        let critical = Alert { band: Band::Critical, delivery: sent, ..sample::alert(1) };
        let escalation = Escalation { untaken_hours: NonZeroU32::new(4).unwrap(), to: person("lead") };
        let policy = AlertPolicy { escalation: Some(escalation), ..sample::policy().alerts };
        let said = |alert: &Alert, hours| match reminder(alert, &policy, at(hours)) {
            Some(Reminder::Escalated { to, .. }) => format!("escalated to {to}"),
            Some(Reminder::Woken { to, .. }) => format!("woken for {to}"),
            Some(Reminder::HandedOver { handed, .. }) => format!("told {}", handed.to),
            None => String::new(),
        };
        assert_eq!(said(&critical, 3), "");
        assert_eq!(said(&critical, 4), "escalated to lead@example.com");
        assert_eq!(reminder(&critical, &sample::policy().alerts, at(99)), None, "nobody to escalate to");
        assert_eq!(said(&Alert { band: Band::Elevated, ..critical.clone() }, 99), "");
        for delivery in [Delivery::Pending, Delivery::Held { reason: crate::alert::HoldReason::DailyCap }] {
            assert_eq!(said(&Alert { delivery, ..critical.clone() }, 99), "", "nobody knows of it yet");
        }
        let with = |follow_up| Alert { follow_up, ..critical.clone() };
        let snoozed = with(of(Stage::Snoozed { until: at(24), by: person("ann"), at: at(0) }));
        assert_eq!(said(&snoozed, 23), "");
        assert_eq!(said(&snoozed, 24), "woken for ann@example.com");
        let woken = with(snoozed.follow_up.woken(at(24)).unwrap());
        assert_eq!(said(&woken, 27), "");
        assert_eq!(said(&woken, 28), "escalated to lead@example.com");
        for stage in stages() {
            if matches!(stage, Stage::Taken { .. } | Stage::Settled { .. } | Stage::Wrong { .. }) {
                assert_eq!(said(&with(of(stage)), 999), "");
            }
        }
    }

    #[test]
    fn a_message_stored_by_an_earlier_release_is_read() {
        let stored = r#"{"channel": "C0", "message": "1.2", "helpdesk_url": "https://acme.zendesk.com"}"#;
        let posted: Posted = serde_json::from_str(stored).unwrap();
        assert_eq!((posted.page.clone(), posted.time_zone.clone(), &*posted.currency), (None, TimeZone::UTC, "$"));
        let berlin =
            Posted { time_zone: TimeZone::get("Europe/Berlin").unwrap(), currency: "€".to_owned(), ..posted };
        assert_eq!(serde_json::from_str::<Posted>(&serde_json::to_string(&berlin).unwrap()).unwrap(), berlin);
    }
}
