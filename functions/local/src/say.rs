//! Standard output that may be closed early, as by `| head`: output that nobody reads is not worth a panic. And texts of
//! outsiders, as a terminal may show them.

use std::{fmt::Display, io::Write};

/// Prints a line.
pub fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What others wrote, in one line and without what a terminal would obey: control characters, and those that turn or hide
/// text, are written out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// Characters that change the direction of others, part lines, or cannot be seen; not the joiners that scripts and emoji
/// need.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_steers_the_terminal() {
        assert_eq!(escaped("\u{1b}]0;pwned\u{7}"), "\\u{1b}]0;pwned\\u{7}");
        assert_eq!(escaped("a\u{202e}b\u{2028}c\u{200b}"), "a\\u{202e}b\\u{2028}c\\u{200b}");
        assert_eq!(escaped("Grüße, 日本 “x”"), "Grüße, 日本 “x”");
    }
}
