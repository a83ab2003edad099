//! The webhook over embedded adapters, fed with the files in `events/`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use domain::{
    UserId,
    ports::{PortError, Queue, SigningSecrets},
    sample,
};
use jiff::{SignedDuration, Timestamp};
use memory::{Failing, Fault, FixedSecrets, MemoryQueue, Method};
use runtime::{Cause, TicketMessage, config::Reader, message, metrics::EmbeddedMetrics};
use secrecy::SecretString;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;
use webhook::{LONGEST, Webhook, bot_user, handle};
use zendesk::signature::{SIGNATURE_HEADER, TEST_SECRET, TIMESTAMP_HEADER, sign};

struct Bench {
    webhook: Webhook,
    queue: Arc<Failing<MemoryQueue>>,
    secrets: Arc<Failing<FixedSecrets>>,
}

fn bench() -> Bench {
    let queue = Arc::new(Failing::new(MemoryQueue::new(SignedDuration::from_secs(60), 5, sample::now())));
    let secrets = Arc::new(Failing::new(FixedSecrets(vec![TEST_SECRET.into()])));
    let webhook = Webhook { secrets: secrets.clone(), tickets: queue.clone(), bot_user: Some(UserId(900_000_001)) };
    Bench { webhook, queue, secrets }
}

/// A file of `events/`, signed for now if `signed`.
fn event(name: &str, signed: bool) -> ApiGatewayV2httpRequest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut request: ApiGatewayV2httpRequest = serde_json::from_str(&text).unwrap();
    if signed {
        let body = request.body.clone().unwrap();
        set_signature(&mut request, &body, sample::now());
    }
    request
}

fn set_signature(request: &mut ApiGatewayV2httpRequest, body: &str, at: Timestamp) {
    let signature = sign(&TEST_SECRET.into(), &at.to_string(), body.as_bytes());
    request.headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
    request.headers.insert(TIMESTAMP_HEADER, at.to_string().parse().unwrap());
}

async fn post(bench: &Bench, request: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
    handle(&bench.webhook, request, sample::now()).await
}

fn queued(bench: &Bench) -> Vec<TicketMessage> {
    bench.queue.inner().tick(sample::now() + SignedDuration::from_secs(60));
    let messages = bench.queue.inner().receive(10);
    let read = |body: &str| message::content(&message::parse(body).unwrap()).unwrap();
    messages.iter().map(|queued| read(&queued.body)).collect()
}

#[tokio::test]
async fn each_event_that_matters_becomes_one_message_of_ids() {
    for (file, ticket, cause) in [
        ("ticket-created.json", 1001, Cause::Created),
        ("ticket-created-leaving.json", 1014, Cause::Created),
        ("comment-added.json", 1001, Cause::Commented),
        ("priority-changed.json", 1001, Cause::FieldChanged),
        ("trigger.json", 1002, Cause::Triggered),
        ("trigger-with-text.json", 1002, Cause::Triggered),
        ("message-added.json", 1001, Cause::Commented),
        ("ticket-deleted.json", 1001, Cause::Deleted),
        ("comment-redacted.json", 1001, Cause::Redacted),
    ] {
        let bench = bench();
        let response = post(&bench, event(file, true)).await;
        assert_eq!(response.status_code, 200, "{file}: {:?}", response.body);
        let messages = queued(&bench);
        assert_eq!(messages.len(), 1, "{file}");
        assert_eq!((messages[0].ticket_id.number(), messages[0].cause), (ticket, cause), "{file}");
    }
}

#[tokio::test]
async fn a_comment_waits_for_the_customer_to_finish_typing() {
    let bench = bench();
    post(&bench, event("comment-added.json", true)).await;
    let queue = bench.queue.inner();
    queue.tick(sample::now() + SignedDuration::from_secs(59));
    assert!(queue.receive(10).is_empty());
    queue.tick(sample::now() + SignedDuration::from_secs(60));
    assert_eq!(queue.receive(10).len(), 1);
}

#[tokio::test]
async fn a_base64_body_is_verified_on_its_bytes() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let bench = bench();
    let mut request = event("ticket-created.json", true);
    request.body = Some(BASE64_STANDARD.encode(request.body.unwrap()));
    request.is_base64_encoded = true;
    assert_eq!(post(&bench, request.clone()).await.status_code, 200);
    request.body = Some("%%%".into());
    assert_eq!(post(&bench, request).await.status_code, 400);
}

