//! What a webhook tells: an event of a subscription, or the ids-only body of a trigger.
//!
//! Zendesk's enums and ids vary in case, type and presence between payloads, so only what is needed is read, leniently.

use domain::{
    TicketId, UserId,
    ports::{JsonError, json_error},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// What happened to which ticket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The event's own id; none for a trigger, which has none.
    pub id: Option<String>,
    pub happening: Happening,
    pub ticket: TicketId,
    pub actor: Actor,
    /// When it happened, where the payload says.
    pub at: Option<Timestamp>,
}

/// The kinds of event that lead to a triage, and the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happening {
    TicketCreated,
    /// The end user added a public comment.
    CustomerCommented,
    /// Somebody set a priority or a group: worth a look for corrections.
    FieldChanged,
    /// A trigger fired: the ticket tells the rest.
    Triggered,
    /// Nothing for us. The type, for the log.
    Other(String),
}

/// Who caused it, as far as the payload says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    User(UserId),
    Unknown,
}

/// The body is not an event of Zendesk's.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("the body is not an event: {0}")]
    Json(JsonError),
    #[error("field {field}: {problem}")]
    Field { field: &'static str, problem: &'static str },
}

#[derive(Deserialize)]
struct SubscribedEvent {
    id: Option<String>,
    time: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    detail: Value,
    #[serde(default)]
    event: Value,
}

/// Reads either kind of body.
///
/// # Errors
/// [`EventError`], naming the field, for a body that is no JSON object, has no usable ticket id, or contradicts itself.
pub fn parse(body: &[u8]) -> Result<Event, EventError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| EventError::Json(json_error(error)))?;
    match value.get("type").and_then(Value::as_str).map(str::to_owned) {
        Some(kind) => {
            subscribed(&kind, serde_json::from_value(value).map_err(|error| EventError::Json(json_error(error)))?)
        }
        None => triggered(&value),
    }
}

fn subscribed(kind: &str, payload: SubscribedEvent) -> Result<Event, EventError> {
    let name = kind.strip_prefix("zen:event-type:").unwrap_or(kind);
    let happening = match name {
        "ticket.created" => Happening::TicketCreated,
        "ticket.comment_added" if by_customer(&payload.event) => Happening::CustomerCommented,
        "ticket.priority_changed" | "ticket.group_assignment_changed" => Happening::FieldChanged,
        _ => Happening::Other(name.to_owned()),
    };
    let ticket = ticket_id(payload.detail.get("id"), "detail.id");
    if let (Ok(ticket), Some(subject)) = (&ticket, &payload.subject)
        && subject.strip_prefix("zen:ticket:").is_some_and(|id| id != ticket.number().to_string())
    {
        return Err(EventError::Field { field: "subject", problem: "names another ticket than detail.id" });
    }
    Ok(Event {
        id: payload.id,
        ticket: ticket?,
        actor: actor(payload.detail.get("actor_id")),
        at: payload.time.and_then(|time| time.parse().ok()),
        happening,
    })
}

/// A public comment by somebody who is not staff.
fn by_customer(event: &Value) -> bool {
    let flag = |path: &str| event.pointer(path).and_then(Value::as_bool);
    flag("/comment/is_public") != Some(false) && flag("/comment/author/is_staff") != Some(true)
}

/// `{"source":"zendesk_trigger","ticket_id":"{{ticket.id}}","actor_id":"{{current_user.id}}"}`
fn triggered(value: &Value) -> Result<Event, EventError> {
    if !value.is_object() {
        return Err(EventError::Field { field: "body", problem: "is not a JSON object" });
    }
    Ok(Event {
        id: None,
        happening: Happening::Triggered,
        ticket: ticket_id(value.get("ticket_id"), "ticket_id")?,
        actor: actor(value.get("actor_id")),
        at: None,
    })
}

fn ticket_id(value: Option<&Value>, field: &'static str) -> Result<TicketId, EventError> {
    let number = match value {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| TicketId::new(number).ok()),
        _ => None,
    };
    number.ok_or(EventError::Field { field, problem: "is not a ticket number" })
}

