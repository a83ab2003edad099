use std::collections::BTreeSet;

use domain::{GroupId, TeamId, UserId};

use super::*;
use crate::{
    FieldIds,
    found::{Action, Condition, Group, Me, TicketField, Trigger, Webhook},
    setup::{self, FieldKey, SUBSCRIPTIONS, Team, Via, wanted_fields},
};

const ENDPOINT: &str = "https://x.example.com/webhooks/zendesk";

fn teams() -> Vec<Team> {
    let team = |agent: &str, group: u64| Team {
        agent: TeamId::try_from(agent.to_owned()).unwrap(),
        name: format!("The {agent} team"),
        description: String::new(),
        group: Some(GroupId(group)),
    };
    vec![team("nexus", 1), team("cipher", 2)]
}

fn me(id: u64, role: &str) -> Me {
    Me { id: Some(id), name: "Bot".to_owned(), role: role.to_owned(), restriction: None, suspended: false }
}

/// An account in which everything is as it should be.
fn sound() -> Facts {
    let teams = teams();
    let fields = FieldIds { guardian_risk_score: Some(11), opportunity_intent: Some(12), agent_id: Some(13) };
    let ticket_field = |wanted: &setup::WantedField| TicketField {
        id: wanted.key.id(&fields).unwrap(),
        title: wanted.title.to_owned(),
        description: String::new(),
        kind: wanted.kind.to_owned(),
        active: true,
        required: false,
        options: wanted.options.iter().map(|(value, _)| value.clone()).collect(),
        tag: None,
    };
    let wanted = wanted_fields(teams.iter().map(|team| (&team.agent, team.name.as_str())));
    let group = |id: u64| Group { id, name: format!("group {id}"), deleted: false };
    let webhook = Webhook {
        id: "01G".to_owned(),
        name: setup::webhook_name(Some("acme"), Via::Events),
        active: true,
        endpoint: ENDPOINT.to_owned(),
        method: "POST".to_owned(),
        format: "json".to_owned(),
        subscriptions: SUBSCRIPTIONS.map(str::to_owned).into(),
    };
    Facts {
        credentials: SignIn::OAuth,
        me: Ok(me(7, "admin")),
        running: Some(Ok((me(8, "agent"), SignIn::OAuth))),
        export: Ok(false),
        tickets: Ok(true),
        memberships: Ok(Vec::new()),
        fields: Ok(wanted.iter().map(ticket_field).collect()),
        groups: Ok(vec![group(1), group(2)]),
        triggers: Ok(Vec::new()),
        webhooks: Ok(vec![webhook]),
        round_trip: Some(Ok(RoundTrip { status: 200 })),
        invocations: Ok(vec![invocation("2026-11-28T09:00:00Z", 200)]),
        subject: Subject {
            stack: Some("acme".to_owned()),
            teams,
            fields,
            endpoint: Some(ENDPOINT.to_owned()),
            sweep: Some("list".to_owned()),
            bot_user: Some(UserId(8)),
            now: "2026-11-28T10:00:00Z".parse().unwrap(),
        },
    }
}

fn invocation(at: &str, code: u64) -> Delivery {
    Delivery {
        id: "01H".to_owned(),
        status: String::new(),
        status_code: Some(code),
        at: at.to_owned(),
        attempts: vec![Attempt { status: String::new(), status_code: Some(code) }],
    }
}

fn field(facts: &mut Facts, key: FieldKey) -> &mut TicketField {
    let id = key.id(&facts.subject.fields);
    facts.fields.as_mut().unwrap().iter_mut().find(|field| Some(field.id) == id).unwrap()
}

#[test]
fn a_sound_account_has_no_complaint() {
    let findings = findings(&sound());
    assert_eq!(worst(&findings), Level::Ok, "{findings:#?}");
    let checks: BTreeSet<&str> = findings.iter().map(|finding| finding.check).collect();
    assert_eq!(checks.len(), CHECKS.len(), "one word for each check");
}

