//! E-mails as files instead of messages.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use domain::{
    AlertKey, TicketId,
    ports::{Accepted, Email, Mailer, Outbox, PortError},
};

use crate::{eml::eml, private};

/// Beside the folder of pages: the messages with their headers and text parts.
const WHOLE: &str = "eml";

/// Writes each message to `<folder>/<name>.html`, and with its headers and its text to `eml/<name>.eml` beside the folder.
/// The same message twice is one file of each.
#[derive(Debug)]
pub struct OutboxMailer {
    folder: PathBuf,
}

impl OutboxMailer {
    /// Creates the folder with the first message.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

#[async_trait]
impl Mailer for OutboxMailer {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        let file = format!("{}.html", email.name);
        let whole = self.folder.with_file_name(WHOLE);
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::create_dir_all(&whole))
            .and_then(|()| private::write(&whole.join(format!("{}.eml", email.name)), eml(email)))
            .and_then(|()| private::write(&self.folder.join(&file), &email.html))
            .map_err(|error| PortError::permanent("outbox", error))?;
        Ok(Accepted::Filed { file })
    }
}

#[async_trait]
impl Outbox for OutboxMailer {
    /// A digest that tells of the ticket goes too: it is a copy of what was to be sent, and the alerts know how they fared.
    async fn discard(&self, ticket: TicketId) -> Result<(), PortError> {
        let discarded = AlertKey::of(ticket)
            .into_iter()
            .map(|key| self.folder.join(format!("{}-{}-{}.html", ticket.number(), key.kind, key.band)))
            .try_for_each(|file| discard_message(&file))
            .and_then(|()| discard_digests(&self.folder, ticket));
        discarded.map_err(|error| PortError::permanent("outbox", error))
    }
}

fn discard_digests(folder: &Path, ticket: TicketId) -> std::io::Result<()> {
    let link = format!("/agent/tickets/{}\"", ticket.number());
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let is_digest =
            entry.file_name().to_str().is_some_and(|name| name.starts_with("digest-") && name.ends_with(".html"));
        if is_digest && std::fs::read_to_string(entry.path())?.contains(&link) {
            discard_message(&entry.path())?;
        }
    }
    Ok(())
}

/// Its page, and the whole message.
fn discard_message(html: &Path) -> std::io::Result<()> {
    if let (Some(folder), Some(name)) = (html.parent(), html.with_extension("eml").file_name()) {
        absent_is_fine(std::fs::remove_file(folder.with_file_name(WHOLE).join(name)))?;
    }
    absent_is_fine(std::fs::remove_file(html))
}

fn absent_is_fine(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        ports::contract::{eraser, mailer as contract},
        sample,
    };

    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = OutboxMailer::new(folder.path().join("emails"));
        let taken = contract::a_message_is_taken_each_time(&outbox, "kam@example.com").await;
        let Accepted::Filed { file } = taken else { panic!("nothing is sent") };
        let path = folder.path().join("emails").join(&file);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "<p>At risk</p>");
        let files = |of: &str| std::fs::read_dir(folder.path().join(of)).unwrap().count();
        assert_eq!((files("emails"), files("eml")), (1, 1), "the same twice is one page and one message");
        let blocked = OutboxMailer::new(folder.path().join("emails").join(file));
        contract::a_final_refusal_is_permanent(&blocked, "kam@example.com").await;
    }

    #[tokio::test]
    async fn a_tickets_messages_are_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = OutboxMailer::new(folder.path().join("emails"));
        outbox.discard(sample::ticket_id(7)).await.unwrap();
        let (left, gone) = eraser::messages_are_discarded_by_ticket(&outbox).await;
        let exists = |file: &String| folder.path().join("emails").join(file).exists();
        assert!(left.iter().all(exists) && !gone.iter().any(exists));
    }

    #[tokio::test]
    async fn a_digest_goes_with_its_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = OutboxMailer::new(folder.path().join("emails"));
        for (name, number) in [("digest-a-1", 7), ("digest-b-1", 77)] {
            let html = format!("<a href=\"https://example.zendesk.com/agent/tickets/{number}\">");
            outbox.send(&Email { name: name.into(), html, ..contract::email("kam@example.com") }).await.unwrap();
        }
        outbox.discard(sample::ticket_id(7)).await.unwrap();
        for (of, left) in [("emails", "digest-b-1.html"), ("eml", "digest-b-1.eml")] {
            let files = std::fs::read_dir(folder.path().join(of)).unwrap().map(|file| file.unwrap().file_name());
            assert_eq!(files.collect::<Vec<_>>(), [left]);
        }
    }
}
