//! Times and amounts as the customer's people read them.

use domain::shown;
use jiff::{Timestamp, tz::TimeZone};
use runtime::{config::PageSettings, words};

/// How a page tells them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(PageSettings);

impl Told {
    pub(crate) fn new(settings: PageSettings) -> Self {
        Self(settings)
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.0.time_zone
    }

    /// `2026-11-16 10:00 CET`
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.0.time_zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// `$11,800`; `unknown` without a figure.
    pub(crate) fn money(&self, amount: Option<f64>) -> String {
        words::amount(amount, &shown::line(&self.0.currency))
    }

    /// `$11,800 a month`, or that it is not known.
    pub(crate) fn monthly(&self, amount: Option<f64>) -> String {
        amount.map_or_else(|| words::monthly(None), |amount| format!("{} a month", self.money(Some(amount))))
    }
}
