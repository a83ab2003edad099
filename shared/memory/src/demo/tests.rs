//! The demo as a client meets it.

use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{Account, sample};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};
use zendesk::{Authorization, FieldIds, signature};

use super::*;
use crate::NewTicket;

const SCORE: u64 = 360_002_001;
const INTENT: u64 = 360_002_002;
const TEAM: u64 = 360_002_003;
const NEXUS: u64 = 360_001_001;

fn setup() -> Setup {
    Setup {
        now: sample::now(),
        fields: FieldIds { guardian_risk_score: Some(SCORE), opportunity_intent: Some(INTENT), agent_id: Some(TEAM) },
        ..Setup::default()
    }
}

/// Somebody with credentials.
struct Client {
    demo: DemoZendesk,
    authorization: Option<String>,
}

struct Found {
    status: u16,
    headers: Response,
    body: Value,
}

impl Client {
    /// An administrator with an API token.
    fn admin(setup: Setup) -> Self {
        let demo = DemoZendesk::new(setup);
        let token = demo.api_tokens().remove(0);
        let basic = BASE64_STANDARD.encode(format!("{}/token:{}", token.email, token.token));
        Self { demo, authorization: Some(format!("Basic {basic}")) }
    }

    /// An administrator of an account with one ticket, #7.
    fn with_ticket() -> Self {
        let client = Self::admin(setup());
        client.open(7);
        client
    }

    fn open(&self, number: u64) {
        self.demo.open(&ticket(number));
    }

    /// The bot, by its OAuth client.
    fn bot(&self) -> Self {
        let client = self.demo.clients().remove(1);
        let body = json!({
            "grant_type": "client_credentials", "client_id": client.id, "client_secret": client.secret,
            "expires_in": 3600,
        });
        let token = self.sent(Method::Post, "/oauth/tokens", Some(body)).body;
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        Self { demo: self.demo.clone(), authorization: Some(bearer) }
    }

    fn sent(&self, method: Method, path: &str, body: Option<Value>) -> Found {
        let authorization = self.authorization.clone().map(Authorization);
        let request = Request { method, path: path.to_owned(), body, authorization };
        let response = self.demo.answer(&request).response.unwrap();
        let body =
            serde_json::from_slice(&response.body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&response.body)));
        Found { status: response.status, headers: response, body }
    }

    fn get(&self, path: &str) -> Found {
        self.sent(Method::Get, path, None)
    }

    fn post(&self, path: &str, body: Value) -> Found {
        self.sent(Method::Post, path, Some(body))
    }

    /// Writes ticket #7.
    fn put(&self, ticket: Value) -> Found {
        self.sent(Method::Put, "/api/v2/tickets/7.json", Some(json!({ "ticket": ticket })))
    }

    fn ticket(&self) -> Value {
        self.get("/api/v2/tickets/7.json").body["ticket"].clone()
    }

    fn later(&self, seconds: i64) {
        let now = lock(&self.demo.state).now;
        self.demo.set_now(domain::time::later(now, SignedDuration::from_secs(seconds)));
    }
}

fn ticket(number: u64) -> NewTicket {
    NewTicket {
        description: "Orders do not arrive.".into(),
        requester_name: Some("Jo Marin".into()),
        ..sample::ticket(number).into()
    }
}

mod shapes {
    use super::*;

    /// Whether a value has something at a path such as `tickets[].via.channel`.
    fn has(value: &Value, path: &str) -> bool {
        let Some((step, rest)) = path.split_once('.') else { return ends(value, path) };
        match step.strip_suffix("[]") {
            None => value.get(step).is_some_and(|value| has(value, rest)),
            Some(step) => {
                let all = value.get(step).and_then(Value::as_array);
                all.is_some_and(|all| all.iter().any(|one| has(one, rest)))
            }
        }
    }

    fn ends(value: &Value, step: &str) -> bool {
        match step.strip_suffix("[]") {
            None => value.get(step).is_some(),
            Some(step) => value.get(step).is_some_and(Value::is_array),
        }
    }

    /// An account with something of everything.
    fn furnished() -> (Client, String, String) {
        let client = Client::with_ticket();
        let hook = json!({ "webhook": {
            "name": "AI triage", "endpoint": "https://example.com/hook", "http_method": "POST",
            "request_format": "json", "status": "active", "subscriptions": ["zen:event-type:ticket.created"],
            "authentication": { "type": "basic_auth", "add_position": "header", "data": { "username": "u", "password": "p" } },
        } });
        let id = client.post("/api/v2/webhooks", hook).body["webhook"]["id"].as_str().unwrap().to_owned();
        client.open(8);
        client.later(100);
        let outgoing = client.demo.take_deliveries().remove(0);
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        client.demo.settle(&outgoing, &Delivered::Answered { status: 200, headers, body: "ok".into() });
        client.sent(
            Method::Patch,
            &format!("/api/v2/webhooks/{id}"),
            Some(json!({ "webhook": { "status": "active" } })),
        );
        let trigger = json!({ "trigger": {
            "title": "t", "conditions": { "all": [{ "field": "status", "operator": "is", "value": "new" }], "any": [] },
            "actions": [{ "field": "current_tags", "value": "x" }],
        } });
        client.post("/api/v2/triggers.json", trigger);
        (client, id, outgoing.invocation)
    }

