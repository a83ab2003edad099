//! Zendesk's answers, read leniently: null, empty, missing and of another type all happen, and an id may be a string.
//! Only what is used is read: the address and place of a requester in particular are not.

use serde::Deserialize;
use serde_json::{Map, Value};

/// `GET` or `PUT /api/v2/tickets/{id}.json`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct TicketAnswer {
    pub ticket: Ticket,
    #[serde(default, deserialize_with = "lenient::list")]
    pub users: Vec<User>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub organizations: Vec<Organization>,
    /// What a write did.
    #[serde(default, deserialize_with = "lenient::object")]
    pub audit: Option<Audit>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Ticket {
    #[serde(deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    pub subject: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub description: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub priority: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub requester_id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub submitter_id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub assignee_id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub organization_id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub group_id: Option<u64>,
    #[serde(deserialize_with = "lenient::words")]
    pub tags: Vec<String>,
    #[serde(deserialize_with = "lenient::list")]
    pub custom_fields: Vec<CustomField>,
    /// The same list again.
    #[serde(deserialize_with = "lenient::list")]
    pub fields: Vec<CustomField>,
    #[serde(deserialize_with = "lenient::flag")]
    pub is_public: Option<bool>,
    #[serde(deserialize_with = "lenient::flag")]
    pub from_messaging_channel: Option<bool>,
    #[serde(deserialize_with = "lenient::object")]
    pub via: Option<Via>,
    #[serde(deserialize_with = "lenient::text")]
    pub created_at: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub updated_at: Option<String>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct CustomField {
    #[serde(deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    pub value: Value,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Via {
    #[serde(deserialize_with = "lenient::text")]
    pub channel: Option<String>,
}

/// A comment, of a ticket's list or in an audit's event.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Comment {
    #[serde(deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient::number")]
    pub author_id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    pub body: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub html_body: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub plain_body: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub public: Option<bool>,
    #[serde(deserialize_with = "lenient::object")]
    pub via: Option<Via>,
    #[serde(deserialize_with = "lenient::text")]
    pub created_at: Option<String>,
    /// Of a voice comment.
    #[serde(deserialize_with = "lenient::object")]
    pub data: Option<VoiceData>,
    /// The same, where the comment came in by the API of another telephone system.
    #[serde(deserialize_with = "lenient::text")]
    pub transcription_text: Option<String>,
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Option<CommentMetadata>,
    /// Of the event that says that another comment was made private.
    #[serde(deserialize_with = "lenient::number")]
    pub comment_id: Option<u64>,
    /// Of an event: a new value, or what was said in a chat.
    pub value: Value,
}

/// What Zendesk noticed about a comment. `system`, the writer's address and place, is not read.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct CommentMetadata {
    #[serde(deserialize_with = "lenient::list")]
    pub flags: Vec<u64>,
    /// Why the mail was suspended before somebody recovered it.
    #[serde(deserialize_with = "lenient::number")]
    pub suspension_type_id: Option<u64>,
}

/// What was said in a chat, in the event that ended or began it.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct ChatValue {
    #[serde(deserialize_with = "lenient::list")]
    pub history: Vec<ChatMessage>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct ChatMessage {
    /// `ChatMessage`, `ChatJoin`, `ChatFileAttachment` and more.
    #[serde(rename = "type", deserialize_with = "lenient::text")]
    pub kind: Option<String>,
    /// `end-user`, `agent`, `system`.
    #[serde(deserialize_with = "lenient::text")]
    pub actor_type: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub message: Option<String>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct VoiceData {
    #[serde(deserialize_with = "lenient::text")]
    pub transcription_text: Option<String>,
}

/// A page of `GET /api/v2/tickets/{id}/comments.json`.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct CommentPage {
    #[serde(deserialize_with = "lenient::list")]
    pub comments: Vec<Comment>,
    #[serde(deserialize_with = "lenient::list")]
    pub users: Vec<User>,
    #[serde(deserialize_with = "lenient::object")]
    pub meta: Option<Meta>,
}

/// A page of `GET /api/v2/tickets/{id}/audits.json`.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct AuditPage {
    #[serde(deserialize_with = "lenient::list")]
    pub audits: Vec<Audit>,
    #[serde(deserialize_with = "lenient::object")]
    pub meta: Option<Meta>,
}

