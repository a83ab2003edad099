//! Delivery over embedded adapters.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use alert::{Alerting, Command, Event, Links, PENDING_TOO_LONG, Resent, daily, digest, handle, handle_event, resend};
use async_trait::async_trait;
use domain::{
    Alert, AuditAction, Band, Deadline, EmailAddress, FollowUp, Mode, Policy, Signal, Stage,
    follow_up::Step,
    policy::AlertPolicy,
    ports::{Accepted, AlertLog, Email, FollowUps, Mailer, PortError},
    sample,
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp, civil::date};
use memory::{
    Failing, Fault, FixedSecrets, FixedSettings, MemoryControl, MemoryQueue, MemoryTicketLog, Method, OutboxMailer,
    pump,
};
use runtime::{
    AlertMessage, Invocation,
    backoff::RECEIVES,
    message::{self, Envelope},
};

struct Bench {
    alerting: Alerting,
    policy: Policy,
    log: Arc<Failing<MemoryTicketLog>>,
    control: Arc<Failing<MemoryControl>>,
    mailer: Arc<Failing<Outbox>>,
    queue: Arc<MemoryQueue>,
    folder: tempfile::TempDir,
}

/// Files messages and remembers them.
struct Outbox {
    files: OutboxMailer,
    sent: Mutex<Vec<Email>>,
    /// Nobody of this name is written to.
    refuses: Mutex<Option<&'static str>>,
}

#[async_trait]
impl Mailer for Outbox {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        if self.refuses.lock().unwrap().is_some_and(|name| email.to.as_str().starts_with(name)) {
            return Err(PortError::transient("mail", "down for this one"));
        }
        self.sent.lock().unwrap().push(email.clone());
        self.files.send(email).await
    }
}

fn bench(daily_cap: Option<u32>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { alerts: AlertPolicy { daily_cap, ..sample::policy().alerts }, ..sample::policy() };
    let log = Arc::new(Failing::new(MemoryTicketLog::default()));
    let control = Arc::new(Failing::new(MemoryControl::default()));
    let files = OutboxMailer::new(folder.path().join("sent"));
    let mailer = Arc::new(Failing::new(Outbox { files, sent: Mutex::default(), refuses: Mutex::default() }));
    let queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
    let alerting = Alerting {
        settings: Arc::new(FixedSettings(Arc::new(policy.clone()))),
        alerts: log.clone(),
        follow_ups: log.clone(),
        conversations: control.clone(),
        control: control.clone(),
        mailer: mailer.clone(),
        outbox: Arc::new(OutboxMailer::new(folder.path().join("outbox"))),
        queue: queue.clone(),
        dead_letters: queue.dead_letters(),
        pages: None,
        links: None,
        chat: None,
    };
    Bench { alerting, policy, log, control, mailer, queue, folder }
}

impl Bench {
    /// Turns switches of the policy.
    fn turn(&mut self, turn: impl FnOnce(&mut Policy)) {
        let mut policy = self.policy.clone();
        turn(&mut policy);
        self.alerting.settings = Arc::new(FixedSettings(Arc::new(policy)));
    }

    async fn resend(&self, asked: &str) -> Resent {
        let Event::Command(Command::Resend(asked)) = serde_json::from_str(asked).unwrap() else { panic!("{asked}") };
        let invocation =
            Invocation { request_id: format!("resend {}", self.queue.now()), ..invocation(self.queue.now()) };
        resend(&self.alerting, &asked, &invocation).await.unwrap()
    }

    async fn raise(&self, alert: &Alert) {
        self.open(alert).await;
        self.tell(alert).await;
    }

    async fn open(&self, alert: &Alert) {
        let expires = sample::now() + SignedDuration::from_hours(720);
        self.log
            .open(alert, expires, &sample::audit_entry(alert.ticket.number(), AuditAction::AlertRaised))
            .await
            .unwrap();
    }

    async fn tell(&self, alert: &Alert) {
        let message = Envelope::new(AlertMessage::new(alert.key()));
        message::send(&*self.queue, &message, Duration::ZERO).await.unwrap();
    }

    async fn drain(&self) {
        while let Some(next) = self.queue.next_visible() {
            self.queue.tick(next);
            let now = self.queue.now();
            pump(&self.queue, |event| async { handle(&self.alerting, event, &invocation(now)).await }).await;
        }
    }

    /// A digest some minutes after the sample's hour has begun. A panic is an error too.
    async fn digest(&self, minute: i64) -> Result<usize, String> {
        let at = sample::now() + SignedDuration::from_mins(minute);
        match AssertUnwindSafe(digest(&self.alerting, &invocation(at))).catch_unwind().await {
            Ok(answered) => answered.map_err(|error| error.to_string()),
            Err(_) => Err("panicked".to_owned()),
        }
    }

