//! The churn filter: how likely the account is to leave, why, and what to do.
//!
//! | evidence | points | reason |
//! |---|---|---|
//! | the customer says it may leave (confidence ≥ `churn_explicit`) | 7 | said aloud it is high risk whoever says it |
//! | it sounds like it (confidence ≥ `churn_likely`) | 4 | worth a look, not an alarm by itself |
//! | frustrated / angry | 1 / 2 | tone sharpens a risk, it does not make one |
//! | the same team was needed twice or more in the last 30 days | 1 | a fault that keeps coming back wears patience down |
//! | a P0 or P1 in the last 30 days | 1 | a fresh scar |
//! | MRR growth / strategic | 1 / 2 | more to lose |
//! | health at risk or poor | 1 | the success team saw it coming |
//!
//! The sum is capped at 10. Without a word about leaving it takes everything at once to reach 7; and a word about leaving
//! that no sentence of the customer carries stays below 7, since nobody could be shown it. Copies of the message at hand
//! are no history.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Health, PastTicket, Policy, Priority, Sentiment, TeamId, alert::Band, playbooks::Playbook, policy::Tier};

/// Points from which an account is at high risk. An explicit word about leaving reaches it alone.
pub const HIGH: u8 = 7;
/// Points from which the risk is critical: an explicit word with two more things against us.
pub const CRITICAL: u8 = 9;
/// The highest score: what is past it would be called no sooner.
const MOST: u8 = 10;
/// The reason that stands last where the points add up to more.
pub const CAPPED: &str = "capped at 10";
/// Where a score ends that must not raise an alert.
const QUIET: u8 = HIGH - 1;
/// Points from which somebody is told what to do. A likely word about leaving reaches it alone.
const WORTH_A_LOOK: u8 = 4;

// The customer says it may leave: said aloud it is high risk, whoever says it.
const EXPLICIT: u8 = 7;
// It sounds like it: worth a look, not an alarm by itself.
const LIKELY: u8 = 4;
// Tone sharpens a risk; alone it must stay far below an alarm, since many good customers write in anger.
const ANGRY: u8 = 2;
const FRUSTRATED: u8 = 1;
// A fault that keeps coming back wears patience down, but the ticket at hand says so itself if it did.
const REPEATED: u8 = 1;
// A fresh scar.
const URGENT_LATELY: u8 = 1;
// More to lose. Money makes a call more urgent, and no customer less likely to stay: so never more than a tone.
const STRATEGIC: u8 = 2;
const GROWTH: u8 = 1;
// The success team saw it coming; one point, since its figure is weeks old as a rule.
const UNHEALTHY: u8 = 1;

/// Tickets for one team, this one not counted, from which trouble counts as coming back: one earlier ticket is chance.
const REPEATS: usize = 2;

/// How far a score is from calm: the limits of alerts and pages, in one place.
#[must_use]
pub fn band(score: u8) -> Option<Band> {
    match score {
        CRITICAL.. => Some(Band::Critical),
        HIGH.. => Some(Band::Elevated),
        _ => None,
    }
}

/// The outcome of the churn filter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Guardian {
    /// 0 to 10.
    pub risk_score: u8,
    pub sentiment: Sentiment,
    /// The customer's own words, verified.
    pub evidence: Arc<[String]>,
    /// One sentence per line of the table that applied.
    pub reasons: Arc<[String]>,
    /// Empty below 4 points.
    pub recommended_action: Arc<str>,
    /// The reason of an alert in a few words: its playbook's.
    #[serde(default)]
    pub because: Option<Arc<str>>,
}

impl Guardian {
    #[must_use]
    pub fn is_high_risk(&self) -> bool {
        self.risk_score >= HIGH
    }

    /// The same without an alert: whose words they are, or what the ticket is, forbids one.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        if self.risk_score > QUIET {
            let reason = format!("no alert comes of this kind of ticket (at most {QUIET})");
            self.risk_score = QUIET;
            self.reasons = self.reasons.iter().cloned().chain([reason]).collect();
            self.recommended_action = "".into();
            self.because = None;
        }
        self
    }

    /// The alert's band; none below [`HIGH`].
    #[must_use]
    pub fn band(&self) -> Option<Band> {
        band(self.risk_score)
    }
}

/// How firmly leaving is in the air.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Churn {
    None,
    Likely,
    Explicit,
}

/// The plain values the score is made of.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    pub churn: Churn,
    pub sentiment: Sentiment,
    /// Verified quotes.
    pub evidence: Vec<String>,
    pub agent: &'a TeamId,
    /// Without copies of the ticket at hand.
    pub history: Vec<&'a PastTicket>,
    pub mrr: Option<f64>,
    pub health: Option<Health>,
    /// What to do about an alert.
    pub playbook: Option<&'a Playbook>,
}

