//! Links opened and pressed, over the alerts in memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, sync::Arc};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use domain::{
    Alert, AuditAction, AuditEntry, EmailAddress, FollowUp, Stage,
    follow_up::{Door, Outcome, WrongReason},
    ports::{AlertLog, Opened},
    sample,
};
use followup::{FollowingUp, PageDoor, handle};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use memory::{Failing, Fault, FixedSecrets, MemoryQueue, MemoryTicketLog, Method};
use runtime::links::{Action, Link, VALID_FOR, sign};

struct Bench {
    following_up: FollowingUp,
    log: Arc<Failing<MemoryTicketLog>>,
    queue: Arc<Failing<MemoryQueue>>,
    alert: Alert,
}

fn person(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

fn at(hours: i64) -> Timestamp {
    sample::now() + SignedDuration::from_hours(hours)
}

/// To ann, who may hand it to bob and cleo.
fn alert() -> Alert {
    let colleagues = ["ann", "bob", "cleo"].map(person);
    Alert { recipient: person("ann"), colleagues: Arc::new(colleagues), ..sample::alert(1) }
}

impl Bench {
    /// A Guardian alert to ann, open.
    async fn new() -> Self {
        Self::of(alert()).await
    }

    async fn of(alert: Alert) -> Self {
        let log = Arc::new(Failing::new(MemoryTicketLog::default()));
        let entry = sample::audit_entry(alert.ticket.number(), AuditAction::AlertRaised);
        assert_eq!(log.open(&alert, at(24 * 60), &entry).await.unwrap(), Opened::New);
        let secrets = Arc::new(FixedSecrets(vec!["new".into(), "old".into()]));
        let queue = Arc::new(Failing::new(MemoryQueue::new(SignedDuration::from_secs(60), 1, sample::now())));
        let following_up =
            FollowingUp { secrets, alerts: log.clone(), alert_queue: queue.clone(), slack: None, page: PageDoor::Shut };
        Self { following_up, log, queue, alert }
    }

    /// Known to bob, too: the second address.
    async fn escalated() -> Self {
        let follow_up = FollowUp::default().told(&person("bob"));
        Self::of(Alert { follow_up, ..alert() }).await
    }

    fn link(&self, action: Action, to: &str) -> Link {
        Link {
            alert: self.alert.key(),
            action,
            recipient: person(to),
            expires: at(0) + VALID_FOR,
            time_zone: TimeZone::UTC,
            door: Door::Link,
        }
    }

    async fn ask(&self, method: &str, link: &str, body: &str) -> Answer {
        let mut request = ApiGatewayV2httpRequest::default();
        request.request_context.http.method = method.parse().unwrap();
        request.raw_query_string = Some(format!("link={link}"));
        request.body = Some(body.to_owned());
        Answer::new(handle(&self.following_up, request, at(1)).await)
    }

    async fn get(&self, action: Action, to: &str) -> Answer {
        self.ask("GET", &sign(&"new".into(), &self.link(action, to)), "").await
    }

    /// Presses the button of the page as it is now.
    async fn post(&self, action: Action, to: &str, body: &str) -> Answer {
        self.press(&sign(&"new".into(), &self.link(action, to)), body).await
    }

    async fn press(&self, link: &str, body: &str) -> Answer {
        let seen = self.log.inner().alert(self.alert.key()).unwrap().follow_up.revision;
        self.ask("POST", link, &format!("seen={seen}&{body}")).await
    }

    fn stage(&self) -> Stage {
        self.log.inner().alert(self.alert.key()).unwrap().follow_up.stage.clone()
    }

    fn told(&self) -> Vec<String> {
        let follow_up = |entry: &AuditEntry| entry.action == AuditAction::AlertFollowUp;
        self.log.inner().audit().into_iter().filter(follow_up).map(|entry| entry.outcome.into_owned()).collect()
    }
}

#[derive(Clone, PartialEq, Debug)]
struct Answer {
    status: i64,
    headers: Vec<(String, String)>,
    page: String,
}

impl Answer {
    fn new(answer: ApiGatewayV2httpResponse) -> Self {
        let Some(aws_lambda_events::encodings::Body::Text(page)) = answer.body else { panic!("no page") };
        let headers = answer.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        Self { status: answer.status_code, headers: headers.collect(), page }
    }
}

const ACTIONS: [(Action, &str); 5] = [
    (Action::HandOver, "choice=cleo%40example.com"),
    (Action::Take, ""),
    (Action::Settle, "choice=saved"),
    (Action::CallWrong, "choice=misread"),
    (Action::Snooze, "choice=three_days"),
];

#[tokio::test]
async fn a_page_is_shown_and_nothing_changes() {
    let bench = Bench::new().await;
    for (action, _) in ACTIONS {
        let shown = bench.get(action, "ann").await;
        assert_eq!(shown.status, 200);
        assert!(shown.page.contains("<form method=\"post\""), "{}", shown.page);
        let head = bench.ask("HEAD", &sign(&"new".into(), &bench.link(action, "ann")), "choice=saved").await;
        assert_eq!(head.status, 200);
        insta::assert_snapshot!(format!("{action}"), without_links(&shown.page));
    }
    assert_eq!(bench.stage(), Stage::New);
    assert!(bench.told().is_empty());
}

#[tokio::test]
async fn a_page_tells_times_as_the_mail_did() {
    let bench = Bench::escalated().await;
    let berlin = |to| Link { time_zone: TimeZone::get("Europe/Berlin").unwrap(), ..bench.link(Action::Take, to) };
    bench.press(&sign(&"new".into(), &berlin("bob")), "").await;
    for method in ["GET", "POST"] {
        let page = bench.ask(method, &sign(&"new".into(), &berlin("ann")), "").await.page;
        assert!(page.contains("2026-11-16 11:00 CET") && !page.contains("UTC"), "{page}");
    }
}

/// A link is different with every secret, and long.
fn without_links(page: &str) -> String {
    let mut parts = page.split("?link=");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}?link=LINK{}", part.find('"').map_or("", |end| &part[end..])))
}

