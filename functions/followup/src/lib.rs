//! What people press in an alert's mail and in its message in Slack. A signed link shows a page, and the page's button
//! changes the alert; a button in Slack changes it at once.
//!
//! Invariant: a GET changes nothing, since mail scanners open every link, and neither does what was posted before: a press
//! names the revision that whoever pressed saw. What a link is not good for, a stranger learns
//! nothing from: forged, expired, of an alert that is gone or of somebody else all look the same and cost the same.

mod answer;
mod ask;
mod button;
mod page;
mod reader;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Alert, AlertKey, AlertKind, AuditAction, AuditEntry, Band, EmailAddress, FollowUp, TicketId,
    follow_up::{Door, Refused, Step},
    ports::{Fenced, FollowUps, PortError, Queue, SigningSecrets, told},
};
use futures::FutureExt;
use jiff::Timestamp;
use runtime::{
    AlertMessage,
    links::{self, Action, Link, LinkError},
    message::{self, Envelope},
};
use secrecy::SecretString;
use slack::Client;

use crate::{
    answer::Answer,
    page::{Said, View},
};

/// Where links are opened, below the address of the function's API.
pub const PATH: &str = "/followup";
/// Where Slack tells what was pressed.
pub const SLACK_PATH: &str = "/slack";

/// Somebody else changed the alert in between: it is looked at again that often.
const LOOKS: usize = 4;
/// What a choice is called in the form.
const CHOICE: &str = "choice";
/// What the form calls the revision of the alert that its page shows.
const SEEN: &str = "seen";

/// What following up needs of the outside.
#[derive(Clone)]
pub struct FollowingUp {
    /// What links are signed with; whoever sends alerts has them too.
    pub secrets: Arc<dyn SigningSecrets>,
    pub alerts: Arc<dyn FollowUps>,
    /// Where the alert function hears that an alert was handed over, or that somebody asks for a link, and writes to them.
    pub alert_queue: Arc<dyn Queue>,
    /// Where alerts stand in Slack as well.
    pub slack: Option<SlackDoor>,
    /// How readers of the dashboard act from there.
    pub page: PageDoor,
}

/// How somebody who reads the dashboard comes to a link.
#[derive(Clone)]
pub enum PageDoor {
    /// Not at all.
    Shut,
    /// Whoever has a session may act on the alerts that their role sees. These keys seal sessions.
    Sessions(Arc<dyn SigningSecrets>),
    /// Nobody is known there: they have the link mailed, by whoever mails alerts.
    Asking,
    /// On a laptop whoever reads the page is taken for whom the alert went to.
    Laptop,
}

/// What Slack's buttons need.
#[derive(Clone)]
pub struct SlackDoor {
    /// What Slack signs with. None of them: there is no app, and nothing is taken for Slack's.
    pub secrets: Arc<dyn SigningSecrets>,
    pub client: Client,
}

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Method {
    Show,
    Press,
}

/// Answers one request. Never fails: every outcome has its page.
///
/// | status | when |
/// |---|---|
/// | 200 | the page of a good link; pressed, or pressed before by the same person |
/// | 400 | a button without its choice |
/// | 404 | the link is good for nothing, for whatever reason |
/// | 405 | neither GET, HEAD nor POST |
/// | 200, 403 | from the dashboard: the page of a link; not signed in, or an alert that the reader does not see |
/// | 200 | a link was asked for, whoever asked and for whomever |
/// | 200, 400, 401 | at [`SLACK_PATH`]: heard; signed and unreadable; not signed by Slack |
/// | 409 | the alert does not allow it: somebody else has it, it is closed, or it is not as the page showed it |
/// | 503 + `Retry-After` | the secrets or the table cannot be reached; a panic |
pub async fn handle(
    following_up: &FollowingUp,
    request: ApiGatewayV2httpRequest,
    now: Timestamp,
) -> ApiGatewayV2httpResponse {
    let answer = match AssertUnwindSafe(answer(following_up, &request, now)).catch_unwind().await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(error = told(&error), "Failed to follow an alert up.");
            Answer::TryAgain
        }
        Err(_) => {
            tracing::error!("Following an alert up panicked.");
            Answer::TryAgain
        }
    };
    answer.into()
}

