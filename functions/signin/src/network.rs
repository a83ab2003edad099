//! The network as a [`Transport`].

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::PortError;
use ureq::{Agent, http};

use crate::provider::{Request, Response, Transport};

const CONNECT: Duration = Duration::from_secs(3);
/// The whole of a request. A sign-in has room for two that take this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// A token with two hundred groups is far below.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Any provider, over HTTPS.
#[derive(Clone, Debug)]
pub struct HttpTransport(Agent);

impl Default for HttpTransport {
    fn default() -> Self {
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            // A redirect would take the client's secret elsewhere.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("support-triage/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(agent.new_agent())
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, PortError> {
        let agent = self.0.clone();
        let call = tokio::task::spawn_blocking(move || -> Result<Response, ureq::Error> {
            let mut response = agent.run(rendered(request)?)?;
            let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
            Ok(Response { status: response.status().as_u16(), body })
        });
        let answer = call.await.map_err(|_| unanswered("the request was cut off"))?;
        answer.map_err(|error| unanswered(error.to_string()))
    }
}

fn rendered(request: Request) -> Result<http::Request<Vec<u8>>, ureq::Error> {
    let Request { url, authorization, form } = request;
    let mut rendered = http::Request::builder().uri(url).header("accept", "application/json");
    if let Some(authorization) = authorization {
        rendered = rendered.header("authorization", authorization);
    }
    let rendered = match form {
        Some(form) => {
            let posted = rendered.method("POST").header("content-type", "application/x-www-form-urlencoded");
            posted.body(form.into_bytes())
        }
        None => rendered.body(Vec::new()),
    };
    Ok(rendered?)
}

fn unanswered(problem: impl Into<String>) -> PortError {
    PortError::transient("the identity provider", problem.into())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request with these bytes, and hands over what was asked once it `ends` so.
    fn serve(answer: &'static [u8], ends: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/path", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut part) = (String::new(), [0; 4096]);
            while !asked.ends_with(ends) {
                let read = stream.read(&mut part).unwrap();
                asked.push_str(std::str::from_utf8(&part[..read]).unwrap());
            }
            stream.write_all(answer).unwrap();
            asked.to_ascii_lowercase()
        });
        (url, server)
    }

    #[tokio::test]
    async fn a_form_is_posted_and_an_error_is_an_answer() {
        let (url, server) = serve(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}", "code=1");
        let request = Request { url, authorization: Some("Basic abc".into()), form: Some("code=1".into()) };
        let answer = HttpTransport::default().send(request).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (400, &b"{}"[..]));
        let asked = server.join().unwrap();
        assert!(asked.starts_with("post /path http/1.1\r\n"), "{asked}");
        for line in ["authorization: basic abc\r\n", "content-type: application/x-www-form-urlencoded\r\n"] {
            assert!(asked.contains(line), "{line} in {asked}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let (url, server) = serve(answer, "\r\n\r\n");
        let answer = HttpTransport::default().send(Request { url, authorization: None, form: None }).await.unwrap();
        assert_eq!(answer.status, 302);
        assert!(server.join().unwrap().starts_with("get /path "));
    }

    #[tokio::test]
    async fn silence_is_transient() {
        let (url, server) = serve(b"", "\r\n\r\n");
        let error =
            HttpTransport::default().send(Request { url, authorization: None, form: None }).await.err().unwrap();
        assert!(matches!(error, PortError::Transient { .. }));
        server.join().unwrap();
    }
}
