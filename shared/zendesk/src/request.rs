//! The one request that changes a ticket: `PUT /api/v2/tickets/{id}.json`.

use domain::{Change, Intent, Priority, TeamId, TicketUpdate};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    comment::comment_html,
    http::{Method, Request},
};

const TEAM: &str = "team_";

/// Ids of our custom fields in the customer's Zendesk. A field without an id is not written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldIds {
    pub guardian_risk_score: Option<u64>,
    pub opportunity_intent: Option<u64>,
    pub agent_id: Option<u64>,
}

/// Renders an update. What the plan leaves alone is not in the body at all; the comment always says whether it is
/// public, since Zendesk remembers the last answer otherwise.
#[must_use]
pub fn update_request(update: &TicketUpdate, fields: &FieldIds) -> Request {
    let mut ticket = Map::new();
    let TicketUpdate { changes, before, .. } = update;
    // Neither is ever emptied: Zendesk refuses a priority of null, and a ticket does not lose its place in a queue.
    if let Change::Set(priority) = &changes.priority {
        ticket.insert("priority".into(), json!(priority_name(*priority)));
    }
    if let Change::Set(group) = &changes.group {
        ticket.insert("group_id".into(), json!(group.0));
    }
    if update.pending {
        ticket.insert("status".into(), json!("pending"));
    }
    let intent = Tagger::new(&changes.opportunity_intent, before.opportunity_intent.as_ref(), |intent| {
        intent_option(*intent).to_owned()
    });
    let team = Tagger::new(&changes.agent, before.agent.as_ref(), team_option);
    let kept = update.tags.iter().map(|tag| &**tag).filter(|tag| !intent.ousts(tag) && !team.ousts(tag));
    let tags: Vec<&str> = kept.chain(intent.new.as_deref()).chain(team.new.as_deref()).collect();
    ticket.insert("tags".into(), json!(tags));
    let custom: Vec<Value> = [
        custom_field(fields.guardian_risk_score, &changes.guardian_risk_score, |score| json!(score)),
        custom_field(fields.opportunity_intent, &changes.opportunity_intent, |intent| json!(intent_option(*intent))),
        custom_field(fields.agent_id, &changes.agent, |team| json!(team_option(team))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !custom.is_empty() {
        ticket.insert("custom_fields".into(), json!(custom));
    }
    if let Some(comment) = &update.comment {
        let comment = json!({ "html_body": comment_html(comment), "public": comment.public });
        ticket.insert("comment".into(), comment);
    }
    // With the marker goes what the comment was meant to be, so that whoever looks the write up can put it right.
    let metadata = match &update.comment {
        Some(comment) => json!({ "marker": update.marker, "public": comment.public }),
        None => json!({ "marker": update.marker }),
    };
    ticket.insert("metadata".into(), metadata);
    ticket.insert("safe_update".into(), json!(true));
    ticket.insert("updated_stamp".into(), json!(update.updated_stamp));
    Request::new(Method::Put, format!("/api/v2/tickets/{}.json", update.ticket.number()))
        .with_body(json!({ "ticket": ticket }))
}

/// The value as Zendesk wants it, `null` to empty the field; none to leave it alone.
fn value<T>(change: &Change<T>, json: impl Fn(&T) -> Value) -> Option<Value> {
    match change {
        Change::Keep => None,
        Change::Set(value) => Some(json(value)),
        Change::Clear => Some(Value::Null),
    }
}

fn custom_field<T>(id: Option<u64>, change: &Change<T>, json: impl Fn(&T) -> Value) -> Option<Value> {
    let (id, value) = (id?, value(change, json)?);
    Some(json!({ "id": id, "value": value }))
}

/// What a change of a tagger field does to the tags. The option a tagger holds is a tag of the ticket as well: leaving
/// the new one out would empty the field, and the old one has to go.
struct Tagger {
    old: Option<String>,
    new: Option<String>,
}

impl Tagger {
    fn new<T>(change: &Change<T>, before: Option<&T>, option: impl Fn(&T) -> String) -> Self {
        match change {
            Change::Keep => Self { old: None, new: None },
            Change::Set(value) => Self { old: before.map(&option), new: Some(option(value)) },
            Change::Clear => Self { old: before.map(&option), new: None },
        }
    }

    fn ousts(&self, tag: &str) -> bool {
        // The new one is put at the end, so that it stands there once.
        self.old.as_deref() == Some(tag) || self.new.as_deref() == Some(tag)
    }
}

fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::P0 => "urgent",
        Priority::P1 => "high",
        Priority::P2 => "normal",
        Priority::P3 => "low",
    }
}

