use super::*;
use crate::{
    AgentProfile, Band, Change, Fallback, FieldValues, Gravity, Intent, Record, SecondOpinion, Sender, Signal, Version,
    kept,
    reading::Usage,
    record::Effort,
    sample,
    tags::{self, Tag},
};

fn plan(ticket: &Ticket, reading: &Reading, policy: &Policy, state: &TicketState) -> Plan {
    let account = sample::account();
    decide(
        TicketContext { ticket, account: &account, history: &[], earlier: &[], state },
        reading,
        policy,
        sample::now(),
    )
}

fn first(reading: &Reading) -> Plan {
    plan(&sample::ticket(7), reading, &sample::policy(), &TicketState::default())
}

#[test]
fn signals_become_one_update_two_alerts_and_one_record() {
    let plan = first(&sample::signals());
    let update = plan.update.expect("act writes");
    assert_eq!(plan.decision.priority, Priority::P2, "who looks at others has given no notice");
    assert_eq!(update.changes.priority, Change::Set(Priority::P2));
    assert_eq!(update.changes.guardian_risk_score, Change::Set(7));
    assert_eq!(update.changes.opportunity_intent, Change::Set(Intent::Expansion));
    assert_eq!(*update.tags, ["agent_nexus", "churn_risk", "triage_p2", "upsell_opportunity"]);
    let kinds: Vec<_> = plan.alerts.iter().map(|alert| (alert.signal, alert.band)).collect();
    let wish = Signal::Opportunity { intent: Intent::Expansion, confidence: 8 };
    assert_eq!(kinds, [(Signal::Guardian { score: 7 }, Band::Elevated), (wish, Band::Elevated)]);
    let note = update.comment.unwrap();
    assert!(!note.public);
    let words = format!("{}{:?}{}", note.headline, note.points, note.text);
    assert!(!words.contains("other vendors") && !words.contains("500"), "{words}");
}

#[test]
fn an_english_line_stays_with_its_quote_and_decides_nothing() {
    let quote = "We are looking at other vendors.".to_owned();
    let invented = "Nobody can pay anywhere.".to_owned();
    let line = "Everything is down and we cancel.".to_owned();
    let english = [(quote.to_uppercase(), line.clone()), (invented, line.clone())].into();
    let translated = Reading { english, ..sample::signals() };
    let (plain, plan) = (first(&sample::signals()), first(&translated));
    assert_eq!(plan.decision.english, [(quote.clone(), line.clone())].into(), "by the ticket's own letters");
    assert_eq!(plan.alerts[0].english, [(quote, line)].into());
    assert!(plan.alerts[1].english.is_empty(), "of its own quotes alone");
    let without = |mut plan: Plan| {
        plan.decision.english.clear();
        plan.alerts.iter_mut().for_each(|alert| alert.english.clear());
        plan
    };
    assert_eq!(without(plan), plain, "nothing else differs");
}

#[test]
fn a_p0_is_told_to_the_lead_of_its_team() {
    let p0 = |reading: Reading| Reading { priority: crate::Scored { value: Priority::P0, confidence: 0.9 }, ..reading };
    let down = p0(sample::reading());
    let outages = |reading: &Reading, mode: Mode| {
        let plan = plan(&sample::ticket(7), reading, &Policy { mode, ..sample::policy() }, &TicketState::default());
        let raised = plan.alerts.iter().filter(|alert| alert.signal.kind() == AlertKind::Outage).count();
        (raised, plan.decision.outage.is_some(), plan.alerts.len())
    };
    for (what, reading, mode, expected) in [
        ("a P0", down.clone(), Mode::Act, (1, true, 1)),
        ("a P0 where fields are only suggested", down.clone(), Mode::Suggest, (1, true, 1)),
        ("a P0 in shadow", down.clone(), Mode::Shadow, (0, true, 0)),
        ("a P0 beside two signals", p0(sample::signals()), Mode::Act, (1, true, 3)),
        ("a P0 that instructs its reader", Reading { suspicious: true, ..down.clone() }, Mode::Act, (1, true, 1)),
        ("a P1", Reading { grave: grave(Gravity::Outage), ..sample::reading() }, Mode::Act, (0, false, 0)),
        ("a monitor", of_kind(Kind::MachineAlert, down.clone()), Mode::Act, (0, false, 0)),
        (
            "a monitor with a grave sentence",
            Reading { grave: grave(Gravity::Outage), ..of_kind(Kind::MachineAlert, down.clone()) },
            Mode::Act,
            (1, true, 1),
        ),
        ("a person in danger", of_kind(Kind::PersonInDanger, down.clone()), Mode::Act, (0, false, 0)),
    ] {
        assert_eq!(outages(&reading, mode), expected, "{what}");
    }
    let shadow = Policy { mode: Mode::Shadow, ..sample::policy() };
    let reasons = plan(&sample::ticket(7), &down, &shadow, &TicketState::default()).decision.reasons;
    assert!(reasons.contains(&"withheld in shadow: an alert to the team's lead".to_owned()), "{reasons:?}");
}