    #[test]
    fn every_answer_has_the_fields_that_were_recorded() {
        let (client, hook, invocation) = furnished();
        let shapes: Value = serde_json::from_str(include_str!("fixtures/shapes.json")).unwrap();
        let requester = client.ticket()["requester_id"].clone();
        let organization = client.ticket()["organization_id"].clone();
        client.demo.publish_articles();
        let section = client.get("/api/v2/help_center/sections.json").body["sections"][0]["id"].clone();
        let comment = json!({ "body": "a note", "public": false });
        let job = client.sent(
            Method::Put,
            "/api/v2/tickets/update_many.json?ids=7,99",
            Some(json!({ "ticket": { "additional_tags": ["vip"] } })),
        );
        let job = job.body["job_status"]["id"].as_str().unwrap().to_owned();
        let option = json!([{ "name": "A", "value": "a" }]);
        let get = |path: &str| client.get(path).body;
        let post = |path: &str, body: Value| client.post(path, body).body;
        for (name, answer) in [
            ("ticket", get("/api/v2/tickets/7.json")),
            ("tickets", {
                let mut both = get("/api/v2/tickets.json?page[size]=1");
                both.as_object_mut().unwrap().extend(object(get("/api/v2/tickets.json?per_page=1")));
                both
            }),
            ("update", client.put(json!({ "priority": "high", "comment": comment })).body),
            ("update", client.put(json!({ "priority": "low", "subject": "other", "comment": comment })).body),
            (
                "create",
                post("/api/v2/tickets.json", json!({ "ticket": { "subject": "s", "comment": { "body": "b" } } })),
            ),
            ("comments", get("/api/v2/tickets/7/comments.json?page[size]=1")),
            ("audits", get("/api/v2/ticket_audits.json?page[size]=100")),
            ("export", get("/api/v2/incremental/tickets/cursor.json?start_time=0")),
            ("export by time", get("/api/v2/incremental/tickets.json?start_time=0")),
            ("organization", get(&format!("/api/v2/organizations/{organization}.json"))),
            ("user", get(&format!("/api/v2/users/{requester}.json"))),
            ("me", get("/api/v2/users/me.json")),
            (
                "ticket field",
                post(
                    "/api/v2/ticket_fields.json",
                    json!({ "ticket_field": { "type": "tagger", "title": "x", "custom_field_options": option } }),
                ),
            ),
            (
                "organization field",
                post(
                    "/api/v2/organization_fields.json",
                    json!({ "organization_field": { "type": "decimal", "key": "mrr", "title": "MRR" } }),
                ),
            ),
            ("group", post("/api/v2/groups.json", json!({ "group": { "name": "Night" } }))),
            ("groups", {
                let mut both = get("/api/v2/groups.json?page[size]=1");
                both.as_object_mut().unwrap().extend(object(get("/api/v2/groups.json")));
                both
            }),
            (
                "trigger",
                post(
                    "/api/v2/triggers.json",
                    json!({ "trigger": {
                        "title": "t", "actions": [{ "field": "status", "value": "open" }],
                        "conditions": { "all": [{ "field": "status", "operator": "is", "value": "new" }], "any": [] },
                    } }),
                ),
            ),
            ("triggers", {
                let mut both = get("/api/v2/triggers.json?page[size]=1");
                both.as_object_mut().unwrap().extend(object(get("/api/v2/triggers.json")));
                both
            }),
            ("webhook", get(&format!("/api/v2/webhooks/{hook}"))),
            ("webhooks", get("/api/v2/webhooks")),
            ("signing secret", get(&format!("/api/v2/webhooks/{hook}/signing_secret"))),
            ("invocations", get(&format!("/api/v2/webhooks/{hook}/invocations?page[size]=1"))),
            ("attempts", get(&format!("/api/v2/webhooks/{hook}/invocations/{invocation}/attempts"))),
            (
                "test",
                post(&format!("/api/v2/webhooks/test?webhook_id={hook}"), json!({ "request": { "payload": "{}" } })),
            ),
            ("search export", get("/api/v2/search/export.json?query=*&filter[type]=user&page[size]=1")),
            (
                "article",
                post(
                    &format!("/api/v2/help_center/sections/{section}/articles.json"),
                    json!({ "article": { "title": "t", "body": "b" } }),
                ),
            ),
            ("job", get(&format!("/api/v2/job_statuses/{job}.json"))),
        ] {
            // What the second write of a field shows, the first has not; what only one of several results has, too.
            let optional = |path: &str| {
                name == "update" && path.ends_with("previous_value")
                    || name == "job" && path.ends_with("account_id")
                    || name == "article" && path == "article.url"
                    || name == "create" && path == "audit.events[].previous_value"
            };
            let wanted = shapes[name].as_array().unwrap_or_else(|| panic!("{name} is not in the fixture"));
            let missing: Vec<&str> =
                wanted.iter().filter_map(Value::as_str).filter(|path| !optional(path) && !has(&answer, path)).collect();
            assert!(missing.is_empty(), "{name}: {missing:?} in {answer:#}");
        }
    }
}

mod access {
    use super::*;

    #[test]
    fn a_stranger_is_an_anonymous_user() {
        let demo = Client::with_ticket().demo;
        for authorization in [None, Some(format!("Basic {}", BASE64_STANDARD.encode("a@b.example:password")))] {
            let client = Client { demo: demo.clone(), authorization };
            let me = client.get("/api/v2/users/me.json");
            assert_eq!((me.status, &me.body["user"]["id"]), (200, &Value::Null));
            assert_eq!(me.body["user"]["name"], "Anonymous user");
            assert_eq!(client.get("/api/v2/tickets/7.json").status, 401);
        }
        for wrong in [format!("Basic {}", BASE64_STANDARD.encode("admin@example.com/token:no")), "Bearer no".to_owned()]
        {
            let client = Client { demo: demo.clone(), authorization: Some(wrong) };
            assert_eq!(client.get("/api/v2/users/me.json").status, 401);
        }
    }

