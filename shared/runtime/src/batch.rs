//! The SQS batch loop: each record gets its own verdict, and its own panic.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::ports::{Queue, told};
use futures::{FutureExt, StreamExt, stream};
use jiff::SignedDuration;
use serde::{Serialize, de::DeserializeOwned};
use tracing::Instrument;

use crate::{
    Invocation,
    message::{self, Envelope, PATIENCE},
};

/// Records of a batch worked on at once.
const AT_ONCE: usize = 10;

/// What becomes of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Finished: the queue forgets it.
    Done,
    /// Failed for now: the queue delivers it again after its visibility timeout.
    Again,
    /// Too early: a copy comes back after the delay, without spending a receive.
    Later(Duration),
    /// Will never work: on to the dead letters.
    Park { reason: String },
}

/// One message, parsed, with what identifies this delivery of it.
#[derive(Clone, Debug)]
pub struct Delivery<T> {
    pub content: T,
    /// Unique to this delivery: the message's id and how often it was received.
    pub owner: String,
}

/// Runs `handle` for every record and answers per record. Never fails as a whole.
///
/// A record that panics or cannot be sent back counts as [`Verdict::Again`]; one that cannot be read, or was put off for
/// more than 24 hours, is parked, and `parked` is told why. With the deadline near, records not yet begun go back.
pub async fn handle_batch<T, H, HF, P, PF>(
    event: SqsEvent,
    queue: &dyn Queue,
    invocation: &Invocation,
    handle: H,
    parked: P,
) -> SqsBatchResponse
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync,
    H: Fn(Delivery<T>) -> HF + Sync,
    HF: Future<Output = Verdict> + Send,
    P: Fn(String, String) -> PF + Sync,
    PF: Future<Output = ()> + Send,
{
    let started = Instant::now();
    let in_time = || invocation.has_time(started.elapsed());
    let outcomes: Vec<Option<String>> = stream::iter(event.records)
        .map(|record| {
            let (handle, parked) = (&handle, &parked);
            async move {
                if in_time() { one_record(record, queue, invocation, handle, parked).await } else { record.message_id }
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = outcomes.into_iter().flatten().map(failure).collect();
    response
}

/// The id to report as failed, or none.
async fn one_record<T, H, HF, P, PF>(
    record: SqsMessage,
    queue: &dyn Queue,
    invocation: &Invocation,
    handle: &H,
    parked: &P,
) -> Option<String>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync,
    H: Fn(Delivery<T>) -> HF + Sync,
    HF: Future<Output = Verdict> + Send,
    P: Fn(String, String) -> PF + Sync,
    PF: Future<Output = ()> + Send,
{
    // A record without an id cannot be reported: an empty id would fail the whole batch.
    let Some(id) = record.message_id.clone() else {
        tracing::error!("An SQS record without a message id was dropped.");
        return None;
    };
    let body = record.body.as_deref().unwrap_or_default();
    let envelope = match message::read::<T>(body) {
        Ok(envelope) => envelope,
        Err(error) => return park(&record, id, queue, &error.to_string(), parked).await,
    };
    let receives = record.attributes.get("ApproximateReceiveCount").map_or("1", String::as_str);
    let delivery = Delivery { content: envelope.content.clone(), owner: format!("{id}/{receives}") };
    let trace = record.attributes.get("AWSTraceHeader").map_or("", String::as_str);
    let span = tracing::info_span!("message", message_id = %id, trace);
    let verdict = AssertUnwindSafe(handle(delivery).instrument(span)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(message.id = %id, "Handling an SQS message panicked.");
        Verdict::Again
    });
    match verdict {
        Verdict::Done => None,
        Verdict::Again => Some(id),
        Verdict::Later(delay) => {
            let first_received = envelope.first_received.unwrap_or(invocation.now);
            if invocation.now.duration_since(first_received) >= PATIENCE {
                return park(&record, id, queue, "put off for more than 24 hours", parked).await;
            }
            let copy = Envelope { deferrals: envelope.deferrals + 1, first_received: Some(first_received), ..envelope };
            match message::send(queue, &copy, delay).await {
                Ok(()) => None,
                Err(error) => {
                    tracing::warn!(message.id = %id, error = told(&error), "An SQS message could not be put off.");
                    Some(id)
                }
            }
        }
        Verdict::Park { reason } => park(&record, id, queue, &reason, parked).await,
    }
}

/// Makes the message visible at once and reports it as failed, until SQS moves it to the dead letters.
async fn park<P, PF>(record: &SqsMessage, id: String, queue: &dyn Queue, reason: &str, parked: &P) -> Option<String>
where
    P: Fn(String, String) -> PF + Sync,
    PF: Future<Output = ()> + Send,
{
    tracing::error!(message.id = %id, reason, "An SQS message is on its way to the dead letters.");
    parked(record.body.clone().unwrap_or_default(), reason.to_owned()).await;
    if let Some(receipt) = &record.receipt_handle
        && let Err(error) = queue.give_back(receipt).await
    {
        tracing::warn!(message.id = %id, error = told(&error), "A parked message waits for its visibility timeout.");
    }
    Some(id)
}

fn failure(id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = id;
    failure
}

/// A span of time as a queue delay: not negative, whole seconds rounded up, so that what is waited for is over.
#[must_use]
pub fn delay(time: SignedDuration) -> Duration {
    let seconds = time.as_secs().saturating_add(i64::from(time.subsec_nanos() > 0));
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use domain::{ports::PortError, sample};
    use serde_json::json;

    use super::*;
    use crate::message::AlertMessage;

    /// Notes what was asked of it.
    #[derive(Default)]
    struct Notes {
        sent: Mutex<Vec<(String, Duration)>>,
        given_back: Mutex<Vec<String>>,
        refuses: bool,
    }

    #[async_trait]
    impl Queue for Notes {
        async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
            if self.refuses {
                return Err(PortError::transient("queue", "refused"));
            }
            self.sent.lock().unwrap().push((body.to_owned(), delay));
            Ok(())
        }

        async fn give_back(&self, receipt: &str) -> Result<(), PortError> {
            self.given_back.lock().unwrap().push(receipt.to_owned());
            Ok(())
        }
    }

    fn event(bodies: &[&str]) -> SqsEvent {
        let record = |(index, body): (usize, &&str)| {
            json!({ "messageId": format!("m{index}"), "receiptHandle": format!("r{index}"), "body": body,
                "attributes": { "ApproximateReceiveCount": "2" } })
        };
        let records: Vec<_> = bodies.iter().enumerate().map(record).collect();
        serde_json::from_value(json!({ "Records": records })).unwrap()
    }

    fn body(alert: &str) -> String {
        json!({ "v": 1, "alert": alert }).to_string()
    }

    async fn run(queue: &Notes, bodies: &[&str]) -> (Vec<String>, Vec<String>) {
        let invocation = Invocation {
            request_id: "r".into(),
            now: sample::now(),
            deadline: sample::now() + SignedDuration::from_secs(30),
        };
        let parked = Mutex::new(Vec::new());
        let response = handle_batch(
            event(bodies),
            queue,
            &invocation,
            |delivery: Delivery<AlertMessage>| async move {
                match delivery.content.alert.as_str() {
                    "done" => Verdict::Done,
                    "again" => Verdict::Again,
                    "later" => Verdict::Later(Duration::from_secs(5000)),
                    "panic" => panic!("on purpose"),
                    owner if owner.starts_with("owner:") => {
                        assert_eq!(format!("owner:{}", delivery.owner), owner);
                        Verdict::Done
                    }
                    _ => Verdict::Park { reason: "nobody knows it".into() },
                }
            },
            |_, reason| {
                parked.lock().unwrap().push(reason);
                async {}
            },
        )
        .await;
        let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        (failed, parked.into_inner().unwrap())
    }

    #[tokio::test]
    async fn each_record_has_its_own_fate() {
        let queue = Notes::default();
        let bodies = ["done", "again", "later", "panic", "park", "owner:m5/2"].map(body);
        let mut bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
        bodies.push("not json");
        let (mut failed, parked) = run(&queue, &bodies).await;
        failed.sort();
        assert_eq!(failed, ["m1", "m3", "m4", "m6"]);
        assert_eq!(parked.len(), 2);
        assert_eq!(*queue.given_back.lock().unwrap(), ["r4", "r6"]);
        let sent = queue.sent.lock().unwrap();
        let [(copy, delay)] = sent.as_slice() else { panic!("one copy: {sent:?}") };
        assert_eq!(*delay, Duration::from_secs(900), "the longest SQS knows");
        let copy = message::read::<AlertMessage>(copy).unwrap();
        assert_eq!((copy.deferrals, copy.first_received), (1, Some(sample::now())));
    }

    #[tokio::test]
    async fn after_a_day_of_waiting_a_message_parks() {
        let queue = Notes::default();
        let since = sample::now() - PATIENCE;
        let body = json!({ "v": 1, "alert": "later", "deferrals": 99, "first_received": since }).to_string();
        let (failed, parked) = run(&queue, &[&body]).await;
        assert_eq!((failed.len(), parked.len(), queue.sent.lock().unwrap().len()), (1, 1, 0));
    }

    #[tokio::test]
    async fn a_copy_that_cannot_be_sent_keeps_the_original() {
        let queue = Notes { refuses: true, ..Notes::default() };
        assert_eq!(run(&queue, &[&body("later")]).await.0, ["m0"]);
    }

    #[tokio::test]
    async fn near_the_deadline_no_record_is_begun() {
        let queue = Notes::default();
        let invocation = Invocation { request_id: "r".into(), now: sample::now(), deadline: sample::now() };
        let handle = |_: Delivery<AlertMessage>| async { panic!("begun") };
        let response = handle_batch(event(&[&body("done")]), &queue, &invocation, handle, |_, _| async {}).await;
        assert_eq!(response.batch_item_failures.len(), 1);
    }

    #[test]
    fn a_delay_is_never_too_short() {
        for (millis, seconds) in [(-5, 0), (0, 0), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(delay(SignedDuration::from_millis(millis)).as_secs(), seconds);
        }
        assert_eq!(delay(SignedDuration::MIN), Duration::ZERO);
        assert_eq!(delay(SignedDuration::MAX).as_secs(), u64::try_from(i64::MAX).unwrap());
    }
}
