//! The network as a [`Transport`].

use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use ureq::{Agent, http};

use crate::transport::{Body, Request, Response, Transport, Unanswered};

/// An answer to a message has a few kB, the members of a large user group some more.
const LONGEST_ANSWER: u64 = 1 << 20;
const USER_AGENT: &str = concat!("support-triage/", env!("CARGO_PKG_VERSION"));

#[derive(Clone, Debug)]
pub struct HttpTransport(Agent);

impl HttpTransport {
    /// `patience`: how long the whole of a request may take.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(patience))
            // A redirect would take the token elsewhere.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .build();
        Self(agent.new_agent())
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let agent = self.0.clone();
        let request = rendered(request)?;
        let call = tokio::task::spawn_blocking(move || {
            let mut response = agent.run(request)?;
            let headers = response.headers().iter();
            // A header that is no text says nothing to us.
            let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
            let (status, headers) = (response.status().as_u16(), headers.collect());
            let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
            Ok(Response { status, headers, body })
        });
        let answer: Result<Response, ureq::Error> = call.await.map_err(unanswered)?;
        answer.map_err(unanswered)
    }
}

fn rendered(request: Request) -> Result<http::Request<Vec<u8>>, Unanswered> {
    let (kind, body) = match request.body {
        Body::Form(form) => ("application/x-www-form-urlencoded", form),
        Body::Json(json) => ("application/json; charset=utf-8", json),
    };
    let mut rendered = http::Request::builder()
        .method("POST")
        .uri(request.url.expose_secret())
        .header("accept", "application/json")
        .header("content-type", kind);
    if let Some(token) = request.token {
        rendered = rendered.header("authorization", format!("Bearer {}", token.expose_secret()));
    }
    // The error's own words could quote the address, which may be a secret.
    rendered.body(body.into_bytes()).map_err(|_| Unanswered("the token or the address cannot be sent".to_owned()))
}

fn unanswered(problem: impl ToString) -> Unanswered {
    Unanswered(problem.to_string())
}
