//! `demo-zendesk`: the Zendesk in memory, over HTTP. Its API is Zendesk's; what only a demo can do is under `/_demo`.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{self, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method as HttpMethod, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use domain::{Account, AccountId, Sender, TicketId};
use jiff::Timestamp;
use memory::{
    DemoZendesk, NewTicket,
    demo::{Answer, Outgoing, Scenario, Setup, carry},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use zendesk::{Authorization, FieldIds, Method, signature::TEST_SECRET};

use crate::{
    cli::DemoZendeskArguments,
    exit::Ended,
    http::{self, Patience},
    input::{self, Row},
    interrupt::Interrupt,
    say,
    stack::wall_clock,
};

/// How often is looked for deliveries that are due.
const BEAT: Duration = Duration::from_millis(50);
/// How long a request stays open that is never answered: longer than any client waits.
const NEVER: Duration = Duration::from_secs(60);
/// What the product reads.
const EVENTS: [&str; 6] = [
    "ticket.created",
    "ticket.comment_added",
    "ticket.priority_changed",
    "ticket.group_assignment_changed",
    "ticket.comment_redacted",
    "ticket.permanently_deleted",
];
const NAMES: [&str; 8] =
    ["Jo Marin", "Sam Okafor", "Ines Duarte", "Lea Brandt", "Noor Haddad", "Tom Ellery", "Mia Lindqvist", "Paul Verne"];

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// A port that is taken, an input or a scenario that cannot be used.
pub async fn command(arguments: &DemoZendeskArguments) -> anyhow::Result<Ended> {
    let interrupt = Interrupt::listen()?;
    let input = input::read(arguments.columns.of(arguments.input.as_deref()), input::tell)?;
    let scenario = arguments.scenario.as_deref().map(scenario).transpose()?.unwrap_or_default();
    let listener = http::bind(arguments.port).await?;
    let address = listener.local_addr()?;
    let setup = Setup {
        base: format!("http://{address}"),
        plan: arguments.plan,
        locale: arguments.locale,
        scenario,
        fields: if arguments.set_up { bundled_fields()? } else { FieldIds::default() },
        now: wall_clock(),
        ..Setup::default()
    };
    let demo = DemoZendesk::new(setup).with_carrier(Arc::new(carry));
    demo.publish_articles();
    fill(&demo, &input.rows);
    if let Some(url) = &arguments.webhook {
        demo.subscribe(url, &EVENTS, TEST_SECRET);
    }
    tell(&demo, &format!("http://{address}"), arguments);
    let deliveries = tokio::spawn(keep_delivering(demo.clone()));
    http::serve(listener, router(demo), interrupt, Patience::default()).await?;
    deliveries.abort();
    Ok(if input.skipped > 0 { Ended::WithLosses } else { Ended::Well })
}

/// # Errors
/// What is wrong with the file, and where.
fn scenario(file: &Path) -> anyhow::Result<Scenario> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no scenario; see docs/formats.md", file.display()))
}

/// The ids that the bundled `policy.json` names, as a set-up leaves them there.
fn bundled_fields() -> anyhow::Result<FieldIds> {
    let policy: Value = serde_json::from_str(data::POLICY).context("the bundled policy.json")?;
    let fields = policy.pointer("/zendesk/fields").cloned().unwrap_or_default();
    serde_json::from_value(fields).context("the bundled policy.json, /zendesk/fields")
}

fn fill(demo: &DemoZendesk, rows: &[Row]) {
    for (row, name) in rows.iter().zip(NAMES.iter().cycle()) {
        demo.set_account(&row.account(row.mrr));
        demo.open(&NewTicket { requester_name: Some((*name).to_owned()), ..row.ticket() });
    }
}

fn tell(demo: &DemoZendesk, base: &str, arguments: &DemoZendeskArguments) {
    say::line(format_args!("Zendesk    {base}  {} tickets", demo.tickets().len()));
    for (what, client) in ["set-up ", "running"].iter().zip(demo.clients()) {
        say::line(format_args!("OAuth      {what}  client_id {}  client_secret {}", client.id, client.secret));
    }
    for token in demo.api_tokens() {
        say::line(format_args!("API token  {}/token:{}", token.email, token.token));
    }
    say::line(format_args!("Try it     curl -u {} {base}/api/v2/tickets.json", first_token(demo)));
    say::line(format_args!(
        "New ticket curl -H 'content-type: application/json' -d '{{\"subject\":\"Help\",\"description\":\"Orders do not \
         arrive.\"}}' {base}/_demo/tickets"
    ));
    if let Some(url) = &arguments.webhook {
        say::line(format_args!("Webhook    {url}, signed with Zendesk's public test secret as `serve` expects it"));
    }
    say::line(format_args!(
        "Everything in it is made up and gone when it stops. The credentials are good for nothing else."
    ));
}

