//! A text in sentences.

/// What ends a sentence where no blank follows it.
const WIDE_ENDS: [char; 4] = ['。', '！', '？', '｡'];

/// Longer stretches without an end are cut, so that a log or a blob is no endless sentence. In characters.
const LONGEST_SENTENCE: usize = 400;

/// The columns at which mail programs break lines: the narrowest, and the widest line that one of them leaves.
const BROKEN_FROM: usize = 70;
const BROKEN_TO: usize = 80;

/// The sentences of a text, white space folded, none empty and none longer than two times the longest sentence. A line
/// break ends a sentence unless the next line goes on in lower case, or a mail program broke the line.
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
            let lower_case = next.trim_start().chars().next().is_some_and(char::is_lowercase);
            !sentence.ends_with(['.', '!', '?']) && (lower_case || is_broken(line, next))
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

/// The next line's first word would not have fitted on a line that is as wide as mail programs make them.
fn is_broken(line: &str, next: &str) -> bool {
    let (line, next) = (line.trim_end(), next.trim_start());
    let goes_on = next.starts_with(char::is_alphanumeric) && !line.ends_with(':') && !is_item(next);
    let word = next.split_whitespace().next().unwrap_or_default();
    let width = line.chars().count();
    goes_on && width <= BROKEN_TO && width + 1 + word.chars().count() > BROKEN_FROM
}

/// `1.`, `2)`, `a)`.
fn is_item(line: &str) -> bool {
    let mark = line.split_whitespace().next().unwrap_or_default();
    mark.len() <= 3 && mark.ends_with(['.', ')'])
}

/// A word, or what it is cut into where nobody would call it one: a blob without white space, and sentences of scripts that
/// have none.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let longest = rest.char_indices().nth(LONGEST_SENTENCE).map_or(rest.len(), |(end, _)| end);
        let after_mark = |(start, c): (usize, char)| WIDE_ENDS.contains(&c).then_some(start + c.len_utf8());
        let end = rest.char_indices().find_map(after_mark).map_or(longest, |end| end.min(longest));
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

/// The text in lower case, with every figure, date and number in it as one `0`: what a sentence means rarely depends on its
/// capitals and figures, and the encoder's vectors do.
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
            masked.extend(c.to_lowercase());
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
    let marked = bare.ends_with(['.', '!', '?', '…', '؟']) || bare.ends_with(WIDE_ENDS);
    marked && !ABBREVIATIONS.contains(&bare.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_cut_into_sentences() {
        let found = sentences(&"é".repeat(70_000));
        assert_eq!(found.concat(), "é".repeat(70_000));
        assert!(found.iter().all(|sentence| sentence.chars().count() <= 2 * LONGEST_SENTENCE), "{}", found.len());
    }

    #[test]
    fn sentences_end_where_a_reader_would_end_them() {
        let check = |text: &str, expected: &[&str]| assert_eq!(sentences(text), expected, "{text:?}");
        check("One. Two? Three", &["One.", "Two?", "Three"]);
        check("We ship approx. 500 orders, e.g. shoes. Fine.", &["We ship approx. 500 orders, e.g. shoes.", "Fine."]);
        check("wrapped\nline here", &["wrapped line here"]);
        check("- first\n- second", &["- first", "- second"]);
        let broken = "Seit heute Morgen kommen bei uns im Onlineshop keine Zahlungen aus der\nSchweiz mehr an.";
        check(broken, &[&broken.replace('\n', " ")]);
        let listed = "These are the shops in which no order of ours has arrived since Monday\nA) Basel\nB) Bern";
        check(listed, &[&listed[..70], "A) Basel", "B) Bern"]);
        check("Hello team\nWe cannot log in", &["Hello team", "We cannot log in"]);
        check("He said \"stop.\" Then left.", &["He said \"stop.\"", "Then left."]);
        check("注文が届きません。至急確認してください！", &["注文が届きません。", "至急確認してください！"]);
        check("هل هذا متاح؟ شكرا", &["هل هذا متاح؟", "شكرا"]);
        check(" \n\n", &[]);
    }

    #[test]
    fn figures_are_one_placeholder_and_capitals_none() {
        assert_eq!(masked("12.400 Orders since 2026-11-02, 09:15!"), "0 orders since 0, 0!");
        assert_eq!(masked("v3.1 - see INC-77, EUR 5."), "v0 - see inc-0, eur 0.");
    }

    proptest::proptest! {
        #[test]
        fn every_sentence_is_a_verified_quote(body in "(?s).{0,300}") {
            // A sentence of a text may begin within what would be a tag in HTML.
            let body = body.replace('<', "");
            let found = sentences(&body);
            let kept = domain::quote::verified(&found, &body);
            for sentence in found {
                proptest::prop_assert!(kept.contains(&sentence), "{sentence:?}");
            }
        }
    }
}