// A month: what is older, the customer has paid a bill since and stayed.
const RECENT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How often the same team was needed in the last 30 days.
pub(crate) fn repeats<'a>(history: impl Iterator<Item = &'a PastTicket>, agent: &TeamId, now: Timestamp) -> usize {
    recent(history, now).filter(|past| past.agent == *agent).count()
}

fn recent<'a>(history: impl Iterator<Item = &'a PastTicket>, now: Timestamp) -> impl Iterator<Item = &'a PastTicket> {
    history.filter(move |past| past.at <= now && now.duration_since(past.at) <= RECENT)
}

/// Applies the table above.
#[must_use]
pub fn assess(inputs: Inputs<'_>, policy: &Policy, now: Timestamp) -> Guardian {
    let history = || inputs.history.iter().copied();
    let repeats = repeats(history(), inputs.agent, now);
    let urgent = recent(history(), now).any(|past| past.priority <= Priority::P1);
    let tier = policy.tier(inputs.mrr);

    let mut score = 0;
    let mut reasons = Vec::new();
    let mut add = |points: u8, reason: &str| {
        score += points;
        reasons.push(format!("{reason} (+{points})"));
    };
    match inputs.churn {
        Churn::Explicit => add(EXPLICIT, "the customer says it may leave"),
        Churn::Likely => add(LIKELY, "the customer sounds as if it may leave"),
        Churn::None => {}
    }
    match inputs.sentiment {
        Sentiment::Angry => add(ANGRY, "the customer is angry"),
        Sentiment::Frustrated => add(FRUSTRATED, "the customer is frustrated"),
        Sentiment::Neutral => {}
    }
    if repeats >= REPEATS {
        add(REPEATED, &format!("{repeats} earlier tickets for {} in 30 days", inputs.agent.title()));
    }
    if urgent {
        add(URGENT_LATELY, "a P0 or P1 in the last 30 days");
    }
    match tier {
        Tier::Strategic => add(STRATEGIC, "a strategic account by MRR"),
        Tier::Growth => add(GROWTH, "a growth account by MRR"),
        Tier::Standard => {}
    }
    match inputs.health {
        Some(Health::Poor) => add(UNHEALTHY, "account health is poor"),
        Some(Health::AtRisk) => add(UNHEALTHY, "account health is at risk"),
        Some(Health::Good) | None => {}
    }
    let most = if inputs.churn != Churn::None && inputs.evidence.is_empty() {
        reasons.push(format!("no sentence of the customer carries it (at most {QUIET})"));
        QUIET
    } else {
        if score > MOST {
            reasons.push(CAPPED.to_owned());
        }
        MOST
    };
    let risk_score = score.min(most);
    let playbook = inputs.playbook.filter(|_| risk_score >= HIGH);
    Guardian {
        risk_score,
        sentiment: inputs.sentiment,
        evidence: inputs.evidence.into(),
        reasons: reasons.into(),
        recommended_action: recommended_action(risk_score, tier, playbook).into(),
        because: playbook.map(|playbook| playbook.reason.clone()),
    }
}

