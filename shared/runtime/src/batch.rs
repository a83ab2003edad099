//! The SQS batch loop: each record gets its own verdict, its own time and its own panic.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::ports::{PortError, Queue, told};
use futures::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument;

use crate::{
    Invocation,
    backoff::{backoff, backoff_after, whole_seconds},
    message, metrics,
};

/// Records of a batch worked on at once.
const AT_ONCE: usize = 10;

/// A message that still panics at this receive is parked: a panic mostly repeats itself, and forty of them tell no more.
const RECEIVES_OF_A_PANIC: u32 = 5;

/// What becomes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Finished: the queue forgets it.
    Done,
    /// Failed for now: it comes back after the backoff, and not before the time a service asked for.
    Again { not_before: Option<Duration> },
    /// Somebody or something has to be waited for: it comes back after the backoff, or sooner, after `at_most`.
    Later { at_most: Duration },
    /// Will never work: on to the dead letters.
    Park { reason: String },
}

/// Transient failures come again, permanent ones will not get better. What needs a person to mend our rights comes again
/// for hours too, since then the same call works.
impl From<&PortError> for Verdict {
    fn from(error: &PortError) -> Self {
        match error {
            PortError::Transient { not_before, .. } => Self::Again { not_before: *not_before },
            PortError::Denied { .. } => Self::Again { not_before: None },
            PortError::Permanent { .. } => Self::Park { reason: told(error) },
        }
    }
}

/// One message, parsed, with what identifies this delivery of it.
#[derive(Clone, Debug)]
pub struct Delivery<T> {
    pub content: T,
    /// Unique to this delivery: the message's id and how often it was received.
    pub owner: String,
    /// How often the message was received, this time included.
    pub receives: u32,
}

impl<T> Delivery<T> {
    /// The message's id, the same however often it comes.
    #[must_use]
    pub fn message(&self) -> &str {
        self.owner.rsplit_once('/').map_or(&self.owner, |(id, _)| id)
    }
}

/// What a function does with its messages.
#[async_trait]
pub trait Handler: Sync {
    type Message: DeserializeOwned + Send;

    async fn handle(&self, delivery: Delivery<Self::Message>) -> Verdict;

    /// Told when a message lies among the dead letters. `message` is its JSON: null where the body is none, and not
    /// necessarily a [`Handler::Message`].
    async fn parked(&self, message: &Value, reason: &str);
}

/// The queue a batch comes from, and the one for what can never be handled.
#[derive(Clone, Copy)]
pub struct Queues<'a> {
    pub source: &'a dyn Queue,
    pub dead_letters: &'a dyn Queue,
}

/// Runs the handler for every record and answers per record. Never fails as a whole.
///
/// - What comes back is hidden by its own visibility and reported as failed, so that it keeps its age and its receives. If
///   it cannot be hidden, the queue's visibility timeout has to do.
/// - What can never be handled is stored among the dead letters and only then done.
/// - A record that panics or runs out of time comes back, and takes no other record with it. With the deadline near,
///   records not yet begun come back soon.
pub async fn handle_batch(
    event: SqsEvent,
    queues: Queues<'_>,
    invocation: &Invocation,
    handler: &impl Handler,
) -> SqsBatchResponse {
    let batch = Batch { queues, invocation, started: Instant::now(), handler };
    let outcomes: Vec<Option<String>> =
        stream::iter(event.records).map(|record| batch.answer(record)).buffer_unordered(AT_ONCE).collect().await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = outcomes.into_iter().flatten().map(failure).collect();
    response
}

struct Batch<'a, H> {
    queues: Queues<'a>,
    invocation: &'a Invocation,
    started: Instant,
    handler: &'a H,
}

/// What the batch loop needs of a record.
struct Incoming {
    id: String,
    receipt: Option<String>,
    body: String,
    receives: u32,
    sent: Option<Timestamp>,
}

/// What the queue is told of a record.
enum Answer {
    /// Handled or parked: it is deleted.
    Success,
    Failure,
}