#[test]
fn a_p0_goes_to_its_teams_lead_or_the_common_one() {
    let priority = crate::Scored { value: Priority::P0, confidence: 0.9 };
    let down = Reading { priority, grave: grave(Gravity::Outage), ..sample::reading() };
    let mut policy = sample::policy();
    let common = plan(&sample::ticket(7), &down, &policy, &TicketState::default()).alerts.remove(0);
    assert_eq!(common.recipient, policy.recipients.lead);
    assert_eq!((common.signal, common.band), (Signal::Outage { what: Some(Gravity::Outage) }, Band::Critical));
    assert_eq!(*common.evidence, ["Orders have not synced since Monday."]);
    assert_eq!(common.topic.as_ref().map(crate::TopicId::as_str), Some("order-sync"));
    assert_eq!(common.because.as_deref(), Some("nothing comes over between systems"), "the playbook of the topic");
    let nexus: crate::EmailAddress = "nexus@example.com".parse().unwrap();
    let lead = |profile: AgentProfile| {
        let lead = (profile.agent.as_str() == "nexus").then(|| nexus.clone());
        AgentProfile { lead, ..profile }
    };
    policy.teams = crate::Teams::new(policy.teams.iter().cloned().map(lead).collect()).unwrap();
    let own = plan(&sample::ticket(7), &down, &policy, &TicketState::default()).alerts.remove(0);
    assert_eq!(own.recipient, nexus);
}

#[test]
fn a_note_is_written_only_where_it_adds_something() {
    let quiet = sample::reading();
    let unsure = crate::Scored { confidence: 0.3, ..quiet.priority };
    let p0 = crate::Scored { value: Priority::P0, confidence: 0.9 };
    for (what, reading, expected) in [
        ("nothing", quiet.clone(), false),
        ("urgent and sure", Reading { priority: p0, ..quiet.clone() }, false),
        ("a draft", Reading { draft: Some(sample::draft()), ..quiet.clone() }, true),
        ("unsure", Reading { priority: unsure, ..quiet.clone() }, true),
        ("fallback", Reading { fallback: Some(Fallback::Refused), ..quiet.clone() }, true),
        ("suspicious", Reading { suspicious: true, ..quiet.clone() }, true),
        ("a person in danger", of_kind(Kind::PersonInDanger, quiet), true),
        ("a risk and a wish", sample::signals(), true),
    ] {
        let comment = first(&reading).update.unwrap().comment;
        assert_eq!(comment.is_some(), expected, "{what}");
    }
}

#[test]
fn reasons_are_the_tickets_own_words() {
    let quiet = sample::reading();
    let reasons = |reading: &Reading| first(reading).decision.reasons;
    assert_eq!(reasons(&quiet), ["P2: “Orders have not synced since Monday.”"]);
    let unsure = crate::Scored { confidence: 0.3, ..quiet.priority };
    assert_eq!(
        reasons(&Reading { priority: unsure, ..quiet.clone() }),
        ["P2, but unsure: “Orders have not synced since Monday.”"]
    );
    let invented = Some("All of our shops are down.".to_owned());
    assert_eq!(reasons(&Reading { priority_quote: invented, ..quiet.clone() }), Vec::<String>::new());
    let raised = reasons(&Reading { grave: grave(Gravity::Loss), ..quiet });
    let told = "raised to P1: one sentence tells of a loss of data or money: “Orders have not synced since Monday.”";
    assert_eq!(raised, [told], "the words of the P2 are no reason for a P1");
}

#[test]
fn support_is_shown_no_words_of_a_signal() {
    let words = "We are looking at other vendors.".to_owned();
    let loud = Reading { priority_quote: Some(words.clone()), ..sample::signals() };
    let plan = first(&loud);
    let note = format!("{:?}{:?}", plan.decision.reasons, plan.update.unwrap().comment);
    assert!(!note.contains(&words), "{note}");
    assert_eq!(plan.alerts[0].happened.as_deref(), Some(&*words), "the account manager is");
}

#[test]
fn a_sentence_with_a_secret_is_quoted_nowhere() {
    let words = "Orders have not synced since Monday.".to_owned();
    let secret = Reading { hidden: vec![words.clone()], grave: grave(Gravity::Loss), ..sample::signals() };
    let plan = first(&secret);
    let told = format!("{:?}{:?}{:?}", plan.decision.reasons, plan.update.unwrap().comment, plan.alerts[0].happened);
    assert!(!told.contains(&words), "{told}");
}

fn earlier(kind: AlertKind, stage: crate::Stage) -> EarlierAlert {
    let key = crate::AlertKey { ticket: sample::ticket_id(3), kind, band: Band::Elevated };
    EarlierAlert { key, version: Version(1), at: sample::now(), stage }
}

#[test]
fn a_note_tells_who_was_told_and_who_has_it() {
    let taken = crate::Stage::Taken { by: "ann@example.com".parse().unwrap(), at: sample::now() };
    let risk = "the account manager is told of a risk that this customer leaves";
    for (stage, expected) in [
        (None, format!("{risk}; promise no terms")),
        (Some(taken), format!("{risk}: ann@example.com has it since 2026-11-16 09:00 UTC; promise no terms")),
        (
            Some(crate::Stage::New),
            format!("{risk}; nobody has taken the alert of 2026-11-16 09:00 UTC yet; promise no terms"),
        ),
    ] {
        let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
        let earlier: Vec<EarlierAlert> = stage.into_iter().map(|stage| earlier(AlertKind::Guardian, stage)).collect();
        let context =
            TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &earlier, state: &state };
        let plan = decide(context, &sample::signals(), &sample::policy(), sample::now());
        let points = plan.update.unwrap().comment.unwrap().points;
        assert_eq!(points[..2], [expected, "sales is told of a wish to buy; leave prices to them".to_owned()]);
        assert_eq!(plan.alerts[0].earlier, earlier);
    }
    let policy = Policy { delivery: false, ..sample::policy() };
    let update = plan(&sample::ticket(7), &sample::signals(), &policy, &TicketState::default()).update.unwrap();
    assert!(update.comment.unwrap().points[0].contains("alerts are switched off"));
}

