//! What a webhook tells: an event of a subscription, or the ids-only body of a trigger.
//!
//! Zendesk's enums and ids vary in case, type and presence between payloads, so only what is needed is read, leniently.

use domain::{
    TicketId, UserId,
    ports::{JsonError, json_error},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::lenient::{self, Salvage};

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
    pub legibility: Legibility,
}

/// What an event means to us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happening {
    TicketCreated,
    /// The end user added a public comment or wrote in a conversation.
    CustomerCommented,
    /// Somebody set a priority or a group: worth a look for corrections.
    FieldChanged,
    /// A trigger fired, or a ticket came back: the ticket tells the rest.
    Triggered,
    /// The ticket is gone for good.
    Deleted,
    /// Text of the ticket was made unreadable.
    Redacted,
    /// Nothing for us. The type, for the log.
    Nothing(&'static str),
    /// A type this version does not know.
    Unknown(String),
}

/// Who caused it, as far as the payload says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    User(UserId),
    Unknown,
}

/// How a body could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Legibility {
    /// It is JSON.
    Valid,
    /// It became JSON once mended.
    Mended,
    /// Only its ids were found.
    Salvaged,
}

/// The body is not an event of Zendesk's.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("the body is not an event: {0}")]
    Json(JsonError),
    #[error("field {field}: {problem}")]
    Field { field: &'static str, problem: &'static str },
}

/// Events of tickets that tell us nothing, by their type without `zen:event-type:`. docs/rules.md says why.
const NOTHING: [&str; 29] = [
    "ticket.agent_assignment_changed",
    "ticket.attachment_linked_to_comment",
    "ticket.brand_changed",
    "ticket.comment_made_private",
    "ticket.custom_field_changed",
    "ticket.custom_status_changed",
    "ticket.description_changed",
    "ticket.email_ccs_changed",
    "ticket.external_id_changed",
    "ticket.followers_changed",
    "ticket.form_changed",
    "ticket.marked_as_spam",
    "ticket.merged",
    "ticket.next_sla_breach_changed",
    "ticket.ola_policy_changed",
    "ticket.organization_changed",
    "ticket.problem_link_changed",
    "ticket.requester_changed",
    "ticket.schedule_changed",
    "ticket.sla_policy_changed",
    "ticket.soft_deleted",
    "ticket.status_changed",
    "ticket.subject_changed",
    "ticket.submitter_changed",
    "ticket.tags_changed",
    "ticket.task_due_at_changed",
    "ticket.type_changed",
    COMMENT_ADDED,
    MESSAGE_ADDED,
];
/// Zendesk's longest has fewer than half as many letters.
const LONGEST_TYPE: usize = 80;
const COMMENT_ADDED: &str = "ticket.comment_added";
const MESSAGE_ADDED: &str = "messaging_ticket.message_added";

/// Reads either kind of body: as JSON, else mended, else by the ids in it.
///
/// # Errors
/// [`EventError`], naming the field, for a body in which no ticket can be found, or which contradicts itself.
pub fn parse(body: &[u8]) -> Result<Event, EventError> {
    let strict: Result<Value, _> = serde_json::from_slice(body);
    let read = match strict {
        Ok(value) => of_value(&value, Legibility::Valid),
        Err(error) => match lenient::mended(body) {
            // What is wrong with what was mended says less than where it was broken.
            Some(value) => of_value(&value, Legibility::Mended).map_err(|_| EventError::Json(json_error(error))),
            None => Err(EventError::Json(json_error(error))),
        },
    };
    match read {
        Err(EventError::Field { field: SUBJECT, problem }) => Err(EventError::Field { field: SUBJECT, problem }),
        Err(error) => lenient::salvaged(body).map(of_salvage).ok_or(error),
        Ok(event) => Ok(event),
    }
}

const SUBJECT: &str = "subject";

