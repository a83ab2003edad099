//! Personal data out of a text before a model sees it, and back into what the model says.
//!
//! Recognised: e-mail addresses, telephone numbers, IBANs (checksum), card numbers (Luhn), IP addresses, API keys, tokens
//! and passwords by their shape or label, and the account's known names. Names of other people are not.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::Ipv6Addr,
    ops::Range,
    sync::LazyLock,
};

use domain::reading::Redaction;
use regex::Regex;

/// What is known of the people behind a ticket.
#[derive(Clone, Copy, Default, Debug)]
pub struct Known<'a> {
    /// Full names.
    pub people: &'a [&'a str],
    pub company: Option<&'a str>,
}

/// Finds values, replaces each by a placeholder such as `[EMAIL_1]`, the same value always by the same one, and puts
/// them back.
#[derive(Debug)]
pub struct Redactor {
    names: Vec<(Redaction, Regex)>,
    /// Placeholders that stand in the text already: an attacker's, and never ours.
    taken: HashSet<String>,
    placeholders: HashMap<(Redaction, String), String>,
    originals: HashMap<String, String>,
    counts: BTreeMap<Redaction, u32>,
    /// The last number given out for each kind. It only ever rises, so that no number is tried twice.
    numbers: BTreeMap<Redaction, u32>,
}

/// Digits of the longest card number.
const LONGEST_CARD: usize = 19;
/// The longest name looked for, in bytes and in words. Each word is searched for by itself, and a name is whatever the
/// requester says it is: one of a thousand words would search the text a thousand times.
const LONGEST_NAME: usize = 200;
const LONGEST_NAME_WORDS: usize = 8;

/// What of a shaped text is a value.
type Check = fn(&str, Range<usize>) -> Option<Range<usize>>;

/// Where a value stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    pub kind: Redaction,
    pub range: Range<usize>,
}

impl Redactor {
    /// `texts` are all that will be redacted: a placeholder that one of them already contains is not used.
    #[must_use]
    pub fn new<'a>(known: Known<'_>, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let taken =
            texts.into_iter().flat_map(|text| PLACEHOLDER.find_iter(text)).map(|found| found.as_str().to_owned());
        Self {
            names: known_names(known),
            taken: taken.collect(),
            placeholders: HashMap::new(),
            originals: HashMap::new(),
            counts: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// The text with every recognised value replaced.
    #[must_use]
    pub fn redact(&mut self, text: &str) -> String {
        let mut redacted = String::with_capacity(text.len());
        let mut end = 0;
        for found in self.find(text) {
            let value = text.get(found.range.clone()).unwrap_or_default();
            redacted.push_str(text.get(end..found.range.start).unwrap_or_default());
            redacted.push_str(&self.placeholder(found.kind, value));
            end = found.range.end;
        }
        redacted.push_str(text.get(end..).unwrap_or_default());
        redacted
    }

    /// The text with every placeholder of ours replaced by its value.
    #[must_use]
    pub fn restore(&self, text: &str) -> String {
        let restore = |found: &regex::Captures<'_>| {
            let placeholder = found.get(0).map_or("", |found| found.as_str());
            self.originals.get(placeholder).map_or(placeholder, String::as_str).to_owned()
        };
        PLACEHOLDER.replace_all(text, restore).into_owned()
    }

    /// How many values of each kind were replaced.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<Redaction, u32> {
        &self.counts
    }

    /// Every recognised value, in order, none overlapping another. Where two would, the one that starts first is taken,
    /// and of those the longer one.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found = secrets(text);
        let shapes: [(Redaction, &Regex, Check); 4] = [
            (Redaction::Email, &EMAIL, |_, range| Some(range)),
            (Redaction::Iban, &IBAN, iban),
            (Redaction::Ip, &IPV4, ipv4),
            (Redaction::Ip, &IPV6, ipv6),
        ];
        for (kind, shape, check) in shapes {
            let ranges = shape.find_iter(text).filter_map(|shaped| check(text, shaped.range()));
            found.extend(ranges.map(|range| Found { kind, range }));
        }
        found.extend(cards(text));
        found.extend(phones(text));
        for (kind, name) in &self.names {
            let ranges = name.find_iter(text).map(|shaped| shaped.range()).filter(|range| whole_word(text, range));
            found.extend(ranges.map(|range| Found { kind: *kind, range }));
        }
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        let mut end = 0;
        found.retain(|found| {
            let free = found.range.start >= end && !found.range.is_empty();
            if free {
                end = found.range.end;
            }
            free
        });
        found
    }

    fn placeholder(&mut self, kind: Redaction, value: &str) -> String {
        *self.counts.entry(kind).or_default() += 1;
        let key = (kind, value.to_owned());
        if let Some(known) = self.placeholders.get(&key) {
            return known.clone();
        }
        let number = self.numbers.entry(kind).or_default();
        let placeholder = loop {
            *number += 1;
            let name = format!("[{}_{number}]", kind.to_string().to_uppercase());
            if !self.taken.contains(&name) {
                break name;
            }
        };
        self.originals.insert(placeholder.clone(), value.to_owned());
        self.placeholders.insert(key, placeholder.clone());
        placeholder
    }
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a fixed pattern"));
    };
}