/// What is wrong, the check that has to say it, how gravely, and a word of it.
type Case = (fn(&mut Facts), &'static str, Level, &'static str);

const CASES: &[Case] = &[
    (|facts| facts.me = Err("401".to_owned()), "token", Level::Error, "401"),
    (|facts| facts.me.as_mut().unwrap().id = None, "token", Level::Error, "Anonymous user"),
    (|facts| facts.running = Some(Err("invalid_scope".to_owned())), "running-token", Level::Error, "invalid_scope"),
    (|facts| facts.running.as_mut().unwrap().as_mut().unwrap().0.id = None, "running-token", Level::Error, "Anonymous"),
    (|facts| facts.subject.bot_user = None, "bot-user", Level::Error, "not set"),
    (|facts| facts.subject.bot_user = Some(UserId(9)), "bot-user", Level::Error, "made by 8"),
    (|facts| facts.credentials = SignIn::ApiToken, "api-token", Level::Warning, "152 days left"),
    (
        |facts| {
            facts.running = Some(Ok((me(8, "agent"), SignIn::ApiToken)));
            facts.subject.now = "2027-05-01T00:00:00Z".parse().unwrap();
        },
        "api-token",
        Level::Error,
        "2027-04-30",
    ),
    (|facts| facts.running = Some(Ok((me(8, "end-user"), SignIn::OAuth))), "role", Level::Error, "end-user"),
    (
        |facts| facts.running.as_mut().unwrap().as_mut().unwrap().0.restriction = Some("assigned".to_owned()),
        "role",
        Level::Error,
        "assigned",
    ),
    (
        |facts| facts.running.as_mut().unwrap().as_mut().unwrap().0.restriction = Some("groups".to_owned()),
        "assignment",
        Level::Error,
        "nexus, cipher",
    ),
    (|facts| facts.tickets = Ok(false), "role", Level::Error, "list tickets"),
    (|facts| facts.tickets = Ok(false), "sweep", Level::Error, "lost events"),
    (|facts| facts.subject.sweep = Some("export".to_owned()), "sweep", Level::Error, "for admins"),
    (|facts| facts.subject.sweep = Some("off".to_owned()), "sweep", Level::Warning, "off"),
    (|facts| facts.subject.fields.agent_id = None, "fields", Level::Error, "agent_id has no id"),
    (|facts| facts.subject.fields.agent_id = Some(99), "fields", Level::Error, "no field 99"),
    (|facts| field(facts, FieldKey::AgentId).kind = "text".to_owned(), "fields", Level::Error, "of type text"),
    (|facts| field(facts, FieldKey::AgentId).active = false, "fields", Level::Error, "switched off"),
    (|facts| field(facts, FieldKey::AgentId).required = true, "fields", Level::Warning, "cannot solve"),
    (
        |facts| {
            field(facts, FieldKey::OpportunityIntent).options.pop();
        },
        "fields",
        Level::Error,
        "intent_custom_service",
    ),
    (
        |facts| field(facts, FieldKey::GuardianRiskScore).tag = Some("team_nexus".to_owned()),
        "fields",
        Level::Error,
        "team_nexus belongs to",
    ),
    (|facts| facts.subject.teams[0].group = None, "groups", Level::Warning, "nexus has no group"),
    (|facts| facts.groups.as_mut().unwrap()[0].deleted = true, "groups", Level::Error, "1 is deleted"),
    (|facts| facts.groups.as_mut().unwrap().truncate(1), "groups", Level::Error, "no group 2"),
    (|facts| facts.webhooks.as_mut().unwrap().clear(), "webhook", Level::Error, "there is none"),
    (|facts| facts.webhooks.as_mut().unwrap()[0].active = false, "webhook", Level::Error, "switched off"),
    (|facts| facts.subject.endpoint = Some("https://other".to_owned()), "webhook", Level::Error, "https://other"),
    (
        |facts| facts.webhooks.as_mut().unwrap()[0].subscriptions = BTreeSet::new(),
        "webhook",
        Level::Error,
        "ticket.created",
    ),
    (
        |facts| {
            facts.webhooks.as_mut().unwrap()[0].subscriptions.remove("zen:event-type:ticket.priority_changed");
        },
        "webhook",
        Level::Warning,
        "priority_changed",
    ),
    (
        |facts| {
            let twin = Webhook { name: "mine".to_owned(), ..facts.webhooks.as_ref().unwrap()[0].clone() };
            facts.webhooks.as_mut().unwrap().push(twin);
        },
        "webhook",
        Level::Warning,
        "comes twice",
    ),
    (
        |facts| {
            let subscriptions = BTreeSet::from([setup::TRIGGER_SUBSCRIPTION.to_owned()]);
            facts.webhooks.as_mut().unwrap()[0].subscriptions = subscriptions;
        },
        "webhook",
        Level::Error,
        "customer replied",
    ),
    (|facts| facts.round_trip = Some(Ok(RoundTrip { status: 401 })), "round-trip", Level::Error, "signing secret"),
    (|facts| facts.round_trip = Some(Ok(RoundTrip { status: 404 })), "round-trip", Level::Error, "address"),
    (|facts| facts.round_trip = Some(Ok(RoundTrip { status: 0 })), "round-trip", Level::Error, "no answer"),
    (|facts| facts.round_trip = Some(Ok(RoundTrip { status: 503 })), "round-trip", Level::Error, "503"),
    (|facts| facts.round_trip = Some(Err("422".to_owned())), "round-trip", Level::Warning, "not made"),
    (
        |facts| facts.invocations.as_mut().unwrap().insert(0, invocation("2026-11-28T09:30:00Z", 502)),
        "deliveries",
        Level::Error,
        "1 of the last 2 failed (1 × 502); the newest at 2026-11-28T09:30:00Z, answered 502",
    ),
    (
        |facts| facts.invocations.as_mut().unwrap().push(invocation("2026-11-28T08:30:00Z", 502)),
        "deliveries",
        Level::Warning,
        "1 of the last 2 failed",
    ),
];

