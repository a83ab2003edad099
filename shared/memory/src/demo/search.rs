//! Search over tickets, users and organisations, as far as its language is used here.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    call::Call,
    page,
    records::{self, Kind},
    reply::{Handled, Reply},
    state::State,
    tickets::{self, Ticket},
};

/// What can be had by pages; an export goes on.
const MOST: usize = 1_000;
const STATUSES: [&str; 6] = ["new", "open", "pending", "hold", "solved", "closed"];

/// The answer to a request under `/search`.
pub(super) fn answer(state: &State, call: &Call<'_>, words: &[&str]) -> Handled {
    let query = call.query("query").ok_or_else(|| Reply::missing_key("query"))?;
    let terms = terms(query);
    let wanted = call.query("filter[type]").map(str::to_owned);
    let kind = wanted.or_else(|| terms.iter().find(|term| term.key == "type").map(|term| term.value.clone()));
    let rows = found(state, kind.as_deref(), &terms);
    let render = |id: u64| shown(state, kind.as_deref(), id);
    match words {
        ["count"] => Ok(Reply::ok(json!({ "count": rows.len() }))),
        ["export"] => {
            let Some(_) = call.query("filter[type]") else {
                return Err(Reply::listed(400, "InvalidFilter", "Invalid filter", "filter[type] is required"));
            };
            let mut answer = page::paged(state, call, "results", &rows, render)?;
            answer.insert("facets".into(), Value::Null);
            // An export has cursors, whether they are asked for or not.
            answer.entry("meta").or_insert(json!({ "has_more": false, "after_cursor": null, "before_cursor": null }));
            answer.entry("links").or_insert(json!({ "prev": null, "next": null }));
            for key in ["count", "next_page", "previous_page"] {
                answer.remove(key);
            }
            Ok(Reply::ok(Value::Object(answer)))
        }
        [] => {
            let page = call.number("page").unwrap_or(1).saturating_sub(1);
            let size = call.number("per_page").unwrap_or(100);
            if page.saturating_mul(size) >= MOST as u64 {
                return Err(Reply::refused(422, "InvalidSearch", "Requested response size was greater than 1000"));
            }
            let mut answer = page::paged(state, call, "results", &rows, render)?;
            answer.insert("facets".into(), Value::Null);
            Ok(Reply::ok(Value::Object(answer)))
        }
        _ => Err(Reply::no_endpoint()),
    }
}

struct Term {
    key: String,
    operator: char,
    value: String,
}

/// `key:value`, `key<value`, `key>value` and bare words, which have no key.
fn terms(query: &str) -> Vec<Term> {
    let read = |word: &str| {
        let found = word.char_indices().find(|(_, letter)| matches!(letter, ':' | '<' | '>'));
        let Some((place, operator)) = found else {
            return Term { key: String::new(), operator: ':', value: word.to_lowercase() };
        };
        let (key, value) = word.split_at(place);
        let value = value.trim_start_matches([':', '<', '>', '=']).trim_matches('"');
        Term { key: key.to_owned(), operator, value: value.to_lowercase() }
    };
    query.split_whitespace().filter(|word| *word != "*").map(read).collect()
}

fn found(state: &State, kind: Option<&str>, terms: &[Term]) -> Vec<page::Key> {
    let mut rows: Vec<page::Key> = match kind {
        Some("user") => records(state, Kind::User, terms),
        Some("organization") => records(state, Kind::Organization, terms),
        Some("group") => records(state, Kind::Group, terms),
        _ => state
            .tickets
            .values()
            .filter(|ticket| !ticket.deleted && terms.iter().all(|term| fits(state, ticket, term)))
            .map(|ticket| (ticket.created_at.as_second(), ticket.id))
            .collect(),
    };
    rows.sort_unstable();
    let up = terms.iter().any(|term| term.key == "sort" && term.value == "asc");
    if !up {
        rows.reverse();
    }
    rows
}

fn records(state: &State, kind: Kind, terms: &[Term]) -> Vec<page::Key> {
    let fits = |record: &serde_json::Map<String, Value>, term: &Term| {
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        match term.key.as_str() {
            "type" | "sort" | "order_by" => true,
            "" => text("name").contains(&term.value) || text("email").contains(&term.value),
            key => text(key) == term.value,
        }
    };
    state.all(kind).filter(|(_, record)| terms.iter().all(|term| fits(record, term))).map(|(id, _)| (0, id)).collect()
}

fn fits(state: &State, ticket: &Ticket, term: &Term) -> bool {
    let values = &ticket.values;
    let same = |held: Option<&String>| held.map_or("none", String::as_str) == term.value;
    let user = |held: Option<u64>| match term.value.parse::<u64>() {
        Ok(id) => held == Some(id),
        Err(_) => held.is_some_and(|held| {
            let email = state.record(Kind::User, held).and_then(|user| user.get("email")?.as_str());
            email.is_some_and(|email| email.eq_ignore_ascii_case(&term.value)) || (term.value == "none")
        }),
    };
    match term.key.as_str() {
        "type" | "sort" | "order_by" => true,
        "" => {
            let texts = ticket.comments.iter().map(|comment| &comment.plain_body).chain([&values.subject]);
            let mut texts = texts.map(|text| text.to_lowercase());
            texts.any(|text| text.contains(&term.value))
        }
        "status" => {
            let place = |status: &str| STATUSES.iter().position(|known| *known == status);
            match term.operator {
                '<' => place(&values.status) < place(&term.value),
                '>' => place(&values.status) > place(&term.value),
                _ => values.status == term.value,
            }
        }
        "priority" => same(values.priority.as_ref()),
        "ticket_type" => same(values.kind.as_ref()),
        "external_id" => same(values.external_id.as_ref()),
        "subject" => values.subject.to_lowercase().contains(&term.value),
        "tags" => values.tags.contains(&term.value),
        "organization" | "organization_id" => term.value.parse().ok() == values.organization,
        "group" | "group_id" => term.value.parse().ok() == values.group,
        "requester" | "requester_id" => user(Some(values.requester)),
        "assignee" | "assignee_id" => user(values.assignee),
        "created" => compared(ticket.created_at, term),
        "updated" => compared(ticket.updated_at, term),
        _ => false,
    }
}

fn compared(at: Timestamp, term: &Term) -> bool {
    let text = term.value.to_uppercase();
    let day = || format!("{text}T00:00:00Z").parse().ok();
    let Some(then) = text.parse::<Timestamp>().ok().or_else(day) else { return false };
    let date = |at| TimeZone::UTC.to_datetime(at).date();
    match term.operator {
        '<' => at < then,
        '>' => at > then,
        _ => date(at) == date(then),
    }
}

fn shown(state: &State, kind: Option<&str>, id: u64) -> Value {
    let (word, mut shown) = match kind {
        Some("user") => ("user", records::shown(state, Kind::User, id)),
        Some("organization") => ("organization", records::shown(state, Kind::Organization, id)),
        Some("group") => ("group", records::shown(state, Kind::Group, id)),
        _ => ("ticket", state.tickets.get(&id).map_or(Value::Null, |ticket| tickets::shown(state, ticket))),
    };
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("result_type".into(), json!(word));
    }
    shown
}
