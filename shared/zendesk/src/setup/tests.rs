use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use serde_json::json;

use super::*;
use crate::{
    access::Access,
    budget::Budget,
    http::{Response, Transport, Unanswered},
};

/// An account that keeps what is posted to it, by collection; it knows no rules but those set here.
#[derive(Default)]
struct Account {
    state: Mutex<State>,
    /// Refuses a webhook with more events than the needed ones.
    few_events: bool,
    /// Fails the n-th request that changes something.
    fails_at: Option<usize>,
}

#[derive(Default)]
struct State {
    kept: Vec<(String, Value)>,
    changes: usize,
}

/// The collection of a path, the key of one of it, and the id behind it.
fn parts(path: &str) -> (String, String, Option<String>) {
    let path = path.split('?').next().unwrap().trim_start_matches("/api/v2/").trim_end_matches(".json");
    let (collection, id) = path.split_once('/').map_or((path, None), |(collection, id)| (collection, Some(id)));
    let one = match collection {
        "trigger_categories" => "trigger_category".to_owned(),
        name => name.trim_end_matches('s').to_owned(),
    };
    (collection.to_owned(), one, id.map(str::to_owned))
}

impl Account {
    fn of(collection: &str, values: &[Value]) -> Self {
        let kept = values.iter().map(|value| (collection.to_owned(), value.clone())).collect();
        Self { state: Mutex::new(State { kept, changes: 0 }), ..Self::default() }
    }

    fn all(&self, collection: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        state.kept.iter().filter(|(name, _)| name == collection).map(|(_, value)| value.clone()).collect()
    }

    fn changes(&self) -> usize {
        self.state.lock().unwrap().changes
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let (collection, one, id) = parts(&request.path);
        if let Some(webhook) = id.as_ref().and_then(|id| id.strip_suffix("/signing_secret")) {
            let kind = if request.method == Method::Get { "first" } else { "second" };
            return (
                200,
                json!({ "signing_secret": { "secret": format!("{kind}-{webhook}"), "algorithm": "SHA256" } }),
            );
        }
        if request.method == Method::Get {
            return (200, json!({ collection.clone(): self.all(&collection), "meta": { "has_more": false } }));
        }
        let mut state = self.state.lock().unwrap();
        state.changes += 1;
        if self.fails_at == Some(state.changes) {
            return (500, json!({}));
        }
        let body = request.body.as_ref().and_then(|body| body.get(&one)).cloned().unwrap_or_default();
        if self.few_events && body["subscriptions"].as_array().is_some_and(|events| events.len() > 2) {
            return (400, json!({ "errors": [{ "code": "InvalidSubscription" }] }));
        }
        let is_it = |kept: &(String, Value)| kept.0 == collection && Some(found::text(&kept.1, "id")) == id;
        match request.method {
            Method::Post => {
                let mut value = body;
                value["id"] = (1_000 + state.changes).into();
                state.kept.push((collection, value.clone()));
                (201, json!({ one: value }))
            }
            Method::Put => {
                let (_, kept) = state.kept.iter_mut().find(|kept| is_it(kept)).unwrap();
                for (key, value) in body.as_object().unwrap() {
                    kept[key] = value.clone();
                }
                (204, Value::Null)
            }
            Method::Delete => {
                state.kept.retain(|kept| !is_it(kept));
                (204, Value::Null)
            }
            Method::Get | Method::Patch => unreachable!(),
        }
    }
}

#[async_trait]
impl Transport for Account {
    async fn send(&self, request: Request) -> Result<Response, Unanswered> {
        let (status, body) = self.answer(&request);
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body).unwrap() };
        Ok(Response { status, headers: Vec::new(), body })
    }
}

fn client(account: &Arc<Account>) -> Client {
    let access = Access::api_token("bot@example.com", "secret".to_owned().into());
    let clock = Arc::new(|| "2026-11-28T10:00:00Z".parse().unwrap());
    Client::new(account.clone(), access, Budget::unlimited(), clock)
}

fn team(agent: &str, name: &str, group: Option<u64>) -> Team {
    let agent = TeamId::try_from(agent.to_owned()).unwrap();
    Team { agent, name: name.to_owned(), description: String::new(), group: group.map(GroupId) }
}

fn wanted(via: Via) -> Wanted {
    Wanted {
        stack: Some("acme".to_owned()),
        teams: vec![team("nexus", "Integrations", None), team("cipher", "Data", Some(4))],
        fields: FieldIds::default(),
        endpoint: Some("https://x.example.com/webhooks/zendesk".to_owned()),
        via,
        organization_fields: true,
        rotate_secret: false,
    }
}

async fn run(account: &Arc<Account>, wanted: &Wanted) -> Report {
    let report = set_up(&client(account), wanted, false).await;
    assert!(report.stopped.is_none(), "{:?}", report.stopped);
    report
}