fn first_token(demo: &DemoZendesk) -> String {
    let tokens = demo.api_tokens();
    tokens.first().map_or_else(String::new, |token| format!("{}/token:{}", token.email, token.token))
}

/// Sends what is due, each delivery by itself, so that a slow endpoint holds up no other.
async fn keep_delivering(demo: DemoZendesk) {
    loop {
        demo.set_now(wall_clock());
        for outgoing in demo.take_deliveries() {
            tokio::spawn(deliver(demo.clone(), outgoing));
        }
        sleep(BEAT).await;
    }
}

async fn deliver(demo: DemoZendesk, outgoing: Outgoing) {
    let sent = outgoing.clone();
    if let Ok(delivered) = tokio::task::spawn_blocking(move || carry(&sent)).await {
        demo.set_now(wall_clock());
        demo.settle(&outgoing, &delivered);
    }
}

/// Zendesk's API, and beside it what only a demo can do.
pub fn router(demo: DemoZendesk) -> Router {
    Router::new()
        .route("/_demo/credentials", get(credentials))
        .route("/_demo/tokens", delete(withdraw))
        .route("/_demo/accounts", post(account))
        .route("/_demo/deliveries", get(deliveries))
        .route("/_demo/tickets", get(tickets).post(open))
        .route("/_demo/tickets/{id}", get(ticket).put(edit).delete(erase))
        .route("/_demo/tickets/{id}/calls", get(calls))
        .route("/_demo/tickets/{id}/comments", post(comment))
        .fallback(api)
        .with_state(demo)
}

