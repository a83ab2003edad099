//! Personal data out of a text before a model sees it, and back into what the model says.
//!
//! Each module knows one sort of value: `tokens` of vendors, secrets on the `wire`, `labelled` ones, `codes`, `accounts`
//! and cards, addresses on a `network`, `phones`, numbers of an `identity`, and the account's known `names`.
//! Names of other people are not recognised, nor are postal addresses.

mod accounts;
mod codes;
mod identity;
mod labelled;
mod names;
mod network;
mod phones;
mod tokens;
mod vat;
mod wire;
mod words;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::LazyLock,
};

use domain::reading::Redaction;
use regex::Regex;

use names::Names;

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
    names: Names,
    /// Placeholders that stand in the text already: an attacker's, and never ours.
    taken: HashSet<String>,
    placeholders: HashMap<(Redaction, String), String>,
    originals: HashMap<String, (Redaction, String)>,
    counts: BTreeMap<Redaction, u32>,
    /// The last number given out for each kind. It only ever rises, so that no number is tried twice.
    numbers: BTreeMap<Redaction, u32>,
}

/// Loads what the first ticket would wait for, patterns and numbering plans: some 100 ms of a core.
pub fn warm() {
    let numbers = "0161 496 0000, 612 345 679, 415-555-0132, 030 901820, 06 12 34 56 78, 02 9374 4000";
    let _ = Redactor::new(Known::default(), []).find(numbers);
}

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
            names: Names::new(known),
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
            self.originals.get(placeholder).map_or(placeholder, |(_, value)| value).to_owned()
        };
        PLACEHOLDER.replace_all(text, restore).into_owned()
    }

    /// The same for what people are shown of a model's own words: a secret of the customer's stays a placeholder.
    #[must_use]
    pub fn restore_shown(&self, text: &str) -> String {
        let restore = |found: &regex::Captures<'_>| {
            let placeholder = found.get(0).map_or("", |found| found.as_str());
            let shown = self.originals.get(placeholder).filter(|(kind, _)| kind.is_shown());
            shown.map_or(placeholder, |(_, value)| value).to_owned()
        };
        PLACEHOLDER.replace_all(text, restore).into_owned()
    }

    /// Whether a placeholder stands for a value of ours.
    #[must_use]
    pub fn is_ours(&self, placeholder: &str) -> bool {
        self.originals.contains_key(placeholder)
    }

    /// How many values of each kind were replaced.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<Redaction, u32> {
        &self.counts
    }

    /// Every recognised value, in order. Where two overlap they are one, named for the one that starts first, and of
    /// those for the longer: no end of the other stays behind.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Found> {
        let secrets =
            tokens::find(text).into_iter().chain(wire::find(text)).chain(labelled::find(text)).chain(codes::find(text));
        let mut found: Vec<Found> = secrets.map(|range| Found { kind: Redaction::Secret, range }).collect();
        found.extend(network::find(text));
        found.extend(accounts::find(text));
        found.extend(identity::find(text));
        found.extend(phones::find(text));
        found.extend(self.names.find(text));
        found.retain(|found| !found.range.is_empty());
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        let mut apart: Vec<Found> = Vec::with_capacity(found.len());
        for next in found {
            match apart.last_mut() {
                Some(last) if next.range.start < last.range.end => last.range.end = last.range.end.max(next.range.end),
                _ => apart.push(next),
            }
        }
        apart
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
        self.originals.insert(placeholder.clone(), (kind, value.to_owned()));
        self.placeholders.insert(key, placeholder.clone());
        placeholder
    }
}

pub(crate) static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[(?:EMAIL|PHONE|IBAN|CARD|IP|MAC|SECRET|IDENTITY|BIRTH_DATE|NAME|COMPANY)_\d{1,6}\]")
        .expect("a fixed pattern")
});

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
            ("national numbers", numbered(|n| format!("0161 {:03} {:04}; ", n % 1000, n % 7919))),
            ("numbers without a nought", numbered(|n| format!("{:03} {:03} {:04}; ", n % 1000, n % 997, n % 7919))),
            ("labels", numbered(|_| "password is a ".to_owned())),
            ("words for birth", numbered(|_| "born ".to_owned())),
            ("keys without an end", numbered(|_| "-----BEGIN PRIVATE KEY-----".to_owned())),
            ("parameters", numbered(|_| "?token=abcde&key=".to_owned())),
            ("headers", numbered(|_| "cookie: a=bcde; authorization: ".to_owned())),
            ("addresses in words", numbered(|_| "a at b dot ".to_owned())),
            ("commands", numbered(|_| "curl mysql ".to_owned())),
            ("one number", "41".repeat(size / 2)),
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
