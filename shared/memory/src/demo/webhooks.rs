//! Webhooks as the account's administrators manage them. What they cause is in `delivery`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zendesk::{Method, signature::TEST_SECRET};

use super::{
    call::Call,
    delivery::{self, Delivered, Outgoing, ulid},
    page,
    records::Kind,
    reply::{Handled, Reply},
    state::State,
    triggers,
};

const ON_TRIAL: usize = 10;
const BY_TRIGGERS: &str = "conditional_ticket_events";

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Webhook {
    pub(super) id: String,
    /// Its place among the others.
    number: u64,
    name: String,
    description: String,
    status: String,
    pub(super) subscriptions: Vec<String>,
    pub(super) endpoint: String,
    pub(super) http_method: String,
    request_format: String,
    pub(super) authentication: Option<Value>,
    pub(super) custom_headers: Vec<(String, String)>,
    pub(super) secret: String,
    created_at: Timestamp,
    created_by: u64,
    updated: Option<(Timestamp, u64)>,
}

/// Adds one past the API.
pub(super) fn add(state: &mut State, url: &str, subscriptions: Vec<String>, secret: &str) {
    let webhook = Webhook {
        name: "Support triage".to_owned(),
        endpoint: url.to_owned(),
        subscriptions,
        secret: secret.to_owned(),
        ..Webhook::new(state, super::ADMIN)
    };
    state.webhooks.insert(webhook.id.clone(), webhook);
}

impl Webhook {
    /// One that says nothing yet.
    fn new(state: &mut State, created_by: u64) -> Self {
        let number = state.next_id();
        let id = ulid(state.now, number);
        Self {
            secret: state.derived(&format!("webhook {id}")),
            id,
            number,
            name: String::new(),
            description: String::new(),
            status: "active".to_owned(),
            subscriptions: Vec::new(),
            endpoint: String::new(),
            http_method: "POST".to_owned(),
            request_format: "json".to_owned(),
            authentication: None,
            custom_headers: Vec::new(),
            created_at: state.now,
            created_by,
            updated: None,
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// As answers have it: what it authenticates with stays here, but for a name.
    fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "status": self.status,
            "subscriptions": self.subscriptions,
            "created_at": self.created_at,
            "created_by": self.created_by.to_string(),
            "endpoint": self.endpoint,
            "http_method": self.http_method,
            "request_format": self.request_format,
        });
        let Some(object) = shown.as_object_mut() else { return shown };
        if let Some(authentication) = &self.authentication {
            let of = |key: &str| authentication.get(key).cloned().unwrap_or_default();
            let mut told = json!({ "type": of("type"), "add_position": of("add_position") });
            if let Some(name) = authentication.get("data").and_then(|data| data.get("username"))
                && let Some(told) = told.as_object_mut()
            {
                told.insert("data".into(), json!({ "username": name }));
            }
            object.insert("authentication".into(), told);
        }
        if !self.custom_headers.is_empty() {
            let headers: Map<String, Value> =
                self.custom_headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            object.insert("custom_headers".into(), Value::Object(headers));
        }
        if let Some((at, by)) = self.updated {
            object.insert("updated_at".into(), json!(at));
            object.insert("updated_by".into(), json!(by.to_string()));
        }
        shown
    }

    fn take(&mut self, sent: &Map<String, Value>) {
        let text = |key: &str, kept: &mut String| {
            if let Some(text) = sent.get(key).and_then(Value::as_str) {
                text.clone_into(kept);
            }
        };
        text("name", &mut self.name);
        text("description", &mut self.description);
        text("status", &mut self.status);
        text("endpoint", &mut self.endpoint);
        text("http_method", &mut self.http_method);
        text("request_format", &mut self.request_format);
        if let Some(subscriptions) = sent.get("subscriptions").and_then(Value::as_array) {
            self.subscriptions = subscriptions.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        if let Some(authentication) = sent.get("authentication") {
            self.authentication = Some(authentication.clone()).filter(|given| !given.is_null());
        }
        if let Some(headers) = sent.get("custom_headers").and_then(Value::as_object) {
            let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            self.custom_headers = headers.iter().filter_map(pair).collect();
        }
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<&'static str> {
        let by_triggers = self.subscriptions.iter().any(|name| name == BY_TRIGGERS);
        let known = |name: &String| name == BY_TRIGGERS || name.starts_with("zen:event-type:");
        if self.name.trim().is_empty() {
            Some("name cannot be blank")
        } else if !self.endpoint.starts_with("https://") && !self.endpoint.starts_with("http://") {
            Some("endpoint must be a valid URL")
        } else if !["active", "inactive"].contains(&self.status.as_str()) {
            Some("status must be active or inactive")
        } else if !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&self.http_method.as_str()) {
            Some("http_method is not supported")
        } else if !["json", "xml", "form_encoded"].contains(&self.request_format.as_str()) {
            Some("request_format is not supported")
        } else if self.subscriptions.is_empty() || !self.subscriptions.iter().all(known) {
            Some("subscriptions must name event types")
        } else if by_triggers && self.subscriptions.len() > 1 {
            Some("subscriptions cannot mix conditional_ticket_events with others")
        } else if !by_triggers && (self.http_method != "POST" || self.request_format != "json") {
            Some("event subscriptions are sent as POST and JSON")
        } else {
            None
        }
    }
}

