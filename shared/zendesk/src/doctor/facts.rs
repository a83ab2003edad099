//! What the checks look at, fetched in one go. A fact that could not be fetched says why, and stops no other.

use domain::UserId;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    FieldIds,
    client::{ApiError, Client},
    found::{self, Group, Me, TicketField, Trigger, Webhook},
    http::{Method, Request},
    setup::{self, Team, Via},
};

/// Deliveries that are looked at; Zendesk keeps them for seven days.
const INVOCATIONS: usize = 50;
/// Failed ones whose attempts are fetched: one request each.
const LOOKED_INTO: usize = 3;

/// Why a fact is not known.
pub type Unknown = String;

/// What is examined.
#[derive(Clone, Debug)]
pub struct Subject {
    pub stack: Option<String>,
    pub teams: Vec<Team>,
    pub fields: FieldIds,
    /// Where events should go, if that is known.
    pub endpoint: Option<String>,
    /// As deployed: `list`, `export` or `off`.
    pub sweep: Option<String>,
    /// As deployed: what this user does is not triaged again.
    pub bot_user: Option<UserId>,
    pub now: Timestamp,
}

/// How a client signs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignIn {
    OAuth,
    ApiToken,
}

#[derive(Clone, Debug)]
pub struct Facts {
    pub subject: Subject,
    /// Of the client that looks: the set-up's.
    pub credentials: SignIn,
    pub me: Result<Me, Unknown>,
    /// Of the client that runs, if its credentials are known.
    pub running: Option<Result<(Me, SignIn), Unknown>>,
    /// Whether the running client may use the incremental export.
    pub export: Result<bool, Unknown>,
    /// Whether the running client may list tickets.
    pub tickets: Result<bool, Unknown>,
    /// The groups the running client's user is in.
    pub memberships: Result<Vec<u64>, Unknown>,
    pub fields: Result<Vec<TicketField>, Unknown>,
    pub groups: Result<Vec<Group>, Unknown>,
    pub triggers: Result<Vec<Trigger>, Unknown>,
    pub webhooks: Result<Vec<Webhook>, Unknown>,
    /// None without a webhook of ours.
    pub round_trip: Option<Result<RoundTrip, Unknown>>,
    /// The newest deliveries.
    pub invocations: Result<Vec<Delivery>, Unknown>,
}

/// What came back of a test event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundTrip {
    pub status: u16,
}

/// One delivery of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    pub id: String,
    pub status: String,
    pub status_code: Option<u64>,
    pub at: String,
    /// Of the newest failures only.
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    pub status: String,
    pub status_code: Option<u64>,
}

impl Facts {
    /// The client that runs, else the one that looks.
    #[must_use]
    pub fn actor(&self) -> Option<&Me> {
        match &self.running {
            Some(running) => running.as_ref().ok().map(|(me, _)| me),
            None => self.me.as_ref().ok(),
        }
    }

    /// Our webhooks of either kind.
    #[must_use]
    pub fn our_webhooks(&self) -> Vec<&Webhook> {
        let Ok(webhooks) = &self.webhooks else { return Vec::new() };
        let names = [Via::Events, Via::Trigger].map(|via| setup::webhook_name(self.subject.stack.as_deref(), via));
        let ours = |webhook: &&Webhook| {
            names.contains(&webhook.name) || Some(&webhook.endpoint) == self.subject.endpoint.as_ref()
        };
        webhooks.iter().filter(ours).collect()
    }
}

impl Delivery {
    fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: Some(found::text(value, "id")).filter(|id| !id.is_empty())?,
            status: found::text(value, "status"),
            status_code: found::number(value, "status_code"),
            at: found::text(value, "latest_completed_at"),
            attempts: Vec::new(),
        })
    }

    /// Whether Zendesk gave up on it, or got something else than success.
    #[must_use]
    pub fn failed(&self) -> bool {
        match self.status_code {
            Some(code) => !(200..300).contains(&code),
            None => ["failed", "terminated", "circuit broken"].contains(&self.status.as_str()),
        }
    }
}

