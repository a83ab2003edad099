//! Triggers: rules of the account that run after a ticket was created or changed.

use serde_json::{Map, Value, json};

use super::{
    delivery,
    records::Kind,
    state::State,
    tickets::{Comment, Ticket},
    write::{self, Origin},
};

const STATUSES: [&str; 6] = ["new", "open", "pending", "hold", "solved", "closed"];

/// What just happened to the ticket.
struct Occasion<'a> {
    ticket: &'a Ticket,
    comment: Option<&'a Comment>,
    is_new: bool,
    by_staff: bool,
}

/// Runs every active trigger whose conditions hold, in order of their places.
pub(super) fn fire(state: &mut State, number: u64, origin: Origin, comment: Option<&Comment>, is_new: bool) {
    let mut triggers: Vec<(i64, u64)> = state
        .all(Kind::Trigger)
        .filter(|(_, trigger)| trigger.get("active") == Some(&json!(true)))
        .map(|(id, trigger)| (trigger.get("position").and_then(Value::as_i64).unwrap_or_default(), id))
        .collect();
    triggers.sort_unstable();
    for (_, trigger) in triggers {
        let Some(ticket) = state.tickets.get(&number) else { return };
        let Some(trigger) = state.record(Kind::Trigger, trigger).cloned() else { continue };
        let occasion = Occasion { ticket, comment, is_new, by_staff: state.is_staff(origin.author) };
        if holds(&trigger, &occasion) {
            act(state, number, origin, &trigger);
        }
    }
}

fn holds(trigger: &Map<String, Value>, occasion: &Occasion<'_>) -> bool {
    let conditions = |kind: &str| {
        let all = trigger.get("conditions").and_then(|conditions| conditions.get(kind)).and_then(Value::as_array);
        all.map(Vec::as_slice).unwrap_or_default()
    };
    let any = conditions("any");
    conditions("all").iter().all(|condition| is_met(condition, occasion))
        && (any.is_empty() || any.iter().any(|condition| is_met(condition, occasion)))
}

