//! One call of the Messages API: time limits, retries, and every way it can end.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Fallback, reading::Usage};
use jiff::{SignedDuration, fmt::rfc2822};
use llm::{Failure, LanguageModel, Outcome, Reply, Request};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};
use ureq::{
    Agent, Timeout,
    http::{
        HeaderMap, HeaderValue, Request as HttpRequest, StatusCode,
        header::{CONTENT_TYPE, DATE, RETRY_AFTER},
    },
};

use crate::{
    config::{Config, Model},
    wire::{Block, ErrorResponse, MessagePayload, MessageResponse},
};

const VERSION: &str = "2026-10-21";
const ATTEMPTS: u32 = 3;
const CONNECT: Duration = Duration::from_secs(5);
/// One attempt; a form of this size takes a second or two.
const ATTEMPT: Duration = Duration::from_secs(20);
/// A form has a few kB; whatever is longer is no answer. In bytes.
const LONGEST_ANSWER: u64 = 1 << 20;
/// Kept open between calls: as many as a function or a run asks at once, and shorter than the service keeps its end.
const CONNECTIONS: usize = 16;
const IDLE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// Error codes of a spending limit: no retry helps before somebody raises it.
const SPENT: [&str; 2] = ["enforced_spend_limit_reached", "contract_spend_limit_reached"];

/// The Messages API, its connections shared by all calls of a process.
#[derive(Debug)]
pub struct Client {
    http: Agent,
    base_url: String,
    key: SecretString,
    model: Model,
}

/// A response, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// How a call failed. No variant holds text of the request or the answer.
#[derive(Debug, thiserror::Error)]
pub enum ClaudeError {
    #[error("no connection, or it broke")]
    Connection(#[source] ureq::Error),
    #[error("no answer in time")]
    Time,
    #[error("status {}, type {kind:?}, code {code:?}, request {request_id:?}", status.as_u16())]
    Status { status: StatusCode, kind: String, code: Option<String>, request_id: Option<String> },
    /// The parser's own words are left out: they may quote the answer.
    #[error("an answer that is not a message, at character {column}, request {request_id:?}")]
    Garbage { column: usize, request_id: Option<String> },
    #[error("the model refused, request {request_id:?}")]
    Refusal { usage: Usage, request_id: Option<String> },
    #[error("the message ended with {stop:?}, request {request_id:?}")]
    Stop { stop: String, usage: Usage, request_id: Option<String> },
    #[error("a message without text, request {request_id:?}")]
    Empty { usage: Usage, request_id: Option<String> },
}

impl ClaudeError {
    /// What the record says of it.
    #[must_use]
    pub fn fallback(&self) -> Fallback {
        match self {
            Self::Connection(_) | Self::Time => Fallback::Unreachable,
            Self::Status { code: Some(code), .. } if SPENT.contains(&code.as_str()) => Fallback::OverBudget,
            Self::Status { status, .. } => match status.as_u16() {
                300..=407 | 410..=412 => Fallback::Misconfigured,
                413 => Fallback::Invalid,
                _ => Fallback::Unreachable,
            },
            Self::Refusal { .. } => Fallback::Refused,
            Self::Garbage { .. } | Self::Stop { .. } | Self::Empty { .. } => Fallback::Invalid,
        }
    }

    /// The request may have been worked on.
    fn in_doubt(&self) -> bool {
        match self {
            Self::Connection(error) => !before_sending(error),
            Self::Time | Self::Garbage { .. } => true,
            Self::Status { .. } | Self::Refusal { .. } | Self::Stop { .. } | Self::Empty { .. } => false,
        }
    }

    /// What was paid for nothing.
    #[must_use]
    pub fn usage(&self) -> Usage {
        match self {
            Self::Refusal { usage, .. } | Self::Stop { usage, .. } | Self::Empty { usage, .. } => *usage,
            Self::Connection(_) | Self::Time | Self::Status { .. } | Self::Garbage { .. } => Usage::default(),
        }
    }
}

impl Client {
    /// # Errors
    /// A key that cannot stand in a header.
    pub fn new(config: &Config, key: SecretString) -> Result<Self, String> {
        HeaderValue::from_str(key.expose_secret()).map_err(|_| "ANTHROPIC_API_KEY: is not a key".to_owned())?;
        Ok(Self { http: agent(), base_url: config.base_url.clone(), key, model: config.model.clone() })
    }

