//! A person has to act: who, on what, and how the message fared.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};

use crate::{
    AccountId, Contact, Deadline, EmailAddress, FollowUp, Gravity, Health, Intent, PastTicket, Priority, Sentiment,
    Stage, TeamId, TicketId, TopicId, Version,
    follow_up::{Refused, Step},
};

/// What somebody looks after halves in this time; what nobody does stays as it is.
pub const HALF_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What raised it: one of the two filters, or the priority.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Display, EnumIter, EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AlertKind {
    Guardian,
    Opportunity,
    /// A P0, to the lead of its team.
    Outage,
}

/// How strong the signal is. A higher band is news where a lower one was said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Band {
    /// Guardian 7–8, Opportunity from the policy's threshold to 8.
    Elevated,
    /// 9–10, and every Outage.
    Critical,
}

/// One alert per ticket, kind and band, however often the ticket is triaged. Text form `1001/guardian/critical`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlertKey {
    pub ticket: TicketId,
    pub kind: AlertKind,
    pub band: Band,
}

/// What was seen: each kind of alert with what belongs to it alone. As JSON it stands among the alert's own fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Signal {
    Guardian {
        /// The risk score, 0 to 10.
        score: u8,
    },
    Opportunity {
        intent: Intent,
        /// 0 to 10.
        #[serde(rename = "score")]
        confidence: u8,
    },
    Outage {
        /// What the gravest sentence tells of; none where no single sentence does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<Gravity>,
    },
}

impl Signal {
    #[must_use]
    pub fn kind(self) -> AlertKind {
        match self {
            Self::Guardian { .. } => AlertKind::Guardian,
            Self::Opportunity { .. } => AlertKind::Opportunity,
            Self::Outage { .. } => AlertKind::Outage,
        }
    }

    /// The risk score or the confidence, 0 to 10, which a P0 always has: what alerts are sorted by.
    #[must_use]
    pub fn strength(self) -> u8 {
        match self {
            Self::Guardian { score } => score,
            Self::Opportunity { confidence, .. } => confidence,
            Self::Outage { .. } => 10,
        }
    }
}

/// Everything the message says, as known when it was decided.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alert {
    pub ticket: TicketId,
    #[serde(flatten)]
    pub signal: Signal,
    pub band: Band,
    pub version: Version,
    pub at: Timestamp,
    pub recipient: EmailAddress,
    pub account: AccountId,
    pub customer: Arc<str>,
    /// A month, in the policy's currency.
    pub mrr: Option<f64>,
    pub plan: Option<String>,
    pub health: Option<Health>,
    pub subject: Arc<str>,
    pub priority: Priority,
    /// A person should look at the labels before acting on them.
    #[serde(default)]
    pub unsure: bool,
    pub agent: TeamId,
    /// What the ticket is about. None: nothing can be read, or stored before alerts said so.
    #[serde(default)]
    pub topic: Option<TopicId>,
    pub sentiment: Sentiment,
    pub evidence: Arc<[String]>,
    /// What quotes say in English, by quote, where a language model read a ticket in another language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub english: BTreeMap<String, String>,
    pub reasons: Arc<[String]>,
    pub recommended_action: Arc<str>,
    /// The reason in a few words.
    #[serde(default)]
    pub because: Option<Arc<str>>,
    /// Of a wish: the account is at high risk at the same time, or was within 30 days. False of what was stored before
    /// alerts said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_risk: bool,
    /// How sure the analyst is of the signal, 0 to 1. None: stored before alerts said so.
    #[serde(default)]
    pub probability: Option<f32>,
    /// What happened, in one sentence of the ticket or of the analyst.
    #[serde(default)]
    pub happened: Option<Arc<str>>,
    /// When the customer wrote it.
    #[serde(default)]
    pub written_at: Option<Timestamp>,
    /// By when the customer says that something happens.
    #[serde(default)]
    pub deadline: Option<Deadline>,
    /// Whom to call.
    #[serde(default)]
    pub contact: Option<Contact>,
    /// Newest first, at most five.
    pub past: Vec<PastTicket>,
    /// Newest first.
    #[serde(default)]
    pub earlier: Vec<EarlierAlert>,
    /// Whom it may be handed to, as the policy was when it was raised.
    #[serde(default, skip_serializing_if = "no_colleagues")]
    pub colleagues: Arc<[EmailAddress]>,
    pub delivery: Delivery,
    #[serde(default)]
    pub follow_up: FollowUp,
}

fn no_colleagues(colleagues: &Arc<[EmailAddress]>) -> bool {
    colleagues.is_empty()
}

/// An earlier alert about the same account, and what people made of it by then.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EarlierAlert {
    pub key: AlertKey,
    /// The version of its ticket that raised it.
    pub version: Version,
    pub at: Timestamp,
    #[serde(flatten)]
    pub stage: Stage,
}

