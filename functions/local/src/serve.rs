//! `serve`: the webhook over HTTP and the live dashboard, on this machine only.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::input;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::AccountId;
use jiff::{SignedDuration, Timestamp};
use memory::NewTicket;
use report::Window;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use zendesk::signature;

use crate::{
    cli::ServeArguments,
    exit::Ended,
    http::{self, Patience},
    interrupt::Interrupt,
    observed::{Observed, Sight},
    outputs, say,
    stack::{Environment, Setup, Shared, Stack, wall_clock},
};

/// How often the queues are looked at.
const BEAT: Duration = Duration::from_millis(100);
const DIGEST_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Tickets kept, those triaged last: about 150 MB, and a month of a busy team.
const MOST_TICKETS: usize = 20_000;

struct Server {
    shared: Shared,
    stack: Stack,
    output: PathBuf,
    observed: Mutex<Observed>,
}

/// Serves until Ctrl-C or SIGTERM, then drains the queues. A second signal ends it at once.
///
/// # Errors
/// A port that is taken, an input or output that cannot be used.
pub async fn command(arguments: &ServeArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let interrupt = Interrupt::listen()?;
    let input = input::read(arguments.input.as_deref(), |problem| eprintln!("skipped: {problem}"))?;
    let setup = Setup { output: &arguments.output, analyst: arguments.analyst, delivery: true, capped: true };
    let shared = Shared::new(setup, environment)?;
    // Before the folder is emptied: a server that already runs there keeps its files.
    let listener = http::bind(arguments.port).await?;
    shared.warm().await;
    outputs::prepare(&arguments.output)?;
    input::fill(&shared.helpdesk, &input.rows);
    let stack = shared.stack(wall_clock());
    let server = Arc::new(Server { shared, stack, output: arguments.output.clone(), observed: Mutex::default() });

    let address = listener.local_addr()?;
    say::line(format_args!("Dashboard  http://{address}/"));
    say::line(format_args!("Webhook    http://{address}/webhooks/zendesk"));
    say::line(format_args!(
        "Try it     cargo run -- sign events/ticket-created.json --curl http://{address}/webhooks/zendesk | sh"
    ));
    if server.shared.secret().expose_secret() == signature::TEST_SECRET {
        say::line(format_args!(
            "Secret     Zendesk's public test secret, which anybody can sign with; set ZENDESK_WEBHOOK_SECRET to change it"
        ));
    }
    say::line(format_args!("Ctrl-C drains the queues and stops."));

    let pump = tokio::spawn(keep_pumping(server.clone()));
    http::serve(listener, router(server.clone()), interrupt, Patience::default()).await?;
    pump.abort();
    // An aborted pump stops at its next await. What it was working on is still claimed; draining skips that wait too.
    let _ = pump.await;
    say::line(format_args!("\nDraining {} queued messages …", server.stack.tickets.len() + server.stack.alerts.len()));
    server.stack.drain().await;
    hand_over(&server);
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
        .with_state(server)
}

async fn keep_pumping(server: Arc<Server>) {
    let mut next_digest = wall_clock() + DIGEST_EVERY;
    loop {
        let now = wall_clock();
        server.stack.deliver_due(now).await;
        if now >= next_digest {
            next_digest = now + DIGEST_EVERY;
            if let Err(error) = server.stack.digest(now).await {
                tracing::error!(error = domain::ports::told(&error), "Failed to write the digest.");
            }
        }
        hand_over(&server);
        tokio::time::sleep(BEAT).await;
    }
}

/// A server may run for months: the audit moves to its file, and the oldest tickets are dropped.
fn hand_over(server: &Server) {
    let entries = server.shared.log.take_audit();
    if !entries.is_empty()
        && let Err(error) = outputs::append_audit(&server.output, &entries)
    {
        tracing::error!(error = domain::ports::told(&*error), "Failed to write the audit.");
    }
    server.shared.helpdesk.forget(&server.shared.log.keep_newest(MOST_TICKETS));
}

