//! The client against a Slack of our own over HTTP.

use std::sync::Arc;

use domain::{
    Alert, FollowUp, Stage,
    follow_up::Posted,
    policy::Pressers,
    ports::{Chat, PortError, Post},
    sample,
};
use jiff::SignedDuration;
use slack::{
    Client, Credential,
    scripted::{Fault, ScriptedSlack},
};

fn post<'a>(alert: &'a Alert, posted: &'a Posted) -> Post<'a> {
    Post { alert, posted, thread: None, broadcast: false }
}

fn kind(error: &PortError) -> &'static str {
    match error {
        PortError::Transient { .. } => "later",
        PortError::Denied { .. } => "misconfigured",
        PortError::Permanent { .. } => "refused",
    }
}

fn posted(alert: &Alert, channel: &str, ts: &str) -> Alert {
    let posted = Posted { message: Some(ts.into()), ..sample::posted(channel) };
    Alert { follow_up: alert.follow_up.posted(posted), ..alert.clone() }
}

#[tokio::test]
async fn a_message_is_posted_changed_and_deleted() {
    let slack = ScriptedSlack::start();
    let client = slack.client();
    let alert = sample::alert(1);
    let ts = client.post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap().unwrap();
    let [message] = slack.messages().try_into().unwrap();
    assert!(message.text.starts_with("Acme may leave, "), "{}", message.text);
    let stage = Stage::Taken { by: "ann@example.com".parse().unwrap(), at: sample::now() };
    let alert = posted(&alert, "C0GUARDIAN", &ts);
    let alert = Alert { follow_up: FollowUp { stage, ..alert.follow_up.clone() }, ..alert };
    client.update(&alert).await.unwrap();
    let [message] = slack.messages().try_into().unwrap();
    assert_eq!(message.edits, 1);
    let shown = serde_json::to_string(&message.blocks).unwrap();
    assert!(shown.contains("Taken by ann@example.com") && !shown.contains("I have it"), "{shown}");
    let posted = alert.follow_up.posted.as_ref().unwrap();
    client.remove(posted).await.unwrap();
    assert!(slack.messages().is_empty());
    client.remove(posted).await.expect("gone is done");
    client.update(&alert).await.expect("gone is done");
}

#[tokio::test]
async fn the_longest_alert_fits() {
    let slack = ScriptedSlack::start();
    let long = "<&> 😀 words without end ".repeat(2_000);
    let alert = Alert {
        customer: long.as_str().into(),
        subject: long.as_str().into(),
        plan: Some(long.clone()),
        evidence: Arc::new([long.clone(), long.clone(), long.clone(), long.clone()]),
        reasons: Arc::new([long.clone()]),
        recommended_action: long.as_str().into(),
        ..sample::alert(1)
    };
    slack.client().post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap();
    assert_eq!(slack.messages().len(), 1);
    let (_, opportunity) = sample::alerts(2);
    slack.client().post(post(&opportunity, &sample::posted("C0SALES"))).await.unwrap();
}

#[tokio::test]
async fn each_failure_says_what_to_do() {
    let slack = ScriptedSlack::start();
    let (client, alert) = (slack.client(), sample::alert(1));
    for (fault, expected) in [
        (Fault::Code("internal_error"), "later"),
        (Fault::Code("ratelimited"), "later"),
        (Fault::Throttled(7), "later"),
        (Fault::Status(503), "later"),
        (Fault::Garbage, "later"),
        (Fault::Lost, "later"),
        (Fault::Code("invalid_auth"), "misconfigured"),
        (Fault::Code("missing_scope"), "misconfigured"),
        (Fault::Code("not_in_channel"), "misconfigured"),
        (Fault::Code("msg_too_long"), "refused"),
        (Fault::Code("of_next_year"), "refused"),
    ] {
        slack.plan(std::slice::from_ref(&fault));
        slack.set_now(sample::now());
        let error = client.post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{fault:?}");
        let told = domain::ports::told(&error);
        assert!(!told.contains("Acme") && !told.contains(slack::scripted::TOKEN), "{told}");
    }
    assert_eq!(kind(&client.post(post(&alert, &sample::posted("C0NOWHERE"))).await.unwrap_err()), "misconfigured");
}

#[tokio::test]
async fn slack_says_how_long_to_wait() {
    let slack = ScriptedSlack::start();
    let alert = sample::alert(1);
    for (asked, waited) in [(7, 7), (999_999, 900)] {
        slack.plan(&[Fault::Throttled(asked)]);
        let error = slack.client().post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap_err();
        let PortError::Transient { not_before: Some(wait), .. } = error else { panic!("{error}") };
        assert_eq!(wait.as_secs(), waited);
    }
}

#[tokio::test]
async fn a_channel_takes_one_message_a_second() {
    let slack = ScriptedSlack::start();
    let (client, alert) = (slack.client(), sample::alert(1));
    slack.set_now(sample::now());
    client.post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap();
    let error = client.post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap_err();
    assert!(matches!(error, PortError::Transient { not_before: Some(_), .. }), "{error}");
    client.post(post(&alert, &sample::posted("C0SALES"))).await.expect("another channel");
    slack.set_now(sample::now() + SignedDuration::from_secs(1));
    client.post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap();
}

