//! Tickets read as they are and under changes, and the labels that flip.

use domain::Record;
use training::parallel;

use super::change::{Change, Text};
use crate::{
    eval::label::{Label, labels},
    input::Row,
    stack::teams,
};

/// The labels of a reading, each as a place among its values.
type Found = Vec<usize>;

/// How tickets fared under one change.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    pub(super) change: Change,
    /// Tickets it applies to.
    pub(super) tickets: usize,
    pub(super) flipped: Vec<Flipped<'a>>,
}

/// A ticket of which a label is another after the change.
#[derive(Debug)]
pub(super) struct Flipped<'a> {
    pub(super) row: &'a Row,
    /// One for each of [`compared`]; none where the label is the same, or may be another.
    pub(super) flips: Vec<Option<Flip>>,
}

/// Values of a label, as places among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flip {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Outcome<'_> {
    /// Tickets of which the label at that place among [`compared`] flips.
    pub(super) fn flips(&self, label: usize) -> impl Iterator<Item = &Flipped<'_>> {
        self.flipped.iter().filter(move |flipped| flipped.flip(label).is_some())
    }

    /// The share of tickets of which any label flips.
    pub(super) fn share(&self) -> f64 {
        share(self.flipped.len(), self.tickets)
    }
}

impl Flipped<'_> {
    pub(super) fn flip(&self, label: usize) -> Option<Flip> {
        self.flips.get(label).copied().flatten()
    }
}

/// A part of all, 0 to 1; 0 of none.
pub(super) fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

/// The labels of `eval`, but for the one that is contained in another.
pub(super) fn compared() -> Vec<Label<'static>> {
    labels(teams()).into_iter().filter(|label| label.name != "any_intent").collect()
}

/// Reads every row as it is and under each change, on all cores. `passed` is told of each row that is done. The outcomes
/// are sorted worst first.
///
/// # Errors
/// The first that `read` has.
pub(super) fn measure<'a>(
    rows: &[&'a Row],
    changes: &[Change],
    threads: usize,
    read: impl Fn(&Row) -> anyhow::Result<Record> + Sync,
    passed: impl Fn() + Sync,
) -> anyhow::Result<Vec<Outcome<'a>>> {
    let labels = compared();
    let found = |record: &Record| -> Found { labels.iter().map(|label| label.found(record)).collect() };
    let of_row = |row: &&Row| -> anyhow::Result<(Found, Vec<Option<Found>>)> {
        let record = read(row)?;
        let language = row.labels.language.unwrap_or(record.language);
        let text = Text { subject: &row.subject, body: &row.description, language };
        let under = |change: &Change| {
            let Some(new) = change.made(text, row.id.number()) else { return Ok(None) };
            let row = Row { subject: new.subject.into(), description: new.body.into(), ..(**row).clone() };
            Ok(Some(found(&read(&row)?)))
        };
        let under = changes.iter().map(under).collect::<anyhow::Result<_>>()?;
        passed();
        Ok((found(&record), under))
    };
    let read: Vec<(Found, Vec<Option<Found>>)> =
        parallel::map(rows, threads, of_row).into_iter().collect::<anyhow::Result<_>>()?;

    let outcome = |(place, change): (usize, &Change)| {
        let mut outcome = Outcome { change: *change, tickets: 0, flipped: Vec::new() };
        for (row, (before, under)) in rows.iter().zip(&read) {
            let Some(Some(after)) = under.get(place) else { continue };
            outcome.tickets += 1;
            let flip = |((label, before), after): ((&Label<'_>, &usize), &usize)| {
                let flip = Flip { before: *before, after: *after };
                (before != after && !change.exempts(label.name)).then_some(flip)
            };
            let flips: Vec<Option<Flip>> = labels.iter().zip(before).zip(after).map(flip).collect();
            if flips.iter().any(Option::is_some) {
                outcome.flipped.push(Flipped { row, flips });
            }
        }
        outcome
    };
    let mut outcomes: Vec<Outcome<'a>> = changes.iter().enumerate().map(outcome).collect();
    outcomes.sort_by(|a, b| b.share().total_cmp(&a.share()));
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use domain::{Language, Priority, sample};

    use super::*;
    use crate::input;

    /// P0 where the text shouts, whoever reads it; else as the language has it.
    fn read(row: &Row) -> anyhow::Result<Record> {
        let record = sample::record(row.id.number(), "Acme", sample::now());
        let shouts = !row.description.chars().any(char::is_lowercase);
        let sentiment = if shouts { domain::Sentiment::Angry } else { domain::Sentiment::Neutral };
        let priority = if row.subject.is_empty() { Priority::P0 } else { Priority::P2 };
        let guardian = domain::guardian::Guardian { sentiment, ..record.guardian };
        Ok(Record { priority, guardian, language: row.labels.language.unwrap_or(Language::En), ..record })
    }

    #[test]
    fn flips_are_counted_by_label_and_sorted_worst_first() {
        let input = input::bundled();
        let rows: Vec<&Row> = input.rows.iter().collect();
        let changes = [Change::Greeting, Change::Capitals, Change::NoSubject];
        let outcomes = measure(&rows, &changes, 2, read, || {}).unwrap();
        let shares: Vec<(Change, usize, usize)> =
            outcomes.iter().map(|outcome| (outcome.change, outcome.flipped.len(), outcome.tickets)).collect();
        assert_eq!(
            shares,
            [(Change::NoSubject, 30, 30), (Change::Greeting, 0, 30), (Change::Capitals, 0, 30)],
            "the sentiment of capitals is exempt"
        );
        let worst = outcomes.first().unwrap();
        let names = compared().iter().map(|label| label.name).collect::<Vec<_>>();
        assert_eq!(names.first(), Some(&"priority"));
        assert_eq!((worst.flips(0).count(), worst.flips(1).count()), (30, 0));
        let flipped = worst.flipped.first().unwrap();
        assert_eq!(flipped.row.id_text, "#1001");
        assert_eq!(flipped.flip(0), Some(Flip { before: Priority::P2 as usize, after: Priority::P0 as usize }));
    }

    #[test]
    fn a_ticket_that_a_change_does_not_fit_is_left_out() {
        let input = input::bundled();
        let rows: Vec<&Row> = input.rows.iter().collect();
        let [english] = measure(&rows, &[Change::EnglishDisclaimer], 1, read, || {}).unwrap().try_into().unwrap();
        let foreign = rows.iter().filter(|row| row.labels.language != Some(Language::En)).count();
        assert_eq!(english.tickets, foreign);
    }
}
