//! Alerts in a Slack of our own, beside the mails.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use alert::{Alerting, Chatting, handle, remind};
use domain::{
    Alert, AlertKind, AuditAction, Band, EmailAddress, FollowUp, Policy, Stage,
    follow_up::{Snooze, Step},
    policy::{AlertPolicy, ChatPolicy},
    ports::{AlertLog, FollowUps, Outbox},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedSettings, MemoryControl, MemoryQueue, MemoryTicketLog, Method, OutboxMailer, pump};
use runtime::{
    AlertMessage, Invocation,
    backoff::RECEIVES,
    message::{self, Envelope},
};
use slack::{
    Client, WithPosts,
    scripted::{self, ScriptedSlack, Shown},
};

const POLICY: &str = r#"{"guardian": "C0GUARDIAN", "opportunity": "C0SALES", "may_press": {"group": "S0CSM"}}"#;

struct Bench {
    alerting: Alerting,
    log: Arc<MemoryTicketLog>,
    mailer: Arc<Failing<OutboxMailer>>,
    queue: Arc<MemoryQueue>,
    slack: ScriptedSlack,
    folder: tempfile::TempDir,
}

fn bench(slack_policy: Option<&str>) -> Bench {
    let slack = ScriptedSlack::start();
    slack.set_now(sample::now());
    bench_with(slack.clone(), slack.client(), slack_policy)
}

fn bench_with(slack: ScriptedSlack, client: Client, slack_policy: Option<&str>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let slack_policy: Option<ChatPolicy> = slack_policy.map(|text| serde_json::from_str(text).unwrap());
    let alerts = AlertPolicy { slack: slack_policy, daily_cap: Some(5), ..sample::policy().alerts };
    let log = Arc::new(MemoryTicketLog::default());
    let control = Arc::new(MemoryControl::default());
    let mailer = Arc::new(Failing::new(OutboxMailer::new(folder.path().join("sent"))));
    let queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
    let alerting = Alerting {
        settings: Arc::new(FixedSettings(Arc::new(Policy { alerts, ..sample::policy() }))),
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
        chat: Some(Chatting { chat: Arc::new(client), threads: control, paced: true }),
    };
    Bench { alerting, log, mailer, queue, slack, folder }
}

fn alert(number: u64, account: &str, band: Band) -> Alert {
    Alert { account: sample::account_id(account), customer: account.into(), band, ..sample::alert(number) }
}

impl Bench {
    async fn raise(&self, alert: &Alert) {
        self.log.open(alert, Timestamp::MAX, &sample::audit_entry(1, AuditAction::AlertRaised)).await.unwrap();
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
            self.slack.set_now(now);
            pump(&self.queue, |event| async { handle(&self.alerting, event, &invocation(now)).await }).await;
        }
        assert!(self.queue.dead().is_empty());
    }

    async fn deliver(&self, alert: &Alert) {
        self.raise(alert).await;
        self.drain().await;
    }

    /// Passes time for both.
    fn wait(&self, seconds: i64) {
        let now = self.queue.now() + SignedDuration::from_secs(seconds);
        self.queue.tick(now);
        self.slack.set_now(now);
    }

    fn follow_up(&self, alert: &Alert) -> FollowUp {
        self.log.alert(alert.key()).unwrap().follow_up.clone()
    }

    fn word(&self, alert: &Alert) -> &'static str {
        self.log.alert(alert.key()).unwrap().delivery.word()
    }

    fn mails(&self) -> usize {
        let files = std::fs::read_dir(self.folder.path().join("sent")).into_iter().flatten().flatten();
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "html")).count()
    }

    /// The channel of each message, whether it is a reply, and whether it shows outside its thread.
    fn seen(&self) -> Vec<(String, bool, bool)> {
        let seen = |message: Shown| (message.channel, message.thread.is_some(), message.broadcast);
        self.slack.messages().into_iter().map(seen).collect()
    }
}

fn invocation(now: Timestamp) -> Invocation {
    Invocation { request_id: "r".into(), now, deadline: now + SignedDuration::from_secs(30) }
}

fn of(channel: &str, reply: bool, broadcast: bool) -> (String, bool, bool) {
    (channel.to_owned(), reply, broadcast)
}

