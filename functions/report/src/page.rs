//! The page: aggregates, alerts and the newest tickets as the template wants them.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use askama::Template;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    AccountId, Alert, AlertKind, Delivery, Kind, Language, Policy, Priority, Record, Stage, TeamId, TicketId, TopicId,
    alert::Withheld, shown,
};
use jiff::{Timestamp, ToSpan, civil::Date};
use runtime::{account_page, words};
use sha2::{Digest, Sha256};
use strum::IntoEnumIterator;
use zendesk::{FieldIds, update_request};

use crate::{
    Acting, Aggregates, Audience, MOST_ACCOUNTS, TREND_DAYS, TopicRow, Window,
    alerts::{self as alert_rows, AlertList, Due},
    audience::{AccountView, Drawn, TicketView, account_as_shown},
    chart::{Bars, Columns, Count, Every},
    index::{Index, Place, Shown},
    lead::{self, Delta, Lead},
    lists::{self, List},
    money::AtRisk,
    timeline::{self, Most, Timeline},
    told::Told,
};

/// Accounts whose panel one page for all holds: the first of the ranking, then those of the newest alerts and tickets. All
/// take some 120 kB.
const MOST_RANKED_PANELS: usize = 20;
const MOST_PANELS: usize = 25;
const MOST_OF_A_PANEL: Most = Most { alerts: 3, events: 8 };

pub(crate) const STYLE: &str = include_str!("../templates/style.css");
const SCRIPT: &str = include_str!("../templates/script.js");

pub(crate) struct Source<'a> {
    pub(crate) aggregates: &'a Aggregates,
    /// Newest first.
    pub(crate) records: &'a [Record],
    /// What accounts at risk said before that.
    pub(crate) earlier: &'a [Record],
    /// Most money first.
    pub(crate) at_risk: &'a [AtRisk<'a>],
    pub(crate) alerts: &'a [Arc<Alert>],
    pub(crate) policy: &'a Policy,
    pub(crate) fields: &'a FieldIds,
    pub(crate) told: &'a Told,
    pub(crate) acting: &'a Acting,
    pub(crate) index: &'a Index,
    pub(crate) audience: Audience,
    pub(crate) window: Window,
    pub(crate) now: Timestamp,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard<'a> {
    sees: Audience,
    style: &'static str,
    script: &'static str,
    /// The hash of the one script the page may run; anything else that gets in does not run.
    script_hash: String,
    period: String,
    updated: String,
    /// What the product may do, and to how many tickets.
    mode: String,
    /// What a switch that is off keeps back.
    switch: Option<String>,
    tiles: Vec<Tile>,
    priorities: String,
    by_team: String,
    /// To choose from in the filter.
    teams: Vec<TeamId>,
    /// For those who lead.
    lead: Option<LeadPart>,
    /// What a column of `days` counts.
    each: &'static str,
    /// Whether that is a day, which the page's script can draw anew.
    daily: bool,
    days: String,
    /// Where more is known than the window.
    more_days: Option<MoreDays>,
    /// Days that tickets are kept, where that is less than a chart is about.
    kept_days: Option<i32>,
    topics: Vec<TopicRow>,
    without_article: Vec<TopicRow>,
    /// The topics to choose from.
    shown_topics: Vec<TopicId>,
    /// The kinds to choose from.
    kinds: Vec<Kind>,
    accounts: Vec<AccountView>,
    /// Accounts at risk that the page does not hold.
    more_accounts: usize,
    /// The list of all accounts, if there is one.
    all_accounts: Option<String>,
    /// In one page for all, what happened with accounts.
    panels: Vec<Panel>,
    /// What the ranking adds up to.
    money: String,
    guardian: AlertList,
    opportunities: AlertList,
    outages: AlertList,
    tickets: Vec<TicketRow<'a>>,
    total: usize,
    helpdesk_url: &'a str,
    told: &'a Told,
    index: Shown,
    languages: Vec<Language>,
    /// Who has an alert, or was told of one.
    owners: BTreeSet<String>,
}

/// A headline figure.
#[derive(Clone)]
pub(crate) struct Tile {
    pub(crate) value: String,
    pub(crate) label: &'static str,
    pub(crate) note: String,
    /// Against the seven days before.
    pub(crate) delta: Option<Delta>,
    /// None: it takes more than the tickets of the view, and stays as it is.
    pub(crate) follows: Option<Follows>,
}

/// What a headline figure counts of a view.
#[derive(Clone, Copy)]
pub(crate) struct Follows {
    /// As `script.js` knows it.
    pub(crate) counts: &'static str,
    /// Of the last days only.
    pub(crate) days: Option<u8>,
}

