//! Alerts that are said again: after a snooze, and to the second address.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    num::NonZeroU32,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use alert::{Alerting, Links, digest, handle, remind};
use async_trait::async_trait;
use domain::{
    Alert, AlertKind, AuditAction, Band, Delivery, EmailAddress, FollowUp, Mode, Policy, Stage,
    alert::HoldReason,
    follow_up::{Outcome, Snooze, Step},
    policy::{AlertPolicy, Escalation},
    ports::{Accepted, AlertLog, Email, Fenced, FollowUps, Mailer, PortError},
    sample,
};
use futures::{FutureExt, future::join_all};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedSecrets, FixedSettings, MemoryControl, MemoryQueue, MemoryTicketLog, Method, pump};
use runtime::{
    AlertMessage, Invocation,
    backoff::RECEIVES,
    links,
    message::{self, Envelope},
};
use secrecy::SecretString;

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
    log: Arc<Failing<MemoryTicketLog>>,
    letters: Arc<Failing<Letters>>,
    queue: Arc<MemoryQueue>,
    alert: Alert,
}

fn person(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

fn at(hours: i64) -> Timestamp {
    sample::now() + SignedDuration::from_hours(hours)
}

fn policy() -> Policy {
    let escalation = Escalation { untaken_hours: NonZeroU32::new(4).unwrap(), to: person("lead") };
    let alerts = AlertPolicy { escalation: Some(escalation), ..sample::policy().alerts };
    Policy { alerts, ..sample::policy() }
}

impl Bench {
    /// A critical alert that went to ann.
    async fn new() -> Self {
        let sent = Delivery::Sent { id: "m".into() };
        Self::of(Alert { recipient: person("ann"), band: Band::Critical, delivery: sent, ..sample::alert(1) }).await
    }

    async fn of(alert: Alert) -> Self {
        let log = Arc::new(Failing::new(MemoryTicketLog::default()));
        log.open(&alert, at(720), &sample::audit_entry(1, AuditAction::AlertRaised)).await.unwrap();
        let letters = Arc::new(Failing::new(Letters::default()));
        let control = Arc::new(MemoryControl::default());
        let queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
        let secrets = Arc::new(FixedSecrets(vec!["key".into()]));
        let alerting = Alerting {
            settings: Arc::new(FixedSettings(Arc::new(policy()))),
            alerts: log.clone(),
            follow_ups: log.clone(),
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
        Self { alerting, log, letters, queue, alert }
    }

    async fn remind(&self, hours: i64) -> Result<usize, String> {
        let now = at(hours);
        let invocation = Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) };
        match AssertUnwindSafe(remind(&self.alerting, &invocation)).catch_unwind().await {
            Ok(said) => said.map_err(|error| error.to_string()),
            Err(_) => Err("panicked".to_owned()),
        }
    }

    async fn press(&self, step: Step, by: &str, hours: i64) {
        let seen = FollowUps::alert(&*self.log, self.alert.key(), at(hours)).await.unwrap().unwrap();
        let next = seen.follow_up.after(AlertKind::Guardian, step, &person(by), at(hours)).unwrap();
        let entry = sample::audit_entry(1, AuditAction::AlertFollowUp);
        assert_eq!(self.log.follow_up(&seen, &next, &entry).await.unwrap(), Fenced::Written);
    }

    /// As when somebody handed it over.
    async fn tell(&self, hours: i64) {
        let message = Envelope::new(AlertMessage::new(self.alert.key()));
        message::send(&*self.alerting.queue, &message, Duration::ZERO).await.unwrap();
        let now = at(hours);
        let invocation = Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) };
        self.queue.tick(now);
        pump(&self.queue, |event| handle(&self.alerting, event, &invocation)).await;
    }

    fn follow_up(&self) -> FollowUp {
        self.log.inner().alert(self.alert.key()).unwrap().follow_up.clone()
    }

    fn mails(&self) -> Vec<(String, String)> {
        let mails = self.letters.inner().0.lock().unwrap();
        mails.iter().map(|email| (email.to.to_string(), email.subject.clone())).collect()
    }

    fn audited(&self) -> Vec<String> {
        let entries = self.log.inner().audit().into_iter();
        let ours = entries.filter(|entry| entry.action == AuditAction::AlertEmail);
        ours.map(|entry| entry.outcome.into_owned()).collect()
    }
}

