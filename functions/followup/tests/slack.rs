//! Buttons pressed in a Slack of our own.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{
    Alert, AuditAction, EmailAddress, FollowUp, Stage,
    follow_up::{Outcome, Posted, WrongReason},
    policy::Pressers,
    ports::{AlertLog, Chat, FollowUps, Opened, Post},
    sample,
};
use followup::{FollowingUp, PageDoor, SLACK_PATH, SlackDoor, handle};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedSecrets, MemoryQueue, MemoryTicketLog, Method};
use serde_json::{Value, json};
use slack::{
    scripted::{self, ScriptedSlack},
    signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, sign},
};

struct Bench {
    following_up: FollowingUp,
    log: Arc<Failing<MemoryTicketLog>>,
    alert_queue: Arc<MemoryQueue>,
    slack: ScriptedSlack,
    alert: Alert,
    ts: String,
}

fn person(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

fn now() -> Timestamp {
    sample::now() + SignedDuration::from_hours(1)
}

impl Bench {
    /// A Guardian alert to ann, posted. Of the others in Slack bob is in the group that may press, and eve is not.
    async fn new() -> Self {
        let slack = ScriptedSlack::start();
        for name in ["ann", "bob", "eve"] {
            slack.add_person(&format!("U0{}", name.to_uppercase()), &format!("{name}@example.com"));
        }
        slack.add_group("S0CSM", &["U0BOB"]);
        let may_press = Pressers { people: Vec::new(), group: Some("S0CSM".into()) };
        let mut posted = Posted { may_press, ..sample::posted("C0GUARDIAN") };
        let colleagues = Arc::new(["ann", "bob"].map(person));
        let alert = Alert { recipient: person("ann"), colleagues, ..sample::alert(1) };
        let shown = Alert { follow_up: alert.follow_up.posted(posted.clone()), ..alert.clone() };
        let post = Post { alert: &shown, posted: &posted, thread: None, broadcast: false };
        posted.message = slack.client().post(post).await.unwrap();
        let ts = posted.message.clone().unwrap();
        let alert = Alert { follow_up: alert.follow_up.posted(posted), ..alert };
        let log = Arc::new(Failing::new(MemoryTicketLog::default()));
        let entry = sample::audit_entry(1, AuditAction::AlertRaised);
        assert_eq!(log.open(&alert, Timestamp::MAX, &entry).await.unwrap(), Opened::New);
        let secrets = Arc::new(FixedSecrets(vec!["new".into(), "old".into()]));
        let door = SlackDoor { secrets: secrets.clone(), client: slack.client() };
        let alert_queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), 1, sample::now()));
        let following_up = FollowingUp {
            secrets,
            alerts: log.clone(),
            alert_queue: alert_queue.clone(),
            slack: Some(door),
            page: PageDoor::Shut,
        };
        Self { following_up, log, alert_queue, slack, alert, ts }
    }

    /// The payload of a button as the message shows it now.
    fn payload(&self, user: &str, action: &str, choice: Option<&str>) -> Value {
        let block = self.block();
        json!({
            "type": "block_actions",
            "user": { "id": user },
            "container": { "type": "message", "channel_id": "C0GUARDIAN", "message_ts": self.ts },
            "actions": [{
                "action_id": action,
                "block_id": block["block_id"],
                "selected_option": choice.map(|value| json!({ "value": value })),
            }],
        })
    }

    fn block(&self) -> Value {
        let [message] = self.slack.messages().try_into().unwrap();
        message.blocks.into_iter().find(|block| block["type"] == "actions").unwrap()
    }

    /// What can be pressed in the message.
    fn buttons(&self) -> Vec<String> {
        let block = self.block();
        let elements = block["elements"].as_array().unwrap().iter();
        elements.map(|element| element["action_id"].as_str().unwrap().to_owned()).collect()
    }

    async fn press(&self, user: &str, action: &str, choice: Option<&str>) -> i64 {
        self.send(&self.payload(user, action, choice)).await
    }

    async fn send(&self, payload: &Value) -> i64 {
        self.post("new", now(), now(), payload).await
    }

    async fn post(&self, secret: &str, signed: Timestamp, now: Timestamp, payload: &Value) -> i64 {
        let body =
            form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        let at = signed.as_second().to_string();
        let signature = sign(&secret.into(), &at, body.as_bytes());
        self.raw("POST", &at, &signature, body, now).await
    }

    async fn raw(&self, method: &str, at: &str, signature: &str, body: String, now: Timestamp) -> i64 {
        let mut request = ApiGatewayV2httpRequest::default();
        request.request_context.http.method = method.parse().unwrap();
        request.raw_path = Some(SLACK_PATH.to_owned());
        request.headers.insert(TIMESTAMP_HEADER, at.parse().unwrap());
        request.headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
        request.body = Some(body);
        handle(&self.following_up, request, now).await.status_code
    }

    fn follow_up(&self) -> FollowUp {
        self.log.inner().alert(self.alert.key()).unwrap().follow_up.clone()
    }

    fn told(&self) -> Vec<String> {
        let entries = self.log.inner().audit().into_iter();
        let ours = entries.filter(|entry| entry.action == AuditAction::AlertFollowUp);
        ours.map(|entry| entry.outcome.into_owned()).collect()
    }

    fn text(&self) -> String {
        serde_json::to_string(&self.slack.messages()[0].blocks).unwrap()
    }
}

