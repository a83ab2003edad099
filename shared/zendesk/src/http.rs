//! What goes to Zendesk and what comes back, whoever carries it: a network, or the demo in this process.

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use strum::{Display, IntoStaticStr};

/// A request to the customer's Zendesk. Its debug output has no body: that holds a customer's text or a client's secret.
#[derive(Clone, PartialEq, Serialize)]
pub struct Request {
    pub method: Method,
    /// Path with its query, from `/api/v2` or `/oauth` on.
    pub path: String,
    /// Sent as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// The value of `Authorization`; only what is sent has one, and no log shows it.
    #[serde(skip)]
    pub authorization: Option<Authorization>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Display, IntoStaticStr)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A header's value that is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(pub String);

/// A complete answer, whatever it says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    pub status: u16,
    /// Names in any case, as they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// No complete answer: timed out, cut off, no connection. Whether the request arrived is not known.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

/// Carries requests to one Zendesk.
#[async_trait]
pub trait Transport: Send + Sync {
    async fn send(&self, request: Request) -> Result<Response, Unanswered>;
}

impl Request {
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: None, authorization: None }
    }

    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    #[must_use]
    pub fn with_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

impl Response {
    /// The first header of that name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.method, self.path)
    }
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authorization(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_found_in_any_case() {
        let response = Response {
            headers: vec![("Retry-After".into(), "7".into()), ("retry-after".into(), "8".into())],
            ..Response::default()
        };
        assert_eq!((response.header("RETRY-AFTER"), response.header("x")), (Some("7"), None));
    }

    #[test]
    fn no_output_shows_a_secret() {
        let request =
            Request { authorization: Some(Authorization("Bearer PLANTED".into())), ..Request::get("/api/v2/users/me") };
        assert!(!format!("{request:?} {}", serde_json::to_string(&request).unwrap()).contains("PLANTED"));
        let request = Request::new(Method::Post, "/oauth/tokens").with_body("PLANTED".into());
        assert!(!format!("{request:?}").contains("PLANTED"));
    }
}
