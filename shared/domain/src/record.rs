//! What is kept of a triage, and what a report needs of it.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::{
    AccountId, Draft, Intent, Kind, Language, Mode, PastTicket, Plan, Priority, TeamId, TicketContext, TicketId,
    TicketUpdate, TopicId, Version, fingerprint::Fingerprint, guardian::Guardian, kept, opportunity::Opportunity,
    outage::Outage, reading::Fallback, reading::Usage,
};

/// What was decided about one version of a ticket. Pure: neither stored nor shown as it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    pub language: Language,
    pub kind: Kind,
    pub priority: Priority,
    pub agent: TeamId,
    pub topic: Option<TopicId>,
    pub guardian: Guardian,
    pub opportunity: Opportunity,
    /// Of a P0 that its team's lead is told of.
    pub outage: Option<Outage>,
    /// What the quotes of these three say in English, by quote, where a language model read a ticket in another language.
    pub english: BTreeMap<String, String>,
    /// An article may answer it: a P2 or P3 request without a grave sentence or a notice of leaving.
    pub answerable: bool,
    pub draft: Option<Draft>,
    pub resolution: Resolution,
    pub confidence: Confidence,
    /// The mode this ticket ran in, after the rollout.
    pub mode: Mode,
    pub analyst: String,
    pub fallback: Option<Fallback>,
    pub suspicious: bool,
    /// A person should look at the labels: the analyst does not believe in them, or could not read the text.
    pub unsure: bool,
    /// Why the labels are what they are, one sentence each.
    pub reasons: Vec<String>,
}

/// The form a record is stored in, under `v`. One without `v` was written before forms had numbers and still reads.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RecordForm;

impl RecordForm {
    /// Rises with every change that a reader of the form before would get wrong.
    const CURRENT: u32 = 1;
}

/// The record was written by a newer version of the product.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is a record of form {0}, which this version does not know")]
pub struct UnknownForm(u32);

impl TryFrom<u32> for RecordForm {
    type Error = UnknownForm;

    fn try_from(form: u32) -> Result<Self, UnknownForm> {
        if form == Self::CURRENT { Ok(Self) } else { Err(UnknownForm(form)) }
    }
}

impl From<RecordForm> for u32 {
    fn from(_: RecordForm) -> Self {
        RecordForm::CURRENT
    }
}

/// The finished triage of one version of a ticket, as it is stored. Holds ticket text: it expires with the retention
/// period.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    #[serde(rename = "v", default)]
    pub form: RecordForm,
    pub ticket: TicketId,
    pub version: Version,
    pub account: AccountId,
    pub customer: Arc<str>,
    pub subject: Arc<str>,
    pub description: Arc<str>,
    /// What the customer wrote later, oldest first; the newest of it where it is long.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub follow_ups: Vec<Arc<str>>,
    pub channel: Arc<str>,
    pub mrr: Option<f64>,
    pub created_at: Timestamp,
    pub triaged_at: Timestamp,
    pub language: Language,
    #[serde(default)]
    pub kind: Kind,
    pub priority: Priority,
    pub agent: TeamId,
    #[serde(default)]
    pub topic: Option<TopicId>,
    pub guardian: Guardian,
    pub opportunity: Opportunity,
    /// Of a P0 that its team's lead is told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// What the quotes of these three say in English, by quote, where a language model read a ticket in another language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub english: BTreeMap<String, String>,
    /// An article may answer it: a P2 or P3 request without a grave sentence or a notice of leaving.
    #[serde(default)]
    pub answerable: bool,
    pub draft: Option<Draft>,
    pub resolution: Resolution,
    pub confidence: Confidence,
    /// The mode this ticket ran in, after the rollout.
    pub mode: Mode,
    pub analyst: String,
    pub fallback: Option<Fallback>,
    pub suspicious: bool,
    /// A person should look at the labels: the analyst does not believe in them, or could not read the text.
    #[serde(default)]
    pub unsure: bool,
    /// Why the labels are what they are, one sentence each.
    pub reasons: Vec<String>,
    pub update: Option<TicketUpdate>,
    pub usage: Usage,
    /// Milliseconds from claim to record.
    pub duration_ms: u64,
    /// An earlier version was answered automatically, and the customer wrote again.
    #[serde(default)]
    pub wrote_again: bool,
}

/// What the triage left for the customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Resolution {
    /// The plan contained a public reply. Stored under the name it had before, which an earlier release still reads.
    #[serde(rename = "auto_resolved", alias = "answered")]
    Answered,
    /// A grounded draft waits for an agent.
    AnswerReady,
    /// A team has to look.
    Routed,
}

/// A customer who is quiet for so long after an automatic answer needs nothing more.
pub const QUIET: SignedDuration = SignedDuration::from_hours(72);

