//! What a lead looks at in the morning: who has to act today, how this week compares with the one before, and whether the
//! product was right.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use domain::{
    AccountId, Alert, AlertKind, Delivery, FollowUp, Priority, Record, Stage, follow_up::Outcome, record::utc_day,
    time::earlier,
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use runtime::words;

use crate::{
    Aggregates,
    aggregate::{AccountRow, WEEK, Week},
    alerts::Due,
    labels::{Labels, Stood},
    money::{self, AtRisk},
    page::{Follows, Tile},
    told::Told,
};

/// What is younger than this is new today, and what waits longer waits too long.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A deadline that is nearer is somebody's concern today: a weekend and the day after.
const SOON: SignedDuration = SignedDuration::from_hours(72);
/// Customers that one line names.
const NAMED: usize = 3;

pub(crate) struct Lead {
    pub(crate) needs: Vec<Need>,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) verdicts: Vec<Verdict>,
    /// Sentences about how often labels stood.
    pub(crate) labels: Vec<String>,
    pub(crate) cost: String,
}

/// Something that somebody has to do something about.
pub(crate) struct Need {
    pub(crate) what: String,
    pub(crate) detail: String,
    /// Where on the page it stands.
    pub(crate) section: &'static str,
}

/// What people made of the alerts of one kind.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Verdict {
    pub(crate) kind: &'static str,
    /// Came to an end that bears them out.
    pub(crate) right: usize,
    /// Called wrong.
    pub(crate) wrong: usize,
    /// Somebody looks after them, or did not reach the customer.
    pub(crate) in_hand: usize,
    pub(crate) unanswered: usize,
}

pub(crate) struct Source<'a> {
    pub(crate) aggregates: &'a Aggregates,
    pub(crate) records: &'a [Record],
    pub(crate) at_risk: &'a [AtRisk<'a>],
    pub(crate) alerts: &'a [Arc<Alert>],
    pub(crate) told: &'a Told,
    /// US dollars that a model may cost a day.
    pub(crate) budget: f64,
    /// The first day of the window.
    pub(crate) first: Date,
    pub(crate) now: Timestamp,
}

impl Lead {
    pub(crate) fn new(source: &Source<'_>) -> Self {
        let Source { aggregates, alerts, .. } = source;
        Self {
            needs: needs(source),
            tiles: tiles(source),
            verdicts: verdicts(alerts.iter().filter(|alert| utc_day(alert.at) >= source.first)),
            labels: labels(&aggregates.labels),
            cost: cost(source),
        }
    }
}

/// Whether its message reached a person, or may still.
fn is_out(alert: &Alert) -> bool {
    !matches!(alert.delivery, Delivery::Skipped { .. })
}

fn needs(source: &Source<'_>) -> Vec<Need> {
    let Source { aggregates, records, alerts, told, now, .. } = source;
    let yesterday = earlier(*now, DAY);
    let out: Vec<&Alert> = alerts.iter().map(|alert| &**alert).filter(|alert| is_out(alert)).collect();
    let of = |fits: &dyn Fn(&Alert) -> bool| -> Vec<&Alert> {
        let mut found: Vec<&Alert> = out.iter().copied().filter(|alert| fits(alert)).collect();
        found.sort_by(|a, b| (b.band, weight(b)).partial_cmp(&(a.band, weight(a))).expect("weights are finite"));
        found
    };
    let mut needs = Vec::new();
    let mut alert_need = |found: Vec<&Alert>, what: &str, detail: String| {
        if let Some(first) = found.first() {
            let what = format!("{} {what}", plural(found.len(), "alert"));
            needs.push(Need { what, detail, section: section(first.signal.kind()) });
        }
    };
    for (found, what) in by_deadline(&out, told, *now) {
        let detail =
            named(nearest(&found).map(|(due, alert)| format!("{} {due} ({})", alert.customer, alert.follow_up.stage)));
        alert_need(found.into_iter().map(|(_, alert)| alert).collect(), what, detail);
    }
    let untaken = of(&|alert| alert.follow_up.stage == Stage::New && alert.at <= yesterday);
    let waiting = named(distinct(&untaken).map(|alert| {
        let hours = now.duration_since(alert.at).as_hours();
        format!("{}, told {} {} ago", alert.customer, alert.recipient, ago(hours))
    }));
    alert_need(untaken, "unanswered for more than a day", waiting);
    let fresh = of(&|alert| alert.at > yesterday);
    let customers = named(distinct(&fresh).map(|alert| alert.customer.to_string()));
    let money: f64 = distinct(&fresh).filter_map(|alert| alert.mrr).sum();
    let taken = fresh.iter().filter(|alert| alert.follow_up.stage != Stage::New).count();
    let detail = format!("{} a month, {taken} taken so far: {customers}", told.money(Some(money)));
    alert_need(fresh, "new since yesterday", detail);
    let refused = of(&|alert| matches!(alert.delivery, Delivery::Refused { .. }));
    let customers = named(distinct(&refused).map(|alert| alert.customer.to_string()));
    alert_need(refused, "reached nobody, since the mail service refused the address", customers);
    let back =
        of(&|alert| matches!(alert.follow_up.stage, Stage::Snoozed { until, .. } if until.duration_since(*now) < DAY));
    let customers = named(distinct(&back).map(|alert| alert.customer.to_string()));
    alert_need(back, "back from a snooze by tomorrow", customers);

    for burst in aggregates.bursts(*now) {
        needs.push(Need {
            what: format!(
                "Possible incident: {} {} tickets in two hours",
                words::count(burst.tickets),
                burst.team.title()
            ),
            detail: format!(
                "from {} on, {}, {:.1} are usual",
                told.moment(burst.from),
                plural(burst.accounts, "account"),
                burst.usual
            ),
            section: "tickets",
        });
    }
    let down: Vec<&Record> =
        records.iter().filter(|record| record.priority == Priority::P0 && record.triaged_at > yesterday).collect();
    if !down.is_empty() {
        needs.push(Need {
            what: format!("{} since yesterday", plural(down.len(), "P0 ticket")),
            detail: named(down.iter().map(|record| format!("{} {}", record.ticket, record.customer))),
            section: "tickets",
        });
    }
    needs
}