/// Where a page stands in its list.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Meta {
    #[serde(deserialize_with = "lenient::flag")]
    pub has_more: Option<bool>,
    #[serde(deserialize_with = "lenient::text")]
    pub after_cursor: Option<String>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Audit {
    #[serde(deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub author_id: Option<u64>,
    /// `Comment`, `Create`, `Change`, `Notification` and more; a comment has its fields, of the others the kind is read.
    #[serde(deserialize_with = "lenient::list")]
    pub events: Vec<Comment>,
    #[serde(deserialize_with = "lenient::object")]
    pub metadata: Option<Metadata>,
}

/// What a writer left with its write. `system`, the writer's address and place, is not read.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Metadata {
    #[serde(deserialize_with = "lenient::object")]
    pub custom: Option<Mark>,
    /// Directly below `metadata`, should `custom` ever not be there.
    #[serde(flatten)]
    pub direct: Mark,
}

/// Ours in an audit's metadata.
#[derive(Clone, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Mark {
    #[serde(deserialize_with = "lenient::text")]
    pub marker: Option<String>,
    /// Whether the comment of that write was meant to be public.
    #[serde(deserialize_with = "lenient::flag")]
    pub public: Option<bool>,
    /// The parts that Zendesk had not taken before that write.
    #[serde(deserialize_with = "lenient::words")]
    pub without: Vec<String>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
pub struct UserAnswer {
    pub user: User,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct User {
    #[serde(deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub email: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub phone: Option<String>,
    /// `end-user`, `agent` or `admin`.
    #[serde(deserialize_with = "lenient::text")]
    pub role: Option<String>,
    #[serde(deserialize_with = "lenient::flag")]
    pub suspended: Option<bool>,
    #[serde(deserialize_with = "lenient::number")]
    pub organization_id: Option<u64>,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
pub struct OrganizationAnswer {
    pub organization: Organization,
}

#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(default)]
pub struct Organization {
    #[serde(deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// By key.
    #[serde(deserialize_with = "lenient::map")]
    pub organization_fields: Map<String, Value>,
}

/// The path of the page after this one. The link Zendesk gives is an address, and credentials go to no address that an
/// answer names.
#[must_use]
pub fn next_page(list: &str, meta: Option<&Meta>) -> Option<String> {
    let meta = meta?;
    let cursor = meta.after_cursor.as_deref()?;
    let joint = if list.contains('?') { '&' } else { '?' };
    if meta.has_more == Some(true) { Some(format!("{list}{joint}page[after]={}", escaped(cursor))) } else { None }
}

/// A text as a parameter's value: whatever is not a plain letter or digit as `%XX`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

impl Audit {
    /// The comments among its events.
    pub fn comments(&self) -> impl Iterator<Item = &Comment> {
        self.events.iter().filter(|event| event.kind.as_deref().is_some_and(|kind| kind.ends_with("Comment")))
    }
}

impl User {
    /// Agents and administrators; who has no role that we know is nobody's colleague.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        self.role.as_deref().is_some_and(|role| role == "agent" || role == "admin")
    }
}

/// Readers that take what comes and never fail on a value of another type.
pub mod lenient {
    use serde::{Deserialize, Deserializer, de::DeserializeOwned};
    use serde_json::{Map, Value};

    /// A whole number, or a string of its digits.
    #[must_use]
    pub fn as_number(value: &Value) -> Option<u64> {
        match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A text that is not empty, or a number as one.
    #[must_use]
    pub fn as_text(value: Value) -> Option<String> {
        match value {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// # Errors
    /// JSON that is none.
    pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(as_number(&Value::deserialize(deserializer)?))
    }

    /// # Errors
    /// JSON that is none.
    pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
        Ok(as_text(Value::deserialize(deserializer)?))
    }

    /// # Errors
    /// JSON that is none.
    pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        })
    }

    /// What is no list is an empty one, and an entry of another shape is left out.
    ///
    /// # Errors
    /// JSON that is none.
    pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Array(entries) => {
                entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok()).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Vec::new(),
        })
    }

    /// Tags: a list of words, or one text of them.
    ///
    /// # Errors
    /// JSON that is none.
    pub fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Array(entries) => entries.into_iter().filter_map(as_text).collect(),
            Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
        })
    }

    /// None for what is no object of this shape.
    ///
    /// # Errors
    /// JSON that is none.
    pub fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
    }

    /// # Errors
    /// JSON that is none.
    pub fn map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Object(map) => map,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
        })
    }
}
