//! Every ticket of the window by its labels: what the page searches where it does not hold the ticket itself.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use domain::{Intent, Language, Priority, Standing, Summary, TeamId, TicketId, guardian, shown};
use jiff::Timestamp;
use serde::Serialize;

/// Tickets that an index holds: the newest. One takes about 30 bytes of the page.
const MOST: usize = 10_000;

/// Customers that a list to choose from holds: with more, search finds them.
const MOST_NAMES: usize = 1_000;

/// As tickets come, oldest first.
#[derive(Default, Debug)]
pub(crate) struct Index {
    tickets: VecDeque<Entry>,
    /// Each name once, however many tickets it has.
    customers: HashMap<Arc<str>, usize>,
    teams: HashMap<TeamId, usize>,
    /// Tickets that were left out.
    older: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    ticket: TicketId,
    customer: usize,
    priority: Priority,
    team: usize,
    language: Language,
    risk: u8,
    wants: Option<Intent>,
    standing: Standing,
    at: Timestamp,
}

/// As one page may show it.
pub(crate) struct Shown {
    names: Vec<String>,
    json: String,
    whole: bool,
}

/// A ticket as `script.js` reads it.
///
/// Number, customer, priority, team, language, risk, wish, standing, minutes before now. Customer, team and words are
/// places in their lists.
#[derive(Serialize)]
struct Row(u64, usize, u8, usize, usize, u8, usize, usize, i64);

/// Each word once.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn place(&mut self, word: &str) -> usize {
        self.0.iter().position(|known| known == word).unwrap_or_else(|| {
            self.0.push(word.to_owned());
            self.0.len() - 1
        })
    }
}

#[derive(Serialize)]
struct Team<'a> {
    id: &'a TeamId,
    title: String,
}

#[derive(Serialize)]
struct Wire<'a> {
    tickets: Vec<Row>,
    customers: &'a [String],
    teams: Vec<Team<'a>>,
    words: Vec<String>,
    /// The score that is high.
    high: u8,
    now: i64,
    zone: &'a str,
    /// Where a ticket's number follows.
    link: &'a str,
    /// Whether no ticket of the window is left out.
    whole: bool,
}

/// Where and when an index is shown.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) zone: &'a str,
    pub(crate) link: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) sees_guardian: bool,
    pub(crate) sees_opportunity: bool,
}

impl Index {
    pub(crate) fn add(&mut self, summary: &Summary, now: Timestamp) {
        if self.tickets.len() == MOST {
            self.tickets.pop_front();
            self.older += 1;
        }
        let next = self.customers.len();
        let customer = *self.customers.entry(summary.customer.clone()).or_insert(next);
        let next = self.teams.len();
        let team = *self.teams.entry(summary.agent.clone()).or_insert(next);
        self.tickets.push_back(Entry {
            ticket: summary.ticket,
            customer,
            priority: summary.priority,
            team,
            language: summary.language,
            risk: summary.risk_score,
            wants: summary.intent,
            standing: summary.standing(now),
            at: summary.triaged_at,
        });
    }

    /// Newest first.
    pub(crate) fn shown(&self, place: Place<'_>) -> Shown {
        let mut customers: Vec<(&Arc<str>, usize)> =
            self.customers.iter().map(|(name, number)| (name, *number)).collect();
        customers.sort_by_key(|(_, number)| *number);
        let mut names: Vec<String> = customers.into_iter().map(|(name, _)| shown::line(name)).collect();
        let mut teams: Vec<(&TeamId, usize)> = self.teams.iter().map(|(team, number)| (team, *number)).collect();
        teams.sort_by_key(|(_, number)| *number);
        let mut words = Words::default();
        let row = |entry: &Entry| {
            let wish = if place.sees_opportunity { entry.wants.map_or("", Intent::title) } else { "" };
            Row(
                entry.ticket.number(),
                entry.customer,
                entry.priority as u8,
                entry.team,
                words.place(&entry.language.to_string()),
                if place.sees_guardian { entry.risk } else { 0 },
                words.place(wish),
                words.place(&entry.standing.to_string()),
                place.now.duration_since(entry.at).as_mins(),
            )
        };
        let tickets = self.tickets.iter().rev().map(row).collect();
        let wire = Wire {
            tickets,
            words: words.0,
            customers: &names,
            teams: teams.into_iter().map(|(id, _)| Team { id, title: id.title() }).collect(),
            high: guardian::HIGH,
            now: place.now.as_second(),
            zone: place.zone,
            link: place.link,
            whole: self.older == 0,
        };
        // Nothing in it may end the element it stands in.
        let json = serde_json::to_string(&wire).expect("plain values serialise").replace('<', "\\u003c");
        names.sort_unstable();
        names.dedup();
        if names.len() > MOST_NAMES {
            names.clear();
        }
        Shown { names, json, whole: self.older == 0 }
    }
}

impl Shown {
    /// Of all customers, in order; of none where they are too many for a list.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// For a script element.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// Whether no ticket of the window is left out.
    pub(crate) fn whole(&self) -> bool {
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    fn shown(index: &Index, sees: bool) -> serde_json::Value {
        let place = Place {
            zone: "UTC",
            link: "https://acme.zendesk.com/agent/tickets/",
            now: sample::now(),
            sees_guardian: sees,
            sees_opportunity: sees,
        };
        let shown = index.shown(place);
        assert!(!shown.json().contains('<'));
        serde_json::from_str(shown.json()).unwrap()
    }

    #[test]
    fn a_page_knows_no_more_than_its_readers() {
        let mut index = Index::default();
        for number in [1, 2] {
            index.add(&sample::record(number, "</script>", sample::now()).summary(), sample::now());
        }
        let all = shown(&index, true);
        assert_eq!((&all["tickets"][0][0], &all["customers"]), (&2.into(), &serde_json::json!(["</script>"])));
        let wish = |of: &serde_json::Value| {
            of["words"][usize::try_from(of["tickets"][0][6].as_u64().unwrap()).unwrap()].as_str().unwrap().to_owned()
        };
        assert_eq!((&all["tickets"][0][5], wish(&all).as_str()), (&7.into(), "expansion"));
        let support = shown(&index, false);
        assert_eq!((&support["tickets"][0][5], wish(&support).as_str()), (&0.into(), ""));
    }

    #[test]
    fn only_the_newest_are_indexed() {
        let mut index = Index::default();
        let summary = sample::record(1, "Acme", sample::now()).summary();
        for number in 1..=10_003 {
            index.add(&Summary { ticket: sample::ticket_id(number), ..summary.clone() }, sample::now());
        }
        let shown = shown(&index, true);
        let tickets = shown["tickets"].as_array().unwrap();
        assert_eq!((tickets.len(), &tickets[9_999][0], &shown["whole"]), (10_000, &4.into(), &false.into()));
    }
}
