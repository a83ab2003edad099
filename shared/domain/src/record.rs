//! What is kept of a triage, and what a report needs of it.

use std::{borrow::Cow, sync::Arc};

use jiff::{Timestamp, civil::Date, tz::Offset};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::{
    AccountId, Draft, Intent, Language, Mode, PastTicket, Priority, TeamId, TicketId, TicketUpdate, Version,
    guardian::Guardian, opportunity::Opportunity, reading::Fallback, reading::Usage,
};

/// The finished triage of one version of a ticket. Holds ticket text: it expires with the retention period.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    pub ticket: TicketId,
    pub version: Version,
    pub account: AccountId,
    pub customer: Arc<str>,
    pub subject: Arc<str>,
    pub description: Arc<str>,
    pub channel: Arc<str>,
    pub mrr: Option<f64>,
    pub created_at: Timestamp,
    pub triaged_at: Timestamp,
    pub language: Language,
    pub priority: Priority,
    pub agent: TeamId,
    pub guardian: Guardian,
    pub opportunity: Opportunity,
    pub draft: Option<Draft>,
    pub resolution: Resolution,
    pub confidence: Confidence,
    /// The mode this ticket ran in, after the rollout.
    pub mode: Mode,
    pub analyst: String,
    pub fallback: Option<Fallback>,
    pub suspicious: bool,
    /// Why the labels are what they are, one sentence each.
    pub reasons: Vec<String>,
    pub update: Option<TicketUpdate>,
    pub usage: Usage,
    /// Milliseconds from claim to record.
    pub duration_ms: u64,
}

/// Where the ticket stands for the customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Resolution {
    /// The plan contained a public reply.
    AutoResolved,
    /// A grounded draft waits for an agent.
    AnswerReady,
    /// A team has to look.
    Routed,
}

/// How sure the analyst was, 0 to 1 each.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Confidence {
    pub priority: f32,
    pub agent: f32,
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
    pub risk_score: u8,
    pub intent: Option<Intent>,
    pub resolution: Resolution,
    pub fallback: bool,
    pub usage: Usage,
    pub duration_ms: u64,
}

/// The UTC day a moment falls on: what records are indexed and alerts are capped by.
#[must_use]
pub fn utc_day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

impl Record {
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
            risk_score: self.guardian.risk_score,
            intent: self.opportunity.intent,
            resolution: self.resolution,
            fallback: self.fallback.is_some(),
            usage: self.usage,
            duration_ms: self.duration_ms,
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
        }
    }
}

/// One automated action. No ticket text, no address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    #[serde(rename = "time")]
    pub at: Timestamp,
    pub ticket: TicketId,
    /// What was done, such as `zendesk_update`, `alert_email`, `webhook_parked`.
    pub action: Cow<'static, str>,
    /// What it was done to: an alert key, a field, a queue.
    pub target: Cow<'static, str>,
    /// How it went, in a word or an error's text.
    pub outcome: Cow<'static, str>,
}
