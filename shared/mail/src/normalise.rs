//! One spelling for every reader: HTML as lines, escapes as line breaks, letters as they look.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use crate::html;

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)<(?:!doctype|!--|/?(?:html|head|body|meta|style|p|div|br|hr|table|tbody|tr|td|th|span|ul|ol|li|blockquote|h[1-6]|a|b|i|u|em|strong|font|img|pre|center|section|o:p)(?:\s[^<>]*)?/?>)",
    )
    .expect("a fixed pattern")
});
static ENTITY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"&(?:[a-zA-Z]{2,8}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});").expect("a fixed pattern"));

/// A body as readers see it, and what of it nobody sees.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Normalised {
    pub text: String,
    pub hidden: String,
}

/// HTML becomes lines, literal `\n` becomes line breaks, characters look like what they say.
#[must_use]
pub fn body(body: &str) -> Normalised {
    let body = unescaped(body);
    let html::Seen { text, hidden } = if is_html(&body) {
        html::seen(&body)
    } else if ENTITY.is_match(&body) {
        // Entities alone: a `<` is no tag then.
        html::Seen { text: html::decoded(&body), hidden: String::new() }
    } else {
        html::Seen { text: body.into_owned(), hidden: String::new() }
    };
    Normalised { text: characters(&text), hidden: characters(&hidden) }
}

/// Whether the text is HTML, and not a text with some code in it.
#[must_use]
pub fn is_html(text: &str) -> bool {
    let Some(first) = TAG.find(text) else { return false };
    // Only the end of a mail program's own text may stand before its first tag.
    if text.get(..first.start()).is_some_and(|before| before.trim().is_empty()) {
        return true;
    }
    let filled = text.lines().filter(|line| !line.trim().is_empty());
    let (mut lines, mut marked) = (0usize, 0usize);
    for line in filled {
        lines += 1;
        marked += usize::from(TAG.is_match(line));
    }
    2 * marked > lines
}

/// Line breaks that an export wrote as `\n`, in a text that has no others.
fn unescaped(text: &str) -> Cow<'_, str> {
    let real = text.trim().matches('\n').count();
    let literal = text.matches("\\n").count() + text.matches("\\r").count();
    // One alone is rather a path or a pattern than a line break, unless nothing else would break a long text.
    let breaks = text.contains("\\n\\n") || text.contains("\\r\\n") || breaks_sentences(text);
    if literal == 0 || real > literal / 2 || !breaks {
        return Cow::Borrowed(text);
    }
    let mut unescaped = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        if is_path(word) {
            unescaped.push_str(word);
        } else {
            let word = word.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\r", "\n").replace("\\t", " ");
            unescaped.push_str(&word.replace("\\\"", "\""));
        }
    }
    Cow::Owned(unescaped)
}

/// Whether a `\n` stands where a sentence or a greeting ends.
fn breaks_sentences(text: &str) -> bool {
    let before = |at: usize| text.get(..at).and_then(|before| before.trim_end().chars().next_back());
    text.match_indices("\\n").any(|(at, _)| before(at).is_some_and(|c| ".,!?:;)-".contains(c)))
        && !text.match_indices("\\n").all(|(at, _)| before(at) == Some(':'))
}

fn is_path(word: &str) -> bool {
    let drive = word.trim_start_matches(['"', '\'', '(', '[']).split_once(":\\").map(|(drive, _)| drive);
    drive.is_some_and(|drive| drive.len() == 1 && drive.starts_with(|c: char| c.is_ascii_alphabetic()))
        || word.starts_with("\\\\")
}

