//! How people act on alerts from the dashboard: by links to the function that follows alerts up.

use domain::{Alert, AlertKey, AlertKind, Stage};
use runtime::links::Action;
use strum::IntoEnumIterator;

/// Who is known to the dashboard, and where they act.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Acting {
    /// Nobody acts from here: a file on a disk.
    #[default]
    Nowhere,
    /// Readers are signed in; there they get a link of their own.
    SignedIn { followup: String },
    /// Nobody is known, as where a role shares a password: there they have their link mailed.
    ByMail { followup: String },
}

/// A link beside an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Act {
    pub(crate) words: &'static str,
    pub(crate) href: String,
}

impl Acting {
    /// What can be done with the alert from here. `zone` is the one that its page shall tell times in.
    pub(crate) fn acts(&self, alert: &Alert, zone: &str) -> Vec<Act> {
        let (key, kind) = (alert.key(), alert.signal.kind());
        let stage = &alert.follow_up.stage;
        if !stage.is_open() {
            return Vec::new();
        }
        match self {
            Self::Nowhere => Vec::new(),
            Self::SignedIn { followup } => {
                let possible = Action::iter().filter(|action| fits(*action, alert));
                possible.map(|action| act(followup, key, kind, action, zone)).collect()
            }
            // Neither part of a key nor of an alert's address has to be escaped.
            Self::ByMail { followup } => vec![Act { words: "Mail me my link", href: format!("{followup}?ask={key}") }],
        }
    }
}

fn fits(action: Action, alert: &Alert) -> bool {
    match action {
        Action::Take => !matches!(alert.follow_up.stage, Stage::Taken { .. }),
        Action::HandOver => !alert.colleagues.is_empty(),
        Action::Settle | Action::CallWrong | Action::Snooze => true,
    }
}

fn act(followup: &str, key: AlertKey, kind: AlertKind, action: Action, zone: &str) -> Act {
    Act { words: action.words(kind), href: format!("{followup}?alert={key}&action={action}&zone={zone}") }
}

#[cfg(test)]
mod tests {
    use domain::{FollowUp, follow_up::Outcome, sample};

    use super::*;

    #[test]
    fn only_what_is_open_is_acted_on() {
        let (by, at): (domain::EmailAddress, _) = ("ann@example.com".parse().unwrap(), sample::now());
        let taken = Stage::Taken { by: by.clone(), at };
        let settled = Stage::Settled { outcome: Outcome::Saved, by, at };
        let signed_in = Acting::SignedIn { followup: "/followup".into() };
        let by_mail = Acting::ByMail { followup: "https://api.example/followup".into() };
        for (acting, stage, expected) in [
            (&Acting::Nowhere, Stage::New, &[][..]),
            (&signed_in, Stage::New, &["I have it", "Say how it ended", "Not a risk", "Snooze", "Hand it over"]),
            (&signed_in, taken.clone(), &["Say how it ended", "Not a risk", "Snooze", "Hand it over"]),
            (&signed_in, settled.clone(), &[]),
            (&by_mail, taken, &["Mail me my link"]),
            (&by_mail, settled, &[]),
        ] {
            let follow_up = FollowUp { stage: stage.clone(), ..FollowUp::default() };
            let acts = acting.acts(&Alert { follow_up, ..sample::alert(1) }, "UTC");
            assert_eq!(acts.iter().map(|act| act.words).collect::<Vec<_>>(), expected, "{acting:?} {stage:?}");
        }
        let alone = Alert { colleagues: [].into(), ..sample::alert(1) };
        assert_eq!(signed_in.acts(&alone, "UTC").len(), 4, "nobody to hand it to");
        let href = &signed_in.acts(&sample::alert(1), "Europe/Berlin")[0].href;
        assert_eq!(href, "/followup?alert=1/guardian/elevated&action=take&zone=Europe/Berlin");
    }
}