/// What is not closed and has a deadline: what is overdue, then what is due soon, the nearest first in each.
fn by_deadline<'a>(alerts: &[&'a Alert], told: &Told, now: Timestamp) -> [(Vec<(Due, &'a Alert)>, &'static str); 2] {
    let open = alerts.iter().filter(|alert| !alert.follow_up.is_closed());
    let mut due: Vec<(Due, &Alert)> = open.filter_map(|alert| Some((Due::of(alert, told, now)?, *alert))).collect();
    due.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (mut overdue, mut ahead): (Vec<_>, Vec<_>) = due.into_iter().partition(|(due, _)| due.overdue);
    overdue.reverse();
    ahead.retain(|(due, _)| due.is_within(SOON, now));
    [(overdue, "past the customer's deadline"), (ahead, "with a deadline within three days")]
}

/// The first of each account.
fn nearest<'a, 'b>(found: &'b [(Due, &'a Alert)]) -> impl Iterator<Item = &'b (Due, &'a Alert)> {
    let mut seen: HashSet<&AccountId> = HashSet::new();
    found.iter().filter(move |(_, alert)| seen.insert(&alert.account))
}

/// Where alerts of that kind stand on the page.
fn section(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Guardian => "guardian",
        AlertKind::Opportunity => "opportunity",
        AlertKind::Outage => "outages",
    }
}

/// What the page calls alerts of that kind.
pub(crate) fn heading(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Guardian => "Churn risk",
        AlertKind::Opportunity => "Opportunities",
        AlertKind::Outage => "Outages",
    }
}

fn weight(alert: &Alert) -> f64 {
    f64::from(alert.signal.strength()) * alert.mrr.filter(|mrr| mrr.is_finite()).unwrap_or(0.0).max(1.0)
}

/// The first alert of each account.
fn distinct<'a>(alerts: &'a [&'a Alert]) -> impl Iterator<Item = &'a Alert> {
    let mut seen: HashSet<&AccountId> = HashSet::new();
    alerts.iter().copied().filter(move |alert| seen.insert(&alert.account))
}

/// `Acme, Bolt, Cog and 4 more`
fn named(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.map(|name| domain::shown::line(&name)).collect();
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

fn ago(hours: i64) -> String {
    if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) }
}

fn plural(number: usize, what: &str) -> String {
    format!("{} {what}{}", words::count(number), if number == 1 { "" } else { "s" })
}

