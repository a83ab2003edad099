//! The sweep: asks the helpdesk what changed, and queues the tickets whose customers wrote something that no event told
//! us of. Nothing is triaged here: what is queued in vain is done already and costs a look.

mod look;
mod progress;
mod setting;

use std::{sync::Arc, time::Duration};

use domain::{
    ports::{
        Changed, Control, Count, Cursor, Cursors, Feed, Moved, PortError, Queue, Records, Stretch,
        feed::{PAGE, PAGE_REQUESTS},
        told,
    },
    time::later,
};
use jiff::{SignedDuration, Timestamp};
use runtime::{
    Cause, Invocation, TicketMessage,
    message::{self, Envelope},
};
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    look::{Look, Triaged, look},
    progress::{Kind, Progress},
};

pub use crate::setting::Setting;

/// How far the very first sweep looks back.
pub const LOOK_BACK: SignedDuration = SignedDuration::from_hours(1);

/// The cursor's name.
const NAME: &str = "sweep";
/// Requests a minute, over all sweeps: Zendesk allows so many incremental exports an account, and the tickets that events
/// did tell of come first.
const REQUESTS: u64 = 10;
/// How long their counter is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Tickets queued by one sweep at most: what half an hour of lost events leaves comes back over some sweeps, beside the
/// tickets of the day.
const MOST_FOUND: usize = 200;
/// Between two queued tickets: 20 a minute, under half of what the helpdesk's budget lets triage write.
const SPREAD: Duration = Duration::from_secs(3);
/// A sweep that has come no further than this says so.
const BEHIND: SignedDuration = SignedDuration::from_mins(30);

/// What sweeping needs from outside.
#[derive(Clone)]
pub struct Sweep {
    pub feed: Arc<dyn Feed>,
    pub records: Arc<dyn Records>,
    pub cursors: Arc<dyn Cursors>,
    pub control: Arc<dyn Control>,
    pub tickets: Arc<dyn Queue>,
    /// How far the very first sweep looks back.
    pub look_back: SignedDuration,
}

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Swept {
    /// Changed tickets that were looked at.
    pub looked_at: u64,
    /// Of these, queued for triage.
    pub found: u64,
    /// Whether everything up to the last minute has been looked at; else the next sweep goes on.
    pub complete: bool,
}

/// Sweeps once.
///
/// # Errors
/// What a port says. What was looked at before is remembered, so that the next sweep goes on there.
pub async fn handle(sweep: &Sweep, invocation: &Invocation) -> Result<Swept, PortError> {
    let cursor = sweep.cursors.get(NAME).await?;
    let mut progress = remembered(sweep, cursor.as_ref(), invocation.now);
    let mut run = Run { sweep, invocation, called: Instant::now(), swept: Swept::default() };
    let outcome = run.all(&mut progress).await;
    let swept = run.swept;
    let kept = keep(sweep, cursor.as_ref(), &progress).await;
    match outcome {
        Ok(()) => {}
        // Triage comes first where the helpdesk's budget is used up; the next sweep goes on.
        Err(error @ PortError::Transient { not_before: Some(_), .. }) => {
            tracing::warn!(error = told(&error), found = swept.found, "The helpdesk wants to be left alone for now.");
        }
        Err(error) => {
            tracing::error!(error = told(&error), found = swept.found, "Failed to sweep.");
            if let PortError::Denied { .. } = error {
                runtime::metrics::denied();
            }
            return Err(error);
        }
    }
    kept?;
    // Also that nothing was found: its absence says that the sweep has stopped.
    runtime::metrics::swept(swept.found);
    let behind = progress.behind(invocation.now);
    tracing::info!(
        looked_at = swept.looked_at,
        found = swept.found,
        complete = swept.complete,
        behind_s = behind.as_secs(),
        "Swept the helpdesk."
    );
    if behind > BEHIND {
        tracing::warn!(behind_s = behind.as_secs(), "The sweep falls behind.");
    }
    Ok(swept)
}

/// Where the last sweep stopped. One that cannot be read is a newer version's: this one begins as if it were the first.
fn remembered(sweep: &Sweep, cursor: Option<&Cursor>, now: Timestamp) -> Progress {
    let Some(cursor) = cursor else { return Progress::begin(now, sweep.look_back) };
    Progress::read(&cursor.text).unwrap_or_else(|| {
        tracing::warn!("The place where the last sweep stopped cannot be read.");
        Progress::begin(now, sweep.look_back)
    })
}

