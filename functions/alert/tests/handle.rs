//! Delivery over embedded adapters.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use alert::{Alerting, Event, digest, handle, handle_event};
use domain::{Alert, Band, Policy, policy::AlertPolicy, ports::AlertLog, sample};
use jiff::SignedDuration;
use memory::{Failing, Fault, FixedSettings, MemoryControl, MemoryQueue, MemoryTicketLog, OutboxMailer, pump};
use runtime::{
    AlertMessage, Invocation,
    backoff::RECEIVES,
    message::{self, Envelope},
};

struct Bench {
    alerting: Alerting,
    log: Arc<MemoryTicketLog>,
    mailer: Arc<Failing<OutboxMailer>>,
    queue: Arc<MemoryQueue>,
    folder: tempfile::TempDir,
}

fn bench(daily_cap: Option<u32>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy { alerts: AlertPolicy { cooldown_hours: 24, daily_cap }, ..sample::policy() };
    let log = Arc::new(MemoryTicketLog::default());
    let mailer = Arc::new(Failing::new(OutboxMailer::new(folder.path().join("sent"))));
    let queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
    let alerting = Alerting {
        settings: Arc::new(FixedSettings(Arc::new(policy))),
        alerts: log.clone(),
        control: Arc::new(MemoryControl::default()),
        audit: log.clone(),
        mailer: mailer.clone(),
        outbox: Arc::new(OutboxMailer::new(folder.path().join("outbox"))),
        queue: queue.clone(),
        dead_letters: queue.dead_letters(),
        delivery: true,
    };
    Bench { alerting, log, mailer, queue, folder }
}

impl Bench {
    async fn raise(&self, alert: &Alert) {
        self.log.open(alert, sample::now() + SignedDuration::from_hours(720)).await.unwrap();
        self.tell(alert).await;
    }

    async fn tell(&self, alert: &Alert) {
        let message = Envelope::new(AlertMessage::new(alert.key()));
        message::send(&*self.queue, &message, Duration::ZERO).await.unwrap();
    }

    async fn drain(&self) {
        while let Some(next) = self.queue.next_visible() {
            self.queue.tick(next);
            let now = self.queue.now();
            let invocation = Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) };
            pump(&self.queue, |event| async { handle(&self.alerting, event, &invocation).await }).await;
        }
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.folder.path().join(folder)) else { return Vec::new() };
        let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn word(&self, alert: &Alert) -> &'static str {
        self.log.alert(alert.key()).unwrap().delivery.word()
    }
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
    assert_eq!(bench.mailer.calls("mail"), 1);
    assert_eq!((bench.word(&alert), bench.files("sent")), ("outbox", vec!["1-guardian-elevated.html".to_owned()]));
    assert!(bench.queue.dead().is_empty());
}

#[tokio::test]
async fn a_transient_refusal_is_retried_and_a_final_one_goes_to_the_outbox() {
    let bench = bench(None);
    let (first, second) = (alert(1, "Acme", Band::Elevated), alert(2, "Bolt", Band::Elevated));
    bench.mailer.plan("mail", &[Fault::Transient]);
    bench.raise(&first).await;
    bench.drain().await;
    assert_eq!((bench.word(&first), bench.files("sent").len()), ("outbox", 1), "despite its own cooldown");
    bench.mailer.plan("mail", &[Fault::Permanent]);
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
    assert_eq!(digest(&bench.alerting, sample::now()).await.unwrap(), 1);
    assert_eq!(bench.word(&second), "digested");
    assert_eq!(digest(&bench.alerting, sample::now()).await.unwrap(), 0, "nothing is held any more");
    let audit: Vec<_> = bench.log.audit().into_iter().map(|entry| entry.outcome).collect();
    assert_eq!(audit, ["outbox", "held: cooldown", "outbox", "outbox", "digested"]);
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
    assert_eq!(digest(&bench.alerting, sample::now()).await.unwrap(), 1, "one message for one recipient");
    let file = bench.files("sent").into_iter().find(|file| file.starts_with("digest-")).unwrap();
    let html = std::fs::read_to_string(bench.folder.path().join("sent").join(file)).unwrap();
    assert!(html.contains("4 held alerts"));
}

#[tokio::test]
async fn a_digest_lists_the_heaviest_first() {
    let bench = bench(Some(0));
    for (number, account, mrr) in [(1, "Small", 100.0), (2, "Large", 9_000.0), (3, "Middle", 1_000.0)] {
        bench.raise(&Alert { mrr: Some(mrr), ..alert(number, account, Band::Elevated) }).await;
    }
    bench.drain().await;
    digest(&bench.alerting, sample::now()).await.unwrap();
    let html = std::fs::read_to_string(bench.folder.path().join("sent").join(&bench.files("sent")[0])).unwrap();
    let places = ["Large ·", "Middle ·", "Small ·"].map(|name| html.find(name).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn switched_off_nobody_is_written_to() {
    let mut bench = bench(None);
    bench.alerting.delivery = false;
    let alert = alert(1, "Acme", Band::Critical);
    bench.raise(&alert).await;
    bench.drain().await;
    assert_eq!((bench.word(&alert), bench.mailer.calls("mail")), ("skipped", 0));
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
    let message = Envelope::new(AlertMessage { alert: "nonsense".into() });
    message::send(&*bench.queue, &message, Duration::ZERO).await.unwrap();
    bench.tell(&alert(9, "Never opened", Band::Elevated)).await;
    bench.drain().await;
    assert_eq!(bench.queue.dead(), [r#"{"v":1,"alert":"nonsense"}"#], "the other is simply done");
    assert_eq!(bench.queue.now(), sample::now(), "without coming again");
}

#[tokio::test]
async fn the_scheduled_digest_goes_out_once_an_hour_and_again_after_a_failure() {
    let bench = bench(None);
    let (first, second) = (alert(1, "Acme", Band::Elevated), alert(2, "Acme", Band::Elevated));
    bench.raise(&first).await;
    bench.raise(&second).await;
    bench.drain().await;
    assert_eq!(bench.word(&second), "held");
    let schedule = async || {
        let event: Event = serde_json::from_str(r#"{"action": "digest"}"#).unwrap();
        let now = sample::now();
        let invocation = Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) };
        handle_event(&bench.alerting, event, &invocation).await
    };
    bench.mailer.plan("mail", &[Fault::Transient]);
    assert!(schedule().await.is_err(), "the schedule has to come again");
    schedule().await.unwrap();
    assert_eq!(bench.word(&second), "digested");

    let third = alert(3, "Acme", Band::Elevated);
    bench.raise(&third).await;
    bench.drain().await;
    schedule().await.unwrap();
    assert_eq!(bench.word(&third), "held", "the next hour's digest takes it");
}

#[test]
fn an_event_is_a_batch_or_a_known_action() {
    let read = serde_json::from_str::<Event>;
    assert!(matches!(read(r#"{"Records": []}"#), Ok(Event::Queue(_))));
    assert!(matches!(read(r#"{"action": "digest"}"#), Ok(Event::Schedule { .. })));
    assert!(read(r#"{"action": "self-destruct"}"#).is_err());
}
