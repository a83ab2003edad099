//! `serve`: the webhook over HTTP and the live dashboard, on this machine only.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::input;
use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{any, get},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{AccountId, Sender, TicketId, UserId};
use jiff::{SignedDuration, Timestamp};
use memory::NewTicket;
use report::Window;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use zendesk::{Event, Happening, signature};

use crate::{
    cli::{self, ServeArguments},
    exit::Ended,
    http::{self, Patience},
    interrupt::Interrupt,
    observed::{Observed, Sight},
    outputs::{self, Covered, Kept},
    progress, say,
    stack::{Environment, Setup, Shared, Stack, teams_of, wall_clock},
};

/// How often the queues are looked at.
const BEAT: Duration = Duration::from_millis(100);
/// Seconds after which a browser asks for the dashboard again.
const REFRESH: &str = "30";
const DIGEST_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Tickets kept, those triaged last: about 150 MB, and a month of a busy team.
const MOST_TICKETS: usize = 20_000;

struct Server {
    shared: Shared,
    stack: Stack,
    output: PathBuf,
    observed: Mutex<Observed>,
    /// Something happened since the logs were written.
    changed: AtomicBool,
}

/// Serves until Ctrl-C or SIGTERM, then drains the queues. A second signal ends it at once.
///
/// # Errors
/// A port that is taken, an input or output that cannot be used.
pub async fn command(arguments: &ServeArguments, environment: &Environment) -> anyhow::Result<Ended> {
    let interrupt = Interrupt::listen()?;
    let teams = &*teams_of(arguments.agents.as_deref())?;
    let from = input::Origin { teams, ..arguments.columns.of(arguments.input.as_deref()) };
    let input = input::read(from, input::tell)?;
    let setup = Setup { output: &arguments.output, analyst: arguments.analyst, delivery: true, capped: true, teams };
    let shared = Shared::new(setup, environment)?.acting();
    // Before the folder is emptied: a server that already runs there keeps its files.
    let listener = http::bind(arguments.port).await?;
    shared.warm().await;
    let _in_use = outputs::in_use(&arguments.output)?;
    outputs::prepare(&arguments.output)?;
    input::fill(&shared.helpdesk, &input.rows);
    let address = listener.local_addr()?;
    let stack = shared.stack(wall_clock()).linking(format!("http://{address}{}", followup::PATH));
    let server = Arc::new(Server::new(shared, stack, arguments.output.clone()));

    say::line(format_args!("Dashboard  http://{address}/"));
    say::line(format_args!("Webhook    http://{address}/webhooks/zendesk"));
    say::line(format_args!(
        "Alerts     {}, whose links work while this runs",
        server.output.join(outputs::EMAILS).display()
    ));
    say::line(format_args!(
        "Slack      {}, the messages a workspace would get",
        server.output.join(outputs::SLACK).display()
    ));
    if server.shared.takes_presses() {
        say::line(format_args!(
            "           http://{address}{}, signed by SLACK_SIGNING_SECRET, takes what is pressed",
            followup::SLACK_PATH
        ));
    }
    say::line(format_args!(
        "Try it     {} sign events/ticket-created-leaving.json --curl http://{address}/webhooks/zendesk | sh",
        cli::program()
    ));
    if server.shared.secret().expose_secret() == signature::TEST_SECRET {
        say::line(format_args!(
            "Secret     Zendesk's public test secret, which anybody can sign with; set ZENDESK_WEBHOOK_SECRET to change it"
        ));
    }
    say::line(format_args!("Ctrl-C drains the queues and stops.\n\n{}", progress::HEADER));

    let pump = tokio::spawn(keep_pumping(server.clone()));
    http::serve(listener, router(server.clone()), interrupt, Patience::default()).await?;
    pump.abort();
    // An aborted pump stops at its next await. What it was working on is still claimed; draining skips that wait too.
    let _ = pump.await;
    say::line(format_args!("\nDraining {} queued messages …", server.stack.tickets.len() + server.stack.alerts.len()));
    server.stack.drain().await;
    server.changed.store(true, Ordering::Relaxed);
    hand_over(&server);
    publish(&server).await?;
    let dead = server.stack.dead().len();
    say::line(format_args!(
        "Done; {dead} dead letters. Dashboard: {}",
        server.output.join(report::DASHBOARD).display()
    ));
    Ok(if dead > 0 { Ended::WithLosses } else { Ended::Well })
}

impl Server {
    fn new(shared: Shared, stack: Stack, output: PathBuf) -> Self {
        Self { shared, stack, output, observed: Mutex::default(), changed: AtomicBool::new(true) }
    }
}

fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(dashboard))
        .route(&format!("/{}", report::DASHBOARD), get(dashboard))
        .route("/account/{list}/{page}", get(list))
        .route("/healthz", get(health))
        .route("/webhooks/zendesk", any(webhook))
        .route(followup::PATH, any(follow_up))
        .route(followup::SLACK_PATH, any(press))
        .with_state(server)
}

