//! Why a reader gets a mail, and where that is changed.

use domain::{Alert, AlertKind, EmailAddress, Policy, Stage};

/// There is no page to sign in to: who may change it is somebody, not a link.
const WHO: &str = "Ask whoever runs ticket triage in your company to change either.";

/// At the end of a mail about one alert.
pub(super) fn single(alert: &Alert, to: &EmailAddress, policy: &Policy) -> String {
    let second = policy.alerts.escalation.as_ref().is_some_and(|escalation| escalation.to == *to);
    let has_it = matches!(&alert.follow_up.stage, Stage::Taken { by, .. } if by == to);
    let kind = alert.signal.kind();
    let why = if *to == alert.recipient {
        match kind {
            AlertKind::Guardian if *to != policy.recipients.guardian => {
                "you are the account manager of this account in Zendesk (a field of its organisation)"
            }
            AlertKind::Guardian => "alerts about accounts at risk go to this address (setting GUARDIAN_EMAIL)",
            AlertKind::Opportunity => "alerts about buying signals go to this address (setting OPPORTUNITY_EMAIL)",
            AlertKind::Outage => {
                "P0 tickets of this team go to this address (lead in agents.json, or alerts.lead in policy.json)"
            }
        }
    } else if has_it {
        "this alert was handed to you"
    } else if second {
        "critical alerts that nobody takes go to this address as well (alerts.escalate in policy.json)"
    } else {
        "you snoozed this alert"
    };
    let often = match kind {
        AlertKind::Guardian | AlertKind::Opportunity => {
            "What is new about an account comes at once, all else once an hour at most"
        }
        AlertKind::Outage => "Of P0 tickets about one topic one comes each hour",
    };
    format!("You get this because {why}. {often}, and the rest in a digest (alerts in policy.json). {WHO}")
}

/// At the end of the hourly digest.
pub(super) fn hourly() -> String {
    format!(
        "You get this because alerts of these accounts go to this address. They were held: the account had an alert within \
         the hour and they say nothing new, a P0 about the same topic was told within the hour, or the daily limit was \
         reached (alerts in policy.json). {WHO}"
    )
}

/// At the end of the daily one.
pub(super) fn daily() -> String {
    format!(
        "You get this because alerts of these accounts go to this address. It comes in the morning of a day on which \
         something is open, and can be turned off (alerts.daily_digest in policy.json). {WHO}"
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use domain::{policy::Escalation, sample};

    use super::*;

    #[test]
    fn everybody_is_told_their_own_reason() {
        let mut policy = sample::policy();
        let address = |name: &str| format!("{name}@example.com").parse::<EmailAddress>().unwrap();
        policy.alerts.escalation = Some(Escalation { untaken_hours: NonZeroU32::new(4).unwrap(), to: address("lead") });
        let (guardian, opportunity) = sample::alerts(1);
        let managed = Alert { recipient: address("ann"), ..guardian.clone() };
        for (alert, to, reason) in [
            (&guardian, "kam", "alerts about accounts at risk go to this address (setting GUARDIAN_EMAIL)"),
            (&opportunity, "sales", "alerts about buying signals go to this address (setting OPPORTUNITY_EMAIL)"),
            (&managed, "ann", "you are the account manager of this account in Zendesk"),
            (&managed, "lead", "critical alerts that nobody takes go to this address as well"),
            (&managed, "ben", "you snoozed this alert"),
        ] {
            let told = single(alert, &address(to), &policy);
            assert!(told.starts_with(&format!("You get this because {reason}")), "{told}");
        }
    }
}