    #[test]
    fn a_token_runs_out() {
        let bot = Client::with_ticket().bot();
        assert_eq!(bot.get("/api/v2/tickets/7.json").status, 200);
        bot.later(3_600);
        let late = bot.get("/api/v2/tickets/7.json");
        assert_eq!((late.status, &late.body["error"]), (401, &json!("invalid_token")));
    }

    #[test]
    fn a_life_is_told_only_to_who_asks() {
        let client = Client::admin(setup());
        let known = client.demo.clients().remove(0);
        let asked = json!({ "grant_type": "client_credentials", "client_id": known.id, "client_secret": known.secret });
        let answer = client.post("/oauth/tokens", asked.clone());
        assert_eq!((answer.status, answer.body.get("expires_in")), (200, None));
        let mut more = object(asked);
        more.insert("expires_in".into(), json!(600));
        assert_eq!(client.post("/oauth/tokens", Value::Object(more.clone())).body["expires_in"], 600);
        more.insert("client_secret".into(), json!("wrong"));
        let refused = client.post("/oauth/tokens", Value::Object(more));
        assert_eq!((refused.status, &refused.body["error"]), (401, &json!("invalid_client")));
    }

    #[test]
    fn a_narrow_token_may_do_what_it_was_made_for() {
        let bot = Client::with_ticket().bot();
        for (path, status) in [
            ("/api/v2/tickets/7.json", 200),
            ("/api/v2/users/me.json", 200),
            ("/api/v2/ticket_fields.json", 403),
            ("/api/v2/search.json?query=x", 403),
            ("/api/v2/webhooks", 403),
        ] {
            let answer = bot.get(path);
            assert_eq!(answer.status, status, "{path}");
            if status == 403 {
                let text = answer.body["description"].as_str().unwrap();
                assert!(text.contains("issing the following required scopes: "), "{text}");
            }
        }
        let export = bot.get("/api/v2/incremental/tickets/cursor.json?start_time=0");
        assert_eq!((export.status, export.body["error"]["title"].as_str()), (403, Some("Forbidden")));
    }
}

mod writes {
    use super::*;

    #[test]
    fn a_write_is_answered_with_ticket_and_audit() {
        let client = Client::with_ticket();
        let answer = client.put(json!({
            "priority": "urgent", "group_id": NEXUS, "tags": ["vip", "VIP", "ai done"],
            "custom_fields": [{ "id": SCORE, "value": 9 }, { "id": INTENT, "value": "intent_upgrade" }],
            "comment": { "html_body": "<p>a note</p>", "public": false }, "metadata": { "marker": "m" },
        }));
        let ticket = &answer.body["ticket"];
        assert_eq!((answer.status, &ticket["priority"], &ticket["group_id"]), (200, &json!("urgent"), &json!(NEXUS)));
        assert_eq!(ticket["tags"], json!(["vip", "ai", "done", "intent_upgrade"]));
        assert_eq!(ticket["generated_timestamp"], 0);
        assert_eq!(ticket["custom_fields"], ticket["fields"]);
        let audit = &answer.body["audit"];
        assert_eq!(audit["metadata"]["custom"]["marker"], "m");
        assert!(audit["metadata"]["system"]["ip_address"].is_string());
        let comment = audit["events"].as_array().unwrap().iter().find(|event| event["type"] == "Comment").unwrap();
        assert_eq!((&comment["public"], &comment["plain_body"]), (&json!(false), &json!("a note")));
        let change =
            audit["events"].as_array().unwrap().iter().find(|event| event["field_name"] == "group_id").unwrap();
        assert_eq!((&change["type"], &change["value"]), (&json!("Change"), &json!(NEXUS.to_string())));
    }

    #[test]
    fn what_is_refused_is_refused_whole() {
        for (write, key, error) in [
            (json!({ "priority": "P0" }), "priority", json!("InvalidValue")),
            (json!({ "type": "request" }), "type", json!("InvalidValue")),
            (json!({ "group_id": 1 }), "group", json!("InvalidValue")),
            (json!({ "assignee_id": 1 }), "assignee", json!("InvalidValue")),
            (json!({ "status": "solved" }), "base", Value::Null),
            (json!({ "custom_fields": [{ "id": SCORE, "value": "high" }] }), "base", json!("InvalidValue")),
            (json!({ "custom_fields": [{ "id": INTENT, "value": "other" }] }), "base", json!("InvalidValue")),
        ] {
            let client = Client::with_ticket();
            let before = client.ticket();
            let mut write = object(write);
            write.insert("subject".into(), json!("another"));
            let answer = client.put(Value::Object(write.clone()));
            assert_eq!(answer.status, 422, "{write:?}");
            assert_eq!(answer.body["error"], "RecordInvalid");
            assert_eq!(answer.body["details"][key][0]["error"], error, "{}", answer.body);
            assert_eq!(client.ticket(), before, "{write:?}");
        }
    }

    #[test]
    fn a_priority_is_changed_and_never_cleared() {
        let client = Client::with_ticket();
        assert_eq!(client.put(json!({ "priority": null })).status, 200, "there is none yet");
        assert_eq!(client.put(json!({ "priority": "low" })).status, 200);
        let refused = client.put(json!({ "priority": null }));
        assert_eq!((refused.status, refused.body["details"]["priority"].is_array()), (422, true));
    }

    #[test]
    fn refusals_speak_the_accounts_language() {
        for (locale, text) in [(Locale::Portuguese, "Priority: é inválido"), (Locale::German, "Priority: ist ungültig")]
        {
            let client = Client::admin(Setup { locale, ..setup() });
            client.open(7);
            let refused = client.put(json!({ "priority": "P0" })).body;
            assert_eq!(refused["details"]["priority"][0]["description"], text);
        }
    }

