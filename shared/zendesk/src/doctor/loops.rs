//! Triggers of the customer's that answer our changes: loops, fights over a field, and mail to customers.

use std::collections::BTreeSet;

use domain::tags;

use super::{Finding, facts::Facts};
use crate::{
    found::{Condition, Trigger},
    setup::{FieldKey, wanted_fields, wanted_triggers},
};

const CHECK: &str = "triggers";

/// What marks a ticket as ours.
struct Marks {
    tags: BTreeSet<String>,
    /// Names of our custom fields in conditions and actions.
    fields: BTreeSet<String>,
}

pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let triggers = match &facts.triggers {
        Ok(triggers) => triggers,
        Err(why) => {
            return vec![Finding::warning(CHECK, why.clone(), "use an admin's credentials with the scope read")];
        }
    };
    let webhooks: Vec<String> = facts.our_webhooks().iter().map(|webhook| webhook.id.clone()).collect();
    let made = wanted_triggers(facts.subject.stack.as_deref()).map(|(title, _)| title);
    let marks = Marks::new(facts);
    let active = triggers.iter().filter(|trigger| trigger.active);
    let mut found: Vec<Finding> = active.flat_map(|trigger| examine(trigger, &webhooks, &made, &marks)).collect();
    if found.is_empty() {
        found.push(Finding::ok(CHECK, format!("none of {} answers our changes", triggers.len())));
    }
    found
}

fn examine(trigger: &Trigger, webhooks: &[String], made: &[String], marks: &Marks) -> Vec<Finding> {
    let name = format!("“{}” ({})", trigger.title, trigger.id);
    let calls = |id: &String| {
        let called = |field: &str| field == "notification_webhook" || field == "notification_target";
        trigger.actions.iter().any(|action| called(&action.field) && action.values.first() == Some(id))
    };
    let mut found = Vec::new();
    let fires = may_fire_on_our_update(trigger);
    if webhooks.iter().any(calls) {
        if fires {
            let says = format!("{name} calls our webhook for our own changes: a loop");
            let fix = "add the condition “Ticket is created”, or “Current user is (end user)”; or delete it, since \
                       zendesk-setup makes its own";
            found.push(Finding::error(CHECK, says, fix));
        } else if !made.contains(&trigger.title) {
            let says = format!("{name} calls our webhook besides what zendesk-setup made: tickets are looked at twice");
            found.push(Finding::warning(CHECK, says, "delete it"));
        }
    }
    let asks = trigger.all.iter().chain(&trigger.any).any(|condition| marks.asks(condition));
    let mails = trigger.actions.iter().any(|action| {
        action.field == "notification_user" && action.values.first().is_some_and(|whom| is_customer(whom))
    });
    if mails && fires && asks {
        let says = format!("{name} writes to the customer because of a tag or field of ours");
        found.push(Finding::error(CHECK, says, "take our tags and fields out of its conditions, or its mail away"));
    } else if mails && fires {
        let says = format!("{name} writes to the customer for any change, also for our private note");
        found.push(Finding::warning(CHECK, says, "add the condition “Comment is public”"));
    }
    if fires
        && let Some(what) = trigger.actions.iter().find_map(|action| marks.overwritten(&action.field, &action.values))
    {
        let says = format!("{name} sets {what} after us: it counts as a person's correction, and ours is lost");
        found.push(Finding::warning(
            CHECK,
            says,
            "exclude tickets with our tags triage_p0 … triage_p3, or leave it so",
        ));
    }
    found
}

fn is_customer(whom: &str) -> bool {
    matches!(whom, "requester_id" | "requester_and_ccs" | "all_cc" | "all_ccs")
}

/// Whether it can fire on what we write: a change by an agent, over the API, with our tags and a private note. In doubt it
/// can.
fn may_fire_on_our_update(trigger: &Trigger) -> bool {
    let excluded = |condition: &Condition| never_holds_for_us(condition, trigger);
    let all = trigger.all.iter().any(excluded);
    let any = !trigger.any.is_empty() && trigger.any.iter().all(excluded);
    !all && !any
}

fn never_holds_for_us(condition: &Condition, trigger: &Trigger) -> bool {
    let Condition { field, operator, value } = condition;
    match (field.as_str(), operator.as_str()) {
        ("update_type", "is") => value.eq_ignore_ascii_case("create"),
        ("update_type", "is_not") => value.eq_ignore_ascii_case("change"),
        ("role", "is") => value == "end_user",
        ("role", "is_not") => value == "agent",
        ("current_user_id" | "current_user", "is") => value == "requester_id" || value == "end_user",
        // The only status we set is pending, after an automatic answer.
        ("status", "value") => value != "pending",
        // Our notes are private; what we say in public is an answer that may be told.
        ("comment_is_public", "is") => value == "true" || value == "requester_can_see_comment",
        ("comment_is_public", "is_not") => value == "false",
        ("current_tags", "not_includes") => {
            let priorities = ["triage_p0", "triage_p1", "triage_p2", "triage_p3"];
            let excluded: BTreeSet<&str> = condition.words().collect();
            // After our write one of the four is always there. A tag that the trigger sets itself stops it too.
            priorities.iter().all(|tag| excluded.contains(tag)) || excluded.iter().any(|tag| sets(trigger, tag))
        }
        _ => false,
    }
}

/// Whether the trigger adds the tag, so that it does not fire a second time.
fn sets(trigger: &Trigger, tag: &str) -> bool {
    trigger.actions.iter().any(|action| {
        let adds = action.field == "current_tags" || action.field == "set_tags";
        adds && action.values.iter().any(|value| value.split_whitespace().any(|word| word == tag))
    })
}

impl Marks {
    fn new(facts: &Facts) -> Self {
        let teams = || facts.subject.teams.iter().map(|team| &team.agent);
        let mut tags: BTreeSet<String> = tags::Ours::new(teams(), "").iter().map(str::to_owned).collect();
        let wanted = wanted_fields(facts.subject.teams.iter().map(|team| (&team.agent, team.name.as_str())));
        tags.extend(wanted.iter().flat_map(|field| &field.options).map(|(value, _)| value.clone()));
        let ids = [FieldKey::GuardianRiskScore, FieldKey::OpportunityIntent, FieldKey::AgentId];
        let ids = ids.into_iter().filter_map(|key| key.id(&facts.subject.fields));
        let fields = ids.flat_map(|id| [format!("custom_fields_{id}"), format!("ticket_fields_{id}")]).collect();
        Self { tags, fields }
    }

    /// Whether the condition asks for something that we write.
    fn asks(&self, condition: &Condition) -> bool {
        let about_tags = condition.field == "current_tags" && condition.operator == "includes";
        (about_tags && condition.words().any(|tag| self.tags.contains(tag))) || self.fields.contains(&condition.field)
    }

    /// What an action sets that we set too, in words.
    fn overwritten(&self, field: &str, values: &[String]) -> Option<String> {
        match field {
            "priority" => Some("the priority".to_owned()),
            "group_id" => Some("the group".to_owned()),
            "set_tags" => Some("all tags, ours included".to_owned()),
            "current_tags" | "remove_tags" => {
                let mut words = values.iter().flat_map(|value| value.split_whitespace());
                words.find(|tag| self.tags.contains(*tag)).map(|tag| format!("the tag {tag}"))
            }
            field if self.fields.contains(field) => Some(format!("our field {field}")),
            _ => None,
        }
    }
}