fn bad(detail: &str) -> Reply {
    Reply::listed(400, "InvalidWebhook", "Invalid webhook", detail)
}

fn missing() -> Reply {
    Reply::listed(404, "WebhookNotFound", "Not found", "The webhook does not exist")
}

/// The answer to a request under `/webhooks`, but for a test.
pub(super) fn answer(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    match (call.method, words) {
        (Method::Get, []) => list(state, call),
        (Method::Post, []) => create(state, call),
        (method, [id, rest @ ..]) => {
            let webhook = state.webhooks.get(*id).ok_or_else(missing)?;
            match (method, rest) {
                (Method::Get, []) => Ok(Reply::ok(json!({ "webhook": webhook.shown() }))),
                (Method::Put | Method::Patch, []) => update(state, call, id),
                (Method::Delete, []) => delete(state, id),
                (Method::Get, ["signing_secret"]) => Ok(Reply::ok(secret_shown(webhook))),
                (Method::Post, ["signing_secret"]) => rotate(state, id),
                (Method::Get, ["invocations"]) => invocations(state, call, id),
                (Method::Get, ["invocations", invocation, "attempts"]) => attempts(state, id, invocation),
                _ => Err(Reply::no_endpoint()),
            }
        }
        _ => Err(Reply::no_endpoint()),
    }
}

fn list(state: &State, call: &Call<'_>) -> Handled {
    let named = call.query("filter[name_contains]").unwrap_or_default().to_lowercase();
    let status = call.query("filter[status]");
    let fits = |webhook: &&Webhook| {
        webhook.name.to_lowercase().contains(&named) && status.is_none_or(|status| status == webhook.status)
    };
    let mut rows: Vec<page::Key> = state.webhooks.values().filter(fits).map(|webhook| (0, webhook.number)).collect();
    rows.sort_unstable();
    let mut answer = page::paged(state, call, "webhooks", &rows, |number| {
        let found = state.webhooks.values().find(|webhook| webhook.number == number);
        found.map_or(Value::Null, Webhook::shown)
    })?;
    // Here there are cursors only.
    answer.entry("meta").or_insert(json!({ "has_more": false, "after_cursor": "", "before_cursor": "" }));
    answer.entry("links").or_insert(json!({ "prev": null, "next": null }));
    for key in ["count", "next_page", "previous_page"] {
        answer.remove(key);
    }
    Ok(Reply::ok(Value::Object(answer)))
}

fn create(state: &mut State, call: &Call<'_>) -> Handled {
    if state.setup.plan == super::Plan::Trial && state.webhooks.len() >= ON_TRIAL {
        return Err(bad("a trial account has at most 10 webhooks"));
    }
    let cloned = call.query("clone_webhook_id").and_then(|id| state.webhooks.get(id)).cloned();
    let mut webhook = Webhook::new(state, call.caller.user.unwrap_or_default());
    let id = webhook.id.clone();
    match cloned {
        Some(other) => {
            let (id, number, secret) = (webhook.id, webhook.number, webhook.secret);
            webhook = Webhook { id, number, secret, name: format!("{} (copy)", other.name), updated: None, ..other };
        }
        None => webhook.take(call.object("webhook")?),
    }
    webhook.problem().map_or(Ok(()), |problem| Err(bad(problem)))?;
    let reply =
        Reply::created(json!({ "webhook": webhook.shown() }), &format!("{}/api/v2/webhooks/{id}", state.setup.base));
    state.webhooks.insert(id, webhook);
    Ok(reply)
}

