//! A service that keeps failing is left alone for a moment, and then asked once.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Failures in a row that open it.
const FAILURES: u32 = 5;
/// How long it stays open.
const PAUSE: Duration = Duration::from_secs(30);

/// Closed, open, or open with one probe under way.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Set with the failure that opened it, and again by each probe.
    closed_until: Option<Instant>,
}

impl Breaker {
    /// Whether to ask now. Once the pause is over one caller gets a yes, and the next pause begins.
    pub(crate) fn lets_through(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.closed_until {
            None => true,
            Some(until) if Instant::now() < until => false,
            Some(_) => {
                state.closed_until = Some(Instant::now() + PAUSE);
                true
            }
        }
    }

    pub(crate) fn note(&self, failed: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.closed_until = Some(Instant::now() + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn five_failures_pause_it_and_one_probe_decides() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.note(true);
        }
        assert!(breaker.lets_through());
        breaker.note(false);
        for _ in 0..4 {
            breaker.note(true);
        }
        assert!(breaker.lets_through(), "a success between starts the count again");
        breaker.note(true);
        assert!(!breaker.lets_through());
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!breaker.lets_through());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(breaker.lets_through(), "the probe");
        assert!(!breaker.lets_through(), "one probe only");
        breaker.note(true);
        tokio::time::advance(PAUSE).await;
        assert!(breaker.lets_through(), "the next probe");
        breaker.note(false);
        assert!(breaker.lets_through() && breaker.lets_through(), "healed");
    }
}
