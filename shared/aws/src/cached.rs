//! Values that are asked for again after a while, and kept when asking fails.

use std::time::{Duration, Instant};

use domain::ports::{PortError, told};
use tokio::sync::Mutex;

/// Asked for again at most this often, whoever wants a fresher value and however often asking fails.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Cached<T> {
    kept: Mutex<Option<Kept<T>>>,
}

#[derive(Debug)]
struct Kept<T> {
    value: T,
    since: Instant,
    tried: Instant,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(None) }
    }
}

impl<T: Clone> Cached<T> {
    /// The kept value while it is younger than `age`, else a fresh one. If there is no fresh one to be had, the kept one
    /// rather than none: the failure is logged.
    pub(crate) async fn get<F>(&self, age: Duration, fetch: impl FnOnce(Option<T>) -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, PortError>>,
    {
        let mut kept = self.kept.lock().await;
        let now = Instant::now();
        if let Some(kept) = &*kept
            && (now.duration_since(kept.since) < age || now.duration_since(kept.tried) < PAUSE)
        {
            return Ok(kept.value.clone());
        }
        match (fetch(kept.as_ref().map(|kept| kept.value.clone())).await, &mut *kept) {
            (Ok(value), kept) => {
                *kept = Some(Kept { value: value.clone(), since: now, tried: now });
                Ok(value)
            }
            (Err(error), Some(kept)) => {
                tracing::error!(error = told(&error), "Refresh failed; using the cached value.");
                kept.tried = now;
                Ok(kept.value.clone())
            }
            (Err(error), None) => Err(error),
        }
    }
}

#[cfg(test)]
impl<T> Cached<T> {
    /// As if the last question had been asked long enough ago.
    pub(crate) async fn forget_the_pause(&self) {
        age(self, PAUSE).await;
    }
}

#[cfg(test)]
async fn age<T>(cached: &Cached<T>, by: Duration) {
    let mut kept = cached.kept.lock().await;
    let kept = kept.as_mut().expect("something was kept");
    kept.since = kept.since.checked_sub(by).expect("the machine runs for longer");
    kept.tried = kept.tried.checked_sub(by).expect("the machine runs for longer");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const NEVER: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(300);

    async fn ask(cached: &Cached<u32>, age: Duration, asked: &Cell<u32>, answer: Result<u32, ()>) -> Option<u32> {
        let fetch = |_| {
            asked.set(asked.get() + 1);
            async move { answer.map_err(|()| PortError::transient("test", "down")) }
        };
        cached.get(age, fetch).await.ok()
    }

    #[tokio::test]
    async fn a_thousand_wishes_for_a_fresh_value_are_one_question() {
        let (cached, asked) = (Cached::default(), Cell::new(0));
        for _ in 0..1000 {
            assert_eq!(ask(&cached, NEVER, &asked, Ok(1)).await, Some(1));
        }
        assert_eq!(asked.get(), 1);
        age(&cached, PAUSE).await;
        assert_eq!(ask(&cached, LONG, &asked, Ok(2)).await, Some(1), "young enough");
        assert_eq!(ask(&cached, NEVER, &asked, Ok(2)).await, Some(2));
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn a_failure_keeps_the_old_value_and_is_an_error_without_one() {
        let (cached, asked) = (Cached::default(), Cell::new(0));
        assert_eq!(ask(&cached, LONG, &asked, Err(())).await, None);
        assert_eq!(ask(&cached, LONG, &asked, Ok(1)).await, Some(1));
        age(&cached, LONG).await;
        for _ in 0..5 {
            assert_eq!(ask(&cached, LONG, &asked, Err(())).await, Some(1));
        }
        assert_eq!(asked.get(), 3, "and does not ask on every call");
        age(&cached, PAUSE).await;
        assert_eq!(ask(&cached, LONG, &asked, Ok(2)).await, Some(2));
    }
}