pattern!(PLACEHOLDER, r"\[(?:EMAIL|PHONE|IBAN|CARD|IP|SECRET|NAME|COMPANY)_\d{1,6}\]");
pattern!(EMAIL, r"[\p{L}\p{N}][\p{L}\p{N}._%+'-]*@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}");
pattern!(IBAN, r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,9}\b");
pattern!(DIGITS, r"\b\d(?:[ -]?\d){12,}\b");
pattern!(GROUP, r"\d+");
pattern!(IPV4, r"\b\d{1,3}(?:\.\d{1,3}){3}\b");
pattern!(IPV6, r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}");
pattern!(INTERNATIONAL, r"(?:\+|\b00)[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,5}\)?){2,7}");
pattern!(
    NATIONAL,
    r"\(\d{3}\) ?\d{3}[ .-]\d{4}\b|\b\d{3}[.-]\d{3}[.-]\d{4}\b|\b0[1-9](?:[ .]\d{2}){4}\b|\b[679]\d{2} \d{3} \d{3}\b"
);
pattern!(
    LABELLED,
    r"(?i)\b(?:tel|phone|telefon|telefonnummer|rufnummer|tél|téléphone|teléfono|telefono|mobile|móvil|cell|handy|portable|fax|durchwahl|number is|call me (?:at|on)|call us (?:at|on)|reach me (?:at|on)|numéro|número|unter)\b[\s.:]{0,3}(?:is |ist |est |es |number |nummer )?[\s:]{0,2}(\(?0?\d[\d ()./-]{5,16}\d)"
);
pattern!(
    TOKEN,
    r"\b(?:(?:sk|pk|rk|ck)_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*)"
);
pattern!(BEARER, r"(?i)\bbearer\s+([A-Za-z0-9._~+/-]{20,}=*)");
pattern!(
    LABELLED_SECRET,
    r"(?i)(?:api[_ -]?key|api[_ -]?secret|client[_ -]?secret|access[_ -]?token|auth[_ -]?token|refresh[_ -]?token|secret[_ -]?key|private[_ -]?key|api[- ]?schlüssel|clé api|clave (?:de )?api|\bsecret|\btoken|\bpassword|\bpasswd|\bpwd|\bpasscode|\bpasswort|\bkennwort|\bmot de passe|\bcontraseña|\bclave)(?: is| ist| est| es)?\s?[:=]\s?[\x22'`]?([^\s\x22'`<>&,;]{4,})"
);
pattern!(
    LEGAL_FORM,
    r"(?i)[\s,]+(?:gmbh(?: & co\.? kg)?|ag|kg|se|ug|ltd\.?|limited|inc\.?|llc|llp|plc|corp\.?|co\.?|sarl|sas|sa|s\.l\.u?\.?|s\.a\.|sl|bv|b\.v\.|oy|ab|srl)$"
);

/// Tokens by their shape, and whatever stands after a label such as `password:`.
fn secrets(text: &str) -> Vec<Found> {
    let shaped = TOKEN.find_iter(text).map(|found| found.range());
    let bearer = BEARER.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.range());
    let labelled = LABELLED_SECRET.captures_iter(text).filter_map(|found| found.get(1)).filter_map(|found| {
        let value = found.as_str().trim_end_matches(['.', ',', ')', ']', '!', '?', ':']);
        let is_value = value.chars().count() >= 4 && !PLACEHOLDER.is_match(value) && !value.starts_with("http");
        is_value.then_some(found.start()..found.start() + value.len())
    });
    shaped.chain(bearer).chain(labelled).map(|range| Found { kind: Redaction::Secret, range }).collect()
}

/// Numbers with a country code, in a national form with its separators, or after a word for telephone.
fn phones(text: &str) -> impl Iterator<Item = Found> {
    let international = INTERNATIONAL.find_iter(text).map(|found| found.range());
    let national = NATIONAL.find_iter(text).map(|found| found.range());
    let labelled = LABELLED.captures_iter(text).filter_map(|found| found.get(1)).map(|found| found.range());
    international
        .chain(national)
        .chain(labelled)
        .map(|range| {
            // A closing bracket may be the sentence's.
            let value = text.get(range.clone()).unwrap_or_default();
            range.start..range.start + value.trim_end_matches(|c: char| !c.is_ascii_digit()).len()
        })
        .filter(|range| {
            let digits = text.get(range.clone()).unwrap_or_default().chars().filter(char::is_ascii_digit).count();
            (7..=15).contains(&digits) && stands_alone(text, range)
        })
        .map(|range| Found { kind: Redaction::Phone, range })
        .collect::<Vec<_>>()
        .into_iter()
}