#[test]
fn a_wish_knows_of_a_risk() {
    let calm = Reading { churn: sample::reading().churn, ..sample::signals() };
    let past = |days| PastTicket { high_risk: true, ..past(1, days, "We are leaving.") };
    let quiet = PastTicket { high_risk: false, ..past(3) };
    for (reading, history, at_risk) in [
        (&sample::signals(), vec![], true),
        (&calm, vec![past(3)], true),
        (&calm, vec![past(31)], false),
        (&calm, vec![quiet], false),
        (&calm, vec![], false),
    ] {
        let alerts = with_history(reading, &sample::ticket(7), &history).alerts;
        let told = alerts.iter().map(|alert| (alert.signal.kind(), alert.at_risk));
        assert!(told.clone().any(|told| told == (AlertKind::Opportunity, at_risk)), "{history:?}");
        assert!(!told.clone().any(|told| told == (AlertKind::Guardian, true)));
    }
}

#[test]
fn an_alert_remembers_its_own_kind_first() {
    let at = |hours| sample::now() - jiff::SignedDuration::from_hours(hours);
    let risk = |hours| EarlierAlert { at: at(hours), ..earlier(AlertKind::Guardian, crate::Stage::New) };
    let wish = EarlierAlert { at: at(9), ..earlier(AlertKind::Opportunity, crate::Stage::New) };
    let all: Vec<EarlierAlert> = (1..=6).map(risk).chain([wish.clone()]).collect();
    let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &all, state: &state };
    let alerts = decide(context, &sample::signals(), &sample::policy(), sample::now()).alerts;
    assert_eq!(alerts[0].earlier, all[..5]);
    assert_eq!(alerts[1].earlier, [&all[..4], &[wish]].concat(), "newest first");
}

#[test]
fn a_note_says_how_sure_and_when_an_alert_was_raised() {
    let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
    let aside = |earlier: &[EarlierAlert], reading: &Reading, policy: &Policy| {
        let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier, state: &state };
        let later = sample::now() + jiff::SignedDuration::from_hours(1);
        decide(context, reading, policy, later).update.unwrap().comment.unwrap().aside.to_string()
    };
    let policy = sample::policy();
    let suggesting = Policy { mode: Mode::Suggest, ..sample::policy() };
    let own = EarlierAlert {
        key: crate::AlertKey { ticket: ticket.id, kind: AlertKind::Guardian, band: Band::Elevated },
        ..earlier(AlertKind::Guardian, crate::Stage::New)
    };
    let unsure = Reading { priority: crate::Scored { value: Priority::P2, confidence: 0.3 }, ..sample::signals() };
    for (earlier, reading, policy, expected) in [
        (
            &[][..],
            &sample::signals(),
            &policy,
            "very sure · alert to the account manager of 2026-11-16 10:00 UTC · WRONG",
        ),
        (
            &[own],
            &sample::signals(),
            &policy,
            "very sure · alert to the account manager of 2026-11-16 09:00 UTC · WRONG",
        ),
        (&[], &unsure, &policy, "alert to the account manager of 2026-11-16 10:00 UTC · WRONG"),
        (&[], &sample::signals(), &Policy { delivery: false, ..policy.clone() }, "very sure · WRONG"),
        (&[], &sample::signals(), &suggesting, "very sure · alert to the account manager of 2026-11-16 10:00 UTC"),
    ] {
        let wrong = "wrong? change the field, corrections are counted";
        assert_eq!(aside(earlier, reading, policy), expected.replace("WRONG", wrong));
    }
}

#[test]
fn what_stands_aside_is_no_reason_to_say_a_note_again() {
    let before = first(&sample::signals());
    let state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
    let surer = Reading { agent: crate::Scored { confidence: 0.8, ..sample::signals().agent }, ..sample::signals() };
    assert_eq!(plan(&sample::ticket(7), &surer, &sample::policy(), &state).written, None);
}

#[test]
fn a_note_ticks_the_questions_off() {
    let asked = |quote: &str, answered| crate::reading::AskedQuestion { quote: quote.to_owned(), answered };
    let questions =
        vec![asked("What is your price for two more stores?", true), asked("Who has stolen my cat?", false)];
    let reading = Reading { draft: Some(crate::Draft { questions, ..sample::draft() }), ..sample::reading() };
    let points = first(&reading).update.unwrap().comment.unwrap().points;
    let last = points.last().unwrap();
    assert_eq!(last, "asked: “What is your price for two more stores?” (the draft answers it)");
    assert!(!points.iter().any(|point| point.contains("cat")), "nobody asked that");
}

#[test]
fn an_alert_says_whom_to_call_by_when_and_why() {
    let ticket = Ticket {
        description:
            "Orders have not synced since Monday. We are moving to a competitor tomorrow at 9. \n\nAnn Lee, CFO".into(),
        ..sample::ticket(7)
    };
    let quotes = vec!["We are moving to a competitor tomorrow at 9.".to_owned()];
    let churn = crate::reading::Signal { value: true, confidence: 0.9, quotes };
    let reading = Reading { churn, ..sample::reading() };
    let mut policy = sample::policy();
    policy.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let alert = plan(&ticket, &reading, &policy, &TicketState::default()).alerts.remove(0);
    assert_eq!(alert.deadline.as_ref().map(ToString::to_string).as_deref(), Some("Tue 17 Nov, 09:00"));
    let contact = alert.contact.unwrap();
    assert_eq!((contact.name.as_str(), contact.role.as_deref()), ("Ann Lee", Some("CFO")));
    assert_eq!(alert.because.as_deref(), Some("another vendor is named"));
    assert!(alert.recommended_action.contains("what the other one does better"), "{}", alert.recommended_action);
    assert_eq!(alert.happened.as_deref(), Some("Orders have not synced since Monday."));
    assert_eq!((alert.probability, alert.written_at), (Some(0.9), Some(ticket.created_at)));
}

