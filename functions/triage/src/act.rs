//! Performs a plan's effects: alerts first, since people wait for them, then the one write to the helpdesk.

use std::time::Duration;

use domain::{
    Alert, Plan, TicketState, TicketUpdate,
    ports::{Fenced, Lease, Opened, PortError, Updated},
};
use edge::{
    AlertMessage,
    message::{self, Envelope},
};
use jiff::Timestamp;

use crate::{Triage, audit};

pub(crate) enum Acted {
    Performed,
    /// The ticket is closed or deleted: recorded, but nothing was written.
    Gone,
    Conflict,
    Overtaken,
}

pub(crate) async fn act(
    triage: &Triage,
    lease: &Lease,
    plan: &Plan,
    state: &mut TicketState,
    (now, expires): (Timestamp, Timestamp),
) -> Result<Acted, PortError> {
    for alert in &plan.alerts {
        raise(triage, alert, (now, expires)).await?;
    }
    match &plan.record.update {
        Some(update) => write(triage, lease, update, state, now).await,
        None => Ok(Acted::Performed),
    }
}

/// Opens the alert and tells the alert function. An alert that waits may have lost its message, so it is told again;
/// one that was settled is left in peace.
async fn raise(triage: &Triage, alert: &Alert, (now, expires): (Timestamp, Timestamp)) -> Result<(), PortError> {
    let key = alert.key();
    match triage.alerts.open(alert, expires).await? {
        Opened::Settled => return Ok(()),
        Opened::New => audit(triage, alert.ticket, now, "alert_raised", key.to_string(), "queued").await?,
        Opened::Waiting => {}
    }
    message::send(&*triage.alert_queue, &Envelope::new(AlertMessage::new(key)), Duration::ZERO).await
}

/// Writes once. What was begun by an earlier attempt is looked up before it is tried again.
async fn write(
    triage: &Triage,
    lease: &Lease,
    update: &TicketUpdate,
    state: &mut TicketState,
    now: Timestamp,
) -> Result<Acted, PortError> {
    if state.begun.as_ref() == Some(&update.marker) && triage.helpdesk.has_marker(update.ticket, &update.marker).await?
    {
        audit(triage, update.ticket, now, "zendesk_update", update.marker.to_string(), "arrived at an earlier attempt")
            .await?;
        return Ok(Acted::Performed);
    }
    state.begun = Some(update.marker.clone());
    if triage.log.save(lease, state).await? == Fenced::Lost {
        return Ok(Acted::Overtaken);
    }
    let (acted, outcome) = match triage.helpdesk.update(update).await? {
        Updated::Applied => (Acted::Performed, "applied"),
        Updated::Conflict => (Acted::Conflict, "the ticket changed meanwhile"),
        Updated::Gone => (Acted::Gone, "the ticket is closed or gone"),
    };
    audit(triage, update.ticket, now, "zendesk_update", update.marker.to_string(), outcome).await?;
    Ok(acted)
}
