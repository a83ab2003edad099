//! The network as a [`Transport`].

use std::time::Duration;

use async_trait::async_trait;
use ureq::{
    Agent,
    http::{self, Uri},
};

use crate::http::{Method, Request, Response, Transport, Unanswered};

const CONNECT: Duration = Duration::from_secs(3);
/// The whole of a request. A triage has room for two that take this long.
const PATIENCE: Duration = Duration::from_secs(8);
/// A page of a hundred comments is far below.
const LONGEST_ANSWER: u64 = 8 << 20;
const USER_AGENT: &str = concat!("support-triage/", env!("CARGO_PKG_VERSION"));

/// One Zendesk account over HTTPS, or `demo-zendesk` on this machine.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    agent: Agent,
    base: String,
}

impl HttpTransport {
    /// `place` is a subdomain such as `acme`, or `http://127.0.0.1:PORT` for `demo-zendesk`.
    ///
    /// # Errors
    /// What it should be. Any other address is refused, since credentials go there.
    pub fn new(place: &str) -> Result<Self, &'static str> {
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(PATIENCE))
            // A redirect would take the credentials elsewhere.
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .build();
        Ok(Self { agent: agent.new_agent(), base: base(place)? })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let agent = self.agent.clone();
        let request = self.rendered(request)?;
        let call = tokio::task::spawn_blocking(move || {
            let mut response = agent.run(request)?;
            let headers = response.headers().iter();
            // A header that is no text says nothing to us.
            let headers = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
            let (status, headers) = (response.status().as_u16(), headers.collect());
            let body = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec()?;
            Ok(Response { status, headers, body })
        });
        let answer: Result<Response, ureq::Error> = call.await.map_err(|_| unanswered("the request was cut off"))?;
        answer.map_err(unanswered)
    }
}

impl HttpTransport {
    fn rendered(&self, request: Request) -> Result<http::Request<Vec<u8>>, Unanswered> {
        let Request { method, path, body, authorization } = request;
        let body = body.map(|body| serde_json::to_vec(&body).map_err(unanswered)).transpose()?;
        let mut rendered = http::Request::builder()
            .method(<&str>::from(method))
            .uri(format!("{}{}", self.base, escaped(&path)))
            .header("accept", "application/json");
        if body.is_some() || method != Method::Get {
            rendered = rendered.header("content-type", "application/json");
        }
        if let Some(authorization) = authorization {
            rendered = rendered.header("authorization", authorization.0);
        }
        rendered.body(body.unwrap_or_default()).map_err(unanswered)
    }
}

fn unanswered(problem: impl ToString) -> Unanswered {
    Unanswered(problem.to_string())
}

/// Brackets stand in Zendesk's own parameter names, and in no valid address.
fn escaped(path: &str) -> String {
    path.replace('[', "%5B").replace(']', "%5D").replace(' ', "%20")
}

fn base(place: &str) -> Result<String, &'static str> {
    const SHAPE: &str = "is neither a subdomain such as `acme` nor `http://127.0.0.1:PORT`";
    let place = place.trim();
    let plain = place.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain && !place.is_empty() && place.len() <= 63 && !place.starts_with('-') && !place.ends_with('-') {
        return Ok(format!("https://{}.zendesk.com", place.to_ascii_lowercase()));
    }
    let uri: Uri = place.trim_end_matches('/').parse().map_err(|_| SHAPE)?;
    let local = uri.host().is_some_and(|host| host == "127.0.0.1" || host == "localhost");
    let bare = uri.path().len() <= 1 && uri.query().is_none() && !place.contains('@');
    if local && bare && uri.scheme_str() == Some("http") {
        Ok(place.trim_end_matches('/').to_owned())
    } else {
        Err(SHAPE)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn credentials_go_to_zendesk_or_this_machine() {
        for (place, base_url) in [
            ("acme", Some("https://acme.zendesk.com")),
            (" Acme-Support2 ", Some("https://acme-support2.zendesk.com")),
            ("http://127.0.0.1:8081/", Some("http://127.0.0.1:8081")),
            ("http://localhost:8081", Some("http://localhost:8081")),
            ("", None),
            ("-acme", None),
            ("acme.zendesk.com", None),
            ("acme.example.com/", None),
            ("https://acme.zendesk.com", None),
            ("http://127.0.0.1.example.com", None),
            ("http://127.0.0.1@example.com", None),
            ("http://user@127.0.0.1", None),
            ("http://example.com", None),
            ("http://127.0.0.1/path", None),
        ] {
            assert_eq!(base(place).ok().as_deref(), base_url, "{place:?}");
        }
    }

    /// Answers one request, with a body if something is `written`, with these bytes, and hands over what was asked.
    fn serve(answer: Vec<u8>, written: bool) -> (HttpTransport, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let transport = HttpTransport::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut part) = (Vec::new(), [0; 4096]);
            let end: &[u8] = if written { b"}" } else { b"\r\n\r\n" };
            while !asked.ends_with(end) {
                let read = stream.read(&mut part).unwrap();
                asked.extend_from_slice(&part[..read]);
            }
            // Whoever hangs up before the end of a long answer is no failure of the server's.
            let _ = stream.write_all(&answer);
            String::from_utf8(asked).unwrap().to_ascii_lowercase()
        });
        (transport, server)
    }

    #[tokio::test]
    async fn a_request_goes_out_whole() {
        let (transport, server) =
            serve(b"HTTP/1.1 201 Created\r\nX-Rate-Limit: 400\r\nContent-Length: 2\r\n\r\n{}".to_vec(), true);
        let path = "/api/v2/tickets/7/comments.json?page[size]=100";
        let request = Request::new(Method::Put, path).with_body(serde_json::json!({ "ticket": {} }));
        let request = Request { authorization: Some(crate::Authorization("Bearer abc".into())), ..request };
        let answer = transport.send(request).await.unwrap();
        assert_eq!((answer.status, answer.header("x-rate-limit"), &*answer.body), (201, Some("400"), &b"{}"[..]));
        let asked = server.join().unwrap();
        assert!(asked.starts_with("put /api/v2/tickets/7/comments.json?page%5bsize%5d=100 http/1.1\r\n"), "{asked}");
        for line in [
            "authorization: bearer abc",
            "content-type: application/json",
            "accept: application/json",
            "user-agent: support-triage/",
        ] {
            assert!(asked.contains(line), "{line} in {asked}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let (transport, server) =
            serve(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(), false);
        assert_eq!(transport.send(Request::get("/api/v2/users/me.json")).await.unwrap().status, 302);
        server.join().unwrap();
    }

    #[tokio::test]
    async fn an_answer_cut_off_or_without_end_is_none() {
        let endless = [&b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"[..], &vec![b' '; 9_000_000]].concat();
        for answer in [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_vec(), Vec::new(), endless] {
            let (transport, server) = serve(answer, false);
            assert!(transport.send(Request::get("/api/v2/users/me.json")).await.is_err());
            server.join().unwrap();
        }
    }

    #[test]
    fn parameters_in_brackets_are_escaped() {
        assert_eq!(escaped("/api/v2/a.json?page[size]=100"), "/api/v2/a.json?page%5Bsize%5D=100");
    }
}
