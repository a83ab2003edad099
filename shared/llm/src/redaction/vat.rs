//! Numbers for value added tax, by each country's checksum.

use std::ops::Range;

use super::{
    accounts::luhn,
    identity::{digits, is_dni, mod_11_10, number},
    words::names_a_thing,
};

pattern!(
    VAT,
    r"(?i)(?-u:\b)(?:DE|FR|ES|GB|XI|NL|IT|BE|AT|PL|PT|DK|SE|IE|LU|FI)[ .-]?[0-9A-Z](?:[ .-]?[0-9A-Z]){7,13}(?-u:\b)"
);
/// Numbers with their country before them.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for shaped in VAT.find_iter(text) {
        let Some(length) = vat(shaped.as_str()) else { continue };
        let range = shaped.start()..shaped.start() + length;
        let more = text.get(range.end..).unwrap_or_default().starts_with(char::is_alphanumeric);
        if !more && !names_a_thing(text, range.start) {
            found.push(range);
        }
    }
    found
}

/// How many bytes of the text are a number for value added tax.
fn vat(text: &str) -> Option<usize> {
    let places: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(_, c)| c.is_ascii_alphanumeric())
        .map(|(at, c)| (at, c.to_ascii_uppercase()))
        .collect();
    let compact: String = places.iter().map(|(_, c)| *c).collect();
    let (country, body) = compact.split_at_checked(2)?;
    let lengths: &[usize] = match country {
        "DE" | "AT" | "PT" | "ES" => &[9],
        "GB" | "XI" => &[12, 9],
        "FR" | "IT" => &[11],
        "NL" | "SE" => &[12],
        "BE" | "PL" => &[10],
        "IE" => &[9, 8],
        _ => &[8],
    };
    let length = lengths.iter().find(|length| body.get(..**length).is_some_and(|body| is_vat(country, body)))?;
    places.get(length + 1).map(|(at, _)| at + 1)
}

fn is_vat(country: &str, body: &str) -> bool {
    let digits = digits(body);
    let numeric = digits.len() == body.len();
    let weighted = |weights: &[u32]| weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum::<u32>();
    let last = digits.last().copied().unwrap_or_default();
    match country {
        "DE" => numeric && digits.first() != Some(&0) && digits.get(..8).and_then(mod_11_10) == Some(last),
        "FR" => {
            let siren = digits.get(digits.len().saturating_sub(9)..).map(number).unwrap_or_default();
            let key = body.get(..2).and_then(|key| key.parse::<u64>().ok());
            digits.len() >= 9 && key.is_none_or(|key| (12 + 3 * (siren % 97)) % 97 == key) && luhn_of_tail(&digits, 9)
        }
        "ES" => is_dni(body) || is_cif(body),
        "GB" | "XI" => {
            let total = weighted(&[8, 7, 6, 5, 4, 3, 2]);
            let check = digits.get(7..9).map(number).unwrap_or_default();
            let rest = (u64::from(total) + check) % 97;
            numeric && (rest == 0 || (rest + 55).is_multiple_of(97))
        }
        "NL" => body.as_bytes().get(9) == Some(&b'B') && (dutch(&digits) || remainder_97(country, body) == Some(1)),
        "IT" => numeric && luhn(&digits),
        "BE" => {
            numeric && matches!(digits.first(), Some(0 | 1)) && {
                let (head, check) = digits.split_at_checked(8).unwrap_or_default();
                97 - number(head) % 97 == number(check)
            }
        }
        "AT" => body.starts_with('U') && digits.len() == 8,
        "PL" => numeric && weighted(&[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == last,
        "PT" => {
            numeric && {
                let check = (11 - weighted(&[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
                check == last
            }
        }
        "DK" => numeric && weighted(&[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11),
        "FI" => numeric && (11 - weighted(&[7, 9, 10, 5, 8, 4, 2]) % 11) % 11 == last,
        "LU" => {
            numeric
                && digits.get(..6).map(number).unwrap_or_default() % 89
                    == digits.get(6..).map(number).unwrap_or_default()
        }
        "SE" => numeric && body.ends_with("01") && digits.get(..10).is_some_and(luhn),
        "IE" => {
            digits.len() >= 7
                && body.ends_with(char::is_alphabetic)
                && body.get(2..7).is_some_and(|middle| middle.chars().all(|c| c.is_ascii_digit()))
        }
        _ => false,
    }
}

fn luhn_of_tail(digits: &[u32], length: usize) -> bool {
    digits.get(digits.len().saturating_sub(length)..).is_some_and(luhn)
}

/// The Netherlands until 2020: the ninth digit is the weighted sum of the others modulo 11.
fn dutch(digits: &[u32]) -> bool {
    let sum: u32 = (2..=9).rev().zip(digits).map(|(weight, digit)| weight * digit).sum();
    digits.get(8).is_some_and(|check| sum % 11 == *check)
}

/// The Netherlands since 2020: letters as numbers, modulo 97.
fn remainder_97(country: &str, body: &str) -> Option<u32> {
    country.chars().chain(body.chars()).try_fold(0, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    })
}

/// Companies in Spain: a letter, seven digits, and a check digit or letter.
fn is_cif(body: &str) -> bool {
    let (Some(kind), Some(check)) = (body.chars().next(), body.chars().last()) else { return false };
    let digits = digits(body.get(1..8).unwrap_or_default());
    if !"ABCDEFGHJKLMNPQRSUVW".contains(kind) || digits.len() != 7 {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    let right = (10 - sum % 10) % 10;
    check.to_digit(10) == Some(right) || "JABCDEFGHI".chars().nth(right as usize) == Some(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_by_its_checksum() {
        assert!(is_cif("A58818501") && !is_cif("A58818502"));
        let is_vat = |text: &str| vat(text).is_some();
        for (right, wrong) in [
            ("DE136695976", "DE136695977"),
            ("FR 40 303 265 045", "FR 41 303 265 045"),
            ("ESA58818501", "ESA58818502"),
            ("GB980780684", "GB980780685"),
            ("NL004495445B01", "NL004495446B01"),
            ("IT00743110157", "IT00743110158"),
            ("BE0428759497", "BE0428759498"),
            ("PL8567346215", "PL8567346216"),
            ("PT501964843", "PT501964844"),
        ] {
            assert!(is_vat(right), "{right}");
            assert!(!is_vat(wrong), "{wrong}");
        }
    }
}
