//! Lines that a helpdesk writes around the customer's words.

use std::sync::LazyLock;

use regex::Regex;

/// A longer line is none of them. In bytes.
const LONGEST: usize = 400;

/// `##- … -##`, whatever the account's language or wording.
static DELIMITER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\s>*_]*##?\s?-.{4,}-\s?##?[\s*_]*$").expect("a fixed pattern"));
/// The same words between other marks.
const ABOVE: &[&str] = &[
    "reply above this line",
    "write above this line",
    "type your reply above",
    "réponse au-dessus de cette ligne",
    "répondre au-dessus de cette ligne",
    "antwort oberhalb dieser zeile",
    "oberhalb dieser linie",
    "oberhalb dieser zeile antworten",
    "por encima de esta línea",
    "encima de esta línea",
    "sopra questa riga",
    "acima desta linha",
    "boven deze lijn",
    "boven deze regel",
];
static NOTICE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^(?:
        your\s(?:support\s)?(?:request|ticket)\s\(?\#?\d+\)?\s(?:has\sbeen|was)\s(?:received|updated|solved|deemed|closed)
        | (?:ihre\s(?:support-?)?(?:anfrage|ticket)|ihr\sticket)\s\(?\#?\d+\)?\swurde\s
        | votre\s(?:demande|ticket)\s\(?(?:n[°º]\s?)?\#?\d+\)?\sa\s(?:bien\s)?été\s
        | (?:su|tu)\s(?:solicitud|ticket)\s\(?(?:n[.°º]\s?)?\#?\d+\)?\s(?:ha\ssido|fue|se\sha)\s
        | you\sare\sregistered\sas\sa\scc\son\sthis\s(?:support\s)?request
        | to\sadd\sadditional\scomments,\sreply\sto\sthis\se-?mail
        )",
    )
    .expect("a fixed pattern")
});
/// Over each comment in a Zendesk notice: "Ann Poole, Dec 15, 2020, 11:05 PST".
static COMMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^[\p{Lu}][\p{L}\p{M} .()'’&-]+, (?:\p{L}+\.? \d{1,2}|\d{1,2}\.? \p{L}+\.?),? \d{4},? \d{1,2}:\d{2}(?: ?[AaPp][Mm])?(?: ?(?:[A-Z]{2,5}|GMT ?[+-]?\d{0,4}))?$",
    )
    .expect("a fixed pattern")
});
static MERGED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:Requests? #\d+.*(?:was|were) closed and merged into this request|Last comment in request #\d+:)",
    )
    .expect("a fixed pattern")
});
static MERGED_AWAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^This request was closed and merged into request #\d+").expect("a fixed pattern")
});
static FOLLOW_UP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)\A\s*(?: this\sis\sa\sfollow-?up\sto\syour\sprevious\s(?:request|ticket)
        | dies\sist\seine\s(?:folgeanfrage|nachverfolgung|fortsetzung)\s(?:zu\s|ihrer\s){1,2}(?:vorherigen\s|früheren\s)?anfrage
        | (?:ceci|il\ss'agit)\s(?:est\s|d')un\ssuivi\sde\svotre\s(?:précédente\s)?demande(?:\sprécédente)?
        | est[ae]\ses\s(?:un\sseguimiento|una\scontinuación)\s(?:de|a)\ssu\ssolicitud(?:\santerior)?
        )\s*(?:n[.°º]*\s?)?\#?\d+",
    )
    .expect("a fixed pattern")
});

/// "Please type your reply above this line": all below is older.
pub(crate) fn is_delimiter(line: &str) -> bool {
    if line.is_empty() || line.len() > LONGEST {
        return false;
    }
    if line.contains('#') && DELIMITER.is_match(line) {
        return true;
    }
    let marked = line.starts_with(['-', '#', '=', '*', '_', '[', '—']) || line.ends_with(['-', '#', '=', '_']);
    let words = line.split_whitespace().count();
    let lower = line.to_lowercase();
    (marked || words <= 8) && words <= 16 && ABOVE.iter().any(|above| lower.contains(above))
}

/// A helpdesk's notice of its own: what follows are comments it repeats.
pub(crate) fn is_notice(line: &str) -> bool {
    !line.is_empty() && line.len() <= LONGEST && (NOTICE.is_match(line) || COMMENT.is_match(line))
}

/// What stands below is the comment of a ticket that was merged into this one.
pub(crate) fn is_merge(line: &str) -> bool {
    line.len() <= LONGEST && MERGED.is_match(line)
}

/// A line by itself.
pub(crate) fn is_merged_away(line: &str) -> bool {
    line.len() <= LONGEST && MERGED_AWAY.is_match(line)
}

