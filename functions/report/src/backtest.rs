//! The page “what would have happened”: a team's own history, triaged, beside what its agents made of it.
//!
//! Whoever ran the history counts; here is what is counted, and how it is shown. As JSON it is a format that others read.

use std::collections::BTreeMap;

use askama::Template;
use jiff::{ToSpan, civil::Date};
use runtime::words;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    chart::{Bars, Columns, Count, Every},
    page::STYLE,
};

/// The page and its figures.
pub const BACKTEST: &str = "backtest.html";
pub const BACKTEST_FIGURES: &str = "backtest.json";
/// Examples and accounts shown; the figures count all.
pub const MOST_EXAMPLES: usize = 60;
pub const MOST_ACCOUNTS: usize = 20;

/// What a history came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Backtest {
    pub v: u8,
    /// Where the tickets are from, in words.
    pub source: String,
    /// What stands before an amount on the page; the figures have none.
    #[serde(skip)]
    pub currency: String,
    pub first: Date,
    pub last: Date,
    /// Tickets that were triaged.
    pub tickets: usize,
    pub left_out: Vec<LeftOut>,
    pub weeks: Vec<Week>,
    /// None where agents set nothing to compare with.
    pub priority: Option<Agreement>,
    pub team: Option<Agreement>,
    pub alerts: Alerts,
    pub answers: Answers,
    pub cost: Cost,
}

/// Lines of the history that were not triaged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LeftOut {
    pub why: String,
    pub tickets: usize,
}

/// Seven days from a Monday, in UTC.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Week {
    pub monday: Date,
    pub tickets: usize,
    pub urgent: usize,
    pub high_risk: usize,
    pub guardian_alerts: usize,
    pub opportunity_alerts: usize,
    pub outage_alerts: usize,
}

/// Ours against what agents left on the ticket, over the tickets where they set something.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Agreement {
    pub tickets: usize,
    pub agreed: usize,
    /// Cohen's: 1 for agreement, 0 for chance. Quadratic weights where the classes are in order.
    pub kappa: f64,
    pub weighted: bool,
    pub classes: Vec<String>,
    /// A row for each class of the agents, in it a count for each class of ours.
    pub confusion: Vec<Vec<usize>>,
}

