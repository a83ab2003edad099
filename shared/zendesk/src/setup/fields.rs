//! The custom fields: three of tickets, and those of organisations that a score uses.

use std::collections::BTreeSet;

use domain::{Intent, TeamId};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::{Done, Session, SetupError, Wanted, failed, undecided};
use crate::{
    FieldIds,
    found::{self, OrganizationField, TicketField},
    http::Method,
    request::{intent_option, team_option},
};

const TICKET_FIELDS: &str = "/api/v2/ticket_fields.json";
const ORGANIZATION_FIELDS_PATH: &str = "/api/v2/organization_fields.json";

/// Key, title, type and description of each field of organisations, by the names `policy.json` has where it says nothing.
pub const ORGANIZATION_FIELDS: [(&str, &str, &str, &str); 4] = [
    ("mrr", "MRR", "decimal", "US dollars a month"),
    ("plan", "Plan", "text", "What the customer has bought"),
    ("health", "Health", "text", "good, at_risk or poor"),
    ("kam", "Key account manager", "text", "E-mail address that gets this customer's alerts"),
];

/// Options of the intent field, as written to tickets.
pub static INTENT_OPTIONS: [(Intent, &str); 4] = [
    (Intent::PricingRequest, "Pricing request"),
    (Intent::Upgrade, "Upgrade"),
    (Intent::Expansion, "Expansion"),
    (Intent::CustomService, "Custom service"),
];

/// One of our ticket fields, by its key in `policy.json`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, strum::Display, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FieldKey {
    GuardianRiskScore,
    OpportunityIntent,
    AgentId,
}

/// How a ticket field should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WantedField {
    pub key: FieldKey,
    pub title: &'static str,
    pub kind: &'static str,
    /// Value and name of each.
    pub options: Vec<(String, String)>,
}

impl FieldKey {
    #[must_use]
    pub fn id(self, ids: &FieldIds) -> Option<u64> {
        match self {
            Self::GuardianRiskScore => ids.guardian_risk_score,
            Self::OpportunityIntent => ids.opportunity_intent,
            Self::AgentId => ids.agent_id,
        }
    }

    fn set(self, ids: &mut FieldIds, id: u64) {
        match self {
            Self::GuardianRiskScore => ids.guardian_risk_score = Some(id),
            Self::OpportunityIntent => ids.opportunity_intent = Some(id),
            Self::AgentId => ids.agent_id = Some(id),
        }
    }

    /// In the field's description, so that it is found after somebody renamed it.
    fn mark(self) -> String {
        format!("Written by ticket triage ({self})")
    }
}

/// Our three fields, with an option for each team.
#[must_use]
pub fn wanted_fields<'a>(teams: impl Iterator<Item = (&'a TeamId, &'a str)>) -> [WantedField; 3] {
    let intents = INTENT_OPTIONS.iter().map(|(intent, name)| (intent_option(*intent).to_owned(), (*name).to_owned()));
    let teams = teams.map(|(team, name)| (team_option(team), name.to_owned()));
    [
        WantedField {
            key: FieldKey::GuardianRiskScore,
            title: "Churn risk score (0 to 10)",
            kind: "integer",
            options: Vec::new(),
        },
        WantedField {
            key: FieldKey::OpportunityIntent,
            title: "Buying signal",
            kind: "tagger",
            options: intents.collect(),
        },
        WantedField { key: FieldKey::AgentId, title: "Triage team", kind: "tagger", options: teams.collect() },
    ]
}

impl WantedField {
    /// The field of this account: by its id, else by what its description says, else by title and type.
    #[must_use]
    pub fn find<'a>(&self, fields: &'a [TicketField], ids: &FieldIds) -> Option<&'a TicketField> {
        let (id, mark) = (self.key.id(ids), self.key.mark());
        let fits = |field: &&TicketField| field.kind == self.kind;
        fields
            .iter()
            .filter(fits)
            .find(|field| Some(field.id) == id)
            .or_else(|| fields.iter().filter(fits).find(|field| field.description.contains(&mark)))
            .or_else(|| fields.iter().filter(fits).find(|field| field.title.eq_ignore_ascii_case(self.title)))
    }

    /// Another field that sets a tag of ours already, and that tag: Zendesk would take one field's value for the other's.
    #[must_use]
    pub fn rival<'a>(&self, fields: &'a [TicketField], own: Option<u64>) -> Option<(&'a TicketField, &'a str)> {
        let ours: BTreeSet<&str> = self.options.iter().map(|(value, _)| value.as_str()).collect();
        let others = fields.iter().filter(|field| Some(field.id) != own);
        others.flat_map(|field| field.tags().map(move |tag| (field, tag))).find(|(_, tag)| ours.contains(tag))
    }

    /// Options that the field does not have.
    #[must_use]
    pub fn missing_options(&self, field: &TicketField) -> Vec<&(String, String)> {
        self.options.iter().filter(|(value, _)| !field.options.contains(value)).collect()
    }

    fn body(&self) -> Value {
        let mut field = json!({
            "type": self.kind, "title": self.title, "description": self.key.mark(), "active": true, "required": false,
            "visible_in_portal": false, "editable_in_portal": false,
        });
        if let Some(field) = field.as_object_mut().filter(|_| !self.options.is_empty()) {
            let options: Vec<Value> =
                self.options.iter().map(|(value, name)| json!({ "name": name, "value": value })).collect();
            field.insert("custom_field_options".to_owned(), options.into());
        }
        json!({ "ticket_field": field })
    }
}

