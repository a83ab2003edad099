//! `serve`: the webhook over HTTP and the live dashboard, on this machine only.

use std::{
    collections::HashSet,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::input;
use anyhow::Context;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::AccountId;
use jiff::{SignedDuration, Timestamp};
use memory::NewTicket;
use report::Window;
use serde_json::{Value, json};
use zendesk::signature;

use crate::{
    cli::ServeArguments,
    exit::Ended,
    outputs, say,
    stack::{Environment, Setup, Shared, Stack, wall_clock},
};

/// How often the queues are looked at.
const BEAT: Duration = Duration::from_millis(100);
/// As API Gateway's own limit.
const LARGEST_BODY: usize = 10 * 1024 * 1024;
const DIGEST_EVERY: SignedDuration = SignedDuration::from_hours(1);

struct Server {
    shared: Shared,
    stack: Stack,
    output: PathBuf,
    /// Events already observed, by id: Zendesk may deliver one twice.
    observed: Mutex<HashSet<String>>,
}

/// Serves until Ctrl-C, then works off what is queued.
///
/// # Errors
/// A port that is taken, an input or output that cannot be used.
pub async fn command(arguments: &ServeArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let input = input::read(arguments.input.as_deref(), |problem| eprintln!("skipped: {problem}"))?;
    let setup = Setup { output: &arguments.output, analyst: arguments.analyst, delivery: true, capped: true };
    let shared = Shared::new(setup, environment)?;
    shared.warm().await;
    outputs::prepare(&arguments.output)?;
    input::fill(&shared.helpdesk, &input.rows);
    let stack = shared.stack(wall_clock());
    let server = Arc::new(Server { shared, stack, output: arguments.output.clone(), observed: Mutex::default() });

    let address = (Ipv4Addr::LOCALHOST, arguments.port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("port {} cannot be used; choose another with --port", arguments.port))?;
    let address = listener.local_addr()?;
    say::line(format_args!("Dashboard  http://{address}/"));
    say::line(format_args!("Webhook    http://{address}/webhooks/zendesk"));
    say::line(format_args!(
        "Try it     cargo run -- sign events/ticket-created.json --curl http://{address}/webhooks/zendesk | sh"
    ));
    say::line(format_args!("Ctrl-C works off what is queued and ends."));

    let pump = tokio::spawn(keep_pumping(server.clone()));
    axum::serve(listener, router(server.clone())).with_graceful_shutdown(interrupted()).await?;
    pump.abort();
    // An aborted pump lets go at its next wait; whatever it had in hand is still claimed, and its lease is skipped.
    let _ = pump.await;
    say::line(format_args!(
        "\nWorking off {} queued messages …",
        server.stack.tickets.len() + server.stack.alerts.len()
    ));
    server.stack.drain().await;
    publish(&server).await?;
    let dead = server.stack.dead().len();
    say::line(format_args!(
        "Done; {dead} dead letters. Dashboard: {}",
        server.output.join(report::DASHBOARD).display()
    ));
    Ok(if dead > 0 { Ended::WithLosses } else { Ended::Well })
}

fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(dashboard))
        .route("/healthz", get(health))
        .route("/webhooks/zendesk", any(webhook))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(server)
}

pub(crate) async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(%error, "Ctrl-C cannot be heard.");
        std::future::pending::<()>().await;
    }
}

async fn keep_pumping(server: Arc<Server>) {
    let mut next_digest = wall_clock() + DIGEST_EVERY;
    loop {
        let now = wall_clock();
        server.stack.deliver_due(now).await;
        if now >= next_digest {
            next_digest = now + DIGEST_EVERY;
            if let Err(error) = server.stack.digest(now).await {
                tracing::error!(error = domain::ports::told(&error), "The digest could not be written.");
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}

async fn webhook(State(server): State<Arc<Server>>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    let now = wall_clock();
    observe(&server, &headers, &body, now);
    server.stack.tickets.tick(now);
    into_http(server.stack.post(into_event(&method, &headers, &body), now).await)
}

/// The HTTP request as API Gateway would hand it to the function.
fn into_event(method: &Method, headers: &HeaderMap, body: &Bytes) -> ApiGatewayV2httpRequest {
    let mut event = ApiGatewayV2httpRequest::default();
    event.request_context.http.method = method.clone();
    event.headers = headers.clone();
    match std::str::from_utf8(body) {
        Ok(text) => event.body = Some(text.to_owned()),
        Err(_) => {
            event.body = Some(BASE64_STANDARD.encode(body));
            event.is_base64_encoded = true;
        }
    }
    event
}

fn into_http(answer: ApiGatewayV2httpResponse) -> Response {
    let status = u16::try_from(answer.status_code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let body = match answer.body {
        Some(aws_lambda_events::encodings::Body::Text(text)) => text,
        _ => String::new(),
    };
    (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), answer.headers, body).into_response()
}

/// There is no Zendesk behind this server: a truly signed event also brings the ticket or comment that it tells of.
fn observe(server: &Server, headers: &HeaderMap, body: &[u8], now: Timestamp) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (signed, at) = (header(signature::SIGNATURE_HEADER), header(signature::TIMESTAMP_HEADER));
    let secrets = [server.shared.secret().clone()];
    if signature::verify(&secrets, signed, at, body, now).is_err() {
        return;
    }
    let (Ok(event), Ok(payload)) = (zendesk::event::parse(body), serde_json::from_slice::<Value>(body)) else { return };
    let known = |id: String| !server.observed.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    if event.id.clone().is_some_and(known) {
        return;
    }
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str).map(str::to_owned);
    match event.happening {
        zendesk::Happening::TicketCreated => server.shared.helpdesk.open(NewTicket {
            id: event.ticket,
            account: account(text("/detail/organization_id")),
            subject: text("/detail/subject").unwrap_or_default().into(),
            description: text("/detail/description").unwrap_or_default().into(),
            channel: text("/detail/via/channel").unwrap_or_else(|| "unknown".to_owned()).into(),
            created_at: now,
        }),
        zendesk::Happening::CustomerCommented => {
            if let Some(comment) = text("/event/comment/body") {
                server.shared.helpdesk.comment(event.ticket, comment);
            }
        }
        zendesk::Happening::FieldChanged | zendesk::Happening::Triggered | zendesk::Happening::Other(_) => {}
    }
}

fn account(organization: Option<String>) -> AccountId {
    let name = organization.map_or_else(|| "no organisation".to_owned(), |id| format!("organisation {id}"));
    AccountId::try_from(name).expect("not empty")
}

async fn publish(server: &Server) -> anyhow::Result<()> {
    let now = wall_clock();
    server.shared.report(Window::last_30_days(now), now).await?;
    Ok(())
}

async fn dashboard(State(server): State<Arc<Server>>) -> Response {
    let page = match publish(&server).await {
        Ok(()) => std::fs::read_to_string(server.output.join(report::DASHBOARD)).map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match page {
        Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "The dashboard could not be made.");
            (StatusCode::INTERNAL_SERVER_ERROR, "the dashboard could not be made; see the log").into_response()
        }
    }
}

async fn health(State(server): State<Arc<Server>>) -> axum::response::Json<Value> {
    axum::response::Json(json!({
        "status": "ok",
        "tickets_queued": server.stack.tickets.len(),
        "alerts_queued": server.stack.alerts.len(),
        "dead_letters": server.stack.dead().len(),
    }))
}
