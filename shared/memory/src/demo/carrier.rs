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
    let mut request = Request::builder().method(outgoing.method.as_str()).uri(&outgoing.url);
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
