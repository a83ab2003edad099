//! Requests with credentials and within the budget, and what each answer means.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use domain::ports::{JsonError, PortError, json_error};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    access::{Access, TokenError},
    budget::{Budget, LONGEST_PAUSE},
    http::{Request, Response, Transport, Unanswered},
    wire::lenient,
};

/// What tells the time; a simulation has its own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const SERVICE: &str = "Zendesk";
/// What to wait after a 429 that names no time.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);
/// Names what in a request Zendesk did not take, such as unpermitted keys.
const API_WARNING: &str = "x-zendesk-api-warn";
const LONGEST_WARNING: usize = 300;

/// One Zendesk account. Clones share everything.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Arc<dyn Transport>,
    access: Access,
    budget: Budget,
    clock: Clock,
    warnings: AtomicU64,
}

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Whether it arrived is not known.
    #[error("no answer")]
    Unanswered(#[source] Unanswered),
    /// 401, with a new token too.
    #[error("401: the credentials are not accepted; renew them in the credentials parameter")]
    Unauthorized,
    #[error(transparent)]
    Token(#[from] TokenError),
    /// 403.
    #[error("403: {missing}")]
    Forbidden { missing: Missing },
    /// 404: there is no such thing, or not for us.
    #[error("404 {}", shown(code.as_deref()))]
    NotFound { code: Option<String> },
    /// 410: it is no more.
    #[error("410: gone")]
    Gone,
    /// 409: somebody changed it in between, or changes it just now.
    #[error("409: changed meanwhile")]
    Conflict,
    /// 422: understood, and not accepted.
    #[error("422 {0}")]
    Invalid(Refusal),
    /// Over our budget or Zendesk's limit.
    #[error("rate limit reached")]
    Throttled { not_before: Duration },
    /// Zendesk has trouble; a write may have arrived all the same.
    #[error("status {status}")]
    Unavailable { status: u16, not_before: Option<Duration> },
    /// Any other status: the same request will fail again.
    #[error("status {status} {}", shown(code.as_deref()))]
    Refused { status: u16, code: Option<String> },
    /// A success that does not say what it should.
    #[error("the answer cannot be read: {0}")]
    Unreadable(JsonError),
    /// The same, of one field.
    #[error("the answer has no {0}")]
    Missing(&'static str),
    /// The counters or the store of the credentials failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

/// What a 403 asks for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Missing {
    #[error("the token lacks the scopes `{0}`; add them to the allowed scopes of the OAuth client")]
    Scopes(String),
    /// Zendesk does not say which.
    #[error(
        "the bot's role or the account's plan does not allow this; give the bot user the role docs/zendesk.md names"
    )]
    RoleOrPlan,
}

/// What was wrong with a request, as far as it is told in words that are not localised.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Refusal {
    pub code: Option<String>,
    pub details: Vec<Detail>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Detail {
    /// The property, or `base` for the whole.
    pub key: String,
    /// Such as `BlankValue`, `InvalidValue`.
    pub error: Option<String>,
    pub ticket_field_id: Option<u64>,
    /// Such as `FieldAssignee`.
    pub ticket_field_type: Option<String>,
    pub field_key: Option<String>,
}

impl Client {
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, access: Access, budget: Budget, clock: Clock) -> Self {
        Self { shared: Arc::new(Shared { transport, access, budget, clock, warnings: AtomicU64::new(0) }) }
    }

    /// One request with credentials and budget, answered with success. A 401 is retried once with a new token.
    ///
    /// # Errors
    /// [`ApiError`]; nothing is ever waited for here.
    pub async fn send(&self, request: Request) -> Result<Response, ApiError> {
        let authorization = self.shared.access.authorization(self, None).await?;
        let first = Request { authorization: Some(authorization.clone()), ..request.clone() };
        let response = self.exchange(first).await?;
        if response.status != 401 {
            return success(response);
        }
        let fresh = self.shared.access.authorization(self, Some(&authorization)).await?;
        success(self.exchange(Request { authorization: Some(fresh), ..request }).await?)
    }

    /// The same, with the answer read as JSON.
    ///
    /// # Errors
    /// As [`Self::send`], and [`ApiError::Unreadable`].
    pub async fn call<T: DeserializeOwned>(&self, request: Request) -> Result<T, ApiError> {
        read(&self.send(request).await?)
    }

    /// # Errors
    /// As [`Self::call`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.call(Request::get(path)).await
    }

    /// How many answers warned of something in our requests that Zendesk did not take. Tests hold it to zero.
    #[must_use]
    pub fn warnings(&self) -> u64 {
        self.shared.warnings.load(Ordering::Relaxed)
    }

    /// Who we are to Zendesk.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.shared.clock)()
    }

    /// One request as it is, counted; any status.
    pub(crate) async fn exchange(&self, request: Request) -> Result<Response, ApiError> {
        let Shared { transport, budget, warnings, .. } = &*self.shared;
        budget.admit(&request, self.now()).await?;
        let response = transport.send(request).await.map_err(ApiError::Unanswered)?;
        budget.learn(&response, self.now());
        if let Some(warning) = response.header(API_WARNING) {
            warnings.fetch_add(1, Ordering::Relaxed);
            let warning: String = warning.chars().filter(|c| !c.is_control()).take(LONGEST_WARNING).collect();
            tracing::warn!(warning, "Zendesk did not take a part of a request.");
        }
        Ok(response)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("access", &self.shared.access).finish_non_exhaustive()
    }
}

