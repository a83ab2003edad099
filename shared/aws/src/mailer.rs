//! E-mail over SES.

use async_trait::async_trait;
use aws_sdk_sesv2::{
    error::BuildError,
    types::{Body, Content, Destination, EmailContent, Message, MessageHeader},
};
use domain::{
    EmailAddress,
    ports::{Accepted, Email, Mailer, PortError},
};

use crate::{Sdk, failure::sort};

const SERVICE: &str = "SES";

/// Sends through a configuration set, so that bounces and complaints are seen.
#[derive(Clone, Debug)]
pub struct SesMailer {
    client: aws_sdk_sesv2::Client,
    sender: EmailAddress,
    configuration_set: String,
}

impl SesMailer {
    /// `sender`: an address SES has verified, or one of a domain it has.
    #[must_use]
    pub fn new(sdk: &Sdk, sender: EmailAddress, configuration_set: String) -> Self {
        Self { client: sdk.ses(), sender, configuration_set }
    }

    /// Messages of a thread refer to one message that never was, which is what makes mail programs fold them.
    fn message(&self, email: &Email) -> Result<Message, BuildError> {
        let domain = self.sender.as_str().rsplit('@').next().unwrap_or_default();
        let thread = format!("<{}@{domain}>", email.thread);
        let utf8 = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let header = |name: &str, value: &str| MessageHeader::builder().name(name).value(value).build();
        Ok(Message::builder()
            .subject(utf8(&email.subject)?)
            .body(Body::builder().html(utf8(&email.html)?).text(utf8(&email.text)?).build())
            .headers(header("References", &thread)?)
            .headers(header("In-Reply-To", &thread)?)
            .headers(header("Auto-Submitted", "auto-generated")?)
            .build())
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        let message = self.message(email).map_err(|error| PortError::permanent(SERVICE, error))?;
        let request = self
            .client
            .send_email()
            .from_email_address(self.sender.as_str())
            .destination(Destination::builder().to_addresses(email.to.as_str()).build())
            .configuration_set_name(&self.configuration_set)
            .content(EmailContent::builder().simple(message).build());
        let output = request.send().await.map_err(|error| sort(SERVICE, error))?;
        Ok(Accepted::Sent { id: output.message_id.unwrap_or_default() })
    }
}
