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
    ports::{Cause, Helpdesk, PortError, Updated},
};
use reqwest::{
    Client, Method, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
};
use serde_json::Value;

const SERVICE: &str = "helpdesk";

#[derive(Clone, Debug)]
pub struct RemoteHelpdesk {
    client: Client,
    base: Url,
}

impl RemoteHelpdesk {
    /// # Errors
    /// An address that is none, such as one without `http://`.
    pub fn new(client: Client, base: &str) -> Result<Self, String> {
        let base = Url::parse(base).ok().filter(|url| !url.cannot_be_a_base());
        base.map(|base| Self { client, base })
            .ok_or_else(|| "is not an address such as http://localhost:8081".to_owned())
    }

    /// What the helpdesk answers, in JSON; none for 404.
    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&TicketUpdate>,
    ) -> Result<Option<Value>, PortError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.client.request(method, url).timeout(Duration::from_secs(5));
        if let Some(body) = body {
            let body = serde_json::to_vec(body).expect("plain values serialise");
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| PortError::transient(SERVICE, error.without_url()))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        let response = response.error_for_status().map_err(|error| sort(status, retry_after, error.without_url()))?;
        let bytes = response.bytes().await.map_err(|error| PortError::transient(SERVICE, error))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| PortError::permanent(SERVICE, error))
    }
}

/// What an answer other than success or 404 means: 4xx is about the request, but for those that are about the moment.
fn sort(status: StatusCode, retry_after: Option<Duration>, cause: impl Into<Cause>) -> PortError {
    let momentary = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    match retry_after {
        _ if status.is_client_error() && !momentary => PortError::permanent(SERVICE, cause),
        Some(not_before) => PortError::throttled(SERVICE, not_before, cause),
        None => PortError::transient(SERVICE, cause),
    }
}

/// `Retry-After` in seconds. One that names a date says nothing to an adapter without a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, PortError> {
    serde_json::from_value(value).map_err(|error| PortError::permanent(SERVICE, error))
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
        answer.map_or(Ok(Updated::Gone), read)
    }

    async fn has_marker(&self, id: TicketId, marker: &str) -> Result<bool, PortError> {
        let calls = self.ask(Method::GET, &["tickets", &id.number().to_string(), "calls"], None).await?;
        let markers = calls.as_ref().and_then(|calls| calls.get("markers")?.as_array());
        Ok(markers.is_some_and(|markers| markers.iter().any(|known| known == marker)))
    }
}

#[cfg(test)]
mod tests {
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
            let told = match sort(status, retry_after, "refused") {
                PortError::Transient { not_before, .. } => Some(not_before),
                PortError::Permanent { .. } => None,
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
}