impl From<ApiError> for PortError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Port(error) => error,
            ApiError::Throttled { not_before } | ApiError::Unavailable { not_before: Some(not_before), .. } => {
                Self::throttled(SERVICE, not_before, error)
            }
            // An answer that cannot be read is a proxy's page or was cut off; it is another one later.
            ApiError::Unanswered(_)
            | ApiError::Unavailable { not_before: None, .. }
            | ApiError::Conflict
            | ApiError::Unreadable(_)
            | ApiError::Missing(_) => Self::transient(SERVICE, error),
            ApiError::Unauthorized | ApiError::Token(_) | ApiError::Forbidden { .. } => Self::denied(SERVICE, error),
            ApiError::NotFound { .. } | ApiError::Gone | ApiError::Invalid(_) | ApiError::Refused { .. } => {
                Self::permanent(SERVICE, error)
            }
        }
    }
}

impl ApiError {
    /// Whether a write that ended like this may have been done all the same.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::Unanswered(_) | Self::Unavailable { .. } | Self::Unreadable(_) | Self::Missing(_) => true,
            Self::Unauthorized
            | Self::Token(_)
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Gone
            | Self::Conflict
            | Self::Invalid(_)
            | Self::Throttled { .. }
            | Self::Refused { .. }
            | Self::Port(_) => false,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(shown(self.code.as_deref()))?;
        for Detail { key, error, ticket_field_id, .. } in &self.details {
            write!(f, "; {}: {}", plain(key).unwrap_or("a property"), shown(error.as_deref()))?;
            if let Some(id) = ticket_field_id {
                write!(f, " (field {id})")?;
            }
        }
        Ok(())
    }
}

fn success(response: Response) -> Result<Response, ApiError> {
    if (200..300).contains(&response.status) { Ok(response) } else { Err(sort(&response)) }
}

pub(crate) fn read<T: DeserializeOwned>(response: &Response) -> Result<T, ApiError> {
    serde_json::from_slice(&response.body).map_err(|error| ApiError::Unreadable(json_error(error)))
}

/// What a status other than success means.
pub(crate) fn sort(response: &Response) -> ApiError {
    let status = response.status;
    match status {
        401 => ApiError::Unauthorized,
        403 => ApiError::Forbidden { missing: missing(&response.body) },
        404 => match code(&response.body) {
            // Not the thing is missing but the whole path: a wrong subdomain, or a plan without it.
            code @ Some(_) if code.as_deref() == Some("InvalidEndpoint") => ApiError::Refused { status, code },
            code => ApiError::NotFound { code },
        },
        409 => ApiError::Conflict,
        410 => ApiError::Gone,
        422 => ApiError::Invalid(Refusal::read(&response.body)),
        429 => ApiError::Throttled { not_before: retry_after(response).unwrap_or(DEFAULT_PAUSE) },
        408 | 425 | 500.. => ApiError::Unavailable { status, not_before: retry_after(response) },
        _ => ApiError::Refused { status, code: code(&response.body) },
    }
}

/// `Retry-After` in seconds, capped: 999,999 has been seen. A date is not read.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.clamp(1, LONGEST_PAUSE)))
}

/// The code of an error in any of Zendesk's four envelopes and OAuth's; none for a text or a page.
pub(crate) fn code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let found = ["/error", "/errors/0/code", "/error/code", "/error/title"];
    let found = found.iter().find_map(|path| body.pointer(path)?.as_str())?;
    plain(found).map(str::to_owned)
}

/// A word that may stand in a log: a code is a name, and everything else might be a customer's text.
fn plain(text: &str) -> Option<&str> {
    let name = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    if !text.is_empty() && text.len() <= 64 && text.chars().all(name) { Some(text) } else { None }
}

