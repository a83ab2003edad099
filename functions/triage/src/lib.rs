//! Triage of one ticket: claim → gather → analyse → decide → act → record.

mod act;
mod gather;
mod trail;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    Policy, Reading, Ticket, TicketContext, TicketId, TicketState, decide,
    decide::corrections,
    ports::{
        AlertLog, Analyst, Audit, Claim, Fenced, Helpdesk, Lease, PortError, Queue, Records, Settings, TicketLog, told,
    },
    time::later,
};
use runtime::{Cause, Delivery, Handler, Invocation, Queues, TicketMessage, Verdict, batch, handle_batch};
use serde::Deserialize;
use serde_json::Value;

use crate::{act::Acted, gather::Gathered, trail::Trail};

/// A ticket that changed under our hands is read again after this at the latest: whoever changed it is mostly done by then,
/// and an update that follows upon another must not use up the message's receives.
const AFTER_CONFLICT: Duration = Duration::from_secs(30);

/// Receives after which a ticket that is not there is given up: by the backoff 78 to 155 s after the first, two minutes in
/// the middle. Zendesk's reads lag by seconds; what is missing longer was deleted, or the address or a permission is wrong.
const LOOKED_FOR: u32 = 6;

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
    /// Where messages are parked that cannot be handled.
    pub dead_letters: Arc<dyn Queue>,
    /// The queue of the alert function.
    pub alert_queue: Arc<dyn Queue>,
}

/// Handles a batch, one verdict per record.
pub async fn handle(triage: &Triage, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
    let queues = Queues { source: &*triage.tickets, dead_letters: &*triage.dead_letters };
    handle_batch(event, queues, invocation, &Batch { triage, invocation, started: Instant::now() }).await
}

/// One call's batch of ticket messages.
struct Batch<'a> {
    triage: &'a Triage,
    invocation: &'a Invocation,
    started: Instant,
}

#[async_trait]
impl Handler for Batch<'_> {
    type Message = TicketMessage;

    async fn handle(&self, delivery: Delivery<TicketMessage>) -> Verdict {
        let verdict = one_ticket(self.triage, &delivery, (self.invocation, self.started)).await;
        verdict.unwrap_or_else(|error| {
            let ticket = delivery.content.ticket_id;
            tracing::error!(ticket.id = %ticket, error = told(&error), "Triage of a ticket failed.");
            Verdict::from(&error)
        })
    }

    /// Says in the audit why a message was parked, if it at least names a ticket.
    async fn parked(&self, message: &Value, reason: &str) {
        let Some(Ok(ticket)) = message.get("ticket_id").map(TicketId::deserialize) else { return };
        let entry = trail::entry(ticket, self.invocation.now, "triage_parked", "tickets queue", reason.to_owned());
        if let Err(error) = self.triage.audit.append(&entry).await {
            tracing::warn!(ticket.id = %ticket, error = told(&error), "Failed to audit a parked message.");
        }
    }
}

/// The claim around the work: given back whenever the work does not finish.
async fn one_ticket(
    triage: &Triage,
    delivery: &Delivery<TicketMessage>,
    (invocation, started): (&Invocation, Instant),
) -> Result<Verdict, PortError> {
    let message = &delivery.content;
    let lease = Lease { ticket: message.ticket_id, owner: delivery.owner.clone(), until: invocation.lease_until() };
    let state = match triage.log.claim(&lease, invocation.now).await? {
        Claim::Mine(state) => *state,
        // The owner mostly finishes long before the lease ends, which is only for one that died.
        Claim::Theirs { until } => {
            return Ok(Verdict::Later { at_most: batch::delay(until.duration_since(invocation.now)) });
        }
    };
    let outcome = work(triage, message, &lease, state, (invocation, started)).await;
    let released = match outcome {
        Ok(Outcome::Finished) => Ok(()),
        Ok(_) | Err(_) => triage.log.release(&lease).await,
    };
    // What went wrong in the work says more than a claim that has to run out by itself.
    let outcome = outcome?;
    released?;
    Ok(match outcome {
        Outcome::Finished | Outcome::NothingToDo | Outcome::Overtaken => Verdict::Done,
        Outcome::Changed => Verdict::Later { at_most: AFTER_CONFLICT },
        Outcome::NotFound => not_found(delivery),
    })
}

/// A webhook can be quicker than what Zendesk reads from: the ticket is looked for a few times before it is given up.
fn not_found(delivery: &Delivery<TicketMessage>) -> Verdict {
    let ticket = delivery.content.ticket_id;
    if delivery.receives < LOOKED_FOR {
        tracing::warn!(ticket.id = %ticket, receives = delivery.receives, "Found no such ticket yet.");
        return Verdict::Again { not_before: None };
    }
    runtime::metrics::not_found();
    Verdict::Park { reason: "no such ticket".to_owned() }
}

enum Outcome {
    /// Recorded and released.
    Finished,
    /// This version was triaged before.
    NothingToDo,
    /// The helpdesk has no such ticket, or not yet.
    NotFound,
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
        return Ok(Outcome::NotFound);
    };
    let mut trail = Trail::new(lease.ticket, now);
    act::look_up_begun(triage, &mut state, &mut trail).await?;
    note_corrections(&ticket, &mut state, &mut trail);
    if state.done == Some(ticket.version) {
        if !trail.is_empty() {
            trail.save(triage, lease, &state).await?;
        }
        return Ok(Outcome::NothingToDo);
    }
    trail.add("webhook_received", cause(message), "triage");

    let gathered = gather::gather(triage, ticket, now).await?;
    let within = invocation.reading_time(called.elapsed());
    let Some(reading) = reading(triage, lease, &gathered, &mut state, within, &mut trail).await? else {
        return Ok(Outcome::Overtaken);
    };
    let Gathered { ticket, account, history } = &gathered;
    let context = TicketContext { ticket, account, history, state: &state };
    let mut plan = decide(context, &reading, &policy, now);
    let expires = later(now, policy.retention);

    match act::act(triage, lease, &plan, &mut state, &mut trail, expires).await? {
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
    match triage.log.finish(lease, &state, &plan.record, expires, trail.entries()).await? {
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
    within: Duration,
    trail: &mut Trail,
) -> Result<Option<Reading>, PortError> {
    let version = gathered.ticket.version;
    if let Some(stored) = state.reading.as_ref().filter(|stored| stored.0 == version) {
        return Ok(Some(stored.1.clone()));
    }
    let reading = triage.analyst.read(&gathered.ticket, &gathered.account, within).await?;
    if !reading.redactions.is_empty() {
        let counts = reading.redactions.iter().map(|(kind, count)| format!("{count} {kind}"));
        let outcome = counts.collect::<Vec<_>>().join(", ");
        trail.add("redaction", "language model", outcome);
    }
    state.reading = Some(Box::new((version, reading.clone())));
    Ok(match trail.save(triage, lease, state).await? {
        Fenced::Written => Some(reading),
        Fenced::Lost => None,
    })
}

/// Puts what people decided otherwise on the trail, once: state and trail are saved together.
fn note_corrections(ticket: &Ticket, state: &mut TicketState, trail: &mut Trail) {
    let found = corrections(ticket, state);
    for correction in &found {
        trail.add("correction", correction.field.clone(), format!("{} to {}", correction.ours, correction.theirs));
    }
    state.corrections.extend(found);
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