impl Session<'_> {
    pub(super) async fn ticket_fields(&mut self, wanted: &Wanted) -> Result<(), SetupError> {
        // As Zendesk sent them: a change of options repeats what is there, ids included.
        let raw = self.list(TICKET_FIELDS, "ticket_fields", |field| Some(field.clone()), "ticket fields").await?;
        let fields: Vec<TicketField> = raw.iter().filter_map(TicketField::read).collect();
        for field in wanted_fields(wanted.teams.iter().map(|team| (&team.agent, team.name.as_str()))) {
            let what = format!("ticket field {}", field.key);
            let found = field.find(&fields, &wanted.fields);
            if let Some((other, tag)) = field.rival(&fields, found.map(|found| found.id)) {
                let problem = format!(
                    "the field “{}” ({}) sets the tag {tag} too, and a tag may belong to one field only; change it there",
                    other.title, other.id
                );
                return Err(undecided(&what, problem));
            }
            match found {
                Some(found) => self.mend_field(&what, &field, found, &raw).await?,
                None => self.create_field(&what, &field, &fields).await?,
            }
        }
        Ok(())
    }

    async fn create_field(
        &mut self,
        what: &str,
        field: &WantedField,
        present: &[TicketField],
    ) -> Result<(), SetupError> {
        if let Some(other) = present.iter().find(|other| other.title.eq_ignore_ascii_case(field.title)) {
            let problem = format!(
                "there is a field “{}” ({}) of type {}, and ours is of type {}; rename that one",
                other.title, other.id, other.kind, field.kind
            );
            return Err(undecided(what, problem));
        }
        let answer = self.write(Method::Post, TICKET_FIELDS, Some(field.body())).await;
        let answer = answer.map_err(|cause| failed(what, cause))?;
        if let Some(id) = answer.as_ref().and_then(|answer| found::number(answer.get("ticket_field")?, "id")) {
            field.key.set(&mut self.report.found.fields, id);
        }
        self.step(what, Done::Created);
        Ok(())
    }

    async fn mend_field(
        &mut self,
        what: &str,
        field: &WantedField,
        found: &TicketField,
        raw: &[Value],
    ) -> Result<(), SetupError> {
        field.key.set(&mut self.report.found.fields, found.id);
        let mut change = serde_json::Map::new();
        let mut changes = Vec::new();
        if !found.active {
            change.insert("active".to_owned(), true.into());
            changes.push("switched on".to_owned());
        }
        let missing = field.missing_options(found);
        if !missing.is_empty() {
            let present = raw.iter().find(|value| found::number(value, "id") == Some(found.id));
            let present = present.map_or(&[][..], |value| found::list(value, "custom_field_options"));
            let added = missing.iter().map(|(value, name)| json!({ "name": name, "value": value }));
            let options: Vec<Value> = present.iter().cloned().chain(added).collect();
            change.insert("custom_field_options".to_owned(), options.into());
            let names: Vec<&str> = missing.iter().map(|(value, _)| value.as_str()).collect();
            changes.push(format!("options added: {}", names.join(", ")));
        }
        if changes.is_empty() {
            self.step(what, Done::Nothing);
            return Ok(());
        }
        let path = format!("/api/v2/ticket_fields/{}.json", found.id);
        let answer = self.write(Method::Put, path, Some(json!({ "ticket_field": change }))).await;
        answer.map_err(|cause| failed(what, cause))?;
        self.step(what, Done::Changed(changes.join("; ")));
        Ok(())
    }

    pub(super) async fn organization_fields(&mut self) -> Result<(), SetupError> {
        let present = self
            .list(ORGANIZATION_FIELDS_PATH, "organization_fields", OrganizationField::read, "organization fields")
            .await?;
        for (key, title, kind, description) in ORGANIZATION_FIELDS {
            let what = format!("organization field {key}");
            let found = present.iter().find(|field| field.key == key);
            let (method, path, change, done) = match found {
                Some(found) if found.active => {
                    self.step(what, Done::Nothing);
                    continue;
                }
                Some(found) => {
                    let path = format!("/api/v2/organization_fields/{}.json", found.id);
                    (Method::Put, path, json!({ "active": true }), Done::Changed("switched on".to_owned()))
                }
                None => {
                    let field = json!({ "key": key, "title": title, "type": kind, "description": description });
                    (Method::Post, ORGANIZATION_FIELDS_PATH.to_owned(), field, Done::Created)
                }
            };
            let answer = self.write(method, path, Some(json!({ "organization_field": change }))).await;
            answer.map_err(|cause| failed(&what, cause))?;
            self.step(what, done);
        }
        Ok(())
    }
}

/// All keys, so that a new one is thought of everywhere.
pub(super) fn keys() -> impl Iterator<Item = FieldKey> {
    FieldKey::iter()
}