/// The option of the intent field that stands for an intent. Options are tags, unique in the account and different from
/// every tag of ours.
#[must_use]
pub fn intent_option(intent: Intent) -> &'static str {
    match intent {
        Intent::PricingRequest => "intent_pricing_request",
        Intent::Upgrade => "intent_upgrade",
        Intent::Expansion => "intent_expansion",
        Intent::CustomService => "intent_custom_service",
    }
}

/// The option of the team field that stands for a team.
#[must_use]
pub fn team_option(team: &TeamId) -> String {
    format!("{TEAM}{team}")
}

/// The intent an option stands for; none for an option of somebody else's.
#[must_use]
pub fn intent_of(option: &str) -> Option<Intent> {
    let all = [Intent::PricingRequest, Intent::Upgrade, Intent::Expansion, Intent::CustomService];
    all.into_iter().find(|intent| intent_option(*intent) == option)
}

/// The team an option stands for; none for an option of somebody else's.
#[must_use]
pub fn team_of(option: &str) -> Option<TeamId> {
    option.strip_prefix(TEAM)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use domain::{FieldChanges, FieldValues, plan::Comment, sample};

    use super::*;

    const FIELDS: FieldIds = FieldIds { guardian_risk_score: Some(1), opportunity_intent: Some(2), agent_id: Some(3) };

    #[test]
    fn the_whole_request() {
        let update = sample::record(7, "Acme", sample::now()).update.unwrap();
        insta::assert_json_snapshot!(update_request(&update, &FIELDS));
    }

    #[test]
    fn what_is_left_alone_is_not_in_the_body() {
        let update = TicketUpdate {
            changes: FieldChanges::default(),
            comment: None,
            ..sample::record(7, "Acme", sample::now()).update.unwrap()
        };
        let request = update_request(&update, &FIELDS);
        let body = request.body.unwrap();
        let ticket = body["ticket"].as_object().unwrap();
        let keys: Vec<&str> = ticket.keys().map(String::as_str).collect();
        assert_eq!(keys, ["metadata", "safe_update", "tags", "updated_stamp"]);
        let unset = update_request(&sample::record(7, "Acme", sample::now()).update.unwrap(), &FieldIds::default());
        assert!(unset.body.unwrap()["ticket"].get("custom_fields").is_none(), "no id, no field");
    }

    #[test]
    fn a_new_option_takes_the_place_of_the_old_one() {
        let tags: Vec<_> = ["intent_upgrade", "team_cipher", "team_spirit", "vip"].map(Into::into).into();
        let before = FieldValues {
            opportunity_intent: Some(Intent::Upgrade),
            agent: Some(sample::team("cipher")),
            ..FieldValues::default()
        };
        let update =
            TicketUpdate { tags: tags.into(), before, ..sample::record(7, "Acme", sample::now()).update.unwrap() };
        let request = update_request(&update, &FIELDS);
        assert_eq!(
            request.body.as_ref().unwrap()["ticket"]["tags"],
            json!(["team_spirit", "vip", "intent_expansion", "team_nexus"])
        );
    }

    #[test]
    fn a_cleared_field_is_sent_as_null() {
        let update = TicketUpdate {
            changes: FieldChanges { opportunity_intent: Change::Clear, ..FieldChanges::default() },
            before: FieldValues { opportunity_intent: Some(Intent::Upgrade), ..FieldValues::default() },
            tags: ["intent_upgrade", "team_nexus", "vip"].map(Into::into).into(),
            ..sample::record(7, "Acme", sample::now()).update.unwrap()
        };
        let request = update_request(&update, &FIELDS);
        assert_eq!(request.body.as_ref().unwrap()["ticket"]["custom_fields"], json!([{ "id": 2, "value": null }]));
        assert_eq!(request.body.as_ref().unwrap()["ticket"]["tags"], json!(["team_nexus", "vip"]));
    }

    #[test]
    fn a_fourth_team_has_its_option() {
        let update = TicketUpdate {
            changes: FieldChanges { agent: Change::Set(sample::team("field_ops")), ..FieldChanges::default() },
            tags: Default::default(),
            ..sample::record(7, "Acme", sample::now()).update.unwrap()
        };
        let request = update_request(&update, &FIELDS);
        assert_eq!(
            request.body.as_ref().unwrap()["ticket"]["custom_fields"],
            json!([{ "id": 3, "value": "team_field_ops" }])
        );
        assert_eq!(request.body.as_ref().unwrap()["ticket"]["tags"], json!(["team_field_ops"]));
    }

    #[test]
    fn a_public_comment_says_so() {
        for public in [true, false] {
            let update = TicketUpdate {
                comment: Some(Comment { public, ..Comment::answer("hello".into()) }),
                ..sample::record(7, "Acme", sample::now()).update.unwrap()
            };
            assert_eq!(update_request(&update, &FIELDS).body.unwrap()["ticket"]["comment"]["public"], public);
        }
    }
}
