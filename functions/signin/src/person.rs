//! Who signed in and what they may see, by the provider's claims.

use serde_json::Value;

use crate::{
    id_token::Claims,
    settings::{Role, Settings},
};

/// Characters of a name at most: it lies in a cookie.
const LONGEST: usize = 200;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The name in the access log.
    pub who: String,
    /// The provider's own name for the account, which never changes.
    pub subject: String,
    pub roles: Vec<Role>,
}

impl Person {
    #[must_use]
    pub fn of(claims: &Claims, settings: &Settings) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let subject = text("sub").unwrap_or_default();
        let named = match &settings.person {
            Some(claim) => text(claim),
            None => text("email").filter(|_| has_verified_email(claims)),
        };
        Self {
            who: named.unwrap_or(subject).chars().take(LONGEST).collect(),
            subject: subject.to_owned(),
            roles: settings.roles_of(&groups(claims, settings)),
        }
    }
}

/// The groups as the provider lists them: texts in a list, or one text. Whatever else the claim holds is no group.
fn groups<'a>(claims: &'a Claims, settings: &Settings) -> Vec<&'a str> {
    // An address somebody typed in is not theirs before the provider has checked it.
    if settings.claim == "email" && !has_verified_email(claims) {
        return Vec::new();
    }
    match claims.get(&settings.claim) {
        Some(Value::String(group)) => vec![group],
        Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Some providers write the truth as a text.
fn has_verified_email(claims: &Claims) -> bool {
    matches!(claims.get("email_verified"), Some(Value::Bool(true)))
        || claims.get("email_verified").and_then(Value::as_str) == Some("true")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(changes: &Value, claims: &Value) -> Person {
        let mut settings = json!({
            "issuer": "https://id.example.com", "client_id": "triage", "client_secret": "s",
            "roles": { "support": ["helpdesk"], "accounts": ["account managers"], "sales": ["ada@example.com"] },
        });
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Person::of(claims.as_object().unwrap(), &Settings::parse(&settings.to_string()).unwrap())
    }

    #[test]
    fn a_role_takes_a_group_of_exactly_that_name() {
        let nothing: &[Role] = &[];
        for (groups, roles) in [
            (json!(["helpdesk"]), &[Role::Support][..]),
            (json!(["account managers", "helpdesk", "x"]), &[Role::Support, Role::Accounts]),
            (json!("helpdesk"), &[Role::Support]),
            (json!("helpdesk,account managers"), nothing),
            (json!("helpdesk account managers"), nothing),
            (json!(["Helpdesk"]), nothing),
            (json!([["helpdesk"]]), nothing),
            (json!([{ "helpdesk": true }]), nothing),
            (json!({ "helpdesk": true }), nothing),
            (json!({ "0": "helpdesk" }), nothing),
            (json!(true), nothing),
            (json!(1), nothing),
            (json!([]), nothing),
            (Value::Null, nothing),
        ] {
            assert_eq!(person(&json!({}), &json!({ "sub": "u", "groups": groups })).roles, roles, "{groups}");
        }
        let claims = json!({ "sub": "u", "groups": [], "cognito:groups": ["helpdesk"] });
        assert_eq!(person(&json!({ "claim": "cognito:groups" }), &claims).roles, [Role::Support]);
    }

    #[test]
    fn an_unverified_address_gives_no_role() {
        let by_email = json!({ "claim": "email" });
        for (verified, roles) in [
            (json!(true), &[Role::Sales][..]),
            (json!("true"), &[Role::Sales]),
            (json!(false), &[]),
            (json!("false"), &[]),
            (json!(1), &[]),
            (Value::Null, &[]),
        ] {
            let claims = json!({ "sub": "u", "email": "ada@example.com", "email_verified": verified });
            assert_eq!(person(&by_email, &claims).roles, roles, "{verified}");
        }
    }

    #[test]
    fn a_name_is_one_the_provider_vouches_for() {
        let upn = json!({ "person": "preferred_username" });
        for (changes, claims, who) in [
            (json!({}), json!({ "sub": "u", "email": "ada@example.com", "email_verified": true }), "ada@example.com"),
            (json!({}), json!({ "sub": "u", "email": "ada@example.com" }), "u"),
            (json!({}), json!({ "sub": "u" }), "u"),
            (upn.clone(), json!({ "sub": "u", "preferred_username": "ada" }), "ada"),
            (upn.clone(), json!({ "sub": "u", "preferred_username": " " }), "u"),
            (upn, json!({ "sub": "u", "preferred_username": ["ada"] }), "u"),
        ] {
            let found = person(&changes, &claims);
            assert_eq!((&*found.who, &*found.subject), (who, "u"), "{claims}");
        }
        assert_eq!(person(&json!({}), &json!({ "sub": "é".repeat(500) })).who.chars().count(), LONGEST);
    }
}
