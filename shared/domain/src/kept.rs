//! How much of a text that outsiders wrote is kept in a record.
//!
//! Sizes are those of the text as JSON, because that is how records are stored and a control character takes six bytes
//! there. An item of DynamoDB holds 400 kB; a record with every text at its limit stays below.

use std::sync::Arc;

/// Two full comments of Zendesk, which end at 65,535 characters: only texts of many control characters are cut.
const DESCRIPTION: usize = 128 * 1024;
/// Subjects, names and channels are a line each, and stored more than once.
const LINE: usize = 2 * 1024;
/// Stands where the rest was.
pub const MARK: &str = " … (the rest was cut)";

#[must_use]
pub fn description(text: &Arc<str>) -> Arc<str> {
    within(text, DESCRIPTION)
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
