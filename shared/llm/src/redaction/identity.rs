//! Numbers that a state gives to a person or a company, by their checksums or their names; dates of birth.

use std::ops::Range;

use domain::reading::Redaction;
use regex::Regex;

use super::{
    Found, vat,
    words::{JOINT, after, before, names_a_thing, stands_alone},
};

pattern!(SSN, r"(?-u:\b)[0-8][0-9]{2}([- .])[0-9]{2}([- .])[0-9]{4}(?-u:\b)");
pattern!(
    NINO,
    r"(?i)(?-u:\b)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?[0-9]{2}[ .-]?[A-D](?-u:\b)"
);
pattern!(
    NIR,
    r"(?i)(?-u:\b)[1-478][ .-]?[0-9]{2}[ .-]?(?:[0-9]{2})[ .-]?(?:[0-9]{2}|2[AB])[ .-]?[0-9]{3}[ .-]?[0-9]{3}[ ./-]{0,3}(?:clé )?[0-9]{2}(?-u:\b)"
);
pattern!(STEUER_ID, r"(?-u:\b)[1-9](?:[ /.-]?[0-9]){10}(?-u:\b)");
pattern!(DNI, r"(?i)(?-u:\b)(?:[XYZ][ .-]?[0-9]{7}|[0-9]{8}|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3})[ .-]?[A-Z](?-u:\b)");
/// What such numbers are called.
const NAME: &str = r"social security(?: number| no\.?)?|ssn|itin|ein|national insurance(?: number| no\.?)?|nino|nhs(?: number)?|utr|passport(?: number| no\.?| nr\.?)?|(?:reise)?pass-?(?:nummer|nr\.?)|reisepass(?:nummer)?|(?:personal)?ausweis(?:nummer|-nr\.?)?|(?:numéro de |n° de |n° )?passeport|pasaporte|carte (?:nationale )?d'identité|(?:national )?id card|identity card|driv(?:er|ing)(?:'s|s)? licen[cs]e(?: number| no\.?)?|führerschein(?:nummer|-nr\.?)?|permis de conduire|permiso de conducir|carné de conducir|dni|nie|nif(?:-iva)?|cif|steuer-?(?:id(?:entifikationsnummer)?|nummer|nr\.?)|identifikationsnummer|idnr\.?|tin|tax (?:id|number|no\.?)|sozialversicherungsnummer|sv-nummer|rentenversicherungsnummer|numéro (?:de sécurité sociale|fiscal)|(?:n° )?sécurité sociale|nir|siret|siren|ust-?id(?:nr|-nr\.?)?|umsatzsteuer-id|vat(?: id| number| no\.?| reg(?:istration)?(?: number| no\.?)?)?|n° (?:de )?tva|tva(?: intracommunautaire)?|número de (?:la )?seguridad social|seguridad social|seguro social|codice fiscale|partita iva";
pattern!(
    LABELLED,
    &format!(
        r#"(?i)(?-u:\b)(?:{NAME})[^\S\n]{{0,2}}(?:\([A-Za-z .]{{2,12}}\)[^\S\n]?)?(?:[A-Za-z\u{{c0}}-\u{{24f}}'’]+[^\S\n]){{0,4}}?(?:(?:number|no\.?|nr\.?|nummer|numéro|número|n[°º]\.?)[^\S\n]?)?["'»”*_]{{0,2}}[:=#(,]{{0,2}}\s{{0,3}}(?:(?:is|ist|lautet|est|es)[^\S\n]{{1,2}}:?)?["'«“*_]{{0,2}}((?-i:[A-Z]{{0,4}}[ .-]?[0-9](?:[ ./-]?[A-Z0-9]){{4,18}}))(?-u:\b)"#
    )
);
pattern!(
    LABEL_BEHIND,
    &format!(
        r#"((?-i:[A-Z]{{0,4}}[ .-]?[0-9](?:[ ./-]?[A-Z0-9]){{4,18}}))["'»”`)]{{0,2}}[,.]?\s+{JOINT}\s+(?i:(?:[a-z\u{{c0}}-\u{{24f}}'’]+\s){{0,3}}?(?:{NAME}))(?-u:\b)"#
    )
);
// The lines at the foot of a travel document.
pattern!(MACHINE_READABLE, r"(?-u:\b)[A-Z][A-Z0-9<]{24,}[A-Z0-9<]*");
pattern!(
    BORN,
    r"(?i)(?-u:\b)(?:date of birth|birth ?dates?|birthday|d\.?o\.?b\.?|born|geboren|geb\.|geburts(?:datum|tag)|date de naissance|naissance|anniversaire|née?(?:\(e\))?[ :]|nacid[oa]|fecha de nacimiento|nacimiento|cumpleaños|nac[ií][ :]|f\. ?nac\.|fec\. ?nac\.|d\.?d\.?n\.?(?-u:\b))"
);
pattern!(
    DATE,
    r"(?i)[0-9]{1,4}[ ]?[./-][ ]?[0-9]{1,2}[ ]?[./-][ ]?[0-9]{2,4}|[0-9]{1,2}(?:st|nd|rd|th|er|\.|º)?[ ](?:of |de )?[a-z\u{c0}-\u{ff}]{3,10}\.?,?[ ](?:of |de |del )?[0-9]{2,4}|[a-z\u{c0}-\u{ff}]{3,10}\.?[ ][0-9]{1,2}(?:st|nd|rd|th)?,?[ ][0-9]{4}|[0-9]{8}"
);

