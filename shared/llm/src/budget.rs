//! What the model may cost a day, over all functions.

use std::sync::Arc;

use domain::{
    ports::{Control, Count, PortError},
    record::utc_day,
    time::later,
};
use jiff::{SignedDuration, Timestamp};

/// How long a day's counter is kept: past the end of its day, whenever that day begins.
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// A shared counter of micro-dollars per UTC day. What a call can cost at most is set aside before it, and what it did
/// not cost comes back after it: however many calls run at once, the day's limit is never passed. A call whose end is not
/// known keeps all that was set aside for it.
#[derive(Clone)]
pub struct Budget {
    control: Arc<dyn Control>,
    /// Micro-dollars.
    limit: u64,
    clock: fn() -> Timestamp,
}

/// Set aside for one call.
#[derive(Debug)]
pub(crate) struct Reserved {
    counter: String,
    micro: u64,
    expires: Timestamp,
}

impl Budget {
    /// `limit_usd` a UTC day; `clock` is the wall clock.
    #[must_use]
    pub fn new(control: Arc<dyn Control>, limit_usd: f64, clock: fn() -> Timestamp) -> Self {
        Self { control, limit: (limit_usd * 1e6).max(0.0) as u64, clock }
    }

    /// None if the day's budget does not hold this much any more.
    pub(crate) async fn reserve(&self, micro: u64) -> Result<Option<Reserved>, PortError> {
        let now = (self.clock)();
        let counter = format!("model/{}", utc_day(now));
        let expires = later(now, KEPT);
        Ok(match self.control.count(&counter, micro, self.limit, expires).await? {
            Count::Within { .. } => Some(Reserved { counter, micro, expires }),
            Count::Over => None,
        })
    }

    /// Books what the call really cost. If it cannot be written down the reservation stays: on the safe side.
    pub(crate) async fn settle(&self, reserved: Reserved, cost_usd: f64) {
        let spent = (cost_usd * 1e6).ceil() as u64;
        let Reserved { counter, micro, expires } = reserved;
        let settled = match micro.checked_sub(spent) {
            Some(rest) => self.control.uncount(&counter, rest).await,
            None => self.control.count(&counter, spent - micro, u64::MAX, expires).await.map(|_| ()),
        };
        if let Err(error) = settled {
            tracing::warn!(error = domain::ports::told(&error), "The model's budget could not be settled.");
        }
    }
}
