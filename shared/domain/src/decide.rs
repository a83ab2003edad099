//! The decision: a pure function from what is known to what is done.

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    Account, Alert, AlertKind, Delivery, EmailAddress, FieldValues, Mode, PastTicket, Plan, Policy, Priority, Reading,
    Record, Resolution, Ticket, TicketState, TicketUpdate,
    alert::Band,
    guardian::{self, Churn},
    kept, opportunity,
    plan::{Comment, Correction, Suggestion, Wanted, Written},
    policy::AgentProfile,
    priority, quote,
    record::Confidence,
    reply, rollout, second_opinion, tags,
};

/// Past tickets named in an alert.
const PAST_IN_ALERT: usize = 5;

/// What was gathered about a ticket.
#[derive(Clone, Copy, Debug)]
pub struct TicketContext<'a> {
    pub ticket: &'a Ticket,
    pub account: &'a Account,
    /// Earlier tickets of the account, newest first.
    pub history: &'a [PastTicket],
    pub state: &'a TicketState,
}

/// Turns evidence into effects.
///
/// The reading is not trusted: quotes that do not occur in the ticket are dropped, and a churn or buying claim without
/// any quote left raises no alert by itself. Ticket text can raise attention but never lower it:
/// what the reading's second opinion saw stands.
#[must_use]
pub fn decide(context: TicketContext<'_>, reading: &Reading, policy: &Policy, now: Timestamp) -> Plan {
    let TicketContext { ticket, account, history, state } = context;
    let reading = quote::grounded(reading.clone(), &quote::Source::new(ticket.texts()));
    let (reading, held) = second_opinion::held(&reading, &policy.thresholds);
    let reading = &*reading;
    let mode = effective_mode(ticket, reading, policy);

    let churn_quotes = if reading.churn.value { reading.churn.quotes.clone() } else { Vec::new() };
    let churn = churn_level(reading, &churn_quotes, policy);
    let (priority, moved) = priority::settle(reading.priority, churn == Churn::Explicit, &policy.thresholds);
    let agent = reading.agent.value;
    let guardian = guardian::assess(
        guardian::Inputs {
            churn,
            sentiment: reading.sentiment.value,
            evidence: churn_quotes,
            agent,
            history,
            mrr: account.mrr,
            health: account.health,
        },
        policy,
        now,
    );
    let opportunity = opportunity::assess(
        reading.intent.value,
        reading.intent.confidence,
        reading.intent.quotes.clone(),
        guardian.is_high_risk(),
        account,
        policy,
    );

    let draft = reading.draft.clone().filter(|_| priority >= Priority::P2);
    let answer = draft.as_ref().map(|draft| {
        let candidate = reply::Candidate {
            ticket,
            reading,
            draft,
            priority,
            mode,
            churn_heard: churn != Churn::None,
            buying_signal: opportunity.intent.is_some(),
            state,
        };
        reply::may_answer(candidate, policy)
    });
    let resolution = match answer {
        Some(Ok(())) => Resolution::AutoResolved,
        Some(Err(_)) => Resolution::AnswerReady,
        None => Resolution::Routed,
    };
    let mut reasons = label_reasons(reading, policy);
    reasons.extend(held);
    reasons.extend(moved);
    if let Some(Err(rule)) = answer {
        reasons.push(format!("the draft waits for an agent: {rule}"));
    }

    let mut record = Record {
        ticket: ticket.id,
        version: ticket.version,
        account: account.id.clone(),
        customer: kept::line(&account.name),
        subject: kept::line(&ticket.subject),
        description: kept::description(&ticket.description),
        channel: kept::line(&ticket.channel),
        mrr: account.mrr,
        created_at: ticket.created_at,
        triaged_at: now,
        language: reading.language,
        priority,
        agent,
        guardian,
        opportunity,
        draft,
        resolution,
        confidence: Confidence {
            priority: reading.priority.confidence,
            agent: reading.agent.confidence,
            churn: reading.churn.confidence,
            intent: reading.intent.confidence,
        },
        mode,
        analyst: reading.analyst.clone(),
        fallback: reading.fallback,
        suspicious: reading.suspicious,
        reasons,
        update: None,
        usage: reading.usage,
        duration_ms: 0,
    };
    let (update, written) = update(ticket, &record, state, policy);
    record.update = update;
    Plan {
        written,
        alerts: if mode == Mode::Shadow { Vec::new() } else { alerts(&record, account, history, policy) },
        record,
    }
}

/// Shadow outside the rollout; a suspicious ticket is never acted on beyond a suggestion.
fn effective_mode(ticket: &Ticket, reading: &Reading, policy: &Policy) -> Mode {
    if !rollout::takes_part(&ticket.account, ticket.id, policy.rollout_percent) {
        return Mode::Shadow;
    }
    if reading.suspicious && policy.mode == Mode::Act { Mode::Suggest } else { policy.mode }
}

