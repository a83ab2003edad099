//! Alerts as e-mails. What an outsider wrote is text in them: the templates escape it, and [`shown`] keeps it from hiding,
//! forging lines or becoming a link.

use std::sync::Arc;

use askama::Template;
use domain::{Alert, AlertKind, EmailAddress, PastTicket, Signal, ports::Email, shown};
use jiff::Timestamp;
use runtime::{
    links::Action,
    words::{self, ticket_link},
};

use crate::{
    Pages,
    links::{Buttons, Signer},
};

/// Gmail cuts a message off at 102 kB, in the middle of whatever stands there, and hides what follows.
const MOST_BYTES: usize = 96 * 1024;
/// What anybody reads of a name or a subject, and of a quote.
const MOST_OF_A_LINE: usize = 200;
const MOST_OF_A_QUOTE: usize = 800;
/// What an unsure alert says of itself.
const UNSURE: &str = "The analyst is unsure about this ticket. Read it before you act on it.";

#[derive(Template)]
#[template(path = "guardian.html")]
struct GuardianHtml<'a> {
    alert: &'a Alert,
    unsure: &'static str,
    note: Option<String>,
    buttons: Option<&'a Buttons>,
    score: u8,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "opportunity.html")]
struct OpportunityHtml<'a> {
    alert: &'a Alert,
    unsure: &'static str,
    note: Option<String>,
    buttons: Option<&'a Buttons>,
    intent: &'a str,
    strength: u8,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "alert.txt")]
struct AlertText<'a> {
    alert: &'a Alert,
    unsure: &'static str,
    note: Option<String>,
    buttons: Option<&'a Buttons>,
    headline: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "digest.html")]
struct DigestHtml<'a> {
    subject: &'a str,
    alerts: &'a [Alert],
    links: Takes<'a>,
    /// How many were cut, and where they are.
    more: usize,
    page: Option<&'a str>,
    helpdesk_url: &'a str,
}

#[derive(Template)]
#[template(path = "digest.txt")]
struct DigestText<'a> {
    subject: &'a str,
    alerts: &'a [Alert],
    links: Takes<'a>,
    /// How many were cut, and where they are.
    more: usize,
    page: Option<&'a str>,
    helpdesk_url: &'a str,
}

/// The links of a digest: one an alert, whose page leads to the rest.
#[derive(Clone, Copy)]
struct Takes<'a> {
    signer: Option<&'a Signer>,
    to: &'a EmailAddress,
    now: Timestamp,
}

impl Takes<'_> {
    fn of(self, alert: &Alert) -> Option<String> {
        Some(self.signer?.link(alert, self.to, Action::Take, self.now))
    }
}

impl DigestHtml<'_> {
    fn link(&self, alert: &Alert) -> String {
        ticket_link(self.helpdesk_url, alert.ticket)
    }

    fn take(&self, alert: &Alert) -> Option<String> {
        self.links.of(alert)
    }
}

impl DigestText<'_> {
    fn link(&self, alert: &Alert) -> String {
        ticket_link(self.helpdesk_url, alert.ticket)
    }

    fn take(&self, alert: &Alert) -> Option<String> {
        self.links.of(alert)
    }
}

/// What the templates call.
#[expect(unreachable_pub, reason = "askama's macro makes the filters public")]
mod filters {
    use askama::{Values, filter_fn};
    use domain::{Alert, Health};
    use jiff::Timestamp;

    #[filter_fn]
    pub(super) fn monthly(mrr: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
        Ok(runtime::words::monthly(*mrr))
    }

    #[filter_fn]
    pub(super) fn day(at: &Timestamp, _: &dyn Values) -> askama::Result<String> {
        Ok(domain::record::utc_day(*at).to_string())
    }

    #[filter_fn]
    pub(super) fn health_words(health: &Health, _: &dyn Values) -> askama::Result<&'static str> {
        Ok(match health {
            Health::Good => "good",
            Health::AtRisk => "at risk",
            Health::Poor => "poor",
        })
    }

    #[filter_fn]
    pub(super) fn signal(alert: &Alert, _: &dyn Values) -> askama::Result<String> {
        Ok(super::signal_words(alert))
    }
}

/// `risk 9 of 10` or `expansion, 8 of 10`.
fn signal_words(alert: &Alert) -> String {
    match alert.signal {
        Signal::Guardian { score } => format!("risk {score} of 10"),
        Signal::Opportunity { intent, confidence } => format!("{}, {confidence} of 10", intent.title()),
    }
}

/// Why an alert is said again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Note {
    SnoozeOver,
    NotTaken { first: EmailAddress },
}

impl Note {
    /// For the audit, which holds no address.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::SnoozeOver => "the snooze is over",
            Self::NotTaken { .. } => "nobody took it, to the second address",
        }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::SnoozeOver => "Again: ",
            Self::NotTaken { .. } => "Nobody has it: ",
        }
    }

    fn words(&self, alert: &Alert) -> String {
        match self {
            Self::SnoozeOver => "You snoozed this alert, and the time is up. Nobody has it.".to_owned(),
            Self::NotTaken { first } => {
                format!("This alert went to {first} on {}, and nobody has taken it.", words::moment(alert.at))
            }
        }
    }
}

