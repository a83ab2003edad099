//! The signature of an interaction: `v0=` and the hex of HMAC-SHA256(secret, `v0:` timestamp `:` raw body).
//!
//! Source: docs.slack.dev, "Verifying requests from Slack".

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

pub const SIGNATURE_HEADER: &str = "x-slack-signature";
pub const TIMESTAMP_HEADER: &str = "x-slack-request-timestamp";

/// How far a timestamp may be from now, either way: Slack's own advice against replays.
pub const WINDOW: SignedDuration = SignedDuration::from_mins(5);

const VERSION: &str = "v0";
const MAC_BYTES: usize = 32;

/// Why a request is not taken for Slack's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature fits none of our secrets")]
    Mismatch,
    #[error("the timestamp is no time in seconds")]
    Timestamp,
    #[error("the timestamp is more than 5 minutes from now")]
    Stale,
}

/// Checks a request against every live secret, in constant time each. Whatever is wrong, the same is computed.
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
    let timestamp = timestamp.unwrap_or_default();
    let given = signature.and_then(|text| text.strip_prefix("v0=")).and_then(bytes).unwrap_or([0; MAC_BYTES]);
    // Every secret is tried, whichever fits.
    let fits =
        secrets.iter().fold(false, |fits, secret| mac(secret, timestamp, body).verify_slice(&given).is_ok() | fits);
    if !fits {
        return Err(SignatureError::Mismatch);
    }
    let seconds = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    let signed_at = Timestamp::from_second(seconds).map_err(|_| SignatureError::Timestamp)?;
    if now.duration_since(signed_at).abs() > WINDOW { Err(SignatureError::Stale) } else { Ok(()) }
}

/// Signs a body as Slack would.
#[must_use]
pub fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> String {
    let digest = mac(secret, timestamp, body).finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{VERSION}={hex}")
}

fn mac(secret: &SecretString, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(VERSION).chain_update(":").chain_update(timestamp).chain_update(":").chain_update(body)
}

fn bytes(hex: &str) -> Option<[u8; MAC_BYTES]> {
    if hex.len() != 2 * MAC_BYTES || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = hex.as_bytes().chunks(2);
    let bytes = pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    bytes.collect::<Vec<u8>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Slack's own documentation.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const AT: &str = "1531420618";
    const BODY: &[u8] = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_531_420_618 + seconds).unwrap()
    }

    fn check(secrets: &[&str], signature: &str, timestamp: &str, body: &[u8]) -> Result<(), SignatureError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| (*secret).into()).collect();
        verify(&secrets, Some(signature), Some(timestamp), body, at(0))
    }

    #[test]
    fn the_documented_example_fits() {
        assert_eq!(sign(&SECRET.into(), AT, BODY), SIGNATURE);
        assert_eq!(check(&[SECRET], SIGNATURE, AT, BODY), Ok(()));
    }

    #[test]
    fn either_live_secret_is_good_and_no_other() {
        assert_eq!(check(&["new", SECRET], SIGNATURE, AT, BODY), Ok(()));
        assert_eq!(check(&[SECRET, "old"], SIGNATURE, AT, BODY), Ok(()));
        assert_eq!(check(&["new"], SIGNATURE, AT, BODY), Err(SignatureError::Mismatch));
        assert_eq!(check(&[], SIGNATURE, AT, BODY), Err(SignatureError::Mismatch));
    }

    #[test]
    fn body_and_timestamp_are_covered() {
        let hex = SIGNATURE.strip_prefix("v0=").unwrap();
        for (signature, timestamp, body) in [
            (SIGNATURE, AT, &BODY[1..]),
            (SIGNATURE, "1531420619", BODY),
            (hex, AT, BODY),
            ("v0=", AT, BODY),
            (&SIGNATURE[..60], AT, BODY),
            ("v0=äääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää", AT, BODY),
            (&format!("v0={}", "0".repeat(64)), AT, BODY),
        ] {
            assert_eq!(check(&[SECRET], signature, timestamp, body), Err(SignatureError::Mismatch), "{signature}");
        }
        assert_eq!(verify(&[SECRET.into()], None, None, BODY, at(0)), Err(SignatureError::Mismatch));
    }

    #[test]
    fn five_minutes_either_way() {
        let secrets = [SecretString::from(SECRET)];
        for (now, expected) in
            [(-300, Ok(())), (300, Ok(())), (-301, Err(SignatureError::Stale)), (301, Err(SignatureError::Stale))]
        {
            assert_eq!(verify(&secrets, Some(SIGNATURE), Some(AT), BODY, at(now)), expected, "{now}");
        }
        let odd = sign(&SECRET.into(), "today", BODY);
        assert_eq!(check(&[SECRET], &odd, "today", BODY), Err(SignatureError::Timestamp));
    }
}
