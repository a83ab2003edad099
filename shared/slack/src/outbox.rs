//! Forgetting a ticket: its messages in Slack go too.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    AlertKey, TicketId,
    ports::{Chat, FollowUps, Outbox, PortError, told},
};
use jiff::Timestamp;

/// An outbox and the messages of its tickets' alerts in a chat.
pub struct WithPosts {
    pub outbox: Arc<dyn Outbox>,
    pub alerts: Arc<dyn FollowUps>,
    pub chat: Arc<dyn Chat>,
}

#[async_trait]
impl Outbox for WithPosts {
    /// A message that Slack does not let us delete is logged and left: what is ours to erase is erased all the same.
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError> {
        self.outbox.discard(ticket).await?;
        for key in AlertKey::of(ticket) {
            // As of the beginning: an alert that expired meanwhile may still stand in Slack.
            let alert = self.alerts.alert(key, Timestamp::UNIX_EPOCH).await?;
            let Some(posted) = alert.and_then(|alert| alert.follow_up.posted) else { continue };
            match self.chat.remove(&posted).await {
                Ok(()) => tracing::info!(alert = %key, "Deleted an alert's message in Slack."),
                Err(error @ PortError::Transient { .. }) => return Err(error),
                Err(error) => {
                    tracing::error!(alert = %key, error = told(&error), "An alert's message stays in Slack; delete it there.");
                }
            }
        }
        Ok(())
    }
}
