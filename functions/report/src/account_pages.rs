//! A page for each account and month, below the folder of each audience that may see what an account says and pays. Only
//! what changed is made anew.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use askama::Template;
use domain::{
    AccountId, Alert, Record, Standing, Summary, TicketId,
    ports::{Page, PortError},
    record::utc_day,
    shown,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, civil::Date};
use runtime::account_page;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Acting, Audience, Reporting,
    page::STYLE,
    timeline::{self, Most, Timeline},
    told::Told,
};

/// What was published, so that the next report knows what changed. Nobody's page: the gate knows no such path.
pub const PUBLISHED: &str = "account_pages.json";
/// What the edge shows in place of a page that is not there: an account's is written up to a minute after its first alert.
pub const MISSING: &str = "missing.html";
/// Tickets on one page, the newest: with quotes and a note each, about half a megabyte.
const MOST_TICKETS: usize = 200;
/// Records read for one report. What it does not reach, the next does: after a new release all pages change at once.
const MOST_READS: usize = 20_000;
/// Pages made at once, and records read at once for each: 16 reads in all, as for the dashboard.
const PAGES_AT_ONCE: usize = 4;
const RECORDS_AT_ONCE: usize = 4;
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// The tickets of all accounts, by the months of their pages.
#[derive(Default, Debug)]
pub(crate) struct Held(HashMap<AccountId, BTreeMap<Date, Vec<Entry>>>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    ticket: TicketId,
    at: Timestamp,
    standing: Standing,
}

impl Held {
    pub(crate) fn add(&mut self, summary: &Summary, now: Timestamp) {
        let entry = Entry { ticket: summary.ticket, at: summary.triaged_at, standing: summary.standing(now) };
        // Asked first, since most tickets are of an account that is known.
        let months = match self.0.get_mut(&summary.account) {
            Some(months) => months,
            None => self.0.entry(summary.account.clone()).or_default(),
        };
        months.entry(month(entry.at)).or_default().push(entry);
    }
}

fn month(at: Timestamp) -> Date {
    utc_day(at).first_of_month()
}

/// What was published before: by account and month, which state of it.
#[derive(PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct Published(BTreeMap<String, State>);

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct State {
    fingerprint: String,
    tickets: usize,
}

/// One page as it should be.
struct Wanted {
    key: String,
    id: String,
    month: String,
    /// Of the account, oldest first.
    months: Vec<String>,
    /// Newest first.
    tickets: Vec<Entry>,
    alerts: Vec<Arc<Alert>>,
    state: State,
}

/// How and when pages are made.
#[derive(Clone, Copy)]
pub(crate) struct Making<'a> {
    pub(crate) helpdesk_url: &'a str,
    pub(crate) told: &'a Told,
    pub(crate) acting: &'a Acting,
    pub(crate) now: Timestamp,
}

/// Publishes the pages that changed and removes those whose account has nothing any more, and what is left of longer lists.
/// Returns how many were published.
pub(crate) async fn publish(
    reporting: &Reporting,
    held: &Held,
    alerts: &[Arc<Alert>],
    lists: Vec<String>,
    making: Making<'_>,
) -> Result<usize, PortError> {
    let folders: Vec<(&str, Audience)> = reporting
        .pages
        .iter()
        .filter(|(_, audience)| audience.sees_money())
        .filter_map(|(path, audience)| Some((path.strip_suffix("/index.html")?, *audience)))
        .collect();
    if folders.is_empty() {
        return Ok(0);
    }
    let body = include_bytes!("../templates/missing.html").to_vec();
    reporting.site.publish(&Page { path: MISSING.to_owned(), content_type: HTML, body }).await?;
    let before = reporting.site.published(PUBLISHED).await?;
    // What cannot be read is made anew.
    let before: Published = before.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let wanted = wanted(held, alerts, making);
    let known = |page: &Wanted| before.0.get(&page.key).map(|state| (page.key.clone(), state.clone()));
    let mut after = Published(wanted.iter().filter_map(known).collect());
    let changed = wanted.into_iter().filter(|page| before.0.get(&page.key) != Some(&page.state)).collect();
    let now = within_reads(changed, &before);
    let made: Vec<(String, State)> = stream::iter(now)
        .map(|page| make(reporting, &folders, page, making))
        .buffer_unordered(PAGES_AT_ONCE)
        .try_collect()
        .await?;
    let count = made.len();
    after.0.extend(made);
    // Written with each report, so nothing has to say whether they changed.
    after.0.extend(lists.into_iter().map(|key| (key, State { fingerprint: String::new(), tickets: 0 })));
    for key in before.0.keys().filter(|key| !after.0.contains_key(*key)) {
        let Some((id, month)) = key.split_once('/') else { continue };
        for (folder, _) in &folders {
            reporting.site.remove(&format!("{folder}/{}", account_page::path_of(id, month))).await?;
        }
    }
    if after != before {
        let body = serde_json::to_vec(&after).expect("texts and numbers serialise");
        let page = Page { path: PUBLISHED.to_owned(), content_type: "application/json", body };
        reporting.site.publish(&page).await?;
    }
    Ok(count)
}

/// As many as one report reads the records of, the most urgent first.
fn within_reads(mut changed: Vec<Wanted>, before: &Published) -> Vec<Wanted> {
    changed.sort_by_key(|page| urgency(page, before.0.get(&page.key)));
    let mut reads = MOST_READS;
    changed.retain(|page| {
        let has_room = reads > 0;
        reads = reads.saturating_sub(page.tickets.len().min(MOST_TICKETS));
        has_room
    });
    changed
}

