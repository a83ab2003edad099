//! Slack: alerts as messages with buttons, the Web API that carries them, and what comes back when somebody presses one.
//!
//! Invariant: without the feature `http` there is no network in here, and at no time a clock.

mod api;
pub mod blocks;
pub mod client;
pub mod interaction;
#[cfg(feature = "http")]
mod network;
mod outbox;
#[cfg(feature = "scripted")]
pub mod scripted;
pub mod signature;
pub mod transport;

pub use api::Api;
pub use client::{Client, Credential, Identity, SCOPES, SlackError, Tokens};
pub use interaction::Press;
#[cfg(feature = "http")]
pub use network::HttpTransport;
pub use outbox::WithPosts;
pub use transport::{Request, Response, Transport, Unanswered};
