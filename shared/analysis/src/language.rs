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
    match detector.detect_lang(text) {
        Some(Lang::Fra) => Language::Fr,
        Some(Lang::Deu) => Language::De,
        Some(Lang::Spa) => Language::Es,
        Some(_) | None => Language::En,
    }
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
            ("", Language::En),
            ("404", Language::En),
        ] {
            assert_eq!(detect(text), expected, "{text}");
        }
    }
}
