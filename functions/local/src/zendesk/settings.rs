//! Changes to the customer's JSON files that leave everything else in its place.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use domain::{GroupId, TeamId};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zendesk::FieldIds;

/// JSON whose objects keep their order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Ordered {
    Object(IndexMap<String, Ordered>),
    Array(Vec<Ordered>),
    Plain(Value),
}

impl Ordered {
    fn read(file: &str, text: &str) -> anyhow::Result<Self> {
        serde_json::from_str(text).map_err(|error| anyhow!("{file}: {}", domain::ports::json_error(error)))
    }

    /// The value of a key, made if it is not there; none where this is no object.
    fn at(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Object(entries) => {
                Some(entries.entry(key.to_owned()).or_insert_with(|| Self::Object(IndexMap::new())))
            }
            Self::Array(_) | Self::Plain(_) => None,
        }
    }

    fn set(&mut self, key: &str, value: impl Into<Value>) {
        if let Some(place) = self.at(key) {
            *place = Self::Plain(value.into());
        }
    }

    fn text(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self).context("JSON that was read")? + "\n")
    }
}

/// `policy.json` with the ids of our fields and the address agents work at; none if it says so already.
///
/// # Errors
/// A file that is not JSON.
pub(super) fn policy(text: &str, ids: &FieldIds, url: &str) -> anyhow::Result<Option<String>> {
    const FILE: &str = "policy.json";
    let before = Ordered::read(FILE, text)?;
    let mut after = before.clone();
    let zendesk = after.at("zendesk").with_context(|| format!("{FILE}: is not an object"))?;
    zendesk.set("url", url);
    let fields = zendesk.at("fields").with_context(|| format!("{FILE}: zendesk is not an object"))?;
    for (key, id) in [
        ("guardian_risk_score", ids.guardian_risk_score),
        ("opportunity_intent", ids.opportunity_intent),
        ("agent_id", ids.agent_id),
    ] {
        if let Some(id) = id {
            fields.set(key, id);
        }
    }
    changed(&before, &after)
}

/// `agents.json` with the teams' groups; none if it has them already.
///
/// # Errors
/// A file that is not JSON.
pub(super) fn agents(text: &str, groups: &BTreeMap<TeamId, GroupId>) -> anyhow::Result<Option<String>> {
    let before = Ordered::read("agents.json", text)?;
    let mut after = before.clone();
    if let Ordered::Array(teams) = &mut after {
        for team in teams {
            let agent = match team.at("agent") {
                Some(Ordered::Plain(Value::String(agent))) => agent.clone(),
                Some(_) | None => continue,
            };
            if let Some((_, group)) = groups.iter().find(|(team, _)| team.as_str() == agent) {
                team.set("group", group.0);
            }
        }
    }
    changed(&before, &after)
}

fn changed(before: &Ordered, after: &Ordered) -> anyhow::Result<Option<String>> {
    if before == after { Ok(None) } else { after.text().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: FieldIds = FieldIds { guardian_risk_score: Some(1), opportunity_intent: Some(2), agent_id: Some(3) };

    #[test]
    fn only_the_ids_of_a_policy_change() {
        let found = policy(data::POLICY, &IDS, "https://acme.zendesk.com").unwrap().unwrap();
        let changes = found.lines().zip(data::POLICY.lines()).filter(|(after, before)| after != before).count();
        assert_eq!((found.lines().count(), changes), (data::POLICY.lines().count(), 4), "{found}");
        assert_eq!(policy(&found, &IDS, "https://acme.zendesk.com").unwrap(), None);
    }

    #[test]
    fn an_id_that_is_not_known_leaves_the_old_one() {
        let ids = FieldIds { agent_id: None, ..IDS };
        let found = policy(data::POLICY, &ids, "https://acme.zendesk.com").unwrap().unwrap();
        assert!(found.contains("\"agent_id\": 360002003"), "{found}");
    }

    #[test]
    fn only_the_groups_of_the_teams_change() {
        let groups = BTreeMap::from([(TeamId::try_from("cipher".to_owned()).unwrap(), GroupId(9))]);
        let found = agents(data::AGENTS, &groups).unwrap().unwrap();
        let changes: Vec<_> =
            found.lines().zip(data::AGENTS.lines()).filter(|(after, before)| after != before).collect();
        assert!(matches!(changes.as_slice(), [(after, _)] if after.contains("\"group\": 9")), "{changes:?}");
        assert_eq!(agents(&found, &groups).unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_named_and_not_quoted() {
        let error = policy("{ PLANTED", &IDS, "").unwrap_err().to_string();
        assert!(error.starts_with("policy.json: ") && !error.contains("PLANTED"), "{error}");
    }
}
