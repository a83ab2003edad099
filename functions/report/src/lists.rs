//! What the dashboard counts and does not hold: all accounts, and all alerts of a kind, on pages of their own beside those of
//! accounts.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use domain::{
    AccountId, Alert, AlertKind, Intent, TicketId,
    ports::{Page, PortError},
    shown,
};
use jiff::Timestamp;
use runtime::{account_page, words};
use strum::IntoEnumIterator;

use crate::{
    AccountRow, Aggregates, Audience, MOST_ACCOUNTS, Reporting,
    account_pages::{HTML, Making},
    alerts::{self, AlertList, AlertRow, Due},
    audience::StageView,
    lead::heading,
    money::AtRisk,
    page::{STYLE, filters, sees_alert},
    told::Told,
};

/// Rows of one page: about half a megabyte.
const MOST_ROWS: usize = 1_000;

/// What is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum List {
    Accounts,
    Alerts(AlertKind),
}

impl List {
    /// Its folder, beside those of accounts, whose names are longer.
    fn name(self) -> String {
        match self {
            Self::Accounts => "all".to_owned(),
            Self::Alerts(kind) => kind.to_string(),
        }
    }

    fn title(self) -> String {
        match self {
            Self::Accounts => "All accounts".to_owned(),
            Self::Alerts(kind) => format!("All alerts: {}", heading(kind)),
        }
    }
}

/// A page of it, below the folder of its readers.
pub(crate) fn path(list: List, number: usize) -> String {
    account_page::path_of(&list.name(), &number.to_string())
}

/// Whether an audience has the list of all accounts: where each account has a page, and where more are at risk than the
/// dashboard holds.
pub(crate) fn has_accounts(audience: Audience, at_risk: usize) -> bool {
    audience.has_account_pages() || audience == Audience::Everyone && at_risk > MOST_ACCOUNTS
}

pub(crate) struct Source<'a> {
    pub(crate) aggregates: &'a Aggregates,
    pub(crate) at_risk: &'a [AtRisk<'a>],
    pub(crate) alerts: &'a [Arc<Alert>],
    pub(crate) making: Making<'a>,
}

