//! Comments and the audits beside them: what is said, by whom, to whom, and what the history shows of it.

use serde_json::{Map, Value, json};
use zendesk::Method;

use super::{
    call::Call,
    events, page,
    records::{self, Kind},
    reply::{Handled, Reply},
    state::{State, id},
    tickets::{Audit, Comment, Ticket, via},
    write::Origin,
};

/// A comment before it has a place.
pub(super) struct Draft {
    pub(super) kind: String,
    pub(super) author: u64,
    pub(super) html_body: String,
    pub(super) plain_body: String,
    pub(super) public: bool,
    pub(super) data: Option<Value>,
}

/// Reads the comment of a write; none if it says nothing.
pub(super) fn draft(state: &State, ticket: &Ticket, sent: &Value, origin: Origin) -> Option<Draft> {
    // The API takes no blank comment; an empty mail is a ticket all the same.
    let says = |text: &&str| origin.channel == "mail" || !text.trim().is_empty();
    let text = |key: &str| sent.get(key).and_then(Value::as_str).filter(says);
    let author = sent.get("author_id").and_then(id).unwrap_or(origin.author);
    let liquid = |text: &str| if state.is_staff(author) { rendered(ticket, text) } else { text.to_owned() };
    let (html_body, plain_body) = match (text("html_body"), text("body").or_else(|| sent.as_str())) {
        (Some(html), _) => {
            let html = liquid(html);
            let plain = without_markup(&html);
            (html, plain)
        }
        (None, Some(body)) => {
            let body = liquid(body);
            (as_markup(&body), body)
        }
        (None, None) => return None,
    };
    // What was said first is remembered: a comment that does not say is as public as the first one.
    let inherited = ticket.comments.first().is_none_or(|first| first.public);
    let public = sent.get("public").and_then(Value::as_bool).unwrap_or(inherited);
    let kind = text("type").unwrap_or("Comment").to_owned();
    Some(Draft { kind, author, html_body, plain_body, public, data: sent.get("data").cloned() })
}

/// Placeholders in what agents write are rendered; those nobody knows become nothing.
fn rendered(ticket: &Ticket, text: &str) -> String {
    let mut rest = text;
    let mut rendered = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once('{') {
        rendered.push_str(before);
        let found = match after.chars().next() {
            Some('{') => after.get(1..).and_then(|inner| inner.split_once("}}")),
            Some('%') => after.get(1..).and_then(|inner| inner.split_once("%}")).map(|(_, rest)| ("", rest)),
            _ => None,
        };
        let Some((name, after)) = found else {
            rendered.push('{');
            rest = after;
            continue;
        };
        match name.trim() {
            "ticket.id" => rendered.push_str(&ticket.id.to_string()),
            "ticket.title" => rendered.push_str(&ticket.values.subject),
            "ticket.status" => rendered.push_str(&ticket.values.status),
            "ticket.description" => {
                rendered.push_str(ticket.comments.first().map_or("", |first| first.plain_body.as_str()));
            }
            _ => {}
        }
        rest = after;
    }
    rendered + rest
}

/// Text as Zendesk wraps it.
fn as_markup(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let lines: Vec<&str> = escaped.lines().collect();
    format!("<div class=\"zd-comment zd-comment-pre-styled\" dir=\"auto\">{}</div>", lines.join("<br>"))
}

/// All text of a page, also what nobody sees.
fn without_markup(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let Some((tag, after)) = after.split_once('>') else {
            rest = "";
            break;
        };
        if matches!(tag.trim_end_matches('/').trim(), "br" | "/p" | "/div" | "/li" | "/h1" | "/h2" | "/h3" | "/tr") {
            text.push('\n');
        }
        rest = after;
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#8203;", "\u{200b}");
    text.replace("&nbsp;", " ").replace("&#39;", "'").replace("&amp;", "&").trim().to_owned()
}

