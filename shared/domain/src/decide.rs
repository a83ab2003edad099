//! The decision: a pure function from what is known to what is done. Read → score → fields → alerts.

mod alerts;
mod answer;
mod update;

use jiff::Timestamp;

use crate::{
    Account, AlertKind, Decision, EarlierAlert, Grave, Kind, LeavingNotice, Mode, PastTicket, Plan, Policy, Priority,
    Reading, Resolution, Scored, TeamId, Ticket, TicketState,
    fingerprint::Fingerprint,
    guardian::{self, Churn, Guardian},
    kind::{self, Alerts, Rules},
    opportunity::{self, Opportunity},
    outage::{self, Outage},
    plan::{Correction, Field},
    playbooks::Facts,
    priority::{self, Settled},
    quote,
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
    /// Earlier alerts about the account that are known, newest first.
    pub earlier: &'a [EarlierAlert],
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
    settled: Settled,
    routed: Routed,
    churn: Churn,
    guardian: Guardian,
    opportunity: Opportunity,
    outage: Option<Outage>,
}

/// The team, and why it is another than was read.
struct Routed {
    agent: Scored<TeamId>,
    reason: Option<String>,
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
    let mode = effective_mode(context.ticket, policy);
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
    if let (Some(update), _) = update::update(case, &suggested) {
        let note = if update.comment.is_some() { "a private note, " } else { "" };
        decision.reasons.push(format!("withheld in shadow: {note}fields and tags"));
    }
    for alert in alerts::alerts(case, &suggested) {
        let said = format!("withheld in shadow: an alert of the {} band", alert.band);
        let reasons = match alert.signal.kind() {
            AlertKind::Guardian => &mut decision.guardian.reasons,
            AlertKind::Opportunity => &mut decision.opportunity.reasons,
            AlertKind::Outage => {
                decision.reasons.push("withheld in shadow: an alert to the team's lead".to_owned());
                continue;
            }
        };
        *reasons = reasons.iter().cloned().chain([said]).collect();
    }
    decision
}

/// Shadow outside the rollout.
fn effective_mode(ticket: &Ticket, policy: &Policy) -> Mode {
    if rollout::takes_part(&ticket.account, ticket.id, policy.rollout_percent) { policy.mode } else { Mode::Shadow }
}

/// Weighs the evidence that holds: the quotes are those that occur in the ticket.
fn scores(case: Case<'_>) -> Scores {
    let Case { context, reading, policy, .. } = case;
    let heard = heard(case);
    let churn_quotes = if reading.churn.value { reading.churn.quotes.clone() } else { Vec::new() };
    let churn = if heard.churn { churn_level(reading, &churn_quotes, policy) } else { Churn::None };
    let notice = case.notice().filter(|_| heard.churn);
    let settled = priority::settle(reading, notice, &policy.thresholds);
    let routed = routed(case, settled.priority, notice);
    let copies = Fingerprint::of(&context.ticket.description);
    let history = context.history.iter().filter(|past| copies.is_none() || past.fingerprint != copies);
    let history: Vec<&PastTicket> = history.collect();
    let mut facts = Facts {
        quotes: carrying(reading),
        texts: context.ticket.texts().collect(),
        notice: notice.is_some(),
        gravity: case.grave().map(|grave| grave.what),
        priority: settled.priority,
        sentiment: reading.sentiment.value,
        intent: reading.intent.value,
        tier: policy.tier(context.account.mrr),
        repeats: guardian::repeats(history.iter().copied(), &routed.agent.value, case.now),
        topic: reading.topic.as_ref().map(|topic| &topic.value),
        high_risk: true,
    };
    let risk = policy.playbooks.choose(AlertKind::Guardian, &facts);
    let inputs = guardian::Inputs {
        churn,
        sentiment: reading.sentiment.value,
        evidence: if heard.churn { churn_quotes } else { Vec::new() },
        agent: &routed.agent.value,
        history,
        mrr: context.account.mrr,
        health: context.account.health,
        playbook: risk,
    };
    let guardian = guardian::assess(inputs, policy, case.now);
    let guardian = if heard.churn { guardian } else { guardian.quiet() };
    let intent = reading.intent.value.filter(|_| heard.intent);
    let probability = if heard.intent { reading.intent.confidence } else { 0.0 };
    let wish = opportunity::Wish { intent, probability, evidence: reading.intent.quotes.clone() };
    facts.high_risk = guardian.is_high_risk();
    let sale = policy.playbooks.choose(AlertKind::Opportunity, &facts);
    let opportunity = opportunity::assess(wish, sale, context.account, policy);
    let outage = (settled.priority == Priority::P0 && heard.outage).then(|| {
        let playbook = policy.playbooks.choose(AlertKind::Outage, &facts);
        outage::assess(reading, case.grave(), settled.reasons.clone(), playbook)
    });
    Scores { settled, routed, churn, guardian, opportunity, outage }
}

