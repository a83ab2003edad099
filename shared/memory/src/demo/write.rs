//! What a ticket takes: the rules a write is checked against, all of it or none, and what follows from it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    comments::{self, Draft},
    events, fields, furniture,
    records::{self, Kind, WARNING},
    reply::{Handled, Reply},
    state::{State, id},
    texts::{Text, capitalised},
    tickets::{Audit, Comment, Ticket, Values, shown},
};

const MOST_COMMENTS: usize = 5_000;
const LARGEST_BATCH: usize = 100;

/// Keys a write of one ticket may have. Others are left out, and a header says so.
const WRITABLE: [&str; 34] = [
    "subject",
    "raw_subject",
    "comment",
    "description",
    "type",
    "priority",
    "status",
    "custom_status_id",
    "requester_id",
    "requester",
    "submitter_id",
    "assignee_id",
    "assignee_email",
    "group_id",
    "organization_id",
    "tags",
    "custom_fields",
    "fields",
    "external_id",
    "problem_id",
    "due_at",
    "ticket_form_id",
    "brand_id",
    "collaborator_ids",
    "additional_collaborators",
    "follower_ids",
    "followers",
    "email_ccs",
    "metadata",
    "safe_update",
    "updated_stamp",
    "via",
    "via_followup_source_id",
    "sharing_agreement_ids",
];

/// Who changes a ticket, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    pub(super) author: u64,
    /// Zendesk's `via.channel`.
    pub(super) channel: &'static str,
}

impl Origin {
    pub(super) fn is_rule(self) -> bool {
        self.channel == "rule"
    }
}

/// A write that was carried out.
pub(super) struct Written {
    pub(super) ticket: u64,
    pub(super) audit: Audit,
    warning: Option<String>,
}

struct Staged {
    values: Values,
    comment: Option<Draft>,
    custom: Value,
    foreign: Vec<String>,
}

/// `PUT /tickets/{id}`
pub(super) fn update(state: &mut State, call: &Call<'_>, id: u64) -> Handled {
    let sent = call.object("ticket")?;
    let origin = Origin { author: call.caller.user.unwrap_or_default(), channel: "api" };
    let written = change(state, id, sent, origin)?;
    if origin.author == state.setup.bot
        && let Some(ticket) = state.tickets.get_mut(&id)
    {
        ticket.calls.push(zendesk::Request { authorization: None, ..call.request.clone() });
    }
    Ok(answered(state, written, 200))
}

/// `POST /tickets`
pub(super) fn create(state: &mut State, call: &Call<'_>) -> Handled {
    let origin = Origin { author: call.caller.user.unwrap_or_default(), channel: "api" };
    let written = open(state, call.object("ticket")?, origin)?;
    Ok(answered(state, written, 201))
}

fn answered(state: &State, written: Written, status: u16) -> Reply {
    let Some(ticket) = state.tickets.get(&written.ticket) else { return Reply::not_found() };
    let mut shown = shown(state, ticket);
    if let Some(shown) = shown.as_object_mut() {
        // The search index has not seen it yet.
        shown.insert("generated_timestamp".into(), json!(0));
    }
    let body = json!({ "ticket": shown, "audit": comments::audit_shown(state, ticket, &written.audit) });
    let url = format!("{}/api/v2/tickets/{}.json", state.setup.base, ticket.id);
    let reply = if status == 201 { Reply::created(body, &url) } else { Reply::ok(body) };
    written.warning.into_iter().fold(reply, |reply, text| reply.with_header(WARNING, text))
}

/// Opens a ticket under the next number.
pub(super) fn open(state: &mut State, sent: &Map<String, Value>, origin: Origin) -> Result<Written, Reply> {
    let number = state.tickets.last_key_value().map_or(1, |(id, _)| id + 1);
    open_as(state, number, sent, origin, state.now)
}

