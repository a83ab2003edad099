//! Who we are in the account, and what the account has of ours.

use jiff::Timestamp;

use super::{
    Finding,
    facts::{Facts, SignIn},
};
use crate::{
    access::API_TOKENS_END,
    setup::{Team, matching_group, wanted_fields},
};

const SET_UP: &str = "run zendesk-setup";
/// Tickets an agent does not see cannot be triaged.
const RESTRICTED: &str = "give the user access to all tickets in Admin Center, People, Team members";

pub(super) fn credentials(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "token";
    let fix = "check ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET against the OAuth client in Admin Center, Apps and \
               integrations, APIs";
    vec![match &facts.me {
        Err(why) => Finding::error(CHECK, why.clone(), fix),
        Ok(me) => match me.problem() {
            Some(problem) => Finding::error(CHECK, problem, fix),
            None => Finding::ok(CHECK, format!("acts as “{}” ({}), role {}", me.name, number(me.id), me.role)),
        },
    }]
}

pub(super) fn running_credentials(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "running-token";
    let fix = "make a confidential OAuth client with the scopes of docs/zendesk.md as the bot user, and run zendesk-setup \
               with ZENDESK_RUNTIME_CLIENT_ID and ZENDESK_RUNTIME_CLIENT_SECRET";
    let me = match &facts.running {
        None => return vec![Finding::skipped(CHECK, "the running client's credentials are not known here")],
        Some(Err(why)) => return vec![Finding::error(CHECK, why.clone(), fix)],
        Some(Ok((me, _))) => me,
    };
    if let Some(problem) = me.problem() {
        return vec![Finding::error(CHECK, problem, fix)];
    }
    let mut found = vec![Finding::ok(CHECK, format!("acts as “{}” ({}), role {}", me.name, number(me.id), me.role))];
    let deployed = facts.subject.bot_user;
    if facts.subject.stack.is_some() && deployed.map(|user| user.0) != me.id {
        let says = match deployed {
            None => "ZendeskBotUserId is not set: every change of ours is looked at again".to_owned(),
            Some(other) => format!("ZendeskBotUserId is {}, but changes are made by {}", other.0, number(me.id)),
        };
        found.push(Finding::error("bot-user", says, format!("deploy with ZendeskBotUserId={}", number(me.id))));
    }
    found
}

/// API tokens end for everybody on one day.
pub(super) fn api_token(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "api-token";
    let running = facts.running.as_ref().and_then(|running| running.as_ref().ok()).map(|(_, credentials)| *credentials);
    if ![Some(facts.credentials), running].contains(&Some(SignIn::ApiToken)) {
        return vec![Finding::ok(CHECK, "OAuth is used")];
    }
    let end: Timestamp = format!("{API_TOKENS_END}T00:00:00Z").parse().expect("a date");
    let days = end.duration_since(facts.subject.now).as_hours() / 24;
    let fix = "make OAuth clients (docs/zendesk.md) and run zendesk-setup again";
    let says = format!("an API token is used; all of them stop on {API_TOKENS_END}, and unused ones after 30 days");
    vec![if days > 0 {
        Finding::warning(CHECK, format!("{says} ({days} days left)"), fix)
    } else {
        Finding::error(CHECK, says, fix)
    }]
}

pub(super) fn role(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "role";
    let Some(me) = facts.actor() else { return vec![Finding::skipped(CHECK, "the user is not known")] };
    if let Ok(false) = facts.tickets {
        let fix = "the bot has to be an agent or admin, with the scope tickets:read";
        return vec![Finding::error(CHECK, "the user may not list tickets", fix)];
    }
    vec![match (me.role.as_str(), &me.restriction) {
        ("agent" | "admin", None) => Finding::ok(CHECK, format!("{} with access to all tickets", me.role)),
        ("agent" | "admin", Some(restriction)) => {
            Finding::error(CHECK, format!("the user only sees tickets by its restriction “{restriction}”"), RESTRICTED)
        }
        (role, _) => {
            Finding::error(CHECK, format!("the role “{role}” cannot write to tickets"), "make the user an agent")
        }
    }]
}

/// Which way lost events are found.
pub(super) fn sweep(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "sweep";
    let deployed = facts.subject.sweep.as_deref();
    vec![match (&facts.export, &facts.tickets) {
        _ if deployed == Some("off") => {
            Finding::warning(CHECK, "it is off: tickets whose event was lost are not found", "deploy with Sweep=list")
        }
        (Err(why), _) => Finding::warning(CHECK, format!("not known: {why}"), "run doctor again"),
        (Ok(true), _) => Finding::ok(CHECK, "incremental export is allowed: Sweep=export or list"),
        (Ok(false), _) if deployed == Some("export") => Finding::error(
            CHECK,
            "Sweep=export is deployed, and the incremental export is for admins: lost events are not found",
            "deploy with Sweep=list, or make the bot an admin",
        ),
        (Ok(false), Ok(true)) => {
            Finding::ok(CHECK, "incremental export is for admins and not allowed here: Sweep=list")
        }
        (Ok(false), _) => Finding::error(
            CHECK,
            "neither the incremental export nor the list of tickets is allowed: lost events are not found",
            "give the running client the scope tickets:read",
        ),
    }]
}

