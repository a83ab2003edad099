//! Who may see what. The page is made of a view that does not hold what its audience may not see, and in which every text
//! is as it may be shown; the template escapes it.

use std::borrow::Cow;

use domain::{
    AccountId, Alert, Intent, Kind, Language, Priority, Record, Sentiment, Stage, Standing, TeamId, TicketId,
    TicketUpdate, TopicId, quote::Source, shown,
};
use jiff::{Timestamp, civil::Date};

use crate::{
    alerts::{Due, owner},
    chart::Spark,
    money::AtRisk,
};

/// Characters of a ticket that a page shows, the newest: whoever wants more opens it.
const MOST_SHOWN: usize = 8_000;

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
    /// Team leads: all of it, and how the whole goes.
    Lead,
}

impl Audience {
    /// Risk scores and the words they come from.
    pub(crate) fn sees_guardian(self) -> bool {
        matches!(self, Self::Everyone | Self::Accounts | Self::Lead)
    }

    /// Wishes to buy and the words they come from.
    pub(crate) fn sees_opportunity(self) -> bool {
        matches!(self, Self::Everyone | Self::Sales | Self::Lead)
    }

    /// What needs somebody today, how the week went, and whether the product was right.
    pub(crate) fn leads(self) -> bool {
        matches!(self, Self::Everyone | Self::Lead)
    }

    /// The e-mails that could not be delivered, where they lie on a site.
    pub(crate) fn opens_outbox(self) -> bool {
        self == Self::Accounts
    }

    /// What an account pays.
    pub(crate) fn sees_money(self) -> bool {
        self != Self::Support
    }

    /// A page for each account. The one page for all holds the same of some.
    pub(crate) fn has_account_pages(self) -> bool {
        matches!(self, Self::Accounts | Self::Sales | Self::Lead)
    }

    /// The words of a ticket that signals were read from, as far as this audience may know of the signals.
    pub(crate) fn quotes(self, record: &Record) -> Vec<&str> {
        let churn = self.sees_guardian().then_some(&record.guardian.evidence);
        let intent = self.sees_opportunity().then_some(&record.opportunity.evidence);
        churn.into_iter().chain(intent).flat_map(|quotes| quotes.iter()).map(String::as_str).collect()
    }

    /// The ticket as this audience may see it, at that moment.
    pub(crate) fn view(self, record: &Record, now: Timestamp) -> TicketView<'_> {
        let Record { guardian, opportunity, confidence, .. } = record;
        let draft = record.draft.as_ref().map(|draft| DraftView {
            text: shown::text(&draft.text),
            article_title: shown::line(&draft.article_title),
            composed: draft.composed,
            match_score: draft.match_score,
        });
        TicketView {
            ticket: record.ticket,
            account: &record.account,
            customer: shown::line(&record.customer),
            subject: shown::line(&record.subject),
            messages: messages(record, &self.quotes(record)),
            channel: shown::line(&record.channel),
            created_at: record.created_at,
            triaged_at: record.triaged_at,
            language: record.language,
            kind: record.kind,
            priority: record.priority,
            team: &record.agent,
            topic: record.topic.as_ref(),
            sentiment: guardian.sentiment,
            draft,
            standing: record.standing(now),
            priority_confidence: confidence.priority,
            team_confidence: confidence.agent,
            topic_confidence: confidence.topic,
            analyst: &record.analyst,
            by_fallback: record.fallback.is_some(),
            suspicious: record.suspicious,
            unsure: record.unsure,
            reasons: lines(&record.reasons),
            update: record.update.as_ref(),
            risk: self.sees_guardian().then_some(RiskView {
                score: guardian.risk_score,
                reasons: lines(&guardian.reasons),
                confidence: confidence.churn,
            }),
            wish: self.sees_opportunity().then_some(WishView {
                intent: opportunity.intent,
                reasons: lines(&opportunity.reasons),
                confidence: confidence.intent,
            }),
            money: self.sees_money().then_some(MoneyView { mrr: record.mrr }),
        }
    }
}

