//! Reading tickets over the wire, against a scripted server.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    future::Future,
    io::Write,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use analyst::{EmbeddedAnalyst, KnowledgeBase, Weights};
use domain::{
    Account, Fallback, Intent, Priority, Reading, Teams, Ticket,
    ports::{Analyst, Control, Count},
    reading::Redaction,
    sample,
};
use llm::{Budget, Router};
use memory::MemoryControl;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

const KEY: &str = "planted-key-7f3a";
const LONG: Duration = Duration::from_secs(20);

/// What the model fills in, for the sample ticket.
fn form() -> Value {
    json!({
        "churn_quotes": ["We are looking at other vendors."],
        "buying_quotes": ["What is your price for two more stores?"],
        "reason": "Orders do not sync.",
        "gravest": "", "gravity": "none", "in_english": [],
        "injection_suspected": false,
        "language": "en", "kind": "request",
        "priority": "p2", "priority_sure": 8,
        "team": "nexus", "team_sure": 9,
        "sentiment": "frustrated",
        "churn": 7,
        "intent": "expansion", "intent_sure": 9,
        "article": "reconnect-a-store",
        "draft": "",
    })
}

fn message(content: Value, stop_reason: &str) -> Value {
    json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5",
        "content": content,
        "stop_reason": stop_reason,
        "usage": {
            "input_tokens": 400, "output_tokens": 300,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 9000,
            "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
        },
    })
}

fn filled_in(form: &Value) -> Value {
    message(json!([{ "type": "text", "text": form.to_string() }]), "end_turn")
}

fn good() -> ResponseTemplate {
    ResponseTemplate::new(200).insert_header("request-id", "req_1").set_body_json(filled_in(&form()))
}

fn error(status: u16, kind: &str, code: Option<&str>) -> ResponseTemplate {
    let mut error = json!({ "type": kind, "message": "do not log me: planted-message" });
    if let Some(code) = code {
        error["details"] = json!({ "error_code": code });
    }
    ResponseTemplate::new(status).set_body_json(json!({ "type": "error", "error": error, "request_id": "req_2" }))
}

/// Answers in turn; the last one for ever.
struct Script(Mutex<Vec<ResponseTemplate>>);

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut script = self.0.lock().unwrap();
        if script.len() > 1 { script.remove(0) } else { script[0].clone() }
    }
}

async fn server(script: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::method("POST"))
        .and(matchers::path("/v1/messages"))
        .respond_with(Script(Mutex::new(script)))
        .mount(&server)
        .await;
    server
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().iter().filter(|request| request.method.as_str() == "POST").count()
}

fn teams() -> Teams {
    Teams::new(serde_json::from_str(data::AGENTS).unwrap()).unwrap()
}

fn reader_with(base_url: &str, control: Arc<MemoryControl>, variables: &[(&str, &str)]) -> Router {
    let get = |name: &str| {
        let set = variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        set.or_else(|| match name {
            "ANTHROPIC_API_KEY" => Some(KEY.to_owned()),
            "ANTHROPIC_BASE_URL" => Some(base_url.to_owned()),
            _ => None,
        })
    };
    let (config, claude) = (llm::Config::read(get).unwrap(), claude::Config::read(get).unwrap());
    let budget = Budget::new(control, config.budget_usd, sample::now);
    Router::new(config, claude::language_model(&claude).unwrap(), embedded_analyst(), budget)
}

fn embedded_analyst() -> EmbeddedAnalyst {
    let knowledge = KnowledgeBase::parse(data::knowledge_base()).unwrap();
    let weights = Weights::bundled().unwrap();
    EmbeddedAnalyst::new(weights, knowledge, teams())
}

fn reader(server: &MockServer) -> Router {
    reader_with(&server.uri(), Arc::default(), &[])
}

async fn read(reader: &Router, within: Duration) -> Reading {
    reader.read(&sample::ticket(1), &sample::account(), within).await.unwrap()
}

