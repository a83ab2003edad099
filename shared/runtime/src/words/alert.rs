//! What an alert says, the same in a mail and in a chat. Each medium adds its form and escapes what is markup there.

use domain::{Alert, Band, Contact, Deadline, Gravity, Health, Intent, PastTicket, Signal, reading::sure};
use jiff::tz::TimeZone;

/// What anybody reads of a name or a subject, and of a quote.
pub const MOST_OF_A_LINE: usize = 200;
pub const MOST_OF_A_QUOTE: usize = 800;
/// What of a name stands in a headline.
const MOST_OF_A_NAME: usize = 60;
/// What stands before a quote's translation.
pub const IN_ENGLISH: &str = "In English, by a model";
/// What an unsure alert says of itself.
pub const UNSURE: &str = "The analyst is unsure about this ticket. Read it before you act on it.";
/// Where whom to call is known, and the number is not.
pub const NO_PHONE: &str = "No phone number in the ticket: reply there, or look in your contacts.";

/// The alert with every text as a message may show it: one line each, of a limited length, and no link.
#[must_use]
pub fn shown(alert: &Alert) -> Alert {
    let within = |text: &str, most| domain::shown::unlinked(&domain::shown::clipped(&domain::shown::line(text), most));
    let line = |text: &str| within(text, MOST_OF_A_LINE);
    let line_of = |text: &str| within(text, MOST_OF_A_QUOTE);
    let quotes = |texts: &[String]| texts.iter().map(|text| line_of(text)).collect();
    let past = |past: &PastTicket| PastTicket { subject: line(&past.subject).into(), ..past.clone() };
    Alert {
        customer: line(&alert.customer).into(),
        subject: line(&alert.subject).into(),
        plan: alert.plan.as_deref().map(line),
        evidence: quotes(&alert.evidence),
        english: alert.english.iter().map(|(quote, line)| (line_of(quote), line_of(line))).collect(),
        reasons: quotes(&alert.reasons),
        recommended_action: within(&alert.recommended_action, MOST_OF_A_QUOTE).into(),
        because: alert.because.as_deref().map(|because| line(because).into()),
        happened: alert.happened.as_deref().map(|happened| within(happened, MOST_OF_A_QUOTE).into()),
        deadline: alert.deadline.clone().map(|due| Deadline { words: line(&due.words), ..due }),
        contact: alert.contact.as_ref().map(|Contact { name, role, phone }| Contact {
            name: line(name),
            role: role.as_deref().map(line),
            phone: phone.as_deref().map(line),
        }),
        past: alert.past.iter().map(past).collect(),
        ..alert.clone()
    }
}

/// Whom, what, by when: `Acme may leave by Tue 17 Nov, 09:00, unsure`, `Acme wants more, also at risk`, `P0: Acme stands still since 06:40`.
#[must_use]
pub fn headline(alert: &Alert) -> String {
    if let Signal::Outage { .. } = alert.signal {
        let since = since(alert).map(|since| format!(" {since}")).unwrap_or_default();
        let unsure = if alert.unsure { ", unsure" } else { "" };
        return format!("P0: {} {}{since}{unsure}", name(alert), says(alert));
    }
    let due = alert.deadline.as_ref().map(|deadline| format!(" by {deadline}")).unwrap_or_default();
    let unsure = if alert.unsure { ", unsure" } else { "" };
    format!("{} {}{due}{}{unsure}", name(alert), says(alert), also(alert))
}

/// What stands beside a wish of an account that may leave at the same time.
#[must_use]
pub fn also(alert: &Alert) -> &'static str {
    if alert.at_risk { ", also at risk" } else { "" }
}

/// The customer's name in a headline.
#[must_use]
pub fn name(alert: &Alert) -> String {
    domain::shown::clipped(&domain::shown::line(&alert.customer), MOST_OF_A_NAME).into_owned()
}

/// `risk 9 of 10` or `expansion, 8 of 10`.
#[must_use]
pub fn strength(alert: &Alert) -> String {
    match alert.signal {
        Signal::Guardian { score } => format!("risk {score} of 10"),
        Signal::Opportunity { intent, confidence } => format!("{}, {confidence} of 10", intent.title()),
        Signal::Outage { .. } => "P0".to_owned(),
    }
}

/// What the customer does, as a sentence behind its name.
#[must_use]
pub fn says(alert: &Alert) -> &'static str {
    match alert.signal {
        Signal::Guardian { .. } => "may leave",
        Signal::Opportunity { intent: Intent::PricingRequest, .. } => "asks for a price",
        Signal::Opportunity { intent: Intent::Upgrade, .. } => "wants a larger plan",
        Signal::Opportunity { intent: Intent::Expansion, .. } => "wants more",
        Signal::Opportunity { intent: Intent::CustomService, .. } => "wants something built",
        Signal::Outage { what: Some(Gravity::Breach) } => "reports a breach",
        Signal::Outage { what: Some(Gravity::Loss) } => "has lost data or money",
        Signal::Outage { what: Some(Gravity::Outage | Gravity::Leaving) | None } => "stands still",
    }
}