/// Only the customer's own words make a risk explicit.
fn churn_level(reading: &Reading, quotes: &[String], policy: &Policy) -> Churn {
    let confidence = reading.churn.confidence;
    if !reading.churn.value || confidence < policy.thresholds.churn_likely {
        Churn::None
    } else if confidence >= policy.thresholds.churn_explicit && !quotes.is_empty() {
        Churn::Explicit
    } else {
        Churn::Likely
    }
}

/// Without the confidences: they stand in the record, and a note must not change with a percentage.
fn label_reasons(reading: &Reading, policy: &Policy) -> Vec<String> {
    let sure = |confidence: f32| if confidence < policy.thresholds.unsure_below { ", but is unsure" } else { "" };
    let Reading { analyst, priority, agent, .. } = reading;
    let mut reasons = vec![
        format!("{analyst} read the priority as {}{}", priority.value, sure(priority.confidence)),
        format!("{analyst} read the team as {}{}", agent.value.title(), sure(agent.confidence)),
    ];
    reasons.extend(reading.reason.as_ref().map(|reason| format!("in its words: {reason}")));
    if reading.suspicious {
        reasons.push("the text tries to instruct its reader; nothing beyond a suggestion is done".to_owned());
    }
    if reading.cut {
        reasons.push("the text was not read as a whole: it is too long, or took too long".to_owned());
    }
    reasons.extend(reading.fallback.map(|fallback| fallback.sentence().to_owned()));
    reasons
}

/// The write to the helpdesk and what to remember of it, unless it would say what we said before.
fn update(
    ticket: &Ticket,
    record: &Record,
    state: &TicketState,
    policy: &Policy,
) -> (Option<TicketUpdate>, Option<Written>) {
    let profile = policy.agents.get(&record.agent);
    let (priority, group) = match record.mode {
        Mode::Shadow => return (None, None),
        Mode::Suggest => (None, None),
        Mode::Act => (Some(record.priority), profile.and_then(|profile| profile.group)),
    };
    let comment = comment(record, profile);
    let tags = our_tags(record);
    let wanted = Wanted {
        values: FieldValues {
            priority,
            group,
            guardian_risk_score: Some(record.guardian.risk_score),
            opportunity_intent: record.opportunity.intent,
            agent: Some(record.agent),
        },
        tags: tags.join(" "),
        comment: digest(&comment),
    };
    let last = state.written.as_ref();
    if last.is_some_and(|last| last.wanted == wanted) {
        return (None, None);
    }
    let ours = last.map(|last| last.values).unwrap_or_default();
    let values = each_field(wanted.values, ticket.values, ours);
    let update = TicketUpdate {
        ticket: ticket.id,
        updated_stamp: ticket.updated_stamp.clone(),
        marker: format!("triage-{}-{}", ticket.id.number(), ticket.version.0).into(),
        values,
        pending: record.resolution == Resolution::AutoResolved,
        tags: tags::replaced(&ticket.tags, &tags),
        comment: Some(comment),
    };
    let values = FieldValues {
        priority: values.priority.or(ours.priority),
        group: values.group.or(ours.group),
        guardian_risk_score: values.guardian_risk_score.or(ours.guardian_risk_score),
        opportunity_intent: values.opportunity_intent.or(ours.opportunity_intent),
        agent: values.agent.or(ours.agent),
    };
    (Some(update), Some(Written { wanted, values }))
}

/// What may be set: a field is ours if it is empty or still holds what we last wrote.
fn each_field(wanted: FieldValues, seen: FieldValues, ours: FieldValues) -> FieldValues {
    fn if_ours<T: PartialEq>(wanted: Option<T>, seen: Option<T>, ours: Option<T>) -> Option<T> {
        if seen.is_none() || seen == ours { wanted } else { None }
    }
    FieldValues {
        priority: if_ours(wanted.priority, seen.priority, ours.priority),
        group: if_ours(wanted.group, seen.group, ours.group),
        guardian_risk_score: if_ours(wanted.guardian_risk_score, seen.guardian_risk_score, ours.guardian_risk_score),
        opportunity_intent: if_ours(wanted.opportunity_intent, seen.opportunity_intent, ours.opportunity_intent),
        agent: if_ours(wanted.agent, seen.agent, ours.agent),
    }
}

