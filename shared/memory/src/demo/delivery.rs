//! Deliveries of webhooks: signed when they are sent, repeated where Zendesk repeats, and listed attempt by attempt.

use std::collections::{HashMap, VecDeque};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    state::{State, whole},
    webhooks::Webhook,
};

/// Repeats after a 409, and after a time-out. For the rest nothing is documented but when it happens at all.
const CONFLICTS: u32 = 3;
const TIME_OUTS: u32 = 5;
const UNAVAILABLE: u32 = 5;
/// A longer `Retry-After` is not waited for.
const LONGEST_WAIT: u64 = 60;
/// After how long a repeat follows that nobody asked for by the second.
const PAUSE: i64 = 5;
/// A trial's surplus was seen to follow 8 minutes later.
const THROTTLED_FOR: i64 = 480;
/// The circuit breaker looks back so far, and not at fewer requests.
const LOOK_BACK: i64 = 300;
const FEWEST: usize = 100;
const MOST_ERRORS: usize = 1_000;
const BROKEN_FOR: i64 = 5;
/// Invocations kept a webhook.
const KEPT: usize = 1_000;

/// A request on its way to a customer's endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The webhook's id.
    pub webhook: String,
    /// The same for every attempt.
    pub invocation: String,
    /// From 1.
    pub attempt: u32,
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivered {
    Answered {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// No answer within 12 seconds, or none at all.
    TimedOut,
}

#[derive(Clone, Debug)]
struct Waiting {
    due: Timestamp,
    number: u64,
    webhook: String,
    invocation: String,
    body: String,
    attempts: u32,
    conflicts: u32,
    time_outs: u32,
    unavailable: u32,
}

/// One event for one webhook, and what came of it.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Invocation {
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) status: String,
    pub(super) status_code: Option<u16>,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) attempts: Vec<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Deliveries {
    waiting: Vec<Waiting>,
    under_way: HashMap<String, Waiting>,
    pub(super) invocations: HashMap<String, VecDeque<Invocation>>,
    breakers: HashMap<String, Breaker>,
    /// When the last invocations of the minute began, for trials.
    begun: VecDeque<Timestamp>,
}

#[derive(Debug, Default)]
struct Breaker {
    outcomes: VecDeque<(Timestamp, bool)>,
    open_until: Option<Timestamp>,
}

/// Puts an event in line for a webhook, as often and as late as the faults say.
pub(super) fn queue(state: &mut State, webhook: &str, event: &str, ticket: u64, body: String) {
    for seconds in state.faults.delivery(event, ticket) {
        let number = state.next_id();
        let invocation = ulid(state.now, number);
        let after = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        state.deliveries.waiting.push(Waiting {
            due: domain::time::later(state.now, after),
            number,
            webhook: webhook.to_owned(),
            invocation: invocation.clone(),
            body: body.clone(),
            attempts: 0,
            conflicts: 0,
            time_outs: 0,
            unavailable: 0,
        });
        let kept = state.deliveries.invocations.entry(webhook.to_owned()).or_default();
        let status = "pending".to_owned();
        kept.push_back(Invocation {
            number,
            id: invocation,
            status,
            status_code: None,
            completed_at: None,
            attempts: Vec::new(),
        });
        while kept.len() > KEPT {
            kept.pop_front();
        }
    }
}

/// When the next delivery is due.
pub(super) fn next_due(state: &State) -> Option<Timestamp> {
    state.deliveries.waiting.iter().map(|waiting| waiting.due).min()
}

pub(super) fn waiting(state: &State) -> usize {
    state.deliveries.waiting.len() + state.deliveries.under_way.len()
}

/// Everything that is due, signed now.
pub(super) fn take(state: &mut State) -> Vec<Outgoing> {
    let now = state.now;
    let (mut due, later): (Vec<_>, Vec<_>) =
        std::mem::take(&mut state.deliveries.waiting).into_iter().partition(|waiting| waiting.due <= now);
    state.deliveries.waiting = later;
    due.sort_by_key(|waiting| (waiting.due, waiting.number));
    due.into_iter().filter_map(|waiting| send(state, waiting)).collect()
}

