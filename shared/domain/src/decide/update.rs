//! The one write to the helpdesk: fields, tags, comment.

use sha2::{Digest, Sha256};

use super::Case;
use crate::{
    Change, Decision, FieldChanges, Mode, Priority, Resolution, TicketUpdate,
    plan::{Comment, Suggestion, Wanted, Written},
    policy::AgentProfile,
    tags::{self, Ours, Tag},
};

/// The write and what to remember of it, unless it would say what we said before.
pub(super) fn update(case: Case<'_>, decision: &Decision) -> (Option<TicketUpdate>, Option<Written>) {
    let Case { context, policy, .. } = case;
    let profile = policy.teams.get(&decision.agent);
    let changes = changes(decision, profile);
    let comment = comment(decision, profile);
    let tags = our_tags(decision);
    let wanted = Wanted { changes, tags: tags.join(" "), comment: digest(&comment) };
    let last = context.state.written.as_ref();
    if last.is_some_and(|last| last.wanted == wanted) {
        return (None, None);
    }
    // What an agent has read already is not said again where only a field changes.
    let comment = Some(comment).filter(|_| last.is_none_or(|last| last.wanted.comment != wanted.comment));
    let ticket = context.ticket;
    let ours = last.map(|last| last.values.clone()).unwrap_or_default();
    let corrected = context.state.corrections.iter().map(|correction| correction.field);
    let changes = wanted.changes.if_ours(&ticket.values, &ours).without(corrected);
    let values = changes.clone().applied_to(ours);
    let our_tags = Ours::new(policy.teams.ids(), last.map_or("", |last| &last.wanted.tags));
    let update = TicketUpdate {
        ticket: ticket.id,
        updated_stamp: ticket.updated_stamp.clone(),
        marker: format!("triage-{}-{}", ticket.id.number(), ticket.version.0).into(),
        changes,
        before: ticket.values.clone(),
        pending: decision.resolution == Resolution::AutoResolved,
        tags: our_tags.replaced(&ticket.tags, &tags),
        comment,
    };
    (Some(update), Some(Written { wanted, values }))
}

/// What the fields should become, whoever owns them.
fn changes(decision: &Decision, profile: Option<&AgentProfile>) -> FieldChanges {
    let (priority, group) = match decision.mode {
        Mode::Shadow | Mode::Suggest => (Change::Keep, Change::Keep),
        // A text that instructs its reader may raise attention, as any text may, and never lower it.
        Mode::Act if decision.suspicious && decision.priority > Priority::P1 => (Change::Keep, Change::Keep),
        Mode::Act => {
            let group = profile.and_then(|profile| profile.group);
            (Change::Set(decision.priority), group.map_or(Change::Keep, Change::Set))
        }
    };
    FieldChanges {
        priority,
        group,
        guardian_risk_score: Change::Set(decision.guardian.risk_score),
        opportunity_intent: decision.opportunity.intent.map_or(Change::Clear, Change::Set),
        agent: Change::Set(decision.agent.clone()),
    }
}

fn our_tags(decision: &Decision) -> Vec<Tag> {
    let mut tags = vec![tags::priority(decision.priority).into(), tags::agent(&decision.agent)];
    let signals = [
        (decision.guardian.is_high_risk(), tags::CHURN_RISK),
        (decision.opportunity.intent.is_some(), tags::UPSELL_OPPORTUNITY),
        (decision.resolution == Resolution::AnswerReady, tags::ANSWER_READY),
        (decision.fallback.is_some(), tags::FALLBACK),
        (decision.suspicious, tags::SUSPICIOUS),
    ];
    for (applies, tag) in signals {
        if applies {
            tags.push(tag.into());
        }
    }
    tags
}

/// The public answer, or a private note for the agent. Churn quotes and MRR stay out of the helpdesk.
fn comment(decision: &Decision, profile: Option<&AgentProfile>) -> Comment {
    if let (Resolution::AutoResolved, Some(draft)) = (decision.resolution, &decision.draft) {
        return Comment { public: true, text: draft.text.clone(), draft: None };
    }
    let team = profile.map_or("", |profile| profile.team.as_str());
    let mut text = format!("**Triage: {} · {} ({team})**\n\n", decision.priority, decision.agent.title());
    for reason in &decision.reasons {
        text.push_str("- ");
        text.push_str(reason);
        text.push('\n');
    }
    let draft = decision.draft.as_ref();
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
