//! Conversations by mail.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    Conversation,
    ports::{Fenced, PortError},
};

/// Conversations that go on, by [name](crate::conversation::name).
///
/// - [`Conversations::conversation`] never answers with one that ended before `now`.
/// - [`Conversations::go_on`] stores `next` in place of the one that was seen, or where there was none. If the stored one has
///   another revision by now, or one goes on where there was none, it is [`Fenced::Lost`] and stores nothing: of any number of
///   concurrent calls that saw the same exactly one is [`Fenced::Written`].
/// - After [`Conversations::erase`] there is none, and a change that was decided before is [`Fenced::Lost`]. To erase what is
///   not there is no error.
#[async_trait]
pub trait Conversations: Send + Sync {
    async fn conversation(&self, name: &str, now: Timestamp) -> Result<Option<Conversation>, PortError>;

    async fn go_on(
        &self,
        name: &str,
        seen: Option<&Conversation>,
        next: &Conversation,
        now: Timestamp,
    ) -> Result<Fenced, PortError>;

    async fn erase(&self, name: &str) -> Result<(), PortError>;
}