async fn answer(
    following_up: &FollowingUp,
    request: &ApiGatewayV2httpRequest,
    now: Timestamp,
) -> Result<Answer, PortError> {
    if request.raw_path.as_deref() == Some(SLACK_PATH) {
        return button::answer(following_up, request, now).await;
    }
    let method = match request.request_context.http.method.as_str() {
        "GET" | "HEAD" => Method::Show,
        "POST" => Method::Press,
        _ => return Ok(Answer::MethodNotAllowed),
    };
    let query = request.raw_query_string.as_deref().unwrap_or_default();
    if let Some(alert) = parameter(query, reader::ALERT) {
        return reader::answer(following_up, request, &alert, query, now).await;
    }
    if let Some(alert) = parameter(query, ask::ALERT) {
        return ask::answer(following_up, request, &alert, method).await;
    }
    let text = parameter(query, links::PARAMETER);
    let (opened, secrets) = open(following_up, &text.unwrap_or_default(), now).await?;
    // Looked up whatever the link is: how long an answer takes must not tell a good signature from a bad one.
    let key = opened.as_ref().map_or_else(|_| nobodys(), |link| link.alert);
    let found = following_up.alerts.alert(key, now).await?;
    let (link, alert) = match (opened, found) {
        (Ok(link), Some(alert)) if may_press(&alert, &link) => (link, alert),
        (opened, found) => {
            let reason = opened.err().map(|error| error.to_string());
            let known = found.is_some();
            tracing::warn!(reason, known, "Refused a link.");
            return Ok(Answer::NotValid);
        }
    };
    let secret = secrets.first();
    match method {
        Method::Show => Ok(Answer::page(200, View::new(&alert, &link, secret, now), Said::Nothing)),
        Method::Press => {
            let body = raw_body(request).and_then(|bytes| String::from_utf8(bytes).ok());
            let field = |name| body.as_deref().and_then(|body| parameter(body, name));
            match step(link.action, &field(CHOICE).unwrap_or_default()) {
                Some(step) => {
                    let seen = field(SEEN).and_then(|seen| seen.parse().ok());
                    let wish = Wish { step: &step, by: &link.recipient, door: link.door, seen, now };
                    press(following_up, alert, &link, wish, secret).await
                }
                None => Ok(Answer::page(400, View::new(&alert, &link, secret, now), Said::Choose)),
            }
        }
    }
}

/// A link that fits no known secret gets one look at fresh secrets: the secret may just have been rotated.
async fn open(
    following_up: &FollowingUp,
    text: &str,
    now: Timestamp,
) -> Result<(Result<Link, LinkError>, Vec<SecretString>), PortError> {
    let known = following_up.secrets.secrets().await?;
    match links::open(&known, text, now) {
        Err(LinkError::Forged) => {
            let fresh = following_up.secrets.refreshed().await?;
            Ok((links::open(&fresh, text, now), fresh))
        }
        opened => Ok((opened, known)),
    }
}

/// The link's reader is somebody the alert was written to, or was seen to be allowed when they got the link.
fn may_press(alert: &Alert, link: &Link) -> bool {
    link.door == Door::Page || alert.is_known_to(&link.recipient)
}

/// What a link lets its reader do, with the choice made on the page. None without one that fits.
fn step(action: Action, choice: &str) -> Option<Step> {
    Some(match action {
        Action::Take => Step::Take,
        Action::Settle => Step::Settle(choice.parse().ok()?),
        Action::CallWrong => Step::CallWrong(choice.parse().ok()?),
        Action::Snooze => Step::Snooze(choice.parse().ok()?),
        Action::HandOver => Step::HandOver(choice.parse().ok()?),
    })
}

async fn press(
    following_up: &FollowingUp,
    alert: Alert,
    link: &Link,
    wish: Wish<'_>,
    secret: Option<&SecretString>,
) -> Result<Answer, PortError> {
    let (alert, pressed) = follow_up(following_up, alert, wish).await?;
    let page = |status, said| Ok(Answer::page(status, View::new(&alert, link, secret, wish.now), said));
    match pressed {
        Pressed::Done => {
            if let Some(slack) = &following_up.slack {
                button::show(slack, &alert).await;
            }
            page(200, Said::Done)
        }
        Pressed::Already => page(200, Said::Already),
        Pressed::Refused(refused) => page(409, Said::Refused(refused)),
        Pressed::Stale => page(409, Said::Stale),
        Pressed::Gone => Ok(Answer::NotValid),
    }
}

