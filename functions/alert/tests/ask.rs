//! Links that somebody asked for on the dashboard.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use alert::{Alerting, Links, handle};
use async_trait::async_trait;
use domain::{
    Alert, AuditAction, Delivery, EmailAddress, FollowUp, Mode, Policy, Stage,
    follow_up::Outcome,
    ports::{Accepted, AlertLog, Email, Mailer, PortError},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedSecrets, FixedSettings, MemoryControl, MemoryQueue, MemoryTicketLog, Method, pump};
use runtime::{
    AlertMessage, Invocation,
    backoff::RECEIVES,
    message::{self, Envelope},
};

/// Keeps what it took.
#[derive(Default)]
struct Letters(Mutex<Vec<Email>>);

#[async_trait]
impl Mailer for Letters {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        self.0.lock().unwrap().push(email.clone());
        Ok(Accepted::Sent { id: "m".into() })
    }
}

struct Bench {
    alerting: Alerting,
    letters: Arc<Failing<Letters>>,
    queue: Arc<MemoryQueue>,
}

fn person(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

impl Bench {
    /// An alert to ann, of which bob was told later.
    async fn new(stage: Stage, policy: Policy) -> Self {
        let log = Arc::new(MemoryTicketLog::default());
        let follow_up = FollowUp { stage, ..FollowUp::default().told(&person("bob")) };
        let delivery = Delivery::Sent { id: "m".into() };
        let colleagues = ["ann", "bob"].map(person).into();
        let alert = Alert { recipient: person("ann"), colleagues, delivery, follow_up, ..sample::alert(1) };
        log.open(&alert, Timestamp::MAX, &sample::audit_entry(1, AuditAction::AlertRaised)).await.unwrap();
        let letters = Arc::new(Failing::new(Letters::default()));
        let control = Arc::new(MemoryControl::default());
        let queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
        let secrets = Arc::new(FixedSecrets(vec!["key".into()]));
        let alerting = Alerting {
            settings: Arc::new(FixedSettings(Arc::new(policy))),
            alerts: log.clone(),
            follow_ups: log,
            conversations: control.clone(),
            control,
            mailer: letters.clone(),
            outbox: letters.clone(),
            queue: queue.clone(),
            dead_letters: queue.dead_letters(),
            pages: None,
            links: Some(Links { base: "https://api.example/followup".into(), secrets }),
            chat: None,
        };
        Self { alerting, letters, queue }
    }

    async fn ask(&self, number: u64, to: &str) {
        let message = Envelope::new(AlertMessage::links(sample::alert(number).key(), person(to)));
        message::send(&*self.queue, &message, std::time::Duration::ZERO).await.unwrap();
        let now = sample::now();
        let invocation = Invocation { request_id: "test".into(), now, deadline: now + SignedDuration::from_secs(30) };
        pump(&self.queue, |event| handle(&self.alerting, event, &invocation)).await;
    }

    fn letters(&self) -> Vec<Email> {
        self.letters.inner().0.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn only_whom_it_was_written_to_gets_links() {
    let bench = Bench::new(Stage::New, sample::policy()).await;
    for (number, to, mails) in [(1, "ann", 1), (1, "bob", 1), (1, "eve", 0), (2, "ann", 0)] {
        let before = bench.letters().len();
        bench.ask(number, to).await;
        let new = bench.letters().split_off(before);
        assert_eq!(new.len(), mails, "{number} {to}");
        assert!(new.iter().all(|mail| mail.to == person(to)), "{to}");
    }
    let mail = &bench.letters()[0];
    for words in ["I have it", "Say how it ended", "Not a risk", "Snooze", "Hand it over", "Nobody has it yet."] {
        assert!(mail.html.contains(words) && mail.text.contains(words), "{words}");
    }
    assert!(!mail.html.contains("other vendors"), "no quote");
    assert!(bench.queue.dead().is_empty() && bench.queue.is_empty());
}

#[tokio::test]
async fn however_it_is_spelled_the_mail_goes_where_the_alert_went() {
    let bench = Bench::new(Stage::New, sample::policy()).await;
    for to in ["Ann", "ANN"].repeat(8) {
        bench.ask(1, to).await;
    }
    assert_eq!(bench.letters().len(), 10, "one person's ten");
    assert!(bench.letters().iter().all(|mail| mail.to.as_str() == "ann@example.com"));
}

#[tokio::test]
async fn only_what_its_reader_can_do_is_offered() {
    let taken = Stage::Taken { by: person("ann"), at: sample::now() };
    let bench = Bench::new(taken, sample::policy()).await;
    bench.ask(1, "ann").await;
    bench.ask(1, "bob").await;
    let [hers, his] = bench.letters().try_into().unwrap();
    for part in [&hers.html, &hers.text] {
        assert!(part.contains("Taken by you on ") && !part.contains("I have it"), "{part}");
        assert_eq!(part.matches("followup?link=").count(), 4, "{part}");
    }
    for part in [&his.html, &his.text] {
        assert!(part.contains("Taken by ann") && !part.contains("followup?link="), "{part}");
    }
}

#[tokio::test]
async fn an_address_gets_ten_a_day() {
    let bench = Bench::new(Stage::New, sample::policy()).await;
    for _ in 0..15 {
        bench.ask(1, "ann").await;
    }
    assert_eq!(bench.letters().len(), 10);
    bench.ask(1, "bob").await;
    assert_eq!(bench.letters().len(), 11);
}

#[tokio::test]
async fn nothing_is_mailed_where_nothing_can_be_done() {
    let (by, at) = (person("ann"), sample::now());
    let closed = Stage::Settled { outcome: Outcome::Saved, by, at };
    let shadow = Policy { mode: Mode::Shadow, ..sample::policy() };
    for (stage, policy) in [(closed, sample::policy()), (Stage::New, shadow)] {
        let bench = Bench::new(stage, policy).await;
        bench.ask(1, "ann").await;
        assert!(bench.letters().is_empty());
    }
}

#[tokio::test]
async fn a_mail_that_fails_is_tried_again() {
    let bench = Bench::new(Stage::New, sample::policy()).await;
    bench.letters.plan(Method::MailerSend, &[Fault::Transient]);
    bench.ask(1, "ann").await;
    assert!(bench.letters().is_empty() && bench.queue.len() == 1, "it waits");
    let bench = Bench::new(Stage::New, sample::policy()).await;
    bench.letters.plan(Method::MailerSend, &[Fault::Permanent]);
    bench.ask(1, "ann").await;
    assert!(bench.letters().is_empty() && bench.queue.is_empty(), "whoever asked may ask again");
}
