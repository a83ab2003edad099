//! Who may see what. What an audience may not see is taken out before the page is rendered, not hidden in it.

use std::sync::Arc;

use domain::{Record, guardian::Guardian, opportunity::Opportunity};

/// The readers of one page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// A laptop's owner.
    Everyone,
    /// Support agents: tickets and drafts. No MRR, no quoted churn or buying signals.
    Support,
    /// Account managers: Guardian as well.
    Accounts,
    /// Sellers: Opportunity as well.
    Sales,
}

impl Audience {
    /// Risk scores and the words they come from.
    pub(crate) fn sees_guardian(self) -> bool {
        matches!(self, Self::Everyone | Self::Accounts)
    }

    /// Wishes to buy and the words they come from.
    pub(crate) fn sees_opportunity(self) -> bool {
        matches!(self, Self::Everyone | Self::Sales)
    }

    /// What an account pays.
    pub(crate) fn sees_money(self) -> bool {
        self != Self::Support
    }

    /// The record as this audience may see it.
    pub(crate) fn view(self, record: &Record) -> Record {
        let mut record = record.clone();
        if !self.sees_guardian() {
            record.guardian = Guardian {
                risk_score: 0,
                sentiment: record.guardian.sentiment,
                evidence: Arc::default(),
                reasons: Arc::default(),
                recommended_action: Arc::default(),
            };
        }
        if !self.sees_opportunity() {
            record.opportunity = Opportunity {
                intent: None,
                confidence: 0,
                evidence: Arc::default(),
                reasons: Arc::default(),
                recommended_action: Arc::default(),
            };
        }
        if !self.sees_money() {
            record.mrr = None;
        }
        record
    }
}
