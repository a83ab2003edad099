//! Exports: everything that changed since a moment, in pages, for administrators.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{
    call::{Call, encoded},
    comments, page,
    reply::{Handled, Reply},
    state::State,
    tickets::{self, Ticket},
};

const PAGE: usize = 1_000;
/// What changed in the last minute is not exported yet.
const TOO_NEW: i64 = 60;

/// The answer to a request under `/incremental`.
pub(super) fn answer(state: &State, call: &Call<'_>, words: &[&str]) -> Handled {
    match words {
        ["tickets", "cursor"] => by_cursor(state, call),
        ["tickets"] => by_time(state, call),
        ["ticket_events"] => events(state, call),
        _ => Err(Reply::no_endpoint()),
    }
}

/// Where an export stands: the second of the last change, and the ticket.
type Place = (i64, u64);

/// Tickets that changed from a place on, oldest first; deleted ones too.
fn changed(state: &State, from: Place, beyond: bool) -> Vec<&Ticket> {
    let newest = state.now.as_second() - TOO_NEW;
    let place = |ticket: &Ticket| (ticket.generated, ticket.id);
    let mut found: Vec<&Ticket> = state
        .tickets
        .values()
        .filter(|ticket| ticket.generated <= newest)
        .filter(|ticket| if beyond { place(ticket) > from } else { place(ticket) >= from })
        .collect();
    found.sort_unstable_by_key(|ticket| place(ticket));
    found
}

fn start(call: &Call<'_>) -> Result<i64, Reply> {
    let start = call.query("start_time").and_then(|start| start.parse::<i64>().ok());
    start.ok_or_else(|| Reply::refused(400, "InvalidValue", "start_time is required"))
}

fn size(call: &Call<'_>) -> usize {
    call.number("per_page")
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size > 0)
        .unwrap_or(PAGE)
        .min(PAGE)
}

fn by_cursor(state: &State, call: &Call<'_>) -> Handled {
    let (from, beyond) = match call.query("cursor") {
        Some(text) => (read_cursor(text).ok_or_else(bad_cursor)?, true),
        None => ((start(call)?, 0), false),
    };
    let found = changed(state, from, beyond);
    let size = size(call);
    let shown: Vec<&Ticket> = found.iter().copied().take(size).collect();
    let last = shown.last().map_or(from, |last| (last.generated, last.id));
    let cursor = BASE64_STANDARD.encode(format!("{}.0||{}|", last.0, last.1));
    let url =
        format!("{}{}?cursor={}{}", state.setup.base, call.bare_path(), encoded(&cursor), call.other_parameters());
    let mut answer = listed(state, call, &shown);
    for (key, value) in [
        ("after_url", json!(url)),
        ("after_cursor", json!(cursor)),
        ("before_url", Value::Null),
        ("before_cursor", Value::Null),
        ("end_of_stream", json!(found.len() <= size)),
    ] {
        answer.insert(key.to_owned(), value);
    }
    Ok(Reply::ok(Value::Object(answer)))
}

fn bad_cursor() -> Reply {
    Reply::listed(400, "InvalidCursor", "Invalid cursor", "cursor is not one of this export")
}

fn read_cursor(text: &str) -> Option<Place> {
    let text = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
    let (second, rest) = text.split_once(".0||")?;
    Some((second.parse().ok()?, rest.trim_end_matches('|').parse().ok()?))
}

fn by_time(state: &State, call: &Call<'_>) -> Handled {
    let found = changed(state, (start(call)?, 0), false);
    let size = size(call);
    // All of one second come together, also beyond the size: the next page begins with a second.
    let cut = found.get(size.saturating_sub(1)).map(|ticket| ticket.generated);
    let shown: Vec<&Ticket> =
        found.iter().copied().take_while(|ticket| cut.is_none_or(|cut| ticket.generated <= cut)).collect();
    let end = shown.last().map_or(state.now.as_second(), |last| last.generated + 1);
    let mut answer = listed(state, call, &shown);
    answer.insert("count".into(), json!(shown.len()));
    answer.insert("end_of_stream".into(), json!(shown.len() == found.len()));
    answer.insert("end_time".into(), json!(end));
    answer.insert("next_page".into(), json!(next_by_time(state, call, end)));
    Ok(Reply::ok(Value::Object(answer)))
}

