//! Times and amounts as the customer's people read them.

use jiff::{Timestamp, tz::TimeZone};
use runtime::words;

/// How a page tells them.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    zone: TimeZone,
    currency: String,
}

impl Told {
    pub(crate) fn new(zone: TimeZone, currency: &str) -> Self {
        Self { zone, currency: currency.to_owned() }
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    pub(crate) fn currency(&self) -> &str {
        &self.currency
    }

    /// `2026-11-16 10:00 CET`
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        words::moment(at, &self.zone)
    }

    /// The moment as markup. Not escaped again: there is nothing of an outsider's in it.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        format!("<time datetime=\"{at:.0}\">{}</time>", self.moment(at))
    }

    /// `$11,800`; `unknown` without a figure.
    pub(crate) fn money(&self, amount: Option<f64>) -> String {
        words::amount(amount, &self.currency)
    }

    /// `$11,800 a month`, or that it is not known.
    pub(crate) fn monthly(&self, amount: Option<f64>) -> String {
        words::monthly(amount, &self.currency)
    }
}