async fn keep_pumping(server: Arc<Server>) {
    let mut next_digest = wall_clock() + DIGEST_EVERY;
    loop {
        let now = wall_clock();
        if server.stack.deliver_due(now).await > 0 {
            server.changed.store(true, Ordering::Relaxed);
        }
        if now >= next_digest {
            next_digest = now + DIGEST_EVERY;
            server.changed.store(true, Ordering::Relaxed);
            if let Err(error) = server.stack.digest(now).await {
                tracing::error!(error = domain::ports::told(&error), "Failed to write the digest.");
            }
            if let Err(error) = server.stack.remind(now).await {
                tracing::error!(error = domain::ports::told(&error), "Failed to say alerts again.");
            }
            if let Err(error) = server.stack.daily(now).await {
                tracing::error!(error = domain::ports::told(&error), "Failed to write the daily digest.");
            }
        }
        hand_over(&server);
        tokio::time::sleep(BEAT).await;
    }
}

/// A line for each ticket that was triaged since, whether or not anything was written to it.
fn triaged(server: &Server) -> Vec<String> {
    let log = &server.shared.log;
    let line = |ticket: TicketId| Some(progress::line(&ticket.to_string(), &*log.newest(ticket)?));
    log.take_recorded().into_iter().filter_map(line).collect()
}

/// A server may run for months: the audit moves to its file, and the oldest tickets are dropped. What was triaged is told.
fn hand_over(server: &Server) {
    triaged(server).iter().for_each(say::line);
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

/// What somebody pressed in Slack.
async fn press(State(server): State<Arc<Server>>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    let mut event = into_event(&method, &headers, &body);
    event.raw_path = Some(followup::SLACK_PATH.to_owned());
    let answer = server.stack.follow_up(event, wall_clock()).await;
    server.changed.store(true, Ordering::Relaxed);
    into_http(answer)
}

/// What somebody pressed in a mail or on the page.
async fn follow_up(
    State(server): State<Arc<Server>>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut event = into_event(&method, &headers, &body);
    event.raw_query_string = query;
    let answer = server.stack.follow_up(event, wall_clock()).await;
    if method == Method::POST {
        server.changed.store(true, Ordering::Relaxed);
    }
    into_http(answer)
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
    let Ok(event) = zendesk::event::parse(body) else { return };
    // The webhook reads what is nearly JSON too; of a wreck it knows the ids, and there is nothing to take in.
    let payload = zendesk::lenient::value(body).unwrap_or_default();
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
    take_in(server, &event, &payload, now);
}

fn take_in(server: &Server, event: &Event, payload: &Value, now: Timestamp) {
    let helpdesk = &server.shared.helpdesk;
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str).map(str::to_owned);
    match event.happening {
        Happening::TicketCreated => helpdesk.open(new_ticket(event, payload, now)),
        Happening::CustomerCommented => {
            if let Some(words) = text("/event/comment/body").or_else(|| text("/event/message/body")) {
                helpdesk.comment(event.ticket, words);
            }
        }
        Happening::Deleted => helpdesk.forget(&[event.ticket]),
        Happening::Redacted => {
            if let Some(left) = text("/detail/description") {
                helpdesk.redact(event.ticket, left.into());
            }
        }
        Happening::FieldChanged | Happening::Triggered | Happening::Nothing(_) | Happening::Unknown(_) => {}
    }
}

/// The ticket as its event tells of it.
fn new_ticket(event: &Event, payload: &Value, now: Timestamp) -> NewTicket {
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let description = text("/detail/description").unwrap_or_default();
    NewTicket {
        id: event.ticket,
        account: account(payload),
        subject: text("/detail/subject").unwrap_or_default().into(),
        // Zendesk's own words; the customer's follow as messages.
        description: if description.starts_with("Conversation with ") { "" } else { &description }.into(),
        channel: text("/detail/via/channel")
            .or_else(|| text("/detail/via"))
            .unwrap_or_else(|| "unknown".to_owned())
            .into(),
        requester_name: None,
        sender: Sender::Customer,
        opened_privately: payload.pointer("/detail/is_public").and_then(Value::as_bool) == Some(false),
        created_at: now,
    }
}

/// The organisation, else the requester: people without one have nothing else in common.
fn account(payload: &Value) -> AccountId {
    let id = |path: &str| match payload.pointer(path) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let requester = id("/detail/requester_id").and_then(|id| id.parse().ok()).map(UserId);
    match (id("/detail/organization_id"), requester) {
        (Some(organisation), _) => AccountId::try_from(format!("organisation {organisation}")).expect("not empty"),
        (None, Some(requester)) => AccountId::of_requester(requester),
        (None, None) => AccountId::try_from("no organisation".to_owned()).expect("not empty"),
    }
}

