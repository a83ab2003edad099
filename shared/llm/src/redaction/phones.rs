//! Telephone numbers: in international form, after a word for telephone, or as one of the served countries writes them.

use std::{ops::Range, sync::LazyLock};

use domain::reading::Redaction;
use regex::Regex;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, enums::Region};

use super::{
    Found,
    words::{after, before, names_a_thing, stands_alone},
};

/// So many numbers of one text are looked up in the numbering plans, which takes microseconds each. Whatever has the
/// form beyond that is taken for a number: a text of thousands is a list of them.
const MOST_LOOKED_UP: usize = 400;

/// Countries that write a nought before the area.
const WITH_NOUGHT: [Region; 17] = [
    Region::GB,
    Region::DE,
    Region::FR,
    Region::AT,
    Region::CH,
    Region::NL,
    Region::BE,
    Region::IE,
    Region::SE,
    Region::FI,
    Region::AU,
    Region::NZ,
    Region::IT,
    Region::JP,
    Region::IN,
    Region::ZA,
    Region::BR,
];
/// Countries that write the number as it is.
const WITHOUT: [Region; 14] = [
    Region::US,
    Region::ES,
    Region::IT,
    Region::PT,
    Region::PL,
    Region::DK,
    Region::NO,
    Region::CZ,
    Region::MX,
    Region::BR,
    Region::IN,
    Region::LU,
    Region::GR,
    Region::SG,
];

pattern!(
    SHAPED,
    r"(?:[+＋]|(?-u:\b)|\()(?:\(?[+＋]?\)?)[(]?[0-9][0-9)]{0,14}(?:[ .\u{a0}\u{2009}\u{202f}\u{2011}/‐–_-]{0,3}\(?[0-9]{1,14}\)?){0,8}"
);
pattern!(
    LABEL,
    r"(?i)(?:(?-u:\b)tel(?-u:\b)|telephone|telefon|telefono|teléfono|téléphone|(?-u:\b)tél|phone|(?-u:\b)(?:fon|ph|mob|mobil|mobile|móvil|movil|cell|cellular|handy|portable|gsm|fax|hotline|whatsapp|sms|direct|durchwahl|landline|festnetz|fijo|fixe|rufnummer|telefonnummer|handynummer|mobilnummer|rückruf|rückrufnummer|call|calling|ring|dial|text|appeler|appelez|rappelez|rappeler|joindre|joignable|anrufen|rufen|erreichen|erreichbar|llamar|llame|llamen|llámeme|llámenme|llámame|localizable|contactar|disponible|dispo)(?-u:\b)|(?:number|numéro|número|nummer) (?:is|est|es|ist|:)|reach (?:me|us|him|her|them) (?:at|on)|(?-u:\b)unter(?-u:\b))"
);
pattern!(
    EXTENSION,
    r"(?i)^[,;]?[ ]?(?:\(?(?:ext(?:ension|n)?\.?|x|durchwahl|dw|app(?:arat)?\.?|poste|anexo|extensión|int(?:erno)?\.?|#)[ .:]{0,2}[0-9]{1,6}\)?)(?-u:\b)"
);
pattern!(
    DATE_OR_TIME,
    r"^(?:(?:19|20)[0-9]{2}[./ -][0-9]{1,2}[./ -][0-9]{1,2}|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)[0-9]{2})(?:[^0-9]|$)"
);

/// Numbers with their extensions.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut left = MOST_LOOKED_UP;
    SHAPED
        .find_iter(text)
        .map(|shaped| trimmed(text, shaped.range()))
        .filter(|range| is_phone(text, range, &mut left))
        .map(|range| {
            let extension = EXTENSION.find(after(text, range.end)).map_or(0, |extension| extension.end());
            Found { kind: Redaction::Phone, range: range.start..range.end + extension }
        })
        .collect()
}

/// Without brackets that are the sentence's.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let value = text.get(range.clone()).unwrap_or_default();
    let value = value.trim_end_matches(|c: char| !c.is_ascii_digit());
    let end = range.start + value.len();
    let opened = value.starts_with('(') && !value.contains(')');
    range.start + usize::from(opened)..end
}

fn is_phone(text: &str, range: &Range<usize>, left: &mut usize) -> bool {
    let value = text.get(range.clone()).unwrap_or_default();
    let digits = value.chars().filter(char::is_ascii_digit).count();
    if !(7..=15).contains(&digits) || !alone(text, range) || DATE_OR_TIME.is_match(value) {
        return false;
    }
    let groups: Vec<usize> = groups(value);
    if value.trim_start_matches('(').starts_with(['+', '＋']) {
        return true;
    }
    let labelled = is_labelled(text, range);
    let thing = names_a_thing(text, range.start);
    if labelled && !thing {
        return true;
    }
    // Without a word for telephone a number is only looked up if its form is one.
    let nought = value.trim_start_matches('(').starts_with('0');
    let international = value.starts_with("00");
    let bare = groups.len() < 2 && !nought && !is_set_apart(text, range);
    if thing || bare || is_amount(text, range) || digits < 8 && !value.contains('-') {
        return false;
    }
    *left = left.saturating_sub(1);
    *left == 0
        || if international {
            is_valid(value, None)
        } else if nought {
            WITH_NOUGHT.iter().any(|region| is_written(value, &groups, *region))
        } else {
            WITHOUT.iter().any(|region| is_written(value, &groups, *region))
        }
}

