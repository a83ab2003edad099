//! Sums over summaries: one pass, memory by accounts, days and tickets of high risk.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use domain::{
    AccountId, Intent, Language, Priority, Resolution, Standing, Summary, TeamId, Teams, TicketId, TopicId,
    guardian::HIGH, reading::Usage, record::utc_day,
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::labels::{Changed, Labels};

/// What a window of tickets adds up to.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Aggregates {
    /// That days and hours are told in. None: UTC.
    pub zone: Option<TimeZone>,
    pub tickets: usize,
    pub by_priority: BTreeMap<Priority, usize>,
    pub by_agent: BTreeMap<TeamId, usize>,
    pub by_topic: BTreeMap<TopicId, TopicRow>,
    pub by_language: BTreeMap<Language, usize>,
    pub by_intent: BTreeMap<Intent, usize>,
    /// Days before the window too.
    pub by_day: BTreeMap<Date, DayRow>,
    /// The last seven days, and the seven before.
    pub weeks: [Week; 2],
    /// Tickets of the last seven days by the hour of the day, two hours each.
    pub load: BTreeMap<TeamId, [usize; 12]>,
    pub labels: Labels,
    slots: HashMap<(TeamId, i64), Slot>,
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

/// Seven days.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Week {
    pub tickets: usize,
    pub urgent: usize,
    /// Answered automatically; of those the ones that were quiet for 72 hours since.
    pub answered: usize,
    pub held: usize,
    /// Tickets whose customer wrote again after an automatic answer.
    pub wrote_again: usize,
    pub usage: Usage,
}

/// What one team got in two hours.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Slot {
    tickets: usize,
    accounts: HashSet<AccountId>,
}

/// Far more tickets for one team in two hours than it is used to.
#[derive(Clone, PartialEq, Debug)]
pub struct Burst {
    pub team: TeamId,
    pub from: Timestamp,
    pub tickets: usize,
    pub accounts: usize,
    /// Tickets of that team in two hours, on average of the window.
    pub usual: f64,
}

/// A risk of before this says nothing any more.
const RISK_AGE: SignedDuration = SignedDuration::from_hours(24 * crate::RISK_DAYS as i64);
pub(crate) const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Seconds of a slot.
const SLOT: i64 = 2 * 3_600;
/// Fewer tickets than this are no burst, however quiet the team is.
const BURST_TICKETS: usize = 10;
/// So many times what is usual. Working hours alone bring three times the average of day and night.
const BURST_TIMES: f64 = 6.0;
/// A burst that began before this is over or known.
const BURST_AGE: SignedDuration = SignedDuration::from_hours(48);

/// One account of the ranking.
#[derive(Clone, PartialEq, Debug)]
pub struct AccountRow {
    pub customer: Arc<str>,
    pub mrr: Option<f64>,
    /// In the window; what came before it counts for the risk only.
    pub tickets: usize,
    pub wants: Option<Intent>,
    /// When it asked to buy, oldest first.
    pub wishes: Vec<Timestamp>,
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
    /// Nothing yet, with days and hours of that zone.
    #[must_use]
    pub fn in_zone(zone: TimeZone) -> Self {
        Self { zone: Some(zone), ..Self::default() }
    }

