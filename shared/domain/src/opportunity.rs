//! The revenue filter: what the customer wants to buy, and how sure we are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Account, Intent, Policy, alert::Band, policy::Tier};

/// Opportunity confidence from which an alert is critical, on the scale of [`guardian::CRITICAL`](crate::guardian::CRITICAL):
/// one cooldown rule serves both kinds.
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
pub fn assess(wish: Wish, high_risk: bool, account: &Account, policy: &Policy) -> Opportunity {
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
    let recommended_action =
        signal.map(|intent| recommended_action(intent, policy.tier(account.mrr), high_risk)).unwrap_or_default();
    Opportunity {
        intent: signal,
        confidence,
        evidence: evidence.into(),
        reasons: reasons.into(),
        recommended_action: recommended_action.into(),
    }
}

/// A probability in whole steps, 0 to `all`.
fn steps(probability: f32, all: u8) -> u8 {
    (probability * f32::from(all)).round().clamp(0.0, f32::from(all)) as u8
}

fn recommended_action(intent: Intent, tier: Tier, high_risk: bool) -> String {
    let first = match intent {
        Intent::PricingRequest => "Send a quote with the current plan beside it.",
        Intent::Upgrade => "Show what the next plan adds for the case in the ticket, and offer a trial of it.",
        Intent::Expansion => "Ask for volume and dates, and propose terms for the larger footprint.",
        Intent::CustomService => "Set up a scoping call with professional services.",
    };
    let when = match tier {
        Tier::Strategic => " Call today; the account manager should hear of it first.",
        Tier::Growth => " Call within one working day.",
        Tier::Standard => " Answer within two working days.",
    };
    let care = if high_risk { " The account is at risk: settle the complaint before talking about money." } else { "" };
    format!("{first}{when}{care}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn check(intent: Option<Intent>, probability: f32, quotes: usize, expected: Option<Band>) -> Opportunity {
        let evidence = vec!["How much is it?".to_owned(); quotes];
        let mut policy = sample::policy();
        policy.thresholds.opportunity_signal = 6;
        let found = assess(Wish { intent, probability, evidence }, false, &sample::account(), &policy);
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
    fn a_seller_is_warned_of_an_account_at_risk() {
        let sell = |high_risk| {
            let evidence = vec!["How much?".to_owned()];
            let wish = Wish { intent: Some(Intent::Upgrade), probability: 0.9, evidence };
            assess(wish, high_risk, &sample::account(), &sample::policy()).recommended_action
        };
        assert!(sell(true).contains("at risk"));
        assert!(!sell(false).contains("at risk"));
    }
}
