//! Somebody on the dashboard wants to act: who they are is known there, so they get a link of their own, for a short time.
//!
//! Nothing changes here. The link's page has the button, and nobody on another site can make or read such a link.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{
    Alert, AlertKind, EmailAddress,
    follow_up::Door,
    ports::{PortError, SigningSecrets},
    time::later,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use runtime::{
    links::{Action, Link},
    sealed::{self, Role, Session},
};

use crate::{
    FollowingUp, PageDoor,
    answer::Answer,
    nobodys,
    page::{Said, View},
    parameter,
};

/// Names the alert.
pub(crate) const ALERT: &str = "alert";
const ACTION: &str = "action";
/// In which the dashboard tells times.
const ZONE: &str = "zone";
/// Time enough to choose; whoever comes back later opens the page anew.
const VALID_FOR: SignedDuration = SignedDuration::from_hours(1);

pub(crate) async fn answer(
    following_up: &FollowingUp,
    request: &ApiGatewayV2httpRequest,
    alert: &str,
    query: &str,
    now: Timestamp,
) -> Result<Answer, PortError> {
    // Only a link changes something.
    if request.request_context.http.method.as_str() == "POST" {
        return Ok(Answer::NotYours);
    }
    let session = match &following_up.page {
        PageDoor::Sessions(keys) => session(&**keys, request, now).await?,
        PageDoor::Shut | PageDoor::Asking | PageDoor::Laptop => None,
    };
    // Looked up whoever asks, as for a link.
    let key = alert.parse().unwrap_or_else(|_| nobodys());
    let found = following_up.alerts.alert(key, now).await?;
    let action = parameter(query, ACTION).and_then(|action| action.parse::<Action>().ok());
    let secrets = following_up.secrets.secrets().await?;
    let reader = found.as_ref().and_then(|alert| reader(&following_up.page, session.as_ref(), alert));
    let (Some(alert), Some(recipient), Some(action)) = (found, reader, action) else {
        tracing::warn!(signed_in = session.is_some(), "Refused somebody on the dashboard.");
        return Ok(Answer::NotYours);
    };
    let zone = parameter(query, ZONE).and_then(|zone| TimeZone::get(&zone).ok());
    let link = Link {
        alert: alert.key(),
        action,
        recipient,
        expires: later(now, VALID_FOR),
        time_zone: zone.unwrap_or(TimeZone::UTC),
        door: Door::Page,
    };
    Ok(Answer::page(200, View::new(&alert, &link, secrets.first(), now), Said::Nothing))
}

/// A session that fits no known key gets one look at fresh keys: the key may just have been replaced.
async fn session(
    keys: &dyn SigningSecrets,
    request: &ApiGatewayV2httpRequest,
    now: Timestamp,
) -> Result<Option<Session>, PortError> {
    let open = |keys: &[_]| sealed::cookie::<Session>(request, keys, now.as_second());
    match open(&keys.secrets().await?) {
        Some(session) => Ok(Some(session)),
        None => Ok(open(&keys.refreshed().await?)),
    }
}

/// Who acts on the alert, if they may: by an address, since alerts and audit know people by theirs.
fn reader(door: &PageDoor, session: Option<&Session>, alert: &Alert) -> Option<EmailAddress> {
    match door {
        PageDoor::Laptop => Some(alert.recipient.clone()),
        PageDoor::Sessions(_) => {
            let session = session?;
            let sees = session.roles.iter().any(|role| sees(*role, alert.signal.kind()));
            session.who.parse().ok().filter(|_| sees)
        }
        PageDoor::Shut | PageDoor::Asking => None,
    }
}

/// As the dashboard shows them.
fn sees(role: Role, kind: AlertKind) -> bool {
    match (role, kind) {
        (Role::Lead, _) | (Role::Accounts, AlertKind::Guardian) | (Role::Sales, AlertKind::Opportunity) => true,
        (Role::Support, _)
        | (Role::Accounts, AlertKind::Opportunity | AlertKind::Outage)
        | (Role::Sales, AlertKind::Guardian | AlertKind::Outage) => false,
    }
}
