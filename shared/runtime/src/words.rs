//! Figures and times as people read them, the same in e-mails, in a chat and on the dashboard.

pub mod alert;

use domain::{EmailAddress, Stage};
use jiff::{Timestamp, tz::TimeZone};

/// `$11,800`, with what stands before an amount; `unknown` without a figure. Cents are rounded away.
#[must_use]
pub fn amount(amount: Option<f64>, currency: &str) -> String {
    amount.map_or_else(|| "unknown".to_owned(), |amount| format!("{currency}{}", grouped(&format!("{amount:.0}"))))
}

/// What a model costs, always in US dollars: `$12.50`, and below a dollar `$0.0034`.
#[must_use]
pub fn cost(dollars: f64) -> String {
    if dollars < 1.0 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

/// `$11,800 a month`, or that it is not known.
#[must_use]
pub fn monthly(amount: Option<f64>, currency: &str) -> String {
    amount
        .map_or_else(|| "MRR unknown".to_owned(), |amount| format!("{} a month", self::amount(Some(amount), currency)))
}

/// No analyst is surer than this, whatever it says of itself.
const SUREST: f32 = 0.95;

/// `87 %`, and never more than 95 %: the one way a confidence of 0 to 1 is told to a person.
#[must_use]
pub fn percent(confidence: f32) -> String {
    format!("{:.0} %", confidence.min(SUREST) * 100.0)
}

/// `12,345`
#[must_use]
pub fn count(number: usize) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2026-11-16 10:00 CET`
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// How far people are with an alert, as a sentence. `who` names them.
#[must_use]
pub fn stage(stage: &Stage, zone: &TimeZone, who: impl Fn(&EmailAddress) -> String) -> String {
    match stage {
        Stage::New => "Nobody has it yet.".to_owned(),
        Stage::Taken { by, at } => format!("Taken by {} on {}.", who(by), moment(*at, zone)),
        Stage::Settled { outcome, by, at } => {
            format!("Settled by {} on {}: {}.", who(by), moment(*at, zone), outcome.title())
        }
        Stage::Wrong { reason, by, at } => {
            format!("Called wrong by {} on {}: {}.", who(by), moment(*at, zone), reason.title())
        }
        Stage::Snoozed { until, by, .. } => format!("Snoozed by {} until {}.", who(by), moment(*until, zone)),
    }
}

/// The ticket where agents work on it.
#[must_use]
pub fn ticket_link(helpdesk_url: &str, ticket: domain::TicketId) -> String {
    format!("{}/agent/tickets/{}", helpdesk_url.trim_end_matches('/'), ticket.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_of_certainty() {
        for (confidence, text) in [(0.0, "0 %"), (0.874, "87 %"), (0.95, "95 %"), (0.999, "95 %"), (1.0, "95 %")] {
            assert_eq!(percent(confidence), text);
        }
    }

    #[test]
    fn figures_are_grouped_by_thousands() {
        for (figure, text) in [(0.0, "$0"), (999.4, "$999"), (1000.0, "$1,000"), (1_234_567.0, "$1,234,567")] {
            assert_eq!(amount(Some(figure), "$"), text);
        }
        assert_eq!((amount(None, "$").as_str(), monthly(None, "$").as_str()), ("unknown", "MRR unknown"));
        assert_eq!(monthly(Some(950.0), "CHF "), "CHF 950 a month");
        assert_eq!(count(12_345), "12,345");
    }

    #[test]
    fn a_moment_names_its_time_zone() {
        for (zone, text) in [("UTC", "2026-11-16 09:00 UTC"), ("Europe/Berlin", "2026-11-16 10:00 CET")] {
            assert_eq!(moment(domain::sample::now(), &TimeZone::get(zone).unwrap()), text);
        }
    }
}
