//! Signatures, and what looks like one and is not.

mod words;

use std::sync::LazyLock;

use regex::Regex;

use crate::{Rule, page::Page};
use words::{REGARDS, THANKS, VERBS};

/// A closing line ends the text only if no more than this many lines follow: name, title, telephone.
const MOST_LINES: usize = 10;
/// A line of a signature has no more words than this, unless it is an address: whoever writes on is not done.
const MOST_WORDS: usize = 8;
/// Words of a name behind a closing: "Best regards, Ann Poole".
const NAME_WORDS: usize = 3;

/// How a message is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Closing {
    /// Says something even by itself.
    Thanks,
    Regards,
}

static CONTACT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\+?\(?\d[\d ()/.-]{6,}\d|[^\s@]+@[^\s@]+\.\w|www\.|https?://|\b(?:tel|phone|mobile|mobil|fax|fon|telefon|tél|móvil|t|m)\.?\s?:|[|•·]",
    )
    .expect("a fixed pattern")
});

/// Whether a line closes a message: one of the known phrases, with a short name behind it or not.
pub(crate) fn closing(line: &str) -> Option<Closing> {
    if line.len() > 120 {
        return None;
    }
    let line = line.trim().trim_matches(['*', '_']);
    let bare = line.trim_end_matches([',', '!', '.', ' ', ';', ':', ')', '🙂', '-']).to_lowercase();
    let of = |text: &str| {
        if REGARDS.contains(&text) {
            Some(Closing::Regards)
        } else if THANKS.contains(&text) {
            Some(Closing::Thanks)
        } else {
            None
        }
    };
    of(&bare).or_else(|| {
        // A name behind it, in capitals.
        let (phrase, name) = line.split_once([',', '/', '–', '—'])?;
        let words: Vec<&str> = name.split_whitespace().collect();
        let named = !words.is_empty()
            && words.len() <= NAME_WORDS
            && words.iter().all(|word| word.starts_with(char::is_uppercase) && !word.ends_with(['?', '!', ':']));
        let phrase = phrase.trim_matches(['-', ' ', '!', '.']).to_lowercase();
        if named { of(&phrase) } else { None }
    })
}

/// Whether a line tells something, so that it is no part of a signature.
pub(crate) fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    let words: Vec<&str> = line.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).collect();
    let lower = line.to_lowercase();
    if lower.starts_with("ps") && line.get(2..).is_some_and(|rest| rest.starts_with([':', '.', ' ']))
        || lower.starts_with("p.s")
    {
        return true;
    }
    let contact = CONTACT.is_match(line);
    let bullet = ["- ", "* ", "• ", "– "].iter().any(|bullet| line.starts_with(bullet)) || numbered(line);
    if bullet && words.len() >= 2 && !contact {
        return true;
    }
    if line.ends_with(['?', '!']) && words.len() >= 2 {
        return true;
    }
    if words.len() > MOST_WORDS && !contact {
        return true;
    }
    let verb = || {
        let plain = |word: &&str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_lowercase();
        words.iter().any(|word| VERBS.contains(&plain(word).as_str()))
    };
    if words.len() >= 3 && verb() && !(contact && words.len() <= MOST_WORDS && line.contains('@')) {
        return true;
    }
    // "Checkout broken again." ends like a sentence; "Acme Ltd." and "z.B." do not.
    let lowercase = words.iter().filter(|word| word.starts_with(char::is_lowercase)).count();
    line.ends_with('.') && words.len() >= 3 && lowercase * 2 >= words.len() && !contact
}

fn numbered(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len()
        && line.len() - rest.len() <= 2
        && rest.starts_with([')', '.'])
        && rest.get(1..).is_some_and(|rest| rest.starts_with(' '))
}

/// Takes a signature out that ends before `end`: below a closing line or `-- `, or lines of contacts. The first lines of
/// a message are never one. Returns where it began.
pub(crate) fn take_out(page: &mut Page<'_>, end: usize) -> Option<usize> {
    let start = begin(page, end)?;
    page.take_out(start..end, Rule::Signature);
    Some(start)
}

fn begin(page: &Page<'_>, end: usize) -> Option<usize> {
    let mut below = 0;
    let mut contacts = 0;
    let mut top = end;
    for at in (0..end).rev() {
        if !page.is_own(at) {
            continue;
        }
        let line = page.bare(at);
        if line.is_empty() {
            // Contacts above a blank line have no closing: they end the message by themselves.
            if contacts >= 2 && below <= MOST_LINES && filled_above(page, at) {
                top = at;
            }
            continue;
        }
        if is_mark(line) || closing(line).is_some() {
            return if filled_above(page, at) { Some(at) } else { None };
        }
        if below == MOST_LINES || is_sentence(line) {
            break;
        }
        below += 1;
        contacts += usize::from(CONTACT.is_match(line));
    }
    if top < end { Some(top) } else { None }
}

/// `-- `, the standard mark.
fn is_mark(line: &str) -> bool {
    matches!(line, "--" | "—" | "*--*" | "-- =20" | "__")
}

fn filled_above(page: &Page<'_>, at: usize) -> bool {
    (0..at).rev().any(|at| page.is_own(at) && !page.line(at).is_blank())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closings_are_known_with_and_without_a_name() {
        let check = |line: &str, expected: Option<Closing>| assert_eq!(closing(line), expected, "{line}");
        check("Best regards,", Some(Closing::Regards));
        check("Mit freundlichen Grüßen", Some(Closing::Regards));
        check("Kind regards, Ann Poole", Some(Closing::Regards));
        check("Thanks, Ann", Some(Closing::Thanks));
        check("Met vriendelijke groet,", Some(Closing::Regards));
        check("Thanks, all solved!", None);
        check("Thanks for the help", None);
        check("Best way to do it?", None);
        check("Thanks, Checkout works!", None);
    }

    #[test]
    fn sentences_are_told_from_signatures() {
        for line in [
            "but the checkout is down again.",
            "- the export is empty",
            "- two printers",
            "PS: it is urgent",
            "Nothing works!",
            "Checkout broken again today.",
            "Können Sie uns helfen?",
            "wir können nicht versenden",
        ] {
            assert!(is_sentence(line), "{line}");
        }
        for line in [
            "Ann Poole",
            "Head of Operations",
            "Acme Ltd.",
            "+44 20 7946 0123",
            "Tel.: +49 30 1234567 | Fax: +49 30 1234568",
            "www.acme.example",
            "12 High Street, London SW1A 1AA",
            "Geschäftsführer Anna Pohl",
            "co-founder and ceo at Acme",
            "Acme GmbH & Co. KG",
            "Write to me: ann@acme.example",
        ] {
            assert!(!is_sentence(line), "{line}");
        }
    }
}
