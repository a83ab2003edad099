//! The dashboard: reads the window from the narrow day index, adds up, renders one page and its figures, publishes.

mod account_pages;
mod acting;
mod aggregate;
mod alerts;
mod audience;
pub mod backtest;
mod chart;
mod index;
mod labels;
mod lead;
mod lists;
mod metrics;
mod money;
mod page;
mod timeline;
mod told;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use domain::{
    AuditEntry, Record, TicketId,
    ports::{AlertLog, Page, PortError, Records, Site},
    record::utc_day,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan, civil::Date};
use runtime::config::Configuration;

use crate::{
    account_pages::{Held, Making},
    index::Index,
    told::Told,
};

pub use crate::{
    account_pages::{MISSING, PUBLISHED},
    acting::Acting,
    aggregate::{AccountRow, Aggregates, Burst, Risk, TopicRow, Week},
    audience::Audience,
    labels::{Labels, Stood, Tally},
    metrics::Metrics,
};

/// The page of a laptop run.
pub const DASHBOARD: &str = "triage_report.html";
/// The figures.
pub const METRICS: &str = "metrics_summary.json";
/// Tickets shown with all their detail: the newest.
const NEWEST: usize = 100;
/// Accounts in the ranking.
const MOST_ACCOUNTS: usize = 50;
/// Days over which an account's risk is followed: after four half-lives a risk is a sixteenth of what it was.
const RISK_DAYS: i32 = 60;
/// Days of the longer trend.
const TREND_DAYS: i32 = 90;
/// Days read at once. Each is held whole until the days before it are added up, so this bounds the memory: four days of
/// 5,000 tickets are about 10 MB.
const DAYS_AT_ONCE: usize = 4;
/// Records read at once: 500 reads of 5 ms take a fifth of a second, and one report does not crowd out triage.
const RECORDS_AT_ONCE: usize = 16;

/// What reporting needs from outside.
#[derive(Clone)]
pub struct Reporting {
    pub configuration: Arc<dyn Configuration>,
    pub records: Arc<dyn Records>,
    pub alerts: Arc<dyn AlertLog>,
    pub site: Arc<dyn Site>,
    pub pages: &'static [(&'static str, Audience)],
    pub acting: Acting,
}

/// One page for all.
pub const ONE_PAGE: &[(&str, Audience)] = &[(DASHBOARD, Audience::Everyone)];
/// A page for each role, in a folder of its own, so that a path decides who may read it.
pub const PAGE_BY_ROLE: &[(&str, Audience)] = &[
    ("support/index.html", Audience::Support),
    ("accounts/index.html", Audience::Accounts),
    ("sales/index.html", Audience::Sales),
    ("lead/index.html", Audience::Lead),
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

    /// The days before it that the longer trend shows and from which a risk may last.
    fn earlier_days(self) -> impl Iterator<Item = Date> {
        let first = self.last.saturating_sub((TREND_DAYS - 1).days());
        first.series(1.day()).take_while(move |day| *day < self.first)
    }

    fn days(self) -> impl Iterator<Item = Date> {
        self.first.series(1.day()).take_while(move |day| *day <= self.last)
    }
}

