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

/// A delayed message comes after its delay and not before; a message given back comes again at once.
pub async fn delay_and_give_back(queue: &impl Queue, receiver: &impl Receiver) {
    queue.send("at once", Duration::ZERO).await.unwrap();
    queue.send("later", Duration::from_secs(2)).await.unwrap();
    let first = receiver.receive().await;
    assert_eq!(first.iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>(), ["at once"]);
    assert!(receiver.receive().await.is_empty(), "received and in flight");
    queue.give_back(&first[0].1).await.unwrap();
    assert_eq!(receiver.receive().await[0].0, "at once");
    receiver.wait(Duration::from_secs(3)).await;
    assert_eq!(receiver.receive().await.iter().filter(|(body, _)| body == "later").count(), 1);
}
