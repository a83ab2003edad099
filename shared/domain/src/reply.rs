//! When a customer may be answered without a person in between.

use jiff::{SignedDuration, Timestamp};

use crate::{Draft, Kind, Mode, PastTicket, Policy, Priority, Reading, Sender, Sentiment, TicketContext};

/// The decision so far, as far as the rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub context: TicketContext<'a>,
    pub reading: &'a Reading,
    pub draft: &'a Draft,
    pub priority: Priority,
    pub mode: Mode,
    /// Guardian points: any churn evidence keeps a person in the loop, not only high risk.
    pub churn_heard: bool,
    pub buying_signal: bool,
    /// A person should look at the labels.
    pub unsure: bool,
    pub now: Timestamp,
}

/// How long an account that may leave is answered by people only.
const CAREFUL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether the account was at high risk lately.
pub(crate) fn was_at_risk(history: &[PastTicket], now: Timestamp) -> bool {
    history.iter().any(|past| past.high_risk && past.at <= now && now.duration_since(past.at) <= CAREFUL)
}

/// `Ok` if the draft may go out as a public reply, else the first rule that forbids it.
///
/// # Errors
/// A sentence for the record, naming the rule.
pub fn may_answer(candidate: Candidate<'_>, policy: &Policy) -> Result<(), &'static str> {
    let Candidate { context, reading, draft, priority, mode, churn_heard, buying_signal, unsure, now } = candidate;
    let TicketContext { ticket, history, state, .. } = context;
    let second_hears = reading.second.as_ref().is_some_and(|second| {
        let asks_only = second.kind.value == Kind::Request && second.grave.is_none();
        second.priority.value < Priority::P2 || second.churn.value || second.intent.value.is_some() || !asks_only
    });
    // An answer that was begun has set the ticket waiting itself.
    let touched = ticket.touched && state.answered.is_none();
    let at_risk = was_at_risk(history, now);
    let rules = [
        (!policy.auto_reply, "automatic answers are switched off"),
        (mode != Mode::Act, "automatic answers need the mode act"),
        (priority != Priority::P3, "only P3 is answered automatically"),
        (!draft.faq, "the article needs somebody to look at the account"),
        (!draft.composed, "a model wrote the draft"),
        (!reading.language.is_written(), "nothing frames an answer in that language"),
        (!draft.in_language, "the article is in another language than the ticket"),
        (draft.match_score < policy.thresholds.auto_reply_match, "the article does not fit well enough"),
        (unsure, "the analyst is unsure"),
        (draft.unanswered.is_some(), "a sentence is neither courtesy nor context nor the question that it answers"),
        (reading.mixed, "part of the text is older or somebody else's"),
        (churn_heard, "the customer may leave"),
        (at_risk, "the account was at high risk in the last 30 days"),
        (reading.sentiment.value == Sentiment::Angry, "the customer is angry"),
        (buying_signal, "the customer wants to buy"),
        (reading.suspicious, "the text tries to instruct its reader"),
        // What was left out may hold a complaint that the answer would ignore.
        (reading.cut, "the text was not read as a whole"),
        (reading.fallback.is_some(), "the analyst that should have read was not able to"),
        (second_hears, "a second analyst hears more in the ticket than a question"),
        (ticket.sender == Sender::Machine, "a machine wrote the ticket"),
        (ticket.sender == Sender::Suspended, "the helpdesk suspended the sender"),
        (ticket.sender == Sender::Staff, "no customer is behind the ticket"),
        (ticket.opened_privately, "the ticket was opened with a private note"),
        (touched || !state.corrections.is_empty(), "a colleague is at work on the ticket"),
        (state.answered.is_some_and(|answered| answered != ticket.version), "a public reply went out before"),
        (state.done.is_some(), "not the first triage of this ticket"),
        // Nobody knows any more what was said before.
        (state.erasure.is_some(), "the ticket's text was erased before"),
    ];
    rules.into_iter().find(|(forbids, _)| *forbids).map_or(Ok(()), |(_, rule)| Err(rule))
}