#[test]
fn a_second_run_changes_nothing() {
    block_on(async {
        for via in [Via::Events, Via::Trigger] {
            let account = Arc::new(Account::default());
            let first = run(&account, &wanted(via)).await;
            assert!(!first.changed_nothing());
            let changes = account.changes();
            let second = run(&account, &wanted(via)).await;
            assert!(second.changed_nothing() && account.changes() == changes, "{:?}", second.steps);
            assert!(second.steps.iter().all(|step| step.done == Done::Nothing), "{:?}", second.steps);
            assert_eq!(first.found.fields, second.found.fields);
            assert_eq!(first.found.groups, second.found.groups);
            assert!(second.found.fields.agent_id.is_some() && second.found.groups.len() == 2);
        }
    });
}

#[test]
fn a_dry_run_sends_no_change() {
    block_on(async {
        let account = Arc::new(Account::default());
        for via in [Via::Events, Via::Trigger] {
            let report = set_up(&client(&account), &wanted(via), true).await;
            assert_eq!(account.changes(), 0);
            let paths: Vec<&str> = report.requests.iter().map(|request| request.path.as_str()).collect();
            assert!(paths.contains(&"/api/v2/ticket_fields.json") && paths.contains(&"/api/v2/webhooks"), "{paths:?}");
            assert_eq!(paths.contains(&"/api/v2/triggers.json"), via == Via::Trigger);
        }
    });
}

#[test]
fn a_field_is_mended_and_keeps_what_it_has() {
    block_on(async {
        let option = json!({ "id": 5, "name": "Old", "value": "team_old" });
        let field = json!({ "id": 9, "type": "tagger", "title": "Renamed by somebody", "active": false,
        "description": "Written by ticket triage (agent_id)", "custom_field_options": [option] });
        let account = Arc::new(Account::of("ticket_fields", &[field]));
        let report = run(&account, &wanted(Via::Events)).await;
        assert_eq!(report.found.fields.agent_id, Some(9));
        let kept = &account.all("ticket_fields")[0];
        assert_eq!(kept["active"], true);
        assert_eq!(kept["custom_field_options"][0], option);
        assert_eq!(kept["custom_field_options"][2]["value"], "team_cipher");
    });
}

#[test]
fn a_configured_id_of_another_type_is_not_taken() {
    block_on(async {
        let theirs = json!({ "id": 7, "type": "text", "title": "Theirs", "active": true });
        let account = Arc::new(Account::of("ticket_fields", std::slice::from_ref(&theirs)));
        let fields = FieldIds { agent_id: Some(7), ..FieldIds::default() };
        let report = run(&account, &Wanted { fields, ..wanted(Via::Events) }).await;
        assert_ne!(report.found.fields.agent_id, Some(7));
        assert_eq!(account.all("ticket_fields")[0], theirs);
    });
}

#[test]
fn an_option_of_another_field_stops_it() {
    block_on(async {
        for theirs in [
            json!({ "id": 7, "type": "multiselect", "title": "Teams", "custom_field_options": [{ "value": "team_nexus" }] }),
            json!({ "id": 7, "type": "checkbox", "title": "Is nexus", "tag": "team_nexus" }),
        ] {
            let account = Arc::new(Account::of("ticket_fields", &[theirs]));
            let report = set_up(&client(&account), &wanted(Via::Events), false).await;
            let problem = report.stopped.expect("it stops").to_string();
            assert!(problem.contains("(7)") && problem.contains("team_nexus"), "{problem}");
        }
    });
}

#[test]
fn groups_are_found_by_id_or_name() {
    block_on(async {
        let group = |id: u64, name: &str, deleted: bool| json!({ "id": id, "name": name, "deleted": deleted });
        let groups = [
            group(1, "nexus", false),
            group(2, "integrations", false),
            group(3, "Data", true),
            group(4, "Others", false),
        ];
        let account = Arc::new(Account::of("groups", &groups));
        let report = run(&account, &wanted(Via::Events)).await;
        let ids: Vec<u64> = report.found.groups.values().map(|group| group.0).collect();
        assert_eq!(ids, [4, 2], "cipher by its id, nexus by the team's name before the team's id");
        assert_eq!(account.all("groups").len(), 4);
    });
}

#[test]
fn a_webhook_made_by_hand_is_taken_over() {
    block_on(async {
        let by_hand = json!({ "id": "01G", "name": "mine", "status": "inactive", "http_method": "POST", "request_format": "json",
        "endpoint": "https://x.example.com/webhooks/zendesk", "subscriptions": ["zen:event-type:ticket.created"] });
        let account = Arc::new(Account::of("webhooks", &[by_hand]));
        let report = run(&account, &wanted(Via::Events)).await;
        assert_eq!(report.found.webhook.as_deref(), Some("01G"));
        let webhooks = account.all("webhooks");
        assert_eq!(webhooks.len(), 1);
        assert_eq!(webhooks[0]["status"], "active");
        assert_eq!(webhooks[0]["subscriptions"].as_array().unwrap().len(), SUBSCRIPTIONS.len());
    });
}

