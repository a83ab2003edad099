//! What the customer sets: the mode, the thresholds, the recipients and the team profiles.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::Deserialize;
use strum::{Display, EnumString};

use crate::{Agent, EmailAddress, GroupId};

/// Everything [`decide()`](crate::decide()) and the handlers need to know of the customer's wishes.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    pub mode: Mode,
    /// Send a public answer to a confident P3 FAQ. Works in [`Mode::Act`] only.
    pub auto_reply: bool,
    /// 0 to 100: the share of tickets that get `mode`; the rest run in shadow.
    pub rollout_percent: u8,
    pub recipients: Recipients,
    pub agents: BTreeMap<Agent, AgentProfile>,
    pub thresholds: Thresholds,
    pub alerts: AlertPolicy,
    /// Where agents work, such as `https://acme.zendesk.com`; tickets in alerts and on the dashboard link there.
    pub helpdesk_url: String,
    /// How long text is kept.
    pub retention: SignedDuration,
}

/// How far the product may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Mode {
    /// Records only, alerts nobody.
    Shadow,
    /// Writes our fields, our tags and a private note; sends alerts.
    #[default]
    Suggest,
    /// Also sets priority and group.
    Act,
}

/// Where alerts go when the account has no key account manager of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipients {
    pub guardian: EmailAddress,
    pub opportunity: EmailAddress,
}

/// One team, from `agents.json`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentProfile {
    pub agent: Agent,
    /// The team as customers know it.
    pub team: String,
    /// What the team is for.
    pub description: String,
    /// Its Zendesk group; without one the group is left alone.
    pub group: Option<GroupId>,
    /// The last line of a reply.
    pub signature: String,
}

/// The numbers a decision turns on, from `policy.json`. All confidences are 0 to 1.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// A churn signal at least this sure is taken as said.
    pub churn_explicit: f32,
    /// A churn signal at least this sure is taken as likely.
    pub churn_likely: f32,
    /// A P0 less sure than this is a P1: in doubt, the less urgent.
    pub p0_at_least: f32,
    /// A label less sure than this is marked unsure, and the ticket is not answered automatically.
    pub unsure_below: f32,
    /// The article must fit at least this well for an automatic answer.
    pub auto_reply_match: f32,
    /// Opportunity confidence, 0 to 10, from which it is a signal.
    pub opportunity_signal: u8,
    /// A churn signal that the second analyst is at least this sure of stands, whatever the first one made of the text.
    pub hold_at_least: f32,
    /// US dollars a month from which an account counts as growth.
    pub mrr_growth: f64,
    /// US dollars a month from which an account counts as strategic.
    pub mrr_strategic: f64,
}

/// How often people are written to, from `policy.json`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertPolicy {
    /// One alert per account and kind in this time; a higher band passes.
    pub cooldown_hours: u32,
    /// E-mails a UTC day, a fifth of them kept for the critical band. `null` for no cap.
    pub daily_cap: Option<u32>,
}

/// How much an account is worth, by MRR.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// Below the growth threshold, or unknown.
    Standard,
    Growth,
    Strategic,
}

impl Policy {
    #[must_use]
    pub fn tier(&self, mrr: Option<f64>) -> Tier {
        match mrr {
            Some(mrr) if mrr >= self.thresholds.mrr_strategic => Tier::Strategic,
            Some(mrr) if mrr >= self.thresholds.mrr_growth => Tier::Growth,
            Some(_) | None => Tier::Standard,
        }
    }
}
