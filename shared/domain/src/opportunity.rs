//! The revenue filter: what the customer wants to buy, and how sure we are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Account, Intent, Policy, alert::Band, playbooks::Playbook, policy::Tier};

/// Opportunity confidence from which an alert is critical, on the scale of [`guardian::CRITICAL`](crate::guardian::CRITICAL):
/// one rule of what is news serves both kinds.
pub const CRITICAL: u8 = 9;

/// The outcome of the revenue filter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Opportunity {
    /// Set only for a signal: an intent at or above the threshold with verified words behind it.
    pub intent: Option<Intent>,
    /// 0 to 10: the analyst's probability of any wish to buy, times ten.
    pub confidence: u8,
    /// The customer's own words, verified.
    pub evidence: Arc<[String]>,
    pub reasons: Arc<[String]>,
    /// Empty without a signal.
    pub recommended_action: Arc<str>,
    /// The reason of an alert in a few words: its playbook's.
    #[serde(default)]
    pub because: Option<Arc<str>>,
}

impl Opportunity {
    /// The alert's band; none without a signal.
    #[must_use]
    pub fn band(&self) -> Option<Band> {
        self.intent.map(|_| if self.confidence >= CRITICAL { Band::Critical } else { Band::Elevated })
    }
}

/// What an analyst read of a wish to buy.
#[derive(Clone, PartialEq, Debug)]
pub struct Wish {
    pub intent: Option<Intent>,
    /// 0 to 1.
    pub probability: f32,
    /// Verified quotes.
    pub evidence: Vec<String>,
}

/// Weighs an analyst's intent. An intent without a verified quote is not a signal: nobody can act on a hunch.
#[must_use]
pub fn assess(wish: Wish, playbook: Option<&Playbook>, account: &Account, policy: &Policy) -> Opportunity {
    let Wish { intent, probability, evidence } = wish;
    let confidence = steps(probability, 10);
    let sure = confidence >= policy.thresholds.opportunity_signal;
    let signal = intent.filter(|_| sure && !evidence.is_empty());
    let reasons = match (intent, signal) {
        (Some(intent), Some(_)) => vec![format!("the customer asks for: {}", intent.title())],
        (Some(intent), None) if sure => {
            vec![format!("{} without words of the customer to show for it", intent.title())]
        }
        (Some(intent), None) => vec![format!("{}, but not sure enough", intent.title())],
        (None, _) => vec![],
    };
    let playbook = playbook.filter(|_| signal.is_some());
    let recommended_action = signal.map(|_| recommended_action(playbook, policy.tier(account.mrr))).unwrap_or_default();
    Opportunity {
        intent: signal,
        confidence,
        evidence: evidence.into(),
        reasons: reasons.into(),
        recommended_action: recommended_action.into(),
        because: playbook.map(|playbook| playbook.reason.clone()),
    }
}

/// A probability in whole steps, 0 to `all`.
fn steps(probability: f32, all: u8) -> u8 {
    (probability * f32::from(all)).round().clamp(0.0, f32::from(all)) as u8
}

/// What to do for the reason of the alert, and by when.
fn recommended_action(playbook: Option<&Playbook>, tier: Tier) -> String {
    let when = match tier {
        Tier::Strategic => "Call today; the account manager should hear of it first.",
        Tier::Growth => "Call within one working day.",
        Tier::Standard => "Answer within two working days.",
    };
    playbook.map_or_else(|| when.to_owned(), |playbook| format!("{when} {}", playbook.action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn check(intent: Option<Intent>, probability: f32, quotes: usize, expected: Option<Band>) -> Opportunity {
        let evidence = vec!["How much is it?".to_owned(); quotes];
        let mut policy = sample::policy();
        policy.thresholds.opportunity_signal = 6;
        let found = assess(Wish { intent, probability, evidence }, None, &sample::account(), &policy);
        assert_eq!(found.band(), expected, "{intent:?} {probability} {quotes}");
        assert_eq!(found.recommended_action.is_empty(), expected.is_none());
        found
    }

    #[test]
    fn a_signal_needs_an_intent_at_six_with_words_behind_it() {
        let pricing = Some(Intent::PricingRequest);
        check(None, 0.1, 0, None);
        check(pricing, 0.54, 1, None);
        assert_eq!(check(pricing, 0.55, 1, Some(Band::Elevated)).confidence, 6);
        check(pricing, 0.84, 1, Some(Band::Elevated));
        check(pricing, 0.85, 1, Some(Band::Critical));
        check(pricing, 0.99, 0, None);
        assert_eq!(check(pricing, f32::NAN, 1, None).confidence, 0);
    }

    #[test]
    fn a_seller_is_told_what_to_do_by_when() {
        let playbook = sample::policy().playbooks.opportunity.remove(0);
        for (mrr, expected) in [(500.0, "Answer within two working days."), (50_000.0, "Call today")] {
            let account = Account { mrr: Some(mrr), ..sample::account() };
            let wish = Wish { intent: Some(Intent::Upgrade), probability: 0.9, evidence: vec!["How much?".to_owned()] };
            let found = assess(wish, Some(&playbook), &account, &sample::policy()).recommended_action;
            assert!(found.starts_with(expected) && found.ends_with(&*playbook.action), "{found}");
        }
    }
}