/// A line that ties the ticket to a closed one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FollowUp<'a> {
    pub(crate) line: &'a str,
    /// The closed ticket's subject.
    pub(crate) subject: Option<&'a str>,
    /// What the customer wrote below it.
    pub(crate) rest: &'a str,
}

/// The line at the start of a text, if there is one.
pub(crate) fn follow_up(text: &str) -> Option<FollowUp<'_>> {
    let found = FOLLOW_UP.find(text)?;
    let after = text.get(found.end()..)?;
    // As far as the end of the next line: a long subject is wrapped.
    let window = after.match_indices('\n').nth(1).map_or(after, |(end, _)| after.get(..end).unwrap_or(after));
    let first = window.split('\n').next().unwrap_or_default();
    let quote = first.trim_start();
    let close = |c: char| matches!(c, '"' | '”' | '“' | '»');
    let Some(open) = quote.strip_prefix(['"', '“', '«', '„']) else {
        let end =
            first.chars().take_while(|c| c.is_whitespace() || matches!(c, '.' | ':' | ')' | '-')).map(char::len_utf8);
        let end = found.end() + end.sum::<usize>();
        return Some(FollowUp { line: text.get(..end)?, subject: None, rest: text.get(end..)? });
    };
    let start = text.len() - after.len() + (first.len() - open.len());
    // A subject may have quotes in it: the line's last one closes it if nothing follows.
    let end = if open.trim_end_matches(['.', ' ']).ends_with(close) {
        start + open.trim_end_matches(['.', ' ']).len()
    } else if let Some(at) =
        text.get(start..start + window.len() - (start - found.end())).and_then(|rest| rest.find(close))
    {
        start + at + text.get(start + at..)?.chars().next().map_or(0, char::len_utf8)
    } else {
        start + open.len()
    };
    let subject = text.get(start..end)?.trim_end_matches(close).trim();
    Some(FollowUp {
        line: text.get(..end)?,
        subject: Some(subject),
        rest: text.get(end..)?.trim_start_matches(['.', ' ']),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpdesk_lines_are_known() {
        for line in [
            "##- Please type your reply above this line -##",
            "## - Bitte geben Sie Ihre Antwort oberhalb dieser Zeile ein. - ##",
            "##- Veuillez saisir votre réponse au-dessus de cette ligne -##",
            "##- Por favor, escriba su respuesta por encima de esta línea -##",
            "--- Reply above this line ---",
            "--- Write above this line to post a reply ---",
        ] {
            assert!(is_delimiter(line), "{line}");
        }
        for line in ["## - a heading", "We wrote it above, this line is new.", "", "#1 - fix this - #2 later"] {
            assert!(!is_delimiter(line), "{line}");
        }
        for line in [
            "Your request (4471) has been updated.",
            "Your request (#4471) has been received and is being reviewed.",
            "Ihre Anfrage (4471) wurde aktualisiert.",
            "You are registered as a CC on this request (4471).",
            "Ann Poole, Dec 15, 2020, 11:05 PST",
            "Ann Poole (Acme Support), Nov 2, 2026, 09:12 GMT+1",
        ] {
            assert!(is_notice(line), "{line}");
        }
        assert!(is_merge("Request #7 \"Sync\" was closed and merged into this request. Last comment in request #7:"));
        assert!(is_merged_away("This request was closed and merged into request #7 \"Sync\"."));
        assert!(!is_notice("Your request was declined, it says."));
    }

    #[test]
    fn only_the_follow_up_line_is_taken() {
        let check = |text: &str, subject: Option<&str>, rest: &str| {
            let found = follow_up(text).expect(text);
            assert_eq!((found.subject, found.rest.trim()), (subject, rest), "{text}");
        };
        let line = "This is a follow-up to your previous request #4471";
        check(&format!("{line} \"Checkout down\"\n\nHallo"), Some("Checkout down"), "Hallo");
        check(&format!("{line} \"Checkout \"down\" again\"\n\nHallo"), Some("Checkout \"down\" again"), "Hallo");
        check(&format!("{line} \"Checkout down\" Hallo zusammen"), Some("Checkout down"), "Hallo zusammen");
        check(&format!("{line} \"Checkout\ndown\"\n\nHallo"), Some("Checkout\ndown"), "Hallo");
        check(&format!("{line} \"Checkout down for ever…\n\nHallo"), Some("Checkout down for ever…"), "Hallo");
        check(&format!("{line}.\n\nHallo"), None, "Hallo");
        assert_eq!(follow_up("A follow-up to your previous request #1"), None);
    }
}