    #[test]
    fn an_option_is_a_tag() {
        let client = Client::with_ticket();
        let value = |client: &Client, id: u64| {
            let ticket = client.ticket();
            let fields = ticket["custom_fields"].as_array().unwrap().clone();
            fields.into_iter().find(|field| field["id"] == id).unwrap()["value"].clone()
        };
        client.put(json!({ "tags": ["a"], "custom_fields": [{ "id": TEAM, "value": "team_nexus" }] }));
        client.put(json!({ "custom_fields": [{ "id": TEAM, "value": "team_cipher" }] }));
        assert_eq!(client.ticket()["tags"], json!(["a", "team_cipher"]));
        client.put(json!({ "tags": ["a"] }));
        assert_eq!(value(&client, TEAM), Value::Null);
        client.put(json!({ "tags": ["a", "team_nexus"] }));
        assert_eq!(value(&client, TEAM), "team_nexus");
    }

    #[test]
    fn an_assignee_brings_his_group_and_opens() {
        let client = Client::with_ticket();
        let ticket = client.put(json!({ "assignee_id": ADMIN })).body["ticket"].clone();
        assert_eq!((&ticket["status"], ticket["group_id"].is_u64()), (&json!("open"), true));
        let moved = client.put(json!({ "group_id": NEXUS })).body["ticket"].clone();
        assert_eq!((&moved["group_id"], &moved["assignee_id"]), (&json!(NEXUS), &json!(ADMIN)), "a member stays");
        let stranger = client.put(json!({ "group_id": NEXUS, "assignee_id": 900_000_001 }));
        assert_eq!((stranger.status, stranger.body["details"]["assignee"].is_array()), (422, true));
        client.put(json!({ "assignee_id": 900_000_001 }));
        let alone = client.put(json!({ "group_id": NEXUS })).body["ticket"].clone();
        assert_eq!((&alone["group_id"], &alone["assignee_id"]), (&json!(NEXUS), &Value::Null));
    }

    #[test]
    fn a_closed_ticket_takes_nothing() {
        let client = Client::with_ticket();
        assert_eq!(client.put(json!({ "status": "closed" })).status, 200);
        let refused = client.put(json!({ "tags": [] }));
        assert_eq!((refused.status, refused.body["details"]["status"].is_array()), (422, true));
    }

    #[test]
    fn an_old_stamp_is_a_conflict() {
        let client = Client::with_ticket();
        let stamp = client.ticket()["updated_at"].clone();
        client.demo.human_edit(sample::ticket_id(7), &json!({ "priority": "low" }));
        let late = client.put(json!({ "priority": "high", "safe_update": true, "updated_stamp": stamp }));
        assert_eq!((late.status, &late.body["error"]), (409, &json!("UpdateConflict")));
        assert_eq!(client.ticket()["priority"], "low");
        let stamp = client.ticket()["updated_at"].clone();
        let fresh = client.put(json!({ "priority": "high", "safe_update": true, "updated_stamp": stamp }));
        assert_eq!(fresh.status, 200);
        let careless = client.put(json!({ "priority": "high", "safe_update": false, "updated_stamp": stamp }));
        assert_eq!(careless.status, 200);
    }

    #[test]
    fn unknown_keys_are_only_warned_of() {
        let client = Client::with_ticket();
        let answer = client.put(json!({ "id": 7, "additional_tags": ["x"], "subject": "new" }));
        assert_eq!((answer.status, &answer.body["ticket"]["subject"]), (200, &json!("new")));
        let warning = answer.headers.header("x-zendesk-api-warn").unwrap();
        assert!(warning.contains(r#":unpermitted_keys=>["ticket.additional_tags", "ticket.id"]"#), "{warning}");
        assert_eq!(answer.body["ticket"]["tags"], json!([]));
        assert!(client.put(json!({ "subject": "newer" })).headers.header("x-zendesk-api-warn").is_none());
    }

    #[test]
    fn a_comment_is_as_public_as_the_first() {
        for opened_privately in [false, true] {
            let client = Client::admin(setup());
            client.demo.open(&NewTicket { opened_privately, ..ticket(7) });
            client.put(json!({ "comment": { "body": "a word" } }));
            let comments = client.demo.comments(sample::ticket_id(7));
            assert_eq!(comments[1].0, !opened_privately);
        }
    }

    #[test]
    fn placeholders_of_agents_are_rendered() {
        let client = Client::with_ticket();
        client.put(
            json!({ "comment": { "body": "Ticket {{ticket.id}}{{nothing}}{% if x %}: { kept", "public": false } }),
        );
        client.demo.comment(sample::ticket_id(7), "I write {{ticket.id}}");
        let texts: Vec<String> =
            client.demo.comments(sample::ticket_id(7)).into_iter().map(|(.., text)| text).collect();
        assert_eq!(texts[1..], ["Ticket 7: { kept", "I write {{ticket.id}}"]);
    }

    #[test]
    fn tag_endpoints_set_add_and_remove() {
        let client = Client::with_ticket();
        for (method, tags, status, left) in [
            (Method::Post, json!(["a", "b"]), 201, json!(["a", "b"])),
            (Method::Put, json!(["c"]), 200, json!(["a", "b", "c"])),
            (Method::Delete, json!(["b"]), 200, json!(["a", "c"])),
            (Method::Post, json!(["d"]), 201, json!(["d"])),
        ] {
            let answer = client.sent(method, "/api/v2/tickets/7/tags.json", Some(json!({ "tags": tags })));
            assert_eq!((answer.status, &answer.body["tags"]), (status, &left), "{method}");
        }
    }

    #[test]
    fn a_note_is_made_private_once_and_for_all() {
        let client = Client::with_ticket();
        let audit = client.put(json!({ "comment": { "body": "a note", "public": true } })).body["audit"].clone();
        let path = format!("/api/v2/tickets/7/comments/{}/make_private.json", audit["events"][0]["id"]);
        assert_eq!(client.sent(Method::Put, &path, None).status, 200);
        assert!(!client.demo.comments(sample::ticket_id(7))[1].0);
    }

    #[test]
    fn a_ticket_has_five_thousand_comments_at_most() {
        let client = Client::with_ticket();
        for _ in 1..5_000 {
            client.demo.comment(sample::ticket_id(7), "more");
        }
        assert_eq!(client.put(json!({ "comment": { "body": "one more" } })).status, 422);
        assert_eq!(client.put(json!({ "tags": ["still"] })).status, 200);
    }

    #[test]
    fn the_bots_requests_are_kept() {
        let client = Client::with_ticket();
        client.put(json!({ "tags": ["by an admin"] }));
        client.bot().put(json!({ "tags": ["ours"], "metadata": { "marker": "m" } }));
        let calls = client.demo.calls(sample::ticket_id(7));
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].authorization, None);
        assert_eq!(client.demo.markers(sample::ticket_id(7)), ["m".into()]);
    }

