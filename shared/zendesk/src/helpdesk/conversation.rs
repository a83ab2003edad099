//! What the customer said, out of a ticket's comments, its chats and its calls.

use domain::{TicketId, UserId};
use mail::html;
use serde::Deserialize;

use super::{Conversation, ZendeskHelpdesk, read};
use crate::{
    client::ApiError,
    wire::{Audit, AuditPage, ChatValue, Comment, Ticket},
};

/// What begins the comment that opens a messaging ticket, in English accounts. In others it is known by its channel and
/// by being the subject again.
const OPENING: &str = "Conversation with ";
/// Parts of the names of channels on which a ticket's first comment says nothing.
const CHATS: [&str; 6] = ["messaging", "chat", "whatsapp", "sunshine", "conversation", "facebook_messenger"];

/// The customer's words, as triage reads them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Words {
    /// The newest public end-user comment; the first comment where there is none.
    pub(super) version: u64,
    pub(super) description: String,
    pub(super) follow_ups: Vec<String>,
}

pub(super) fn words(ticket: &Ticket, conversation: &Conversation, events: &[Audit], bot: Option<UserId>) -> Words {
    let said: Vec<&Comment> = by_customer(ticket, conversation, bot).collect();
    let first = conversation.comments.first();
    let newest = said.iter().filter_map(|comment| comment.id).max();
    let version = newest.or_else(|| first.and_then(|first| first.id)).unwrap_or_default();
    let opening = first.filter(|first| is_opening(ticket, first));
    let chat = chat(events);
    let version = version.max(chat.iter().map(|chat| chat.event).max().unwrap_or_default());
    let later = said.iter().filter(|comment| first.is_none_or(|first| comment.id != first.id));
    let mut messages = later.map(|comment| text(comment)).filter(|text| !text.is_empty());
    let description = match (first, opening) {
        (Some(first), None) => text(first),
        // Nothing of the opening is the customer's; his first word is.
        (Some(_), Some(_)) => {
            let chat: Vec<String> = chat.into_iter().map(|chat| chat.text).collect();
            if chat.is_empty() { messages.next().unwrap_or_default() } else { chat.join("\n") }
        }
        (None, _) => described(ticket),
    };
    Words { version, description, follow_ups: messages.collect() }
}

/// Whether nothing of the customer is in the comments, so that the chat's own record has to be asked for.
pub(super) fn needs_chat(ticket: &Ticket, conversation: &Conversation, bot: Option<UserId>) -> bool {
    let Some(first) = conversation.comments.first() else { return false };
    let nothing_else = by_customer(ticket, conversation, bot).all(|comment| comment.id == first.id);
    is_opening(ticket, first) && nothing_else
}

impl ZendeskHelpdesk {
    /// The first hundred audits of a messaging ticket, among them those with the chat.
    pub(super) async fn chat_events(&self, id: TicketId) -> Result<Vec<Audit>, ApiError> {
        let path = format!("/api/v2/tickets/{}/audits.json?page[size]=100", id.number());
        match self.client.get::<AuditPage>(&path).await {
            Err(ApiError::NotFound { .. } | ApiError::Gone) => Ok(Vec::new()),
            page => Ok(page?.audits),
        }
    }
}

/// Public comments of end users, oldest first.
fn by_customer<'a>(
    ticket: &'a Ticket,
    conversation: &'a Conversation,
    bot: Option<UserId>,
) -> impl Iterator<Item = &'a Comment> {
    conversation.comments.iter().filter(move |comment| {
        let Some(author) = comment.author_id else { return false };
        let ours = bot == Some(UserId(author));
        let end_user = match read::user(&conversation.users, author) {
            Some(user) if user.role.is_some() => !user.is_staff(),
            // Whoever asked is no colleague unless Zendesk says so.
            Some(_) | None => ticket.requester_id == Some(author),
        };
        comment.public != Some(false) && end_user && !ours
    })
}

/// The comment with which Zendesk opens a messaging ticket.
fn is_opening(ticket: &Ticket, comment: &Comment) -> bool {
    let text = body(comment);
    let text = text.trim();
    if text.lines().count() > 1 {
        return false;
    }
    let channel = ticket.via.as_ref().and_then(|via| via.channel.as_deref()).unwrap_or_default();
    let chat = ticket.from_messaging_channel == Some(true) || CHATS.iter().any(|part| channel.contains(part));
    let subject = ticket.subject.as_deref().unwrap_or_default().trim();
    text.starts_with(OPENING) && (chat || text == subject) || chat && text == subject
}

/// The words of a comment: of a call what was said. Whose the lines of a transcript are is for the reader to tell.
fn text(comment: &Comment) -> String {
    let call = comment.kind.as_deref().is_some_and(|kind| kind.contains("Voice"));
    if call {
        let spoken = comment.data.as_ref().and_then(|data| data.transcription_text.as_deref());
        let spoken = spoken.or(comment.transcription_text.as_deref()).map(str::trim);
        if let Some(spoken) = spoken.filter(|spoken| !spoken.is_empty()) {
            return spoken.to_owned();
        }
    }
    body(comment)
}

/// What a person sees of a comment. Text that is only in the plain forms is not seen, so they are read only where there
/// is no other.
fn body(comment: &Comment) -> String {
    match &comment.html_body {
        Some(html) => html::visible_text(html),
        None => comment.plain_body.as_deref().or(comment.body.as_deref()).unwrap_or_default().trim().to_owned(),
    }
}

/// Without comments there is only what the ticket itself repeats of the first one.
fn described(ticket: &Ticket) -> String {
    let text = ticket.description.as_deref().unwrap_or_default().trim();
    let opening = Comment { body: Some(text.to_owned()), ..Comment::default() };
    if is_opening(ticket, &opening) { String::new() } else { text.to_owned() }
}

struct Said {
    event: u64,
    text: String,
}

/// The end user's messages in chat events, oldest first.
fn chat(audits: &[Audit]) -> Vec<Said> {
    let mut said = Vec::new();
    let events = audits.iter().flat_map(|audit| &audit.events);
    let chats = events.filter(|event| event.kind.as_deref().is_some_and(|kind| kind.starts_with("Chat")));
    for event in chats {
        let history = ChatValue::deserialize(&event.value).unwrap_or_default().history;
        let words = history.into_iter().filter(|message| {
            let kind = message.kind.as_deref().is_some_and(|kind| kind.contains("Message"));
            kind && message.actor_type.as_deref().is_some_and(|actor| actor.eq_ignore_ascii_case("end-user"))
        });
        let words = words.filter_map(|message| message.message).map(|text| text.trim().to_owned());
        said.extend(words.map(|text| Said { event: event.id.unwrap_or_default(), text }));
    }
    said.sort_by_key(|said| said.event);
    said
}
