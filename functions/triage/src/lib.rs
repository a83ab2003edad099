//! Triage of one ticket: claim → gather → analyse → decide → act → record.

mod act;
mod gather;

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    AuditEntry, Policy, Reading, Ticket, TicketContext, TicketId, TicketState, decide,
    decide::corrections,
    ports::{
        AlertLog, Analyst, Audit, Claim, Fenced, Helpdesk, Lease, PortError, Queue, Records, Settings, TicketLog, told,
    },
    time::later,
};
use jiff::Timestamp;
use runtime::{Cause, Invocation, TicketMessage, Verdict, batch, handle_batch};

use crate::{act::Acted, gather::Gathered};

/// A ticket that changed under our hands is read again after this.
const AFTER_CONFLICT: Duration = Duration::from_secs(2);

/// What triage needs of the outside.
#[derive(Clone)]
pub struct Triage {
    pub settings: Arc<dyn Settings>,
    pub log: Arc<dyn TicketLog>,
    pub records: Arc<dyn Records>,
    pub alerts: Arc<dyn AlertLog>,
    pub audit: Arc<dyn Audit>,
    pub helpdesk: Arc<dyn Helpdesk>,
    pub analyst: Arc<dyn Analyst>,
    /// The queue this function reads from, to put messages off.
    pub tickets: Arc<dyn Queue>,
    /// The queue of the alert function.
    pub alert_queue: Arc<dyn Queue>,
}

/// Handles a batch, one verdict per record.
pub async fn handle(triage: &Triage, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
    let started = Instant::now();
    handle_batch(
        event,
        &*triage.tickets,
        invocation,
        |delivery: batch::Delivery<TicketMessage>| async move {
            let ticket = delivery.content.ticket_id;
            let lease = Lease { ticket, owner: delivery.owner, until: invocation.lease_until() };
            one_ticket(triage, &delivery.content, &lease, (invocation, started))
                .await
                .unwrap_or_else(|error| failed(ticket, &error))
        },
        |body, reason| async move { parked(triage, &body, reason, invocation.now).await },
    )
    .await
}

/// Transient failures come again, permanent ones will not get better.
fn failed(ticket: TicketId, error: &PortError) -> Verdict {
    tracing::error!(ticket.id = %ticket, error = told(error), "Triage of ticket {ticket} failed.");
    match error {
        PortError::Transient { .. } => Verdict::Again,
        PortError::Permanent { .. } => Verdict::Park { reason: told(error) },
    }
}

/// Says in the audit why a message went to the dead letters, if it at least names a ticket.
async fn parked(triage: &Triage, body: &str, reason: String, now: Timestamp) {
    let ticket = serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|body| serde_json::from_value(body.get("ticket_id")?.clone()).ok());
    if let Some(ticket) = ticket
        && let Err(error) = audit(triage, ticket, now, "triage_parked", "tickets queue", reason).await
    {
        tracing::warn!(ticket.id = %ticket, error = told(&error), "The audit does not know why ticket {ticket} was parked.");
    }
}

/// The claim around the work: given back whenever the work does not finish.
async fn one_ticket(
    triage: &Triage,
    message: &TicketMessage,
    lease: &Lease,
    (invocation, started): (&Invocation, Instant),
) -> Result<Verdict, PortError> {
    let state = match triage.log.claim(lease, invocation.now).await? {
        Claim::Mine(state) => *state,
        Claim::Theirs { until } => {
            return Ok(Verdict::Later(batch::delay(until.duration_since(invocation.now))));
        }
    };
    let outcome = work(triage, message, lease, state, (invocation, started)).await;
    let released = match outcome {
        Ok(Outcome::Finished) => Ok(()),
        Ok(_) | Err(_) => triage.log.release(lease).await,
    };
    // What went wrong in the work says more than a claim that has to run out by itself.
    let outcome = outcome?;
    released?;
    Ok(match outcome {
        Outcome::Finished | Outcome::NothingToDo | Outcome::Overtaken => Verdict::Done,
        Outcome::Changed => Verdict::Later(AFTER_CONFLICT),
    })
}

enum Outcome {
    /// Recorded and released.
    Finished,
    /// This version was triaged before, or the ticket is gone.
    NothingToDo,
    /// The lease ran out and somebody else works on it.
    Overtaken,
    /// The ticket changed between our reading and our writing.
    Changed,
}

