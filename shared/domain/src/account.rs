//! The customer company behind a ticket. These facts come from the helpdesk's organisation, never from ticket text.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::{AccountId, AlertKind, EmailAddress, Priority, TeamId, TicketId, fingerprint::Fingerprint};

/// What is known of the customer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: Arc<str>,
    /// Monthly recurring revenue in the policy's currency, finite and not negative.
    pub mrr: Option<f64>,
    pub plan: Option<String>,
    pub health: Option<Health>,
    /// The account's own key account manager; alerts go there instead of the shared inbox.
    pub kam: Option<EmailAddress>,
}

/// Customer health as a success tool or an organisation field tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
pub enum Health {
    Good,
    AtRisk,
    Poor,
}

/// An earlier ticket of the same account, as far as a decision or an alert needs it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PastTicket {
    pub id: TicketId,
    pub at: Timestamp,
    pub subject: Arc<str>,
    pub priority: Priority,
    pub agent: TeamId,
    /// It raised a Guardian signal.
    pub high_risk: bool,
    /// It raised an Opportunity signal; false of what was recorded before this was kept.
    #[serde(default)]
    pub wish: bool,
    /// Tells copies of one message; none for what was recorded before there was one.
    #[serde(default)]
    pub fingerprint: Option<Fingerprint>,
}

impl PastTicket {
    /// Whether it raised what an alert of that kind tells of.
    #[must_use]
    pub fn raised(&self, kind: AlertKind) -> bool {
        match kind {
            AlertKind::Guardian => self.high_risk,
            AlertKind::Opportunity => self.wish,
            AlertKind::Outage => self.priority == Priority::P0,
        }
    }
}