/// How strong, how sure, since when.
#[must_use]
pub fn facts(alert: &Alert, zone: &TimeZone) -> Vec<String> {
    let first = match alert.signal {
        Signal::Outage { .. } => {
            let topic = alert.topic.as_ref().map(|topic| topic.title());
            [Some(alert.agent.title()), topic].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Signal::Guardian { .. } | Signal::Opportunity { .. } if alert.band == Band::Critical => "critical".to_owned(),
        Signal::Guardian { .. } | Signal::Opportunity { .. } => String::new(),
    };
    let first = Some(first).filter(|first| !first.is_empty());
    let written = alert
        .written_at
        .map(|at| format!("written {}", at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b, %H:%M %Z")));
    let since = since(alert).filter(|_| matches!(alert.signal, Signal::Outage { .. }));
    first
        .into_iter()
        .chain([strength(alert)])
        .chain(since)
        .chain(alert.probability.map(|probability| sure(probability).to_owned()))
        .chain(written)
        .collect()
}

/// Words that a moment in the past follows.
const SINCE: [&str; 6] = ["since", "seit", "depuis", "desde", "sinds", "dal"];
/// How many words of the moment are repeated.
const MOST_OF_SINCE: usize = 4;

/// Since when, in the ticket's own words: `since 06:40`, `since “heute 07:30”`. None where no quote says so.
#[must_use]
pub fn since(alert: &Alert) -> Option<String> {
    alert.evidence.iter().find_map(|quote| since_of(quote))
}

fn since_of(quote: &str) -> Option<String> {
    let words: Vec<&str> = quote.split_whitespace().collect();
    let starts = |word: &&str| SINCE.into_iter().find(|since| word.eq_ignore_ascii_case(since));
    let (start, since) = words.iter().enumerate().find_map(|(at, word)| Some((at, starts(word)?)))?;
    let mut said: Vec<&str> = Vec::new();
    for word in words.iter().skip(start + 1).take(MOST_OF_SINCE) {
        let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?', ')', '”', '"']);
        said.push(bare);
        if bare.len() < word.len() {
            break;
        }
    }
    // "Since then" is no moment: one has a figure, or the name of a day, which begins with a capital letter.
    let when = said.iter().rposition(|word| word.starts_with(|c: char| c.is_ascii_digit() || c.is_uppercase()))?;
    let when = said.get(..=when)?.join(" ");
    Some(if since == "since" { format!("since {when}") } else { format!("since “{when}”") })
}

/// What the account is worth, in one line.
#[must_use]
pub fn worth(alert: &Alert, currency: &str) -> String {
    let health = alert.health.map(|health| match health {
        Health::Good => "health good",
        Health::AtRisk => "health at risk",
        Health::Poor => "health poor",
    });
    let plan = alert.plan.as_ref().map(|plan| format!("plan {plan}"));
    let parts = [Some(super::monthly(alert.mrr, currency)), plan, health.map(str::to_owned)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What happened; none where the quotes say it already.
#[must_use]
pub fn happened(alert: &Alert) -> Option<&str> {
    alert.happened.as_deref().filter(|text| !alert.evidence.iter().any(|quote| quote.contains(*text)))
}

/// What stands before the action: `What to do, since another vendor is named`.
#[must_use]
pub fn what_to_do(alert: &Alert) -> String {
    let because = alert.because.as_deref().map(|because| format!(", since {because}")).unwrap_or_default();
    format!("What to do{because}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_when_is_told_in_the_tickets_words() {
        for (quote, since) in [
            ("Since 06:40 no shopper has been able to pay.", Some("since 06:40")),
            ("Nothing has synced since Saturday, 21:00.", Some("since Saturday")),
            ("No orders since Monday 7 am; help!", Some("since Monday 7")),
            ("Seit heute 07:30 steht alles.", Some("since “heute 07:30”")),
            ("Depuis ce matin 8h12, plus rien.", Some("since “ce matin 8h12”")),
            ("It was fine since then and it is down.", None),
            ("Everything is down.", None),
            ("since", None),
        ] {
            assert_eq!(since_of(quote).as_deref(), since, "{quote}");
        }
    }

    #[test]
    fn how_sure_is_told_in_words() {
        for (probability, words) in
            [(0.95, "very"), (0.8, "fairly"), (0.5, "more likely"), (0.4, "not sure"), (f32::NAN, "not")]
        {
            assert!(sure(probability).starts_with(words), "{probability}");
        }
    }
}