impl<H: Handler> Batch<'_, H> {
    /// The id to report as failed, or none.
    async fn answer(&self, record: SqsMessage) -> Option<String> {
        // A record without an id cannot be reported: an empty id would fail the whole batch.
        let Some(id) = record.message_id.clone() else {
            tracing::error!("Dropped a record without a message id.");
            return None;
        };
        let trace = record.attributes.get("AWSTraceHeader").map_or("", String::as_str);
        let span = tracing::info_span!("message", message_id = %id, trace);
        let incoming = Incoming::new(id, record);
        let outcome = AssertUnwindSafe(self.one_record(&incoming)).catch_unwind().instrument(span).await;
        match outcome {
            Ok(Answer::Success) => None,
            Ok(Answer::Failure) => Some(incoming.id),
            Err(_) => {
                tracing::error!(message.id = %incoming.id, "Answering for a message panicked.");
                Some(incoming.id)
            }
        }
    }

    async fn one_record(&self, record: &Incoming) -> Answer {
        if !self.invocation.has_time(self.started.elapsed()) {
            // Nobody has tried it yet, so it comes back as soon as after a first failure, however often it was received.
            return self.put_off(record, backoff(&record.id, 1)).await;
        }
        let message = match message::parse(&record.body) {
            Ok(message) => message,
            Err(error) => return self.park(record, &Value::Null, &error.to_string()).await,
        };
        let content = match message::content(&message) {
            Ok(content) => content,
            Err(error) => return self.park(record, &message, &error.to_string()).await,
        };
        let owner = format!("{}/{}", record.id, record.receives);
        let delivery = Delivery { content, owner, receives: record.receives };
        match self.verdict(record, delivery).await {
            Verdict::Done => Answer::Success,
            Verdict::Again { not_before } => {
                metrics::failed();
                if let Some(sent) = record.sent {
                    metrics::message_age(self.invocation.now.duration_since(sent));
                }
                let not_before = not_before.unwrap_or_default();
                self.put_off(record, backoff_after(&record.id, record.receives, not_before)).await
            }
            Verdict::Later { at_most } => {
                let delay = backoff(&record.id, record.receives).min(whole_seconds(at_most));
                self.put_off(record, delay).await
            }
            Verdict::Park { reason } => self.park(record, &message, &reason).await,
        }
    }

    /// The handler's verdict, or ours where it panics or does not come to an end.
    async fn verdict(&self, record: &Incoming, delivery: Delivery<H::Message>) -> Verdict {
        let handling = AssertUnwindSafe(self.handler.handle(delivery)).catch_unwind();
        let left = self.invocation.handling_time(self.started.elapsed());
        match tokio::time::timeout(left, handling).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => {
                tracing::error!(message.id = %record.id, receives = record.receives, "Handling a message panicked.");
                if record.receives < RECEIVES_OF_A_PANIC {
                    Verdict::Again { not_before: None }
                } else {
                    Verdict::Park { reason: "handling it panics".to_owned() }
                }
            }
            Err(_) => {
                tracing::error!(message.id = %record.id, receives = record.receives, "Handling a message took too long.");
                Verdict::Again { not_before: None }
            }
        }
    }

    /// Hides the message for a while and reports it as failed.
    async fn put_off(&self, record: &Incoming, delay: Duration) -> Answer {
        tracing::info!(message.id = %record.id, receives = record.receives, seconds = delay.as_secs(), "Put off a message.");
        if let Some(receipt) = &record.receipt
            && let Err(error) = self.queues.source.defer(receipt, delay).await
        {
            tracing::warn!(message.id = %record.id, error = told(&error), "A message waits for its visibility timeout.");
        }
        Answer::Failure
    }

    /// Stores the message among the dead letters; only then is it done.
    ///
    /// Not by failing until the queue moves it: with receives for hours that would be dozens of calls for nothing.
    async fn park(&self, record: &Incoming, message: &Value, reason: &str) -> Answer {
        tracing::error!(message.id = %record.id, reason, "Parked a message among the dead letters.");
        if let Err(error) = self.queues.dead_letters.send(&record.body, Duration::ZERO).await {
            tracing::warn!(message.id = %record.id, error = told(&error), "The dead-letter queue did not take a message.");
            return self.put_off(record, backoff(&record.id, record.receives)).await;
        }
        metrics::parked();
        // The message is safe by now: whatever goes wrong here, it must not be parked a second time.
        let noted = AssertUnwindSafe(self.handler.parked(message, reason)).catch_unwind().await;
        if noted.is_err() {
            tracing::error!(message.id = %record.id, "Noting a parked message panicked.");
        }
        Answer::Success
    }
}