fn shown(code: Option<&str>) -> &str {
    code.and_then(plain).unwrap_or("without a code")
}

/// The scopes a 403 names; where it names none, or in another language, it may be any right.
fn missing(body: &[u8]) -> Missing {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let texts = ["/description", "/error/message", "/errors/0/detail", "/error_description"];
    let texts = texts.iter().filter_map(|path| body.pointer(path)?.as_str());
    for text in texts {
        let Some((_, scopes)) = text.split_once("required scopes:") else { continue };
        let scopes = scopes.split(|c: char| c.is_whitespace() || c == ',').map(|scope| scope.trim_matches('.'));
        let scopes: Vec<&str> = scopes.filter_map(plain).collect();
        if !scopes.is_empty() {
            return Missing::Scopes(scopes.join(" "));
        }
    }
    Missing::RoleOrPlan
}

impl Refusal {
    /// From the keys of `details` and what stands in them but `description`, which is localised.
    fn read(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let details = value.get("details").and_then(Value::as_object).into_iter().flatten();
        let details = details.flat_map(|(key, entries)| {
            let entries = match entries {
                Value::Array(entries) => entries.as_slice(),
                single => std::slice::from_ref(single),
            };
            entries.iter().map(|entry| Detail::read(key, entry))
        });
        Self { code: code(body), details: details.collect() }
    }
}

