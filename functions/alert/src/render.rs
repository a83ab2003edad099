//! Alerts as e-mails. What an outsider wrote is text in them: the templates escape it, and [`shown`] keeps it from hiding,
//! forging lines or becoming a link.

mod daily;
mod why;

use std::sync::Arc;

use askama::Template;
use domain::{
    Alert, AlertKey, AlertKind, Band, EarlierAlert, EmailAddress, PastTicket, Policy, Signal, Stage,
    conversation::{self, News, Reply},
    guardian,
    ports::Email,
    shown,
};
use jiff::{Timestamp, tz::TimeZone};
use runtime::words::{self, alert as telling, ticket_link};

pub(crate) use self::daily::{Daily, daily};
use crate::{
    Pages,
    links::{Buttons, Next, Signer},
};

/// Gmail cuts a message off at 102 kB, in the middle of whatever stands there, and hides what follows.
const MOST_BYTES: usize = 96 * 1024;
/// What of a quote stands in a subject.
const MOST_OF_A_SUBJECT: usize = 90;

#[derive(Template)]
#[template(path = "alert.html")]
struct AlertHtml<'a> {
    m: &'a Shown<'a>,
}

#[derive(Template)]
#[template(path = "alert.txt")]
struct AlertText<'a> {
    m: &'a Shown<'a>,
}

/// What a message about one alert shows.
struct Shown<'a> {
    alert: &'a Alert,
    subject: String,
    /// What a mail program shows beside the subject.
    preview: String,
    kind: &'static str,
    color: &'static str,
    says: &'static str,
    /// Beside a wish: that the customer may leave, too.
    also: &'static str,
    head: Vec<String>,
    /// What the account is worth, in one line.
    worth: String,
    note: Option<String>,
    unsure: &'static str,
    in_english: &'static str,
    /// What stands before the action.
    what_to_do: String,
    no_phone: &'static str,
    buttons: Option<&'a Buttons>,
    page: Option<String>,
    link: &'a str,
    happened: Option<&'a str>,
    /// A name with its lines.
    details: Vec<(&'static str, Vec<String>)>,
    why_you: String,
}

impl Shown<'_> {
    fn english(&self, quote: &str) -> Option<&String> {
        self.alert.english.get(quote)
    }
}

#[derive(Template)]
#[template(path = "digest.html")]
struct DigestHtml<'a> {
    subject: &'a str,
    in_english: &'a str,
    alerts: &'a [Alert],
    links: Nexts<'a>,
    /// How many were cut, and where they are.
    more: usize,
    page: Option<&'a str>,
    helpdesk_url: &'a str,
    currency: &'a str,
    why_you: &'a str,
}

#[derive(Template)]
#[template(path = "digest.txt")]
struct DigestText<'a> {
    subject: &'a str,
    in_english: &'a str,
    alerts: &'a [Alert],
    links: Nexts<'a>,
    /// How many were cut, and where they are.
    more: usize,
    page: Option<&'a str>,
    helpdesk_url: &'a str,
    currency: &'a str,
    why_you: &'a str,
}

/// The links of a digest: one an alert at most, whose page leads to the rest.
#[derive(Clone, Copy)]
struct Nexts<'a> {
    signer: Option<&'a Signer>,
    to: &'a EmailAddress,
    now: Timestamp,
}

impl Nexts<'_> {
    fn of(self, alert: &Alert) -> Option<Next> {
        self.signer?.next(alert, self.to, self.now)
    }
}

impl DigestHtml<'_> {
    fn monthly(&self, alert: &Alert) -> String {
        words::monthly(alert.mrr, self.currency)
    }

    fn link(&self, alert: &Alert) -> String {
        ticket_link(self.helpdesk_url, alert.ticket)
    }

    fn next(&self, alert: &Alert) -> Option<Next> {
        self.links.of(alert)
    }
}

impl DigestText<'_> {
    fn monthly(&self, alert: &Alert) -> String {
        words::monthly(alert.mrr, self.currency)
    }

    fn link(&self, alert: &Alert) -> String {
        ticket_link(self.helpdesk_url, alert.ticket)
    }

    fn next(&self, alert: &Alert) -> Option<Next> {
        self.links.of(alert)
    }
}

