//! Links that let one person do one thing with one alert: all of it stands in the address, under HMAC-SHA256.
//!
//! `ADDRESS?link=PAYLOAD.KEY.MAC`. The payload is readable and says what its reader knows from the mail. The key's id says
//! which secret signed, so that a log can tell when the last link of a replaced one is gone.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::{
    Alert, AlertKey, AlertKind, EmailAddress, Stage,
    follow_up::{Door, WrongReason},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use strum::{Display, EnumIter, EnumString};

/// How long a link is good for: as long as an alert is kept by default. Past that there is nothing to follow up.
pub const VALID_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The parameter of the address that holds the link.
pub const PARAMETER: &str = "link";

/// What is signed goes by its purpose: a secret that signed something else, too, would open nothing here.
const PURPOSE: &[u8] = b"alert-link-1\n";
const KEY_PURPOSE: &[u8] = b"alert-link-key";
const KEY_BYTES: usize = 4;
const MAC_BYTES: usize = 32;

/// What a link lets its reader do. The choice that goes with it is made on the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, Display, EnumIter, EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    Take,
    Settle,
    CallWrong,
    Snooze,
    HandOver,
}

impl Action {
    /// What is pressed for it.
    #[must_use]
    pub fn words(self, kind: AlertKind) -> &'static str {
        match self {
            Self::Take => "I have it",
            Self::Settle => "Say how it ended",
            Self::CallWrong => WrongReason::button(kind),
            Self::Snooze => "Snooze",
            Self::HandOver => "Hand it over",
        }
    }

    /// Whether that reader can do it with the alert as it is: they may still be refused, if somebody is faster.
    #[must_use]
    pub fn is_open_to(self, alert: &Alert, reader: &EmailAddress) -> bool {
        let allowed = match &alert.follow_up.stage {
            Stage::New | Stage::Snoozed { .. } => true,
            Stage::Taken { by, .. } => by == reader && self != Self::Take,
            Stage::Settled { .. } | Stage::Wrong { .. } => false,
        };
        allowed && (self != Self::HandOver || alert.colleagues.iter().any(|colleague| colleague != reader))
    }

    /// What that reader most likely does next: none where somebody else has it, or it is closed.
    #[must_use]
    pub fn next(alert: &Alert, reader: &EmailAddress) -> Option<Self> {
        [Self::Take, Self::Settle].into_iter().find(|action| action.is_open_to(alert, reader))
    }
}

/// What a link says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Link {
    pub alert: AlertKey,
    pub action: Action,
    /// Whom it was written to. Nobody else is known by it.
    #[serde(rename = "to")]
    pub recipient: EmailAddress,
    #[serde(rename = "until", with = "seconds")]
    pub expires: Timestamp,
    /// In which its page tells times, as the mail did. A link of before has none, and its page is in UTC.
    #[serde(rename = "zone", default = "utc", skip_serializing_if = "is_utc", with = "jiff::fmt::serde::tz::required")]
    pub time_zone: TimeZone,
    /// Where it was given out: by mail, or on the dashboard to somebody who is signed in there and may see the alert.
    #[serde(default, skip_serializing_if = "is_mailed")]
    pub door: Door,
}

fn is_mailed(door: &Door) -> bool {
    *door == Door::Link
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn is_utc(zone: &TimeZone) -> bool {
    *zone == TimeZone::UTC
}

/// Why a link opens nothing. For the log; whoever holds one learns none of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the signature fits none of our secrets")]
    Forged,
    #[error("it is signed and cannot be read")]
    Unreadable,
    #[error("it has expired")]
    Expired,
}

/// The whole address of a link.
#[must_use]
pub fn address(base: &str, secret: &SecretString, link: &Link) -> String {
    // Letters, digits, `-`, `_` and `.`: nothing has to be escaped.
    format!("{base}?{PARAMETER}={}", sign(secret, link))
}

/// The link as the value of [`PARAMETER`].
#[must_use]
pub fn sign(secret: &SecretString, link: &Link) -> String {
    let payload = serde_json::to_vec(link).expect("plain values serialise");
    let payload = BASE64_URL_SAFE_NO_PAD.encode(payload);
    let mac = BASE64_URL_SAFE_NO_PAD.encode(mac(secret, &payload).finalize().into_bytes());
    format!("{payload}.{}.{mac}", key_id(secret))
}

/// Reads a link that one of the secrets signed and that is good at `now`. Whatever is wrong with it, the same is computed.
///
/// # Errors
/// [`LinkError`]; what it says is judged only after its signature.
pub fn open(secrets: &[SecretString], text: &str, now: Timestamp) -> Result<Link, LinkError> {
    let mut parts = text.splitn(3, '.');
    let mut part = || parts.next().unwrap_or_default();
    let (payload, key, written) = (part(), part(), part());
    // What has another length fits nothing, and costs as much.
    let given = BASE64_URL_SAFE_NO_PAD.decode(written).ok().filter(|given| given.len() == MAC_BYTES);
    let given = given.unwrap_or_else(|| vec![0; MAC_BYTES]);
    // Every secret is tried, whichever fits.
    let fits = secrets.iter().fold(false, |fits, secret| {
        let signed = mac(secret, payload).verify_slice(&given).is_ok();
        (signed & (key_id(secret) == key)) | fits
    });
    if !fits {
        return Err(LinkError::Forged);
    }
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| LinkError::Unreadable)?;
    let link: Link = serde_json::from_slice(&payload).map_err(|_| LinkError::Unreadable)?;
    if link.expires <= now { Err(LinkError::Expired) } else { Ok(link) }
}

