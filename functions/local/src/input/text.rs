//! Text out of a cell's bytes: decoded, without control characters, no longer than its limit.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

/// What had to be done to a cell.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Mended {
    /// It was not UTF-8.
    pub(super) decoded: bool,
    /// Control characters were replaced.
    pub(super) controls: bool,
    /// It was longer than it may be.
    pub(super) cut: bool,
}

/// The text of a cell, trimmed.
pub(super) fn clean(bytes: &[u8], limit: usize) -> (Cow<'_, str>, Mended) {
    let (text, decoded) = decoded(bytes);
    let controls = text.chars().any(is_unwanted);
    // Before trimming: one of them counts as white space, and stands for an ellipsis.
    let text = trimmed(if controls { text.chars().map(replaced).collect::<String>().into() } else { text });
    let end = text.char_indices().nth(limit).map(|(end, _)| end);
    let text = match end {
        Some(end) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned()),
        None => text,
    };
    (text, Mended { decoded, controls, cut: end.is_some() })
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text.trim().into(),
        Cow::Owned(text) => text.trim().to_owned().into(),
    }
}

/// Bytes that are not UTF-8 are Windows-1252, which Excel writes in Western Europe; but a cell with other letters in
/// UTF-8 was damaged, and only its bad bytes are lost.
fn decoded(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.into(), false),
        Err(_) if bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii()) => (String::from_utf8_lossy(bytes), true),
        Err(_) => (WINDOWS_1252.decode_without_bom_handling(bytes).0, true),
    }
}

fn is_unwanted(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn replaced(c: char) -> char {
    match c {
        // Excel's and Outlook's soft line breaks.
        '\u{b}' | '\u{c}' => '\n',
        // Curly quotes and dashes of Windows-1252 that were read as Latin-1.
        '\u{80}'..='\u{9f}' => {
            let byte = [u8::try_from(u32::from(c)).unwrap_or(b' ')];
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(&byte);
            text.chars().next().filter(|c| !c.is_control()).unwrap_or(' ')
        }
        c if is_unwanted(c) => ' ',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_read_in_its_encoding() {
        for (bytes, expected, decoded) in [
            (b"caf\xc3\xa9".as_slice(), "café", false),
            (b"caf\xe9 \x80 5 \x96 \x93hi\x94", "café € 5 – “hi”", true),
            (b"caf\xc3\xa9 cut \xe2\x82", "café cut \u{fffd}", true),
            (b"plain", "plain", false),
        ] {
            let (text, mended) = clean(bytes, 100);
            assert_eq!((&*text, mended.decoded), (expected, decoded));
        }
    }

    #[test]
    fn control_characters_are_replaced() {
        for (text, expected) in [
            ("a\u{7}b", "a b"),
            ("Ac\0me\0", "Ac me"),
            ("It\u{92}s\u{85}", "It’s…"),
            ("a\u{b}b\u{c}c", "a\nb\nc"),
            ("\u{1b}[31mred\u{7f}", "[31mred"),
            ("\u{81}", ""),
            ("two\r\nlines\tand a tab", "two\r\nlines\tand a tab"),
        ] {
            assert_eq!(clean(text.as_bytes(), 100).0, expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let (text, mended) = clean("ééé".as_bytes(), 2);
        assert_eq!((&*text, mended.cut), ("éé", true));
        assert!(!clean("éé".as_bytes(), 2).1.cut);
    }
}
