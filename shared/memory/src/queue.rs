//! A queue in memory with the behaviour of SQS that our code relies on.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::ports::{PortError, Queue};
use jiff::{SignedDuration, Timestamp};

use crate::lock;

/// As SQS: twelve hours.
const LONGEST_DEFERRAL: Duration = Duration::from_secs(12 * 3600);

/// At-least-once delivery with delay, visibility timeout, maximum receives and dead letters.
///
/// It has no clock of its own: whoever pumps it says what time it is, so that a run can be as fast as the machine and a
/// test can skip an hour.
#[derive(Debug)]
pub struct MemoryQueue {
    visibility: SignedDuration,
    max_receives: u32,
    state: Mutex<State>,
    dead: Arc<DeadLetters>,
}

/// Where a queue's messages end that cannot be handled: it moves them here after too many receives, and a function sends
/// here what it parks. Nobody receives from it; deferring is for a queue that is received from.
#[derive(Debug, Default)]
pub struct DeadLetters {
    bodies: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    sent: u64,
    messages: BTreeMap<u64, Message>,
}

/// A message and its fate so far.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub id: u64,
    pub body: String,
    pub sent: Timestamp,
    pub receives: u32,
    visible_at: Timestamp,
}

impl Message {
    /// Names this delivery of the message: a later delivery has another receipt.
    #[must_use]
    pub fn receipt(&self) -> String {
        format!("{}/{}", self.id, self.receives)
    }
}

impl MemoryQueue {
    /// A message received `max_receives` times without being deleted goes to the dead letters.
    #[must_use]
    pub fn new(visibility: SignedDuration, max_receives: u32, now: Timestamp) -> Self {
        let state = State { now, sent: 0, messages: BTreeMap::new() };
        Self { visibility, max_receives, state: Mutex::new(state), dead: Arc::default() }
    }

    /// Tells the queue the time. Time never goes back.
    pub fn tick(&self, now: Timestamp) {
        let mut state = lock(&self.state);
        state.now = state.now.max(now);
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        lock(&self.state).now
    }

    /// Up to `most` visible messages, oldest first; each is invisible for the visibility timeout from now.
    pub fn receive(&self, most: usize) -> Vec<Message> {
        let mut state = lock(&self.state);
        let state = &mut *state;
        let now = state.now;
        let spent: Vec<u64> = state
            .messages
            .values()
            .filter(|message| message.visible_at <= now && message.receives >= self.max_receives)
            .map(|message| message.id)
            .collect();
        let spent = spent.iter().filter_map(|id| state.messages.remove(id)).map(|message| message.body);
        lock(&self.dead.bodies).extend(spent);
        let visible = state.messages.values_mut().filter(|message| message.visible_at <= now).take(most);
        visible
            .map(|message| {
                message.receives += 1;
                message.visible_at = domain::time::later(now, self.visibility);
                message.clone()
            })
            .collect()
    }

    /// Forgets a message, if the receipt is of its newest delivery.
    pub fn delete(&self, receipt: &str) {
        let mut state = lock(&self.state);
        if let Some(id) = state.delivered(receipt) {
            state.messages.remove(&id);
        }
    }

    /// When the next message becomes visible; none if there is none.
    #[must_use]
    pub fn next_visible(&self) -> Option<Timestamp> {
        lock(&self.state).messages.values().map(|message| message.visible_at).min()
    }

    /// Messages not yet deleted, the invisible ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.state).messages.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The queue of the dead letters, to park messages in.
    #[must_use]
    pub fn dead_letters(&self) -> Arc<DeadLetters> {
        self.dead.clone()
    }

    /// The bodies of the dead letters, oldest first.
    #[must_use]
    pub fn dead(&self) -> Vec<String> {
        lock(&self.dead.bodies).clone()
    }
}

impl State {
    /// The message that was delivered under this receipt and not since.
    fn delivered(&self, receipt: &str) -> Option<u64> {
        let (id, _) = receipt.split_once('/')?;
        let message = self.messages.get(&id.parse().ok()?)?;
        (message.receipt() == receipt).then_some(message.id)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
        let delay = SignedDuration::try_from(delay).map_err(|error| PortError::permanent("queue", error))?;
        let mut state = lock(&self.state);
        state.sent += 1;
        let (id, sent) = (state.sent, state.now);
        let message = Message { id, body: body.to_owned(), sent, receives: 0, visible_at: sent + delay };
        state.messages.insert(id, message);
        Ok(())
    }

