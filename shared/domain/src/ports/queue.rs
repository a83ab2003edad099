//! A message to another function.

use std::time::Duration;

use async_trait::async_trait;

use crate::ports::PortError;

/// At-least-once delivery, in no promised order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// `Ok` only once the message is stored. It is not delivered before `delay`, which is at most 900 s.
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError>;

    /// Makes a received message visible again after `delay`, counted from this call: zero is at once, the most is 12 h.
    /// The message stays the same one, with its age and its receives. A receipt of an earlier delivery changes nothing
    /// and may be refused.
    async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError>;
}