/// What may hold an erased ticket comes first, then what somebody was written to about, then what is there already.
fn urgency(page: &Wanted, known: Option<&State>) -> (bool, bool, bool, Reverse<Option<Timestamp>>) {
    let shrunk = known.is_some_and(|known| page.state.tickets < known.tickets);
    let newest = page.tickets.first().map(|entry| entry.at);
    (!shrunk, page.alerts.is_empty(), known.is_none(), Reverse(newest))
}

fn wanted(held: &Held, alerts: &[Arc<Alert>], making: Making<'_>) -> Vec<Wanted> {
    let mut alerts_of: HashMap<&AccountId, BTreeMap<Date, Vec<Arc<Alert>>>> = HashMap::new();
    for alert in alerts {
        alerts_of.entry(&alert.account).or_default().entry(month(alert.at)).or_default().push(alert.clone());
    }
    let none = BTreeMap::new();
    let accounts = held.0.keys().chain(alerts_of.keys().copied().filter(|account| !held.0.contains_key(*account)));
    let common = common(making);
    accounts
        .flat_map(|account| {
            let id = account_page::id(account);
            let tickets = held.0.get(account).unwrap_or(&none);
            let told = alerts_of.get(account);
            let months: BTreeSet<Date> =
                tickets.keys().copied().chain(told.into_iter().flat_map(|told| told.keys().copied())).collect();
            let names: Vec<String> = months.iter().map(|month| account_page::month(*month)).collect();
            months
                .into_iter()
                .map(|month| {
                    let mut tickets = tickets.get(&month).cloned().unwrap_or_default();
                    tickets.sort_by_key(|entry| (Reverse(entry.at), entry.ticket));
                    let alerts = told.and_then(|told| told.get(&month)).cloned().unwrap_or_default();
                    let fingerprint = fingerprint(&common, &names, &tickets, &alerts, making);
                    let month = account_page::month(month);
                    Wanted {
                        key: format!("{id}/{month}"),
                        id: id.clone(),
                        month,
                        months: names.clone(),
                        state: State { fingerprint, tickets: tickets.len() },
                        tickets,
                        alerts,
                    }
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What all pages depend on: how they look, and how times and amounts are told.
fn common(making: Making<'_>) -> Sha256 {
    let templates = [include_str!("../templates/account.html"), include_str!("../templates/timeline.html"), STYLE];
    let hash = templates.iter().fold(Sha256::new(), |hash, text| hash.chain_update(text));
    let zero = making.told.money(Some(0.0));
    let Making { helpdesk_url, told, acting, .. } = making;
    hash.chain_update(format!("{helpdesk_url}\n{zero}\n{}\n{acting:?}\n", told.zone_name()))
}

/// Changes with whatever a page shows: a record changes only with a newer triage, an alert only with its revision and its
/// delivery, and with the time what is answered may be resolved and what is due overdue.
fn fingerprint(
    common: &Sha256,
    months: &[String],
    tickets: &[Entry],
    alerts: &[Arc<Alert>],
    making: Making<'_>,
) -> String {
    let mut hash = common.clone().chain_update(months.join(" "));
    for Entry { ticket, at, standing } in tickets {
        hash.update(ticket.number().to_be_bytes());
        hash.update(at.as_microsecond().to_be_bytes());
        hash.update([*standing as u8]);
    }
    for alert in alerts {
        let overdue = crate::alerts::Due::of(alert, making.told, making.now).is_some_and(|due| due.overdue);
        hash.update(format!("{} {} {} {overdue}\n", alert.key(), alert.follow_up.revision, alert.delivery));
    }
    hash.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

async fn make(
    reporting: &Reporting,
    folders: &[(&str, Audience)],
    page: Wanted,
    making: Making<'_>,
) -> Result<(String, State), PortError> {
    let Making { helpdesk_url, told, acting, now } = making;
    let shown: Vec<TicketId> = page.tickets.iter().take(MOST_TICKETS).map(|entry| entry.ticket).collect();
    let records: Vec<Record> = stream::iter(shown)
        .map(|ticket| reporting.records.record(ticket, now))
        .buffered(RECORDS_AT_ONCE)
        .try_filter_map(|record| std::future::ready(Ok(record)))
        .try_collect()
        .await?;
    let records: Vec<&Record> = records.iter().collect();
    let alerts: Vec<&Alert> = page.alerts.iter().map(|alert| &**alert).collect();
    let newest = records.first();
    let customer = newest.map(|record| &record.customer).or(alerts.first().map(|alert| &alert.customer));
    let mrr = newest.map_or_else(|| alerts.first().and_then(|alert| alert.mrr), |record| record.mrr);
    for (folder, audience) in folders {
        let timeline = Timeline::new(&timeline::Source {
            audience: *audience,
            level: 2,
            records: &records,
            alerts: &alerts,
            older: page.tickets.len().saturating_sub(MOST_TICKETS),
            most: Most { alerts: MOST_TICKETS, events: 4 * MOST_TICKETS },
            helpdesk_url,
            told,
            acting,
            now,
        });
        let html = AccountPage {
            style: STYLE,
            customer: customer.map(|customer| shown::line(customer)).unwrap_or_default(),
            month: &page.month,
            months: &page.months,
            pays: told.monthly(mrr),
            updated: told.moment(now),
            timeline: timeline.html(),
        };
        let html = html.render().expect("writing to a string does not fail");
        let path = format!("{folder}/{}", account_page::path_of(&page.id, &page.month));
        reporting.site.publish(&Page { path, content_type: HTML, body: html.into_bytes() }).await?;
    }
    Ok((page.key, page.state))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    style: &'static str,
    customer: String,
    month: &'a str,
    months: &'a [String],
    pays: String,
    updated: String,
    timeline: String,
}

impl AccountPage<'_> {
    fn is_shown(&self, month: &str) -> bool {
        self.month == month
    }
}
