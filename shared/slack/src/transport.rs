//! What goes to Slack and what comes back, whoever carries it.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

/// A POST. Its debug output has neither token nor body, and no address: an incoming webhook's is a secret.
#[derive(Clone)]
pub struct Request {
    pub url: SecretString,
    pub token: Option<SecretString>,
    pub body: Body,
}

#[derive(Clone)]
pub enum Body {
    /// Arguments of a method of the Web API, encoded as a form: not every method reads JSON.
    Form(String),
    Json(String),
}

/// A complete answer, whatever it says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    pub status: u16,
    /// Names in any case, as they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// No complete answer. Whether the request arrived is not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: Request) -> Result<Response, Unanswered>;
}

impl Response {
    /// The first header of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Request(…)")
    }
}
