//! Delivery of alerts: cooldown, daily cap, e-mail, digest. Triage decides what is said, this decides whether and when.

mod render;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    Alert, AlertKey, AuditAction, AuditEntry, Band, Delivery, EmailAddress, Policy,
    alert::HoldReason,
    ports::{
        Accepted, AlertLog, Audit, Control, Cooldown, CooldownKey, Count, Email, Mailer, PortError, Queue, Settings,
        Taken, told,
    },
    record::utc_day,
};
use jiff::{SignedDuration, Timestamp, tz::Offset};
use runtime::{AlertMessage, Handler, Invocation, Queues, Verdict, batch, handle_batch};
use serde::Deserialize;
use serde_json::Value;

/// What alerting needs of the outside.
#[derive(Clone)]
pub struct Alerting {
    pub settings: Arc<dyn Settings>,
    pub alerts: Arc<dyn AlertLog>,
    pub control: Arc<dyn Control>,
    pub audit: Arc<dyn Audit>,
    pub mailer: Arc<dyn Mailer>,
    /// Where messages go that the mail service refuses for good.
    pub outbox: Arc<dyn Mailer>,
    /// The queue this function reads from, to put messages off.
    pub queue: Arc<dyn Queue>,
    /// Where messages are parked that cannot be handled.
    pub dead_letters: Arc<dyn Queue>,
    /// Off: alerts are logged as skipped, nobody is written to.
    pub delivery: bool,
}

/// What the function is called with.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Event {
    Schedule { action: Action },
    Queue(SqsEvent),
}

/// What a schedule asks for: `{"action": "digest"}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Digest,
}

/// Handles whatever the function is called with.
///
/// # Errors
/// A digest that failed: the schedule comes again.
pub async fn handle_event(
    alerting: &Alerting,
    event: Event,
    invocation: &Invocation,
) -> Result<SqsBatchResponse, PortError> {
    match event {
        Event::Queue(messages) => Ok(handle(alerting, messages, invocation).await),
        Event::Schedule { action: Action::Digest } => {
            hourly_digest(alerting, invocation.now).await?;
            Ok(SqsBatchResponse::default())
        }
    }
}

/// The digest, once an hour however often the schedule fires. One that failed may be tried again.
async fn hourly_digest(alerting: &Alerting, now: Timestamp) -> Result<(), PortError> {
    let counter = format!("digest/{}", Offset::UTC.to_datetime(now).strftime("%Y-%m-%dT%H"));
    let expires = now + SignedDuration::from_hours(2);
    if alerting.control.count(&counter, 1, 1, expires).await? == Count::Over {
        tracing::info!("This hour's digest went out already.");
        return Ok(());
    }
    match digest(alerting, now).await {
        Ok(messages) => {
            tracing::info!(messages, "Sent the digest in {messages} messages.");
            Ok(())
        }
        Err(error) => {
            alerting.control.uncount(&counter, 1).await?;
            Err(error)
        }
    }
}

/// Handles a batch of alert messages, one verdict per record.
pub async fn handle(alerting: &Alerting, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
    let queues = Queues { source: &*alerting.queue, dead_letters: &*alerting.dead_letters };
    handle_batch(event, queues, invocation, &Batch { alerting, invocation }).await
}

/// One call's batch of alert messages.
struct Batch<'a> {
    alerting: &'a Alerting,
    invocation: &'a Invocation,
}

#[async_trait]
impl Handler for Batch<'_> {
    type Message = AlertMessage;

    async fn handle(&self, delivery: batch::Delivery<AlertMessage>) -> Verdict {
        let Ok(key) = delivery.content.alert.parse() else {
            return Verdict::Park { reason: "the message names no alert".to_owned() };
        };
        one_alert(self.alerting, key, &delivery.owner, self.invocation).await.unwrap_or_else(|error| {
            tracing::error!(alert = %key, error = told(&error), "Delivering an alert failed.");
            Verdict::from(&error)
        })
    }

    /// A parked alert is still open and on the dashboard; the log has the reason.
    async fn parked(&self, _: &Value, _: &str) {}
}

async fn one_alert(
    alerting: &Alerting,
    key: AlertKey,
    owner: &str,
    invocation: &Invocation,
) -> Result<Verdict, PortError> {
    let now = invocation.now;
    let alert = match alerting.alerts.take(key, owner, now, invocation.lease_until()).await? {
        Taken::Mine(alert) => *alert,
        Taken::Theirs { until } => {
            return Ok(Verdict::Later { at_most: batch::delay(until.duration_since(now)) });
        }
        Taken::Settled => return Ok(Verdict::Done),
    };
    match deliver(alerting, &alert, now).await {
        Ok(delivery) => {
            note(alerting, &alert, &delivery, now).await?;
            alerting.alerts.settle(key, owner, delivery).await?;
            Ok(Verdict::Done)
        }
        Err(error) => {
            if let Err(released) = alerting.alerts.release(key, owner).await {
                tracing::warn!(alert = %key, error = told(&released), "Alert {key} waits for its lease to run out.");
            }
            Err(error)
        }
    }
}

