//! The event source mapping: hands a queue's messages to a function as the SQS event it would get on AWS.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::{Value, json};

use crate::{MemoryQueue, queue::Message};

/// Messages in one batch.
const BATCH: usize = 10;

/// Receives one batch, hands it to `function`, and deletes what did not fail. Returns how many messages there were.
pub async fn pump<F, R>(queue: &MemoryQueue, function: F) -> usize
where
    F: FnOnce(SqsEvent) -> R,
    R: Future<Output = SqsBatchResponse>,
{
    let messages = queue.receive(BATCH);
    if messages.is_empty() {
        return 0;
    }
    let records: Vec<Value> = messages.iter().map(record).collect();
    let event = serde_json::from_value(json!({ "Records": records })).expect("the shape of an SQS event");
    let failed: Vec<String> =
        function(event).await.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
    for message in messages.iter().filter(|message| !failed.contains(&message_id(message))) {
        queue.delete(&message.receipt());
    }
    messages.len()
}

fn message_id(message: &Message) -> String {
    format!("message-{}", message.id)
}

fn record(message: &Message) -> Value {
    json!({
        "messageId": message_id(message),
        "receiptHandle": message.receipt(),
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": message.receives.to_string(),
            "SentTimestamp": message.sent.as_millisecond().to_string(),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:local:000000000000:queue",
        "awsRegion": "local",
    })
}
