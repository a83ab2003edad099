//! Acting from the dashboard: with a session, and where nobody is known there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use domain::{
    Alert, AuditAction, EmailAddress, Stage,
    ports::{AlertLog, Opened},
    sample,
};
use followup::{FollowingUp, PageDoor, handle};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedSecrets, MemoryQueue, MemoryTicketLog, Method};
use runtime::{
    AlertMessage,
    backoff::RECEIVES,
    message::{content, parse},
    rebuild::Announcing,
    sealed::{Role, Sealed, Session, seal},
};

struct Bench {
    following_up: FollowingUp,
    log: Arc<MemoryTicketLog>,
    queue: Arc<MemoryQueue>,
    guardian: Alert,
    opportunity: Alert,
}

fn person(name: &str) -> EmailAddress {
    format!("{name}@example.com").parse().unwrap()
}

fn session(who: &str, roles: &[Role], seconds: i64) -> String {
    let session = Session { who: who.into(), roles: roles.to_vec(), exp: sample::now().as_second() + seconds };
    seal(&"session key".into(), &session)
}

impl Bench {
    async fn new(page: PageDoor) -> Self {
        let log = Arc::new(MemoryTicketLog::default());
        let (guardian, opportunity) = sample::alerts(1);
        for alert in [&guardian, &opportunity] {
            let entry = sample::audit_entry(1, AuditAction::AlertRaised);
            assert_eq!(log.open(alert, Timestamp::MAX, &entry).await.unwrap(), Opened::New);
        }
        let queue = Arc::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now()));
        let secrets = Arc::new(FixedSecrets(vec!["link key".into()]));
        let following_up = FollowingUp { secrets, alerts: log.clone(), alert_queue: queue.clone(), slack: None, page };
        Self { following_up, log, queue, guardian, opportunity }
    }

    async fn signing_in() -> Self {
        Self::new(PageDoor::Sessions(Arc::new(FixedSecrets(vec!["session key".into()])))).await
    }

    async fn ask(&self, method: &str, query: &str, cookie: &str, body: &str) -> (i64, String) {
        let mut request = ApiGatewayV2httpRequest::default();
        request.request_context.http.method = method.parse().unwrap();
        request.raw_query_string = Some(query.to_owned());
        request.cookies = Some(vec![format!("{}={cookie}", Session::COOKIE)]);
        request.body = Some(body.to_owned());
        let answer = handle(&self.following_up, request, sample::now()).await;
        let Some(aws_lambda_events::encodings::Body::Text(page)) = answer.body else { panic!("no page") };
        (answer.status_code, page)
    }

    /// From the dashboard's button to the alert.
    async fn act(&self, alert: &Alert, action: &str, cookie: &str, choice: &str) -> (i64, String) {
        let query = format!("alert={}&action={action}&zone=Europe/Berlin", alert.key());
        let (status, page) = self.ask("GET", &query, cookie, "").await;
        let Some(link) = page.split("action=\"?").nth(1).and_then(|rest| rest.split('"').next()) else {
            return (status, page);
        };
        let seen = page.split("name=\"seen\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        // A browser sends the cookie along; what counts is the link.
        self.ask("POST", link, "", &format!("seen={seen}&{choice}")).await
    }

    fn stage(&self, alert: &Alert) -> Stage {
        self.log.alert(alert.key()).unwrap().follow_up.stage.clone()
    }
}