fn tiles(source: &Source<'_>) -> Vec<Tile> {
    let Source { aggregates, at_risk, alerts, told, now, .. } = source;
    let [this, before] = &aggregates.weeks;
    let then = earlier(*now, WEEK);
    let alerts_then = as_of(alerts, then);
    let before_at_risk: f64 =
        money::ranked(&aggregates.accounts, &alerts_then, then).iter().filter_map(|row| row.money).sum();
    let money: f64 = at_risk.iter().filter_map(|row| row.money).sum();
    let newly: Vec<&AtRisk<'_>> =
        at_risk.iter().filter(|row| row.account.high_risks.iter().all(|risk| risk.at > then)).collect();
    let newly_money: f64 = newly.iter().filter_map(|row| row.money).sum();
    let wanting = |from: Timestamp, to: Timestamp| -> Vec<&AccountRow> {
        let wants = |account: &&AccountRow| account.wishes.iter().any(|at| *at > from && *at <= to);
        aggregates.accounts.values().filter(wants).collect()
    };
    let buyers = wanting(then, *now);
    let buyers_before = wanting(earlier(then, WEEK), then);
    let pays: f64 = buyers.iter().filter_map(|account| account.mrr).sum();
    let known = before.tickets > 0;
    let delta = |this: usize, before: usize, rise| Delta::new(this as f64, before as f64, known, rise);
    vec![
        Tile {
            value: told.money(Some(money)),
            label: "a month at risk",
            note: plural(at_risk.len(), "account"),
            delta: Delta::new(money, before_at_risk, known, Rise::Bad),
            follows: None,
        },
        Tile {
            value: words::count(newly.len()),
            label: "newly at risk",
            note: format!("{}, in 7 days", told.monthly(Some(newly_money))),
            delta: None,
            follows: None,
        },
        Tile {
            value: words::count(buyers.len()),
            label: "want to buy",
            note: format!("accounts that pay {}, in 7 days", told.monthly(Some(pays))),
            delta: delta(buyers.len(), buyers_before.len(), Rise::Good),
            follows: None,
        },
        Tile {
            value: words::count(this.urgent),
            label: "urgent, P0 or P1",
            note: "tickets, in 7 days".to_owned(),
            delta: delta(this.urgent, before.urgent, Rise::Bad),
            follows: Some(Follows { counts: "urgent", days: Some(7) }),
        },
        Tile {
            value: words::count(this.tickets),
            label: "tickets",
            note: "in 7 days".to_owned(),
            delta: delta(this.tickets, before.tickets, Rise::Neither),
            follows: Some(Follows { counts: "all", days: Some(7) }),
        },
        answered(this, before),
    ]
}

fn answered(this: &Week, before: &Week) -> Tile {
    let waiting = this.answered.saturating_sub(this.held);
    Tile {
        value: words::count(this.answered),
        label: "answered automatically",
        note: format!("in 7 days: {} held for 72 h, {waiting} not yet, {} wrote again", this.held, this.wrote_again),
        delta: Delta::new(this.answered as f64, before.answered as f64, before.tickets > 0, Rise::Good),
        follows: Some(Follows { counts: "answered", days: Some(7) }),
    }
}

/// Whether more of it is good news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rise {
    Good,
    Bad,
    Neither,
}

/// How a figure compares with the seven days before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Delta {
    pub(crate) text: String,
    pub(crate) class: &'static str,
}

impl Delta {
    /// None where nothing is known of the time before.
    fn new(this: f64, before: f64, known: bool, rise: Rise) -> Option<Self> {
        if !known {
            return None;
        }
        let class = match (rise, this.total_cmp(&before)) {
            (Rise::Neither, _) | (_, std::cmp::Ordering::Equal) => "same",
            (Rise::Good, std::cmp::Ordering::Greater) | (Rise::Bad, std::cmp::Ordering::Less) => "good",
            (Rise::Good, std::cmp::Ordering::Less) | (Rise::Bad, std::cmp::Ordering::Greater) => "bad",
        };
        let change = if before == 0.0 { None } else { Some(100.0 * (this - before) / before) };
        let text = match change {
            None if this == 0.0 => "none in the 7 days before either".to_owned(),
            None => "none in the 7 days before".to_owned(),
            Some(change) if change.abs() < 0.5 => "as in the 7 days before".to_owned(),
            Some(change) => {
                let arrow = if change > 0.0 { '▲' } else { '▼' };
                format!("{arrow} {:.0} % on the 7 days before", change.abs())
            }
        };
        Some(Self { text, class })
    }
}

