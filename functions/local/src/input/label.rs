//! The labels of a row: what somebody says the ticket is.

use domain::{Intent, Language, Priority, Sentiment, TeamId, Teams, TopicId, teams::nearest};

/// # Errors
/// What may be written instead; for the other labels too.
pub(super) fn priority(text: &str) -> Result<Priority, String> {
    text.parse().map_err(|_| "use P0, P1, P2 or P3".to_owned())
}

pub(super) fn sentiment(text: &str) -> Result<Sentiment, String> {
    text.parse().map_err(|_| "use neutral, frustrated or angry".to_owned())
}

/// A team of `agents.json`: a slip must not become a team of its own.
pub(super) fn team(text: &str, teams: &Teams) -> Result<TeamId, String> {
    text.parse().ok().filter(|team| teams.get(team).is_some()).ok_or_else(|| {
        let known = teams.ids().map(TeamId::as_str).collect::<Vec<_>>().join(", ");
        format!("use {known}")
    })
}

/// A topic that is known, or that a team is learnt for.
pub(super) fn topic(text: &str, teams: &Teams) -> Result<TopicId, String> {
    let topics = teams.all_topics();
    let unknown = || format!("use a topic such as {}", nearest(text).join(", "));
    text.parse().ok().filter(|topic| topics.contains(topic)).ok_or_else(unknown)
}

pub(super) fn churn(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "high" => Ok(true),
        "none" => Ok(false),
        _ => Err("use high or none".to_owned()),
    }
}

pub(super) fn intent(text: &str) -> Result<Option<Intent>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let known = "use pricing_request, upgrade, expansion, custom_service or none";
    text.parse().map(Some).map_err(|_| known.to_owned())
}

/// A code, perhaps with a country; that of any language but the four is another.
pub(super) fn language(text: &str) -> Result<Language, String> {
    let code = text.split(['-', '_']).next().unwrap_or_default();
    match text.parse().or_else(|_| code.parse()) {
        Ok(language) => Ok(language),
        Err(_) if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => Ok(Language::Other),
        Err(_) => Err("use en, fr, de, es or other".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_no_topic() {
        let read = |text: &str| topic(text, crate::stack::teams()).map(|topic| topic.to_string());
        assert_eq!(read("Order sync"), Ok("order-sync".to_owned()));
        assert!(read("oder-sync").unwrap_err().starts_with("use a topic such as order-sync, "));
    }

    #[test]
    fn any_language_has_its_label() {
        for (text, expected) in [
            ("en", Some(Language::En)),
            ("DE", Some(Language::De)),
            ("fr-CA", Some(Language::Fr)),
            ("pt_BR", Some(Language::Pt)),
            ("nl", Some(Language::Nl)),
            ("other", Some(Language::Other)),
            ("Klingon", None),
        ] {
            assert_eq!(language(text).ok(), expected, "{text}");
        }
    }
}