    #[test]
    fn what_is_not_there_is_told_apart() {
        let client = Client::with_ticket();
        for (path, error) in [
            ("/api/v2/tickets/99.json", "RecordNotFound"),
            ("/api/v2/tickets/7/nothing.json", "InvalidEndpoint"),
            ("/api/v2/galaxies.json", "InvalidEndpoint"),
            ("/api/v2/users/99.json", "RecordNotFound"),
        ] {
            let answer = client.get(path);
            assert_eq!((answer.status, &answer.body["error"]), (404, &json!(error)), "{path}");
        }
        assert_eq!(client.sent(Method::Delete, "/api/v2/tickets/7.json", None).status, 204);
        assert_eq!(client.get("/api/v2/tickets/7.json").status, 404);
    }
}

mod reads {
    use super::*;

    #[test]
    fn a_ticket_brings_who_is_asked_for() {
        let client = Client::with_ticket();
        let name = sample::ticket(7).account;
        client.demo.set_account(&Account {
            id: name.clone(),
            name: name.to_name(),
            mrr: Some(1200.0),
            plan: None,
            health: None,
            kam: None,
        });
        let answer = client.get("/api/v2/tickets/7.json?include=users,organizations,groups").body;
        assert_eq!(answer["organizations"][0]["organization_fields"]["mrr"], 1200.0);
        assert_eq!(answer["organizations"][0]["id"], answer["ticket"]["organization_id"]);
        assert_eq!(
            (&answer["users"][0]["name"], &answer["users"][0]["role"]),
            (&json!("Jo Marin"), &json!("end-user"))
        );
        assert_eq!(answer["groups"], json!([]));
    }

    #[test]
    fn a_list_is_walked_by_cursor() {
        let client = Client::admin(setup());
        (1..=5).for_each(|number| client.open(number));
        client.demo.human_edit(sample::ticket_id(2), &json!({ "priority": "low" }));
        let mut path = "/api/v2/tickets.json?sort=-updated_at&page[size]=2".to_owned();
        let mut seen = Vec::new();
        loop {
            let page = client.get(&path).body;
            seen.extend(page["tickets"].as_array().unwrap().iter().map(|ticket| ticket["id"].as_u64().unwrap()));
            if page["meta"]["has_more"] == json!(false) {
                break;
            }
            path = page["links"]["next"].as_str().unwrap().strip_prefix("https://demo.zendesk.com").unwrap().to_owned();
        }
        assert_eq!(seen, [2, 5, 4, 3, 1]);
    }

    #[test]
    fn offsets_end_at_ten_thousand() {
        let client = Client::with_ticket();
        let page = client.get("/api/v2/tickets.json?page=1").body;
        assert_eq!((&page["count"], &page["next_page"]), (&json!(1), &Value::Null));
        let deep = client.get("/api/v2/tickets.json?page=101&per_page=100");
        assert_eq!((deep.status, &deep.body["errors"][0]["code"]), (400, &json!("InvalidPaginationDepth")));
    }

    #[test]
    fn an_export_leaves_out_the_last_minute() {
        let client = Client::admin(setup());
        (1..=3).for_each(|number| client.open(number));
        let start = "/api/v2/incremental/tickets/cursor.json?start_time=0&per_page=2";
        assert_eq!(client.get(start).body["tickets"], json!([]));
        client.later(61);
        let first = client.get(start).body;
        assert_eq!((first["tickets"].as_array().unwrap().len(), &first["end_of_stream"]), (2, &json!(false)));
        let cursor = first["after_cursor"].as_str().unwrap();
        let plain = String::from_utf8(BASE64_STANDARD.decode(cursor).unwrap()).unwrap();
        assert_eq!(plain, format!("{}.0||2|", sample::now().as_second()));
        let path = format!("/api/v2/incremental/tickets/cursor.json?cursor={}&per_page=2", call::encoded(cursor));
        let second = client.get(&path).body;
        assert_eq!((&second["tickets"][0]["id"], &second["end_of_stream"]), (&json!(3), &json!(true)));
    }

