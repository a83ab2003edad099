//! The webhook, of either kind, and its signing secret.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Done, Session, SetupError, Via, Wanted, failed};
use crate::{
    client::ApiError,
    found::{self, Webhook},
    http::Method,
};

pub(super) const WEBHOOKS: &str = "/api/v2/webhooks";
/// Stands for an id that a dry run does not have.
const NOT_YET: &str = "ID-OF-THE-WEBHOOK";
/// The change that an account may refuse.
const EVENTS: &str = "events";

/// What a webhook that triggers call subscribes to.
pub const TRIGGER_SUBSCRIPTION: &str = "conditional_ticket_events";

/// Without these no ticket would be triaged.
pub const NEEDED_SUBSCRIPTIONS: [&str; 2] = ["zen:event-type:ticket.created", "zen:event-type:ticket.comment_added"];

/// Every event that is read.
pub const SUBSCRIPTIONS: [&str; 9] = [
    "zen:event-type:ticket.created",
    "zen:event-type:ticket.comment_added",
    "zen:event-type:ticket.priority_changed",
    "zen:event-type:ticket.group_assignment_changed",
    "zen:event-type:ticket.permanently_deleted",
    "zen:event-type:ticket.undeleted",
    "zen:event-type:ticket.comment_redacted",
    "zen:event-type:ticket.attachment_redacted_from_comment",
    "zen:event-type:messaging_ticket.message_added",
];

/// The webhook's name in the account; one for each kind, since a webhook cannot change its kind.
#[must_use]
pub fn name(stack: Option<&str>, via: Via) -> String {
    let kind = match via {
        Via::Events => "events",
        Via::Trigger => "triggers",
    };
    match stack {
        Some(stack) => format!("Ticket triage {stack} ({kind})"),
        None => format!("Ticket triage ({kind})"),
    }
}

/// Our webhook of that kind: by name, else the one somebody made by hand for the same address.
#[must_use]
pub fn ours<'a>(webhooks: &'a [Webhook], stack: Option<&str>, via: Via, endpoint: &str) -> Option<&'a Webhook> {
    let name = name(stack, via);
    let of_kind = |webhook: &&Webhook| webhook.subscriptions.contains(TRIGGER_SUBSCRIPTION) == (via == Via::Trigger);
    webhooks
        .iter()
        .find(|webhook| webhook.name == name)
        .or_else(|| webhooks.iter().filter(of_kind).find(|webhook| webhook.endpoint == endpoint))
}

fn needed() -> BTreeSet<String> {
    NEEDED_SUBSCRIPTIONS.map(str::to_owned).into()
}

fn subscriptions(via: Via) -> BTreeSet<String> {
    match via {
        Via::Events => SUBSCRIPTIONS.iter().map(|name| (*name).to_owned()).collect(),
        Via::Trigger => BTreeSet::from([TRIGGER_SUBSCRIPTION.to_owned()]),
    }
}

