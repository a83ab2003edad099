//! Customers who write and agents who work, over Zendesk's own API.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{Account, AccountId, Sender, TicketId};
use jiff::{SignedDuration, Timestamp};
use memory::{
    NewTicket,
    demo::{ADMIN, AGENT, DemoZendesk},
};
use serde_json::{Value, json};
use zendesk::{Authorization, Method, Request};

use super::{clock::Clock, replay::Text};

/// One thing somebody does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Open { ticket: usize, text: usize },
    Comment { ticket: usize, text: usize },
    Agent { ticket: usize, act: Act },
}

/// What an agent does to a ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Priority(&'static str),
    /// One of the account's groups, by its place.
    Group(usize),
    Tag(u32),
    Note,
    Reply,
    Solve,
    Close,
}

/// Everybody but us.
pub(super) struct People {
    demo: DemoZendesk,
    clock: Clock,
    /// An administrator's.
    authorization: Authorization,
    groups: Vec<u64>,
    state: Mutex<State>,
}

struct State {
    rng: fastrand::Rng,
    /// Zendesk's numbers, by ours.
    numbers: Vec<Option<u64>>,
    /// Tags that agents put on a ticket.
    tags: BTreeSet<(u64, String)>,
}

impl People {
    pub(super) fn new(demo: DemoZendesk, clock: Clock, tickets: usize, seed: u64) -> Self {
        let state = State { rng: fastrand::Rng::with_seed(seed), numbers: vec![None; tickets], tags: BTreeSet::new() };
        let tokens = demo.api_tokens();
        let admin = tokens.iter().find(|token| token.user == ADMIN).expect("the demo's administrator has a token");
        let basic = BASE64_STANDARD.encode(format!("{}/token:{}", admin.email, admin.token));
        let authorization = Authorization(format!("Basic {basic}"));
        let mut people = Self { demo, clock, authorization, groups: Vec::new(), state: Mutex::new(state) };
        let groups = people.ask(Method::Get, "/api/v2/groups.json", None);
        let groups = groups["groups"].as_array().into_iter().flatten();
        people.groups = groups.filter_map(|group| group["id"].as_u64()).collect();
        people
    }