/// The sentences that carry a signal, and the one that made the priority.
fn carrying(reading: &Reading) -> Vec<&str> {
    let signals = reading.churn.quotes.iter().chain(&reading.intent.quotes).map(String::as_str);
    let others = [
        reading.notice.as_ref().map(|notice| notice.quote.as_str()),
        reading.grave.as_ref().map(|grave| grave.quote.as_str()),
        reading.priority_quote.as_deref(),
    ];
    signals.chain(others.into_iter().flatten()).collect()
}

/// Which signals count in a ticket of its kind.
struct Heard {
    churn: bool,
    intent: bool,
    /// That it is a P0.
    outage: bool,
}

fn heard(case: Case<'_>) -> Heard {
    let (notice, grave) = (case.notice().is_some(), case.grave().is_some());
    match case.kind_rules().alerts {
        Alerts::All => Heard { churn: true, intent: true, outage: true },
        Alerts::Notice => Heard { churn: notice, intent: false, outage: grave },
        Alerts::None => Heard { churn: notice || grave, intent: false, outage: grave },
        Alerts::Never => Heard { churn: false, intent: false, outage: false },
    }
}

/// The team as read, unless the kind of ticket has one of its own, or the customer gives notice beside anything but a P0.
fn routed(case: Case<'_>, priority: Priority, notice: Option<&LeavingNotice>) -> Routed {
    let Case { reading, policy, .. } = case;
    let read = reading.agent.clone();
    let notice = notice.filter(|_| priority > Priority::P0);
    let (topic, confidence, why) = match (case.kind_rules().topic, notice) {
        (Some(topic), _) => (topic, reading.kind.confidence, format!("its matter is a {}", reading.kind.value.title())),
        (None, Some(notice)) => (kind::CONTRACT, notice.confidence, "the customer gives notice of leaving".to_owned()),
        (None, None) => return Routed { agent: read, reason: None },
    };
    let team = topic.parse().ok().and_then(|topic| policy.teams.of_topic(&topic, reading.language));
    match team.map(|profile| profile.agent.clone()) {
        Some(team) if team == read.value => {
            Routed { agent: Scored { confidence: read.confidence.max(confidence), ..read }, reason: None }
        }
        Some(team) => {
            let reason = Some(format!("given to {}: {why}", team.title()));
            Routed { agent: Scored { value: team, confidence }, reason }
        }
        None => Routed { agent: read, reason: None },
    }
}

