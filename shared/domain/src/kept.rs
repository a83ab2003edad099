//! How much of a text that outsiders wrote is kept in a record.
//!
//! Sizes are those of the text as JSON, because that is how records are stored and a control character takes six bytes
//! there. An item of DynamoDB holds 400 kB; a record with every text at its limit stays below.

use std::sync::Arc;

/// Two full comments of Zendesk, which end at 65,535 characters: only texts of many control characters are cut.
const DESCRIPTION: usize = 128 * 1024;
/// What the customer wrote later, all of it together.
const FOLLOW_UPS: usize = 32 * 1024;
/// Subjects, names and channels are a line each, and stored more than once.
const LINE: usize = 2 * 1024;
/// Stands where the rest was.
pub const MARK: &str = " … (the rest was cut)";

#[must_use]
pub fn description(text: &Arc<str>) -> Arc<str> {
    within(text, DESCRIPTION)
}

/// The newest of them that fit together, in their order. Of the newest at least the beginning is kept.
#[must_use]
pub fn follow_ups(texts: &[String]) -> Vec<Arc<str>> {
    let mut kept = Vec::new();
    let mut left = FOLLOW_UPS;
    for text in texts.iter().rev() {
        let size: usize = text.chars().map(json_size).sum();
        if size > left && !kept.is_empty() {
            break;
        }
        kept.push(within(&text.as_str().into(), left));
        left = left.saturating_sub(size);
    }
    kept.reverse();
    kept
}

#[must_use]
pub fn line(text: &Arc<str>) -> Arc<str> {
    within(text, LINE)
}

/// The text itself where it fits, else its beginning and the mark.
fn within(text: &Arc<str>, most: usize) -> Arc<str> {
    let mut size = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if size + MARK.len() <= most {
            end = at;
        }
        size += json_size(c);
        if size > most {
            return format!("{}{MARK}", text.get(..end).unwrap_or_default()).into();
        }
    }
    text.clone()
}

/// Bytes of a character in a JSON string.
fn json_size(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_follow_ups_are_kept() {
        let texts = |sizes: &[usize]| sizes.iter().map(|size| "a".repeat(*size)).collect::<Vec<_>>();
        for (sizes, kept) in [
            (&[][..], &[][..]),
            (&[1, 2], &[1, 2]),
            (&[10_000, 20_000, 10_000], &[20_000, 10_000]),
            (&[1, 40_000], &[FOLLOW_UPS]),
            (&[FOLLOW_UPS, 1], &[1]),
        ] {
            let found: Vec<usize> = follow_ups(&texts(sizes)).iter().map(|text| text.len()).collect();
            assert_eq!(found.len(), kept.len(), "{sizes:?}");
            assert!(found.iter().zip(kept).all(|(found, kept)| found.abs_diff(*kept) <= 1), "{found:?}");
        }
    }

    #[test]
    fn a_text_at_the_limit_is_kept() {
        for (character, count) in [("a", LINE), ("\u{1}", LINE / 6), ("é", LINE / 2), ("\"", LINE / 2)] {
            let fits: Arc<str> = character.repeat(count).into();
            assert_eq!(line(&fits), fits, "{character:?}");
            let long: Arc<str> = character.repeat(count + 1).into();
            let kept = line(&long);
            assert!(kept.ends_with(MARK), "{character:?}");
            assert!(kept.chars().map(json_size).sum::<usize>() <= LINE, "{character:?}");
        }
    }
}