/// The alerts as they stood then. What was said of one before it was said otherwise is not kept, so it counts as new.
fn as_of(alerts: &[Arc<Alert>], then: Timestamp) -> Vec<Arc<Alert>> {
    let raised = alerts.iter().filter(|alert| alert.at <= then);
    let said_by = |stage: &Stage| stage.at().is_none_or(|at| at <= then);
    raised.map(|alert| if said_by(&alert.follow_up.stage) { alert.clone() } else { unsaid(alert) }).collect()
}

fn unsaid(alert: &Alert) -> Arc<Alert> {
    Arc::new(Alert { follow_up: FollowUp::default(), ..alert.clone() })
}

fn verdicts<'a>(alerts: impl Iterator<Item = &'a Arc<Alert>>) -> Vec<Verdict> {
    let mut by_kind: BTreeMap<AlertKind, Verdict> = BTreeMap::new();
    for alert in alerts.filter(|alert| is_out(alert)) {
        let kind = alert.signal.kind();
        let verdict = by_kind.entry(kind).or_insert_with(|| Verdict { kind: heading(kind), ..Verdict::default() });
        match &alert.follow_up.stage {
            Stage::New => verdict.unanswered += 1,
            Stage::Taken { .. } | Stage::Snoozed { .. } | Stage::Settled { outcome: Outcome::NotReached, .. } => {
                verdict.in_hand += 1;
            }
            Stage::Wrong { .. } | Stage::Settled { outcome: Outcome::NoOutage, .. } => verdict.wrong += 1,
            Stage::Settled { .. } => verdict.right += 1,
        }
    }
    by_kind.into_values().collect()
}

impl Verdict {
    /// `35 of 43`, of those that came to an end; none if none did.
    pub(crate) fn share(&self) -> String {
        match self.right + self.wrong {
            0 => "–".to_owned(),
            judged => format!("{} of {judged} ({:.0} %)", self.right, 100.0 * self.right as f64 / judged as f64),
        }
    }
}

fn labels(labels: &Labels) -> Vec<String> {
    [("priority", &labels.priority), ("team", &labels.team)]
        .into_iter()
        .flat_map(|(label, stood)| sentences(label, stood))
        .collect()
}

/// How often people changed a label, in all and by how sure the analyst was of it.
fn sentences(label: &str, stood: &Stood) -> Vec<String> {
    let all = stood.total();
    if all.set == 0 {
        return vec![format!("No {label} was set that people could have corrected.")];
    }
    let mut told = vec![format!("People corrected the {label} of {}.", all.told())];
    let by_sureness = stood.by_sureness().filter(|(_, tally)| tally.set > 0);
    told.extend(by_sureness.map(|(sure, tally)| format!("Where it was {sure}: {}.", tally.told())));
    told
}

fn cost(source: &Source<'_>) -> String {
    let Source { aggregates, told, budget, now, .. } = source;
    let usage = &aggregates.usage;
    if usage.llm_calls == 0 {
        return "No model was asked in this period: the embedded analyst read all tickets, which costs nothing."
            .to_owned();
    }
    let [this, _] = &aggregates.weeks;
    let a_thousand = 1_000.0 * usage.cost_usd / aggregates.tickets.max(1) as f64;
    let days = days(aggregates, now.to_zoned_datetime(told.zone().clone()).date());
    let a_day = this.usage.cost_usd / f64::from(days);
    let of_the_budget = if *budget > 0.0 {
        format!(", {:.0} % of the budget of {} a day", 100.0 * a_day / budget, words::cost(*budget))
    } else {
        String::new()
    };
    format!(
        "{} in this period for {} calls, {} for each 1,000 tickets; {} a day in the last {}{of_the_budget}.",
        words::cost(usage.cost_usd),
        words::count(usage.llm_calls as usize),
        words::cost(a_thousand),
        words::cost(a_day),
        if days == 1 { "day".to_owned() } else { format!("{days} days") },
    )
}

/// Of the last seven, those since the first ticket.
fn days(aggregates: &Aggregates, today: Date) -> i32 {
    let first = aggregates.by_day.keys().next().copied().unwrap_or(today);
    (today.since(first).map_or(0, |span| span.get_days()) + 1).clamp(1, 7)
}

#[cfg(test)]
mod tests {
    use domain::{EmailAddress, follow_up::WrongReason, sample};

    use super::*;

    fn by() -> EmailAddress {
        "kam@example.com".parse().unwrap()
    }