#[test]
fn each_mistake_is_found_with_its_fix() {
    for (index, (spoil, check, level, word)) in CASES.iter().enumerate() {
        let mut facts = sound();
        spoil(&mut facts);
        let findings = findings(&facts);
        let found = findings.iter().find(|finding| {
            finding.check == *check && finding.level == *level && finding.says.contains(word) && !finding.fix.is_empty()
        });
        assert!(found.is_some(), "case {index}, {check} {word}: {findings:#?}");
    }
}

#[test]
fn what_cannot_be_asked_is_no_panic() {
    let unknown = || "no answer".to_owned();
    let facts = Facts {
        me: Err(unknown()),
        running: Some(Err(unknown())),
        export: Err(unknown()),
        tickets: Err(unknown()),
        memberships: Err(unknown()),
        fields: Err(unknown()),
        groups: Err(unknown()),
        triggers: Err(unknown()),
        webhooks: Err(unknown()),
        round_trip: None,
        invocations: Err(unknown()),
        ..sound()
    };
    assert_eq!(worst(&findings(&facts)), Level::Error);
}

fn condition(field: &str, operator: &str, value: &str) -> Condition {
    Condition { field: field.to_owned(), operator: operator.to_owned(), value: value.to_owned() }
}

fn action(field: &str, values: &[&str]) -> Action {
    Action { field: field.to_owned(), values: values.iter().map(|value| (*value).to_owned()).collect() }
}

fn trigger(all: Vec<Condition>, actions: Vec<Action>) -> Trigger {
    Trigger { id: 5, title: "Theirs".to_owned(), active: true, category: None, all, any: Vec::new(), actions }
}

