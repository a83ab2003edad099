//! Sums over summaries: one pass, memory by accounts and days.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use domain::{
    AccountId, Intent, Language, Priority, Resolution, Standing, Summary, TeamId, Teams, TopicId, guardian::HIGH,
    reading::Usage, record::utc_day,
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
    pub tickets: usize,
    /// P0 and P1.
    pub urgent: usize,
    /// The highest of its tickets, 0 to 10.
    pub risk_score: u8,
    pub wants: Option<Intent>,
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

        if !self.accounts.contains_key(&summary.account) {
            self.accounts.insert(summary.account.clone(), AccountRow::new(summary));
        }
        if let Some(account) = self.accounts.get_mut(&summary.account) {
            account.tickets += 1;
            account.urgent += urgent;
            account.risk_score = account.risk_score.max(summary.risk_score);
            account.mrr = summary.mrr.or(account.mrr);
            account.wants = summary.intent.or(account.wants);
        }
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

    /// Accounts by risk, then by MRR, at most `limit`; those without any risk are left out.
    #[must_use]
    pub fn at_risk(&self, limit: usize) -> Vec<&AccountRow> {
        let mut accounts: Vec<&AccountRow> = self.accounts.values().filter(|account| account.risk_score > 0).collect();
        accounts.sort_by(|a, b| {
            b.risk_score
                .cmp(&a.risk_score)
                .then_with(|| b.mrr.unwrap_or(0.0).total_cmp(&a.mrr.unwrap_or(0.0)))
                .then_with(|| a.customer.cmp(&b.customer))
        });
        accounts.truncate(limit);
        accounts
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
        Self { customer: summary.customer.clone(), mrr: summary.mrr, tickets: 0, urgent: 0, risk_score: 0, wants: None }
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
    fn sums_and_ranking() {
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
        let ranked: Vec<&str> = aggregates.at_risk(10).iter().map(|account| &*account.customer).collect();
        assert_eq!(ranked, ["Large", "Small", "Mild"]);
        assert_eq!(aggregates.at_risk(1).len(), 1);
        assert_eq!((aggregates.tickets, aggregates.high_risk, aggregates.opportunities), (5, 2, 5));
        assert_eq!(aggregates.by_priority[&Priority::P1], 5);
        let small = &aggregates.accounts[&sample::account_id("Small")];
        assert_eq!((small.tickets, small.risk_score, small.urgent), (2, 9, 2));
        assert!(Aggregates::default().average_ms().abs() < 1e-9);
    }
}