/// A condition that nobody here knows does not hold.
fn is_met(condition: &Value, occasion: &Occasion<'_>) -> bool {
    let text = |key: &str| condition.get(key).map(word).unwrap_or_default();
    let (field, operator, value) = (text("field"), text("operator"), text("value"));
    let values = &occasion.ticket.values;
    let number = |held: Option<u64>| held.map(|id| id.to_string()).unwrap_or_default();
    let found = match field.as_str() {
        "update_type" => if occasion.is_new { "Create" } else { "Change" }.to_owned(),
        "status" => return compared(&operator, &values.status, &value),
        "priority" => values.priority.clone().unwrap_or_default(),
        "type" => values.kind.clone().unwrap_or_default(),
        "group_id" => number(values.group),
        "assignee_id" => number(values.assignee),
        "organization_id" => number(values.organization),
        "requester_id" => values.requester.to_string(),
        "ticket_form_id" => values.form.to_string(),
        "role" => if occasion.by_staff { "agent" } else { "end_user" }.to_owned(),
        "current_tags" => {
            let found = value.split_whitespace().any(|tag| values.tags.iter().any(|held| held == tag));
            return found == (operator == "includes");
        }
        "comment_is_public" => {
            return match (occasion.comment, value.as_str()) {
                (Some(comment), "true" | "requester_can_see_comment") => comment.public,
                (Some(comment), "false") => !comment.public,
                (_, word) => word == "not_relevant",
            };
        }
        other => {
            let number = other.strip_prefix("custom_fields_").or_else(|| other.strip_prefix("ticket_fields_"));
            let Some(number) = number.and_then(|number| number.parse::<u64>().ok()) else { return false };
            values.custom.get(&number).map(word).unwrap_or_default()
        }
    };
    (found == value) == (operator != "is_not")
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

fn compared(operator: &str, held: &str, value: &str) -> bool {
    let place = |status: &str| STATUSES.iter().position(|known| *known == status);
    match operator {
        "less_than" => place(held) < place(value),
        "greater_than" => place(held) > place(value),
        "is_not" => held != value,
        _ => held == value,
    }
}

fn act(state: &mut State, number: u64, origin: Origin, trigger: &Map<String, Value>) {
    let mut changes = Map::new();
    let actions = trigger.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    for action in &actions {
        let field = action.get("field").and_then(Value::as_str).unwrap_or_default();
        let value = action.get("value").cloned().unwrap_or_default();
        let held = state.tickets.get(&number).map(|ticket| ticket.values.tags.clone()).unwrap_or_default();
        match field {
            "notification_webhook" => notify(state, number, origin, &value),
            "set_tags" => {
                changes.insert("tags".into(), json!(write::tags_of(&value)));
            }
            "current_tags" => {
                changes.insert("tags".into(), json!([held, write::tags_of(&value)].concat()));
            }
            "remove_tags" => {
                let fewer = write::tags_of(&value);
                let kept: Vec<String> = held.into_iter().filter(|tag| !fewer.contains(tag)).collect();
                changes.insert("tags".into(), json!(kept));
            }
            "priority" | "status" | "type" | "group_id" | "assignee_id" => {
                changes.insert(field.to_owned(), value);
            }
            _ => {
                if let Some(id) = field.strip_prefix("custom_fields_").and_then(|id| id.parse::<u64>().ok()) {
                    changes.insert("custom_fields".into(), json!([{ "id": id, "value": value }]));
                }
            }
        }
    }
    if !changes.is_empty() {
        // A trigger that asks for what cannot be is passed over, as at Zendesk.
        let _ = write::change(state, number, &changes, Origin { channel: "rule", ..origin });
    }
}

/// `["webhook id", "body with placeholders"]`
fn notify(state: &mut State, number: u64, origin: Origin, value: &Value) {
    let Some([Value::String(webhook), body]) = value.as_array().map(Vec::as_slice) else { return };
    let Some(ticket) = state.tickets.get(&number) else { return };
    let body = filled_in(ticket, origin.author, &word(body));
    delivery::queue(state, webhook, "conditional_ticket_events", number, body);
}

/// Placeholders become plain text, without a thought of what is around them.
fn filled_in(ticket: &Ticket, user: u64, body: &str) -> String {
    let values = &ticket.values;
    let latest = ticket.comments.last();
    let mut filled = body.to_owned();
    for (name, value) in [
        ("ticket.id", ticket.id.to_string()),
        ("ticket.title", values.subject.clone()),
        ("ticket.description", ticket.comments.first().map(|first| first.plain_body.clone()).unwrap_or_default()),
        ("ticket.latest_comment.id", latest.map(|latest| latest.id.to_string()).unwrap_or_default()),
        ("ticket.latest_comment", latest.map(|latest| latest.plain_body.clone()).unwrap_or_default()),
        ("ticket.tags", values.tags.join(" ")),
        ("ticket.via", super::texts::capitalised(&ticket.channel)),
        ("ticket.status", super::texts::capitalised(&values.status)),
        ("ticket.priority", super::texts::capitalised(values.priority.as_deref().unwrap_or_default())),
        ("ticket.ticket_type", super::texts::capitalised(values.kind.as_deref().unwrap_or_default())),
        ("ticket.requester.id", values.requester.to_string()),
        ("current_user.id", user.to_string()),
    ] {
        for written in [format!("{{{{{name}}}}}"), format!("{{{{ {name} }}}}")] {
            filled = filled.replace(&written, &value);
        }
    }
    filled
}

/// What conditions there are, for those who ask before they write one.
pub(super) fn definitions() -> Value {
    let fields = ["update_type", "status", "priority", "type", "group_id", "current_tags", "comment_is_public", "role"];
    let conditions: Vec<Value> =
        fields.iter().map(|field| json!({ "subject": field, "title": field, "operators": [] })).collect();
    json!({ "definitions": { "conditions_all": conditions, "conditions_any": conditions, "actions": [] } })
}

/// Whether a trigger calls a webhook.
pub(super) fn uses(trigger: &Map<String, Value>, webhook: &str) -> bool {
    let actions = trigger.get("actions").and_then(Value::as_array).into_iter().flatten();
    let mut values = actions.filter_map(|action| action.get("value"));
    values.any(|value| value.get(0).and_then(Value::as_str) == Some(webhook))
}
