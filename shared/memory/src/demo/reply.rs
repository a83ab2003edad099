//! What the demo answers, before it is bytes: successes, and Zendesk's four envelopes for errors.

use serde_json::{Map, Value, json};
use zendesk::Response;

/// An answer being made.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content: Content,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Content {
    Empty,
    Json(Value),
    /// Some errors are plain text.
    Text(&'static str),
}

/// Both sides are answers: `?` ends the work with the refusal.
pub(super) type Handled = Result<Reply, Reply>;

impl Reply {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(body) }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(super) fn created(body: Value, location: &str) -> Self {
        Self::json(201, body).with_header("location", location)
    }

    pub(super) fn no_content() -> Self {
        Self { status: 204, headers: Vec::new(), content: Content::Empty }
    }

    pub(super) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// `{"error": "Code", "description": "…"}`
    pub(super) fn refused(status: u16, code: &str, description: &str) -> Self {
        Self::json(status, json!({ "error": code, "description": description }))
    }

    /// `{"error": {"title": "…", "message": "…"}}`
    pub(super) fn titled(status: u16, title: &str, message: &str) -> Self {
        Self::json(status, json!({ "error": { "title": title, "message": message } }))
    }

    /// `{"errors": [{"code": "…", "title": "…", "detail": "…"}]}`
    pub(super) fn listed(status: u16, code: &str, title: &str, detail: &str) -> Self {
        Self::json(status, json!({ "errors": [{ "code": code, "title": title, "detail": detail }] }))
    }

    /// `{"error": "RecordInvalid", "description": "…", "details": {"field": [{…}]}}`
    pub(super) fn invalid(description: &str, details: Map<String, Value>) -> Self {
        Self::json(422, json!({ "error": "RecordInvalid", "description": description, "details": details }))
    }

    /// There is no such record.
    pub(super) fn not_found() -> Self {
        Self::refused(404, "RecordNotFound", "Not found")
    }

    /// There is no such path.
    pub(super) fn no_endpoint() -> Self {
        Self::refused(404, "InvalidEndpoint", "Not found")
    }

    pub(super) fn forbidden_role() -> Self {
        Self::titled(403, "Forbidden", "You do not have access to this page. Ask the owner of the account for help.")
    }

    pub(super) fn missing_key(key: &str) -> Self {
        Self::refused(400, "RecordInvalid", &format!("Parameter {key} is required"))
    }

    pub(super) fn into_response(self) -> Response {
        let (kind, body) = match self.content {
            Content::Empty => (None, Vec::new()),
            Content::Json(value) => (Some("application/json; charset=utf-8"), value.to_string().into_bytes()),
            Content::Text(text) => (Some("text/plain; charset=utf-8"), text.as_bytes().to_vec()),
        };
        let mut headers = self.headers;
        headers.extend(kind.map(|kind| ("content-type".to_owned(), kind.to_owned())));
        Response { status: self.status, headers, body }
    }
}
