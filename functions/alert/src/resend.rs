//! What reached nobody is sent again, when a person who mended the cause asks for it.

use std::time::Instant;

use domain::{
    AuditAction, AuditEntry, Delivery, TicketId,
    ports::{PortError, Reopened, told},
};
use runtime::Invocation;
use serde::{Deserialize, Serialize};

use crate::{Alerting, one_alert};

/// Which alerts to send again.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resend {
    /// How they ended.
    #[serde(default = "Unread::refused")]
    pub states: Vec<Unread>,
    /// Of this ticket alone.
    #[serde(default)]
    pub ticket: Option<TicketId>,
}

/// An end of an alert that nobody has read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unread {
    /// The mail service refused it for good.
    Refused,
    /// A switch withheld it.
    Skipped,
}

impl Unread {
    fn refused() -> Vec<Self> {
        vec![Self::Refused]
    }

    fn is(self, delivery: &Delivery) -> bool {
        match self {
            Self::Refused => matches!(delivery, Delivery::Refused { .. }),
            Self::Skipped => matches!(delivery, Delivery::Skipped { .. }),
        }
    }
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Resent {
    /// Opened again and decided anew: sent, or held by cooldown or cap for the next digest.
    pub resent: usize,
    /// Failed again, or not begun for want of time: ask once more.
    pub left: usize,
}

/// Opens what was asked for again, oldest first, and delivers it at once by the same rules as ever.
///
/// # Errors
/// The alerts cannot be listed.
pub async fn resend(alerting: &Alerting, asked: &Resend, invocation: &Invocation) -> Result<Resent, PortError> {
    let started = Instant::now();
    let mut resent = Resent::default();
    for alert in alerting.alerts.alerts(invocation.now).await? {
        let wanted = asked.states.iter().any(|state| state.is(&alert.delivery))
            && asked.ticket.is_none_or(|ticket| ticket == alert.ticket);
        if !wanted {
            continue;
        }
        if !invocation.has_time(started.elapsed()) {
            resent.left += 1;
            continue;
        }
        let key = alert.key();
        let entry = AuditEntry {
            at: invocation.now,
            ticket: alert.ticket,
            action: AuditAction::AlertRaised,
            target: key.to_string().into(),
            outcome: "opened again".into(),
        };
        let delivered = match alerting.alerts.reopen(key, &entry).await {
            Ok(Reopened::Waiting) => one_alert(alerting, key, &invocation.request_id, invocation).await.map(drop),
            Ok(Reopened::Left) => continue,
            Err(error) => Err(error),
        };
        match delivered {
            Ok(()) => resent.resent += 1,
            Err(error) => {
                tracing::error!(alert = %key, error = told(&error), "Failed to send an alert again.");
                resent.left += 1;
            }
        }
    }
    tracing::info!(resent = resent.resent, left = resent.left, "Sent again what had reached nobody.");
    Ok(resent)
}
