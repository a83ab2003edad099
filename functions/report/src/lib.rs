//! The dashboard: reads the window from the narrow day index, adds up, renders one page and its figures, publishes.

mod aggregate;
mod audience;
mod chart;
mod metrics;
mod page;

use std::{collections::VecDeque, sync::Arc};

use domain::{
    Record, TicketId,
    ports::{AlertLog, Page, PortError, Records, Settings, Site},
    record::utc_day,
};
use jiff::{Timestamp, ToSpan, civil::Date};
use zendesk::FieldIds;

pub use crate::{
    aggregate::{AccountRow, Aggregates},
    audience::Audience,
    metrics::Metrics,
};

/// The page of a laptop run.
pub const DASHBOARD: &str = "triage_report.html";
/// The figures.
pub const METRICS: &str = "metrics_summary.json";
/// Tickets shown with all their detail: the newest.
const NEWEST: usize = 500;

/// What reporting needs of the outside.
#[derive(Clone)]
pub struct Reporting {
    pub settings: Arc<dyn Settings>,
    pub records: Arc<dyn Records>,
    pub alerts: Arc<dyn AlertLog>,
    pub site: Arc<dyn Site>,
    /// For the preview of the requests.
    pub fields: FieldIds,
    pub pages: &'static [(&'static str, Audience)],
}

/// One page for all.
pub const ONE_PAGE: &[(&str, Audience)] = &[(DASHBOARD, Audience::Everyone)];
/// A page for each role, in a folder of its own, so that a path decides who may read it.
pub const PAGE_BY_ROLE: &[(&str, Audience)] = &[
    ("support/index.html", Audience::Support),
    ("accounts/index.html", Audience::Accounts),
    ("sales/index.html", Audience::Sales),
];

/// The days a report covers, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub first: Date,
    pub last: Date,
}

impl Window {
    /// The last 30 days up to `now`.
    #[must_use]
    pub fn last_30_days(now: Timestamp) -> Self {
        let last = utc_day(now);
        Self { first: last.saturating_sub(29.days()), last }
    }

    fn days(self) -> impl Iterator<Item = Date> {
        self.first.series(1.day()).take_while(move |day| *day <= self.last)
    }
}

/// Publishes the dashboard and its figures.
///
/// # Errors
/// What a port says; then nothing or only a part is published, and every published page is whole.
pub async fn handle(reporting: &Reporting, window: Window, now: Timestamp) -> Result<Aggregates, PortError> {
    let policy = reporting.settings.policy().await?;
    let mut aggregates = Aggregates::default();
    let mut newest: VecDeque<TicketId> = VecDeque::with_capacity(NEWEST);
    for day in window.days() {
        for summary in reporting.records.day(day, now).await? {
            aggregates.add(&summary);
            if newest.len() == NEWEST {
                newest.pop_front();
            }
            newest.push_back(summary.ticket);
        }
    }
    let mut records: Vec<Record> = Vec::with_capacity(newest.len());
    for ticket in newest.into_iter().rev() {
        records.extend(reporting.records.record(ticket, now).await?);
    }
    let alerts = reporting.alerts.alerts(now).await?;

    for (path, audience) in reporting.pages {
        let html = page::render(page::Source {
            aggregates: &aggregates,
            records: &records,
            alerts: &alerts,
            policy: &policy,
            fields: &reporting.fields,
            audience: *audience,
            window,
            now,
        });
        publish(reporting, path, "text/html; charset=utf-8", html.into_bytes()).await?;
    }
    let metrics = serde_json::to_vec_pretty(&Metrics::of(&aggregates, &policy.teams)).expect("figures serialise");
    publish(reporting, METRICS, "application/json", metrics).await?;
    tracing::info!(tickets = aggregates.tickets, "Published the dashboard of {} tickets.", aggregates.tickets);
    Ok(aggregates)
}

async fn publish(
    reporting: &Reporting,
    path: &str,
    content_type: &'static str,
    body: Vec<u8>,
) -> Result<(), PortError> {
    reporting.site.publish(&Page { path: path.to_owned(), content_type, body }).await
}