#[test]
fn each_mode_does_what_it_says() {
    for (mode, writes, sets_priority, alerts) in
        [(Mode::Shadow, false, false, 0), (Mode::Suggest, true, false, 2), (Mode::Act, true, true, 2)]
    {
        let policy = Policy { mode, ..sample::policy() };
        let plan = plan(&sample::ticket(7), &sample::signals(), &policy, &TicketState::default());
        let changes = plan.update.as_ref().map(|update| update.changes.clone()).unwrap_or_default();
        assert_eq!(plan.update.is_some(), writes, "{mode}");
        assert_eq!(changes.priority != Change::Keep, sets_priority, "{mode}");
        assert_eq!(changes.group != Change::Keep, sets_priority, "{mode}");
        assert_eq!(changes.agent != Change::Keep, writes, "{mode}");
        assert_eq!(plan.alerts.len(), alerts, "{mode}");
        assert!(plan.decision.guardian.is_high_risk(), "the record says what was seen in every mode");
    }
}

#[test]
fn shadow_says_what_was_withheld_to_those_who_may_know() {
    let policy = Policy { mode: Mode::Shadow, ..sample::policy() };
    let decision = |reading: &Reading| plan(&sample::ticket(7), reading, &policy, &TicketState::default()).decision;
    let said = |reasons: &[String]| reasons.iter().filter(|reason| reason.starts_with("withheld")).cloned().collect();
    let (both, none): (_, Vec<String>) = (decision(&sample::signals()), Vec::new());
    let reasons: Vec<String> = said(&both.reasons);
    assert_eq!(reasons, ["withheld in shadow: a private note, fields and tags"], "what support sees tells of no alert");
    for reasons in [said(&both.guardian.reasons), said(&both.opportunity.reasons)] {
        assert!(
            matches!(&reasons[..], [one] if one.starts_with("withheld in shadow: an alert of the ")),
            "{reasons:?}"
        );
    }
    let quiet = decision(&sample::reading());
    assert_eq!((said(&quiet.guardian.reasons), said(&quiet.opportunity.reasons)), (none.clone(), none));
}

#[test]
fn outside_the_rollout_is_shadow() {
    let policy = Policy { rollout_percent: 0, ..sample::policy() };
    let plan = plan(&sample::ticket(7), &sample::signals(), &policy, &TicketState::default());
    assert_eq!((plan.decision.mode, plan.update, plan.alerts.len()), (Mode::Shadow, None, 0));
}

#[test]
fn invented_quotes_raise_no_alarm() {
    let mut reading = sample::signals();
    reading.churn.quotes = vec!["We have already signed with a competitor.".into()];
    reading.intent.quotes = vec!["Sell me everything.".into()];
    let plan = first(&reading);
    assert!(plan.alerts.is_empty(), "{:?}", plan.alerts);
    assert!(plan.decision.guardian.evidence.is_empty());
    assert_eq!(plan.decision.opportunity.intent, None);
    let silent = Reading { churn: sample::reading().churn, ..sample::signals() };
    assert_eq!(
        plan.decision.guardian.risk_score,
        first(&silent).decision.guardian.risk_score,
        "as if nothing was said"
    );
}