/// A message about one alert and what it is made of.
pub(crate) struct Single<'a> {
    pub(crate) alert: &'a Alert,
    pub(crate) to: &'a EmailAddress,
    pub(crate) helpdesk_url: &'a str,
    pub(crate) buttons: Option<Buttons>,
    pub(crate) note: Option<&'a Note>,
}

/// The message for one alert. One that says it again takes the name of the first, whose file it replaces in an outbox: it
/// is discarded with it.
pub(crate) fn single(message: Single<'_>) -> Email {
    let Single { alert, to, helpdesk_url, buttons, note } = message;
    let buttons = buttons.as_ref();
    let link = ticket_link(helpdesk_url, alert.ticket);
    let kind = alert.signal.kind();
    let headline = |customer: &str| {
        let says = match kind {
            AlertKind::Guardian => "may leave",
            AlertKind::Opportunity => "wants to buy",
        };
        let again = note.map_or("", Note::subject);
        let unsure = if alert.unsure { ", unsure" } else { "" };
        format!("{again}{customer} {says}: {}{unsure}", signal_words(alert))
    };
    let note = note.map(|note| note.words(alert));
    // Where a subject is read nothing becomes a link.
    let subject = headline(&shown::clipped(&shown::line(&alert.customer), MOST_OF_A_LINE));
    let alert = &as_shown(alert);
    let html = match alert.signal {
        Signal::Guardian { score } => {
            render(&GuardianHtml { alert, unsure: UNSURE, note: note.clone(), buttons, score, link: &link })
        }
        Signal::Opportunity { intent, confidence } => {
            let (intent, strength) = (intent.title(), confidence);
            let note = note.clone();
            render(&OpportunityHtml { alert, unsure: UNSURE, note, buttons, intent, strength, link: &link })
        }
    };
    Email {
        name: format!("{}-{kind}-{}", alert.ticket.number(), alert.band),
        to: to.clone(),
        html,
        text: render(&AlertText {
            alert,
            unsure: UNSURE,
            note,
            buttons,
            headline: &headline(&alert.customer),
            link: &link,
        }),
        subject,
        thread: format!("{}-{kind}", alert.ticket.number()),
    }
}

/// A digest and what it is made of.
#[derive(Clone, Copy)]
pub(crate) struct Digest<'a> {
    pub(crate) recipient: &'a EmailAddress,
    /// Heaviest first.
    pub(crate) alerts: &'a [Arc<Alert>],
    pub(crate) helpdesk_url: &'a str,
    pub(crate) pages: Option<&'a Pages>,
    pub(crate) signer: Option<&'a Signer>,
    pub(crate) now: Timestamp,
}

/// One message for everything held for a recipient. What would make it too long for a mail program is counted, and
/// stands on the dashboard.
pub(crate) fn digest(digest: Digest<'_>) -> Email {
    let Digest { recipient, alerts, helpdesk_url, pages, signer, now } = digest;
    let links = Takes { signer, to: recipient, now };
    let count = alerts.len();
    let subject = format!("{count} held alert{}", if count == 1 { "" } else { "s" });
    let guardian = alerts.iter().any(|alert| alert.signal.kind() == AlertKind::Guardian);
    let page = pages.map(|pages| if guardian { pages.guardian.as_str() } else { pages.opportunity.as_str() });
    let all: Vec<Alert> = alerts.iter().map(|alert| as_shown(alert)).collect();
    let rendered = |first: usize| {
        let (alerts, subject, more) = (all.get(..first).unwrap_or_default(), subject.as_str(), count - first);
        let html = render(&DigestHtml { subject, alerts, links, more, page, helpdesk_url });
        (html, render(&DigestText { subject, alerts, links, more, page, helpdesk_url }))
    };
    let fits = |(html, text): &(String, String)| html.len().max(text.len()) <= MOST_BYTES;
    let (mut some, mut too_many) = (0, count + 1);
    while too_many - some > 1 {
        let middle = some.midpoint(too_many);
        if fits(&rendered(middle)) { some = middle } else { too_many = middle }
    }
    let (html, text) = rendered(some);
    let name: String = recipient.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Email {
        name: format!("digest-{name}-{}", now.as_second()),
        to: recipient.clone(),
        html,
        text,
        subject,
        thread: format!("digest-{name}"),
    }
}

