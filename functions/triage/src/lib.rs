//! Triage of one ticket: claim → gather → analyse → decide → act → record.

mod act;
mod erase;
mod gather;
mod trail;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{
    AuditAction, Policy, Reading, Record, Resolution, Ticket, TicketContext, TicketId, TicketState, decide,
    decide::corrections,
    plan::Part,
    ports::{
        AlertLog, Analyst, Audit, Claim, Conversations, Eraser, Fenced, FollowUps, Helpdesk, Lease, Outbox, PortError,
        Queue, Records, Settings, TicketLog, told,
    },
    record::Effort,
    time::later,
};
use runtime::{Delivery, Handler, Invocation, Queues, TicketMessage, Verdict, batch, handle_batch};
use serde::Deserialize;
use serde_json::Value;

use crate::{act::Acted, erase::Step, gather::Gathered, trail::Trail};

/// A ticket that changed while we worked on it is read again after this at the latest: by then whoever changed it is
/// usually done, and one update after another must not use up the message's receives.
const AFTER_CONFLICT: Duration = Duration::from_secs(30);

/// Receives after which a missing ticket is given up: with the backoff 78 to 155 s after the first, about two minutes.
/// Zendesk's reads lag by seconds; a ticket missing for longer was deleted, or the address or a permission is wrong.
const LOOKED_FOR: u32 = 6;

/// What triage needs from outside.
#[derive(Clone)]
pub struct Triage {
    pub settings: Arc<dyn Settings>,
    pub log: Arc<dyn TicketLog>,
    pub records: Arc<dyn Records>,
    pub alerts: Arc<dyn AlertLog>,
    /// What people made of earlier alerts.
    pub follow_ups: Arc<dyn FollowUps>,
    /// In which alerts were sent; they are forgotten with them.
    pub conversations: Arc<dyn Conversations>,
    pub audit: Arc<dyn Audit>,
    pub eraser: Arc<dyn Eraser>,
    pub outbox: Arc<dyn Outbox>,
    pub helpdesk: Arc<dyn Helpdesk>,
    pub analyst: Arc<dyn Analyst>,
    /// The queue this function reads from, to put messages off.
    pub tickets: Arc<dyn Queue>,
    /// Where messages are parked that cannot be handled.
    pub dead_letters: Arc<dyn Queue>,
    /// The queue of the alert function.
    pub alert_queue: Arc<dyn Queue>,
}

/// The work on one message: what every step of it looks at.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    triage: &'a Triage,
    delivery: &'a Delivery<TicketMessage>,
    lease: &'a Lease,
    invocation: &'a Invocation,
    /// When the function was called; its time runs from there.
    called: Instant,
}

/// Handles a batch, one verdict per record.
pub async fn handle(triage: &Triage, event: SqsEvent, invocation: &Invocation) -> SqsBatchResponse {
    let queues = Queues { source: &*triage.tickets, dead_letters: &*triage.dead_letters };
    handle_batch(event, queues, invocation, &Batch { triage, invocation, called: Instant::now() }).await
}

/// One call's batch of ticket messages.
struct Batch<'a> {
    triage: &'a Triage,
    invocation: &'a Invocation,
    called: Instant,
}

#[async_trait]
impl Handler for Batch<'_> {
    type Message = TicketMessage;

    async fn handle(&self, delivery: Delivery<TicketMessage>) -> Verdict {
        let Self { triage, invocation, called } = *self;
        let ticket = delivery.content.ticket_id;
        let lease = Lease { ticket, owner: delivery.owner.clone(), until: invocation.lease_until() };
        let run = Run { triage, delivery: &delivery, lease: &lease, invocation, called };
        one_ticket(run).await.unwrap_or_else(|error| {
            tracing::error!(ticket.id = %ticket, error = told(&error), "Failed to triage a ticket.");
            if let PortError::Denied { .. } = error {
                runtime::metrics::denied();
            }
            Verdict::from(&error)
        })
    }

    /// Says in the audit why a message was parked, if it at least names a ticket.
    async fn parked(&self, message: &Value, reason: &str) {
        let Some(Ok(ticket)) = message.get("ticket_id").map(TicketId::deserialize) else { return };
        let (now, action) = (self.invocation.now, AuditAction::TriageParked);
        let entry = trail::entry(ticket, now, action, "tickets queue", reason.to_owned());
        if let Err(error) = self.triage.audit.append(&entry).await {
            tracing::warn!(ticket.id = %ticket, error = told(&error), "Failed to audit a parked message.");
        }
    }
}

/// The claim around the work, released whenever the work does not finish.
async fn one_ticket(run: Run<'_>) -> Result<Verdict, PortError> {
    let Run { triage, lease, invocation, .. } = run;
    let state = match triage.log.claim(lease, invocation.now).await? {
        Claim::Mine(state) => *state,
        // The owner usually finishes long before the lease ends; the lease is for an owner that died.
        Claim::Theirs { until } => {
            return Ok(Verdict::Later { at_most: batch::delay(until.duration_since(invocation.now)) });
        }
    };
    let outcome = work(run, state).await;
    let released = match outcome {
        Ok(Outcome::Finished) => Ok(()),
        Ok(_) | Err(_) => triage.log.release(lease).await,
    };
    // An error in the work says more than a claim that could not be released.
    let outcome = outcome?;
    released?;
    Ok(match outcome {
        Outcome::Finished | Outcome::NothingToDo | Outcome::Overtaken => Verdict::Done,
        Outcome::Changed => Verdict::Later { at_most: AFTER_CONFLICT },
        Outcome::NotFound => not_found(run.delivery),
        Outcome::Unfinished => Verdict::Again { not_before: None },
    })
}