#[tokio::test]
async fn each_press_changes_the_alert_and_is_audited() {
    let (by, at) = (person("ann"), at(1));
    let stages = [
        Stage::Taken { by: person("cleo"), at },
        Stage::Taken { by: by.clone(), at },
        Stage::Settled { outcome: Outcome::Saved, by: by.clone(), at },
        Stage::Wrong { reason: WrongReason::Misread, by: by.clone(), at },
        Stage::Snoozed { until: self::at(1 + 72), by, at },
    ];
    let told = [
        "handed to cleo@example.com by ann@example.com, by link",
        "taken by ann@example.com, by link",
        "settled by ann@example.com: saved, by link",
        "called wrong by ann@example.com: misread, by link",
        "snoozed by ann@example.com until 2026-11-19T10:00:00Z, by link",
    ];
    for (((action, body), stage), told) in ACTIONS.into_iter().zip(stages).zip(told) {
        let bench = Bench::new().await;
        let pressed = bench.post(action, "ann", body).await;
        assert_eq!(pressed.status, 200, "{}", pressed.page);
        assert!(pressed.page.contains("Stored: "), "{}", pressed.page);
        assert_eq!(bench.stage(), stage);
        assert_eq!(bench.told(), [told]);
    }
}

#[tokio::test]
async fn a_replay_changes_nothing() {
    for (action, body) in ACTIONS {
        let bench = Bench::escalated().await;
        let page = bench.get(action, "ann").await.page;
        assert!(page.contains("name=\"seen\" value=\"1\""), "{page}");
        let (link, body) = (sign(&"new".into(), &bench.link(action, "ann")), format!("seen=1&{body}"));
        assert_eq!(bench.ask("POST", &link, &body).await.status, 200);
        let pressed = bench.stage();
        bench.ask("POST", &link, &body).await;
        assert_eq!((bench.stage(), bench.told().len()), (pressed, 1), "{action}");
    }
}

