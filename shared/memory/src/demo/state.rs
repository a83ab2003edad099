//! All the demo knows, and the small questions asked of it.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Setup,
    access::Access,
    delivery::Deliveries,
    faults::Faults,
    limits::Limits,
    records::{self, Kind},
    tickets::Ticket,
    webhooks::Webhook,
};

/// Where the ids of the account's own records begin. Zendesk's have 13 or 14 digits.
const FIRST_ID: u64 = 8_447_346_000_000;

#[derive(Debug)]
pub(super) struct State {
    pub(super) setup: Setup,
    pub(super) now: Timestamp,
    pub(super) access: Access,
    pub(super) limits: Limits,
    pub(super) faults: Faults,
    pub(super) tickets: BTreeMap<u64, Ticket>,
    pub(super) records: HashMap<Kind, BTreeMap<u64, Map<String, Value>>>,
    pub(super) webhooks: BTreeMap<String, Webhook>,
    pub(super) deliveries: Deliveries,
    pub(super) jobs: BTreeMap<String, Value>,
    /// Comments on tickets that are not open yet, by who scripts the demo.
    pub(super) early: HashMap<u64, Vec<String>>,
    pub(super) places: Places,
    ids: u64,
}

/// Records that others refer to.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Places {
    pub(super) brand: u64,
    pub(super) form: u64,
}

impl State {
    pub(super) fn new(setup: Setup) -> Self {
        let mut state = Self {
            now: setup.now,
            access: Access::default(),
            limits: Limits::default(),
            faults: Faults::new(setup.scenario.clone(), setup.seed),
            tickets: BTreeMap::new(),
            records: HashMap::new(),
            webhooks: BTreeMap::new(),
            deliveries: Deliveries::default(),
            jobs: BTreeMap::new(),
            early: HashMap::new(),
            places: Places::default(),
            ids: 0,
            setup,
        };
        records::furnish(&mut state);
        state
    }

    /// An id nothing else has.
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        FIRST_ID + self.ids * 146
    }

    /// A text that nobody guesses who does not know the seed, the same for the same name. It ends in `=` as signing
    /// secrets do.
    pub(super) fn derived(&self, name: &str) -> String {
        let seed = format!("demo {}", self.setup.seed);
        zendesk::signature::sign(&seed.into(), name, b"").replace(['+', '/'], "x")
    }

    /// The time as Zendesk writes it, in whole seconds.
    pub(super) fn time(&self) -> Value {
        json!(whole(self.now))
    }

    pub(super) fn record(&self, kind: Kind, id: u64) -> Option<&Map<String, Value>> {
        self.records.get(&kind)?.get(&id)
    }

    /// All of a kind, by id.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = (u64, &Map<String, Value>)> {
        self.records.get(&kind).into_iter().flatten().map(|(id, record)| (*id, record))
    }

    pub(super) fn put(&mut self, kind: Kind, id: u64, record: Map<String, Value>) {
        self.records.entry(kind).or_default().insert(id, record);
    }

    /// The user's role: `end-user`, `agent` or `admin`.
    pub(super) fn role(&self, user: u64) -> Option<&str> {
        self.record(Kind::User, user)?.get("role")?.as_str()
    }

    pub(super) fn is_staff(&self, user: u64) -> bool {
        matches!(self.role(user), Some("agent" | "admin"))
    }

    pub(super) fn is_member(&self, user: u64, group: u64) -> bool {
        self.all(Kind::GroupMembership)
            .any(|(_, row)| number(row, "user_id") == Some(user) && number(row, "group_id") == Some(group))
    }
}

/// Without the fraction of a second.
pub(super) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// An id in a record, as a number or as digits.
pub(super) fn number(record: &Map<String, Value>, key: &str) -> Option<u64> {
    id(record.get(key)?)
}

/// A number, or digits.
pub(super) fn id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