/// A webhook can arrive before Zendesk's reads know the ticket: it is looked for a few times before it is given up.
fn not_found(delivery: &Delivery<TicketMessage>) -> Verdict {
    let ticket = delivery.content.ticket_id;
    if delivery.receives < LOOKED_FOR {
        tracing::warn!(ticket.id = %ticket, receives = delivery.receives, "Ticket not found yet.");
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
    /// It has to be tried again.
    Unfinished,
}

async fn work(run: Run<'_>, state: TicketState) -> Result<Outcome, PortError> {
    if state.is_deleted() {
        return Ok(Outcome::NothingToDo);
    }
    match erase::if_asked(run, state).await? {
        Step::Over(outcome) => Ok(outcome),
        Step::On(state) => triaged(run, *state).await,
    }
}

async fn triaged(run: Run<'_>, mut state: TicketState) -> Result<Outcome, PortError> {
    let Run { triage, delivery, lease, invocation, .. } = run;
    let (now, started) = (invocation.now, Instant::now());
    let policy = triage.settings.policy().await?;

    let Some(ticket) = triage.helpdesk.ticket(lease.ticket).await? else {
        return Ok(Outcome::NotFound);
    };
    let mut trail = Trail::new(lease.ticket, now);
    let arrived = act::look_up_begun(run, &mut state, &mut trail).await?;
    note_corrections(&ticket, &mut state, &mut trail);
    if state.done == Some(ticket.version) {
        if !trail.is_empty() {
            trail.save(triage, lease, &state).await?;
        }
        return Ok(Outcome::NothingToDo);
    }
    trail.add(AuditAction::MessageReceived, <&str>::from(delivery.content.cause), "triage");

    let gathered = gather::gather(triage, ticket, &state, now).await?;
    let Some(reading) = reading(run, &gathered, &mut state, &mut trail).await? else {
        return Ok(Outcome::Overtaken);
    };
    let Gathered { ticket, account, history, earlier } = &gathered;
    let context = TicketContext { ticket, account, history, earlier, state: &state };
    let mut plan = decide(context, &reading, &policy, now);
    let expires = later(now, policy.retention);

    let mut unsaid = false;
    let refused = match act::act(run, ticket.version, &plan, arrived, &mut state, &mut trail, expires).await? {
        Acted::Performed(refused) => {
            act::remember(&mut state, plan.written.clone(), &refused);
            refused
        }
        Acted::Before(refused) => refused,
        Acted::Gone => {
            unsaid = true;
            Vec::new()
        }
        Acted::NotFound => return Ok(Outcome::NotFound),
        Acted::Conflict => return Ok(Outcome::Changed),
        Acted::Overtaken => return Ok(Outcome::Overtaken),
    };
    unsaid |= refused.contains(&Part::Comment);
    if unsaid && plan.decision.resolution == Resolution::Answered {
        // Nobody has the answer, so a team has to look.
        plan.decision.resolution = Resolution::Routed;
    }
    if !refused.is_empty() {
        plan.decision.reasons.push(format!("Zendesk would not take: {}", act::names(&refused)));
    }

    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let effort = Effort { at: now, duration_ms, usage: reading.usage };
    let record = Record::new(TicketContext { ticket, account, history, earlier, state: &state }, plan, effort);
    state.done = Some(ticket.version);
    state.reading = None;
    state.begun = None;
    match triage.log.finish(lease, &state, &record, expires, trail.entries()).await? {
        Fenced::Written => {
            log_triaged(&record, &policy);
            runtime::metrics::triaged(&record);
            Ok(Outcome::Finished)
        }
        Fenced::Lost => Ok(Outcome::Overtaken),
    }
}

/// The stored reading of this version, or a new one, stored at once so that no retry asks again. None if overtaken.
async fn reading(
    run: Run<'_>,
    gathered: &Gathered,
    state: &mut TicketState,
    trail: &mut Trail,
) -> Result<Option<Reading>, PortError> {
    let Run { triage, lease, invocation, called, .. } = run;
    let version = gathered.ticket.version;
    if let Some(stored) = state.reading.as_ref().filter(|stored| stored.0 == version) {
        return Ok(Some(stored.1.clone()));
    }
    let within = invocation.reading_time(called.elapsed());
    let reading = triage.analyst.read(&gathered.ticket, &gathered.account, within).await?;
    if !reading.redactions.is_empty() {
        let counts = reading.redactions.iter().map(|(kind, count)| format!("{count} {kind}"));
        let outcome = counts.collect::<Vec<_>>().join(", ");
        trail.add(AuditAction::Redaction, "language model", outcome);
    }
    state.reading = Some(Box::new((version, reading.clone())));
    Ok(match trail.save(triage, lease, state).await? {
        Fenced::Written => Some(reading),
        Fenced::Lost => None,
    })
}

/// Notes what people corrected, once: state and trail are saved together.
fn note_corrections(ticket: &Ticket, state: &mut TicketState, trail: &mut Trail) {
    let found = corrections(ticket, state);
    for correction in &found {
        let outcome = format!("{} to {}", correction.ours, correction.theirs);
        trail.add(AuditAction::Correction, <&str>::from(correction.field), outcome);
    }
    state.corrections.extend(found);
}

fn log_triaged(record: &Record, policy: &Policy) {
    tracing::info!(
        ticket.id = %record.ticket,
        priority = %record.priority,
        agent = %record.agent,
        risk_score = record.guardian.risk_score,
        resolution = %record.resolution,
        mode = %policy.mode,
        fallback = record.fallback.map(tracing::field::display),
        duration_ms = record.duration_ms,
        "Triaged a ticket."
    );
}