    #[test]
    fn search_knows_the_fields_that_matter() {
        let client = Client::admin(setup());
        (1..=3).for_each(|number| client.open(number));
        client
            .demo
            .human_edit(sample::ticket_id(2), &json!({ "priority": "urgent", "tags": ["vip"], "status": "pending" }));
        for (query, found) in [
            ("type:ticket priority:urgent", vec![2]),
            ("type:ticket status<pending", vec![3, 1]),
            ("type:ticket tags:vip", vec![2]),
            ("type:ticket orders", vec![3, 2, 1]),
            ("type:ticket created>2020-01-01 sort:asc", vec![1, 2, 3]),
            ("type:ticket updated<2020-01-01", vec![]),
        ] {
            let answer = client.get(&format!("/api/v2/search.json?query={}", call::encoded(query))).body;
            let ids: Vec<u64> =
                answer["results"].as_array().unwrap().iter().map(|ticket| ticket["id"].as_u64().unwrap()).collect();
            assert_eq!(ids, found, "{query}");
        }
        let deep = client.get("/api/v2/search.json?query=x&page=11");
        assert_eq!(deep.status, 422);
    }

    #[test]
    fn an_article_has_its_translations() {
        let client = Client::admin(setup());
        client.demo.publish_articles();
        let all = client.get("/api/v2/help_center/en-us/articles.json?page[size]=100").body;
        let originals = data::knowledge_base().filter(|(name, _)| !name.contains('.')).count();
        assert_eq!(all["articles"].as_array().unwrap().len(), originals);
        let french = client.get("/api/v2/help_center/fr/articles.json?page[size]=100").body;
        assert_eq!(french["articles"].as_array().unwrap().len(), originals);
        assert_eq!(french["articles"][0]["locale"], json!("fr"));
        let path = format!("/api/v2/help_center/articles/{}/translations.json", french["articles"][0]["id"]);
        let locales: Vec<Value> = client.get(&path).body["translations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["locale"].clone())
            .collect();
        assert_eq!(locales, ["en-us", "fr"]);
    }

    #[test]
    fn a_plan_runs_out_of_requests() {
        let client = Client::admin(Setup { plan: Plan::Team, ..setup() });
        client.open(7);
        for _ in 0..200 {
            assert_eq!(client.get("/api/v2/tickets/7.json").status, 200);
        }
        let refused = client.get("/api/v2/tickets/7.json");
        assert_eq!((refused.status, refused.body.is_string()), (429, true), "this one is plain text");
        assert!(refused.headers.header("Retry-After").unwrap().parse::<u64>().unwrap() <= 60);
        client.later(60);
        let again = client.get("/api/v2/tickets/7.json");
        assert_eq!((again.status, again.headers.header("X-Rate-Limit-Remaining")), (200, Some("199")));
    }
}

mod webhooks {
    use super::*;

    fn hook(client: &Client, subscriptions: Value) -> (String, SecretString) {
        let webhook = json!({ "name": "x", "endpoint": "https://example.com/hook", "subscriptions": subscriptions });
        let made = client.post("/api/v2/webhooks", json!({ "webhook": webhook }));
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.body["webhook"]["id"].as_str().unwrap().to_owned();
        let secret = client.get(&format!("/api/v2/webhooks/{id}/signing_secret")).body;
        (id, secret["signing_secret"]["secret"].as_str().unwrap().into())
    }

    fn answered(status: u16, retry_after: Option<&str>) -> Delivered {
        let headers = retry_after.map(|value| ("Retry-After".to_owned(), value.to_owned())).into_iter().collect();
        Delivered::Answered { status, headers, body: String::new() }
    }

    fn header<'a>(outgoing: &'a Outgoing, name: &str) -> Option<&'a str> {
        outgoing.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn an_event_is_signed_and_readable() {
        let client = Client::admin(setup());
        let (_, secret) = hook(&client, json!(["zen:event-type:ticket.created"]));
        client.open(7);
        let outgoing = client.demo.take_deliveries().remove(0);
        assert!(outgoing.body.ends_with("}\n") && outgoing.body.contains("\n  \"detail\""));
        signature::verify(
            &[secret],
            header(&outgoing, signature::SIGNATURE_HEADER),
            header(&outgoing, signature::TIMESTAMP_HEADER),
            outgoing.body.as_bytes(),
            sample::now(),
        )
        .unwrap();
        let event = zendesk::event::parse(outgoing.body.as_bytes()).unwrap();
        assert_eq!((event.happening, event.ticket.number()), (zendesk::Happening::TicketCreated, 7));
        let body: Value = serde_json::from_str(&outgoing.body).unwrap();
        assert_eq!((&body["detail"]["status"], &body["detail"]["tags"]), (&json!("NEW"), &Value::Null));
        assert!(body["detail"]["requester_id"].is_string());
    }

    #[test]
    fn each_change_has_its_event() {
        let client = Client::with_ticket();
        let names = [
            "comment_added",
            "priority_changed",
            "group_assignment_changed",
            "tags_changed",
            "custom_field_changed",
            "status_changed",
            "permanently_deleted",
        ];
        let names: Vec<String> = names.iter().map(|name| format!("zen:event-type:ticket.{name}")).collect();
        hook(&client, json!(names));
        client.put(json!({
            "priority": "high", "group_id": NEXUS, "tags": ["vip"], "status": "open",
            "custom_fields": [{ "id": SCORE, "value": 3 }], "comment": { "body": "a word", "public": true },
        }));
        client.demo.erase(sample::ticket_id(7));
        let told: Vec<Value> = client
            .demo
            .take_deliveries()
            .iter()
            .map(|outgoing| serde_json::from_str(&outgoing.body).unwrap())
            .collect();
        let of = |name: &str| {
            let found = told.iter().find(|body| body["type"] == format!("zen:event-type:ticket.{name}"));
            found.unwrap_or_else(|| panic!("no {name}"))["event"].clone()
        };
        assert_eq!(of("priority_changed"), json!({ "current": "HIGH", "previous": null }));
        assert_eq!(of("group_assignment_changed"), json!({ "current": NEXUS.to_string(), "previous": null }));
        assert_eq!(of("tags_changed"), json!({ "tags_added": ["vip"], "tags_removed": [] }));
        assert_eq!(of("custom_field_changed")["custom_field"]["id"], SCORE.to_string());
        assert_eq!(of("comment_added")["comment"]["author"]["is_staff"], true);
        assert_eq!(told.len(), names.len());
    }