/// How the message fared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Delivery {
    /// Waiting for the alert function.
    Pending,
    /// The mail service took it; `id` is its name for the message.
    Sent { id: String },
    /// Kept as a file in the outbox, since there is no mail service.
    Filed { file: String },
    /// Withheld by a switch. It is not sent by itself when the switch is turned on again: by then it may be stale.
    Skipped {
        #[serde(default)]
        by: Withheld,
    },
    /// Held for the digest.
    Held { reason: HoldReason },
    /// Went out in a digest.
    Digested,
    /// The mail service refused it for good; a copy lies in the outbox.
    Refused { reason: String },
}

/// The switch that withheld an alert.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// [`Policy::delivery`](crate::Policy::delivery), which is also what alerts stored without a switch were withheld by.
    #[default]
    #[strum(to_string = "delivery is off")]
    Delivery,
    #[strum(to_string = "the mode is shadow")]
    Shadow,
}

/// Why an alert waits for the digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum HoldReason {
    /// Its [conversation](crate::conversation) had a message lately, or people closed one, and it says nothing new.
    Cooldown,
    /// The daily cap is used up.
    DailyCap,
    /// Of P0 tickets that a team has about one topic, one was told within the hour.
    SameOutage,
}

impl HoldReason {
    /// Why an alert waits for which another of its kind went out.
    #[must_use]
    pub fn after_another(kind: AlertKind) -> Self {
        match kind {
            AlertKind::Guardian | AlertKind::Opportunity => Self::Cooldown,
            AlertKind::Outage => Self::SameOutage,
        }
    }
}

impl Delivery {
    /// Whether nothing is left to do about it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Pending | Self::Held { .. } => false,
            Self::Sent { .. } | Self::Filed { .. } | Self::Skipped { .. } | Self::Digested | Self::Refused { .. } => {
                true
            }
        }
    }

    /// One word for a log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent { .. } => "sent",
            Self::Filed { .. } => "outbox",
            Self::Skipped { .. } => "skipped",
            Self::Held { .. } => "held",
            Self::Digested => "digested",
            Self::Refused { .. } => "refused",
        }
    }
}

/// For a reader, who may be an account manager: what became of it, and why.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { reason } => write!(f, "held: {reason}"),
            Self::Skipped { by } => write!(f, "skipped: {by}"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
            Self::Pending | Self::Sent { .. } | Self::Filed { .. } | Self::Digested => f.write_str(self.word()),
        }
    }
}

impl Alert {
    #[must_use]
    pub fn key(&self) -> AlertKey {
        AlertKey { ticket: self.ticket, kind: self.signal.kind(), band: self.band }
    }

    /// What becomes of its follow-up when a person does that.
    ///
    /// # Errors
    /// [`Refused`], where the alert does not allow it; nothing changes then.
    pub fn after(&self, step: Step, by: &EmailAddress, at: Timestamp) -> Result<FollowUp, Refused> {
        let next = self.follow_up.after(self.signal.kind(), step.clone(), by, at)?;
        if let Step::HandOver(to) = step
            && (to == *by || !self.colleagues.contains(&to))
        {
            return Err(Refused::NoColleague);
        }
        Ok(next)
    }

    /// Whether it was written or handed to that address, or is theirs by now: they may follow it up.
    #[must_use]
    pub fn is_known_to(&self, address: &EmailAddress) -> bool {
        self.known(address).is_some()
    }

    /// The same, as the alert spells the address.
    #[must_use]
    pub fn known(&self, address: &EmailAddress) -> Option<&EmailAddress> {
        let FollowUp { escalated_to, woken_for, handed, .. } = &self.follow_up;
        let handed = handed.iter().map(|handed| &handed.to);
        handed
            .chain(escalated_to)
            .chain(woken_for)
            .chain([&self.recipient, self.whose()])
            .find(|known| *known == address)
    }

    /// Whose it is: who pressed last, before that whom it went to.
    #[must_use]
    pub fn whose(&self) -> &EmailAddress {
        self.follow_up.stage.by().unwrap_or(&self.recipient)
    }

    /// As a later alert of the account remembers it.
    #[must_use]
    pub fn earlier(&self) -> EarlierAlert {
        EarlierAlert { key: self.key(), version: self.version, at: self.at, stage: self.follow_up.stage.clone() }
    }

    /// Strength × MRR: what the digest is sorted by. An unknown MRR counts as one.
    #[must_use]
    pub fn weight(&self) -> f64 {
        f64::from(self.signal.strength()) * self.mrr.unwrap_or(0.0).max(1.0)
    }

