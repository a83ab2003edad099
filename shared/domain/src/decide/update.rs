//! The one write to the helpdesk: fields, tags, comment.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Case;
use crate::{
    AgentProfile, AlertKind, Change, Decision, EarlierAlert, FieldChanges, Kind, Mode, Priority, Resolution, Stage,
    TicketUpdate,
    alert::Withheld,
    plan::{Comment, Suggestion, Wanted, Written},
    quote,
    reading::sure,
    tags::{self, Ours, Tag},
};

/// The write and what to remember of it, unless it would say what we said before.
pub(super) fn update(case: Case<'_>, decision: &Decision) -> (Option<TicketUpdate>, Option<Written>) {
    let Case { context, policy, .. } = case;
    let profile = policy.teams.get(&decision.agent);
    let changes = changes(decision, profile);
    let comment = comment(case, decision, profile);
    let last = context.state.written.as_ref();
    let tags = our_tags(decision, last);
    // Where nothing is to be said now, what was said before stands.
    let said = comment.as_ref().map(digest).or_else(|| last.map(|last| last.wanted.comment.clone()));
    let wanted = Wanted { changes, tags: tags.join(" "), comment: said.unwrap_or_default() };
    if last.is_some_and(|last| last.wanted == wanted) {
        return (None, None);
    }
    // What an agent has read already is not said again where only a field changes.
    let comment = comment.filter(|_| last.is_none_or(|last| last.wanted.comment != wanted.comment));
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
        pending: decision.resolution == Resolution::Answered,
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

fn our_tags(decision: &Decision, last: Option<&Written>) -> Vec<Tag> {
    // That a machine has answered stays true when the customer writes again.
    let before = last.is_some_and(|last| last.wanted.tags.split(' ').any(|tag| tag == tags::AUTO_ANSWERED));
    let mut tags = vec![tags::priority(decision.priority).into(), tags::agent(&decision.agent)];
    let signals = [
        (decision.guardian.is_high_risk(), tags::CHURN_RISK),
        (decision.opportunity.intent.is_some(), tags::UPSELL_OPPORTUNITY),
        (decision.resolution == Resolution::AnswerReady, tags::ANSWER_READY),
        (decision.fallback.is_some(), tags::FALLBACK),
        (decision.suspicious, tags::SUSPICIOUS),
        (decision.unsure, tags::UNSURE),
        (decision.resolution == Resolution::Answered || before, tags::AUTO_ANSWERED),
        (decision.kind == Kind::PersonInDanger, tags::PERSON_IN_DANGER),
    ];
    for (applies, tag) in signals {
        if applies {
            tags.push(tag.into());
        }
    }
    tags.extend(tags::kind(decision.kind));
    tags
}

/// The public answer, or a private note for the agent if it tells more than the fields do. Churn quotes and MRR stay out of
/// the helpdesk.
fn comment(case: Case<'_>, decision: &Decision, profile: Option<&AgentProfile>) -> Option<Comment> {
    if let (Resolution::Answered, Some(draft)) = (decision.resolution, &decision.draft) {
        return Some(Comment::answer(draft.text.clone()));
    }
    let danger = (decision.kind == Kind::PersonInDanger).then(|| case.policy.notes.danger.clone());
    let draft = decision.draft.as_ref().map(|draft| Suggestion {
        article_title: draft.article_title.clone(),
        text: draft.text.clone(),
        composed: draft.composed,
    });
    let told = told(case, decision);
    let doubtful = decision.unsure || decision.suspicious || decision.fallback.is_some();
    if draft.is_none() && danger.is_none() && told.is_empty() && !doubtful {
        return None;
    }
    let asked = decision.draft.iter().flat_map(|draft| &draft.questions);
    let asked = asked.filter(|asked| case.reading.is_open(&asked.quote)).map(|asked| {
        let answered = if asked.answered { "the draft answers it" } else { "the draft leaves it open" };
        format!("asked: “{}” ({answered})", quote::shown(&asked.quote))
    });
    let points = danger.into_iter().chain(told).chain(decision.reasons.iter().cloned()).chain(asked).collect();
    let note = Comment::note(headline(decision, profile).into(), points, draft);
    Some(Comment { aside: aside(case, decision).into(), ..note })
}

/// Nothing learns by itself: what people correct is counted under “Were we right?”.
const WRONG: &str = "wrong? change the field, corrections are counted";

/// How sure the labels are, since when there is an alert of a risk, and what becomes of a correction. When the alert's mail
/// goes out is decided later.
fn aside(case: Case<'_>, decision: &Decision) -> String {
    let confidence = decision.confidence.priority.min(decision.confidence.agent);
    // The headline says it already.
    let sure = (!decision.unsure).then(|| sure(confidence).to_owned());
    let raised = (decision.guardian.band().is_some() && case.policy.withholds().is_none()).then(|| {
        let own = |earlier: &&EarlierAlert| {
            earlier.key.ticket == case.context.ticket.id && earlier.key.kind == AlertKind::Guardian
        };
        let at = case.context.earlier.iter().filter(own).map(|earlier| earlier.at).min();
        format!("alert to the account manager of {}", moment(case, at.unwrap_or(case.now)))
    });
    // Only what we set can be corrected.
    let wrong = (decision.mode == Mode::Act).then(|| WRONG.to_owned());
    sure.into_iter().chain(raised).chain(wrong).collect::<Vec<_>>().join(" · ")
}

/// Who else was told of the ticket, and whether they have it: two people must not call.
fn told(case: Case<'_>, decision: &Decision) -> Vec<String> {
    let risk = decision.guardian.band().map(|_| {
        let told = told_of(case, AlertKind::Guardian, "the account manager", "a risk that this customer leaves");
        format!("{told}; promise no terms")
    });
    let wish = decision.opportunity.band().map(|_| {
        let told = told_of(case, AlertKind::Opportunity, "sales", "a wish to buy");
        format!("{told}; leave prices to them")
    });
    risk.into_iter().chain(wish).collect()
}

fn told_of(case: Case<'_>, kind: AlertKind, whom: &str, what: &str) -> String {
    if case.policy.withholds().is_some_and(|by| by == Withheld::Delivery) {
        return format!("there is {what}, but alerts are switched off: tell {whom}");
    }
    // That the ticket's own alert still waits is no news: a note would be said again with every comment.
    let news = |earlier: &&EarlierAlert| {
        let own = earlier.key.ticket == case.context.ticket.id;
        earlier.key.kind == kind && earlier.stage.is_open() && !(own && earlier.stage == Stage::New)
    };
    let earlier = case.context.earlier.iter().find(news);
    match earlier.map(|earlier| (&earlier.stage, earlier.at)) {
        Some((Stage::Taken { by, at }, _)) => {
            format!("{whom} is told of {what}: {by} has it since {}", moment(case, *at))
        }
        Some((Stage::New | Stage::Snoozed { .. }, at)) => {
            format!("{whom} is told of {what}; nobody has taken the alert of {} yet", moment(case, at))
        }
        Some((Stage::Settled { .. } | Stage::Wrong { .. }, _)) | None => format!("{whom} is told of {what}"),
    }
}

fn moment(case: Case<'_>, at: Timestamp) -> String {
    at.to_zoned_datetime(case.policy.time_zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// Such as `Triage: P1 · Sentinel (Compliance & Operations) · security report · unsure`.
fn headline(decision: &Decision, profile: Option<&AgentProfile>) -> String {
    let team = profile.map_or("", |profile| profile.team.as_str());
    let mut headline = format!("Triage: {} · {} ({team})", decision.priority, decision.agent.title());
    let words = [(decision.kind != Kind::Request, decision.kind.title()), (decision.unsure, "unsure")];
    for (_, word) in words.into_iter().filter(|(applies, _)| *applies) {
        headline.push_str(" · ");
        headline.push_str(word);
    }
    headline
}

/// Tells one comment from another without keeping its text: half a SHA-256, hexadecimal.
///
/// Of the words in the form notes had when they were one text: a new form alone is no reason to say a note again.
fn digest(comment: &Comment) -> String {
    let mut hash = Sha256::new();
    if !comment.headline.is_empty() {
        hash.update(format!("**{}**\n\n", comment.headline));
    }
    for point in comment.points.iter() {
        hash.update(format!("- {point}\n"));
    }
    hash.update(comment.text.as_bytes());
    if let Some(draft) = &comment.draft {
        hash.update(draft.text.as_bytes());
    }
    let digits = hash.finalize().into_iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::*;
    use crate::{
        AgentProfile, Decision, Draft, Priority, Reading, Scored, Teams, TicketContext, TicketState, decide,
        policy::Notes, sample,
    };

    /// The write to a ticket that was read so.
    fn written(reading: &Reading, state: &TicketState) -> (Decision, TicketUpdate) {
        let (ticket, account) = (sample::ticket(7), sample::account());
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state };
        let plan = decide(context, reading, &sample::policy(), sample::now());
        (plan.decision, plan.update.unwrap())
    }

    fn first(reading: &Reading) -> (Decision, TicketUpdate) {
        written(reading, &TicketState::default())
    }

    fn faq() -> Reading {
        let reading = sample::reading();
        let priority = Scored { value: Priority::P3, ..reading.priority };
        Reading { priority, draft: Some(sample::draft()), ..reading }
    }

    #[test]
    fn a_public_answer_is_the_companys() {
        let (decision, update) = first(&faq());
        let comment = update.comment.unwrap();
        let notice = "This answer was sent automatically. To reach a person, just reply to this message.";
        assert_eq!(*comment.text, format!("{notice}\n\nHi Acme team,\n\nPress reconnect.\nCustomer support"));
        assert!(comment.public && comment.headline.is_empty() && comment.points.is_empty());
        assert_eq!(decision.draft.unwrap().text, comment.text, "what is recorded is what was sent");
        assert!(update.tags.contains(&tags::AUTO_ANSWERED.into()));
    }

    #[test]
    fn a_private_draft_is_the_teams() {
        let (_, update) = first(&Reading { draft: Some(sample::draft()), ..sample::reading() });
        let comment = update.comment.unwrap();
        assert_eq!(comment.draft.unwrap().text, sample::draft().text);
        assert!(!comment.public && !update.tags.contains(&tags::AUTO_ANSWERED.into()));
    }

    #[test]
    fn a_private_draft_is_signed_in_its_language() {
        let mut policy = sample::policy();
        let signatures = BTreeMap::from([("de".to_owned(), "Ihr Team".to_owned())]);
        let signed = |profile: &AgentProfile| AgentProfile { signatures: signatures.clone(), ..profile.clone() };
        policy.teams = Teams::new(policy.teams.iter().map(signed).collect()).unwrap();
        let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
        for (language, signature) in [(crate::Language::De, "Ihr Team"), (crate::Language::Es, "The Nexus team")] {
            let reading = Reading { language, draft: Some(sample::draft()), ..sample::reading() };
            let decision = decide(context, &reading, &policy, sample::now()).decision;
            assert!(decision.draft.unwrap().text.ends_with(&format!("reconnect.\n\n{signature}")), "{language:?}");
        }
    }

    #[test]
    fn a_tag_says_that_a_machine_answered_before() {
        let (ticket, account) = (sample::ticket(7), sample::account());
        let state = TicketState::default();
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
        let plan = decide(context, &faq(), &sample::policy(), sample::now());
        let state = TicketState { written: plan.written, answered: Some(crate::Version(1)), ..state };
        let (decision, update) = written(&faq(), &state);
        assert_eq!(decision.resolution, Resolution::AnswerReady);
        assert!(update.tags.contains(&tags::AUTO_ANSWERED.into()));
    }

    #[test]
    fn doubt_and_kind_stand_in_the_headline() {
        let sure = sample::reading();
        let headline = |kind, priority: f32| {
            let (kind, confidence) = (Scored { value: kind, confidence: 0.9 }, priority);
            let priority = Scored { confidence, ..sure.priority };
            let draft = Some(sample::draft());
            let (_, update) = first(&Reading { kind, priority, draft, ..sure.clone() });
            let ours: Vec<String> = update
                .tags
                .iter()
                .filter(|tag| tag.starts_with("kind_") || **tag == tags::UNSURE)
                .map(ToString::to_string)
                .collect();
            (update.comment.unwrap().headline.to_string(), ours.join(" "))
        };
        let plain = "Triage: P2 · Nexus (Nexus desk)";
        assert_eq!(headline(Kind::Request, 0.9), (plain.to_owned(), String::new()));
        assert_eq!(headline(Kind::Request, 0.3), (format!("{plain} · unsure"), "triage_unsure".to_owned()));
        let alert = headline(Kind::MachineAlert, 0.3);
        assert_eq!(alert.1, "kind_machine_alert triage_unsure");
        assert!(alert.0.ends_with(" · machine alert · unsure"), "{}", alert.0);
    }

    #[test]
    fn an_agent_is_told_of_danger_first() {
        let kind = Scored { value: Kind::PersonInDanger, confidence: 0.9 };
        let (_, update) = first(&Reading { kind, ..sample::reading() });
        let comment = update.comment.unwrap();
        assert_eq!(comment.points.first(), Some(&Notes::default().danger));
        for tag in ["kind_person_in_danger", tags::PERSON_IN_DANGER] {
            assert!(update.tags.iter().any(|found| found == tag), "{tag}");
        }
    }

    #[test]
    fn a_note_of_the_former_form_is_not_repeated() {
        let former = Comment { public: false, ..Comment::answer("**Triage: P2**\n\n- why\n".into()) };
        let note = Comment::note("Triage: P2".into(), Arc::new(["why".to_owned()]), None);
        assert_eq!(digest(&former), digest(&note));
    }

    #[test]
    fn an_answer_speaks_the_customers_language() {
        let mut policy = sample::policy();
        for (language, notice, name) in [
            (crate::Language::Fr, "Cette réponse", "Le service client"),
            (crate::Language::De, "Diese Antwort", "Ihr Kundenservice"),
            (crate::Language::Es, "Esta respuesta", "Atención al cliente"),
        ] {
            let (_, update) = first(&Reading { language, ..faq() });
            let text = update.comment.unwrap().text;
            assert!(text.starts_with(notice) && text.ends_with(name), "{text}");
        }
        policy.answers.notice = None;
        policy.answers.company = Some("Acme Ltd".to_owned());
        let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
        let draft: Draft = decide(context, &faq(), &policy, sample::now()).decision.draft.unwrap();
        assert_eq!(&*draft.text, "Hi Acme team,\n\nPress reconnect.\nAcme Ltd");
    }
}