    #[test]
    fn only_what_zendesk_repeats_is_repeated() {
        for (delivered, attempts) in [
            (answered(200, None), 1),
            (answered(500, None), 1),
            (answered(404, None), 1),
            (answered(503, None), 1),
            (answered(503, Some("90")), 1),
            (answered(409, None), 4),
            (answered(503, Some("5")), 6),
            (answered(429, Some("5")), 6),
            (Delivered::TimedOut, 6),
        ] {
            let client = Client::admin(setup());
            let (id, _) = hook(&client, json!(["zen:event-type:ticket.created"]));
            client.open(7);
            let mut seen = Vec::new();
            for _ in 0..20 {
                for outgoing in client.demo.take_deliveries() {
                    client.demo.settle(&outgoing, &delivered);
                    seen.push(outgoing);
                }
                client.later(60);
            }
            assert_eq!(seen.len(), attempts, "{delivered:?}");
            assert!(seen.iter().all(|outgoing| outgoing.invocation == seen[0].invocation));
            let mut stamps: Vec<_> =
                seen.iter().map(|outgoing| header(outgoing, signature::TIMESTAMP_HEADER).unwrap()).collect();
            stamps.dedup();
            assert_eq!(stamps.len(), attempts, "signed when sent");
            let path = format!("/api/v2/webhooks/{id}/invocations/{}/attempts", seen[0].invocation);
            assert_eq!(client.get(&path).body["attempts"].as_array().unwrap().len(), attempts);
        }
    }

    #[test]
    fn a_failing_endpoint_breaks_the_circuit() {
        let client = Client::admin(setup());
        let (id, _) = hook(&client, json!(["zen:event-type:ticket.created"]));
        (1..=100).for_each(|number| client.open(number));
        for outgoing in client.demo.take_deliveries() {
            client.demo.settle(&outgoing, &answered(500, None));
        }
        client.open(101);
        assert!(client.demo.take_deliveries().is_empty());
        let newest = client.get(&format!("/api/v2/webhooks/{id}/invocations?page[size]=1")).body;
        assert_eq!(newest["invocations"][0]["status"], "circuit broken");
        client.later(6);
        client.open(102);
        assert_eq!(client.demo.take_deliveries().len(), 1);
    }

    #[test]
    fn a_trial_is_throttled() {
        let client = Client::admin(Setup { plan: Plan::Trial, ..setup() });
        hook(&client, json!(["zen:event-type:ticket.created"]));
        (1..=61).for_each(|number| client.open(number));
        assert_eq!(client.demo.take_deliveries().len(), 60);
        client.later(480);
        assert_eq!(client.demo.take_deliveries().len(), 1);
    }