/// What the templates call.
#[expect(unreachable_pub, reason = "askama's macro makes the filters public")]
mod filters {
    use askama::{Values, filter_fn};
    use domain::Alert;

    #[filter_fn]
    pub(super) fn signal(alert: &Alert, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::alert::strength(alert))
    }
}

/// Why an alert is said again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Note {
    SnoozeOver,
    NotTaken { first: EmailAddress },
    HandedOver { by: EmailAddress, at: Timestamp },
}

impl Note {
    /// For the audit, which holds no address.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::SnoozeOver => "the snooze is over",
            Self::NotTaken { .. } => "nobody took it, to the second address",
            Self::HandedOver { .. } => "handed over, to the new owner",
        }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::SnoozeOver => "Again: ",
            Self::NotTaken { .. } => "Nobody has it: ",
            Self::HandedOver { .. } => "Yours now: ",
        }
    }

    fn words(&self, alert: &Alert, zone: &TimeZone) -> String {
        match self {
            Self::SnoozeOver => "You snoozed this alert, and the time is up. Nobody has it.".to_owned(),
            Self::NotTaken { first } => {
                format!("This alert went to {first} on {}, and nobody has taken it.", words::moment(alert.at, zone))
            }
            Self::HandedOver { by, at } => {
                format!("{by} handed this alert to you on {}. It counts as yours.", words::moment(*at, zone))
            }
        }
    }
}

/// Where a message stands among others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) thread: String,
    /// What the mail service called the message that this one answers.
    pub(crate) answers: Option<String>,
    /// What it goes on with. None: it is not the account's next alert.
    pub(crate) reply: Option<Reply>,
}

impl Place {
    /// The first message of a conversation.
    pub(crate) fn first(key: AlertKey) -> Self {
        Self { thread: conversation::thread(key), answers: None, reply: None }
    }
}

/// A message about one alert and what it is made of.
pub(crate) struct Single<'a> {
    pub(crate) alert: &'a Alert,
    pub(crate) place: &'a Place,
    pub(crate) to: &'a EmailAddress,
    pub(crate) policy: &'a Policy,
    pub(crate) pages: Option<&'a Pages>,
    pub(crate) buttons: Option<Buttons>,
    pub(crate) note: Option<&'a Note>,
}

/// The message for one alert. One that says it again takes the name of the first, whose file it replaces in an outbox: it
/// is discarded with it.
pub(crate) fn single(message: Single<'_>) -> Email {
    let Single { alert, place, to, policy, pages, buttons, note } = message;
    let kind = alert.signal.kind();
    let zone = &policy.time_zone;
    let again = note.map_or("", Note::subject);
    // Where a subject is read nothing becomes a link.
    let subject = match &place.reply {
        Some(reply) => subject_again(alert, reply),
        None => format!("{again}{}", subject(alert)),
    };
    let name = format!("{}-{kind}-{}", alert.ticket.number(), alert.band);
    let note = match &place.reply {
        Some(reply) => Some(goes_on(reply)),
        None => note.map(|note| note.words(alert, zone)),
    };
    let page = pages.map(|pages| pages.account(alert));
    let link = ticket_link(&policy.helpdesk_url, alert.ticket);
    let alert = &telling::shown(alert);
    let (title, color) = match kind {
        AlertKind::Guardian => ("Guardian", "#8f1d2c"),
        AlertKind::Opportunity => ("Opportunity", "#14583f"),
        AlertKind::Outage => ("Outage", "#7a3400"),
    };
    let shown = Shown {
        alert,
        subject: shown::unlinked(&subject),
        preview: format!("{}: {}", telling::says(alert), alert.recommended_action),
        kind: title,
        color,
        says: telling::says(alert),
        also: telling::also(alert),
        head: telling::facts(alert, zone),
        worth: telling::worth(alert, &policy.currency),
        note,
        unsure: telling::UNSURE,
        in_english: telling::IN_ENGLISH,
        what_to_do: telling::what_to_do(alert),
        no_phone: telling::NO_PHONE,
        buttons: buttons.as_ref(),
        page,
        link: &link,
        happened: telling::happened(alert),
        details: details(alert, zone),
        why_you: why::single(alert, to, policy),
    };
    Email {
        name,
        to: to.clone(),
        sender_name: policy.alerts.sender_name.clone(),
        reply_to: policy.alerts.reply_to.clone(),
        subject,
        html: render(&AlertHtml { m: &shown }),
        text: render(&AlertText { m: &shown }),
        thread: place.thread.clone(),
        answers: place.answers.clone(),
        important: alert.band == Band::Critical,
        at: alert.at,
    }
}

