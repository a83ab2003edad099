//! The page: aggregates, alerts and the newest tickets as the template wants them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use askama::Template;
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    Alert, AlertKind, Delivery, Kind, Policy, Priority, Record, TeamId, TicketId, TopicId, alert::Withheld, shown,
};
use jiff::Timestamp;
use runtime::words;
use sha2::{Digest, Sha256};
use strum::IntoEnumIterator;
use zendesk::{FieldIds, update_request};

use crate::{
    Aggregates, Audience, MOST_ACCOUNTS, TopicRow, Window,
    alerts::AlertList,
    audience::{AccountView, TicketView, account_as_shown},
    chart::{Bars, Columns},
    money::AtRisk,
};

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
    days: String,
    topics: Vec<TopicRow>,
    without_article: Vec<TopicRow>,
    /// The topics to choose from, of the tickets that are shown.
    shown_topics: Vec<TopicId>,
    /// The kinds to choose from, of the tickets that are shown.
    kinds: Vec<Kind>,
    accounts: Vec<AccountView>,
    /// What the ranking adds up to.
    money: String,
    guardian: AlertList,
    opportunities: AlertList,
    tickets: Vec<TicketRow<'a>>,
    total: usize,
    helpdesk_url: &'a str,
}

/// A headline figure.
struct Tile {
    value: String,
    label: &'static str,
    note: String,
}

struct TicketRow<'a> {
    view: TicketView<'a>,
    /// What the search looks through, in lower case.
    haystack: String,
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
}

/// Renders the whole page as one self-contained file.
pub(crate) fn render(source: Source<'_>) -> String {
    let Source { aggregates, records, earlier, at_risk, alerts, policy, fields, audience, window, now } = source;
    let at_risk = if audience.sees_guardian() { at_risk } else { &[] };
    let list = |kind, sees: bool| if sees { AlertList::new(kind, alerts, records) } else { AlertList::none() };
    let teams = aggregates.teams(&policy.teams);
    let days: Vec<_> = aggregates.by_day.iter().map(|(day, row)| (*day, *row)).collect();
    let chart = |chart: &dyn askama::DynTemplate| chart.dyn_render().expect("writing to a string does not fail");
    let page = Dashboard {
        sees: audience,
        style: STYLE,
        script: SCRIPT,
        script_hash: BASE64_STANDARD.encode(Sha256::digest(SCRIPT)),
        period: format!("{} to {}", window.first, window.last),
        updated: words::moment(now),
        mode: format!("mode {}, {} % of tickets", policy.mode, policy.rollout_percent),
        switch: policy.withholds().map(|by| switched_off(by, alerts, audience)),
        tiles: tiles(aggregates),
        priorities: chart(&Bars::new("Tickets by priority", by_priority(aggregates))),
        by_team: chart(&Bars::new("Tickets by team", by_team(&teams))),
        teams: teams.into_iter().map(|(team, _)| team).collect(),
        days: chart(&Columns::new(&days)),
        topics: aggregates.topics().into_iter().cloned().collect(),
        without_article: aggregates.topics_without_article().into_iter().cloned().collect(),
        shown_topics: records
            .iter()
            .filter_map(|record| record.topic.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        kinds: records.iter().map(|record| record.kind).collect::<BTreeSet<_>>().into_iter().collect(),
        accounts: accounts(at_risk, records.iter().chain(earlier), window),
        money: total(at_risk),
        guardian: list(AlertKind::Guardian, audience.sees_guardian()),
        opportunities: list(AlertKind::Opportunity, audience.sees_opportunity()),
        tickets: records.iter().map(|record| TicketRow::new(audience.view(record, now), fields)).collect(),
        total: aggregates.tickets,
        helpdesk_url: &policy.helpdesk_url,
    };
    page.render().expect("writing to a string does not fail")
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
    let sees = |kind| match kind {
        AlertKind::Guardian => audience.sees_guardian(),
        AlertKind::Opportunity => audience.sees_opportunity(),
    };
    let kept = |alert: &&Arc<Alert>| {
        sees(alert.signal.kind()) && matches!(alert.delivery, Delivery::Skipped { .. } | Delivery::Held { .. })
    };
    let count = alerts.iter().filter(kept).count();
    if count > 0 {
        text.push_str(&format!(" Alerts kept back so far: {}.", words::count(count)));
    }
    text
}

fn accounts<'a>(at_risk: &[AtRisk<'_>], records: impl Iterator<Item = &'a Record>, window: Window) -> Vec<AccountView> {
    let records: HashMap<TicketId, &Record> = records.map(|record| (record.ticket, record)).collect();
    let view = |row: &AtRisk<'_>| account_as_shown(row, records.get(&row.newest.ticket).copied(), window.last);
    at_risk.iter().take(MOST_ACCOUNTS).map(view).collect()
}