fn of_value(value: &Value, legibility: Legibility) -> Result<Event, EventError> {
    if !value.is_object() {
        return Err(EventError::Field { field: "body", problem: "is not a JSON object" });
    }
    if is_subscribed(value) { subscribed(value, legibility) } else { triggered(value, legibility) }
}

/// A trigger's body is the customer's to write and may have a `type` too: that of the ticket, such as `Incident`.
fn is_subscribed(value: &Value) -> bool {
    text(value.get("type")).is_some_and(|kind| kind.starts_with("zen:"))
        || value.get("zendesk_event_version").is_some()
        || (value.get("detail").is_some_and(Value::is_object) && value.get("ticket_id").is_none())
}

fn subscribed(payload: &Value, legibility: Legibility) -> Result<Event, EventError> {
    let (none, kind) = (Value::Null, text(payload.get("type")));
    let (detail, event) = (payload.get("detail").unwrap_or(&none), payload.get("event").unwrap_or(&none));
    let happening = match kind.map(|kind| kind.strip_prefix("zen:event-type:").unwrap_or(kind)) {
        // Without a type the ticket tells the rest.
        None | Some("") => Happening::Triggered,
        Some(COMMENT_ADDED) if by_customer(detail, event) => Happening::CustomerCommented,
        Some(MESSAGE_ADDED) if by_end_user(event) => Happening::CustomerCommented,
        Some(name) => happening(name),
    };
    let stated = ticket_id(detail.get("id"), "detail.id");
    let named = text(payload.get(SUBJECT)).and_then(|subject| subject.strip_prefix("zen:ticket:"));
    let ticket = match (stated, named) {
        (Ok(ticket), Some(subject)) if subject != ticket.number().to_string() => {
            return Err(EventError::Field { field: SUBJECT, problem: "names another ticket than detail.id" });
        }
        (Ok(ticket), _) => ticket,
        (Err(error), named) => named.and_then(|id| id.parse().ok()).ok_or(error)?,
    };
    let actor = [detail.get("actor_id"), event.pointer("/actor/id")].into_iter().find_map(whole_number);
    Ok(Event {
        id: payload
            .get("id")
            .and_then(|id| text(Some(id)).map(str::to_owned).or_else(|| Some(id.as_u64()?.to_string()))),
        ticket,
        actor: actor.map_or(Actor::Unknown, |id| Actor::User(UserId(id))),
        at: text(payload.get("time")).and_then(|time| time.parse().ok()),
        happening,
        legibility,
    })
}

/// What a type means whatever the rest says.
fn happening(name: &str) -> Happening {
    match name {
        "ticket.created" => Happening::TicketCreated,
        "ticket.priority_changed" | "ticket.group_assignment_changed" => Happening::FieldChanged,
        "ticket.permanently_deleted" => Happening::Deleted,
        "ticket.comment_redacted" | "ticket.attachment_redacted_from_comment" => Happening::Redacted,
        "ticket.undeleted" => Happening::Triggered,
        name => match NOTHING.into_iter().find(|known| *known == name) {
            Some(known) => Happening::Nothing(known),
            None => Happening::Unknown(name.chars().filter(is_of_a_type).take(LONGEST_TYPE).collect()),
        },
    }
}

/// A type goes into the log, and nobody's words do.
fn is_of_a_type(c: &char) -> bool {
    c.is_ascii_lowercase() || "._".contains(*c)
}

/// A public comment by the requester or by somebody else who is not staff.
fn by_customer(detail: &Value, event: &Value) -> bool {
    let author = event.pointer("/comment/author/id").or_else(|| event.pointer("/comment/author_id"));
    let author = whole_number(author);
    let by_requester = author.is_some() && author == whole_number(detail.get("requester_id"));
    flag(event.pointer("/comment/is_public")) != Some(false)
        && (by_requester || flag(event.pointer("/comment/author/is_staff")) != Some(true))
}

