//! The labels that are compared: their values, and where the truth and the finding stand.

use crate::input::Labels;
use domain::{Intent, Language, Priority, Record, Sentiment, TeamId, Teams, TopicId};
use strum::IntoEnumIterator;

pub(crate) struct Label<'a> {
    pub(crate) name: &'static str,
    /// The values are in order, and the first must not be missed.
    pub(crate) urgent_first: bool,
    pub(crate) values: Vec<String>,
    truth: fn(&Labels, &Teams) -> Option<usize>,
    found: fn(&Record, &Teams) -> usize,
    teams: &'a Teams,
    /// How sure the analyst was, if it says so.
    pub(crate) confidence: Confidence,
}

/// What a confidence is the probability of.
#[derive(Clone, Copy)]
pub(crate) enum Confidence {
    /// That the value found is right.
    OfTheValue(fn(&Record) -> f32),
    /// That the truth is anything but the first value.
    OfAny(fn(&Record) -> f32),
    Untold,
}

impl Label<'_> {
    /// None where the row does not have the label.
    pub(crate) fn truth(&self, labels: &Labels) -> Option<usize> {
        (self.truth)(labels, self.teams)
    }

    pub(crate) fn found(&self, record: &Record) -> usize {
        (self.found)(record, self.teams)
    }
}

fn team(team: &TeamId, teams: &Teams) -> Option<usize> {
    teams.ids().position(|known| known == team)
}

fn topic(topic: &TopicId, teams: &Teams) -> Option<usize> {
    teams.all_topics().iter().position(|known| known == topic)
}

pub(crate) fn labels(teams: &Teams) -> Vec<Label<'_>> {
    fn names<T: IntoEnumIterator + ToString>() -> Vec<String> {
        T::iter().map(|value| value.to_string()).collect()
    }
    vec![
        Label {
            name: "priority",
            urgent_first: true,
            values: names::<Priority>(),
            truth: |labels, _| labels.priority.map(|priority| priority as usize),
            found: |record, _| record.priority as usize,
            confidence: Confidence::OfTheValue(|record| record.confidence.priority),
            teams,
        },
        Label {
            name: "team",
            urgent_first: false,
            values: teams.ids().map(ToString::to_string).collect(),
            truth: |labels, teams| team(labels.agent.as_ref()?, teams),
            found: |record, teams| team(&record.agent, teams).expect("an analyst names a team of agents.json"),
            confidence: Confidence::OfTheValue(|record| record.confidence.agent),
            teams,
        },
        Label {
            name: "topic",
            urgent_first: false,
            values: teams.all_topics().iter().map(ToString::to_string).chain(["none".to_owned()]).collect(),
            truth: |labels, teams| topic(labels.topic.as_ref()?, teams),
            found: |record, teams| {
                let found = record.topic.as_ref().and_then(|found| topic(found, teams));
                found.unwrap_or_else(|| teams.all_topics().len())
            },
            confidence: Confidence::OfTheValue(|record| record.confidence.topic),
            teams,
        },
        Label {
            name: "sentiment",
            urgent_first: false,
            values: names::<Sentiment>(),
            truth: |labels, _| labels.sentiment.map(|sentiment| sentiment as usize),
            found: |record, _| record.guardian.sentiment as usize,
            confidence: Confidence::Untold,
            teams,
        },
        Label {
            name: "churn_risk",
            urgent_first: false,
            values: vec!["none".to_owned(), "high".to_owned()],
            truth: |labels, _| labels.churn.map(usize::from),
            found: |record, _| usize::from(record.guardian.is_high_risk()),
            confidence: Confidence::OfAny(|record| record.confidence.churn),
            teams,
        },
        Label {
            name: "any_intent",
            urgent_first: false,
            values: vec!["none".to_owned(), "any".to_owned()],
            truth: |labels, _| labels.intent.map(|intent| usize::from(intent.is_some())),
            found: |record, _| usize::from(record.opportunity.intent.is_some()),
            confidence: Confidence::OfAny(|record| record.confidence.intent),
            teams,
        },
        Label {
            name: "intent",
            urgent_first: false,
            values: std::iter::once("none".to_owned()).chain(names::<Intent>()).collect(),
            truth: |labels, _| labels.intent.map(|intent| intent.map_or(0, |intent| intent as usize + 1)),
            found: |record, _| record.opportunity.intent.map_or(0, |intent| intent as usize + 1),
            confidence: Confidence::Untold,
            teams,
        },
        Label {
            name: "language",
            urgent_first: false,
            values: names::<Language>(),
            truth: |labels, _| labels.language.map(|language| language as usize),
            found: |record, _| record.language as usize,
            confidence: Confidence::Untold,
            teams,
        },
    ]
}
