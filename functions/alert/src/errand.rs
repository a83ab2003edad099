//! One message to each recipient in a period, however many calls ask for it at once, and whichever of them dies.

use domain::ports::{Control, Count, Handover, Leased, PortError, told};
use jiff::{SignedDuration, Timestamp};
use runtime::Invocation;

use crate::Alerting;

/// Who runs errands.
pub(crate) struct Runner<'a> {
    pub(crate) control: &'a dyn Control,
    pub(crate) owner: String,
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
}

/// What is done once.
pub(crate) struct Errand {
    /// Leased, such as `digest/kam@example.com`.
    pub(crate) work: String,
    /// Counts one in the period that it names.
    pub(crate) period: String,
    /// The count matters so long.
    pub(crate) counts_for: SignedDuration,
}

/// Whether an errand is ours.
pub(crate) enum Begun {
    /// With what an earlier owner, who died, may have done.
    Ours(Handover),
    /// Another call is at it.
    Theirs,
    /// It was done in this period.
    Done,
}

impl<'a> Runner<'a> {
    pub(crate) fn of(alerting: &'a Alerting, invocation: &Invocation) -> Self {
        let now = invocation.now;
        // A retried call keeps its request id, but has to notice that an earlier attempt died.
        let owner = format!("{}@{}", invocation.request_id, now.as_nanosecond());
        Self { control: &*alerting.control, owner, now, until: invocation.lease_until() }
    }

    pub(crate) async fn begin(&self, errand: &Errand) -> Result<Begun, PortError> {
        let handover = match self.control.lease(&errand.work, &self.owner, self.now, self.until).await? {
            Leased::Mine { taken_over: false } => Handover::Never,
            Leased::Mine { taken_over: true } => Handover::Possible,
            Leased::Theirs { .. } => return Ok(Begun::Theirs),
        };
        if self.is_done(errand).await? {
            self.end(errand).await;
            return Ok(Begun::Done);
        }
        Ok(Begun::Ours(handover))
    }

    pub(crate) async fn is_done(&self, errand: &Errand) -> Result<bool, PortError> {
        let asked = self.control.count(&errand.period, 0, 0, self.now + errand.counts_for).await?;
        Ok(asked == Count::Over)
    }

    /// Done for this period.
    pub(crate) async fn done(&self, errand: &Errand) -> Result<(), PortError> {
        self.control.count(&errand.period, 1, 1, self.now + errand.counts_for).await?;
        Ok(())
    }

    /// Lets it go. If that fails, the lease expires.
    pub(crate) async fn end(&self, errand: &Errand) {
        if let Err(error) = self.control.release(&errand.work, &self.owner).await {
            tracing::warn!(error = told(&error), "Failed to release a digest's lease; it has to expire.");
        }
    }
}