#[tokio::test]
async fn who_is_signed_in_acts_on_what_their_role_sees() {
    for (role, guardian, opportunity) in [
        (Role::Support, false, false),
        (Role::Accounts, true, false),
        (Role::Sales, false, true),
        (Role::Lead, true, true),
    ] {
        let bench = Bench::signing_in().await;
        for (alert, may) in [(&bench.guardian, guardian), (&bench.opportunity, opportunity)] {
            let (status, page) = bench.act(alert, "take", &session("zoe@example.com", &[role], 60), "").await;
            assert_eq!(status, if may { 200 } else { 403 }, "{role} {}: {page}", alert.key());
            let taken = Stage::Taken { by: person("zoe"), at: sample::now() };
            assert_eq!(bench.stage(alert), if may { taken } else { Stage::New }, "{role} {}", alert.key());
            assert!(!may || page.contains("10:00 CET"), "{page}");
        }
        let told = bench.log.audit().into_iter().filter(|entry| entry.action == AuditAction::AlertFollowUp);
        let told: Vec<_> = told.map(|entry| entry.outcome.into_owned()).collect();
        assert!(told.iter().all(|outcome| outcome == "taken by zoe@example.com, by page"), "{told:?}");
    }
}

#[tokio::test]
async fn whoever_the_provider_spells_otherwise_keeps_what_they_have() {
    let bench = Bench::signing_in().await;
    for (who, action, stage) in [("zoe@example.com", "take", "taken"), ("Zoe@Example.COM", "settle", "settled")] {
        let (status, page) =
            bench.act(&bench.guardian, action, &session(who, &[Role::Accounts], 60), "choice=saved").await;
        assert_eq!((status, bench.stage(&bench.guardian).word()), (200, stage), "{page}");
    }
}

#[tokio::test]
async fn a_choice_is_made_on_the_way() {
    let bench = Bench::signing_in().await;
    let cookie = session("zoe@example.com", &[Role::Accounts], 60);
    assert_eq!(bench.act(&bench.guardian, "call_wrong", &cookie, "").await.0, 400);
    assert_eq!(bench.stage(&bench.guardian), Stage::New);
    assert_eq!(bench.act(&bench.guardian, "call_wrong", &cookie, "choice=misread").await.0, 200);
    assert_eq!(bench.stage(&bench.guardian).word(), "wrong");
}

