//! Webhooks over the network.

use std::time::Duration;

use ureq::{Agent, http::Request};

use super::{Delivered, Outgoing};

/// Zendesk waits no longer for an endpoint.
const PATIENCE: Duration = Duration::from_secs(12);
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Sends a request of a webhook and waits for its answer.
#[must_use]
pub fn carry(outgoing: &Outgoing) -> Delivered {
    send(outgoing).unwrap_or(Delivered::TimedOut)
}

fn send(outgoing: &Outgoing) -> Result<Delivered, ureq::Error> {
    let configuration = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent("Zendesk Webhook");
    let (url, host) = reachable(&outgoing.url);
    let mut request = Request::builder().method(outgoing.method.as_str()).uri(url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    let request = request.body(outgoing.body.clone()).map_err(ureq::Error::Http)?;
    let mut response = configuration.build().new_agent().run(request)?;
    let headers = response.headers().iter();
    let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let (status, headers) = (response.status().as_u16(), headers.collect());
    let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string()?;
    Ok(Delivered::Answered { status, headers, body })
}

/// Names under `localhost` mean this machine (RFC 6761), and not every resolver knows: the address, and the name it goes by.
fn reachable(url: &str) -> (String, Option<&str>) {
    let named = url.strip_prefix("http://").and_then(|rest| {
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (name, port) = authority.split_once(':').unwrap_or((authority, "80"));
        name.ends_with(".localhost").then(|| (format!("http://127.0.0.1:{port}{path}"), Some(authority)))
    });
    named.unwrap_or_else(|| (url.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_under_localhost_are_this_machine() {
        for (url, expected, host) in [
            ("http://a.localhost:8080/x?y=1", "http://127.0.0.1:8080/x?y=1", Some("a.localhost:8080")),
            ("http://a.b.localhost", "http://127.0.0.1:80", Some("a.b.localhost")),
            ("http://localhost:8080/x", "http://localhost:8080/x", None),
            ("https://a.localhost/x", "https://a.localhost/x", None),
            ("https://acme.example/x", "https://acme.example/x", None),
        ] {
            assert_eq!(reachable(url), (expected.to_owned(), host), "{url}");
        }
    }
}