#[tokio::test]
async fn an_alert_is_mailed_and_posted_once_however_often_it_is_told() {
    let bench = bench(Some(POLICY));
    let alert = alert(1, "Acme", Band::Elevated);
    bench.raise(&alert).await;
    for _ in 0..20 {
        bench.tell(&alert).await;
    }
    bench.drain().await;
    assert_eq!((bench.mails(), bench.seen()), (1, vec![of("C0GUARDIAN", false, false)]));
    let posted = bench.follow_up(&alert).posted.unwrap();
    assert_eq!(posted.message.as_deref(), Some(bench.slack.messages()[0].ts.as_str()));
    assert_eq!(posted.may_press.group.as_deref(), Some("S0CSM"));
    let revision = format!("{}@{}", alert.key(), bench.follow_up(&alert).revision);
    let shown = serde_json::to_string(&bench.slack.messages()[0].blocks).unwrap();
    assert!(shown.contains(&revision), "the buttons name the stored revision: {shown}");
    assert_eq!(bench.slack.messages()[0].edits, 0);
}

#[tokio::test]
async fn without_a_policy_or_with_a_switch_off_slack_hears_nothing() {
    let quiet = bench(None);
    quiet.deliver(&alert(1, "Acme", Band::Critical)).await;
    let mut off = bench(Some(POLICY));
    let policy = off.alerting.settings.policy().await.unwrap();
    off.alerting.settings = Arc::new(FixedSettings(Arc::new(Policy { delivery: false, ..Policy::clone(&policy) })));
    off.deliver(&alert(1, "Acme", Band::Critical)).await;
    for bench in [quiet, off] {
        assert!(bench.slack.calls().is_empty(), "{:?}", bench.slack.calls());
    }
}

