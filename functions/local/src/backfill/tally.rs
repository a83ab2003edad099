//! What a triaged history adds up to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use domain::{
    Alert, AlertKey, AlertKind, Delivery, Priority, Record, Resolution, TeamId, Teams, reading::Usage, record::utc_day,
};
use jiff::{SignedDuration, ToSpan, civil::Date, tz::TimeZone};
use report::backtest::{
    Agreement, AlertedAccount, Alerts, Answer, Answers, Backtest, Cost, Example, FirstReply, LeftOut, MOST_ACCOUNTS,
    MOST_EXAMPLES, Week,
};
use runtime::words;
use strum::IntoEnumIterator;
use training::evaluate::Confusion;

use super::past::Past;

/// A ticket of the past and what the triage made of it.
#[derive(Clone, Debug)]
pub(super) struct Triaged<'a> {
    pub(super) past: &'a Past,
    pub(super) record: Arc<Record>,
    pub(super) alerts: Vec<Arc<Alert>>,
}

/// Where the history is from and what of it was not triaged.
#[derive(Clone, Debug)]
pub(super) struct History<'a> {
    pub(super) source: String,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) teams: &'a Teams,
    pub(super) helpdesk_url: &'a str,
    pub(super) currency: &'a str,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The alerts of a ticket.
pub(super) fn alerts(find: impl Fn(AlertKey) -> Option<Arc<Alert>>, ticket: domain::TicketId) -> Vec<Arc<Alert>> {
    AlertKey::of(ticket).into_iter().filter_map(find).collect()
}

#[must_use]
pub(super) fn backtest(history: History<'_>, triaged: &[Triaged<'_>]) -> Backtest {
    let days = || triaged.iter().map(|ticket| utc_day(ticket.past.row.timestamp));
    let weeks = weeks(triaged);
    Backtest {
        v: 1,
        first: days().min().unwrap_or_default(),
        last: days().max().unwrap_or_default(),
        tickets: triaged.len(),
        priority: priority(triaged),
        team: team(triaged, history.teams),
        alerts: sum_alerts(triaged, weeks.len(), history.helpdesk_url),
        answers: answers(triaged, history.helpdesk_url),
        cost: cost(triaged),
        source: history.source,
        currency: history.currency.to_owned(),
        left_out: history.left_out,
        weeks,
    }
}