fn send(state: &mut State, mut waiting: Waiting) -> Option<Outgoing> {
    let now = state.now;
    let webhook = state.webhooks.get(&waiting.webhook).filter(|webhook| webhook.is_active())?.clone();
    if state
        .deliveries
        .breakers
        .get(&webhook.id)
        .and_then(|breaker| breaker.open_until)
        .is_some_and(|until| until > now)
    {
        note(state, &waiting, "circuit broken", None, &[], &Delivered::TimedOut);
        return None;
    }
    if is_throttled(state) {
        note(state, &waiting, "throttled", None, &[], &Delivered::TimedOut);
        waiting.due = domain::time::later(now, SignedDuration::from_secs(THROTTLED_FOR));
        state.deliveries.waiting.push(waiting);
        return None;
    }
    waiting.attempts += 1;
    let outgoing = signed(state, &webhook, &waiting.invocation, &waiting.body, waiting.attempts);
    state.deliveries.under_way.insert(waiting.invocation.clone(), waiting);
    Some(outgoing)
}

/// Whether a trial has had its invocations of this minute.
fn is_throttled(state: &mut State) -> bool {
    let Some(most) = state.setup.plan.invocations() else { return false };
    let begun = &mut state.deliveries.begun;
    let since = domain::time::earlier(state.now, SignedDuration::from_secs(60));
    while begun.front().is_some_and(|at| *at <= since) {
        begun.pop_front();
    }
    let full = begun.len() >= most;
    if !full {
        begun.push_back(state.now);
    }
    full
}

/// A request of a webhook, with the headers Zendesk gives it.
pub(super) fn signed(state: &State, webhook: &Webhook, invocation: &str, body: &str, attempt: u32) -> Outgoing {
    let timestamp = whole(state.now).to_string();
    let signature = zendesk::signature::sign(&webhook.secret.clone().into(), &timestamp, body.as_bytes());
    let mut headers = vec![
        ("content-type".to_owned(), "application/json; charset=utf-8".to_owned()),
        ("user-agent".to_owned(), "Zendesk Webhook".to_owned()),
        ("x-zendesk-account-id".to_owned(), state.setup.account.to_string()),
        ("x-zendesk-webhook-id".to_owned(), webhook.id.clone()),
        ("x-zendesk-webhook-invocation-id".to_owned(), invocation.to_owned()),
        (zendesk::signature::SIGNATURE_HEADER.to_owned(), signature),
        (zendesk::signature::TIMESTAMP_HEADER.to_owned(), timestamp),
    ];
    headers.extend(credentials(webhook));
    headers.extend(webhook.custom_headers.clone());
    Outgoing {
        url: webhook.endpoint.clone(),
        method: webhook.http_method.clone(),
        headers,
        body: body.to_owned(),
        webhook: webhook.id.clone(),
        invocation: invocation.to_owned(),
        attempt,
    }
}

fn credentials(webhook: &Webhook) -> Option<(String, String)> {
    let authentication = webhook.authentication.as_ref()?;
    let data = |key: &str| authentication.get("data").and_then(|data| data.get(key)?.as_str()).unwrap_or_default();
    let value = match authentication.get("type")?.as_str()? {
        "bearer_token" => format!("Bearer {}", data("token")),
        "basic_auth" => {
            format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", data("username"), data("password"))))
        }
        "api_key" => return Some((data("name").to_owned(), data("value").to_owned())),
        _ => return None,
    };
    Some(("authorization".to_owned(), value))
}

