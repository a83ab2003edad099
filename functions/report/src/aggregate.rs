//! Sums over summaries: one pass, memory by accounts, days and tickets of high risk.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use domain::{
    AccountId, Intent, Language, Priority, Resolution, Standing, Summary, TeamId, Teams, TicketId, TopicId,
    guardian::HIGH, reading::Usage, record::utc_day,
};
use jiff::{Timestamp, civil::Date};

/// What a window of tickets adds up to.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Aggregates {
    pub tickets: usize,
    pub by_priority: BTreeMap<Priority, usize>,
    pub by_agent: BTreeMap<TeamId, usize>,
    pub by_topic: BTreeMap<TopicId, TopicRow>,
    pub by_language: BTreeMap<Language, usize>,
    pub by_intent: BTreeMap<Intent, usize>,
    pub by_day: BTreeMap<Date, DayRow>,
    pub high_risk: usize,
    pub opportunities: usize,
    /// Those that were resolved by it included.
    pub answered_automatically: usize,
    /// Answered automatically, and quiet since for 72 hours.
    pub auto_resolved: usize,
    pub answer_ready: usize,
    pub fallbacks: usize,
    pub usage: Usage,
    /// Milliseconds, all tickets together.
    pub duration_ms: u64,
    pub accounts: HashMap<AccountId, AccountRow>,
}

/// One topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicRow {
    pub topic: TopicId,
    pub tickets: usize,
    /// Tickets that an article may answer: P2 and P3 requests.
    pub questions: usize,
    /// Of those the ones for which there was one.
    pub with_article: usize,
}

/// One day of the trend.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct DayRow {
    pub tickets: usize,
    pub urgent: usize,
    pub high_risk: usize,
}

/// One account of the ranking.
#[derive(Clone, PartialEq, Debug)]
pub struct AccountRow {
    pub customer: Arc<str>,
    pub mrr: Option<f64>,
    /// In the window; what came before it counts for the risk only.
    pub tickets: usize,
    pub wants: Option<Intent>,
    /// The newest ticket, and when it was triaged.
    pub last: (TicketId, Timestamp),
    /// Tickets of high risk, oldest first.
    pub high_risks: Vec<Risk>,
    /// The highest score of each day with a ticket.
    pub risk_by_day: BTreeMap<Date, u8>,
}

/// The risk of one ticket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Risk {
    pub ticket: TicketId,
    pub at: Timestamp,
    /// 0 to 10.
    pub score: u8,
}

impl Aggregates {
    /// Counts a ticket as it stands at `now`.
    pub fn add(&mut self, summary: &Summary, now: Timestamp) {
        let urgent = usize::from(summary.priority <= Priority::P1);
        let high_risk = usize::from(summary.risk_score >= HIGH);
        self.tickets += 1;
        *self.by_priority.entry(summary.priority).or_default() += 1;
        *self.by_agent.entry(summary.agent.clone()).or_default() += 1;
        if let Some(topic) = &summary.topic {
            self.by_topic.entry(topic.clone()).or_insert_with(|| TopicRow::new(topic)).add(summary);
        }
        *self.by_language.entry(summary.language).or_default() += 1;
        if let Some(intent) = summary.intent {
            *self.by_intent.entry(intent).or_default() += 1;
            self.opportunities += 1;
        }
        let day = self.by_day.entry(utc_day(summary.triaged_at)).or_default();
        day.tickets += 1;
        day.urgent += urgent;
        day.high_risk += high_risk;
        self.high_risk += high_risk;
        match summary.standing(now) {
            Standing::AutoResolved => {
                self.answered_automatically += 1;
                self.auto_resolved += 1;
            }
            Standing::Answered => self.answered_automatically += 1,
            Standing::AnswerReady => self.answer_ready += 1,
            Standing::Routed => {}
        }
        self.fallbacks += usize::from(summary.fallback);
        self.usage += summary.usage;
        self.duration_ms += summary.duration_ms;

        let account = self.account(summary);
        account.tickets += 1;
        account.wants = summary.intent.or(account.wants);
    }

    /// Takes a ticket from before the window into account: it is not counted, and its risk may not be over.
    pub fn add_earlier(&mut self, summary: &Summary) {
        self.account(summary);
    }

    /// Accounts with a ticket in the window.
    #[must_use]
    pub fn active_accounts(&self) -> usize {
        self.accounts.values().filter(|account| account.tickets > 0).count()
    }

    fn account(&mut self, summary: &Summary) -> &mut AccountRow {
        let row = self.accounts.entry(summary.account.clone()).or_insert_with(|| AccountRow::new(summary));
        row.note(summary);
        row
    }

    /// Every team in the order of `agents.json`, also with no ticket; then those that only earlier tickets know.
    #[must_use]
    pub fn teams(&self, teams: &Teams) -> Vec<(TeamId, usize)> {
        let count = |team: &TeamId| self.by_agent.get(team).copied().unwrap_or(0);
        let former = self.by_agent.keys().filter(|team| teams.get(team).is_none());
        teams.ids().chain(former).map(|team| (team.clone(), count(team))).collect()
    }

    /// Topics with tickets, most tickets first.
    #[must_use]
    pub fn topics(&self) -> Vec<&TopicRow> {
        let mut topics: Vec<&TopicRow> = self.by_topic.values().collect();
        topics.sort_by_key(|topic| std::cmp::Reverse(topic.tickets));
        topics
    }

