//! A message to another function.

use std::time::Duration;

use async_trait::async_trait;

use crate::ports::PortError;

/// At-least-once delivery, in no promised order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// `Ok` only once the message is stored. It is not delivered before `delay`, which is at most 900 s.
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError>;

    /// Makes a received message visible again at once, so that it runs through its receives to the dead letters.
    async fn give_back(&self, receipt: &str) -> Result<(), PortError>;
}
