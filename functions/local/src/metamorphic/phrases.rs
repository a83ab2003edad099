//! What changes put into a ticket: the texts of `phrases.toml`.

use std::sync::LazyLock;

use domain::Language;
use serde::Deserialize;
use training::random::Random;

/// The file.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    pub(super) closings: Vec<String>,
    pub(super) log: Vec<String>,
    pub(super) json: Vec<String>,
    pub(super) greeting: ByLanguage,
    pub(super) courtesy_before: ByLanguage,
    pub(super) courtesy_after: ByLanguage,
    pub(super) formal_courtesy: ByLanguage,
    pub(super) disclaimer: ByLanguage,
    pub(super) banner: ByLanguage,
    pub(super) environment: ByLanguage,
    pub(super) signature: ByLanguage,
    pub(super) phone: ByLanguage,
    pub(super) antivirus: ByLanguage,
    pub(super) unsubscribe: ByLanguage,
    pub(super) history: ByLanguage,
    pub(super) sentence: ByLanguage,
    pub(super) conversation: ByLanguage,
    pub(super) names: ByLanguage,
    pub(super) products: Vec<Products>,
}

/// The variants of a text in each language that tickets are changed in.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct ByLanguage {
    pub(super) en: Vec<String>,
    fr: Vec<String>,
    de: Vec<String>,
    es: Vec<String>,
}

/// Products that may stand for each other.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Products {
    /// For readers of the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers of the file"))]
    role: String,
    pub(super) names: Vec<String>,
}

impl ByLanguage {
    /// The variants in a language; none in one that has none.
    pub(super) fn of(&self, language: Language) -> &[String] {
        match language {
            Language::En => &self.en,
            Language::Fr => &self.fr,
            Language::De => &self.de,
            Language::Es => &self.es,
            Language::It
            | Language::Pt
            | Language::Nl
            | Language::Pl
            | Language::Tr
            | Language::Ru
            | Language::Ar
            | Language::Ja
            | Language::Zh
            | Language::Ko
            | Language::Th
            | Language::Other => &[],
        }
    }

    /// The variants in every language.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        [&self.en, &self.fr, &self.de, &self.es].into_iter().flatten()
    }
}

/// One of the variants; none of none.
pub(super) fn any<'a>(variants: &'a [String], random: &mut Random) -> Option<&'a str> {
    let place = if variants.is_empty() { return None } else { random.below(variants.len()) };
    variants.get(place).map(String::as_str)
}

/// The bundled file.
pub(super) fn phrases() -> &'static Phrases {
    static PHRASES: LazyLock<Phrases> =
        LazyLock::new(|| toml::from_str(include_str!("phrases.toml")).expect("the bundled phrases parse"));
    &PHRASES
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    const WRITTEN: [Language; 4] = [Language::En, Language::Fr, Language::De, Language::Es];

    /// Every text but names.
    fn texts() -> [&'static ByLanguage; 14] {
        let Phrases {
            closings: _,
            log: _,
            json: _,
            greeting,
            courtesy_before,
            courtesy_after,
            formal_courtesy,
            disclaimer,
            banner,
            environment,
            signature,
            phone,
            antivirus,
            unsubscribe,
            history,
            sentence,
            conversation,
            names: _,
            products: _,
        } = phrases();
        [
            greeting,
            courtesy_before,
            courtesy_after,
            formal_courtesy,
            disclaimer,
            banner,
            environment,
            signature,
            phone,
            antivirus,
            unsubscribe,
            history,
            sentence,
            conversation,
        ]
    }

    #[test]
    fn every_text_is_there_in_four_languages() {
        for (place, text) in texts().into_iter().chain([&phrases().names]).enumerate() {
            let missing = WRITTEN.into_iter().find(|language| text.of(*language).is_empty());
            assert_eq!(missing, None, "the text at {place}");
        }
        let blank = texts().into_iter().flat_map(ByLanguage::all).find(|text| text.trim().is_empty());
        assert_eq!(blank, None);
    }

    #[test]
    fn no_text_was_learnt_by_heart() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/corpus/training");
        let mut learnt = String::new();
        for folder in std::fs::read_dir(corpus).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
                learnt.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap().to_lowercase());
            }
        }
        assert!(learnt.len() > 1_000_000);
        let lines = texts().into_iter().flat_map(ByLanguage::all).flat_map(|text| text.lines());
        for line in lines.map(|line| line.trim_start_matches(['>', ' ']).trim_end().to_lowercase()) {
            // Short greetings are anybody's, and mail programs write the same line above every quoted mail.
            let is_formula = line.chars().count() < 20 || line.starts_with("-----");
            assert!(is_formula || !learnt.contains(&line), "“{line}” is in the training corpus; word it otherwise");
        }
    }

    #[test]
    fn a_product_has_one_role() {
        let mut seen = BTreeSet::new();
        for Products { role, names } in &phrases().products {
            assert!(names.len() >= 2, "{role}");
            for name in names {
                assert!(seen.insert(name.to_lowercase()), "{name} is among {role} and elsewhere");
            }
        }
    }
}