    fn alert(number: u64, hours_ago: i64, stage: Stage) -> Arc<Alert> {
        let at = sample::now() - SignedDuration::from_hours(hours_ago);
        let customer = format!("Account {number}");
        let follow_up = FollowUp { stage, ..FollowUp::default() };
        let delivery = Delivery::Sent { id: "m".into() };
        let account = sample::account_id(&customer);
        Arc::new(Alert { at, account, customer: customer.into(), follow_up, delivery, ..sample::alert(number) })
    }

    fn lead(aggregates: &Aggregates, alerts: &[Arc<Alert>]) -> Lead {
        let at_risk = money::ranked(&aggregates.accounts, alerts, sample::now());
        let told = Told::new(jiff::tz::TimeZone::UTC, "$");
        let (now, first) = (sample::now(), jiff::civil::date(2026, 11, 1));
        Lead::new(&Source { aggregates, records: &[], at_risk: &at_risk, alerts, told: &told, budget: 5.0, first, now })
    }

    fn whats(lead: &Lead) -> Vec<&str> {
        lead.needs.iter().map(|need| need.what.as_str()).collect()
    }

    #[test]
    fn only_what_waits_needs_somebody() {
        let (at, by) = (sample::now(), by());
        let taken = Stage::Taken { by: by.clone(), at };
        let soon = Stage::Snoozed { until: at + SignedDuration::from_hours(3), by: by.clone(), at };
        let late = Stage::Snoozed { until: at + SignedDuration::from_hours(30), by, at };
        let alerts = [
            alert(1, 30, Stage::New),
            alert(2, 3, Stage::New),
            alert(3, 4, taken.clone()),
            alert(4, 30, taken),
            alert(5, 40, soon),
            alert(6, 40, late),
        ];
        let lead = lead(&Aggregates::default(), &alerts);
        let expected = [
            "1 alert unanswered for more than a day",
            "2 alerts new since yesterday",
            "1 alert back from a snooze by tomorrow",
        ];
        assert_eq!(whats(&lead), expected);
        assert!(lead.needs[0].detail.contains("Account 1, told kam@example.com 30 h ago"), "{}", lead.needs[0].detail);
        assert!(lead.needs[1].detail.contains("1 taken so far"), "{}", lead.needs[1].detail);
    }

