//! A ticket of Zendesk's as the domain's.

use std::{borrow::Cow, sync::Arc};

use domain::{FieldValues, GroupId, Intent, Priority, Sender, TeamId, Ticket, TicketId, UserId, Version};
use jiff::Timestamp;
use serde_json::Value;

use super::{Conversation, Mapping, account, conversation, machine};
use crate::{
    client::ApiError,
    request::{self, FieldIds},
    wire::{self, Audit, TicketAnswer, User, lenient},
};

/// Everything that was read of one ticket.
pub(super) struct Reading<'a> {
    pub(super) id: TicketId,
    pub(super) mapping: &'a Mapping,
    pub(super) answer: &'a TicketAnswer,
    pub(super) conversation: &'a Conversation,
    pub(super) bot: Option<UserId>,
}

/// What an update has to know besides its plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) stamp: Arc<str>,
    pub(super) closed: bool,
    pub(super) assignee: Option<u64>,
    /// The intent field holds an option that is none of ours: somebody's.
    pub(super) foreign_intent: bool,
}

impl Reading<'_> {
    /// # Errors
    /// [`ApiError::Unreadable`] for a ticket without a stamp, which nothing could be written to.
    pub(super) fn ticket(&self, events: &[Audit], now: Timestamp) -> Result<Ticket, ApiError> {
        let Self { id, mapping, answer, conversation, bot } = *self;
        let ticket = &answer.ticket;
        let missing = || ApiError::Incomplete("ticket.updated_at");
        let stamp: Arc<str> = ticket.updated_at.as_deref().ok_or_else(missing)?.into();
        let requester = ticket.requester_id.and_then(|id| user(&conversation.users, id));
        let words = conversation::words(ticket, conversation, events, bot);
        let first = conversation.comments.first();
        let newest = conversation.comments.iter().rfind(|comment| comment.author_id == ticket.requester_id);
        let private = first.is_some_and(|first| first.public == Some(false)) || ticket.is_public == Some(false);
        let channel = ticket.via.as_ref().and_then(|via| via.channel.as_deref()).unwrap_or("unknown");
        Ok(Ticket {
            id,
            version: Version(words.version),
            subject: ticket.subject.as_deref().unwrap_or_default().into(),
            description: words.description.into(),
            follow_ups: words.follow_ups,
            channel: channel.into(),
            account: account::of(ticket, id.number()).ok_or(ApiError::Incomplete("ticket.requester_id"))?,
            requester_name: requester.and_then(|user| user.name.clone()),
            requester_phone: requester.and_then(|user| user.phone.clone()),
            sender: if machine::wrote(requester, newest) { Sender::Machine } else { sender(requester) },
            opened_privately: private,
            touched: self.touched(),
            created_at: ticket.created_at.as_deref().and_then(|at| at.parse().ok()).unwrap_or(now),
            updated_stamp: stamp,
            values: values(ticket, &mapping.fields),
            tags: ticket.tags.iter().map(|tag| Cow::Owned(tag.clone())).collect(),
        })
    }
}

impl Reading<'_> {
    /// Whether a colleague has written, or has set the ticket to wait or to be done. Who a rule assigned it to says nothing.
    fn touched(&self) -> bool {
        let Self { answer, conversation, bot, .. } = *self;
        let by_colleague = |comment: &wire::Comment| {
            comment.author_id.is_some_and(|author| {
                bot != Some(UserId(author)) && user(&conversation.users, author).is_some_and(User::is_staff)
            })
        };
        let untouched = ["new", "open"];
        let status = answer.ticket.status.as_deref().unwrap_or("new").to_ascii_lowercase();
        conversation.comments.iter().any(by_colleague) || !untouched.contains(&status.as_str())
    }
}

impl Seen {
    pub(super) fn of(ticket: &wire::Ticket, fields: &FieldIds) -> Self {
        let intent = custom(ticket, fields.opportunity_intent);
        let ours = |option: &str| request::intent_of(option).is_some();
        Self {
            stamp: ticket.updated_at.as_deref().unwrap_or_default().into(),
            closed: ticket.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("closed")),
            assignee: ticket.assignee_id,
            foreign_intent: intent.is_some_and(|value| !value.as_str().is_some_and(ours)),
        }
    }
}

pub(super) fn user(users: &[User], id: u64) -> Option<&User> {
    users.iter().find(|user| user.id == Some(id))
}

/// A requester nobody knows is not answered: whom would it reach?
fn sender(requester: Option<&User>) -> Sender {
    match requester {
        Some(user) if user.suspended == Some(true) => Sender::Suspended,
        Some(user) if user.is_staff() => Sender::Staff,
        Some(_) => Sender::Customer,
        None => Sender::Staff,
    }
}

/// What our fields hold. What is held and not understood must not read as empty: it would be written over.
fn values(ticket: &wire::Ticket, fields: &FieldIds) -> FieldValues {
    let text = |id| custom(ticket, id).and_then(Value::as_str);
    FieldValues {
        priority: ticket.priority.as_deref().and_then(priority),
        group: ticket.group_id.map(GroupId),
        guardian_risk_score: custom(ticket, fields.guardian_risk_score).map(score),
        opportunity_intent: text(fields.opportunity_intent).and_then(intent),
        agent: custom(ticket, fields.agent_id).map(team),
    }
}

/// A custom field's value, unless it is empty. Answers carry the list twice, under two names.
fn custom(ticket: &wire::Ticket, id: Option<u64>) -> Option<&Value> {
    let id = id?;
    let all = ticket.custom_fields.iter().chain(&ticket.fields);
    let mut values = all.filter(|field| field.id == Some(id)).map(|field| &field.value);
    values.find(|value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    })
}

fn priority(name: &str) -> Option<Priority> {
    match name.to_ascii_lowercase().as_str() {
        "urgent" => Some(Priority::P0),
        "high" => Some(Priority::P1),
        "normal" => Some(Priority::P2),
        "low" => Some(Priority::P3),
        _ => None,
    }
}

/// A score that cannot be ours is the highest number: whatever we wrote, it is another.
fn score(value: &Value) -> u8 {
    lenient::as_number(value).and_then(|score| u8::try_from(score).ok()).unwrap_or(u8::MAX)
}

fn intent(option: &str) -> Option<Intent> {
    request::intent_of(option)
}

/// An option that is none of ours is a team nobody has.
fn team(value: &Value) -> TeamId {
    let option = value.as_str().and_then(request::team_of);
    option.unwrap_or_else(|| "not_a_team_of_ours".parse().expect("a team id"))
}