/// Taken, put off, and then the first press comes once more.
#[tokio::test]
async fn an_old_press_undoes_nothing() {
    let bench = Bench::new().await;
    let take = sign(&"new".into(), &bench.link(Action::Take, "ann"));
    assert_eq!(bench.ask("POST", &take, "seen=0").await.status, 200);
    bench.post(Action::Snooze, "ann", "choice=tomorrow").await;
    for body in ["seen=0", "", "seen=", "seen=x", "seen=-1"] {
        assert_eq!(bench.ask("POST", &take, body).await.status, 409, "{body:?}");
    }
    assert_eq!((bench.stage().word(), bench.told().len()), ("snoozed", 2));
}

#[tokio::test]
async fn who_presses_again_is_told_how_it_stands() {
    let bench = Bench::new().await;
    let snooze = sign(&"new".into(), &bench.link(Action::Snooze, "ann"));
    bench.ask("POST", &snooze, "seen=0&choice=tomorrow").await;
    let again = bench.ask("POST", &snooze, "seen=0&choice=next_week").await;
    assert_eq!(again.status, 409);
    for words in ["nothing changed now", "Snoozed by you until 2026-11-17 10:00 UTC", "name=\"seen\" value=\"1\""] {
        assert!(again.page.contains(words), "{words}: {}", again.page);
    }
    assert_eq!(bench.ask("POST", &snooze, "seen=1&choice=next_week").await.status, 200, "from the page that says so");
}

#[tokio::test]
async fn a_button_needs_its_choice() {
    let bench = Bench::new().await;
    for (action, body) in [
        (Action::Settle, ""),
        (Action::Settle, "choice="),
        (Action::Settle, "choice=misread"),
        (Action::CallWrong, "choice=saved"),
        (Action::Snooze, "choice=never"),
        (Action::HandOver, "choice="),
        (Action::HandOver, "choice=somebody"),
        (Action::Snooze, "other=tomorrow"),
    ] {
        let answer = bench.post(action, "ann", body).await;
        assert_eq!(answer.status, 400, "{action} {body}");
        assert!(answer.page.contains("Choose one"), "{}", answer.page);
    }
    let stranger = bench.post(Action::HandOver, "ann", "choice=eve%40example.com").await;
    assert_eq!(stranger.status, 409, "not on the list");
    let other_kind = bench.post(Action::Settle, "ann", "choice=won").await;
    assert_eq!(other_kind.status, 409);
    assert_eq!(bench.stage(), Stage::New);
}

#[tokio::test]
async fn what_a_link_is_not_good_for_looks_the_same() {
    let bench = Bench::new().await;
    let good = bench.link(Action::Take, "ann");
    let gone = Link { alert: sample::alert(9).key(), ..good.clone() };
    let signed = |link: &Link| sign(&"new".into(), link);
    let links = [
        String::new(),
        "nonsense".to_owned(),
        sign(&"guessed".into(), &good),
        signed(&good).replace('.', "x"),
        signed(&Link { expires: at(1), ..good.clone() }),
        signed(&gone),
        signed(&bench.link(Action::Take, "bob")),
        signed(&Link { alert: sample::alerts(1).1.key(), ..good.clone() }),
    ];
    let expected = bench.ask("GET", "", "").await;
    assert_eq!(expected.status, 404);
    for link in &links {
        for method in ["GET", "POST"] {
            let before = bench.log.calls(Method::FollowUpsAlert);
            assert_eq!(bench.ask(method, link, "").await, expected, "{method} {link}");
            assert_eq!(bench.log.calls(Method::FollowUpsAlert), before + 1, "the same work: {link}");
        }
    }
    assert!(!expected.page.contains("Acme"));
    assert_eq!(bench.stage(), Stage::New);
    assert!(bench.told().is_empty());
    assert_eq!(bench.ask("GET", &signed(&good), "").await.status, 200, "the good one is good");
    assert_eq!(bench.ask("GET", &sign(&"old".into(), &good), "").await.status, 200, "so is the secret before");
}