    /// Sends, and sends again where that may help and time allows. The outcome is that of the last attempt, with whether
    /// any attempt is in doubt.
    async fn message(&self, body: &Arc<[u8]>, within: Duration) -> (Result<Reply, ClaudeError>, bool) {
        let until = Instant::now() + within;
        let (mut attempt, mut in_doubt) = (1, false);
        loop {
            let (error, advice) = match self.attempt(body, until).await {
                Ok(reply) => return (Ok(reply), in_doubt),
                Err(failed) => failed,
            };
            in_doubt |= error.in_doubt();
            let pause = advice.pause.unwrap_or_else(|| backoff(attempt));
            if !advice.again || attempt == ATTEMPTS || Instant::now() + pause >= until {
                return (Err(error), in_doubt);
            }
            tracing::warn!(error = domain::ports::told(&error), attempt, "Asking the model again.");
            sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, body: &Arc<[u8]>, until: Instant) -> Result<Reply, (ClaudeError, Advice)> {
        let url = format!("{}/v1/messages", self.base_url);
        let request = HttpRequest::post(url);
        let answer = match self.exchange(request, body.clone(), until.min(Instant::now() + ATTEMPT)).await {
            Ok(answer) => answer,
            Err(error) => return Err((error, Advice::AGAIN)),
        };
        let request_id = text_of(&answer.headers, "request-id");
        if answer.status.is_success() {
            return read(&answer.body, &self.model, request_id).map_err(|error| (error, Advice::STOP));
        }
        let body: ErrorResponse = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = body.error.details.and_then(|details| details.error_code).map(|code| word(&code));
        let advice = Advice::of(answer.status, &answer.headers, code.as_deref());
        Err((ClaudeError::Status { status: answer.status, kind: word(&body.error.r#type), code, request_id }, advice))
    }

    /// One request and its answer, on a thread of its own: the client blocks.
    async fn exchange(
        &self,
        request: ureq::http::request::Builder,
        body: Arc<[u8]>,
        until: Instant,
    ) -> Result<Answer, ClaudeError> {
        let within = until.saturating_duration_since(Instant::now());
        if within.is_zero() {
            return Err(ClaudeError::Time);
        }
        let (http, headers) = (self.http.clone(), self.headers());
        let call = spawn_blocking(move || {
            let mut request = request.body(&*body).map_err(ureq::Error::from)?;
            *request.headers_mut() = headers;
            let request = http.configure_request(request).timeout_global(Some(within)).build();
            let mut response = http.run(request)?;
            let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
            Ok(Answer { status: response.status(), headers: response.headers().clone(), body })
        });
        // The client keeps the time itself; this is for a name server that keeps it waiting.
        match timeout_at(until, call).await {
            Err(_) => Err(ClaudeError::Time),
            Ok(ended) => ended.expect("the closure has nothing that panics").map_err(|error| match error {
                ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => ClaudeError::Connection(error),
                ureq::Error::Timeout(_) => ClaudeError::Time,
                error => ClaudeError::Connection(error),
            }),
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut key = HeaderValue::from_str(self.key.expose_secret()).expect("checked when the client was made");
        key.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", key);
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers
    }
}

#[async_trait]
impl LanguageModel for Client {
    fn name(&self) -> &str {
        &self.model.id
    }

    fn most_it_can_cost(&self, request: &Request<'_>) -> u64 {
        let schema = serde_json::to_string(request.schema).expect("a schema serialises");
        let bytes = request.system.len() + request.ticket.len() + schema.len();
        self.model.price.at_most(bytes, self.model.max_tokens())
    }

    async fn ask(&self, request: &Request<'_>, within: Duration) -> Outcome {
        let payload = MessagePayload::new(&self.model, request);
        let body = serde_json::to_vec(&payload).expect("strings and a schema serialise");
        let (result, in_doubt) = self.message(&body.into(), within).await;
        let result =
            result.map_err(|error| Failure { fallback: error.fallback(), usage: error.usage(), cause: error.into() });
        Outcome { result, in_doubt }
    }

    /// Asks whether key and model are accepted.
    async fn warm(&self) {
        let request = HttpRequest::get(format!("{}/v1/models/{}", self.base_url, self.model.id));
        match self.exchange(request, Arc::default(), Instant::now() + CONNECT).await {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) => {
                tracing::warn!(status = answer.status.as_u16(), model.id = self.model.id, "Model unavailable.");
            }
            Err(error) => {
                tracing::warn!(error = domain::ports::told(&error), "Failed to connect to the model.");
            }
        }
    }
}

/// A client with bundled root certificates: reading the machine's costs a small function 24 to 65 ms at every cold start.
fn agent() -> Agent {
    Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .http_status_as_error(false)
        // A redirect would carry the key and the ticket to wherever it points; a proxy of the environment likewise.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .max_idle_connections_per_host(CONNECTIONS)
        .max_idle_age(IDLE)
        .build()
        .new_agent()
}

/// Nothing of the request can have reached the service.
fn before_sending(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        // The enum is not ours, and grows.
        _ => false,
    }
}

/// Whether the same request may do better, and after how long the service says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Advice {
    again: bool,
    pause: Option<Duration>,
}

impl Advice {
    const AGAIN: Self = Self { again: true, pause: None };
    const STOP: Self = Self { again: false, pause: None };

    fn of(status: StatusCode, headers: &HeaderMap, code: Option<&str>) -> Self {
        if code.is_some_and(|code| SPENT.contains(&code)) {
            return Self::STOP;
        }
        let again = match text_of(headers, "x-should-retry").as_deref() {
            Some("true") => true,
            Some("false") => false,
            _ => matches!(status.as_u16(), 408 | 409 | 429 | 500..),
        };
        Self { again, pause: retry_after(headers) }
    }
}

/// `retry-after-ms`, or `retry-after` in seconds or as a date, which is measured against the answer's own date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| text_of(headers, name)?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1e3).or_else(|| number(RETRY_AFTER.as_str()));
    if let Some(seconds) = seconds {
        return Duration::try_from_secs_f64(seconds).ok().filter(|pause| !pause.is_zero());
    }
    let date = |name: &str| rfc2822::parse(&text_of(headers, name)?).ok();
    let pause: SignedDuration = date(RETRY_AFTER.as_str())?.duration_since(&date(DATE.as_str())?);
    Duration::try_from(pause).ok().filter(|pause| !pause.is_zero())
}

/// Half a second, doubled each time, less up to a quarter, so that many callers do not come back together.
fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(attempt - 1)).min(LONGEST_PAUSE);
    pause.mul_f64(1.0 - 0.25 * fastrand::f64())
}

fn read(bytes: &[u8], model: &Model, request_id: Option<String>) -> Result<Reply, ClaudeError> {
    let message: MessageResponse = match serde_json::from_slice(bytes) {
        Ok(message) => message,
        Err(error) => return Err(ClaudeError::Garbage { column: error.column(), request_id }),
    };
    let usage = message.usage.usage(model);
    tracing::debug!(
        model.request_id = request_id,
        model.input_tokens = usage.input_tokens,
        model.cache_read_tokens = usage.cache_read_tokens,
        model.output_tokens = usage.output_tokens,
        "The model answered."
    );
    match message.stop_reason.as_deref() {
        Some("end_turn") => {}
        Some("refusal") => return Err(ClaudeError::Refusal { usage, request_id }),
        stop => return Err(ClaudeError::Stop { stop: word(stop.unwrap_or("nothing")), usage, request_id }),
    }
    let text: String = message
        .content
        .into_iter()
        .filter_map(|block| match block {
            Block::Text { text } => Some(text),
            Block::Other => None,
        })
        .collect();
    if text.trim().is_empty() { Err(ClaudeError::Empty { usage, request_id }) } else { Ok(Reply { text, usage }) }
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// A word of the service that may be logged: short, and nothing but letters, digits, `_` and `-`.
fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_service_says_how_long_to_wait() {
        for (pairs, expected) in [
            (&[("retry-after-ms", "250"), ("retry-after", "9")][..], Some(0.25)),
            (&[("retry-after", "1.5")], Some(1.5)),
            (&[("retry-after", "Tue, 24 Nov 2026 10:00:07 GMT"), ("date", "Tue, 24 Nov 2026 10:00:00 GMT")], Some(7.0)),
            (&[("retry-after", "Tue, 24 Nov 2026 10:00:07 GMT")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "0")], None),
            (&[], None),
        ] {
            assert_eq!(retry_after(&headers(pairs)).map(|pause| pause.as_secs_f64()), expected, "{pairs:?}");
        }
    }

    #[test]
    fn what_may_do_better_is_tried_again() {
        let advice = |status: u16, pairs: &[(&'static str, &'static str)], code| {
            Advice::of(StatusCode::from_u16(status).unwrap(), &headers(pairs), code).again
        };
        for status in [408, 409, 429, 500, 503, 504, 529] {
            assert!(advice(status, &[], None), "{status}");
            assert!(!advice(status, &[("x-should-retry", "false")], None), "{status}");
        }
        for status in [400, 401, 402, 403, 404, 413] {
            assert!(!advice(status, &[], None), "{status}");
            assert!(advice(status, &[("x-should-retry", "true")], None), "{status}");
        }
        assert!(advice(429, &[("retry-after", "1")], Some("ramp_limit_exceeded")));
        for code in SPENT {
            assert!(!advice(429, &[("x-should-retry", "true")], Some(code)), "{code}");
        }
    }

    #[test]
    fn pauses_grow_and_differ() {
        for (attempt, most) in [(1, 0.5), (2, 1.0), (5, 8.0), (40, 8.0)] {
            let pause = backoff(attempt).as_secs_f64();
            assert!((0.75 * most..=most).contains(&pause), "{attempt}: {pause}");
        }
    }
}