/// The alerts that would have gone out.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Alerts {
    pub guardian: usize,
    pub opportunity: usize,
    pub outage: usize,
    /// Of all, mailed at once.
    pub at_once: usize,
    /// Of all, held for the digest by cooldown or cap.
    pub in_digest: usize,
    pub per_week: f64,
    pub accounts: Vec<AlertedAccount>,
    pub examples: Vec<Example>,
    /// How long the customers of these tickets waited for an agent; none where no reply is known.
    pub first_reply: Option<FirstReply>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AlertedAccount {
    pub customer: String,
    /// US dollars a month.
    pub mrr: Option<f64>,
    pub guardian: usize,
    pub opportunity: usize,
    pub outage: usize,
    /// 0 to 10.
    pub strongest: u8,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Example {
    pub ticket: u64,
    pub link: String,
    pub customer: String,
    pub subject: String,
    pub created: String,
    /// `guardian`, `opportunity` or `outage`.
    pub kind: &'static str,
    /// 0 to 10.
    pub strength: u8,
    pub mrr: Option<f64>,
    pub quotes: Vec<String>,
    /// Hours until an agent first answered in public.
    pub first_reply_hours: Option<f64>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FirstReply {
    pub tickets: usize,
    pub median_hours: f64,
    /// Tickets that waited for more than a day.
    pub over_a_day: usize,
}

/// Replies that knowledge-base articles would have given.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Answers {
    /// In public, without anybody's look.
    pub sent: usize,
    /// As drafts beside the ticket.
    pub drafts: usize,
    pub examples: Vec<Answer>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer {
    pub ticket: u64,
    pub link: String,
    pub subject: String,
    pub article: String,
}

/// What the language model cost; nothing where it was not asked.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
pub struct Cost {
    pub llm_calls: u32,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub usd: f64,
}

#[derive(Template)]
#[template(path = "backtest.html")]
struct Page<'a> {
    style: &'static str,
    /// The page runs no script; the hash of nothing keeps any that gets in from running.
    script_hash: String,
    is: &'a Backtest,
    tiles: Vec<(String, &'static str, String)>,
    weeks: String,
    by_kind: String,
    tables: Vec<Table<'a>>,
}

/// An agreement as a table.
struct Table<'a> {
    title: &'static str,
    agreement: &'a Agreement,
    verdict: String,
}

impl Alerts {
    fn count(&self) -> usize {
        self.guardian + self.opportunity + self.outage
    }
}

impl Backtest {
    /// The page as one self-contained file.
    #[must_use]
    pub fn page(&self) -> String {
        let weeks = weeks(&self.weeks);
        let chart = |chart: &dyn askama::DynTemplate| chart.dyn_render().expect("writing to a string does not fail");
        let kinds = vec![
            ("Churn".to_owned(), "risk", self.alerts.guardian),
            ("Buying".to_owned(), "team", self.alerts.opportunity),
            ("Outage".to_owned(), "p0", self.alerts.outage),
            ("At once".to_owned(), "p2", self.alerts.at_once),
            ("In digest".to_owned(), "p3", self.alerts.in_digest),
        ];
        let tables = [("Priority", &self.priority), ("Team", &self.team)];
        let page = Page {
            style: STYLE,
            script_hash: base64::Engine::encode(&base64::prelude::BASE64_STANDARD, Sha256::digest("")),
            is: self,
            tiles: self.tiles(),
            weeks: chart(&Columns::new(Every::Week, "at high risk", &weeks)),
            by_kind: chart(&Bars::new("Alerts by kind and way", kinds)),
            tables: tables.into_iter().filter_map(|(title, table)| Table::new(title, table.as_ref()?)).collect(),
        };
        page.render().expect("writing to a string does not fail")
    }

    fn tiles(&self) -> Vec<(String, &'static str, String)> {
        let share = |agreement: &Option<Agreement>| match agreement {
            Some(agreement) => (percent(agreement.agreed, agreement.tickets), of(agreement.tickets)),
            None => ("–".to_owned(), "agents set none".to_owned()),
        };
        let (priority, priority_note) = share(&self.priority);
        let (team, team_note) = share(&self.team);
        let alerts = self.alerts.count();
        let cost = if self.cost.llm_calls == 0 {
            ("$0".to_owned(), "no model was asked".to_owned())
        } else {
            (format!("${:.2}", self.cost.usd), format!("{} model calls", words::count(self.cost.llm_calls as usize)))
        };
        vec![
            (words::count(self.tickets), "tickets", format!("{} weeks", self.weeks.len())),
            (priority, "same priority", priority_note),
            (team, "same team", team_note),
            (words::count(alerts), "alerts", format!("{:.1} a week", self.alerts.per_week)),
            (words::count(self.answers.sent), "auto-answered", percent(self.answers.sent, self.tickets)),
            (words::count(self.answers.drafts), "answers ready", percent(self.answers.drafts, self.tickets)),
            (cost.0, "cost", cost.1),
        ]
    }
}

/// The weeks with the empty ones between them.
fn weeks(known: &[Week]) -> Vec<Count> {
    let by_monday: BTreeMap<Date, &Week> = known.iter().map(|week| (week.monday, week)).collect();
    let (Some(first), Some(last)) = (by_monday.keys().next(), by_monday.keys().next_back()) else { return Vec::new() };
    let mondays = first.series(7.days()).take_while(|monday| monday <= last);
    let count = |monday| {
        let week = by_monday.get(&monday);
        let (tickets, front) = week.map_or((0, 0), |week| (week.tickets, week.high_risk));
        Count { day: monday, tickets, front }
    };
    mondays.map(count).collect()
}

impl<'a> Table<'a> {
    fn new(title: &'static str, agreement: &'a Agreement) -> Option<Self> {
        let verdict = format!(
            "The same on {} of {} tickets ({}); {} {:.2}",
            words::count(agreement.agreed),
            words::count(agreement.tickets),
            percent(agreement.agreed, agreement.tickets),
            if agreement.weighted { "weighted kappa" } else { "kappa" },
            agreement.kappa
        );
        (agreement.tickets > 0).then_some(Self { title, agreement, verdict })
    }

    /// Class of the agents, with the counts of ours and whether each is agreement.
    fn rows(&self) -> Vec<(&'a str, Vec<(usize, bool)>)> {
        let cells = |(row, counts): (usize, &Vec<usize>)| {
            counts.iter().enumerate().map(|(column, count)| (*count, row == column)).collect()
        };
        let rows = self.agreement.confusion.iter().enumerate().map(cells);
        self.agreement.classes.iter().map(String::as_str).zip(rows).collect()
    }
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { String::new() } else { format!("{:.0} %", 100.0 * part as f64 / whole as f64) }
}

fn of(tickets: usize) -> String {
    format!("of {} that agents set", words::count(tickets))
}

#[expect(unreachable_pub, reason = "askama's macro makes the filters public")]
mod filters {
    use askama::{Values, filter_fn};

    #[filter_fn]
    pub(super) fn count(number: &usize, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::count(*number))
    }

    /// An outsider's words.
    #[filter_fn]
    pub(super) fn line(text: &str, _: &dyn Values) -> askama::Result<String> {
        Ok(domain::shown::line(text))
    }

    #[filter_fn]
    pub(super) fn hours(hours: &f64, _: &dyn Values) -> askama::Result<String> {
        Ok(if *hours < 1.0 { format!("{:.0} minutes", hours * 60.0) } else { format!("{hours:.1} hours") })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn backtest() -> Backtest {
        let agreement = Agreement {
            tickets: 10,
            agreed: 7,
            kappa: 0.61,
            weighted: true,
            classes: ["P0", "P1", "P2", "P3"].map(str::to_owned).to_vec(),
            confusion: vec![vec![1, 1, 0, 0], vec![0, 2, 1, 0], vec![0, 0, 3, 0], vec![0, 0, 1, 1]],
        };
        Backtest {
            v: 1,
            source: "export.jsonl".to_owned(),
            currency: "€".to_owned(),
            first: date(2026, 9, 1),
            last: date(2026, 9, 12),
            tickets: 12,
            left_out: vec![LeftOut { why: "deleted".to_owned(), tickets: 2 }],
            weeks: vec![Week {
                monday: date(2026, 8, 31),
                tickets: 12,
                urgent: 3,
                high_risk: 1,
                guardian_alerts: 1,
                opportunity_alerts: 0,
                outage_alerts: 1,
            }],
            priority: Some(agreement),
            team: None,
            alerts: Alerts {
                guardian: 1,
                outage: 1,
                at_once: 2,
                per_week: 2.0,
                accounts: vec![AlertedAccount {
                    customer: "<b>Acme</b>".to_owned(),
                    mrr: Some(900.0),
                    guardian: 1,
                    opportunity: 0,
                    outage: 1,
                    strongest: 10,
                }],
                examples: vec![Example {
                    ticket: 7,
                    link: "https://acme.zendesk.com/agent/tickets/7".to_owned(),
                    customer: "<b>Acme</b>".to_owned(),
                    subject: "<script>alert(1)</script>".to_owned(),
                    created: "2026-09-01 08:00 UTC".to_owned(),
                    kind: "guardian",
                    strength: 8,
                    mrr: Some(900.0),
                    quotes: vec!["We are looking at other vendors.".to_owned()],
                    first_reply_hours: Some(26.5),
                }],
                first_reply: Some(FirstReply { tickets: 1, median_hours: 26.5, over_a_day: 1 }),
                ..Alerts::default()
            },
            answers: Answers::default(),
            cost: Cost::default(),
        }
    }

    #[test]
    fn the_page_says_what_would_have_happened() {
        let page = backtest().page();
        for words in [
            "7 of 10 tickets (70 %); weighted kappa 0.61",
            "26.5 hours",
            "other vendors",
            "agents set none",
            "1 churn, 0 buying, 1 outage",
        ] {
            assert!(page.contains(words), "{words}");
        }
        assert!(page.contains("deleted"), "what was left out is told");
    }

    #[test]
    fn what_a_customer_wrote_stays_text() {
        let page = backtest().page();
        assert!(!page.contains("<script>") && !page.contains("<b>Acme"), "{page}");
    }

    #[test]
    fn a_history_without_tickets_has_a_page() {
        let empty = Backtest {
            tickets: 0,
            weeks: Vec::new(),
            priority: None,
            alerts: Alerts::default(),
            left_out: Vec::new(),
            ..backtest()
        };
        assert!(!empty.page().contains("NaN"));
    }

    #[test]
    fn the_figures() {
        insta::assert_json_snapshot!(backtest());
    }
}
