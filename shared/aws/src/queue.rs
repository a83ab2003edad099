//! SQS.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{PortError, Queue};

use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};

use crate::{Sdk, failure::sort, lambda::trace};

const SERVICE: &str = "SQS";

/// SQS hides a received message for twelve hours at most.
const LONGEST_DEFERRAL: Duration = Duration::from_secs(12 * 3600);

#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl SqsQueue {
    #[must_use]
    pub fn new(sdk: &Sdk, url: String) -> Self {
        Self { client: sdk.sqs(), url }
    }
}

/// X-Ray's header of the current invocation, so that the trace goes on where the message is handled.
fn trace_header() -> Option<MessageSystemAttributeValue> {
    let header = trace().filter(|header| !header.is_empty())?;
    MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let request = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(seconds);
        let request = match trace_header() {
            Some(header) => {
                request.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header)
            }
            None => request,
        };
        request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }

    async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError> {
        let delay = delay.min(LONGEST_DEFERRAL);
        let seconds = i32::try_from(delay.as_secs()).expect("twelve hours fit");
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        request.visibility_timeout(seconds).send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}
