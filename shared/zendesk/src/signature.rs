//! The webhook signature: base64(HMAC-SHA256(secret, timestamp + raw body)).
//!
//! The key is the secret's text as bytes, undecoded although it looks like base64. Source: developer.zendesk.com,
//! "Verifying webhooks".

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

pub const SIGNATURE_HEADER: &str = "x-zendesk-webhook-signature";
pub const TIMESTAMP_HEADER: &str = "x-zendesk-webhook-signature-timestamp";

/// The secret Zendesk documents for testing a webhook before it exists. Public: good for a laptop and for nothing else.
pub const TEST_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

/// How far a timestamp may be from now, either way. Zendesk names no window; five minutes is common practice.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Why a request is not taken for Zendesk's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature or its timestamp is missing")]
    Missing,
    #[error("the timestamp is no RFC 3339 time")]
    Timestamp,
    #[error("the timestamp is more than 5 minutes from now")]
    Stale,
    #[error("the signature fits none of our secrets")]
    Mismatch,
}

/// Checks a request against every live secret, in constant time each.
///
/// # Errors
/// [`SignatureError`]; the timestamp is judged only after the signature, so that a stranger learns nothing from it.
pub fn verify(
    secrets: &[SecretString],
    signature: Option<&str>,
    timestamp: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let (signature, timestamp) = signature.zip(timestamp).ok_or(SignatureError::Missing)?;
    let signature = BASE64_STANDARD.decode(signature).map_err(|_| SignatureError::Mismatch)?;
    // Every secret is tried, whichever fits.
    let fits =
        secrets.iter().fold(false, |fits, secret| mac(secret, timestamp, body).verify_slice(&signature).is_ok() | fits);
    if !fits {
        return Err(SignatureError::Mismatch);
    }
    let signed_at: Timestamp = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    if now.duration_since(signed_at).abs() > WINDOW { Err(SignatureError::Stale) } else { Ok(()) }
}

/// Signs a body as Zendesk would.
#[must_use]
pub fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> String {
    BASE64_STANDARD.encode(mac(secret, timestamp, body).finalize().into_bytes())
}

fn mac(secret: &SecretString, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(timestamp.as_bytes());
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2021-07-25T10:00:00Z";
    const BODY: &[u8] = br#"{"say": "hello"}"#;
    const SIGNATURE: &str = "gf3v0LzLRHPUnIdhbvwRDVEvzSb07/QN0GYjSNlkBT0=";

    fn check(secrets: &[&str], signature: &str, timestamp: &str, body: &[u8]) -> Result<(), SignatureError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
        verify(&secrets, Some(signature), Some(timestamp), body, AT.parse().unwrap())
    }

    #[test]
    fn known_vectors() {
        assert_eq!(sign(&TEST_SECRET.into(), AT, BODY), SIGNATURE);
        assert_eq!(sign(&TEST_SECRET.into(), AT, b""), "Quv38XAfu9ZaMGBsk0NSntquALrZBp815j0203kelQA=");
    }

    #[test]
    fn either_live_secret_is_good_and_no_other() {
        assert_eq!(check(&[TEST_SECRET], SIGNATURE, AT, BODY), Ok(()));
        assert_eq!(check(&["new", TEST_SECRET], SIGNATURE, AT, BODY), Ok(()));
        assert_eq!(check(&[TEST_SECRET, "old"], SIGNATURE, AT, BODY), Ok(()));
        assert_eq!(check(&["new"], SIGNATURE, AT, BODY), Err(SignatureError::Mismatch));
        assert_eq!(check(&[], SIGNATURE, AT, BODY), Err(SignatureError::Mismatch));
    }

    #[test]
    fn body_and_timestamp_are_covered() {
        assert_eq!(check(&[TEST_SECRET], SIGNATURE, AT, br#"{"say":"hello"}"#), Err(SignatureError::Mismatch));
        assert_eq!(check(&[TEST_SECRET], SIGNATURE, "2021-07-25T10:00:01Z", BODY), Err(SignatureError::Mismatch));
        assert_eq!(check(&[TEST_SECRET], "not base64!", AT, BODY), Err(SignatureError::Mismatch));
        assert_eq!(check(&[TEST_SECRET], "", AT, BODY), Err(SignatureError::Mismatch));
    }

    #[test]
    fn five_minutes_either_way() {
        for (timestamp, expected) in [
            ("2021-07-25T09:55:00Z", Ok(())),
            ("2021-07-25T10:05:00Z", Ok(())),
            ("2021-07-25T09:54:59Z", Err(SignatureError::Stale)),
            ("2021-07-25T10:05:01Z", Err(SignatureError::Stale)),
            ("1627207200", Err(SignatureError::Timestamp)),
        ] {
            let signature = sign(&TEST_SECRET.into(), timestamp, BODY);
            assert_eq!(check(&[TEST_SECRET], &signature, timestamp, BODY), expected, "{timestamp}");
        }
    }

    #[test]
    fn a_missing_header_is_no_signature() {
        let secrets = [TEST_SECRET.into()];
        let now = AT.parse().unwrap();
        assert_eq!(verify(&secrets, None, Some(AT), BODY, now), Err(SignatureError::Missing));
        assert_eq!(verify(&secrets, Some(SIGNATURE), None, BODY, now), Err(SignatureError::Missing));
    }
}