#[tokio::test]
async fn nobody_else_gets_further_and_all_look_the_same() {
    let bench = Bench::signing_in().await;
    let good = session("zoe@example.com", &[Role::Accounts], 60);
    let query = format!("alert={}&action=take", bench.guardian.key());
    let forged =
        seal(&"another key".into(), &Session { who: "zoe@example.com".into(), roles: vec![Role::Lead], exp: i64::MAX });
    let mut pages = Vec::new();
    for (method, query, cookie) in [
        ("GET", query.as_str(), ""),
        ("GET", &query, "nonsense"),
        ("GET", &query, &forged),
        ("GET", &query, &session("zoe@example.com", &[Role::Accounts], 0)),
        ("GET", &query, &session("zoe", &[Role::Accounts], 60)),
        ("GET", &query, &session("zoe@example.com", &[], 60)),
        ("GET", "alert=9/guardian/critical&action=take", &good),
        ("GET", "alert=nonsense&action=take", &good),
        ("GET", "alert=1/guardian/elevated&action=nonsense", &good),
        ("GET", "alert=1/guardian/elevated", &good),
        ("POST", &query, &good),
    ] {
        let (status, page) = bench.ask(method, query, cookie, "choice=saved").await;
        assert_eq!(status, 403, "{method} {query} {cookie}");
        pages.push(page);
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(bench.stage(&bench.guardian), Stage::New);
}

#[tokio::test]
async fn a_link_of_the_page_is_good_for_an_hour() {
    let bench = Bench::signing_in().await;
    let query = format!("alert={}&action=take", bench.guardian.key());
    let (_, page) = bench.ask("GET", &query, &session("zoe@example.com", &[Role::Accounts], 60), "").await;
    let link = page.split("action=\"?").nth(1).unwrap().split('"').next().unwrap();
    let mut request = ApiGatewayV2httpRequest::default();
    request.request_context.http.method = "POST".parse().unwrap();
    request.raw_query_string = Some(link.to_owned());
    let later = sample::now() + SignedDuration::from_hours(1);
    assert_eq!(handle(&bench.following_up, request, later).await.status_code, 404);
    assert_eq!(bench.stage(&bench.guardian), Stage::New);
}

#[tokio::test]
async fn every_question_for_a_link_has_one_answer() {
    let bench = Bench::new(PageDoor::Asking).await;
    let known = bench.guardian.key().to_string();
    let recipient = bench.guardian.recipient.clone();
    let mut pages = Vec::new();
    for (alert, address) in [
        (known.as_str(), recipient.as_str()),
        (&known, "stranger@example.com"),
        (&known, "no address"),
        (&known, ""),
        ("9/guardian/critical", recipient.as_str()),
        ("nonsense", recipient.as_str()),
    ] {
        let body: String = format!("address={}", address.replace('@', "%40"));
        pages.push(bench.ask("POST", &format!("ask={alert}"), "", &body).await);
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "{pages:?}");
    assert!(pages[0].1.contains("a link is on its way") && pages[0].0 == 200, "{pages:?}");
    let sent: Vec<AlertMessage> =
        bench.queue.receive(10).iter().map(|message| content(&parse(&message.body).unwrap()).unwrap()).collect();
    let expected = [
        (&known, "kam@example.com"),
        (&known, "stranger@example.com"),
        (&"9/guardian/critical".to_owned(), "kam@example.com"),
    ];
    let told: Vec<_> = sent.iter().map(|sent| (&sent.alert, sent.links_to.as_ref().unwrap().as_str())).collect();
    assert_eq!(told, expected, "whether it may have it is for the alert to say");
    assert_eq!(bench.stage(&bench.guardian), Stage::New);
    let (status, form) = bench.ask("GET", &format!("ask={known}"), "", "").await;
    assert!(status == 200 && form.contains("type=\"email\"") && bench.queue.receive(10).is_empty(), "{form}");
}

#[tokio::test]
async fn each_door_opens_its_own_way_alone() {
    let shut = Bench::new(PageDoor::Shut).await;
    let (signing_in, asking) = (Bench::signing_in().await, Bench::new(PageDoor::Asking).await);
    let cookie = session("zoe@example.com", &[Role::Lead], 60);
    for (bench, query) in [
        (&shut, "alert=1/guardian/elevated&action=take"),
        (&shut, "ask=1/guardian/elevated"),
        (&asking, "alert=1/guardian/elevated&action=take"),
        (&signing_in, "ask=1/guardian/elevated"),
    ] {
        assert_eq!(bench.ask("GET", query, &cookie, "").await.0, 403, "{query}");
    }
}

#[tokio::test]
async fn on_a_laptop_the_reader_is_whom_the_alert_went_to() {
    let bench = Bench::new(PageDoor::Laptop).await;
    assert_eq!(bench.act(&bench.guardian, "take", "", "").await.0, 200);
    let by = bench.guardian.recipient.clone();
    assert_eq!(bench.stage(&bench.guardian), Stage::Taken { by, at: sample::now() });
}

#[tokio::test]
async fn only_a_change_asks_for_a_new_dashboard() {
    let mut bench = Bench::signing_in().await;
    let rebuilds = Arc::new(Failing::new(MemoryQueue::new(SignedDuration::from_secs(60), RECEIVES, sample::now())));
    bench.following_up.alerts = Arc::new(Announcing::new(bench.log.clone(), rebuilds.clone()));
    let (zoe, ann) = ("zoe@example.com", "ann@example.com");
    for (who, action, asked) in [(zoe, "take", 1), (zoe, "take", 1), (ann, "take", 1), (zoe, "snooze", 2)] {
        bench.act(&bench.guardian, action, &session(who, &[Role::Lead], 60), "choice=tomorrow").await;
        assert_eq!(rebuilds.inner().len(), asked, "{who} {action}");
    }
    rebuilds.plan(Method::QueueSend, &[Fault::Permanent]);
    let (status, _) = bench.act(&bench.opportunity, "take", &session(zoe, &[Role::Lead], 60), "").await;
    assert_eq!((status, bench.stage(&bench.opportunity).word()), (200, "taken"), "the hourly report shows it");
}