async fn api(State(demo): State<DemoZendesk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = match translated(&parts.method, path, &parts.headers, &body) {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    demo.set_now(wall_clock());
    // A test of a webhook waits for its endpoint.
    let answered = tokio::task::spawn_blocking(move || demo.answer(&request)).await;
    let Ok(Answer { response, latency }) = answered else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    sleep(latency).await;
    match response {
        Ok(response) => written(response),
        Err(_) => {
            sleep(NEVER).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

fn translated(
    method: &HttpMethod,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<zendesk::Request, (StatusCode, Json<Value>)> {
    let refused = |status: StatusCode, code: &str| (status, Json(json!({ "error": code, "description": "" })));
    let method = match method.as_str() {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return Err(refused(StatusCode::METHOD_NOT_ALLOWED, "InvalidMethod")),
    };
    let body = if body.is_empty() {
        None
    } else {
        Some(serde_json::from_slice(body).map_err(|_| refused(StatusCode::BAD_REQUEST, "InvalidJSON"))?)
    };
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let authorization = authorization.map(|value| Authorization(value.to_owned()));
    Ok(zendesk::Request { method, path: path.to_owned(), body, authorization })
}

fn written(response: zendesk::Response) -> Response {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut written = (status, response.body).into_response();
    written.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in response.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            written.headers_mut().append(name, value);
        }
    }
    written
}

async fn credentials(State(demo): State<DemoZendesk>) -> Json<Value> {
    let clients: Vec<Value> = demo
        .clients()
        .into_iter()
        .map(|client| json!({ "client_id": client.id, "client_secret": client.secret, "scopes": client.scopes }))
        .collect();
    let tokens: Vec<Value> =
        demo.api_tokens().into_iter().map(|token| json!({ "email": token.email, "api_token": token.token })).collect();
    Json(json!({ "clients": clients, "api_tokens": tokens }))
}

async fn withdraw(State(demo): State<DemoZendesk>) -> StatusCode {
    demo.withdraw_tokens();
    StatusCode::NO_CONTENT
}

async fn account(State(demo): State<DemoZendesk>, Json(account): Json<Account>) -> StatusCode {
    demo.set_account(&account);
    StatusCode::NO_CONTENT
}

async fn deliveries(State(demo): State<DemoZendesk>) -> Json<Value> {
    let (waiting, next) = demo.waiting();
    Json(json!({ "waiting": waiting, "next_due": next }))
}

async fn tickets(State(demo): State<DemoZendesk>) -> Json<Vec<TicketId>> {
    Json(demo.tickets())
}

/// A ticket as a test or a person opens it: nothing but the text is needed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    id: Option<TicketId>,
    #[serde(default)]
    account: Option<AccountId>,
    #[serde(default)]
    subject: String,
    description: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    requester_name: Option<String>,
    #[serde(default)]
    opened_privately: bool,
    #[serde(default)]
    created_at: Option<Timestamp>,
}

async fn open(State(demo): State<DemoZendesk>, Json(opened): Json<Opened>) -> Result<Json<Value>, StatusCode> {
    let now = wall_clock();
    demo.set_now(now);
    let next = || TicketId::new(demo.tickets().iter().map(|id| id.number()).max().unwrap_or_default() + 1);
    let id = opened.id.map_or_else(next, Ok).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let account = opened.account.map_or_else(|| AccountId::try_from("Example Ltd".to_owned()), Ok);
    demo.open(&NewTicket {
        id,
        account: account.map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?,
        subject: opened.subject.into(),
        description: opened.description.into(),
        channel: opened.channel.as_deref().unwrap_or("email").into(),
        requester_name: opened.requester_name,
        sender: Sender::Customer,
        opened_privately: opened.opened_privately,
        created_at: opened.created_at.unwrap_or(now),
    });
    Ok(Json(json!({ "id": id })))
}

async fn ticket(
    State(demo): State<DemoZendesk>,
    extract::Path(id): extract::Path<TicketId>,
) -> Result<Json<Value>, StatusCode> {
    let ticket = demo.ticket(id).ok_or(StatusCode::NOT_FOUND)?;
    let comments: Vec<Value> = demo
        .comments(id)
        .into_iter()
        .map(|(public, author, text)| json!({ "public": public, "author_id": author, "text": text }))
        .collect();
    Ok(Json(json!({ "ticket": ticket, "comments": comments })))
}

/// An agent edits by hand.
async fn edit(
    State(demo): State<DemoZendesk>,
    extract::Path(id): extract::Path<TicketId>,
    Json(changes): Json<Value>,
) -> StatusCode {
    demo.set_now(wall_clock());
    if demo.human_edit(id, &changes) { StatusCode::NO_CONTENT } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// An administrator deletes for good.
async fn erase(State(demo): State<DemoZendesk>, extract::Path(id): extract::Path<TicketId>) -> StatusCode {
    demo.set_now(wall_clock());
    demo.erase(id);
    StatusCode::NO_CONTENT
}

async fn calls(State(demo): State<DemoZendesk>, extract::Path(id): extract::Path<TicketId>) -> Json<Value> {
    Json(json!({ "calls": demo.calls(id), "markers": demo.markers(id) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    text: String,
}

/// The customer writes again.
async fn comment(
    State(demo): State<DemoZendesk>,
    extract::Path(id): extract::Path<TicketId>,
    Json(said): Json<Said>,
) -> StatusCode {
    demo.set_now(wall_clock());
    demo.comment(id, &said.text);
    StatusCode::NO_CONTENT
}

#[cfg(test)]
mod tests {
    use domain::{UserId, ports::contract::helpdesk as contract, sample};
    use tokio::{sync::mpsc, time::timeout};
    use zendesk::{Access, Budget, Client, HttpTransport, Mapping, RUNTIME_SCOPES, ZendeskHelpdesk, signature};

    use super::*;

    async fn served(router: Router) -> String {
        let listener = http::bind(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    /// The adapter over a network, before the bundled tickets.
    async fn helpdesk() -> ZendeskHelpdesk {
        let fields = bundled_fields().unwrap();
        let setup = Setup { fields, obliging: true, now: wall_clock(), ..Setup::default() };
        let bot = UserId(setup.bot);
        let demo = DemoZendesk::new(setup);
        fill(&demo, &input::bundled().rows);
        let known = demo.clients().remove(1);
        let transport = HttpTransport::new(&served(router(demo)).await).unwrap();
        let access = Access::oauth(known.id, known.secret.into(), RUNTIME_SCOPES);
        let client = Client::new(Arc::new(transport), access, Budget::unlimited(), Arc::new(wall_clock));
        ZendeskHelpdesk::new(client, Arc::new(Mapping { fields, ..Mapping::default() }), Some(bot))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_adapter_keeps_its_contract_over_http() {
        let (known, unknown) = (sample::ticket_id(1001), sample::ticket_id(8));
        contract::a_write_is_safe(&helpdesk().await, known, unknown).await;
        contract::a_cleared_field_is_empty(&helpdesk().await, known).await;
        contract::our_note_is_no_new_version(&helpdesk().await, known).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_event_reaches_its_endpoint() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let endpoint = Router::new().route(
            "/hook",
            post(move |headers: HeaderMap, body: Bytes| async move {
                let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
                let (signature, at) = (header(signature::SIGNATURE_HEADER), header(signature::TIMESTAMP_HEADER));
                let secret = [TEST_SECRET.to_owned().into()];
                let _ = tell.send(signature::verify(&secret, signature, at, &body, wall_clock()).is_ok());
            }),
        );
        let demo = DemoZendesk::new(Setup { now: wall_clock(), ..Setup::default() });
        demo.subscribe(&format!("{}/hook", served(endpoint).await), &EVENTS, TEST_SECRET);
        let deliveries = tokio::spawn(keep_delivering(demo.clone()));
        demo.open(&sample::ticket(7).into());
        assert_eq!(timeout(Duration::from_secs(20), told.recv()).await.unwrap(), Some(true));
        deliveries.abort();
    }

    #[test]
    fn a_scenario_is_refused_with_its_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), r#"{"requests": [{"fault": "earthquake"}]}"#).unwrap();
        let error = format!("{:#}", scenario(file.path()).unwrap_err());
        assert!(error.contains("docs/formats.md") && error.contains("line 1"), "{error}");
    }
}
