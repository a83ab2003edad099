//! Who signs a draft, and what the customer gets where no person looks at it first.

use super::Case;
use crate::Draft;

/// Signed by the team in the language of the ticket.
pub(super) fn private(draft: Draft, case: Case<'_>) -> Draft {
    let Case { reading, policy, .. } = case;
    let Some(profile) = policy.teams.get(&reading.agent.value) else { return draft };
    match draft.text.strip_suffix(profile.signature.as_str()) {
        Some(body) => Draft { text: format!("{body}{}", profile.signature(reading.language)).into(), ..draft },
        None => draft,
    }
}

/// Says in its first line that nobody wrote it, and is signed by the company: customers do not know the teams' names.
pub(super) fn public(draft: Draft, case: Case<'_>) -> Draft {
    let Case { reading, policy, .. } = case;
    let language = reading.language;
    let team = policy.teams.get(&reading.agent.value).map_or("", |profile| profile.signature.as_str());
    let body = unsigned(&draft.text, team);
    let signature = policy.answers.signature(language);
    let text = match &policy.answers.notice {
        Some(notice) => format!("{}\n\n{body}\n{signature}", notice.text(language)),
        None => format!("{body}\n{signature}"),
    };
    Draft { text: text.into(), ..draft }
}

/// Without the team's name below it. The name may have changed since the draft was made: it is the last line then.
fn unsigned<'a>(text: &'a str, team: &str) -> &'a str {
    let text = text.trim_end();
    let body = text.strip_suffix(team).filter(|_| !team.is_empty());
    body.or_else(|| text.rsplit_once('\n').map(|(body, _)| body)).unwrap_or(text).trim_end_matches('\n')
}

#[cfg(test)]
mod tests {
    use super::unsigned;

    #[test]
    fn no_team_signs_a_public_answer() {
        for (text, team) in [
            ("Hi,\n\nDo it.\n\nRegards,\nThe Nexus team", "The Nexus team"),
            ("Hi,\n\nDo it.\n\nRegards,\nThe Nexus team\nIntegrations", "The Nexus team\nIntegrations"),
            ("Hi,\n\nDo it.\n\nRegards,\nA former name", "The Nexus team"),
            ("Hi,\n\nDo it.\n\nRegards,\nA name", ""),
        ] {
            assert_eq!(unsigned(text, team), "Hi,\n\nDo it.\n\nRegards,", "{text}");
        }
    }
}
