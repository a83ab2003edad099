//! A chat beside the mails.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Alert, Band, EmailAddress, follow_up::Posted, ports::PortError};

/// What is posted and where.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Post<'a> {
    /// As it will be stored with the message: what is pressed names the revision it was shown with.
    pub alert: &'a Alert,
    pub posted: &'a Posted,
    /// The first message of the conversation it belongs to.
    pub thread: Option<&'a str>,
    /// Shown in the channel too, and not in its thread alone.
    pub broadcast: bool,
}

/// Messages about alerts. Transient: try again later. Denied: a person has to mend token, scopes or channel. Permanent:
/// this message will never be taken.
///
/// - [`Chat::direct`] says where a person reads alone; none if they have no account there.
/// - [`Chat::post`] returns the chat's name for the message; none if nobody can change it later. It is at least once: after a
///   lost answer the message may stand there twice.
/// - [`Chat::update`] and [`Chat::remove`] take a message that is gone for done.
#[async_trait]
pub trait Chat: Send + Sync {
    async fn direct(&self, person: &EmailAddress) -> Result<Option<String>, PortError>;

    async fn post(&self, post: Post<'_>) -> Result<Option<String>, PortError>;

    /// Shows a posted alert as it is now. One that was never posted is left alone.
    async fn update(&self, alert: &Alert) -> Result<(), PortError>;

    async fn remove(&self, posted: &Posted) -> Result<(), PortError>;
}

/// The conversation about an account in one channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Thread {
    /// The chat's name for its first message.
    pub message: String,
    /// The highest band that was said in it.
    pub band: Band,
    /// After that a new one begins.
    pub until: Timestamp,
}

/// Conversations that go on, by name. A writer holds a lease on the conversation
/// ([`Control::lease`](crate::ports::Control::lease)); the last one to write stands.
#[async_trait]
pub trait Threads: Send + Sync {
    /// None if there is none, or it ended before `now`.
    async fn thread(&self, name: &str, now: Timestamp) -> Result<Option<Thread>, PortError>;

    /// Kept until it ends.
    async fn keep(&self, name: &str, thread: &Thread) -> Result<(), PortError>;
}
