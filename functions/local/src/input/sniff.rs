//! What a file seems to be, by its first bytes.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// Kinds of file that hold no table of tickets, by how they begin.
const FOREIGN: [(&[u8], &str); 16] = [
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive; save it as CSV UTF-8, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV UTF-8"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BZh", "a bzip2 archive; unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive; unpack it"),
    (b"\xfd7zXZ", "an xz archive; unpack it"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"SQLite format 3", "a SQLite database"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "an RTF document; save it as CSV UTF-8"),
    (b"\xff\xfe\0\0", "UTF-32; save it as CSV UTF-8"),
];

const MARKUP: [(&str, &str); 4] = [
    ("<!doctype html", "a web page; is the address of the download right?"),
    ("<html", "a web page; is the address of the download right?"),
    ("<?xml", "XML; export as CSV or JSON"),
    ("<tickets", "XML; export as CSV or JSON"),
];

/// What the file is instead of a table, and what to do; none if it may be one.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = FOREIGN.iter().find(|(begin, _)| head.starts_with(begin)) {
        return Some(what);
    }
    let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let start = String::from_utf8_lossy(start.get(..64.min(start.len())).unwrap_or_default()).to_ascii_lowercase();
    if let Some((_, what)) = MARKUP.iter().find(|(begin, _)| start.starts_with(begin)) {
        return Some(what);
    }
    let strange = head.iter().filter(|byte| **byte < b' ' && !b"\t\n\r\x0b\x0c".contains(byte)).count();
    // A text may hold a stray control character, a table of UTF-16 is half zeros.
    (utf16(head).is_none() && strange * 10 > head.len()).then_some("a binary file, no table")
}

/// The encoding, if it is UTF-16, with or without a mark.
pub(super) fn utf16(head: &[u8]) -> Option<&'static Encoding> {
    if head.starts_with(b"\xff\xfe") {
        return Some(UTF_16LE);
    }
    if head.starts_with(b"\xfe\xff") {
        return Some(UTF_16BE);
    }
    let head = head.get(..head.len().min(1_024)).unwrap_or_default();
    let pairs = head.chunks_exact(2).len();
    let zeros = |place: usize| head.chunks_exact(2).filter(|pair| pair.get(place) == Some(&0)).count();
    match (zeros(0), zeros(1)) {
        (high, low) if pairs > 3 && low * 10 > pairs * 7 && high * 10 < pairs => Some(UTF_16LE),
        (high, low) if pairs > 3 && high * 10 > pairs * 7 && low * 10 < pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether it is JSON: the first line that says something, or the one behind a heading, begins an object or a list.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if first.starts_with(b"{") || first.starts_with(b"[") {
        return true;
    }
    lines
        .next()
        .is_some_and(|line| line.starts_with(b"{\"") && serde_json::from_slice::<serde_json::Value>(line).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_table_is_named() {
        for (head, what) in [
            (b"\x1f\x8b\x08\0".as_slice(), "gzip"),
            (b"PK\x03\x04\x14", "Excel"),
            (b"%PDF-1.7", "PDF"),
            (b"\n <!DOCTYPE HTML><html>", "web page"),
            (b"\xef\xbb\xbf<?xml version", "XML"),
            (&[0; 8_192], "binary"),
            (b"\x01\x02\x03\x04abc", "binary"),
        ] {
            assert!(foreign(head).is_some_and(|found| found.contains(what)), "{what}");
        }
        for head in [b"ticket_id,subject\n1,a\0b\n".as_slice(), b"", b"{\"id\":1}", b"\xff\xfei\0d\0,\0s\0"] {
            assert_eq!(foreign(head), None);
        }
    }

    #[test]
    fn utf16_is_seen_without_a_mark() {
        assert_eq!(utf16(b"i\0d\0,\0s\0u\0b\0"), Some(UTF_16LE));
        assert_eq!(utf16(b"\0i\0d\0,\0s\0u\0b"), Some(UTF_16BE));
        assert_eq!(utf16(b"id,subject"), None);
        assert_eq!(utf16(&[0; 64]), None);
    }

    #[test]
    fn json_may_have_a_heading() {
        for (text, expected) in [
            ("[{\"id\":1}]", true),
            ("\n{\"id\":1}\n", true),
            ("export of acme\n{\"id\":1}\n", true),
            ("id,subject\n1,{\n", false),
            ("id\n\"{}\"", false),
        ] {
            assert_eq!(is_json(text.as_bytes()), expected, "{text}");
        }
    }
}