#[tokio::test]
async fn the_second_is_told_who_has_it() {
    let bench = Bench::escalated().await;
    assert_eq!(bench.post(Action::Take, "bob", "").await.status, 200);
    for (action, body) in ACTIONS {
        let refused = bench.post(action, "ann", body).await;
        assert_eq!(refused.status, 409);
        assert!(refused.page.contains("bob@example.com has had it since"), "{}", refused.page);
        assert!(!refused.page.contains("<form"), "{}", refused.page);
    }
    let again = bench.post(Action::Take, "bob", "").await;
    assert_eq!(again.status, 200);
    assert!(again.page.contains("You have it already"), "{}", again.page);
    assert_eq!(bench.told().len(), 1);
}

#[tokio::test]
async fn another_spelling_is_no_second_person() {
    let bench = Bench::new().await;
    assert_eq!(bench.post(Action::Take, "Ann", "").await.status, 200);
    let again = bench.post(Action::Take, "ann", "").await;
    assert!(again.status == 200 && again.page.contains("You have it already"), "{}", again.page);
    let page = bench.get(Action::HandOver, "ANN").await.page;
    assert!(!page.contains("value=\"ann@example.com\""), "not to oneself: {page}");
    assert_eq!(bench.post(Action::HandOver, "ANN", "choice=Bob%40example.com").await.status, 200);
    assert_eq!(bench.post(Action::Settle, "bob", "choice=saved").await.status, 200, "it is bob's");
}

#[tokio::test]
async fn whoever_has_it_settles_it_and_then_it_is_closed() {
    let bench = Bench::escalated().await;
    let taken = bench.post(Action::Take, "ann", "").await;
    let (_, rest) = taken.page.split_once("?link=").unwrap();
    let settle = rest.split('"').next().unwrap();
    assert!(rest.starts_with(settle) && rest.contains("Say how it ended"), "{}", taken.page);
    assert_eq!(bench.press(settle, "choice=leaving").await.status, 200, "the page leads on");
    for name in ["ann", "bob"] {
        for (action, body) in ACTIONS {
            let closed = bench.post(action, name, body).await;
            assert_eq!(closed.status, 409, "{action} by {name}");
            assert!(closed.page.contains("It is closed"), "{}", closed.page);
        }
        let shown = bench.get(Action::Take, name).await;
        assert!(!shown.page.contains("<form") && !shown.page.contains("?link="), "{}", shown.page);
    }
    assert_eq!(bench.told().len(), 2);
}

