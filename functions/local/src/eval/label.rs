//! The labels that are compared: their values, and where the truth and the finding stand.

use crate::{input::Labels, stack::teams};
use domain::{Intent, Language, Priority, Record, Sentiment, TeamId};
use strum::IntoEnumIterator;

pub(super) struct Label {
    pub(super) name: &'static str,
    /// The values are in order, and the first must not be missed.
    pub(super) urgent_first: bool,
    pub(super) values: Vec<String>,
    pub(super) truth: fn(&Labels) -> Option<usize>,
    pub(super) found: fn(&Record) -> usize,
    /// How sure the analyst was, if it says so.
    pub(super) confidence: Confidence,
}

/// What a confidence is the probability of.
#[derive(Clone, Copy)]
pub(super) enum Confidence {
    /// That the value found is right.
    OfTheValue(fn(&Record) -> f32),
    /// That the truth is anything but the first value.
    OfAny(fn(&Record) -> f32),
    Untold,
}

fn position(team: &TeamId) -> Option<usize> {
    teams().ids().position(|known| known == team)
}

pub(super) fn labels() -> Vec<Label> {
    fn names<T: IntoEnumIterator + ToString>() -> Vec<String> {
        T::iter().map(|value| value.to_string()).collect()
    }
    vec![
        Label {
            name: "priority",
            urgent_first: true,
            values: names::<Priority>(),
            truth: |labels| labels.priority.map(|priority| priority as usize),
            found: |record| record.priority as usize,
            confidence: Confidence::OfTheValue(|record| record.confidence.priority),
        },
        Label {
            name: "team",
            urgent_first: false,
            values: teams().ids().map(ToString::to_string).collect(),
            truth: |labels| labels.agent.as_ref().and_then(position),
            found: |record| position(&record.agent).expect("an analyst names a team of agents.json"),
            confidence: Confidence::OfTheValue(|record| record.confidence.agent),
        },
        Label {
            name: "sentiment",
            urgent_first: false,
            values: names::<Sentiment>(),
            truth: |labels| labels.sentiment.map(|sentiment| sentiment as usize),
            found: |record| record.guardian.sentiment as usize,
            confidence: Confidence::Untold,
        },
        Label {
            name: "churn_risk",
            urgent_first: false,
            values: vec!["none".to_owned(), "high".to_owned()],
            truth: |labels| labels.churn.map(usize::from),
            found: |record| usize::from(record.guardian.is_high_risk()),
            confidence: Confidence::OfAny(|record| record.confidence.churn),
        },
        Label {
            name: "any_intent",
            urgent_first: false,
            values: vec!["none".to_owned(), "any".to_owned()],
            truth: |labels| labels.intent.map(|intent| usize::from(intent.is_some())),
            found: |record| usize::from(record.opportunity.intent.is_some()),
            confidence: Confidence::OfAny(|record| record.confidence.intent),
        },
        Label {
            name: "intent",
            urgent_first: false,
            values: std::iter::once("none".to_owned()).chain(names::<Intent>()).collect(),
            truth: |labels| labels.intent.map(|intent| intent.map_or(0, |intent| intent as usize + 1)),
            found: |record| record.opportunity.intent.map_or(0, |intent| intent as usize + 1),
            confidence: Confidence::Untold,
        },
        Label {
            name: "language",
            urgent_first: false,
            values: names::<Language>(),
            truth: |labels| labels.language.map(|language| language as usize),
            found: |record| record.language as usize,
            confidence: Confidence::Untold,
        },
    ]
}
