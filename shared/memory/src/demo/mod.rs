//! A Zendesk in memory: it takes the requests of its API, keeps its rules and tells its webhooks, as far as the facts
//! are known. Nothing in it waits or reads a clock: whoever runs it says what time it is and carries what it sends.

mod access;
mod articles;
mod call;
#[cfg(feature = "webhooks")]
mod carrier;
mod comments;
mod delivery;
mod events;
mod export;
mod faults;
mod fields;
mod furniture;
mod limits;
mod page;
mod people;
mod records;
mod reply;
mod script;
mod search;
mod state;
mod texts;
mod tickets;
mod triggers;
mod webhooks;
mod write;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use zendesk::{FieldIds, Method, Request, Response, Transport, Unanswered};

#[cfg(feature = "webhooks")]
pub use self::carrier::carry;
pub use self::{
    access::{ApiToken, OauthClient},
    delivery::{Delivered, Outgoing},
    faults::{DeliveryFault, DeliveryRule, RequestFault, RequestRule, Scenario, When},
    furniture::{ADMIN, AGENT},
    limits::Plan,
    texts::Locale,
};
use self::{
    call::Call,
    faults::refusal,
    reply::{Handled, Reply},
    state::State,
    write::Origin,
};
use crate::lock;

/// How a demo begins.
#[derive(Clone, PartialEq, Debug)]
pub struct Setup {
    /// What the addresses in its answers begin with.
    pub base: String,
    pub account: u64,
    pub plan: Plan,
    pub locale: Locale,
    pub scenario: Scenario,
    /// Makes its secrets, tokens and faults.
    pub seed: u64,
    /// The time until somebody says another.
    pub now: Timestamp,
    /// Our custom fields exist from the start under these ids.
    pub fields: FieldIds,
    /// Our own user: an agent.
    pub bot: u64,
    /// Groups and options come to be when somebody writes them, as if every set-up had been made.
    pub obliging: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            base: "https://demo.zendesk.com".to_owned(),
            account: 22_129_848,
            plan: Plan::Unlimited,
            locale: Locale::English,
            scenario: Scenario::default(),
            seed: 1,
            now: Timestamp::UNIX_EPOCH,
            fields: FieldIds::default(),
            bot: 900_000_001,
            obliging: false,
        }
    }
}

/// What comes of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Or none, when the scenario says so.
    pub response: Result<Response, Unanswered>,
    /// How long it takes.
    pub latency: Duration,
}

/// Carries the request of `POST /webhooks/test`, which is answered with what came back.
pub type Carrier = Arc<dyn Fn(&Outgoing) -> Delivered + Send + Sync>;

/// A Zendesk in memory. Its clones are the same one.
#[derive(Clone)]
pub struct DemoZendesk {
    state: Arc<Mutex<State>>,
    carrier: Option<Carrier>,
}

impl fmt::Debug for DemoZendesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DemoZendesk").finish_non_exhaustive()
    }
}

impl DemoZendesk {
    /// An account with people, groups, forms and articles, and without a ticket.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut state = State::new(setup);
        furniture::furnish(&mut state);
        Self { state: Arc::new(Mutex::new(state)), carrier: None }
    }

    /// With somebody who carries tests of webhooks. Without, they are answered 200.
    #[must_use]
    pub fn with_carrier(self, carrier: Carrier) -> Self {
        Self { carrier: Some(carrier), ..self }
    }

    pub fn set_now(&self, now: Timestamp) {
        lock(&self.state).now = now;
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Answer {
        let mut call = Call::new(request);
        let mut state = lock(&self.state);
        let fault = state.faults.request(&call);
        let mut latency = Duration::ZERO;
        match &fault {
            Some(RequestFault::TimeOutBefore) => {
                return Answer { response: Err(unanswered()), latency };
            }
            Some(RequestFault::Status { status, retry_after }) => {
                let reply = refusal(*status, *retry_after, request.method);
                return Answer { response: Ok(reply.into_response()), latency };
            }
            Some(RequestFault::Latency { milliseconds }) => latency = Duration::from_millis(*milliseconds),
            Some(RequestFault::HumanEdit { ticket, changes }) => {
                // An edit that the ticket does not take changes nothing, as in the agents' workspace.
                let _ = edit(&mut state, *ticket, changes);
            }
            Some(RequestFault::TimeOutAfter) | None => {}
        }
        let reply = match route(&mut state, &mut call) {
            Routed::Done(handled) => handled.unwrap_or_else(|refusal| refusal),
            Routed::Test(outgoing) => {
                // Whoever is called may call back: the state is free meanwhile.
                drop(state);
                let delivered = self.carrier.as_ref().map_or_else(well_received, |carrier| carrier(&outgoing));
                webhooks::tested(&delivered)
            }
        };
        if fault == Some(RequestFault::TimeOutAfter) {
            return Answer { response: Err(unanswered()), latency };
        }
        Answer { response: Ok(reply.into_response()), latency }
    }

    /// The deliveries that are due, signed now. Each is to be settled with how it ended.
    #[must_use]
    pub fn take_deliveries(&self) -> Vec<Outgoing> {
        delivery::take(&mut lock(&self.state))
    }

    /// How a delivery ended: it is listed with its webhook, and comes again where Zendesk repeats it.
    pub fn settle(&self, outgoing: &Outgoing, delivered: &Delivered) {
        delivery::settle(&mut lock(&self.state), outgoing, delivered);
    }
}

