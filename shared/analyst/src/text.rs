//! What the customer says now: without quoted history and signature, cut into sentences.

/// A reply above quoted history speaks for itself from this many words on; under it, the history is the message.
const SPEAKS_FOR_ITSELF: usize = 12;
/// A closing line ends the text only if no more than this many lines follow: name, title, telephone.
const SIGNATURE_LINES: usize = 8;
/// A line of a signature has no more words than this: whoever writes on after "thanks" is not done.
const SIGNATURE_WORDS: usize = 8;
/// Longer stretches without an end are cut, so that a log or a blob is no endless sentence. In characters.
const LONGEST_SENTENCE: usize = 400;

/// How programs introduce an older message, once dashes and blanks before it are gone.
const QUOTE_HEADERS: [&str; 16] = [
    "original message",
    "forwarded message",
    "begin forwarded",
    "ursprüngliche nachricht",
    "originalnachricht",
    "weitergeleitete nachricht",
    "anfang der weitergeleiteten",
    "message d'origine",
    "message d’origine",
    "message transféré",
    "message initial",
    "début du message",
    "mensaje original",
    "mensaje reenviado",
    "inicio del mensaje",
    "________________",
];
const QUOTE_VERBS: [&str; 9] =
    ["wrote:", "wrote :", "schrieb:", "a écrit :", "a écrit:", "a ecrit :", "a écrit\u{a0}:", "escribió:", "escribio:"];
/// The first field of a header block, and what stands in one of the lines after it.
const HEADER_FROM: [&str; 6] = ["from:", "von:", "de :", "de:", "de\u{a0}:", "desde:"];
const HEADER_MORE: [&str; 19] = [
    "sent:",
    "date:",
    "date :",
    "to:",
    "subject:",
    "gesendet:",
    "datum:",
    "an:",
    "betreff:",
    "envoyé :",
    "envoyé:",
    "à :",
    "à:",
    "objet :",
    "objet:",
    "enviado:",
    "fecha:",
    "para:",
    "asunto:",
];
/// Lines after the first field of a header block in which another one has to stand.
const HEADER_LINES: usize = 4;
const CLOSINGS: [&str; 45] = [
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
    "saludos cordiales",
    "un cordial saludo",
    "cordiales saludos",
    "muchas gracias y un saludo",
    "mfg",
    "lg",
    "liebe grüße",
    "liebe grüsse",
    "viele grüsse",
    "beste grüsse",
    "freundliche grüsse",
    "mit freundlichen grüssen",
    "mit besten grüßen",
    "gruss",
    "grüße",
    "cdlt",
    "bien cordialement à vous",
    "sincères salutations",
    "best wishes",
    "yours sincerely",
    "yours faithfully",
];

