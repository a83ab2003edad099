//! Handing over messages.

use crate::ports::{Accepted, Email, Mailer, PortError};

/// A plain message to `to`.
#[must_use]
pub fn email(to: &str) -> Email {
    Email {
        name: "1001-guardian-critical".into(),
        to: to.parse().unwrap(),
        sender_name: "Ticket-Wächter".into(),
        reply_to: Some("support@example.com".parse().unwrap()),
        subject: "Äpfel & Birnen".into(),
        html: "<p>At risk</p>".into(),
        text: "At risk".into(),
        thread: "ticket-1001".into(),
        answers: None,
        important: true,
        at: crate::sample::now(),
    }
}

/// A message is taken as often as it is handed over, and what took it has a name for it. Returns the last answer.
pub async fn a_message_is_taken_each_time(mailer: &impl Mailer, to: &str) -> Accepted {
    let email = email(to);
    let first = mailer.send(&email).await.unwrap();
    let second = mailer.send(&email).await.unwrap();
    for accepted in [&first, &second] {
        match accepted {
            Accepted::Sent { id } => assert!(!id.is_empty(), "a message nobody can find again"),
            Accepted::Filed { file } => assert!(file.contains(&email.name), "{file}"),
        }
    }
    if let (Accepted::Filed { file }, Accepted::Filed { file: again }) = (&first, &second) {
        assert_eq!(file, again, "the same message is the same file");
    }
    second
}

/// A mailer that can never take this message says so, and does not ask to try again.
pub async fn a_final_refusal_is_permanent(refusing: &impl Mailer, to: &str) {
    let refused = refusing.send(&email(to)).await;
    assert!(matches!(refused, Err(PortError::Permanent { .. })), "{refused:?}");
}

/// A mailer whose service refuses us, and would take the message from somebody else, says so.
pub async fn a_refusal_of_ours_is_denied(refusing: &impl Mailer, to: &str) {
    let refused = refusing.send(&email(to)).await;
    assert!(matches!(refused, Err(PortError::Denied { .. })), "{refused:?}");
}
