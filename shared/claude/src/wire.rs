//! The Messages API as JSON, version 2026-10-21.

use domain::reading::Usage;
use llm::{Request, prompt::Schema};
use serde::{Deserialize, Serialize};

use crate::config::Model;

/// What a request says.
#[derive(Serialize)]
pub(crate) struct MessagePayload<'a> {
    model: &'a str,
    max_tokens: u32,
    thinking: ThinkingPayload,
    system: [SystemPayload<'a>; 1],
    messages: [UserPayload<'a>; 1],
    output_config: OutputPayload<'a>,
}

#[derive(Serialize)]
struct ThinkingPayload {
    r#type: String,
}

#[derive(Serialize)]
struct SystemPayload<'a> {
    r#type: &'static str,
    text: &'a str,
    cache_control: CachePayload,
}

/// On the block, and not on the whole request: there it would mark the ticket, and never hit.
#[derive(Serialize)]
struct CachePayload {
    r#type: &'static str,
    ttl: &'static str,
}

#[derive(Serialize)]
struct UserPayload<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
struct OutputPayload<'a> {
    effort: String,
    format: FormatPayload<'a>,
}

#[derive(Serialize)]
struct FormatPayload<'a> {
    r#type: &'static str,
    schema: &'a Schema,
}

impl<'a> MessagePayload<'a> {
    pub(crate) fn new(model: &'a Model, request: &Request<'a>) -> Self {
        Self {
            model: &model.id,
            max_tokens: model.max_tokens(),
            thinking: ThinkingPayload { r#type: model.thinking.to_string() },
            system: [SystemPayload {
                r#type: "text",
                text: request.system,
                cache_control: CachePayload { r#type: "ephemeral", ttl: "1h" },
            }],
            messages: [UserPayload { role: "user", content: request.ticket }],
            output_config: OutputPayload {
                effort: model.effort.to_string(),
                format: FormatPayload { r#type: "json_schema", schema: request.schema },
            },
        }
    }
}

/// A message that came back.
#[derive(Deserialize)]
pub(crate) struct MessageResponse {
    pub(crate) content: Vec<Block>,
    pub(crate) stop_reason: Option<String>,
    #[serde(default)]
    pub(crate) usage: UsageResponse,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Block {
    Text {
        text: String,
    },
    /// Thinking, and whatever is invented next.
    #[serde(other)]
    Other,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct UsageResponse {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
}

impl UsageResponse {
    pub(crate) fn usage(&self, model: &Model) -> Usage {
        let cache_read_tokens = self.cache_read_input_tokens.unwrap_or(0);
        let cache_write_tokens = self.cache_creation_input_tokens.unwrap_or(0);
        let mut usage = Usage {
            llm_calls: 1,
            input_tokens: self.input_tokens + cache_read_tokens + cache_write_tokens,
            cache_read_tokens,
            cache_write_tokens,
            output_tokens: self.output_tokens,
            cost_usd: 0.0,
        };
        usage.cost_usd = model.price.cost(&usage);
        usage
    }
}

/// An error that came back.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ErrorResponse {
    pub(crate) error: ErrorBody,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ErrorBody {
    pub(crate) r#type: String,
    pub(crate) details: Option<ErrorDetails>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ErrorDetails {
    pub(crate) error_code: Option<String>,
}
