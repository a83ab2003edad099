//! What is open, as one mail in the morning: a line for each of the heaviest accounts.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use domain::{AccountId, Alert, EmailAddress, Policy, Stage, ports::Email, shown};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use runtime::words::{self, alert as telling, ticket_link};

use super::{address_name, render, why};
use crate::{
    Pages,
    links::{Next, Signer},
};

/// More is not read in the morning.
const LINES: usize = 10;

/// A daily digest and what it is made of.
#[derive(Clone, Copy)]
pub(crate) struct Daily<'a> {
    pub(crate) recipient: &'a EmailAddress,
    /// At least one, heaviest first.
    pub(crate) alerts: &'a [Arc<Alert>],
    pub(crate) policy: &'a Policy,
    pub(crate) pages: Option<&'a Pages>,
    pub(crate) signer: Option<&'a Signer>,
    pub(crate) day: Date,
    pub(crate) now: Timestamp,
}

#[derive(Template)]
#[template(path = "daily.html")]
struct DailyHtml<'a> {
    m: &'a Shown<'a>,
}

#[derive(Template)]
#[template(path = "daily.txt")]
struct DailyText<'a> {
    m: &'a Shown<'a>,
}

struct Shown<'a> {
    subject: &'a str,
    preview: String,
    heading: String,
    day: String,
    lines: Vec<Line>,
    /// How many more there are.
    rest: Option<String>,
    page: Option<&'a str>,
    why_you: String,
}

/// An account by its heaviest open alert.
struct Line {
    customer: String,
    strength: String,
    worth: String,
    due: Option<String>,
    state: String,
    more: Option<String>,
    ticket: String,
    link: String,
    next: Option<Next>,
}

pub(crate) fn daily(daily: Daily<'_>) -> Email {
    let Daily { recipient, alerts, policy, pages, day, now, .. } = daily;
    let heaviest = heaviest(alerts);
    let accounts = heaviest.len();
    let subject = format!("Open today: {}", whose(&heaviest, &policy.currency));
    let lines: Vec<Line> = heaviest.iter().take(LINES).map(|(alert, others)| daily.line(alert, *others)).collect();
    // A recipient of several kinds sees the page of the first.
    let first = alerts.iter().map(|alert| alert.signal.kind()).min();
    let shown = Shown {
        subject: &shown::unlinked(&subject),
        preview: format!("{} of {}, heaviest first.", counted(alerts.len(), "alert"), counted(accounts, "account")),
        heading: format!("{} of {} open", counted(alerts.len(), "alert"), counted(accounts, "account")),
        day: day.strftime("%A %-d %B").to_string(),
        rest: (accounts > LINES).then(|| format!("And {} with less at stake", counted(accounts - LINES, "account"))),
        lines,
        page: pages.zip(first).map(|(pages, kind)| pages.of(kind)),
        why_you: why::daily(),
    };
    let name = address_name(recipient);
    Email {
        // Forgetting a ticket finds digests by this prefix.
        name: format!("digest-daily-{name}-{day}"),
        to: recipient.clone(),
        sender_name: policy.alerts.sender_name.clone(),
        reply_to: policy.alerts.reply_to.clone(),
        html: render(&DailyHtml { m: &shown }),
        text: render(&DailyText { m: &shown }),
        subject: subject.clone(),
        thread: format!("daily-{name}"),
        answers: None,
        important: false,
        at: now,
    }
}

/// The heaviest alert of each account in their order, with how many others the account has.
fn heaviest(alerts: &[Arc<Alert>]) -> Vec<(&Alert, usize)> {
    let mut places: HashMap<&AccountId, usize> = HashMap::new();
    let mut heaviest: Vec<(&Alert, usize)> = Vec::new();
    for alert in alerts {
        let place = *places.entry(&alert.account).or_insert(heaviest.len());
        match heaviest.get_mut(place) {
            Some((_, others)) => *others += 1,
            None => heaviest.push((alert, 0)),
        }
    }
    heaviest
}

/// The first forty characters are all that a locked telephone shows.
fn whose(heaviest: &[(&Alert, usize)], currency: &str) -> String {
    let Some((first, _)) = heaviest.first() else { return "nothing".to_owned() };
    let worth = first.mrr.map(|mrr| format!(" ({})", words::monthly(Some(mrr), currency))).unwrap_or_default();
    let others = match heaviest.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    format!("{}{worth}{others}", telling::name(first))
}

fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", words::count(number), if number == 1 { "" } else { "s" })
}

impl Daily<'_> {
    fn line(&self, alert: &Alert, others: usize) -> Line {
        let zone = &self.policy.time_zone;
        let next = self.signer.and_then(|signer| signer.next(alert, self.recipient, self.now));
        let link = ticket_link(&self.policy.helpdesk_url, alert.ticket);
        let due = due(alert, zone, self.now);
        let alert = &telling::shown(alert);
        Line {
            customer: alert.customer.to_string(),
            strength: format!("{}{}", telling::strength(alert), if alert.unsure { ", unsure" } else { "" }),
            worth: words::monthly(alert.mrr, &self.policy.currency),
            due,
            state: state(alert, zone),
            more: (others > 0).then(|| format!("{} more of this account", counted(others, "alert"))),
            ticket: format!("{} {}", alert.ticket, alert.subject),
            link,
            next,
        }
    }
}