/// Opens a ticket under a number that is free, at a time.
pub(super) fn open_as(
    state: &mut State,
    number: u64,
    sent: &Map<String, Value>,
    origin: Origin,
    at: jiff::Timestamp,
) -> Result<Written, Reply> {
    let requester = requester(state, sent).unwrap_or(origin.author);
    let organization = state.record(Kind::User, requester).and_then(|user| user.get("organization_id")).and_then(id);
    let before = Values {
        status: "new".to_owned(),
        requester,
        organization,
        form: state.places.form,
        brand: state.places.brand,
        ..Values::default()
    };
    let channel = sent.get("via").and_then(|via| via.get("channel")).and_then(Value::as_str).unwrap_or(origin.channel);
    let submitter = sent.get("submitter_id").and_then(id).unwrap_or(origin.author);
    let ticket = Ticket::new(number, channel.to_owned(), submitter, at, before);
    let mut sent = sent.clone();
    if let Some(description) = sent.remove("description") {
        sent.entry("comment").or_insert(json!({ "body": description }));
    }
    let staged = stage(state, &ticket, &sent, origin)?;
    if staged.comment.is_none() {
        let detail = json!([{
            "description": format!("Description: {}", state.setup.locale.say(Text::Blank)),
            "error": "BlankValue",
            "ticket_field_type": "FieldDescription",
        }]);
        let description = state.setup.locale.say(Text::Validation);
        return Err(Reply::invalid(description, Map::from_iter([("base".to_owned(), detail)])));
    }
    state.tickets.insert(number, ticket);
    Ok(carry_out(state, number, staged, origin, true))
}

/// The requester that is named: by number, or by an address that may be new.
fn requester(state: &mut State, sent: &Map<String, Value>) -> Option<u64> {
    if let Some(requester) = sent.get("requester_id").and_then(id) {
        return Some(requester);
    }
    let given = sent.get("requester")?.as_object()?;
    let email = given.get("email")?.as_str()?;
    let known = state.all(Kind::User).find(|(_, user)| user.get("email").and_then(Value::as_str) == Some(email));
    if let Some((id, _)) = known {
        return Some(id);
    }
    let name = given.get("name").cloned().unwrap_or_else(|| json!(email));
    let id = state.next_id();
    let user = Map::from_iter([("name".to_owned(), name), ("email".to_owned(), json!(email))]);
    let user = records::filled(state, Kind::User, id, user);
    state.put(Kind::User, id, user);
    Some(id)
}

/// Changes a ticket that exists, or refuses all of it.
pub(super) fn change(state: &mut State, id: u64, sent: &Map<String, Value>, origin: Origin) -> Result<Written, Reply> {
    if state.setup.obliging {
        furniture::oblige(state, sent);
    }
    let ticket = state.tickets.get(&id).filter(|ticket| !ticket.deleted).ok_or_else(Reply::not_found)?;
    let locale = state.setup.locale;
    if ticket.values.status == "closed" {
        let detail = json!([{ "description": locale.say(Text::Closed) }]);
        return Err(Reply::invalid(locale.say(Text::Validation), Map::from_iter([("status".to_owned(), detail)])));
    }
    if is_stale(ticket, sent) {
        return Err(stale());
    }
    let staged = stage(state, ticket, sent, origin)?;
    Ok(carry_out(state, id, staged, origin, false))
}

/// Somebody changed the ticket since the writer read it, and he asked to be told.
fn is_stale(ticket: &Ticket, sent: &Map<String, Value>) -> bool {
    let stamp = sent.get("updated_stamp").and_then(Value::as_str).and_then(|stamp| stamp.parse().ok());
    sent.get("safe_update") == Some(&json!(true))
        && stamp.is_some_and(|stamp: jiff::Timestamp| stamp != ticket.updated_at)
}

fn stale() -> Reply {
    let text = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data.";
    Reply::refused(409, "UpdateConflict", text)
}

/// The findings of a check, by field.
#[derive(Default)]
struct Details(BTreeMap<String, Vec<Value>>);

impl Details {
    fn add(&mut self, key: &str, detail: Value) {
        self.0.entry(key.to_owned()).or_default().push(detail);
    }

    fn is_invalid(&mut self, state: &State, key: &str) {
        let text = format!("{}: {}", capitalised(key), state.setup.locale.say(Text::Invalid));
        self.add(key, json!({ "description": text, "error": "InvalidValue" }));
    }
}

