//! How much of the customer's rate limits is ours, over all workers.
//!
//! | counter | period | limit | Zendesk's own, developer.zendesk.com, "Rate limits" |
//! |---|---|---|---|
//! | `zendesk/requests/<minute>` | a minute | half of `x-rate-limit`, 100 before it is known | 200 to 2,500 an account and minute |
//! | `zendesk/updates/<minute>` | a minute | half of the bucket `tickets-update`, at most 50; 10 before it is known | 100 an account and minute, agents' own updates included; 20 in trials and sandboxes |
//! | `zendesk/ticket/<id>/<period>` | 10 minutes | 15 | 30 of one user on one ticket in any 10 minutes |
//!
//! The last limit is half of Zendesk's: our periods stand still and Zendesk's window slides over two of them.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{
    ports::{Control, Count, PortError},
    time::later,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    client::ApiError,
    http::{Method, Request, Response},
};

const MOST_UPDATES: u64 = 50;
const UNKNOWN_UPDATES: u64 = 10;
const UNKNOWN_REQUESTS: u64 = 100;
const TICKET_UPDATES: u64 = 15;
/// In seconds.
const MINUTE: i64 = 60;
const TICKET_PERIOD: i64 = 600;
/// How long a counter is kept past its period.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// The longest a header may shut us out, in seconds: longer ones have been seen and are mistakes.
pub(crate) const LONGEST_PAUSE: u64 = 900;

/// A share of the rate limits. Clones share what they learned.
#[derive(Clone)]
pub struct Budget {
    /// None: no limit of ours, only Zendesk's.
    control: Option<Arc<dyn Control>>,
    learned: Arc<Mutex<Learned>>,
}

/// What the headers of answers said.
#[derive(Clone, Copy, Default, Debug)]
struct Learned {
    requests: Bucket,
    updates: Bucket,
}

#[derive(Clone, Copy, Default, Debug)]
struct Bucket {
    total: Option<u64>,
    /// Nothing was left of it; until then.
    empty_until: Option<Timestamp>,
}

/// One counter a request has to pass.
struct Counted {
    name: String,
    limit: u64,
    ends: Timestamp,
}

/// What a request is to the budget.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Other,
    /// Changes a ticket; its number, where the path has one.
    Update(Option<u64>),
    /// Makes an exposed note private: counted, and never held.
    Repair,
}

impl Budget {
    #[must_use]
    pub fn new(control: Arc<dyn Control>) -> Self {
        Self { control: Some(control), learned: Arc::default() }
    }

    /// For a person at a terminal, whose few requests the headers alone hold back.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { control: None, learned: Arc::default() }
    }

    /// Counts the request, or says how long it has to wait.
    pub(crate) async fn admit(&self, request: &Request, now: Timestamp) -> Result<(), ApiError> {
        let kind = Kind::of(request);
        let learned = *self.learned();
        if let Some(until) = learned.shut(kind).filter(|until| *until > now) {
            return Err(throttled(until, now));
        }
        let Some(control) = &self.control else { return Ok(()) };
        let mut passed: Vec<Counted> = Vec::new();
        for counted in learned.counters(kind, now) {
            let expires = later(counted.ends, KEPT);
            match control.count(&counted.name, 1, counted.limit, expires).await? {
                Count::Within { .. } => passed.push(counted),
                Count::Over => {
                    give_back(&**control, &passed).await?;
                    return Err(throttled(counted.ends, now));
                }
            }
        }
        Ok(())
    }

    /// Reads the limits off an answer.
    pub(crate) fn learn(&self, response: &Response, now: Timestamp) {
        let mut learned = self.learned();
        if let Some(total) = plain(response, &["x-rate-limit", "ratelimit-limit", "rate-limit"]) {
            learned.requests.total = Some(total);
        }
        let remaining = plain(response, &["x-rate-limit-remaining", "ratelimit-remaining", "rate-limit-remaining"]);
        let reset = plain(response, &["ratelimit-reset", "rate-limit-reset"]);
        learned.requests.remember(remaining, reset, now);
        if let Some(value) =
            header(response, &["zendesk-ratelimit-tickets-update", "zendesk-rate-limit-tickets-update"])
        {
            let part = |name: &str| {
                let mut parts = value.split(';').filter_map(|part| part.split_once('='));
                parts.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?.1.trim().parse::<u64>().ok()
            };
            if let Some(total) = part("total") {
                learned.updates.total = Some(total);
            }
            learned.updates.remember(part("remaining"), part("resets"), now);
        }
    }

    fn learned(&self) -> std::sync::MutexGuard<'_, Learned> {
        // Plain numbers are whole after a panic.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budget").field("limited", &self.control.is_some()).finish_non_exhaustive()
    }
}

impl Bucket {
    /// An answer that says nothing of what remains changes nothing.
    fn remember(&mut self, remaining: Option<u64>, resets: Option<u64>, now: Timestamp) {
        let Some(remaining) = remaining else { return };
        let wait = resets.unwrap_or(MINUTE.unsigned_abs()).clamp(1, LONGEST_PAUSE);
        let wait = SignedDuration::from_secs(i64::try_from(wait).unwrap_or(MINUTE));
        self.empty_until = if remaining == 0 { Some(later(now, wait)) } else { None };
    }
}

