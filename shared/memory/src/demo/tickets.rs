//! Tickets: what is kept of one, how it is shown, listed and deleted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zendesk::{Method, Request};

use super::{
    call::Call,
    comments, events, fields, page,
    records::{self, Kind},
    reply::{Handled, Reply},
    state::{State, whole},
    write,
};

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) channel: String,
    pub(super) submitter: u64,
    pub(super) created_at: Timestamp,
    /// Whole seconds, and later with every change: two changes in one second would look alike otherwise.
    pub(super) updated_at: Timestamp,
    /// Unix seconds of the last change of any kind.
    pub(super) generated: i64,
    pub(super) values: Values,
    pub(super) comments: Vec<Comment>,
    pub(super) audits: Vec<Audit>,
    pub(super) deleted: bool,
    /// Ids given out within this ticket.
    ids: u64,
    /// The bot's updates that were carried out.
    pub(super) calls: Vec<Request>,
}

/// What a write may change.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Values {
    pub(super) subject: String,
    pub(super) kind: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) status: String,
    pub(super) custom_status: Option<u64>,
    pub(super) requester: u64,
    pub(super) assignee: Option<u64>,
    pub(super) organization: Option<u64>,
    pub(super) group: Option<u64>,
    pub(super) tags: Vec<String>,
    pub(super) custom: BTreeMap<u64, Value>,
    pub(super) external_id: Option<String>,
    pub(super) problem: Option<u64>,
    pub(super) form: u64,
    pub(super) brand: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) audit: u64,
    pub(super) kind: String,
    pub(super) author: u64,
    pub(super) html_body: String,
    pub(super) plain_body: String,
    pub(super) public: bool,
    pub(super) channel: String,
    pub(super) created_at: Timestamp,
    /// What voice comments have.
    pub(super) data: Option<Value>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Audit {
    pub(super) id: u64,
    pub(super) author: u64,
    pub(super) at: Timestamp,
    pub(super) channel: String,
    pub(super) custom: Value,
    /// A trigger's work has no address.
    pub(super) by_system: bool,
    pub(super) events: Vec<Value>,
}