/// What the ticket would be, if the write is one it takes.
fn stage(state: &State, ticket: &Ticket, sent: &Map<String, Value>, origin: Origin) -> Result<Staged, Reply> {
    let mut values = ticket.values.clone();
    let mut details = Details::default();
    plain_values(state, &mut values, sent, &mut details);
    people(state, &mut values, sent, &mut details);
    if let Some(tags) = sent.get("tags") {
        values.tags = tags_of(tags);
        fields_follow_tags(state, &mut values, &ticket.values);
    }
    custom_fields(state, &mut values, sent, &mut details);
    let comment = sent.get("comment").filter(|comment| !comment.is_null());
    let comment = comment.and_then(|comment| comments::draft(state, ticket, comment, origin));
    if let Some(comment) = &comment {
        if ticket.comments.len() >= MOST_COMMENTS {
            let text = format!("Ticket: {}", state.setup.locale.say(Text::Full));
            details.add("base", json!({ "description": text, "error": "TooManyComments" }));
        }
        let waits = matches!(values.status.as_str(), "pending" | "hold" | "solved");
        if waits && sent.get("status").is_none() && !state.is_staff(comment.author) {
            values.status = "open".to_owned();
        }
    }
    solved_by_somebody(state, &mut values, &ticket.values, &mut details);
    if !details.0.is_empty() {
        let details = details.0.into_iter().map(|(key, found)| (key, Value::Array(found))).collect();
        return Err(Reply::invalid(state.setup.locale.say(Text::Validation), details));
    }
    let foreign = sent.keys().filter(|key| !WRITABLE.contains(&key.as_str())).cloned().collect();
    let custom = sent.get("metadata").filter(|custom| custom.is_object()).cloned().unwrap_or_else(|| json!({}));
    Ok(Staged { values, comment, custom, foreign })
}

fn plain_values(state: &State, values: &mut Values, sent: &Map<String, Value>, details: &mut Details) {
    let text = |key: &str| sent.get(key).and_then(Value::as_str);
    if let Some(subject) = text("subject").or_else(|| text("raw_subject")) {
        values.subject = subject.to_owned();
    }
    match sent.get("priority") {
        None => {}
        Some(Value::Null) if values.priority.is_none() => {}
        Some(Value::Null) => {
            let text = format!("Priority: {}", state.setup.locale.say(Text::NoReset));
            details.add("priority", json!({ "description": text, "error": null }));
        }
        Some(priority) => match priority.as_str() {
            Some(word @ ("low" | "normal" | "high" | "urgent")) => values.priority = Some(word.to_owned()),
            _ => details.is_invalid(state, "priority"),
        },
    }
    match sent.get("type") {
        None => {}
        Some(Value::Null) => values.kind = None,
        Some(kind) => match kind.as_str() {
            Some("") => values.kind = None,
            Some(word @ ("problem" | "incident" | "question" | "task")) => values.kind = Some(word.to_owned()),
            _ => details.is_invalid(state, "type"),
        },
    }
    match sent.get("status").map(Value::as_str) {
        None => {}
        Some(Some(word @ ("new" | "open" | "pending" | "hold" | "solved" | "closed"))) => {
            values.status = word.to_owned();
            values.custom_status = None;
        }
        Some(_) => details.is_invalid(state, "status"),
    }
    if let Some(status) = sent.get("custom_status_id").and_then(id) {
        let category =
            state.record(Kind::CustomStatus, status).and_then(|record| record.get("status_category")?.as_str());
        match category {
            Some(category) => {
                values.status = category.to_owned();
                values.custom_status = Some(status);
            }
            None => details.is_invalid(state, "custom_status_id"),
        }
    }
    if let Some(external) = sent.get("external_id") {
        values.external_id = external.as_str().map(str::to_owned);
    }
    if let Some(problem) = sent.get("problem_id") {
        values.problem = id(problem);
    }
    values.form = sent.get("ticket_form_id").and_then(id).unwrap_or(values.form);
    values.brand = sent.get("brand_id").and_then(id).unwrap_or(values.brand);
}

