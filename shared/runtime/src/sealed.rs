//! What a browser keeps for us: JSON it can read and cannot change.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::Sha256;
use strum::{Display, EnumIter, IntoStaticStr};

/// Nobody has to sign in twice on a working day; whoever lost a role keeps it no longer than that.
pub const SESSION_SECONDS: i64 = 8 * 3600;

/// Time enough to type a password and find a second factor.
pub const PENDING_SECONDS: i64 = 600;

/// What a person may see. The word is a folder of the site, and what the gate in template.yaml compares.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize, Serialize, Display, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    Support,
    Accounts,
    Sales,
    Lead,
}

/// A value that lies in a cookie.
pub trait Sealed: Serialize + DeserializeOwned {
    /// `__Host-` ties it to exactly this site, over TLS: no other host of the domain can set or read it.
    const COOKIE: &'static str;
    /// Part of what is authenticated, so that no cookie passes for another.
    const PURPOSE: &'static str;
    const SECONDS: i64;

    /// In seconds since 1970.
    fn expires(&self) -> i64;
}

/// Who is signed in. The gate in template.yaml reads it too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    pub who: String,
    pub roles: Vec<Role>,
    pub exp: i64,
}

/// A sign-in that was begun.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pending {
    pub state: String,
    pub nonce: String,
    /// The PKCE verifier: the code is worth nothing without it.
    pub verifier: String,
    pub to: Option<String>,
    pub exp: i64,
}

impl Sealed for Session {
    const COOKIE: &'static str = "__Host-triage";
    const PURPOSE: &'static str = "session";
    const SECONDS: i64 = SESSION_SECONDS;

    fn expires(&self) -> i64 {
        self.exp
    }
}

impl Sealed for Pending {
    const COOKIE: &'static str = "__Host-triage-signin";
    const PURPOSE: &'static str = "signin";
    const SECONDS: i64 = PENDING_SECONDS;

    fn expires(&self) -> i64 {
        self.exp
    }
}

/// `base64url(JSON).base64url(HMAC-SHA-256(key, purpose + "." + base64url(JSON)))`
#[must_use]
pub fn seal<T: Sealed>(key: &SecretString, value: &T) -> String {
    let json = serde_json::to_vec(value).expect("texts and numbers only");
    let text = BASE64_URL_SAFE_NO_PAD.encode(json);
    let tag = BASE64_URL_SAFE_NO_PAD.encode(mac(key, T::PURPOSE, &text).finalize().into_bytes());
    format!("{text}.{tag}")
}

/// None if it is not ours, not for this purpose, or too old. Every key is tried: one is being replaced.
#[must_use]
pub fn open<T: Sealed>(keys: &[SecretString], sealed: &str, now: i64) -> Option<T> {
    let (text, tag) = sealed.split_once('.')?;
    let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
    if !keys.iter().any(|key| mac(key, T::PURPOSE, text).verify_slice(&tag).is_ok()) {
        return None;
    }
    let value: T = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    (value.expires() > now).then_some(value)
}

/// What a browser sent along, if it is good at `now`, in seconds since 1970.
#[must_use]
pub fn cookie<T: Sealed>(request: &ApiGatewayV2httpRequest, keys: &[SecretString], now: i64) -> Option<T> {
    // API Gateway lists cookies; what stands in for it may leave them in their header.
    let header = request.headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookies = request.cookies.iter().flatten().map(String::as_str).chain(header.split("; "));
    let (_, value) = cookies.filter_map(|cookie| cookie.split_once('=')).find(|(name, _)| *name == T::COOKIE)?;
    open(keys, value, now)
}

fn mac(key: &SecretString, purpose: &str, text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).expect("HMAC takes any key");
    mac.update(purpose.as_bytes());
    mac.update(b".");
    mac.update(text.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session { who: "zoë@example.com".into(), roles: vec![Role::Support], exp: 1000 }
    }

    fn keys(names: &[&str]) -> Vec<SecretString> {
        names.iter().map(|name| (*name).into()).collect()
    }

    /// The gate's test in infra/gate_test.mjs has the same one: both sides must agree.
    const KNOWN: &str = concat!(
        "eyJ3aG8iOiJ6b8OrQGV4YW1wbGUuY29tIiwicm9sZXMiOlsic3VwcG9ydCJdLCJleHAiOjEwMDB9",
        ".4Z8r6qh5DvlhHl5EaQADzZ3L_Ial0elmk-W6FXhut0c",
    );

    #[test]
    fn a_known_vector() {
        assert_eq!(seal(&"key".into(), &session()), KNOWN);
    }

    #[test]
    fn a_session_opens_with_its_key_until_it_ends() {
        let sealed = seal(&"old".into(), &session());
        for (known, now, opens) in [
            (&["old"][..], 999, true),
            (&["new", "old"], 999, true),
            (&["new"], 999, false),
            (&[], 999, false),
            (&["old"], 1000, false),
        ] {
            let opened = open::<Session>(&keys(known), &sealed, now);
            assert_eq!(opened, opens.then(session), "{known:?} {now}");
        }
    }

    #[test]
    fn no_byte_can_be_changed() {
        let sealed = seal(&"key".into(), &session());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            // One that decodes to another value in any place, also the last of a group.
            changed[at] = if changed[at] == b'A' { b'g' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(open::<Session>(&keys(&["key"]), &changed, 0), None, "{at}: {changed}");
        }
        for text in ["", ".", "a.b", "a.b.c", &sealed[..sealed.len() - 2]] {
            assert_eq!(open::<Session>(&keys(&["key"]), text, 0), None, "{text}");
        }
    }

    #[test]
    fn a_begun_sign_in_is_no_session() {
        // All fields of both, so that only the purpose tells them apart.
        #[derive(Serialize, Deserialize)]
        struct Both {
            who: String,
            roles: Vec<Role>,
            exp: i64,
        }
        impl Sealed for Both {
            const COOKIE: &'static str = Pending::COOKIE;
            const PURPOSE: &'static str = Pending::PURPOSE;
            const SECONDS: i64 = 0;

            fn expires(&self) -> i64 {
                self.exp
            }
        }
        let sealed = seal(&"key".into(), &Both { who: "x".into(), roles: vec![Role::Sales], exp: 1000 });
        assert!(open::<Both>(&keys(&["key"]), &sealed, 0).is_some());
        assert_eq!(open::<Session>(&keys(&["key"]), &sealed, 0), None);
    }
}