#[tokio::test]
async fn an_alert_that_nobody_takes_goes_to_the_second_address_once() {
    let bench = Bench::new().await;
    for (hours, said) in [(3, 0), (4, 1), (5, 0), (99, 0)] {
        assert_eq!(bench.remind(hours).await, Ok(said), "after {hours} h");
    }
    let [(to, subject)] = &bench.mails()[..] else { panic!("{:?}", bench.mails()) };
    assert_eq!(to, "lead@example.com");
    assert!(subject.starts_with("Nobody has it: "), "{subject}");
    assert_eq!(bench.audited(), ["sent, nobody took it, to the second address"]);
    assert_eq!((bench.follow_up().stage, bench.follow_up().escalated_to), (Stage::New, Some(person("lead"))));
    let mail = bench.letters.inner().0.lock().unwrap()[0].clone();
    let link = mail.text.lines().find_map(|line| line.strip_prefix("I have it: ")).unwrap().to_owned();
    let opened = links::open(&[SecretString::from("key")], link.split_once("link=").unwrap().1, at(5)).unwrap();
    assert_eq!((opened.alert, opened.recipient), (bench.alert.key(), person("lead")));
    assert!(mail.text.contains("This alert went to ann@example.com on "), "{}", mail.text);
}

#[tokio::test]
async fn what_somebody_took_or_closed_stays_silent() {
    for step in [Step::Take, Step::Settle(Outcome::Saved)] {
        let bench = Bench::new().await;
        bench.press(step.clone(), "ann", 1).await;
        for hours in [4, 24, 240] {
            assert_eq!(bench.remind(hours).await, Ok(0), "{step:?} after {hours} h");
        }
        assert!(bench.mails().is_empty());
    }
}

#[tokio::test]
async fn a_snoozed_alert_comes_back_once() {
    let bench = Bench::new().await;
    bench.press(Step::Snooze(Snooze::Tomorrow), "ann", 1).await;
    assert_eq!(bench.remind(24).await, Ok(0));
    assert_eq!(bench.remind(25).await, Ok(1));
    assert_eq!(bench.remind(26).await, Ok(0));
    let [(to, subject)] = &bench.mails()[..] else { panic!("{:?}", bench.mails()) };
    assert_eq!(to, "ann@example.com");
    assert!(subject.starts_with("Again: "), "{subject}");
    assert_eq!((bench.follow_up().stage, bench.follow_up().woken_at), (Stage::New, Some(at(25))));
    assert_eq!(bench.audited(), ["sent, the snooze is over"]);
    assert_eq!(bench.remind(29).await, Ok(1), "and nobody took it in four hours");
}

#[tokio::test]
async fn a_new_owner_gets_a_mail_with_links_of_their_own() {
    let bench = Bench::new().await;
    bench.press(Step::HandOver(person("bob")), "ann", 1).await;
    bench.tell(1).await;
    bench.tell(1).await;
    assert_eq!(bench.remind(2).await, Ok(0), "it was told");
    let [(to, subject)] = &bench.mails()[..] else { panic!("{:?}", bench.mails()) };
    assert_eq!(to, "bob@example.com");
    assert!(subject.starts_with("Yours now: "), "{subject}");
    assert_eq!(bench.audited(), ["sent, handed over, to the new owner"]);
    let mail = bench.letters.inner().0.lock().unwrap()[0].clone();
    assert!(mail.text.contains("ann@example.com handed this alert to you on "), "{}", mail.text);
    let link = mail.text.lines().find_map(|line| line.strip_prefix("Say how it ended: ")).unwrap().to_owned();
    let opened = links::open(&[SecretString::from("key")], link.split_once("link=").unwrap().1, at(2)).unwrap();
    assert_eq!((opened.alert, opened.recipient), (bench.alert.key(), person("bob")));
}