fn update(state: &mut State, call: &Call<'_>, id: &str) -> Handled {
    let mut webhook = state.webhooks.get(id).cloned().ok_or_else(missing)?;
    let before = webhook.subscriptions.clone();
    webhook.take(call.object("webhook")?);
    webhook.updated = Some((state.now, call.caller.user.unwrap_or_default()));
    webhook.problem().map_or(Ok(()), |problem| Err(bad(problem)))?;
    let by_triggers = |subscriptions: &[String]| subscriptions.iter().any(|name| name == BY_TRIGGERS);
    if by_triggers(&before) != by_triggers(&webhook.subscriptions) {
        return Err(bad("a webhook keeps its way of being connected"));
    }
    state.webhooks.insert(id.to_owned(), webhook);
    Ok(Reply::no_content())
}

fn delete(state: &mut State, id: &str) -> Handled {
    if state.all(Kind::Trigger).any(|(_, trigger)| triggers::uses(trigger, id)) {
        return Err(bad("the webhook is used by a trigger"));
    }
    state.webhooks.remove(id);
    Ok(Reply::no_content())
}

fn secret_shown(webhook: &Webhook) -> Value {
    json!({ "signing_secret": { "secret": webhook.secret, "algorithm": "SHA256" } })
}

fn rotate(state: &mut State, id: &str) -> Handled {
    let number = state.next_id();
    let secret = state.derived(&format!("webhook {id} {number}"));
    let webhook = state.webhooks.get_mut(id).ok_or_else(missing)?;
    webhook.secret = secret;
    Ok(Reply::json(201, secret_shown(webhook)))
}

fn invocations(state: &State, call: &Call<'_>, id: &str) -> Handled {
    let kept = state.deliveries.invocations.get(id);
    let rows: Vec<page::Key> = kept.into_iter().flatten().rev().map(|invocation| (0, invocation.number)).collect();
    let mut answer = page::paged(state, call, "invocations", &rows, |number| {
        let found = kept.into_iter().flatten().find(|invocation| invocation.number == number);
        found.map_or(Value::Null, |invocation| {
            json!({
                "id": invocation.id, "status_code": invocation.status_code, "status": invocation.status,
                "latest_completed_at": invocation.completed_at,
            })
        })
    })?;
    answer.entry("meta").or_insert(json!({ "has_more": false, "after_cursor": "", "before_cursor": "" }));
    answer.entry("links").or_insert(json!({ "prev": null, "next": null }));
    Ok(Reply::ok(Value::Object(answer)))
}

fn attempts(state: &State, id: &str, invocation: &str) -> Handled {
    let kept = state.deliveries.invocations.get(id).into_iter().flatten().find(|kept| kept.id == invocation);
    let kept = kept.ok_or_else(missing)?;
    Ok(Reply::ok(json!({ "attempts": kept.attempts })))
}

/// The request that `POST /webhooks/test` sends: of a webhook that exists, or of one that may come to be, signed with
/// the secret everybody knows.
pub(super) fn test(state: &mut State, call: &Call<'_>) -> Result<Outgoing, Reply> {
    let known = call.query("webhook_id").map(|id| state.webhooks.get(id).cloned().ok_or_else(missing)).transpose()?;
    let sent = call.object("request")?;
    let mut webhook = known.unwrap_or_else(|| Webhook {
        name: "test".to_owned(),
        subscriptions: vec![BY_TRIGGERS.to_owned()],
        secret: TEST_SECRET.to_owned(),
        ..Webhook::new(state, call.caller.user.unwrap_or_default())
    });
    webhook.take(sent);
    webhook.problem().map_or(Ok(()), |problem| Err(bad(problem)))?;
    let body = sent.get("payload").map(|body| body.as_str().map_or_else(|| format!("{body:#}\n"), str::to_owned));
    let number = state.next_id();
    Ok(delivery::signed(state, &webhook, &ulid(state.now, number), &body.unwrap_or_default(), 1))
}

/// The answer to a test.
pub(super) fn tested(delivered: &Delivered) -> Reply {
    let (status, headers, body) = match delivered {
        Delivered::Answered { status, headers, body } => (*status, headers.as_slice(), body.as_str()),
        Delivered::TimedOut => (504, &[][..], ""),
    };
    let headers: Vec<Value> = headers.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    Reply::ok(json!({ "response": { "headers": headers, "status_code": status, "payload": body } }))
}