/// A message of a conversation by its customer, and not by an agent, a bot or the system.
fn by_end_user(event: &Value) -> bool {
    let kind = text(event.pointer("/actor/type")).map(|kind| kind.to_ascii_lowercase().replace('-', "_"));
    kind.is_none_or(|kind| matches!(kind.as_str(), "" | "end_user" | "user" | "customer"))
}

/// `{"source":"zendesk_trigger","ticket_id":"{{ticket.id}}","actor_id":"{{current_user.id}}"}`
fn triggered(value: &Value, legibility: Legibility) -> Result<Event, EventError> {
    let id = [value.get("ticket_id"), value.pointer("/ticket/id")].into_iter().flatten().next();
    Ok(Event {
        id: None,
        happening: Happening::Triggered,
        ticket: ticket_id(id, "ticket_id")?,
        actor: whole_number(value.get("actor_id")).map_or(Actor::Unknown, |id| Actor::User(UserId(id))),
        at: None,
        legibility,
    })
}

/// Who wrote a comment cannot be told from a wreck: the ticket tells.
fn of_salvage(Salvage { kind, ticket, actor }: Salvage) -> Event {
    let happening = match kind.as_deref() {
        None | Some("" | COMMENT_ADDED | MESSAGE_ADDED) => Happening::Triggered,
        Some(name) => happening(name),
    };
    let actor = actor.map_or(Actor::Unknown, |id| Actor::User(UserId(id)));
    Event { id: None, happening, ticket, actor, at: None, legibility: Legibility::Salvaged }
}

fn ticket_id(value: Option<&Value>, field: &'static str) -> Result<TicketId, EventError> {
    let number = whole_number(value).and_then(|number| TicketId::new(number).ok());
    number.ok_or(EventError::Field { field, problem: "is not a ticket number" })
}