async fn webhook(State(server): State<Arc<Server>>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    let now = wall_clock();
    if method == Method::POST {
        observe(&server, &headers, &body, now);
    }
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

/// There is no Zendesk behind this server, so a validly signed event also delivers the ticket or comment it describes.
fn observe(server: &Server, headers: &HeaderMap, body: &[u8], now: Timestamp) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (signed, at) = (header(signature::SIGNATURE_HEADER), header(signature::TIMESTAMP_HEADER));
    let secrets = [server.shared.secret().clone()];
    if signature::verify(&secrets, signed, at, body, now).is_err() {
        return;
    }
    let (Ok(event), Ok(payload)) = (zendesk::event::parse(body), serde_json::from_slice::<Value>(body)) else { return };
    if let Some(id) = &event.id {
        match server.observed.lock().unwrap_or_else(PoisonError::into_inner).note(id, body) {
            Sight::First => {}
            Sight::Again => return,
            Sight::Altered => {
                tracing::warn!(event.id = id, ticket.id = %event.ticket, "Ignored a repeated event whose body differs.");
                return;
            }
        }
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
            tracing::error!(error = domain::ports::told(&*error), "Failed to build the dashboard.");
            (StatusCode::INTERNAL_SERVER_ERROR, "the dashboard could not be built; see the log").into_response()
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

#[cfg(test)]
mod tests {
    use crate::cli::AnalystChoice;

    use super::*;

    fn server(folder: &std::path::Path) -> Server {
        let setup = Setup { output: folder, analyst: Some(AnalystChoice::Embedded), delivery: false, capped: true };
        let shared = Shared::new(setup, &Environment::default()).unwrap();
        let stack = shared.stack(wall_clock());
        Server { shared, stack, output: folder.to_owned(), observed: Mutex::default() }
    }

    fn event(id: &str, kind: &str, detail: Value, event: Value) -> Bytes {
        let body = json!({
            "type": format!("zen:event-type:{kind}"),
            "id": id,
            "subject": "zen:ticket:7",
            "zendesk_event_version": "2022-11-06",
            "detail": detail,
            "event": event,
        });
        body.to_string().into()
    }

    fn created() -> Bytes {
        event("a", "ticket.created", json!({ "id": "7", "subject": "Help", "description": "First." }), json!({}))
    }

    fn commented() -> Bytes {
        let comment = json!({ "body": "Second.", "is_public": true, "author": { "is_staff": false } });
        event("b", "ticket.comment_added", json!({ "id": "7" }), json!({ "comment": comment }))
    }

    async fn send(server: &Arc<Server>, method: Method, body: Bytes) -> u16 {
        let timestamp = wall_clock().to_string();
        let mut headers = HeaderMap::new();
        let signature = signature::sign(server.shared.secret(), &timestamp, &body);
        headers.insert(signature::SIGNATURE_HEADER, signature.parse().unwrap());
        headers.insert(signature::TIMESTAMP_HEADER, timestamp.parse().unwrap());
        webhook(State(server.clone()), method, headers, body).await.status().as_u16()
    }

    async fn messages(server: &Server) -> Vec<String> {
        use domain::ports::Helpdesk;
        let ticket = server.shared.helpdesk.ticket(domain::sample::ticket_id(7)).await.unwrap();
        ticket.iter().flat_map(|ticket| ticket.messages().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    #[tokio::test]
    async fn a_comment_may_overtake_its_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        for body in [commented(), created(), commented(), created()] {
            assert_eq!(send(&server, Method::POST, body).await, 200);
        }
        assert_eq!(messages(&server).await, ["First.", "Second."]);
    }

    #[tokio::test]
    async fn only_a_post_brings_a_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        assert_eq!(send(&server, Method::GET, created()).await, 405);
        assert!(messages(&server).await.is_empty());
        assert_eq!(send(&server, Method::POST, created()).await, 200);
        assert_eq!(messages(&server).await, ["First."]);
    }

    #[tokio::test]
    async fn the_audit_leaves_memory_for_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        send(&server, Method::POST, created()).await;
        server.stack.drain().await;
        let entries = server.shared.log.audit();
        hand_over(&server);
        assert!(server.shared.log.audit().is_empty());
        let lines = std::fs::read_to_string(folder.path().join(outputs::AUDIT_LINES)).unwrap();
        let read: Vec<domain::AuditEntry> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, entries);
        assert!(!read.is_empty());
    }
}
