//! Outsiders' words as they may stand before a reader. Each medium still escapes what is markup there.

use std::borrow::Cow;

/// One line: blanks and line breaks collapse, and what hides or turns text round is gone.
#[must_use]
pub fn line(text: &str) -> String {
    let seen = text.chars().filter(|c| c.is_whitespace() || is_break(*c) || !is_hidden(*c));
    let spaced: String = seen.map(|c| if is_break(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text with its lines, without what hides or turns it round.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let plain = |c: char| matches!(c, '\n' | '\t') || !(is_hidden(c) || is_break(c));
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let lines = text.replace("\r\n", "\n");
    let lines = lines.chars().map(|c| if is_break(c) { '\n' } else { c });
    Cow::Owned(lines.filter(|c| plain(*c)).collect())
}

/// Written so that no program makes a link of it: a zero-width space stands where an address would be recognised.
#[must_use]
pub fn unlinked(text: &str) -> String {
    let mut unlinked = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        unlinked.push(c);
        let joins = match (c, rest.peek()) {
            (':', Some('/')) | ('@', Some(_)) => true,
            // `3.5` and the full stop of a sentence stay as they are.
            ('.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}', Some(next)) => {
                before.is_some_and(char::is_alphanumeric) && next.is_alphabetic()
            }
            // `mailto:`, `tel:` and their like.
            (':', Some(next)) => before.is_some_and(char::is_alphabetic) && (next.is_alphanumeric() || *next == '+'),
            _ => false,
        };
        if joins {
            unlinked.push('\u{200b}');
        }
        before = Some(c);
    }
    unlinked
}

/// At most so many characters of it, the last one an ellipsis where something is missing.
#[must_use]
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(most.saturating_sub(1)).chain(['…']).collect())
}

/// Begins a new line in some programs only.
fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Control characters, marks of direction and characters without a width. The joiners stay: scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_forges_no_other() {
        for (written, shown) in [
            ("Acme\r\nWhat to do: pay", "Acme What to do: pay"),
            ("a\u{2028}b\u{85}c\u{b}d", "a b c d"),
            ("  wide\t\u{a0} gap ", "wide gap"),
            ("evil\u{202e}fdp.exe", "evilfdp.exe"),
            ("so\u{ad}ft\u{200b}\u{feff}\u{0}\u{1b}[31m", "soft[31m"),
            ("👩\u{200d}🔧 مؤسسة 株式会社", "👩\u{200d}🔧 مؤسسة 株式会社"),
        ] {
            assert_eq!(line(written), shown, "{written:?}");
        }
    }

    #[test]
    fn a_text_keeps_its_lines() {
        for (written, shown) in [("a\n\tb", "a\n\tb"), ("a\r\nb\rc", "a\nb\nc"), ("a\u{2029}\u{2066}b\u{7f}", "a\nb")] {
            assert_eq!(text(written), shown, "{written:?}");
        }
        assert!(matches!(text("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn no_address_is_left_to_recognise() {
        for (written, shown) in [
            ("https://evil.example/x", "https:|//evil.|example/x"),
            ("www.evil.example", "www.|evil.|example"),
            ("boss@evil.example", "boss@|evil.|example"),
            ("tel:+49 30", "tel:|+49 30"),
            ("mailto:a@b.de", "mailto:|a@|b.|de"),
            ("evil。example", "evil。|example"),
            ("It costs 3.5 a day. Always: yes. 07:40", "It costs 3.5 a day. Always: yes. 07:40"),
        ] {
            assert_eq!(unlinked(written).replace('\u{200b}', "|"), shown, "{written}");
        }
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        for (most, shown) in [(3, "äöü"), (2, "ä…"), (0, "…")] {
            assert_eq!(clipped("äöü", most), shown, "{most}");
        }
    }
}
