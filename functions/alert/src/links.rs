//! The links of a mail: what its reader can do with the alert without signing in anywhere.

use std::sync::Arc;

use domain::{
    Alert, EmailAddress,
    follow_up::Door,
    ports::{SigningSecrets, told},
    time::later,
};
use jiff::{Timestamp, tz::TimeZone};
use runtime::links::{self, Action, Link};
use secrecy::SecretString;

/// What links are made of.
#[derive(Clone)]
pub struct Links {
    /// Where they are opened, such as `https://abc.execute-api.eu-west-1.amazonaws.com/followup`.
    pub base: String,
    pub secrets: Arc<dyn SigningSecrets>,
}

/// Signs the links of the mails of one call.
pub(crate) struct Signer {
    base: String,
    secret: SecretString,
    /// In which the pages behind the links tell times.
    time_zone: TimeZone,
}

/// The links of one alert to one reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Buttons {
    /// What the reader most likely does next.
    pub(crate) main: String,
    pub(crate) main_words: &'static str,
    pub(crate) wrong: String,
    pub(crate) wrong_words: &'static str,
    pub(crate) snooze: String,
    /// None where there is nobody to hand it to.
    pub(crate) hand_over: Option<String>,
}

/// A link and the words for it.
pub(crate) struct Next {
    pub(crate) href: String,
    pub(crate) words: &'static str,
}

impl Links {
    /// None while there is no secret: an alert without links is worth more than none.
    pub(crate) async fn signer(&self, time_zone: &TimeZone) -> Option<Signer> {
        match self.secrets.secrets().await {
            Ok(secrets) => {
                let secret = secrets.into_iter().next()?;
                Some(Signer { base: self.base.clone(), secret, time_zone: time_zone.clone() })
            }
            Err(error) => {
                tracing::warn!(error = told(&error), "Alerts go out without links.");
                None
            }
        }
    }
}

impl Signer {
    /// A link's page leads to the other actions, too.
    pub(crate) fn link(&self, alert: &Alert, to: &EmailAddress, action: Action, now: Timestamp) -> String {
        let expires = later(now, links::VALID_FOR);
        let time_zone = self.time_zone.clone();
        let link = Link { alert: alert.key(), action, recipient: to.clone(), expires, time_zone, door: Door::Link };
        links::address(&self.base, &self.secret, &link)
    }

    pub(crate) fn buttons(&self, alert: &Alert, to: &EmailAddress, now: Timestamp) -> Buttons {
        let link = |action| self.link(alert, to, action, now);
        let (kind, main) = (alert.signal.kind(), Action::next(alert, to).unwrap_or(Action::Take));
        Buttons {
            main: link(main),
            main_words: main.words(kind),
            wrong: link(Action::CallWrong),
            wrong_words: Action::CallWrong.words(kind),
            snooze: link(Action::Snooze),
            hand_over: alert.colleagues.iter().any(|other| other != to).then(|| link(Action::HandOver)),
        }
    }

    /// The one link of a line in a digest, with its words; none where its reader can do nothing.
    pub(crate) fn next(&self, alert: &Alert, to: &EmailAddress, now: Timestamp) -> Option<Next> {
        let action = Action::next(alert, to)?;
        Some(Next { href: self.link(alert, to, action, now), words: action.words(alert.signal.kind()) })
    }
}