fn our_tags(record: &Record) -> Vec<&'static str> {
    [
        (true, tags::priority(record.priority)),
        (true, tags::agent(record.agent)),
        (record.guardian.is_high_risk(), tags::CHURN_RISK),
        (record.opportunity.intent.is_some(), tags::UPSELL_OPPORTUNITY),
        (record.resolution == Resolution::AnswerReady, tags::ANSWER_READY),
        (record.fallback.is_some(), tags::FALLBACK),
        (record.suspicious, tags::SUSPICIOUS),
    ]
    .into_iter()
    .filter(|(applies, _)| *applies)
    .map(|(_, tag)| tag)
    .collect()
}

/// The public answer, or a private note for the agent. Churn quotes and MRR stay out of the helpdesk.
fn comment(record: &Record, profile: Option<&AgentProfile>) -> Comment {
    if let (Resolution::AutoResolved, Some(draft)) = (record.resolution, &record.draft) {
        return Comment { public: true, text: draft.text.clone(), draft: None };
    }
    let team = profile.map_or("", |profile| profile.team.as_str());
    let mut text = format!("**Triage: {} · {} ({team})**\n\n", record.priority, record.agent.title());
    for reason in &record.reasons {
        text.push_str("- ");
        text.push_str(reason);
        text.push('\n');
    }
    let draft = record.draft.as_ref();
    let suggestion =
        draft.map(|draft| Suggestion { article_title: draft.article_title.clone(), text: draft.text.clone() });
    Comment { public: false, text: text.into(), draft: suggestion }
}

/// Tells one comment from another without keeping its text: half a SHA-256, hexadecimal.
fn digest(comment: &Comment) -> String {
    let mut hash = Sha256::new_with_prefix(comment.text.as_bytes());
    if let Some(draft) = &comment.draft {
        hash.update(draft.text.as_bytes());
    }
    let digits = hash.finalize().into_iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn alerts(record: &Record, account: &Account, history: &[PastTicket], policy: &Policy) -> Vec<Alert> {
    let guardian = record.guardian.band().map(|band| Alert {
        score: record.guardian.risk_score,
        evidence: record.guardian.evidence.clone(),
        reasons: record.guardian.reasons.clone(),
        recommended_action: record.guardian.recommended_action.clone(),
        ..alert(
            AlertKind::Guardian,
            band,
            account.kam.as_ref().unwrap_or(&policy.recipients.guardian),
            (record, account, history),
        )
    });
    let opportunity = record.opportunity.band().map(|band| Alert {
        score: record.opportunity.confidence,
        intent: record.opportunity.intent,
        evidence: record.opportunity.evidence.clone(),
        reasons: record.opportunity.reasons.clone(),
        recommended_action: record.opportunity.recommended_action.clone(),
        ..alert(AlertKind::Opportunity, band, &policy.recipients.opportunity, (record, account, history))
    });
    guardian.into_iter().chain(opportunity).collect()
}

/// What both kinds of alert say.
fn alert(
    kind: AlertKind,
    band: Band,
    recipient: &EmailAddress,
    (record, account, history): (&Record, &Account, &[PastTicket]),
) -> Alert {
    Alert {
        ticket: record.ticket,
        kind,
        band,
        version: record.version,
        at: record.triaged_at,
        recipient: recipient.clone(),
        account: account.id.clone(),
        customer: record.customer.clone(),
        mrr: account.mrr,
        plan: account.plan.clone(),
        health: account.health,
        subject: record.subject.clone(),
        priority: record.priority,
        agent: record.agent,
        sentiment: record.guardian.sentiment,
        score: 0,
        intent: None,
        evidence: Arc::default(),
        reasons: Arc::default(),
        recommended_action: Arc::default(),
        past: history.iter().take(PAST_IN_ALERT).cloned().collect(),
        delivery: Delivery::Pending,
    }
}

/// Fields that somebody set to something else than we had written, and that are not in the audit yet.
#[must_use]
pub fn corrections(ticket: &Ticket, state: &TicketState) -> Vec<Correction> {
    let Some(written) = &state.written else { return Vec::new() };
    let (seen, ours) = (ticket.values, written.values);
    [
        correction("priority", seen.priority, ours.priority),
        correction("group", seen.group.map(|group| group.0), ours.group.map(|group| group.0)),
        correction("guardian_risk_score", seen.guardian_risk_score, ours.guardian_risk_score),
        correction("opportunity_intent", seen.opportunity_intent, ours.opportunity_intent),
        correction("agent_id", seen.agent, ours.agent),
    ]
    .into_iter()
    .flatten()
    .filter(|correction| !state.corrections.contains(correction))
    .collect()
}

fn correction<T: PartialEq + std::fmt::Display>(field: &str, seen: Option<T>, ours: Option<T>) -> Option<Correction> {
    match (seen, ours) {
        (Some(seen), Some(ours)) if seen != ours => {
            Some(Correction { field: field.to_owned(), ours: ours.to_string(), theirs: seen.to_string() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