/// Neither a part of a longer number or code, nor marked as one.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let joined = |c: char| c.is_alphanumeric() || matches!(c, '#' | '_' | '-' | '/');
    !before.ends_with(joined) && !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_'))
}

/// The longest head of a shaped text that has a valid checksum (ISO 13616, remainder 1 modulo 97).
fn iban(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let ends = text.get(range.clone())?.char_indices().map(|(at, c)| range.start + at + c.len_utf8()).rev();
    ends.map(|end| range.start..end).find(|range| {
        let compact: String = text.get(range.clone()).unwrap_or_default().chars().filter(|c| *c != ' ').collect();
        let (head, tail) = compact.split_at(compact.len().min(4));
        let remainder = tail.chars().chain(head.chars()).try_fold(0, |remainder, c| {
            let value = c.to_digit(36)?;
            Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
        });
        let complete = !text.get(range.end..).unwrap_or_default().starts_with(|c: char| c.is_ascii_alphanumeric());
        (15..=34).contains(&compact.len()) && complete && remainder == Some(1)
    })
}

/// Within runs of digit groups, whichever groups make up a number of 13 to 19 digits that begins as cards do and passes
/// the Luhn check: a number of another kind may stand right beside it.
fn cards(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for run in DIGITS.find_iter(text).filter(|run| stands_alone(text, &run.range()) && !is_article(text, run.start())) {
        let groups: Vec<Range<usize>> =
            GROUP.find_iter(run.as_str()).map(|group| run.start() + group.start()..run.start() + group.end()).collect();
        let mut rest = groups.as_slice();
        while let [first, later @ ..] = rest {
            let longest = (0..rest.len().min(LONGEST_CARD))
                .rev()
                .filter_map(|last| rest.get(last))
                .map(|last| first.start..last.end)
                .filter(|range| range.len() < 2 * LONGEST_CARD);
            let number = longest.into_iter().find(|range| is_card(text.get(range.clone()).unwrap_or_default()));
            rest = match number {
                None => later,
                Some(range) => {
                    let used = rest.iter().take_while(|group| group.end <= range.end).count();
                    found.push(Found { kind: Redaction::Card, range });
                    rest.get(used..).unwrap_or_default()
                }
            };
        }
    }
    found
}

fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ if digit * 2 > 9 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    let issuer = digits.first().is_some_and(|first| (3..=6).contains(first));
    (13..=LONGEST_CARD).contains(&digits.len()) && issuer && sum.is_multiple_of(10)
}

/// The number of an article, and not of a card.
fn is_article(text: &str, at: usize) -> bool {
    text.get(..at).unwrap_or_default().trim_end_matches([' ', ':', '-']).ends_with("EAN")
}

/// What stands before four numbers that are no address.
const VERSIONED: [&str; 9] = ["version", "versión", "release", "build", "plugin", "módulo", "module", "firmware", "v"];

/// Four octets, and no version number.
fn ipv4(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    text.get(range.clone())?.parse::<std::net::Ipv4Addr>().ok()?;
    let before = text.get(..range.start)?;
    let word = last_word(before).to_lowercase();
    let version = VERSIONED.contains(&word.as_str());
    let dotted =
        text.get(range.end..)?.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let joined = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (!version && !dotted && !joined).then_some(range)
}

/// The letters and digits that stand last, white space aside.
fn last_word(text: &str) -> &str {
    let text = text.trim_end();
    let before = text.trim_end_matches(char::is_alphanumeric);
    text.get(before.len()..).unwrap_or_default()
}

/// At least three groups and a digit, so that `a::b` in a program stays.
fn ipv6(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let address = text.get(range.clone())?;
    let trimmed = if address.ends_with("::") { address } else { address.trim_end_matches(':') };
    let range = range.start..range.start + trimmed.len();
    trimmed.parse::<Ipv6Addr>().ok()?;
    let groups = trimmed.split(':').filter(|group| !group.is_empty()).count();
    let digit = trimmed.contains(|c: char| c.is_ascii_digit());
    let alone = !text.get(..range.start)?.ends_with(|c: char| c.is_alphanumeric() || c == ':')
        && !text.get(range.end..)?.starts_with(|c: char| c.is_alphanumeric() || c == ':');
    (digit && alone && (groups >= 3 || trimmed == "::1")).then_some(range)
}