/// Tickets a day, over more days than the window.
struct MoreDays {
    days: usize,
    chart: String,
}

/// What happened with an account.
struct Panel {
    id: String,
    customer: String,
    pays: String,
    html: String,
}

struct LeadPart {
    lead: Lead,
    load: Vec<LoadRow>,
    zone: String,
}

/// The tickets of one team by two hours of the day.
struct LoadRow {
    id: TeamId,
    team: String,
    /// With the depth of the shade, 0 to 4.
    hours: Vec<(usize, usize)>,
}

struct TicketRow<'a> {
    view: TicketView<'a>,
    /// The request as it would be sent.
    call: Option<Call>,
}

struct Call {
    line: String,
    body: String,
}

impl Dashboard<'_> {
    fn link(&self, ticket: domain::TicketId) -> String {
        words::ticket_link(self.helpdesk_url, ticket)
    }

    fn at(&self, at: Timestamp) -> String {
        self.told.time(at)
    }

    /// Where the account's own page or panel is, if it has one here.
    fn account(&self, account: &AccountId, at: Timestamp) -> Option<String> {
        if self.sees.has_account_pages() {
            return Some(account_page::path(account, at));
        }
        let id = account_page::id(account);
        self.panels.iter().any(|panel| panel.id == id).then(|| format!("#account-{id}"))
    }

    /// The list of all alerts of a kind.
    fn all_alerts(&self, list: &AlertList) -> String {
        lists::path(List::Alerts(list.kind), 1)
    }

    fn money(&self, amount: Option<f64>) -> String {
        self.told.money(amount)
    }

    fn monthly(&self, amount: Option<f64>) -> String {
        self.told.monthly(amount)
    }

    /// Who does what about an alert. None: nobody said anything.
    fn follow_up(&self, stage: &Stage) -> Option<String> {
        let at = |at: &Timestamp| self.told.moment(*at);
        match stage {
            Stage::New => None,
            Stage::Taken { by, at: since } => Some(format!("{by} has it since {}.", at(since))),
            Stage::Settled { outcome, by, at: then } => {
                Some(format!("Settled by {by}, {}: {}.", at(then), outcome.title()))
            }
            Stage::Wrong { reason, by, at: then } => {
                Some(format!("Called wrong by {by}, {}: {}.", at(then), reason.title()))
            }
            Stage::Snoozed { until, by, .. } => Some(format!("Snoozed by {by} until {}.", at(until))),
        }
    }
}