pub(super) fn fields(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "fields";
    let fields = match &facts.fields {
        Ok(fields) => fields,
        Err(why) => return vec![Finding::error(CHECK, why.clone(), "use an admin's credentials with the scope read")],
    };
    let mut found = Vec::new();
    let ids = &facts.subject.fields;
    for wanted in wanted_fields(facts.subject.teams.iter().map(|team| (&team.agent, team.name.as_str()))) {
        let key = wanted.key;
        let Some(id) = key.id(ids) else {
            found.push(Finding::error(CHECK, format!("{key} has no id in policy.json and is not written"), SET_UP));
            continue;
        };
        let Some(field) = fields.iter().find(|field| field.id == id) else {
            found.push(Finding::error(CHECK, format!("{key}: there is no field {id}"), SET_UP));
            continue;
        };
        if field.kind != wanted.kind {
            let says = format!("{key}: field {id} is of type {}, not {}", field.kind, wanted.kind);
            found.push(Finding::error(CHECK, says, SET_UP));
        } else if !field.active {
            found.push(Finding::error(CHECK, format!("{key}: field {id} is switched off"), SET_UP));
        } else if let missing @ [_, ..] = &*wanted.missing_options(field) {
            let names: Vec<&str> = missing.iter().map(|(value, _)| value.as_str()).collect();
            let says = format!("{key}: field {id} lacks the options {}", names.join(", "));
            found.push(Finding::error(CHECK, says, SET_UP));
        }
        if field.required {
            let says = format!("{key}: agents cannot solve a ticket while the field is empty");
            found.push(Finding::warning(CHECK, says, "make the field optional in Admin Center, Tickets, Fields"));
        }
        if let Some((other, tag)) = wanted.rival(fields, Some(id)) {
            let says = format!("{key}: the tag {tag} belongs to the field “{}” ({}) too", other.title, other.id);
            found.push(Finding::error(CHECK, says, "rename that field's option: a tag may belong to one field only"));
        }
    }
    if found.is_empty() {
        found.push(Finding::ok(CHECK, "three fields, with their options"));
    }
    found
}

pub(super) fn groups(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "groups";
    let groups = match &facts.groups {
        Ok(groups) => groups,
        Err(why) => return vec![Finding::error(CHECK, why.clone(), "give the client the scope groups:read")],
    };
    let mut found = Vec::new();
    for team in &facts.subject.teams {
        let Some(id) = team.group else {
            let says = format!("{} has no group in agents.json: its tickets are not routed", team.agent);
            found.push(Finding::warning(CHECK, says, SET_UP));
            continue;
        };
        let says = match groups.iter().find(|group| group.id == id.0) {
            Some(group) if !group.deleted => continue,
            Some(_) => format!("{}: the group {} is deleted", team.agent, id.0),
            None => format!("{}: there is no group {}", team.agent, id.0),
        };
        let other = matching_group(groups, &Team { group: None, ..team.clone() });
        let fix = other.map_or_else(|| SET_UP.to_owned(), |other| format!("{SET_UP}; group {} has its name", other.id));
        found.push(Finding::error(CHECK, says, fix));
    }
    if found.is_empty() {
        found.push(Finding::ok(CHECK, "each team has its group"));
    }
    found
}

/// An agent with restricted access may assign within its own groups only.
pub(super) fn assignment(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "assignment";
    let (Some(me), Ok(memberships)) = (facts.actor(), &facts.memberships) else {
        return vec![Finding::skipped(CHECK, "the user's groups are not known")];
    };
    if me.role == "admin" || me.restriction.is_none() {
        return vec![Finding::ok(CHECK, "the user may assign to every group")];
    }
    let teams = facts.subject.teams.iter().filter(|team| team.group.is_some_and(|id| !memberships.contains(&id.0)));
    let names: Vec<&str> = teams.map(|team| team.agent.as_str()).collect();
    vec![if names.is_empty() {
        Finding::ok(CHECK, "the user is in every team's group")
    } else {
        let says = format!("the user is not in the groups of {} and may not assign to them", names.join(", "));
        Finding::error(CHECK, says, "add the user to these groups, or give it access to all tickets")
    }]
}

fn number(id: Option<u64>) -> String {
    id.map_or_else(|| "no id".to_owned(), |id| id.to_string())
}
