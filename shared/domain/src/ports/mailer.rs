//! E-mail out.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{EmailAddress, ports::PortError};

/// A message ready to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email {
    /// Names the message: letters, digits, `-` and `_`. The same message sent twice has the same name.
    pub name: String,
    pub to: EmailAddress,
    /// What mail programs show for the sender's address.
    pub sender_name: String,
    /// Where an answer goes. None: to the sender.
    pub reply_to: Option<EmailAddress>,
    /// One line.
    pub subject: String,
    pub html: String,
    pub text: String,
    /// Messages with the same thread fold into one conversation.
    pub thread: String,
    /// What the mail service called the message that this one answers: [`Accepted::Sent`]'s `id`, or the file. None: it
    /// answers none that is known.
    pub answers: Option<String>,
    /// To be marked as such where mail programs show it.
    pub important: bool,
    /// When it was made.
    pub at: Timestamp,
}

/// What became of a message that was taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// On its way; the service's name for it.
    Sent { id: String },
    /// Kept as a file and sent to nobody.
    Filed { file: String },
}

/// Hands a message to a mail service. Transient: try again later. Permanent: this message will never be taken.
#[async_trait]
pub trait Mailer: Send + Sync {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError>;
}