#[tokio::test]
async fn the_request() {
    let server = server(vec![good()]).await;
    let ticket = Ticket {
        description: "Orders fail since \"v2\".\nAsk Jo at jo@shop.example.".into(),
        follow_ups: vec!["Any news?".into()],
        requester_name: Some("Jo Marin".into()),
        ..sample::ticket(1)
    };
    reader(&server).read(&ticket, &sample::account(), LONG).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let request = requests.first().unwrap();
    for (name, value) in [("x-api-key", KEY), ("anthropic-version", "2026-10-21"), ("content-type", "application/json")]
    {
        assert_eq!(request.headers[name], value, "{name}");
    }
    assert!(!request.headers.contains_key("anthropic-beta") && !request.headers.contains_key("authorization"));
    let mut body: Value = request.body_json().unwrap();
    let system = body["system"][0]["text"].as_str().unwrap().len();
    assert!(system > 20_000, "the rubric and the articles: {system}");
    // Both have snapshots of their own, beside the prompt.
    body["system"][0]["text"] = "…".into();
    body["output_config"]["format"]["schema"] = "…".into();
    insta::assert_json_snapshot!("request", body);
}

#[tokio::test]
async fn a_good_answer_is_the_reading_with_its_cost_and_a_second_opinion() {
    let server = server(vec![good()]).await;
    let reading = read(&reader(&server), LONG).await;
    assert_eq!(reading.analyst, "claude-haiku-5-5/triage-4");
    assert_eq!((reading.priority.value, reading.intent.value), (Priority::P2, Some(Intent::Expansion)));
    assert_eq!(reading.fallback, None);
    assert!(reading.second.is_some());
    let usage = reading.usage;
    assert_eq!(
        (usage.llm_calls, usage.input_tokens, usage.cache_read_tokens, usage.output_tokens),
        (1, 9400, 9000, 300)
    );
    assert!((usage.cost_usd - (400.0 * 0.10 + 9000.0 * 0.01 + 300.0 * 0.50) / 1e6).abs() < 1e-12);
}

#[tokio::test]
async fn a_leading_thinking_block_and_labels_in_another_case_are_fine() {
    let mut form = form();
    (form["priority"], form["team"]) = ("P1".into(), "NEXUS".into());
    let content = json!([
        { "type": "thinking", "thinking": "hm", "signature": "x" },
        { "type": "text", "text": form.to_string() },
        { "type": "invented_in_2027", "data": 1 },
    ]);
    let answer = ResponseTemplate::new(200).set_body_json(message(content, "end_turn"));
    let reading = read(&reader(&server(vec![answer]).await), LONG).await;
    assert_eq!((reading.fallback, reading.priority.value), (None, Priority::P1));
}

/// One failing answer for ever: what it is called, and how often it was asked.
async fn check(answer: ResponseTemplate, fallback: Fallback, attempts: usize, billed: u32) {
    let server = server(vec![answer]).await;
    let reading = read(&reader(&server), LONG).await;
    assert_eq!(reading.fallback, Some(fallback));
    assert_eq!(reading.analyst, analyst::embedded::NAME, "the embedded analyst's reading, not a default");
    assert_eq!(reading.usage.llm_calls, billed);
    assert_eq!(calls(&server).await, attempts, "{fallback}");
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    let soon = |answer: ResponseTemplate| answer.insert_header("retry-after-ms", "1");
    for (status, kind) in [
        (408, "timeout_error"),
        (409, "conflict_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
    ] {
        check(soon(error(status, kind, None)), Fallback::Unreachable, 3, 0).await;
    }
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
    ] {
        check(error(status, kind, None), Fallback::Misconfigured, 1, 0).await;
    }
    check(error(413, "request_too_large", None), Fallback::Invalid, 1, 0).await;
    check(ResponseTemplate::new(413).set_body_string("<html>"), Fallback::Invalid, 1, 0).await;
    check(ResponseTemplate::new(302).insert_header("location", "/elsewhere"), Fallback::Misconfigured, 1, 0).await;
    for code in ["enforced_spend_limit_reached", "contract_spend_limit_reached"] {
        let spent = error(429, "rate_limit_error", Some(code)).insert_header("x-should-retry", "true");
        check(spent, Fallback::OverBudget, 1, 0).await;
    }
    check(soon(error(429, "rate_limit_error", Some("ramp_limit_exceeded"))), Fallback::Unreachable, 3, 0).await;
    check(error(500, "api_error", None).insert_header("x-should-retry", "false"), Fallback::Unreachable, 1, 0).await;
    check(
        soon(error(400, "invalid_request_error", None)).insert_header("x-should-retry", "true"),
        Fallback::Misconfigured,
        3,
        0,
    )
    .await;
}