/// A ticket as one audience may see it: what it may not see is not in here.
pub(crate) struct TicketView<'a> {
    pub(crate) ticket: TicketId,
    pub(crate) account: &'a AccountId,
    pub(crate) customer: String,
    pub(crate) subject: String,
    /// Newest first.
    pub(crate) messages: Vec<MessageView>,
    pub(crate) channel: String,
    pub(crate) created_at: Timestamp,
    pub(crate) triaged_at: Timestamp,
    pub(crate) language: Language,
    pub(crate) kind: Kind,
    pub(crate) priority: Priority,
    pub(crate) team: &'a TeamId,
    pub(crate) topic: Option<&'a TopicId>,
    pub(crate) sentiment: Sentiment,
    pub(crate) draft: Option<DraftView<'a>>,
    pub(crate) standing: Standing,
    pub(crate) priority_confidence: f32,
    pub(crate) team_confidence: f32,
    pub(crate) topic_confidence: f32,
    pub(crate) analyst: &'a str,
    pub(crate) by_fallback: bool,
    pub(crate) suspicious: bool,
    pub(crate) unsure: bool,
    pub(crate) reasons: Vec<String>,
    pub(crate) update: Option<&'a TicketUpdate>,
    /// For those who look after the account.
    pub(crate) risk: Option<RiskView>,
    /// For sellers.
    pub(crate) wish: Option<WishView>,
    /// For both.
    pub(crate) money: Option<MoneyView>,
}

impl TicketView<'_> {
    /// Whether the draft went out to the customer.
    pub(crate) fn is_answered(&self) -> bool {
        match self.standing {
            Standing::Answered | Standing::AutoResolved => true,
            Standing::AnswerReady | Standing::Routed => false,
        }
    }
}

/// What the customer wrote at one time.
pub(crate) struct MessageView {
    /// Of those after the first; none of the first.
    pub(crate) number: Option<usize>,
    pub(crate) parts: Vec<Part>,
    /// It goes on in the helpdesk.
    pub(crate) cut: bool,
}

/// A stretch of a message.
pub(crate) struct Part {
    pub(crate) text: String,
    /// It is what a signal was read from.
    pub(crate) quoted: bool,
}

/// A reply as it was or would be sent.
pub(crate) struct DraftView<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) article_title: String,
    pub(crate) composed: bool,
    pub(crate) match_score: f32,
}

/// What the churn filter says.
pub(crate) struct RiskView {
    pub(crate) score: u8,
    pub(crate) reasons: Vec<String>,
    pub(crate) confidence: f32,
}

/// What the revenue filter says.
pub(crate) struct WishView {
    pub(crate) intent: Option<Intent>,
    pub(crate) reasons: Vec<String>,
    pub(crate) confidence: f32,
}

/// What the account pays.
pub(crate) struct MoneyView {
    pub(crate) mrr: Option<f64>,
}

/// An account at risk. Only for those who see Guardian.
pub(crate) struct AccountView {
    pub(crate) id: AccountId,
    pub(crate) customer: String,
    pub(crate) mrr: Option<f64>,
    pub(crate) money: Option<f64>,
    /// Of the newest ticket of high risk.
    pub(crate) score: u8,
    pub(crate) ticket: TicketId,
    pub(crate) at: Timestamp,
    /// The newest words about leaving; none where the text has expired.
    pub(crate) words: Option<String>,
    pub(crate) spark: Spark,
    pub(crate) alert: Option<StageView>,
    pub(crate) tickets: usize,
    pub(crate) last: (TicketId, Timestamp),
    pub(crate) wants: Option<Intent>,
}

/// The days that are drawn of an account.
#[derive(Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) last: Date,
    /// The first day that is still known whole.
    pub(crate) kept: Date,
}

/// Who does what about an account's alert.
pub(crate) struct StageView {
    pub(crate) stage: Stage,
    /// Who has it, else whom it went to.
    pub(crate) owner: String,
    pub(crate) due: Option<Due>,
}

impl StageView {
    pub(crate) fn of(alert: &Alert, due: Option<Due>) -> Self {
        Self { stage: alert.follow_up.stage.clone(), owner: owner(alert), due }
    }
}