fn well_received() -> Delivered {
    let headers = vec![("content-length".to_owned(), "0".to_owned())];
    Delivered::Answered { status: 200, headers, body: String::new() }
}

fn unanswered() -> Unanswered {
    Unanswered("the demo does not answer this request, as its scenario says".to_owned())
}

/// Changes a ticket by hand, as the agent everybody knows.
fn edit(state: &mut State, ticket: u64, changes: &Value) -> Handled {
    let changes = changes.as_object().cloned().unwrap_or_default();
    let origin = Origin { author: AGENT, channel: "web" };
    write::change(state, ticket, &changes, origin).map(|_| Reply::no_content())
}

enum Routed {
    Done(Handled),
    /// To be carried out without the state.
    Test(Outgoing),
}

fn route(state: &mut State, call: &mut Call<'_>) -> Routed {
    let path = call.path.clone();
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    if words == ["oauth", "tokens"] && call.method == Method::Post {
        return Routed::Done(access::token(state, call));
    }
    let ["api", "v2", words @ ..] = words.as_slice() else { return Routed::Done(Err(Reply::no_endpoint())) };
    let authorization = call.request.authorization.as_ref().map(|value| value.0.as_str());
    match access::caller(state, authorization) {
        Ok(caller) => call.caller = caller,
        Err(refusal) => return Routed::Done(Err(refusal)),
    }
    let plan = state.setup.plan;
    let headers = match state.limits.count(plan, call, state.now) {
        Ok(headers) => headers,
        Err(refusal) => return Routed::Done(Err(refusal)),
    };
    let anonymous = words == ["users", "me"] && call.caller.user.is_none();
    if !anonymous && let Err(refusal) = access::check(state, call) {
        return Routed::Done(Err(with(refusal, headers)));
    }
    if words == ["webhooks", "test"] && call.method == Method::Post {
        return match webhooks::test(state, call) {
            Ok(outgoing) => Routed::Test(outgoing),
            Err(refusal) => Routed::Done(Err(refusal)),
        };
    }
    Routed::Done(match resource(state, call, words) {
        Ok(reply) => Ok(with(reply, headers)),
        Err(refusal) => Err(with(refusal, headers)),
    })
}

fn with(mut reply: Reply, headers: Vec<(String, String)>) -> Reply {
    reply.headers.extend(headers);
    reply
}

fn resource(state: &mut State, call: &Call<'_>, words: &[&str]) -> Handled {
    match words {
        ["tickets", rest @ ..] => tickets::answer(state, call, rest),
        ["users", rest @ ..] => people::users(state, call, rest),
        ["organizations", rest @ ..] => people::organizations(state, call, rest),
        ["groups", rest @ ..] => people::groups(state, call, rest),
        ["webhooks", rest @ ..] => webhooks::answer(state, call, rest),
        ["incremental", rest @ ..] => export::answer(state, call, rest),
        ["search", rest @ ..] => search::answer(state, call, rest),
        ["help_center" | "guide", rest @ ..] => articles::answer(state, call, rest),
        ["triggers", "definitions"] => Ok(Reply::ok(triggers::definitions())),
        ["ticket_audits"] => export::audits(state, call),
        ["suspended_tickets"] => Ok(Reply::ok(json!({
            "suspended_tickets": [], "count": 0, "next_page": null, "previous_page": null,
        }))),
        ["job_statuses", id] => {
            let job = state.jobs.get(*id).ok_or_else(Reply::not_found)?;
            Ok(Reply::ok(json!({ "job_status": job })))
        }
        ["account", "settings"] => Ok(Reply::ok(json!({
            "settings": { "localization": { "locale_ids": [1] }, "tickets": { "custom_statuses_enabled": true } },
        }))),
        _ => records::answer(state, call, words),
    }
}

#[async_trait]
impl Transport for DemoZendesk {
    /// At once: whoever simulates time asks [`DemoZendesk::answer`] how long it takes.
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        self.answer(&request).response
    }
}

/// An object of the given keys.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
