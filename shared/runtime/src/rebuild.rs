//! Asks for the dashboard to be made anew when an alert changes, so that nobody has to wait for the hour.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Alert, AlertKey, AuditEntry, Delivery, FollowUp,
    ports::{AlertLog, Fenced, FollowUps, Handover, Opened, PortError, Queue, Reopened, Taken, told},
};
use jiff::Timestamp;

use crate::{
    AlertMessage,
    message::{Envelope, send},
};

/// Alerts whose changes are told to whoever makes the dashboard.
#[derive(Clone)]
pub struct Announcing<P> {
    log: Arc<P>,
    rebuilds: Arc<dyn Queue>,
}

impl<P> Announcing<P> {
    pub fn new(log: Arc<P>, rebuilds: Arc<dyn Queue>) -> Self {
        Self { log, rebuilds }
    }

    /// What fails here shows with the next report, an hour later at the most.
    async fn announce(&self, alert: AlertKey, written: Fenced) {
        if written != Fenced::Written {
            return;
        }
        let message = Envelope::new(AlertMessage::new(alert));
        if let Err(error) = send(&*self.rebuilds, &message, Duration::ZERO).await {
            tracing::warn!(alert = %alert, error = told(&error), "A change of an alert waits for the hourly report.");
        }
    }
}

#[async_trait]
impl<P: FollowUps> FollowUps for Announcing<P> {
    async fn alert(&self, key: AlertKey, now: Timestamp) -> Result<Option<Alert>, PortError> {
        self.log.alert(key, now).await
    }

    async fn follow_up(&self, seen: &Alert, next: &FollowUp, entry: &AuditEntry) -> Result<Fenced, PortError> {
        let written = self.log.follow_up(seen, next, entry).await?;
        self.announce(seen.key(), written).await;
        Ok(written)
    }
}

#[async_trait]
impl<P: AlertLog> AlertLog for Announcing<P> {
    async fn open(&self, alert: &Alert, expires: Timestamp, entry: &AuditEntry) -> Result<Opened, PortError> {
        self.log.open(alert, expires, entry).await
    }

    async fn take(&self, key: AlertKey, owner: &str, now: Timestamp, until: Timestamp) -> Result<Taken, PortError> {
        self.log.take(key, owner, now, until).await
    }

    async fn settle(
        &self,
        key: AlertKey,
        owner: &str,
        delivery: Delivery,
        entry: &AuditEntry,
    ) -> Result<Fenced, PortError> {
        let written = self.log.settle(key, owner, delivery, entry).await?;
        self.announce(key, written).await;
        Ok(written)
    }

    async fn reopen(&self, key: AlertKey, entry: &AuditEntry) -> Result<Reopened, PortError> {
        self.log.reopen(key, entry).await
    }

    async fn release(&self, key: AlertKey, owner: &str, handover: Handover) -> Result<(), PortError> {
        self.log.release(key, owner, handover).await
    }

    async fn alerts(&self, now: Timestamp) -> Result<Vec<Arc<Alert>>, PortError> {
        self.log.alerts(now).await
    }
}