/// Whom, what, by when, in whose words: the first forty characters are all that a locked telephone shows.
fn subject(alert: &Alert) -> String {
    let headline = telling::headline(alert);
    match (alert.evidence.first(), alert.signal) {
        (Some(quote), _) => format!("{headline}: “{}”", shown::clipped(&shown::line(quote), MOST_OF_A_SUBJECT)),
        (None, Signal::Outage { .. }) => headline,
        (None, Signal::Guardian { .. } | Signal::Opportunity { .. }) => {
            format!("{headline}: {}", telling::strength(alert))
        }
    }
}

/// The next one of a conversation: its reader knows the account and what it is about, and wants the new words.
fn subject_again(alert: &Alert, reply: &Reply) -> String {
    let unsure = if alert.unsure { ", unsure" } else { "" };
    let words = match &reply.quote {
        Some(quote) => format!("“{}”", shown::clipped(&shown::line(quote), MOST_OF_A_SUBJECT)),
        None => telling::strength(alert),
    };
    format!("{} again{unsure}: {words}", telling::name(alert))
}

/// What a message answers, and why it did not wait.
fn goes_on(reply: &Reply) -> String {
    let news = match reply.news {
        None => "There is more.",
        Some(News::Worse) => "It is critical now.",
        Some(News::Signal) => "This is something new.",
        Some(News::Deadline) => "There is a new deadline.",
    };
    format!("{news} The first alert of this conversation was about ticket {}.", reply.opened_by.ticket)
}

/// What stands below: why, what was before, the ticket.
fn details(alert: &Alert, zone: &TimeZone) -> Vec<(&'static str, Vec<String>)> {
    let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b").to_string();
    let past = |past: &PastTicket| {
        let risk = if past.high_risk { ", at risk" } else { "" };
        format!("{} · {} · {} · {}{risk} · {}", day(past.at), past.id, past.priority, past.agent.title(), past.subject)
    };
    let earlier = |earlier: &EarlierAlert| {
        let stage = stage(&earlier.stage);
        format!("{} · {} · {} ({}) · {stage}", day(earlier.at), earlier.key.ticket, earlier.key.kind, earlier.key.band)
    };
    let ticket = format!("{} · {} · {} · tone {}", alert.ticket, alert.priority, alert.agent.title(), alert.sentiment);
    let before = alert.past.iter().filter(|past| past.high_risk).map(|past| past.at).min();
    let since = before.map(|at| format!("at risk since {} at the latest", day(at)));
    let why = match alert.signal {
        Signal::Guardian { .. } => {
            let reasons = alert.reasons.iter().filter(|reason| *reason != guardian::CAPPED);
            ("Why", reasons.map(|reason| without_points(reason)).chain(since).collect())
        }
        Signal::Opportunity { .. } | Signal::Outage { .. } => ("Why", alert.reasons.to_vec()),
    };
    let details = [
        why,
        ("Earlier alerts", alert.earlier.iter().map(earlier).collect()),
        ("Earlier tickets", alert.past.iter().map(past).collect()),
        ("This ticket", vec![ticket, alert.subject.to_string()]),
    ];
    details.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

/// Points add up to more than the score where it is capped, and say nothing to whoever has to call.
fn without_points(reason: &str) -> String {
    let points =
        |(_, points): &(&str, &str)| points.strip_suffix(')').is_some_and(|points| points.parse::<u8>().is_ok());
    reason.rsplit_once(" (+").filter(points).map_or(reason, |(words, _)| words).to_owned()
}

/// What people made of an earlier alert.
fn stage(stage: &Stage) -> String {
    let by = |by: &EmailAddress| shown::unlinked(by.as_str());
    match stage {
        Stage::New => "nobody has taken it".to_owned(),
        Stage::Taken { by: who, .. } => format!("{} has it", by(who)),
        Stage::Snoozed { by: who, .. } => format!("put off by {}", by(who)),
        Stage::Settled { outcome, by: who, .. } => format!("{}, says {}", outcome.title(), by(who)),
        Stage::Wrong { reason, by: who, .. } => format!("called wrong ({}) by {}", reason.title(), by(who)),
    }
}

/// A digest and what it is made of.
#[derive(Clone, Copy)]
pub(crate) struct Digest<'a> {
    pub(crate) recipient: &'a EmailAddress,
    /// Heaviest first.
    pub(crate) alerts: &'a [Arc<Alert>],
    pub(crate) policy: &'a Policy,
    pub(crate) pages: Option<&'a Pages>,
    pub(crate) signer: Option<&'a Signer>,
    pub(crate) now: Timestamp,
}