async fn work(
    triage: &Triage,
    message: &TicketMessage,
    lease: &Lease,
    mut state: TicketState,
    (invocation, called): (&Invocation, Instant),
) -> Result<Outcome, PortError> {
    let (now, started) = (invocation.now, Instant::now());
    let policy = triage.settings.policy().await?;

    let Some(ticket) = triage.helpdesk.ticket(lease.ticket).await? else {
        audit(triage, lease.ticket, now, "webhook_received", cause(message), "no such ticket").await?;
        return Ok(Outcome::NothingToDo);
    };
    act::look_up_begun(triage, lease, &mut state, now).await?;
    let corrected = note_corrections(triage, &ticket, &mut state, now).await?;
    if state.done == Some(ticket.version) {
        if corrected {
            triage.log.save(lease, &state).await?;
        }
        return Ok(Outcome::NothingToDo);
    }
    audit(triage, ticket.id, now, "webhook_received", cause(message), "triage").await?;

    let gathered = gather::gather(triage, ticket, now).await?;
    let within = invocation.reading_time(called.elapsed());
    let Some(reading) = reading(triage, lease, &gathered, &mut state, (within, now)).await? else {
        return Ok(Outcome::Overtaken);
    };
    let Gathered { ticket, account, history } = &gathered;
    let context = TicketContext { ticket, account, history, state: &state };
    let mut plan = decide(context, &reading, &policy, now);
    let expires = later(now, policy.retention);

    match act::act(triage, lease, &plan, &mut state, (now, expires)).await? {
        Acted::Performed => {
            state.written = plan.written.take().or(state.written);
        }
        Acted::Gone => {}
        Acted::Conflict => return Ok(Outcome::Changed),
        Acted::Overtaken => return Ok(Outcome::Overtaken),
    }

    state.done = Some(ticket.version);
    state.reading = None;
    state.begun = None;
    plan.record.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    match triage.log.finish(lease, &state, &plan.record, expires).await? {
        Fenced::Written => {
            log_triaged(&plan.record, &policy);
            runtime::metrics::triaged(&plan.record);
            Ok(Outcome::Finished)
        }
        Fenced::Lost => Ok(Outcome::Overtaken),
    }
}

/// The stored reading of this version, or a new one, stored at once so that no retry asks again. None if overtaken.
async fn reading(
    triage: &Triage,
    lease: &Lease,
    gathered: &Gathered,
    state: &mut TicketState,
    (within, now): (Duration, Timestamp),
) -> Result<Option<Reading>, PortError> {
    let version = gathered.ticket.version;
    if let Some(stored) = state.reading.as_ref().filter(|stored| stored.0 == version) {
        return Ok(Some(stored.1.clone()));
    }
    let reading = triage.analyst.read(&gathered.ticket, &gathered.account, within).await?;
    if !reading.redactions.is_empty() {
        let counts = reading.redactions.iter().map(|(kind, count)| format!("{count} {kind}"));
        let outcome = counts.collect::<Vec<_>>().join(", ");
        audit(triage, lease.ticket, now, "redaction", "language model", outcome).await?;
    }
    state.reading = Some(Box::new((version, reading.clone())));
    Ok(match triage.log.save(lease, state).await? {
        Fenced::Written => Some(reading),
        Fenced::Lost => None,
    })
}

/// Puts what people decided otherwise into the audit, once. True if there was any.
async fn note_corrections(
    triage: &Triage,
    ticket: &Ticket,
    state: &mut TicketState,
    now: Timestamp,
) -> Result<bool, PortError> {
    let found = corrections(ticket, state);
    for correction in &found {
        let outcome = format!("{} to {}", correction.ours, correction.theirs);
        audit(triage, ticket.id, now, "correction", correction.field.clone(), outcome).await?;
    }
    let any = !found.is_empty();
    state.corrections.extend(found);
    Ok(any)
}

async fn audit(
    triage: &Triage,
    ticket: TicketId,
    at: Timestamp,
    action: &'static str,
    target: impl Into<Cow<'static, str>>,
    outcome: impl Into<Cow<'static, str>>,
) -> Result<(), PortError> {
    let entry = AuditEntry { at, ticket, action: action.into(), target: target.into(), outcome: outcome.into() };
    triage.audit.append(&entry).await
}

fn cause(message: &TicketMessage) -> &'static str {
    match message.cause {
        Cause::Created => "created",
        Cause::Commented => "commented",
        Cause::FieldChanged => "field_changed",
        Cause::Triggered => "triggered",
    }
}

fn log_triaged(record: &domain::Record, policy: &Policy) {
    tracing::info!(
        ticket.id = %record.ticket,
        priority = %record.priority,
        agent = %record.agent,
        risk_score = record.guardian.risk_score,
        resolution = %record.resolution,
        mode = %policy.mode,
        fallback = record.fallback.map(tracing::field::display),
        duration_ms = record.duration_ms,
        "Triaged ticket {}.",
        record.ticket
    );
}