impl Detail {
    fn read(key: &str, entry: &Value) -> Self {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            key: key.to_owned(),
            error: text("error"),
            ticket_field_id: entry.get("ticket_field_id").and_then(lenient::as_number),
            ticket_field_type: text("ticket_field_type"),
            field_key: text("field_key"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use domain::ports::told;
    use futures::executor::block_on;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::script::{Script, answer, client, with_header};

    const PATH: &str = "/api/v2/tickets/1.json";
    const GET: &str = "GET /api/v2/tickets/1.json";

    fn get(response: Response) -> Result<Value, ApiError> {
        let script = Script::new();
        script.expect(GET, response);
        block_on(client(&script).get(PATH))
    }

    fn text(status: u16, text: &str) -> Response {
        Response { status, headers: Vec::new(), body: text.as_bytes().to_vec() }
    }

    #[test]
    fn each_status_means_one_thing() {
        let coded = |status, code: &str| answer(status, json!({ "error": code, "description": "PLANTED" }));
        for (response, expected, kind) in [
            (coded(400, "InvalidPaginationDepth"), "status 400 InvalidPaginationDepth", "permanent"),
            (answer(400, json!({ "error": { "title": "Bad", "message": "PLANTED" } })), "status 400 Bad", "permanent"),
            (
                answer(400, json!({ "errors": [{ "code": "BadRequest", "title": "PLANTED" }] })),
                "BadRequest",
                "permanent",
            ),
            (text(301, "PLANTED"), "status 301 without a code", "permanent"),
            (coded(403, "Forbidden"), "the bot's role", "denied"),
            (coded(404, "RecordNotFound"), "404 RecordNotFound", "permanent"),
            (coded(404, "InvalidEndpoint"), "status 404 InvalidEndpoint", "permanent"),
            (text(404, ""), "404 without a code", "permanent"),
            (coded(409, "UpdateConflict"), "409", "transient"),
            (coded(409, "DatabaseConflict"), "409", "transient"),
            (text(410, "PLANTED"), "410", "permanent"),
            (text(408, "PLANTED"), "status 408", "transient"),
            (text(425, "PLANTED"), "status 425", "transient"),
            (text(500, "<html>PLANTED"), "status 500", "transient"),
            (text(503, "PLANTED"), "status 503", "transient"),
            (text(429, "Number of allowed API requests per minute exceeded"), "rate limit", "transient"),
            (coded(418, "A customer wrote PLANTED"), "status 418 without a code", "permanent"),
            (text(200, "<html>PLANTED"), "cannot be read", "transient"),
        ] {
            let error = get(response).unwrap_err();
            assert!(error.to_string().contains(expected), "{error} is not {expected}");
            let error = PortError::from(error);
            let found = match &error {
                PortError::Transient { .. } => "transient",
                PortError::Denied { .. } => "denied",
                PortError::Permanent { .. } => "permanent",
            };
            assert_eq!(found, kind, "{expected}");
            assert!(!told(&error).contains("PLANTED") && !format!("{error:?}").contains("PLANTED"), "{error:?}");
            assert!(error.source().is_some());
        }
    }

    #[test]
    fn a_403_names_the_scopes_it_misses() {
        for (body, scopes) in [
            (json!({ "error": "Forbidden", "description": "Missing the following required scopes: read" }), "read"),
            (
                json!({ "error": "Forbidden", "description": "You are missing the following required scopes: tickets:read, read." }),
                "tickets:read read",
            ),
            (
                json!({ "error": { "title": "Forbidden", "message": "Missing the following required scopes: hc:read" } }),
                "hc:read",
            ),
        ] {
            let error = get(answer(403, body)).unwrap_err().to_string();
            assert!(error.contains(&format!("`{scopes}`")), "{error}");
        }
        let localised = json!({ "error": "Forbidden", "description": "Faltam os seguintes escopos: read" });
        assert!(get(answer(403, localised)).unwrap_err().to_string().contains("role"));
    }

    #[test]
    fn a_pause_is_in_seconds_and_capped() {
        for (status, header, seconds) in [
            (429, Some("7"), Some(7)),
            (429, Some("999999"), Some(900)),
            (429, Some("Mon, 16 Nov 2026 09:00:00 GMT"), Some(60)),
            (429, Some("0"), Some(1)),
            (429, None, Some(60)),
            (503, Some(" 30 "), Some(30)),
            (503, None, None),
            (503, Some("-1"), None),
        ] {
            let mut response = text(status, "");
            if let Some(header) = header {
                response = with_header(response, "Retry-After", header);
            }
            let PortError::Transient { not_before, .. } = get(response).unwrap_err().into() else { panic!("{status}") };
            assert_eq!(not_before, seconds.map(Duration::from_secs), "{status} {header:?}");
        }
    }

    #[test]
    fn a_refusal_is_read_without_its_words() {
        let body = json!({ "error": "RecordInvalid", "description": "PLANTED", "details": {
            "base": [
                { "description": "PLANTED", "error": null, "ticket_field_id": 360_000_000_001_u64, "ticket_field_type": "FieldAssignee" },
                { "description": "PLANTED", "error": "BlankValue", "ticket_field_id": "17" },
            ],
            "assignee": [{ "description": "PLANTED", "error": "InvalidValue", "field_key": "mrr" }],
            "odd": { "description": "PLANTED" },
            "odder": "PLANTED",
        } });
        let Err(ApiError::Invalid(refusal)) = get(answer(422, body)) else { panic!() };
        assert_eq!(refusal.details.len(), 5);
        assert!(!format!("{refusal:?} {refusal}").contains("PLANTED"), "{refusal}");
        let find = |key: &str| refusal.details.iter().find(|detail| detail.key == key).unwrap().clone();
        assert_eq!(find("base").ticket_field_id, Some(360_000_000_001));
        assert_eq!(find("base").ticket_field_type.as_deref(), Some("FieldAssignee"));
        assert_eq!(find("assignee").error.as_deref(), Some("InvalidValue"));
        assert_eq!(find("assignee").field_key.as_deref(), Some("mrr"));
        for bare in ["", "[]", r#"{"details": []}"#, r#"{"details": null, "error": 5}"#] {
            let Err(ApiError::Invalid(refusal)) = get(text(422, bare)) else { panic!("{bare}") };
            assert_eq!(refusal, Refusal::default());
        }
    }

    #[test]
    fn silence_is_transient_and_ambiguous() {
        let script = Script::new();
        script.expect_silence(GET);
        let error = block_on(client(&script).get::<Value>(PATH)).unwrap_err();
        assert!(error.is_ambiguous());
        assert!(matches!(PortError::from(error), PortError::Transient { not_before: None, .. }));
    }

    #[test]
    fn a_warning_of_zendesk_is_counted() {
        let script = Script::new();
        let warned = with_header(answer(200, json!({})), "X-Zendesk-API-Warn", "{:unpermitted_keys=>[\"ticket.id\"]}");
        script.expect(GET, answer(200, json!({}))).expect(GET, warned);
        let client = client(&script);
        block_on(client.get::<Value>(PATH)).unwrap();
        assert_eq!(client.warnings(), 0);
        block_on(client.get::<Value>(PATH)).unwrap();
        assert_eq!(client.warnings(), 1);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            status in 100u16..600,
            body in prop::collection::vec(any::<u8>(), 0..200),
            name in "(retry-after|x-rate-limit|x-rate-limit-remaining|ratelimit-reset|zendesk-ratelimit-tickets-update)",
            value in ".{0,30}",
        ) {
            let response = with_header(Response { status, headers: Vec::new(), body }, &name, &value);
            if status != 401 {
                let _ = get(response);
            }
        }
    }
}
