//! Delivery of alerts: conversations, daily cap, e-mail, chat, digests. Triage decides what is said, this decides whether and when.

mod ask;
mod chat;
mod conversation;
mod daily;
mod digest;
mod errand;
mod links;
mod remind;
mod render;
mod resend;
mod settle;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    Alert, AlertKey, AlertKind, Band, Delivery, Policy,
    ports::{
        Accepted, AlertLog, Chat, Control, Conversations, Count, Email, FollowUps, Handover, Mailer, PortError, Queue,
        Settings, Taken, Threads, told,
    },
    record::utc_day,
};
use jiff::{SignedDuration, Timestamp};
use runtime::{AlertMessage, Handler, Invocation, Queues, Verdict, account_page, batch, handle_batch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    conversation::Admitted,
    links::Signer,
    render::Single,
    settle::{Outcome, give_back, settle},
};
pub use crate::{
    daily::{daily, next_morning},
    digest::{PENDING_TOO_LONG, digest},
    links::Links,
    remind::remind,
    resend::{Resend, Resent, Unread, resend},
};

/// What alerting needs from outside.
#[derive(Clone)]
pub struct Alerting {
    pub settings: Arc<dyn Settings>,
    pub alerts: Arc<dyn AlertLog>,
    pub follow_ups: Arc<dyn FollowUps>,
    pub conversations: Arc<dyn Conversations>,
    pub control: Arc<dyn Control>,
    pub mailer: Arc<dyn Mailer>,
    /// Where messages go that the mail service refuses for good.
    pub outbox: Arc<dyn Mailer>,
    /// The queue this function reads from, to put messages off.
    pub queue: Arc<dyn Queue>,
    /// Where messages are parked that cannot be handled.
    pub dead_letters: Arc<dyn Queue>,
    /// For what a digest has no room for.
    pub pages: Option<Pages>,
    /// For what a reader can do with an alert. None: mails have no such links.
    pub links: Option<Links>,
    /// Beside the mails, where the policy says so.
    pub chat: Option<Chatting>,
}

/// A chat, and the conversations that go on in it.
#[derive(Clone)]
pub struct Chatting {
    pub chat: Arc<dyn Chat>,
    pub threads: Arc<dyn Threads>,
    /// A channel takes one message a second; a folder takes any.
    pub paced: bool,
}

impl Alerting {
    pub(crate) async fn signer(&self, policy: &Policy) -> Option<Signer> {
        self.links.as_ref()?.signer(&policy.time_zone).await
    }
}

/// Where the dashboard shows every alert, by kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pages {
    pub guardian: String,
    pub opportunity: String,
    pub outage: String,
    /// Where on them an account is.
    pub accounts: AccountPlace,
}

/// Where what happened with an account is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountPlace {
    /// On a page of its own, in the folder of the dashboard.
    Page,
    /// On the dashboard itself.
    Panel,
}

impl Pages {
    pub(crate) fn of(&self, kind: AlertKind) -> &str {
        match kind {
            AlertKind::Guardian => &self.guardian,
            AlertKind::Opportunity => &self.opportunity,
            AlertKind::Outage => &self.outage,
        }
    }

    /// The alert's account, on the dashboard of those who get such alerts.
    pub(crate) fn account(&self, alert: &Alert) -> String {
        let dashboard = self.of(alert.signal.kind());
        match self.accounts {
            AccountPlace::Page => format!("{dashboard}{}", account_page::path(&alert.account, alert.at)),
            AccountPlace::Panel => format!("{dashboard}#account-{}", account_page::id(&alert.account)),
        }
    }
}

/// What the function is called with.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Event {
    Command(Command),
    Queue(SqsEvent),
}

/// What the schedule or a person asks for: `{"action": "digest"}`, `{"action": "resend", "states": ["refused"]}`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Command {
    Digest,
    Resend(Resend),
}

/// What the caller hears.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Batch(SqsBatchResponse),
    /// How many digests went out, how many alerts were said again, and how many people were told what is open.
    Digested {
        messages: usize,
        reminders: usize,
        daily: usize,
    },
    Resent(Resent),
}

/// Handles whatever the function is called with.
///
/// # Errors
/// A digest that failed; the schedule calls again. Alerts to send again that cannot be listed.
pub async fn handle_event(alerting: &Alerting, event: Event, invocation: &Invocation) -> Result<Answer, PortError> {
    match event {
        Event::Queue(messages) => Ok(Answer::Batch(handle(alerting, messages, invocation).await)),
        Event::Command(Command::Digest) => {
            // Each has its turn, however the other fares.
            let (digested, reminded) = (digest(alerting, invocation).await, remind(alerting, invocation).await);
            // Last, so that it shows what has just come back from a snooze.
            let told = daily(alerting, invocation).await;
            let (messages, reminders, daily) = (digested?, reminded?, told?);
            runtime::metrics::digest();
            tracing::info!(messages, reminders, daily, "Finished the digest.");
            Ok(Answer::Digested { messages, reminders, daily })
        }
        Event::Command(Command::Resend(asked)) => Ok(Answer::Resent(resend(alerting, &asked, invocation).await?)),
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
        let handled = match &delivery.content.links_to {
            Some(to) => ask::mail_links(self.alerting, key, to, self.invocation.now).await,
            None => one_alert(self.alerting, key, &delivery.owner, self.invocation).await,
        };
        handled.unwrap_or_else(|error| {
            tracing::error!(alert = %key, error = told(&error), "Failed to deliver an alert.");
            Verdict::from(&error)
        })
    }

    /// A parked alert is still open and on the dashboard; the log has the reason.
    async fn parked(&self, _: &Value, _: &str) {}
}

