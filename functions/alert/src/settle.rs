//! The end of a delivery: outcome and audit in one write, so that neither can fail without the other.

use std::borrow::Cow;

use domain::{
    Alert, AlertKey, AuditAction, AuditEntry, Delivery,
    ports::{Fenced, Handover, PortError, told},
};
use jiff::Timestamp;

use crate::Alerting;

/// How a delivery ended.
pub(crate) struct Outcome {
    pub(crate) delivery: Delivery,
    /// What earlier deliverers may have done.
    pub(crate) handover: Handover,
    pub(crate) at: Timestamp,
}

impl Outcome {
    /// A message went out, and another may have gone out before.
    fn may_be_duplicate(&self) -> bool {
        let went_out = match self.delivery {
            Delivery::Sent { .. } | Delivery::Filed { .. } | Delivery::Digested => true,
            Delivery::Pending | Delivery::Skipped { .. } | Delivery::Held { .. } | Delivery::Refused { .. } => false,
        };
        went_out && self.handover == Handover::Possible
    }

    fn words(&self) -> Cow<'static, str> {
        match &self.delivery {
            told @ (Delivery::Held { .. } | Delivery::Skipped { .. }) => told.to_string().into(),
            other if self.may_be_duplicate() => format!("{}, may be a duplicate", other.word()).into(),
            other => other.word().into(),
        }
    }
}

/// Settles the alert for its owner.
///
/// # Errors
/// What the alert log says, at the second attempt too: the alert is delivered again once its lease has expired.
pub(crate) async fn settle(alerting: &Alerting, alert: &Alert, owner: &str, outcome: Outcome) -> Result<(), PortError> {
    let key = alert.key();
    let entry = AuditEntry {
        at: outcome.at,
        ticket: alert.ticket,
        action: AuditAction::AlertEmail,
        target: key.to_string().into(),
        outcome: outcome.words(),
    };
    let write = || alerting.alerts.settle(key, owner, outcome.delivery.clone(), &entry);
    let settled = match write().await {
        // The message is out: a second attempt here costs less than a second message.
        Err(PortError::Transient { .. }) => write().await?,
        answered => answered?,
    };
    let may_be_duplicate = outcome.may_be_duplicate();
    let words = &entry.outcome;
    match settled {
        Fenced::Written => tracing::info!(alert = %key, outcome = %words, may_be_duplicate, "Settled an alert."),
        // By another deliverer, or by our first attempt, whose answer was lost.
        Fenced::Lost => {
            tracing::warn!(alert = %key, outcome = %words, may_be_duplicate, "The alert had already been settled.");
        }
    }
    Ok(())
}

/// Releases an alert, so that nobody has to wait for its lease to expire.
pub(crate) async fn give_back(alerting: &Alerting, key: AlertKey, owner: &str, handover: Handover) {
    if let Err(error) = alerting.alerts.release(key, owner, handover).await {
        tracing::warn!(alert = %key, error = told(&error), "Failed to release an alert; its lease has to expire.");
    }
}
