//! The flips reached, as a file that a later run is held to.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::measure::{Outcome, compared};
use crate::say::escaped;

/// Processors round differently, and a ticket that one of them reads otherwise as it is flips under every change: so many
/// more flips of a label are no worse.
const SLACK: usize = 2;
/// Tickets named for a label that flips too often.
const MOST_NAMED: usize = 5;

/// The flips of a run, by change and label, and what it read.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Reached {
    /// Every how many-th ticket.
    pub(super) every: usize,
    pub(super) tickets: usize,
    flips: BTreeMap<String, BTreeMap<String, usize>>,
}

impl Reached {
    pub(super) fn of(every: usize, tickets: usize, outcomes: &[Outcome<'_>]) -> Self {
        let labels = compared();
        let of_change = |outcome: &Outcome<'_>| {
            let held = labels.iter().enumerate().filter(|(_, label)| !outcome.change.exempts(label.name));
            held.map(|(place, label)| (label.name.to_owned(), outcome.flips(place).count())).collect()
        };
        let flips = outcomes.iter().map(|outcome| (outcome.change.name(), of_change(outcome))).collect();
        Self { every, tickets, flips }
    }

    /// # Errors
    /// A file that cannot be read or is of another form.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let reached = serde_json::from_str(&text).map_err(domain::ports::json_error);
        reached.with_context(|| format!("{} holds no flips as --write writes them", path.display()))
    }

    /// # Errors
    /// A place that cannot be written to.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
    }

    /// A sentence for each label that flips more often under a change than here.
    ///
    /// # Errors
    /// A run over other tickets, whose flips are not comparable.
    pub(super) fn exceeded(
        &self,
        every: usize,
        tickets: usize,
        outcomes: &[Outcome<'_>],
    ) -> anyhow::Result<Vec<String>> {
        ensure!(
            (every, tickets) == (self.every, self.tickets),
            "the flips to compare with are of {} tickets, with --every {}, and this run read {tickets}, with --every \
             {every}: read the same, or write the file anew with --write",
            self.tickets,
            self.every
        );
        let mut exceeded = Vec::new();
        for outcome in outcomes {
            let change = outcome.change.name();
            for (place, label) in compared().iter().enumerate() {
                if outcome.change.exempts(label.name) {
                    continue;
                }
                let Some(most) = self.flips.get(&change).and_then(|flips| flips.get(label.name)) else {
                    exceeded.push(format!("{change}, {}: not in the file; write it anew with --write", label.name));
                    continue;
                };
                let flips = outcome.flips(place).count();
                if flips > most + SLACK {
                    let tickets = outcome.flips(place).take(MOST_NAMED).map(|flipped| escaped(&flipped.row.id_text));
                    exceeded.push(format!(
                        "{change}, {}: flips in {flips} of {} tickets, at most {most} and {SLACK} for rounding were \
                         allowed; such as {}",
                        label.name,
                        outcome.tickets,
                        tickets.collect::<Vec<_>>().join(" ")
                    ));
                }
            }
        }
        Ok(exceeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        input::{self, Row},
        metamorphic::{
            change::Change,
            measure::{Flip, Flipped},
        },
    };

    /// The first so many tickets flip in their priority.
    fn outcome(change: Change, rows: &[Row], flips: usize) -> Outcome<'_> {
        let flip = Some(Flip { before: 2, after: 1 });
        let flipped = |row| Flipped { row, flips: vec![flip, None, None, None, None, None] };
        Outcome { change, tickets: rows.len(), flipped: rows.iter().take(flips).map(flipped).collect() }
    }

    fn reached(rows: &[Row], flips: usize) -> Reached {
        Reached::of(4, rows.len(), &[outcome(Change::Greeting, rows, flips)])
    }

    #[test]
    fn more_flips_than_reached_are_named_with_the_tickets() {
        let rows = input::bundled().rows;
        let reached = reached(&rows, 2);
        let exceeded = |change, flips| reached.exceeded(4, rows.len(), &[outcome(change, &rows, flips)]).unwrap();
        assert!(exceeded(Change::Greeting, 0).is_empty() && exceeded(Change::Greeting, 4).is_empty());
        assert_eq!(
            exceeded(Change::Greeting, 6),
            ["greeting, priority: flips in 6 of 30 tickets, at most 2 and 2 for rounding were allowed; such as #1001 \
              #1002 #1003 #1004 #1005"]
        );
        let unknown = exceeded(Change::Typos, 0);
        assert_eq!(unknown.len(), compared().len());
        assert_eq!(
            unknown.first().map(String::as_str),
            Some("typos, priority: not in the file; write it anew with --write")
        );
    }

    #[test]
    fn other_tickets_are_not_compared() {
        let rows = input::bundled().rows;
        let error = reached(&rows, 2).exceeded(1, rows.len(), &[]).unwrap_err().to_string();
        assert!(error.contains("of 30 tickets, with --every 4, and this run read 30, with --every 1"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_again_without_what_is_exempt() {
        let rows = input::bundled().rows;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reached.json");
        let reached = Reached::of(4, rows.len(), &[outcome(Change::Capitals, &rows, 1)]);
        reached.write(&path).unwrap();
        assert_eq!(Reached::read(&path).unwrap(), reached);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"priority\": 1") && !text.contains("sentiment"), "{text}");
        std::fs::write(&path, "{}").unwrap();
        let error = format!("{:#}", Reached::read(&path).unwrap_err());
        assert!(error.contains("holds no flips as --write writes them"), "{error}");
    }
}
