//! What is said once more about an alert that went out: after a snooze, to whom it was handed, and to a second address when
//! nobody took it.

use std::time::Instant;

use domain::{
    Alert, AlertKey, AuditAction, AuditEntry, Delivery, EmailAddress, FollowUp, Policy,
    follow_up::{self, Reminder},
    ports::{Fenced, Handover, Leased, PortError, told},
};
use jiff::Timestamp;
use runtime::Invocation;

use crate::{
    Alerting, Undelivered, chat, conversation, give_back_count,
    links::Signer,
    render::{self, Note, Single},
    send, within_cap,
};

/// Somebody who presses meanwhile is looked at again that often.
const LOOKS: usize = 4;

/// One call that reminds.
struct Round<'a> {
    alerting: &'a Alerting,
    policy: &'a Policy,
    signer: Option<Signer>,
    owner: String,
    now: Timestamp,
    until: Timestamp,
}

/// Sends what is due again: alerts whose snooze is over, to whoever snoozed them, and critical ones that nobody took for
/// too long, to the second address. Returns how many messages went out.
///
/// Each alert is leased while it is said again, and what was said is stored with it: a second call says nothing twice. A
/// call that dies between the mail service's answer and that write makes the next one say it again, in the same thread.
/// While a switch is off nothing is sent.
///
/// # Errors
/// The first failure, after every alert had its turn.
pub async fn remind(alerting: &Alerting, invocation: &Invocation) -> Result<usize, PortError> {
    let (started, now) = (Instant::now(), invocation.now);
    let policy = alerting.settings.policy().await?;
    if policy.withholds().is_some() {
        return Ok(0);
    }
    let due = due(alerting, &policy, now).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let round = Round {
        alerting,
        policy: &policy,
        signer: alerting.signer(&policy).await,
        owner: format!("{}@{}", invocation.request_id, now.as_nanosecond()),
        now,
        until: invocation.lease_until(),
    };
    let mut failures = Vec::new();
    let mut messages = 0;
    for key in due {
        if !invocation.has_time(started.elapsed()) {
            tracing::warn!("Left some reminders for the next hour.");
            break;
        }
        match round.say_again(key).await {
            Ok(said) => messages += usize::from(said),
            Err(error) => {
                tracing::error!(alert = %key, error = told(&error), "Failed to remind of an alert.");
                failures.push(error);
            }
        }
    }
    failures.into_iter().next().map_or(Ok(messages), Err)
}

/// Tells the new owner of an alert that was handed over, at once. [`remind()`] does it later, should this fail.
///
/// # Errors
/// As [`remind()`].
pub(crate) async fn tell_new_owner(
    alerting: &Alerting,
    key: AlertKey,
    owner: &str,
    invocation: &Invocation,
) -> Result<(), PortError> {
    let now = invocation.now;
    let alert = alerting.follow_ups.alert(key, now).await?;
    if alert.is_none_or(|alert| alert.follow_up.to_tell().is_none()) {
        return Ok(());
    }
    let policy = alerting.settings.policy().await?;
    if policy.withholds().is_some() {
        return Ok(());
    }
    let (signer, owner) = (alerting.signer(&policy).await, owner.to_owned());
    let round = Round { alerting, policy: &policy, signer, owner, now, until: invocation.lease_until() };
    round.say_again(key).await.map(drop)
}

async fn due(alerting: &Alerting, policy: &Policy, now: Timestamp) -> Result<Vec<AlertKey>, PortError> {
    let alerts = alerting.alerts.alerts(now).await?;
    let due = alerts.iter().filter(|alert| follow_up::reminder(alert, &policy.alerts, now).is_some());
    Ok(due.map(|alert| alert.key()).collect())
}

