//! Changes of the subject.

/// A shorter body leaves it to the subject to say what the matter is. In words.
const SAYS_ENOUGH: usize = 12;

/// Whether the body can do without its subject.
pub(super) fn is_spare(subject: &str, body: &str) -> bool {
    !subject.trim().is_empty() && body.split_whitespace().nth(SAYS_ENOUGH - 1).is_some()
}

/// The body, with the subject above it; none without a subject.
pub(super) fn above(subject: &str, body: &str) -> Option<String> {
    let subject = subject.trim();
    (!subject.is_empty()).then(|| format!("{subject}\n\n{body}"))
}

/// The subject of a reply; none if it is one already.
pub(super) fn replied(subject: &str) -> Option<String> {
    let is_reply = subject.trim_start().to_lowercase().starts_with("re:");
    (!is_reply && !subject.trim().is_empty()).then(|| format!("Re: {subject}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_dropped_only_if_the_body_speaks() {
        let body = "one two three four five six seven eight nine ten eleven twelve";
        assert!(is_spare("Labels", body));
        assert!(!is_spare(" ", body) && !is_spare("Labels", "see subject"));
    }

    #[test]
    fn the_subject_becomes_a_line_or_a_reply() {
        assert_eq!(above("Labels ", "They stick.").as_deref(), Some("Labels\n\nThey stick."));
        assert_eq!(above(" ", "They stick."), None);
        assert_eq!(replied("Labels").as_deref(), Some("Re: Labels"));
        assert_eq!((replied("RE: Labels"), replied("")), (None, None));
    }
}
