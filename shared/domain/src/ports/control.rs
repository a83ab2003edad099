//! Counters and leases, each one conditional write.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::ports::PortError;

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
