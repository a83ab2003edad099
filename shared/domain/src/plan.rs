//! What was decided: data, performed by the shell one effect at a time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};

use crate::{Alert, Decision, FieldChanges, FieldValues, TicketId, tags::Tag};

/// The effects of one triage.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    pub decision: Decision,
    /// None in shadow, and when it would repeat what we last wrote.
    pub update: Option<TicketUpdate>,
    /// What to remember once the update went through.
    pub written: Option<Written>,
    /// At most one of each kind; none in shadow.
    pub alerts: Vec<Alert>,
}

/// The one write to the helpdesk.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TicketUpdate {
    pub ticket: TicketId,
    /// As read with the ticket; the helpdesk refuses the write if the ticket changed since.
    pub updated_stamp: Arc<str>,
    /// Kept with the write, so that an ambiguous one can be looked up.
    pub marker: Arc<str>,
    #[serde(alias = "values")]
    pub changes: FieldChanges,
    /// What the fields held when they were read. A tagger's old option is a tag that has to go with it.
    #[serde(default)]
    pub before: FieldValues,
    /// Set the ticket to pending: we answered, the customer is next.
    pub pending: bool,
    /// The ticket's whole set of tags after the write, in order: others' kept, ours replaced.
    pub tags: Arc<[Tag]>,
    pub comment: Option<Comment>,
}

/// What is said on a ticket, as data: the helpdesk renders it, and only the two Markdown texts may hold markup.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Comment {
    pub public: bool,
    /// The first line of a note, in plain words. Empty in an answer.
    #[serde(default)]
    pub headline: Arc<str>,
    /// What stands behind the headline, in plain words, and is no reason to say a note again.
    #[serde(default)]
    pub aside: Arc<str>,
    /// What a note says below it: plain words, a line each, whoever wrote them.
    #[serde(default)]
    pub points: Arc<[String]>,
    /// Markdown: the answer to the customer. Empty in a note, but for notes of an earlier form.
    pub text: Arc<str>,
    /// A draft reply for the agent, the last thing in a private note.
    pub draft: Option<Suggestion>,
}

impl Comment {
    /// What the customer reads, in Markdown.
    #[must_use]
    pub fn answer(text: Arc<str>) -> Self {
        Self {
            public: true,
            headline: Arc::default(),
            aside: Arc::default(),
            points: Arc::default(),
            text,
            draft: None,
        }
    }

    /// What only agents read, in plain words.
    #[must_use]
    pub fn note(headline: Arc<str>, points: Arc<[String]>, draft: Option<Suggestion>) -> Self {
        Self { public: false, headline, aside: Arc::default(), points, text: Arc::default(), draft }
    }
}

/// A draft as a note shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suggestion {
    /// Plain words.
    pub article_title: Arc<str>,
    /// Markdown.
    pub text: Arc<str>,
    /// An article's own words; a model's are shown without links, pictures and headings.
    #[serde(default)]
    pub composed: bool,
}

/// What we wanted the ticket to look like, whoever owns its fields: equal wants need no second write.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Wanted {
    #[serde(alias = "values")]
    pub changes: FieldChanges,
    /// Ours, in order, separated by spaces.
    pub tags: String,
    /// A digest of the comment, so that the state keeps no text.
    pub comment: String,
}

/// What we last wrote, to tell our own values from other people's.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Written {
    pub wanted: Wanted,
    /// What our fields hold since.
    pub values: FieldValues,
}

impl Written {
    /// As it is where the helpdesk refused some parts: those fields hold what we had written before.
    #[must_use]
    pub fn without(mut self, refused: &[Part], before: &FieldValues) -> Self {
        let FieldValues { priority, group, guardian_risk_score, opportunity_intent, agent } = &mut self.values;
        for part in refused {
            match part {
                Part::Field(Field::Priority) => *priority = before.priority,
                Part::Field(Field::Group) => *group = before.group,
                Part::Field(Field::GuardianRiskScore) => *guardian_risk_score = before.guardian_risk_score,
                Part::Field(Field::OpportunityIntent) => *opportunity_intent = before.opportunity_intent,
                Part::Field(Field::AgentId) => agent.clone_from(&before.agent),
                Part::Tags | Part::Status | Part::Comment => {}
            }
        }
        self
    }
}

/// A field of ours, as the customer's Zendesk and the audit name it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    Priority,
    Group,
    GuardianRiskScore,
    OpportunityIntent,
    AgentId,
}

/// A part of an update that the helpdesk may refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Field(Field),
    Tags,
    /// That the ticket becomes pending.
    Status,
    Comment,
}

impl Part {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Field(field) => field.into(),
            Self::Tags => "tags",
            Self::Status => "status",
            Self::Comment => "comment",
        }
    }
}

/// A person (or another tool) decided otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Correction {
    pub field: Field,
    pub ours: String,
    pub theirs: String,
}