/// In brackets after a word, or at the end of a line of a signature.
fn is_set_apart(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = (before(text, range.start), after(text, range.end));
    let letter = |text: &str| text.ends_with(char::is_alphabetic);
    before.strip_suffix(" (").is_some_and(letter) && after.starts_with(')')
        || before.strip_suffix(", ").is_some_and(letter) && after.trim().is_empty()
}

fn alone(text: &str, range: &Range<usize>) -> bool {
    let after = text.get(range.end..).unwrap_or_default();
    // `00-4bf92f35` is no number with an end of its own, and neither is `1.234,50`.
    let more = after
        .strip_prefix(['-', ',', ':', '.', '/'])
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let before = text.get(..range.start).unwrap_or_default();
    stands_alone(text, range)
        && !more
        && !before.ends_with(['.', ',', '$', '€', '£', '=', '&'])
        && !before.strip_suffix(':').is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()))
}

/// A word for telephone shortly before the number, or right behind it.
fn is_labelled(text: &str, range: &Range<usize>) -> bool {
    let before = before(text, range.start);
    let near = before.char_indices().rev().nth(34).map_or(before, |(at, _)| before.get(at..).unwrap_or_default());
    let label = LABEL.find_iter(near).last();
    let between = label.map(|label| near.get(label.end()..).unwrap_or_default());
    // Another number in between has taken the word.
    if between.is_some_and(|between| !between.contains(|c: char| c.is_ascii_digit())) {
        return true;
    }
    let behind = after(text, range.end).get(..).unwrap_or_default();
    let behind = behind.char_indices().nth(18).map_or(behind, |(at, _)| behind.get(..at).unwrap_or_default());
    behind.starts_with([' ', '(']) && BEHIND.is_match(behind)
}

static BEHIND: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^ ?\(?(?:is |ist |est |es )?(?:my |our |mein |meine |unsere |mon |notre |mi |nuestro )?(?:tel|phone|cell|mobile|mobil|móvil|handy|portable|direct|office|fax|whatsapp|büro|bureau|oficina|where you reach|where i am|where we are)(?-u:\b)")
        .expect("a fixed pattern")
});

const UNITS: &str = "€ $ £ eur usd gbp chf % orders rows customers units items bytes ms kb mb \
    stück zeilen kunden bestellungen commandes lignes clients articles pedidos filas clientes productos";

/// Money or a quantity, by its unit.
fn is_amount(text: &str, range: &Range<usize>) -> bool {
    let unit = after(text, range.end).trim_start().to_lowercase();
    UNITS.split(' ').any(|name| unit.starts_with(name))
}

/// How many digits stand together.
fn groups(value: &str) -> Vec<usize> {
    value.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|length| *length > 0).collect()
}

fn is_valid(value: &str, region: Option<Region>) -> bool {
    let value = value.strip_prefix("00").map_or_else(|| value.to_owned(), |rest| format!("+{rest}"));
    PHONE_NUMBER_UTIL.parse(&value, region).is_ok_and(|number| number.is_valid())
}

/// Whether a country has this number, and writes it in such groups.
fn is_written(value: &str, groups: &[usize], region: Region) -> bool {
    let Ok(number) = PHONE_NUMBER_UTIL.parse(value, Some(region)) else { return false };
    if !number.is_valid() {
        return false;
    }
    let national = self::groups(number.format_as(PhoneNumberFormat::National).as_ref());
    let nought = value.trim_start_matches('(').starts_with('0');
    let one = groups.len() == 1 && !nought;
    // Poland's form, and what many in Spain and Portugal write.
    let threes = !nought && groups == [3, 3, 3];
    let same = one
        || threes
        || national == groups
        || national.len() > 1 && groups.strip_prefix(&[1]) == Some(national.as_slice());
    // With its nought a number is told from other numbers: written in one, or with its area or its pairs set apart.
    let area =
        groups.len() > 1 && groups.first() == national.first() && groups.first().is_some_and(|first| *first >= 3);
    let pairs = groups.len() >= 4 && groups.iter().all(|length| *length == 2);
    let sum: usize = groups.iter().sum();
    same || nought && (area || pairs || groups.len() == 1 && (9..=12).contains(&sum))
}