/// One message for everything held for a recipient. What would make it too long for a mail program is counted, and
/// stands on the dashboard.
pub(crate) fn digest(digest: Digest<'_>) -> Email {
    let Digest { recipient, alerts, policy, pages, signer, now } = digest;
    let (helpdesk_url, currency) = (policy.helpdesk_url.as_str(), &*policy.currency);
    let links = Nexts { signer, to: recipient, now };
    let count = alerts.len();
    let subject = held(alerts, &policy.currency);
    let heading = shown::unlinked(&subject);
    // The page of the one kind that all of these are likely of; a recipient of several sees the first.
    let first = alerts.iter().map(|alert| alert.signal.kind()).min();
    let page = pages.zip(first).map(|(pages, kind)| pages.of(kind));
    let all: Vec<Alert> = alerts.iter().map(|alert| telling::shown(alert)).collect();
    let why_you = why::hourly();
    let why_you = why_you.as_str();
    let rendered = |first: usize| {
        let (alerts, subject, more) = (all.get(..first).unwrap_or_default(), heading.as_str(), count - first);
        let html = render(&DigestHtml {
            subject,
            in_english: telling::IN_ENGLISH,
            alerts,
            links,
            more,
            page,
            helpdesk_url,
            currency,
            why_you,
        });
        let text = DigestText {
            subject,
            in_english: telling::IN_ENGLISH,
            alerts,
            links,
            more,
            page,
            helpdesk_url,
            currency,
            why_you,
        };
        (html, render(&text))
    };
    let fits = |(html, text): &(String, String)| html.len().max(text.len()) <= MOST_BYTES;
    let (mut some, mut too_many) = (0, count + 1);
    while too_many - some > 1 {
        let middle = some.midpoint(too_many);
        if fits(&rendered(middle)) { some = middle } else { too_many = middle }
    }
    let (html, text) = rendered(some);
    let name = address_name(recipient);
    Email {
        name: format!("digest-{name}-{}", now.as_second()),
        to: recipient.clone(),
        sender_name: policy.alerts.sender_name.clone(),
        reply_to: policy.alerts.reply_to.clone(),
        html,
        text,
        subject,
        thread: format!("digest-{name}"),
        answers: None,
        important: false,
        at: now,
    }
}

/// The heaviest alert and how many there are beside it. The first forty characters are all that a locked telephone shows.
fn held(alerts: &[Arc<Alert>], currency: &str) -> String {
    let Some(first) = alerts.first() else { return "No held alert".to_owned() };
    let strength = match first.signal {
        Signal::Guardian { score } => score.to_string(),
        Signal::Opportunity { intent, .. } => intent.title().to_owned(),
        Signal::Outage { .. } => "P0".to_owned(),
    };
    let worth = first.mrr.map(|mrr| format!(", {}", words::monthly(Some(mrr), currency))).unwrap_or_default();
    let others = match alerts.len() - 1 {
        0 => ": a held alert".to_owned(),
        1 => " and 1 more held alert".to_owned(),
        more => format!(" and {} more held alerts", words::count(more)),
    };
    format!("{} ({strength}{worth}){others}", telling::name(first))
}

