//! `sign`: an event with a fresh timestamp and signature.

use anyhow::Context;
use secrecy::SecretString;
use serde_json::Value;
use zendesk::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};

use crate::{
    cli::SignArguments,
    exit::Ended,
    say,
    stack::{Environment, wall_clock},
};

/// Prints the signed event, or the curl command that posts it.
///
/// # Errors
/// A file that is no API Gateway event with a body.
pub fn command(arguments: &SignArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let file = arguments.event.display();
    let text = std::fs::read_to_string(&arguments.event).with_context(|| format!("{file} cannot be read"))?;
    let event: Value = serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))?;
    let signed = signed(event, &environment.webhook_secret(), &wall_clock().to_string())
        .with_context(|| format!("{file}: an API Gateway event needs a text `body` and an object `headers`"))?;
    match &arguments.curl {
        None => say::line(format_args!("{:#}", signed.event)),
        Some(url) => say::line(format_args!("{}", signed.curl(url))),
    }
    Ok(Ended::Well)
}

struct Signed {
    event: Value,
    body: String,
    signature: String,
    timestamp: String,
}

fn signed(mut event: Value, secret: &SecretString, timestamp: &str) -> Option<Signed> {
    let body = event.get("body")?.as_str()?.to_owned();
    let signature = sign(secret, timestamp, body.as_bytes());
    let headers = event.get_mut("headers")?.as_object_mut()?;
    headers.insert(SIGNATURE_HEADER.to_owned(), signature.clone().into());
    headers.insert(TIMESTAMP_HEADER.to_owned(), timestamp.into());
    Some(Signed { event, body, signature, timestamp: timestamp.to_owned() })
}

impl Signed {
    fn curl(&self, url: &str) -> String {
        let headers = [
            format!("{SIGNATURE_HEADER}: {}", self.signature),
            format!("{TIMESTAMP_HEADER}: {}", self.timestamp),
            "content-type: application/json".to_owned(),
        ];
        let headers: String = headers.iter().map(|header| format!(" -H {}", quoted(header))).collect();
        format!("curl -sS{headers} --data-binary {} {}", quoted(&self.body), quoted(url))
    }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_put_where_the_webhook_looks() {
        let event = serde_json::json!({ "headers": { "x": "y" }, "body": r#"{"say": "hello"}"# });
        let signed = signed(event, &zendesk::signature::TEST_SECRET.into(), "2021-07-25T10:00:00Z").unwrap();
        assert_eq!(signed.event["headers"][SIGNATURE_HEADER], "gf3v0LzLRHPUnIdhbvwRDVEvzSb07/QN0GYjSNlkBT0=");
        assert_eq!(signed.event["headers"]["x"], "y");
        assert!(
            signed.curl("http://localhost:1/x").ends_with(r#"--data-binary '{"say": "hello"}' 'http://localhost:1/x'"#)
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn an_event_without_a_body_is_refused() {
        for event in [serde_json::json!({}), serde_json::json!({ "body": 1, "headers": {} })] {
            assert!(signed(event, &"secret".into(), "now").is_none());
        }
    }
}
