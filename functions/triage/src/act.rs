//! Performs a plan's effects: alerts first, since people wait for them, then the one write to the helpdesk.

use std::{borrow::Cow, sync::Arc, time::Duration};

use domain::{
    Alert, AuditAction, Begun, Plan, Resolution, TicketState, TicketUpdate, Version,
    plan::{Part, Written},
    ports::{Applied, Fenced, Opened, PortError, Updated},
};
use jiff::Timestamp;
use runtime::{
    AlertMessage,
    message::{self, Envelope},
};

use crate::{Run, trail::Trail};

pub(crate) enum Acted {
    /// With what the helpdesk would not take.
    Performed(Vec<Part>),
    /// An earlier attempt had written for this version, perhaps what it decided on an older history: once is enough.
    Before(Vec<Part>),
    /// The ticket is closed: recorded, but nothing was written.
    Gone,
    NotFound,
    Conflict,
    Overtaken,
}

pub(crate) async fn act(
    run: Run<'_>,
    version: Version,
    plan: &Plan,
    arrived: Option<Arrived>,
    state: &mut TicketState,
    trail: &mut Trail,
    expires: Timestamp,
) -> Result<Acted, PortError> {
    for alert in plan.alerts.iter().filter(|alert| !state.alerted.contains(&alert.key())) {
        raise(run, alert, trail, expires).await?;
    }
    match (&plan.update, arrived) {
        (Some(update), Some(arrived)) if arrived.marker == update.marker => Ok(Acted::Before(arrived.refused)),
        (Some(update), _) => write(run, version, plan, update, state, trail).await,
        (None, _) => Ok(Acted::Performed(Vec::new())),
    }
}

/// Opens the alert and queues its key. A waiting alert may have lost its message, so it is queued again; a settled one is
/// left alone.
async fn raise(run: Run<'_>, alert: &Alert, trail: &Trail, expires: Timestamp) -> Result<(), PortError> {
    let key = alert.key();
    let entry = trail.entry(AuditAction::AlertRaised, key.to_string(), "queued");
    match run.triage.alerts.open(alert, expires, &entry).await? {
        Opened::Settled => return Ok(()),
        Opened::New | Opened::Waiting => {}
    }
    message::send(&*run.triage.alert_queue, &Envelope::new(AlertMessage::new(key)), Duration::ZERO).await
}

/// Writes once. What is begun is saved first, so that a lost answer can be looked up.
async fn write(
    run: Run<'_>,
    version: Version,
    plan: &Plan,
    update: &TicketUpdate,
    state: &mut TicketState,
    trail: &mut Trail,
) -> Result<Acted, PortError> {
    let Run { triage, lease, .. } = run;
    if plan.decision.resolution == Resolution::Answered {
        state.answered = Some(version);
    }
    state.begun = Some(Begun { marker: update.marker.clone(), written: plan.written.clone() });
    if trail.save(triage, lease, state).await? == Fenced::Lost {
        return Ok(Acted::Overtaken);
    }
    let (acted, outcome) = match triage.helpdesk.update(update).await? {
        Updated::Applied(applied) => {
            let outcome = told(&applied, "applied");
            (Acted::Performed(applied.refused), outcome)
        }
        Updated::Conflict => (Acted::Conflict, Cow::Borrowed("the ticket changed meanwhile")),
        Updated::Gone => (Acted::Gone, Cow::Borrowed("the ticket is closed")),
        Updated::NotFound => (Acted::NotFound, Cow::Borrowed("no such ticket")),
    };
    trail.add(AuditAction::ZendeskUpdate, update.marker.to_string(), outcome);
    match acted {
        // Nothing else of this attempt is stored.
        Acted::Conflict | Acted::NotFound => match trail.save(triage, lease, state).await? {
            Fenced::Written => Ok(acted),
            Fenced::Lost => Ok(Acted::Overtaken),
        },
        Acted::Performed(_) | Acted::Before(_) | Acted::Gone | Acted::Overtaken => Ok(acted),
    }
}

/// The outcome for the audit. A note that customers could read, however briefly, is for a person to know of.
fn told(applied: &Applied, how: &'static str) -> Cow<'static, str> {
    let mut outcome = Cow::Borrowed(how);
    if !applied.refused.is_empty() {
        outcome.to_mut().push_str(&format!(", without {}", names(&applied.refused)));
    }
    if applied.exposed {
        runtime::metrics::exposed();
        tracing::error!("Our private note came out public and was made private.");
        outcome.to_mut().push_str(", the note came out public and was made private");
    }
    outcome
}

/// The parts as a list for a person.
pub(crate) fn names(parts: &[Part]) -> String {
    parts.iter().map(|part| part.name()).collect::<Vec<_>>().join(", ")
}

/// A write of an earlier attempt that arrived.
pub(crate) struct Arrived {
    marker: Arc<str>,
    refused: Vec<Part>,
}

/// Finds out whether a write that an earlier attempt began has arrived; if so, it is what we last wrote.
///
/// It stays begun until the triage is recorded: each further attempt has to know of it.
pub(crate) async fn look_up_begun(
    run: Run<'_>,
    state: &mut TicketState,
    trail: &mut Trail,
) -> Result<Option<Arrived>, PortError> {
    let Some(begun) = &state.begun else { return Ok(None) };
    let Some(applied) = run.triage.helpdesk.look_up(run.lease.ticket, &begun.marker).await? else { return Ok(None) };
    let outcome = told(&applied, "arrived at an earlier attempt");
    trail.add(AuditAction::ZendeskUpdate, begun.marker.to_string(), outcome);
    let arrived = Arrived { marker: begun.marker.clone(), refused: applied.refused };
    remember(state, begun.written.clone(), &arrived.refused);
    Ok(Some(arrived))
}

/// What we last wrote, but for what was refused.
pub(crate) fn remember(state: &mut TicketState, written: Option<Written>, refused: &[Part]) {
    let before = state.written.take();
    let held = before.as_ref().map(|written| written.values.clone()).unwrap_or_default();
    state.written = written.map(|written| written.without(refused, &held)).or(before);
}