/// An id as a number or as text, as templates and payloads have it.
fn whole_number(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(text) => {
            let text = text.trim();
            text.strip_prefix('#').unwrap_or(text).parse().ok()
        }
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

/// A yes or no, also as text.
fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
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
        let as_text = r#"{"comment":{"id":"9","is_public":"true","author":{"id":"7","is_staff":"true"}}}"#;
        let requester = r#"{"comment":{"id":"9","author_id":11,"author":{"is_staff":true}}}"#;
        let message = |kind: &str| format!(r#"{{"actor":{{"id":"u1","type":"{kind}"}},"message":{{"body":"Hi"}}}}"#);
        let detail = r#"{"id":"5158","actor_id":"8447388090494","requester_id":"11"}"#;
        for (kind, payload, expected) in [
            ("ticket.created", "{}", Happening::TicketCreated),
            ("ticket.comment_added", customer, Happening::CustomerCommented),
            ("ticket.comment_added", staff, Happening::Nothing(COMMENT_ADDED)),
            ("ticket.comment_added", as_text, Happening::Nothing(COMMENT_ADDED)),
            ("ticket.comment_added", private, Happening::Nothing(COMMENT_ADDED)),
            ("ticket.comment_added", requester, Happening::CustomerCommented),
            ("messaging_ticket.message_added", &message("end_user"), Happening::CustomerCommented),
            ("messaging_ticket.message_added", &message("END-USER"), Happening::CustomerCommented),
            ("messaging_ticket.message_added", &message("agent"), Happening::Nothing(MESSAGE_ADDED)),
            ("messaging_ticket.message_added", &message("bot"), Happening::Nothing(MESSAGE_ADDED)),
            ("ticket.priority_changed", r#"{"current":"URGENT","previous":"HIGH"}"#, Happening::FieldChanged),
            ("ticket.group_assignment_changed", "{}", Happening::FieldChanged),
            ("ticket.tags_changed", r#"{"tags_added":["triage_p1"]}"#, Happening::Nothing("ticket.tags_changed")),
            ("ticket.custom_field_changed", "{}", Happening::Nothing("ticket.custom_field_changed")),
            ("ticket.soft_deleted", "{}", Happening::Nothing("ticket.soft_deleted")),
            ("ticket.merged", r#"{"target_ticket_id":"3004"}"#, Happening::Nothing("ticket.merged")),
            ("ticket.undeleted", "{}", Happening::Triggered),
            ("ticket.permanently_deleted", "{}", Happening::Deleted),
            ("ticket.comment_redacted", r#"{"comment":{"id":"9"}}"#, Happening::Redacted),
            ("ticket.attachment_redacted_from_comment", "{}", Happening::Redacted),
            ("ticket.teleported", "{}", Happening::Unknown("ticket.teleported".to_owned())),
        ] {
            let found = parse(event(kind, detail, payload).as_bytes()).unwrap();
            assert_eq!(found.legibility, Legibility::Valid);
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
    fn a_trigger_may_tell_the_type_of_its_ticket() {
        for (body, ticket) in [
            (r#"{"ticket_id":"1002","type":"Incident"}"#, 1002),
            (r##"{"ticket_id":" #1002 ","type":""}"##, 1002),
            (r#"{"ticket_id":1002,"detail":{"id":"7"}}"#, 1002),
            (r#"{"ticket":{"id":"1002"},"type":null}"#, 1002),
        ] {
            let found = parse(body.as_bytes()).unwrap();
            assert_eq!(
                (found.happening, found.ticket.number(), found.id),
                (Happening::Triggered, ticket, None),
                "{body}"
            );
        }
    }

    #[test]
    fn an_event_is_known_by_more_than_its_type() {
        for (body, happening) in [
            (r#"{"zendesk_event_version":"2022-11-06","detail":{"id":"7"}}"#, Happening::Triggered),
            (r#"{"type":"ticket.created","detail":{"id":"7"}}"#, Happening::TicketCreated),
            (r#"{"type":"zen:event-type:ticket.created","subject":"zen:ticket:7"}"#, Happening::TicketCreated),
            (r#"{"type":"zen:event-type:ticket.created","id":["x"],"detail":{"id":7}}"#, Happening::TicketCreated),
        ] {
            let found = parse(body.as_bytes()).unwrap();
            assert_eq!((found.happening, found.ticket.number()), (happening, 7), "{body}");
        }
    }

    #[test]
    fn a_broken_body_keeps_its_ticket() {
        let comment = r#"{"comment":{"id":"9","is_public":true,"author":{"is_staff":false}}}"#;
        let commented = event("ticket.comment_added", r#"{"id":"5158","description":"x \ud83d"}"#, comment);
        let wrecked = commented.replace("\"description\":\"", "\"description\":\"a\", \"b\" ");
        for (body, happening, legibility) in [
            (commented, Happening::CustomerCommented, Legibility::Mended),
            (wrecked, Happening::Triggered, Legibility::Salvaged),
            (
                "{\"ticket_id\":\"5158\",\"title\":\"two\nlines with \"quotes\" in them\"}".to_owned(),
                Happening::Triggered,
                Legibility::Mended,
            ),
            (
                "{\"title\":\"say \"a\", \"b\" and \"c\": d\",\"ticket_id\":\"5158\"}".to_owned(),
                Happening::Triggered,
                Legibility::Salvaged,
            ),
        ] {
            let found = parse(body.as_bytes()).unwrap();
            assert_eq!((found.ticket.number(), &found.happening), (5158, &happening), "{body}");
            assert_eq!(found.legibility, legibility, "{body}");
        }
    }

    #[test]
    fn a_malformed_body_is_named_by_its_field() {
        for (body, message) in [
            ("", "incomplete JSON"),
            ("PLANTED", "invalid JSON at line 1, column 1"),
            (r#"{"type":"zen:event-type:ticket.created","id":["PLANTED"]}"#, "field detail.id"),
            ("{\"PLANTED\":\"\\ud83d\"}", "invalid JSON at line 1"),
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