/// Requester, organisation, group and assignee. An assignee brings a group of his; a group without him sends him away.
fn people(state: &State, values: &mut Values, sent: &Map<String, Value>, details: &mut Details) {
    if let Some(requester) = sent.get("requester_id").and_then(id) {
        match state.record(Kind::User, requester) {
            Some(_) => values.requester = requester,
            None => details.is_invalid(state, "requester"),
        }
    }
    match sent.get("organization_id") {
        None => {}
        Some(Value::Null) => values.organization = None,
        Some(organization) => match id(organization).filter(|id| state.record(Kind::Organization, *id).is_some()) {
            Some(organization) => values.organization = Some(organization),
            None => details.is_invalid(state, "organization"),
        },
    }
    let group = match sent.get("group_id") {
        None => None,
        Some(Value::Null) => {
            values.group = None;
            values.assignee = None;
            None
        }
        Some(group) => {
            let lives = |id: &u64| {
                state.record(Kind::Group, *id).is_some_and(|group| group.get("deleted") != Some(&json!(true)))
            };
            let found = id(group).filter(lives);
            if found.is_none() {
                details.is_invalid(state, "group");
            }
            found
        }
    };
    if let Some(group) = group {
        values.group = Some(group);
        values.assignee = values.assignee.filter(|assignee| state.is_member(*assignee, group));
    }
    match sent.get("assignee_id") {
        None => {}
        Some(Value::Null) => values.assignee = None,
        Some(assignee) => match id(assignee).filter(|assignee| state.is_staff(*assignee)) {
            None => details.is_invalid(state, "assignee"),
            Some(assignee) => assign(state, values, assignee, group, details),
        },
    }
    if values.assignee.is_some() && values.status == "new" {
        values.status = "open".to_owned();
    }
}

fn assign(state: &State, values: &mut Values, assignee: u64, group: Option<u64>, details: &mut Details) {
    if group.is_some_and(|group| !state.is_member(assignee, group)) {
        let text = format!("Assignee: {}", state.setup.locale.say(Text::NotMember));
        details.add("assignee", json!({ "description": text }));
        return;
    }
    values.assignee = Some(assignee);
    if !values.group.is_some_and(|group| state.is_member(assignee, group)) {
        let user = state.record(Kind::User, assignee);
        values.group = user.and_then(|user| user.get("default_group_id")).and_then(id);
    }
}

/// A ticket is solved by its assignee.
fn solved_by_somebody(state: &State, values: &mut Values, before: &Values, details: &mut Details) {
    if values.status == "solved" && before.status != "solved" && values.assignee.is_none() {
        let text = format!("Assignee: {}", state.setup.locale.say(Text::Required));
        let field = fields::system(state, "assignee");
        details.add(
            "base",
            json!({
                "description": text, "error": null, "ticket_field_id": field, "ticket_field_type": "FieldAssignee",
            }),
        );
    }
}

/// Tags from a list or a text with spaces, in lower case and once each.
pub(super) fn tags_of(value: &Value) -> Vec<String> {
    let words: Vec<&str> = match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).flat_map(str::split_whitespace).collect(),
        Value::String(text) => text.split([' ', ',']).collect(),
        _ => Vec::new(),
    };
    let mut tags = Vec::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if !tags.contains(&word) {
            tags.push(word);
        }
    }
    tags
}

/// An option is a tag: with the tag the field loses its value, and a tag that is an option fills it.
fn fields_follow_tags(state: &State, values: &mut Values, before: &Values) {
    for field in fields::custom(state).filter(fields::Custom::is_tagger) {
        let held = values.custom.get(&field.id).and_then(Value::as_str);
        if held.is_some_and(|held| values.tags.iter().any(|tag| tag == held)) {
            continue;
        }
        let fits = |tag: &&String| fields::options(field.field).any(|option| option == tag.as_str());
        let found = values.tags.iter().filter(fits).find(|tag| !before.tags.contains(tag));
        match found {
            Some(tag) => values.custom.insert(field.id, json!(tag)),
            None => values.custom.remove(&field.id),
        };
    }
}

fn custom_fields(state: &State, values: &mut Values, sent: &Map<String, Value>, details: &mut Details) {
    let given = sent.get("custom_fields").or_else(|| sent.get("fields"));
    let pairs: Vec<(Option<u64>, Value)> = match given {
        Some(Value::Array(all)) => all
            .iter()
            .map(|field| (field.get("id").and_then(id), field.get("value").cloned().unwrap_or_default()))
            .collect(),
        Some(Value::Object(all)) => all.iter().map(|(key, value)| (key.parse().ok(), value.clone())).collect(),
        _ => Vec::new(),
    };
    for (number, value) in pairs {
        // A field that is not there, or not in use, is left out without a word.
        let Some(field) = fields::custom(state).find(|field| Some(field.id) == number) else { continue };
        match field.read(&value) {
            None => details.add("base", field.refusal(state)),
            Some(value) => {
                let old = values.custom.remove(&field.id).unwrap_or_default();
                let gone = field.tags(&old);
                values.tags.retain(|tag| !gone.contains(tag));
                for tag in field.tags(&value) {
                    if !values.tags.contains(&tag) {
                        values.tags.push(tag);
                    }
                }
                if !value.is_null() {
                    values.custom.insert(field.id, value);
                }
            }
        }
    }
}

