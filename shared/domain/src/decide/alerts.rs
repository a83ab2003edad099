//! Who has to act on what was decided.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Case, carrying};
use crate::{
    Alert, AlertKind, Contact, Decision, Delivery, EarlierAlert, EmailAddress, FollowUp, Ticket,
    alert::{Band, Signal},
    deadline, kept,
    reply::was_at_risk,
};

/// Past tickets and earlier alerts named in an alert: more than a page of a mail holds is not read.
const PAST_IN_ALERT: usize = 5;

/// What is said of one kind alone.
struct Message<'a> {
    band: Band,
    signal: Signal,
    recipient: &'a EmailAddress,
    evidence: &'a Arc<[String]>,
    reasons: &'a Arc<[String]>,
    recommended_action: &'a Arc<str>,
    because: &'a Option<Arc<str>>,
    /// Of the signal, 0 to 1.
    probability: f32,
}

/// At most one of each kind.
pub(super) fn alerts(case: Case<'_>, decision: &Decision) -> Vec<Alert> {
    let Decision { guardian, opportunity, outage, .. } = decision;
    let recipients = &case.policy.recipients;
    let mut alerts = Vec::new();
    if let Some(band) = guardian.band() {
        let message = Message {
            band,
            signal: Signal::Guardian { score: guardian.risk_score },
            recipient: case.context.account.kam.as_ref().unwrap_or(&recipients.guardian),
            evidence: &guardian.evidence,
            reasons: &guardian.reasons,
            recommended_action: &guardian.recommended_action,
            because: &guardian.because,
            probability: decision.confidence.churn,
        };
        alerts.push(alert(case, decision, message));
    }
    if let (Some(band), Some(intent)) = (opportunity.band(), opportunity.intent) {
        let message = Message {
            band,
            signal: Signal::Opportunity { intent, confidence: opportunity.confidence },
            recipient: &recipients.opportunity,
            evidence: &opportunity.evidence,
            reasons: &opportunity.reasons,
            recommended_action: &opportunity.recommended_action,
            because: &opportunity.because,
            probability: decision.confidence.intent,
        };
        alerts.push(alert(case, decision, message));
    }
    if let Some(outage) = outage {
        let lead = case.policy.teams.get(&decision.agent).and_then(|team| team.lead.as_ref());
        let message = Message {
            band: Band::Critical,
            signal: Signal::Outage { what: outage.what },
            recipient: lead.unwrap_or(&recipients.lead),
            evidence: &outage.evidence,
            reasons: &outage.reasons,
            recommended_action: &outage.recommended_action,
            because: &outage.because,
            probability: decision.confidence.priority,
        };
        alerts.push(alert(case, decision, message));
    }
    alerts
}

fn alert(case: Case<'_>, decision: &Decision, message: Message<'_>) -> Alert {
    let Case { context, now, .. } = case;
    let account = context.account;
    let written_at = written_at(context.ticket, message.evidence, now);
    let said = written_at.to_zoned_datetime(case.policy.time_zone.clone());
    let sentences = message.evidence.iter().map(String::as_str).chain(carrying(case.reading));
    let deadline = deadline::earliest(sentences, decision.language, &said);
    Alert {
        ticket: context.ticket.id,
        band: message.band,
        signal: message.signal,
        version: context.ticket.version,
        at: now,
        recipient: message.recipient.clone(),
        account: account.id.clone(),
        customer: kept::line(&account.name),
        mrr: account.mrr,
        plan: account.plan.clone(),
        health: account.health,
        subject: kept::line(&context.ticket.subject),
        priority: decision.priority,
        unsure: decision.unsure,
        agent: decision.agent.clone(),
        topic: decision.topic.clone(),
        sentiment: decision.guardian.sentiment,
        evidence: message.evidence.clone(),
        english: case.reading.english_of(message.evidence),
        reasons: message.reasons.clone(),
        recommended_action: message.recommended_action.clone(),
        because: message.because.clone(),
        at_risk: message.signal.kind() == AlertKind::Opportunity
            && (decision.guardian.is_high_risk() || was_at_risk(context.history, now)),
        probability: Some(message.probability),
        happened: case.reading.happened().map(|text| kept::line(&text.into())),
        written_at: Some(written_at),
        deadline,
        contact: Contact::of(context.ticket),
        past: context.history.iter().take(PAST_IN_ALERT).cloned().collect(),
        earlier: earlier(context.earlier, message.signal.kind()),
        colleagues: case.policy.colleagues(account.kam.as_ref()).into(),
        delivery: Delivery::Pending,
        follow_up: FollowUp::default(),
    }
}

/// The newest of its own kind, which also say whether it was closed lately, and then of the others.
fn earlier(all: &[EarlierAlert], kind: AlertKind) -> Vec<EarlierAlert> {
    let (own, others): (Vec<&EarlierAlert>, Vec<_>) = all.iter().partition(|earlier| earlier.key.kind == kind);
    let mut some: Vec<EarlierAlert> = own.into_iter().chain(others).take(PAST_IN_ALERT).cloned().collect();
    some.sort_by_key(|earlier| std::cmp::Reverse(earlier.at));
    some
}

/// When the words were written: with the ticket, or just now where it went on since.
fn written_at(ticket: &Ticket, words: &[String], now: Timestamp) -> Timestamp {
    let first = ticket.follow_ups.is_empty() || words.iter().any(|quote| ticket.description.contains(quote));
    if first { ticket.created_at.min(now) } else { now }
}
