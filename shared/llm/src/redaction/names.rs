//! Names that the account is known by.

use std::{ops::Range, sync::LazyLock};

use domain::reading::Redaction;
use regex::Regex;

use super::{Found, Known};

/// The longest name looked for, in bytes and in words. Each word is searched for by itself, and a name is whatever the
/// requester says it is: one of a thousand words would search the text a thousand times.
const LONGEST_NAME: usize = 200;
const LONGEST_NAME_WORDS: usize = 8;

static LEGAL_FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[\s,]+(?:gmbh(?: & co\.? kg)?|ag|kg|se|ug|ltd\.?|limited|inc\.?|llc|llp|plc|corp\.?|co\.?|sarl|sas|sa|s\.l\.u?\.?|s\.a\.|sl|bv|b\.v\.|oyj?|ab|as|asa|aps|a/s|nv|n\.v\.|spa|s\.p\.a\.|srl|s\.r\.l\.|pty(?: ltd)?|kft|sp\. ?z ?o\.?o\.?|ohg|gbr|e\.? ?v\.?|e\.? ?k\.?|eurl|scop|s\.?coop\.?)$")
        .expect("a fixed pattern")
});

/// What the names are searched by.
#[derive(Debug)]
pub(super) struct Names(Vec<(Redaction, Regex)>);

impl Names {
    /// Full names in any case, their parts as they are written; the company with and without its legal form.
    pub(super) fn new(known: Known<'_>) -> Self {
        let mut names = Vec::new();
        let mut add = |kind, name: &str, any_case: bool| {
            let name = shortened(name);
            let words: Vec<String> = name.split_whitespace().map(spellings).collect();
            let flag = if any_case { "(?i)" } else { "" };
            if let Ok(pattern) = Regex::new(&format!("{flag}{}", words.join(r"[\s_.-]+"))) {
                names.push((kind, pattern));
            }
        };
        for person in known.people.iter().map(|person| person.trim()).filter(|person| person.chars().count() >= 3) {
            let parts: Vec<&str> = shortened(person).split_whitespace().collect();
            add(Redaction::Name, person, parts.len() > 1);
            let written = |part: &&&str| part.chars().count() >= 3 && part.starts_with(char::is_uppercase);
            for part in parts.iter().filter(|_| parts.len() > 1).filter(written) {
                add(Redaction::Name, part, false);
                add(Redaction::Name, &part.to_uppercase(), false);
            }
        }
        if let Some(company) = known.company.map(str::trim).filter(|company| company.chars().count() >= 3) {
            add(Redaction::Company, company, true);
            let company = shortened(company);
            let short = LEGAL_FORM.replace(company, "");
            if short.chars().count() >= 3 && short != company {
                add(Redaction::Company, &short, true);
            }
        }
        Self(names)
    }

    /// Where they stand as whole words.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for (kind, name) in &self.0 {
            let ranges = name.find_iter(text).map(|shaped| shaped.range()).filter(|range| whole_word(text, range));
            found.extend(ranges.map(|range| Found { kind: *kind, range }));
        }
        found
    }
}

/// A word as it may be written: with and without its accents, whatever the apostrophe.
fn spellings(word: &str) -> String {
    word.chars()
        .map(|c| {
            let accented = ACCENTED.iter().find(|letters| letters.contains(c));
            match accented {
                Some(letters) => format!("[{letters}]"),
                None if "'’ʼ".contains(c) => "['’ʼ]".to_owned(),
                None => match c {
                    'ß' => "(?:ß|ss)".to_owned(),
                    other => regex::escape(&other.to_string()),
                },
            }
        })
        .collect()
}

/// Letters that are typed for one another.
const ACCENTED: [&str; 14] = [
    "aáàâäãå",
    "cçćč",
    "eéèêëę",
    "iíìîï",
    "nñń",
    "oóòôöõø",
    "sśš",
    "uúùûüů",
    "yýÿ",
    "zźżž",
    "AÁÀÂÄÃÅ",
    "EÉÈÊË",
    "OÓÒÔÖÕØ",
    "UÚÙÛÜ",
];

/// The beginning of a name that is too long for one.
fn shortened(name: &str) -> &str {
    let mut blanks = name
        .match_indices(char::is_whitespace)
        .filter(|(at, _)| name.get(..*at).is_some_and(|before| !before.ends_with(char::is_whitespace)));
    let end = blanks.nth(LONGEST_NAME_WORDS - 1).map_or(name.len(), |(at, _)| at);
    name.get(..name.floor_char_boundary(end.min(LONGEST_NAME))).unwrap_or(name)
}

fn whole_word(text: &str, range: &Range<usize>) -> bool {
    // In scripts without blanks between words a name ends anywhere.
    let word = |c: char| (c.is_alphanumeric() || c == '_') && u32::from(c) < 0x2e80;
    !text.get(..range.start).unwrap_or_default().ends_with(word)
        && !text.get(range.end..).unwrap_or_default().starts_with(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_name_is_cut_to_a_few_words() {
        let name = "Xaver ".repeat(10_000);
        let names = Names::new(Known { people: &[&name], company: Some(&name) });
        assert!(names.0.len() <= 2 * LONGEST_NAME_WORDS + 3, "{}", names.0.len());
        assert_eq!(shortened("Anna  Maria Keller"), "Anna  Maria Keller");
        assert_eq!(shortened("a b c d e f g h i"), "a b c d e f g h");
        assert_eq!(shortened(&"é".repeat(300)).len(), LONGEST_NAME);
    }
}