/// How far behind its label a date of birth may stand. In bytes.
const BEHIND: usize = 45;

/// A checksum, or what else a number has to be.
type IsValid = fn(&str) -> bool;

/// Numbers of people and companies, and dates of birth.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut add = |range: Range<usize>| found.push(Found { kind: Redaction::Identity, range });
    let shapes: [(&Regex, IsValid); 5] =
        [(&SSN, is_ssn), (&NINO, is_nino), (&NIR, is_nir), (&STEUER_ID, is_steuer_id), (&DNI, is_dni)];
    for (shape, is_valid) in shapes {
        for shaped in shape.find_iter(text) {
            if stands_alone(text, &shaped.range()) && is_valid(shaped.as_str()) && !names_a_thing(text, shaped.start())
            {
                add(shaped.range());
            }
        }
    }
    vat::find(text).into_iter().for_each(&mut add);
    for pattern in [&*LABELLED, &*LABEL_BEHIND] {
        for value in pattern.captures_iter(text).filter_map(|found| found.get(1)) {
            let digits = value.as_str().chars().filter(char::is_ascii_digit).count();
            // Passports have few digits among their letters.
            let mixed = digits >= 2 && (7..=10).contains(&value.len()) && !value.as_str().contains(' ');
            if (digits >= 5 || mixed) && !names_a_thing(text, value.start()) {
                add(value.range());
            }
        }
    }
    for line in MACHINE_READABLE.find_iter(text).filter(|line| line.as_str().contains("<<")) {
        add(line.range());
    }
    found.extend(births(text).map(|range| Found { kind: Redaction::BirthDate, range }));
    found
}

/// The first date after each word for birth, or the one right before it: `am 3. März 1980 geboren`.
fn births(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    BORN.find_iter(text).filter_map(|label| {
        let behind = after(text, label.end());
        let behind = if behind.trim().is_empty() { next_line(text, label.end()) } else { label.end() };
        let near = after(text, behind);
        let near = near.get(..near.floor_char_boundary(BEHIND)).unwrap_or(near);
        if let Some(date) = DATE.find(near).filter(|date| is_long_ago(date.as_str())) {
            return Some(behind + date.start()..behind + date.end());
        }
        let ahead = before(text, label.start());
        let date =
            DATE.find_iter(ahead).last().filter(|date| ahead.len() - date.end() <= 2 && is_long_ago(date.as_str()))?;
        let start = label.start() - ahead.len();
        Some(start + date.start()..start + date.end())
    })
}

fn next_line(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |line| at + line + 1)
}

/// Whoever writes was born before 2020; a field for dates of birth may have failed since.
fn is_long_ago(date: &str) -> bool {
    !["202", "203"]
        .iter()
        .any(|years| date.split(|c: char| !c.is_ascii_digit()).any(|part| part.len() == 4 && part.starts_with(years)))
}

pub(super) fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

