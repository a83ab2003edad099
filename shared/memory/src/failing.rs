//! A port that fails on cue, for tests.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Account, AccountId, Reading, Record, Ticket, TicketId, TicketState, TicketUpdate,
    ports::{
        Accepted, Analyst, Claim, Email, Fenced, Helpdesk, Lease, Mailer, PortError, Queue, SigningSecrets, TicketLog,
        Updated,
    },
};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::lock;

/// How the next call of a method goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// As usual.
    None,
    /// Does nothing and fails for now.
    Transient,
    /// Does nothing and fails for good.
    Permanent,
    /// Does its work, and then the answer is lost.
    Ambiguous,
}

/// Wraps a port: each method first looks whether a fault waits for it.
#[derive(Debug)]
pub struct Failing<P> {
    inner: P,
    faults: Mutex<HashMap<&'static str, VecDeque<Fault>>>,
    calls: Mutex<HashMap<&'static str, usize>>,
}

impl<P> Failing<P> {
    pub fn new(inner: P) -> Self {
        Self { inner, faults: Mutex::default(), calls: Mutex::default() }
    }

    pub fn inner(&self) -> &P {
        &self.inner
    }

    /// The next calls of `method` go this way, one after the other.
    pub fn plan(&self, method: &'static str, faults: &[Fault]) {
        lock(&self.faults).entry(method).or_default().extend(faults);
    }

    /// How often `method` was called.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        lock(&self.calls).get(method).copied().unwrap_or(0)
    }

    async fn call<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        *lock(&self.calls).entry(method).or_default() += 1;
        let fault = lock(&self.faults).get_mut(method).and_then(VecDeque::pop_front).unwrap_or(Fault::None);
        match fault {
            Fault::None => call.await,
            Fault::Transient => Err(PortError::transient(method, "on cue")),
            Fault::Permanent => Err(PortError::permanent(method, "on cue")),
            Fault::Ambiguous => {
                call.await?;
                Err(PortError::transient(method, "answer lost on cue"))
            }
        }
    }
}

#[async_trait]
impl<P: Helpdesk> Helpdesk for Failing<P> {
    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, PortError> {
        self.call("ticket", self.inner.ticket(id)).await
    }

    async fn account(&self, id: &AccountId) -> Result<Account, PortError> {
        self.call("account", self.inner.account(id)).await
    }

    async fn update(&self, update: &TicketUpdate) -> Result<Updated, PortError> {
        self.call("update", self.inner.update(update)).await
    }

    async fn has_marker(&self, id: TicketId, marker: &str) -> Result<bool, PortError> {
        self.call("has_marker", self.inner.has_marker(id, marker)).await
    }
}

#[async_trait]
impl<P: TicketLog> TicketLog for Failing<P> {
    async fn claim(&self, lease: &Lease, now: Timestamp) -> Result<Claim, PortError> {
        self.call("claim", self.inner.claim(lease, now)).await
    }

    async fn save(&self, lease: &Lease, state: &TicketState) -> Result<Fenced, PortError> {
        self.call("save", self.inner.save(lease, state)).await
    }

    async fn finish(
        &self,
        lease: &Lease,
        state: &TicketState,
        record: &Record,
        expires: Timestamp,
    ) -> Result<Fenced, PortError> {
        self.call("finish", self.inner.finish(lease, state, record, expires)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), PortError> {
        self.call("release", self.inner.release(lease)).await
    }
}

#[async_trait]
impl<P: Queue> Queue for Failing<P> {
    async fn send(&self, body: &str, delay: Duration) -> Result<(), PortError> {
        self.call("send", self.inner.send(body, delay)).await
    }

    async fn defer(&self, receipt: &str, delay: Duration) -> Result<(), PortError> {
        self.call("defer", self.inner.defer(receipt, delay)).await
    }
}

#[async_trait]
impl<P: Mailer> Mailer for Failing<P> {
    async fn send(&self, email: &Email) -> Result<Accepted, PortError> {
        self.call("mail", self.inner.send(email)).await
    }
}

#[async_trait]
impl<P: Analyst> Analyst for Failing<P> {
    async fn read(&self, ticket: &Ticket, account: &Account, within: Duration) -> Result<Reading, PortError> {
        self.call("read", self.inner.read(ticket, account, within)).await
    }
}

#[async_trait]
impl<P: SigningSecrets> SigningSecrets for Failing<P> {
    async fn secrets(&self) -> Result<Vec<SecretString>, PortError> {
        self.call("secrets", self.inner.secrets()).await
    }

    async fn refreshed(&self) -> Result<Vec<SecretString>, PortError> {
        self.call("refreshed", self.inner.refreshed()).await
    }
}
