//! A helpdesk that another process plays: `cargo run -- helpdesk`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /tickets/<id>` | the ticket, or 404 |
//! | `GET /accounts/<id>` | the account |
//! | `PUT /tickets/<id>` with an update | `"applied"`, `"conflict"` or `"gone"` |
//! | `GET /tickets/<id>/calls` | the requests Zendesk would have got, and the markers of those that arrived |

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Account, AccountId, Ticket, TicketId, TicketUpdate,
    ports::{Applied, Helpdesk, PortError, Updated, json_error},
};
use serde_json::Value;
use ureq::{
    Agent,
    http::{HeaderMap, Method, Request, StatusCode, Uri, header::RETRY_AFTER},
};

const SERVICE: &str = "helpdesk";
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub struct RemoteHelpdesk {
    client: Agent,
    base: String,
}

impl RemoteHelpdesk {
    /// # Errors
    /// An address that is none, such as one without `http://`.
    pub fn new(base: &str) -> Result<Self, String> {
        let uri: Option<Uri> = base.parse().ok();
        if uri.is_none_or(|uri| uri.scheme().is_none() || uri.host().is_none()) {
            return Err("is not an address such as http://localhost:8081".to_owned());
        }
        let client = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        Ok(Self { client: client.new_agent(), base: base.trim_end_matches('/').to_owned() })
    }

    /// What the helpdesk answers, in JSON; none for 404.
    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&TicketUpdate>,
    ) -> Result<Option<Value>, PortError> {
        let url = path.iter().fold(self.base.clone(), |url, part| format!("{url}/{}", escaped(part)));
        let body = body.map(|body| serde_json::to_vec(body).expect("plain values serialise")).unwrap_or_default();
        let request = Request::builder().method(method).uri(url).header("content-type", "application/json").body(body);
        let request = request.map_err(|error| PortError::permanent(SERVICE, error))?;
        let client = self.client.clone();
        let call = tokio::task::spawn_blocking(move || {
            let mut response = client.run(request)?;
            let retry_after = retry_after(response.headers());
            Ok(Answer { status: response.status(), retry_after, bytes: response.body_mut().read_to_vec()? })
        });
        let answer: Result<Answer, ureq::Error> = call.await.expect("nothing in it panics");
        let Answer { status, retry_after, bytes } = answer.map_err(|error| PortError::transient(SERVICE, error))?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| PortError::permanent(SERVICE, json_error(error))),
            status => Err(refusal(status, retry_after)),
        }
    }
}

struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    bytes: Vec<u8>,
}

/// What an answer other than success or 404 means: 4xx is about the request, but for those that are about the moment.
fn refusal(status: StatusCode, retry_after: Option<Duration>) -> PortError {
    let momentary = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if status.is_client_error() && !momentary {
        return PortError::permanent(SERVICE, status.to_string());
    }
    match retry_after {
        Some(not_before) => PortError::throttled(SERVICE, not_before, status.to_string()),
        None => PortError::transient(SERVICE, status.to_string()),
    }
}

/// `Retry-After` in seconds. One that names a date says nothing to an adapter without a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// A part of a path: whatever is not a plain letter or digit as `%XX`.
fn escaped(part: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    part.bytes().map(escape).collect()
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, PortError> {
    serde_json::from_value(value).map_err(|error| PortError::permanent(SERVICE, json_error(error)))
}

#[async_trait]
impl Helpdesk for RemoteHelpdesk {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        self.ask(Method::GET, &["tickets", &id.number().to_string()], None).await?.map(read).transpose()
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        let account = self.ask(Method::GET, &["accounts", id.as_str()], None).await?;
        // Every account has an answer, so this one is not there yet, or the address is wrong.
        read(account.ok_or_else(|| PortError::transient(SERVICE, "no answer for an account"))?)
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        let answer = self.ask(Method::PUT, &["tickets", &update.ticket.number().to_string()], Some(update)).await?;
        Ok(match answer.as_ref().and_then(Value::as_str) {
            None => Updated::NotFound,
            Some("conflict") => Updated::Conflict,
            Some("gone") => Updated::Gone,
            Some(_) => Updated::Applied(Applied::default()),
        })
    }

    async fn look_up(&self, id: TicketId, marker: &str) -> Result<Option<Applied>, PortError> {
        let calls = self.ask(Method::GET, &["tickets", &id.number().to_string(), "calls"], None).await?;
        let markers = calls.as_ref().and_then(|calls| calls.get("markers")?.as_array());
        let known = markers.is_some_and(|markers| markers.iter().any(|known| known == marker));
        Ok(known.then(Applied::default))
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::told;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_says_whether_to_ask_again() {
        let minute = Some(Duration::from_secs(60));
        for (status, retry_after, expected) in [
            (StatusCode::TOO_MANY_REQUESTS, minute, Some(minute)),
            (StatusCode::TOO_MANY_REQUESTS, None, Some(None)),
            (StatusCode::REQUEST_TIMEOUT, None, Some(None)),
            (StatusCode::SERVICE_UNAVAILABLE, minute, Some(minute)),
            (StatusCode::INTERNAL_SERVER_ERROR, None, Some(None)),
            (StatusCode::BAD_REQUEST, minute, None),
            (StatusCode::UNPROCESSABLE_ENTITY, None, None),
        ] {
            let told = match refusal(status, retry_after) {
                PortError::Transient { not_before, .. } => Some(not_before),
                PortError::Permanent { .. } | PortError::Denied { .. } => None,
            };
            assert_eq!(told, expected, "{status}");
        }
    }

    #[test]
    fn only_seconds_are_a_retry_after() {
        for (value, seconds) in [("60", Some(60)), ("Mon, 16 Nov 2026 09:00:00 GMT", None), ("-1", None)] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn an_unreadable_answer_is_not_quoted() {
        for answer in [json!("PLANTED"), json!({ "id": "PLANTED" }), json!({ "PLANTED": 1 })] {
            let error = told(&read::<Ticket>(answer).unwrap_err());
            assert_eq!(error, "helpdesk refused: JSON of an unexpected shape");
        }
    }
}
