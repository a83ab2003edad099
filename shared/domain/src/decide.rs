//! The decision: a pure function from what is known to what is done.

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    Account, Alert, AlertKind, Delivery, EmailAddress, FieldValues, Mode, PastTicket, Plan, Policy, Priority, Reading,
    Record, Resolution, Ticket, TicketState, TicketUpdate,
    alert::Band,
    guardian::{self, Churn},
    opportunity,
    plan::{Comment, Correction, Suggestion, Wanted, Written},
    policy::AgentProfile,
    priority, quote,
    record::Confidence,
    reply, rollout, tags,
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
/// any quote left raises no alert by itself. Ticket text can raise attention but never lower it.
#[must_use]
pub fn decide(context: TicketContext<'_>, reading: &Reading, policy: &Policy, now: Timestamp) -> Plan {
    let TicketContext { ticket, account, history, state } = context;
    let mode = effective_mode(ticket, reading, policy);

    let text = quote::Source::new(ticket.texts());
    let churn_quotes = if reading.churn.value { text.verified(&reading.churn.quotes) } else { Vec::new() };
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
        text.verified(&reading.intent.quotes),
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
    reasons.extend(moved);
    if let Some(Err(rule)) = answer {
        reasons.push(format!("the draft waits for an agent: {rule}"));
    }

    let mut record = Record {
        ticket: ticket.id,
        version: ticket.version,
        account: account.id.clone(),
        customer: account.name.clone(),
        subject: ticket.subject.clone(),
        description: ticket.description.clone(),
        channel: ticket.channel.clone(),
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
    if reading.suspicious {
        reasons.push("the text tries to instruct its reader; nothing beyond a suggestion is done".to_owned());
    }
    if reading.fallback {
        reasons.push("the language model could not be asked; the embedded analyst read instead".to_owned());
    }
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
        (record.fallback, tags::FALLBACK),
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
        customer: account.name.clone(),
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
mod tests {
    use super::*;
    use crate::{Intent, Version, sample};

    fn plan(ticket: &Ticket, reading: &Reading, policy: &Policy, state: &TicketState) -> Plan {
        let account = sample::account();
        decide(TicketContext { ticket, account: &account, history: &[], state }, reading, policy, sample::now())
    }

    fn first(reading: &Reading) -> Plan {
        plan(&sample::ticket(7), reading, &sample::policy(), &TicketState::default())
    }

    #[test]
    fn signals_become_one_update_two_alerts_and_one_record() {
        let plan = first(&sample::signals());
        let update = plan.record.update.expect("act writes");
        assert_eq!(plan.record.priority, Priority::P1, "a threat to leave over a fault");
        assert_eq!(update.values.priority, Some(Priority::P1));
        assert_eq!(update.values.guardian_risk_score, Some(7));
        assert_eq!(update.values.opportunity_intent, Some(Intent::Expansion));
        assert_eq!(*update.tags, ["agent_nexus", "churn_risk", "triage_p1", "upsell_opportunity"]);
        let kinds: Vec<_> = plan.alerts.iter().map(|alert| (alert.kind, alert.band, alert.score)).collect();
        assert_eq!(kinds, [(AlertKind::Guardian, Band::Elevated, 7), (AlertKind::Opportunity, Band::Elevated, 8)]);
        let note = update.comment.unwrap();
        assert!(!note.public);
        assert!(!note.text.contains("other vendors") && !note.text.contains("500"), "{}", note.text);
    }

    #[test]
    fn each_mode_does_what_it_says() {
        for (mode, writes, sets_priority, alerts) in
            [(Mode::Shadow, false, false, 0), (Mode::Suggest, true, false, 2), (Mode::Act, true, true, 2)]
        {
            let policy = Policy { mode, ..sample::policy() };
            let plan = plan(&sample::ticket(7), &sample::signals(), &policy, &TicketState::default());
            let values = plan.record.update.as_ref().map(|update| update.values).unwrap_or_default();
            assert_eq!(plan.record.update.is_some(), writes, "{mode}");
            assert_eq!(values.priority.is_some(), sets_priority, "{mode}");
            assert_eq!(values.group.is_some(), sets_priority, "{mode}");
            assert_eq!(values.agent.is_some(), writes, "{mode}");
            assert_eq!(plan.alerts.len(), alerts, "{mode}");
            assert!(plan.record.guardian.is_high_risk(), "the record says what was seen in every mode");
        }
    }

    #[test]
    fn outside_the_rollout_is_shadow() {
        let policy = Policy { rollout_percent: 0, ..sample::policy() };
        let plan = plan(&sample::ticket(7), &sample::signals(), &policy, &TicketState::default());
        assert_eq!((plan.record.mode, plan.record.update, plan.alerts.len()), (Mode::Shadow, None, 0));
    }

    #[test]
    fn invented_quotes_raise_no_alarm() {
        let mut reading = sample::signals();
        reading.churn.quotes = vec!["We have already signed with a competitor.".into()];
        reading.intent.quotes = vec!["Sell me everything.".into()];
        let plan = first(&reading);
        assert!(plan.alerts.is_empty(), "{:?}", plan.alerts);
        assert!(plan.record.guardian.evidence.is_empty());
        assert_eq!(plan.record.opportunity.intent, None);
        assert_eq!(plan.record.guardian.risk_score, 4, "a claim without words is likely at most");
    }

    #[test]
    fn a_confident_faq_is_answered_and_every_rule_can_stop_it() {
        let faq = Reading {
            priority: crate::Scored { value: Priority::P3, confidence: 0.9 },
            draft: Some(sample::draft()),
            ..sample::reading()
        };
        let answered = first(&faq);
        assert_eq!(answered.record.resolution, Resolution::AutoResolved);
        let update = answered.record.update.unwrap();
        assert!(update.pending && update.comment.unwrap().public);
        assert!(!update.tags.iter().any(|tag| tag == tags::ANSWER_READY));

        type Change = fn(&mut Ticket, &mut Reading, &mut Policy, &mut TicketState);
        let stops: [(&str, Change); 12] = [
            ("switched off", |_, _, policy, _| policy.auto_reply = false),
            ("mode act", |_, _, policy, _| policy.mode = Mode::Suggest),
            ("only P3", |_, reading, _, _| reading.priority.value = Priority::P2),
            ("look at the account", |_, reading, _, _| reading.draft.as_mut().unwrap().faq = false),
            ("not fit", |_, reading, _, _| reading.draft.as_mut().unwrap().match_score = 0.5),
            ("unsure", |_, reading, _, _| reading.agent.confidence = 0.3),
            ("may leave", |_, reading, _, _| reading.churn = sample::signals().churn),
            ("wants to buy", |_, reading, _, _| reading.intent = sample::signals().intent),
            ("not able", |_, reading, _, _| reading.fallback = true),
            ("machine", |ticket, _, _, _| ticket.automatic_sender = true),
            ("before", |_, _, _, state| state.answered = Some(Version(1))),
            ("first triage", |_, _, _, state| state.done = Some(Version(1))),
        ];
        for (rule, change) in stops {
            let (mut ticket, mut reading, mut policy) = (sample::ticket(7), faq.clone(), sample::policy());
            let mut state = TicketState::default();
            change(&mut ticket, &mut reading, &mut policy, &mut state);
            let plan = plan(&ticket, &reading, &policy, &state);
            assert_eq!(plan.record.resolution, Resolution::AnswerReady, "{rule}");
            assert!(
                plan.record.reasons.iter().any(|reason| reason.contains(rule)),
                "{rule}: {:?}",
                plan.record.reasons
            );
            let update = plan.record.update.unwrap();
            assert!(!update.pending && !update.comment.unwrap().public, "{rule}");
            assert!(update.tags.iter().any(|tag| tag == tags::ANSWER_READY), "{rule}");
        }
    }

    #[test]
    fn a_suspicious_ticket_is_only_suggested() {
        let reading = Reading { suspicious: true, draft: Some(sample::draft()), ..sample::signals() };
        let plan = first(&reading);
        let update = plan.record.update.unwrap();
        assert_eq!((plan.record.mode, update.values.priority), (Mode::Suggest, None));
        assert!(update.tags.iter().any(|tag| tag == tags::SUSPICIOUS));
        assert_eq!(plan.alerts.len(), 2, "suspicion never silences an alert");
    }

    #[test]
    fn drafts_are_for_p2_and_p3() {
        for (priority, kept) in
            [(Priority::P0, false), (Priority::P1, false), (Priority::P2, true), (Priority::P3, true)]
        {
            let reading = Reading {
                priority: crate::Scored { value: priority, confidence: 0.9 },
                draft: Some(sample::draft()),
                ..sample::reading()
            };
            assert_eq!(first(&reading).record.draft.is_some(), kept, "{priority}");
        }
    }

    #[test]
    fn an_unchanged_re_triage_writes_nothing() {
        let before = first(&sample::signals());
        let state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
        let mut ticket = sample::ticket(7);
        ticket.follow_ups.push("Any news?".into());
        ticket.values = before.record.update.unwrap().values;
        let again = plan(&ticket, &sample::signals(), &sample::policy(), &state);
        assert_eq!((again.record.update, again.written), (None, None));

        let worse = Reading { priority: crate::Scored { value: Priority::P0, confidence: 0.9 }, ..sample::signals() };
        let changed = plan(&ticket, &worse, &sample::policy(), &state);
        assert_eq!(changed.record.update.unwrap().values.priority, Some(Priority::P0), "our own value may be replaced");
    }

    #[test]
    fn somebody_elses_value_is_left_alone_and_reported_once() {
        let before = first(&sample::signals());
        let mut state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
        let mut ticket = sample::ticket(7);
        ticket.values = FieldValues { priority: Some(Priority::P3), ..before.record.update.unwrap().values };
        let found = corrections(&ticket, &state);
        assert_eq!(found, [Correction { field: "priority".into(), ours: "P1".into(), theirs: "P3".into() }]);
        let calmer = plan(&ticket, &sample::reading(), &sample::policy(), &state);
        assert_eq!(calmer.record.update.unwrap().values.priority, None);
        state.corrections = found;
        assert_eq!(corrections(&ticket, &state), []);

        let mut untouched = sample::ticket(8);
        untouched.values.priority = Some(Priority::P3);
        let plan = plan(&untouched, &sample::signals(), &sample::policy(), &TicketState::default());
        assert_eq!(plan.record.update.unwrap().values.priority, None, "set before we ever wrote");
    }

    #[test]
    fn alerts_go_to_the_accounts_own_manager() {
        let account = Account { kam: Some("ann@example.com".parse().unwrap()), ..sample::account() };
        let (ticket, state) = (sample::ticket(7), TicketState::default());
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], state: &state };
        let plan = decide(context, &sample::signals(), &sample::policy(), sample::now());
        let to: Vec<_> = plan.alerts.iter().map(|alert| alert.recipient.as_str()).collect();
        assert_eq!(to, ["ann@example.com", "sales@example.com"]);
    }
}