/// Fetches everything. `running` is the client with the deployment's own credentials, if it differs.
pub async fn gather(
    client: &Client,
    credentials: SignIn,
    running: Option<(&Client, SignIn)>,
    subject: Subject,
) -> Facts {
    let actor = running.map_or(client, |(client, _)| client);
    let me = found::me(client).await.map_err(said);
    let running = match running {
        None => None,
        Some((client, credentials)) => Some(found::me(client).await.map(|me| (me, credentials)).map_err(said)),
    };
    let start = subject.now.as_second() - 3_600;
    let export =
        allowed(actor, &format!("/api/v2/incremental/tickets/cursor.json?start_time={start}&per_page=1")).await;
    let tickets = allowed(actor, "/api/v2/tickets.json?page[size]=1").await;
    let mut facts = Facts {
        credentials,
        export,
        tickets,
        memberships: Err("the user is not known".to_owned()),
        fields: found::all(client, "/api/v2/ticket_fields.json", "ticket_fields", TicketField::read)
            .await
            .map_err(said),
        groups: found::all(client, "/api/v2/groups.json", "groups", Group::read).await.map_err(said),
        triggers: found::all(client, "/api/v2/triggers.json", "triggers", Trigger::read).await.map_err(said),
        webhooks: found::all(client, "/api/v2/webhooks", "webhooks", Webhook::read).await.map_err(said),
        me,
        running,
        round_trip: None,
        invocations: Ok(Vec::new()),
        subject,
    };
    if let Some(user) = facts.actor().and_then(|me| me.id) {
        let path = format!("/api/v2/users/{user}/group_memberships.json");
        let group = |membership: &Value| found::number(membership, "group_id");
        facts.memberships = found::all(actor, &path, "group_memberships", group).await.map_err(said);
    }
    if let Some(webhook) = facts.our_webhooks().first().map(|webhook| (*webhook).clone()) {
        facts.round_trip = Some(round_trip(client, &webhook).await.map_err(said));
        facts.invocations = invocations(client, &webhook).await.map_err(said);
    }
    facts
}

fn said(error: ApiError) -> Unknown {
    error.to_string()
}

/// Whether the client may read this; any other trouble is told.
async fn allowed(client: &Client, path: &str) -> Result<bool, Unknown> {
    match client.send(Request::get(path)).await {
        Ok(_) => Ok(true),
        Err(ApiError::Forbidden { .. }) => Ok(false),
        Err(error) => Err(said(error)),
    }
}

/// Has Zendesk send an event that leads to nothing: a change of status, which is not among those that are read.
async fn round_trip(client: &Client, webhook: &Webhook) -> Result<RoundTrip, ApiError> {
    let payload = json!({
        "type": "zen:event-type:ticket.status_changed", "id": "doctor", "subject": "zen:ticket:1",
        "zendesk_event_version": "2022-11-06", "detail": { "id": "1" }, "event": {},
    });
    let request = json!({ "request": {
        "endpoint": webhook.endpoint, "http_method": "POST", "request_format": "json", "payload": payload.to_string(),
    }});
    let path = format!("/api/v2/webhooks/test?webhook_id={}", found::escaped(&webhook.id));
    let answer: Value = client.call(Request::new(Method::Post, path).with_body(request)).await?;
    let status = answer.get("response").and_then(|response| found::number(response, "status_code")).unwrap_or(0);
    Ok(RoundTrip { status: u16::try_from(status).unwrap_or(0) })
}

async fn invocations(client: &Client, webhook: &Webhook) -> Result<Vec<Delivery>, ApiError> {
    let base = format!("/api/v2/webhooks/{}/invocations", found::escaped(&webhook.id));
    let mut newest = found::all(client, &base, "invocations", Delivery::read).await?;
    newest.sort_by(|a, b| b.at.cmp(&a.at));
    newest.truncate(INVOCATIONS);
    for invocation in newest.iter_mut().filter(|invocation| invocation.failed()).take(LOOKED_INTO) {
        let path = format!("{base}/{}/attempts", found::escaped(&invocation.id));
        let attempt = |value: &Value| {
            Some(Attempt { status: found::text(value, "status"), status_code: found::number(value, "status_code") })
        };
        // What failed is worth telling even without its attempts.
        invocation.attempts = found::all(client, &path, "attempts", attempt).await.unwrap_or_default();
    }
    Ok(newest)
}
