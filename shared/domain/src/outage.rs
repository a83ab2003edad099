//! A P0 for the lead of its team: what stands still, in whose words, and what to do first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Grave, Gravity, Priority, Reading, playbooks::Playbook};

/// Quotes shown: a lead has to act, and the ticket has the rest.
const MOST_QUOTES: usize = 3;
/// What any P0 needs first.
const FIRST: &str = "Name who works on it now, and tell the customer who that is and when the next word comes.";

/// What the lead of a team is told of a P0.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Outage {
    /// What the gravest sentence tells of.
    pub what: Option<Gravity>,
    /// The ticket's words for it, verified. Empty where no single sentence makes it a P0.
    pub evidence: Arc<[String]>,
    /// Why it is a P0 where it was not read as one.
    pub reasons: Arc<[String]>,
    pub recommended_action: Arc<str>,
    /// The reason in a few words: its playbook's.
    #[serde(default)]
    pub because: Option<Arc<str>>,
}

/// Gathers it from a ticket that is a P0. `grave` is sure enough; the quotes of both were verified.
#[must_use]
pub fn assess(reading: &Reading, grave: Option<&Grave>, reasons: Vec<String>, playbook: Option<&Playbook>) -> Outage {
    let grave = grave.filter(|grave| grave.what != Gravity::Leaving);
    let action = playbook.map_or_else(|| FIRST.to_owned(), |playbook| format!("{FIRST} {}", playbook.action));
    Outage {
        what: grave.map(|grave| grave.what),
        evidence: evidence(reading, grave).into(),
        reasons: reasons.into(),
        recommended_action: action.into(),
        because: playbook.map(|playbook| playbook.reason.clone()),
    }
}

/// The sentences that make it a P0, whoever read them. One with a secret stays in the customer's message alone.
fn evidence(reading: &Reading, grave: Option<&Grave>) -> Vec<String> {
    let first = reading.priority_quote.as_ref().filter(|_| reading.priority.value == Priority::P0);
    let second = reading.second.as_ref().filter(|second| second.priority.value == Priority::P0);
    let second = second.and_then(|second| second.priority_quote.as_ref());
    let mut kept: Vec<String> = Vec::new();
    for quote in [first, second, grave.map(|grave| &grave.quote)].into_iter().flatten() {
        let hidden = reading.hidden.iter().any(|hidden| hidden.contains(quote) || quote.contains(hidden.as_str()));
        let known = kept.iter().any(|kept| kept.contains(quote));
        if !quote.is_empty() && !hidden && !known && kept.len() < MOST_QUOTES {
            kept.push(quote.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scored, SecondOpinion, sample};

    const DOWN: &str = "Nobody can pay since 06:40.";
    const LOST: &str = "All orders of today are gone.";

    fn reading() -> Reading {
        Reading {
            priority: Scored { value: Priority::P0, confidence: 0.9 },
            priority_quote: Some(DOWN.into()),
            ..sample::reading()
        }
    }

    fn grave(what: Gravity) -> Grave {
        Grave { what, confidence: 0.9, quote: LOST.into() }
    }

    #[test]
    fn it_is_told_in_the_words_that_made_it() {
        let second = |value, quote: &str| {
            let priority = Scored { value, confidence: 0.9 };
            Some(SecondOpinion { priority, priority_quote: Some(quote.into()), ..sample::second(&reading()) })
        };
        let hidden = |text: &str| Reading { hidden: vec![text.into()], ..reading() };
        let calm = Scored { value: Priority::P1, confidence: 0.9 };
        for (reading, what, words) in [
            (reading(), None, &[DOWN][..]),
            (reading(), Some(Gravity::Loss), &[DOWN, LOST]),
            (reading(), Some(Gravity::Leaving), &[DOWN]),
            (Reading { second: second(Priority::P0, "pay since 06:40"), ..reading() }, None, &[DOWN]),
            (Reading { second: second(Priority::P0, LOST), ..reading() }, None, &[DOWN, LOST]),
            (Reading { second: second(Priority::P1, LOST), ..reading() }, None, &[DOWN]),
            (Reading { priority: calm, second: second(Priority::P0, LOST), ..reading() }, None, &[LOST]),
            (hidden(DOWN), Some(Gravity::Loss), &[LOST]),
            (hidden("since 06:40"), None, &[]),
        ] {
            let outage = assess(&reading, what.map(grave).as_ref(), Vec::new(), None);
            assert_eq!(&*outage.evidence, words, "{what:?} {reading:?}");
            assert_eq!(outage.what, what.filter(|what| *what != Gravity::Leaving));
        }
    }

    #[test]
    fn the_first_thing_is_always_said() {
        let playbook = crate::playbooks::Playbooks::default().outage.pop().unwrap();
        let outage = assess(&reading(), None, Vec::new(), Some(&playbook));
        assert!(outage.recommended_action.starts_with(FIRST) && outage.recommended_action.ends_with(&*playbook.action));
        assert_eq!(outage.because, Some(playbook.reason));
    }
}