    #[test]
    fn deadlines_come_nearest_first() {
        let (at, by) = (sample::now(), by());
        let due = |number, day, hour, stage| {
            let day = jiff::civil::date(2026, 11, day);
            let time = Some(jiff::civil::time(hour, 0, 0, 0));
            let deadline = Some(domain::Deadline { day, time, words: "then".into() });
            Arc::new(Alert { deadline, ..Alert::clone(&alert(number, 3, stage)) })
        };
        let settled = Stage::Settled { outcome: Outcome::Saved, by: by.clone(), at };
        let alerts = [
            due(1, 18, 17, Stage::New),
            due(2, 16, 12, Stage::Taken { by, at }),
            due(3, 16, 8, Stage::New),
            due(4, 16, 7, settled),
            alert(5, 3, Stage::New),
            due(6, 10, 8, Stage::New),
            due(7, 20, 8, Stage::New),
            Arc::new(Alert { account: sample::account_id("Account 1"), ..Alert::clone(&due(8, 19, 9, Stage::New)) }),
        ];
        let lead = lead(&Aggregates::default(), &alerts);
        let told = lead.needs.iter().map(|need| (need.what.as_str(), need.detail.as_str())).take(2);
        let expected = [
            (
                "2 alerts past the customer's deadline",
                "Account 3 overdue since Mon 16 Nov, 08:00 (new); Account 6 overdue since Tue 10 Nov, 08:00 (new)",
            ),
            (
                "3 alerts with a deadline within three days",
                "Account 2 by Mon 16 Nov, 12:00 (taken by kam@example.com); Account 1 by Wed 18 Nov, 17:00 (new)",
            ),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_was_withheld_needs_nobody() {
        let withheld = Delivery::Skipped { by: domain::alert::Withheld::Shadow };
        let alerts = [Arc::new(Alert { delivery: withheld, ..Alert::clone(&alert(1, 30, Stage::New)) })];
        let lead = lead(&Aggregates::default(), &alerts);
        assert!(whats(&lead).is_empty() && lead.verdicts.is_empty());
    }

    #[test]
    fn an_alert_is_right_only_if_somebody_said_so() {
        let (at, by) = (sample::now(), by());
        let settled = |outcome| Stage::Settled { outcome, by: by.clone(), at };
        let wrong = Stage::Wrong { reason: WrongReason::Misread, by: by.clone(), at };
        let stages = [
            settled(Outcome::Saved),
            settled(Outcome::Leaving),
            settled(Outcome::NotReached),
            wrong,
            Stage::Taken { by: by.clone(), at },
            Stage::New,
        ];
        let alerts: Vec<_> = (1..).zip(stages).map(|(number, stage)| alert(number, 1, stage)).collect();
        let verdicts = verdicts(alerts.iter());
        let expected = Verdict { kind: "Churn risk", right: 2, wrong: 1, in_hand: 2, unanswered: 1 };
        assert_eq!((verdicts[0].share().as_str(), &verdicts[..]), ("2 of 3 (67 %)", &[expected][..]));
    }

    #[test]
    fn only_alerts_of_the_period_are_judged() {
        let wrong = Stage::Wrong { reason: WrongReason::Misread, by: by(), at: sample::now() };
        let alerts = [alert(1, 15 * 24, wrong.clone()), alert(2, 16 * 24, wrong)];
        let lead = lead(&Aggregates::default(), &alerts);
        assert_eq!(lead.verdicts[0].wrong, 1, "of 1 November, and not of the day before");
    }

    #[test]
    fn a_rise_is_told_with_its_colour() {
        for (this, before, rise, text, class) in [
            (110.0, 100.0, Rise::Bad, "▲ 10 % on the 7 days before", "bad"),
            (90.0, 100.0, Rise::Bad, "▼ 10 % on the 7 days before", "good"),
            (110.0, 100.0, Rise::Neither, "▲ 10 % on the 7 days before", "same"),
            (100.0, 100.0, Rise::Good, "as in the 7 days before", "same"),
            (3.0, 0.0, Rise::Good, "none in the 7 days before", "good"),
        ] {
            let delta = Delta::new(this, before, true, rise).unwrap();
            assert_eq!((delta.text.as_str(), delta.class), (text, class));
        }
        assert_eq!(Delta::new(3.0, 0.0, false, Rise::Bad), None);
    }

    #[test]
    fn this_week_stands_beside_the_one_before() {
        let mut aggregates = Aggregates::default();
        for (number, days_ago, score) in [(1, 8, 9), (2, 1, 9), (3, 2, 0), (4, 20, 9)] {
            let at = sample::now() - SignedDuration::from_hours(24 * days_ago);
            let mut summary = sample::record(number, &format!("Account {number}"), at).summary();
            (summary.risk_score, summary.mrr) = (score, Some(1_000.0));
            aggregates.add(&summary, sample::now());
        }
        let tiles = lead(&aggregates, &[]).tiles;
        let told = |label: &str| {
            let tile = tiles.iter().find(|tile| tile.label == label).unwrap();
            (tile.value.clone(), tile.delta.as_ref().map_or("", |delta| &delta.text).to_owned())
        };
        assert_eq!(told("newly at risk").0, "1");
        assert_eq!(told("tickets"), ("2".to_owned(), "▲ 100 % on the 7 days before".to_owned()));
        assert_eq!(told("want to buy"), ("2".to_owned(), "▲ 100 % on the 7 days before".to_owned()));
        // 900 × (2^(-1/14) + 2^(-8/14) + 2^(-20/14)) now, and 900 × (2^(-1/14) + 2^(-13/14)) a week ago.
        assert_eq!(told("a month at risk"), ("$1,797".to_owned(), "▲ 35 % on the 7 days before".to_owned()));
    }

    #[test]
    fn what_a_model_costs_is_told_by_day_and_budget() {
        let mut aggregates = Aggregates::default();
        for days_ago in [0, 3] {
            let at = sample::now() - SignedDuration::from_hours(24 * days_ago);
            let mut summary = sample::record(1, "Acme", at).summary();
            (summary.usage.llm_calls, summary.usage.cost_usd) = (1, 0.8);
            aggregates.add(&summary, sample::now());
        }
        let expected = "$1.60 in this period for 2 calls, $800.00 for each 1,000 tickets; $0.4000 a day in the last 4 days, \
                        8 % of the budget of $5.00 a day.";
        assert_eq!(lead(&aggregates, &[]).cost, expected);
    }

    #[test]
    fn what_was_said_later_was_new_then() {
        let taken = Stage::Taken { by: by(), at: sample::now() };
        let alerts = [alert(1, 100, taken), alert(2, 1, Stage::New)];
        let then = as_of(&alerts, sample::now() - SignedDuration::from_hours(50));
        assert_eq!((then.len(), &then[0].follow_up.stage), (1, &Stage::New));
    }
}