    /// Two alerts of one account, so that the second is held.
    async fn hold(&self, recipient: &str, numbers: [u64; 2]) -> Alert {
        let [first, held] = numbers.map(|number| Alert {
            recipient: format!("{recipient}@example.com").parse().unwrap(),
            ..alert(number, recipient, Band::Elevated)
        });
        for alert in [&first, &held] {
            self.raise(alert).await;
            self.drain().await;
        }
        assert_eq!(self.word(&held), "held");
        held
    }

    fn digests(&self) -> Vec<String> {
        self.threads().into_iter().filter(|thread| thread.starts_with("digest-")).collect()
    }

    fn threads(&self) -> Vec<String> {
        self.mailer.inner().sent.lock().unwrap().iter().map(|email| email.thread.clone()).collect()
    }

    /// Thread, subject, and what it answers.
    fn headers(&self) -> Vec<(String, String, Option<String>)> {
        let sent = self.mailer.inner().sent.lock().unwrap();
        sent.iter().map(|email| (email.thread.clone(), email.subject.clone(), email.answers.clone())).collect()
    }

    fn audited(&self, alert: &Alert) -> Vec<String> {
        let entries = self.log.inner().audit().into_iter();
        let ours =
            entries.filter(|entry| entry.action == AuditAction::AlertEmail && entry.target == alert.key().to_string());
        ours.map(|entry| entry.outcome.into_owned()).collect()
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.folder.path().join(folder)) else { return Vec::new() };
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        // Each has the whole message beside it.
        names.retain(|name| name.ends_with(".html"));
        names.sort();
        names
    }

    fn word(&self, alert: &Alert) -> &'static str {
        self.log.inner().alert(alert.key()).unwrap().delivery.word()
    }
}

fn invocation(now: Timestamp) -> Invocation {
    Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) }
}

fn alert(number: u64, account: &str, band: Band) -> Alert {
    Alert { account: sample::account_id(account), customer: account.into(), band, ..sample::alert(number) }
}

#[tokio::test]
async fn an_alert_is_sent_once_however_often_it_is_told() {
    let bench = bench(None);
    let alert = alert(1, "Acme", Band::Elevated);
    bench.raise(&alert).await;
    for _ in 0..100 {
        bench.tell(&alert).await;
    }
    bench.drain().await;
    assert_eq!(bench.mailer.calls(Method::MailerSend), 1);
    assert_eq!((bench.word(&alert), bench.files("sent")), ("outbox", vec!["1-guardian-elevated.html".to_owned()]));
    assert!(bench.queue.dead().is_empty());
}

#[tokio::test]
async fn a_transient_refusal_is_retried_and_a_final_one_goes_to_the_outbox() {
    let bench = bench(None);
    let (first, second) = (alert(1, "Acme", Band::Elevated), alert(2, "Bolt", Band::Elevated));
    bench.mailer.plan(Method::MailerSend, &[Fault::Transient]);
    bench.raise(&first).await;
    bench.drain().await;
    assert_eq!((bench.word(&first), bench.files("sent").len()), ("outbox", 1), "despite its place in the conversation");
    bench.mailer.plan(Method::MailerSend, &[Fault::Permanent]);
    bench.raise(&second).await;
    bench.drain().await;
    assert_eq!((bench.word(&second), bench.files("outbox")), ("refused", vec!["2-guardian-elevated.html".to_owned()]));
}

#[tokio::test]
async fn one_alert_per_account_until_it_gets_worse_and_a_digest_for_the_rest() {
    let bench = bench(None);
    let [first, second, worse, other] = [
        alert(1, "Acme", Band::Elevated),
        alert(2, "Acme", Band::Elevated),
        alert(3, "Acme", Band::Critical),
        alert(4, "Bolt", Band::Elevated),
    ];
    for alert in [&first, &second, &worse, &other] {
        bench.raise(alert).await;
        bench.drain().await;
    }
    assert_eq!(
        [&first, &second, &worse, &other].map(|alert| bench.word(alert)),
        ["outbox", "held", "outbox", "outbox"]
    );
    assert_eq!(bench.digest(0).await.unwrap(), 1);
    assert_eq!(bench.word(&second), "digested");
    assert_eq!(bench.digest(0).await.unwrap(), 0, "nothing is held any more");
    let audit = bench.log.inner().audit().into_iter().filter(|entry| entry.action == AuditAction::AlertEmail);
    let audit: Vec<_> = audit.map(|entry| entry.outcome).collect();
    assert_eq!(audit, ["outbox", "held: cooldown", "outbox", "outbox", "digested"]);
}

/// Alerts of one account, each an hour after the one before.
async fn hourly(bench: &Bench, alerts: &[Alert]) {
    for alert in alerts {
        bench.raise(alert).await;
        bench.drain().await;
        bench.queue.tick(bench.queue.now() + SignedDuration::from_hours(1));
    }
}