fn monday(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

/// Every week from the first ticket's to the last one's, the empty ones too.
fn weeks(triaged: &[Triaged<'_>]) -> Vec<Week> {
    let mut weeks: BTreeMap<Date, Week> = BTreeMap::new();
    let empty = |monday| Week {
        monday,
        tickets: 0,
        urgent: 0,
        high_risk: 0,
        guardian_alerts: 0,
        opportunity_alerts: 0,
        outage_alerts: 0,
    };
    for ticket in triaged {
        let monday = monday(utc_day(ticket.past.row.timestamp));
        let week = weeks.entry(monday).or_insert_with(|| empty(monday));
        let of = |kind| ticket.alerts.iter().filter(|alert| alert.signal.kind() == kind).count();
        week.tickets += 1;
        week.urgent += usize::from(ticket.record.priority <= Priority::P1);
        week.high_risk += usize::from(ticket.record.guardian.is_high_risk());
        week.guardian_alerts += of(AlertKind::Guardian);
        week.opportunity_alerts += of(AlertKind::Opportunity);
        week.outage_alerts += of(AlertKind::Outage);
    }
    let (Some(first), Some(last)) = (weeks.keys().next().copied(), weeks.keys().next_back().copied()) else {
        return Vec::new();
    };
    let mondays = first.series(7.days()).take_while(|monday| *monday <= last);
    mondays.map(|monday| weeks.remove(&monday).unwrap_or_else(|| empty(monday))).collect()
}

fn priority(triaged: &[Triaged<'_>]) -> Option<Agreement> {
    let pairs = triaged
        .iter()
        .filter_map(|ticket| Some((ticket.past.ended.priority? as usize, ticket.record.priority as usize)));
    let classes: Vec<String> = Priority::iter().map(|priority| priority.to_string()).collect();
    agreement(classes, pairs, true)
}

fn team(triaged: &[Triaged<'_>], teams: &Teams) -> Option<Agreement> {
    let position = |team: &TeamId| teams.ids().position(|known| known == team);
    let pairs = triaged
        .iter()
        .filter_map(|ticket| Some((position(ticket.past.ended.team.as_ref()?)?, position(&ticket.record.agent)?)));
    agreement(teams.ids().map(TeamId::title).collect(), pairs, false)
}

fn agreement(classes: Vec<String>, pairs: impl Iterator<Item = (usize, usize)>, weighted: bool) -> Option<Agreement> {
    let table = Confusion::of(classes.len(), pairs);
    let number = classes.len();
    let all = || 0..number;
    let kappa = if weighted { table.weighted_kappa() } else { table.kappa() };
    (table.total() > 0).then(|| Agreement {
        tickets: table.total(),
        agreed: all().map(|class| table.count(class, class)).sum(),
        kappa: (kappa * 1e4).round() / 1e4,
        weighted,
        confusion: all().map(|truth| all().map(|found| table.count(truth, found)).collect()).collect(),
        classes,
    })
}

fn sum_alerts(triaged: &[Triaged<'_>], weeks: usize, helpdesk_url: &str) -> Alerts {
    let all = || triaged.iter().flat_map(|ticket| ticket.alerts.iter().map(move |alert| (ticket, alert)));
    let of = |kind| all().filter(|(_, alert)| alert.signal.kind() == kind).count();
    let at_once = all().filter(|(_, alert)| goes_at_once(&alert.delivery)).count();
    let (guardian, opportunity) = (of(AlertKind::Guardian), of(AlertKind::Opportunity));
    let outage = of(AlertKind::Outage);
    let count = guardian + opportunity + outage;
    let mut examples: Vec<(&Triaged<'_>, &Arc<Alert>)> = all().collect();
    examples.sort_by(|(_, a), (_, b)| {
        let (stronger, heavier) = (b.signal.strength().cmp(&a.signal.strength()), b.weight().total_cmp(&a.weight()));
        stronger.then(heavier).then_with(|| a.key().cmp(&b.key()))
    });
    Alerts {
        guardian,
        opportunity,
        outage,
        at_once,
        in_digest: count - at_once,
        per_week: if weeks == 0 { 0.0 } else { count as f64 / weeks as f64 },
        accounts: accounts(all().map(|(_, alert)| &**alert)),
        first_reply: first_reply(triaged),
        examples: examples
            .into_iter()
            .take(MOST_EXAMPLES)
            .map(|(ticket, alert)| example(ticket, alert, helpdesk_url))
            .collect(),
    }
}

/// Whatever was not held for the digest.
fn goes_at_once(delivery: &Delivery) -> bool {
    match delivery {
        Delivery::Sent { .. } | Delivery::Filed { .. } | Delivery::Refused { .. } | Delivery::Skipped { .. } => true,
        Delivery::Pending | Delivery::Held { .. } | Delivery::Digested => false,
    }
}

/// Most money at risk first.
fn accounts<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Vec<AlertedAccount> {
    let mut accounts: HashMap<&domain::AccountId, (AlertedAccount, f64)> = HashMap::new();
    for alert in alerts {
        let (account, weight) = accounts.entry(&alert.account).or_insert_with(|| {
            let account = AlertedAccount {
                customer: alert.customer.as_ref().to_owned(),
                mrr: alert.mrr,
                guardian: 0,
                opportunity: 0,
                outage: 0,
                strongest: 0,
            };
            (account, 0.0)
        });
        match alert.signal.kind() {
            AlertKind::Guardian => account.guardian += 1,
            AlertKind::Opportunity => account.opportunity += 1,
            AlertKind::Outage => account.outage += 1,
        }
        account.strongest = account.strongest.max(alert.signal.strength());
        *weight += alert.weight();
    }
    let mut accounts: Vec<(AlertedAccount, f64)> = accounts.into_values().collect();
    accounts.sort_by(|(a, heavy), (b, heavier)| heavier.total_cmp(heavy).then_with(|| a.customer.cmp(&b.customer)));
    accounts.into_iter().take(MOST_ACCOUNTS).map(|(account, _)| account).collect()
}

fn example(ticket: &Triaged<'_>, alert: &Alert, helpdesk_url: &str) -> Example {
    Example {
        ticket: alert.ticket.number(),
        link: words::ticket_link(helpdesk_url, alert.ticket),
        customer: alert.customer.as_ref().to_owned(),
        subject: alert.subject.as_ref().to_owned(),
        created: words::moment(ticket.past.row.timestamp, &TimeZone::UTC),
        kind: match alert.signal.kind() {
            AlertKind::Guardian => "guardian",
            AlertKind::Opportunity => "opportunity",
            AlertKind::Outage => "outage",
        },
        strength: alert.signal.strength(),
        mrr: alert.mrr,
        quotes: alert.evidence.to_vec(),
        first_reply_hours: ticket.past.ended.first_reply.map(hours),
    }
}

/// How long tickets with an alert waited, as far as it is known.
fn first_reply(triaged: &[Triaged<'_>]) -> Option<FirstReply> {
    let alerted = triaged.iter().filter(|ticket| !ticket.alerts.is_empty());
    let mut waits: Vec<SignedDuration> = alerted.filter_map(|ticket| ticket.past.ended.first_reply).collect();
    waits.sort_unstable();
    let median = waits.get(waits.len() / 2)?;
    Some(FirstReply {
        tickets: waits.len(),
        median_hours: hours(*median),
        over_a_day: waits.iter().filter(|wait| **wait > DAY).count(),
    })
}

fn hours(wait: SignedDuration) -> f64 {
    (wait.as_secs_f64() / 36.0).round() / 100.0
}

fn answers(triaged: &[Triaged<'_>], helpdesk_url: &str) -> Answers {
    let of = |resolution| triaged.iter().filter(move |ticket| ticket.record.resolution == resolution);
    let examples = of(Resolution::Answered).take(MOST_EXAMPLES).map(|ticket| Answer {
        ticket: ticket.record.ticket.number(),
        link: words::ticket_link(helpdesk_url, ticket.record.ticket),
        subject: ticket.record.subject.as_ref().to_owned(),
        article: ticket.record.draft.as_ref().map(|draft| draft.article_title.to_string()).unwrap_or_default(),
    });
    Answers {
        sent: of(Resolution::Answered).count(),
        drafts: of(Resolution::AnswerReady).count(),
        examples: examples.collect(),
    }
}

fn cost(triaged: &[Triaged<'_>]) -> Cost {
    let mut usage = Usage::default();
    triaged.iter().for_each(|ticket| usage += ticket.record.usage);
    Cost {
        llm_calls: usage.llm_calls,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        usd: usage.cost_usd,
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;
    use jiff::Timestamp;

    use super::*;
    use crate::{
        backfill::past::Ended,
        input::{Labels, Row},
        stack::teams,
    };

    fn past(number: u64, day: i64, ended: Ended) -> Past {
        let sample = sample::ticket(number);
        let row = Row {
            line: number,
            id_text: sample.id.to_string(),
            id: sample.id,
            account: sample.account,
            requester: None,
            subject: sample.subject,
            description: sample.description,
            channel: sample.channel,
            timestamp: at(day),
            mrr: None,
            labels: Labels::default(),
        };
        Past { row, ended }
    }

    fn at(day: i64) -> Timestamp {
        sample::now() + SignedDuration::from_hours(24 * day)
    }

    fn history() -> History<'static> {
        History {
            source: "test".to_owned(),
            left_out: Vec::new(),
            teams: teams(),
            helpdesk_url: "https://acme.zendesk.com",
            currency: "$",
        }
    }

    #[test]
    fn only_what_agents_set_is_compared() {
        let ended = |priority, team: Option<&str>| Ended { priority, team: team.map(sample::team), first_reply: None };
        let pasts = [
            past(1, 0, ended(Some(Priority::P2), Some("nexus"))),
            past(2, 1, ended(Some(Priority::P3), None)),
            past(3, 2, ended(None, Some("cipher"))),
        ];
        let triaged: Vec<Triaged<'_>> = pasts
            .iter()
            .zip(1..)
            .map(|(past, number)| Triaged {
                past,
                record: Arc::new(sample::record(number, "Acme", at(0))),
                alerts: Vec::new(),
            })
            .collect();
        let backtest = backtest(history(), &triaged);
        let (priority, team) = (backtest.priority.unwrap(), backtest.team.unwrap());
        assert_eq!((priority.tickets, priority.agreed, team.tickets, team.agreed), (2, 1, 2, 1));
        assert_eq!(priority.confusion[3], [0, 0, 1, 0], "P3 for the agents, P2 for us");
        assert!(backtest.alerts.first_reply.is_none());
    }

    #[test]
    fn alerts_are_counted_by_week_way_and_account() {
        let ended = |hours| Ended { first_reply: Some(SignedDuration::from_hours(hours)), ..Ended::default() };
        let pasts = [past(1, 0, ended(2)), past(2, 1, ended(30)), past(3, 14, ended(40))];
        let triaged: Vec<Triaged<'_>> = pasts
            .iter()
            .zip(1..)
            .map(|(past, number)| {
                let (guardian, opportunity) = sample::alerts(number);
                let held = Alert { delivery: Delivery::Digested, ..opportunity };
                let filed = Alert { delivery: Delivery::Filed { file: "x".to_owned() }, ..guardian };
                let record = Arc::new(sample::record(number, "Acme", at(0)));
                let mut alerts = vec![filed, held];
                if number == 3 {
                    let signal = domain::Signal::Outage { what: None };
                    alerts.push(Alert { signal, delivery: Delivery::Digested, ..sample::alert(number) });
                }
                Triaged { past, record, alerts: alerts.into_iter().map(Arc::new).collect() }
            })
            .collect();
        let backtest = backtest(history(), &triaged);
        let weeks: Vec<usize> = backtest.weeks.iter().map(|week| week.guardian_alerts).collect();
        assert_eq!(weeks, [2, 0, 1], "the empty week is there");
        let alerts = &backtest.alerts;
        assert_eq!((alerts.guardian, alerts.opportunity, alerts.outage), (3, 3, 1));
        assert_eq!((alerts.at_once, alerts.in_digest, backtest.weeks[2].outage_alerts), (3, 4, 1));
        assert!((alerts.per_week - 7.0 / 3.0).abs() < 1e-9);
        assert_eq!((alerts.accounts.len(), alerts.accounts[0].guardian, alerts.accounts[0].outage), (1, 3, 1));
        let reply = alerts.first_reply.as_ref().unwrap();
        assert_eq!((reply.tickets, reply.over_a_day), (3, 2));
        assert!((reply.median_hours - 30.0).abs() < 1e-9);
        let quotes = |example: &Example| example.quotes.iter().any(|quote| quote.contains("other vendors"));
        assert_eq!(alerts.examples.iter().filter(|example| quotes(example)).count(), 4);
    }
}
