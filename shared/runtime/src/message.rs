//! The messages in the queues: ids only, no text, versioned.

use std::time::Duration;

use domain::{AlertKey, EmailAddress, TicketId, ports::PortError, ports::Queue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::IntoStaticStr;

/// The longest delay SQS knows.
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// What a queue carries: the format version and the ids. Fields that are not known here are skipped: messages written
/// before they went must still be read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Envelope<T> {
    pub v: u8,
    #[serde(flatten)]
    pub content: T,
}

/// To triage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "TicketWire", into = "TicketWire")]
pub struct TicketMessage {
    pub ticket_id: TicketId,
    pub cause: Cause,
}

/// Why a ticket should be looked at. The text forms are in the queue, and in the audit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Cause {
    Created,
    Commented,
    FieldChanged,
    Triggered,
    /// The helpdesk deleted it for good.
    Deleted,
    /// The helpdesk made text of it unreadable.
    Redacted,
    /// Somebody asked us to forget it.
    Forgotten,
    /// Its events may have been lost.
    Swept,
    /// A word of a newer version: the ticket tells what to do.
    #[serde(other)]
    Other,
}

/// A message as it lies in the queue. `cause` is a word that every version 1 has known: a word it did not know would
/// park the message after a way back to an older release. Newer ones stand under `why`, which older releases skip.
#[derive(Serialize, Deserialize)]
struct TicketWire {
    ticket_id: TicketId,
    cause: Cause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<Cause>,
}

impl From<TicketWire> for TicketMessage {
    fn from(wire: TicketWire) -> Self {
        let precise = wire.why.filter(|why| *why != Cause::Other);
        Self { ticket_id: wire.ticket_id, cause: precise.unwrap_or(wire.cause) }
    }
}

impl From<TicketMessage> for TicketWire {
    fn from(TicketMessage { ticket_id, cause }: TicketMessage) -> Self {
        match cause {
            Cause::Created | Cause::Commented | Cause::FieldChanged | Cause::Triggered => {
                Self { ticket_id, cause, why: None }
            }
            Cause::Deleted | Cause::Redacted | Cause::Forgotten | Cause::Swept | Cause::Other => {
                Self { ticket_id, cause: Cause::Triggered, why: Some(cause) }
            }
        }
    }
}

/// Triage → alert: `1001/guardian/critical`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AlertMessage {
    pub alert: String,
    /// Somebody asked for the alert's links to be mailed there. Whether they may have them is for the alert to say. Older
    /// releases skip it, and find an alert that is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links_to: Option<EmailAddress>,
}

/// A message we cannot read will not get better by waiting. The error says where it stumbled and quotes nothing, since
/// what lies in a queue by mistake may be anybody's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MessageError {
    #[error("not JSON at line {line}, column {column}")]
    Syntax { line: usize, column: usize },
    #[error("message version {0} is not known here")]
    Version(u64),
    #[error("not a message of ours: {field} is missing or not what it should be")]
    Field { field: String },
}

impl<T> Envelope<T> {
    /// The format written today.
    pub const VERSION: u8 = 1;

    #[must_use]
    pub fn new(content: T) -> Self {
        Self { v: Self::VERSION, content }
    }
}

impl AlertMessage {
    /// Asks for links.
    #[must_use]
    pub fn links(key: AlertKey, to: EmailAddress) -> Self {
        Self { links_to: Some(to), ..Self::new(key) }
    }

    #[must_use]
    pub fn new(key: AlertKey) -> Self {
        Self { alert: key.to_string(), links_to: None }
    }
}

/// The JSON of a message's body, whatever it holds.
///
/// # Errors
/// [`MessageError::Syntax`].
pub fn parse(body: &str) -> Result<Value, MessageError> {
    serde_json::from_str(body).map_err(|error| MessageError::Syntax { line: error.line(), column: error.column() })
}