/// The alert with every text as a mail may show it.
fn as_shown(alert: &Alert) -> Alert {
    let within = |text: &str, most| shown::unlinked(&shown::clipped(&shown::line(text), most));
    let line = |text: &str| within(text, MOST_OF_A_LINE);
    let quotes = |texts: &[String]| texts.iter().map(|text| within(text, MOST_OF_A_QUOTE)).collect();
    let past = |past: &PastTicket| PastTicket { subject: line(&past.subject).into(), ..past.clone() };
    Alert {
        customer: line(&alert.customer).into(),
        subject: line(&alert.subject).into(),
        plan: alert.plan.as_deref().map(line),
        evidence: quotes(&alert.evidence),
        reasons: quotes(&alert.reasons),
        recommended_action: within(&alert.recommended_action, MOST_OF_A_QUOTE).into(),
        past: alert.past.iter().map(past).collect(),
        ..alert.clone()
    }
}

fn render(template: &impl Template) -> String {
    template.render().expect("writing to a string does not fail")
}

#[cfg(test)]
mod tests {
    use domain::{Band, Health, Intent, PastTicket, Priority, sample};

    use super::*;

    fn guardian() -> Alert {
        Alert {
            band: Band::Critical,
            signal: Signal::Guardian { score: 9 },
            mrr: Some(11_800.0),
            plan: Some("Scale".into()),
            health: Some(Health::AtRisk),
            past: vec![PastTicket {
                id: sample::ticket_id(900),
                at: sample::now(),
                subject: "Orders late".into(),
                priority: Priority::P2,
                agent: sample::team("nexus"),
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

    fn digest_of(alerts: &[Arc<Alert>]) -> Email {
        let pages = Pages {
            guardian: "https://site.example/accounts/".into(),
            opportunity: "https://site.example/sales/".into(),
        };
        let recipient = &sample::alert(1).recipient;
        let helpdesk_url = "https://e.zendesk.com";
        digest(Digest { recipient, alerts, helpdesk_url, pages: Some(&pages), signer: None, now: sample::now() })
    }

    /// The mail of an alert as it is without links.
    fn plain(alert: &Alert, helpdesk_url: &str) -> Email {
        single(Single { alert, to: &alert.recipient, helpdesk_url, buttons: None, note: None })
    }

    fn buttons() -> Buttons {
        let link = |word: &str| format!("https://api.example/followup?link={word}");
        Buttons { take: link("TAKE"), wrong: link("WRONG"), wrong_words: "Not a risk", snooze: link("SNOOZE") }
    }

    fn with_buttons(alert: &Alert, note: Option<&Note>) -> Email {
        let helpdesk_url = "https://example.zendesk.com";
        single(Single { alert, to: &alert.recipient, helpdesk_url, buttons: Some(buttons()), note })
    }

    #[test]
    fn each_kind_has_its_own_message() {
        for (name, email) in [
            ("guardian", plain(&guardian(), "https://example.zendesk.com")),
            ("opportunity", plain(&opportunity(), "https://example.zendesk.com/")),
            ("digest", digest_of(&[Arc::new(guardian()), Arc::new(Alert { unsure: true, ..opportunity() })])),
        ] {
            insta::assert_snapshot!(format!("{name}_html"), email.html);
            insta::assert_snapshot!(format!("{name}_text"), format!("{}\n\n{}", email.subject, email.text));
        }
    }

    #[test]
    fn a_mail_carries_its_links() {
        let first = "ann@example.com".parse().unwrap();
        for (name, email) in [
            ("links", with_buttons(&guardian(), None)),
            ("escalated", with_buttons(&guardian(), Some(&Note::NotTaken { first }))),
            ("woken", with_buttons(&opportunity(), Some(&Note::SnoozeOver))),
        ] {
            insta::assert_snapshot!(format!("{name}_html"), email.html);
            insta::assert_snapshot!(format!("{name}_text"), format!("{}\n\n{}", email.subject, email.text));
        }
    }

    #[test]
    fn what_a_customer_wrote_stays_text() {
        let evil = "<script>alert(1)</script>\"'\r\nBcc: x@example.com".to_owned();
        let alert = Alert {
            customer: evil.as_str().into(),
            subject: evil.as_str().into(),
            evidence: Arc::new([evil.clone()]),
            plan: Some(evil),
            ..guardian()
        };
        for email in [
            plain(&alert, "https://e.zendesk.com"),
            plain(
                &Alert { signal: Signal::Opportunity { intent: Intent::Upgrade, confidence: 8 }, ..alert.clone() },
                "",
            ),
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
            let email = plain(&Alert { unsure: true, ..alert.clone() }, "https://e.zendesk.com");
            assert!(email.subject.ends_with(", unsure"), "{}", email.subject);
            assert!(email.html.contains(UNSURE) && email.html.contains(" · unsure</small>"), "{}", email.html);
            assert!(email.text.contains(UNSURE), "{}", email.text);
            let sure = plain(&alert, "https://e.zendesk.com");
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
            reasons: Arc::new([evil.to_owned()]),
            plan: Some(evil.to_owned()),
            ..guardian()
        };
        for email in [plain(&alert, "https://e.zendesk.com"), digest_of(&[Arc::new(alert.clone())])] {
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
            assert_eq!(email.subject, format!("{number} held alert{}", if number == 1 { "" } else { "s" }));
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