/// `$82,460 a month in 8 accounts`
fn total(at_risk: &[AtRisk<'_>]) -> String {
    let money = at_risk.iter().filter_map(|row| row.money).sum();
    let accounts = match at_risk.len() {
        1 => "1 account".to_owned(),
        more => format!("{} accounts", words::count(more)),
    };
    format!("{} in {accounts}", words::monthly(Some(money)))
}

fn tiles(aggregates: &Aggregates) -> Vec<Tile> {
    let percent = |part: usize| match aggregates.tickets {
        0 => String::new(),
        all => format!("{:.0} % of tickets", 100.0 * part as f64 / all as f64),
    };
    let urgent: usize = aggregates.by_priority.range(..=Priority::P1).map(|(_, count)| count).sum();
    let tile = |value, label, note| Tile { value, label, note };
    let mut tiles = vec![
        tile(
            words::count(aggregates.tickets),
            "tickets",
            format!("{} accounts", words::count(aggregates.active_accounts())),
        ),
        tile(words::count(urgent), "urgent, P0 or P1", percent(urgent)),
        tile(words::count(aggregates.high_risk), "at high churn risk", percent(aggregates.high_risk)),
        tile(words::count(aggregates.opportunities), "buying signals", percent(aggregates.opportunities)),
        tile(
            words::count(aggregates.answered_automatically),
            "answered automatically",
            percent(aggregates.answered_automatically),
        ),
        tile(words::count(aggregates.auto_resolved), "auto-resolved", "quiet for 72 hours".to_owned()),
        tile(words::count(aggregates.answer_ready), "answers ready", percent(aggregates.answer_ready)),
    ];
    if aggregates.usage.llm_calls > 0 {
        let calls = format!("{} model calls", words::count(aggregates.usage.llm_calls as usize));
        let cost = aggregates.usage.cost_usd;
        let dollars = if cost < 1.0 { format!("${cost:.4}") } else { format!("${cost:.2}") };
        tiles.push(tile(dollars, "model cost", calls));
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

fn priority_class(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "p0",
        Priority::P1 => "p1",
        Priority::P2 => "p2",
        Priority::P3 => "p3",
    }
}

impl<'a> TicketRow<'a> {
    fn new(view: TicketView<'a>, fields: &FieldIds) -> Self {
        let haystack =
            format!("{} {} {} {}", view.ticket, view.customer, view.subject, view.description).to_lowercase();
        let call = view.update.map(|update| {
            let request = update_request(update, fields);
            Call {
                line: format!("{} {}", request.method, request.path),
                body: shown::text(&serde_json::to_string_pretty(&request.body).expect("a JSON value serialises"))
                    .into_owned(),
            }
        });
        Self { view, haystack, call }
    }
}

#[expect(unreachable_pub, reason = "askama's macro makes the filters public")]
mod filters {
    use askama::{Values, filter_fn};
    use domain::{Intent, Priority, Stage};
    use jiff::Timestamp;
    use runtime::words;

    use crate::TopicRow;

    #[filter_fn]
    pub(super) fn dollars(mrr: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::dollars(*mrr))
    }

    #[filter_fn]
    pub(super) fn monthly(mrr: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::monthly(*mrr))
    }

    #[filter_fn]
    pub(super) fn moment(at: &Timestamp, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::moment(*at))
    }

    /// Who does what about an alert. None: nobody said anything.
    #[filter_fn]
    pub(super) fn told(stage: &Stage, _: &dyn Values) -> askama::Result<Option<String>> {
        Ok(match stage {
            Stage::New => None,
            Stage::Taken { by, at } => Some(format!("{by} has it since {}.", words::moment(*at))),
            Stage::Settled { outcome, by, at } => {
                Some(format!("Settled by {by}, {}: {}.", words::moment(*at), outcome.title()))
            }
            Stage::Wrong { reason, by, at } => {
                Some(format!("Called wrong by {by}, {}: {}.", words::moment(*at), reason.title()))
            }
            Stage::Snoozed { until, by, .. } => Some(format!("Snoozed by {by} until {}.", words::moment(*until))),
        })
    }

    #[filter_fn]
    pub(super) fn class(priority: &Priority, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(super::priority_class(*priority))
    }

    #[filter_fn]
    pub(super) fn percent(confidence: &f32, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::percent(*confidence))
    }

    /// The share of questions for which there was an article.
    #[filter_fn]
    pub(super) fn covered(row: &TopicRow, _: &dyn Values) -> askama::Result<String> {
        let share = row.with_article as f32 / row.questions.max(1) as f32;
        Ok(if row.questions == 0 { "–".to_owned() } else { format!("{:.0} %", 100.0 * share) })
    }

    #[filter_fn]
    pub(super) fn wish(intent: &Option<Intent>, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(intent.map_or("", Intent::title))
    }

    /// The class of a risk score.
    #[filter_fn]
    pub(super) fn heat(score: &u8, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(match domain::guardian::band(*score) {
            Some(domain::Band::Critical) => "score critical",
            Some(domain::Band::Elevated) => "score high",
            None => "score",
        })
    }

    /// What a sorted column compares: the amount, or less than any amount if there is none.
    #[filter_fn]
    pub(super) fn rank(mrr: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
        Ok(mrr.unwrap_or(-1.0).to_string())
    }
}
