//! HTTP for this machine alone: who may ask, how long a request may take, and a shutdown that nobody can hold up.

use std::{net::Ipv4Addr, pin::pin, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::interrupt::Interrupt;

/// As API Gateway's own limit.
const LARGEST_BODY: usize = 10 * 1024 * 1024;
/// Out of file descriptors, the next accept would fail at once again.
const AFTER_A_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// How long others may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a request's head, from the first byte on or since the last answer.
    pub(crate) head: Duration,
    /// For a request's body.
    pub(crate) body: Duration,
    /// For open connections once shutdown is requested.
    pub(crate) grace: Duration,
}

impl Default for Patience {
    /// Zendesk sends a webhook at once; whoever takes longer than this holds the connection on purpose.
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30), grace: Duration::from_secs(5) }
    }
}

/// A port on 127.0.0.1; 0 picks a free one.
///
/// # Errors
/// A port that is taken or not allowed.
pub(crate) async fn bind(port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("port {port} cannot be used; choose another with --port"))
}

/// Serves until shutdown is requested, then lets open requests finish within the grace period.
///
/// # Errors
/// A listener without an address.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut interrupt: Interrupt,
    patience: Patience,
) -> anyhow::Result<()> {
    let port = listener.local_addr()?.port();
    let router = guarded(router, port, patience.body);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), interrupt.clone(), patience.head));
                }
                Err(error) => {
                    tracing::error!(%error, "Failed to accept a connection.");
                    sleep(AFTER_A_FAILED_ACCEPT).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = interrupt.heard() => break,
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(patience.grace, finished).await.is_err() {
        tracing::warn!(connections = connections.len(), "Closed connections that were still open.");
        connections.shutdown().await;
    }
    Ok(())
}

async fn connection(stream: TcpStream, router: Router, mut interrupt: Interrupt, head: Duration) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = interrupt.heard() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = domain::ports::told(&error), "A connection ended early.");
    }
}