impl Learned {
    fn shut(&self, kind: Kind) -> Option<Timestamp> {
        match kind {
            Kind::Repair => None,
            Kind::Other => self.requests.empty_until,
            Kind::Update(_) => self.requests.empty_until.max(self.updates.empty_until),
        }
    }

    /// The narrowest first: a ticket that was written too often uses up nothing of the others.
    fn counters(&self, kind: Kind, now: Timestamp) -> Vec<Counted> {
        let requests = self.requests.total.map_or(UNKNOWN_REQUESTS, |total| (total / 2).max(1));
        let updates = self.updates.total.map_or(UNKNOWN_UPDATES, |total| (total / 2).clamp(1, MOST_UPDATES));
        let all = |limit| Counted::new("zendesk/requests", MINUTE, limit, now);
        let writes = |limit| Counted::new("zendesk/updates", MINUTE, limit, now);
        match kind {
            Kind::Other => vec![all(requests)],
            Kind::Update(None) => vec![writes(updates), all(requests)],
            Kind::Update(Some(id)) => {
                let one = Counted::new(&format!("zendesk/ticket/{id}"), TICKET_PERIOD, TICKET_UPDATES, now);
                vec![one, writes(updates), all(requests)]
            }
            Kind::Repair => vec![writes(u64::MAX), all(u64::MAX)],
        }
    }
}

impl Counted {
    fn new(name: &str, period: i64, limit: u64, now: Timestamp) -> Self {
        let number = now.as_second().div_euclid(period);
        let ends = Timestamp::from_second((number + 1).saturating_mul(period)).unwrap_or(Timestamp::MAX);
        Self { name: format!("{name}/{number}"), limit, ends }
    }
}

impl Kind {
    fn of(request: &Request) -> Self {
        let path = request.path.split('?').next().unwrap_or_default();
        let Some(rest) = path.strip_prefix("/api/v2/tickets/") else { return Self::Other };
        match request.method {
            Method::Put if rest.contains("/make_private") => Self::Repair,
            // "Any PUT request that updates tickets"; adding a tag by POST changes one as well.
            Method::Put | Method::Post | Method::Patch | Method::Delete => {
                let digits = rest.split(['/', '.']).next().unwrap_or_default();
                Self::Update(digits.parse().ok())
            }
            Method::Get => Self::Other,
        }
    }
}

async fn give_back(control: &dyn Control, passed: &[Counted]) -> Result<(), PortError> {
    for counted in passed {
        control.uncount(&counted.name, 1).await?;
    }
    Ok(())
}

/// Not before the period is over; a second is the least a queue can wait.
fn throttled(until: Timestamp, now: Timestamp) -> ApiError {
    let wait = until.duration_since(now).max(SignedDuration::from_secs(1));
    ApiError::Throttled { not_before: wait.unsigned_abs() }
}

fn header<'a>(response: &'a Response, spellings: &[&str]) -> Option<&'a str> {
    spellings.iter().find_map(|name| response.header(name))
}