#[tokio::test]
async fn further_alerts_of_an_account_answer_the_first() {
    let bench = bench(None);
    let words =
        |number, band, quote: &str| Alert { evidence: [quote.to_owned()].into(), ..alert(number, "Acme", band) };
    let deadline = Some(Deadline { day: date(2026, 11, 17), time: None, words: "tomorrow".into() });
    let buying = Alert { account: sample::account_id("Acme"), customer: "Acme".into(), ..sample::alerts(4).1 };
    let alerts = [
        words(1, Band::Elevated, "We may leave."),
        words(2, Band::Critical, "We leave."),
        Alert { deadline, ..words(3, Band::Critical, "I sign tomorrow.") },
        // To somebody else.
        Alert { evidence: ["What is the price?".to_owned()].into(), ..buying.clone() },
        Alert { ticket: sample::ticket_id(5), recipient: sample::alert(1).recipient, ..buying },
    ];
    for alert in &alerts {
        bench.raise(alert).await;
        bench.drain().await;
    }
    let of = |thread: &str, subject: &str, answers: Option<&str>| {
        (thread.to_owned(), subject.to_owned(), answers.map(str::to_owned))
    };
    let first = Some("1-guardian-elevated.html");
    let mut headers = bench.headers();
    assert!(headers[4].1.starts_with("Acme again: "), "{}", headers[4].1);
    headers[4].1.clear();
    let expected = [
        of("1-guardian", "Acme may leave: “We may leave.”", None),
        of("1-guardian", "Acme again: “We leave.”", first),
        of("1-guardian", "Acme again: “I sign tomorrow.”", first),
        of("4-opportunity", "Acme wants more, also at risk: “What is the price?”", None),
        of("1-guardian", "", first),
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn what_says_nothing_new_comes_once_an_hour() {
    let bench = bench(None);
    let alerts: Vec<Alert> = (1..=4).map(|number| alert(number, "Acme", Band::Elevated)).collect();
    hourly(&bench, &alerts[..2]).await;
    for alert in &alerts[2..] {
        bench.raise(alert).await;
        bench.drain().await;
    }
    let words: Vec<_> = alerts.iter().map(|alert| bench.word(alert)).collect();
    assert_eq!(words, ["outbox", "outbox", "outbox", "held"]);
    assert_eq!(bench.threads(), ["1-guardian"; 3]);
}

#[tokio::test]
async fn the_daily_cap_counts_replies() {
    let bench = bench(Some(5));
    let alerts: Vec<Alert> = (1..=6).map(|number| alert(number, "Acme", Band::Elevated)).collect();
    hourly(&bench, &alerts).await;
    let words: Vec<_> = alerts.iter().map(|alert| bench.word(alert)).collect();
    assert_eq!(words, ["outbox", "outbox", "outbox", "outbox", "held", "held"]);
    assert_eq!(bench.audited(&alerts[4]), ["held: daily_cap"]);
}

#[tokio::test]
async fn a_reply_sent_twice_has_the_same_headers() {
    for (method, fault) in [
        (Method::MailerSend, Fault::Ambiguous),
        (Method::MailerSend, Fault::PanicAfter),
        (Method::AlertLogSettle, Fault::Panic),
        (Method::AlertLogSettle, Fault::PanicAfter),
        (Method::ConversationsGoOn, Fault::Ambiguous),
        (Method::ConversationsGoOn, Fault::Panic),
        (Method::ConversationsGoOn, Fault::PanicAfter),
        (Method::ConversationsConversation, Fault::Panic),
        (Method::FollowUpsAlert, Fault::Transient),
        (Method::FollowUpsAlert, Fault::Panic),
    ] {
        let bench = bench(Some(100));
        let [first, second] = [alert(1, "Acme", Band::Elevated), alert(2, "Acme", Band::Critical)];
        bench.raise(&first).await;
        bench.drain().await;
        bench.mailer.plan(method, &[fault]);
        bench.log.plan(method, &[fault]);
        bench.control.plan(method, &[fault]);
        bench.raise(&second).await;
        bench.drain().await;
        let replies = bench.headers().split_off(1);
        assert!(
            replies.len() <= 2 && replies.iter().all(|reply| *reply == replies[0]),
            "{method} {fault:?} {replies:?}"
        );
        let (thread, subject, answers) = &replies[0];
        assert_eq!((thread.as_str(), answers.as_deref()), ("1-guardian", Some("1-guardian-elevated.html")));
        assert!(subject.starts_with("Acme again: "), "{subject}");
        let next = alert(3, "Acme", Band::Critical);
        bench.raise(&next).await;
        bench.drain().await;
        assert_eq!(bench.word(&next), "held", "{method} {fault:?}: nothing new within the hour");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_opens_the_conversation() {
    let bench = Arc::new(bench(None));
    let alerts: Vec<Alert> = (1..=12).map(|number| alert(number, "Acme", Band::Elevated)).collect();
    for alert in &alerts {
        bench.open(alert).await;
    }
    let calls = alerts.iter().map(|alert| {
        let (bench, body) =
            (bench.clone(), serde_json::to_string(&Envelope::new(AlertMessage::new(alert.key()))).unwrap());
        let record = serde_json::json!({ "messageId": alert.ticket.to_string(), "receiptHandle": "r", "body": body });
        tokio::spawn(async move {
            let event = serde_json::from_value(serde_json::json!({ "Records": [record] })).unwrap();
            handle(&bench.alerting, event, &invocation(sample::now())).await
        })
    });
    for call in futures::future::join_all(calls).await {
        call.unwrap();
    }
    let sent = alerts.iter().filter(|alert| bench.word(alert) == "outbox").count();
    assert_eq!((sent, bench.threads().len()), (1, 1), "the others wait, or come again");
}

#[tokio::test]
async fn one_mail_an_hour_of_what_may_be_one_fault() {
    let bench = bench(None);
    let p0 = |number: u64, team: &str, topic: &str| Alert {
        signal: Signal::Outage { what: None },
        recipient: "lead@example.com".parse().unwrap(),
        agent: sample::team(team),
        topic: topic.parse().ok(),
        ..alert(number, &format!("Customer {number}"), Band::Critical)
    };
    let same: Vec<Alert> = (1..=50).map(|number| p0(number, "nexus", "webhooks")).collect();
    let others = [p0(61, "nexus", "order-sync"), p0(62, "cipher", "webhooks"), alert(1, "Customer 1", Band::Critical)];
    for alert in same.iter().chain(&others) {
        bench.raise(alert).await;
        bench.drain().await;
    }
    let words: Vec<&str> = same.iter().map(|alert| bench.word(alert)).collect();
    assert_eq!((words[0], words.iter().filter(|word| **word == "held").count()), ("outbox", 49));
    assert_eq!(others.each_ref().map(|alert| bench.word(alert)), ["outbox"; 3]);
    assert_eq!(bench.audited(&same[1]), ["held: same_outage"]);
    assert_eq!(bench.digest(59).await.unwrap(), 1, "the rest together");
    assert!(bench.audited(&same[1]).contains(&"digested".to_owned()));
    for (number, minutes, expected) in [(71, 59, "held"), (72, 60, "outbox")] {
        bench.queue.tick(sample::now() + SignedDuration::from_mins(minutes));
        let late = p0(number, "nexus", "webhooks");
        bench.raise(&late).await;
        bench.drain().await;
        assert_eq!(bench.word(&late), expected, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn the_last_fifth_of_the_daily_cap_is_for_the_critical() {
    let bench = bench(Some(5));
    let elevated: Vec<Alert> = (1..=6).map(|n| alert(n, &format!("Elevated {n}"), Band::Elevated)).collect();
    let critical: Vec<Alert> = (7..=9).map(|n| alert(n, &format!("Critical {n}"), Band::Critical)).collect();
    for alert in elevated.iter().chain(&critical) {
        bench.raise(alert).await;
        bench.drain().await;
    }
    let words = |alerts: &[Alert]| alerts.iter().map(|alert| bench.word(alert)).collect::<Vec<_>>();
    assert_eq!(words(&elevated), ["outbox", "outbox", "outbox", "outbox", "held", "held"]);
    assert_eq!(words(&critical), ["outbox", "held", "held"]);
    assert_eq!(bench.digest(0).await.unwrap(), 1, "one message for one recipient");
    let file = bench.files("sent").into_iter().find(|file| file.starts_with("digest-")).unwrap();
    let html = std::fs::read_to_string(bench.folder.path().join("sent").join(file)).unwrap();
    assert!(html.contains("and 3 more held alerts"));
}

#[tokio::test]
async fn a_digest_lists_the_heaviest_first() {
    let bench = bench(Some(0));
    for (number, account, mrr) in [(1, "Small", 100.0), (2, "Large", 9_000.0), (3, "Middle", 1_000.0)] {
        bench.raise(&Alert { mrr: Some(mrr), ..alert(number, account, Band::Elevated) }).await;
    }
    bench.drain().await;
    bench.digest(0).await.unwrap();
    let html = std::fs::read_to_string(bench.folder.path().join("sent").join(&bench.files("sent")[0])).unwrap();
    let places = ["Large", "Middle", "Small"].map(|name| html.find(&format!("<b>{name}</b>")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn a_switch_stops_what_waits_in_the_queue() {
    for (switch, told) in [
        ((|policy| policy.mode = Mode::Shadow) as fn(&mut Policy), "skipped: the mode is shadow"),
        (|policy| policy.delivery = false, "skipped: delivery is off"),
    ] {
        let mut bench = bench(None);
        let alert = alert(1, "Acme", Band::Critical);
        bench.raise(&alert).await;
        bench.turn(switch);
        bench.drain().await;
        assert_eq!((bench.word(&alert), bench.mailer.calls(Method::MailerSend)), ("skipped", 0));
        assert_eq!(bench.audited(&alert), [told]);
    }
}

#[tokio::test]
async fn an_account_that_the_mail_service_refuses_is_waited_for() {
    let bench = bench(Some(5));
    let alert = alert(1, "Acme", Band::Elevated);
    // Hours of it: longer than the day's cap has messages.
    bench.mailer.plan(Method::MailerSend, &[Fault::Denied; 12]);
    bench.raise(&alert).await;
    bench.drain().await;
    assert_eq!((bench.word(&alert), bench.files("sent").len()), ("outbox", 1), "the same message, once mended");
    assert!(bench.queue.dead().is_empty());
    assert!(bench.files("outbox").is_empty(), "nothing was refused for good");
}

#[tokio::test]
async fn a_refused_alert_keeps_no_other_back_and_is_sent_again_on_request() {
    let bench = bench(Some(5));
    let [refused, next] = [alert(1, "Acme", Band::Elevated), alert(2, "Acme", Band::Elevated)];
    bench.mailer.plan(Method::MailerSend, &[Fault::Permanent]);
    bench.raise(&refused).await;
    bench.drain().await;
    assert_eq!(bench.word(&refused), "refused");
    assert_eq!(bench.resend(r#"{"action": "resend", "ticket": 2}"#).await, Resent { resent: 0, left: 0 });
    bench.mailer.plan(Method::MailerSend, &[Fault::Permanent]);
    assert_eq!(bench.resend(r#"{"action": "resend"}"#).await.resent, 1);
    assert_eq!(bench.word(&refused), "refused", "and nothing was mended");
    bench.raise(&next).await;
    bench.drain().await;
    assert_eq!(bench.word(&next), "outbox", "nobody had the first, so it holds nothing back");
    assert_eq!(bench.resend(r#"{"action": "resend"}"#).await, Resent { resent: 1, left: 0 });
    assert_eq!(bench.word(&refused), "held", "by the cooldown of the one that went out");
    assert_eq!(bench.resend(r#"{"action": "resend"}"#).await, Resent::default(), "nothing is left to send");
}

#[tokio::test]
async fn withheld_alerts_are_sent_again_only_when_asked_for() {
    let mut bench = bench(None);
    let alerts = [alert(1, "Acme", Band::Critical), alert(2, "Bolt", Band::Critical)];
    bench.turn(|policy| policy.delivery = false);
    for alert in &alerts {
        bench.raise(alert).await;
    }
    bench.drain().await;
    bench.turn(|_| ());
    assert_eq!(bench.resend(r#"{"action": "resend"}"#).await, Resent::default());
    bench.mailer.plan(Method::MailerSend, &[Fault::Transient]);
    let resent = bench.resend(r#"{"action": "resend", "states": ["skipped"]}"#).await;
    assert_eq!(resent, Resent { resent: 1, left: 1 });
    let minutes = PENDING_TOO_LONG.as_mins();
    assert_eq!(bench.digest(minutes).await.unwrap(), 1, "what failed once more waits for the digest");
    let mut words = alerts.each_ref().map(|alert| bench.word(alert));
    words.sort_unstable();
    assert_eq!(words, ["digested", "outbox"]);
}

#[tokio::test]
async fn an_alert_held_elsewhere_is_waited_for() {
    let bench = bench(None);
    let alert = alert(1, "Acme", Band::Elevated);
    bench.raise(&alert).await;
    let until = sample::now() + SignedDuration::from_secs(35);
    bench.log.take(alert.key(), "other", sample::now(), until).await.unwrap();
    bench.drain().await;
    assert_eq!((bench.word(&alert), bench.queue.now()), ("outbox", until), "no backoff goes past the lease");
}

#[tokio::test]
async fn a_message_that_names_no_alert_is_parked() {
    let bench = bench(None);
    let message = Envelope::new(AlertMessage { alert: "nonsense".into(), links_to: None });
    message::send(&*bench.queue, &message, Duration::ZERO).await.unwrap();
    bench.tell(&alert(9, "Never opened", Band::Elevated)).await;
    bench.drain().await;
    assert_eq!(bench.queue.dead(), [r#"{"v":1,"alert":"nonsense"}"#], "the other is simply done");
    assert_eq!(bench.queue.now(), sample::now(), "without coming again");
}

#[tokio::test]
async fn a_settled_alert_is_audited() {
    for fault in [Fault::Transient, Fault::Ambiguous] {
        let bench = bench(None);
        let alert = alert(1, "Acme", Band::Elevated);
        bench.log.plan(Method::AlertLogSettle, &[fault]);
        bench.raise(&alert).await;
        bench.drain().await;
        assert_eq!(bench.mailer.calls(Method::MailerSend), 1, "{fault:?}");
        assert_eq!((bench.word(&alert), bench.audited(&alert)), ("outbox", vec!["outbox".to_owned()]), "{fault:?}");
    }
}

#[tokio::test]
async fn a_second_mail_folds_and_is_counted() {
    for (method, fault) in [
        (Method::MailerSend, Fault::Ambiguous),
        (Method::MailerSend, Fault::PanicAfter),
        (Method::AlertLogSettle, Fault::Panic),
    ] {
        let bench = bench(None);
        let alert = alert(1, "Acme", Band::Elevated);
        bench.mailer.plan(method, &[fault]);
        bench.log.plan(method, &[fault]);
        bench.raise(&alert).await;
        bench.drain().await;
        assert_eq!(bench.threads(), ["1-guardian", "1-guardian"], "{method} {fault:?}");
        assert_eq!(bench.audited(&alert), ["outbox, may be a duplicate"], "{method} {fault:?}");
    }
}

#[tokio::test]
async fn an_alert_never_handed_over_is_no_duplicate() {
    for (method, fault) in [
        (Method::AlertLogTake, Fault::Ambiguous),
        (Method::ConversationsConversation, Fault::Transient),
        (Method::ConversationsGoOn, Fault::Transient),
        (Method::ConversationsGoOn, Fault::Ambiguous),
        (Method::ControlCount, Fault::Ambiguous),
    ] {
        let bench = bench(Some(100));
        let alert = alert(1, "Acme", Band::Elevated);
        bench.log.plan(method, &[fault]);
        bench.control.plan(method, &[fault]);
        bench.raise(&alert).await;
        bench.drain().await;
        assert_eq!(bench.audited(&alert), ["outbox"], "{method} {fault:?}");
    }
}

#[tokio::test]
async fn the_digest_goes_out_once_an_hour() {
    let bench = bench(None);
    let held = bench.hold("kam", [1, 2]).await;
    let schedule = async |minute| {
        let event: Event = serde_json::from_str(r#"{"action": "digest"}"#).unwrap();
        let now = sample::now() + SignedDuration::from_mins(minute);
        handle_event(&bench.alerting, event, &invocation(now)).await.unwrap();
    };
    schedule(0).await;
    assert_eq!((bench.word(&held), bench.digests().len()), ("digested", 1));
    let later = alert(3, "kam", Band::Elevated);
    bench.raise(&later).await;
    bench.drain().await;
    schedule(59).await;
    assert_eq!(bench.word(&later), "held");
    schedule(60).await;
    assert_eq!(bench.word(&later), "digested");
}

#[tokio::test]
async fn a_failed_digest_does_not_cost_its_hour() {
    for fault in [Fault::Transient, Fault::Panic] {
        let bench = bench(None);
        let held = bench.hold("kam", [1, 2]).await;
        bench.mailer.plan(Method::MailerSend, &[fault]);
        assert!(bench.digest(0).await.is_err(), "{fault:?}: the schedule has to come again");
        assert_eq!(bench.word(&held), "held", "{fault:?}");
        assert_eq!(bench.digest(1).await.unwrap(), 1, "{fault:?}");
        assert_eq!((bench.word(&held), bench.digests().len()), ("digested", 1), "{fault:?}");
    }
}

#[tokio::test]
async fn two_digests_at_once_write_once() {
    let bench = bench(None);
    let held = bench.hold("kam", [1, 2]).await;
    let both = [0, 1].map(|second| {
        let at = sample::now() + SignedDuration::from_secs(second);
        let alerting = bench.alerting.clone();
        async move { digest(&alerting, &invocation(at)).await.unwrap() }
    });
    let sent: usize = futures::future::join_all(both).await.into_iter().sum();
    assert_eq!((sent, bench.digests().len(), bench.word(&held)), (1, 1, "digested"));
}

#[tokio::test]
async fn a_dead_digest_is_taken_over() {
    let bench = bench(None);
    let held = bench.hold("kam", [1, 2]).await;
    bench.log.plan(Method::AlertLogSettle, &[Fault::Panic]);
    assert!(bench.digest(0).await.is_err());
    let meanwhile = invocation(sample::now() + SignedDuration::from_secs(30));
    assert_eq!(digest(&bench.alerting, &meanwhile).await.unwrap(), 0, "the lease holds");
    assert_eq!((bench.digests().len(), bench.word(&held)), (1, "held"));
    assert_eq!(bench.digest(1).await.unwrap(), 1);
    let thread = "digest-kam-example-com".to_owned();
    assert_eq!(bench.digests(), [thread.clone(), thread]);
    assert_eq!(bench.audited(&held), ["held: cooldown", "digested, may be a duplicate"]);
}

#[tokio::test]
async fn one_recipients_failure_stops_no_other() {
    let bench = bench(None);
    let [first, second, third] = [("ann", [1, 2]), ("ben", [3, 4]), ("cat", [5, 6])];
    let first = bench.hold(first.0, first.1).await;
    let second = bench.hold(second.0, second.1).await;
    let third = bench.hold(third.0, third.1).await;
    *bench.mailer.inner().refuses.lock().unwrap() = Some("ben");
    assert!(bench.digest(0).await.is_err(), "the schedule has to come again");
    assert_eq!([&first, &second, &third].map(|alert| bench.word(alert)), ["digested", "held", "digested"]);
    *bench.mailer.inner().refuses.lock().unwrap() = None;
    assert_eq!(bench.digest(1).await.unwrap(), 1);
    assert_eq!((bench.word(&second), bench.digests().len()), ("digested", 3));
}

#[tokio::test]
async fn a_digest_settles_what_it_can() {
    let bench = bench(Some(0));
    let alerts: Vec<Alert> = (1..=3).map(|number| alert(number, "Acme", Band::Elevated)).collect();
    for alert in &alerts {
        bench.raise(alert).await;
    }
    bench.drain().await;
    bench.log.plan(Method::AlertLogSettle, &[Fault::Transient, Fault::Transient]);
    assert!(bench.digest(0).await.is_err());
    let words: Vec<_> = alerts.iter().map(|alert| bench.word(alert)).collect();
    assert_eq!(words, ["held", "digested", "digested"], "only the first failed, twice");
}

#[tokio::test]
async fn an_alert_without_a_message_is_digested() {
    let bench = bench(None);
    let lost = alert(1, "Acme", Band::Critical);
    bench.open(&lost).await;
    let minutes = PENDING_TOO_LONG.as_mins();
    assert_eq!(bench.digest(minutes - 1).await.unwrap(), 0, "its message may be on its way");
    assert_eq!(bench.digest(minutes).await.unwrap(), 1);
    assert_eq!((bench.word(&lost), bench.audited(&lost)), ("digested", vec!["digested".to_owned()]));
    bench.tell(&lost).await;
    bench.drain().await;
    assert_eq!(bench.mailer.calls(Method::MailerSend), 1, "a late message does nothing");
}

#[tokio::test]
async fn switched_off_no_digest_goes_out() {
    let mut bench = bench(None);
    let held = bench.hold("kam", [1, 2]).await;
    for switch in [(|policy| policy.mode = Mode::Shadow) as fn(&mut Policy), |policy| policy.delivery = false] {
        bench.turn(switch);
        assert_eq!(bench.digest(0).await.unwrap(), 0);
        assert_eq!((bench.word(&held), bench.digests().len()), ("held", 0));
    }
    bench.turn(|_| ());
    assert_eq!(bench.digest(0).await.unwrap(), 1, "it was kept");
}

/// 08:00 UTC on the day after the sample's.
fn morning(minute: i64) -> Timestamp {
    sample::now() + SignedDuration::from_mins(23 * 60 + minute)
}

#[tokio::test]
async fn a_morning_tells_each_recipient_once_what_is_open() {
    let bench = bench(None);
    for (number, name) in [(1, "ann"), (2, "ben"), (3, "ann")] {
        let recipient = format!("{name}@example.com").parse().unwrap();
        bench.raise(&Alert { recipient, ..alert(number, &format!("Account {number}"), Band::Elevated) }).await;
    }
    bench.drain().await;
    let call = async |minute| daily(&bench.alerting, &invocation(morning(minute))).await.unwrap();
    for (minute, messages) in [(-1, 0), (0, 2), (1, 0), (60, 0), (179, 0), (240, 0), (24 * 60, 2)] {
        assert_eq!(call(minute).await, messages, "{minute} minutes after eight");
    }
    let sent = bench.mailer.inner().sent.lock().unwrap();
    let first = sent.iter().find(|email| email.thread == "daily-ann-example-com").unwrap();
    assert_eq!(first.subject, "Open today: Account 1 ($500 a month) and 1 more");
    assert!(first.name.starts_with("digest-daily-"), "what is forgotten is found by it");
}

#[tokio::test]
async fn the_morning_is_for_whoever_has_it() {
    let mut bench = bench(None);
    let secrets = Arc::new(FixedSecrets(vec!["key".into()]));
    bench.alerting.links = Some(Links { base: "https://api.example/followup".into(), secrets });
    let [ann, ben] = ["ann@example.com", "ben@example.com"].map(|name| name.parse::<EmailAddress>().unwrap());
    let due = Some(Deadline { day: date(2026, 11, 17), time: None, words: "tomorrow".into() });
    let raised = |number, stage| Alert {
        recipient: ann.clone(),
        deadline: due.clone(),
        follow_up: FollowUp { stage, ..FollowUp::default() },
        ..alert(number, &format!("Account {number}"), Band::Elevated)
    };
    let taken = Stage::Taken { by: ben.clone(), at: sample::now() };
    for (number, stage) in [(1, taken), (2, Stage::New)] {
        bench.raise(&raised(number, stage)).await;
    }
    bench.drain().await;
    assert_eq!(daily(&bench.alerting, &invocation(morning(0))).await.unwrap(), 2);
    let sent = bench.mailer.inner().sent.lock().unwrap();
    for (to, number, other, words) in [(&ben, 1, 2, "Say how it ended"), (&ann, 2, 1, "I have it")] {
        let mail = sent.iter().find(|mail| mail.name.starts_with("digest-daily-") && mail.to == *to).unwrap();
        for part in [&mail.html, &mail.text] {
            assert!(
                part.contains(&format!("Account {number}")) && !part.contains(&format!("Account {other}")),
                "{part}"
            );
            assert!(part.contains(words) && part.matches("followup?link=").count() == 1, "{words}: {part}");
        }
    }
}

#[tokio::test]
async fn a_digest_offers_nothing_where_somebody_has_it() {
    let mut bench = bench(None);
    let secrets = Arc::new(FixedSecrets(vec!["key".into()]));
    bench.alerting.links = Some(Links { base: "https://api.example/followup".into(), secrets });
    let held = bench.hold("kam", [1, 2]).await;
    let by = "ben@example.com".parse().unwrap();
    let next = held.after(Step::Take, &by, sample::now()).unwrap();
    let entry = sample::audit_entry(2, AuditAction::AlertFollowUp);
    bench.log.follow_up(&held, &next, &entry).await.unwrap();
    assert_eq!(bench.digest(0).await.unwrap(), 1);
    let sent = bench.mailer.inner().sent.lock().unwrap();
    let mail = sent.iter().find(|mail| mail.thread.starts_with("digest-")).unwrap();
    assert!(!mail.html.contains("followup?link=") && !mail.text.contains("followup?link="), "{}", mail.text);
}

#[tokio::test]
async fn with_nothing_open_no_mail_comes() {
    let bench = bench(None);
    assert_eq!(daily(&bench.alerting, &invocation(morning(0))).await.unwrap(), 0);
    bench.raise(&alert(1, "Acme", Band::Critical)).await;
    bench.drain().await;
    assert_eq!(daily(&bench.alerting, &invocation(morning(60))).await.unwrap(), 0, "it has just been said");
    assert_eq!(daily(&bench.alerting, &invocation(morning(24 * 60))).await.unwrap(), 1);
}

#[tokio::test]
async fn switched_off_no_morning_comes() {
    let mut bench = bench(None);
    bench.raise(&alert(1, "Acme", Band::Critical)).await;
    bench.drain().await;
    for switch in [
        (|policy| policy.mode = Mode::Shadow) as fn(&mut Policy),
        |policy| policy.delivery = false,
        |policy| policy.alerts.daily_digest = false,
    ] {
        bench.turn(switch);
        assert_eq!(daily(&bench.alerting, &invocation(morning(0))).await.unwrap(), 0);
    }
    bench.turn(|_| ());
    assert_eq!(daily(&bench.alerting, &invocation(morning(60))).await.unwrap(), 1);
}

#[tokio::test]
async fn one_failed_morning_is_made_up_for() {
    for fault in [Fault::Transient, Fault::Panic] {
        let bench = bench(None);
        for (number, name) in [(1, "ann"), (2, "ben")] {
            let recipient = format!("{name}@example.com").parse().unwrap();
            bench.raise(&Alert { recipient, ..alert(number, name, Band::Elevated) }).await;
        }
        bench.drain().await;
        bench.mailer.plan(Method::MailerSend, &[fault]);
        let call = async |minute| {
            let invocation = invocation(morning(minute));
            AssertUnwindSafe(daily(&bench.alerting, &invocation)).catch_unwind().await
        };
        assert!(!matches!(call(0).await, Ok(Ok(_))), "{fault:?}");
        assert!(matches!(call(60).await, Ok(Ok(1 | 2))), "{fault:?}");
        let mut mornings: Vec<_> = bench.threads().into_iter().filter(|thread| thread.starts_with("daily-")).collect();
        mornings.sort_unstable();
        assert_eq!(mornings, ["daily-ann-example-com", "daily-ben-example-com"], "{fault:?}");
    }
}

#[tokio::test]
async fn two_mornings_at_once_write_once() {
    let bench = bench(None);
    bench.raise(&alert(1, "Acme", Band::Elevated)).await;
    bench.drain().await;
    let both = [0, 1].map(|minute| {
        let alerting = bench.alerting.clone();
        async move { daily(&alerting, &invocation(morning(minute))).await.unwrap() }
    });
    assert_eq!(futures::future::join_all(both).await.into_iter().sum::<usize>(), 1);
}

#[test]
fn an_event_is_a_batch_or_a_known_action() {
    let read = serde_json::from_str::<Event>;
    assert!(matches!(read(r#"{"Records": []}"#), Ok(Event::Queue(_))));
    assert!(matches!(read(r#"{"action": "digest"}"#), Ok(Event::Command(Command::Digest))));
    assert!(matches!(read(r#"{"action": "resend", "states": ["skipped"]}"#), Ok(Event::Command(Command::Resend(_)))));
    assert!(read(r#"{"action": "resend", "states": ["sent"]}"#).is_err(), "somebody has it");
    assert!(read(r#"{"action": "self-destruct"}"#).is_err());
}