impl Values {
    /// Field by field under the names audits use.
    pub(super) fn flat(&self) -> BTreeMap<String, Value> {
        let id = |id: Option<u64>| json!(id.map(|id| id.to_string()));
        let mut flat: BTreeMap<String, Value> = [
            ("subject", json!(self.subject)),
            ("type", json!(self.kind)),
            ("priority", json!(self.priority)),
            ("status", json!(self.status)),
            ("requester_id", id(Some(self.requester))),
            ("assignee_id", id(self.assignee)),
            ("organization_id", id(self.organization)),
            ("group_id", id(self.group)),
            ("tags", json!(self.tags)),
            ("external_id", json!(self.external_id)),
            ("problem_id", id(self.problem)),
            ("ticket_form_id", id(Some(self.form))),
            ("brand_id", id(Some(self.brand))),
            ("custom_status_id", id(self.custom_status)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        flat.extend(self.custom.iter().map(|(id, value)| (id.to_string(), value.clone())));
        flat
    }
}

impl Ticket {
    pub(super) fn new(id: u64, channel: String, submitter: u64, at: Timestamp, values: Values) -> Self {
        let at = whole(at);
        Self {
            id,
            channel,
            submitter,
            created_at: at,
            updated_at: at,
            generated: at.as_second(),
            values,
            comments: Vec::new(),
            audits: Vec::new(),
            deleted: false,
            ids: 0,
            calls: Vec::new(),
        }
    }

    /// An id for a comment, an audit or an event. They are counted by ticket, so that tickets worked on at the same time
    /// get the same ids in every run.
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        10_000_000_000_000 + (self.id % 10_000_000) * 100_000 + self.ids
    }

    pub(super) fn touch(&mut self, now: Timestamp) {
        let next = domain::time::later(self.updated_at, jiff::SignedDuration::from_secs(1));
        self.updated_at = whole(now).max(next);
        self.generated = self.updated_at.as_second();
    }

    pub(super) fn is_public(&self) -> bool {
        self.comments.iter().any(|comment| comment.public)
    }

    pub(super) fn forget_field(&mut self, id: u64) {
        self.values.custom.remove(&id);
    }
}

/// The answer to a request under `/tickets`.
pub(super) fn answer(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    match (call.method, words) {
        (Method::Get, []) => list(state, call, |_| true),
        (Method::Post, []) => write::create(state, call),
        (Method::Get, ["count"]) => {
            let count = state.tickets.values().filter(|ticket| !ticket.deleted).count();
            Ok(Reply::ok(json!({ "count": { "value": count, "refreshed_at": state.time() } })))
        }
        (Method::Get, ["show_many"]) => {
            let ids: Vec<u64> = call.words("ids").iter().filter_map(|id| id.parse().ok()).collect();
            if ids.len() > 100 {
                Err(records::too_many())
            } else {
                list(state, call, |ticket| ids.contains(&ticket.id))
            }
        }
        (Method::Put, ["update_many"]) => write::update_many(state, call),
        (Method::Post, ["create_many"]) => write::create_many(state, call),
        (method, [id, rest @ ..]) => {
            let id = id.parse().map_err(|_| Reply::no_endpoint())?;
            if state.tickets.get(&id).is_none_or(|ticket| ticket.deleted) {
                return Err(Reply::not_found());
            }
            one(state, call, id, method, rest)
        }
        _ => Err(Reply::no_endpoint()),
    }
}

fn one(state: &mut State, call: &Call<'_>, id: u64, method: Method, rest: &[&str]) -> Handled {
    match (method, rest) {
        (Method::Get, []) => {
            let mut answer = Map::from_iter([("ticket".to_owned(), shown_by(state, id))]);
            side_load(state, call, &[id], &mut answer);
            Ok(Reply::ok(Value::Object(answer)))
        }
        (Method::Put, []) => write::update(state, call, id),
        (Method::Delete, []) => {
            if let Some(ticket) = state.tickets.get_mut(&id) {
                ticket.deleted = true;
                ticket.values.status = "deleted".to_owned();
                ticket.touch(state.now);
            }
            events::deleted(state, id, call.caller.user.unwrap_or_default(), "soft_deleted");
            Ok(Reply::no_content())
        }
        (_, ["tags"]) => write::tags(state, call, id),
        (_, ["comments", rest @ ..]) => comments::answer(state, call, id, rest),
        (Method::Get, ["audits", rest @ ..]) => comments::audits(state, call, id, rest),
        (Method::Get, ["metrics"]) => Ok(Reply::ok(json!({ "ticket_metric": metrics(state, id) }))),
        _ => Err(Reply::no_endpoint()),
    }
}

/// The tickets that are wanted, in the order that `sort` or `sort_by` asks for.
pub(super) fn list(state: &State, call: &Call<'_>, wanted: impl Fn(&Ticket) -> bool) -> Handled {
    let sort = call.query("sort").or_else(|| call.query("sort_by")).unwrap_or("id");
    let descending = sort.starts_with('-') || call.query("sort_order") == Some("desc");
    let key = |ticket: &Ticket| match sort.trim_start_matches('-') {
        "updated_at" => ticket.updated_at.as_second(),
        "created_at" => ticket.created_at.as_second(),
        _ => 0,
    };
    let mut rows: Vec<page::Key> = state
        .tickets
        .values()
        .filter(|ticket| !ticket.deleted && wanted(ticket))
        .map(|ticket| (key(ticket), ticket.id))
        .collect();
    rows.sort_unstable();
    if descending {
        rows.reverse();
    }
    let mut answer = page::paged(state, call, "tickets", &rows, |id| shown_by(state, id))?;
    let ids: Vec<u64> = answer
        .get("tickets")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |tickets| tickets.iter().filter_map(|ticket| ticket.get("id")?.as_u64()).collect());
    side_load(state, call, &ids, &mut answer);
    Ok(Reply::ok(Value::Object(answer)))
}

