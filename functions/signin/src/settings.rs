//! Which provider people sign in with, and which of its groups is which role.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ports::PortError;
use secrecy::SecretString;
use serde::Deserialize;
use strum::IntoEnumIterator;

pub use runtime::sealed::Role;

/// The parameter `/STACK/signin`, which `infra/identity.py` writes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// As the provider writes it in its tokens, to the letter.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: SecretString,
    /// What is asked for, separated by blanks.
    pub scope: String,
    /// The claim that lists a person's groups.
    pub claim: String,
    /// The claim that names a person in the access log. None: the e-mail address if it is verified, else `sub`.
    pub person: Option<String>,
    /// Whose member gets which role.
    pub roles: BTreeMap<Role, Vec<String>>,
    /// Whom to ask for a role, as people read it.
    pub contact: Option<String>,
}

/// Where the settings lie.
#[async_trait]
pub trait SettingsSource: Send + Sync {
    /// The settings of now: whoever mends a mistake in them need not wait.
    ///
    /// # Errors
    /// Transient if there are none or they cannot be used, since a person can mend that.
    async fn settings(&self) -> Result<Settings, PortError>;
}

/// What is wrong with the settings. Shows no value: one of them is a secret.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("not the JSON object that infra/identity.py writes, see line {line}, column {column}")]
    Shape { line: usize, column: usize },
    #[error("`{0}` is blank")]
    Blank(&'static str),
    #[error("`issuer` is not an https address without query and fragment")]
    Issuer,
    #[error("`roles` gives no group a role, so nobody could sign in")]
    NoRole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsPayload {
    issuer: String,
    client_id: String,
    client_secret: String,
    #[serde(default = "default_scope")]
    scope: String,
    #[serde(default = "default_claim")]
    claim: String,
    #[serde(default)]
    person: Option<String>,
    roles: BTreeMap<Role, Vec<String>>,
    #[serde(default)]
    contact: Option<String>,
}

fn default_scope() -> String {
    "openid email profile".to_owned()
}

fn default_claim() -> String {
    "groups".to_owned()
}

impl Settings {
    /// # Errors
    /// [`SettingsError`], which names the field.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let payload: SettingsPayload = serde_json::from_str(text)
            .map_err(|error| SettingsError::Shape { line: error.line(), column: error.column() })?;
        let texts =
            [("client_id", &payload.client_id), ("client_secret", &payload.client_secret), ("claim", &payload.claim)];
        if let Some((field, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(SettingsError::Blank(field));
        }
        // Whoever has the blank group, or no name, is nobody in particular.
        if payload.roles.values().flatten().any(|group| group.trim().is_empty()) {
            return Err(SettingsError::Blank("roles"));
        }
        if payload.person.as_deref().is_some_and(|claim| claim.trim().is_empty()) {
            return Err(SettingsError::Blank("person"));
        }
        if payload.roles.values().all(Vec::is_empty) {
            return Err(SettingsError::NoRole);
        }
        if !is_secure(&payload.issuer) || payload.issuer.contains(['?', '#']) {
            return Err(SettingsError::Issuer);
        }
        Ok(Self {
            issuer: payload.issuer,
            client_id: payload.client_id,
            client_secret: payload.client_secret.into(),
            scope: payload.scope,
            claim: payload.claim,
            person: payload.person,
            roles: payload.roles,
            contact: payload.contact,
        })
    }

    /// The roles of a member of these groups.
    pub(crate) fn roles_of(&self, groups: &[&str]) -> Vec<Role> {
        let has = |role: &Role| {
            self.roles.get(role).is_some_and(|named| named.iter().any(|group| groups.contains(&group.as_str())))
        };
        Role::iter().filter(has).collect()
    }
}

/// An address whose other end is known by its certificate, or this machine for tests. Nothing else may hand out tokens:
/// their signature is not looked at.
pub(crate) fn is_secure(address: &str) -> bool {
    let authority = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let plain = |text: &str| !text.is_empty() && !text.contains(['@', ' ', '\\']) && text.is_ascii();
    match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => plain(&authority(rest)),
        (None, Some(rest)) => {
            let authority = authority(rest);
            let host = authority.split_once(':').map_or(authority.as_str(), |(host, _)| host);
            plain(&authority) && host == "127.0.0.1"
        }
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn with(field: &str, value: Value) -> Result<Settings, SettingsError> {
        let mut settings = json!({
            "issuer": "https://id.example.com", "client_id": "triage", "client_secret": "PLANTED",
            "roles": { "support": ["helpdesk", "leads"], "sales": ["leads"] },
        });
        settings[field] = value;
        Settings::parse(&settings.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = with("contact", json!("the IT desk")).unwrap();
        assert_eq!((&*settings.claim, &*settings.scope), ("groups", "openid email profile"));
        assert_eq!((settings.person, settings.contact.as_deref()), (None, Some("the IT desk")));
    }

    #[test]
    fn a_person_may_have_several_roles() {
        let settings = with("claim", json!("groups")).unwrap();
        assert_eq!(settings.roles_of(&["leads"]), [Role::Support, Role::Sales]);
        assert_eq!(settings.roles_of(&["helpdesk", "other"]), [Role::Support]);
        assert_eq!(settings.roles_of(&["support", "Leads", "lead"]), []);
    }

    #[test]
    fn a_mistake_is_named_and_no_value_shown() {
        for (field, value, error) in [
            ("client_id", json!(" "), SettingsError::Blank("client_id")),
            ("client_secret", json!(""), SettingsError::Blank("client_secret")),
            ("claim", json!(""), SettingsError::Blank("claim")),
            ("person", json!(""), SettingsError::Blank("person")),
            ("roles", json!({ "support": [""] }), SettingsError::Blank("roles")),
            ("roles", json!({}), SettingsError::NoRole),
            ("roles", json!({ "support": [] }), SettingsError::NoRole),
        ] {
            assert_eq!(with(field, value).unwrap_err(), error, "{field}");
        }
        for (field, value) in
            [("roles", json!({ "PLANTED": ["x"] })), ("client_id", json!(["PLANTED"])), ("PLANTED", json!(1))]
        {
            let error = with(field, value).unwrap_err().to_string();
            assert!(error.contains("line 1, column") && !error.contains("PLANTED"), "{field}: {error}");
        }
    }

    #[test]
    fn tokens_come_over_tls_or_from_this_machine() {
        for (issuer, good) in [
            ("https://id.example.com", true),
            ("https://login.example.com/tenant/v2.0", true),
            ("https://id.example.com/", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.0.0.1", true),
            ("http://id.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://127.0.0.1:80@example.com", false),
            ("http://localhost:8080", false),
            ("https://user@id.example.com", false),
            ("https://", false),
            ("id.example.com", false),
            ("https://id.example.com?a", false),
            ("https://id.example.com#a", false),
        ] {
            assert_eq!(with("issuer", json!(issuer)).is_ok(), good, "{issuer}");
        }
    }
}