/// Publishes the dashboard and its figures.
///
/// # Errors
/// What a port says. Then nothing or only a part is published, but every published page is whole.
pub async fn handle(reporting: &Reporting, window: Window, now: Timestamp) -> Result<Aggregates, PortError> {
    let config = reporting.configuration.config().await?;
    let told = Told::new(config.policy.time_zone.clone(), &config.policy.currency);
    let Sums { aggregates, index, held, newest } = add_up(reporting, window, &told, now).await?;
    let newest = read(reporting, newest.into_iter().rev().collect(), now);
    let (records, alerts) = futures::try_join!(newest, reporting.alerts.alerts(now))?;
    let at_risk = money::ranked(&aggregates.accounts, &alerts, now);
    let on_page: HashSet<TicketId> = records.iter().map(|record| record.ticket).collect();
    let listed = at_risk.iter().take(MOST_ACCOUNTS).map(|row| row.newest.ticket);
    let earlier = read(reporting, listed.filter(|ticket| !on_page.contains(ticket)).collect(), now).await?;

    for (path, audience) in reporting.pages {
        let html = page::render(&page::Source {
            aggregates: &aggregates,
            records: &records,
            earlier: &earlier,
            at_risk: &at_risk,
            alerts: &alerts,
            policy: &config.policy,
            fields: &config.fields,
            told: &told,
            acting: &reporting.acting,
            index: &index,
            audience: *audience,
            window,
            now,
        });
        publish(reporting, path, "text/html; charset=utf-8", html.into_bytes()).await?;
    }
    let making = Making { helpdesk_url: &config.policy.helpdesk_url, told: &told, acting: &reporting.acting, now };
    let source = lists::Source { aggregates: &aggregates, at_risk: &at_risk, alerts: &alerts, making };
    let lists = lists::publish(reporting, &source).await?;
    let accounts = account_pages::publish(reporting, &held, &alerts, lists, making).await?;
    let metrics =
        serde_json::to_vec_pretty(&Metrics::of(&aggregates, &config.policy.teams)).expect("figures serialise");
    publish(reporting, METRICS, "application/json", metrics).await?;
    tracing::info!(tickets = aggregates.tickets, account_pages = accounts, "Published the dashboard.");
    Ok(aggregates)
}

/// Records in the order of their tickets; one that expired since its day was read is left out.
async fn read(reporting: &Reporting, tickets: Vec<TicketId>, now: Timestamp) -> Result<Vec<Record>, PortError> {
    stream::iter(tickets)
        .map(|ticket| reporting.records.record(ticket, now))
        .buffered(RECORDS_AT_ONCE)
        .try_filter_map(|record| std::future::ready(Ok(record)))
        .try_collect()
        .await
}

/// What the days add up to.
struct Sums {
    aggregates: Aggregates,
    index: Index,
    held: Held,
    /// Oldest first.
    newest: VecDeque<TicketId>,
}

/// Adds the window up day by day, so that no more than a few days are held at once, and notes the newest tickets, oldest
/// first.
async fn add_up(reporting: &Reporting, window: Window, told: &Told, now: Timestamp) -> Result<Sums, PortError> {
    let by_day = |day| reporting.records.day(day, now);
    let corrections = |day| reporting.records.corrections(day, now);
    let corrections: Vec<Vec<AuditEntry>> =
        stream::iter(window.days()).map(corrections).buffered(RECORDS_AT_ONCE).try_collect().await?;
    let corrected = labels::corrected(&corrections.concat());
    let mut aggregates = Aggregates::in_zone(told.zone().clone());
    let (mut index, mut held) = (Index::default(), Held::default());
    let mut earlier = stream::iter(window.earlier_days()).map(by_day).buffered(DAYS_AT_ONCE);
    while let Some(summaries) = earlier.try_next().await? {
        for summary in &summaries {
            aggregates.add_earlier(summary, now);
            held.add(summary, now);
        }
    }
    let mut days = stream::iter(window.days()).map(by_day).buffered(DAYS_AT_ONCE);
    let mut newest: VecDeque<TicketId> = VecDeque::with_capacity(NEWEST);
    while let Some(summaries) = days.try_next().await? {
        for summary in &summaries {
            aggregates.add(summary, now);
            index.add(summary, now);
            held.add(summary, now);
            aggregates.add_labels(summary, corrected.get(&summary.ticket).copied().unwrap_or_default());
            if newest.len() == NEWEST {
                newest.pop_front();
            }
            newest.push_back(summary.ticket);
        }
    }
    Ok(Sums { aggregates, index, held, newest })
}

async fn publish(
    reporting: &Reporting,
    path: &str,
    content_type: &'static str,
    body: Vec<u8>,
) -> Result<(), PortError> {
    reporting.site.publish(&Page { path: path.to_owned(), content_type, body }).await
}