impl Incoming {
    fn new(id: String, record: SqsMessage) -> Self {
        let number = |name: &str| record.attributes.get(name).and_then(|text| text.parse::<i64>().ok());
        let receives = number("ApproximateReceiveCount").and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let sent = number("SentTimestamp").and_then(|millis| Timestamp::from_millisecond(millis).ok());
        Self { id, receipt: record.receipt_handle, body: record.body.unwrap_or_default(), receives, sent }
    }
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

/// A span of time as a delay: not negative.
#[must_use]
pub fn delay(time: SignedDuration) -> Duration {
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{ops::RangeInclusive, sync::Mutex};

    use domain::sample;
    use serde_json::json;

    use super::*;
    use crate::{AlertMessage, backoff::RECEIVES};

    /// A queue that notes what was asked of it.
    #[derive(Default)]
    struct Notes {
        sent: Mutex<Vec<String>>,
        deferred: Mutex<Vec<(String, u64)>>,
        refuses: bool,
    }

    #[async_trait]
    impl Queue for Notes {
        async fn send(&self, body: &str, _: Duration) -> Result<(), PortError> {
            if self.refuses {
                return Err(PortError::transient("queue", "refused"));
            }
            self.sent.lock().unwrap().push(body.to_owned());
            Ok(())
        }

        async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError> {
            if self.refuses {
                return Err(PortError::transient("queue", "refused"));
            }
            self.deferred.lock().unwrap().push((receipt.to_owned(), delay.as_secs()));
            Ok(())
        }
    }

    /// Does with a message what its text says.
    #[derive(Default)]
    struct AsTold {
        parked: Mutex<Vec<(Value, String)>>,
    }

    #[async_trait]
    impl Handler for AsTold {
        type Message = AlertMessage;

        async fn handle(&self, delivery: Delivery<AlertMessage>) -> Verdict {
            match delivery.content.alert.as_str() {
                "done" => Verdict::Done,
                "again" => Verdict::Again { not_before: None },
                "throttled" => Verdict::Again { not_before: Some(Duration::from_secs(600)) },
                "held" => Verdict::Later { at_most: Duration::from_millis(700) },
                "slow" => std::future::pending().await,
                "panic" => panic!("on purpose"),
                owner if owner.starts_with("owner:") => {
                    assert_eq!(format!("owner:{}", delivery.owner), owner);
                    Verdict::Done
                }
                reason => Verdict::Park { reason: reason.to_owned() },
            }
        }

        async fn parked(&self, message: &Value, reason: &str) {
            self.parked.lock().unwrap().push((message.clone(), reason.to_owned()));
            assert_ne!(reason, "panic when told");
        }
    }

    /// Runs one batch, each record received so often. `left` is the time to the deadline.
    struct Run {
        queue: Notes,
        dead: Notes,
        handler: AsTold,
        receives: u32,
        left: SignedDuration,
    }

    fn run() -> Run {
        let left = SignedDuration::from_secs(30);
        Run { queue: Notes::default(), dead: Notes::default(), handler: AsTold::default(), receives: 2, left }
    }

    impl Run {
        async fn bodies(&self, bodies: &[&str]) -> Vec<String> {
            let record = |(index, body): (usize, &&str)| {
                json!({ "messageId": format!("m{index}"), "receiptHandle": format!("r{index}"), "body": body,
                    "attributes": { "ApproximateReceiveCount": self.receives.to_string() } })
            };
            let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
            let event = serde_json::from_value(json!({ "Records": records })).unwrap();
            let (now, deadline) = (sample::now(), sample::now() + self.left);
            let invocation = Invocation { request_id: "r".into(), now, deadline };
            let queues = Queues { source: &self.queue, dead_letters: &self.dead };
            let response = handle_batch(event, queues, &invocation, &self.handler).await;
            let mut failed: Vec<_> = response.batch_item_failures.into_iter().map(|f| f.item_identifier).collect();
            failed.sort();
            failed
        }

        async fn words(&self, words: &[&str]) -> Vec<String> {
            let bodies: Vec<String> = words.iter().map(|word| body(word)).collect();
            self.bodies(&bodies.iter().map(String::as_str).collect::<Vec<_>>()).await
        }

        fn deferred(&self) -> Vec<(String, u64)> {
            let mut deferred = self.queue.deferred.lock().unwrap().clone();
            deferred.sort();
            deferred
        }
    }

    fn body(alert: &str) -> String {
        json!({ "v": 1, "alert": alert }).to_string()
    }

    #[tokio::test]
    async fn each_record_has_its_own_fate() {
        let run = run();
        let failed = run.words(&["done", "again", "held", "panic", "nobody knows it", "owner:m5/2"]).await;
        assert_eq!(failed, ["m1", "m2", "m3"]);
        assert_eq!(*run.dead.sent.lock().unwrap(), [body("nobody knows it")], "as it came");
        assert!(run.queue.sent.lock().unwrap().is_empty(), "no copies");
    }

    #[tokio::test]
    async fn waits_follow_the_receive_count() {
        let words = ["again", "throttled", "held"];
        let expected: [(u32, [RangeInclusive<u64>; 3]); 4] = [
            (1, [3..=5, 600..=602, 1..=1]),
            (2, [5..=10, 600..=605, 1..=1]),
            (8, [320..=640, 600..=920, 1..=1]),
            (RECEIVES, [450..=900, 600..=1050, 1..=1]),
        ];
        for (receives, ranges) in expected {
            let run = Run { receives, ..run() };
            assert_eq!(run.words(&words).await.len(), 3);
            for ((receipt, seconds), range) in run.deferred().into_iter().zip(ranges) {
                assert!(range.contains(&seconds), "{receipt} received {receives} times: {seconds}");
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_hidden_still_fails() {
        let run = Run { queue: Notes { refuses: true, ..Notes::default() }, ..run() };
        assert_eq!(run.words(&["again", "held"]).await, ["m0", "m1"]);
    }

    #[tokio::test]
    async fn what_cannot_be_parked_comes_back() {
        let run = Run { dead: Notes { refuses: true, ..Notes::default() }, ..run() };
        assert_eq!(run.words(&["nonsense"]).await, ["m0"]);
        assert_eq!(run.deferred().len(), 1);
        assert!(run.handler.parked.lock().unwrap().is_empty(), "nothing was parked");
    }

    #[tokio::test]
    async fn the_unreadable_is_parked_with_its_json() {
        let run = run();
        let bodies = ["not json", r#"{"v":9,"ticket_id":7}"#, r#"{"v":1,"alert":["private"]}"#];
        assert!(run.bodies(&bodies).await.is_empty());
        assert_eq!(*run.dead.sent.lock().unwrap(), bodies);
        let parked = run.handler.parked.lock().unwrap();
        let [(first, syntax), (second, version), (_, field)] = parked.as_slice() else { panic!("three: {parked:?}") };
        assert_eq!((first, syntax.as_str()), (&Value::Null, "not JSON at line 1, column 2"));
        assert_eq!((&second["ticket_id"], version.as_str()), (&json!(7), "message version 9 is not known here"));
        assert_eq!(field, "not a message of ours: alert is missing or not what it should be");
    }

    #[tokio::test]
    async fn a_panic_is_parked_at_the_fifth_receive() {
        for (receives, failed, dead) in [(1, 1, 0), (4, 1, 0), (5, 0, 1)] {
            let run = Run { receives, ..run() };
            assert_eq!(run.words(&["panic", "done"]).await.len(), failed, "{receives}");
            assert_eq!(run.dead.sent.lock().unwrap().len(), dead, "{receives}");
        }
    }

    #[tokio::test]
    async fn a_panic_while_parking_parks_once() {
        let run = run();
        assert!(run.words(&["panic when told", "done"]).await.is_empty());
        assert_eq!(run.dead.sent.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_record_fails_alone() {
        let run = run();
        assert_eq!(run.words(&["slow", "done"]).await, ["m0"]);
        assert!((5..=10).contains(&run.deferred()[0].1), "{:?}", run.deferred());
    }

    #[tokio::test]
    async fn near_the_deadline_records_come_back_soon() {
        let run = Run { left: SignedDuration::from_secs(2), receives: RECEIVES, ..run() };
        assert_eq!(run.words(&["panic", "panic"]).await, ["m0", "m1"], "neither was begun");
        assert!(run.deferred().iter().all(|(_, seconds)| (3..=5).contains(seconds)), "{:?}", run.deferred());
    }

    #[test]
    fn an_error_says_what_follows() {
        let again = |not_before| Verdict::Again { not_before };
        let minute = Duration::from_secs(60);
        assert_eq!(Verdict::from(&PortError::transient("x", "down")), again(None));
        assert_eq!(Verdict::from(&PortError::throttled("x", minute, "429")), again(Some(minute)));
        let reason = "x refused: 400".to_owned();
        assert_eq!(Verdict::from(&PortError::permanent("x", "400")), Verdict::Park { reason });
    }

    #[test]
    fn a_delay_is_never_negative() {
        for (millis, delayed) in [(-5, 0), (0, 0), (1001, 1001)] {
            assert_eq!(delay(SignedDuration::from_millis(millis)).as_millis(), delayed);
        }
        assert_eq!(delay(SignedDuration::MIN), Duration::ZERO);
        assert_eq!(delay(SignedDuration::MAX).as_secs(), u64::try_from(i64::MAX).unwrap());
    }
}