/// Renders the whole page as one self-contained file.
pub(crate) fn render(source: &Source<'_>) -> String {
    let Source {
        aggregates,
        records,
        earlier,
        at_risk,
        alerts,
        policy,
        fields,
        told,
        acting,
        index,
        audience,
        window,
        now,
    } = *source;
    let at_risk = if audience.sees_guardian() { at_risk } else { &[] };
    let shown = alert_rows::Shown { told, acting, now };
    let list =
        |kind, sees: bool| if sees { AlertList::new(kind, alerts, records, shown) } else { AlertList::none(kind) };
    let teams = aggregates.teams(&policy.teams);
    let chart = |chart: &dyn askama::DynTemplate| chart.dyn_render().expect("writing to a string does not fail");
    let zone = told.zone_name();
    let lead = audience.leads().then(|| LeadPart {
        lead: Lead::new(&lead::Source {
            aggregates,
            records,
            at_risk,
            alerts,
            told,
            budget: policy.daily_budget_usd,
            first: window.first,
            now,
        }),
        load: load(aggregates, &teams),
        zone: zone.to_owned(),
    });
    let more_days = longer(aggregates, policy, window)
        .map(|days| MoreDays { days: days.len(), chart: chart(&Columns::new(Every::Day, "urgent", &days).still()) });
    let every = Every::of(window.first, window.last);
    let drawn = Drawn { last: window.last, kept: first_kept(policy, told, now) };
    let kept = kept_days(policy);
    let page = Dashboard {
        sees: audience,
        style: STYLE,
        script: SCRIPT,
        script_hash: BASE64_STANDARD.encode(Sha256::digest(SCRIPT)),
        period: format!("{} to {}", window.first, window.last),
        updated: told.moment(now),
        mode: format!("mode {}, {} % of tickets", policy.mode, policy.rollout_percent),
        switch: policy.withholds().map(|by| switched_off(by, alerts, audience)),
        tiles: tiles(aggregates, lead.as_ref()),
        lead,
        priorities: chart(&Bars::new("Tickets by priority", by_priority(aggregates))),
        by_team: chart(&Bars::new("Tickets by team", by_team(&teams))),
        teams: teams.into_iter().map(|(team, _)| team).collect(),
        each: every.word(),
        daily: every == Every::Day,
        days: chart(&whole(aggregates, window)),
        more_days,
        kept_days: (kept < TREND_DAYS).then_some(kept),
        topics: aggregates.topics().into_iter().cloned().collect(),
        without_article: aggregates.topics_without_article().into_iter().cloned().collect(),
        shown_topics: index.topics().cloned().collect(),
        kinds: index.kinds().collect(),
        accounts: accounts(at_risk, records.iter().chain(earlier), |alert| Due::of(alert, told, now), drawn),
        more_accounts: at_risk.len().saturating_sub(MOST_ACCOUNTS),
        all_accounts: lists::has_accounts(audience, at_risk.len()).then(|| lists::path(List::Accounts, 1)),
        panels: if audience == Audience::Everyone { panels(source) } else { Vec::new() },
        money: total(at_risk, told),
        guardian: list(AlertKind::Guardian, audience.sees_guardian()),
        opportunities: list(AlertKind::Opportunity, audience.sees_opportunity()),
        outages: list(AlertKind::Outage, audience.leads()),
        tickets: records.iter().map(|record| TicketRow::new(audience.view(record, now), fields)).collect(),
        total: aggregates.tickets,
        helpdesk_url: &policy.helpdesk_url,
        told,
        index: index.shown(
            Place {
                zone,
                currency: told.currency(),
                link: &format!("{}/agent/tickets/", policy.helpdesk_url.trim_end_matches('/')),
                now,
                sees_guardian: audience.sees_guardian(),
                sees_opportunity: audience.sees_opportunity(),
            },
            alerts.iter().map(|alert| &**alert).filter(|alert| sees_alert(audience, alert)),
        ),
        languages: aggregates.by_language.keys().copied().collect(),
        owners: alerts
            .iter()
            .filter(|alert| sees_alert(audience, alert))
            .map(|alert| alert_rows::owner(alert))
            .collect(),
    };
    page.render().expect("writing to a string does not fail")
}

pub(crate) fn sees_alert(audience: Audience, alert: &Alert) -> bool {
    match alert.signal.kind() {
        AlertKind::Guardian => audience.sees_guardian(),
        AlertKind::Opportunity => audience.sees_opportunity(),
        AlertKind::Outage => audience.leads(),
    }
}

/// What is kept back, with how many alerts of the kinds the audience may know of.
fn switched_off(by: Withheld, alerts: &[Arc<Alert>], audience: Audience) -> String {
    let mut text = match by {
        Withheld::Shadow => {
            "Mode shadow: nothing is written to Zendesk and nobody is alerted. Each ticket says what was withheld, and each section which alerts it would have raised."
        }
        Withheld::Delivery => "Delivery is off: alerts are decided and shown here, and nobody is written to.",
    }
    .to_owned();
    let kept = |alert: &&Arc<Alert>| {
        sees_alert(audience, alert) && matches!(alert.delivery, Delivery::Skipped { .. } | Delivery::Held { .. })
    };
    let count = alerts.iter().filter(kept).count();
    if count > 0 {
        text.push_str(&format!(" Alerts kept back so far: {}.", words::count(count)));
    }
    text
}

fn accounts<'a>(
    at_risk: &[AtRisk<'_>],
    records: impl Iterator<Item = &'a Record>,
    due: impl Fn(&Alert) -> Option<Due>,
    days: Drawn,
) -> Vec<AccountView> {
    let records: HashMap<TicketId, &Record> = records.map(|record| (record.ticket, record)).collect();
    let view = |row: &AtRisk<'_>| {
        let due = row.alert.and_then(&due);
        account_as_shown(row, records.get(&row.newest.ticket).copied(), due, days)
    };
    at_risk.iter().take(MOST_ACCOUNTS).map(view).collect()
}

