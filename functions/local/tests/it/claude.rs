//! A whole run with a scripted model in the place of Claude.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// Answers every ticket alike.
async fn model(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::method("POST")).and(matchers::path("/v1/messages")).respond_with(answer).mount(&server).await;
    server
}

fn form() -> ResponseTemplate {
    let form = json!({
        "churn_quotes": [], "buying_quotes": [], "reason": "A question.", "injection_suspected": false,
        "gravest": "", "gravity": "none", "in_english": [], "kind": "request", "language": "en", "priority": "p2", "priority_sure": 9, "team": "cipher", "team_sure": 9,
        "sentiment": "neutral", "churn": 0, "intent": "none", "intent_sure": 9, "article": "", "draft": "",
    });
    ResponseTemplate::new(200).set_body_json(json!({
        "content": [{ "type": "text", "text": form.to_string() }],
        "stop_reason": "end_turn",
        "usage": { "input_tokens": 400, "output_tokens": 200, "cache_read_input_tokens": 9000 },
    }))
}

struct Ran {
    text: String,
    metrics: Value,
    results: Vec<Value>,
    audit: String,
    page: String,
    calls: usize,
    warmed: usize,
}

async fn run(server: &MockServer, variables: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env_clear()
        .env("ANTHROPIC_API_KEY", "planted-key")
        .env("ANTHROPIC_BASE_URL", server.uri())
        .envs(variables.iter().copied())
        .arg("--output")
        .arg(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let requests = server.received_requests().await.unwrap();
    let count = |method: &str| requests.iter().filter(|request| request.method.as_str() == method).count();
    Ran {
        text: String::from_utf8(output.stdout).unwrap(),
        metrics: serde_json::from_str(&file("metrics_summary.json")).unwrap(),
        results: serde_json::from_str(&file("triage_results.json")).unwrap(),
        audit: file("audit.json"),
        page: file("triage_report.html"),
        calls: count("POST"),
        warmed: count("GET"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_ticket_is_one_call_and_its_cost_is_told_everywhere() {
    let ran = run(&model(form().set_delay(Duration::from_millis(20))).await, &[]).await;
    assert_eq!((ran.warmed, ran.calls), (1, 30), "the connection is opened before the first ticket");
    assert_eq!(ran.metrics["llm_calls"], 30);
    assert_eq!(ran.metrics["input_tokens"], 30 * 9400);
    assert_eq!(ran.metrics["output_tokens"], 30 * 200);
    assert_eq!(ran.metrics["cost_usd"], 0.0069);
    assert!(
        ran.text.contains("30 calls · 282,000 tokens in (270,000 from the cache) · 6,000 out · $0.0069"),
        "{}",
        ran.text
    );
    assert!(ran.page.contains("30 model calls"));
    assert!(ran.results.iter().all(|result| result["analyst"] == "claude-haiku-5-5/triage-4"));
    assert!(ran.audit.contains("\"redaction\"") && ran.audit.contains("company"), "what left the house is on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_down_costs_no_ticket_and_is_told_everywhere() {
    let ran = run(&model(ResponseTemplate::new(401)).await, &[]).await;
    assert_eq!(ran.metrics["total_tickets"], 30);
    assert_eq!(ran.metrics["llm_calls"], 0);
    assert!(ran.text.contains("30 read by the fallback"), "{}", ran.text);
    assert!(ran.page.contains("read by the fallback"));
    assert!(ran.results.iter().all(|result| result["analyst"] == analyst::embedded::NAME));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variable_and_the_budget_are_obeyed() {
    let server = model(form()).await;
    let ran = run(&server, &[("ANALYST", "embedded")]).await;
    assert_eq!((ran.calls, ran.text.contains("language model")), (0, false));
    let ran = run(&server, &[("DAILY_BUDGET_USD", "0")]).await;
    assert_eq!(ran.calls, 0);
    assert!(ran.text.contains("30 read by the fallback"), "{}", ran.text);
}
