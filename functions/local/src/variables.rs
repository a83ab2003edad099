//! The variables a local run reads, so that any other name in `.env` can be pointed out.

/// As `.env.example` has them, and the retention, which a run overrides.
const KNOWN: [&str; 29] = [
    "ANALYST",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "AUTO_REPLY",
    "BOT_USER_ID",
    "DAILY_BUDGET_USD",
    "DELIVERY",
    "GUARDIAN_EMAIL",
    "MODE",
    "MODEL",
    "MODEL_EFFORT",
    "MODEL_THINKING",
    "OPPORTUNITY_EMAIL",
    "REDACTION",
    "RETENTION_DAYS",
    "ROLLOUT_PERCENT",
    "RUST_LOG",
    "SLACK_API",
    "SLACK_SIGNING_SECRET",
    "SLACK_TOKEN",
    "ZENDESK_API_TOKEN",
    "ZENDESK_CLIENT_ID",
    "ZENDESK_CLIENT_SECRET",
    "ZENDESK_EMAIL",
    "ZENDESK_RUNTIME_API_TOKEN",
    "ZENDESK_RUNTIME_CLIENT_ID",
    "ZENDESK_RUNTIME_CLIENT_SECRET",
    "ZENDESK_RUNTIME_EMAIL",
    "ZENDESK_WEBHOOK_SECRET",
];

/// What to say about a name that nothing reads; none for one that is read.
pub(crate) fn remark(name: &str) -> Option<String> {
    if KNOWN.contains(&name) {
        return None;
    }
    let upper = name.to_uppercase();
    let nearest = KNOWN.iter().map(|known| (strsim::damerau_levenshtein(known, &upper), known)).min();
    // A third of the letters may be wrong: beyond that it is another name, not a slip.
    Some(match nearest {
        Some((distance, known)) if 3 * distance <= known.len() => {
            format!("{name} is not a variable that is read here; did you mean {known}?")
        }
        Some(_) | None => format!("{name} is not a variable that is read here"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_with_the_name_meant() {
        for (slip, meant) in [
            ("GAURDIAN_EMAIL", "GUARDIAN_EMAIL"),
            ("ZENDESK_WEBHOOK_SECRETS", "ZENDESK_WEBHOOK_SECRET"),
            ("ANTHROPIC_KEY", "ANTHROPIC_API_KEY"),
            ("analyst", "ANALYST"),
            ("MODEL_EFORT", "MODEL_EFFORT"),
        ] {
            let remark = remark(slip).unwrap();
            assert!(remark.ends_with(&format!("; did you mean {meant}?")), "{remark}");
        }
        assert_eq!(remark("AWS_PROFILE").unwrap(), "AWS_PROFILE is not a variable that is read here");
    }

    #[test]
    fn every_name_of_the_example_is_known() {
        let example = include_str!("../../../.env.example");
        let names = example.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('=')).map(|(name, _)| name);
        let names: Vec<&str> = names.filter(|name| !name.contains(' ')).collect();
        assert_eq!(names.len(), KNOWN.len() - 1, "{names:?}");
        assert!(names.iter().all(|name| remark(name).is_none()), "{names:?}");
    }
}
