//! Names that the account is known by.

use std::ops::Range;

use domain::reading::Redaction;

use super::{Found, Known};

/// The longest name looked for, in bytes and in words. Each word is searched for by itself, and a name is whatever the
/// requester says it is: one of a thousand words would search the text a thousand times.
const LONGEST_NAME: usize = 200;
const LONGEST_NAME_WORDS: usize = 8;

pattern!(
    LEGAL_FORM,
    r"(?i)[\s,]+(?:gmbh(?: & co\.? kg)?|ag|kg|se|ug|ltd\.?|limited|inc\.?|llc|llp|plc|corp\.?|co\.?|sarl|sas|sa|s\.l\.u?\.?|s\.a\.|sl|bv|b\.v\.|oyj?|ab|as|asa|aps|a/s|nv|n\.v\.|spa|s\.p\.a\.|srl|s\.r\.l\.|pty(?: ltd)?|kft|sp\. ?z ?o\.?o\.?|ohg|gbr|e\.? ?v\.?|e\.? ?k\.?|eurl|scop|s\.?coop\.?)$"
);

/// What is searched for.
#[derive(Debug)]
pub(super) struct Names(Vec<Name>);

/// No patterns: to compile one costs a hundred times the search.
#[derive(Debug)]
struct Name {
    kind: Redaction,
    /// Folded.
    words: Vec<String>,
    /// Otherwise it begins with a capital: a name may be a word as well.
    any_case: bool,
}

impl Names {
    /// Full names in any case, their parts with a capital; the company with and without its legal form.
    pub(super) fn new(known: Known<'_>) -> Self {
        let mut names = Vec::new();
        let mut add = |kind, name: &str, any_case: bool| {
            let words = shortened(name).split_whitespace().map(|word| Folded::new(word).text).collect();
            names.push(Name { kind, words, any_case });
        };
        for person in known.people.iter().map(|person| person.trim()).filter(|person| person.chars().count() >= 3) {
            let parts: Vec<&str> = shortened(person).split_whitespace().collect();
            add(Redaction::Name, person, parts.len() > 1);
            let written = |part: &&&str| part.chars().count() >= 3 && part.starts_with(char::is_uppercase);
            for part in parts.iter().filter(|_| parts.len() > 1).filter(written) {
                add(Redaction::Name, part, false);
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
        if self.0.is_empty() {
            return found;
        }
        let folded = Folded::new(text);
        for name in &self.0 {
            let ranges = folded.find(&name.words).filter(|range| {
                let written = text.get(range.clone()).unwrap_or_default();
                let cased = name.any_case || !written.starts_with(char::is_lowercase);
                cased && whole_word(text, range)
            });
            found.extend(ranges.map(|range| Found { kind: name.kind, range }));
        }
        found
    }
}

/// A text in lower case and without accents, and where each of its bytes comes from.
struct Folded {
    text: String,
    places: Vec<usize>,
    end: usize,
}

impl Folded {
    fn new(text: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(text.len()), places: Vec::new(), end: text.len() };
        for (at, c) in text.char_indices() {
            match c {
                'ß' => folded.text.push_str("ss"),
                '’' | 'ʼ' => folded.text.push('\''),
                c => folded.text.extend(c.to_lowercase().map(plain)),
            }
            folded.places.resize(folded.text.len(), at);
        }
        folded
    }

    /// Where the words stand in a row, with white space or what stands for it in between.
    fn find<'a>(&'a self, words: &'a [String]) -> impl Iterator<Item = Range<usize>> + 'a {
        let (first, rest) = words.split_first().map_or(("", words), |(first, rest)| (first.as_str(), rest));
        let starts = self.text.match_indices(first).map(|(start, _)| start).filter(|_| !first.is_empty());
        starts.filter_map(move |start| {
            let mut end = start + first.len();
            for word in rest {
                let behind = self.text.get(end..)?;
                let next = behind.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '_' | '.' | '-'));
                if next.len() == behind.len() || !next.starts_with(word.as_str()) {
                    return None;
                }
                end += behind.len() - next.len() + word.len();
            }
            let place = |at: usize| self.places.get(at).copied().unwrap_or(self.end);
            Some(place(start)..place(end))
        })
    }
}

/// A small letter without its accent.
fn plain(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' | 'ē' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ő' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' => 's',
        'ť' | 'ţ' => 't',
        'ú' | 'ù' | 'û' | 'ü' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        c => c,
    }
}

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
        assert!(names.0.len() <= LONGEST_NAME_WORDS + 3, "{}", names.0.len());
        assert_eq!(shortened("Anna  Maria Keller"), "Anna  Maria Keller");
        assert_eq!(shortened("a b c d e f g h i"), "a b c d e f g h");
        assert_eq!(shortened(&"é".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_name_is_found_however_it_is_typed() {
        let names = Names::new(Known { people: &["Jörg O'Weiß"], company: Some("Süd Handel AS") });
        let found = |text: &str| {
            let ranges: Vec<_> = names.find(text).into_iter().map(|found| text[found.range].to_owned()).collect();
            ranges.first().cloned()
        };
        for text in ["Jörg O'Weiß", "jorg o’weiss", "JÖRG_O'WEISS", "Weiß nichts: Jörg", "sud handel"] {
            assert!(found(text).is_some(), "{text}");
        }
        for text in ["jörg", "Jörgens", "südhandel"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
