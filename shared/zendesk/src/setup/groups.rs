//! The groups that stand for teams. Existing ones are used where they are named like the team; none is ever removed.

use domain::GroupId;
use serde_json::json;

use super::{Done, Session, SetupError, Team, Wanted, failed};
use crate::{
    found::{self, Group},
    http::Method,
};

const GROUPS: &str = "/api/v2/groups.json";

/// The group of a team: by its id, else by the team's name or id.
#[must_use]
pub fn matching<'a>(groups: &'a [Group], team: &Team) -> Option<&'a Group> {
    let live = || groups.iter().filter(|group| !group.deleted);
    let named = |name: &str| live().find(|group| group.name.trim().to_lowercase() == name.trim().to_lowercase());
    live()
        .find(|group| team.group == Some(GroupId(group.id)))
        .or_else(|| named(&team.name))
        .or_else(|| named(team.agent.as_str()))
}

impl Session<'_> {
    pub(super) async fn groups(&mut self, wanted: &Wanted) -> Result<(), SetupError> {
        let groups = self.list(GROUPS, "groups", Group::read, "groups").await?;
        for team in &wanted.teams {
            let what = format!("group of {}", team.agent);
            if let Some(group) = matching(&groups, team) {
                self.report.found.groups.insert(team.agent.clone(), GroupId(group.id));
                self.step(what, Done::Nothing);
                continue;
            }
            let group = json!({ "group": { "name": team.name, "description": team.description } });
            let answer = self.write(Method::Post, GROUPS, Some(group)).await.map_err(|cause| failed(&what, cause))?;
            if let Some(id) = answer.as_ref().and_then(|answer| found::number(answer.get("group")?, "id")) {
                self.report.found.groups.insert(team.agent.clone(), GroupId(id));
            }
            self.step(what, Done::Created);
        }
        Ok(())
    }
}
