//! What reading with a language model costs in time, calls, tokens and dollars, against a server on this machine that
//! answers after 700 ms, and how much of a ticket's time is our own, against one that answers at once.
//!
//! Tokens are the server's estimate of three bytes each; the prices are the list's.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use claude::price;
use domain::{Ticket, ports::Analyst, reading::Usage, sample};
use llm::{Budget, Router};
use local::{cli::AnalystChoice, input, run, stack};
use memory::MemoryControl;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

const DELAY: Duration = Duration::from_millis(700);
const READS: usize = 300;

struct Model {
    delay: Duration,
    calls: Arc<AtomicUsize>,
}

impl Respond for Model {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let tokens = |value: &Value| value.to_string().len() / 3;
        let form = json!({
            "churn_quotes": [], "buying_quotes": [], "reason": "The customer asks how something is done in the product.",
            "gravest": "", "gravity": "none", "in_english": [], "injection_suspected": false, "language": "en", "kind": "request",
            "priority": "p2", "priority_sure": 9, "team": "cipher",
            "team_sure": 9, "sentiment": "neutral", "churn": 0, "intent": "none", "intent_sure": 9,
            "article": "rotate-an-api-key",
            "draft": "Hello,\n\nthank you for asking. ".to_owned() + &"Open the settings and follow the steps there. ".repeat(20),
        });
        // The first call of the hour writes the fixed part to the cache.
        let first = self.calls.fetch_add(1, Ordering::Relaxed) == 0;
        let fixed = tokens(&body["system"]) + tokens(&body["output_config"]);
        ResponseTemplate::new(200).set_delay(self.delay).set_body_json(json!({
            "content": [{ "type": "text", "text": form.to_string() }],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": tokens(&body["messages"]),
                "output_tokens": form.to_string().len() / 3,
                "cache_creation_input_tokens": if first { fixed } else { 0 },
                "cache_read_input_tokens": if first { 0 } else { fixed },
            },
        }))
    }
}

async fn server(delay: Duration) -> (MockServer, Arc<AtomicUsize>) {
    let (server, calls) = (MockServer::start().await, Arc::new(AtomicUsize::new(0)));
    let model = Model { delay, calls: calls.clone() };
    Mock::given(matchers::path("/v1/messages")).respond_with(model).mount(&server).await;
    (server, calls)
}

fn environment(server: &MockServer) -> stack::Environment {
    let lines = [("ANTHROPIC_API_KEY", "key".to_owned()), ("ANTHROPIC_BASE_URL", server.uri())];
    stack::Environment::of(lines.map(|(name, value)| (name.to_owned(), value)))
}

#[tokio::main]
async fn main() {
    let input = input::bundled();
    let folder = tempfile::tempdir().unwrap();
    let (slow, calls) = server(DELAY).await;
    let (output, analyst, teams) = (folder.path(), Some(AnalystChoice::Claude), stack::teams());
    let setup = stack::Setup { output, analyst, delivery: true, capped: false, teams };
    let shared = stack::Shared::new(setup, &environment(&slow)).unwrap();
    let started = Instant::now();
    run::process(&shared, &input.rows, None).await.unwrap();
    let took = started.elapsed();

    let mut usage = Usage::default();
    for row in &input.rows {
        usage += shared.log.newest(row.id).unwrap().usage;
    }
    let tickets = input.rows.len();
    println!("{tickets} tickets at {DELAY:?} an answer: {took:.2?}, {} calls", calls.load(Ordering::Relaxed));
    let each = |tokens: u64| tokens / tickets as u64;
    let (input_tokens, cached) = (each(usage.input_tokens), each(usage.cache_read_tokens + usage.cache_write_tokens));
    println!("a ticket: {input_tokens} tokens in, {cached} of them the fixed part; {} out", each(usage.output_tokens));
    for listed in price::LIST {
        let warm = Usage {
            cache_read_tokens: usage.cache_read_tokens + usage.cache_write_tokens,
            cache_write_tokens: 0,
            ..usage
        };
        let cold = Usage { cache_read_tokens: 0, cache_write_tokens: 0, ..usage };
        let thousand = |usage: &Usage| listed.price.cost(usage) / tickets as f64 * 1e3;
        println!("{}: ${:.3} per 1,000 tickets cached, ${:.3} not", listed.model, thousand(&warm), thousand(&cold));
    }

    let (quick, _) = server(Duration::ZERO).await;
    let environment = environment(&quick);
    let get = |name: &str| environment.get(name);
    let model = claude::language_model(&claude::Config::read(get).unwrap()).unwrap();
    let budget = Budget::new(Arc::new(MemoryControl::default()), 1e3, stack::wall_clock);
    let policy = &shared.policy;
    let config = llm::Config::read(get).unwrap();
    let reader = Router::new(config, model, stack::embedded_analyst(&policy.teams).unwrap(), budget);
    let mut times = Vec::with_capacity(READS);
    for row in input.rows.iter().cycle().take(READS) {
        let ticket = Ticket { subject: row.subject.clone(), description: row.description.clone(), ..sample::ticket(1) };
        let started = Instant::now();
        let reading = reader.read(&ticket, &sample::account(), Duration::from_secs(20)).await.unwrap();
        times.push(started.elapsed());
        assert!(reading.fallback.is_none());
    }
    times.sort_unstable();
    let at = |share: f64| times.get((share * (READS - 1) as f64) as usize).copied().unwrap_or_default();
    println!("our own time a ticket, one answer over loopback included: p50 {:.2?}, p99 {:.2?}", at(0.5), at(0.99));
}
