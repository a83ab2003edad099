//! The decision: a pure function from what is known to what is done. Read → score → fields → alerts.

mod alerts;
mod answer;
mod update;

use jiff::Timestamp;

use crate::{
    Account, AlertKind, Decision, Mode, PastTicket, Plan, Policy, Priority, Reading, Resolution, Ticket, TicketState,
    guardian::{self, Churn, Guardian},
    opportunity::{self, Opportunity},
    plan::{Correction, Field},
    priority, quote,
    record::Confidence,
    reply, rollout, second_opinion,
};

/// What was gathered about a ticket.
#[derive(Clone, Copy, Debug)]
pub struct TicketContext<'a> {
    pub ticket: &'a Ticket,
    pub account: &'a Account,
    /// Earlier tickets of the account, newest first.
    pub history: &'a [PastTicket],
    pub state: &'a TicketState,
}

/// What every step of a decision looks at.
#[derive(Clone, Copy)]
struct Case<'a> {
    context: TicketContext<'a>,
    /// With what the second opinion put back.
    reading: &'a Reading,
    policy: &'a Policy,
    mode: Mode,
    now: Timestamp,
}

/// Labels and signals once the reading is weighed.
struct Scores {
    priority: Priority,
    churn: Churn,
    guardian: Guardian,
    opportunity: Opportunity,
    /// Which rules moved the priority.
    moved: Vec<String>,
}

/// Turns evidence into effects.
///
/// The reading is not trusted: quotes that do not occur in the ticket are dropped, and a churn or buying claim without
/// any quote left raises no alert by itself. Ticket text can raise attention but never lower it:
/// what the reading's second opinion saw stands.
#[must_use]
pub fn decide(context: TicketContext<'_>, reading: &Reading, policy: &Policy, now: Timestamp) -> Plan {
    let reading = quote::grounded(reading.clone(), &quote::Source::new(context.ticket.texts()));
    let (reading, held) = second_opinion::held(&reading, &policy.thresholds);
    let mode = effective_mode(context.ticket, &reading, policy);
    let case = Case { context, reading: &reading, policy, mode, now };

    let decision = decision(case, scores(case), held);
    if mode == Mode::Shadow {
        return Plan { decision: withheld(case, decision), update: None, written: None, alerts: Vec::new() };
    }
    let (update, written) = update::update(case, &decision);
    let alerts = alerts::alerts(case, &decision);
    Plan { decision, update, written, alerts }
}

/// The decision, saying what `suggest`, the mode after shadow, would have done: the record is all that anybody sees.
///
/// Each thing among the reasons of those who may know of it: support agents are not shown who may leave.
fn withheld(case: Case<'_>, mut decision: Decision) -> Decision {
    let suggested = Decision { mode: Mode::Suggest, ..decision.clone() };
    if update::update(case, &suggested).0.is_some() {
        decision.reasons.push("withheld in shadow: a private note, fields and tags".to_owned());
    }
    for alert in alerts::alerts(case, &suggested) {
        let reasons = match alert.signal.kind() {
            AlertKind::Guardian => &mut decision.guardian.reasons,
            AlertKind::Opportunity => &mut decision.opportunity.reasons,
        };
        let said = format!("withheld in shadow: an alert of the {} band", alert.band);
        *reasons = reasons.iter().cloned().chain([said]).collect();
    }
    decision
}

/// Shadow outside the rollout; a suspicious ticket is never acted on beyond a suggestion.
fn effective_mode(ticket: &Ticket, reading: &Reading, policy: &Policy) -> Mode {
    if !rollout::takes_part(&ticket.account, ticket.id, policy.rollout_percent) {
        return Mode::Shadow;
    }
    if reading.suspicious && policy.mode == Mode::Act { Mode::Suggest } else { policy.mode }
}

/// Weighs the evidence that holds: the quotes are those that occur in the ticket.
fn scores(case: Case<'_>) -> Scores {
    let Case { context, reading, policy, .. } = case;
    let churn_quotes = if reading.churn.value { reading.churn.quotes.clone() } else { Vec::new() };
    let churn = churn_level(reading, &churn_quotes, policy);
    let (priority, moved) = priority::settle(reading.priority, churn == Churn::Explicit, &policy.thresholds);
    let inputs = guardian::Inputs {
        churn,
        sentiment: reading.sentiment.value,
        evidence: churn_quotes,
        agent: &reading.agent.value,
        history: context.history,
        mrr: context.account.mrr,
        health: context.account.health,
    };
    let guardian = guardian::assess(inputs, policy, case.now);
    let opportunity = opportunity::assess(
        reading.intent.value,
        reading.intent.confidence,
        reading.intent.quotes.clone(),
        guardian.is_high_risk(),
        context.account,
        policy,
    );
    Scores { priority, churn, guardian, opportunity, moved }
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

/// What is decided, and a sentence for each thing that led there.
fn decision(case: Case<'_>, scores: Scores, held: Vec<String>) -> Decision {
    let Case { context, reading, policy, mode, .. } = case;
    let mut reasons = label_reasons(reading, policy);
    let unsure = reading.priority.confidence.min(reading.agent.confidence) < policy.thresholds.unsure_below;
    reasons.extend(held);
    reasons.extend(scores.moved);
    // A P0 or P1 needs a person and no article.
    let draft = reading.draft.clone().filter(|_| scores.priority >= Priority::P2);
    let resolution = match &draft {
        None => Resolution::Routed,
        Some(draft) => {
            let candidate = reply::Candidate {
                ticket: context.ticket,
                reading,
                draft,
                priority: scores.priority,
                mode,
                churn_heard: scores.churn != Churn::None,
                buying_signal: scores.opportunity.intent.is_some(),
                state: context.state,
            };
            match reply::may_answer(candidate, policy) {
                Ok(()) => Resolution::Answered,
                Err(rule) => {
                    reasons.push(format!("the draft waits for an agent: {rule}"));
                    Resolution::AnswerReady
                }
            }
        }
    };
    let draft = if resolution == Resolution::Answered { draft.map(|draft| answer::public(draft, case)) } else { draft };
    Decision {
        language: reading.language,
        kind: reading.kind.value,
        priority: scores.priority,
        agent: reading.agent.value.clone(),
        guardian: scores.guardian,
        opportunity: scores.opportunity,
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
        unsure,
        reasons,
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

/// Fields that somebody set to something else than we had written, and that are not in the audit yet.
#[must_use]
pub fn corrections(ticket: &Ticket, state: &TicketState) -> Vec<Correction> {
    let Some(written) = &state.written else { return Vec::new() };
    let (seen, ours) = (&ticket.values, &written.values);
    [
        correction(Field::Priority, seen.priority, ours.priority),
        correction(Field::Group, seen.group.map(|group| group.0), ours.group.map(|group| group.0)),
        correction(Field::GuardianRiskScore, seen.guardian_risk_score, ours.guardian_risk_score),
        correction(Field::OpportunityIntent, seen.opportunity_intent, ours.opportunity_intent),
        correction(Field::AgentId, seen.agent.as_ref(), ours.agent.as_ref()),
    ]
    .into_iter()
    .flatten()
    .filter(|correction| !state.corrections.contains(correction))
    .collect()
}

fn correction<T: PartialEq + std::fmt::Display>(field: Field, seen: Option<T>, ours: Option<T>) -> Option<Correction> {
    match (seen, ours) {
        (Some(seen), Some(ours)) if seen != ours => {
            Some(Correction { field, ours: ours.to_string(), theirs: seen.to_string() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
