//! The time in a simulation.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;

/// Stands still until it is set. Its clones show the same time, in whole seconds.
#[derive(Clone, Debug)]
pub(super) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(super) fn new(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_second())))
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX)
    }

    /// Time never goes back.
    pub(super) fn set(&self, now: Timestamp) {
        self.0.fetch_max(now.as_second(), Ordering::Relaxed);
    }
}