#[tokio::test]
async fn whoever_has_an_account_is_written_to_alone() {
    let bench = bench(Some(POLICY));
    bench.slack.add_person("U0ANN", "ann@example.com");
    let ann: EmailAddress = "ann@example.com".parse().unwrap();
    bench.deliver(&Alert { recipient: ann.clone(), ..alert(1, "Acme", Band::Elevated) }).await;
    bench.deliver(&sample::alerts(2).1).await;
    assert_eq!(bench.seen(), [of("DU0ANN", false, false), of("C0SALES", false, false)]);
    let by_channel = POLICY.replacen('{', r#"{"direct": false, "#, 1);
    let channel = bench_with(bench.slack.clone(), bench.slack.client(), Some(&by_channel));
    channel.wait(10);
    channel.deliver(&Alert { recipient: ann, ..alert(3, "Bolt", Band::Elevated) }).await;
    assert_eq!(bench.seen().last(), Some(&of("C0GUARDIAN", false, false)));
}

#[tokio::test]
async fn one_message_an_account_and_day_and_the_rest_in_its_thread() {
    let bench = bench(Some(POLICY));
    let [first, second, worse, again, other] = [
        alert(1, "Acme", Band::Elevated),
        alert(2, "Acme", Band::Elevated),
        alert(3, "Acme", Band::Critical),
        alert(4, "Acme", Band::Critical),
        alert(5, "Bolt", Band::Elevated),
    ];
    for alert in [&first, &second, &worse, &again, &other] {
        bench.wait(10);
        bench.deliver(alert).await;
    }
    assert_eq!([&first, &second, &worse, &again].map(|alert| bench.word(alert)), ["outbox", "held", "outbox", "held"]);
    let expected = [
        of("C0GUARDIAN", false, false),
        of("C0GUARDIAN", true, false),
        of("C0GUARDIAN", true, true),
        of("C0GUARDIAN", true, false),
        of("C0GUARDIAN", false, false),
    ];
    assert_eq!(bench.seen(), expected);
    let messages = bench.slack.messages();
    assert!(messages[1..4].iter().all(|reply| reply.thread.as_ref() == Some(&messages[0].ts)));
    bench.wait(24 * 3_600);
    bench.deliver(&alert(6, "Acme", Band::Elevated)).await;
    assert_eq!(bench.seen().last(), Some(&of("C0GUARDIAN", false, false)), "another day");
}

#[tokio::test]
async fn what_the_cap_holds_is_not_posted() {
    let bench = bench(Some(POLICY));
    for number in 1..=6 {
        bench.wait(10);
        bench.deliver(&alert(number, &format!("Account {number}"), Band::Elevated)).await;
    }
    assert_eq!((bench.word(&alert(6, "Account 6", Band::Elevated)), bench.seen().len()), ("held", 4));
}

#[tokio::test]
async fn a_channel_gets_one_message_a_second() {
    let bench = bench(Some(POLICY));
    for number in 1..=4 {
        bench.raise(&alert(number, &format!("Account {number}"), Band::Critical)).await;
    }
    bench.drain().await;
    assert_eq!(bench.seen().len(), 4);
    let posts = bench.slack.calls().into_iter().filter(|call| call == "chat.postMessage").count();
    assert_eq!(posts, 4, "none was sent to be refused");
}

#[tokio::test]
async fn what_may_work_later_is_tried_again_without_a_second_mail() {
    for fault in [
        scripted::Fault::Code("internal_error"),
        scripted::Fault::Throttled(30),
        scripted::Fault::Status(502),
        scripted::Fault::Garbage,
    ] {
        let bench = bench(Some(POLICY));
        bench.slack.plan(std::slice::from_ref(&fault));
        let alert = alert(1, "Acme", Band::Elevated);
        bench.deliver(&alert).await;
        assert_eq!((bench.mailer.calls(Method::MailerSend), bench.seen().len()), (1, 1), "{fault:?}");
        assert!(bench.follow_up(&alert).posted.is_some());
    }
}

#[tokio::test]
async fn what_a_person_has_to_mend_leaves_the_mail() {
    for fault in ["invalid_auth", "missing_scope", "of_next_year"] {
        let bench = bench(Some(POLICY));
        bench.slack.plan(&[scripted::Fault::Code(fault)]);
        let alert = alert(1, "Acme", Band::Elevated);
        bench.deliver(&alert).await;
        assert_eq!((bench.word(&alert), bench.seen().len()), ("outbox", 0), "{fault}");
    }
}

#[tokio::test]
async fn slack_does_not_wait_for_the_mail() {
    let bench = bench(Some(POLICY));
    bench.mailer.plan(Method::MailerSend, &[Fault::Transient, Fault::Denied, Fault::Permanent]);
    let alert = alert(1, "Acme", Band::Elevated);
    bench.raise(&alert).await;
    let now = bench.queue.now();
    bench.queue.tick(now);
    pump(&bench.queue, |event| async { handle(&bench.alerting, event, &invocation(now)).await }).await;
    assert_eq!((bench.word(&alert), bench.seen().len()), ("pending", 1));
    bench.drain().await;
    assert_eq!((bench.word(&alert), bench.seen().len()), ("refused", 1));
}

#[tokio::test]
async fn a_snooze_that_ends_shows() {
    let bench = bench(Some(POLICY));
    let alert = alert(1, "Acme", Band::Elevated);
    bench.deliver(&alert).await;
    let seen = FollowUps::alert(&*bench.log, alert.key(), sample::now()).await.unwrap().unwrap();
    let by = "ann@example.com".parse().unwrap();
    let next = seen.follow_up.after(AlertKind::Guardian, Step::Snooze(Snooze::Tomorrow), &by, sample::now()).unwrap();
    bench.log.follow_up(&seen, &next, &sample::audit_entry(1, AuditAction::AlertFollowUp)).await.unwrap();
    bench.wait(25 * 3_600);
    assert_eq!(remind(&bench.alerting, &invocation(bench.queue.now())).await.unwrap(), 1);
    assert_eq!(bench.follow_up(&alert).stage, Stage::New);
    let [message] = bench.slack.messages().try_into().unwrap();
    let shown = serde_json::to_string(&message.blocks).unwrap();
    let revision = format!("{}@{}", alert.key(), bench.follow_up(&alert).revision);
    assert!(message.edits == 1 && shown.contains(&revision) && shown.contains("Nobody has it yet"), "{shown}");
}

#[tokio::test]
async fn a_webhook_is_enough_for_messages() {
    let slack = ScriptedSlack::start();
    let client = slack.client_with(&slack.webhook());
    let bench = bench_with(slack, client, Some("{}"));
    let (first, second) = (alert(1, "Acme", Band::Elevated), alert(2, "Acme", Band::Elevated));
    for alert in [&first, &second] {
        bench.wait(10);
        bench.deliver(alert).await;
    }
    assert_eq!(bench.seen(), [of("webhook", false, false)], "what is held has no thread to go into");
    assert_eq!(bench.follow_up(&first).posted.unwrap().message, None);
}

#[tokio::test]
async fn a_forgotten_ticket_is_gone_from_slack() {
    let bench = bench(Some(POLICY));
    for number in [1, 2] {
        bench.wait(10);
        bench.deliver(&alert(number, &format!("Account {number}"), Band::Critical)).await;
    }
    let outbox = Arc::new(OutboxMailer::new(bench.folder.path().join("outbox")));
    let posts = WithPosts { outbox, alerts: bench.log.clone(), chat: Arc::new(bench.slack.client()) };
    bench.slack.plan(&[scripted::Fault::Status(500)]);
    posts.discard(sample::ticket_id(1)).await.expect_err("asked for again");
    posts.discard(sample::ticket_id(1)).await.unwrap();
    posts.discard(sample::ticket_id(1)).await.expect("gone is done");
    let [left] = bench.slack.messages().try_into().unwrap();
    assert!(left.text.starts_with("Account 2"), "{}", left.text);
    bench.slack.plan(&[scripted::Fault::Code("invalid_auth")]);
    posts.discard(sample::ticket_id(2)).await.expect("what is ours is erased all the same");
}
