//! The network as a [`Transport`].

use std::time::Duration;

use async_trait::async_trait;
use ureq::{
    Agent,
    http::{self, Uri},
};

use crate::http::{Method, Request, Response, Transport, Unanswered};

const CONNECT: Duration = Duration::from_secs(3);
/// The whole of a request. A triage has room for two that take this long.
const PATIENCE: Duration = Duration::from_secs(8);
/// A page of a hundred comments is far below.
const LONGEST_ANSWER: u64 = 8 << 20;
const USER_AGENT: &str = concat!("support-triage/", env!("CARGO_PKG_VERSION"));

/// One Zendesk account over HTTPS, or `demo-zendesk` on this machine.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    agent: Agent,
    base: String,
}

impl HttpTransport {
    /// `place` is a subdomain such as `acme`, or `http://127.0.0.1:PORT` for `demo-zendesk`.
    ///
    /// # Errors
    /// What it should be. Any other address is refused, since credentials go there.
    pub fn new(place: &str) -> Result<Self, &'static str> {
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            // A redirect would take the credentials elsewhere.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .build();
        Ok(Self { agent: agent.new_agent(), base: base(place)? })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let agent = self.agent.clone();
        let request = self.rendered(request)?;
        let call = tokio::task::spawn_blocking(move || {
            let mut response = agent.run(request)?;
            let headers = response.headers().iter();
            // A header that is no text says nothing to us.
            let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
            let (status, headers) = (response.status().as_u16(), headers.collect());
            let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
            Ok(Response { status, headers, body })
        });
        let answer: Result<Response, ureq::Error> = call.await.map_err(|_| unanswered("the request was cut off"))?;
        answer.map_err(unanswered)
    }
}

impl HttpTransport {
    fn rendered(&self, request: Request) -> Result<http::Request<Vec<u8>>, Unanswered> {
        let Request { method, path, body, authorization } = request;
        let body = body.map(|body| serde_json::to_vec(&body).map_err(unanswered)).transpose()?;
        let mut rendered = http::Request::builder()
            .method(<&str>::from(method))
            .uri(format!("{}{}", self.base, escaped(&path)))
            .header("accept", "application/json");
        if body.is_some() || method != Method::Get {
            rendered = rendered.header("content-type", "application/json");
        }
        if let Some(authorization) = authorization {
            rendered = rendered.header("authorization", authorization.0);
        }
        rendered.body(body.unwrap_or_default()).map_err(unanswered)
    }
}

fn unanswered(problem: impl ToString) -> Unanswered {
    Unanswered(problem.to_string())
}

/// Brackets stand in Zendesk's own parameter names, and in no valid address.
fn escaped(path: &str) -> String {
    path.replace('[', "%5B").replace(']', "%5D").replace(' ', "%20")
}

fn base(place: &str) -> Result<String, &'static str> {
    const SHAPE: &str = "is neither a subdomain such as `acme` nor `http://127.0.0.1:PORT`";
    let place = place.trim();
    let plain = place.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain && !place.is_empty() && place.len() <= 63 && !place.starts_with('-') && !place.ends_with('-') {
        return Ok(format!("https://{}.zendesk.com", place.to_ascii_lowercase()));
    }
    let uri: Uri = place.trim_end_matches('/').parse().map_err(|_| SHAPE)?;
    let local = uri.host().is_some_and(|host| host == "127.0.0.1" || host == "localhost");
    let bare = uri.path().len() <= 1 && uri.query().is_none() && !place.contains('@');
    if local && bare && uri.scheme_str() == Some("http") {
        Ok(place.trim_end_matches('/').to_owned())
    } else {
        Err(SHAPE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_zendesk_or_this_machine() {
        for (place, base_url) in [
            ("acme", Some("https://acme.zendesk.com")),
            (" Acme-Support2 ", Some("https://acme-support2.zendesk.com")),
            ("http://127.0.0.1:8081/", Some("http://127.0.0.1:8081")),
            ("http://localhost:8081", Some("http://localhost:8081")),
            ("", None),
            ("-acme", None),
            ("acme.zendesk.com", None),
            ("acme.example.com/", None),
            ("https://acme.zendesk.com", None),
            ("http://127.0.0.1.example.com", None),
            ("http://127.0.0.1@example.com", None),
            ("http://user@127.0.0.1", None),
            ("http://example.com", None),
            ("http://127.0.0.1/path", None),
        ] {
            assert_eq!(base(place).ok().as_deref(), base_url, "{place:?}");
        }
    }

    #[test]
    fn parameters_in_brackets_are_escaped() {
        assert_eq!(escaped("/api/v2/a.json?page[size]=100"), "/api/v2/a.json?page%5Bsize%5D=100");
    }
}