    /// Who does what and when: `tickets` of them from `start` on, `texts` to choose from. In no order.
    pub(super) fn plan(&self, start: Timestamp, texts: usize, seed: u64) -> Vec<(Timestamp, Deed)> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut opened = start;
        let mut deeds = Vec::new();
        for ticket in 0..self.state().numbers.len() {
            opened = later(opened, rng.i64(0..80));
            deeds.push((opened, Deed::Open { ticket, text: rng.usize(0..texts) }));
            let mut at = opened;
            for _ in 0..rng.u8(0..3) {
                let pause = rng.choice([5, 90, 900, 9_000]).unwrap_or(90);
                at = later(at, pause + rng.i64(0..60));
                deeds.push((at, Deed::Comment { ticket, text: rng.usize(0..texts) }));
            }
            for _ in 0..rng.u8(0..3) {
                let act = Act::drawn(&mut rng);
                deeds.push((later(opened, rng.i64(1..6_000)), Deed::Agent { ticket, act }));
            }
            if rng.u8(0..20) == 0 {
                deeds.push((later(at, 12_000), Deed::Agent { ticket, act: Act::Close }));
            }
        }
        deeds
    }

    /// Does it. A customer or an agent whom Zendesk refuses lets it be.
    pub(super) fn act(&self, deed: &Deed, texts: &[Text]) {
        match deed {
            Deed::Open { ticket, text } => {
                let Some(text) = texts.get(*text) else { return };
                let number = self.open(text, *ticket);
                if let Some(place) = self.state().numbers.get_mut(*ticket) {
                    *place = number;
                }
            }
            Deed::Comment { ticket, text } => {
                let (Some(number), Some(text)) = (self.number(*ticket), texts.get(*text)) else { return };
                let Some(requester) = self.ticket(number)["requester_id"].as_u64() else { return };
                let comment = json!({ "body": text.body, "public": true, "author_id": requester });
                self.change(number, json!({ "comment": comment }));
            }
            Deed::Agent { ticket, act } => {
                if let Some(number) = self.number(*ticket) {
                    self.work(number, *act);
                }
            }
        }
    }

    /// An agent does something to the ticket just now.
    pub(super) fn interfere(&self, number: u64) {
        let act = Act::drawn(&mut self.state().rng);
        self.work(number, act);
    }

    /// Zendesk's numbers of the tickets that were opened.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.state().numbers.iter().flatten().copied().collect()
    }

    /// The tags agents put on a ticket.
    pub(super) fn tags(&self, number: u64) -> Vec<String> {
        self.state().tags.iter().filter(|(ticket, _)| *ticket == number).map(|(_, tag)| tag.clone()).collect()
    }

    /// Asks Zendesk as the administrator.
    pub(super) fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = Request { body, authorization: Some(self.authorization.clone()), ..Request::new(method, path) };
        let answer = self.demo.answer(&request).response;
        answer.ok().and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_default()
    }

    pub(super) fn ticket(&self, number: u64) -> Value {
        self.ask(Method::Get, &format!("/api/v2/tickets/{number}.json"), None)["ticket"].take()
    }

    fn open(&self, text: &Text, ticket: usize) -> Option<u64> {
        let number = u64::try_from(ticket).ok()? + 1;
        // Accounts write more than once: a quarter as many as there are tickets.
        let account = AccountId::try_from(format!("Customer {}", ticket / 4)).ok()?;
        let name = account.to_name();
        self.demo.set_account(&Account {
            id: account.clone(),
            name,
            mrr: text.mrr,
            plan: None,
            health: None,
            kam: None,
        });
        self.demo.open(&NewTicket {
            id: TicketId::new(number).ok()?,
            account,
            subject: text.subject.as_str().into(),
            description: text.body.as_str().into(),
            channel: "email".into(),
            requester_name: Some("Jo Marin".to_owned()),
            sender: Sender::Customer,
            opened_privately: false,
            created_at: self.now(),
        });
        self.work(number, Act::Tag(0));
        Some(number)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn work(&self, number: u64, act: Act) {
        let change = match act {
            Act::Priority(priority) => json!({ "priority": priority }),
            Act::Group(place) => json!({ "group_id": self.groups.get(place % self.groups.len().max(1)) }),
            Act::Tag(tag) => {
                let tag = format!("agents_{tag}");
                let mut tags = self.ticket(number)["tags"].take();
                if let Value::Array(tags) = &mut tags {
                    tags.push(json!(tag));
                }
                self.change(number, json!({ "tags": tags }));
                if self.ticket(number)["tags"].as_array().is_some_and(|tags| tags.contains(&json!(tag))) {
                    self.state().tags.insert((number, tag));
                }
                return;
            }
            Act::Note => json!({ "comment": { "body": "Looking into it.", "public": false } }),
            Act::Reply => json!({ "comment": { "body": "We are on it.", "public": true } }),
            Act::Solve => json!({ "status": "solved", "assignee_id": AGENT }),
            Act::Close => json!({ "status": "closed", "assignee_id": AGENT }),
        };
        self.change(number, change);
    }

    fn change(&self, number: u64, change: Value) {
        self.ask(Method::Put, &format!("/api/v2/tickets/{number}.json"), Some(json!({ "ticket": change })));
    }

    fn number(&self, ticket: usize) -> Option<u64> {
        self.state().numbers.get(ticket).copied().flatten()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Act {
    fn drawn(rng: &mut fastrand::Rng) -> Self {
        match rng.u8(0..7) {
            0 => Self::Priority("urgent"),
            1 => Self::Priority("low"),
            2 => Self::Group(rng.usize(0..8)),
            3 => Self::Tag(rng.u32(0..50)),
            4 => Self::Note,
            5 => Self::Reply,
            _ => Self::Solve,
        }
    }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    domain::time::later(at, SignedDuration::from_secs(seconds))
}