/// Full names in any case, their parts as they are written; the company with and without its legal form.
fn known_names(known: Known<'_>) -> Vec<(Redaction, Regex)> {
    let mut names = Vec::new();
    let mut add = |kind, name: &str, any_case: bool| {
        let name = shortened(name);
        let words: Vec<String> = name.split_whitespace().map(regex::escape).collect();
        let flag = if any_case { "(?i)" } else { "" };
        if let Ok(pattern) = Regex::new(&format!("{flag}{}", words.join(r"\s+"))) {
            names.push((kind, pattern));
        }
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
    names
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
    let word = |c: char| c.is_alphanumeric() || c == '_';
    !text.get(..range.start).unwrap_or_default().ends_with(word)
        && !text.get(range.end..).unwrap_or_default().starts_with(word)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const NAME: &str = "Anna Keller";

    fn redacted(text: &str) -> (String, Redactor) {
        let mut redactor = Redactor::new(Known { people: &[NAME], company: Some("Nordwind GmbH") }, [text]);
        (redactor.redact(text), redactor)
    }

    /// Texts of `size` bytes that make the most work.
    fn hostile(size: usize) -> Vec<(&'static str, String)> {
        let numbered = |part: fn(usize) -> String| {
            let mut text = String::new();
            for part in (0..).map(part) {
                if text.len() >= size {
                    break;
                }
                text.push_str(&part);
            }
            text
        };
        vec![
            ("placeholders and addresses", numbered(|n| format!("[IP_{n}] 10.1.{}.{} ", n / 256 % 256, n % 256))),
            ("e-mails", numbered(|n| format!("customer{n}@shop.example, "))),
            ("names", numbered(|n| format!("{NAME} {n} "))),
            ("cards", numbered(|n| format!("4111 1111 1111 {n:04} "))),
            ("single digits", numbered(|_| "4 ".to_owned())),
            ("phones", numbered(|n| format!("tel +49 30 {:07}; ", n % 10_000_000))),
            ("IPv6", numbered(|n| format!("2001:db8::{:x} ", n % 65_536))),
            ("secrets", numbered(|n| format!("password: s3cret{n} "))),
            ("IBANs", numbered(|n| format!("DE{:02} 3704 0044 0532 0130 00 ", n % 100))),
            ("one word", "a".repeat(size)),
            ("letters with accents", "é è ü ".repeat(size / 9)),
        ]
    }

    fn fastest(times: usize, text: &str) -> Duration {
        let timed = |_| {
            let started = Instant::now();
            let _ = redacted(text);
            started.elapsed()
        };
        (0..times).map(timed).min().unwrap()
    }

    #[test]
    fn redaction_grows_with_the_text() {
        let (small, large) = (hostile(8_000), hostile(64_000));
        for ((shape, small), (_, large)) in small.iter().zip(&large) {
            let (small, large) = (fastest(5, small), fastest(2, large));
            // Eight times the text: 8 is linear, 64 quadratic. Below a millisecond the clock decides.
            let most = 30 * small.max(Duration::from_millis(1));
            assert!(large < most, "{shape}: {small:?} and {large:?}");
        }
    }

    #[test]
    fn hostile_texts_come_back_whole() {
        for (shape, text) in hostile(64_000) {
            let (redacted, redactor) = redacted(&text);
            assert_eq!(redactor.restore(&redacted), text, "{shape}");
        }
    }

    #[test]
    fn an_endless_name_is_cut_to_a_few_words() {
        let name = "Xaver ".repeat(10_000);
        let names = known_names(Known { people: &[&name], company: Some(&name) });
        assert!(names.len() <= LONGEST_NAME_WORDS + 3, "{}", names.len());
        assert_eq!(shortened("Anna  Maria Keller"), "Anna  Maria Keller");
        assert_eq!(shortened("a b c d e f g h i"), "a b c d e f g h");
        assert_eq!(shortened(&"é".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn an_address_after_a_version_word_stays() {
        for text in ["version 1.2.3.4", "Plugin  10.0.0.1", "versión 1.2.3.4"] {
            assert_eq!(redacted(text).0, text);
        }
        assert_eq!(redacted("subversion 1.2.3.4").0, "subversion [IP_1]");
    }

    #[test]
    fn what_was_taken_out_comes_back_and_a_value_has_one_placeholder() {
        let text =
            "Write to anna@nordwind.example or ANNA@x.example; again anna@nordwind.example. [EMAIL_1] is not ours.";
        let mut redactor = Redactor::new(Known::default(), [text]);
        let redacted = redactor.redact(text);
        assert_eq!(redacted, "Write to [EMAIL_2] or [EMAIL_3]; again [EMAIL_2]. [EMAIL_1] is not ours.");
        assert_eq!(redactor.restore(&redacted), text);
        assert_eq!(redactor.counts().get(&Redaction::Email), Some(&3));
        assert_eq!(redactor.restore("Dear [NAME_1], [EMAIL_3]"), "Dear [NAME_1], ANNA@x.example");
    }
}
