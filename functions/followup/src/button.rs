//! A button in Slack. It is answered within the 3 s that Slack waits: a signature, at most two questions about whoever
//! pressed, one write, and the change of the message beside the answer to whoever pressed.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{
    Alert, EmailAddress,
    follow_up::{Door, Refused},
    ports::{Chat, PortError, told},
};
use jiff::{Timestamp, tz::TimeZone};
use runtime::words;
use slack::{
    Press, interaction,
    signature::{self, SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER},
};

use crate::{FollowingUp, Pressed, SlackDoor, Wish, answer::Answer, follow_up, raw_body};

const GONE: &str = "This alert is no longer kept; nothing changed. The ticket is still there.";
const NOT_ALLOWED: &str =
    "Only the people this alert was written to, and those your policy names, may do that; nothing changed.";
const STALE: &str = "It changed since this message was shown; nothing changed now. Look again, and press once more if you still want to.";

pub(crate) async fn answer(
    following_up: &FollowingUp,
    request: &ApiGatewayV2httpRequest,
    now: Timestamp,
) -> Result<Answer, PortError> {
    if request.request_context.http.method.as_str() != "POST" {
        return Ok(Answer::MethodNotAllowed);
    }
    let Some(slack) = &following_up.slack else { return Ok(Answer::NotSigned) };
    let body = raw_body(request).unwrap_or_default();
    if let Err(reason) = verify(slack, request, &body, now).await? {
        tracing::warn!(%reason, "Refused what is not signed by Slack.");
        return Ok(Answer::NotSigned);
    }
    let press = match interaction::parse(&body) {
        Ok(Some(press)) => press,
        Ok(None) => return Ok(Answer::Heard),
        Err(reason) => {
            tracing::warn!(%reason, "Refused an interaction that cannot be read.");
            return Ok(Answer::Unreadable);
        }
    };
    let (changed, words) = pressed(following_up, slack, &press, now).await?;
    // Beside each other: after two questions about who pressed, four calls in a row may take longer than Slack waits.
    let showing = async {
        if let Some(alert) = &changed {
            show(slack, alert).await;
        }
    };
    let telling = async {
        if let Some(words) = &words {
            whisper(slack, &press, words).await;
        }
    };
    futures::join!(showing, telling);
    Ok(Answer::Heard)
}

/// A signature that fits no known secret gets one look at fresh secrets: the secret may just have been rotated.
async fn verify(
    slack: &SlackDoor,
    request: &ApiGatewayV2httpRequest,
    body: &[u8],
    now: Timestamp,
) -> Result<Result<(), SignatureError>, PortError> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let (signed, at) = (header(SIGNATURE_HEADER), header(TIMESTAMP_HEADER));
    match signature::verify(&slack.secrets.secrets().await?, signed, at, body, now) {
        Err(SignatureError::Mismatch) => {
            Ok(signature::verify(&slack.secrets.refreshed().await?, signed, at, body, now))
        }
        verdict => Ok(verdict),
    }
}

/// Does what was pressed. Returns the alert to show, if the message has to follow, and what whoever pressed has to be told
/// where the message itself does not say it.
async fn pressed(
    following_up: &FollowingUp,
    slack: &SlackDoor,
    press: &Press,
    now: Timestamp,
) -> Result<(Option<Alert>, Option<String>), PortError> {
    let told = |words: &str| (None, Some(words.to_owned()));
    let alert = following_up.alerts.alert(press.alert, now).await?;
    let Some(alert) = alert.filter(|alert| is_of(alert, press)) else { return Ok(told(GONE)) };
    let Some(by) = presser(slack, press, &alert).await? else {
        tracing::warn!(alert = %press.alert, "Somebody pressed who may not.");
        return Ok(told(NOT_ALLOWED));
    };
    let wish = Wish { step: &press.step, by: &by, door: Door::Slack, seen: Some(press.revision), now };
    let (alert, pressed) = follow_up(following_up, alert, wish).await?;
    let words = match pressed {
        Pressed::Done => None,
        Pressed::Already => Some("You have it already; nothing changed.".to_owned()),
        Pressed::Refused(refused) => Some(refused_words(&refused, &zone(&alert))),
        Pressed::Stale => Some(STALE.to_owned()),
        Pressed::Gone => return Ok(told(GONE)),
    };
    Ok((Some(alert), words))
}

/// The press came from the alert's own message, and from no other that names it.
fn is_of(alert: &Alert, press: &Press) -> bool {
    let posted = alert.follow_up.posted.as_ref();
    posted.is_some_and(|posted| {
        posted.channel == press.channel && posted.message.as_deref() == Some(press.message.as_str())
    })
}

/// Who pressed, if they may: somebody the alert was written to, or whom the policy names.
async fn presser(slack: &SlackDoor, press: &Press, alert: &Alert) -> Result<Option<EmailAddress>, PortError> {
    let Some(address) = slack.client.address(&press.user).await? else { return Ok(None) };
    if alert.is_known_to(&address) {
        return Ok(Some(address));
    }
    let Some(posted) = &alert.follow_up.posted else { return Ok(None) };
    Ok(slack.client.may_press(&posted.may_press, &press.user, &address).await?.then_some(address))
}

/// In which the message tells its times.
fn zone(alert: &Alert) -> TimeZone {
    alert.follow_up.posted.as_ref().map_or(TimeZone::UTC, |posted| posted.time_zone.clone())
}

fn refused_words(refused: &Refused, zone: &TimeZone) -> String {
    match refused {
        Refused::TakenBy { by, at } => format!("{by} has had it since {}; nothing changed.", words::moment(*at, zone)),
        Refused::Settled(_) | Refused::CalledWrong(_) => "It is closed; nothing changed.".to_owned(),
        Refused::NoColleague => "It cannot be handed to that person; nothing changed.".to_owned(),
        Refused::OtherKind { .. } | Refused::Already | Refused::NotDue | Refused::NotToEscalate => {
            "Nothing changed.".to_owned()
        }
    }
}

/// Shows the alert in Slack as it is now. What fails here shows with the next press, which finds the message stale.
pub(crate) async fn show(slack: &SlackDoor, alert: &Alert) {
    if let Err(error) = slack.client.update(alert).await {
        tracing::warn!(alert = %alert.key(), error = told(&error), "Failed to change an alert's message in Slack.");
    }
}

async fn whisper(slack: &SlackDoor, press: &Press, words: &str) {
    if let Err(error) = slack.client.whisper(&press.channel, &press.user, words).await {
        tracing::warn!(alert = %press.alert, error = told(&error), "Failed to answer somebody in Slack.");
    }
}