/// Remembers how far it came, unless another sweep did so meanwhile: then what was queued twice is done once.
async fn keep(sweep: &Sweep, cursor: Option<&Cursor>, progress: &Progress) -> Result<(), PortError> {
    match sweep.cursors.set(NAME, &progress.text(), cursor.map(|cursor| cursor.revision)).await? {
        Moved::Written => Ok(()),
        Moved::Overtaken => {
            tracing::info!("Another sweep ran at the same time.");
            Ok(())
        }
    }
}

/// One sweep on its way.
struct Run<'a> {
    sweep: &'a Sweep,
    invocation: &'a Invocation,
    called: Instant,
    swept: Swept,
}

/// Whether a walk came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Walked {
    ToTheEnd,
    /// Requests, room or time ran out.
    PartOfTheWay,
}

impl Run<'_> {
    /// What is new, and now and then the second look with what is left of the requests.
    async fn all(&mut self, progress: &mut Progress) -> Result<(), PortError> {
        let now = self.invocation.now;
        if self.walk(progress, Kind::Fresh).await? == Walked::PartOfTheWay {
            return Ok(());
        }
        self.swept.complete = true;
        if progress.is_back_due(now) {
            self.walk(progress, Kind::Back).await?;
        }
        Ok(())
    }

    async fn walk(&mut self, progress: &mut Progress, kind: Kind) -> Result<Walked, PortError> {
        let now = self.invocation.now;
        loop {
            if !self.has_room() || !self.may_ask(PAGE_REQUESTS).await? {
                return Ok(Walked::PartOfTheWay);
            }
            let walk = progress.walk(kind, now).clone();
            let stretch = Stretch { since: walk.since, page: walk.page };
            let changes = match self.sweep.feed.changes(&stretch).await {
                // The place to go on from may have grown too old.
                Err(error @ PortError::Permanent { .. }) if stretch.page.is_some() => {
                    progress.restart(kind);
                    return Err(error);
                }
                changes => changes?,
            };
            for changed in changes.changed {
                if changed.updated_at <= walk.until && progress.is_new(kind, &changed) {
                    self.one(&changed, progress).await?;
                    progress.looked_at(&changed);
                }
            }
            if changes.next.is_none() {
                progress.finish(kind, now);
                return Ok(Walked::ToTheEnd);
            }
            progress.walk(kind, now).page = changes.next;
        }
    }

    async fn one(&mut self, changed: &Changed, progress: &Progress) -> Result<(), PortError> {
        self.swept.looked_at += 1;
        let now = self.invocation.now;
        let record = self.sweep.records.record(changed.ticket, now).await?;
        let triaged = record.as_ref().map(Triaged::from);
        let is_lost = match (look(changed, triaged, progress.began, now), triaged) {
            (Look::Leave, _) => false,
            (Look::Lost, _) | (_, None) => true,
            (found @ (Look::Likely | Look::Unlikely), Some(triaged)) => match self.is_newer(changed, triaged).await? {
                Some(is_newer) => is_newer,
                // Triage looks for itself, so it is asked where the customer did something, and not for each agent's reply.
                None => found == Look::Likely,
            },
        };
        if is_lost {
            self.queue(changed).await?;
        }
        Ok(())
    }

    /// Whether the customer wrote after that triage; none if no request is left to ask.
    async fn is_newer(&self, changed: &Changed, triaged: Triaged) -> Result<Option<bool>, PortError> {
        if !self.may_ask(1).await? {
            return Ok(None);
        }
        let newest = self.sweep.feed.newest_customer_comment(changed.ticket).await?;
        Ok(Some(newest.is_some_and(|newest| newest > triaged.version)))
    }

    async fn queue(&mut self, changed: &Changed) -> Result<(), PortError> {
        let message = Envelope::new(TicketMessage { ticket_id: changed.ticket, cause: Cause::Swept });
        let delay = SPREAD.saturating_mul(u32::try_from(self.swept.found).unwrap_or(u32::MAX));
        message::send(&*self.sweep.tickets, &message, delay).await?;
        self.swept.found += 1;
        tracing::info!(ticket.id = %changed.ticket, "Found a ticket that no event told of.");
        Ok(())
    }

    /// Whether another page may be looked at: it may hold as many lost tickets as there are on it, and takes a moment.
    fn has_room(&self) -> bool {
        let room = MOST_FOUND.saturating_sub(usize::try_from(self.swept.found).unwrap_or(usize::MAX));
        room >= PAGE && self.invocation.has_time(self.called.elapsed())
    }

    /// Counts requests to come, if they are within the minute's limit.
    async fn may_ask(&self, requests: u64) -> Result<bool, PortError> {
        let now = self.invocation.now;
        let counter = format!("sweep/{}", now.as_second().div_euclid(60));
        let count = self.sweep.control.count(&counter, requests, REQUESTS, later(now, KEPT)).await?;
        Ok(matches!(count, Count::Within { .. }))
    }
}