/// Whether it is late, and by when.
fn due(alert: &Alert, zone: &TimeZone, now: Timestamp) -> Option<String> {
    let deadline = alert.deadline.as_ref()?;
    let today = now.to_zoned_datetime(zone.clone()).date();
    Some(if deadline.passes_at(zone) < now {
        format!("was due {deadline}")
    } else if deadline.day == today {
        deadline.time.map_or_else(|| "by today".to_owned(), |time| format!("by today, {}", time.strftime("%H:%M")))
    } else {
        format!("by {deadline}")
    })
}

fn state(alert: &Alert, zone: &TimeZone) -> String {
    match &alert.follow_up.stage {
        Stage::New => format!("Nobody has taken it since {}", words::moment(alert.at, zone)),
        stage => {
            let sentence = words::stage(stage, zone, |by| shown::unlinked(by.as_str()));
            sentence.trim_end_matches('.').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Deadline, FollowUp, sample};
    use jiff::civil::{date, time};

    use super::*;

    fn mail(alerts: &[Alert], pages: Option<&Pages>) -> Email {
        let alerts: Vec<Arc<Alert>> = alerts.iter().cloned().map(Arc::new).collect();
        let (policy, now) = (sample::policy(), sample::now());
        let recipient = &sample::alert(1).recipient;
        daily(Daily { recipient, alerts: &alerts, policy: &policy, pages, signer: None, day: date(2026, 11, 16), now })
    }

    fn pages() -> Pages {
        Pages {
            guardian: "https://site.example/accounts/".into(),
            opportunity: "https://site.example/sales/".into(),
            outage: "https://site.example/lead/".into(),
            accounts: crate::AccountPlace::Page,
        }
    }

    fn of(number: u64, account: &str) -> Alert {
        Alert { account: sample::account_id(account), customer: account.into(), ..sample::alert(number) }
    }

    #[test]
    fn a_morning_on_one_page() {
        let due = |day, hour| {
            Some(Deadline { day: date(2026, 11, day), time: Some(time(hour, 0, 0, 0)), words: "then".into() })
        };
        let with = |stage| FollowUp { stage, ..FollowUp::default() };
        let by = || "ann@example.com".parse().unwrap();
        let taken = with(Stage::Taken { by: by(), at: sample::now() });
        let snoozed = with(Stage::Snoozed { until: sample::now(), by: by(), at: sample::now() });
        let email = mail(
            &[
                Alert { mrr: Some(14_500.0), deadline: due(16, 17), ..of(1, "Castrovel Cycles") },
                Alert { follow_up: taken, deadline: due(16, 8), unsure: true, ..of(2, "Bolt") },
                of(3, "Castrovel Cycles"),
                Alert { follow_up: snoozed, mrr: None, deadline: due(20, 9), ..of(4, "Crate") },
            ],
            Some(&pages()),
        );
        assert_eq!(email.subject, "Open today: Castrovel Cycles ($14,500 a month) and 2 more");
        insta::assert_snapshot!("daily_html", email.html);
        insta::assert_snapshot!("daily_text", format!("{}\n\n{}", email.subject, email.text));
    }

    #[test]
    fn five_hundred_open_alerts_are_ten_lines_and_a_link() {
        let long = "long words of an unhappy customer ".repeat(300);
        for (text, one_account) in [("Acme", false), (long.as_str(), false), (long.as_str(), true)] {
            let alerts: Vec<Alert> = (1..=500)
                .map(|number| Alert {
                    account: sample::account_id(&if one_account { "1".to_owned() } else { number.to_string() }),
                    customer: text.into(),
                    subject: text.into(),
                    evidence: Arc::new([text.to_owned()]),
                    ..sample::alert(number)
                })
                .collect();
            let email = mail(&alerts, Some(&pages()));
            let lines = if one_account { 1 } else { 10 };
            for part in [&email.html, &email.text] {
                assert!(part.len() < 32 * 1024, "{} bytes", part.len());
                assert_eq!(part.matches("/agent/tickets/").count(), lines);
                assert_eq!(part.contains("And 490 accounts with less at stake"), !one_account);
                assert!(part.contains("https://site.example/accounts/"));
            }
            assert!(email.subject.chars().count() < 120);
        }
    }

    #[test]
    fn what_a_customer_wrote_stays_text() {
        let evil = "<script>alert(1)</script> https://evil.example\r\nBcc: x@example.com";
        let email = mail(&[Alert { customer: evil.into(), subject: evil.into(), ..sample::alert(1) }], None);
        assert!(!email.html.contains("<script>") && !email.html.contains("https://evil"), "{}", email.html);
        assert!(!email.text.contains("\nBcc:") && !email.subject.contains(['\r', '\n']), "{}", email.text);
        assert_eq!(email.html.matches("<a ").count(), 1, "ours");
    }
}