#[tokio::test]
async fn every_end_of_a_message_has_its_outcome() {
    let ended = |stop: &str| ResponseTemplate::new(200).set_body_json(message(json!([]), stop));
    check(ended("refusal"), Fallback::Refused, 1, 1).await;
    for stop in ["max_tokens", "stop_sequence", "tool_use", "pause_turn", "model_context_window_exceeded", "new_2027"] {
        check(ended(stop), Fallback::Invalid, 1, 1).await;
    }
    check(ended("end_turn"), Fallback::Invalid, 1, 1).await;
    let cut = message(json!([{ "type": "text", "text": "{\"churn_quotes\": [" }]), "max_tokens");
    check(ResponseTemplate::new(200).set_body_json(cut), Fallback::Invalid, 1, 1).await;
}

#[tokio::test]
async fn an_answer_that_is_no_form_is_not_used() {
    let text = |text: &str| {
        ResponseTemplate::new(200).set_body_json(message(json!([{ "type": "text", "text": text }]), "end_turn"))
    };
    for answer in ["garbage", "{}", "[]", "null", "```json\n{}\n```"] {
        check(text(answer), Fallback::Invalid, 1, 1).await;
    }
    let mut wrong = form();
    wrong["priority"] = "urgent".into();
    check(text(&wrong.to_string()), Fallback::Invalid, 1, 1).await;
    for garbage in ["", "<html>", "{\"content\": 1}", "\u{0}"] {
        check(ResponseTemplate::new(200).set_body_string(garbage), Fallback::Invalid, 1, 0).await;
    }
}

#[tokio::test]
async fn a_failure_that_passes_is_asked_again() {
    let busy = || error(529, "overloaded_error", None).insert_header("retry-after-ms", "1");
    let server = server(vec![busy(), busy(), good()]).await;
    let reading = read(&reader(&server), LONG).await;
    assert_eq!((reading.fallback, calls(&server).await), (None, 3));
}

