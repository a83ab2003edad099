//! The hourly digest: one message to each recipient with everything that waits for them.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    Alert, Delivery, EmailAddress, Policy,
    ports::{Handover, PortError, Taken, told},
};
use jiff::{SignedDuration, tz::Offset};
use runtime::Invocation;

use crate::{
    Alerting, Undelivered,
    errand::{Begun, Errand, Runner},
    render, send,
    settle::{Outcome, give_back, settle},
};

/// An alert pending for longer goes out with the digest. A message normally takes seconds; after an hour it is lost or
/// stuck, and the digest is the way left.
pub const PENDING_TOO_LONG: SignedDuration = SignedDuration::from_hours(1);

type Waiting = BTreeMap<EmailAddress, Vec<Arc<Alert>>>;

/// One call of the digest.
struct Digest<'a> {
    alerting: &'a Alerting,
    policy: &'a Policy,
    runner: Runner<'a>,
}

/// Sends each recipient one message with everything held for them and what was pending too long, heaviest first.
/// Returns how many messages went out.
///
/// Each recipient is leased to one digest at a time and written to once an hour, which counts when all of theirs is
/// settled. One that fails or dies keeps its lease until that runs out; the next digest then takes over. While a switch
/// is off nothing is sent.
///
/// # Errors
/// The first failure, after every recipient had their turn. What was sent is settled.
pub async fn digest(alerting: &Alerting, invocation: &Invocation) -> Result<usize, PortError> {
    let policy = alerting.settings.policy().await?;
    let digest = Digest { alerting, policy: &policy, runner: Runner::of(alerting, invocation) };
    if policy.withholds().is_some() {
        digest.keep_back().await?;
        return Ok(0);
    }
    let mut failures = Vec::new();
    let mut begun = Vec::new();
    for recipient in digest.waiting().await?.into_keys() {
        match digest.begin(&recipient).await {
            Ok(Some(handover)) => begun.push((recipient, handover)),
            Ok(None) => {}
            Err(error) => failures.push(error),
        }
    }
    // Read again under the leases: another digest may have settled what the first look found.
    let mut waiting = if begun.is_empty() { Waiting::new() } else { digest.waiting().await? };
    let mut messages = 0;
    for (recipient, handover) in begun {
        let alerts = waiting.remove(&recipient).unwrap_or_default();
        match digest.write_to(&recipient, alerts, handover).await {
            Ok(sent) => messages += usize::from(sent),
            Err(error) => failures.push(error),
        }
    }
    for error in &failures {
        tracing::error!(error = told(error), "Failed to send the digest to a recipient.");
    }
    failures.into_iter().next().map_or(Ok(messages), Err)
}

impl Digest<'_> {
    /// Everything that is due, by recipient.
    async fn waiting(&self) -> Result<Waiting, PortError> {
        let mut waiting = Waiting::new();
        for alert in self.alerting.alerts.alerts(self.runner.now).await? {
            let due = match alert.delivery {
                Delivery::Held { .. } => true,
                Delivery::Pending => self.runner.now.duration_since(alert.at) >= PENDING_TOO_LONG,
                Delivery::Sent { .. }
                | Delivery::Filed { .. }
                | Delivery::Skipped { .. }
                | Delivery::Digested
                | Delivery::Refused { .. } => false,
            };
            // Settled or called wrong: there is nothing left to say.
            if due && !alert.follow_up.is_closed() {
                waiting.entry(alert.recipient.clone()).or_default().push(alert);
            }
        }
        Ok(waiting)
    }

    /// What waits stays held: it goes out with the first digest after the switch is on again.
    async fn keep_back(&self) -> Result<(), PortError> {
        let alerts: usize = self.waiting().await?.values().map(Vec::len).sum();
        if alerts > 0 {
            runtime::metrics::withheld(alerts as u64);
            tracing::warn!(alerts, "A switch keeps the digest back.");
        }
        Ok(())
    }

    /// None if another digest is writing to the recipient, or did so this hour.
    async fn begin(&self, recipient: &EmailAddress) -> Result<Option<Handover>, PortError> {
        match self.runner.begin(&self.errand(recipient)).await? {
            Begun::Ours(handover) => Ok(Some(handover)),
            Begun::Theirs | Begun::Done => Ok(None),
        }
    }

    /// Writes to a leased recipient and settles what the message held. False if nothing was due any more.
    async fn write_to(
        &self,
        recipient: &EmailAddress,
        alerts: Vec<Arc<Alert>>,
        mut handover: Handover,
    ) -> Result<bool, PortError> {
        let mut ours = Vec::with_capacity(alerts.len());
        for alert in alerts {
            if alert.delivery != Delivery::Pending {
                ours.push(alert);
                continue;
            }
            match self.alerting.alerts.take(alert.key(), &self.runner.owner, self.runner.now, self.runner.until).await {
                Ok(Taken::Mine { handover: Handover::Never, .. }) => ours.push(alert),
                Ok(Taken::Mine { handover: Handover::Possible, .. }) => {
                    handover = Handover::Possible;
                    ours.push(alert);
                }
                Ok(Taken::Theirs { .. } | Taken::Settled) => {}
                Err(error) => {
                    tracing::warn!(alert = %alert.key(), error = told(&error), "Left an alert for the next digest.");
                    give_back(self.alerting, alert.key(), &self.runner.owner, Handover::Never).await;
                }
            }
        }
        let any = !ours.is_empty();
        if any {
            self.send_and_settle(recipient, ours, handover).await?;
        }
        let errand = self.errand(recipient);
        self.runner.done(&errand).await?;
        self.runner.end(&errand).await;
        Ok(any)
    }

    async fn send_and_settle(
        &self,
        recipient: &EmailAddress,
        mut alerts: Vec<Arc<Alert>>,
        handover: Handover,
    ) -> Result<(), PortError> {
        alerts.sort_by(|a, b| b.weight().total_cmp(&a.weight()).then_with(|| a.key().cmp(&b.key())));
        let email = render::digest(render::Digest {
            recipient,
            alerts: &alerts,
            policy: self.policy,
            pages: self.alerting.pages.as_ref(),
            signer: self.alerting.signer(self.policy).await.as_ref(),
            now: self.runner.now,
        });
        let delivery = match send(self.alerting, &email).await {
            Ok(Delivery::Sent { .. } | Delivery::Filed { .. }) => Delivery::Digested,
            Ok(refused) => refused,
            Err(Undelivered { error, handover, .. }) => {
                for alert in alerts.iter().filter(|alert| alert.delivery == Delivery::Pending) {
                    give_back(self.alerting, alert.key(), &self.runner.owner, handover).await;
                }
                return Err(error);
            }
        };
        let mut settled = Ok(());
        for alert in &alerts {
            let outcome = Outcome { delivery: delivery.clone(), handover, at: self.runner.now };
            // One that cannot be settled must not put the others into the next digest as well.
            settled = settled.and(settle(self.alerting, alert, &self.runner.owner, outcome).await);
        }
        settled
    }

    /// Writing to a recipient, once an hour.
    fn errand(&self, recipient: &EmailAddress) -> Errand {
        let hour = Offset::UTC.to_datetime(self.runner.now).strftime("%Y-%m-%dT%H");
        let recipient = recipient.folded();
        Errand {
            work: format!("digest/{recipient}"),
            period: format!("digest/{hour}/{recipient}"),
            counts_for: SignedDuration::from_hours(2),
        }
    }
}