/// Of the accounts of the ranking, and of the newest alerts and tickets, as far as the page holds their tickets.
fn panels(source: &Source<'_>) -> Vec<Panel> {
    let mut accounts: Vec<&AccountId> = source.at_risk.iter().take(MOST_RANKED_PANELS).map(|row| row.id).collect();
    let mut seen: HashSet<&AccountId> = accounts.iter().copied().collect();
    let newest = source.alerts.iter().rev().map(|alert| &alert.account);
    let newest = newest.chain(source.records.iter().map(|record| &record.account));
    accounts.extend(newest.filter(|account| seen.insert(account)));
    accounts.truncate(MOST_PANELS);
    let panel = |account: &AccountId| {
        let of_account = |record: &&Record| record.account == *account;
        let records: Vec<&Record> = source.records.iter().chain(source.earlier).filter(of_account).collect();
        let alerts: Vec<&Alert> =
            source.alerts.iter().map(|alert| &**alert).filter(|alert| alert.account == *account).collect();
        let known = source.aggregates.accounts.get(account);
        let customer = known.map(|known| &known.customer).or(alerts.first().map(|alert| &alert.customer));
        let timeline = Timeline::new(&timeline::Source {
            audience: source.audience,
            level: 3,
            older: known.map_or(0, |known| known.tickets).saturating_sub(records.len()),
            most: MOST_OF_A_PANEL,
            records: &records,
            alerts: &alerts,
            helpdesk_url: &source.policy.helpdesk_url,
            told: source.told,
            acting: source.acting,
            now: source.now,
        });
        Panel {
            id: account_page::id(account),
            customer: customer.map(|customer| shown::line(customer)).unwrap_or_default(),
            pays: source.told.monthly(known.and_then(|known| known.mrr)),
            html: timeline.html(),
        }
    };
    accounts.into_iter().map(panel).collect()
}

/// `$82,460 a month in 8 accounts`
fn total(at_risk: &[AtRisk<'_>], told: &Told) -> String {
    let money = at_risk.iter().filter_map(|row| row.money).sum();
    let accounts = match at_risk.len() {
        1 => "1 account".to_owned(),
        more => format!("{} accounts", words::count(more)),
    };
    format!("{} in {accounts}", told.monthly(Some(money)))
}

/// Each day from `first` to `last`, also with nothing.
fn days(aggregates: &Aggregates, first: Date, last: Date) -> Vec<Count> {
    let count = |day| {
        let row = aggregates.by_day.get(&day).copied().unwrap_or_default();
        Count { day, tickets: row.tickets, front: row.urgent }
    };
    first.series(1.day()).take_while(|day| *day <= last).map(count).collect()
}

/// The tickets of the window: a column a day, or in a long one a week or a month.
fn whole(aggregates: &Aggregates, window: Window) -> Columns {
    let every = Every::of(window.first, window.last);
    let mut counts: Vec<Count> = Vec::new();
    for Count { day, tickets, front } in days(aggregates, window.first, window.last) {
        let begin = every.begin(day);
        match counts.last_mut().filter(|count| count.day == begin) {
            Some(count) => {
                count.tickets += tickets;
                count.front += front;
            }
            None => counts.push(Count { day: begin, tickets, front }),
        }
    }
    Columns::new(every, "urgent", &counts)
}

/// Days that tickets are kept.
fn kept_days(policy: &Policy) -> i32 {
    i32::try_from(policy.retention.as_hours() / 24).unwrap_or(i32::MAX)
}

/// The first day of which nothing has expired.
fn first_kept(policy: &Policy, told: &Told, now: Timestamp) -> Date {
    let begin = domain::time::earlier(now, policy.retention);
    told.zone().to_datetime(begin).date().saturating_add(1.day())
}

/// Up to 90 days, where they are kept so long: what has expired is not drawn as days without tickets.
fn longer(aggregates: &Aggregates, policy: &Policy, window: Window) -> Option<Vec<Count>> {
    let kept = kept_days(policy).min(TREND_DAYS);
    let first = window.last.saturating_sub((kept - 1).days());
    let known = first < window.first && aggregates.by_day.range(first..window.first).next().is_some();
    known.then(|| days(aggregates, first, window.last))
}

fn load(aggregates: &Aggregates, teams: &[(TeamId, usize)]) -> Vec<LoadRow> {
    let most = aggregates.load.values().flatten().copied().max().unwrap_or(0).max(1);
    let shade = |count: usize| (4 * count).div_ceil(most);
    let row = |team: &TeamId| {
        let hours = aggregates.load.get(team).copied().unwrap_or_default();
        LoadRow {
            id: team.clone(),
            team: team.title(),
            hours: hours.iter().map(|count| (*count, shade(*count))).collect(),
        }
    };
    teams.iter().map(|(team, _)| row(team)).collect()
}

fn tiles(aggregates: &Aggregates, lead: Option<&LeadPart>) -> Vec<Tile> {
    let percent = |part: usize| match aggregates.tickets {
        0 => String::new(),
        all => format!("{:.0} % of tickets", 100.0 * part as f64 / all as f64),
    };
    let urgent: usize = aggregates.by_priority.range(..=Priority::P1).map(|(_, count)| count).sum();
    let tile = |value, label, note| Tile { value, label, note, delta: None, follows: None };
    let of_view = |counts, tile| Tile { follows: Some(Follows { counts, days: None }), ..tile };
    let share = |counts, label, count| of_view(counts, tile(words::count(count), label, percent(count)));
    let accounts = format!("{} accounts", words::count(aggregates.active_accounts()));
    let resolved = tile(words::count(aggregates.auto_resolved), "auto-resolved", "quiet for 72 hours".to_owned());
    let counts = vec![
        of_view("all", tile(words::count(aggregates.tickets), "tickets", accounts)),
        share("urgent", "urgent, P0 or P1", urgent),
        share("risk", "at high churn risk", aggregates.high_risk),
        share("buy", "buying signals", aggregates.opportunities),
        share("answered", "answered automatically", aggregates.answered_automatically),
        of_view("auto_resolved", resolved),
        share("answer_ready", "answers ready", aggregates.answer_ready),
    ];
    let mut tiles = lead.map_or(counts, |lead| lead.lead.tiles.clone());
    if aggregates.usage.llm_calls > 0 {
        let calls = format!("{} model calls", words::count(aggregates.usage.llm_calls as usize));
        tiles.push(tile(words::cost(aggregates.usage.cost_usd), "model cost", calls));
    }
    if aggregates.fallbacks > 0 {
        tiles.push(tile(words::count(aggregates.fallbacks), "read by the fallback", percent(aggregates.fallbacks)));
    }
    tiles
}

fn by_priority(aggregates: &Aggregates) -> Vec<(String, &'static str, usize)> {
    Priority::iter()
        .map(|priority| {
            let count = aggregates.by_priority.get(&priority).copied().unwrap_or(0);
            (priority.to_string(), priority_class(priority), count)
        })
        .collect()
}

fn by_team(teams: &[(TeamId, usize)]) -> Vec<(String, &'static str, usize)> {
    teams.iter().map(|(team, count)| (team.title(), "team", *count)).collect()
}

pub(crate) fn priority_class(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "p0",
        Priority::P1 => "p1",
        Priority::P2 => "p2",
        Priority::P3 => "p3",
    }
}