    #[test]
    fn secrets_are_never_echoed() {
        let client = Client::admin(setup());
        let authentication =
            json!({ "type": "bearer_token", "add_position": "header", "data": { "token": "PLANTED" } });
        let webhook = json!({
            "name": "x", "endpoint": "https://example.com", "subscriptions": ["conditional_ticket_events"],
            "authentication": authentication,
        });
        let made = client.post("/api/v2/webhooks", json!({ "webhook": webhook })).body;
        assert!(!made.to_string().contains("PLANTED"), "{made}");
        let path = format!("/api/v2/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
        let secret = client.get(&format!("{path}/signing_secret")).body;
        let rotated = client.post(&format!("{path}/signing_secret"), json!({}));
        assert_eq!(rotated.status, 201);
        assert_ne!(rotated.body, secret);
        let renamed = Some(json!({ "webhook": { "name": "y" } }));
        assert_eq!(client.sent(Method::Patch, &path, renamed).status, 204);
        assert_eq!(client.get(&path).body["webhook"]["name"], "y");
        assert_eq!(client.sent(Method::Delete, &path, None).status, 204);
        let gone = client.get(&path);
        assert_eq!((gone.status, gone.body["errors"].is_array()), (404, true));
    }

    #[test]
    fn a_trigger_calls_its_webhook_and_sets_tags() {
        let client = Client::admin(setup());
        let (id, _) = hook(&client, json!(["conditional_ticket_events"]));
        let trigger = json!({
            "title": "AI triage",
            "conditions": { "all": [
                { "field": "update_type", "operator": "is", "value": "Create" },
                { "field": "current_tags", "operator": "not_includes", "value": "ai_queued" },
                { "field": "status", "operator": "less_than", "value": "solved" },
            ], "any": [] },
            "actions": [
                { "field": "notification_webhook", "value": [id, "{\"ticket_id\":\"{{ticket.id}}\",\"tags\":\"{{ticket.tags}}\"}"] },
                { "field": "current_tags", "value": "ai_queued" },
            ],
        });
        assert_eq!(client.post("/api/v2/triggers.json", json!({ "trigger": trigger })).status, 201);
        client.open(7);
        let sent: Vec<String> = client.demo.take_deliveries().into_iter().map(|outgoing| outgoing.body).collect();
        assert_eq!(sent, [r#"{"ticket_id":"7","tags":""}"#]);
        assert_eq!(client.ticket()["tags"], json!(["ai_queued"]));
        client.put(json!({ "priority": "low" }));
        assert!(client.demo.take_deliveries().is_empty());
        let used = client.sent(Method::Delete, &format!("/api/v2/webhooks/{id}"), None);
        assert_eq!(used.status, 400, "a trigger still calls it");
    }
}

mod scenarios {
    use super::*;

    fn client(scenario: Value) -> Client {
        let client = Client::admin(Setup { scenario: serde_json::from_value(scenario).unwrap(), ..setup() });
        client.open(7);
        client
    }

    fn answer(client: &Client, ticket: Value) -> Answer {
        let authorization = client.authorization.clone().map(Authorization);
        let request = Request::new(Method::Put, "/api/v2/tickets/7.json").with_body(json!({ "ticket": ticket }));
        client.demo.answer(&Request { authorization, ..request })
    }

    #[test]
    fn a_time_out_hides_whether_it_was_written() {
        for (fault, written) in [("time_out_before", Value::Null), ("time_out_after", json!("high"))] {
            let client = client(json!({ "requests": [{ "method": "PUT", "when": { "nth": 1 }, "fault": fault }] }));
            assert!(answer(&client, json!({ "priority": "high" })).response.is_err());
            assert_eq!(client.ticket()["priority"], written, "{fault}");
        }
    }

    #[test]
    fn a_status_is_answered_instead() {
        let fault = json!({ "status": { "status": 429, "retry_after": 999_999 } });
        let client = client(json!({ "requests": [{ "ticket": 7, "when": { "most": 1 }, "fault": fault }] }));
        let response = answer(&client, json!({ "priority": "high" })).response.unwrap();
        assert_eq!((response.status, response.header("retry-after")), (429, Some("999999")));
        assert_eq!(client.ticket()["priority"], Value::Null);
    }

    #[test]
    fn a_person_edits_in_between() {
        let fault = json!({ "human_edit": { "ticket": 7, "changes": { "priority": "low" } } });
        let client = client(json!({ "requests": [{ "method": "PUT", "fault": fault }] }));
        let stamp = client.ticket()["updated_at"].clone();
        let write = json!({ "priority": "high", "safe_update": true, "updated_stamp": stamp });
        assert_eq!(answer(&client, write).response.unwrap().status, 409);
        assert_eq!(client.ticket()["priority"], "low");
    }

    #[test]
    fn a_delivery_is_lost_or_comes_twice() {
        for (fault, at_once, in_all) in [
            (json!("lost"), 0, 0),
            (json!({ "late": { "seconds": 30 } }), 0, 1),
            (json!({ "duplicated": { "seconds": 30 } }), 1, 2),
        ] {
            let client = client(json!({ "deliveries": [{ "event": "ticket.created", "fault": fault }] }));
            let webhook = json!({ "name": "x", "endpoint": "https://example.com", "subscriptions": ["zen:event-type:ticket.created"] });
            client.post("/api/v2/webhooks", json!({ "webhook": webhook }));
            client.open(8);
            let first = client.demo.take_deliveries().len();
            client.later(30);
            assert_eq!((first, first + client.demo.take_deliveries().len()), (at_once, in_all), "{fault}");
        }
    }
}

mod scripts {
    use super::*;

    #[test]
    fn a_comment_may_come_before_its_ticket() {
        let client = Client::admin(setup());
        client.demo.comment(sample::ticket_id(7), "Any news?");
        client.open(7);
        client.open(7);
        let texts: Vec<String> =
            client.demo.comments(sample::ticket_id(7)).into_iter().map(|(.., text)| text).collect();
        assert_eq!(texts, ["Orders do not arrive.", "Any news?"]);
    }

    #[test]
    fn early_comments_do_not_grow_without_end() {
        let demo = DemoZendesk::new(setup());
        for number in 1..=2_000 {
            demo.comment(sample::ticket_id(number), "Any news?");
        }
        assert_eq!(lock(&demo.state).early.len(), 1_000);
    }

    #[test]
    fn an_obliging_account_makes_what_is_written() {
        for (obliging, status) in [(false, 422), (true, 200)] {
            let client = Client::admin(Setup { obliging, ..setup() });
            client.open(7);
            let write = json!({ "group_id": 4711, "custom_fields": [{ "id": TEAM, "value": "team_of_theirs" }] });
            assert_eq!(client.put(write).status, status, "{obliging}");
        }
    }

    #[test]
    fn what_was_redacted_is_in_no_answer() {
        let client = Client::with_ticket();
        client.demo.redact(sample::ticket_id(7), "Redacted.");
        for path in ["/api/v2/tickets/7.json", "/api/v2/tickets/7/comments.json", "/api/v2/tickets/7/audits.json"] {
            let answer = client.get(path).body.to_string();
            assert!(!answer.contains("Orders do not arrive"), "{path}");
        }
        assert_eq!(client.ticket()["description"], "Redacted.");
    }

    #[test]
    fn strangers_have_no_organisation() {
        let client = Client::admin(setup());
        let account = domain::AccountId::try_from("requester-77".to_owned()).unwrap();
        client.demo.open(&NewTicket { account, ..ticket(7) });
        let found = client.ticket();
        assert_eq!((&found["organization_id"], &found["requester_id"]), (&Value::Null, &json!(77)));
    }

    #[test]
    fn the_same_account_is_the_same_in_every_run() {
        let of = || {
            let client = Client::with_ticket();
            client.demo.comment(sample::ticket_id(7), "more");
            (client.ticket(), client.get("/api/v2/tickets/7/comments.json").body, client.demo.clients())
        };
        assert_eq!(of(), of());
    }
}
