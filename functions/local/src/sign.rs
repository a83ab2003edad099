//! `sign`: an event with a fresh id, timestamp and signature.

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
/// A file that is not an API Gateway event with a body, or a secret that cannot be used.
pub fn command(arguments: &SignArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let file = arguments.event.display();
    let text = std::fs::read_to_string(&arguments.event).with_context(|| format!("{file} cannot be read"))?;
    let event: Value = serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))?;
    let id = (!arguments.keep_id).then(fresh_id);
    let signed = signed(event, id, &environment.webhook_secret()?, &wall_clock().to_string())
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

/// `id` replaces the event's, if it has one.
fn signed(mut event: Value, id: Option<String>, secret: &SecretString, timestamp: &str) -> Option<Signed> {
    let body = event.get("body")?.as_str()?;
    let body = id.and_then(|id| with_id(body, id)).unwrap_or_else(|| body.to_owned());
    *event.get_mut("body")? = body.clone().into();
    let signature = sign(secret, timestamp, body.as_bytes());
    let headers = event.get_mut("headers")?.as_object_mut()?;
    headers.insert(SIGNATURE_HEADER.to_owned(), signature.clone().into());
    headers.insert(TIMESTAMP_HEADER.to_owned(), timestamp.into());
    Some(Signed { event, body, signature, timestamp: timestamp.to_owned() })
}

/// None for a body without an event id, such as a trigger's.
fn with_id(body: &str, id: String) -> Option<String> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    let place = body.get_mut("id").filter(|id| id.is_string())?;
    *place = id.into();
    Some(body.to_string())
}

/// As Zendesk's: a random UUID.
fn fresh_id() -> String {
    let random = fastrand::u128(..);
    let version_4 = (random & !(0xf << 76)) | (0x4 << 76);
    let id = (version_4 & !(0b11 << 62)) | (0b10 << 62);
    let group = |from: u32| (id >> from) & 0xffff;
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", id >> 96, group(80), group(64), group(48), id & 0xffff_ffff_ffff)
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
        let secret = zendesk::signature::TEST_SECRET.into();
        let signed = signed(event, Some(fresh_id()), &secret, "2021-07-25T10:00:00Z").unwrap();
        assert_eq!(signed.event["headers"][SIGNATURE_HEADER], "gf3v0LzLRHPUnIdhbvwRDVEvzSb07/QN0GYjSNlkBT0=");
        assert_eq!(signed.event["headers"]["x"], "y");
        assert!(
            signed.curl("http://localhost:1/x").ends_with(r#"--data-binary '{"say": "hello"}' 'http://localhost:1/x'"#)
        );
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_fresh_id_takes_the_place_of_the_old() {
        let event = serde_json::json!({ "headers": {}, "body": r#"{"detail":{"id":"7"},"id":"old"}"# });
        let ids = |id: Option<String>| {
            let signed = signed(event.clone(), id, &"secret".into(), "now").unwrap();
            assert_eq!(signed.event["body"], signed.body);
            assert_eq!(signed.signature, sign(&"secret".into(), "now", signed.body.as_bytes()));
            let body: Value = serde_json::from_str(&signed.body).unwrap();
            assert_eq!(body["detail"]["id"], "7");
            body["id"].as_str().unwrap().to_owned()
        };
        assert_eq!(ids(None), "old");
        let (first, second) = (ids(Some(fresh_id())), ids(Some(fresh_id())));
        assert_ne!(first, second);
        let shape: String = first.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "{first}");
        assert_eq!(first.as_bytes()[14], b'4', "{first}");
    }

    #[test]
    fn an_event_without_a_body_is_refused() {
        for event in [serde_json::json!({}), serde_json::json!({ "body": 1, "headers": {} })] {
            assert!(signed(event, None, &"secret".into(), "now").is_none());
        }
    }
}
