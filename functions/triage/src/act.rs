//! Performs a plan's effects: alerts first, since people wait for them, then the one write to the helpdesk.

use std::time::Duration;

use domain::{
    Alert, Begun, Plan, Resolution, TicketState, TicketUpdate,
    ports::{Fenced, Lease, Opened, PortError, Updated},
};
use jiff::Timestamp;
use runtime::{
    AlertMessage,
    message::{self, Envelope},
};

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
        Some(update) => write(triage, lease, plan, update, state, now).await,
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

/// Writes once. What is begun is saved first, so that a lost answer can be looked up.
async fn write(
    triage: &Triage,
    lease: &Lease,
    plan: &Plan,
    update: &TicketUpdate,
    state: &mut TicketState,
    now: Timestamp,
) -> Result<Acted, PortError> {
    if plan.record.resolution == Resolution::AutoResolved {
        state.answered = Some(plan.record.version);
    }
    state.begun = Some(Begun { marker: update.marker.clone(), written: plan.written.clone() });
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

/// Finds out whether a write that an earlier attempt began has arrived; if so, it is what we last wrote.
pub(crate) async fn look_up_begun(
    triage: &Triage,
    lease: &Lease,
    state: &mut TicketState,
    now: Timestamp,
) -> Result<(), PortError> {
    let Some(begun) = &state.begun else { return Ok(()) };
    if triage.helpdesk.has_marker(lease.ticket, &begun.marker).await? {
        let target = begun.marker.to_string();
        audit(triage, lease.ticket, now, "zendesk_update", target, "arrived at an earlier attempt").await?;
        state.written = begun.written.clone().or(state.written.take());
        state.begun = None;
    }
    Ok(())
}