/// Takes an alert, delivers it and settles it.
pub(crate) async fn one_alert(
    alerting: &Alerting,
    key: AlertKey,
    owner: &str,
    invocation: &Invocation,
) -> Result<Verdict, PortError> {
    let now = invocation.now;
    let (alert, handover) = match alerting.alerts.take(key, owner, now, invocation.lease_until()).await {
        Ok(Taken::Mine { alert, handover }) => (alert, handover),
        Ok(Taken::Theirs { until }) => {
            return Ok(Verdict::Later { at_most: batch::delay(until.duration_since(now)) });
        }
        // The mail is settled; the chat may not be, and somebody may have handed it over.
        Ok(Taken::Settled) => {
            chat::tell(alerting, key, owner, invocation).await?;
            remind::tell_new_owner(alerting, key, owner, invocation).await?;
            return Ok(Verdict::Done);
        }
        Err(error) => {
            // If only the answer was lost, the lease is ours; releasing it spares the next delivery the wait.
            give_back(alerting, key, owner, Handover::Never).await;
            return Err(error);
        }
    };
    match deliver(alerting, &alert, now).await {
        Ok(delivery) => settle(alerting, &alert, owner, Outcome { delivery, handover, at: now }).await?,
        Err(Undelivered { error, handover, due }) => {
            give_back(alerting, key, owner, handover).await;
            if due {
                chat::tell(alerting, key, owner, invocation).await?;
            }
            return Err(error);
        }
    }
    chat::tell(alerting, key, owner, invocation).await?;
    Ok(Verdict::Done)
}

/// Why a message did not go out, and whether the mail service may have it all the same.
pub(crate) struct Undelivered {
    pub(crate) error: PortError,
    pub(crate) handover: Handover,
    /// It is decided that the alert goes out now: other channels need not wait.
    pub(crate) due: bool,
}

/// What fails before the mail service is asked.
impl From<PortError> for Undelivered {
    fn from(error: PortError) -> Self {
        Self { error, handover: Handover::Never, due: false }
    }
}

/// Whether and how the alert goes out now.
async fn deliver(alerting: &Alerting, alert: &Alert, now: Timestamp) -> Result<Delivery, Undelivered> {
    let policy = alerting.settings.policy().await?;
    // Asked here and not only when it was raised: a switch also stops what waits in the queue.
    if let Some(by) = policy.withholds() {
        runtime::metrics::withheld(1);
        return Ok(Delivery::Skipped { by });
    }
    let spoken = match conversation::admit(alerting, alert, &policy, now).await? {
        Admitted::Held(reason) => return Ok(Delivery::Held { reason }),
        Admitted::Speaks(spoken) => spoken,
    };
    let signer = alerting.signer(&policy).await;
    let email = render::single(Single {
        alert,
        to: &alert.recipient,
        policy: &policy,
        pages: alerting.pages.as_ref(),
        buttons: signer.map(|signer| signer.buttons(alert, &alert.recipient, now)),
        place: &spoken.place,
        note: None,
    });
    let sent = send(alerting, &email).await;
    match &sent {
        Ok(Delivery::Refused { .. }) => {
            spoken.take_back(alerting, now).await?;
            give_back_count(alerting, now).await;
        }
        Err(Undelivered { handover: Handover::Never, .. }) => give_back_count(alerting, now).await,
        Ok(_) | Err(_) => {}
    }
    sent
}

/// Takes a message that reached nobody off its day's count: a day of refusals must not use the cap up.
pub(crate) async fn give_back_count(alerting: &Alerting, now: Timestamp) {
    if let Err(error) = alerting.control.uncount(&counter(now), 1).await {
        tracing::warn!(error = told(&error), "An alert that was not sent still counts against the daily cap.");
    }
}

/// Counts the messages of a UTC day.
fn counter(now: Timestamp) -> String {
    format!("alerts/{}", utc_day(now))
}

/// Counts the message against its UTC day. The last fifth is for the critical band. A retried message may count twice:
/// the cap then errs on the side of fewer e-mails, and the digest still has everything.
pub(crate) async fn within_cap(
    alerting: &Alerting,
    policy: &Policy,
    band: Band,
    now: Timestamp,
) -> Result<bool, PortError> {
    let Some(cap) = policy.alerts.daily_cap else { return Ok(true) };
    let limit = match band {
        Band::Critical => cap,
        Band::Elevated => cap - cap / 5,
    };
    let expires = now + SignedDuration::from_hours(48);
    let count = alerting.control.count(&counter(now), 1, limit.into(), expires).await?;
    runtime::metrics::alert_cap_used(
        match count {
            Count::Within { used } => used,
            Count::Over => limit.into(),
        },
        cap,
    );
    Ok(matches!(count, Count::Within { .. }))
}

/// What may work later is for the caller, the mail service refusing us included; a message refused for what it says or
/// whom it is for goes to the outbox, where people can see it.
pub(crate) async fn send(alerting: &Alerting, email: &Email) -> Result<Delivery, Undelivered> {
    match alerting.mailer.send(email).await {
        Ok(Accepted::Sent { id }) => Ok(Delivery::Sent { id }),
        Ok(Accepted::Filed { file }) => Ok(Delivery::Filed { file }),
        Err(PortError::Permanent { service, cause }) => {
            runtime::metrics::refused();
            tracing::error!(service, cause = told(&*cause), "The mail service refused a message for good.");
            alerting.outbox.send(email).await?;
            Ok(Delivery::Refused { reason: format!("{service}: {cause}") })
        }
        Err(error @ PortError::Denied { .. }) => {
            runtime::metrics::mail_blocked();
            Err(Undelivered { error, handover: Handover::Never, due: true })
        }
        // A time-out looks the same whether or not the message had arrived.
        Err(error @ PortError::Transient { .. }) => Err(Undelivered { error, handover: Handover::Possible, due: true }),
    }
}