    /// Counts a ticket as it stands at `now`.
    pub fn add(&mut self, summary: &Summary, now: Timestamp) {
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
        self.high_risk += high_risk;
        self.note_time(summary, now);
        let slot = summary.triaged_at.as_second().div_euclid(SLOT);
        let slot = self.slots.entry((summary.agent.clone(), slot)).or_default();
        slot.tickets += 1;
        slot.accounts.insert(summary.account.clone());
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
    pub fn add_earlier(&mut self, summary: &Summary, now: Timestamp) {
        self.note_time(summary, now);
        if now.duration_since(summary.triaged_at) < RISK_AGE {
            self.account(summary);
        }
    }

    /// Counts how often its labels were left as they were.
    pub(crate) fn add_labels(&mut self, summary: &Summary, changed: Changed) {
        self.labels.add(summary, changed);
    }

    fn note_time(&mut self, summary: &Summary, now: Timestamp) {
        let urgent = usize::from(summary.priority <= Priority::P1);
        let local = self.zone.as_ref().unwrap_or(&TimeZone::UTC).to_datetime(summary.triaged_at);
        let day = self.by_day.entry(local.date()).or_default();
        day.tickets += 1;
        day.urgent += urgent;
        day.high_risk += usize::from(summary.risk_score >= HIGH);
        let age = now.duration_since(summary.triaged_at);
        let [this, before] = &mut self.weeks;
        let week = if age < WEEK {
            this
        } else if age < WEEK * 2 {
            before
        } else {
            return;
        };
        week.tickets += 1;
        week.urgent += urgent;
        week.wrote_again += usize::from(summary.wrote_again);
        week.usage += summary.usage;
        match summary.standing(now) {
            Standing::AutoResolved => {
                week.answered += 1;
                week.held += 1;
            }
            Standing::Answered => week.answered += 1,
            Standing::AnswerReady | Standing::Routed => {}
        }
        if age < WEEK {
            let hours = self.load.entry(summary.agent.clone()).or_default();
            if let Some(two_hours) = hours.get_mut(usize::try_from(local.hour() / 2).unwrap_or(0)) {
                *two_hours += 1;
            }
        }
    }

    /// Teams with far more tickets than usual, in the last two days, newest first.
    #[must_use]
    pub fn bursts(&self, now: Timestamp) -> Vec<Burst> {
        let Some((first, last)) =
            self.slots.keys().map(|(_, slot)| (*slot, *slot)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        else {
            return Vec::new();
        };
        let slots = (last - first + 1) as f64;
        let mut bursts: Vec<Burst> = self
            .slots
            .iter()
            .filter_map(|((team, number), slot)| {
                let from = Timestamp::from_second(number * SLOT).ok()?;
                let usual = self.by_agent.get(team).copied().unwrap_or(0) as f64 / slots;
                let is = slot.tickets >= BURST_TICKETS
                    && slot.tickets as f64 >= BURST_TIMES * usual.max(1.0)
                    && now.duration_since(from) < BURST_AGE;
                let accounts = slot.accounts.len();
                is.then(|| Burst { team: team.clone(), from, tickets: slot.tickets, accounts, usual })
            })
            .collect();
        bursts.sort_by(|a, b| (b.from, b.tickets, &a.team).cmp(&(a.from, a.tickets, &b.team)));
        bursts
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
            wishes: Vec::new(),
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
        if summary.intent.is_some() {
            self.wishes.push(at);
        }
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
    fn days_and_hours_are_those_of_the_zone() {
        let mut aggregates = Aggregates::in_zone(TimeZone::get("Asia/Tokyo").unwrap());
        let late = sample::now() + SignedDuration::from_hours(8);
        aggregates.add(&sample::record(1, "Acme", late).summary(), late);
        let tomorrow = utc_day(late).tomorrow().unwrap();
        assert_eq!(aggregates.by_day.keys().copied().collect::<Vec<_>>(), [tomorrow], "17:00 UTC is 02:00 in Tokyo");
        assert_eq!(aggregates.load[&sample::team("nexus")][1], 1);
    }

    #[test]
    fn a_burst_stands_out_from_what_is_usual() {
        for (in_two_hours, told) in [(9, None), (40, Some((40, 8)))] {
            let mut aggregates = Aggregates::default();
            let add = |aggregates: &mut Aggregates, number: u64, minutes_ago: i64| {
                let at = sample::now() - SignedDuration::from_mins(minutes_ago);
                aggregates
                    .add(&sample::record(number, &format!("Account {}", number % 8), at).summary(), sample::now());
            };
            (0..60).for_each(|number| add(&mut aggregates, 1 + number, 600 + 720 * number.cast_signed()));
            (0..in_two_hours).for_each(|number| add(&mut aggregates, 100 + number, 61));
            let bursts = aggregates.bursts(sample::now());
            assert_eq!(bursts.first().map(|burst| (burst.tickets, burst.accounts)), told, "{bursts:?}");
            assert!(aggregates.bursts(sample::now() + SignedDuration::from_hours(50)).is_empty());
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
        aggregates.add_earlier(&earlier, sample::now());
        assert_eq!((aggregates.tickets, aggregates.active_accounts(), aggregates.accounts.len()), (5, 4, 5));
        assert!(Aggregates::default().average_ms().abs() < 1e-9);
    }
}