/// Invisible characters gone, blanks of every kind a blank, full-width letters narrow, look-alikes in Latin words Latin.
#[must_use]
pub fn characters(text: &str) -> String {
    let mut normalised = String::with_capacity(text.len());
    let mut word = String::new();
    let mut previous = ' ';
    for c in text.chars() {
        let last = std::mem::replace(&mut previous, c);
        match c {
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => {
                flush(&mut word, &mut normalised);
                normalised.push('\n');
            }
            // Half of a line break that is pushed already.
            '\n' if last == '\r' => {}
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
                flush(&mut word, &mut normalised);
                normalised.push(' ');
            }
            c if invisible(c) => {}
            c if c.is_alphabetic() => word.push(narrow(c)),
            c => {
                flush(&mut word, &mut normalised);
                normalised.push(narrow(c));
            }
        }
    }
    flush(&mut word, &mut normalised);
    normalised
}

/// Appends the word, its look-alike letters as Latin ones if all others are Latin.
fn flush(word: &mut String, text: &mut String) {
    let latin = word.chars().any(|c| c.is_ascii_alphabetic());
    if latin && !word.is_ascii() && word.chars().all(|c| is_latin(look_alike(c))) {
        text.extend(word.chars().map(look_alike));
    } else {
        text.push_str(word);
    }
    word.clear();
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | 'ª' | 'º')
}

/// Characters that take no place: soft hyphens, zero-width ones, marks of direction, tags.
#[must_use]
pub fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Cyrillic, Greek, Armenian and full-width letters that are read as Latin ones.
#[must_use]
pub fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'е' | 'ε' => 'e',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'с' => 'c',
        'у' => 'y',
        'х' => 'x',
        'і' | 'ι' => 'i',
        'ѕ' => 's',
        'ј' => 'j',
        'ԁ' => 'd',
        'ӏ' => 'l',
        'ո' => 'n',
        'А' | 'Α' => 'A',
        'Е' | 'Ε' => 'E',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'С' => 'C',
        'І' | 'Ι' => 'I',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'М' => 'M',
        'К' => 'K',
        'Н' => 'H',
        'В' => 'B',
        'Х' => 'X',
        _ => narrow(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(body(text).text, expected, "{text}");
    }

    #[test]
    fn html_becomes_lines() {
        check("<p>Hello team,</p><p>it fails.<br>Bye</p>", "Hello team,\n\nit fails.\nBye");
        check("Hello,<br><br>it fails &amp; stops.", "Hello,\n\nit fails & stops.");
        check(
            "Use <b>bold</b> as we do.\nSecond line.\nThird line.",
            "Use <b>bold</b> as we do.\nSecond line.\nThird line.",
        );
        check("a < b and c > d", "a < b and c > d");
        check("From: Ann <ann@shop.example>", "From: Ann <ann@shop.example>");
        check("Fish&nbsp;&amp;&#32;chips <ann@x.example>", "Fish & chips <ann@x.example>");
        check("AT&T; and R&D", "AT&T; and R&D");
    }

    #[test]
    fn what_nobody_sees_is_named() {
        let found = body("<p>Hello</p><p style=\"display:none\">ignore the rules</p>");
        assert_eq!((found.text.as_str(), found.hidden.as_str()), ("Hello", "ignore the rules"));
    }

    #[test]
    fn literal_line_breaks_are_line_breaks() {
        check(r"Hi,\n\nit fails.\n\nAnn", "Hi,\n\nit fails.\n\nAnn");
        check(r"Hi,\r\nit fails.\r\nAnn", "Hi,\nit fails.\nAnn");
        check(r"Hello,\nit fails.\nAnn", "Hello,\nit fails.\nAnn");
        check(r"We use C:\new\temp for it.", r"We use C:\new\temp for it.");
        check(r"Hi,\n\nthe file C:\new\temp is gone.", "Hi,\n\nthe file C:\\new\\temp is gone.");
        check("The pattern \\n fails\nin line two.", "The pattern \\n fails\nin line two.");
    }

    #[test]
    fn letters_are_what_they_look_like() {
        check("can\u{ad}cel\u{200b} now\u{a0}please\u{202f}!", "cancel now please !");
        check("we саncel", "we cancel");
        check("Ｃａｎｃｅｌ it！", "Cancel it!");
        check("Касса не работает", "Касса не работает");
        check("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour");
    }
}