/// The account with every text as the page may show it. `record` is that of its newest ticket of high risk.
pub(crate) fn account_as_shown(
    row: &AtRisk<'_>,
    record: Option<&Record>,
    due: Option<Due>,
    days: Drawn,
) -> AccountView {
    let account = row.account;
    AccountView {
        id: row.id.clone(),
        customer: shown::line(&account.customer),
        mrr: account.mrr,
        money: row.money,
        score: row.newest.score,
        ticket: row.newest.ticket,
        at: row.newest.at,
        words: record.and_then(|record| record.guardian.evidence.first()).map(|words| shown::line(words)),
        spark: Spark::new(&account.risk_by_day, days.last, days.kept),
        alert: row.alert.map(|alert| StageView::of(alert, due)),
        tickets: account.tickets,
        last: account.last,
        wants: account.wants,
    }
}

/// The newest of what the customer wrote, with the quotes marked.
fn messages(record: &Record, quotes: &[&str]) -> Vec<MessageView> {
    let later = record.follow_ups.iter().enumerate().map(|(index, text)| (Some(index + 1), text)).rev();
    let mut left = MOST_SHOWN;
    let mut messages = Vec::new();
    for (number, text) in later.chain([(None, &record.description)]) {
        if left == 0 {
            break;
        }
        let text = shown::text(text);
        let end = text.char_indices().nth(left).map_or(text.len(), |(end, _)| end);
        let (kept, cut) = text.split_at(end);
        left = left.saturating_sub(kept.chars().count());
        messages.push(MessageView { number, parts: parts(kept, quotes), cut: !cut.is_empty() });
    }
    messages
}

fn parts(text: &str, quotes: &[&str]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    let mut push = |range: std::ops::Range<usize>, quoted| {
        let text = text.get(range).unwrap_or_default();
        if !text.is_empty() {
            parts.push(Part { text: text.to_owned(), quoted });
        }
    };
    for place in Source::new([text]).places(quotes.iter().copied()) {
        push(at..place.start, false);
        at = place.end;
        push(place, true);
    }
    push(at..text.len(), false);
    parts
}

fn lines(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| shown::line(text)).collect()
}

#[cfg(test)]
mod tests {
    use domain::sample;

    use super::*;

    const CHURN: &str = "We are looking at other vendors";
    const WISH: &str = "What is your price for two more stores";

    fn told(view: &TicketView<'_>) -> Vec<(Option<usize>, Vec<String>)> {
        let quoted = |message: &MessageView| {
            message.parts.iter().filter(|part| part.quoted).map(|part| part.text.clone()).collect()
        };
        view.messages.iter().map(|message| (message.number, quoted(message))).collect()
    }

    #[test]
    fn only_quotes_an_audience_may_know_are_marked() {
        let record = sample::record(1, "Acme", sample::now());
        for (audience, quotes) in [
            (Audience::Everyone, &[CHURN, WISH][..]),
            (Audience::Lead, &[CHURN, WISH]),
            (Audience::Accounts, &[CHURN]),
            (Audience::Sales, &[WISH]),
            (Audience::Support, &[]),
        ] {
            let view = audience.view(&record, sample::now());
            assert_eq!(told(&view)[0].1, quotes, "{audience:?}");
            let text: String = view.messages[0].parts.iter().map(|part| part.text.as_str()).collect();
            assert_eq!(text, &*record.description, "{audience:?}");
        }
    }

    #[test]
    fn the_newest_message_comes_first() {
        let later = ["Any news?", "As I said: we are\nlooking at other vendors!"];
        let follow_ups = later.map(Into::into).to_vec();
        let record = Record { follow_ups, ..sample::record(1, "Acme", sample::now()) };
        let view = Audience::Accounts.view(&record, sample::now());
        let told = told(&view);
        assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [Some(2), Some(1), None]);
        assert_eq!(told[0].1, ["we are\nlooking at other vendors"]);
    }

    #[test]
    fn a_long_conversation_is_shown_from_its_end() {
        let long: std::sync::Arc<str> = "é".repeat(5_000).into();
        let record = Record { follow_ups: vec![long.clone(), long], ..sample::record(1, "Acme", sample::now()) };
        let view = Audience::Everyone.view(&record, sample::now());
        let shown = |message: &MessageView| message.parts.iter().map(|part| part.text.chars().count()).sum::<usize>();
        let told: Vec<_> = view.messages.iter().map(|message| (message.number, shown(message), message.cut)).collect();
        assert_eq!(told, [(Some(2), 5_000, false), (Some(1), 3_000, true)]);
    }
}