#[tokio::test]
async fn whoever_gets_it_may_press_and_is_written_to() {
    let bench = Bench::new().await;
    let page = bench.get(Action::HandOver, "ann").await.page;
    for (name, offered) in [("ann", false), ("bob", true), ("cleo", true)] {
        assert_eq!(page.contains(&format!("value=\"{name}@example.com\"")), offered, "{name}: {page}");
    }
    assert_eq!(bench.get(Action::Settle, "cleo").await.status, 404, "a stranger yet");
    assert_eq!(bench.post(Action::HandOver, "ann", "choice=cleo%40example.com").await.status, 200);
    assert_eq!(bench.queue.inner().len(), 1, "the alert function hears of it");
    assert_eq!(bench.post(Action::Take, "ann", "").await.status, 409, "it is cleo's now");
    assert_eq!(bench.post(Action::Settle, "cleo", "choice=saved").await.status, 200);
    assert_eq!(bench.queue.inner().len(), 1, "nobody else is told");
    let bench = Bench::new().await;
    bench.queue.plan(Method::QueueSend, &[Fault::Transient]);
    assert_eq!(bench.post(Action::HandOver, "ann", "choice=bob%40example.com").await.status, 200, "it is stored");
    assert_eq!(bench.told().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_hand_overs_at_once_one_counts() {
    let bench = Arc::new(Bench::escalated().await);
    let presses = (0..100).map(|number| {
        let bench = bench.clone();
        let (by, to) = if number % 2 == 0 { ("ann", "cleo") } else { ("bob", "ann") };
        tokio::spawn(async move {
            (by, bench.post(Action::HandOver, by, &format!("choice={to}%40example.com")).await.status)
        })
    });
    let answers: Vec<(&str, i64)> = join_all(presses).await.into_iter().map(|answer| answer.unwrap()).collect();
    let Stage::Taken { by, .. } = bench.stage() else { panic!("nobody has it") };
    // Ann, once it is handed to her, may hand it on: then there are two changes, one after the other.
    let (expected, pressed): (&[&str], _) = match bench.told().len() {
        1 => (&["handed to cleo@example.com by ann@example.com, by link"], BTreeSet::from(["ann"])),
        _ => (
            &[
                "handed to ann@example.com by bob@example.com, by link",
                "handed to cleo@example.com by ann@example.com, by link",
            ],
            BTreeSet::from(["ann", "bob"]),
        ),
    };
    assert_eq!(bench.told(), expected);
    assert_eq!(by, person("cleo"));
    assert!(answers.iter().all(|(_, status)| [200, 409].contains(status)), "{answers:?}");
    // Of two presses of one person on what both saw, the second finds its own wish stored: to them, too, it is done.
    let done = answers.into_iter().filter(|(_, status)| *status == 200).map(|(by, _)| by);
    assert_eq!(done.collect::<BTreeSet<_>>(), pressed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_presses_at_once_are_one_change() {
    for _ in 0..5 {
        let bench = Arc::new(Bench::escalated().await);
        let presses = (0..1_000).map(|number| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let name = if number % 2 == 0 { "ann" } else { "bob" };
                (name, bench.post(Action::Take, name, "").await.status)
            })
        });
        let answers: Vec<(&str, i64)> = join_all(presses).await.into_iter().map(|answer| answer.unwrap()).collect();
        let Stage::Taken { by, .. } = bench.stage() else { panic!("nobody has it") };
        for (name, status) in answers {
            assert_eq!(status, if by == person(name) { 200 } else { 409 }, "{name}, and {by} has it");
        }
        assert_eq!(bench.told(), [format!("taken by {by}, by link")], "one change, one entry");
    }
}

#[tokio::test]
async fn every_fault_leaves_one_change_or_none() {
    for method in [Method::FollowUpsAlert, Method::FollowUpsFollowUp] {
        for fault in [Fault::Transient, Fault::Permanent, Fault::Ambiguous, Fault::Panic, Fault::PanicAfter] {
            for faults in [&[fault][..], &[Fault::None, fault]] {
                let bench = Bench::new().await;
                bench.log.plan(method, faults);
                let first = bench.post(Action::Take, "ann", "").await;
                let second = bench.post(Action::Take, "ann", "").await;
                for answer in [first, second] {
                    assert!([200, 503].contains(&answer.status), "{method} {faults:?}: {}", answer.status);
                }
                let again = bench.post(Action::Take, "ann", "").await;
                assert_eq!(again.status, 200, "{method} {faults:?}: {}", again.page);
                assert_eq!(bench.told().len(), 1, "{method} {faults:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_page_says_no_more_than_the_mail() {
    let evil = "<script>x</script> \u{202e}Acme";
    let alert = Alert { recipient: person("ann"), customer: evil.into(), ..sample::alert(1) };
    let bench = Bench::of(alert.clone()).await;
    let shown = bench.get(Action::Take, "ann").await;
    assert!(!shown.page.contains("<script>") && !shown.page.contains('\u{202e}'), "{}", shown.page);
    for words in alert.evidence.iter().chain(alert.reasons.iter()).map(String::as_str).chain([&*alert.subject]) {
        assert!(!shown.page.contains(words), "{words}");
    }
    let header = |name: &str| shown.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("referrer-policy"), Some("no-referrer"));
    assert!(header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    for name in ["strict-transport-security", "x-content-type-options", "x-frame-options", "x-robots-tag"] {
        assert!(header(name).is_some(), "{name}");
    }
    let not_allowed = bench.ask("DELETE", "", "").await;
    assert_eq!(not_allowed.status, 405);
}
