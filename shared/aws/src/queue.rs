//! SQS.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{PortError, Queue};

use crate::{Sdk, failure::sort};

const SERVICE: &str = "SQS";

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

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        let request = self.client.send_message().queue_url(&self.url).message_body(body).delay_seconds(seconds);
        request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }

    async fn give_back(&self, receipt: &str) -> Result<(), PortError> {
        let request = self.client.change_message_visibility().queue_url(&self.url).receipt_handle(receipt);
        request.visibility_timeout(0).send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(())
    }
}