fn plain(response: &Response, spellings: &[&str]) -> Option<u64> {
    header(response, spellings)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::executor::block_on;
    use serde_json::json;

    use super::*;
    use crate::script::{Counters, Hand, Script, answer, client_within, with_header};

    fn put(ticket: u64) -> Request {
        Request::new(Method::Put, format!("/api/v2/tickets/{ticket}.json"))
    }

    fn read() -> Request {
        Request::get("/api/v2/tickets/1.json")
    }

    fn repair() -> Request {
        Request::new(Method::Put, "/api/v2/tickets/1/comments/2/make_private")
    }

    fn admitted(budget: &Budget, requests: impl IntoIterator<Item = Request>, now: Timestamp) -> usize {
        requests.into_iter().filter(|request| block_on(budget.admit(request, now)).is_ok()).count()
    }

    fn told(headers: &[(&str, &str)]) -> Response {
        headers.iter().fold(answer(200, json!({})), |response, (name, value)| with_header(response, name, value))
    }

    #[test]
    fn nothing_known_is_the_most_careful() {
        let budget = Budget::new(Arc::new(Counters::default()));
        let now = Hand::new().now();
        assert_eq!(admitted(&budget, (0..200).map(put), now), 10);
        assert_eq!(admitted(&budget, (0..200).map(|_| read()), now), 90, "an update is a request as well");
    }

    #[test]
    fn every_spelling_of_the_limits_is_read() {
        for (headers, updates, requests) in [
            (
                vec![
                    ("X-Rate-Limit", "700"),
                    ("Zendesk-RateLimit-tickets-update", "total=100; remaining=99; resets=41"),
                ],
                50,
                350,
            ),
            (vec![("zendesk-rate-limit-tickets-update", "total=20; remaining=19; resets=59")], 10, 100),
            (vec![("ratelimit-limit", "400"), ("ZENDESK-RATELIMIT-TICKETS-UPDATE", "total=300;remaining=1")], 50, 200),
            (vec![("rate-limit", "10"), ("zendesk-ratelimit-tickets-update", "TOTAL=4")], 2, 5),
            (vec![("x-rate-limit", "lots"), ("zendesk-ratelimit-tickets-update", "total=; =")], 10, 100),
            (vec![("x-rate-limit", "1"), ("zendesk-ratelimit-tickets-update", "total=0")], 1, 1),
        ] {
            let budget = Budget::new(Arc::new(Counters::default()));
            let now = Hand::new().now();
            budget.learn(&told(&headers), now);
            let written = admitted(&budget, (0..400).map(put), now);
            let read = admitted(&budget, (0..400).map(|_| read()), now);
            assert_eq!((written.min(requests), written + read), (updates.min(requests), requests), "{headers:?}");
        }
    }

    #[test]
    fn one_ticket_is_written_fifteen_times_a_period() {
        let (counters, hand) = (Arc::new(Counters::default()), Hand::new());
        let budget = Budget::new(counters.clone());
        budget.learn(&told(&[("zendesk-ratelimit-tickets-update", "total=100; remaining=99; resets=41")]), hand.now());
        assert_eq!(admitted(&budget, (0..40).map(|_| put(7)), hand.now()), 15);
        assert_eq!((counters.of("zendesk/updates/"), counters.of("zendesk/requests/")), (15, 15));
        assert_eq!(admitted(&budget, [put(8)], hand.now()), 1);
        hand.forward(600);
        assert_eq!(admitted(&budget, (0..40).map(|_| put(7)), hand.now()), 15);
    }

    #[test]
    fn what_was_not_admitted_is_not_counted() {
        let counters = Arc::new(Counters::default());
        let budget = Budget::new(counters.clone());
        let now = Hand::new().now();
        assert_eq!(admitted(&budget, (0..40).map(put), now), 10);
        assert_eq!((counters.of("zendesk/ticket/"), counters.of("zendesk/updates/")), (10, 10));
    }

    #[test]
    fn over_budget_waits_for_the_next_period() {
        let hand = Hand::new();
        hand.forward(-(hand.now().as_second() % 60) + 13);
        let budget = Budget::new(Arc::new(Counters::default()));
        assert_eq!(admitted(&budget, (0..10).map(put), hand.now()), 10);
        let Err(ApiError::Throttled { not_before }) = block_on(budget.admit(&put(99), hand.now())) else { panic!() };
        assert_eq!(not_before, Duration::from_secs(47));
        hand.forward(47);
        assert_eq!(admitted(&budget, [put(99)], hand.now()), 1);
    }

    #[test]
    fn nothing_remaining_shuts_until_the_reset() {
        let (script, hand) = (Script::new(), Hand::new());
        let used_up = told(&[("zendesk-ratelimit-tickets-update", "total=100; remaining=0; resets=41")]);
        script
            .expect("PUT /api/v2/tickets/1.json", used_up)
            .expect("GET /api/v2/tickets/1.json", answer(200, json!({})));
        let client = client_within(&script, Budget::unlimited(), &hand);
        block_on(client.send(put(1))).unwrap();
        let Err(ApiError::Throttled { not_before }) = block_on(client.send(put(2))) else { panic!() };
        assert_eq!(not_before, Duration::from_secs(41));
        block_on(client.send(read())).expect("reads have their own limit");
        hand.forward(41);
        let shut = told(&[("x-rate-limit-remaining", "0"), ("ratelimit-reset", "999999")]);
        script.expect("PUT /api/v2/tickets/2.json", shut);
        block_on(client.send(put(2))).unwrap();
        let Err(ApiError::Throttled { not_before }) = block_on(client.send(read())) else { panic!() };
        assert_eq!(not_before, Duration::from_secs(900), "no longer, whatever the header says");
        script.seen();
    }

    #[test]
    fn an_answer_without_limits_changes_nothing() {
        let hand = Hand::new();
        let budget = Budget::unlimited();
        budget.learn(&told(&[("x-rate-limit-remaining", "0")]), hand.now());
        budget.learn(&told(&[]), hand.now());
        assert_eq!(admitted(&budget, [read()], hand.now()), 0);
        budget.learn(&told(&[("x-rate-limit-remaining", "5")]), hand.now());
        assert_eq!(admitted(&budget, [read()], hand.now()), 1);
    }

    #[test]
    fn an_exposed_note_is_repaired_over_budget() {
        let counters = Arc::new(Counters::default());
        let budget = Budget::new(counters.clone());
        let now = Hand::new().now();
        assert_eq!(admitted(&budget, (0..200).map(|_| read()), now), 100);
        budget.learn(&told(&[("x-rate-limit-remaining", "0")]), now);
        assert_eq!(admitted(&budget, [read(), repair()], now), 1);
        assert_eq!(counters.of("zendesk/requests/"), 101);
    }
}