/// The answer to a request under `/tickets/{id}/comments`. There is no `POST`: comments come with the ticket.
pub(super) fn answer(state: &mut State, call: &Call<'_>, number: u64, words: &[&str]) -> Handled {
    let Some(ticket) = state.tickets.get(&number) else { return Err(Reply::not_found()) };
    match (call.method, words) {
        (Method::Get, []) => list(state, call, ticket),
        (Method::Get, ["count"]) => {
            Ok(Reply::ok(json!({ "count": { "value": ticket.comments.len(), "refreshed_at": state.time() } })))
        }
        (Method::Put, [comment, action]) => {
            let comment: u64 = comment.parse().map_err(|_| Reply::no_endpoint())?;
            if !ticket.comments.iter().any(|known| known.id == comment) {
                return Err(Reply::not_found());
            }
            let origin = call.caller.user.unwrap_or_default();
            match *action {
                "make_private" => Ok(make_private(state, number, comment, origin)),
                "redact" => redact(state, call, number, comment, origin),
                _ => Err(Reply::no_endpoint()),
            }
        }
        _ => Err(Reply::no_endpoint()),
    }
}

fn list(state: &State, call: &Call<'_>, ticket: &Ticket) -> Handled {
    let mut rows: Vec<page::Key> = ticket.comments.iter().map(|comment| (0, comment.id)).collect();
    if call.query("sort").is_some_and(|sort| sort.starts_with('-')) || call.query("sort_order") == Some("desc") {
        rows.reverse();
    }
    let mut answer = page::paged(state, call, "comments", &rows, |id| {
        let comment = ticket.comments.iter().find(|comment| comment.id == id);
        comment.map_or(Value::Null, |comment| shown(state, ticket, comment))
    })?;
    if call.words("include").contains(&"users") {
        answer.insert("users".into(), users(state, ticket.comments.iter().map(|comment| comment.author)));
    }
    Ok(Reply::ok(Value::Object(answer)))
}

fn users(state: &State, ids: impl Iterator<Item = u64>) -> Value {
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let users = ids.into_iter().map(|id| records::shown(state, Kind::User, id)).filter(|user| !user.is_null());
    Value::Array(users.collect())
}

fn shown(state: &State, ticket: &Ticket, comment: &Comment) -> Value {
    let audit = ticket.audits.iter().find(|audit| audit.id == comment.audit);
    let mut shown = audit_event(comment);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("via".into(), via(&comment.channel));
        shown.insert("created_at".into(), json!(comment.created_at));
        shown.insert("metadata".into(), audit.map_or(Value::Null, |audit| metadata(state, audit)));
        if let Some(data) = &comment.data {
            shown.insert("data".into(), data.clone());
        }
    }
    shown
}

/// A comment as an audit shows it.
pub(super) fn audit_event(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "type": comment.kind,
        "author_id": comment.author,
        "body": comment.plain_body,
        "html_body": comment.html_body,
        "plain_body": comment.plain_body,
        "public": comment.public,
        "attachments": [],
        "audit_id": comment.audit,
    })
}

/// Where the writer was, as Zendesk tells it of every write: an address and a place that nobody needs to keep.
fn metadata(state: &State, audit: &Audit) -> Value {
    let system = if audit.by_system {
        json!({})
    } else {
        let place = state.setup.locale.code();
        json!({
            "client": "Mozilla/5.0 (demo)", "ip_address": "203.0.113.7", "location": format!("Exampleville, {place}"),
            "latitude": 51.5, "longitude": -0.12,
        })
    };
    json!({ "system": system, "custom": audit.custom })
}

/// An audit as answers have it.
pub(super) fn audit_shown(state: &State, ticket: &Ticket, audit: &Audit) -> Value {
    json!({
        "id": audit.id,
        "ticket_id": ticket.id,
        "created_at": audit.at,
        "author_id": audit.author,
        "metadata": metadata(state, audit),
        "events": audit.events,
        "via": via(&audit.channel),
    })
}