fn carry_out(state: &mut State, number: u64, staged: Staged, origin: Origin, is_new: bool) -> Written {
    let Staged { values, comment, custom, foreign } = staged;
    let now = state.now;
    let action = if is_new { "create" } else { "update" };
    let warning = records::warning("tickets", action, "ticket", &foreign);
    let Some(ticket) = state.tickets.get_mut(&number) else {
        unreachable!("a write is staged for a ticket that is there");
    };
    let before = if is_new { BTreeMap::new() } else { ticket.values.flat() };
    let after = values.flat();
    let mut audit = Audit {
        id: ticket.next_id(),
        author: comment.as_ref().map_or(origin.author, |comment| comment.author),
        at: now,
        channel: origin.channel.to_owned(),
        custom,
        by_system: origin.is_rule(),
        events: Vec::new(),
    };
    ticket.values = values;
    let differences = differences(&before, &after);
    if !is_new && (comment.is_some() || !differences.is_empty()) {
        ticket.touch(now);
    }
    ticket.generated = ticket.generated.max(now.as_second());
    audit.at = ticket.updated_at;
    let comment = comment.map(|draft| {
        let comment = Comment {
            id: ticket.next_id(),
            audit: audit.id,
            kind: draft.kind,
            author: draft.author,
            html_body: draft.html_body,
            plain_body: draft.plain_body,
            public: draft.public,
            channel: if is_new { ticket.channel.clone() } else { origin.channel.to_owned() },
            created_at: ticket.updated_at,
            data: draft.data,
        };
        ticket.comments.push(comment.clone());
        comment
    });
    for (name, value, previous) in &differences {
        let event = ticket.next_id();
        let mut event = json!({ "id": event, "type": "Create", "field_name": name, "value": value });
        if !is_new && let Some(event) = event.as_object_mut() {
            event.insert("type".into(), json!("Change"));
            event.insert("previous_value".into(), previous.clone());
        }
        audit.events.push(event);
    }
    if let Some(comment) = &comment {
        audit.events.insert(0, comments::audit_event(comment));
    }
    ticket.audits.push(audit.clone());
    events::announce(state, number, origin, &differences, comment.as_ref(), is_new);
    Written { ticket: number, audit, warning }
}

/// A field's name, what it holds now, what it held.
pub(super) type Difference = (String, Value, Value);

fn differences(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<Difference> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let held = |values: &BTreeMap<String, Value>, name: &String| values.get(name).cloned().unwrap_or_default();
    let nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    names
        .into_iter()
        .map(|name| (name.clone(), held(after, name), held(before, name)))
        .filter(|(_, new, old)| new != old && !(nothing(new) && nothing(old)))
        .collect()
}

/// `POST` sets the tags, `PUT` adds, `DELETE` removes. None of them looks at a stamp unless it is asked to.
pub(super) fn tags(state: &mut State, call: &Call<'_>, number: u64) -> Handled {
    let Some(ticket) = state.tickets.get(&number) else { return Err(Reply::not_found()) };
    let held = ticket.values.tags.clone();
    if call.method == zendesk::Method::Get {
        return Ok(Reply::ok(json!({ "tags": held })));
    }
    let sent = call.request.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    if is_stale(ticket, &sent) {
        return Err(stale());
    }
    let named = tags_of(sent.get("tags").unwrap_or(&Value::Null));
    let (status, tags) = match call.method {
        zendesk::Method::Post => (201, named),
        zendesk::Method::Put => {
            let new = named.into_iter().filter(|tag| !held.contains(tag)).collect();
            (200, [held.clone(), new].concat())
        }
        zendesk::Method::Delete => (200, held.into_iter().filter(|tag| !named.contains(tag)).collect()),
        zendesk::Method::Get | zendesk::Method::Patch => return Err(Reply::no_endpoint()),
    };
    let origin = Origin { author: call.caller.user.unwrap_or_default(), channel: "api" };
    change(state, number, &Map::from_iter([("tags".to_owned(), json!(tags))]), origin)?;
    let tags = state.tickets.get(&number).map(|ticket| ticket.values.tags.clone());
    Ok(Reply::json(status, json!({ "tags": tags })))
}