    /// Topics with questions for which there was no article, most such questions first: what a help centre lacks.
    #[must_use]
    pub fn topics_without_article(&self) -> Vec<&TopicRow> {
        let mut topics: Vec<&TopicRow> = self.by_topic.values().filter(|topic| topic.without_article() > 0).collect();
        topics.sort_by_key(|topic| std::cmp::Reverse((topic.without_article(), topic.tickets)));
        topics
    }

    /// Share of tickets that an automatic answer resolved, 0 to 1.
    #[must_use]
    pub fn auto_resolved_rate(&self) -> f64 {
        if self.tickets == 0 { 0.0 } else { self.auto_resolved as f64 / self.tickets as f64 }
    }

    /// Milliseconds a ticket.
    #[must_use]
    pub fn average_ms(&self) -> f64 {
        if self.tickets == 0 { 0.0 } else { self.duration_ms as f64 / self.tickets as f64 }
    }
}

impl TopicRow {
    fn new(topic: &TopicId) -> Self {
        Self { topic: topic.clone(), tickets: 0, questions: 0, with_article: 0 }
    }

    fn add(&mut self, summary: &Summary) {
        self.tickets += 1;
        if summary.answerable {
            self.questions += 1;
            self.with_article += usize::from(summary.resolution != Resolution::Routed);
        }
    }

    #[must_use]
    pub fn without_article(&self) -> usize {
        self.questions - self.with_article
    }
}

impl AccountRow {
    fn new(summary: &Summary) -> Self {
        Self {
            customer: summary.customer.clone(),
            mrr: summary.mrr,
            tickets: 0,
            wants: None,
            last: (summary.ticket, summary.triaged_at),
            high_risks: Vec::new(),
            risk_by_day: BTreeMap::new(),
        }
    }

    /// Summaries come oldest first.
    fn note(&mut self, summary: &Summary) {
        let Summary { ticket, triaged_at: at, risk_score: score, .. } = *summary;
        self.mrr = summary.mrr.or(self.mrr);
        self.last = (ticket, at);
        let highest = self.risk_by_day.entry(utc_day(at)).or_default();
        *highest = score.max(*highest);
        if score >= HIGH {
            self.high_risks.push(Risk { ticket, at, score });
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    #[test]
    fn an_answer_counts_as_resolved_once_quiet() {
        let record =
            domain::Record { resolution: domain::Resolution::Answered, ..sample::record(1, "Acme", sample::now()) };
        for (hours, counted) in [(0, (1, 0)), (71, (1, 0)), (72, (1, 1))] {
            let mut aggregates = Aggregates::default();
            aggregates.add(&record.summary(), sample::now() + jiff::SignedDuration::from_hours(hours));
            assert_eq!((aggregates.answered_automatically, aggregates.auto_resolved), counted, "{hours} h");
        }
    }

    #[test]
    fn topics_that_lack_an_article_are_told() {
        let mut aggregates = Aggregates::default();
        let tickets = [
            ("returns", true, Resolution::Routed),
            ("returns", true, Resolution::Routed),
            ("returns", true, Resolution::AnswerReady),
            ("exports", true, Resolution::Routed),
            ("payouts", true, Resolution::Answered),
            ("outage", false, Resolution::Routed),
            ("outage", false, Resolution::Routed),
            ("outage", false, Resolution::Routed),
            ("outage", false, Resolution::Routed),
        ];
        for (topic, answerable, resolution) in tickets {
            let summary = sample::record(1, "Acme", sample::now()).summary();
            let summary = Summary { topic: topic.parse().ok(), answerable, resolution, ..summary };
            aggregates.add(&summary, sample::now());
        }
        aggregates.add(&Summary { topic: None, ..sample::record(1, "Acme", sample::now()).summary() }, sample::now());
        let told = |rows: Vec<&TopicRow>| -> Vec<(String, usize, usize, usize)> {
            rows.iter().map(|row| (row.topic.to_string(), row.tickets, row.questions, row.without_article())).collect()
        };
        let row = |topic: &str, tickets, questions, without| (topic.to_owned(), tickets, questions, without);
        assert_eq!(told(aggregates.topics())[..2], [row("outage", 4, 0, 0), row("returns", 3, 3, 2)]);
        let without = told(aggregates.topics_without_article());
        assert_eq!(without, [row("returns", 3, 3, 2), row("exports", 1, 1, 1)]);
    }

    #[test]
    fn sums_by_ticket_and_account() {
        let mut aggregates = Aggregates::default();
        for (number, account, risk, mrr) in [
            (1, "Small", 9, 10.0),
            (2, "Large", 9, 900.0),
            (3, "Calm", 0, 5.0),
            (4, "Small", 2, 10.0),
            (5, "Mild", 4, 1.0),
        ] {
            let mut summary = sample::record(number, account, sample::now()).summary();
            (summary.risk_score, summary.mrr, summary.priority) = (risk, Some(mrr), Priority::P1);
            aggregates.add(&summary, sample::now());
        }
        assert_eq!((aggregates.tickets, aggregates.high_risk, aggregates.opportunities), (5, 2, 5));
        assert_eq!(aggregates.by_priority[&Priority::P1], 5);
        let small = &aggregates.accounts[&sample::account_id("Small")];
        assert_eq!((small.tickets, small.high_risks.len(), small.last.0.number()), (2, 1, 4));
        assert_eq!(small.risk_by_day.values().copied().collect::<Vec<u8>>(), [9]);
        let earlier = sample::record(6, "Before", sample::now()).summary();
        aggregates.add_earlier(&earlier);
        assert_eq!((aggregates.tickets, aggregates.active_accounts(), aggregates.accounts.len()), (5, 4, 5));
        assert!(Aggregates::default().average_ms().abs() < 1e-9);
    }
}
