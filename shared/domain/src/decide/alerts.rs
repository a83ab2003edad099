//! Who has to act on what was decided.

use std::sync::Arc;

use super::Case;
use crate::{
    Alert, Decision, Delivery, EmailAddress, FollowUp,
    alert::{Band, Signal},
    kept,
};

/// Past tickets named in an alert: more than a page of a mail holds is not read.
const PAST_IN_ALERT: usize = 5;

/// What one filter says in its alert.
struct Message<'a> {
    band: Band,
    signal: Signal,
    recipient: &'a EmailAddress,
    evidence: &'a Arc<[String]>,
    reasons: &'a Arc<[String]>,
    recommended_action: &'a Arc<str>,
}

/// At most one of each kind.
pub(super) fn alerts(case: Case<'_>, decision: &Decision) -> Vec<Alert> {
    let Decision { guardian, opportunity, .. } = decision;
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
        };
        alerts.push(alert(case, decision, message));
    }
    alerts
}

fn alert(case: Case<'_>, decision: &Decision, message: Message<'_>) -> Alert {
    let Case { context, now, .. } = case;
    let account = context.account;
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
        sentiment: decision.guardian.sentiment,
        evidence: message.evidence.clone(),
        reasons: message.reasons.clone(),
        recommended_action: message.recommended_action.clone(),
        past: context.history.iter().take(PAST_IN_ALERT).cloned().collect(),
        delivery: Delivery::Pending,
        follow_up: FollowUp::default(),
    }
}