#[test]
fn a_confident_faq_is_answered_and_every_rule_can_stop_it() {
    let faq = Reading {
        priority: crate::Scored { value: Priority::P3, confidence: 0.9 },
        draft: Some(sample::draft()),
        ..sample::reading()
    };
    let answered = first(&faq);
    assert_eq!(answered.decision.resolution, Resolution::Answered);
    let update = answered.update.unwrap();
    assert!(update.pending && update.comment.unwrap().public);
    assert!(!update.tags.iter().any(|tag| tag == tags::ANSWER_READY));

    type Stop = fn(&mut Ticket, &mut Reading, &mut Policy, &mut TicketState);
    let stops: [(&str, Stop); 26] = [
        ("switched off", |_, _, policy, _| policy.auto_reply = false),
        ("mode act", |_, _, policy, _| policy.mode = Mode::Suggest),
        ("only P3", |_, reading, _, _| reading.priority.value = Priority::P2),
        ("look at the account", |_, reading, _, _| reading.draft.as_mut().unwrap().faq = false),
        ("a model wrote", |_, reading, _, _| reading.draft.as_mut().unwrap().composed = false),
        ("another language", |_, reading, _, _| reading.draft.as_mut().unwrap().in_language = false),
        ("second analyst hears", |_, reading, _, _| {
            let (quiet, loud) = (sample::reading(), sample::signals());
            reading.second = Some(SecondOpinion { churn: loud.churn, ..sample::second(&quiet) });
            reading.second.as_mut().unwrap().churn.confidence = 0.2;
        }),
        ("not fit", |_, reading, _, _| reading.draft.as_mut().unwrap().match_score = 0.5),
        ("unsure", |_, reading, _, _| reading.agent.confidence = 0.3),
        ("may leave", |_, reading, _, _| {
            reading.churn = crate::reading::Signal { confidence: 0.35, ..sample::signals().churn };
        }),
        ("wants to buy", |_, reading, _, _| reading.intent = sample::signals().intent),
        ("not read as a whole", |_, reading, _, _| reading.cut = true),
        ("not able", |_, reading, _, _| reading.fallback = Some(Fallback::Unreachable)),
        ("machine", |ticket, _, _, _| ticket.sender = Sender::Machine),
        ("suspended", |ticket, _, _, _| ticket.sender = Sender::Suspended),
        ("no customer", |ticket, _, _, _| ticket.sender = Sender::Staff),
        ("private note", |ticket, _, _, _| ticket.opened_privately = true),
        ("before", |_, _, _, state| state.answered = Some(Version(1))),
        ("first triage", |_, _, _, state| state.done = Some(Version(1))),
        ("neither courtesy", |_, reading, _, _| {
            reading.draft.as_mut().unwrap().unanswered = Some("Orders have not synced.".into());
        }),
        ("somebody else's", |_, reading, _, _| reading.mixed = true),
        ("angry", |_, reading, _, _| reading.sentiment.value = crate::Sentiment::Angry),
        ("a colleague", |ticket, _, _, _| ticket.touched = true),
        ("a colleague", |_, _, _, state| {
            let (ours, theirs) = ("P3".to_owned(), "P1".to_owned());
            state.corrections.push(Correction { field: Field::Priority, ours, theirs });
        }),
        ("unsure", |_, reading, _, _| reading.kind.confidence = 0.3),
        ("second analyst hears", |_, reading, _, _| {
            let thanks = of_kind(Kind::Thanks, sample::reading());
            reading.second = Some(sample::second(&thanks));
        }),
    ];
    for (rule, change) in stops {
        let (mut ticket, mut reading, mut policy) = (sample::ticket(7), faq.clone(), sample::policy());
        let mut state = TicketState::default();
        change(&mut ticket, &mut reading, &mut policy, &mut state);
        let plan = plan(&ticket, &reading, &policy, &state);
        assert_eq!(plan.decision.resolution, Resolution::AnswerReady, "{rule}");
        assert!(
            plan.decision.reasons.iter().any(|reason| reason.contains(rule)),
            "{rule}: {:?}",
            plan.decision.reasons
        );
        let update = plan.update.unwrap();
        assert!(!update.pending && !update.comment.unwrap().public, "{rule}");
        assert!(update.tags.iter().any(|tag| tag == tags::ANSWER_READY), "{rule}");
    }
}

#[test]
fn a_suspicious_ticket_is_only_raised() {
    let suspicious = Reading { suspicious: true, draft: Some(sample::draft()), notice: notice(), ..sample::signals() };
    let plan = first(&suspicious);
    let update = plan.update.unwrap();
    assert_eq!(update.changes.priority, Change::Set(Priority::P1));
    assert_ne!(update.changes.group, Change::Keep);
    assert!(update.tags.iter().any(|tag| tag == tags::SUSPICIOUS));
    assert_eq!(plan.alerts.len(), 2, "suspicion never silences an alert");
    let calm = Reading { suspicious: true, draft: Some(sample::draft()), ..sample::reading() };
    let changes = first(&calm).update.unwrap().changes;
    assert_eq!((changes.priority, changes.group), (Change::Keep, Change::Keep));
}

fn of_kind(kind: Kind, reading: Reading) -> Reading {
    Reading { kind: crate::Scored { value: kind, confidence: 0.9 }, ..reading }
}

fn grave(what: Gravity) -> Option<Grave> {
    Some(Grave { what, confidence: 0.9, quote: "Orders have not synced since Monday.".into() })
}

#[test]
fn a_kind_causes_what_its_row_allows() {
    let question = Reading {
        priority: crate::Scored { value: Priority::P3, confidence: 0.9 },
        draft: Some(sample::draft()),
        ..sample::signals()
    };
    for (kind, priority, alerts) in [
        (Kind::Request, Priority::P3, 2),
        (Kind::Automatic, Priority::P3, 0),
        (Kind::Thanks, Priority::P3, 0),
        (Kind::MachineAlert, Priority::P3, 0),
        (Kind::Solicitation, Priority::P3, 0),
        (Kind::Phishing, Priority::P3, 0),
        (Kind::SecurityReport, Priority::P1, 0),
        (Kind::LegalLetter, Priority::P2, 0),
        (Kind::DataRequest, Priority::P2, 0),
        (Kind::PersonInDanger, Priority::P1, 0),
        (Kind::Empty, Priority::P3, 0),
    ] {
        let plan = first(&of_kind(kind, question.clone()));
        assert_eq!((plan.decision.priority, plan.alerts.len()), (priority, alerts), "{kind}");
        let calm = Reading { churn: sample::reading().churn, ..question.clone() };
        assert_eq!(first(&of_kind(kind, calm)).decision.draft.is_some(), kind == Kind::Request, "{kind}");
        assert!(plan.decision.guardian.is_high_risk() == (kind == Kind::Request), "{kind}");
    }
}

#[test]
fn law_and_safety_are_sentinels() {
    for kind in [Kind::SecurityReport, Kind::LegalLetter, Kind::DataRequest] {
        assert_eq!(first(&of_kind(kind, sample::reading())).decision.agent, sample::team("sentinel"), "{kind}");
    }
    let unsure = Reading { kind: crate::Scored { value: Kind::LegalLetter, confidence: 0.3 }, ..sample::reading() };
    let decision = first(&unsure).decision;
    assert_eq!((decision.agent, decision.unsure), (sample::team("nexus"), true));
}