/// `PUT /tickets/update_many`: done at once, told as a job.
pub(super) fn update_many(state: &mut State, call: &Call<'_>) -> Handled {
    let ids: Vec<u64> = call.words("ids").iter().filter_map(|id| id.parse().ok()).collect();
    let writes: Vec<(u64, Map<String, Value>)> = match call.body("tickets").and_then(Value::as_array) {
        Some(all) => {
            all.iter().filter_map(|sent| Some((sent.get("id").and_then(id)?, sent.as_object()?.clone()))).collect()
        }
        None => {
            let sent = call.object("ticket")?;
            ids.into_iter().map(|id| (id, sent.clone())).collect()
        }
    };
    if writes.len() > LARGEST_BATCH {
        return Err(records::too_many());
    }
    let origin = Origin { author: call.caller.user.unwrap_or_default(), channel: "api" };
    let mut results = Vec::new();
    for (number, mut sent) in writes {
        sent.remove("id");
        let held = state.tickets.get(&number).map(|ticket| ticket.values.tags.clone()).unwrap_or_default();
        let more = sent.remove("additional_tags").map(|tags| tags_of(&tags));
        let fewer = sent.remove("remove_tags").map(|tags| tags_of(&tags)).unwrap_or_default();
        if more.is_some() || !fewer.is_empty() {
            let all = held.into_iter().chain(more.unwrap_or_default()).filter(|tag| !fewer.contains(tag));
            sent.insert("tags".into(), json!(all.collect::<Vec<_>>()));
        }
        results.push(match change(state, number, &sent, origin) {
            Ok(_) => json!({ "id": number, "action": "update", "status": "Updated", "success": true }),
            Err(refusal) => failed_job(number, &refusal),
        });
    }
    Ok(job(state, "Bulk Update Ticket", results))
}

/// `POST /tickets/create_many`
pub(super) fn create_many(state: &mut State, call: &Call<'_>) -> Handled {
    let tickets = call.body("tickets").and_then(Value::as_array).ok_or_else(|| Reply::missing_key("tickets"))?;
    if tickets.len() > LARGEST_BATCH {
        return Err(records::too_many());
    }
    let origin = Origin { author: call.caller.user.unwrap_or_default(), channel: "api" };
    let mut results = Vec::new();
    for (index, sent) in tickets.iter().enumerate() {
        let sent = sent.as_object().cloned().unwrap_or_default();
        results.push(match open(state, &sent, origin) {
            Ok(written) => json!({ "index": index, "id": written.ticket, "account_id": state.setup.account }),
            Err(refusal) => failed_job(index as u64, &refusal),
        });
    }
    Ok(job(state, "Bulk Create Ticket", results))
}

fn failed_job(number: u64, refusal: &Reply) -> Value {
    let error = match &refusal.content {
        super::reply::Content::Json(body) => body.get("error").cloned().unwrap_or_default(),
        super::reply::Content::Text(_) | super::reply::Content::Empty => Value::Null,
    };
    json!({ "id": number, "index": number, "success": false, "error": error, "details": "" })
}

fn job(state: &mut State, kind: &str, results: Vec<Value>) -> Reply {
    let number = state.next_id();
    let id = format!("V3-{:032x}", u128::from(number));
    let url = format!("{}/api/v2/job_statuses/{id}.json", state.setup.base);
    let total = results.len();
    let done = json!({
        "id": id, "url": url, "job_type": kind, "total": total, "progress": total, "status": "completed",
        "message": "Completed", "results": results,
    });
    state.jobs.insert(id.clone(), done);
    let queued = json!({
        "id": id, "url": url, "job_type": kind, "total": total, "progress": null, "status": "queued",
        "message": null, "results": null,
    });
    Reply::ok(json!({ "job_status": queued }))
        .with_header("zendesk-ratelimit-inflight-jobs", "total=30; remaining=29; resets=60")
}
