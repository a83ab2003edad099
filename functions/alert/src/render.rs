//! Alerts as e-mails. Everything a customer wrote is escaped.

use std::sync::Arc;

use askama::Template;
use domain::{Alert, EmailAddress, Signal, ports::Email};
use jiff::Timestamp;
use runtime::words::ticket_link;

#[derive(Template)]
#[template(path = "guardian.html")]
struct GuardianHtml<'a> {
    alert: &'a Alert,
    score: u8,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "opportunity.html")]
struct OpportunityHtml<'a> {
    alert: &'a Alert,
    intent: &'a str,
    confidence: u8,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "alert.txt")]
struct AlertText<'a> {
    alert: &'a Alert,
    headline: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "digest.html")]
struct DigestHtml<'a> {
    subject: &'a str,
    alerts: &'a [Arc<Alert>],
    helpdesk_url: &'a str,
}

#[derive(Template)]
#[template(path = "digest.txt")]
struct DigestText<'a> {
    subject: &'a str,
    alerts: &'a [Arc<Alert>],
    helpdesk_url: &'a str,
}

impl DigestHtml<'_> {
    fn link(&self, alert: &Alert) -> String {
        ticket_link(self.helpdesk_url, alert.ticket)
    }
}

impl DigestText<'_> {
    fn link(&self, alert: &Alert) -> String {
        ticket_link(self.helpdesk_url, alert.ticket)
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

/// The message for one alert.
pub(crate) fn single(alert: &Alert, helpdesk_url: &str) -> Email {
    let link = ticket_link(helpdesk_url, alert.ticket);
    let (headline, html) = match alert.signal {
        Signal::Guardian { score } => (
            format!("{} may leave: {}", alert.customer, signal_words(alert)),
            render(&GuardianHtml { alert, score, link: &link }),
        ),
        Signal::Opportunity { intent, confidence } => (
            format!("{} wants to buy: {}", alert.customer, signal_words(alert)),
            render(&OpportunityHtml { alert, intent: intent.title(), confidence, link: &link }),
        ),
    };
    let kind = alert.signal.kind();
    Email {
        name: format!("{}-{kind}-{}", alert.ticket.number(), alert.band),
        to: alert.recipient.clone(),
        subject: one_line(&headline),
        html,
        text: render(&AlertText { alert, headline: &headline, link: &link }),
        thread: format!("{}-{kind}", alert.ticket.number()),
    }
}

/// One message for everything held for a recipient.
pub(crate) fn digest(recipient: &EmailAddress, alerts: &[Arc<Alert>], helpdesk_url: &str, now: Timestamp) -> Email {
    let count = alerts.len();
    let subject = format!("{count} held alert{}", if count == 1 { "" } else { "s" });
    let name: String = recipient.as_str().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Email {
        name: format!("digest-{name}-{}", now.as_second()),
        to: recipient.clone(),
        html: render(&DigestHtml { subject: &subject, alerts, helpdesk_url }),
        text: render(&DigestText { subject: &subject, alerts, helpdesk_url }),
        subject,
        thread: format!("digest-{name}"),
    }
}

fn render(template: &impl Template) -> String {
    template.render().expect("writing to a string does not fail")
}

/// No line break of a customer's name reaches a header.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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

    #[test]
    fn each_kind_has_its_own_message() {
        for (name, email) in [
            ("guardian", single(&guardian(), "https://example.zendesk.com")),
            ("opportunity", single(&opportunity(), "https://example.zendesk.com/")),
            (
                "digest",
                digest(
                    &sample::alert(1).recipient,
                    &[Arc::new(guardian()), Arc::new(opportunity())],
                    "https://e.zendesk.com",
                    sample::now(),
                ),
            ),
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
            single(&alert, "https://e.zendesk.com"),
            single(
                &Alert { signal: Signal::Opportunity { intent: Intent::Upgrade, confidence: 8 }, ..alert.clone() },
                "",
            ),
            digest(&alert.recipient, &[Arc::new(alert.clone())], "", sample::now()),
        ] {
            assert!(!email.html.contains("<script>"), "{}", email.name);
            assert!(!email.subject.contains(['\r', '\n']), "{}", email.name);
            assert!(email.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{}", email.name);
        }
    }
}
