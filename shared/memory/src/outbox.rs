//! E-mails as HTML files instead of messages.

use std::path::PathBuf;

use async_trait::async_trait;
use domain::ports::{Accepted, Email, Mailer, PortError};

use crate::private;

/// Writes each message to `<folder>/<name>.html`. The same message twice is one file.
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
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| private::write(&self.folder.join(&file), &email.html))
            .map_err(|error| PortError::permanent("outbox", error))?;
        Ok(Accepted::Filed { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_becomes_a_file_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = OutboxMailer::new(folder.path().join("emails"));
        let email = Email {
            name: "1001-guardian-critical".into(),
            to: "kam@example.com".parse().unwrap(),
            subject: "At risk".into(),
            html: "<p>At risk</p>".into(),
            text: "At risk".into(),
            thread: "1001".into(),
        };
        for _ in 0..2 {
            let Accepted::Filed { file } = outbox.send(&email).await.unwrap() else { panic!("nothing is sent") };
            let file = folder.path().join("emails").join(file);
            #[cfg(unix)]
            assert_eq!(std::os::unix::fs::MetadataExt::mode(&file.metadata().unwrap()) & 0o777, 0o600);
            assert_eq!(std::fs::read_to_string(file).unwrap(), "<p>At risk</p>");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("emails")).unwrap().count(), 1);
        let blocked = OutboxMailer::new(folder.path().join("emails/1001-guardian-critical.html"));
        assert!(matches!(blocked.send(&email).await, Err(PortError::Permanent { .. })));
    }
}
