//! What a change means to those who asked to be told: the events of the schema of 2022-11-06, and triggers.

use serde_json::{Map, Value, json};

use super::{
    delivery,
    records::Kind,
    state::State,
    tickets::{Comment, Ticket},
    triggers,
    write::{Difference, Origin},
};

/// The form of the events, by its date.
const VERSION: &str = "2022-11-06";

/// Tells of a write: first the subscribers, then the triggers.
pub(super) fn announce(
    state: &mut State,
    number: u64,
    origin: Origin,
    differences: &[Difference],
    comment: Option<&Comment>,
    is_new: bool,
) {
    if is_new {
        happened(state, number, origin.author, "created", json!({}));
    } else {
        for (name, new, old) in differences {
            if let Some((kind, event)) = changed(state, name, new, old) {
                happened(state, number, origin.author, kind, event);
            }
        }
        if let Some(comment) = comment {
            let event = json!({ "comment": comment_told(state, comment) });
            happened(state, number, origin.author, "comment_added", event);
        }
    }
    if !origin.is_rule() {
        triggers::fire(state, number, origin, comment, is_new);
    }
}

/// Tells that something was done to a comment.
pub(super) fn about_comment(state: &mut State, number: u64, actor: u64, kind: &str, comment: u64) {
    let comment =
        state.tickets.get(&number).and_then(|ticket| ticket.comments.iter().find(|known| known.id == comment));
    let event = comment.map_or(json!({}), |comment| json!({ "comment": comment_told(state, comment) }));
    happened(state, number, actor, kind, event);
}

/// Tells that a ticket went: `soft_deleted` or `permanently_deleted`.
pub(super) fn deleted(state: &mut State, number: u64, actor: u64, kind: &str) {
    happened(state, number, actor, kind, json!({}));
}

fn comment_told(state: &State, comment: &Comment) -> Value {
    let name = state.record(Kind::User, comment.author).and_then(|user| user.get("name")).cloned();
    json!({
        "id": comment.id.to_string(),
        "body": comment.plain_body,
        "is_public": comment.public,
        "author": {
            "id": comment.author.to_string(), "is_staff": state.is_staff(comment.author), "name": name,
        },
    })
}

/// The event of a changed field, if there is one of it.
fn changed(state: &State, name: &str, new: &Value, old: &Value) -> Option<(&'static str, Value)> {
    let upper = |value: &Value| value.as_str().map_or(Value::Null, |text| json!(text.to_uppercase()));
    let plain = |kind| Some((kind, json!({ "current": new, "previous": old })));
    let loud = |kind| Some((kind, json!({ "current": upper(new), "previous": upper(old) })));
    match name {
        "priority" => loud("priority_changed"),
        "status" => loud("status_changed"),
        "type" => loud("type_changed"),
        "group_id" => plain("group_assignment_changed"),
        "assignee_id" => plain("agent_assignment_changed"),
        "subject" => plain("subject_changed"),
        "requester_id" => plain("requester_changed"),
        "organization_id" => plain("organization_changed"),
        "external_id" => plain("external_id_changed"),
        "problem_id" => plain("problem_link_changed"),
        "ticket_form_id" => plain("form_changed"),
        "brand_id" => plain("brand_changed"),
        "custom_status_id" => plain("custom_status_changed"),
        "tags" => Some(("tags_changed", tags_changed(new, old))),
        _ => Some(("custom_field_changed", field_changed(state, name.parse().ok()?, new, old))),
    }
}

fn tags_changed(new: &Value, old: &Value) -> Value {
    let tags = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (new, old) = (tags(new), tags(old));
    let added: Vec<&Value> = new.iter().filter(|tag| !old.contains(tag)).collect();
    let removed: Vec<&Value> = old.iter().filter(|tag| !new.contains(tag)).collect();
    json!({ "tags_added": added, "tags_removed": removed })
}

fn field_changed(state: &State, id: u64, new: &Value, old: &Value) -> Value {
    let field = state.record(Kind::TicketField, id);
    let of = |key: &str| field.and_then(|field| field.get(key)).cloned();
    json!({
        "current": { "value": new },
        "previous": { "value": old },
        "custom_field": { "id": id.to_string(), "title": of("title"), "type": of("type") },
    })
}

/// Queues a delivery for everybody who subscribed to this.
fn happened(state: &mut State, number: u64, actor: u64, kind: &str, event: Value) {
    let name = format!("zen:event-type:ticket.{kind}");
    let subscribed: Vec<String> = state
        .webhooks
        .values()
        .filter(|webhook| webhook.is_active() && webhook.subscriptions.contains(&name))
        .map(|webhook| webhook.id.clone())
        .collect();
    if subscribed.is_empty() {
        return;
    }
    let now = state.now;
    let Some(ticket) = state.tickets.get_mut(&number) else { return };
    let id = ticket.next_id();
    let body = json!({
        "account_id": state.setup.account,
        "detail": detail(ticket, actor),
        "event": event,
        "id": format!("{:08x}-0000-4000-8000-{:012x}", number % 0x1_0000_0000, id),
        "subject": format!("zen:ticket:{number}"),
        "time": now,
        "type": name,
        "zendesk_event_version": VERSION,
    });
    for webhook in subscribed {
        delivery::queue(state, &webhook, &format!("ticket.{kind}"), number, printed(&body));
    }
}

/// Events are sent pretty-printed, with a line break at the end.
fn printed(body: &Value) -> String {
    format!("{body:#}\n")
}

/// The ticket as events tell it: ids as texts, enums in capitals, no custom fields.
fn detail(ticket: &Ticket, actor: u64) -> Value {
    let values = &ticket.values;
    let id = |id: Option<u64>| id.map(|id| id.to_string());
    let loud = |text: Option<&String>| text.map(|text| text.to_uppercase());
    let mut detail = Map::new();
    for (key, value) in [
        ("actor_id", json!(actor.to_string())),
        ("assignee_id", json!(id(values.assignee))),
        ("brand_id", json!(values.brand.to_string())),
        ("created_at", json!(ticket.created_at)),
        ("custom_status", json!(id(values.custom_status))),
        ("description", json!(ticket.comments.first().map(|first| &first.plain_body))),
        ("external_id", json!(values.external_id)),
        ("form_id", json!(values.form.to_string())),
        ("group_id", json!(id(values.group))),
        ("id", json!(ticket.id.to_string())),
        ("is_public", json!(ticket.is_public())),
        ("organization_id", json!(id(values.organization))),
        ("priority", json!(loud(values.priority.as_ref()))),
        ("requester_id", json!(values.requester.to_string())),
        ("status", json!(values.status.to_uppercase())),
        ("subject", json!(values.subject)),
        ("submitter_id", json!(ticket.submitter.to_string())),
        ("tags", if values.tags.is_empty() { Value::Null } else { json!(values.tags) }),
        ("type", json!(loud(values.kind.as_ref()))),
        ("updated_at", json!(ticket.updated_at)),
        ("via", json!({ "channel": ticket.channel })),
    ] {
        detail.insert(key.to_owned(), value);
    }
    Value::Object(detail)
}
