//! Credentials: OAuth clients and their tokens, API tokens, scopes and roles.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use zendesk::Method;

use super::{
    call::{Call, Caller},
    reply::{Handled, Reply},
    state::State,
};

/// What a token lives when nobody says: Zendesk's default for clients made since April 2026.
const DEFAULT_LIFE: i64 = 1_800;
const SHORTEST_LIFE: i64 = 300;
const LONGEST_LIFE: i64 = 172_800;

/// Every scope there is, beside `read` and `write` themselves.
const RESOURCES: [&str; 9] =
    ["tickets", "users", "organizations", "groups", "webhooks", "triggers", "hc", "auditlogs", "automations"];

/// An OAuth client: what is entered in the admin centre.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OauthClient {
    pub id: String,
    pub secret: String,
    /// Whom its tokens act as.
    pub user: u64,
    /// The scopes it may ask for.
    pub scopes: Vec<String>,
}

/// A legacy API token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiToken {
    pub email: String,
    pub token: String,
    pub user: u64,
}

#[derive(Debug, Default)]
pub(super) struct Access {
    pub(super) clients: Vec<OauthClient>,
    pub(super) api_tokens: Vec<ApiToken>,
    tokens: HashMap<String, Token>,
    /// Also counts the tokens that were withdrawn: no two are alike.
    issued: u64,
}

#[derive(Debug)]
struct Token {
    user: u64,
    scopes: Vec<String>,
    until: Timestamp,
}

impl Access {
    /// Withdraws every OAuth token, as an administrator may.
    pub(super) fn withdraw(&mut self) {
        self.tokens.clear();
    }
}

/// `POST /oauth/tokens`
pub(super) fn token(state: &mut State, call: &Call<'_>) -> Handled {
    let text = |key: &str| call.body(key).and_then(Value::as_str);
    let refused =
        |error: &str, description: &str| Reply::json(400, json!({ "error": error, "error_description": description }));
    if text("grant_type") != Some("client_credentials") {
        return Err(refused("unsupported_grant_type", "The grant type is not supported."));
    }
    let known = |client: &&OauthClient| {
        Some(client.id.as_str()) == text("client_id") && Some(client.secret.as_str()) == text("client_secret")
    };
    let Some(client) = state.access.clients.iter().find(known).cloned() else {
        return Err(Reply::json(
            401,
            json!({ "error": "invalid_client", "error_description": "Client authentication failed." }),
        ));
    };
    let scopes = granted(&client, text("scope"))
        .ok_or_else(|| refused("invalid_scope", "The requested scope is invalid, unknown, or malformed."))?;
    let asked = call.body("expires_in").and_then(Value::as_i64);
    if asked.is_some_and(|life| !(SHORTEST_LIFE..=LONGEST_LIFE).contains(&life)) {
        return Err(refused("invalid_request", "expires_in must be between 300 and 172800."));
    }
    let life = SignedDuration::from_secs(asked.unwrap_or(DEFAULT_LIFE));
    state.access.issued += 1;
    let token = format!("demo-{}", state.derived(&format!("token {}", state.access.issued)));
    let mut answer =
        json!({ "access_token": token, "token_type": "bearer", "scope": scopes.join(" "), "refresh_token": null });
    if let Some(asked) = asked
        && let Some(answer) = answer.as_object_mut()
    {
        answer.insert("expires_in".into(), json!(asked));
    }
    let until = domain::time::later(state.now, life);
    state.access.tokens.insert(token, Token { user: client.user, scopes, until });
    Ok(Reply::ok(answer))
}

/// What a client gets of what it asks for. A scope it may not have is an error; one that does not exist is left out
/// without a word.
fn granted(client: &OauthClient, asked: Option<&str>) -> Option<Vec<String>> {
    let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) else { return Some(client.scopes.clone()) };
    let mut scopes = Vec::new();
    for scope in asked.split_whitespace().filter(|scope| exists(scope)) {
        if !holds(&client.scopes, scope) {
            return None;
        }
        scopes.push(scope.to_owned());
    }
    Some(scopes)
}

fn exists(scope: &str) -> bool {
    let (resource, right) = scope.split_once(':').unwrap_or(("", scope));
    (resource.is_empty() || RESOURCES.contains(&resource)) && matches!(right, "read" | "write")
}

/// A scope is held by itself, or by the right for everything.
fn holds(scopes: &[String], wanted: &str) -> bool {
    let right = wanted.rsplit(':').next().unwrap_or(wanted);
    scopes.iter().any(|scope| scope == wanted || scope == right)
}