#[tokio::test]
async fn a_reply_outlives_its_thread() {
    let slack = ScriptedSlack::start();
    let (client, alert) = (slack.client(), sample::alert(1));
    let at = |second| slack.set_now(sample::now() + SignedDuration::from_secs(second));
    at(0);
    let root = client.post(post(&alert, &sample::posted("C0GUARDIAN"))).await.unwrap().unwrap();
    at(1);
    let posted = sample::posted("C0GUARDIAN");
    let reply = Post { thread: Some(&root), broadcast: true, ..post(&alert, &posted) };
    client.post(reply).await.unwrap();
    at(2);
    client.post(Post { thread: Some("1.1"), ..reply }).await.expect("somebody deleted the first message");
    let messages = slack.messages();
    let seen: Vec<_> = messages.iter().map(|message| (message.thread.as_deref(), message.broadcast)).collect();
    assert_eq!(seen, [(None, false), (Some(root.as_str()), true), (None, false)]);
}

#[tokio::test]
async fn people_are_found_by_their_address() {
    let slack = ScriptedSlack::start();
    slack.add_person("U0ANN", "ann@example.com");
    slack.add_group("S0CSM", &["U0ANN"]);
    let client = slack.client();
    for spelled in ["ann@example.com", "Ann@Example.com"] {
        assert_eq!(client.direct(&spelled.parse().unwrap()).await.unwrap().as_deref(), Some("DU0ANN"), "{spelled}");
    }
    assert_eq!(client.direct(&"kam@example.com".parse().unwrap()).await.unwrap(), None);
    let ann = client.address("U0ANN").await.unwrap().unwrap();
    assert_eq!((ann.as_str(), client.address("U0BOB").await.unwrap()), ("ann@example.com", None));
    let group = Pressers { people: Vec::new(), group: Some("S0CSM".into()) };
    let listed = Pressers { people: vec![ann.clone()], group: None };
    for (who, user, may) in [
        (&group, "U0ANN", true),
        (&group, "U0BOB", false),
        (&listed, "U0ANN", true),
        (&Pressers::default(), "U0ANN", false),
    ] {
        assert_eq!(client.may_press(who, user, &ann).await.unwrap(), may, "{who:?} {user}");
    }
    let gone = Pressers { people: Vec::new(), group: Some("S0GONE".into()) };
    assert_eq!(kind(&client.may_press(&gone, "U0ANN", &ann).await.unwrap_err()), "misconfigured");
    slack.take_scope("users:read.email");
    assert_eq!(client.address("U0ANN").await.unwrap(), None, "no address without the scope");
}

#[tokio::test]
async fn the_token_says_who_we_are_and_what_is_missing() {
    let slack = ScriptedSlack::start();
    let identity = slack.client().identity().await.unwrap();
    assert_eq!((identity.team.as_str(), identity.bot.as_str(), identity.missing), ("Acme", "triage", vec![]));
    slack.take_scope("usergroups:read");
    assert_eq!(slack.client().identity().await.unwrap().missing, ["usergroups:read"]);
    let wrong = slack.client_with("xoxb-wrong");
    assert_eq!(kind(&wrong.identity().await.unwrap_err()), "misconfigured");
}

#[tokio::test]
async fn a_webhook_takes_messages_without_buttons() {
    let slack = ScriptedSlack::start();
    let client: Client = slack.client_with(&slack.webhook());
    let alert = sample::alert(1);
    let channel = client.direct(&alert.recipient).await.unwrap().unwrap();
    assert_eq!(client.post(post(&alert, &sample::posted(&channel))).await.unwrap(), None, "nobody can change it later");
    let [message] = slack.messages().try_into().unwrap();
    let shown = serde_json::to_string(&message.blocks).unwrap();
    assert!(shown.contains("Open #1") && !shown.contains("I have it") && !shown.contains("static_select"), "{shown}");
    for (status, expected) in [(404, "misconfigured"), (410, "misconfigured"), (400, "refused"), (500, "later")] {
        slack.plan(&[Fault::Status(status)]);
        assert_eq!(
            kind(&client.post(post(&alert, &sample::posted(&channel))).await.unwrap_err()),
            expected,
            "{status}"
        );
    }
    assert_eq!(kind(&client.identity().await.unwrap_err()), "misconfigured");
    assert_eq!(slack.calls().into_iter().filter(|call| call != "webhook").count(), 0);
}

#[test]
fn a_token_goes_to_slack_alone() {
    for (text, good) in [
        ("xoxb-1-2-abc\n", true),
        ("https://hooks.slack.com/services/T/B/x", true),
        ("xoxp-1-2-abc", false),
        ("xoxb-1 2", false),
        ("https://hooks.slack.com.evil.example/x", false),
        ("http://hooks.slack.com/services", false),
        ("", false),
    ] {
        assert_eq!(Credential::parse(text).is_ok(), good, "{text}");
    }
}

#[test]
fn the_apps_manifest_asks_for_what_the_bot_needs() {
    let manifest = include_str!("../../../infra/slack-manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap();
    assert_eq!(manifest["oauth_config"]["scopes"]["bot"], serde_json::json!(slack::SCOPES));
}
