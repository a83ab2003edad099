//! What a write means for the fields of a ticket.

use serde::{Deserialize, Serialize};

use crate::{FieldValues, GroupId, Intent, Priority, TeamId, plan::Field};

/// What a write does to one field. [`Option`] is for what a field holds.
///
/// As JSON: `null`, the value, or `{"clear": true}`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(from = "Form<T>", into = "Form<T>", bound(serialize = "T: Serialize + Clone"))]
pub enum Change<T> {
    /// Not part of the write.
    #[default]
    Keep,
    Set(T),
    /// Emptied.
    Clear,
}

/// What happens to each field we may write.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct FieldChanges {
    /// Never cleared: a ticket does not lose its place in a queue.
    pub priority: Change<Priority>,
    /// Never cleared, for the same reason.
    pub group: Change<GroupId>,
    /// 0 to 10.
    pub guardian_risk_score: Change<u8>,
    pub opportunity_intent: Change<Intent>,
    pub agent: Change<TeamId>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Form<T> {
    Clear {
        /// Always true: the name says it.
        #[serde(rename = "clear")]
        _clear: bool,
    },
    Value(Option<T>),
}

impl<T> From<Form<T>> for Change<T> {
    fn from(form: Form<T>) -> Self {
        match form {
            Form::Clear { .. } => Self::Clear,
            Form::Value(Some(value)) => Self::Set(value),
            Form::Value(None) => Self::Keep,
        }
    }
}

impl<T> From<Change<T>> for Form<T> {
    fn from(change: Change<T>) -> Self {
        match change {
            Change::Clear => Self::Clear { _clear: true },
            Change::Set(value) => Self::Value(Some(value)),
            Change::Keep => Self::Value(None),
        }
    }
}

impl<T> Change<T> {
    /// The field after the write.
    #[must_use]
    pub fn applied_to(self, held: Option<T>) -> Option<T> {
        match self {
            Self::Keep => held,
            Self::Set(value) => Some(value),
            Self::Clear => None,
        }
    }
}

impl<T: Clone + PartialEq> Change<T> {
    /// As far as the field is ours: it is if it is empty or still holds what we last wrote. What is empty already is not
    /// cleared.
    pub(crate) fn if_ours(&self, seen: Option<&T>, ours: Option<&T>) -> Self {
        match seen {
            None if *self == Self::Clear => Self::Keep,
            None => self.clone(),
            Some(_) if seen == ours => self.clone(),
            Some(_) => Self::Keep,
        }
    }
}

impl FieldChanges {
    /// The fields after the write.
    #[must_use]
    pub fn applied_to(self, held: FieldValues) -> FieldValues {
        FieldValues {
            priority: self.priority.applied_to(held.priority),
            group: self.group.applied_to(held.group),
            guardian_risk_score: self.guardian_risk_score.applied_to(held.guardian_risk_score),
            opportunity_intent: self.opportunity_intent.applied_to(held.opportunity_intent),
            agent: self.agent.applied_to(held.agent),
        }
    }

    /// Without fields that people have corrected: those are theirs, also where they came back to what we had said.
    #[must_use]
    pub fn without(mut self, corrected: impl Iterator<Item = Field>) -> Self {
        for field in corrected {
            match field {
                Field::Priority => self.priority = Change::Keep,
                Field::Group => self.group = Change::Keep,
                Field::GuardianRiskScore => self.guardian_risk_score = Change::Keep,
                Field::OpportunityIntent => self.opportunity_intent = Change::Keep,
                Field::AgentId => self.agent = Change::Keep,
            }
        }
        self
    }

    /// What of it may be written over `seen`, where we last wrote `ours`.
    #[must_use]
    pub fn if_ours(&self, seen: &FieldValues, ours: &FieldValues) -> Self {
        Self {
            priority: self.priority.if_ours(seen.priority.as_ref(), ours.priority.as_ref()),
            group: self.group.if_ours(seen.group.as_ref(), ours.group.as_ref()),
            guardian_risk_score: self
                .guardian_risk_score
                .if_ours(seen.guardian_risk_score.as_ref(), ours.guardian_risk_score.as_ref()),
            opportunity_intent: self
                .opportunity_intent
                .if_ours(seen.opportunity_intent.as_ref(), ours.opportunity_intent.as_ref()),
            agent: self.agent.if_ours(seen.agent.as_ref(), ours.agent.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_does_what_it_says() {
        for (change, held, expected) in [
            (Change::Keep, Some(1), Some(1)),
            (Change::Keep, None, None),
            (Change::Set(2), Some(1), Some(2)),
            (Change::Set(2), None, Some(2)),
            (Change::Clear, Some(1), None),
            (Change::Clear, None, None),
        ] {
            assert_eq!(change.applied_to(held), expected, "{change:?} {held:?}");
        }
    }

    #[test]
    fn only_what_is_ours_is_changed() {
        for (change, seen, ours, expected) in [
            (Change::Set(2), None, None, Change::Set(2)),
            (Change::Set(2), Some(1), Some(1), Change::Set(2)),
            (Change::Set(2), Some(1), None, Change::Keep),
            (Change::Set(2), Some(1), Some(3), Change::Keep),
            (Change::Clear, Some(1), Some(1), Change::Clear),
            (Change::Clear, Some(1), None, Change::Keep),
            (Change::Clear, None, Some(1), Change::Keep),
            (Change::Keep, Some(1), Some(1), Change::Keep),
        ] {
            assert_eq!(change.if_ours(seen.as_ref(), ours.as_ref()), expected, "{change:?} {seen:?} {ours:?}");
        }
    }
}