#[tokio::test]
async fn a_new_owner_whom_no_message_told_of_is_told_within_the_hour() {
    let bench = Bench::new().await;
    bench.press(Step::HandOver(person("bob")), "ann", 1).await;
    assert_eq!(bench.remind(2).await, Ok(1));
    assert_eq!(bench.remind(3).await, Ok(0));
    let bench = Bench::new().await;
    bench.press(Step::HandOver(person("bob")), "ann", 1).await;
    bench.press(Step::Settle(Outcome::Saved), "bob", 1).await;
    assert_eq!(bench.remind(2).await, Ok(0), "they know of it");
    let mut bench = Bench::new().await;
    bench.press(Step::HandOver(person("bob")), "ann", 1).await;
    bench.alerting.settings = Arc::new(FixedSettings(Arc::new(Policy { delivery: false, ..policy() })));
    bench.tell(1).await;
    assert!(bench.mails().is_empty(), "a switch keeps it back");
}

#[tokio::test]
async fn a_digest_leaves_out_what_is_closed() {
    let held = Delivery::Held { reason: HoldReason::Cooldown };
    let bench = Bench::of(Alert { recipient: person("ann"), delivery: held, ..sample::alert(1) }).await;
    bench.press(Step::Settle(Outcome::NotReached), "ann", 1).await;
    let invocation = Invocation { request_id: "r".into(), now: at(2), deadline: at(3) };
    assert_eq!(digest(&bench.alerting, &invocation).await.unwrap(), 0);
    assert!(bench.mails().is_empty());
}

#[tokio::test]
async fn a_switch_keeps_reminders_back() {
    for off in [Policy { mode: Mode::Shadow, ..policy() }, Policy { delivery: false, ..policy() }] {
        let mut bench = Bench::new().await;
        bench.alerting.settings = Arc::new(FixedSettings(Arc::new(off)));
        assert_eq!(bench.remind(5).await, Ok(0));
        bench.alerting.settings = Arc::new(FixedSettings(Arc::new(policy())));
        assert_eq!(bench.remind(6).await, Ok(1), "it was kept");
    }
}

#[tokio::test]
async fn without_links_nobody_could_take_it() {
    let mut bench = Bench::new().await;
    let links = bench.alerting.links.take();
    assert_eq!(bench.remind(5).await, Ok(0));
    bench.press(Step::Snooze(Snooze::Tomorrow), "ann", 5).await;
    assert_eq!(bench.remind(29).await, Ok(1), "whoever snoozed it is told all the same");
    bench.alerting.links = links;
    assert_eq!(bench.remind(33).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_once_say_it_once() {
    for _ in 0..20 {
        let bench = Arc::new(Bench::new().await);
        let calls = (0..8).map(|number| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let now = at(4) + SignedDuration::from_nanos(number);
                let deadline = now + SignedDuration::from_secs(30);
                remind(&bench.alerting, &Invocation { request_id: "r".into(), now, deadline }).await.unwrap()
            })
        });
        let said: usize = join_all(calls).await.into_iter().map(|said| said.unwrap()).sum();
        assert_eq!((said, bench.mails().len()), (1, 1));
    }
}

#[tokio::test]
async fn every_fault_of_a_reminder_heals() {
    for (method, faults) in [
        (Method::FollowUpsAlert, &[Fault::Transient, Fault::Ambiguous, Fault::Panic][..]),
        (Method::FollowUpsFollowUp, &[Fault::Transient, Fault::Ambiguous, Fault::PanicAfter]),
        (Method::AlertLogAlerts, &[Fault::Transient, Fault::Panic]),
    ] {
        for fault in faults {
            let bench = Bench::new().await;
            bench.log.plan(method, &[*fault]);
            let _ = bench.remind(4).await;
            let _ = bench.remind(5).await;
            assert_eq!(bench.mails().len(), 1, "{method} {fault:?}");
            assert_eq!(bench.follow_up().escalated_to, Some(person("lead")), "{method} {fault:?}");
        }
    }
    let bench = Bench::new().await;
    bench.letters.plan(Method::MailerSend, &[Fault::Transient]);
    assert!(bench.remind(4).await.is_err());
    assert_eq!(bench.remind(5).await, Ok(1), "a mail that did not go out is tried again");
}