impl Session<'_> {
    /// The way from Zendesk to us: a webhook, and triggers where it needs them. The other kind goes once this one
    /// stands: an event told twice does no harm, one that nobody tells does.
    pub(super) async fn connection(&mut self, wanted: &Wanted, endpoint: &str) -> Result<(), SetupError> {
        let webhooks = self.list(WEBHOOKS, "webhooks", Webhook::read, "webhooks").await?;
        let stack = wanted.stack.as_deref();
        let id = self.webhook(ours(&webhooks, stack, wanted.via, endpoint), wanted, endpoint).await?;
        self.report.found.webhook.clone_from(&id);
        if let Some(id) = &id {
            self.signing_secret(id, wanted.rotate_secret).await?;
        }
        match wanted.via {
            Via::Trigger => self.triggers(stack, id.as_deref().unwrap_or(NOT_YET)).await?,
            Via::Events => self.remove_triggers(stack).await?,
        }
        let other = match wanted.via {
            Via::Events => Via::Trigger,
            Via::Trigger => Via::Events,
        };
        self.remove_webhooks(&webhooks, &name(stack, other)).await
    }

    /// The webhook's id; none in a dry run that would create it.
    async fn webhook(
        &mut self,
        found: Option<&Webhook>,
        wanted: &Wanted,
        endpoint: &str,
    ) -> Result<Option<String>, SetupError> {
        let (what, all) = ("webhook", subscriptions(wanted.via));
        let body = |subscriptions: &BTreeSet<String>| {
            json!({ "webhook": {
                "name": name(wanted.stack.as_deref(), wanted.via), "description": "Tells ticket triage of tickets",
                "status": "active", "endpoint": endpoint, "http_method": "POST", "request_format": "json",
                "subscriptions": subscriptions,
            }})
        };
        let Some(found) = found else {
            let (answer, left_out) = self.subscribe(Method::Post, WEBHOOKS.to_owned(), &all, body).await?;
            self.step(what, Done::Created);
            self.remark_left_out(left_out);
            let id = answer.as_ref().and_then(|answer| answer.get("webhook")).map(|webhook| found::text(webhook, "id"));
            return Ok(id.filter(|id| !id.is_empty()));
        };
        let name = name(wanted.stack.as_deref(), wanted.via);
        let changes = differences(found, &name, endpoint, &all);
        if changes.is_empty() {
            self.step(what, Done::Nothing);
        } else {
            let path = format!("{WEBHOOKS}/{}", found.id);
            let needed = needed();
            if changes == [EVENTS] && needed.is_subset(&found.subscriptions) {
                self.add_events(found, path, body(&all)).await?;
            } else {
                let (_, left_out) = self.subscribe(Method::Put, path, &all, body).await?;
                self.step(what, Done::Changed(changes.join("; ")));
                self.remark_left_out(left_out);
            }
        }
        Ok(Some(found.id.clone()))
    }

    /// Asks for the events that a working webhook lacks. An account that does not take them has said so before, and
    /// nothing is changed then.
    async fn add_events(&mut self, found: &Webhook, path: String, body: Value) -> Result<(), SetupError> {
        match self.write(Method::Put, path, Some(body)).await {
            Ok(_) => self.step("webhook", Done::Changed(EVENTS.to_owned())),
            Err(ApiError::Invalid(_) | ApiError::Refused { status: 400, .. }) => {
                self.report.requests.pop();
                self.step("webhook", Done::Nothing);
                let missing = SUBSCRIPTIONS.iter().filter(|event| !found.subscriptions.contains(**event));
                self.remark_left_out(missing.map(|event| (*event).to_owned()).collect());
            }
            Err(cause) => return Err(failed("webhook", cause)),
        }
        Ok(())
    }

    /// Sends the webhook with all subscriptions; if the account does not take them all, with the needed ones. Says which
    /// were left out.
    async fn subscribe(
        &mut self,
        method: Method,
        path: String,
        all: &BTreeSet<String>,
        body: impl Fn(&BTreeSet<String>) -> Value,
    ) -> Result<(Option<Value>, Vec<String>), SetupError> {
        match self.write(method, path.clone(), Some(body(all))).await {
            Ok(answer) => Ok((answer, Vec::new())),
            Err(ApiError::Invalid(_) | ApiError::Refused { status: 400, .. })
                if !all.contains(TRIGGER_SUBSCRIPTION) =>
            {
                let needed = needed();
                let answer = self.write(method, path, Some(body(&needed))).await;
                let answer = answer.map_err(|cause| failed("webhook", cause))?;
                Ok((answer, all.difference(&needed).cloned().collect()))
            }
            Err(cause) => Err(failed("webhook", cause)),
        }
    }

    fn remark_left_out(&mut self, left_out: Vec<String>) {
        if !left_out.is_empty() {
            let text = format!("Zendesk did not take these events, and we go without them: {}", left_out.join(", "));
            self.step("webhook", Done::Remark(text));
        }
    }

    async fn signing_secret(&mut self, webhook: &str, rotate: bool) -> Result<(), SetupError> {
        let path = format!("{WEBHOOKS}/{webhook}/signing_secret");
        let answer =
            if rotate { self.write(Method::Post, path, None).await } else { self.client.get(&path).await.map(Some) };
        let answer: Option<Value> = answer.map_err(|cause| failed("signing secret", cause))?;
        let secret = answer.as_ref().and_then(|answer| answer.get("signing_secret"));
        let secret = secret.map(|secret| found::text(secret, "secret")).filter(|secret| !secret.is_empty());
        self.report.found.secret = secret.map(Into::into);
        if rotate {
            self.step("signing secret", Done::Changed("made anew".to_owned()));
        }
        Ok(())
    }

    pub(super) async fn remove_webhooks(&mut self, webhooks: &[Webhook], name: &str) -> Result<(), SetupError> {
        for webhook in webhooks.iter().filter(|webhook| webhook.name == name) {
            let what = format!("webhook “{name}”");
            let path = format!("{WEBHOOKS}/{}", webhook.id);
            self.write(Method::Delete, path, None).await.map_err(|cause| failed(&what, cause))?;
            self.step(what, Done::Removed);
        }
        Ok(())
    }
}

/// What has to change, in words.
fn differences(found: &Webhook, name: &str, endpoint: &str, all: &BTreeSet<String>) -> Vec<&'static str> {
    let mut changes = Vec::new();
    if found.name != name {
        changes.push("name");
    }
    if !found.active {
        changes.push("switched on");
    }
    if found.endpoint != endpoint {
        changes.push("address");
    }
    if !found.method.eq_ignore_ascii_case("POST") || !found.format.eq_ignore_ascii_case("json") {
        changes.push("method and format");
    }
    if found.subscriptions != *all {
        changes.push(EVENTS);
    }
    changes
}
