//! Zendesk's webhook: verify, parse, enqueue, answer. No table, no ticket text.
//!
//! Zendesk retries 409, time-outs, and 429/503 with `Retry-After` under 60, nothing else. So whatever is our fault is a
//! 503 with `Retry-After`, and 200 is said only once the queue has the message. It reads no file of the customer's: a
//! mistake in one must not turn deliveries away.

mod answer;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    UserId,
    ports::{PortError, Queue, SigningSecrets, told},
};
use futures::FutureExt;
use jiff::Timestamp;
use runtime::{
    Cause, TicketMessage,
    config::Reader,
    message::{self, Envelope},
    metrics,
};
use zendesk::{
    Actor, Event, Happening, Legibility, event,
    signature::{self, SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER},
};

use crate::answer::{Answer, Ignored};

/// A customer may still be typing: later messages are triaged after this.
pub const RETRIAGE_DELAY: Duration = Duration::from_secs(60);

/// How long each call to the outside may take. Together they stay below [`LONGEST`], whatever else is slow.
const SECRETS_WITHIN: Duration = Duration::from_millis(2_500);
/// The second look, at a signature that fits no known secret.
const REFRESH_WITHIN: Duration = Duration::from_millis(2_500);
const QUEUE_WITHIN: Duration = Duration::from_secs(3);

/// The longest a request takes: 2 s less than function and gateway allow, so that the sender gets our 503 with its
/// `Retry-After` and not the gateway's without one, which Zendesk does not retry.
pub const LONGEST: Duration = Duration::from_secs(8);

/// What the webhook needs of the outside.
#[derive(Clone)]
pub struct Webhook {
    pub secrets: Arc<dyn SigningSecrets>,
    pub tickets: Arc<dyn Queue>,
    /// The Zendesk user this product acts as: what it caused itself is not triaged again. None: nothing is skipped.
    pub bot_user: Option<UserId>,
}

/// `BOT_USER_ID`: the number of the Zendesk user this product acts as, where there is one.
pub fn bot_user<F: Fn(&str) -> Option<String>>(reader: &mut Reader<F>) -> Option<UserId> {
    reader.optional("BOT_USER_ID").map(UserId)
}

/// Answers one request. Never fails: every outcome has its status.
///
/// | status | when |
/// |---|---|
/// | 200 | queued; or nothing to do: an unknown event type, a change of our own |
/// | 400 | no ticket is named, although signed |
/// | 401 | no signature, or a wrong one |
/// | 405 | not a POST |
/// | 503 + `Retry-After` | the secrets or the queue cannot be reached in time; a panic |
pub async fn handle(webhook: &Webhook, request: ApiGatewayV2httpRequest, now: Timestamp) -> ApiGatewayV2httpResponse {
    // A function that panics is a 500 to Zendesk, which it does not retry.
    let answer = match AssertUnwindSafe(answer(webhook, &request, now)).catch_unwind().await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(error = told(&error), "Failed to accept a webhook.");
            Answer::TryAgain
        }
        Err(_) => {
            tracing::error!("Accepting a webhook panicked.");
            Answer::TryAgain
        }
    };
    answer.into()
}

async fn answer(webhook: &Webhook, request: &ApiGatewayV2httpRequest, now: Timestamp) -> Result<Answer, PortError> {
    if request.request_context.http.method != "POST" {
        return Ok(Answer::MethodNotAllowed);
    }
    let Some(body) = raw_body(request) else {
        return Ok(Answer::Malformed("the body is said to be base64 and is not".to_owned()));
    };
    if let Err(error) = verify(webhook, request, &body, now).await? {
        tracing::warn!(reason = %error, "Rejected a webhook.");
        metrics::unauthorized();
        return Ok(Answer::Unauthorized);
    }
    let event = match event::parse(&body) {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(reason = %error, "Refused a signed body that names no ticket.");
            return Ok(Answer::Malformed(error.to_string()));
        }
    };
    note_legibility(&event);
    let Some((cause, delay)) = triage_for(&event.happening) else {
        return Ok(Answer::Ignored(Ignored::NothingToDo));
    };
    if webhook.bot_user.is_some_and(|bot| event.actor == Actor::User(bot)) {
        return Ok(Answer::Ignored(Ignored::OurOwn));
    }
    let message = Envelope::new(TicketMessage { ticket_id: event.ticket, cause });
    // A message that was sent although the answer came too late is sent again by Zendesk; triage takes it once.
    within(QUEUE_WITHIN, "the ticket queue", message::send(&*webhook.tickets, &message, delay)).await?;
    Ok(Answer::Queued)
}

/// What a call returns, or that it took too long.
async fn within<T>(
    time: Duration,
    service: &'static str,
    call: impl Future<Output = Result<T, PortError>>,
) -> Result<T, PortError> {
    match tokio::time::timeout(time, call).await {
        Ok(outcome) => outcome,
        Err(_) => Err(PortError::transient(service, "no answer in time")),
    }
}

/// The bytes Zendesk signed.
fn raw_body(request: &ApiGatewayV2httpRequest) -> Option<Vec<u8>> {
    let body = request.body.as_deref().unwrap_or_default();
    if request.is_base64_encoded { BASE64_STANDARD.decode(body).ok() } else { Some(body.into()) }
}

/// A signature that fits no known secret gets one look at fresh secrets: the secret may just have been rotated.
async fn verify(
    webhook: &Webhook,
    request: &ApiGatewayV2httpRequest,
    body: &[u8],
    now: Timestamp,
) -> Result<Result<(), SignatureError>, PortError> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let (signed, at) = (header(SIGNATURE_HEADER), header(TIMESTAMP_HEADER));
    let known = within(SECRETS_WITHIN, "the secret store", webhook.secrets.secrets()).await?;
    match signature::verify(&known, signed, at, body, now) {
        Err(SignatureError::Mismatch) => {
            let fresh = within(REFRESH_WITHIN, "the secret store", webhook.secrets.refreshed()).await?;
            Ok(signature::verify(&fresh, signed, at, body, now))
        }
        verdict => Ok(verdict),
    }
}

/// A body that only just could be read is for a person to know of: a trigger's template usually holds free text.
fn note_legibility(event: &Event) {
    match event.legibility {
        Legibility::Valid => {}
        how @ (Legibility::Mended | Legibility::Salvaged) => {
            tracing::warn!(ticket.id = %event.ticket, how = <&str>::from(how), "Read a body that is not valid JSON.");
            metrics::mended_event();
        }
    }
}

/// What an event means for triage, and how long to wait for the customer to finish typing.
fn triage_for(happening: &Happening) -> Option<(Cause, Duration)> {
    match happening {
        Happening::TicketCreated => Some((Cause::Created, Duration::ZERO)),
        Happening::CustomerCommented => Some((Cause::Commented, RETRIAGE_DELAY)),
        Happening::FieldChanged => Some((Cause::FieldChanged, RETRIAGE_DELAY)),
        Happening::Triggered => Some((Cause::Triggered, Duration::ZERO)),
        Happening::Deleted => Some((Cause::Deleted, Duration::ZERO)),
        Happening::Redacted => Some((Cause::Redacted, Duration::ZERO)),
        Happening::Nothing(_) => None,
        Happening::Unknown(kind) => {
            tracing::warn!(event.type = kind, "Zendesk sent an event of an unknown type.");
            metrics::unknown_event();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_calls_fit_one_request() {
        assert!(SECRETS_WITHIN + REFRESH_WITHIN + QUEUE_WITHIN <= LONGEST);
    }
}