pub(super) fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// United States: no area 000, 666 or from 900 on, no group and no serial of noughts alone; one kind of separator.
fn is_ssn(text: &str) -> bool {
    let digits = digits(text);
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..)) else {
        return false;
    };
    let separators: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let (area, group, serial) = (number(area), number(group), number(serial));
    separators.iter().all(|c| *c == '-') && area != 0 && area != 666 && group != 0 && serial != 0
}

/// United Kingdom: prefixes that are not given out.
fn is_nino(text: &str) -> bool {
    let prefix: String = text.chars().take(2).flat_map(char::to_uppercase).collect();
    let upper = text.chars().all(|c| !c.is_lowercase());
    let lower = text.chars().all(|c| !c.is_uppercase());
    !["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"].contains(&prefix.as_str()) && (upper || lower)
}

/// France: the key is 97 less the rest of the number by 97; Corsica counts as 19 and 18.
fn is_nir(text: &str) -> bool {
    let text = text.to_uppercase();
    let compact: String = text.chars().filter(char::is_ascii_alphanumeric).filter(|c| !"CLE".contains(*c)).collect();
    let compact = compact.replacen("2A", "19", 1).replacen("2B", "18", 1);
    let digits = digits(&compact);
    let (Some(body), Some(key), Some(month)) = (digits.get(..13), digits.get(13..15), digits.get(3..5)) else {
        return false;
    };
    let month = number(month);
    (1..=12).contains(&month) | (20..=99).contains(&month)
        && digits.len() == 15
        && 97 - number(body) % 97 == number(key)
}

/// Germany: ISO 7064 modulo 11, 10; among the first ten digits one occurs two or three times.
fn is_steuer_id(text: &str) -> bool {
    let digits = digits(text);
    let Some((check, body)) = digits.split_last() else { return false };
    let most = (0..10).map(|digit| body.iter().filter(|other| **other == digit).count()).max().unwrap_or_default();
    body.len() == 10 && matches!(most, 2 | 3) && mod_11_10(body) == Some(*check)
}

pub(super) fn mod_11_10(body: &[u32]) -> Option<u32> {
    let product = body.iter().fold(10, |product, digit| match (digit + product) % 10 {
        0 => 10 * 2 % 11,
        sum => sum * 2 % 11,
    });
    Some((11 - product) % 10)
}

/// Spain: the letter is the number's rest by 23; X, Y and Z of foreigners count as 0, 1 and 2.
pub(super) fn is_dni(text: &str) -> bool {
    let compact: String = text.chars().filter(char::is_ascii_alphanumeric).flat_map(char::to_uppercase).collect();
    let Some((body, letter)) = compact.split_at_checked(compact.len().saturating_sub(1)) else { return false };
    let body = match body.chars().next() {
        Some('X') => body.replacen('X', "0", 1),
        Some('Y') => body.replacen('Y', "1", 1),
        Some('Z') => body.replacen('Z', "2", 1),
        _ => body.to_owned(),
    };
    let Ok(number) = body.parse::<usize>() else { return false };
    body.len() == 8 && "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(number % 23).is_some_and(|right| letter.starts_with(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_by_its_checksum() {
        let check = |is: fn(&str) -> bool, right: &str, wrong: &str| {
            assert!(is(right), "{right}");
            assert!(!is(wrong), "{wrong}");
        };
        check(is_ssn, "219-09-9999", "666-09-9999");
        check(is_nino, "QQ123456C".replace("QQ", "AB").as_str(), "BG123456C");
        check(is_nir, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39");
        check(is_steuer_id, "86095742719", "86095742718");
        check(is_dni, "12345678Z", "12345678A");
        check(is_dni, "X1234567L", "X1234567M");
    }

    #[test]
    fn a_birth_is_a_date_behind_its_word() {
        let check = |text: &str, expected: Option<&str>| {
            let found = births(text).next().map(|range| &text[range]);
            assert_eq!(found, expected, "{text}");
        };
        check("She was born on 3 March 1980 in Leeds.", Some("3 March 1980"));
        check("Geburtsdatum: 03.03.1980", Some("03.03.1980"));
        check("née le 12 mai 1975", Some("12 mai 1975"));
        check("Fecha de nacimiento: 1 de enero de 1990", Some("1 de enero de 1990"));
        check("DOB 1980-03-03", Some("1980-03-03"));
        check("The export of 03.03.2026 is empty.", None);
    }
}