/// The content of a message of a version we know.
///
/// # Errors
/// [`MessageError::Version`], [`MessageError::Field`].
pub fn content<'json, T: Deserialize<'json>>(message: &'json Value) -> Result<T, MessageError> {
    let version = message.get("v").and_then(Value::as_u64);
    let version = version.ok_or_else(|| MessageError::Field { field: "v".to_owned() })?;
    if version != u64::from(Envelope::<T>::VERSION) {
        return Err(MessageError::Version(version));
    }
    serde_path_to_error::deserialize(message).map_err(|error| {
        let path = error.path().to_string();
        // The path of a missing field is the message itself.
        MessageError::Field { field: if path == "." { "a field".to_owned() } else { path } }
    })
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
    let body = serde_json::to_string(message).expect("ids serialise");
    queue.send(&body, delay.min(LONGEST_DELAY)).await
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, MessageError> {
        content(&parse(body)?)
    }

    #[test]
    fn version_one_of_each_message() {
        let ticket = TicketMessage { ticket_id: sample::ticket_id(1001), cause: Cause::Created };
        let text = serde_json::to_string(&Envelope::new(ticket.clone())).unwrap();
        insta::assert_snapshot!(text, @r#"{"v":1,"ticket_id":1001,"cause":"created"}"#);
        assert_eq!(read(&text), Ok(ticket));
        let alert = AlertMessage::new(sample::alert(1001).key());
        let text = serde_json::to_string(&Envelope::new(alert.clone())).unwrap();
        insta::assert_snapshot!(text, @r#"{"v":1,"alert":"1001/guardian/elevated"}"#);
        assert_eq!(read(&text), Ok(alert));
        let links = AlertMessage::links(sample::alert(1001).key(), "kam@example.com".parse().unwrap());
        let text = serde_json::to_string(&Envelope::new(links.clone())).unwrap();
        insta::assert_snapshot!(text, @r#"{"v":1,"alert":"1001/guardian/elevated","links_to":"kam@example.com"}"#);
        assert_eq!(read(&text), Ok(links));
    }

    #[test]
    fn version_one_with_its_former_fields() {
        let ticket = r#"{"v":1,"ticket_id":1001,"cause":"created","event_id":"cbe4028c","actor_id":42,
            "time":"2026-11-16T09:00:00Z","deferrals":3,"first_received":"2026-11-16T09:00:05Z"}"#;
        assert_eq!(read(ticket), Ok(TicketMessage { ticket_id: sample::ticket_id(1001), cause: Cause::Created }));
        let alert = r#"{"v":1,"alert":"1001/guardian/elevated","deferrals":0}"#;
        assert_eq!(read(alert), Ok(AlertMessage { alert: "1001/guardian/elevated".into(), links_to: None }));
    }

    #[test]
    fn a_newer_cause_is_an_older_one_to_older_releases() {
        for (cause, word) in [
            (Cause::Deleted, "deleted"),
            (Cause::Redacted, "redacted"),
            (Cause::Forgotten, "forgotten"),
            (Cause::Swept, "swept"),
        ] {
            let ticket = TicketMessage { ticket_id: sample::ticket_id(1001), cause };
            let text = serde_json::to_string(&Envelope::new(ticket.clone())).unwrap();
            assert_eq!(text, format!(r#"{{"v":1,"ticket_id":1001,"cause":"triggered","why":"{word}"}}"#));
            assert_eq!(read(&text), Ok(ticket));
        }
    }

    #[test]
    fn a_cause_of_a_newer_release_is_no_obstacle() {
        for (body, cause) in [
            (r#"{"v":1,"ticket_id":1001,"cause":"teleported"}"#, Cause::Other),
            (r#"{"v":1,"ticket_id":1001,"cause":"commented","why":"teleported"}"#, Cause::Commented),
            (r#"{"v":1,"ticket_id":1001,"cause":"deleted"}"#, Cause::Deleted),
        ] {
            assert_eq!(read(body), Ok(TicketMessage { ticket_id: sample::ticket_id(1001), cause }), "{body}");
        }
    }

    #[test]
    fn an_unreadable_message_is_not_quoted() {
        for (body, told) in [
            ("secret words", "not JSON at line 1, column 1"),
            (r#"{"v":1,"alert":"secret"#, "not JSON at line 1, column 22"),
            ("\"secret words\"", "not a message of ours: v is missing or not what it should be"),
            (r#"{"v":"secret"}"#, "not a message of ours: v is missing or not what it should be"),
            (r#"{"v":2,"secret":true}"#, "message version 2 is not known here"),
            (
                r#"{"v":1,"ticket_id":"secret","cause":"created"}"#,
                "not a message of ours: ticket_id is missing or not what it should be",
            ),
            (
                r#"{"v":1,"ticket_id":7,"cause":["secret"]}"#,
                "not a message of ours: cause is missing or not what it should be",
            ),
            (r#"{"v":1,"secret":7}"#, "not a message of ours: a field is missing or not what it should be"),
        ] {
            assert_eq!(read::<TicketMessage>(body).unwrap_err().to_string(), told);
        }
    }
}
