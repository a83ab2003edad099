//! Whether events reach us.

use std::collections::BTreeMap;

use super::{Finding, facts::Facts};
use crate::setup::{NEEDED_SUBSCRIPTIONS, SUBSCRIPTIONS, TRIGGER_SUBSCRIPTION, wanted_triggers};

const SET_UP: &str = "run zendesk-setup";

pub(super) fn webhook(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "webhook";
    if let Err(why) = &facts.webhooks {
        return vec![Finding::error(CHECK, why.clone(), "use an admin's credentials with the scope read")];
    }
    let ours = facts.our_webhooks();
    let Some(webhook) = ours.first() else {
        return vec![Finding::error(CHECK, "there is none of ours: no ticket is triaged", SET_UP)];
    };
    let mut found = Vec::new();
    if !webhook.active {
        found.push(Finding::error(CHECK, format!("“{}” is switched off", webhook.name), SET_UP));
    }
    if let Some(endpoint) = facts.subject.endpoint.as_ref().filter(|endpoint| **endpoint != webhook.endpoint) {
        let says = format!("“{}” sends to {} and not to {endpoint}", webhook.name, webhook.endpoint);
        found.push(Finding::error(CHECK, says, SET_UP));
    }
    if let [_, others @ ..] = &*ours
        && let Some(other) = others.iter().find(|other| other.endpoint == webhook.endpoint && other.active)
    {
        let says = format!("“{}” and “{}” send to the same address: every event comes twice", webhook.name, other.name);
        found.push(Finding::warning(CHECK, says, "delete one of them, or run zendesk-setup"));
    }
    if webhook.subscriptions.contains(TRIGGER_SUBSCRIPTION) {
        found.extend(triggers(facts, &webhook.id));
    } else {
        found.extend(events(&webhook.subscriptions.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    if found.is_empty() {
        found.push(Finding::ok(CHECK, format!("“{}” sends to {}", webhook.name, webhook.endpoint)));
    }
    found
}

fn events(subscribed: &[&str]) -> Option<Finding> {
    let missing = |events: &[&'static str]| -> Vec<&'static str> {
        events.iter().copied().filter(|event| !subscribed.contains(event)).collect()
    };
    let (needed, all) = (missing(&NEEDED_SUBSCRIPTIONS), missing(&SUBSCRIPTIONS));
    if !needed.is_empty() {
        Some(Finding::error("webhook", format!("it does not subscribe to {}", needed.join(", ")), SET_UP))
    } else if !all.is_empty() {
        let says = format!("it does not subscribe to {}", all.join(", "));
        Some(Finding::warning("webhook", says, "run zendesk-setup; if Zendesk does not take these events, go without"))
    } else {
        None
    }
}

/// A webhook of this kind is called by triggers only.
fn triggers(facts: &Facts, webhook: &str) -> Option<Finding> {
    let triggers = facts.triggers.as_ref().ok()?;
    let calls = |title: &str| {
        let calling = |values: &[String]| values.first().is_some_and(|first| first == webhook);
        triggers.iter().any(|trigger| {
            trigger.title == title && trigger.active && trigger.actions.iter().any(|action| calling(&action.values))
        })
    };
    let missing: Vec<String> = wanted_triggers(facts.subject.stack.as_deref())
        .into_iter()
        .map(|(title, _)| title)
        .filter(|title| !calls(title))
        .collect();
    if missing.is_empty() {
        return None;
    }
    Some(Finding::error("webhook", format!("no active trigger “{}” calls it", missing.join("”, “")), SET_UP))
}

/// The answer to a test event, signed and sent by Zendesk.
pub(super) fn round_trip(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "round-trip";
    let status = match &facts.round_trip {
        None => return vec![Finding::skipped(CHECK, "there is no webhook to test")],
        Some(Err(why)) => {
            return vec![Finding::warning(
                CHECK,
                format!("the test was not made: {why}"),
                "press Test webhook in Admin Center",
            )];
        }
        Some(Ok(trip)) => trip.status,
    };
    vec![match status {
        200..=299 => Finding::ok(CHECK, format!("Zendesk got {status} for a test event")),
        400 => Finding::warning(
            CHECK,
            "Zendesk got 400: signature accepted, test event not",
            "deploy this version of the product; Zendesk may send another body in tests",
        ),
        401 => Finding::error(
            CHECK,
            "Zendesk got 401: the signing secret we hold is not the webhook's",
            "run zendesk-setup, which stores it; it takes effect within five minutes",
        ),
        404 | 405 => Finding::error(
            CHECK,
            format!("Zendesk got {status}: the address is not the webhook function's"),
            "run zendesk-setup with the stack's WebhookUrl",
        ),
        0 => Finding::error(
            CHECK,
            "Zendesk got no answer",
            "the address must be reachable from the internet over HTTPS; localhost is not",
        ),
        status => Finding::error(
            CHECK,
            format!("Zendesk got {status}"),
            "look at the webhook function's log: docs/operations.md",
        ),
    }]
}

/// Real deliveries of the last days.
pub(super) fn attempts(facts: &Facts) -> Vec<Finding> {
    const CHECK: &str = "deliveries";
    let invocations = match &facts.invocations {
        Ok(invocations) => invocations,
        Err(why) => return vec![Finding::warning(CHECK, format!("not known: {why}"), "run doctor again")],
    };
    let failed: Vec<_> = invocations.iter().filter(|invocation| invocation.failed()).collect();
    let Some(newest) = failed.first() else {
        return vec![if invocations.is_empty() {
            Finding::skipped(CHECK, "no event was sent in the last seven days")
        } else {
            Finding::ok(CHECK, format!("the last {} arrived", invocations.len()))
        }];
    };
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for invocation in &failed {
        let kind = invocation.status_code.map_or_else(|| invocation.status.clone(), |code| code.to_string());
        *kinds.entry(kind).or_default() += 1;
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
    let tries: Vec<String> = newest
        .attempts
        .iter()
        .map(|attempt| attempt.status_code.map_or_else(|| attempt.status.clone(), |code| code.to_string()))
        .collect();
    let mut says = format!("{} of the last {} failed ({})", failed.len(), invocations.len(), kinds.join(", "));
    says.push_str(&format!("; the newest at {}", newest.at));
    if !tries.is_empty() {
        says.push_str(&format!(", answered {}", tries.join(", then ")));
    }
    let fix = "their tickets are found again by sweep; look at the webhook function's log for the cause";
    // What failed before the newest success is over.
    let over = invocations.first().is_some_and(|invocation| !invocation.failed());
    vec![if over { Finding::warning(CHECK, says, fix) } else { Finding::error(CHECK, says, fix) }]
}