impl Round<'_> {
    async fn say_again(&self, key: AlertKey) -> Result<bool, PortError> {
        let (control, work) = (&self.alerting.control, format!("reminder/{key}"));
        match control.lease(&work, &self.owner, self.now, self.until).await? {
            Leased::Mine { .. } => {}
            Leased::Theirs { .. } => return Ok(false),
        }
        let said = self.under_lease(key).await;
        if let Err(error) = control.release(&work, &self.owner).await {
            tracing::warn!(error = told(&error), "Failed to release a reminder's lease; it has to expire.");
        }
        said
    }

    async fn under_lease(&self, key: AlertKey) -> Result<bool, PortError> {
        // Read again under the lease: another call may have said it, and somebody may have pressed.
        let Some(alert) = self.alerting.follow_ups.alert(key, self.now).await? else { return Ok(false) };
        let Some(reminder) = follow_up::reminder(&alert, &self.policy.alerts, self.now) else { return Ok(false) };
        let (to, note, next) = match reminder {
            // Who gets it could not say that they have it.
            Reminder::Escalated { .. } if self.signer.is_none() => return Ok(false),
            Reminder::Escalated { to, next } => (to, Note::NotTaken { first: alert.recipient.clone() }, next),
            Reminder::Woken { to, next } => (to, Note::SnoozeOver, next),
            Reminder::HandedOver { handed, next } => {
                (handed.to, Note::HandedOver { by: handed.by, at: handed.at }, next)
            }
        };
        if !within_cap(self.alerting, self.policy, alert.band, self.now).await? {
            return Ok(false);
        }
        let delivery = self.send(&alert, &to, &note).await?;
        self.store(alert, to, &note, next, &delivery).await?;
        Ok(true)
    }

    async fn send(&self, alert: &Alert, to: &EmailAddress, note: &Note) -> Result<Delivery, PortError> {
        let email = render::single(Single {
            alert,
            place: &conversation::again(self.alerting, alert, self.now).await,
            to,
            policy: self.policy,
            pages: self.alerting.pages.as_ref(),
            buttons: self.signer.as_ref().map(|signer| signer.buttons(alert, to, self.now)),
            note: Some(note),
        });
        match send(self.alerting, &email).await {
            Ok(delivery) => {
                if matches!(delivery, Delivery::Refused { .. }) {
                    give_back_count(self.alerting, self.now).await;
                }
                Ok(delivery)
            }
            Err(Undelivered { error, handover, .. }) => {
                if handover == Handover::Never {
                    give_back_count(self.alerting, self.now).await;
                }
                Err(error)
            }
        }
    }

    /// What was said is stored whatever people press meanwhile: the second address may press only once it is known.
    async fn store(
        &self,
        mut alert: Alert,
        to: EmailAddress,
        note: &Note,
        mut next: FollowUp,
        delivery: &Delivery,
    ) -> Result<(), PortError> {
        let key = alert.key();
        let entry = AuditEntry {
            at: self.now,
            ticket: alert.ticket,
            action: AuditAction::AlertEmail,
            target: key.to_string().into(),
            outcome: format!("{}, {}", delivery.word(), note.reason()).into(),
        };
        let mut trouble = None;
        for _ in 0..LOOKS {
            match self.alerting.follow_ups.follow_up(&alert, &next, &entry).await {
                Ok(Fenced::Written) => {
                    tracing::info!(alert = %key, outcome = %entry.outcome, "Said an alert again.");
                    alert.follow_up = next;
                    chat::refresh(self.alerting, &alert).await;
                    return Ok(());
                }
                Ok(Fenced::Lost) => {}
                // The message is out: another attempt here costs less than a second message.
                Err(error @ PortError::Transient { .. }) => trouble = Some(error),
                Err(error) => return Err(error),
            }
            match self.alerting.follow_ups.alert(key, self.now).await? {
                Some(found) if found.follow_up == next => return Ok(()),
                Some(found) => alert = found,
                // Erased meanwhile.
                None => return Ok(()),
            }
            next = match note {
                Note::NotTaken { .. } => alert.follow_up.told(&to),
                Note::HandedOver { at, .. } => match alert.follow_up.to_tell() {
                    Some((handed, next)) if handed.to == to && handed.at == *at => next,
                    // They did something, or it went on to somebody else.
                    Some(_) | None => return Ok(()),
                },
                Note::SnoozeOver => match alert.follow_up.woken(self.now) {
                    Ok(woken) => woken,
                    // Somebody pressed: it is no longer snoozed.
                    Err(_) => return Ok(()),
                },
            };
        }
        Err(trouble.unwrap_or_else(|| PortError::transient("the alert log", "an alert kept changing")))
    }
}
