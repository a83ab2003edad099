//! The four functions together, in this process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, sync::Arc};

use domain::{AuditAction, TicketId, ports::PortError, sample};
use jiff::SignedDuration;
use local::{
    cli::AnalystChoice,
    input::{self, Row},
    run,
    stack::{self, Environment, Setup, Shared},
};

fn shared(output: &Path) -> Shared {
    let (analyst, teams) = (Some(AnalystChoice::Embedded), stack::teams());
    let setup = Setup { output, analyst, delivery: true, capped: false, teams };
    Shared::new(setup, &Environment::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bundled_ticket_is_triaged_and_every_queue_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path());
    let input = input::bundled();
    // `process` counts a ticket as failed if a queue keeps a message of it or a dead letter.
    let outcome = run::process(&shared, &input.rows, None).await.unwrap();
    assert_eq!(outcome.failed, 0);
    for row in &input.rows {
        let record = shared.log.newest(row.id).unwrap_or_else(|| panic!("{} has no record", row.id));
        assert_eq!(shared.helpdesk.calls(row.id).len(), 1, "{}", row.id);
        let text = format!("{} {} {}", row.subject, row.description, record.customer);
        let quotes = record.guardian.evidence.iter().chain(&*record.opportunity.evidence);
        for quote in quotes {
            let found = domain::quote::verified(std::slice::from_ref(quote), &text);
            assert_eq!(found.len(), 1, "{}: {quote}", row.id);
        }
    }
    let alerts = shared.log.audit().into_iter().filter(|entry| entry.action == AuditAction::AlertRaised).count();
    let delivered = shared.log.audit().into_iter().filter(|entry| entry.action == AuditAction::AlertEmail).count();
    let held = shared.log.audit().into_iter().filter(|entry| entry.outcome.starts_with("held")).count();
    assert_eq!(delivered, alerts + held, "each alert once, the held ones again in the digest");
    assert!(alerts > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_complains_twice_has_one_conversation() {
    let folder = tempfile::tempdir().unwrap();
    let shared = shared(folder.path());
    let first = input::bundled().rows.into_iter().find(|row| row.id_text == "#1004").unwrap();
    let second = Row {
        id: sample::ticket_id(2004),
        id_text: "#2004".into(),
        subject: "Our contract".into(),
        description: "We cancel our contract and move to another vendor on Friday. Please confirm the end date.".into(),
        timestamp: first.timestamp + SignedDuration::from_hours(2),
        ..first.clone()
    };
    assert_eq!(run::process(&shared, &[first, second], None).await.unwrap().failed, 0);
    let second = std::fs::read_to_string(folder.path().join("eml/2004-guardian-critical.eml")).unwrap();
    assert!(second.contains("\r\nIn-Reply-To: <1004-guardian-critical@outbox.invalid>\r\n"), "{second}");
}

#[test]
fn a_laptop_knows_its_own_changes() {
    let folder = tempfile::tempdir().unwrap();
    let of = |shared: Shared| shared.stack(sample::now()).webhook.bot_user.map(|user| user.0);
    assert_eq!(of(shared(folder.path())), Some(900_000_001));
    let (output, analyst, teams) = (folder.path(), Some(AnalystChoice::Embedded), stack::teams());
    let setup = Setup { output, analyst, delivery: true, capped: false, teams };
    let environment = Environment::of([("BOT_USER_ID".to_owned(), "7".to_owned())]);
    assert_eq!(of(Shared::new(setup, &environment).unwrap()), Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_equal_webhooks_in_parallel_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Arc::new(shared(folder.path()));
    let input = input::bundled();
    let row = input.rows.iter().find(|row| row.id_text == "#1004").unwrap().clone();
    run::process(&shared, std::slice::from_ref(&row), None).await.unwrap();
    let before = effects(&shared, row.id);
    let again = (0..100).map(|_| {
        let (shared, row) = (shared.clone(), row.clone());
        tokio::spawn(async move { run::process(&shared, &[row], None).await.unwrap() })
    });
    for task in futures::future::join_all(again).await {
        assert_eq!(task.unwrap().failed, 0);
    }
    assert_eq!(effects(&shared, row.id), before);
}

/// What the outside sees of a ticket: requests, e-mails, alerts.
fn effects(shared: &Shared, ticket: TicketId) -> (Vec<zendesk::Request>, Vec<String>) {
    let acts = [AuditAction::ZendeskUpdate, AuditAction::AlertRaised, AuditAction::AlertEmail];
    let audit = shared.log.audit().into_iter().filter(|entry| acts.contains(&entry.action));
    (shared.helpdesk.calls(ticket), audit.map(|entry| format!("{} {}", entry.target, entry.outcome)).collect())
}

#[tokio::test]
async fn an_unwritable_folder_stops_the_report_with_its_cause() -> Result<(), PortError> {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let shared = shared(&blocked);
    let error = shared.report(report::Window::last_30_days(sample::now()), sample::now()).await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { service: "site folder", .. }), "{error}");
    Ok(())
}
