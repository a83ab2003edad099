//! Words above another message that say nothing but "see below".

mod words;

use crate::{footer, signature};
use words::{GREETINGS, POINTERS};

/// More words say something by themselves.
const MOST_WORDS: usize = 10;

/// A greeting line has no more words.
const GREETING_WORDS: usize = 6;

/// Whether the text points at what stands below it: "see below".
pub(crate) fn points(text: &str) -> bool {
    let lower = text.to_lowercase();
    POINTERS.iter().any(|pointer| contains_phrase(&lower, pointer))
}

/// Whether there is nothing in the text but a greeting, a signature and words that point below.
pub(crate) fn is_only(text: &str) -> bool {
    let mut left = Vec::new();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        if footer::is_device(line) || is_greeting(line) {
            continue;
        }
        // Thanks are an answer.
        if signature::closing(line) == Some(signature::Closing::Regards) || line == "--" {
            let rest: Vec<&str> = lines.by_ref().collect();
            if rest.iter().all(|line| !signature::is_sentence(line)) {
                break;
            }
            left.extend(rest);
            break;
        }
        left.push(line);
    }
    let left = left.join(" ");
    let words = left.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    words == 0 || (words <= MOST_WORDS && !left.contains('?') && points(&left))
}

fn is_greeting(line: &str) -> bool {
    let lower = line.to_lowercase();
    line.split_whitespace().count() <= GREETING_WORDS
        && !line.ends_with(['.', '?'])
        && GREETINGS
            .iter()
            .any(|greeting| lower.strip_prefix(greeting).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
        && !signature::is_sentence(line)
}

fn contains_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + phrase.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn see_below_says_nothing() {
        for text in [
            "FYI",
            "Hi,\n\nplease see below.\n\nBest regards\nAnn",
            "Zur Info.\n\nViele Grüße\nAnna",
            "Hallo zusammen,",
            "Pour information",
            "Hola,\n\nver abajo.\n\nSaludos\nAna",
            "Sent from my iPhone",
            "Kind regards,\nAnn Poole\nAcme",
            "",
            "For your information.",
        ] {
            assert!(is_only(text), "{text}");
        }
        for text in [
            "Thanks, all solved!",
            "Thanks!",
            "All sorted, please close.",
            "Danke, passt.",
            "Still down. See below.\nWe need it today, all our stores are closed now.",
            "Any news?",
            "FYI?",
            "No.",
            "OK",
        ] {
            assert!(!is_only(text), "{text}");
        }
    }
}
