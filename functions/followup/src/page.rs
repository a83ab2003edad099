//! The page of a link: which alert, who has it, and one form. It holds nothing that the mail did not, and no quote.

use askama::Template;
use domain::{
    Alert, AlertKey, EmailAddress, Signal, Stage,
    follow_up::{Outcome, Refused, Snooze, WrongReason},
    shown,
};
use jiff::{Timestamp, tz::TimeZone};
use runtime::{
    links::{self, Action, Link},
    words,
};
use secrecy::SecretString;
use strum::IntoEnumIterator;

use crate::ask;

#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct Page {
    title: String,
    /// What became of what was pressed, read out at once.
    said: Option<String>,
    texts: Vec<String>,
    form: Option<Form>,
    /// What else can be done, by the words for it.
    others: Vec<(String, &'static str)>,
}

struct Form {
    /// The address to send it to, below the page's own.
    to: String,
    legend: &'static str,
    /// By name and words; none for a single button.
    choices: Vec<(String, String)>,
    /// What a field for an address is called, where one is asked for.
    address: Option<&'static str>,
    button: &'static str,
    /// The revision of the alert that the page shows; none where it shows no alert.
    seen: Option<u32>,
}

/// What is said on top of a page.
pub(crate) enum Said {
    Nothing,
    Done,
    Already,
    Choose,
    /// What was pressed was pressed on an older page.
    Stale,
    Refused(Refused),
}

const STALE: &str = "It changed since you opened the page, or you have pressed this before; nothing changed now. Below is how it stands.";

/// An alert as one reader of one link may see it.
pub(crate) struct View {
    title: String,
    stage: String,
    time_zone: TimeZone,
    action: Action,
    form: Option<Form>,
    others: Vec<(String, &'static str)>,
}

impl View {
    pub(crate) fn new(alert: &Alert, link: &Link, secret: Option<&SecretString>, now: Timestamp) -> Self {
        let stage = &alert.follow_up.stage;
        let colleagues = || alert.colleagues.iter().filter(|colleague| **colleague != link.recipient);
        let possible = |action: &Action| action.is_open_to(alert, &link.recipient);
        let other = |action: Action| {
            let href = relative(secret?, &Link { action, ..link.clone() });
            Some((href, action.words(alert.signal.kind())))
        };
        let others = Action::iter().filter(|action| *action != link.action).filter(possible);
        Self {
            title: title(alert),
            stage: stage_words(stage, link, now),
            time_zone: link.time_zone.clone(),
            action: link.action,
            form: secret
                .filter(|_| possible(&link.action))
                .map(|secret| form(link.action, alert, colleagues(), relative(secret, link))),
            others: others.filter_map(other).collect(),
        }
    }

    pub(crate) fn page(self, said: Said) -> Page {
        let done = matches!(said, Said::Done | Said::Already);
        let said = match said {
            Said::Nothing => None,
            Said::Done => Some(done_words(self.action).to_owned()),
            Said::Already => Some("You have it already; nothing changed.".to_owned()),
            Said::Choose => Some("Choose one of these first; nothing changed.".to_owned()),
            Said::Stale => Some(STALE.to_owned()),
            Said::Refused(refused) => Some(refused_words(&refused, &self.time_zone)),
        };
        Page {
            title: self.title,
            said,
            texts: vec![self.stage],
            // What was just done is not offered again.
            form: if done { None } else { self.form },
            others: self.others,
        }
    }
}

impl Page {
    /// Asks where the link shall go. The same for every alert, and for what is none.
    pub(crate) fn ask(alert: Option<AlertKey>) -> Self {
        let alert = alert.unwrap_or_else(crate::nobodys);
        let text = "This dashboard does not know who you are, so the link to act on the alert comes by mail.";
        let form = Form {
            to: format!("?{}={alert}", ask::ALERT),
            legend: "Your address at work",
            choices: Vec::new(),
            address: Some(ask::ADDRESS),
            button: "Mail me my link",
            seen: None,
        };
        Self { form: Some(form), ..Self::plain("Your link", text) }
    }