impl<'a> TicketRow<'a> {
    fn new(view: TicketView<'a>, fields: &FieldIds) -> Self {
        let call = view.update.map(|update| {
            let request = update_request(update, fields);
            Call {
                line: format!("{} {}", request.method, request.path),
                body: shown::text(&serde_json::to_string_pretty(&request.body).expect("a JSON value serialises"))
                    .into_owned(),
            }
        });
        Self { view, call }
    }
}

#[expect(unreachable_pub, reason = "askama's macro makes the filters public")]
pub(crate) mod filters {
    use askama::{Values, filter_fn};
    use domain::{Intent, Priority};

    use crate::TopicRow;

    #[filter_fn]
    pub(crate) fn class(priority: &Priority, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(super::priority_class(*priority))
    }

    #[filter_fn]
    pub(crate) fn percent(confidence: &f32, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::percent(*confidence))
    }

    /// The share of questions for which there was an article.
    #[filter_fn]
    pub(crate) fn covered(row: &TopicRow, _: &dyn Values) -> askama::Result<String> {
        let share = row.with_article as f32 / row.questions.max(1) as f32;
        Ok(if row.questions == 0 { "–".to_owned() } else { format!("{:.0} %", 100.0 * share) })
    }

    #[filter_fn]
    pub(crate) fn wish(intent: &Option<Intent>, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(intent.map_or("", Intent::title))
    }

    #[filter_fn]
    pub(crate) fn delivered(delivery: &domain::Delivery, _: &dyn Values) -> askama::Result<String> {
        Ok(crate::alerts::delivered(delivery))
    }

    /// The class of a risk score.
    #[filter_fn]
    pub(crate) fn heat(score: &u8, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(match domain::guardian::band(*score) {
            Some(domain::Band::Critical) => "score critical",
            Some(domain::Band::Elevated) => "score high",
            None => "score",
        })
    }

    /// For a script to add up: nothing where nothing is known.
    #[filter_fn]
    pub(crate) fn plain(amount: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
        Ok(amount.unwrap_or(0.0).to_string())
    }

    /// What a sorted column compares: the amount, or less than any amount if there is none.
    #[filter_fn]
    pub(crate) fn rank(mrr: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
        Ok(mrr.unwrap_or(-1.0).to_string())
    }
}