fn mac(secret: &SecretString, payload: &str) -> Hmac<Sha256> {
    keyed(secret).chain_update(PURPOSE).chain_update(payload)
}

/// Says which secret it was, and nothing about the secret.
fn key_id(secret: &SecretString) -> String {
    let digest = keyed(secret).chain_update(KEY_PURPOSE).finalize().into_bytes();
    digest.iter().take(KEY_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes keys of any length")
}

/// A moment as whole seconds: shorter in an address, and more is not needed.
mod seconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_second())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_second(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use domain::sample;
    use strum::IntoEnumIterator;

    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| (*text).into()).collect()
    }

    fn link() -> Link {
        Link {
            alert: sample::alert(1001).key(),
            action: Action::Take,
            recipient: "kam@example.com".parse().unwrap(),
            expires: sample::now() + VALID_FOR,
            time_zone: TimeZone::UTC,
            door: Door::Link,
        }
    }

    fn in_berlin() -> Link {
        Link { time_zone: TimeZone::get("Europe/Berlin").unwrap(), ..link() }
    }

    #[test]
    fn a_link_keeps_the_time_zone_of_its_mail() {
        let opened = |link: &Link| open(&secrets(&["key"]), &sign(&"key".into(), link), sample::now());
        assert_eq!(opened(&in_berlin()), Ok(in_berlin()));
        assert!(!serde_json::to_string(&link()).unwrap().contains("zone"), "UTC is what links of before mean");
    }

    #[test]
    fn a_link_opens_by_the_current_secret_and_the_previous() {
        let text = sign(&"old".into(), &link());
        for (known, opens) in [
            (&["old"][..], Ok(link())),
            (&["new", "old"], Ok(link())),
            (&["new"], Err(LinkError::Forged)),
            (&[], Err(LinkError::Forged)),
        ] {
            assert_eq!(open(&secrets(known), &text, sample::now()), opens, "{known:?}");
        }
    }

    #[test]
    fn a_link_ends_to_the_second() {
        let text = sign(&"key".into(), &link());
        let at = |seconds| link().expires + SignedDuration::from_secs(seconds);
        assert_eq!(open(&secrets(&["key"]), &text, at(-1)), Ok(link()));
        assert_eq!(open(&secrets(&["key"]), &text, at(0)), Err(LinkError::Expired));
    }

    #[test]
    fn nothing_in_it_can_be_changed() {
        let text = sign(&"key".into(), &link());
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'g' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(open(&secrets(&["key"]), &changed, sample::now()), Err(LinkError::Forged), "{place}: {changed}");
        }
        let (payload, rest) = text.split_once('.').unwrap();
        let (key, mac) = rest.split_once('.').unwrap();
        for bad in [
            String::new(),
            "..".to_owned(),
            payload.to_owned(),
            format!("{payload}.{key}"),
            format!("{payload}.{key}."),
            format!("{payload}..{mac}"),
            format!("{payload}.{key}.{mac}.x"),
            format!("{payload}.{key}.{}", &mac[..20]),
            format!("{text}x"),
            format!("{text}xx"),
            format!("{text}="),
        ] {
            assert_eq!(open(&secrets(&["key"]), &bad, sample::now()), Err(LinkError::Forged), "{bad}");
        }
    }

    #[test]
    fn every_part_of_a_link_is_signed() {
        let whole = sign(&"key".into(), &link());
        let mac = |text: &str| text.rsplit('.').next().unwrap().to_owned();
        for other in [
            Link { alert: sample::alert(1002).key(), ..link() },
            Link { action: Action::Snooze, ..link() },
            Link { recipient: "other@example.com".parse().unwrap(), ..link() },
            Link { expires: link().expires + SignedDuration::from_secs(1), ..link() },
            in_berlin(),
            Link { door: Door::Page, ..link() },
        ] {
            assert_ne!(mac(&sign(&"key".into(), &other)), mac(&whole), "{other:?}");
        }
    }

    #[test]
    fn who_may_do_what_is_told_before_they_press() {
        let [ann, bob] = ["ann@example.com", "bob@example.com"].map(|text| text.parse::<EmailAddress>().unwrap());
        let at = sample::now();
        let of = |stage| {
            let follow_up = domain::FollowUp { stage, ..domain::FollowUp::default() };
            Alert { colleagues: [ann.clone(), bob.clone()].into(), follow_up, ..sample::alert(1) }
        };
        let taken = Stage::Taken { by: ann.clone(), at };
        let settled = Stage::Settled { outcome: domain::follow_up::Outcome::Saved, by: ann.clone(), at };
        for (stage, reader, next, open) in [
            (Stage::New, &ann, Some(Action::Take), 5),
            (taken.clone(), &ann, Some(Action::Settle), 4),
            (taken, &bob, None, 0),
            (settled, &ann, None, 0),
        ] {
            let alert = of(stage);
            assert_eq!(Action::next(&alert, reader), next, "{:?}", alert.follow_up);
            assert_eq!(Action::iter().filter(|action| action.is_open_to(&alert, reader)).count(), open);
        }
        let alone = Alert { colleagues: [ann.clone()].into(), ..of(Stage::New) };
        assert!(!Action::HandOver.is_open_to(&alone, &ann), "to nobody but oneself");
    }

    #[test]
    fn an_address_needs_no_escaping() {
        let address = address("https://api.example/followup", &"key".into(), &link());
        let value = address.strip_prefix("https://api.example/followup?link=").unwrap();
        assert!(value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{value}");
    }
}
