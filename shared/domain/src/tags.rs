//! The tags customers' triggers depend on.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use strum::IntoEnumIterator;

use crate::{Kind, Priority, TeamId};

/// A tag of a ticket.
pub type Tag = Cow<'static, str>;

pub const CHURN_RISK: &str = "churn_risk";
pub const UPSELL_OPPORTUNITY: &str = "upsell_opportunity";
pub const ANSWER_READY: &str = "answer_ready";
pub const FALLBACK: &str = "triage_fallback";
pub const SUSPICIOUS: &str = "triage_suspicious";
pub const UNSURE: &str = "triage_unsure";
pub const AUTO_ANSWERED: &str = "auto_answered";
pub const PERSON_IN_DANGER: &str = "person_in_danger";

/// Ours on any ticket; the tags of the teams and of the kinds are ours besides.
const FIXED: [&str; 12] = [
    "triage_p0",
    "triage_p1",
    "triage_p2",
    "triage_p3",
    CHURN_RISK,
    UPSELL_OPPORTUNITY,
    ANSWER_READY,
    FALLBACK,
    SUSPICIOUS,
    UNSURE,
    AUTO_ANSWERED,
    PERSON_IN_DANGER,
];

#[must_use]
pub fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "triage_p0",
        Priority::P1 => "triage_p1",
        Priority::P2 => "triage_p2",
        Priority::P3 => "triage_p3",
    }
}

#[must_use]
pub fn agent(team: &TeamId) -> Tag {
    format!("agent_{team}").into()
}

/// None for a request, which is what a ticket usually is.
#[must_use]
pub fn kind(kind: Kind) -> Option<Tag> {
    (kind != Kind::Request).then(|| format!("kind_{kind}").into())
}

/// Which tags are ours to replace.
#[derive(Clone, Debug)]
pub struct Ours(BTreeSet<Tag>);

impl Ours {
    /// The fixed words, the tags of the kinds and of these teams, and whatever we wrote last: a team that is no longer in `agents.json`
    /// leaves no tag behind.
    #[must_use]
    pub fn new<'a>(teams: impl Iterator<Item = &'a TeamId>, last: &str) -> Self {
        let last = last.split_whitespace().map(|tag| Tag::Owned(tag.to_owned()));
        let kinds = Kind::iter().filter_map(kind);
        Self(FIXED.into_iter().map(Tag::Borrowed).chain(kinds).chain(teams.map(agent)).chain(last).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tag| &**tag)
    }

    /// `present` with every tag of ours replaced by `wanted`; other people's are kept. In order, each once.
    #[must_use]
    pub fn replaced(&self, present: &[Tag], wanted: &[Tag]) -> Arc<[Tag]> {
        let others = present.iter().filter(|tag| !self.0.contains(*tag));
        let tags: BTreeSet<Tag> = others.chain(wanted).cloned().collect();
        tags.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_tags_are_replaced_and_others_kept() {
        let ours = Ours::new(TeamId::bundled().iter(), "triage_p3 agent_billing");
        let present = [
            "vip",
            "triage_p3",
            "agent_of_record",
            "churn_risk",
            "agent_nexus",
            "agent_billing",
            "kind_thanks",
            "kind_of",
        ]
        .map(Tag::Borrowed);
        let found = ours.replaced(&present, &["triage_p1", "agent_nexus"].map(Tag::Borrowed));
        assert_eq!(*found, ["agent_nexus", "agent_of_record", "kind_of", "triage_p1", "vip"]);
    }
}
