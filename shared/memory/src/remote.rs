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
    ports::{Helpdesk, PortError, Updated},
};
use serde_json::Value;
use ureq::{
    Agent,
    http::{Method, Request, StatusCode, Uri},
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
            Ok((response.status(), response.body_mut().read_to_vec()?))
        });
        let answer: Result<(StatusCode, Vec<u8>), ureq::Error> = call.await.expect("nothing in it panics");
        let (status, bytes) = answer.map_err(|error| PortError::transient(SERVICE, error))?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                serde_json::from_slice(&bytes).map(Some).map_err(|error| PortError::permanent(SERVICE, error))
            }
            status if status.is_client_error() => Err(PortError::permanent(SERVICE, status.to_string())),
            status => Err(PortError::transient(SERVICE, status.to_string())),
        }
    }
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