/// Notes how an attempt ended, and puts the delivery in line again where Zendesk would.
pub(super) fn settle(state: &mut State, outgoing: &Outgoing, delivered: &Delivered) {
    let Some(mut waiting) = state.deliveries.under_way.remove(&outgoing.invocation) else { return };
    let (code, failed) = match delivered {
        Delivered::Answered { status, .. } => (*status, !(200..300).contains(status)),
        Delivered::TimedOut => (504, true),
    };
    let word = if failed { "failed" } else { "success" };
    note(state, &waiting, word, Some(code), &outgoing.headers, delivered);
    let now = state.now;
    state.deliveries.breakers.entry(waiting.webhook.clone()).or_default().observe(now, failed);
    if let Some(pause) = waiting.repeated_after(delivered) {
        waiting.due = domain::time::later(now, SignedDuration::from_secs(pause));
        state.deliveries.waiting.push(waiting);
    }
}

impl Waiting {
    /// After how many seconds this is tried again; none where Zendesk gives up.
    fn repeated_after(&mut self, delivered: &Delivered) -> Option<i64> {
        let (status, headers) = match delivered {
            Delivered::TimedOut => {
                self.time_outs += 1;
                return (self.time_outs <= TIME_OUTS).then_some(PAUSE);
            }
            Delivered::Answered { status, headers, .. } => (*status, headers),
        };
        match status {
            409 => {
                self.conflicts += 1;
                (self.conflicts <= CONFLICTS).then_some(PAUSE)
            }
            429 | 503 => {
                let asked = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
                let seconds: u64 = asked?.1.trim().parse().ok()?;
                self.unavailable += 1;
                let again = seconds < LONGEST_WAIT && self.unavailable <= UNAVAILABLE;
                again.then(|| i64::try_from(seconds).unwrap_or(PAUSE))
            }
            _ => None,
        }
    }
}

impl Breaker {
    /// Opens at more than 1000 errors in 5 minutes, or 70 % of at least 100 requests.
    fn observe(&mut self, now: Timestamp, failed: bool) {
        let since = domain::time::earlier(now, SignedDuration::from_secs(LOOK_BACK));
        self.outcomes.push_back((now, failed));
        while self.outcomes.front().is_some_and(|(at, _)| *at <= since) {
            self.outcomes.pop_front();
        }
        let (all, errors) = (self.outcomes.len(), self.outcomes.iter().filter(|(_, failed)| *failed).count());
        if all >= FEWEST && (errors * 10 >= all * 7 || errors > MOST_ERRORS) {
            self.open_until = Some(domain::time::later(now, SignedDuration::from_secs(BROKEN_FOR)));
        }
    }
}

fn note(
    state: &mut State,
    waiting: &Waiting,
    status: &str,
    code: Option<u16>,
    sent: &[(String, String)],
    delivered: &Delivered,
) {
    let listed = |headers: &[(String, String)]| -> Vec<Value> {
        headers.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
    };
    let (answered, payload) = match delivered {
        Delivered::Answered { headers, body, .. } => (listed(headers), body.clone()),
        Delivered::TimedOut => (Vec::new(), String::new()),
    };
    let at = state.now;
    let attempt = ulid(at, state.next_id());
    let invocations = state.deliveries.invocations.get_mut(&waiting.webhook);
    let Some(invocation) =
        invocations.and_then(|all| all.iter_mut().find(|invocation| invocation.id == waiting.invocation))
    else {
        return;
    };
    invocation.status = status.to_owned();
    invocation.status_code = code;
    invocation.completed_at = Some(at);
    invocation.attempts.push(json!({
        "id": attempt,
        "invocation_id": waiting.invocation,
        "status_code": code,
        "status": status,
        "request": { "headers": listed(sent), "payload": waiting.body },
        "response": { "headers": answered, "payload": payload },
        "completed_at": at,
    }));
}

/// 26 letters of Crockford's alphabet: the time, then what tells two of one moment apart.
pub(super) fn ulid(at: Timestamp, number: u64) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = u128::try_from(at.as_millisecond()).unwrap_or_default() << 80;
    let mixed = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C) & ((1 << 80) - 1);
    let value = time | mixed;
    (0..26)
        .rev()
        .map(|place| {
            let letter = usize::try_from((value >> (5 * place)) & 31).unwrap_or_default();
            char::from(LETTERS.get(letter).copied().unwrap_or(b'0'))
        })
        .collect()
}