/// What doctor says of one trigger of the account's.
fn of_trigger(trigger: Trigger) -> (Level, String) {
    let facts = Facts { triggers: Ok(vec![trigger]), ..sound() };
    let findings = loops::check(&facts);
    (worst(&findings), findings.into_iter().map(|finding| finding.says).collect::<Vec<_>>().join("; "))
}

#[test]
fn loops_and_mail_to_customers_are_found() {
    let webhook = || action("notification_webhook", &["01G", "{}"]);
    let mail = || action("notification_user", &["requester_id", "subject", "text"]);
    let change = || condition("update_type", "is", "Change");
    for (all, actions, level, word) in [
        (vec![], vec![webhook()], Level::Error, "a loop"),
        (vec![change()], vec![webhook()], Level::Error, "a loop"),
        (vec![condition("current_tags", "includes", "triage_p0")], vec![webhook()], Level::Error, "a loop"),
        (vec![condition("current_tags", "not_includes", "vip")], vec![webhook()], Level::Error, "a loop"),
        (vec![condition("update_type", "is", "Create")], vec![webhook()], Level::Warning, "looked at twice"),
        (vec![change(), condition("role", "is", "end_user")], vec![webhook()], Level::Warning, "looked at twice"),
        (
            vec![condition("current_tags", "not_includes", "queued")],
            vec![action("current_tags", &["queued"]), webhook()],
            Level::Warning,
            "looked at twice",
        ),
        (
            vec![condition("current_tags", "not_includes", "triage_p0 triage_p1 triage_p2 triage_p3")],
            vec![webhook()],
            Level::Warning,
            "looked at twice",
        ),
        (vec![], vec![action("notification_webhook", &["another", "{}"])], Level::Ok, "none of 1"),
        (vec![condition("current_tags", "includes", "vip churn_risk")], vec![mail()], Level::Error, "tag or field"),
        (vec![condition("custom_fields_13", "is", "team_nexus")], vec![mail()], Level::Error, "tag or field"),
        (vec![change()], vec![mail()], Level::Warning, "any change"),
        (vec![change(), condition("comment_is_public", "is", "true")], vec![mail()], Level::Ok, "none of 1"),
        (vec![change(), condition("status", "value", "solved")], vec![mail()], Level::Ok, "none of 1"),
        (vec![change()], vec![action("priority", &["low"])], Level::Warning, "the priority"),
        (vec![change()], vec![action("custom_fields_11", &["3"])], Level::Warning, "our field"),
        (vec![change()], vec![action("remove_tags", &["x agent_nexus"])], Level::Warning, "the tag agent_nexus"),
        (vec![change()], vec![action("current_tags", &["vip"])], Level::Ok, "none of 1"),
        (vec![condition("update_type", "is", "Create")], vec![action("priority", &["low"])], Level::Ok, "none of 1"),
    ] {
        let trigger = trigger(all, actions);
        let (found, says) = of_trigger(trigger.clone());
        assert!(found == level && says.contains(word), "{trigger:?}: {found} {says}");
    }
}

#[test]
fn a_trigger_that_sleeps_does_no_harm() {
    let asleep = Trigger { active: false, ..trigger(vec![], vec![action("notification_webhook", &["01G", "{}"])]) };
    assert_eq!(of_trigger(asleep).0, Level::Ok);
}

#[test]
fn our_own_triggers_are_no_loop() {
    for (title, all) in setup::wanted_triggers(Some("acme")) {
        let ours =
            Trigger { title, ..trigger(all, vec![action("notification_webhook", &["01G", setup::TRIGGER_BODY])]) };
        assert_eq!(of_trigger(ours).0, Level::Ok);
    }
}

#[test]
fn one_of_several_conditions_is_enough() {
    let any = vec![condition("update_type", "is", "Create"), condition("priority", "is", "urgent")];
    let loops = Trigger { any, ..trigger(vec![], vec![action("notification_webhook", &["01G", "{}"])]) };
    assert_eq!(of_trigger(loops).0, Level::Error);
}
