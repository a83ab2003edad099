//! Ticket numbers. Ids of a file may be any text, and a ticket is a number everywhere else.

use std::collections::HashSet;

use domain::TicketId;
use sha2::{Digest, Sha256};

/// Numbers below are exact wherever JSON is read.
const EXACT: u64 = 1 << 53;

/// How a row names its ticket.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Key {
    Number(u64),
    Text(String),
    /// Not at all: by its place among the rows, from 1.
    Row(u64),
}

impl Key {
    /// `7`, `#7` and `#07` are the same ticket.
    pub(super) fn of(text: &str) -> Self {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let number = if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None };
        match number {
            Some(number @ 1..EXACT) => Self::Number(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    /// As the outputs show it, where the file says nothing.
    pub(super) fn shown(row: u64) -> String {
        format!("#{row}")
    }
}

/// Gives out numbers that no two tickets of a file share.
pub(super) struct Numbers {
    taken: HashSet<u64>,
}

impl Numbers {
    /// The numbers that the file itself gives.
    pub(super) fn new<'a>(keys: impl Iterator<Item = &'a Key>) -> Self {
        let number = |key: &Key| if let Key::Number(number) = key { Some(*number) } else { None };
        Self { taken: keys.filter_map(number).collect() }
    }

    /// The same text has the same number in every file, but for a clash.
    pub(super) fn number(&mut self, key: &Key) -> TicketId {
        let number = match key {
            Key::Number(number) => *number,
            Key::Text(text) => self.derived(text),
            Key::Row(row) if self.taken.insert(*row) => *row,
            Key::Row(row) => self.derived(&format!("row {row}")),
        };
        TicketId::new(number).expect("neither a file's number nor a derived one is zero")
    }

    fn derived(&mut self, text: &str) -> u64 {
        let mut number = hashed(text);
        while !self.taken.insert(number) {
            number = hashed(&format!("{text} {number}"));
        }
        number
    }
}

/// In the upper half of what JSON holds exactly: above the numbers that a helpdesk gives out, and 16 digits.
pub(super) fn hashed(text: &str) -> u64 {
    let digest = Sha256::digest(text);
    let number = digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    EXACT / 2 + number % (EXACT / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_names_a_ticket_becomes_a_number() {
        for (text, expected) in [
            ("7", Some(7)),
            ("#07", Some(7)),
            ("9007199254740991", Some(EXACT - 1)),
            ("9007199254740992", None),
            ("18446744073709551616", None),
            ("0", None),
            ("HR-2231", None),
            ("5e0f8a9c-0a3f-4c52-8f0e-7d6a35a1d7c1", None),
            ("1,23457E+17", None),
            ("٣", None),
        ] {
            let key = Key::of(text);
            let number = Numbers::new([&key].into_iter()).number(&key).number();
            assert_eq!(number, expected.unwrap_or_else(|| hashed(text)), "{text}");
            assert!(number < EXACT);
        }
    }

    #[test]
    fn derived_numbers_are_stable_and_clash_with_none() {
        assert_eq!(hashed("HR-2231"), 7_570_293_066_039_028);
        let keys = [Key::of("HR-1"), Key::Number(hashed("HR-1")), Key::Row(2), Key::Number(2)];
        let mut numbers = Numbers::new(keys.iter());
        let found: HashSet<u64> = keys.iter().map(|key| numbers.number(key).number()).collect();
        assert_eq!(found.len(), 4);
        assert!(found.contains(&2) && found.contains(&hashed("HR-1")));
    }
}
