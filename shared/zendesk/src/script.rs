//! A transport for tests that plays a script, and counters in memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use domain::ports::{Control, Count, Leased, PortError};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    access::{Access, RUNTIME_SCOPES},
    budget::Budget,
    client::{Client, Clock},
    http::{Request, Response, Transport, Unanswered},
};

/// Requests in the order they have to come, each with its answer.
#[derive(Default)]
pub(crate) struct Script {
    steps: Mutex<VecDeque<(String, Result<Response, Unanswered>)>>,
    seen: Mutex<Vec<Request>>,
}

impl Script {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// `request` is method and path, such as `GET /api/v2/users/me.json`.
    pub(crate) fn expect(self: &Arc<Self>, request: &str, answer: Response) -> &Arc<Self> {
        self.steps.lock().unwrap().push_back((request.to_owned(), Ok(answer)));
        self
    }

    pub(crate) fn expect_silence(self: &Arc<Self>, request: &str) -> &Arc<Self> {
        self.steps.lock().unwrap().push_back((request.to_owned(), Err(Unanswered("timed out".into()))));
        self
    }

    /// What was sent; everything that was expected must have come.
    pub(crate) fn seen(&self) -> Vec<Request> {
        let left: Vec<String> = self.steps.lock().unwrap().iter().map(|(request, _)| request.clone()).collect();
        assert!(left.is_empty(), "never asked: {left:?}");
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let asked = format!("{} {}", request.method, request.path);
        let next = self.steps.lock().unwrap().pop_front();
        let (expected, answer) = next.unwrap_or_else(|| panic!("nothing more was expected, but {asked}"));
        assert_eq!(asked, expected);
        self.seen.lock().unwrap().push(request);
        answer
    }
}

pub(crate) fn answer(status: u16, body: Value) -> Response {
    Response { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

pub(crate) fn with_header(mut response: Response, name: &str, value: &str) -> Response {
    response.headers.push((name.to_owned(), value.to_owned()));
    response
}

pub(crate) fn token(text: &str) -> Response {
    answer(
        201,
        json!({ "access_token": text, "token_type": "bearer", "scope": RUNTIME_SCOPES.join(" "), "expires_in": 3600 }),
    )
}

/// A clock that a test moves.
#[derive(Clone)]
pub(crate) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_795_860_000)))
    }

    pub(crate) fn clock(&self) -> Clock {
        let hand = self.clone();
        Arc::new(move || hand.now())
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

/// A client whose credentials need no request.
pub(crate) fn client(script: &Arc<Script>) -> Client {
    client_within(script, Budget::unlimited(), &Hand::new())
}

pub(crate) fn client_within(script: &Arc<Script>, budget: Budget, hand: &Hand) -> Client {
    Client::new(script.clone(), Access::api_token("bot@example.com", "PLANTED".into()), budget, hand.clock())
}

/// Counters alone.
#[derive(Default)]
pub(crate) struct Counters(Mutex<HashMap<String, u64>>);

impl Counters {
    pub(crate) fn of(&self, prefix: &str) -> u64 {
        self.0.lock().unwrap().iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, count)| count).sum()
    }
}

#[async_trait]
impl Control for Counters {
    async fn count(&self, counter: &str, amount: u64, limit: u64, _: Timestamp) -> Result<Count, PortError> {
        let mut counters = self.0.lock().unwrap();
        let used = counters.entry(counter.to_owned()).or_default();
        if *used + amount > limit {
            return Ok(Count::Over);
        }
        *used += amount;
        Ok(Count::Within { used: *used })
    }

    async fn uncount(&self, counter: &str, amount: u64) -> Result<(), PortError> {
        *self.0.lock().unwrap().get_mut(counter).unwrap() -= amount;
        Ok(())
    }

    async fn lease(&self, _: &str, _: &str, _: Timestamp, _: Timestamp) -> Result<Leased, PortError> {
        unimplemented!()
    }

    async fn release(&self, _: &str, _: &str) -> Result<(), PortError> {
        unimplemented!()
    }
}