/// Publishes the lists of each dashboard. Returns the pages, as those of accounts are known: `guardian/1`.
pub(crate) async fn publish(reporting: &Reporting, source: &Source<'_>) -> Result<Vec<String>, PortError> {
    let mut keys = Vec::new();
    for (path, audience) in reporting.pages {
        let (folder, home) = path.rsplit_once('/').map_or(("", *path), |(folder, _)| (folder, ""));
        let below = |path: String| if folder.is_empty() { path } else { format!("{folder}/{path}") };
        for list in std::iter::once(List::Accounts).chain(AlertKind::iter().map(List::Alerts)) {
            let pages = pages(list, *audience, home, source);
            for (number, html) in (1..).zip(&pages) {
                let page =
                    Page { path: below(self::path(list, number)), content_type: HTML, body: html.clone().into_bytes() };
                reporting.site.publish(&page).await?;
                keys.push(format!("{}/{number}", list.name()));
            }
            // What a deployment has too many of is removed with the pages of accounts. A laptop keeps no account of them.
            if *audience == Audience::Everyone {
                let mut surplus = pages.len() + 1;
                while reporting.site.published(&below(self::path(list, surplus))).await?.is_some() {
                    reporting.site.remove(&below(self::path(list, surplus))).await?;
                    surplus += 1;
                }
            }
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

/// None where the dashboard holds all of them.
fn pages(list: List, audience: Audience, home: &str, source: &Source<'_>) -> Vec<String> {
    let (accounts, alerts) = match list {
        List::Accounts if has_accounts(audience, source.at_risk.len()) => (accounts(audience, source), Vec::new()),
        List::Alerts(kind) => (Vec::new(), alerts_of(kind, audience, source)),
        List::Accounts => return Vec::new(),
    };
    let many = accounts.len().max(alerts.len());
    let count = many.div_ceil(MOST_ROWS);
    let page = |number, accounts, alerts| {
        let Making { helpdesk_url, told, now, .. } = source.making;
        let page = ListPage {
            style: STYLE,
            title: list.title(),
            updated: told.moment(now),
            home,
            sees: audience,
            number,
            numbers: (1..=count).collect(),
            many: words::count(many),
            accounts,
            alerts,
            helpdesk_url,
            told,
        };
        page.render().expect("writing to a string does not fail")
    };
    let of_accounts = (1..).zip(accounts.chunks(MOST_ROWS)).map(|(number, rows)| page(number, rows, &[][..]));
    let of_alerts = (1..).zip(alerts.chunks(MOST_ROWS)).map(|(number, rows)| page(number, &[][..], rows));
    of_accounts.chain(of_alerts).collect()
}

fn alerts_of(kind: AlertKind, audience: Audience, source: &Source<'_>) -> Vec<AlertRow> {
    let Source { alerts, making, .. } = source;
    let sees = |alert: &&Arc<Alert>| alert.signal.kind() == kind && sees_alert(audience, alert);
    let alerts: Vec<Arc<Alert>> = alerts.iter().filter(sees).cloned().collect();
    let shown = alerts::Shown { told: making.told, acting: making.acting, now: making.now };
    if AlertList::new(kind, &alerts, &[], shown).is_cut() { AlertList::all(kind, &alerts, shown) } else { Vec::new() }
}

/// Those at risk as they are ranked, as far as the audience may know of the risk; then the others, most money first.
fn accounts(audience: Audience, source: &Source<'_>) -> Vec<ListedAccount> {
    let Source { aggregates, at_risk, making, .. } = source;
    let at_risk = if audience.sees_guardian() { *at_risk } else { &[] };
    let ranked: HashMap<&AccountId, (usize, &AtRisk<'_>)> =
        at_risk.iter().enumerate().map(|(place, row)| (row.id, (place, row))).collect();
    let mut rows: Vec<(&AccountId, &AccountRow)> = aggregates.accounts.iter().collect();
    rows.sort_by(|(a_id, a), (b_id, b)| {
        let place = |id: &AccountId| ranked.get(id).map_or(usize::MAX, |(place, _)| *place);
        let by_money = b.mrr.unwrap_or(-1.0).total_cmp(&a.mrr.unwrap_or(-1.0));
        place(a_id).cmp(&place(b_id)).then(by_money).then_with(|| (&a.customer, a_id).cmp(&(&b.customer, b_id)))
    });
    let listed = |(id, account): (&AccountId, &AccountRow)| {
        let risk = ranked.get(id).map(|(_, row)| *row);
        let stage = |alert: &Alert| StageView::of(alert, Due::of(alert, making.told, making.now));
        ListedAccount {
            customer: shown::line(&account.customer),
            href: audience.has_account_pages().then(|| up(&account_page::path(id, account.last.1))),
            mrr: account.mrr,
            score: risk.map(|row| row.newest.score),
            money: risk.and_then(|row| row.money),
            alert: risk.and_then(|row| row.alert).map(stage),
            last: account.last,
            tickets: account.tickets,
            wants: account.wants,
        }
    };
    rows.into_iter().map(listed).collect()
}

/// From a page of a list to what lies beside the dashboard.
fn up(path: &str) -> String {
    format!("../../{path}")
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage<'a> {
    style: &'static str,
    title: String,
    updated: String,
    /// The dashboard, seen from its folder.
    home: &'a str,
    sees: Audience,
    number: usize,
    numbers: Vec<usize>,
    many: String,
    /// One of these is empty.
    accounts: &'a [ListedAccount],
    alerts: &'a [AlertRow],
    helpdesk_url: &'a str,
    told: &'a Told,
}

struct ListedAccount {
    customer: String,
    href: Option<String>,
    mrr: Option<f64>,
    /// Of an account at risk.
    score: Option<u8>,
    money: Option<f64>,
    alert: Option<StageView>,
    last: (TicketId, Timestamp),
    tickets: usize,
    wants: Option<Intent>,
}

impl ListPage<'_> {
    fn link(&self, ticket: TicketId) -> String {
        words::ticket_link(self.helpdesk_url, ticket)
    }

    fn account(&self, row: &AlertRow) -> Option<String> {
        self.sees.has_account_pages().then(|| up(&account_page::path(&row.account, row.at)))
    }

    fn is_shown(&self, number: &usize) -> bool {
        self.number == *number
    }
}