#[test]
fn refused_events_are_left_out_and_named() {
    block_on(async {
        let account = Arc::new(Account { few_events: true, ..Account::default() });
        let report = run(&account, &wanted(Via::Events)).await;
        let remarks = |report: &Report| report.steps.iter().filter(|step| matches!(step.done, Done::Remark(_))).count();
        assert_eq!(remarks(&report), 1, "{:?}", report.steps);
        assert_eq!(account.all("webhooks")[0]["subscriptions"], json!(sorted(&NEEDED_SUBSCRIPTIONS)));
        let second = run(&account, &wanted(Via::Events)).await;
        assert!(second.changed_nothing() && remarks(&second) == 1, "{:?}", second.steps);
    });
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_other_kind_goes_once_the_new_one_stands() {
    block_on(async {
        let account = Arc::new(Account::default());
        run(&account, &wanted(Via::Trigger)).await;
        assert_eq!((account.all("triggers").len(), account.all("webhooks").len()), (2, 1));
        let report = run(&account, &wanted(Via::Events)).await;
        assert_eq!((account.all("triggers").len(), account.all("webhooks").len()), (0, 1));
        let order: Vec<Method> = report.requests.iter().map(|request| request.method).collect();
        assert_eq!(order, [Method::Post, Method::Delete, Method::Delete, Method::Delete]);
    });
}

#[test]
fn a_new_secret_is_made_only_when_asked() {
    block_on(async {
        let account = Arc::new(Account::default());
        let secret =
            |report: Report| secrecy::ExposeSecret::expose_secret(&report.found.secret.expect("a secret")).to_owned();
        assert!(secret(run(&account, &wanted(Via::Events)).await).starts_with("first-"));
        let rotated = run(&account, &Wanted { rotate_secret: true, ..wanted(Via::Events) }).await;
        assert!(secret(rotated).starts_with("second-"));
    });
}

#[test]
fn a_run_that_stopped_is_continued() {
    block_on(async {
        for fails_at in 1..=10 {
            let account = Arc::new(Account { fails_at: Some(fails_at), ..Account::default() });
            let stopped = set_up(&client(&account), &wanted(Via::Events), false).await;
            assert!(stopped.stopped.is_some(), "{fails_at}");
            let report = set_up(&client(&account), &wanted(Via::Events), false).await;
            assert!(report.stopped.is_none(), "{:?}", report.stopped);
            for (collection, count) in
                [("ticket_fields", 3), ("groups", 2), ("organization_fields", 4), ("webhooks", 1)]
            {
                assert_eq!(account.all(collection).len(), count, "{fails_at}: {collection}");
            }
        }
    });
}

#[test]
fn teardown_takes_what_set_up_made() {
    block_on(async {
        for via in [Via::Events, Via::Trigger] {
            let account = Arc::new(Account::default());
            run(&account, &wanted(via)).await;
            let all = |collection| account.all(collection).len();
            let report = teardown(&client(&account), &wanted(via), Fields::Keep, false).await;
            assert!(report.stopped.is_none());
            assert_eq!((all("triggers"), all("webhooks"), all("ticket_fields"), all("groups")), (0, 0, 3, 2));
            let first = report.requests.first().map(|request| request.path.clone()).unwrap();
            assert_eq!(first.contains("triggers"), via == Via::Trigger, "triggers before the webhook they use");
            teardown(&client(&account), &wanted(via), Fields::Deactivate, false).await;
            assert!(account.all("ticket_fields").iter().all(|field| field["active"] == false));
            teardown(&client(&account), &wanted(via), Fields::Delete, false).await;
            assert_eq!((all("ticket_fields"), all("organization_fields")), (0, 4));
        }
    });
}

#[test]
fn a_trigger_sends_ids_only() {
    let body: Value = serde_json::from_str(TRIGGER_BODY).unwrap();
    for (key, value) in body.as_object().unwrap() {
        let value = value.to_string();
        assert!(!value.contains("{{") || (key.ends_with("_id") && value.ends_with(r#".id}}""#)), "{key}: {value}");
    }
}

#[test]
fn options_are_those_that_updates_write() {
    let teams = [team("nexus", "Integrations", None)];
    let fields = wanted_fields(teams.iter().map(|team| (&team.agent, team.name.as_str())));
    let values: Vec<&str> = fields.iter().flat_map(|field| &field.options).map(|(value, _)| value.as_str()).collect();
    let expected =
        ["intent_pricing_request", "intent_upgrade", "intent_expansion", "intent_custom_service", "team_nexus"];
    assert_eq!(values, expected);
}
