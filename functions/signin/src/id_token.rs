//! The provider's word on who somebody is.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// Seconds a clock may be wrong.
const LEEWAY: f64 = 60.0;
/// Seconds since it was issued: it was asked for a moment ago.
const OLDEST: f64 = 600.0;

pub type Claims = Map<String, Value>;

/// What the token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// In seconds since 1970.
    pub now: i64,
}

/// Why a token is refused. Shows no claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum IdTokenError {
    #[error("the ID token is not a signed JSON Web Token")]
    Shape,
    #[error("iss: another issuer")]
    Issuer,
    #[error("aud: not for this client alone")]
    Audience,
    #[error("azp: issued to another client")]
    AuthorizedParty,
    #[error("exp: missing or over")]
    Expired,
    #[error("iat: missing, long ago or in the future")]
    IssuedAt,
    #[error("nonce: missing or of another sign-in")]
    Nonce,
    #[error("sub: missing or blank")]
    Subject,
}

/// The claims of a token that says what is expected of it.
///
/// Its signature is not looked at, so neither is `alg`, and no trick with it helps: the token comes straight from the
/// token endpoint, whose certificate says who that is. OpenID Connect Core 1.0, section 3.1.3.7, point 6, allows TLS in
/// place of the signature for exactly this flow. [`crate::settings::Settings`] refuses a provider without TLS.
///
/// # Errors
/// [`IdTokenError`]
pub fn check(token: &str, expected: Expected<'_>) -> Result<Claims, IdTokenError> {
    let claims = read(token).ok_or(IdTokenError::Shape)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let moment = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    let now = expected.now as f64;
    if text("iss") != Some(expected.issuer) {
        return Err(IdTokenError::Issuer);
    }
    let for_us_alone = match claims.get("aud") {
        Some(Value::String(audience)) => audience == expected.client_id,
        // A further audience is one we would have to trust, and we know none.
        Some(Value::Array(audiences)) => {
            !audiences.is_empty() && audiences.iter().all(|audience| audience == expected.client_id)
        }
        _ => false,
    };
    if !for_us_alone {
        return Err(IdTokenError::Audience);
    }
    if claims.get("azp").is_some_and(|party| party != expected.client_id) {
        return Err(IdTokenError::AuthorizedParty);
    }
    if moment("exp").is_none_or(|exp| exp + LEEWAY <= now) {
        return Err(IdTokenError::Expired);
    }
    if moment("iat").is_none_or(|iat| iat > now + LEEWAY || iat < now - OLDEST) {
        return Err(IdTokenError::IssuedAt);
    }
    if text("nonce") != Some(expected.nonce) {
        return Err(IdTokenError::Nonce);
    }
    if text("sub").is_none_or(|sub| sub.trim().is_empty()) {
        return Err(IdTokenError::Subject);
    }
    Ok(claims)
}

fn read(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> =
        Expected { issuer: "https://id.example.com", client_id: "triage", nonce: "n-1", now: 1_800_000_000 };

    fn token(claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(&json!({ "alg": "RS256" })), part(claims))
    }

    fn with(name: &str, value: Value) -> Result<Claims, IdTokenError> {
        let mut claims = json!({
            "iss": "https://id.example.com", "aud": "triage", "sub": "u-1", "nonce": "n-1",
            "iat": 1_800_000_000 - 5, "exp": 1_800_000_000 + 300,
        });
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        check(&token(&claims), EXPECTED)
    }

    #[test]
    fn only_a_token_of_this_sign_in_is_taken() {
        let now = EXPECTED.now;
        for (name, value, verdict) in [
            ("iss", json!("https://id.example.com"), Ok(())),
            ("iss", json!("https://id.example.com/"), Err(IdTokenError::Issuer)),
            ("iss", json!("https://evil.example.com"), Err(IdTokenError::Issuer)),
            ("iss", Value::Null, Err(IdTokenError::Issuer)),
            ("aud", json!(["triage"]), Ok(())),
            ("aud", json!(["triage", "other"]), Err(IdTokenError::Audience)),
            ("aud", json!("other"), Err(IdTokenError::Audience)),
            ("aud", json!([]), Err(IdTokenError::Audience)),
            ("aud", json!({ "triage": true }), Err(IdTokenError::Audience)),
            ("aud", Value::Null, Err(IdTokenError::Audience)),
            ("azp", json!("triage"), Ok(())),
            ("azp", json!("other"), Err(IdTokenError::AuthorizedParty)),
            ("azp", json!(["triage"]), Err(IdTokenError::AuthorizedParty)),
            ("exp", json!(now - 59), Ok(())),
            ("exp", json!(now - 60), Err(IdTokenError::Expired)),
            ("exp", json!("2099-01-01"), Err(IdTokenError::Expired)),
            ("exp", Value::Null, Err(IdTokenError::Expired)),
            ("iat", json!(now + 60), Ok(())),
            ("iat", json!(now + 61), Err(IdTokenError::IssuedAt)),
            ("iat", json!(now - 600), Ok(())),
            ("iat", json!(now - 601), Err(IdTokenError::IssuedAt)),
            ("iat", Value::Null, Err(IdTokenError::IssuedAt)),
            ("nonce", json!("n-2"), Err(IdTokenError::Nonce)),
            ("nonce", json!(["n-1"]), Err(IdTokenError::Nonce)),
            ("nonce", Value::Null, Err(IdTokenError::Nonce)),
            ("sub", json!(" "), Err(IdTokenError::Subject)),
            ("sub", json!(7), Err(IdTokenError::Subject)),
            ("sub", Value::Null, Err(IdTokenError::Subject)),
        ] {
            assert_eq!(with(name, value.clone()).map(|_| ()), verdict, "{name}: {value}");
        }
    }

    #[test]
    fn whatever_is_no_token_is_refused() {
        let good = token(&json!({}));
        for text in ["", "a", "a.b", "a.b.c", "..", &good.replacen('.', "..", 1), &format!("{good}.x.y")] {
            assert_eq!(check(text, EXPECTED), Err(IdTokenError::Shape), "{text}");
        }
    }
}
