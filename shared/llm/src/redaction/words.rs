//! What the words around a number or a code say of it.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

/// How far before a value its name is looked for. In bytes.
const NEAR: usize = 60;

/// What ties a value to a name behind it: `4711 as my PIN`, `4711. Das ist mein PIN`.
pub(super) const JOINT: &str =
    r"(?i:(?:(?:this|that|das|dies|eso|esto|ceci|cela)\s+)?(?:is|was|ist|war|est|es|era|as|als|comme|como)|c'est)";

/// Names of numbers that identify a thing and no person. A word begins with one of them.
const OF_THINGS: &str = "order bestell auftrag commande pedido orden invoice rechnung facture factura tracking sendung colis envío \
    envio shipment parcel paket suivi seguimiento ticket case vorgang dossier caso sku article artikel \
    artículo articulo ean gtin upc isbn asin customer kunde client kunden ref référence batch charge lote lot \
    serial serie série serien part id ids port version versión build commit booking buchung réservation \
    reserva transaction transaktion transacción event request anfrage item product produkt produit producto \
    store shop warehouse lager entrepôt po rma return retour liefer timestamp hash";
/// Words that make an id a person's or a company's.
const OF_PEOPLE: &str = "tax steuer vat ust umsatzsteuer national personal fiscal";
/// What may stand between such a name and its number.
const FILLERS: &str = "number numbers no nr num nummer numéro número numero n is ist est es was the der le el und and code with \
    mit con avec de del";

/// Whether the words right before a place name a thing: `order no. `, `Bestellnummer `, `#`.
pub(super) fn names_a_thing(text: &str, at: usize) -> bool {
    let before = before(text, at);
    let trimmed = before.trim_end_matches([' ', ':', '.', '=', '(', '"', '\'', '°', 'º', '|', '\t']);
    if trimmed.ends_with('#') {
        return true;
    }
    let mut words = trimmed.rsplit(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    for _ in 0..3 {
        let Some(word) = words.next() else { return false };
        let word = word.to_lowercase();
        // A tax id is a person's.
        if matches!(word.as_str(), "id" | "ids")
            && words.next().is_some_and(|whose| one_of(OF_PEOPLE, &whose.to_lowercase()))
        {
            return false;
        }
        if OF_THINGS.split(' ').any(|name| is_named(&word, name)) {
            return true;
        }
        if !one_of(FILLERS, &word) {
            return false;
        }
    }
    false
}

/// Whether a word is one of a list.
pub(super) fn one_of(list: &str, word: &str) -> bool {
    list.split(' ').any(|other| other == word)
}

/// Short names only as whole words, longer ones also at the beginning of a compound.
fn is_named(word: &str, name: &str) -> bool {
    word == name || name.chars().count() >= 5 && word.starts_with(name)
}

/// The beginning of the line up to a place, as far as it is near.
pub(super) fn before(text: &str, at: usize) -> &str {
    let start = text.ceil_char_boundary(at.saturating_sub(NEAR));
    let near = text.get(start..at).unwrap_or_default();
    near.rsplit(['\n', '\r']).next().unwrap_or_default()
}

/// The rest of the line after a place, as far as it is near.
pub(super) fn after(text: &str, at: usize) -> &str {
    let end = text.floor_char_boundary((at + NEAR).min(text.len()));
    let near = text.get(at..end).unwrap_or_default();
    near.split(['\n', '\r']).next().unwrap_or_default()
}

/// Neither a part of a longer number or code, nor marked as one.
pub(super) fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let joined = |c: char| c.is_alphanumeric() || matches!(c, '#' | '_' | '-' | '/');
    !before.ends_with(joined) && !after.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Letters with digits or signs among them, as passwords and keys are and words are not.
pub(super) fn looks_random(value: &str) -> bool {
    let count = |is: fn(&char) -> bool| value.chars().filter(is).count();
    let letters = count(|c| c.is_alphabetic());
    let digits = count(|c| c.is_ascii_digit());
    let signs = count(|c| "!@#$%^&*?+=~§€_".contains(*c));
    let address = value.contains("://") || value.starts_with('/') || NUMBERED.is_match(value);
    let inner = value.trim_start_matches('#');
    inner.chars().count() >= 6 && letters > 0 && digits + signs > 0 && !address
}

/// A number with its prefix or unit: `v2.10.3`, `SO-1001`, `1500ms`.
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:v?\d+(?:[.,:]\d+)*[a-z]{0,4}|[A-Z]{2,4}-\d[\d-]*|\d+(?:st|nd|rd|th)|\w+\.(?:csv|json|xml|pdf|xlsx?|txt))$")
        .expect("a fixed pattern")
});
