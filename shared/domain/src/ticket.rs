//! A ticket as the helpdesk holds it at one moment.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AccountId, GroupId, Intent, Priority, TeamId, TicketId, Version, tags::Tag};

/// What was read from the helpdesk under the claim. Everything written by people in it is hostile text.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ticket {
    pub id: TicketId,
    /// The newest public end-user comment; the description counts as the first.
    pub version: Version,
    pub subject: Arc<str>,
    /// The first comment.
    pub description: Arc<str>,
    /// Later public comments of the end user, oldest first.
    pub follow_ups: Vec<String>,
    /// Zendesk's `via.channel` or the CSV's: an open set.
    pub channel: Arc<str>,
    pub account: AccountId,
    /// How the requester signs, where known.
    pub requester_name: Option<String>,
    /// As the helpdesk keeps it.
    pub requester_phone: Option<String>,
    pub sender: Sender,
    /// The first comment is private: the customer has not seen the ticket, and gets no public answer.
    pub opened_privately: bool,
    /// One of the helpdesk's people has written in it or taken it on: what a machine says now may cross what they say.
    #[serde(default)]
    pub touched: bool,
    pub created_at: Timestamp,
    /// Opaque: the helpdesk's last change, handed back so that a write over somebody else's is refused.
    pub updated_stamp: Arc<str>,
    pub values: FieldValues,
    pub tags: Arc<[Tag]>,
}

/// Who is behind a ticket. Only a customer is ever answered automatically.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// An end user in good standing.
    #[default]
    Customer,
    /// An auto-reply, a bounce, a monitor.
    Machine,
    /// A user the helpdesk suspended.
    Suspended,
    /// The requester is one of the helpdesk's own people: there is no end user.
    Staff,
}

/// What the helpdesk fields we may set hold. `None` is an empty field.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct FieldValues {
    pub priority: Option<Priority>,
    pub group: Option<GroupId>,
    /// 0 to 10.
    pub guardian_risk_score: Option<u8>,
    pub opportunity_intent: Option<Intent>,
    pub agent: Option<TeamId>,
}

impl Ticket {
    /// What the customer wrote, oldest first: the description and the follow-ups.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.description).chain(self.follow_ups.iter().map(String::as_str))
    }

    /// The subject and all messages.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.subject).chain(self.messages())
    }
}
