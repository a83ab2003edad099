//! What set-up and doctor find in an account, as far as they look at it. Read leniently: whatever is missing is empty.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{ApiError, Client};

/// More pages than any account has of fields, groups, webhooks or triggers.
const MOST_PAGES: usize = 100;

/// A custom field of tickets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TicketField {
    pub id: u64,
    pub title: String,
    pub description: String,
    /// `integer`, `tagger`, `checkbox`, …
    pub kind: String,
    pub active: bool,
    /// Tickets cannot be solved without it.
    pub required: bool,
    /// The values of its options, in order.
    pub options: Vec<String>,
    /// The tag of a checkbox.
    pub tag: Option<String>,
}

/// A custom field of organisations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationField {
    pub id: u64,
    pub key: String,
    pub kind: String,
    pub active: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    pub id: u64,
    pub name: String,
    pub deleted: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    pub id: String,
    pub name: String,
    pub active: bool,
    pub endpoint: String,
    pub method: String,
    pub format: String,
    pub subscriptions: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trigger {
    pub id: u64,
    pub title: String,
    pub active: bool,
    pub category: Option<String>,
    /// All of them must hold.
    pub all: Vec<Condition>,
    /// One of them must hold, if there are any.
    pub any: Vec<Condition>,
    pub actions: Vec<Action>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Condition {
    pub field: String,
    pub operator: String,
    pub value: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Action {
    pub field: String,
    /// One value, or the parts of a list.
    pub values: Vec<String>,
}

/// Who a token acts as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Me {
    /// None for the anonymous user, as whom Zendesk answers a request without valid credentials.
    pub id: Option<u64>,
    pub name: String,
    /// `admin`, `agent` or `end-user`.
    pub role: String,
    /// What an agent is restricted to, such as `assigned` or `groups`.
    pub restriction: Option<String>,
    pub suspended: bool,
}

impl TicketField {
    pub fn read(value: &Value) -> Option<Self> {
        let options = list(value, "custom_field_options");
        Some(Self {
            id: number(value, "id")?,
            title: either(value, "raw_title", "title"),
            description: either(value, "raw_description", "description"),
            kind: text(value, "type"),
            active: flag(value, "active", true),
            required: flag(value, "required", false),
            options: options.iter().map(|option| text(option, "value")).collect(),
            tag: Some(text(value, "tag")).filter(|tag| !tag.is_empty()),
        })
    }

    /// The tags that this field sets.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.options.iter().chain(&self.tag).map(String::as_str)
    }
}

impl OrganizationField {
    pub fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: number(value, "id")?,
            key: text(value, "key"),
            kind: text(value, "type"),
            active: flag(value, "active", true),
        })
    }
}

impl Group {
    pub fn read(value: &Value) -> Option<Self> {
        Some(Self { id: number(value, "id")?, name: text(value, "name"), deleted: flag(value, "deleted", false) })
    }
}

impl Webhook {
    pub fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: Some(text(value, "id")).filter(|id| !id.is_empty())?,
            name: text(value, "name"),
            active: text(value, "status") != "inactive",
            endpoint: text(value, "endpoint"),
            method: text(value, "http_method"),
            format: text(value, "request_format"),
            subscriptions: list(value, "subscriptions").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}

impl Trigger {
    pub fn read(value: &Value) -> Option<Self> {
        let conditions = value.get("conditions").cloned().unwrap_or_default();
        let of = |key: &str| list(&conditions, key).iter().map(Condition::read).collect();
        Some(Self {
            id: number(value, "id")?,
            title: either(value, "raw_title", "title"),
            active: flag(value, "active", true),
            category: Some(text(value, "category_id")).filter(|id| !id.is_empty()),
            all: of("all"),
            any: of("any"),
            actions: list(value, "actions").iter().map(Action::read).collect(),
        })
    }
}

impl Condition {
    fn read(value: &Value) -> Self {
        Self { field: text(value, "field"), operator: text(value, "operator"), value: text(value, "value") }
    }

    /// The words of a value that lists tags.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.value.split_whitespace()
    }
}

impl Action {
    fn read(value: &Value) -> Self {
        let values = match value.get("value") {
            Some(Value::Array(values)) => values.iter().map(plain).collect(),
            Some(Value::Null) | None => Vec::new(),
            Some(value) => vec![plain(value)],
        };
        Self { field: text(value, "field"), values }
    }
}

impl Me {
    pub fn read(value: &Value) -> Self {
        Self {
            id: number(value, "id"),
            name: text(value, "name"),
            role: text(value, "role"),
            restriction: Some(text(value, "ticket_restriction")).filter(|restriction| !restriction.is_empty()),
            suspended: flag(value, "suspended", false),
        }
    }

    /// What is wrong with a token that acts as this user at all.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        match self.id {
            None => Some("Zendesk takes these credentials for nobody's (“Anonymous user”)"),
            Some(_) if self.suspended => Some("the user behind these credentials is suspended"),
            Some(_) => None,
        }
    }
}