/// What every request has to pass, outermost last.
fn guarded(router: Router, port: u16, body: Duration) -> Router {
    router
        .layer(middleware::from_fn_with_state(body, whole_body))
        .layer(middleware::from_fn_with_state(port, known_host))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

/// A page elsewhere may have its own name resolve to 127.0.0.1 and read what is served here (DNS rebinding), but the
/// browser still sends that name.
async fn known_host(State(port): State<u16>, request: Request, next: Next) -> Response {
    if is_ours(request.uri(), request.headers(), port) {
        return next.run(request).await;
    }
    let refusal = format!(
        "this server answers to localhost:{port}, 127.0.0.1:{port} and [::1]:{port} only; a tunnel to it must set the \
         Host header to one of them\n"
    );
    (StatusCode::MISDIRECTED_REQUEST, refusal).into_response()
}

/// Exactly one Host header, and the address in the request line, where there is one, name us.
fn is_ours(uri: &Uri, headers: &HeaderMap, port: u16) -> bool {
    let names_us = |authority: &str| {
        let (name, given) = match authority.rsplit_once(':') {
            Some((name, given)) if !given.ends_with(']') => (name, given.parse().ok()),
            _ => (authority, Some(80)),
        };
        given == Some(port) && ["localhost", "127.0.0.1", "[::1]"].iter().any(|ours| name.eq_ignore_ascii_case(ours))
    };
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    hosts.next().is_none()
        && host.is_some_and(names_us)
        && uri.authority().is_none_or(|authority| names_us(authority.as_str()))
}

/// Reads the body before anybody acts on the request, within its time.
async fn whole_body(State(within): State<Duration>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), &());
    match timeout(within, body).await {
        Ok(Ok(body)) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Ok(Err(rejection)) => rejection.into_response(),
        Err(_) => {
            (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")], "the body took too long\n").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::any;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::watch,
        task::JoinHandle,
        time::Instant,
    };

    use super::*;

    struct Running {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        served: JoinHandle<anyhow::Result<()>>,
    }

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(200);

    async fn running(patience: Patience) -> Running {
        let listener = bind(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, interrupt) = Interrupt::by_hand();
        let router = Router::new().route("/", any(|body: Bytes| async move { format!("{} bytes", body.len()) }));
        Running { address, stop, served: tokio::spawn(serve(listener, router, interrupt, patience)) }
    }

    async fn sent(server: &Running, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request.replace("PORT", &server.address.port().to_string()).as_bytes()).await.unwrap();
        stream
    }

    async fn answer(server: &Running, request: &str) -> String {
        let mut answer = String::new();
        sent(server, request).await.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_our_own_names_are_answered() {
        let server = running(Patience::default()).await;
        for (line, host, status) in [
            ("/", "Host: localhost:PORT\r\n", "200"),
            ("/", "Host: LOCALHOST:PORT\r\n", "200"),
            ("/", "Host: 127.0.0.1:PORT\r\n", "200"),
            ("/", "Host: [::1]:PORT\r\n", "200"),
            ("/", "Host: localhost\r\n", "421"),
            ("/", "Host: localhost:1\r\n", "421"),
            ("/", "Host: rebind.evil.example:PORT\r\n", "421"),
            ("/", "Host: rebind.evil.example\r\n", "421"),
            ("/", "Host: localhost:PORT\r\nHost: evil.example:PORT\r\n", "421"),
            ("http://evil.example:PORT/", "Host: localhost:PORT\r\n", "421"),
            ("/", "", "421"),
        ] {
            let answer = answer(&server, &format!("GET {line} HTTP/1.1\r\n{host}Connection: close\r\n\r\n")).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {host}: {answer}");
            assert_eq!(answer.contains("127.0.0.1:"), status == "421", "{answer}");
        }
    }

    #[tokio::test]
    async fn a_slow_head_is_hung_up_on() {
        let server = running(Patience { head: SHORT, body: LONG, grace: LONG }).await;
        let mut stream = sent(&server, "GET / HTTP/1.1\r\nHost: local").await;
        let mut rest = Vec::new();
        timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_slow_body_is_refused() {
        let server = running(Patience { head: LONG, body: SHORT, grace: LONG }).await;
        let request = "POST / HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf";
        let answer = timeout(Duration::from_secs(10), answer(&server, request)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }

    #[tokio::test]
    async fn a_body_too_large_is_refused() {
        let server = running(Patience::default()).await;
        let length = LARGEST_BODY + 1;
        let head =
            format!("POST / HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        let answer = answer(&server, &(head + &"x".repeat(length))).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }

    #[tokio::test]
    async fn the_end_waits_no_longer_than_its_grace() {
        for half in ["GET / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 9\r\n\r\nhalf"]
        {
            let server = running(Patience { head: LONG, body: LONG, grace: SHORT }).await;
            let _open = sent(&server, half).await;
            // The server has to have read what was sent.
            sleep(SHORT).await;
            let asked = Instant::now();
            server.stop.send(true).unwrap();
            server.served.await.unwrap().unwrap();
            assert!(asked.elapsed() < Duration::from_secs(10), "{half}");
        }
    }

    #[tokio::test]
    async fn a_begun_request_is_answered_before_the_end() {
        let server = running(Patience { head: LONG, body: LONG, grace: LONG }).await;
        let port = server.address.port();
        let half = format!("POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 9\r\n\r\nhalf");
        let mut open = sent(&server, &format!("{half} then")).await;
        let mut first = Vec::new();
        while !first.ends_with(b"9 bytes") {
            first.push(open.read_u8().await.unwrap());
        }
        // The connection is taken; now the server has to read what of the second request is there.
        open.write_all(half.as_bytes()).await.unwrap();
        sleep(SHORT).await;
        server.stop.send(true).unwrap();
        open.write_all(b" then").await.unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("9 bytes"), "{answer}");
        server.served.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_port_taken_names_the_way_out() {
        let taken = bind(0).await.unwrap();
        let error = bind(taken.local_addr().unwrap().port()).await.unwrap_err();
        assert!(error.to_string().ends_with("cannot be used; choose another with --port"), "{error}");
    }
}