#[tokio::test]
async fn the_pause_the_service_asks_for_is_kept() {
    let busy = error(429, "rate_limit_error", None).insert_header("retry-after", "0.4");
    let server = server(vec![busy, good()]).await;
    let started = Instant::now();
    assert_eq!(read(&reader(&server), LONG).await.fallback, None);
    assert!(started.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn nothing_waits_past_its_time() {
    let slow = server(vec![good().set_delay(Duration::from_secs(30))]).await;
    let patient = reader(&slow);
    let started = Instant::now();
    assert_eq!(read(&patient, Duration::from_millis(300)).await.fallback, Some(Fallback::Unreachable));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    let busy = server(vec![error(429, "rate_limit_error", None).insert_header("retry-after", "60")]).await;
    assert_eq!(read(&reader(&busy), Duration::from_secs(5)).await.fallback, Some(Fallback::Unreachable));
    assert_eq!(calls(&busy).await, 1, "a pause past the deadline is not begun");
    let never = read(&patient, Duration::ZERO).await;
    assert_eq!(never.fallback, Some(Fallback::Unreachable));
}

/// A server that hangs up, before or in the middle of its answer.
async fn hanging_up(answer: &'static [u8]) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(9) {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = std::io::Read::read(&mut stream, &mut request);
            let _ = stream.write_all(answer);
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_broken_connection_is_a_failure_like_another() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"content\": ["] {
        let reading = read(&reader_with(&hanging_up(answer).await, Arc::default(), &[]), LONG).await;
        assert_eq!(reading.fallback, Some(Fallback::Unreachable));
    }
    let nobody = reader_with("http://127.0.0.1:1", Arc::default(), &[]);
    assert_eq!(read(&nobody, LONG).await.fallback, Some(Fallback::Unreachable));
}

#[tokio::test]
async fn after_five_failures_the_model_is_left_alone() {
    let spent = error(429, "rate_limit_error", Some("enforced_spend_limit_reached"));
    for (answer, fallback) in
        [(error(401, "authentication_error", None), Fallback::Misconfigured), (spent, Fallback::OverBudget)]
    {
        let server = server(vec![answer]).await;
        let reader = reader(&server);
        for _ in 0..5 {
            assert_eq!(read(&reader, LONG).await.fallback, Some(fallback));
        }
        for _ in 0..20 {
            assert_eq!(read(&reader, LONG).await.fallback, Some(Fallback::Paused));
        }
        assert_eq!(calls(&server).await, 5);
    }
}

#[tokio::test]
async fn refusals_and_our_own_budget_pause_nobody() {
    let refusal = ResponseTemplate::new(200).set_body_json(message(json!([]), "refusal"));
    let refusing = server(vec![refusal]).await;
    let (refused, broke) =
        (reader(&refusing), reader_with(&refusing.uri(), Arc::default(), &[("DAILY_BUDGET_USD", "0")]));
    for _ in 0..7 {
        assert_eq!(read(&refused, LONG).await.fallback, Some(Fallback::Refused));
        assert_eq!(read(&broke, LONG).await.fallback, Some(Fallback::OverBudget));
    }
}

#[tokio::test]
async fn the_days_budget_is_never_passed_and_what_was_not_spent_comes_back() {
    let server = server(vec![good()]).await;
    let control = Arc::new(MemoryControl::default());
    // A call of this size sets some 7,500 micro-dollars aside and costs 280.
    let reader = reader_with(&server.uri(), control.clone(), &[("DAILY_BUDGET_USD", "0.009")]);
    let readings = [read(&reader, LONG).await, read(&reader, LONG).await];
    assert!(readings.iter().all(|reading| reading.fallback.is_none()), "the first call's rest came back");
    let counter = "model/2026-11-16";
    let Count::Within { used } = control.count(counter, 0, u64::MAX, sample::now()).await.unwrap() else { panic!() };
    assert_eq!(used, 560, "two calls at their real price");
    control.count(counter, 5_000, u64::MAX, sample::now()).await.unwrap();
    let over = read(&reader, LONG).await;
    assert_eq!((over.fallback, over.usage.llm_calls), (Some(Fallback::OverBudget), 0));
    assert!(over.redactions.is_empty(), "nothing left the house");
    assert_eq!(calls(&server).await, 2);
}

#[tokio::test]
async fn who_reads() {
    let server = server(vec![good()]).await;
    let check = async |variables: &[(&str, &str)], ticket: Ticket, analyst: &str| {
        let reader = reader_with(&server.uri(), Arc::default(), variables);
        let reading = reader.read(&ticket, &sample::account(), LONG).await.unwrap();
        assert_eq!((reading.analyst.as_str(), reading.fallback), (analyst, None), "{variables:?}");
    };
    let claude = "claude-haiku-5-5/triage-4";
    check(&[], sample::ticket(1), claude).await;
    check(&[("ANALYST", "claude")], sample::ticket(1), claude).await;
    check(&[("ANALYST", "embedded")], sample::ticket(1), analyst::embedded::NAME).await;
    check(&[("ANTHROPIC_API_KEY", "")], sample::ticket(1), analyst::embedded::NAME).await;
    check(&[("ANALYST", "cascade")], sample::ticket(1), claude).await;
    let plain = Ticket {
        subject: "Export orders to CSV".into(),
        description: "Hi, how do I export last month's orders report to a CSV file from the analytics page?".into(),
        ..sample::ticket(1)
    };
    check(&[("ANALYST", "cascade")], plain, analyst::embedded::NAME).await;
}

#[tokio::test]
async fn redaction_is_on_unless_it_is_switched_off() {
    let ticket = Ticket { description: "Write to jo@shop.example.".into(), ..sample::ticket(1) };
    for (variables, sent) in [(&[][..], "[EMAIL_1]"), (&[("REDACTION", "off")], "jo@shop.example")] {
        let server = server(vec![good()]).await;
        let reader = reader_with(&server.uri(), Arc::default(), variables);
        let reading = reader.read(&ticket, &sample::account(), LONG).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let body: Value = requests.first().unwrap().body_json().unwrap();
        assert!(body["messages"][0]["content"].as_str().unwrap().contains(sent), "{variables:?}");
        assert_eq!(reading.redactions.is_empty(), !variables.is_empty());
    }
}

#[tokio::test]
async fn a_call_whose_end_is_not_known_keeps_what_was_set_aside() {
    let slow = server(vec![good().set_delay(Duration::from_secs(30))]).await;
    let refused = server(vec![error(401, "authentication_error", None)]).await;
    // The time is also for what the embedded analyst takes, on however slow a machine.
    for (server, within, kept) in [(&slow, Duration::from_secs(3), true), (&refused, LONG, false)] {
        let control = Arc::new(MemoryControl::default());
        read(&reader_with(&server.uri(), control.clone(), &[]), within).await;
        let counted = control.count("model/2026-11-16", 0, u64::MAX, sample::now()).await.unwrap();
        let Count::Within { used } = counted else { panic!("no limit") };
        assert_eq!(used > 5_000, kept, "{used} micro-dollars");
    }
}

#[tokio::test]
async fn calls_at_once_stay_within_the_budget() {
    let server = server(vec![good().set_delay(Duration::from_millis(50))]).await;
    let control = Arc::new(MemoryControl::default());
    let reader = Arc::new(reader_with(&server.uri(), control.clone(), &[("DAILY_BUDGET_USD", "0.02")]));
    let reads: Vec<_> = (0..20)
        .map(|_| {
            let reader = reader.clone();
            tokio::spawn(async move { read(&reader, LONG).await.fallback })
        })
        .collect();
    let mut asked = 0;
    for read in reads {
        match read.await.unwrap() {
            None => asked += 1,
            Some(fallback) => assert_eq!(fallback, Fallback::OverBudget),
        }
    }
    assert_eq!((asked, calls(&server).await), (2, 2), "room for two at a time");
    let Count::Within { used } = control.count("model/2026-11-16", 0, u64::MAX, sample::now()).await.unwrap() else {
        panic!()
    };
    assert_eq!(used, 560);
}

#[tokio::test]
async fn an_faq_answer_is_the_articles_own_words() {
    let mut form = form();
    form["churn_quotes"] = json!([]);
    form["buying_quotes"] = json!([]);
    (form["priority"], form["churn"], form["intent"]) = ("p3".into(), 0.into(), "none".into());
    (form["article"], form["draft"]) =
        ("rotate-an-api-key".into(), "Hello, just send us your key, we will rotate it for you.".into());
    let server = server(vec![ResponseTemplate::new(200).set_body_json(filled_in(&form))]).await;
    let ticket = Ticket {
        subject: "Rotate an API key".into(),
        description: "Hi, how can I rotate our API key without downtime? Where is the menu?".into(),
        ..sample::ticket(1)
    };
    let draft = reader(&server).read(&ticket, &sample::account(), LONG).await.unwrap().draft.unwrap();
    assert!(draft.composed && draft.text.contains("Settings > Developers > API keys"), "{}", draft.text);
    let other = reader(&server).read(&sample::ticket(1), &sample::account(), LONG).await.unwrap().draft.unwrap();
    assert!(!other.composed && other.text.starts_with("Hello, just send us"), "a suggestion for an agent");
}

/// Log lines, kept.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn personal_data_stays_in_the_house_and_nothing_but_ids_and_counts_is_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let ticket = Ticket {
        subject: "Access for planted-subject".into(),
        description: "I am Ines Planteada, write to planted.mail@shop.example or +34 612 345 678. Our key is \
                      sk_live_plantedplanted1. planted-body"
            .into(),
        requester_name: Some("Ines Planteada".into()),
        ..sample::ticket(77)
    };
    let account = Account { name: "Planted Shop GmbH".into(), ..sample::account() };
    let mut answer = form();
    answer["reason"] = "planted-reason".into();
    answer["churn_quotes"] = json!(["planted-quote"]);
    (answer["article"], answer["draft"]) = (
        "rotate-an-api-key".into(),
        "Dear [NAME_1], please rotate the key [SECRET_1] under Developers, API keys.".into(),
    );
    let mut unusable = form();
    unusable["priority"] = "planted-label".into();
    let unusable_shape = json!({ "churn_quotes": "planted-shape" });
    let text =
        |form: &Value| ResponseTemplate::new(200).insert_header("request-id", "req_7").set_body_json(filled_in(form));
    let garbage = ResponseTemplate::new(200).set_body_string("{\"content\": \"planted-garbage\"}");
    let server = server(vec![
        text(&answer),
        text(&unusable),
        text(&unusable_shape),
        garbage,
        error(400, "invalid_request_error", Some("planted code with spaces")),
    ])
    .await;
    let reader = reader(&server);
    let mut readings = Vec::new();
    for _ in 0..5 {
        readings.push(reader.read(&ticket, &account, LONG).await.unwrap());
    }

    let first = &readings[0];
    let redacted: Vec<_> = first.redactions.keys().copied().collect();
    assert_eq!(redacted, [Redaction::Email, Redaction::Phone, Redaction::Secret, Redaction::Name]);
    let draft = first.draft.as_ref().unwrap();
    assert!(draft.text.contains("Dear Ines Planteada, please rotate the key [SECRET_1]"), "{}", draft.text);
    assert_eq!(readings[1].fallback, Some(Fallback::Invalid));
    for request in server.received_requests().await.unwrap() {
        let sent = String::from_utf8(request.body).unwrap();
        for secret in ["Ines", "Planteada", "planted.mail", "612 345", "sk_live_planted"] {
            assert!(!sent.contains(secret), "{secret} was sent");
        }
    }

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("req_7") && log.contains("\"ticket.id\":\"#77\""), "{log}");
    let ours: Vec<&str> =
        log.lines().filter(|line| !line.contains("\"target\":\"hyper") && !line.contains("\"target\":\"h2")).collect();
    for line in ours {
        for secret in
            ["lanted-", "lanted.", "lanteada", "Ines", "612 345", "sk_live", KEY, "other vendors", "code with"]
        {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
    assert!(!log.contains(KEY), "not by a library either");
}

#[tokio::test]
async fn a_ticket_lets_the_others_of_its_batch_go_on() {
    let reader = reader_with("http://127.0.0.1:1", Arc::default(), &[("ANALYST", "embedded")]);
    let (ticket, account) = (sample::ticket(1), sample::account());
    let mut reading = pin!(reader.read(&ticket, &account, LONG));
    let mut polls = 0;
    let waker = Waker::noop();
    while reading.as_mut().poll(&mut Context::from_waker(waker)).is_pending() {
        polls += 1;
    }
    assert_eq!(polls, 2, "before the work and after it");
}

#[tokio::test]
async fn a_long_ticket_is_marked_whoever_reads_it() {
    let server = server(vec![good()]).await;
    let hay = "The courier collected parcel 12 from dock 4 as planned on Tuesday.\n".repeat(900);
    let quote = "We are looking at other vendors.";
    let (before, after) = hay.split_at(hay.len() / 2 + 25);
    let description = format!("{before}\n{quote} What is your price for two more stores?\n{after}");
    let ticket = Ticket { description: description.into(), ..sample::ticket(1) };
    let reading = reader(&server).read(&ticket, &sample::account(), LONG).await.unwrap();
    assert!(reading.cut && reading.second.is_some(), "{reading:?}");
    let asked = server.received_requests().await.unwrap();
    let asked = asked.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect::<String>();
    assert!(asked.contains(quote), "what stands in the middle is read too");
    let own = reader_with("http://127.0.0.1:1", Arc::default(), &[("ANALYST", "embedded")]);
    assert!(own.read(&ticket, &sample::account(), LONG).await.unwrap().cut);
}

#[tokio::test]
async fn the_last_day_of_time_has_a_budget() {
    let server = server(vec![good()]).await;
    let get = |name: &str| match name {
        "ANTHROPIC_API_KEY" => Some(KEY.to_owned()),
        "ANTHROPIC_BASE_URL" => Some(server.uri()),
        _ => None,
    };
    let model = claude::language_model(&claude::Config::read(get).unwrap()).unwrap();
    let budget = Budget::new(Arc::new(MemoryControl::default()), 1.0, || jiff::Timestamp::MAX);
    let embedded = embedded_analyst();
    let reader = Router::new(llm::Config::read(get).unwrap(), model, embedded, budget);
    assert_eq!(read(&reader, LONG).await.fallback, None);
}