impl<'a> Case<'a> {
    /// The sentence that nobody may overlook, if the analyst is sure enough of it.
    fn grave(self) -> Option<&'a Grave> {
        self.reading.grave.as_ref().filter(|grave| grave.confidence >= self.policy.thresholds.grave_at_least)
    }

    /// The sentence that gives notice of leaving, if the analyst is sure enough of it.
    fn notice(self) -> Option<&'a LeavingNotice> {
        self.reading.notice.as_ref().filter(|notice| notice.confidence >= self.policy.thresholds.grave_at_least)
    }

    /// What the kind of ticket may cause: a request's where the kind is not sure enough.
    fn kind_rules(self) -> Rules {
        kind::rules(if self.knows_kind() { self.reading.kind.value } else { Kind::Request })
    }

    /// The text instructs its reader, or is a fraud.
    fn is_suspicious(self) -> bool {
        self.reading.suspicious || self.knows_kind() && self.reading.kind.value == Kind::Phishing
    }

    fn knows_kind(self) -> bool {
        self.reading.kind.confidence >= self.policy.thresholds.kind_at_least
    }
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
    let Scores { settled, routed: Routed { agent, reason }, churn, guardian, opportunity, outage } = scores;
    let mut reasons = label_reasons(reading, settled.priority, policy);
    reasons.extend(held);
    reasons.extend(settled.reasons);
    reasons.extend(reason);
    let sure = settled.confidence.min(agent.confidence) >= policy.thresholds.unsure_below;
    let unsure = !sure || !case.knows_kind() || reading.kind.value == Kind::Empty;
    // A P0 or P1 needs a person and no article; so does what a machine should not talk into.
    let answerable = settled.priority >= Priority::P2
        && case.kind_rules().answerable
        && case.grave().is_none()
        && churn != Churn::Explicit;
    let draft = reading.draft.clone().filter(|_| answerable);
    let resolution = match &draft {
        None => Resolution::Routed,
        Some(draft) => {
            let candidate = reply::Candidate {
                context,
                reading,
                draft,
                priority: settled.priority,
                mode,
                churn_heard: churn != Churn::None,
                buying_signal: opportunity.intent.is_some(),
                unsure,
                now: case.now,
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
    let draft = draft.map(|draft| match resolution {
        Resolution::Answered => answer::public(draft, case),
        Resolution::AnswerReady | Resolution::Routed => answer::private(draft, case),
    });
    let shown = [&guardian.evidence, &opportunity.evidence].into_iter();
    let shown = shown.chain(outage.as_ref().map(|outage| &outage.evidence));
    let english = shown.flat_map(|evidence| reading.english_of(evidence)).collect();
    Decision {
        language: reading.language,
        kind: reading.kind.value,
        priority: settled.priority,
        agent: agent.value,
        topic: reading.topic.as_ref().map(|topic| topic.value.clone()),
        guardian,
        opportunity,
        outage,
        answerable,
        draft,
        resolution,
        confidence: Confidence {
            priority: settled.confidence,
            agent: agent.confidence,
            topic: reading.topic.as_ref().map_or(0.0, |topic| topic.confidence),
            churn: reading.churn.confidence,
            intent: reading.intent.confidence,
        },
        english,
        mode,
        analyst: reading.analyst.clone(),
        fallback: reading.fallback,
        suspicious: case.is_suspicious(),
        unsure,
        reasons,
    }
}

/// The ticket's own words for its labels, and where the analyst is unsure of one. Without the confidences: they stand in the
/// record, and a note must not change with a percentage.
fn label_reasons(reading: &Reading, settled: Priority, policy: &Policy) -> Vec<String> {
    let Reading { priority, agent, kind, .. } = reading;
    let unsure = |confidence: f32| confidence < policy.thresholds.unsure_below;
    let doubt = if unsure(priority.confidence) { ", but unsure" } else { "" };
    let mut reasons = Vec::new();
    match reading.priority_words().filter(|_| priority.value == settled) {
        Some(words) => reasons.push(format!("{settled}{doubt}: “{}”", quote::shown(words))),
        None if !doubt.is_empty() => reasons.push(format!("{}{doubt}", priority.value)),
        None => {}
    }
    if unsure(agent.confidence) {
        reasons.push(format!("{}, but unsure", agent.value.title()));
    }
    reasons.extend(reading.reason.as_ref().map(|reason| format!("the language model says: {reason}")));
    if kind.value != Kind::Request && unsure(kind.confidence) {
        reasons.push(format!("perhaps a {}", kind.value.title()));
    }
    if reading.suspicious {
        reasons.push("the text tries to instruct its reader; nothing is lowered or answered".to_owned());
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
