//! Bank accounts and cards, in any spelling, by their checksums.

use std::ops::Range;

use domain::reading::Redaction;

use super::{
    Found,
    words::{names_a_thing, stands_alone},
};

/// Digits of the longest card number.
const LONGEST_CARD: usize = 19;

/// How long an account number is in each country that has them (ISO 13616, the registry's release 99).
const IBAN_LENGTHS: [(&str, usize); 89] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

pattern!(IBAN, r"(?-u:\b)[A-Za-z]{2}[ .\u{a0}-]?[0-9](?:[ .\u{a0}\u{2009}\u{202f}/_-]{0,2}[A-Za-z0-9]){12,33}");
pattern!(DIGITS, r"[0-9](?:[ .\u{a0}\u{2009}\u{202f}/_·–-]{0,2}[0-9]){12,}");
pattern!(GROUP, r"[0-9]+");
pattern!(
    ACCOUNT,
    r"(?i)(?-u:\b)(?:sort[- ]?code|account[- ](?:no\.?|number|num)|acct\.?(?: no\.?)?|routing(?: number| no\.?)?|aba|kontonummer|konto-?nr\.?|kto\.?(?:-nr\.?)?|bankleitzahl|blz|numéro de compte|code banque|código de cuenta|número de cuenta|clabe)[ \t]{0,2}(?:is |ist |est |es )?[:=#]?[ \t]{0,2}([0-9](?:[ .-]?[0-9]){5,17})(?-u:\b)"
);

/// Account and card numbers.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = ibans(text).map(|range| Found { kind: Redaction::Iban, range }).collect();
    let labelled = ACCOUNT.captures_iter(text).filter_map(|found| found.get(1));
    found.extend(labelled.map(|value| Found { kind: Redaction::Iban, range: value.range() }));
    found.extend(cards(text).into_iter().map(|range| Found { kind: Redaction::Card, range }));
    found
}

/// The head of a shaped text that is as long as its country's numbers and has a valid checksum.
fn ibans(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    IBAN.find_iter(text).filter_map(|shaped| {
        let mut compact = String::new();
        let mut length = None;
        for (at, c) in shaped.as_str().char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()) {
            compact.push(c.to_ascii_uppercase());
            if compact.len() == 2 {
                length = Some(IBAN_LENGTHS.iter().find(|(country, _)| *country == compact)?.1);
            }
            if Some(compact.len()) == length {
                let range = shaped.start()..shaped.start() + at + 1;
                let more = text.get(range.end..).unwrap_or_default().starts_with(|c: char| c.is_ascii_alphanumeric());
                return (!more && remainder(&compact) == Some(1)).then_some(range);
            }
        }
        None
    })
}

/// Of the number with its head at the end, letters as numbers, modulo 97 (ISO 7064).
fn remainder(compact: &str) -> Option<u32> {
    let (head, tail) = compact.split_at_checked(4)?;
    tail.chars().chain(head.chars()).try_fold(0, |remainder, c| {
        let value = c.to_digit(36)?;
        Some((remainder * if value > 9 { 100 } else { 10 } + value) % 97)
    })
}

/// Within runs of digit groups, whichever groups make up the number of a card: a number of another kind may stand right
/// beside it.
fn cards(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for run in DIGITS.find_iter(text).filter(|run| stands_alone(text, &run.range())) {
        let groups: Vec<Range<usize>> =
            GROUP.find_iter(run.as_str()).map(|group| run.start() + group.start()..run.start() + group.end()).collect();
        let mut rest = groups.as_slice();
        while let [first, later @ ..] = rest {
            rest = match card(text, rest) {
                None => later,
                Some(used) => {
                    let (card, behind) = rest.split_at(used);
                    // Grouped as cards are, it is one whatever it is called.
                    if used >= 3 || !names_a_thing(text, first.start) {
                        found.extend(card.last().map(|last| first.start..last.end));
                    }
                    behind
                }
            };
        }
    }
    found
}

/// How many of the groups, from the first on, make up a card's number: an issuer's beginning, as many digits as its
/// cards have, and the Luhn check. The most that do.
fn card(text: &str, groups: &[Range<usize>]) -> Option<usize> {
    let mut digits = Vec::with_capacity(LONGEST_CARD);
    let mut longest = None;
    for (used, group) in (1..).zip(groups) {
        if digits.len() + group.len() > LONGEST_CARD {
            break;
        }
        digits.extend(text.get(group.clone())?.chars().filter_map(|c| c.to_digit(10)));
        if digits.len() >= 13 && lengths(&digits).contains(&digits.len()) && luhn(&digits) {
            longest = Some(used);
        }
    }
    longest
}

/// How many digits the cards of an issuer have.
fn lengths(digits: &[u32]) -> &'static [usize] {
    match digits.iter().take(4).fold(0, |head, digit| head * 10 + digit) {
        // Visa, American Express, Diners Club, JCB, Mastercard's two series.
        4000..=4999 => &[13, 16, 19],
        3400..=3499 | 3700..=3799 => &[15],
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => &[14, 16, 19],
        3528..=3589 => &[16, 17, 18, 19],
        2221..=2720 | 5100..=5599 => &[16],
        // Maestro, Discover, UnionPay, Mir.
        5000..=5099 | 5600..=6999 => &[13, 14, 15, 16, 17, 18, 19],
        2200..=2204 => &[16, 17, 18, 19],
        _ => &[],
    }
}

/// The check digit of ISO 7812, at the end.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit * 2 > 9 { digit * 2 - 9 } else { digit * 2 };
    let places = digits.iter().rev().enumerate();
    let sum: u32 = places.map(|(place, digit)| if place % 2 == 0 { *digit } else { doubled(*digit) }).sum();
    sum.is_multiple_of(10)
}
