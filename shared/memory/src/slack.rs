//! Slack as a folder: each message a JSON file, for whoever has no workspace at hand.

use std::{
    collections::BTreeMap,
    io::{Error, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use domain::{
    AlertKey, TicketId,
    ports::{Outbox, PortError},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use slack::{Api, Client, Credential, Request, Response, Transport, Unanswered, transport::Body};

use crate::private;

/// Writes each message to `<folder>/<ticket>-<kind>-<band>.json` with channel, thread, text and blocks, changes it there,
/// and knows nobody but by their address.
#[derive(Clone, Debug)]
pub struct SlackDirectory {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize, Default)]
struct Message {
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_broadcast: Option<bool>,
    text: String,
    blocks: Value,
}

impl SlackDirectory {
    /// Creates the folder with the first message.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The client that also talks to the real Slack, over this folder.
    #[must_use]
    pub fn client(&self) -> Client {
        let token = Credential::Bot("xoxb-folder".into());
        Client::new(Arc::new(self.clone()), Arc::new(token), Api::default())
    }

    fn answer(&self, method: &str, given: &BTreeMap<String, String>) -> std::io::Result<Value> {
        match method {
            "chat.postMessage" => {
                let name = name(given).ok_or(ErrorKind::InvalidInput)?;
                std::fs::create_dir_all(&self.folder)?;
                let thread_ts = given.get("thread_ts").cloned();
                let reply_broadcast = thread_ts.as_ref().map(|_| given.contains_key("reply_broadcast"));
                let channel = given.get("channel").cloned().unwrap_or_default();
                let message = Message { channel, thread_ts, reply_broadcast, ..Message::default() };
                self.write(&name, message, given)?;
                Ok(json!({ "ok": true, "channel": given.get("channel"), "ts": name }))
            }
            "chat.update" => {
                let name = given.get("ts").map(String::as_str).unwrap_or_default();
                let stored = match std::fs::read_to_string(self.file(name)) {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(refused("message_not_found")),
                    stored => serde_json::from_str(&stored?)?,
                };
                self.write(name, stored, given)?;
                Ok(json!({ "ok": true }))
            }
            "users.lookupByEmail" => Ok(refused("users_not_found")),
            // Whoever presses here goes by their address.
            "users.info" => Ok(json!({ "ok": true, "user": { "profile": { "email": given.get("user") } } })),
            "chat.postEphemeral" => Ok(json!({ "ok": true })),
            _ => Ok(refused("unknown_method")),
        }
    }

    fn write(&self, name: &str, message: Message, given: &BTreeMap<String, String>) -> std::io::Result<()> {
        let argument = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
        let (text, blocks) = (argument("text").to_owned(), serde_json::from_str(argument("blocks"))?);
        let message = serde_json::to_string_pretty(&Message { text, blocks, ..message })?;
        private::write(&self.file(name), message + "\n")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(Path::new(name).file_name().unwrap_or_default()).with_extension("json")
    }
}

/// What a message is called here, in place of Slack's moment: an alert has one message.
fn name(given: &BTreeMap<String, String>) -> Option<String> {
    let metadata: Value = serde_json::from_str(given.get("metadata")?).ok()?;
    Some(file_name(metadata.pointer("/event_payload/alert")?.as_str()?.parse().ok()?))
}

fn file_name(key: AlertKey) -> String {
    format!("{}-{}-{}", key.ticket.number(), key.kind, key.band)
}

fn refused(code: &str) -> Value {
    json!({ "ok": false, "error": code })
}

#[async_trait]
impl Transport for SlackDirectory {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let method = request.url.expose_secret().rsplit('/').next().unwrap_or_default().to_owned();
        let Body::Form(form) = request.body else { return Err(Unanswered("a folder is no webhook".to_owned())) };
        let given = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        let answer = self.answer(&method, &given).map_err(|error: Error| Unanswered(error.to_string()))?;
        Ok(Response { status: 200, headers: Vec::new(), body: answer.to_string().into_bytes() })
    }
}

#[async_trait]
impl Outbox for SlackDirectory {
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError> {
        AlertKey::of(ticket)
            .into_iter()
            .try_for_each(|key| match std::fs::remove_file(self.file(&file_name(key))) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })
            .map_err(|error| PortError::permanent("outbox", error))
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Alert, FollowUp, Stage,
        follow_up::Posted,
        ports::{Chat, Post},
        sample,
    };

    use super::*;

    #[tokio::test]
    async fn a_message_is_a_file_that_changes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let slack = SlackDirectory::new(folder.path().join("slack"));
        let (client, alert) = (slack.client(), sample::alert(7));
        let posted = sample::posted("C0GUARDIAN");
        let post = Post { alert: &alert, posted: &posted, thread: None, broadcast: false };
        let message = client.post(post).await.unwrap();
        let reply = Post { thread: message.as_deref(), broadcast: true, ..post };
        let (_, other) = sample::alerts(8);
        client.post(Post { alert: &other, ..reply }).await.unwrap();
        let read = |name: &str| {
            let text = std::fs::read_to_string(folder.path().join("slack").join(name)).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let first = format!("{}.json", file_name(alert.key()));
        let shown = read(&first);
        assert_eq!((&shown["channel"], shown.get("thread_ts")), (&json!("C0GUARDIAN"), None));
        let replied = read(&format!("{}.json", file_name(other.key())));
        assert_eq!((&replied["thread_ts"], &replied["reply_broadcast"]), (&json!(message), &json!(true)));
        let posted = Posted { message, ..posted.clone() };
        let stage = Stage::Taken { by: "ann@example.com".parse().unwrap(), at: sample::now() };
        let follow_up = FollowUp { stage, posted: Some(posted), ..FollowUp::default() };
        let taken = Alert { follow_up, ..alert.clone() };
        client.update(&taken).await.unwrap();
        assert!(read(&first).to_string().contains("Taken by ann@example.com"));
        assert_eq!(read(&first)["channel"], "C0GUARDIAN");
        slack.discard(alert.ticket).await.unwrap();
        slack.discard(alert.ticket).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path().join("slack")).unwrap().count(), 1);
        client.update(&taken).await.expect("gone is done");
        assert_eq!(client.direct(&alert.recipient).await.unwrap(), None);
    }
}