/// What somebody wants to become of an alert.
#[derive(Clone, Copy)]
struct Wish<'a> {
    step: &'a Step,
    by: &'a EmailAddress,
    door: Door,
    /// The revision they saw: of any other, nothing is changed. None: they name none.
    seen: Option<u32>,
    now: Timestamp,
}

/// What became of it.
enum Pressed {
    Done,
    /// The same person did the same before.
    Already,
    Refused(Refused),
    /// It is not what they saw.
    Stale,
    /// Erased meanwhile.
    Gone,
}

/// Changes the alert, if it allows that and nobody was faster. Returns it as it is then.
async fn follow_up(
    following_up: &FollowingUp,
    mut alert: Alert,
    wish: Wish<'_>,
) -> Result<(Alert, Pressed), PortError> {
    let key = alert.key();
    let mut trouble = None;
    for _ in 0..LOOKS {
        let next = match alert.after(wish.step.clone(), wish.by, wish.now) {
            Ok(next) => next,
            Err(Refused::Already) => return Ok((alert, Pressed::Already)),
            Err(refused) => {
                tracing::info!(alert = %key, stage = alert.follow_up.stage.word(), "An alert did not allow what was pressed.");
                return Ok((alert, Pressed::Refused(refused)));
            }
        };
        if wish.seen != Some(alert.follow_up.revision) {
            return Ok((alert, Pressed::Stale));
        }
        match following_up.alerts.follow_up(&alert, &next, &entry(&alert, &next, wish)).await {
            Ok(Fenced::Written) => {
                tracing::info!(alert = %key, stage = next.stage.word(), "Followed an alert up.");
                alert.follow_up = next;
                tell_new_owner(following_up, &alert, wish).await;
                return Ok((alert, Pressed::Done));
            }
            Ok(Fenced::Lost) => {}
            // Two writes at the same moment may both be turned away; or only the answer was lost.
            Err(error @ PortError::Transient { .. }) => trouble = Some(error),
            Err(error) => return Err(error),
        }
        match following_up.alerts.alert(key, wish.now).await? {
            // Ours, written at the attempt before.
            Some(found) if found.follow_up == next => {
                tell_new_owner(following_up, &found, wish).await;
                return Ok((found, Pressed::Done));
            }
            Some(found) => alert = found,
            None => return Ok((alert, Pressed::Gone)),
        }
    }
    Err(trouble.unwrap_or_else(|| PortError::transient("the alert log", "an alert kept changing while it was pressed")))
}

/// Has the new owner written to. If that fails, they hear of it with the hourly reminders: it is stored that they are to.
async fn tell_new_owner(following_up: &FollowingUp, alert: &Alert, wish: Wish<'_>) {
    let Step::HandOver(_) = wish.step else { return };
    let message = Envelope::new(AlertMessage::new(alert.key()));
    if let Err(error) = message::send(&*following_up.alert_queue, &message, Duration::ZERO).await {
        tracing::warn!(alert = %alert.key(), error = told(&error), "The new owner of an alert is told within the hour.");
    }
}

fn entry(alert: &Alert, next: &FollowUp, wish: Wish<'_>) -> AuditEntry {
    let what = match wish.step {
        Step::HandOver(to) => format!("handed to {to} by {}", wish.by),
        Step::Take | Step::Settle(_) | Step::CallWrong(_) | Step::Snooze(_) => next.stage.to_string(),
    };
    AuditEntry {
        at: wish.now,
        ticket: alert.ticket,
        action: AuditAction::AlertFollowUp,
        target: alert.key().to_string().into(),
        outcome: format!("{what}, by {}", wish.door).into(),
    }
}

/// An alert that no link is about.
fn nobodys() -> AlertKey {
    let ticket = TicketId::new(u64::MAX).expect("not zero");
    AlertKey { ticket, kind: AlertKind::Guardian, band: Band::Elevated }
}

/// The first parameter of that name. API Gateway's own reading joins several with commas.
fn parameter(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The bytes that were sent. None if they are said to be base64 and are not.
fn raw_body(request: &ApiGatewayV2httpRequest) -> Option<Vec<u8>> {
    let body = request.body.as_deref().unwrap_or_default();
    if request.is_base64_encoded { BASE64_STANDARD.decode(body).ok() } else { Some(body.into()) }
}
