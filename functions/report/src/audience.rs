//! Who may see what. The page is made of a view that does not hold what its audience may not see.

use domain::{Draft, Intent, Language, Priority, Record, Resolution, Sentiment, TeamId, TicketId, TicketUpdate};
use jiff::Timestamp;

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

    /// The e-mails that could not be delivered, where they lie on a site.
    pub(crate) fn opens_outbox(self) -> bool {
        self == Self::Accounts
    }

    /// What an account pays.
    pub(crate) fn sees_money(self) -> bool {
        self != Self::Support
    }

    /// The ticket as this audience may see it.
    pub(crate) fn view(self, record: &Record) -> TicketView<'_> {
        let Record { guardian, opportunity, confidence, .. } = record;
        TicketView {
            ticket: record.ticket,
            customer: &record.customer,
            subject: &record.subject,
            description: &record.description,
            channel: &record.channel,
            created_at: record.created_at,
            language: record.language,
            priority: record.priority,
            team: &record.agent,
            sentiment: guardian.sentiment,
            draft: record.draft.as_ref(),
            resolution: record.resolution,
            priority_confidence: confidence.priority,
            team_confidence: confidence.agent,
            analyst: &record.analyst,
            by_fallback: record.fallback.is_some(),
            suspicious: record.suspicious,
            reasons: &record.reasons,
            update: record.update.as_ref(),
            risk: self.sees_guardian().then_some(RiskView {
                score: guardian.risk_score,
                reasons: &guardian.reasons,
                confidence: confidence.churn,
            }),
            wish: self.sees_opportunity().then_some(WishView {
                intent: opportunity.intent,
                reasons: &opportunity.reasons,
                confidence: confidence.intent,
            }),
            money: self.sees_money().then_some(MoneyView { mrr: record.mrr }),
        }
    }
}

/// A ticket as one audience may see it: what it may not see is not in here.
pub(crate) struct TicketView<'a> {
    pub(crate) ticket: TicketId,
    pub(crate) customer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) description: &'a str,
    pub(crate) channel: &'a str,
    pub(crate) created_at: Timestamp,
    pub(crate) language: Language,
    pub(crate) priority: Priority,
    pub(crate) team: &'a TeamId,
    pub(crate) sentiment: Sentiment,
    pub(crate) draft: Option<&'a Draft>,
    pub(crate) resolution: Resolution,
    pub(crate) priority_confidence: f32,
    pub(crate) team_confidence: f32,
    pub(crate) analyst: &'a str,
    pub(crate) by_fallback: bool,
    pub(crate) suspicious: bool,
    pub(crate) reasons: &'a [String],
    pub(crate) update: Option<&'a TicketUpdate>,
    /// For those who look after the account.
    pub(crate) risk: Option<RiskView<'a>>,
    /// For sellers.
    pub(crate) wish: Option<WishView<'a>>,
    /// For both.
    pub(crate) money: Option<MoneyView>,
}

/// What the churn filter says.
pub(crate) struct RiskView<'a> {
    pub(crate) score: u8,
    pub(crate) reasons: &'a [String],
    pub(crate) confidence: f32,
}

/// What the revenue filter says.
pub(crate) struct WishView<'a> {
    pub(crate) intent: Option<Intent>,
    pub(crate) reasons: &'a [String],
    pub(crate) confidence: f32,
}

/// What the account pays.
pub(crate) struct MoneyView {
    pub(crate) mrr: Option<f64>,
}