/// Where a ticket stands by now. Never stored: what is quiet today may be taken up tomorrow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Display)]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// Answered automatically, and quiet since for [`QUIET`].
    AutoResolved,
    /// Answered automatically.
    Answered,
    /// A grounded draft waits for an agent.
    AnswerReady,
    /// A team has to look.
    Routed,
}

impl Standing {
    /// Of the newest record of a ticket. A customer who writes again gets a newer one, without a public answer, and that
    /// takes "auto-resolved" back.
    #[must_use]
    pub fn of(newest: Resolution, triaged_at: Timestamp, now: Timestamp) -> Self {
        match newest {
            Resolution::Answered if now.duration_since(triaged_at) >= QUIET => Self::AutoResolved,
            Resolution::Answered => Self::Answered,
            Resolution::AnswerReady => Self::AnswerReady,
            Resolution::Routed => Self::Routed,
        }
    }

    /// The words a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::AutoResolved => "auto-resolved",
            Self::Answered => "answered automatically",
            Self::AnswerReady => "answer ready",
            Self::Routed => "routed",
        }
    }
}

/// How sure the analyst was, 0 to 1 each.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Confidence {
    pub priority: f32,
    pub agent: f32,
    /// 0 where there is no topic.
    #[serde(default)]
    pub topic: f32,
    pub churn: f32,
    pub intent: f32,
}

/// The narrow view of a record that aggregates are made of: no ticket text.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Summary {
    pub ticket: TicketId,
    pub account: AccountId,
    pub customer: Arc<str>,
    pub mrr: Option<f64>,
    pub triaged_at: Timestamp,
    pub language: Language,
    pub priority: Priority,
    pub agent: TeamId,
    #[serde(default)]
    pub topic: Option<TopicId>,
    /// An article may answer it.
    #[serde(default)]
    pub answerable: bool,
    pub risk_score: u8,
    pub intent: Option<Intent>,
    pub resolution: Resolution,
    pub fallback: bool,
    pub usage: Usage,
    pub duration_ms: u64,
    /// An earlier version was answered automatically, and the customer wrote again.
    #[serde(default)]
    pub wrote_again: bool,
    /// None: stored before summaries said so, as the next one.
    #[serde(default)]
    pub mode: Option<Mode>,
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// A summary that was stored before says of any ticket that it is a request, and sure.
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub unsure: bool,
}

/// The UTC day a moment falls on: what records are indexed and alerts are capped by.
#[must_use]
pub fn utc_day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// What a finished triage took.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Effort {
    pub at: Timestamp,
    /// Milliseconds from claim to record.
    pub duration_ms: u64,
    pub usage: Usage,
}

impl Record {
    /// The decision with the ticket and the account it is about.
    #[must_use]
    pub fn new(context: TicketContext<'_>, plan: Plan, effort: Effort) -> Self {
        let TicketContext { ticket, account, state, .. } = context;
        let Plan { decision, update, .. } = plan;
        Self {
            form: RecordForm,
            ticket: ticket.id,
            version: ticket.version,
            account: account.id.clone(),
            customer: kept::line(&account.name),
            subject: kept::line(&ticket.subject),
            description: kept::description(&ticket.description),
            follow_ups: kept::follow_ups(&ticket.follow_ups),
            channel: kept::line(&ticket.channel),
            mrr: account.mrr,
            created_at: ticket.created_at,
            triaged_at: effort.at,
            language: decision.language,
            kind: decision.kind,
            priority: decision.priority,
            agent: decision.agent,
            topic: decision.topic,
            guardian: decision.guardian,
            opportunity: decision.opportunity,
            outage: decision.outage,
            english: decision.english,
            answerable: decision.answerable,
            draft: decision.draft,
            resolution: decision.resolution,
            confidence: decision.confidence,
            mode: decision.mode,
            analyst: decision.analyst,
            fallback: decision.fallback,
            suspicious: decision.suspicious,
            unsure: decision.unsure,
            reasons: decision.reasons,
            update,
            usage: effort.usage,
            duration_ms: effort.duration_ms,
            wrote_again: state.answered.is_some_and(|version| version != ticket.version),
        }
    }

    /// Where the ticket stands, if this is its newest record.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        Standing::of(self.resolution, self.triaged_at, now)
    }

    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            ticket: self.ticket,
            account: self.account.clone(),
            customer: self.customer.clone(),
            mrr: self.mrr,
            triaged_at: self.triaged_at,
            language: self.language,
            priority: self.priority,
            agent: self.agent.clone(),
            topic: self.topic.clone(),
            answerable: self.answerable,
            risk_score: self.guardian.risk_score,
            intent: self.opportunity.intent,
            resolution: self.resolution,
            fallback: self.fallback.is_some(),
            usage: self.usage,
            duration_ms: self.duration_ms,
            wrote_again: self.wrote_again,
            mode: Some(self.mode),
            confidence: Some(self.confidence),
            kind: self.kind,
            unsure: self.unsure,
        }
    }

    /// As a later ticket of the same account sees it.
    #[must_use]
    pub fn past(&self) -> PastTicket {
        PastTicket {
            id: self.ticket,
            at: self.triaged_at,
            subject: self.subject.clone(),
            priority: self.priority,
            agent: self.agent.clone(),
            high_risk: self.guardian.is_high_risk(),
            wish: self.opportunity.band().is_some(),
            fingerprint: Fingerprint::of(&self.description),
        }
    }
}