/// Who should act by when, by score and the worth of the account; and what to do, where an alert is raised.
fn recommended_action(score: u8, tier: Tier, playbook: Option<&Playbook>) -> String {
    let first = match (score, tier) {
        (CRITICAL.., Tier::Strategic) => {
            "Call the account's decision maker within the hour, with an executive sponsor on the line."
        }
        (CRITICAL.., Tier::Growth) => "Call the customer today and bring the head of support.",
        (CRITICAL.., Tier::Standard) => "Call the customer today and offer one named contact until this is settled.",
        (HIGH.., Tier::Strategic) => "Call the account's decision maker today and agree a review this week.",
        (HIGH.., Tier::Growth) => "Call the customer within one working day.",
        (HIGH.., Tier::Standard) => "Write personally within one working day and offer a call.",
        (WORTH_A_LOOK.., Tier::Strategic | Tier::Growth) => {
            "Mention the ticket in the next account call; no alert was sent."
        }
        (WORTH_A_LOOK.., Tier::Standard) => "Watch the account's next tickets; no alert was sent.",
        (_, _) => return String::new(),
    };
    playbook.map_or_else(|| first.to_owned(), |playbook| format!("{first} {}", playbook.action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TicketId, sample};

    const NOW: &str = "2026-11-16T09:00:00Z";

    #[test]
    fn points_above_ten_say_so() {
        for (mrr, expected, capped) in [(2_000.0, 10, false), (20_000.0, 10, true)] {
            let found = check(Churn::Explicit, Sentiment::Angry, mrr, None, &[], expected);
            assert_eq!(found.reasons.last().is_some_and(|reason| reason == CAPPED), capped, "{:?}", found.reasons);
        }
    }

    fn past(id: u64, days_ago: i64, agent: &str, priority: Priority) -> PastTicket {
        PastTicket {
            id: TicketId::new(id).unwrap(),
            at: NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_hours(24 * days_ago),
            subject: "earlier".into(),
            priority,
            agent: sample::team(agent),
            wish: false,
            high_risk: false,
            fingerprint: None,
        }
    }

    fn check(
        churn: Churn,
        sentiment: Sentiment,
        mrr: f64,
        health: Option<Health>,
        history: &[PastTicket],
        expected: u8,
    ) -> Guardian {
        let inputs = Inputs {
            churn,
            sentiment,
            evidence: vec!["We leave.".to_owned()],
            agent: &sample::team("nexus"),
            history: history.iter().collect(),
            mrr: Some(mrr),
            health,
            playbook: None,
        };
        let found = assess(inputs, &sample::policy(), NOW.parse().unwrap());
        assert_eq!(found.risk_score, expected, "{churn:?} {sentiment:?} {mrr} {health:?}: {:?}", found.reasons);
        found
    }

    #[test]
    fn the_score_follows_the_table() {
        use Churn::{Explicit, Likely, None as Silent};
        use Sentiment::{Angry, Frustrated, Neutral};
        let poor = Some(Health::Poor);
        check(Silent, Neutral, 0.0, None, &[], 0);
        check(Silent, Angry, 500.0, None, &[], 2);
        check(Silent, Angry, 12_000.0, poor, &[], 5);
        check(Likely, Neutral, 0.0, None, &[], 4);
        check(Likely, Angry, 2_500.0, None, &[], 7);
        check(Explicit, Neutral, 0.0, None, &[], 7);
        check(Explicit, Frustrated, 0.0, Some(Health::Good), &[], 8);
        check(Explicit, Angry, 0.0, None, &[], 9);
        check(Explicit, Angry, 50_000.0, poor, &[], 10);
    }

    #[test]
    fn a_risk_without_words_stays_below_an_alert() {
        let agent = sample::team("nexus");
        let inputs = Inputs {
            churn: Churn::Likely,
            sentiment: Sentiment::Angry,
            evidence: Vec::new(),
            agent: &agent,
            history: Vec::new(),
            mrr: Some(50_000.0),
            health: Some(Health::Poor),
            playbook: None,
        };
        let found = assess(inputs.clone(), &sample::policy(), NOW.parse().unwrap());
        assert_eq!((found.risk_score, found.band()), (6, None), "{:?}", found.reasons);
        let shown = Inputs { evidence: vec!["We look around.".to_owned()], ..inputs };
        assert_eq!(assess(shown, &sample::policy(), NOW.parse().unwrap()).risk_score, 9);
    }

    #[test]
    fn bands_begin_at_seven_and_nine() {
        for (score, expected) in [
            (6, None),
            (7, Some(Band::Elevated)),
            (8, Some(Band::Elevated)),
            (9, Some(Band::Critical)),
            (10, Some(Band::Critical)),
        ] {
            assert_eq!(band(score), expected, "{score}");
        }
    }

    #[test]
    fn history_counts_for_thirty_days_only() {
        let recent = [past(1, 3, "nexus", Priority::P1), past(2, 29, "nexus", Priority::P3)];
        let other = [past(1, 3, "cipher", Priority::P2), past(2, 4, "cipher", Priority::P2)];
        let old = [past(1, 31, "nexus", Priority::P0), past(2, 40, "nexus", Priority::P0)];
        let quiet = |history: &[PastTicket], expected| {
            check(Churn::None, Sentiment::Neutral, 0.0, None, history, expected);
        };
        quiet(&recent, 2);
        quiet(&other, 0);
        quiet(&old, 0);
        let everything = check(Churn::None, Sentiment::Angry, 12_000.0, Some(Health::Poor), &recent, 7);
        assert_eq!(everything.band(), Some(Band::Elevated), "silent, yet everything at once");
    }

    #[test]
    fn the_action_follows_score_worth_and_reason() {
        let playbook = sample::policy().playbooks.guardian.remove(0);
        let mut seen = std::collections::BTreeSet::new();
        for mrr in [100.0, 3_000.0, 20_000.0] {
            for (churn, sentiment) in [
                (Churn::None, Sentiment::Neutral),
                (Churn::Likely, Sentiment::Neutral),
                (Churn::Explicit, Sentiment::Neutral),
                (Churn::Explicit, Sentiment::Angry),
            ] {
                let inputs = Inputs {
                    churn,
                    sentiment,
                    evidence: vec!["We leave.".to_owned()],
                    agent: &sample::team("nexus"),
                    history: Vec::new(),
                    mrr: Some(mrr),
                    health: None,
                    playbook: Some(&playbook),
                };
                let found = assess(inputs, &sample::policy(), NOW.parse().unwrap());
                assert_eq!(found.recommended_action.is_empty(), found.risk_score < 4);
                assert_eq!(found.recommended_action.ends_with(&*playbook.action), found.is_high_risk());
                seen.insert(found.recommended_action);
            }
        }
        assert!(seen.len() >= 8, "{seen:#?}");
    }
}