    /// What is at risk a month: MRR × strength × freshness. An unknown MRR counts as one.
    #[must_use]
    pub fn money_at_risk(&self, now: Timestamp) -> f64 {
        let age = now.duration_since(self.at).max(SignedDuration::ZERO);
        let freshness = match self.follow_up.stage {
            Stage::New => 1.0,
            Stage::Taken { .. } | Stage::Snoozed { .. } | Stage::Settled { .. } | Stage::Wrong { .. } => {
                0.5_f64.powf(age.as_secs_f64() / HALF_LIFE.as_secs_f64())
            }
        };
        self.weight() / 10.0 * freshness
    }
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.ticket.number(), self.kind, self.band)
    }
}

impl AlertKey {
    /// Every key an alert of the ticket can have.
    #[must_use]
    pub fn of(ticket: TicketId) -> [Self; 5] {
        let key = |kind, band| Self { ticket, kind, band };
        [
            key(AlertKind::Guardian, Band::Elevated),
            key(AlertKind::Guardian, Band::Critical),
            key(AlertKind::Opportunity, Band::Elevated),
            key(AlertKind::Opportunity, Band::Critical),
            key(AlertKind::Outage, Band::Critical),
        ]
    }
}

impl From<AlertKey> for String {
    fn from(key: AlertKey) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for AlertKey {
    type Error = AlertKeyError;

    fn try_from(text: String) -> Result<Self, AlertKeyError> {
        text.parse()
    }
}

/// The text is not `ticket/kind/band`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not an alert key such as 1001/guardian/critical")]
pub struct AlertKeyError;

impl FromStr for AlertKey {
    type Err = AlertKeyError;

    fn from_str(text: &str) -> Result<Self, AlertKeyError> {
        let mut parts = text.split('/');
        let mut part = || parts.next().ok_or(AlertKeyError);
        let key = Self {
            ticket: part()?.parse().map_err(|_| AlertKeyError)?,
            kind: part()?.parse().map_err(|_| AlertKeyError)?,
            band: part()?.parse().map_err(|_| AlertKeyError)?,
        };
        if parts.next().is_some() { Err(AlertKeyError) } else { Ok(key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    #[test]
    fn stored_alerts_still_read() {
        for (stored, signal) in [
            (include_str!("fixtures/alert-guardian.json"), Signal::Guardian { score: 7 }),
            (
                include_str!("fixtures/alert-opportunity.json"),
                Signal::Opportunity { intent: Intent::Expansion, confidence: 8 },
            ),
            (include_str!("fixtures/alert-outage.json"), Signal::Outage { what: Some(Gravity::Outage) }),
        ] {
            let alert: Alert = serde_json::from_str(stored).unwrap();
            assert_eq!(alert.signal, signal);
            assert_eq!(alert.follow_up, FollowUp::default(), "stored before alerts had a life");
            let again = serde_json::to_string(&alert).unwrap();
            assert_eq!(serde_json::from_str::<Alert>(&again).unwrap(), alert);
        }
    }

    #[test]
    fn a_follow_up_is_stored_by_its_words() {
        let alert: Alert = serde_json::from_str(include_str!("fixtures/alert-taken.json")).unwrap();
        let (by, at) = ("ann@example.com".parse().unwrap(), "2026-11-16T09:41:00Z".parse().unwrap());
        assert_eq!(alert.follow_up.stage, Stage::Taken { by, at });
        assert_eq!(alert.follow_up.revision, 2);
        let again = serde_json::to_value(&alert).unwrap();
        assert_eq!(again["follow_up"]["state"], "taken");
        assert_eq!(serde_json::from_value::<Alert>(again).unwrap(), alert);
    }

    #[test]
    fn what_somebody_has_weighs_less_with_time() {
        let at = |days: i64| crate::sample::now() + SignedDuration::from_hours(24 * days);
        let alert = Alert { mrr: Some(1_000.0), signal: Signal::Guardian { score: 8 }, ..crate::sample::alert(1) };
        let stage = Stage::Taken { by: "ann@example.com".parse().unwrap(), at: at(0) };
        let taken = Alert { follow_up: FollowUp { stage, ..FollowUp::default() }, ..alert.clone() };
        for (days, untaken, had) in [(-1, 800.0, 800.0), (0, 800.0, 800.0), (14, 800.0, 400.0), (28, 800.0, 200.0)] {
            let found = [&alert, &taken].map(|alert| alert.money_at_risk(at(days)).round());
            assert_eq!(found, [untaken, had], "after {days} days");
        }
    }

    #[test]
    fn a_key_survives_its_text_form() {
        for text in ["1001/guardian/critical", "7/opportunity/elevated", "7/outage/critical"] {
            assert_eq!(text.parse::<AlertKey>().unwrap().to_string(), text);
        }
        for bad in ["", "1001", "1001/guardian", "1001/guardian/critical/x", "x/guardian/critical", "1/foo/critical"] {
            assert!(bad.parse::<AlertKey>().is_err(), "{bad}");
        }
    }
}