#[test]
fn a_letter_that_gives_notice_raises_the_alert() {
    let letter = of_kind(Kind::LegalLetter, sample::signals());
    assert!(first(&letter).alerts.is_empty());
    let letter = Reading { notice: notice(), ..letter };
    let plan = first(&letter);
    assert_eq!((plan.alerts.len(), plan.decision.priority), (1, Priority::P1), "{:?}", plan.decision.reasons);
    let danger = first(&of_kind(Kind::PersonInDanger, letter));
    assert_eq!((danger.alerts.len(), danger.decision.agent), (0, sample::team("nexus")));
}

fn notice() -> Option<LeavingNotice> {
    Some(LeavingNotice { confidence: 0.8, quote: "Orders have not synced since Monday.".into() })
}

#[test]
fn a_notice_is_sentinels_but_for_a_p0() {
    for (read, priority, agent) in [
        (Priority::P0, Priority::P0, "nexus"),
        (Priority::P1, Priority::P1, "sentinel"),
        (Priority::P2, Priority::P1, "sentinel"),
        (Priority::P3, Priority::P1, "sentinel"),
    ] {
        let read = crate::Scored { value: read, confidence: 0.9 };
        let decision = first(&Reading { priority: read, notice: notice(), ..sample::signals() }).decision;
        assert_eq!((decision.priority, decision.agent), (priority, sample::team(agent)), "{read:?}");
        assert!(decision.guardian.is_high_risk() && !decision.unsure, "{read:?}");
        let told = decision.reasons.iter().filter(|reason| reason.contains("gives notice of leaving")).count();
        assert_eq!(told, usize::from(read.value > Priority::P1) + usize::from(agent == "sentinel"), "{read:?}");
    }
    let unsure = notice().map(|notice| LeavingNotice { confidence: 0.4, ..notice });
    let decision = first(&Reading { notice: unsure, ..sample::signals() }).decision;
    assert_eq!((decision.priority, decision.agent), (Priority::P2, sample::team("nexus")));
}

#[test]
fn the_team_is_as_sure_as_the_notice() {
    for (team, confidence, expected) in [("nexus", 0.9, 0.8), ("sentinel", 0.3, 0.8), ("sentinel", 0.9, 0.9)] {
        let agent = crate::Scored { value: sample::team(team), confidence };
        let decision = first(&Reading { agent, notice: notice(), ..sample::signals() }).decision;
        assert_eq!((decision.agent, decision.confidence.agent), (sample::team("sentinel"), expected), "{team}");
    }
}

#[test]
fn a_grave_sentence_stops_the_machine() {
    let question = Reading {
        priority: crate::Scored { value: Priority::P3, confidence: 0.99 },
        draft: Some(sample::draft()),
        ..sample::reading()
    };
    for what in [Gravity::Outage, Gravity::Loss, Gravity::Breach, Gravity::Leaving] {
        let plan = first(&Reading { grave: grave(what), ..question.clone() });
        let decision = plan.decision;
        assert_eq!((decision.unsure, decision.draft, decision.resolution), (true, None, Resolution::Routed), "{what}");
    }
}

fn with_history(reading: &Reading, ticket: &Ticket, history: &[PastTicket]) -> Plan {
    let (account, state) = (sample::account(), TicketState::default());
    let context = TicketContext { ticket, account: &account, history, earlier: &[], state: &state };
    decide(context, reading, &sample::policy(), sample::now())
}

fn past(id: u64, days_ago: i64, text: &str) -> PastTicket {
    PastTicket {
        id: sample::ticket_id(id),
        at: sample::now() - jiff::SignedDuration::from_hours(24 * days_ago),
        subject: "earlier".into(),
        priority: Priority::P1,
        agent: sample::team("nexus"),
        wish: false,
        high_risk: true,
        fingerprint: Fingerprint::of(text),
    }
}

#[test]
fn an_account_at_risk_is_answered_by_people() {
    let faq = Reading {
        priority: crate::Scored { value: Priority::P3, confidence: 0.9 },
        draft: Some(sample::draft()),
        ..sample::reading()
    };
    for (days, expected) in [(1, Resolution::AnswerReady), (29, Resolution::AnswerReady), (31, Resolution::Answered)] {
        let plan = with_history(&faq, &sample::ticket(7), &[past(1, days, "We are leaving.")]);
        assert_eq!(plan.decision.resolution, expected, "{days} days ago: {:?}", plan.decision.reasons);
    }
}

#[test]
fn copies_of_a_message_do_not_raise_its_score() {
    let ticket = sample::ticket(7);
    let score =
        |history: &[PastTicket]| with_history(&sample::signals(), &ticket, history).decision.guardian.risk_score;
    let copies = [past(1, 0, &ticket.description), past(2, 0, &format!("> {}", ticket.description))];
    assert_eq!(score(&copies), score(&[]));
    assert_eq!(score(&[past(1, 0, "Another thing."), past(2, 0, "A third thing.")]), score(&[]) + 2);
}

#[test]
fn what_a_second_opinion_saw_stands_in_the_plan() {
    let loud = sample::signals();
    let priority = crate::Scored { value: Priority::P0, confidence: 0.9 };
    let second = SecondOpinion { priority, ..sample::second(&loud) };
    let reading = Reading { second: Some(second), ..sample::reading() };
    let plan = first(&reading);
    assert_eq!((plan.decision.priority, plan.alerts.len()), (Priority::P0, 3));
    let held = plan.decision.reasons.iter().filter(|reason| reason.starts_with("held")).count();
    assert_eq!(held, 3, "{:?}", plan.decision.reasons);
    assert_eq!(plan.alerts[0].evidence[0], "We are looking at other vendors.");
}

