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
    use domain::ports::contract::mailer as contract;

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
        assert_eq!(std::fs::read_dir(folder.path().join("emails")).unwrap().count(), 1, "the same twice is one file");
        let blocked = OutboxMailer::new(folder.path().join("emails").join(file));
        contract::a_final_refusal_is_permanent(&blocked, "kam@example.com").await;
    }
}
