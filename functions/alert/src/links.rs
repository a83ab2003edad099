//! The links of a mail: what its reader can do with the alert without signing in anywhere.

use std::sync::Arc;

use domain::{
    Alert, EmailAddress, Stage,
    follow_up::{Door, WrongReason},
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
        let has_it = matches!(&alert.follow_up.stage, Stage::Taken { by, .. } if by == to);
        let (main, main_words) =
            if has_it { (Action::Settle, "Say how it ended") } else { (Action::Take, "I have it") };
        Buttons {
            main: link(main),
            main_words,
            wrong: link(Action::CallWrong),
            wrong_words: WrongReason::button(alert.signal.kind()),
            snooze: link(Action::Snooze),
            hand_over: alert.colleagues.iter().any(|other| other != to).then(|| link(Action::HandOver)),
        }
    }
}