#[tokio::test]
async fn bad_requests_get_their_status_and_enqueue_nothing() {
    let mut get = event("ticket-created.json", true);
    get.request_context.http.method = "GET".parse().unwrap();
    let mut unsigned = event("ticket-created.json", true);
    unsigned.headers.remove(SIGNATURE_HEADER);
    let mut changed = event("ticket-created.json", true);
    changed.body = changed.body.map(|body| body.replace("1001", "1002"));
    let mut stale = event("ticket-created.json", false);
    let body = stale.body.clone().unwrap();
    set_signature(&mut stale, &body, sample::now() - SignedDuration::from_mins(6));
    for (name, request, status) in [
        ("wrong method", get, 405),
        ("no signature", unsigned, 401),
        ("another body", changed, 401),
        ("an old signature", stale, 401),
        ("a bad signature from the file", event("bad-signature.json", false), 401),
        ("not JSON", signed("not json"), 400),
        ("no ticket id", signed(r#"{"type":"zen:event-type:ticket.created","detail":{}}"#), 400),
        ("an unknown type", signed(r#"{"type":"zen:event-type:ticket.brand_changed","detail":{"id":"7"}}"#), 200),
        (
            "our own change",
            signed(r#"{"type":"zen:event-type:ticket.priority_changed","detail":{"id":"7","actor_id":"900000001"}}"#),
            200,
        ),
    ] {
        let bench = bench();
        let response = post(&bench, request).await;
        assert_eq!(response.status_code, status, "{name}: {:?}", response.body);
        assert!(queued(&bench).is_empty(), "{name}");
    }
}

/// A request with that body, signed.
fn signed(body: &str) -> ApiGatewayV2httpRequest {
    let mut request = event("ticket-created.json", false);
    set_signature(&mut request, body, sample::now());
    request.body = Some(body.into());
    request
}

#[tokio::test]
async fn a_signed_body_that_is_nearly_json_loses_no_ticket() {
    for body in [
        r#"{"ticket_id":"1002","title":"half \ud83d an emoji"}"#,
        "{\"ticket_id\":\"1002\",\"title\":\"two\nlines\",}",
        r#"{"title":"a "quoted", "list"","ticket_id":"1002"}"#,
        r#"{"ticket_id":"1002","title":"cut o"#,
        r#"{"type":"zen:event-type:ticket.created","detail":{"id":"1002","subject":"\ude00"},"event":{}}"#,
    ] {
        let bench = bench();
        assert_eq!(post(&bench, signed(body)).await.status_code, 200, "{body}");
        let tickets: Vec<u64> = queued(&bench).iter().map(|message| message.ticket_id.number()).collect();
        assert_eq!(tickets, [1002], "{body}");
    }
}

#[tokio::test]
async fn what_leads_to_nothing_is_ignored() {
    let of = |kind: &str, event: &str| {
        format!(r#"{{"type":"zen:event-type:{kind}","detail":{{"id":"7","actor_id":"5"}},"event":{event}}}"#)
    };
    for body in [
        of("ticket.tags_changed", r#"{"tags_added":["triage_p1"],"tags_removed":[]}"#),
        of("ticket.custom_field_changed", r#"{"custom_field":{"id":"1"}}"#),
        of("ticket.soft_deleted", "{}"),
        of("ticket.merged", r#"{"target_ticket_id":"9"}"#),
        of("ticket.teleported", "{}"),
        of("messaging_ticket.message_added", r#"{"actor":{"type":"agent"}}"#),
        of("messaging_ticket.message_added", r#"{"actor":{"type":"system"}}"#),
        of("ticket.comment_added", r#"{"comment":{"is_public":true,"author":{"is_staff":true}}}"#),
        of("ticket.permanently_deleted", "{}").replace("\"5\"", "\"900000001\""),
    ] {
        let bench = bench();
        let response = post(&bench, signed(&body)).await;
        assert_eq!(response.status_code, 200, "{body}");
        assert!(queued(&bench).is_empty(), "{body}");
    }
}

/// The metrics of one request.
async fn counted(body: &str) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let out = lines.clone();
    let metrics = EmbeddedMetrics::new("test".to_owned(), sample::now, move || out.clone());
    let subscriber = tracing_subscriber::registry().with(metrics);
    post(&bench(), signed(body)).with_subscriber(subscriber).await;
    let lines = lines.0.lock().unwrap().clone();
    String::from_utf8(lines).unwrap()
}

#[tokio::test]
async fn unknown_and_broken_events_are_counted() {
    let unknown = counted(r#"{"type":"zen:event-type:ticket.teleported","detail":{"id":"7"}}"#).await;
    assert!(unknown.contains("UnknownEvents") && !unknown.contains("MendedEvents"), "{unknown}");
    let mended = counted(r#"{"ticket_id":"7","title":"\ud83d"}"#).await;
    assert!(mended.contains("MendedEvents") && !mended.contains("UnknownEvents"), "{mended}");
    let known = counted(r#"{"type":"zen:event-type:ticket.tags_changed","detail":{"id":"7"}}"#).await;
    assert_eq!(known, "");
}

#[tokio::test]
async fn what_is_our_fault_is_503_with_retry_after() {
    for method in [Method::QueueSend, Method::SigningSecretsSecrets] {
        let bench = bench();
        bench.queue.plan(method, &[Fault::Transient]);
        bench.secrets.plan(method, &[Fault::Permanent]);
        let response = post(&bench, event("ticket-created.json", true)).await;
        assert_eq!(response.status_code, 503, "{method}");
        let seconds: u32 = response.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..60).contains(&seconds), "Zendesk retries only under 60");
        let again = post(&bench, event("ticket-created.json", true)).await;
        assert_eq!(again.status_code, 200, "{method}: and takes it the next time");
    }
}

#[tokio::test]
async fn a_panic_is_503_too() {
    for fault in [Fault::Panic, Fault::PanicAfter] {
        let bench = bench();
        bench.queue.plan(Method::QueueSend, &[fault]);
        let response = post(&bench, event("ticket-created.json", true)).await;
        assert_eq!((response.status_code, response.headers.contains_key("retry-after")), (503, true), "{fault:?}");
    }
}

/// Knows an old secret until it looks again.
struct Rotated;

#[async_trait::async_trait]
impl SigningSecrets for Rotated {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        Ok(vec!["old".into()])
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        Ok(vec![TEST_SECRET.into(), "old".into()])
    }
}

#[tokio::test]
async fn a_rotated_secret_is_looked_up() {
    let mut bench = bench();
    bench.webhook.secrets = Arc::new(Rotated);
    assert_eq!(post(&bench, event("ticket-created.json", true)).await.status_code, 200);
    assert_eq!(post(&bench, event("bad-signature.json", false)).await.status_code, 401);
}

/// Answers after a while, with the right secret only on the second look.
#[derive(Clone, Copy)]
struct Slow {
    secrets: Duration,
    refresh: Duration,
    queue: Duration,
}

#[async_trait::async_trait]
impl SigningSecrets for Slow {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        tokio::time::sleep(self.secrets).await;
        Ok(vec!["old".into()])
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        tokio::time::sleep(self.refresh).await;
        Ok(vec![TEST_SECRET.into()])
    }
}

#[async_trait::async_trait]
impl Queue for Slow {
    async fn send(&self, _: &str, _: Duration) -> Result<(), PortError> {
        tokio::time::sleep(self.queue).await;
        Ok(())
    }

    async fn defer(&self, _: &str, _: Duration) -> Result<(), PortError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn slow_services_end_in_time() {
    const NEVER: Duration = Duration::from_secs(3600);
    let nearly = Duration::from_millis(2_400);
    for (name, secrets, refresh, queue, status) in [
        ("the secrets", NEVER, Duration::ZERO, Duration::ZERO, 503),
        ("the second look", nearly, NEVER, Duration::ZERO, 503),
        ("the queue", nearly, nearly, NEVER, 503),
        ("nothing too slow", nearly, nearly, nearly, 200),
    ] {
        let slow = Arc::new(Slow { secrets, refresh, queue });
        let webhook = Webhook { secrets: slow.clone(), tickets: slow, bot_user: None };
        let begun = tokio::time::Instant::now();
        let response = handle(&webhook, event("ticket-created.json", true), sample::now()).await;
        assert_eq!(response.status_code, status, "{name}");
        assert!(begun.elapsed() <= LONGEST, "{name}: {:?}", begun.elapsed());
        assert_eq!(response.headers.contains_key("retry-after"), status == 503, "{name}");
    }
}

#[test]
fn the_bot_user_is_an_optional_number() {
    let read = |value: Option<&str>| {
        let mut reader = Reader::new(|name: &str| value.filter(|_| name == "BOT_USER_ID").map(str::to_owned));
        let user = bot_user(&mut reader);
        (user, reader.finish().map_err(|error| error.0.len()))
    };
    assert_eq!(read(None), (None, Ok(())));
    assert_eq!(read(Some("")), (None, Ok(())));
    assert_eq!(read(Some("900000001")), (Some(UserId(900_000_001)), Ok(())));
    assert_eq!(read(Some("triage@acme.test")), (None, Err(1)));
}