fn actor(value: Option<&Value>) -> Actor {
    let number = match value {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    number.map_or(Actor::Unknown, |id| Actor::User(UserId(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, detail: &str, event: &str) -> String {
        format!(
            r#"{{"account_id":22129848,"detail":{detail},"event":{event},"id":"cbe4028c","subject":"zen:ticket:5158",
            "time":"2025-01-08T10:12:07.672717030Z","type":"zen:event-type:{kind}","zendesk_event_version":"2022-11-06"}}"#
        )
    }

    #[test]
    fn each_type_leads_where_it_should() {
        let customer = r#"{"comment":{"id":"9","is_public":true,"author":{"id":"7","is_staff":false}}}"#;
        let staff = r#"{"comment":{"id":"9","is_public":true,"author":{"id":"7","is_staff":true}}}"#;
        let private = r#"{"comment":{"id":"9","is_public":false,"author":{"id":"7","is_staff":false}}}"#;
        let other = |name: &str| Happening::Other(name.to_owned());
        for (kind, payload, expected) in [
            ("ticket.created", "{}", Happening::TicketCreated),
            ("ticket.comment_added", customer, Happening::CustomerCommented),
            ("ticket.comment_added", staff, other("ticket.comment_added")),
            ("ticket.comment_added", private, other("ticket.comment_added")),
            ("ticket.priority_changed", r#"{"current":"URGENT","previous":"HIGH"}"#, Happening::FieldChanged),
            ("ticket.group_assignment_changed", "{}", Happening::FieldChanged),
            ("ticket.tags_changed", "{}", other("ticket.tags_changed")),
        ] {
            let found = parse(event(kind, r#"{"id":"5158","actor_id":"8447388090494"}"#, payload).as_bytes()).unwrap();
            assert_eq!(found.happening, expected, "{kind} {payload}");
            assert_eq!(found.ticket.number(), 5158);
            assert_eq!(found.actor, Actor::User(UserId(8_447_388_090_494)));
            assert_eq!(found.id.as_deref(), Some("cbe4028c"));
            assert!(found.at.is_some());
        }
    }

    #[test]
    fn sparse_payloads_are_enough() {
        let found = parse(br#"{"type":"zen:event-type:ticket.created","detail":{"id":7,"actor_id":"","tags":null}}"#);
        let found = found.unwrap();
        assert_eq!((found.ticket.number(), found.actor, found.at), (7, Actor::Unknown, None));
    }

    #[test]
    fn a_trigger_names_its_ticket() {
        let body =
            br#"{"source":"zendesk_trigger","schema":1,"ticket_id":"1001","actor_id":"42","tags":"a b","via":"Mail"}"#;
        let found = parse(body).unwrap();
        assert_eq!(found.happening, Happening::Triggered);
        assert_eq!((found.ticket.number(), found.actor), (1001, Actor::User(UserId(42))));
    }

    #[test]
    fn a_malformed_body_is_named_by_its_field() {
        for (body, message) in [
            ("", "incomplete JSON"),
            ("PLANTED", "invalid JSON at line 1, column 1"),
            (r#"{"type":"zen:event-type:ticket.created","id":["PLANTED"]}"#, "JSON of an unexpected shape"),
            ("[]", "field body"),
            ("\"x\"", "field body"),
            ("{}", "field ticket_id"),
            (r#"{"ticket_id":"{{ticket.id}}"}"#, "field ticket_id"),
            (r#"{"ticket_id":0}"#, "field ticket_id"),
            (r#"{"type":"zen:event-type:ticket.created","detail":{}}"#, "field detail.id"),
            (&event("ticket.created", r#"{"id":"7"}"#, "{}"), "field subject"),
        ] {
            let error = parse(body.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(message) && !error.contains("PLANTED"), "{body}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body: Vec<u8>) {
            let _ = parse(&body);
        }
    }
}