/// An address as a part of a message's name.
fn address_name(address: &EmailAddress) -> String {
    address.folded().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn render(template: &impl Template) -> String {
    template.render().expect("writing to a string does not fail")
}

#[cfg(test)]
mod tests {
    use domain::{Band, Contact, Deadline, Health, Intent, PastTicket, Priority, sample};

    use super::*;
    use crate::AccountPlace;

    fn guardian() -> Alert {
        Alert {
            band: Band::Critical,
            signal: Signal::Guardian { score: 9 },
            mrr: Some(11_800.0),
            plan: Some("Scale".into()),
            health: Some(Health::AtRisk),
            because: Some("another vendor is named".into()),
            probability: Some(0.92),
            happened: Some("Nothing has come in since Saturday 21:00.".into()),
            written_at: Some(sample::now()),
            deadline: Some(Deadline {
                day: jiff::civil::date(2026, 11, 17),
                time: Some(jiff::civil::time(9, 0, 0, 0)),
                words: "tomorrow at 9".into(),
            }),
            contact: Some(Contact {
                name: "Rick Castrovel".into(),
                role: Some("Managing Director".into()),
                phone: Some("+44 1632 960417".into()),
            }),
            earlier: vec![EarlierAlert {
                key: sample::alert(900).key(),
                version: domain::Version(1),
                at: sample::now(),
                stage: Stage::Taken { by: "ann@example.com".parse().unwrap(), at: sample::now() },
            }],
            past: vec![PastTicket {
                id: sample::ticket_id(900),
                at: sample::now(),
                subject: "Orders late".into(),
                priority: Priority::P2,
                agent: sample::team("nexus"),
                wish: false,
                high_risk: true,
                fingerprint: None,
            }],
            ..sample::alert(1001)
        }
    }

    fn opportunity() -> Alert {
        let signal = Signal::Opportunity { intent: Intent::Expansion, confidence: 8 };
        Alert {
            signal,
            evidence: Arc::new(["What is your price for two more stores?".into()]),
            recommended_action: "Ask for volume and dates.".into(),
            ..sample::alert(1002)
        }
    }

    fn outage() -> Alert {
        Alert {
            band: Band::Critical,
            signal: Signal::Outage { what: Some(domain::Gravity::Outage) },
            recipient: "lead@example.com".parse().unwrap(),
            priority: Priority::P0,
            topic: "payments".parse().ok(),
            evidence: Arc::new(["Since 06:40 no shopper has been able to pay, in all four stores.".into()]),
            reasons: Arc::new([]),
            recommended_action: "Name who works on it now. Pay in a test shop yourself.".into(),
            because: Some("shoppers cannot pay".into()),
            happened: None,
            deadline: None,
            ..guardian()
        }
    }

    /// Read by a language model.
    fn foreign() -> Alert {
        let quote = "Wir kündigen zum Jahresende.";
        Alert {
            evidence: Arc::new([quote.to_owned(), "Das war's.".to_owned()]),
            english: [(quote.to_owned(), "We give notice for the end of the year.".to_owned())].into(),
            ..guardian()
        }
    }

    fn digest_of(alerts: &[Arc<Alert>]) -> Email {
        let pages = Pages {
            outage: String::new(),
            guardian: "https://site.example/accounts/".into(),
            opportunity: "https://site.example/sales/".into(),
            accounts: AccountPlace::Page,
        };
        let recipient = &sample::alert(1).recipient;
        let policy = &sample::policy();
        digest(Digest { recipient, alerts, policy, pages: Some(&pages), signer: None, now: sample::now() })
    }

    /// The mail of an alert as it is without links.
    fn plain(alert: &Alert) -> Email {
        let policy = sample::policy();
        let place = &Place::first(alert.key());
        single(Single { alert, place, to: &alert.recipient, policy: &policy, pages: None, buttons: None, note: None })
    }

    /// As it goes on in a conversation that another ticket opened.
    fn reply(alert: &Alert, news: Option<News>, quote: Option<&str>) -> Email {
        let policy = sample::policy();
        let opened_by = sample::alert(900).key();
        let place = Place {
            thread: conversation::thread(opened_by),
            answers: Some("0100-1".into()),
            reply: Some(Reply { opened_by, news, quote: quote.map(str::to_owned) }),
        };
        let to = &alert.recipient;
        single(Single { alert, place: &place, to, policy: &policy, pages: None, buttons: None, note: None })
    }

    fn buttons() -> Buttons {
        let link = |word: &str| format!("https://api.example/followup?link={word}");
        Buttons {
            main: link("TAKE"),
            main_words: "I have it",
            wrong: link("WRONG"),
            wrong_words: "Not a risk",
            snooze: link("SNOOZE"),
            hand_over: Some(link("HAND")),
        }
    }

    fn with_buttons(alert: &Alert, note: Option<&Note>) -> Email {
        let pages = Pages {
            guardian: "https://site.example/accounts/".into(),
            opportunity: String::new(),
            outage: String::new(),
            accounts: if note.is_some() { AccountPlace::Panel } else { AccountPlace::Page },
        };
        let (policy, pages) = (sample::policy(), Some(&pages));
        let place = &Place::first(alert.key());
        let to = &alert.recipient;
        single(Single { alert, place, to, policy: &policy, pages, buttons: Some(buttons()), note })
    }

    #[test]
    fn each_kind_has_its_own_message() {
        for (name, email) in [
            ("guardian", plain(&guardian())),
            ("opportunity", plain(&opportunity())),
            ("outage", plain(&outage())),
            ("foreign", plain(&foreign())),
            ("digest", digest_of(&[Arc::new(foreign()), Arc::new(Alert { unsure: true, ..opportunity() })])),
        ] {
            insta::assert_snapshot!(format!("{name}_html"), email.html);
            insta::assert_snapshot!(format!("{name}_text"), format!("{}\n\n{}", email.subject, email.text));
        }
    }

    #[test]
    fn amounts_are_in_the_policys_currency() {
        let policy = Policy { currency: "€".to_owned(), ..sample::policy() };
        let (alert, recipient) = (guardian(), &sample::alert(1).recipient);
        let (place, alerts) = (&Place::first(alert.key()), &[Arc::new(alert.clone())]);
        let (day, now) = (jiff::civil::date(2026, 11, 16), sample::now());
        for email in [
            single(Single {
                alert: &alert,
                place,
                to: recipient,
                policy: &policy,
                pages: None,
                buttons: None,
                note: None,
            }),
            digest(Digest { recipient, alerts, policy: &policy, pages: None, signer: None, now }),
            daily(Daily { recipient, alerts, policy: &policy, pages: None, signer: None, day, now }),
        ] {
            for text in [&email.html, &email.text] {
                assert!(text.contains("€11,800 a month") && !text.contains('$'), "{text}");
            }
            assert!(!email.subject.contains('$'), "{}", email.subject);
        }
    }

    #[test]
    fn a_wish_beside_a_risk_says_so_at_the_top() {
        let email = plain(&Alert { at_risk: true, ..opportunity() });
        assert!(email.subject.starts_with("Acme wants more, also at risk: "), "{}", email.subject);
        assert!(email.html.contains("Acme wants more, also at risk</h1>"), "{}", email.html);
    }

    #[test]
    fn a_mail_carries_its_links() {
        let [first, by] = ["ann@example.com", "ann@example.com"].map(|address| address.parse().unwrap());
        for (name, email) in [
            ("links", with_buttons(&guardian(), None)),
            ("escalated", with_buttons(&guardian(), Some(&Note::NotTaken { first }))),
            ("woken", with_buttons(&opportunity(), Some(&Note::SnoozeOver))),
            ("handed", with_buttons(&outage(), Some(&Note::HandedOver { by, at: sample::now() }))),
        ] {
            insta::assert_snapshot!(format!("{name}_html"), email.html);
            insta::assert_snapshot!(format!("{name}_text"), format!("{}\n\n{}", email.subject, email.text));
        }
    }

    #[test]
    fn a_subject_is_enough_on_a_locked_screen() {
        let loud = Alert { evidence: Arc::new(["We are terminating the contract.".into()]), ..guardian() };
        let words = "“We are terminating the contract.”";
        for (alert, subject) in [
            (loud.clone(), format!("Acme may leave by Tue 17 Nov, 09:00: {words}")),
            (Alert { deadline: None, unsure: true, ..loud.clone() }, format!("Acme may leave, unsure: {words}")),
            (Alert { evidence: Arc::new([]), deadline: None, ..loud }, "Acme may leave: risk 9 of 10".to_owned()),
            (opportunity(), "Acme wants more: “What is your price for two more stores?”".to_owned()),
            (
                Alert { evidence: Arc::new(["Since 06:40 nobody can pay.".into()]), ..outage() },
                "P0: Acme stands still since 06:40: “Since 06:40 nobody can pay.”".to_owned(),
            ),
            (Alert { evidence: Arc::new([]), ..outage() }, "P0: Acme stands still".to_owned()),
        ] {
            assert_eq!(plain(&alert).subject, subject);
        }
        let long = Alert { customer: "x".repeat(500).into(), evidence: Arc::new(["y".repeat(500)]), ..guardian() };
        assert!(plain(&long).subject.chars().count() < 200);
    }

    #[test]
    fn a_reply_has_the_new_words_in_its_subject() {
        let (quote, words) = (Some("i sign it tomorrow at 9"), "“i sign it tomorrow at 9”");
        for (alert, quote, subject) in [
            (guardian(), quote, format!("Acme again: {words}")),
            (Alert { unsure: true, ..guardian() }, quote, format!("Acme again, unsure: {words}")),
            (guardian(), None, "Acme again: risk 9 of 10".to_owned()),
        ] {
            let email = reply(&alert, Some(News::Deadline), quote);
            assert_eq!((email.subject, email.thread.as_str()), (subject, "900-guardian"));
            assert_eq!(email.answers.as_deref(), Some("0100-1"));
        }
        let long = Alert { customer: "x".repeat(500).into(), ..guardian() };
        assert!(reply(&long, None, Some(&"y".repeat(500))).subject.chars().count() < 200);
        let evil = reply(&guardian(), None, Some("a\r\nBcc: x@example.com"));
        assert!(!evil.subject.contains(['\r', '\n']));
    }

    #[test]
    fn a_reply_says_why_it_comes_now() {
        for (news, said) in [
            (Some(News::Worse), "It is critical now. "),
            (Some(News::Signal), "This is something new. "),
            (Some(News::Deadline), "There is a new deadline. "),
            (None, "There is more. "),
        ] {
            let said = format!("{said}The first alert of this conversation was about ticket #900.");
            let email = reply(&guardian(), news, None);
            assert!(email.text.contains(&said) && email.html.contains(&said), "{}", email.text);
        }
    }

    #[test]
    fn only_a_critical_alert_is_important() {
        assert!(plain(&guardian()).important && !plain(&opportunity()).important);
    }

    #[test]
    fn an_answer_goes_where_the_policy_says() {
        let mut policy = sample::policy();
        policy.alerts.reply_to = Some("support@example.com".parse().unwrap());
        let alert = guardian();
        let email = single(Single {
            alert: &alert,
            place: &Place::first(alert.key()),
            to: &alert.recipient,
            policy: &policy,
            pages: None,
            buttons: None,
            note: None,
        });
        assert_eq!(email.reply_to, policy.alerts.reply_to);
    }

    #[test]
    fn what_a_customer_wrote_stays_text() {
        let evil = "<script>alert(1)</script>\"'\r\nBcc: x@example.com".to_owned();
        let alert = Alert {
            customer: evil.as_str().into(),
            subject: evil.as_str().into(),
            evidence: Arc::new([evil.clone()]),
            english: [(evil.clone(), evil.clone())].into(),
            plan: Some(evil.clone()),
            happened: Some(evil.as_str().into()),
            contact: Some(Contact { name: evil.clone(), role: Some(evil.clone()), phone: Some(evil) }),
            ..guardian()
        };
        for email in [
            plain(&alert),
            plain(&Alert { signal: Signal::Opportunity { intent: Intent::Upgrade, confidence: 8 }, ..alert.clone() }),
            plain(&Alert { signal: Signal::Outage { what: None }, ..alert.clone() }),
            digest_of(&[Arc::new(alert.clone())]),
        ] {
            assert!(!email.html.contains("<script>"), "{}", email.name);
            assert!(!email.text.contains("\nBcc:"), "{}", email.text);
            assert!(!email.subject.contains(['\r', '\n']), "{}", email.name);
            assert!(email.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{}", email.name);
        }
    }

    #[test]
    fn an_unsure_alert_says_so() {
        for alert in [guardian(), opportunity()] {
            let email = plain(&Alert { unsure: true, ..alert.clone() });
            assert!(email.subject.contains(", unsure: "), "{}", email.subject);
            assert!(email.html.contains(telling::UNSURE), "{}", email.html);
            assert!(email.text.contains(telling::UNSURE), "{}", email.text);
            let sure = plain(&alert);
            assert!(!format!("{}{}{}", sure.subject, sure.html, sure.text).contains("unsure"));
        }
    }

    #[test]
    fn a_customers_words_are_no_link() {
        let evil =
            "Sign in at https://evil.example/x or www.evil.example or boss@evil.example\nWhat to do: call \u{202e}+49";
        let alert = Alert {
            customer: evil.into(),
            subject: evil.into(),
            evidence: Arc::new([evil.to_owned()]),
            english: [(evil.to_owned(), evil.to_owned())].into(),
            reasons: Arc::new([evil.to_owned()]),
            plan: Some(evil.to_owned()),
            happened: Some(evil.into()),
            contact: Some(Contact { name: evil.into(), role: Some(evil.into()), phone: Some(evil.into()) }),
            ..guardian()
        };
        let p0 = Alert { evidence: Arc::new(["since https://evil.example".into()]), ..outage() };
        for email in [plain(&alert), plain(&p0), digest_of(&[Arc::new(alert.clone())])] {
            for part in [&email.html, &email.text] {
                for link in ["evil.example", "https://evil", "@evil", "\u{202e}"] {
                    assert!(!part.contains(link), "{link} in {part}");
                }
            }
            assert!(!email.text.contains("\nWhat to do: call"), "{}", email.text);
            assert_eq!(email.html.matches("<a ").count(), 1, "ours");
        }
    }

    #[test]
    fn a_digest_stays_within_what_is_shown() {
        let long = "long words of an unhappy customer ".repeat(300);
        let check = |number: u64, text: &str, cut: bool| {
            let alert = |number| Arc::new(Alert { evidence: Arc::new([text.to_owned()]), ..sample::alert(number) });
            let alerts: Vec<Arc<Alert>> = (1..=number).map(alert).collect();
            let email = digest_of(&alerts);
            assert!(email.html.len().max(email.text.len()) <= MOST_BYTES, "{} bytes", email.html.len());
            let rest =
                if number == 1 { ": a held alert".into() } else { format!(" and {} more held alerts", number - 1) };
            assert_eq!(email.subject, format!("Acme (7, $500 a month){rest}"));
            let shown = email.html.matches("/agent/tickets/").count();
            let rest = format!("And {} more with less weight", number as usize - shown);
            for part in [&email.html, &email.text] {
                assert_eq!((part.contains(&rest), part.contains("site.example/accounts/")), (cut, cut), "{number}");
            }
        };
        check(1, "leaving", false);
        check(1, &long, false);
        check(600, "leaving", true);
        check(300, &long, true);
    }
}
