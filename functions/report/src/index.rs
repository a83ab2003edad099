//! Every ticket of the window by its labels: what the page searches where it does not hold the ticket itself.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use domain::{Alert, Intent, Kind, Language, Priority, Standing, Summary, TeamId, TicketId, TopicId, guardian, shown};
use jiff::Timestamp;
use serde::Serialize;

use crate::alerts::owner;

/// Tickets that an index holds: the newest. One takes about 30 bytes of the page, which is why it has no subject.
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
    topics: BTreeSet<TopicId>,
    kinds: BTreeSet<Kind>,
    /// Tickets that were left out.
    older: usize,
}

#[derive(Clone, Debug)]
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
    kind: Kind,
    topic: Option<TopicId>,
    unsure: bool,
    answerable: bool,
}

/// As one page may show it.
pub(crate) struct Shown {
    names: Vec<String>,
    json: String,
    held: usize,
    older: usize,
}

/// A ticket as `script.js` reads it: number, customer, priority, team, risk, labels, minutes before now. Customer, team and
/// labels are places in their lists.
#[derive(Serialize)]
struct Row(u64, usize, u8, usize, u8, usize, i64);

/// What many tickets have in common: language, wish, standing, kind and topic, places in the list of words; and whether they
/// are unsure (1) and questions that an article may answer (2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
struct Labels(usize, usize, usize, usize, usize, u8);

/// An alert as `script.js` reads it: customer, owner and stage, places in their lists.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Told(usize, usize, usize);

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
    labels: Vec<Labels>,
    customers: &'a [String],
    teams: Vec<Team<'a>>,
    words: Vec<String>,
    /// Each once, also of alerts that the page does not hold.
    alerts: BTreeSet<Told>,
    /// The score that is high.
    high: u8,
    now: i64,
    zone: &'a str,
    currency: &'a str,
    /// Where a ticket's number follows.
    link: &'a str,
    /// Whether no ticket of the window is left out.
    whole: bool,
}

/// Where and when an index is shown.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) zone: &'a str,
    pub(crate) currency: &'a str,
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
        self.kinds.insert(summary.kind);
        if let Some(topic) = &summary.topic
            && !self.topics.contains(topic)
        {
            self.topics.insert(topic.clone());
        }
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
            kind: summary.kind,
            topic: summary.topic.clone(),
            unsure: summary.unsure,
            answerable: summary.answerable,
        });
    }

    /// The topics of its tickets.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &TopicId> {
        self.topics.iter()
    }

    /// The kinds of its tickets.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.kinds.iter().copied()
    }

    /// Newest first. `alerts` are those that its readers may know of.
    pub(crate) fn shown<'a>(&self, place: Place<'_>, alerts: impl Iterator<Item = &'a Alert>) -> Shown {
        let mut customers: Vec<(&Arc<str>, usize)> =
            self.customers.iter().map(|(name, number)| (name, *number)).collect();
        customers.sort_by_key(|(_, number)| *number);
        let mut names: Vec<String> = customers.into_iter().map(|(name, _)| shown::line(name)).collect();
        let mut teams: Vec<(&TeamId, usize)> = self.teams.iter().map(|(team, number)| (team, *number)).collect();
        teams.sort_by_key(|(_, number)| *number);
        let mut words = Words::default();
        let (mut labels, mut places) = (Vec::new(), HashMap::new());
        let row = |entry: &Entry| {
            let wish = if place.sees_opportunity { entry.wants.map_or("", Intent::title) } else { "" };
            let topic = entry.topic.as_ref().map(ToString::to_string).unwrap_or_default();
            let own = Labels(
                words.place(&entry.language.to_string()),
                words.place(wish),
                words.place(&entry.standing.to_string()),
                words.place(&entry.kind.to_string()),
                words.place(&topic),
                u8::from(entry.unsure) | u8::from(entry.answerable) << 1,
            );
            let labels = *places.entry(own).or_insert_with(|| {
                labels.push(own);
                labels.len() - 1
            });
            let risk = if place.sees_guardian { entry.risk } else { 0 };
            let before = place.now.duration_since(entry.at).as_mins();
            Row(entry.ticket.number(), entry.customer, entry.priority as u8, entry.team, risk, labels, before)
        };
        let tickets = self.tickets.iter().rev().map(row).collect();
        let told = |alert: &Alert| {
            let customer = *self.customers.get(&alert.customer)?;
            Some(Told(customer, words.place(&owner(alert)), words.place(alert.follow_up.stage.word())))
        };
        let alerts = alerts.filter_map(told).collect();
        let wire = Wire {
            tickets,
            labels,
            words: words.0,
            alerts,
            customers: &names,
            teams: teams.into_iter().map(|(id, _)| Team { id, title: id.title() }).collect(),
            high: guardian::HIGH,
            now: place.now.as_second(),
            zone: place.zone,
            currency: place.currency,
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
        Shown { names, json, held: self.tickets.len(), older: self.older }
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
        self.older == 0
    }

    /// Tickets that the page knows by their labels.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Tickets of the window that were left out.
    pub(crate) fn older(&self) -> usize {
        self.older
    }
}

#[cfg(test)]
mod tests {
    use domain::{Record, sample};

    use super::*;

    fn shown(index: &Index, sees: bool) -> serde_json::Value {
        let place = Place {
            zone: "UTC",
            currency: "$",
            link: "https://acme.zendesk.com/agent/tickets/",
            now: sample::now(),
            sees_guardian: sees,
            sees_opportunity: sees,
        };
        let alerts = [sample::alert(1), sample::alert(2)];
        let shown = index.shown(place, alerts.iter().filter(|_| sees));
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
        let place = |of: &serde_json::Value| usize::try_from(of.as_u64().unwrap()).unwrap();
        let wish = |of: &serde_json::Value| {
            of["words"][place(&of["labels"][place(&of["tickets"][0][5])][1])].as_str().unwrap().to_owned()
        };
        assert_eq!((&all["tickets"][0][4], wish(&all).as_str()), (&7.into(), "expansion"));
        let support = shown(&index, false);
        assert_eq!((&support["tickets"][0][4], wish(&support).as_str()), (&0.into(), ""));
    }

    #[test]
    fn alerts_are_known_by_owner_and_stage() {
        let mut index = Index::default();
        let record = sample::record(1, &sample::alert(1).customer, sample::now());
        index.add(
            &Record { kind: Kind::SecurityReport, unsure: true, answerable: true, ..record }.summary(),
            sample::now(),
        );
        let known = shown(&index, true);
        let words = |place: &serde_json::Value| &known["words"][usize::try_from(place.as_u64().unwrap()).unwrap()];
        let [told] = &known["alerts"].as_array().unwrap()[..] else { panic!("each once: {}", known["alerts"]) };
        assert_eq!((words(&told[1]), words(&told[2])), (&"kam@example.com".into(), &"new".into()));
        let labels = &known["labels"][0];
        assert_eq!((words(&labels[3]), &labels[5]), (&"security_report".into(), &3.into()));
        assert_eq!(shown(&index, false)["alerts"], serde_json::json!([]));
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
