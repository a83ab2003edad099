//! The messages in the queues: ids only, no text, versioned.

use std::time::Duration;

use domain::{AlertKey, TicketId, UserId, ports::PortError, ports::Queue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest delay SQS knows.
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);
/// How long a message may be put off before it is parked.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// What a queue carries: the format version, the ids, and how often the message was put off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Envelope<T> {
    pub v: u8,
    #[serde(flatten)]
    pub content: T,
    /// How often it was put off so far.
    #[serde(default)]
    pub deferrals: u32,
    /// When it was first received; none before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_received: Option<Timestamp>,
}

/// Webhook → triage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TicketMessage {
    pub ticket_id: TicketId,
    pub cause: Cause,
    /// Zendesk's id of the event, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// When it happened.
    pub time: Timestamp,
}

/// Why a ticket should be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Created,
    Commented,
    FieldChanged,
    Triggered,
}

/// Triage → alert: `1001/guardian/critical`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AlertMessage {
    pub alert: String,
}

/// A message we cannot read will not get better by waiting.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("not a message of ours: {0}")]
    Json(#[from] serde_json::Error),
    #[error("message version {0} is not known here")]
    Version(u8),
}

impl<T> Envelope<T> {
    /// The format written today.
    pub const VERSION: u8 = 1;

    #[must_use]
    pub fn new(content: T) -> Self {
        Self { v: Self::VERSION, content, deferrals: 0, first_received: None }
    }
}

impl AlertMessage {
    #[must_use]
    pub fn new(key: AlertKey) -> Self {
        Self { alert: key.to_string() }
    }
}

/// Reads a message of a version we know.
///
/// # Errors
/// [`MessageError`].
pub fn read<T: for<'de> Deserialize<'de>>(body: &str) -> Result<Envelope<T>, MessageError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u8,
    }
    let Versioned { v } = serde_json::from_str(body)?;
    if v != Envelope::<T>::VERSION {
        return Err(MessageError::Version(v));
    }
    Ok(serde_json::from_str(body)?)
}

/// Puts a message into a queue.
///
/// # Errors
/// What the queue says.
pub async fn send<T: Serialize + Sync>(
    queue: &dyn Queue,
    message: &Envelope<T>,
    delay: Duration,
) -> Result<(), PortError> {
    let body = serde_json::to_string(message).expect("ids and times serialise");
    queue.send(&body, delay.min(LONGEST_DELAY)).await
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn version_one_of_each_message() {
        let ticket = Envelope::new(TicketMessage {
            ticket_id: sample::ticket_id(1001),
            cause: Cause::Created,
            event_id: Some("cbe4028c".into()),
            actor_id: Some(UserId(42)),
            time: sample::now(),
        });
        let text = serde_json::to_string(&ticket).unwrap();
        insta::assert_snapshot!(text, @r#"{"v":1,"ticket_id":1001,"cause":"created","event_id":"cbe4028c","actor_id":42,"time":"2026-11-16T09:00:00Z","deferrals":0}"#);
        assert_eq!(read::<TicketMessage>(&text).unwrap(), ticket);
        let alert = Envelope::new(AlertMessage::new(sample::alert(1001).key()));
        let text = serde_json::to_string(&alert).unwrap();
        insta::assert_snapshot!(text, @r#"{"v":1,"alert":"1001/guardian/elevated","deferrals":0}"#);
        assert_eq!(read::<AlertMessage>(&text).unwrap(), alert);
    }

    #[test]
    fn another_version_is_refused_as_such() {
        assert!(matches!(read::<AlertMessage>(r#"{"v":2,"whatever":true}"#), Err(MessageError::Version(2))));
        assert!(matches!(read::<AlertMessage>("{}"), Err(MessageError::Json(_))));
    }
}