#[tokio::test]
async fn each_button_changes_alert_and_message() {
    let (by, at) = (person("ann"), now());
    for (action, choice, expected, left) in [
        ("take", None, Stage::Taken { by: by.clone(), at }, vec!["settle", "snooze", "wrong", "hand_over", "open"]),
        (
            "snooze",
            Some("tomorrow"),
            Stage::Snoozed { until: at + SignedDuration::from_hours(24), by: by.clone(), at },
            vec!["take", "snooze", "wrong", "hand_over", "open"],
        ),
        ("wrong", Some("misread"), Stage::Wrong { reason: WrongReason::Misread, by: by.clone(), at }, vec!["open"]),
    ] {
        let bench = Bench::new().await;
        assert_eq!(bench.buttons(), ["take", "snooze", "wrong", "hand_over", "open"]);
        assert_eq!(bench.press("U0ANN", action, choice).await, 200);
        assert_eq!(bench.follow_up().stage, expected);
        assert_eq!(bench.buttons(), left, "{action}");
        assert_eq!(bench.told(), [format!("{expected}, by slack")]);
        assert!(bench.slack.whispers().is_empty());
    }
}

#[tokio::test]
async fn whoever_has_it_says_how_it_ended() {
    let bench = Bench::new().await;
    bench.press("U0ANN", "take", None).await;
    assert_eq!(bench.press("U0ANN", "settle", Some("saved")).await, 200);
    let stage = bench.follow_up().stage;
    assert_eq!(stage, Stage::Settled { outcome: Outcome::Saved, by: person("ann"), at: now() });
    assert!(bench.text().contains("Settled by ann@example.com"), "{}", bench.text());
    assert_eq!(bench.buttons(), ["open"]);
}

