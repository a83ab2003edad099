//! Which of the served languages a text is in.

use domain::Language;
use whatlang::{Detector, Lang};

/// Characters looked at: enough to be sure, and a long log changes nothing.
const LOOKED_AT: usize = 500;

/// The most likely of the four; English when there is nothing to go by.
#[must_use]
pub fn detect(text: &str) -> Language {
    let end = text.char_indices().nth(LOOKED_AT).map_or(text.len(), |(end, _)| end);
    let text = text.get(..end).unwrap_or(text);
    let detector = Detector::with_allowlist(vec![Lang::Eng, Lang::Fra, Lang::Deu, Lang::Spa]);
    let guess = detector.detect(text);
    let lang = match guess {
        Some(guess) if guess.is_reliable() => Some(guess.lang()),
        guess => by_common_words(text).or(guess.map(|guess| guess.lang())),
    };
    match lang {
        Some(Lang::Fra) => Language::Fr,
        Some(Lang::Deu) => Language::De,
        Some(Lang::Spa) => Language::Es,
        Some(_) | None => Language::En,
    }
}

/// In a text too short for statistics the small words tell: the language with the most of them, if one has.
fn by_common_words(text: &str) -> Option<Lang> {
    const COMMON: [(Lang, &[&str]); 4] = [
        (
            Lang::Eng,
            &[
                "the", "and", "is", "are", "do", "does", "how", "we", "i", "my", "our", "to", "of", "not", "can",
                "have", "it", "with", "for", "please", "what", "your", "you",
            ],
        ),
        (
            Lang::Fra,
            &[
                "le", "la", "les", "des", "du", "et", "est", "nous", "je", "notre", "nos", "pas", "ne", "pour", "avec",
                "une", "un", "dans", "vous", "que", "comment", "bonjour", "merci",
            ],
        ),
        (
            Lang::Deu,
            &[
                "der", "die", "das", "und", "ist", "wir", "ich", "unsere", "nicht", "mit", "ein", "eine", "auf", "wie",
                "bitte", "sie", "den", "dem", "zu", "im", "hallo", "kann", "keine",
            ],
        ),
        (
            Lang::Spa,
            &[
                "el", "los", "las", "y", "es", "nuestro", "nuestra", "no", "con", "una", "para", "por", "como", "que",
                "en", "se", "hola", "gracias", "del", "al", "puedo", "mi",
            ],
        ),
    ];
    let words = crate::features::words(text);
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let counts = COMMON.map(|(lang, list)| (count(list), lang));
    let most = counts.iter().map(|(count, _)| *count).max().filter(|most| *most > 0)?;
    let mut best = counts.into_iter().filter(|(count, _)| *count == most);
    best.next().map(|(_, lang)| lang).filter(|_| best.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_enough() {
        for (text, expected) in [
            ("Our orders have not been synchronised since this morning.", Language::En),
            ("Nos commandes ne sont plus synchronisées depuis ce matin.", Language::Fr),
            ("Unsere Bestellungen werden seit heute Morgen nicht mehr übertragen.", Language::De),
            ("Nuestros pedidos no se sincronizan desde esta mañana.", Language::Es),
            ("How do I print a shipping label?", Language::En),
            ("wie drucke ich das etikett", Language::De),
            ("comment imprimer une étiquette ?", Language::Fr),
            ("cómo puedo imprimir la etiqueta", Language::Es),
            ("", Language::En),
            ("404", Language::En),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }
}
