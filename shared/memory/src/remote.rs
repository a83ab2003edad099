//! A helpdesk that another process plays: `cargo run -- helpdesk`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /tickets/<id>` | the ticket, or 404 |
//! | `GET /accounts/<id>` | the account |
//! | `PUT /tickets/<id>` with an update | `"applied"`, `"conflict"` or `"gone"` |
//! | `GET /tickets/<id>/calls` | the requests Zendesk would have got, and the markers of those that arrived |

use async_trait::async_trait;
use domain::{
    Account, AccountId, Ticket, TicketId, TicketUpdate,
    ports::{Helpdesk, PortError, Updated},
};
use reqwest::{Client, Method, StatusCode, Url};
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
        let mut request = self.client.request(method, url).timeout(std::time::Duration::from_secs(5));
        if let Some(body) = body {
            let body = serde_json::to_vec(body).expect("plain values serialise");
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| PortError::transient(SERVICE, error.without_url()))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let client_error = response.status().is_client_error();
        let response = response.error_for_status().map_err(|error| {
            let error = error.without_url();
            if client_error { PortError::permanent(SERVICE, error) } else { PortError::transient(SERVICE, error) }
        })?;
        let bytes = response.bytes().await.map_err(|error| PortError::transient(SERVICE, error))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| PortError::permanent(SERVICE, error))
    }
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
        read(account.ok_or_else(|| PortError::permanent(SERVICE, "no answer for an account"))?)
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
