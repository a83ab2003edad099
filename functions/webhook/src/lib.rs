//! Zendesk's webhook: verify, parse, enqueue, answer. No table, no ticket text.
//!
//! Zendesk retries 409, time-outs, and 429/503 with `Retry-After` under 60, nothing else. So whatever is our fault is a
//! 503 with `Retry-After`, and 200 is said only once the queue has the message.

mod answer;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::ports::{PortError, Queue, Settings, SigningSecrets, told};
use futures::FutureExt;
use jiff::Timestamp;
use runtime::{
    Cause, TicketMessage,
    message::{self, Envelope},
};
use zendesk::{
    Actor, Event, Happening, event,
    signature::{self, SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER},
};

use crate::answer::{Answer, Ignored};

/// A customer may still be typing: later messages are triaged after this.
pub const RETRIAGE_DELAY: Duration = Duration::from_secs(60);

/// What the webhook needs of the outside.
#[derive(Clone)]
pub struct Webhook {
    pub secrets: Arc<dyn SigningSecrets>,
    pub settings: Arc<dyn Settings>,
    pub tickets: Arc<dyn Queue>,
}

/// Answers one request. Never fails: every outcome has its status.
///
/// | status | when |
/// |---|---|
/// | 200 | queued; or nothing to do: an unknown event type, a change of our own |
/// | 400 | not an event of Zendesk's, although signed |
/// | 401 | no signature, or a wrong one |
/// | 405 | not a POST |
/// | 503 + `Retry-After` | secrets, settings or queue are not reachable; a panic |
pub async fn handle(webhook: &Webhook, request: ApiGatewayV2httpRequest, now: Timestamp) -> ApiGatewayV2httpResponse {
    // A function that panics is a 500 to Zendesk, which it does not retry.
    let answer = match AssertUnwindSafe(answer(webhook, &request, now)).catch_unwind().await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(error = told(&error), "A webhook could not be taken in.");
            Answer::TryAgain
        }
        Err(_) => {
            tracing::error!("Taking in a webhook panicked.");
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
        tracing::warn!(reason = %error, "A webhook was refused.");
        return Ok(Answer::Unauthorized);
    }
    let event = match event::parse(&body) {
        Ok(event) => event,
        Err(error) => return Ok(Answer::Malformed(error.to_string())),
    };
    let Some((cause, delay)) = triage_for(&event.happening) else {
        return Ok(Answer::Ignored(Ignored::NothingToDo));
    };
    let bot = webhook.settings.policy().await?.bot_user;
    if bot.is_some_and(|bot| event.actor == Actor::User(bot)) {
        return Ok(Answer::Ignored(Ignored::OurOwn));
    }
    message::send(&*webhook.tickets, &Envelope::new(ticket_message(event, cause, now)), delay).await?;
    Ok(Answer::Queued)
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
    match signature::verify(&webhook.secrets.secrets().await?, signed, at, body, now) {
        Err(SignatureError::Mismatch) => {
            Ok(signature::verify(&webhook.secrets.refreshed().await?, signed, at, body, now))
        }
        verdict => Ok(verdict),
    }
}

/// What an event means for triage, and how long to wait for the customer to finish typing.
fn triage_for(happening: &Happening) -> Option<(Cause, Duration)> {
    match happening {
        Happening::TicketCreated => Some((Cause::Created, Duration::ZERO)),
        Happening::CustomerCommented => Some((Cause::Commented, RETRIAGE_DELAY)),
        Happening::FieldChanged => Some((Cause::FieldChanged, RETRIAGE_DELAY)),
        Happening::Triggered => Some((Cause::Triggered, Duration::ZERO)),
        Happening::Other(_) => None,
    }
}

fn ticket_message(event: Event, cause: Cause, now: Timestamp) -> TicketMessage {
    TicketMessage {
        ticket_id: event.ticket,
        cause,
        event_id: event.id,
        actor_id: match event.actor {
            Actor::User(user) => Some(user),
            Actor::Unknown => None,
        },
        time: event.at.unwrap_or(now),
    }
}