#[test]
fn a_quoted_second_opinion_outweighs_an_invented_claim() {
    let real = sample::signals();
    let mut reading = Reading { suspicious: true, ..sample::signals() };
    reading.churn.quotes = vec!["We have already signed with a competitor.".into()];
    reading.intent.quotes = vec!["Sell me everything.".into()];
    reading.second = Some(sample::second(&real));
    let plan = first(&reading);
    let evidence: Vec<_> = plan.alerts.iter().map(|alert| alert.evidence[0].as_str()).collect();
    assert_eq!(evidence, ["We are looking at other vendors.", "What is your price for two more stores?"]);
}

#[test]
fn a_cut_reading_is_on_the_record() {
    let plan = first(&Reading { cut: true, ..sample::reading() });
    assert!(plan.decision.reasons.iter().any(|reason| reason.contains("not read as a whole")));
    assert_eq!(plan.decision.resolution, Resolution::Routed);
}

#[test]
fn the_largest_ticket_makes_a_bounded_record() {
    let text = "\u{1}".repeat(65_535);
    let ticket = Ticket {
        subject: text.as_str().into(),
        description: text.as_str().into(),
        channel: text.as_str().into(),
        ..sample::ticket(7)
    };
    let account = Account { name: text.as_str().into(), ..sample::account() };
    let state = TicketState::default();
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
    let plan = decide(context, &sample::reading(), &sample::policy(), sample::now());
    let record = Record::new(context, plan, Effort { at: sample::now(), duration_ms: 0, usage: Usage::default() });
    for text in [&record.subject, &record.description, &record.channel, &record.customer] {
        assert!(text.ends_with(kept::MARK) && text.len() < 22_000, "{} bytes", text.len());
    }
}

#[test]
fn any_moment_can_be_decided_at() {
    for (now, past) in [(Timestamp::MAX, Timestamp::MIN), (Timestamp::MIN, Timestamp::MAX)] {
        let (ticket, account, state) = (sample::ticket(7), sample::account(), TicketState::default());
        let history = [PastTicket { at: past, ..sample::record(1, "Acme", now).past() }];
        let context =
            TicketContext { ticket: &ticket, account: &account, history: &history, earlier: &[], state: &state };
        assert_eq!(decide(context, &sample::signals(), &sample::policy(), now).alerts[0].at, now);
    }
}

#[test]
fn drafts_are_for_p2_and_p3() {
    for (priority, kept) in [(Priority::P0, false), (Priority::P1, false), (Priority::P2, true), (Priority::P3, true)] {
        let reading = Reading {
            priority: crate::Scored { value: priority, confidence: 0.9 },
            draft: Some(sample::draft()),
            ..sample::reading()
        };
        assert_eq!(first(&reading).decision.draft.is_some(), kept, "{priority}");
    }
}

#[test]
fn an_unchanged_re_triage_writes_nothing() {
    let before = first(&sample::signals());
    let state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
    let mut ticket = sample::ticket(7);
    ticket.follow_ups.push("Any news?".into());
    ticket.values = before.update.unwrap().changes.applied_to(FieldValues::default());
    let again = plan(&ticket, &sample::signals(), &sample::policy(), &state);
    assert_eq!((again.update, again.written), (None, None));

    let worse = Reading { priority: crate::Scored { value: Priority::P0, confidence: 0.9 }, ..sample::signals() };
    let changed = plan(&ticket, &worse, &sample::policy(), &state);
    assert!(changed.update.as_ref().unwrap().comment.is_some());
    assert_eq!(changed.update.unwrap().changes.priority, Change::Set(Priority::P0), "our own value may be replaced");
}

#[test]
fn a_note_is_said_once() {
    let before = first(&sample::signals());
    let state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
    let mut account = sample::account();
    account.mrr = Some(90_000.0);
    let ticket = sample::ticket(7);
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
    let update = decide(context, &sample::signals(), &sample::policy(), sample::now()).update.unwrap();
    assert_ne!(update.changes.guardian_risk_score, Change::Keep, "a larger account is a larger risk");
    assert_eq!(update.comment, None);
}

#[test]
fn somebody_elses_value_is_left_alone_and_reported_once() {
    let before = first(&Reading { notice: notice(), ..sample::signals() });
    let mut state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
    let mut ticket = sample::ticket(7);
    ticket.values = FieldValues {
        priority: Some(Priority::P3),
        ..before.update.unwrap().changes.applied_to(FieldValues::default())
    };
    let found = corrections(&ticket, &state);
    assert_eq!(found, [Correction { field: Field::Priority, ours: "P1".into(), theirs: "P3".into() }]);
    let calmer = plan(&ticket, &sample::reading(), &sample::policy(), &state);
    assert_eq!(calmer.update.unwrap().changes.priority, Change::Keep);
    state.corrections = found;
    assert_eq!(corrections(&ticket, &state), []);
    ticket.values.priority = Some(Priority::P1);
    let back = plan(&ticket, &sample::reading(), &sample::policy(), &state);
    assert_eq!(
        back.update.unwrap().changes.priority,
        Change::Keep,
        "they came back to what we had said, and it is theirs"
    );

    let mut untouched = sample::ticket(8);
    untouched.values.priority = Some(Priority::P3);
    let plan = plan(&untouched, &sample::signals(), &sample::policy(), &TicketState::default());
    assert_eq!(plan.update.unwrap().changes.priority, Change::Keep, "set before we ever wrote");
}

