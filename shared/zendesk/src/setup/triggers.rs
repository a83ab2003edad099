//! The triggers that call the webhook where an account has no ticket events. They carry ids only: free text in a body
//! breaks its JSON.

use serde_json::{Value, json};

use super::{Done, Session, SetupError, failed};
use crate::{
    client::ApiError,
    found::{self, Condition, Trigger},
    http::Method,
};

pub(super) const TRIGGERS: &str = "/api/v2/triggers.json";
const CATEGORIES: &str = "/api/v2/trigger_categories.json";
const CATEGORY: &str = "Ticket triage";

/// What a trigger sends.
pub const BODY: &str = r#"{"source":"zendesk_trigger","schema":1,"ticket_id":"{{ticket.id}}","requester_id":"{{ticket.requester.id}}","actor_id":"{{current_user.id}}"}"#;

/// Titles and conditions. Each excludes our own changes, so no trigger of ours can call us for what we wrote: we never
/// create a ticket, and are no end user.
#[must_use]
pub fn wanted(stack: Option<&str>) -> [(String, Vec<Condition>); 2] {
    let condition = |field: &str, operator: &str, value: &str| Condition {
        field: field.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
    };
    let title = |event: &str| match stack {
        Some(stack) => format!("Ticket triage {stack}: {event}"),
        None => format!("Ticket triage: {event}"),
    };
    [
        (title("new ticket"), vec![condition("update_type", "is", "Create")]),
        (
            title("customer replied"),
            vec![
                condition("update_type", "is", "Change"),
                condition("comment_is_public", "is", "true"),
                condition("role", "is", "end_user"),
            ],
        ),
    ]
}

/// Whether it is as we want it.
fn is_as_wanted(trigger: &Trigger, conditions: &[Condition], webhook: &str) -> bool {
    let mut found = trigger.all.clone();
    let mut wanted = conditions.to_vec();
    found.sort();
    wanted.sort();
    let calls = trigger.actions.iter().any(|action| action.values == [webhook, BODY]);
    trigger.active && found == wanted && trigger.any.is_empty() && calls && trigger.actions.len() == 1
}

impl Session<'_> {
    pub(super) async fn triggers(&mut self, stack: Option<&str>, webhook: &str) -> Result<(), SetupError> {
        let present = self.list(TRIGGERS, "triggers", Trigger::read, "triggers").await?;
        let mut category = None;
        for (title, conditions) in wanted(stack) {
            let what = format!("trigger “{title}”");
            let found = present.iter().find(|trigger| trigger.title == title);
            if found.is_some_and(|found| is_as_wanted(found, &conditions, webhook)) {
                self.step(what, Done::Nothing);
                continue;
            }
            let all: Vec<Value> = conditions
                .iter()
                .map(|Condition { field, operator, value }| json!({ "field": field, "operator": operator, "value": value }))
                .collect();
            let mut trigger = json!({
                "title": title, "active": true, "conditions": { "all": all, "any": [] },
                "actions": [{ "field": "notification_webhook", "value": [webhook, BODY] }],
            });
            if found.is_none() && category.is_none() {
                category = self.category().await?;
            }
            if let (None, Some(id), Some(trigger)) = (found, &category, trigger.as_object_mut()) {
                trigger.insert("category_id".to_owned(), id.as_str().into());
            }
            let (method, path, done) = match found {
                Some(found) => {
                    let path = format!("/api/v2/triggers/{}.json", found.id);
                    (Method::Put, path, Done::Changed("conditions and action".to_owned()))
                }
                None => (Method::Post, TRIGGERS.to_owned(), Done::Created),
            };
            let answer = self.write(method, path, Some(json!({ "trigger": trigger }))).await;
            answer.map_err(|cause| failed(&what, cause))?;
            self.step(what, done);
        }
        Ok(())
    }

    /// The category ours stand in; none where the account has no categories, or in a dry run that would create it.
    async fn category(&mut self) -> Result<Option<String>, SetupError> {
        let what = "trigger category";
        let id = |value: &Value| Some(found::text(value, "id")).filter(|id| !id.is_empty());
        let named = |value: &Value| Some((found::text(value, "name"), id(value)?));
        let present = match found::all(self.client, CATEGORIES, "trigger_categories", named).await {
            Ok(present) => present,
            Err(ApiError::NotFound { .. } | ApiError::Refused { .. } | ApiError::Forbidden { .. }) => return Ok(None),
            Err(cause) => return Err(failed(what, cause)),
        };
        if let Some((_, id)) = present.into_iter().find(|(name, _)| name == CATEGORY) {
            return Ok(Some(id));
        }
        let body = json!({ "trigger_category": { "name": CATEGORY } });
        let answer = self.write(Method::Post, CATEGORIES, Some(body)).await.map_err(|cause| failed(what, cause))?;
        self.step(what, Done::Created);
        // Accounts answer in two shapes: the category itself, or an object that holds it.
        Ok(answer.as_ref().and_then(|answer| id(answer.get("trigger_category").unwrap_or(answer))))
    }

    pub(super) async fn remove_triggers(&mut self, stack: Option<&str>) -> Result<(), SetupError> {
        let present = self.list(TRIGGERS, "triggers", Trigger::read, "triggers").await?;
        let titles = wanted(stack).map(|(title, _)| title);
        for trigger in present.iter().filter(|trigger| titles.contains(&trigger.title)) {
            let what = format!("trigger “{}”", trigger.title);
            let path = format!("/api/v2/triggers/{}.json", trigger.id);
            self.write(Method::Delete, path, None).await.map_err(|cause| failed(&what, cause))?;
            self.step(what, Done::Removed);
        }
        Ok(())
    }
}