fn next_by_time(state: &State, call: &Call<'_>, end: i64) -> String {
    format!("{}{}?start_time={end}{}", state.setup.base, call.bare_path(), call.other_parameters())
}

fn listed(state: &State, call: &Call<'_>, found: &[&Ticket]) -> Map<String, Value> {
    let rows: Vec<Value> = found.iter().map(|ticket| tickets::shown(state, ticket)).collect();
    let ids: Vec<u64> = found.iter().map(|ticket| ticket.id).collect();
    let mut answer = Map::from_iter([("tickets".to_owned(), Value::Array(rows))]);
    tickets::side_load(state, call, &ids, &mut answer);
    answer
}

/// Every audit as an event; comments in full only when they are asked for.
fn events(state: &State, call: &Call<'_>) -> Handled {
    let (start, newest) = (start(call)?, state.now.as_second() - TOO_NEW);
    let with_comments = call.words("include").contains(&"comment_events");
    let mut found = Vec::new();
    for ticket in state.tickets.values() {
        for audit in ticket.audits.iter().filter(|audit| (start..=newest).contains(&audit.at.as_second())) {
            let mut children = audit.events.clone();
            for child in children.iter_mut().filter_map(Value::as_object_mut) {
                let kind = child.remove("type").unwrap_or_default();
                if kind == "Comment" && !with_comments {
                    child.retain(|key, _| key == "id");
                    child.insert("comment_present".into(), json!(true));
                    child.insert("comment_public".into(), json!(true));
                }
                child.insert("event_type".into(), kind);
            }
            let event = json!({
                "id": audit.id, "ticket_id": ticket.id, "timestamp": audit.at.as_second(), "created_at": audit.at,
                "updater_id": audit.author, "via": audit.channel, "event_type": "Audit", "child_events": children,
            });
            found.push((audit.at, audit.id, event));
        }
    }
    found.sort_unstable_by_key(|(at, id, _)| (*at, *id));
    let size = size(call);
    let ended = found.len() <= size;
    let cut = found.get(size.saturating_sub(1)).map(|(at, ..)| *at);
    found.retain(|(at, ..)| cut.is_none_or(|cut| *at <= cut));
    let end = found.last().map_or(state.now.as_second(), |(at, ..)| at.as_second() + 1);
    let events: Vec<Value> = found.into_iter().map(|(.., event)| event).collect();
    Ok(Reply::ok(json!({
        "ticket_events": events, "count": events.len(), "end_of_stream": ended, "end_time": end,
        "next_page": next_by_time(state, call, end),
    })))
}

/// `GET /ticket_audits`: the audits of all tickets, newest first.
pub(super) fn audits(state: &State, call: &Call<'_>) -> Handled {
    let mut rows: Vec<page::Key> = state
        .tickets
        .values()
        .flat_map(|ticket| ticket.audits.iter().map(|audit| (audit.at.as_second(), audit.id)))
        .collect();
    rows.sort_unstable();
    rows.reverse();
    page::answer(state, call, "audits", &rows, |id| {
        let mut all = state.tickets.values().flat_map(|ticket| ticket.audits.iter().map(move |audit| (ticket, audit)));
        let found = all.find(|(_, audit)| audit.id == id);
        found.map_or(Value::Null, |(ticket, audit)| comments::audit_shown(state, ticket, audit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_looks_like_zendesks() {
        let cursor = BASE64_STANDARD.encode("1707271741.0||4045|");
        assert_eq!(read_cursor(&cursor), Some((1_707_271_741, 4045)));
        assert_eq!(read_cursor("bm9uZQ=="), None);
    }
}