impl Summary {
    /// Where the ticket stands, if this is of its newest record.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        Standing::of(self.resolution, self.triaged_at, now)
    }
}

/// What was done. The text forms are a format that others read.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AuditAction {
    /// A message about the ticket was taken from the queue; its target is what happened at the helpdesk.
    MessageReceived,
    /// Personal data were taken out before a language model saw the text.
    Redaction,
    /// Somebody set a field of ours to something else.
    Correction,
    AlertRaised,
    AlertEmail,
    /// A message about an alert went into a chat, or was deleted there.
    AlertChat,
    /// Somebody said something about an alert; the outcome says who, and by what way.
    AlertFollowUp,
    ZendeskUpdate,
    /// A message went to the dead letters.
    TriageParked,
    /// What came from the ticket's text was erased; the outcome says why.
    Erased,
}

/// One automated action, or what a person did with an alert. No ticket text, no customer's address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    #[serde(rename = "time")]
    pub at: Timestamp,
    pub ticket: TicketId,
    pub action: AuditAction,
    /// What it was done to: an alert key, a field, a queue.
    pub target: Cow<'static, str>,
    /// How it went, in a word or an error's text.
    pub outcome: Cow<'static, str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, sample};

    const WITHOUT_A_NUMBER: &str = include_str!("fixtures/record-without-v.json");
    const FIRST: &str = include_str!("fixtures/record-1.json");

    #[test]
    fn every_stored_form_still_reads() {
        for (name, stored) in [("without v", WITHOUT_A_NUMBER), ("1", FIRST)] {
            let record: Record = serde_json::from_str(stored).unwrap();
            let update = record.update.as_ref().unwrap();
            assert_eq!(record.agent, sample::team("nexus"), "{name}");
            assert_eq!(update.changes.priority, Change::Set(Priority::P1), "{name}");
            assert_eq!(update.changes.group, Change::Keep, "{name}");
            assert_eq!(record.guardian.risk_score, 7, "{name}");
            let again = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&again).unwrap(), record, "{name}");
        }
    }

    #[test]
    fn a_summary_of_before_still_reads() {
        let summary = sample::record(1, "Acme", sample::now()).summary();
        let mut stored = serde_json::to_value(&summary).unwrap();
        let fields = ["topic", "answerable", "wrote_again", "mode", "confidence", "kind", "unsure"];
        assert!(fields.iter().all(|field| stored.as_object_mut().unwrap().remove(*field).is_some()));
        let read: Summary = serde_json::from_value(stored).unwrap();
        assert_eq!((read.ticket, read.kind, read.unsure), (summary.ticket, Kind::Request, false));
    }

    #[test]
    fn only_quiet_makes_an_answer_a_resolution() {
        let at = sample::now();
        for (resolution, hours, standing) in [
            (Resolution::Answered, 0, Standing::Answered),
            (Resolution::Answered, 71, Standing::Answered),
            (Resolution::Answered, 72, Standing::AutoResolved),
            (Resolution::AnswerReady, 72, Standing::AnswerReady),
            (Resolution::Routed, 1_000, Standing::Routed),
        ] {
            let now = at + SignedDuration::from_hours(hours);
            assert_eq!(Standing::of(resolution, at, now), standing, "{resolution} after {hours} h");
        }
    }

    #[test]
    fn an_answer_keeps_its_stored_name() {
        assert_eq!(serde_json::to_value(Resolution::Answered).unwrap(), "auto_resolved");
        for stored in ["\"auto_resolved\"", "\"answered\""] {
            assert_eq!(serde_json::from_str::<Resolution>(stored).unwrap(), Resolution::Answered, "{stored}");
        }
        assert_eq!(Resolution::Answered.to_string(), "answered");
    }

    #[test]
    fn a_record_is_stored_with_its_form() {
        let record = sample::record(1, "Acme", sample::now());
        let stored = serde_json::to_value(&record).unwrap();
        assert_eq!(stored["v"], 1);
        let mut newer = stored;
        newer["v"] = 2.into();
        let error = serde_json::from_value::<Record>(newer).unwrap_err().to_string();
        assert!(error.contains("form 2"), "{error}");
    }
}
