//! The tags customers' triggers depend on.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use crate::{Agent, Priority};

/// A tag of a ticket: ours are fixed words.
pub type Tag = Cow<'static, str>;

pub const CHURN_RISK: &str = "churn_risk";
pub const UPSELL_OPPORTUNITY: &str = "upsell_opportunity";
pub const ANSWER_READY: &str = "answer_ready";
pub const FALLBACK: &str = "triage_fallback";
pub const SUSPICIOUS: &str = "triage_suspicious";

const OURS: [&str; 12] = [
    "triage_p0",
    "triage_p1",
    "triage_p2",
    "triage_p3",
    "agent_nexus",
    "agent_cipher",
    "agent_sentinel",
    CHURN_RISK,
    UPSELL_OPPORTUNITY,
    ANSWER_READY,
    FALLBACK,
    SUSPICIOUS,
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
pub fn agent(agent: Agent) -> &'static str {
    match agent {
        Agent::Nexus => "agent_nexus",
        Agent::Cipher => "agent_cipher",
        Agent::Sentinel => "agent_sentinel",
    }
}

/// `present` with every tag of ours replaced by `wanted`; other people's are kept. In order, each once.
#[must_use]
pub fn replaced(present: &[Tag], wanted: &[&'static str]) -> Arc<[Tag]> {
    let others = present.iter().filter(|tag| !OURS.contains(&&***tag)).cloned();
    let tags: BTreeSet<Tag> = others.chain(wanted.iter().copied().map(Tag::Borrowed)).collect();
    tags.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_tags_are_replaced_and_all_others_kept() {
        let present = ["vip", "triage_p3", "agent_of_record", "churn_risk", "agent_nexus"].map(Tag::Borrowed);
        let found = replaced(&present, &["triage_p1", "agent_nexus"]);
        assert_eq!(*found, ["agent_nexus", "agent_of_record", "triage_p1", "vip"]);
    }
}
