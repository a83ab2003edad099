//! What the customer says now: without quoted history and signature, cut into sentences.

/// A reply above quoted history speaks for itself from this many words on; under it, the history is the message.
const SPEAKS_FOR_ITSELF: usize = 12;
/// A closing line ends the text only if no more than this many lines follow: name, title, telephone.
const SIGNATURE_LINES: usize = 8;
/// Longer stretches without an end are cut, so that a log or a blob is no endless sentence. In characters.
const LONGEST_SENTENCE: usize = 400;

const QUOTE_HEADERS: [&str; 8] = [
    "-----original message",
    "---------- forwarded",
    "----- forwarded",
    "begin forwarded",
    "-----ursprüngliche nachricht",
    "-----message d'origine",
    "-----mensaje original",
    "________________",
];
const QUOTE_VERBS: [&str; 6] = ["wrote:", "schrieb:", "a écrit :", "a écrit:", "a ecrit :", "escribió:"];
const CLOSINGS: [&str; 24] = [
    "best regards",
    "kind regards",
    "warm regards",
    "regards",
    "best",
    "many thanks",
    "thanks",
    "thank you",
    "cheers",
    "sincerely",
    "yours",
    "mit freundlichen grüßen",
    "mit freundlichen gruessen",
    "viele grüße",
    "beste grüße",
    "freundliche grüße",
    "gruß",
    "vg",
    "cordialement",
    "bien à vous",
    "bien cordialement",
    "saludos",
    "un saludo",
    "atentamente",
];

/// The body without quoted older mails and without the signature.
#[must_use]
pub fn current(body: &str) -> String {
    let lines: Vec<&str> = body.lines().collect();
    let own: Vec<&str> = lines.iter().take_while(|line| !starts_history(line)).copied().collect();
    let words = own.iter().flat_map(|line| line.split_whitespace()).count();
    let kept = if words >= SPEAKS_FOR_ITSELF { own } else { lines };
    let end = kept
        .iter()
        .rposition(|line| closes(line))
        .filter(|at| kept.len() - at - 1 <= SIGNATURE_LINES)
        .unwrap_or(kept.len());
    kept.into_iter().take(end).filter(|line| !line.trim_start().starts_with('>')).collect::<Vec<_>>().join("\n")
}

fn starts_history(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    QUOTE_HEADERS.iter().any(|header| line.starts_with(header))
        || (line.len() < 200 && QUOTE_VERBS.iter().any(|verb| line.ends_with(verb)))
}

fn closes(line: &str) -> bool {
    let line = line.trim();
    let bare = line.trim_end_matches([',', '!', '.']).to_lowercase();
    line == "--" || line == "-- " || CLOSINGS.contains(&bare.as_str())
}

/// The sentences of a text, white space folded, none empty. A line break ends a sentence unless the next line goes on
/// in lower case.
#[must_use]
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sentence = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace().peekable();
        while let Some(word) = words.next() {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(word);
            let full = sentence.chars().count() > LONGEST_SENTENCE;
            if full || (ends_sentence(word) && words.peek().is_some()) {
                found.push(std::mem::take(&mut sentence));
            }
        }
        let goes_on = lines.peek().is_some_and(|next| {
            next.trim_start().chars().next().is_some_and(char::is_lowercase) && !sentence.ends_with(['.', '!', '?'])
        });
        if !goes_on && !sentence.is_empty() {
            found.push(std::mem::take(&mut sentence));
        }
    }
    if !sentence.is_empty() {
        found.push(sentence);
    }
    found
}

/// Ends with a full stop, a question or an exclamation mark that is not part of an abbreviation.
fn ends_sentence(word: &str) -> bool {
    const ABBREVIATIONS: [&str; 14] =
        ["e.g.", "i.e.", "etc.", "vs.", "approx.", "mr.", "ms.", "dr.", "no.", "z.b.", "d.h.", "ca.", "nr.", "p.ej."];
    let bare = word.trim_end_matches(['"', '”', '»', ')', '\'', '’']);
    bare.ends_with(['.', '!', '?', '…']) && !ABBREVIATIONS.contains(&bare.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_history_and_signature_are_left_out() {
        let mail = "The export fails again and we need it for the board meeting tomorrow morning.\n\nKind regards,\n\
                    Ann\nAcme\n\nOn Mon, Bob wrote:\n> We want to cancel.\n";
        let found = current(mail);
        assert!(found.contains("board meeting"));
        assert!(!found.contains("cancel") && !found.contains("Ann"), "{found}");
    }

    #[test]
    fn a_bare_forward_keeps_what_it_forwards() {
        let mail = "FYI\n\n---------- Forwarded message\nOur checkout is down for everybody.";
        assert!(current(mail).contains("checkout is down"));
    }

    #[test]
    fn thanks_in_the_middle_ends_nothing() {
        let mail = format!("Thanks\n{}", "one more line\n".repeat(12));
        assert!(current(&mail).contains("one more line"));
    }

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected, "{text:?}");
        check("One. Two? Three", &["One.", "Two?", "Three"]);
        check("We ship approx. 500 orders, e.g. shoes. Fine.", &["We ship approx. 500 orders, e.g. shoes.", "Fine."]);
        check("wrapped\nline here", &["wrapped line here"]);
        check("- first\n- second", &["- first", "- second"]);
        check("He said \"stop.\" Then left.", &["He said \"stop.\"", "Then left."]);
        check(" \n\n", &[]);
    }

    proptest::proptest! {
        #[test]
        fn every_sentence_is_a_verified_quote(body in "(?s).{0,300}") {
            let found = sentences(&body);
            let kept = domain::quote::verified(&found, &body);
            for sentence in found {
                proptest::prop_assert!(kept.contains(&sentence), "{sentence:?}");
            }
        }
    }
}
