//! What the webhook answers, and how that looks over HTTP.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use serde_json::json;

/// Seconds until Zendesk should try again; it does so only for values under 60.
const RETRY_AFTER: &str = "5";

pub(crate) enum Answer {
    Queued,
    Ignored(Ignored),
    Malformed(String),
    Unauthorized,
    MethodNotAllowed,
    TryAgain,
}

pub(crate) enum Ignored {
    NothingToDo,
    OurOwn,
}

impl From<Answer> for ApiGatewayV2httpResponse {
    fn from(answer: Answer) -> Self {
        let (status, body) = match &answer {
            Answer::Queued => (200, json!({ "status": "queued" })),
            Answer::Ignored(Ignored::NothingToDo) => {
                (200, json!({ "status": "ignored", "reason": "nothing to triage" }))
            }
            Answer::Ignored(Ignored::OurOwn) => (200, json!({ "status": "ignored", "reason": "our own change" })),
            Answer::Malformed(problem) => (400, json!({ "error": problem })),
            Answer::Unauthorized => (401, json!({ "error": "the signature is missing or wrong" })),
            Answer::MethodNotAllowed => (405, json!({ "error": "send a POST" })),
            Answer::TryAgain => (503, json!({ "error": "not taken in, try again" })),
        };
        let mut response = Self::default();
        response.status_code = status;
        response.headers.insert("content-type", "application/json".parse().expect("a header value"));
        match answer {
            Answer::TryAgain => {
                response.headers.insert("retry-after", RETRY_AFTER.parse().expect("a header value"));
            }
            Answer::MethodNotAllowed => {
                response.headers.insert("allow", "POST".parse().expect("a header value"));
            }
            Answer::Queued | Answer::Ignored(_) | Answer::Malformed(_) | Answer::Unauthorized => {}
        }
        response.body = Some(body.to_string().into());
        response
    }
}
