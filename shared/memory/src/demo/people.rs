//! Users, organisations and groups: what a path asks of them beside the record itself.

use serde_json::{Map, Value, json};
use zendesk::Method;

use super::{
    call::Call,
    records::{self, Kind},
    reply::{Handled, Reply},
    state::{State, number},
    tickets,
};

/// The answer to a request under `/users`.
pub(super) fn users(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    match (call.method, words) {
        (Method::Get, ["me"]) => Ok(me(state, call)),
        (Method::Get, ["search"]) => {
            let text =
                call.query("query").unwrap_or_default().trim_start_matches("email:").trim_matches('"').to_lowercase();
            let holds = |user: &Map<String, Value>, key: &str| {
                user.get(key).and_then(Value::as_str).is_some_and(|value| value.to_lowercase().contains(&text))
            };
            let external = call.query("external_id");
            let found: Vec<u64> = state
                .all(Kind::User)
                .filter(|(_, user)| match external {
                    Some(id) => user.get("external_id").and_then(Value::as_str) == Some(id),
                    None => holds(user, "email") || holds(user, "name"),
                })
                .map(|(id, _)| id)
                .collect();
            records::list(state, call, Kind::User, |id| found.contains(&id))
        }
        (Method::Get, []) if call.query("role").or_else(|| call.query("role[]")).is_some() => {
            let role = call.query("role").or_else(|| call.query("role[]"));
            records::list(state, call, Kind::User, |id| state.role(id) == role)
        }
        (Method::Get, [id, "tickets", "requested"]) => {
            let id = known(state, Kind::User, id)?;
            tickets::list(state, call, |ticket| ticket.values.requester == id)
        }
        (Method::Get, [id, "tickets", "assigned"]) => {
            let id = known(state, Kind::User, id)?;
            tickets::list(state, call, |ticket| ticket.values.assignee == Some(id))
        }
        (Method::Get, [id, "group_memberships"]) => {
            let id = known(state, Kind::User, id)?;
            of(state, call, Kind::GroupMembership, "user_id", id)
        }
        (Method::Get, [id, "groups"]) => {
            let id = known(state, Kind::User, id)?;
            records::list(state, call, Kind::Group, |group| state.is_member(id, group))
        }
        _ => records::answer(state, call, &[&["users"], words].concat()),
    }
}

/// The caller. A stranger is no error here.
fn me(state: &State, call: &Call<'_>) -> Reply {
    let user = call.caller.user.map(|id| records::shown(state, Kind::User, id)).unwrap_or_else(|| {
        json!({
            "id": null, "url": format!("{}/api/v2/users/.json", state.setup.base), "name": "Anonymous user",
            "email": "invalid@example.com", "role": "end-user", "active": false, "verified": false, "suspended": false,
        })
    });
    Reply::ok(json!({ "user": user }))
}

/// The answer to a request under `/organizations`.
pub(super) fn organizations(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    match (call.method, words) {
        (Method::Get, ["search"]) => {
            let same = |record: &Map<String, Value>, key: &str| {
                let (held, wanted) = (record.get(key).and_then(Value::as_str), call.query(key));
                held.zip(wanted).is_some_and(|(held, wanted)| held.eq_ignore_ascii_case(wanted))
            };
            let found: Vec<u64> = state
                .all(Kind::Organization)
                .filter(|(_, record)| same(record, "external_id") || same(record, "name"))
                .map(|(id, _)| id)
                .collect();
            records::list(state, call, Kind::Organization, |id| found.contains(&id))
        }
        (Method::Get, [id, "tickets"]) => {
            let id = known(state, Kind::Organization, id)?;
            tickets::list(state, call, |ticket| ticket.values.organization == Some(id))
        }
        (Method::Get, [id, "users"]) => {
            let id = known(state, Kind::Organization, id)?;
            of(state, call, Kind::User, "organization_id", id)
        }
        _ => records::answer(state, call, &[&["organizations"], words].concat()),
    }
}

/// The answer to a request under `/groups`. A deleted one is shown by its number only.
pub(super) fn groups(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    let lives = |state: &State, id: u64| {
        state.record(Kind::Group, id).is_some_and(|group| group.get("deleted") != Some(&json!(true)))
    };
    match (call.method, words) {
        (Method::Get, [] | ["assignable"]) => records::list(state, call, Kind::Group, |id| lives(state, id)),
        (Method::Get, [id, "memberships"]) => {
            let id = known(state, Kind::Group, id)?;
            of(state, call, Kind::GroupMembership, "group_id", id)
        }
        (Method::Get, [id, "users"]) => {
            let id = known(state, Kind::Group, id)?;
            records::list(state, call, Kind::User, |user| state.is_member(user, id))
        }
        _ => records::answer(state, call, &[&["groups"], words].concat()),
    }
}

fn known(state: &State, kind: Kind, text: &str) -> Result<u64, Reply> {
    let id = text.parse().map_err(|_| Reply::no_endpoint())?;
    if state.record(kind, id).is_some() { Ok(id) } else { Err(Reply::not_found()) }
}

/// Those of a kind that refer to a record.
fn of(state: &State, call: &Call<'_>, kind: Kind, key: &str, id: u64) -> Handled {
    let refers = |row: u64| state.record(kind, row).and_then(|record| number(record, key)) == Some(id);
    records::list(state, call, kind, refers)
}
