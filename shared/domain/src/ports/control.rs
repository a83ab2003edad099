//! Counters and cooldowns, each one conditional write.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{AccountId, Alert, AlertKey, AlertKind, TeamId, TopicId, ports::PortError};

/// What a cooldown is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CooldownKey {
    Account {
        account: AccountId,
        kind: AlertKind,
    },
    /// P0 tickets that one team has about one topic: likely one fault that hits many customers.
    Outage {
        team: TeamId,
        topic: Option<TopicId>,
    },
}

impl CooldownKey {
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        match alert.signal.kind() {
            kind @ (AlertKind::Guardian | AlertKind::Opportunity) => {
                Self::Account { account: alert.account.clone(), kind }
            }
            AlertKind::Outage => Self::Outage { team: alert.agent.clone(), topic: alert.topic.clone() },
        }
    }
}

/// `guardian#ACCOUNT`, `outage#nexus/order-sync`.
impl fmt::Display for CooldownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { account, kind } => write!(f, "{kind}#{account}"),
            Self::Outage { team, topic: Some(topic) } => write!(f, "{}#{team}/{topic}", AlertKind::Outage),
            Self::Outage { team, topic: None } => write!(f, "{}#{team}", AlertKind::Outage),
        }
    }
}

/// The answer to a cooldown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cooldown {
    /// Go ahead; the cooldown runs from now.
    Passed,
    /// Another alert of this or a higher band went ahead; wait until then.
    Held { until: Timestamp },
}

/// The answer to a count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// Counted; this much so far.
    Within { used: u64 },
    /// The limit is reached; not counted.
    Over,
}

/// The answer to a lease.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leased {
    /// Ours until then. `taken_over`: an earlier owner's lease ran out, so how far that one came is not known.
    Mine { taken_over: bool },
    /// Somebody else works on it, at most until then.
    Theirs { until: Timestamp },
}

/// The quiet time of an account after an alert.
///
/// - [`Cooldowns::cool_down`] passes if no cooldown runs for the key at `now`, if the one that runs is of a lower band,
///   or if it was this very alert that started it (a retry passes again, and the cooldown it started is not prolonged).
///   A retry after that cooldown is over starts a new one like any other alert: its message goes out now, so the quiet
///   time counts from now.
/// - [`Cooldowns::lift`] ends the cooldown that this very alert started, and no other: its message reached nobody.
#[async_trait]
pub trait Cooldowns: Send + Sync {
    async fn cool_down(
        &self,
        key: &CooldownKey,
        alert: AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Cooldown, PortError>;

    async fn lift(&self, key: &CooldownKey, alert: AlertKey) -> Result<(), PortError>;
}

/// Shared limits, and leases of work that must not run twice at once.
///
/// - [`Control::count`] never lets the amounts within one `counter` pass `limit`, however many calls run at once. An
///   amount of zero counts nothing and only asks whether the limit is passed.
/// - Of any number of concurrent [`Control::lease`] calls for a piece of work exactly one is [`Leased::Mine`]; a lease
///   whose `until` is not after `now` can be taken over. Repeated by its own owner it is [`Leased::Mine`] again.
#[async_trait]
pub trait Control: Send + Sync {
    /// `counter` names the thing and its period, such as `alerts/2026-11-23`; it may be forgotten after `expires`.
    async fn count(&self, counter: &str, amount: u64, limit: u64, expires: Timestamp) -> Result<Count, PortError>;

    /// Takes back what was counted and not used after all, down to zero at most.
    async fn uncount(&self, counter: &str, amount: u64) -> Result<(), PortError>;

    /// `work` names what is done and for whom, such as `digest/kam@example.com`.
    async fn lease(&self, work: &str, owner: &str, now: Timestamp, until: Timestamp) -> Result<Leased, PortError>;

    /// Gives the work back, done: the next owner takes over nothing. A lease already lost is no error.
    async fn release(&self, work: &str, owner: &str) -> Result<(), PortError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Signal, sample};

    #[test]
    fn what_may_be_one_fault_is_told_once() {
        let p0 = |customer: &str, team: &str, topic: &str| Alert {
            signal: Signal::Outage { what: None },
            account: sample::account_id(customer),
            agent: sample::team(team),
            topic: topic.parse().ok(),
            ..sample::alert(1)
        };
        let risk =
            |customer: &str| Alert { signal: Signal::Guardian { score: 9 }, ..p0(customer, "nexus", "webhooks") };
        let first = p0("Acme", "nexus", "webhooks");
        for (other, same) in [
            (p0("Acme", "nexus", "webhooks"), true),
            (p0("Other", "nexus", "webhooks"), true),
            (p0("Acme", "cipher", "webhooks"), false),
            (p0("Acme", "nexus", "order-sync"), false),
            (p0("Acme", "nexus", ""), false),
            (risk("Acme"), false),
        ] {
            assert_eq!(CooldownKey::of(&first) == CooldownKey::of(&other), same, "{other:?}");
            assert_eq!(CooldownKey::of(&first).to_string() == CooldownKey::of(&other).to_string(), same);
        }
        assert_eq!(CooldownKey::of(&p0("Acme", "nexus", "")), CooldownKey::of(&p0("Other", "nexus", "")));
        assert_ne!(CooldownKey::of(&risk("Acme")), CooldownKey::of(&risk("Other")));
        assert_eq!(CooldownKey::of(&risk("Acme")).to_string(), "guardian#Acme", "as it has always been stored");
    }
}
