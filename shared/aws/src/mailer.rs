//! E-mail over SES.

use async_trait::async_trait;
use aws_sdk_sesv2::{
    config::http::HttpResponse,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message, MessageHeader},
};
use base64::{Engine, engine::general_purpose::STANDARD};
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
    /// Behind the `@` of the ids that SES gives its messages.
    of_ids: String,
}

impl SesMailer {
    /// `sender`: an address SES has verified, or one of a domain it has.
    #[must_use]
    pub fn new(sdk: &Sdk, sender: EmailAddress, configuration_set: String) -> Self {
        Self { client: sdk.ses(), sender, configuration_set, of_ids: of_ids(sdk.region()) }
    }

    /// The address with a name of any letters, encoded as a header needs it (RFC 2047).
    fn from(&self, name: &str) -> String {
        format!("=?utf-8?B?{}?= <{}>", STANDARD.encode(name), self.sender)
    }

    /// Messages of a thread refer to one message that never was, which makes mail programs fold them even where the first
    /// was sent twice, and to the one that they answer.
    fn message(&self, email: &Email) -> Result<Message, BuildError> {
        let domain = self.sender.as_str().rsplit('@').next().unwrap_or_default();
        let thread = format!("<{}@{domain}>", email.thread);
        let answers = email.answers.as_ref().map(|id| self.message_id(id));
        let references = answers.iter().fold(thread.clone(), |before, id| format!("{before} {id}"));
        let utf8 = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let header = |name: &str, value: &str| MessageHeader::builder().name(name).value(value).build();
        let message = Message::builder()
            .subject(utf8(&email.subject)?)
            .body(Body::builder().html(utf8(&email.html)?).text(utf8(&email.text)?).build())
            .headers(header("References", &references)?)
            .headers(header("In-Reply-To", answers.as_ref().unwrap_or(&thread))?)
            .headers(header("Auto-Submitted", "auto-generated")?);
        let message = if email.important { message.headers(header("Importance", "high")?) } else { message };
        Ok(message.build())
    }

    /// As SES writes it into the message's own header.
    fn message_id(&self, id: &str) -> String {
        if id.contains('@') { format!("<{id}>") } else { format!("<{id}@{}>", self.of_ids) }
    }
}

/// Its oldest region has a name of its own.
fn of_ids(region: Option<&str>) -> String {
    match region {
        Some("us-east-1") | None => "email.amazonses.com".to_owned(),
        Some(region) => format!("{region}.amazonses.com"),
    }
}

/// What stands in the way of every message alike until a person mends the account, by SES's code.
const OURS: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "AccountSuspendedException",
    "MailFromDomainNotVerifiedException",
    // The configuration set.
    "NotFoundException",
    "SendingPausedException",
];

/// SES's word for a message it will not take. In the sandbox, and where the sender's identity is not verified, it says so
/// in the text only.
const REJECTED: &str = "MessageRejected";
const UNVERIFIED: &str = "not verified";

/// Sorts what SES refuses: us, or this one message.
fn refusal(error: SdkError<SendEmailError, HttpResponse>) -> PortError {
    let ours = error.as_service_error().is_some_and(|refused| {
        let code = refused.code().unwrap_or_default();
        OURS.contains(&code) || (code == REJECTED && refused.message().is_some_and(|text| text.contains(UNVERIFIED)))
    });
    // SES's text names the addresses that are not verified, and logs hold none.
    let code = error.code().unwrap_or_default().to_owned();
    if ours {
        PortError::denied(SERVICE, format!("{code}: the account, the identity or the configuration set"))
    } else {
        sort(SERVICE, error)
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        let message = self.message(email).map_err(|error| PortError::permanent(SERVICE, error))?;
        let request = self
            .client
            .send_email()
            .from_email_address(self.from(&email.sender_name))
            .destination(Destination::builder().to_addresses(email.to.as_str()).build())
            .set_reply_to_addresses(email.reply_to.as_ref().map(|address| vec![address.to_string()]))
            .configuration_set_name(&self.configuration_set)
            .content(EmailContent::builder().simple(message).build());
        let output = request.send().await.map_err(refusal)?;
        Ok(Accepted::Sent { id: output.message_id.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sesv2::{config::http::HttpResponse, error::ErrorMetadata};
    use domain::ports::{contract::mailer::email, told};

    use super::*;

    fn refused(status: u16, code: &str, text: &str) -> PortError {
        let meta = ErrorMetadata::builder().code(code).message(text).build();
        let answer = HttpResponse::new(status.try_into().unwrap(), "".into());
        refusal(SdkError::service_error(SendEmailError::generic(meta), answer))
    }

    fn mailer(region: Option<&str>) -> SesMailer {
        let config = aws_sdk_sesv2::Config::builder().behavior_version_latest().build();
        SesMailer {
            client: aws_sdk_sesv2::Client::from_conf(config),
            sender: "triage@acme.test".parse().unwrap(),
            configuration_set: "c".into(),
            of_ids: of_ids(region),
        }
    }

    #[test]
    fn the_sender_has_a_name() {
        assert_eq!(mailer(None).from("Support triage"), "=?utf-8?B?U3VwcG9ydCB0cmlhZ2U=?= <triage@acme.test>");
    }

    #[test]
    fn an_answer_names_what_it_answers() {
        let first = email("kam@example.com");
        let answer = Email { answers: Some("0100-1".into()), ..first.clone() };
        let elsewhere = Some("eu-west-1");
        for (region, email, references, in_reply_to) in [
            (None, &first, "<ticket-1001@acme.test>", "<ticket-1001@acme.test>"),
            (None, &answer, "<ticket-1001@acme.test> <0100-1@email.amazonses.com>", "<0100-1@email.amazonses.com>"),
            (
                elsewhere,
                &answer,
                "<ticket-1001@acme.test> <0100-1@eu-west-1.amazonses.com>",
                "<0100-1@eu-west-1.amazonses.com>",
            ),
        ] {
            let message = mailer(region).message(email).unwrap();
            let header = |name| message.headers().iter().find(|header| header.name() == name).unwrap().value();
            assert_eq!((header("References"), header("In-Reply-To")), (references, in_reply_to));
        }
    }

    #[test]
    fn what_ses_refuses_is_ours_theirs_or_the_moments() {
        let unverified = "Email address is not verified. The following identities failed the check: kam@PLANTED.com";
        for (status, code, text) in [
            (400, "AccountSuspendedException", ""),
            (400, "SendingPausedException", ""),
            (400, "MailFromDomainNotVerifiedException", ""),
            (404, "NotFoundException", "Configuration set <x> does not exist."),
            (403, "AccessDeniedException", "is not authorized to perform: ses:SendEmail"),
            (400, "MessageRejected", unverified),
        ] {
            let error = refused(status, code, text);
            assert!(matches!(error, PortError::Denied { .. }), "{code}");
            assert!(told(&error).contains(code) && !told(&error).contains("PLANTED"), "{}", told(&error));
        }
        for (code, text) in [("MessageRejected", "Illegal content"), ("BadRequestException", "Invalid address")] {
            assert!(matches!(refused(400, code, text), PortError::Permanent { .. }), "{code}");
        }
        for (status, code) in
            [(429, "TooManyRequestsException"), (400, "ThrottlingException"), (503, "ServiceUnavailable")]
        {
            assert!(matches!(refused(status, code, ""), PortError::Transient { .. }), "{code}");
        }
    }
}
