//! Forgets a ticket under its claim, where a message asks for it.

use domain::{
    AlertKey, AuditAction, Erasure, ErasureReason, TicketId, TicketState,
    conversation::{self, Matter},
    ports::{Erased, PortError},
};
use jiff::Timestamp;
use runtime::Cause;

use crate::{LOOKED_FOR, Outcome, Run, Triage, trail};

/// How the work goes on.
pub(crate) enum Step {
    /// With a triage, from this state.
    On(Box<TicketState>),
    Over(Outcome),
}

/// Erases, if the message asks for it and did not have it done before.
pub(crate) async fn if_asked(run: Run<'_>, state: TicketState) -> Result<Step, PortError> {
    let Some(asked) = reason(run.delivery.content.cause) else { return Ok(Step::On(Box::new(state))) };
    let erasure = Erasure { reason: asked, message: run.delivery.message().to_owned() };
    if state.erasure.as_ref().is_some_and(|done| done.message == erasure.message) {
        return Ok(after(state));
    }
    if asked != ErasureReason::Deleted || run.triage.helpdesk.ticket(run.lease.ticket).await?.is_none() {
        return erase(run, state, erasure).await;
    }
    // Reads lag, so one that is still there is looked for again. One that stays was not deleted, whoever says so: what
    // is held of it is made anew, and nothing else happens.
    if run.delivery.receives < LOOKED_FOR {
        return Ok(Step::Over(Outcome::Unfinished));
    }
    erase(run, state, Erasure { reason: ErasureReason::Redacted, ..erasure }).await
}

fn reason(cause: Cause) -> Option<ErasureReason> {
    match cause {
        Cause::Deleted => Some(ErasureReason::Deleted),
        Cause::Redacted => Some(ErasureReason::Redacted),
        Cause::Forgotten => Some(ErasureReason::Forgotten),
        Cause::Created | Cause::Commented | Cause::FieldChanged | Cause::Triggered | Cause::Swept | Cause::Other => {
            None
        }
    }
}

async fn erase(run: Run<'_>, state: TicketState, erasure: Erasure) -> Result<Step, PortError> {
    let (triage, lease) = (run.triage, run.lease);
    // Before the entry that says that all is done.
    triage.outbox.discard(lease.ticket).await?;
    end_conversations(triage, lease.ticket).await?;
    let why: &'static str = erasure.reason.into();
    let entry = trail::entry(lease.ticket, run.invocation.now, AuditAction::Erased, "what was held", why);
    match triage.eraser.erase(lease, &state.skeleton(erasure), &[entry]).await? {
        Erased::Stored(state) => {
            tracing::info!(ticket.id = %lease.ticket, reason = why, "Erased what was held of a ticket.");
            Ok(after(*state))
        }
        // Unlike a triage, this is not done by whoever works on the ticket now.
        Erased::Lost => Ok(Step::Over(Outcome::Unfinished)),
    }
}

/// The conversations that its alerts may have been sent in: the account's next alert opens another.
async fn end_conversations(triage: &Triage, ticket: TicketId) -> Result<(), PortError> {
    for key in AlertKey::of(ticket) {
        // As of the beginning: an alert that expired meanwhile may still stand in a conversation.
        if let Some(alert) = triage.follow_ups.alert(key, Timestamp::UNIX_EPOCH).await? {
            triage.conversations.erase(&conversation::name(&alert.recipient, &Matter::of(&alert))).await?;
        }
    }
    Ok(())
}

/// What is left of a redacted ticket is read; of the others there is nothing to read.
fn after(state: TicketState) -> Step {
    match state.erasure.as_ref().map(|erasure| erasure.reason) {
        Some(ErasureReason::Deleted | ErasureReason::Forgotten) => Step::Over(Outcome::NothingToDo),
        Some(ErasureReason::Redacted) | None => Step::On(Box::new(state)),
    }
}