#[tokio::test]
async fn a_colleague_is_chosen_from_the_list() {
    let bench = Bench::new().await;
    bench.press("U0ANN", "take", None).await;
    let options = |bench: &Bench| {
        let block = bench.block();
        let select = block["elements"].as_array().unwrap().iter().find(|one| one["action_id"] == "hand_over").unwrap();
        select["options"].as_array().unwrap().iter().map(|one| one["value"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(options(&bench), ["\"bob@example.com\""], "not to oneself");
    let forged = bench.payload("U0ANN", "hand_over", Some("eve@example.com"));
    assert_eq!(bench.send(&forged).await, 200);
    assert!(bench.slack.whispers()[0].1.starts_with("It cannot be handed"), "{:?}", bench.slack.whispers());
    assert_eq!(bench.press("U0ANN", "hand_over", Some("bob@example.com")).await, 200);
    assert_eq!(bench.follow_up().stage, Stage::Taken { by: person("bob"), at: now() });
    assert_eq!(bench.told()[1], "handed to bob@example.com by ann@example.com, by slack");
    assert!(bench.text().contains("Taken by bob@example.com"), "{}", bench.text());
    assert_eq!(bench.alert_queue.len(), 1, "bob is written to");
}

#[tokio::test]
async fn the_second_is_told_who_has_it() {
    let bench = Bench::new().await;
    let old = bench.payload("U0BOB", "take", None);
    bench.press("U0ANN", "take", None).await;
    assert_eq!(bench.send(&old).await, 200);
    let [(user, words)] = bench.slack.whispers().try_into().unwrap();
    assert_eq!(user, "U0BOB");
    assert!(words.starts_with("ann@example.com has had it since"), "{words}");
    assert_eq!(bench.told().len(), 1);
}

#[tokio::test]
async fn only_those_who_may_can_press() {
    for (user, may) in [("U0ANN", true), ("U0BOB", true), ("U0EVE", false), ("U0GONE", false)] {
        let bench = Bench::new().await;
        assert_eq!(bench.press(user, "take", None).await, 200, "{user}");
        assert_eq!(bench.follow_up().stage != Stage::New, may, "{user}");
        let refused =
            bench.slack.whispers().iter().any(|(told, words)| told == user && words.starts_with("Only the people"));
        assert_eq!(refused, !may, "{user}");
    }
}

/// Who pressed, whether they may, the message and the answer are four calls: the last two go out together.
#[tokio::test]
async fn nobody_waits_for_four_calls_in_a_row() {
    let bench = Bench::new().await;
    let old = bench.payload("U0BOB", "take", None);
    bench.press("U0ANN", "take", None).await;
    let edits = bench.slack.messages()[0].edits;
    bench.slack.plan_after(2, &[scripted::Fault::Beside]);
    assert_eq!(bench.send(&old).await, 200);
    assert_eq!((bench.slack.messages()[0].edits, bench.slack.whispers().len()), (edits + 1, 1));
}

#[tokio::test]
async fn whoever_slack_spells_otherwise_is_the_same_person() {
    let bench = Bench::new().await;
    bench.slack.add_person("U0ANN", "Ann@Example.com");
    bench.press("U0ANN", "take", None).await;
    assert_eq!(bench.follow_up().stage, Stage::Taken { by: person("ann"), at: now() });
    bench.slack.add_person("U0ANN", "ann@example.com");
    assert_eq!(bench.press("U0ANN", "settle", Some("saved")).await, 200);
    assert_eq!(bench.follow_up().stage.word(), "settled", "{:?}", bench.slack.whispers());
}

#[tokio::test]
async fn what_slack_did_not_sign_changes_nothing() {
    let bench = Bench::new().await;
    let payload = bench.payload("U0ANN", "take", None);
    let late = now() + SignedDuration::from_mins(6);
    assert_eq!(bench.post("guessed", now(), now(), &payload).await, 401, "forged");
    assert_eq!(bench.post("new", now(), late, &payload).await, 401, "expired");
    assert_eq!(bench.post("new", late, now(), &payload).await, 401, "of the future");
    assert_eq!(bench.raw("POST", "", "", "payload=%7B%7D".into(), now()).await, 401);
    assert_eq!(bench.raw("GET", "", "", String::new(), now()).await, 405);
    assert_eq!(bench.send(&json!({ "type": "block_actions" })).await, 400, "signed and unreadable");
    assert!(bench.slack.calls().iter().all(|call| call == "chat.postMessage"), "{:?}", bench.slack.calls());
    assert_eq!((bench.follow_up().stage, bench.told().len()), (Stage::New, 0));
    assert_eq!(bench.post("old", now(), now(), &payload).await, 200, "the secret before is good");
    assert_eq!(bench.told().len(), 1);
}

#[tokio::test]
async fn a_replay_changes_nothing() {
    let bench = Bench::new().await;
    let payload = bench.payload("U0ANN", "snooze", Some("tomorrow"));
    bench.send(&payload).await;
    let snoozed = bench.follow_up();
    let later = now() + SignedDuration::from_mins(4);
    assert_eq!(bench.post("new", now(), later, &payload).await, 200);
    assert_eq!(bench.follow_up(), snoozed, "not a day from the replay");
    assert_eq!(bench.told().len(), 1);
    assert!(bench.slack.whispers()[0].1.starts_with("It changed since"), "{:?}", bench.slack.whispers());
}

#[tokio::test]
async fn a_press_from_another_message_changes_nothing() {
    let bench = Bench::new().await;
    for (field, value) in [("channel_id", "C0SALES"), ("message_ts", "1.1")] {
        let mut payload = bench.payload("U0ANN", "take", None);
        payload["container"][field] = value.into();
        assert_eq!(bench.send(&payload).await, 200);
    }
    let mut gone = bench.payload("U0ANN", "take", None);
    gone["actions"][0]["block_id"] = "9/guardian/critical@1".into();
    assert_eq!(bench.send(&gone).await, 200);
    assert_eq!((bench.follow_up().stage, bench.told().len()), (Stage::New, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_clicks_at_once_are_one_change() {
    let bench = Arc::new(Bench::new().await);
    let payloads = ["U0ANN", "U0BOB"].map(|user| bench.payload(user, "take", None));
    let clicks = (0..100).map(|number| {
        let (bench, payload) = (bench.clone(), payloads[number % 2].clone());
        tokio::spawn(async move { bench.send(&payload).await })
    });
    for status in join_all(clicks).await {
        assert_eq!(status.unwrap(), 200);
    }
    let Stage::Taken { by, .. } = bench.follow_up().stage else { panic!("nobody has it") };
    assert_eq!(bench.told(), [format!("taken by {by}, by slack")], "one change, one entry");
    assert!(bench.text().contains(&format!("Taken by {by}")));
    let other = if by == person("ann") { "U0BOB" } else { "U0ANN" };
    let told = bench.slack.whispers().into_iter().filter(|(user, _)| user == other).count();
    assert_eq!(told, 50, "whoever was slower is told each time");
}

#[tokio::test]
async fn a_link_shows_in_the_message_too() {
    let bench = Bench::new().await;
    let link = runtime::links::Link {
        alert: bench.alert.key(),
        action: runtime::links::Action::Take,
        recipient: person("ann"),
        expires: Timestamp::MAX,
        time_zone: jiff::tz::TimeZone::UTC,
        door: domain::follow_up::Door::Link,
    };
    let mut request = ApiGatewayV2httpRequest::default();
    request.request_context.http.method = "POST".parse().unwrap();
    request.raw_query_string = Some(format!("link={}", runtime::links::sign(&"new".into(), &link)));
    request.body = Some(format!("seen={}", bench.follow_up().revision));
    assert_eq!(handle(&bench.following_up, request, now()).await.status_code, 200);
    assert!(bench.text().contains("Taken by ann@example.com"), "{}", bench.text());
}

#[tokio::test]
async fn a_message_that_lags_behind_is_mended_by_the_next_press() {
    let bench = Bench::new().await;
    let seen = FollowUps::alert(&*bench.log, bench.alert.key(), now()).await.unwrap().unwrap();
    let told = seen.follow_up.told(&person("bob"));
    bench.log.follow_up(&seen, &told, &sample::audit_entry(1, AuditAction::AlertEmail)).await.unwrap();
    assert_eq!(bench.press("U0ANN", "take", None).await, 200);
    assert_eq!((bench.follow_up(), bench.slack.whispers().len()), (told, 1), "it was shown with an older revision");
    assert_eq!(bench.press("U0ANN", "take", None).await, 200);
    assert_eq!(bench.follow_up().stage, Stage::Taken { by: person("ann"), at: now() });
}

#[tokio::test]
async fn every_fault_leaves_one_change_or_none() {
    for method in [Method::FollowUpsAlert, Method::FollowUpsFollowUp] {
        for fault in [Fault::Transient, Fault::Ambiguous, Fault::Panic, Fault::PanicAfter] {
            let bench = Bench::new().await;
            bench.log.plan(method, &[fault]);
            let first = bench.press("U0ANN", "take", None).await;
            assert!([200, 503].contains(&first), "{method} {fault:?}: {first}");
            assert_eq!(bench.press("U0ANN", "take", None).await, 200);
            assert_eq!(bench.told().len(), 1, "{method} {fault:?}");
        }
    }
    let bench = Bench::new().await;
    bench.slack.plan(&[scripted::Fault::Status(503)]);
    assert_eq!(bench.press("U0ANN", "take", None).await, 503, "who pressed is not known");
    assert_eq!(bench.told().len(), 0);
}
