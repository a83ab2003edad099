//! Alerts and how they fared.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Alert, AlertKey, Delivery, ports::PortError};

/// The answer to opening an alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opened {
    New,
    /// It exists and still waits for delivery: its message may have been lost.
    Waiting,
    /// It exists and delivery was settled.
    Settled,
}

/// The answer to taking an alert for delivery.
#[derive(Clone, PartialEq, Debug)]
pub enum Taken {
    Mine(Box<Alert>),
    /// Somebody else is delivering it, at most until then.
    Theirs {
        until: Timestamp,
    },
    /// Nothing left to do: delivered, held, refused, expired or never opened.
    Settled,
}

/// One entry per alert key.
///
/// - Of any number of concurrent [`AlertLog::open`] calls for a key exactly one answers [`Opened::New`], and the first
///   content stays.
/// - [`AlertLog::take`] leases a pending alert to one owner until `until`, so that one message is sent. Repeated
///   by that owner, whose first answer was lost, it is theirs again.
/// - [`AlertLog::settle`] sets the delivery only for that owner (or anybody, for a held alert), and ends the lease.
#[async_trait]
pub trait AlertLog: Send + Sync {
    async fn open(&self, alert: &Alert, expires: Timestamp) -> Result<Opened, PortError>;

    async fn take(&self, key: AlertKey, owner: &str, now: Timestamp, until: Timestamp) -> Result<Taken, PortError>;

    async fn settle(&self, key: AlertKey, owner: &str, delivery: Delivery) -> Result<(), PortError>;

    /// Gives a taken alert back undelivered.
    async fn release(&self, key: AlertKey, owner: &str) -> Result<(), PortError>;

    /// All alerts not expired at `now`, oldest first.
    async fn alerts(&self, now: Timestamp) -> Result<Vec<Arc<Alert>>, PortError>;
}