#[test]
fn alerts_go_to_the_accounts_own_manager() {
    let account = Account { kam: Some("ann@example.com".parse().unwrap()), ..sample::account() };
    let (ticket, state) = (sample::ticket(7), TicketState::default());
    let context = TicketContext { ticket: &ticket, account: &account, history: &[], earlier: &[], state: &state };
    let plan = decide(context, &sample::signals(), &sample::policy(), sample::now());
    let to: Vec<_> = plan.alerts.iter().map(|alert| alert.recipient.as_str()).collect();
    assert_eq!(to, ["ann@example.com", "sales@example.com"]);
}

#[test]
fn a_stale_intent_of_ours_is_cleared() {
    let before = first(&sample::signals());
    let state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
    let mut ticket = sample::ticket(7);
    ticket.values = before.update.unwrap().changes.applied_to(FieldValues::default());
    let calmer = plan(&ticket, &sample::reading(), &sample::policy(), &state);
    let changes = calmer.update.unwrap().changes;
    assert_eq!(changes.opportunity_intent, Change::Clear);
    assert_eq!(changes.applied_to(ticket.values.clone()).opportunity_intent, None);
    assert_eq!(calmer.written.unwrap().values.opportunity_intent, None, "no longer ours to defend");

    ticket.values.opportunity_intent = Some(Intent::Upgrade);
    let theirs = plan(&ticket, &sample::reading(), &sample::policy(), &state);
    assert_eq!(theirs.update.unwrap().changes.opportunity_intent, Change::Keep, "somebody set another");
    let empty = first(&sample::reading());
    assert_eq!(empty.update.unwrap().changes.opportunity_intent, Change::Keep, "empty already");
}

#[test]
fn priority_and_group_are_never_cleared() {
    for mode in [Mode::Shadow, Mode::Suggest, Mode::Act] {
        let before = first(&sample::signals());
        let state = TicketState { done: Some(Version(1)), written: before.written, ..TicketState::default() };
        let mut ticket = sample::ticket(7);
        ticket.values = before.update.unwrap().changes.applied_to(FieldValues::default());
        let mut policy = Policy { mode, ..sample::policy() };
        let profiles = policy.teams.iter().cloned().map(|profile| AgentProfile { group: None, ..profile });
        policy.teams = crate::Teams::new(profiles.collect()).unwrap();
        let again = plan(&ticket, &sample::reading(), &policy, &state);
        let changes = again.update.map(|update| update.changes).unwrap_or_default();
        assert_ne!(changes.priority, Change::Clear, "{mode}");
        assert_ne!(changes.group, Change::Clear, "{mode}");
    }
}

#[test]
fn a_fourth_team_is_routed_like_any() {
    let mut policy = sample::policy();
    let teams = policy.teams.iter().cloned().chain([sample::profile("field_ops", 14)]).collect();
    policy.teams = crate::Teams::new(teams).unwrap();
    let reading =
        Reading { agent: crate::Scored { value: sample::team("field_ops"), confidence: 0.9 }, ..sample::reading() };
    let mut ticket = sample::ticket(7);
    ticket.tags = ["agent_nexus", "vip"].map(Tag::from).into();
    let routed = plan(&ticket, &reading, &policy, &TicketState::default());
    let update = routed.update.unwrap();
    assert_eq!(update.changes.agent, Change::Set(sample::team("field_ops")));
    assert_eq!(update.changes.group, Change::Set(crate::GroupId(14)));
    assert_eq!(*update.tags, ["agent_field_ops", "triage_p2", "vip"]);
    let drafted = Reading { draft: Some(sample::draft()), ..reading };
    let noted = plan(&ticket, &drafted, &policy, &TicketState::default()).update.unwrap().comment.unwrap();
    assert!(noted.headline.contains("Field ops (Field ops desk)"));

    // The team is gone from the file: its tag goes with the next write, though no list names it any more.
    ticket.tags = update.tags;
    let state = TicketState { done: Some(Version(1)), written: routed.written, ..TicketState::default() };
    let moved = plan(&ticket, &sample::signals(), &sample::policy(), &state).update.unwrap();
    assert_eq!(*moved.tags, ["agent_nexus", "churn_risk", "triage_p2", "upsell_opportunity", "vip"]);
}

#[test]
fn thresholds_hold_at_their_edges() {
    let mut policy = sample::policy();
    policy.thresholds.churn_likely = 0.45;
    policy.thresholds.churn_explicit = 0.7;
    let churn = |confidence| {
        let mut reading = sample::signals();
        reading.churn.confidence = confidence;
        plan(&sample::ticket(7), &reading, &policy, &TicketState::default()).decision.guardian.risk_score
    };
    for (confidence, score) in [(0.44, 0), (0.45, 4), (0.69, 4), (0.7, 7)] {
        assert_eq!(churn(confidence), score, "{confidence}");
    }

    let mut policy = sample::policy();
    policy.thresholds.unsure_below = 0.5;
    policy.thresholds.auto_reply_match = 0.6;
    let resolution = |confidence, match_score| {
        let priority = crate::Scored { value: Priority::P3, confidence };
        let draft = Some(crate::Draft { match_score, ..sample::draft() });
        let reading = Reading { priority, draft, ..sample::reading() };
        plan(&sample::ticket(7), &reading, &policy, &TicketState::default()).decision.resolution
    };
    assert_eq!(resolution(0.5, 0.6), Resolution::Answered);
    assert_eq!(resolution(0.49, 0.6), Resolution::AnswerReady);
    assert_eq!(resolution(0.5, 0.59), Resolution::AnswerReady);
}