    async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError> {
        let delay = SignedDuration::try_from(delay.min(LONGEST_DEFERRAL)).expect("twelve hours fit");
        let mut state = lock(&self.state);
        let now = state.now;
        if let Some(message) = state.delivered(receipt).and_then(|id| state.messages.get_mut(&id)) {
            message.visible_at = now + delay;
        }
        Ok(())
    }
}

#[async_trait]
impl Queue for DeadLetters {
    async fn send(&self, body: &str, _: Duration) -> Result<(), PortError> {
        lock(&self.bodies).push(body.to_owned());
        Ok(())
    }

    async fn defer(&self, _: &str, _: Duration) -> Result<(), PortError> {
        Err(PortError::permanent("queue", "nobody receives dead letters"))
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::contract::queue::{Receiver, delay_and_defer};

    use super::*;

    fn queue() -> MemoryQueue {
        MemoryQueue::new(SignedDuration::from_secs(60), 3, domain::sample::now())
    }

    fn pass(queue: &MemoryQueue, seconds: i64) {
        queue.tick(queue.now() + SignedDuration::from_secs(seconds));
    }

    #[async_trait]
    impl Receiver for MemoryQueue {
        async fn receive(&self) -> Vec<(String, String)> {
            self.receive(10).into_iter().map(|message| (message.body.clone(), message.receipt())).collect()
        }

        async fn wait(&self, time: Duration) {
            self.tick(self.now() + SignedDuration::try_from(time).unwrap());
        }
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let queue = queue();
        delay_and_defer(&queue, &queue).await;
    }

    #[tokio::test]
    async fn a_message_comes_back_after_its_timeout_and_ends_among_the_dead() {
        let queue = queue();
        queue.send("poison", Duration::ZERO).await.unwrap();
        for receive in 1..=3 {
            assert_eq!(queue.receive(10)[0].receives, receive);
            assert!(queue.receive(10).is_empty());
            pass(&queue, 60);
        }
        assert!(queue.receive(10).is_empty());
        assert!(queue.is_empty());
        assert_eq!(queue.dead(), ["poison"]);
    }

    #[tokio::test]
    async fn a_parked_message_lies_among_the_dead() {
        let queue = queue();
        queue.dead_letters().send("parked", Duration::ZERO).await.unwrap();
        assert_eq!((queue.dead(), queue.len()), (vec!["parked".to_owned()], 0));
    }

    #[tokio::test]
    async fn an_old_receipt_deletes_nothing() {
        let queue = queue();
        queue.send("work", Duration::ZERO).await.unwrap();
        let first = queue.receive(1)[0].receipt();
        pass(&queue, 60);
        let second = queue.receive(1)[0].receipt();
        queue.delete(&first);
        queue.defer(&first, Duration::ZERO).await.unwrap();
        assert_eq!((queue.len(), queue.receive(1).len()), (1, 0));
        queue.delete(&second);
        assert!(queue.is_empty());
    }

    proptest::proptest! {
        /// Whatever is sent, received, deleted, deferred or waited for: a message is deleted, dead or still there.
        #[test]
        fn no_message_is_ever_lost(steps in proptest::collection::vec(0u8..5, 1..60)) {
            futures::executor::block_on(async {
                let queue = queue();
                let (mut sent, mut deleted, mut last) = (0, 0, None);
                for step in steps {
                    match step {
                        0 => { queue.send("m", Duration::from_secs(30)).await.unwrap(); sent += 1; }
                        1 => last = queue.receive(2).pop().map(|message| message.receipt()),
                        2 => if let Some(receipt) = last.take() {
                            let before = queue.len();
                            queue.delete(&receipt);
                            deleted += before - queue.len();
                        },
                        3 => if let Some(receipt) = &last { queue.defer(receipt, Duration::from_secs(20)).await.unwrap(); },
                        _ => pass(&queue, 45),
                    }
                    assert_eq!(queue.len() + queue.dead().len() + deleted, sent);
                }
            });
        }
    }
}