/// What `include` asks for beside some tickets.
pub(super) fn side_load(state: &State, call: &Call<'_>, tickets: &[u64], answer: &mut Map<String, Value>) {
    let tickets: Vec<&Ticket> = tickets.iter().filter_map(|id| state.tickets.get(id)).collect();
    for word in call.words("include") {
        let (kind, mut ids): (Kind, Vec<u64>) = match word {
            "users" => (
                Kind::User,
                tickets
                    .iter()
                    .flat_map(|ticket| [Some(ticket.values.requester), Some(ticket.submitter), ticket.values.assignee])
                    .flatten()
                    .collect(),
            ),
            "organizations" => {
                (Kind::Organization, tickets.iter().filter_map(|ticket| ticket.values.organization).collect())
            }
            "groups" => (Kind::Group, tickets.iter().filter_map(|ticket| ticket.values.group).collect()),
            "metric_sets" => {
                let sets: Vec<Value> = tickets.iter().map(|ticket| metrics(state, ticket.id)).collect();
                answer.insert("metric_sets".into(), json!(sets));
                continue;
            }
            _ => continue,
        };
        ids.sort_unstable();
        ids.dedup();
        let found: Vec<Value> =
            ids.into_iter().map(|id| records::shown(state, kind, id)).filter(|found| !found.is_null()).collect();
        answer.insert(kind.names().many.to_owned(), Value::Array(found));
    }
}

fn shown_by(state: &State, id: u64) -> Value {
    state.tickets.get(&id).map_or(Value::Null, |ticket| shown(state, ticket))
}

/// A ticket as answers have it.
pub(super) fn shown(state: &State, ticket: &Ticket) -> Value {
    let Values { subject, kind, priority, status, tags, .. } = &ticket.values;
    let values = &ticket.values;
    let fields: Vec<Value> = fields::custom(state)
        .map(|field| json!({ "id": field.id, "value": values.custom.get(&field.id).unwrap_or(&Value::Null) }))
        .collect();
    let description = ticket.comments.first().map(|comment| comment.plain_body.as_str());
    json!({
        "url": format!("{}/api/v2/tickets/{}.json", state.setup.base, ticket.id),
        "id": ticket.id,
        "external_id": values.external_id,
        "via": via(&ticket.channel),
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "generated_timestamp": ticket.generated,
        "type": kind,
        "subject": subject,
        "raw_subject": subject,
        "description": description.unwrap_or_default(),
        "priority": priority,
        "status": status,
        "recipient": null,
        "requester_id": values.requester,
        "submitter_id": ticket.submitter,
        "assignee_id": values.assignee,
        "organization_id": values.organization,
        "group_id": values.group,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "forum_topic_id": null,
        "problem_id": values.problem,
        "has_incidents": false,
        "is_public": ticket.is_public(),
        "due_at": null,
        "tags": tags,
        "custom_fields": fields,
        "satisfaction_rating": null,
        "sharing_agreement_ids": [],
        "custom_status_id": values.custom_status.or_else(|| custom_status(state, status)),
        "fields": fields,
        "followup_ids": [],
        "ticket_form_id": values.form,
        "brand_id": values.brand,
        "allow_channelback": false,
        "allow_attachments": true,
        "from_messaging_channel": ticket.channel == "native_messaging",
    })
}

fn custom_status(state: &State, status: &str) -> Option<u64> {
    let of_it = |record: &Map<String, Value>| record.get("status_category").and_then(Value::as_str) == Some(status);
    state.all(Kind::CustomStatus).find(|(_, record)| of_it(record)).map(|(id, _)| id)
}

pub(super) fn via(channel: &str) -> Value {
    json!({ "channel": channel, "source": { "from": {}, "to": {}, "rel": null } })
}

/// What Zendesk counts of a ticket's life, as far as anybody here reads it.
fn metrics(state: &State, id: u64) -> Value {
    let Some(ticket) = state.tickets.get(&id) else { return Value::Null };
    let newest = |staff: bool| {
        ticket.comments.iter().rev().find(|comment| comment.public && state.is_staff(comment.author) == staff)
    };
    let replies = ticket.comments.iter().filter(|comment| comment.public && state.is_staff(comment.author)).count();
    json!({
        "url": format!("{}/api/v2/ticket_metrics/{}.json", state.setup.base, id),
        "id": 20_000_000_000_000 + id,
        "ticket_id": id,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "group_stations": u8::from(ticket.values.group.is_some()),
        "assignee_stations": u8::from(ticket.values.assignee.is_some()),
        "reopens": 0,
        "replies": replies,
        "requester_updated_at": newest(false).map(|comment| comment.created_at),
        "assignee_updated_at": newest(true).map(|comment| comment.created_at),
        "status_updated_at": ticket.updated_at,
        "latest_comment_added_at": ticket.comments.last().map(|comment| comment.created_at),
        "solved_at": null,
    })
}