/// Whether and how the alert goes out now.
async fn deliver(alerting: &Alerting, alert: &Alert, now: Timestamp) -> Result<Delivery, PortError> {
    if !alerting.delivery {
        return Ok(Delivery::Skipped);
    }
    let policy = alerting.settings.policy().await?;
    let key = CooldownKey { account: alert.account.clone(), kind: alert.signal.kind() };
    let until = domain::time::later(now, SignedDuration::from_hours(i64::from(policy.alerts.cooldown_hours)));
    if let Cooldown::Held { .. } = alerting.control.cool_down(&key, alert.key(), now, until).await? {
        return Ok(Delivery::Held { reason: HoldReason::Cooldown });
    }
    if !within_cap(alerting, &policy, alert.band, now).await? {
        return Ok(Delivery::Held { reason: HoldReason::DailyCap });
    }
    send(alerting, &render::single(alert, &policy.helpdesk_url)).await
}

/// Counts the message against its UTC day. The last fifth is for the critical band. A retried message may count twice:
/// the cap then errs on the quiet side, and the digest still brings everything.
async fn within_cap(alerting: &Alerting, policy: &Policy, band: Band, now: Timestamp) -> Result<bool, PortError> {
    let Some(cap) = policy.alerts.daily_cap else { return Ok(true) };
    let limit = match band {
        Band::Critical => cap,
        Band::Elevated => cap - cap / 5,
    };
    let counter = format!("alerts/{}", utc_day(now));
    let expires = now + SignedDuration::from_hours(48);
    let count = alerting.control.count(&counter, 1, limit.into(), expires).await?;
    runtime::metrics::alert_cap_used(
        match count {
            Count::Within { used } => used,
            Count::Over => limit.into(),
        },
        cap,
    );
    Ok(matches!(count, Count::Within { .. }))
}

/// Transient failures are the caller's; a message refused for good goes to the outbox, where people can see it.
async fn send(alerting: &Alerting, email: &Email) -> Result<Delivery, PortError> {
    match alerting.mailer.send(email).await {
        Ok(Accepted::Sent { id }) => Ok(Delivery::Sent { id }),
        Ok(Accepted::Filed { file }) => Ok(Delivery::Filed { file }),
        Err(PortError::Permanent { service, cause }) => {
            alerting.outbox.send(email).await?;
            Ok(Delivery::Refused { reason: format!("{service}: {cause}") })
        }
        Err(error @ PortError::Transient { .. }) => Err(error),
    }
}

/// Sends each recipient one message with everything held for them, heaviest first. Returns how many messages went out.
///
/// # Errors
/// The first failure; what was sent before it is settled, the rest waits for the next digest.
pub async fn digest(alerting: &Alerting, now: Timestamp) -> Result<usize, PortError> {
    let policy = alerting.settings.policy().await?;
    let mut held: BTreeMap<EmailAddress, Vec<Arc<Alert>>> = BTreeMap::new();
    for alert in alerting.alerts.alerts(now).await? {
        if matches!(alert.delivery, Delivery::Held { .. }) {
            held.entry(alert.recipient.clone()).or_default().push(alert);
        }
    }
    let messages = held.len();
    for (recipient, mut alerts) in held {
        alerts.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then_with(|| a.key().cmp(&b.key())));
        let email = render::digest(&recipient, &alerts, &policy.helpdesk_url, now);
        let delivery = match send(alerting, &email).await? {
            Delivery::Sent { .. } | Delivery::Filed { .. } => Delivery::Digested,
            refused => refused,
        };
        for alert in alerts {
            note(alerting, &alert, &delivery, now).await?;
            alerting.alerts.settle(alert.key(), "digest", delivery.clone()).await?;
        }
    }
    Ok(messages)
}

async fn note(alerting: &Alerting, alert: &Alert, delivery: &Delivery, now: Timestamp) -> Result<(), PortError> {
    let outcome: Cow<'static, str> = match delivery {
        Delivery::Held { reason } => format!("held: {reason}").into(),
        other => other.word().into(),
    };
    tracing::info!(alert = %alert.key(), outcome = %outcome, "Alert {}: {outcome}.", alert.key());
    let entry = AuditEntry {
        at: now,
        ticket: alert.ticket,
        action: AuditAction::AlertEmail,
        target: alert.key().to_string().into(),
        outcome,
    };
    alerting.audit.append(&entry).await
}