/// Who the client acts as.
///
/// # Errors
/// What Zendesk says.
pub async fn me(client: &Client) -> Result<Me, ApiError> {
    let answer: Value = client.get("/api/v2/users/me.json").await?;
    Ok(Me::read(answer.get("user").unwrap_or(&Value::Null)))
}

/// All pages of a list, by cursor where Zendesk offers one. `path` has no query.
///
/// # Errors
/// What Zendesk says.
pub async fn all<T>(
    client: &Client,
    path: &str,
    key: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, ApiError> {
    let mut found = Vec::new();
    let mut next = Some(format!("{path}?page[size]=100"));
    for _ in 0..MOST_PAGES {
        let Some(page) = next else { break };
        let answer: Value = client.get(&page).await?;
        found.extend(list(&answer, key).iter().filter_map(&read));
        next = next_page(path, &answer);
    }
    Ok(found)
}

/// The path of the page that follows, if there is one.
fn next_page(path: &str, answer: &Value) -> Option<String> {
    if let Some(meta) = answer.get("meta") {
        let cursor = Some(text(meta, "after_cursor")).filter(|cursor| !cursor.is_empty());
        let cursor = cursor.filter(|_| flag(meta, "has_more", false))?;
        return Some(format!("{path}?page[size]=100&page[after]={}", escaped(&cursor)));
    }
    // An address of the same account: only its path is ours to follow.
    let url = text(answer, "next_page");
    let at = url.find("/api/v2/")?;
    url.get(at..).map(str::to_owned)
}

/// A part of a query: whatever is not a plain letter or digit as `%XX`.
pub(crate) fn escaped(part: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    part.bytes().map(escape).collect()
}

/// A text, number or flag as text; empty for anything else.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

pub(crate) fn text(value: &Value, key: &str) -> String {
    value.get(key).map(plain).unwrap_or_default()
}

/// A text by its JSON pointer; empty if there is none.
#[must_use]
pub fn text_at(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map(plain).unwrap_or_default()
}

/// The first of two keys that is not empty: the raw one keeps placeholders of dynamic content as they are.
fn either(value: &Value, first: &str, second: &str) -> String {
    Some(text(value, first)).filter(|text| !text.is_empty()).unwrap_or_else(|| text(value, second))
}

/// An id that may come as a number or as digits.
pub(crate) fn number(value: &Value, key: &str) -> Option<u64> {
    text(value, key).parse().ok()
}

pub(crate) fn flag(value: &Value, key: &str, default: bool) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or(default)
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_come_as_numbers_or_digits() {
        assert_eq!(number(&json!({ "id": 7 }), "id"), Some(7));
        assert_eq!(number(&json!({ "id": "7" }), "id"), Some(7));
        assert_eq!(number(&json!({ "id": null }), "id"), None);
    }

    #[test]
    fn an_action_has_one_value_or_several() {
        let trigger = json!({
            "id": 1, "title": "t", "conditions": { "all": [{ "field": "update_type", "operator": "is", "value": "Create" }] },
            "actions": [{ "field": "status", "value": "open" }, { "field": "notification_webhook", "value": ["01G", "{}"] }],
        });
        let trigger = Trigger::read(&trigger).unwrap();
        let values: Vec<usize> = trigger.actions.iter().map(|action| action.values.len()).collect();
        assert_eq!((values, trigger.all.len(), trigger.any.len()), (vec![1, 2], 1, 0));
    }

    #[test]
    fn the_next_page_is_found_in_either_way() {
        let next = |answer: Value| next_page("/api/v2/groups.json", &answer);
        assert_eq!(
            next(json!({ "meta": { "has_more": true, "after_cursor": "a+b=" } })).as_deref(),
            Some("/api/v2/groups.json?page[size]=100&page[after]=a%2Bb%3D")
        );
        assert_eq!(next(json!({ "meta": { "has_more": false, "after_cursor": "x" }, "next_page": "y" })), None);
        let url = "https://acme.zendesk.com/api/v2/groups.json?page=2";
        assert_eq!(next(json!({ "next_page": url })).as_deref(), Some("/api/v2/groups.json?page=2"));
        assert_eq!(next(json!({ "next_page": null })), None);
    }

    #[test]
    fn nobody_is_told_from_somebody() {
        let me = |user: Value| Me::read(&user);
        assert!(me(json!({ "id": null, "name": "Anonymous user", "role": "end-user" })).problem().is_some());
        assert!(me(json!({ "id": 7, "role": "admin", "suspended": true })).problem().is_some());
        assert_eq!(me(json!({ "id": 7, "role": "agent" })).problem(), None);
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(text in ".*") {
            let value: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let _ = (TicketField::read(&value), Trigger::read(&value), Webhook::read(&value), next_page("/x", &value));
        }
    }
}
