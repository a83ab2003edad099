//! What people make of alerts.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Alert, AlertKey, AuditEntry, FollowUp,
    ports::{Fenced, PortError},
};

/// The life of an alert, on the alert's own record.
///
/// - [`FollowUps::alert`] answers as of now, and never with an alert that expired.
/// - [`FollowUps::follow_up`] stores `next` in place of the follow-up that `seen` has, and `entry` in the same write. If the
///   stored one has another revision by now, or the alert is gone, it is [`Fenced::Lost`] and stores nothing: of any number
///   of concurrent calls that saw the same revision exactly one is [`Fenced::Written`].
/// - Delivery goes on independently: neither write undoes the other.
#[async_trait]
pub trait FollowUps: Send + Sync {
    async fn alert(&self, key: AlertKey, now: Timestamp) -> Result<Option<Alert>, PortError>;

    async fn follow_up(&self, seen: &Alert, next: &FollowUp, entry: &AuditEntry) -> Result<Fenced, PortError>;
}
