//! What the demo's account has beside tickets: people, groups, credentials, our fields, articles.

use std::collections::BTreeMap;

use pulldown_cmark::{Parser, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access::{ApiToken, OauthClient},
    object,
    records::{Kind, filled},
    state::{State, id},
};

/// The administrator's user id.
pub const ADMIN: u64 = 8_447_388_090_494;
/// An agent, member of every group: who edits tickets by hand.
pub const AGENT: u64 = 8_447_388_090_495;

/// What a running deployment asks for, and what a set-up does.
const RUNNING: [&str; 5] = ["tickets:read", "tickets:write", "users:read", "organizations:read", "groups:read"];
const SET_UP: [&str; 2] = ["read", "write"];

const INTENTS: [&str; 4] = ["pricing_request", "upgrade", "expansion", "custom_service"];

#[derive(Deserialize)]
struct Team {
    agent: String,
    team: String,
    group: u64,
}

pub(super) fn furnish(state: &mut State) {
    let bot = state.setup.bot;
    let teams: Vec<Team> = serde_json::from_str(data::AGENTS).expect("the bundled agents.json parses");
    let support = state.next_id();
    put(state, Kind::Group, support, json!({ "name": "Support", "default": true }));
    for Team { team, group, .. } in &teams {
        put(state, Kind::Group, *group, json!({ "name": team }));
    }
    for (id, name, email, role) in [
        (ADMIN, "Ada Admin", "admin@example.com", "admin"),
        (AGENT, "Alex Agent", "agent@example.com", "agent"),
        (bot, "Triage bot", "bot@example.com", "agent"),
    ] {
        let user = json!({
            "name": name, "email": email, "role": role, "default_group_id": support, "moderator": role == "admin",
            "restricted_agent": false, "ticket_restriction": null,
        });
        put(state, Kind::User, id, user);
        let groups = teams.iter().map(|team| team.group).filter(|_| id != bot).chain([support]);
        for group in groups.collect::<Vec<_>>() {
            let membership = state.next_id();
            let given = json!({ "user_id": id, "group_id": group, "default": group == support });
            put(state, Kind::GroupMembership, membership, given);
        }
    }
    credentials(state);
    our_fields(state, &teams);
}

fn credentials(state: &mut State) {
    let owned = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
    state.access.clients = vec![
        OauthClient {
            id: "triage-set-up".to_owned(),
            secret: state.derived("client triage-set-up"),
            user: ADMIN,
            scopes: owned(&SET_UP),
        },
        OauthClient {
            id: "triage".to_owned(),
            secret: state.derived("client triage"),
            user: state.setup.bot,
            scopes: owned(&RUNNING),
        },
    ];
    state.access.api_tokens = [("admin@example.com", ADMIN), ("agent@example.com", AGENT)]
        .into_iter()
        .map(|(email, user)| ApiToken {
            email: email.to_owned(),
            token: state.derived(&format!("API token of {email}")).trim_end_matches('=').to_owned(),
            user,
        })
        .collect();
}

/// Our custom fields, where the set-up names ids for them.
fn our_fields(state: &mut State, teams: &[Team]) {
    let options = |values: Vec<String>| -> Vec<Value> {
        values.into_iter().map(|value| json!({ "name": value.replace('_', " "), "value": value })).collect()
    };
    let intents = options(INTENTS.iter().map(|intent| format!("intent_{intent}")).collect());
    let agents = options(teams.iter().map(|team| format!("team_{}", team.agent)).collect());
    let fields = state.setup.fields;
    for (id, title, kind, options) in [
        (fields.guardian_risk_score, "Guardian risk score", "integer", Vec::new()),
        (fields.opportunity_intent, "Opportunity intent", "tagger", intents),
        (fields.agent_id, "Specialist team", "tagger", agents),
    ] {
        if let Some(id) = id {
            put(state, Kind::TicketField, id, json!({ "title": title, "type": kind, "custom_field_options": options }));
        }
    }
}

/// Makes the group and the options that a write names.
pub(super) fn oblige(state: &mut State, sent: &Map<String, Value>) {
    if let Some(group) = sent.get("group_id").and_then(id)
        && state.record(Kind::Group, group).is_none()
    {
        put(state, Kind::Group, group, json!({ "name": format!("Group {group}") }));
    }
    for field in sent.get("custom_fields").and_then(Value::as_array).into_iter().flatten() {
        let (number, value) = (field.get("id").and_then(id), field.get("value").and_then(Value::as_str));
        let fields = state.records.get_mut(&Kind::TicketField);
        let field = number.and_then(|number| fields?.get_mut(&number));
        let options = field.and_then(|field| field.get_mut("custom_field_options")?.as_array_mut());
        if let (Some(options), Some(value)) = (options, value)
            && !options.iter().any(|option| option.get("value").and_then(Value::as_str) == Some(value))
        {
            options.push(json!({ "name": value, "value": value }));
        }
    }
}

pub(super) fn put(state: &mut State, kind: Kind, id: u64, given: Value) {
    let record = filled(state, kind, id, object(given));
    state.put(kind, id, record);
}

/// Publishes the bundled knowledge base, a section for each topic.
pub(super) fn publish_articles(state: &mut State) {
    let category = state.next_id();
    put(state, Kind::Category, category, json!({ "name": "Help" }));
    let articles: BTreeMap<&str, HelpText> =
        data::knowledge_base().filter_map(|(name, text)| Some((name, HelpText::of(name, text)?))).collect();
    for (name, HelpText { title, topic, body }) in articles.iter().filter(|(name, _)| !name.contains('.')) {
        let section = section(state, category, topic);
        let translated = |locale: &str| {
            let HelpText { title, body, .. } = articles.get(format!("{name}.{locale}").as_str())?;
            Some((locale.to_owned(), json!({ "title": title, "body": body, "draft": false })))
        };
        let translations: Map<String, Value> = LOCALES.into_iter().filter_map(translated).collect();
        let id = state.next_id();
        let article = json!({
            "title": title, "body": body, "section_id": section, "author_id": ADMIN, "label_names": [name],
            "translations": translations,
        });
        put(state, Kind::Article, id, article);
    }
}

/// The locales of this account beside its default.
const LOCALES: [&str; 1] = ["fr"];

/// An article as a Help Center has it.
struct HelpText {
    title: String,
    topic: String,
    /// HTML.
    body: String,
}

impl HelpText {
    fn of(name: &str, text: &str) -> Option<Self> {
        let (front, markdown) = text.trim_start_matches("+++").split_once("\n+++\n")?;
        let value = |key: &str| {
            let line = front.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.map(|value| value.trim_end_matches('"').to_owned())
        };
        let mut body = String::new();
        html::push_html(&mut body, Parser::new(markdown.trim()));
        let topic = value("topic").unwrap_or_else(|| "general".to_owned());
        Some(Self { title: value("title").unwrap_or_else(|| name.to_owned()), topic, body })
    }
}

fn section(state: &mut State, category: u64, topic: &str) -> u64 {
    let named = |name: Option<&Value>| name.and_then(Value::as_str) == Some(topic);
    let known = state.all(Kind::Section).find(|(_, section)| named(section.get("name"))).map(|(id, _)| id);
    known.unwrap_or_else(|| {
        let id = state.next_id();
        put(state, Kind::Section, id, json!({ "name": topic, "category_id": category }));
        id
    })
}
