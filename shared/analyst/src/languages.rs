//! Which language a text is in: one of the four that are served, or another.

use domain::Language;
use whatlang::{Detector, Lang};

use crate::{
    features,
    heads::softmax,
    model::argmax,
    ngram_head::{self, NgramHead},
    numbers::Numbers,
};

/// Characters looked at: enough to be sure, and a long log changes nothing.
const LOOKED_AT: usize = 600;
/// Languages told apart, as [`Language`] lists them.
pub const LANGUAGES: usize = 5;
/// From this share of letters in another script on, a text is in another language, whatever product names it has.
const FOREIGN_SCRIPT: f32 = 0.25;
/// Below this many letters another language than English has to be this sure.
const FEW: usize = 16;
const SURE: f32 = 0.7;
/// Statistics over trigrams know fifty languages more than the classifier, and are right on whole sentences only.
const STATISTICS_FROM: usize = 60;

/// A linear classifier over n-grams, fitted on short support messages.
#[derive(Clone, PartialEq, Debug)]
pub struct Languages(NgramHead);

/// The bytes are no detector of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a language detector of this version; run `cargo run --release -- train --only-kinds`")]
pub struct LanguagesError;

const MAGIC: &[u8] = b"LANGS001";

impl Languages {
    #[must_use]
    pub fn new(head: NgramHead) -> Self {
        Self(head)
    }

    /// # Errors
    /// [`LanguagesError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, LanguagesError> {
        let mut file = Numbers::new(bytes.strip_prefix(MAGIC).ok_or(LanguagesError)?);
        let head = ngram_head::read(&mut file, LANGUAGES).filter(|_| file.is_empty());
        head.map(Self).ok_or(LanguagesError)
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        MAGIC.iter().copied().chain(ngram_head::bytes(&self.0)).collect()
    }

    /// The likeliest; English when there is nothing to go by.
    #[must_use]
    pub fn detect(&self, text: &str) -> Language {
        let text: String = text.chars().take(LOOKED_AT).collect();
        let letters = text.chars().filter(|c| c.is_alphabetic()).count();
        let foreign = text.chars().filter(|c| c.is_alphabetic() && !is_latin(*c)).count();
        if letters == 0 {
            return Language::En;
        }
        if foreign as f32 >= FOREIGN_SCRIPT * letters as f32 {
            return Language::Other;
        }
        let likeliest = self.likeliest(&text, letters);
        let by_statistics = (letters >= STATISTICS_FROM).then(|| statistics(&text)).flatten();
        by_statistics.unwrap_or(likeliest)
    }
}

impl Languages {
    /// Of few letters product words are most, and those are English in every language: others have to be sure.
    fn likeliest(&self, text: &str, letters: usize) -> Language {
        let mut logits = self.0.logits(&features::extract("", text));
        softmax(logits.view_mut());
        let probabilities = logits.to_vec();
        let best = argmax(&probabilities);
        let sure = probabilities.get(best).is_some_and(|probability| *probability >= SURE);
        if letters >= FEW || sure { served(best) } else { Language::En }
    }
}

/// What trigrams say of a whole sentence, if they are sure.
fn statistics(text: &str) -> Option<Language> {
    let guess = Detector::new().detect(text).filter(whatlang::Info::is_reliable)?;
    Some(match guess.lang() {
        Lang::Eng => Language::En,
        Lang::Fra => Language::Fr,
        Lang::Deu => Language::De,
        Lang::Spa => Language::Es,
        _ => Language::Other,
    })
}

fn served(class: usize) -> Language {
    [Language::En, Language::Fr, Language::De, Language::Es].get(class).copied().unwrap_or(Language::Other)
}

/// Latin letters with all their accents; look-alikes of other scripts were folded before.
fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}
