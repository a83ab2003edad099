//! Alerts and how they fared.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Alert, AlertKey, AuditEntry, Delivery,
    ports::{Fenced, PortError},
};

/// The answer to opening an alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opened {
    New,
    /// It exists and still waits for delivery: its message may have been lost.
    Waiting,
    /// It exists and delivery was settled.
    Settled,
}

/// Whether the mail service may have an alert's message already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handover {
    Never,
    /// A deliverer died or lost an answer on the way: a message that goes out now may be a duplicate.
    Possible,
}

/// The answer to taking an alert for delivery.
#[derive(Clone, PartialEq, Debug)]
pub enum Taken {
    /// Ours to deliver; with what earlier deliverers may have done.
    Mine { alert: Box<Alert>, handover: Handover },
    /// Somebody else is delivering it, at most until then.
    Theirs { until: Timestamp },
    /// Nothing left to do: delivered, held, refused, expired or never opened.
    Settled,
}

/// The answer to opening an alert again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reopened {
    /// It waits for delivery, like a new one.
    Waiting,
    /// It reached somebody, waits already, or is gone: left as it is.
    Left,
}

/// One entry per alert key.
///
/// - Of any number of concurrent [`AlertLog::open`] calls for a key exactly one answers [`Opened::New`], and the first
///   content stays. That one also stores `entry`, in the same write.
/// - [`AlertLog::take`] leases a pending alert to one owner until `until`, so that one message is sent. Repeated
///   by that owner, whose first answer was lost, it is theirs again. Where an earlier owner's lease ran out, or was
///   released with [`Handover::Possible`], the answer says [`Handover::Possible`].
/// - [`AlertLog::settle`] sets the delivery only for that owner (or anybody, for a held alert), stores `entry` in the same
///   write, and ends the lease. Otherwise it is [`Fenced::Lost`] and stores nothing.
/// - [`AlertLog::reopen`] sets an alert that was refused or skipped, and so reached nobody, to pending again, and stores
///   `entry` in the same write. Any other alert is left as it is.
#[async_trait]
pub trait AlertLog: Send + Sync {
    async fn open(&self, alert: &Alert, expires: Timestamp, entry: &AuditEntry) -> Result<Opened, PortError>;

    async fn take(&self, key: AlertKey, owner: &str, now: Timestamp, until: Timestamp) -> Result<Taken, PortError>;

    async fn settle(
        &self,
        key: AlertKey,
        owner: &str,
        delivery: Delivery,
        entry: &AuditEntry,
    ) -> Result<Fenced, PortError>;

    async fn reopen(&self, key: AlertKey, entry: &AuditEntry) -> Result<Reopened, PortError>;

    /// Gives a taken alert back unsettled, saying whether the mail service may have it. A lease already lost is no error.
    async fn release(&self, key: AlertKey, owner: &str, handover: Handover) -> Result<(), PortError>;

    /// All alerts not expired at `now`, oldest first.
    async fn alerts(&self, now: Timestamp) -> Result<Vec<Arc<Alert>>, PortError>;
}