    /// Whatever came of it.
    pub(crate) fn asked() -> Self {
        Self::plain(
            "Your link",
            "If the alert was written to that address, a link is on its way there. If nothing comes within a few minutes, it was not, or too many were asked for today.",
        )
    }

    pub(crate) fn plain(title: &str, text: &str) -> Self {
        let texts = vec![text.to_owned()];
        Self { title: title.to_owned(), said: None, texts, form: None, others: Vec::new() }
    }
}

/// `Castrovel Cycles: churn risk 9 of 10`. What the customer wrote is not on a page that a link alone opens.
fn title(alert: &Alert) -> String {
    let customer = shown::line(&alert.customer);
    match alert.signal {
        Signal::Guardian { score } => format!("{customer}: churn risk {score} of 10"),
        Signal::Opportunity { intent, confidence } => format!("{customer}: {}, {confidence} of 10", intent.title()),
        Signal::Outage { .. } => format!("{customer}: a P0 for {}", alert.agent.title()),
    }
}

fn form<'a>(action: Action, alert: &Alert, colleagues: impl Iterator<Item = &'a EmailAddress>, to: String) -> Form {
    let (kind, seen) = (alert.signal.kind(), Some(alert.follow_up.revision));
    let choice = |value: &str, words: &str| (value.to_owned(), words.to_owned());
    match action {
        Action::Take => Form {
            to,
            legend: "Once you press this, nobody else is asked to look after it.",
            choices: Vec::new(),
            address: None,
            button: action.words(kind),
            seen,
        },
        Action::Settle => Form {
            to,
            legend: "How did it end?",
            choices: Outcome::of(kind).map(|outcome| choice(outcome.into(), outcome.title())).collect(),
            address: None,
            button: "Settle it",
            seen,
        },
        Action::CallWrong => Form {
            to,
            legend: "What is wrong with it?",
            choices: WrongReason::iter().map(|reason| choice(reason.into(), reason.title())).collect(),
            address: None,
            button: action.words(kind),
            seen,
        },
        Action::Snooze => Form {
            to,
            legend: "When should it come back?",
            choices: Snooze::iter().map(|snooze| choice(snooze.into(), snooze.title())).collect(),
            address: None,
            button: "Snooze it",
            seen,
        },
        Action::HandOver => Form {
            to,
            legend: "Who shall look after it? They get a mail, and it counts as theirs.",
            choices: colleagues.map(|colleague| choice(colleague.as_str(), colleague.as_str())).collect(),
            address: None,
            button: "Hand it over",
            seen,
        },
    }
}

fn done_words(action: Action) -> &'static str {
    match action {
        Action::Take => "Stored: you have it.",
        Action::Settle => "Stored: it is settled. Thank you.",
        Action::CallWrong => "Stored: it was wrong. Thank you for saying so.",
        Action::Snooze => "Stored: it comes back by mail.",
        Action::HandOver => "Stored: it is handed over, and the new owner gets a mail.",
    }
}

fn refused_words(refused: &Refused, zone: &TimeZone) -> String {
    match refused {
        Refused::TakenBy { by, at } => format!("{by} has had it since {}; nothing changed.", words::moment(*at, zone)),
        Refused::Settled(_) | Refused::CalledWrong(_) => "It is closed; nothing changed.".to_owned(),
        Refused::OtherKind { .. } => "An alert of this kind does not end like that; nothing changed.".to_owned(),
        Refused::NoColleague => "It cannot be handed to that person; nothing changed.".to_owned(),
        Refused::Already | Refused::NotDue | Refused::NotToEscalate => "Nothing changed.".to_owned(),
    }
}

fn stage_words(stage: &Stage, link: &Link, now: Timestamp) -> String {
    let (reader, zone) = (&link.recipient, &link.time_zone);
    let who = |by: &EmailAddress| if by == reader { "you".to_owned() } else { by.to_string() };
    match stage {
        Stage::Snoozed { until, by, .. } if *until <= now => {
            format!("Snoozed by {} until {}; it is about to come back.", who(by), words::moment(*until, zone))
        }
        stage => words::stage(stage, zone, who),
    }
}

/// The page itself with another link.
fn relative(secret: &SecretString, link: &Link) -> String {
    links::address("", secret, link)
}
