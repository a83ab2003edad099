//! What lies between our calls and Zendesk: a network and a service with bad days, and agents who are quicker.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;
use memory::demo::DemoZendesk;
use serde_json::json;
use zendesk::{Method, Request, Response, Transport, Unanswered};

use super::{clock::Clock, people::People};

/// How often a request goes wrong, in a thousand, each way.
const THROTTLED: u32 = 8;
const BROKEN: u32 = 8;
const COLLISION: u32 = 6;
const LOST_BEFORE: u32 = 8;
const LOST_AFTER: u32 = 8;
const BROKEN_AFTER: u32 = 6;
const EXPIRED: u32 = 3;
/// An agent changes the ticket between our reading and our writing.
const OVERTAKEN: u32 = 30;

/// Carries our bot's requests to the demo, and notes each one that arrives.
pub(super) struct Weather {
    demo: DemoZendesk,
    clock: Clock,
    people: Arc<People>,
    state: Mutex<State>,
}

struct State {
    rng: fastrand::Rng,
    fair: bool,
    sent: Vec<Sent>,
    faults: u64,
    /// Tokens that were accepted once. A new one always is: Zendesk withdraws no two in a row.
    accepted: HashSet<String>,
    /// Tokens that Zendesk no longer accepts.
    revoked: HashSet<String>,
}

/// A request that reached Zendesk.
pub(super) struct Sent {
    pub(super) at: Timestamp,
    pub(super) method: Method,
    pub(super) path: String,
}

/// What happens to one request.
#[derive(Clone, Copy)]
enum Fate {
    Arrives,
    Throttled,
    Broken,
    Collides,
    LostBefore,
    LostAfter,
    BrokenAfter,
    Expired,
}

impl Weather {
    pub(super) fn new(demo: DemoZendesk, clock: Clock, people: Arc<People>, seed: u64) -> Self {
        let state = State {
            rng: fastrand::Rng::with_seed(seed),
            fair: false,
            sent: Vec::new(),
            faults: 0,
            accepted: HashSet::new(),
            revoked: HashSet::new(),
        };
        Self { demo, clock, people, state: Mutex::new(state) }
    }

    /// From now on every request arrives and is answered.
    pub(super) fn clear_up(&self) {
        self.state().fair = true;
    }

    /// How many requests went wrong.
    pub(super) fn faults(&self) -> u64 {
        self.state().faults
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state().sent)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self) {
        let turns = self.state().rng.u8(0..3);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    fn arrive(&self, request: Request) -> Result<Response, Unanswered> {
        let revoked = request.authorization.as_ref().is_some_and(|token| self.state().revoked.contains(&token.0));
        let sent = Sent { at: self.clock.now(), method: request.method, path: request.path.clone() };
        self.state().sent.push(sent);
        if revoked {
            return Ok(answer(401, &json!({ "error": "invalid_token", "error_description": "expired or revoked" })));
        }
        if let Some(token) = &request.authorization {
            self.state().accepted.insert(token.0.clone());
        }
        self.demo.answer(&request).response
    }
}

impl State {
    fn fate(&mut self, request: &Request) -> Fate {
        if self.fair {
            return Fate::Arrives;
        }
        let write = request.method == Method::Put;
        let token = request.path.starts_with("/oauth/");
        let fates = [
            (THROTTLED, Fate::Throttled),
            (BROKEN, Fate::Broken),
            (if write { COLLISION } else { 0 }, Fate::Collides),
            (LOST_BEFORE, Fate::LostBefore),
            (if write { LOST_AFTER } else { 0 }, Fate::LostAfter),
            (if write { BROKEN_AFTER } else { 0 }, Fate::BrokenAfter),
            (if token { 0 } else { EXPIRED }, Fate::Expired),
        ];
        let mut drawn = self.rng.u32(0..1000);
        for (share, fate) in fates {
            if drawn < share {
                self.faults += 1;
                return fate;
            }
            drawn -= share;
        }
        Fate::Arrives
    }
}

fn answer(status: u16, body: &serde_json::Value) -> Response {
    Response { status, headers: vec![], body: body.to_string().into_bytes() }
}

#[async_trait]
impl Transport for Weather {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        self.pass().await;
        let fate = self.state().fate(&request);
        let response = match fate {
            Fate::Throttled => {
                let after = self.state().rng.choice(["1", "17", "60", "300", "999999"]).unwrap_or("60").to_owned();
                let mut response = answer(429, &json!({ "error": "APIRateLimitExceeded", "description": "" }));
                response.headers.push(("Retry-After".to_owned(), after));
                Ok(response)
            }
            Fate::Broken => {
                let status = self.state().rng.choice([500, 502, 503]).unwrap_or(500);
                Ok(Response { status, headers: vec![], body: b"<html>trouble</html>".to_vec() })
            }
            Fate::Collides => Ok(answer(409, &json!({ "error": "DatabaseConflict", "description": "" }))),
            Fate::LostBefore => Err(Unanswered("timed out".to_owned())),
            Fate::LostAfter => {
                self.arrive(request)?;
                Err(Unanswered("timed out".to_owned()))
            }
            Fate::BrokenAfter => {
                self.arrive(request)?;
                Ok(answer(502, &json!({})))
            }
            Fate::Expired => {
                if let Some(token) = &request.authorization {
                    let state = &mut *self.state();
                    if state.accepted.contains(&token.0) {
                        state.revoked.insert(token.0.clone());
                    }
                }
                self.arrive(request)
            }
            Fate::Arrives => {
                let overtaken = {
                    let mut state = self.state();
                    let odds = if state.fair { 0 } else { OVERTAKEN };
                    request.method == Method::Put && state.rng.u32(0..1000) < odds
                };
                if overtaken {
                    let ticket = request.path.split(['/', '.']).find_map(|part| part.parse().ok());
                    ticket.into_iter().for_each(|ticket| self.people.interfere(ticket));
                }
                self.arrive(request)
            }
        };
        self.pass().await;
        response
    }
}