/// The answer to a request under `/tickets/{id}/audits`.
pub(super) fn audits(state: &State, call: &Call<'_>, number: u64, words: &[&str]) -> Handled {
    let Some(ticket) = state.tickets.get(&number) else { return Err(Reply::not_found()) };
    let one = |id: u64| ticket.audits.iter().find(|audit| audit.id == id);
    match words {
        [] => {
            let mut rows: Vec<page::Key> = ticket.audits.iter().map(|audit| (0, audit.id)).collect();
            if call.query("sort").is_some_and(|sort| sort.starts_with('-')) || call.query("sort_order") == Some("desc")
            {
                rows.reverse();
            }
            let mut answer = page::paged(state, call, "audits", &rows, |id| {
                one(id).map_or(Value::Null, |audit| audit_shown(state, ticket, audit))
            })?;
            if call.words("include").contains(&"users") {
                answer.insert("users".into(), users(state, ticket.audits.iter().map(|audit| audit.author)));
            }
            Ok(Reply::ok(Value::Object(answer)))
        }
        [id] => {
            let audit = id.parse().ok().and_then(one).ok_or_else(Reply::not_found)?;
            Ok(Reply::ok(json!({ "audit": audit_shown(state, ticket, audit) })))
        }
        _ => Err(Reply::no_endpoint()),
    }
}

/// One way only.
fn make_private(state: &mut State, number: u64, comment: u64, author: u64) -> Reply {
    let now = state.now;
    if let Some(ticket) = state.tickets.get_mut(&number) {
        let (audit, event) = (ticket.next_id(), ticket.next_id());
        ticket.touch(now);
        let at = ticket.updated_at;
        if let Some(comment) = ticket.comments.iter_mut().find(|known| known.id == comment) {
            comment.public = false;
        }
        let event = json!({ "id": event, "type": "CommentPrivacyChange", "comment_id": comment, "public": false });
        ticket.audits.push(Audit {
            id: audit,
            author,
            at,
            channel: "api".to_owned(),
            custom: json!({}),
            by_system: false,
            events: vec![event],
        });
    }
    events::about_comment(state, number, author, "comment_made_private", comment);
    Reply::ok(json!({}))
}

/// Blacks out a text in a comment.
fn redact(state: &mut State, call: &Call<'_>, number: u64, comment: u64, author: u64) -> Handled {
    let text = call.body("text").and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Reply::missing_key("text"))?;
    let now = state.now;
    if let Some(ticket) = state.tickets.get_mut(&number) {
        ticket.touch(now);
        let black = |kept: &str| kept.replace(text, &"▇".repeat(text.chars().count()));
        if let Some(comment) = ticket.comments.iter_mut().find(|known| known.id == comment) {
            comment.html_body = black(&comment.html_body);
            comment.plain_body = black(&comment.plain_body);
        }
        for event in ticket.audits.iter_mut().flat_map(|audit| &mut audit.events).filter_map(Value::as_object_mut) {
            if event.get("id") == Some(&json!(comment)) {
                for key in ["body", "html_body", "plain_body"] {
                    blacken(event, key, black);
                }
            }
        }
    }
    events::about_comment(state, number, author, "comment_redacted", comment);
    let ticket = state.tickets.get(&number).ok_or_else(Reply::not_found)?;
    let comment = ticket.comments.iter().find(|known| known.id == comment).ok_or_else(Reply::not_found)?;
    Ok(Reply::ok(json!({ "comment": shown(state, ticket, comment) })))
}

/// What is left of a first comment that was redacted.
pub(super) fn redact_first(state: &mut State, number: u64, left: &str) {
    let now = state.now;
    let Some(ticket) = state.tickets.get_mut(&number) else { return };
    ticket.touch(now);
    let Some(first) = ticket.comments.first_mut() else { return };
    first.html_body = as_markup(left);
    left.clone_into(&mut first.plain_body);
    let (comment, author) = (first.clone(), first.author);
    let told = audit_event(&comment);
    for event in ticket.audits.iter_mut().flat_map(|audit| &mut audit.events) {
        if event.get("id") == Some(&json!(comment.id)) {
            event.clone_from(&told);
        }
    }
    events::about_comment(state, number, author, "comment_redacted", comment.id);
}

fn blacken(event: &mut Map<String, Value>, key: &str, black: impl Fn(&str) -> String) {
    if let Some(Value::String(text)) = event.get_mut(key) {
        *text = black(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_its_markup() {
        for text in ["one", "a < b & \"c\"\n\nthen 1 > 0", "  indented"] {
            assert_eq!(without_markup(&as_markup(text)), text.trim());
        }
    }

    #[test]
    fn hidden_text_stays_in_the_plain_body() {
        let html = "<p>Seen.</p><div style=\"display:none\">Hidden.</div>";
        assert_eq!(without_markup(html), "Seen.\nHidden.");
    }
}