/// Who asks, by the value of `Authorization`.
pub(super) fn caller(state: &State, authorization: Option<&str>) -> Known {
    let Some(value) = authorization else { return Ok(Caller::default()) };
    if let Some(token) = value.strip_prefix("Bearer ") {
        return bearer(state, token.trim());
    }
    let basic = value.strip_prefix("Basic ").and_then(|text| BASE64_STANDARD.decode(text.trim()).ok());
    let basic = basic.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((name, token)) = basic.as_deref().and_then(|text| text.split_once(':')) else {
        return Ok(Caller::default());
    };
    // Passwords are no credentials any more: whoever sends one is a stranger, and not refused.
    let Some(email) = name.strip_suffix("/token") else { return Ok(Caller::default()) };
    let fits = |known: &&ApiToken| known.email.eq_ignore_ascii_case(email) && known.token == token;
    let known = state.access.api_tokens.iter().find(fits).ok_or_else(unauthenticated)?;
    Ok(Caller { user: Some(known.user), scopes: None })
}

type Known = Result<Caller, Reply>;

fn bearer(state: &State, token: &str) -> Known {
    let known = state.access.tokens.get(token).filter(|known| known.until > state.now);
    let known = known.ok_or_else(|| {
        let text = "The access token provided is expired, revoked, malformed or invalid for other reasons.";
        Reply::json(401, json!({ "error": "invalid_token", "error_description": text }))
    })?;
    Ok(Caller { user: Some(known.user), scopes: Some(known.scopes.clone()) })
}

pub(super) fn unauthenticated() -> Reply {
    Reply::json(401, json!({ "error": "Couldn't authenticate you" }))
}

/// Whether the caller may do that at all.
pub(super) fn check(state: &State, call: &Call<'_>) -> Result<(), Reply> {
    let words: Vec<&str> = call.path.iter().skip(2).map(String::as_str).collect();
    let Some(user) = call.caller.user else { return Err(unauthenticated()) };
    let writes = call.method != Method::Get;
    if let Some(scopes) = &call.caller.scopes {
        let wanted = scope(&words, writes);
        if !holds(scopes, &wanted) {
            let text = format!("You are missing the following required scopes: {wanted}");
            return Err(Reply::refused(403, "Forbidden", &text));
        }
    }
    match state.role(user) {
        Some("admin") => Ok(()),
        Some("agent") if !admins_only(&words, writes) => Ok(()),
        _ => Err(Reply::forbidden_role()),
    }
}

/// What a path asks for. Fields, forms and search have no scope of their own.
fn scope(words: &[&str], writes: bool) -> String {
    let right = if writes { "write" } else { "read" };
    let resource = match words {
        ["tickets" | "ticket_audits" | "ticket_metrics" | "suspended_tickets" | "incremental", ..] => "tickets",
        ["users", _, "tickets", ..] | ["organizations", _, "tickets", ..] => "tickets",
        ["users", ..] => "users",
        ["organizations", ..] => "organizations",
        ["groups" | "group_memberships", ..] => "groups",
        ["webhooks", ..] => "webhooks",
        ["triggers" | "trigger_categories", ..] => "triggers",
        ["help_center", ..] => "hc",
        _ => return right.to_owned(),
    };
    format!("{resource}:{right}")
}

fn admins_only(words: &[&str], writes: bool) -> bool {
    match words {
        ["incremental" | "webhooks", ..] => true,
        ["tickets" | "users" | "organizations" | "suspended_tickets" | "job_statuses", ..] => false,
        _ => writes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> OauthClient {
        let scopes = ["tickets:read", "tickets:write", "users:read"].map(str::to_owned).to_vec();
        OauthClient { id: "id".into(), secret: "secret".into(), user: 1, scopes }
    }

    #[test]
    fn a_client_gets_what_it_may_have() {
        for (asked, granted_scopes) in [
            (None, Some("tickets:read tickets:write users:read")),
            (Some(""), Some("tickets:read tickets:write users:read")),
            (Some("tickets:read"), Some("tickets:read")),
            (Some("tickets:read galaxies:read"), Some("tickets:read")),
            (Some("tickets:read webhooks:read"), None),
            (Some("read"), None),
        ] {
            let found = granted(&client(), asked).map(|scopes| scopes.join(" "));
            assert_eq!(found.as_deref(), granted_scopes, "{asked:?}");
        }
    }

    #[test]
    fn each_path_has_its_scope() {
        for (words, writes, wanted) in [
            (&["tickets", "7"][..], false, "tickets:read"),
            (&["tickets", "7"], true, "tickets:write"),
            (&["users", "7", "tickets", "requested"], false, "tickets:read"),
            (&["users", "me"], false, "users:read"),
            (&["ticket_fields"], false, "read"),
            (&["search", "export"], false, "read"),
        ] {
            assert_eq!(scope(words, writes), wanted, "{words:?}");
        }
        assert!(holds(&["read".to_owned()], "tickets:read") && !holds(&["read".to_owned()], "tickets:write"));
    }
}
