//! At-least-once delivery, seen from the receiving side.

use std::time::Duration;

use async_trait::async_trait;

use crate::ports::Queue;

/// The receiving side of a queue under test: on AWS the event source, in memory the pump.
#[async_trait]
pub trait Receiver: Send + Sync {
    /// The bodies and receipts visible now; received ones stay invisible for the visibility timeout.
    async fn receive(&self) -> Vec<(String, String)>;

    /// Lets that much time pass for the queue.
    async fn wait(&self, time: Duration);
}

/// A delayed message comes after its delay and not before; a deferred one likewise, and with no delay at once.
pub async fn delay_and_defer(queue: &impl Queue, receiver: &impl Receiver) {
    queue.send("at once", Duration::ZERO).await.unwrap();
    queue.send("later", Duration::from_secs(2)).await.unwrap();
    let first = receiver.receive().await;
    assert_eq!(first.iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>(), ["at once"]);
    assert!(receiver.receive().await.is_empty(), "received and in flight");
    queue.defer(&first[0].1, Duration::ZERO).await.unwrap();
    let again = receiver.receive().await;
    assert_eq!(again[0].0, "at once");
    queue.defer(&again[0].1, Duration::from_secs(6)).await.unwrap();
    receiver.wait(Duration::from_secs(3)).await;
    let due = receiver.receive().await;
    assert_eq!(due.iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>(), ["later"], "the other is put off");
    receiver.wait(Duration::from_secs(4)).await;
    assert_eq!(receiver.receive().await[0].0, "at once", "long before its visibility timeout");
}