/// The body without quoted older mails and without the signature.
#[must_use]
pub fn current(body: &str) -> String {
    let lines: Vec<&str> = body.lines().collect();
    let history = lines
        .iter()
        .enumerate()
        .position(|(at, line)| starts_history(line) || starts_header(line, lines.get(at + 1..).unwrap_or_default()));
    let own: Vec<&str> = lines.iter().take(history.unwrap_or(lines.len())).copied().collect();
    let words = own.iter().flat_map(|line| line.split_whitespace()).count();
    let kept = if words >= SPEAKS_FOR_ITSELF { own } else { lines };
    let end = kept.iter().rposition(|line| closes(line)).filter(|at| ends(&kept, *at)).unwrap_or(kept.len());
    let own_only = words >= SPEAKS_FOR_ITSELF;
    let quoted = |line: &str| line.trim_start().starts_with('>');
    kept.into_iter()
        .take(end)
        .filter(|line| !(own_only && quoted(line)))
        .map(|line| line.trim_start_matches(['>', ' ']))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Nothing but a signature follows this line, and something stands before it.
fn ends(lines: &[&str], at: usize) -> bool {
    let (before, after) = (lines.get(..at).unwrap_or_default(), lines.get(at + 1..).unwrap_or_default());
    after.len() <= SIGNATURE_LINES
        && before.iter().any(|line| !line.trim().is_empty())
        && after.iter().all(|line| line.split_whitespace().count() <= SIGNATURE_WORDS)
}

fn starts_history(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    let marked = line.trim_start_matches(['-', ' ', '*', '=']);
    let rule = line.starts_with(['-', '=']) || line.starts_with("begin forwarded") || line.starts_with("____");
    QUOTE_HEADERS
        .iter()
        .any(|header| marked.starts_with(header) && (rule || marked.trim_end_matches([':', ' ']) == *header))
        || (line.len() < 200 && QUOTE_VERBS.iter().any(|verb| line.ends_with(verb)))
}

/// The header of an older message, written into the text by a mail program: a sender, and soon another field.
fn starts_header(line: &str, after: &[&str]) -> bool {
    let starts = |line: &str, fields: &[&str]| {
        let line = line.trim().trim_start_matches(['*', '>', ' ']).to_lowercase();
        fields.iter().any(|field| line.starts_with(field))
    };
    starts(line, &HEADER_FROM) && after.iter().take(HEADER_LINES).any(|line| starts(line, &HEADER_MORE))
}

fn closes(line: &str) -> bool {
    let line = line.trim();
    let bare = line.trim_end_matches([',', '!', '.']).to_lowercase();
    line == "--" || CLOSINGS.contains(&bare.as_str())
}

/// The sentences of a text, white space folded, none empty and none longer than two times the longest sentence. A line
/// break ends a sentence unless the next line goes on in lower case.
#[must_use]
pub fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sentence = String::new();
    let mut length = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace().flat_map(pieces).peekable();
        while let Some(word) = words.next() {
            if sentence.is_empty() {
                length = 0;
            } else {
                sentence.push(' ');
                length += 1;
            }
            sentence.push_str(word);
            let characters = word.chars().count();
            length += characters;
            // What follows a piece of a blob is joined to it without a blank, and no quote with one would be found.
            let full = length > LONGEST_SENTENCE || characters == LONGEST_SENTENCE;
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

/// A word, or what it is cut into where nobody would call it one: a blob without white space.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(LONGEST_SENTENCE).map_or(rest.len(), |(end, _)| end);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

/// The text with every figure, date and number in it as one `0`: what a sentence means rarely depends on its figures, and
/// the encoder's vectors do.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut figure = false;
    while let Some(c) = characters.next() {
        let goes_on = figure && ".,:/-".contains(c) && characters.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_digit() {
            if !figure {
                masked.push('0');
            }
            figure = true;
        } else if !goes_on {
            masked.push(c);
            figure = false;
        }
    }
    masked
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
    fn history_is_known_by_how_programs_of_four_languages_introduce_it() {
        let own = "The nightly export has stopped and nobody here can work with yesterday's figures today.";
        for header in [
            "-----Original Message-----",
            "---------- Forwarded message ---------",
            "On Mon, 2 Nov 2026 at 09:12, Bob <bob@example.com> wrote:",
            "From: Bob\nSent: Monday\nTo: Support",
            "Am 2. November 2026 schrieb Bob:\nVon: Bob\nGesendet: Montag",
            "Von: Bob\nDatum: 2. November\nBetreff: AW: Export",
            "---- Ursprüngliche Nachricht ----",
            "Le lun. 2 nov. 2026 à 09:12, Bob a écrit :",
            "De : Bob\nEnvoyé : lundi\nObjet : RE: export",
            "----- Message transféré -----",
            "El lun, 2 nov 2026, Bob escribió:",
            "De: Bob\nEnviado: lunes\nAsunto: RE: exportación",
            "---------- Mensaje reenviado ----------",
        ] {
            let found = current(&format!("{own}\n\n{header}\nWe want to cancel."));
            assert!(found.contains("nobody here") && !found.contains("cancel"), "{header}: {found}");
        }
        for line in ["From: the warehouse point of view it is fine.", "De: acuerdo.", "The original message was lost."]
        {
            assert!(current(&format!("{own}\n{line}\nMore.")).contains("More."), "{line}");
        }
    }

    #[test]
    fn thanks_at_the_top_takes_nothing_away() {
        assert!(current("Thanks,\n\nbut checkout is down for all shoppers again.").contains("checkout is down"));
        assert!(
            current("We cannot ship.\nThanks!\nOh, and the export is empty for all eleven of our stores.")
                .contains("export")
        );
        assert_eq!(current("We cannot ship.\nThanks!\nAnn\nAcme").trim(), "We cannot ship.");
    }

    #[test]
    fn a_few_words_over_quoted_lines_keep_them() {
        assert!(current("FYI, see below\n> Checkout is down").contains("Checkout is down"));
    }

    #[test]
    fn a_blob_is_cut_into_sentences() {
        let found = sentences(&"é".repeat(70_000));
        assert_eq!(found.concat(), "é".repeat(70_000));
        assert!(found.iter().all(|sentence| sentence.chars().count() <= 2 * LONGEST_SENTENCE), "{}", found.len());
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

    #[test]
    fn figures_are_one_placeholder() {
        assert_eq!(masked("12.400 orders since 2026-11-02, 09:15!"), "0 orders since 0, 0!");
        assert_eq!(masked("v3.1 - see INC-77, EUR 5."), "v0 - see INC-0, EUR 0.");
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