async fn publish(server: &Server) -> anyhow::Result<()> {
    let now = wall_clock();
    let window = Window::last_30_days(now);
    server.shared.report(window, now).await?;
    // A page that is only looked at again costs no logs.
    if server.changed.swap(false, Ordering::Relaxed) {
        let tickets = server.shared.log.recorded().into_iter();
        let tickets = tickets.filter_map(|ticket| Kept::of(ticket, &ticket.to_string(), &server.shared));
        outputs::write(&server.output, Covered::new(window, now), tickets)?;
    }
    Ok(())
}

async fn dashboard(State(server): State<Arc<Server>>) -> Response {
    let page = match publish(&server).await {
        Ok(()) => std::fs::read_to_string(server.output.join(report::DASHBOARD)).map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match page {
        Ok(html) => ([(header::CACHE_CONTROL, "no-store"), (header::REFRESH, REFRESH)], Html(html)).into_response(),
        Err(error) => {
            tracing::error!(error = domain::ports::told(&*error), "Failed to build the dashboard.");
            (StatusCode::INTERNAL_SERVER_ERROR, "the dashboard could not be built; see the log").into_response()
        }
    }
}

/// A list that the dashboard is too short for, as it was written with it.
async fn list(State(server): State<Arc<Server>>, Path((list, page)): Path<(String, String)>) -> Response {
    // Nothing in it leads out of the folder.
    let is_plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    let page = page.strip_suffix(".html").filter(|number| is_plain(number) && is_plain(&list));
    let file = page.map(|number| server.output.join(format!("account/{list}/{number}.html")));
    match file.and_then(|file| std::fs::read_to_string(file).ok()) {
        Some(html) => ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such page").into_response(),
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
        let (analyst, teams) = (Some(AnalystChoice::Embedded), crate::stack::teams());
        let setup = Setup { output: folder, analyst, delivery: false, capped: true, teams };
        let shared = Shared::new(setup, &Environment::default()).unwrap();
        let stack = shared.stack(wall_clock());
        Server::new(shared, stack, folder.to_owned())
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

    async fn ticket(server: &Server) -> domain::Ticket {
        use domain::ports::Helpdesk;
        server.shared.helpdesk.ticket(domain::sample::ticket_id(7)).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_conversation_is_made_of_its_customers_messages() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        let detail = json!({ "id": "7", "description": "Conversation with Ann", "is_public": false });
        send(&server, Method::POST, event("a", "ticket.created", detail, json!({}))).await;
        for (id, kind) in [("b", "end_user"), ("c", "bot")] {
            let said = json!({ "actor": { "type": kind }, "message": { "body": format!("By {kind}.") } });
            let said = event(id, "messaging_ticket.message_added", json!({ "id": "7" }), said);
            let said = String::from_utf8(said.to_vec()).unwrap().replace("zen:event-type:ticket.", "zen:event-type:");
            send(&server, Method::POST, said.into()).await;
        }
        assert_eq!(messages(&server).await, ["", "By end_user."]);
        assert!(ticket(&server).await.opened_privately);
    }

    #[tokio::test]
    async fn half_an_emoji_loses_no_ticket() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        let body = String::from_utf8(created().to_vec()).unwrap().replace("First.", "First. \\ud83d");
        assert_eq!(send(&server, Method::POST, body.into()).await, 200);
        assert_eq!(messages(&server).await, ["First. \u{fffd}"]);
    }

    #[test]
    fn people_without_an_organisation_are_accounts_of_their_own() {
        for (detail, expected) in [
            (json!({ "organization_id": "9", "requester_id": "1" }), "organisation 9"),
            (json!({ "organization_id": 9 }), "organisation 9"),
            (json!({ "organization_id": null, "requester_id": "1" }), "requester-1"),
            (json!({ "organization_id": "", "requester_id": 2 }), "requester-2"),
            (json!({}), "no organisation"),
        ] {
            assert_eq!(account(&json!({ "detail": detail })).as_str(), expected);
        }
    }

    #[tokio::test]
    async fn a_deleted_ticket_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        send(&server, Method::POST, created()).await;
        server.stack.drain().await;
        publish(&server).await.unwrap();
        let results = || std::fs::read_to_string(folder.path().join(outputs::RESULTS)).unwrap();
        assert!(results().contains("Help"));
        send(&server, Method::POST, event("z", "ticket.permanently_deleted", json!({ "id": "7" }), json!({}))).await;
        server.stack.drain().await;
        server.changed.store(true, Ordering::Relaxed);
        publish(&server).await.unwrap();
        assert_eq!(results(), "[]\n");
        let page = std::fs::read_to_string(folder.path().join(report::DASHBOARD)).unwrap();
        assert!(!page.contains("data-id=\"7\"") && !page.contains("First."));
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
    async fn a_link_in_a_mail_is_pressed_here() {
        let folder = tempfile::tempdir().unwrap();
        let teams = crate::stack::teams();
        let setup = Setup {
            output: folder.path(),
            analyst: Some(AnalystChoice::Embedded),
            delivery: true,
            capped: true,
            teams,
        };
        let shared = Shared::new(setup, &Environment::default()).unwrap();
        let stack = shared.stack(wall_clock()).linking(format!("http://127.0.0.1:1{}", followup::PATH));
        let server = Arc::new(Server::new(shared, stack, folder.path().to_owned()));
        let text = "We are cancelling our contract at the end of the month and moving to a competitor.";
        let detail = json!({ "id": "7", "subject": "Cancellation", "description": text });
        send(&server, Method::POST, event("a", "ticket.created", detail, json!({}))).await;
        server.stack.drain().await;
        let mails = folder.path().join(outputs::EMAILS);
        let mut mails = std::fs::read_dir(mails).unwrap().map(|file| file.unwrap().path());
        let mail = mails.find(|file| file.extension().is_some_and(|kind| kind == "html")).unwrap();
        let mail = std::fs::read_to_string(mail).unwrap();
        let query = mail.split("http://127.0.0.1:1/followup?").nth(1).unwrap().split('"').next().unwrap();
        let seen = || {
            let revision = |key| server.shared.log.alert(key).map(|alert| alert.follow_up.revision);
            domain::AlertKey::of(domain::sample::ticket_id(7)).into_iter().find_map(revision).unwrap()
        };
        let ask = async |method: Method| {
            let query = RawQuery(Some(query.to_owned()));
            let form = Bytes::from(format!("seen={}", seen()));
            let asked = follow_up(State(server.clone()), method, query, HeaderMap::new(), form);
            asked.await.status().as_u16()
        };
        let state = || {
            let stage = |key| server.shared.log.alert(key).map(|alert| alert.follow_up.stage.word());
            domain::AlertKey::of(domain::sample::ticket_id(7)).into_iter().find_map(stage)
        };
        assert_eq!((ask(Method::GET).await, state()), (200, Some("new")));
        assert_eq!((ask(Method::POST).await, state()), (200, Some("taken")));
        assert_eq!(ask(Method::PUT).await, 405);
        publish(&server).await.unwrap();
        let message = std::fs::read_dir(folder.path().join(outputs::SLACK)).unwrap().next().unwrap().unwrap().path();
        let message = std::fs::read_to_string(message).unwrap();
        assert!(message.contains("*State:* Taken by "), "{message}");
        let log = std::fs::read_to_string(folder.path().join(outputs::GUARDIAN)).unwrap();
        assert!(log.contains("\"state\": \"taken\"") || log.contains("\"state\":\"taken\""), "{log}");
    }

    #[tokio::test]
    async fn each_ticket_has_its_line_in_every_mode() {
        for (name, value) in [("MODE", "act"), ("MODE", "shadow"), ("ROLLOUT_PERCENT", "0")] {
            let folder = tempfile::tempdir().unwrap();
            let (analyst, teams) = (Some(AnalystChoice::Embedded), crate::stack::teams());
            let setup = Setup { output: folder.path(), analyst, delivery: false, capped: true, teams };
            let shared = Shared::new(setup, &Environment::of([(name.to_owned(), value.to_owned())])).unwrap();
            let stack = shared.stack(wall_clock());
            let server = Arc::new(Server::new(shared, stack, folder.path().to_owned()));
            for body in [created(), commented()] {
                send(&server, Method::POST, body).await;
                server.stack.drain().await;
                let lines = triaged(&server);
                assert!(
                    lines.len() == 1 && lines[0].contains("#7") && lines[0].contains("Help"),
                    "{name} {value}: {lines:?}"
                );
                assert!(triaged(&server).is_empty(), "once");
            }
        }
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

    #[tokio::test]
    async fn lists_alone_are_read_from_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let server = Arc::new(server(folder.path()));
        std::fs::create_dir_all(folder.path().join("account/guardian")).unwrap();
        for file in ["account/guardian/1.html", "account/notes.html", "notes.html"] {
            std::fs::write(folder.path().join(file), "text").unwrap();
        }
        for (of, page, status) in [
            ("guardian", "1.html", StatusCode::OK),
            ("guardian", "2.html", StatusCode::NOT_FOUND),
            ("guardian", "1", StatusCode::NOT_FOUND),
            ("guardian", "../notes.html", StatusCode::NOT_FOUND),
            ("..", "notes.html", StatusCode::NOT_FOUND),
            ("", "notes.html", StatusCode::NOT_FOUND),
        ] {
            let path = Path((of.to_owned(), page.to_owned()));
            assert_eq!(list(State(server.clone()), path).await.status(), status, "{of} {page}");
        }
    }
}
