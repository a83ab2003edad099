//! Which language a text is in: one of the fifteen that are read, or another.

use domain::Language;
use whatlang::{Detector, Lang};

use crate::{
    features,
    model::argmax,
    ngram_head::{self, NgramHead},
    numbers::Numbers,
};

/// Characters looked at: enough to be sure, and a long log changes nothing.
const LOOKED_AT: usize = 600;
/// Languages told apart by their words; other scripts tell by themselves. The order is the file's.
const BY_WORDS: [Language; 10] = [
    Language::En,
    Language::Fr,
    Language::De,
    Language::Es,
    Language::It,
    Language::Pt,
    Language::Nl,
    Language::Pl,
    Language::Tr,
    Language::Other,
];
pub const LANGUAGES: usize = BY_WORDS.len();
/// From this share of letters in another script on, a text is in another language, whatever product names it has.
const FOREIGN_SCRIPT: f32 = 0.25;
/// One in so many letters of another language's own makes it that one.
const OTHER_LETTERS: usize = 100;
/// Letters from which on statistics over trigrams are asked: they know fifty languages more than the classifier, and are right
/// on whole sentences only.
const STATISTICS_FROM: usize = 60;

/// A linear classifier over n-grams, fitted on short support messages.
#[derive(Clone, PartialEq, Debug)]
pub struct Languages(NgramHead);

/// The bytes are no detector of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a language detector of this version; run `cargo run --release -- train --only-kinds`")]
pub struct LanguagesError;

const MAGIC: &[u8] = b"LANGS002";

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
            return by_script(&text);
        }
        let likeliest = self.likeliest(&text);
        let by_statistics = (letters >= STATISTICS_FROM).then(|| statistics(&text)).flatten();
        by_statistics.unwrap_or(likeliest)
    }
}

impl Languages {
    /// By the words that belong to one language; English where there are none.
    fn likeliest(&self, text: &str) -> Language {
        let telling: Vec<&str> = text.split_whitespace().filter(|word| !is_loanword(word)).collect();
        if telling.is_empty() {
            return Language::En;
        }
        let class = argmax(&self.0.logits(&features::extract("", &telling.join(" "))).to_vec());
        BY_WORDS.get(class).copied().unwrap_or(Language::Other)
    }
}

/// Words of the trade that support mail in every language is full of, as [`features::words`] folds them.
fn is_loanword(word: &str) -> bool {
    const LOANWORDS: [&str; 44] = [
        "api",
        "key",
        "keys",
        "checkout",
        "webhook",
        "webhooks",
        "tracking",
        "pixel",
        "shopify",
        "store",
        "shop",
        "site",
        "down",
        "offline",
        "online",
        "plugin",
        "dashboard",
        "downtime",
        "rotate",
        "login",
        "account",
        "app",
        "sync",
        "export",
        "csv",
        "excel",
        "label",
        "labels",
        "error",
        "ticket",
        "support",
        "team",
        "server",
        "url",
        "token",
        "feed",
        "crash",
        "update",
        "upgrade",
        "plan",
        "growth",
        "scale",
        "woocommerce",
        "magento",
    ];
    let words = features::words(word);
    words.iter().all(|word| LOANWORDS.contains(&word.as_str()) || word == "0")
}

/// What trigrams say of a whole sentence, if they are sure.
fn statistics(text: &str) -> Option<Language> {
    let guess = Detector::new().detect(text).filter(whatlang::Info::is_reliable)?;
    Some(read(guess.lang()))
}

fn read(language: Lang) -> Language {
    match language {
        Lang::Eng => Language::En,
        Lang::Fra => Language::Fr,
        Lang::Deu => Language::De,
        Lang::Spa => Language::Es,
        Lang::Ita => Language::It,
        Lang::Por => Language::Pt,
        Lang::Nld => Language::Nl,
        Lang::Pol => Language::Pl,
        Lang::Tur => Language::Tr,
        Lang::Rus => Language::Ru,
        Lang::Ara => Language::Ar,
        Lang::Jpn => Language::Ja,
        Lang::Cmn => Language::Zh,
        Lang::Kor => Language::Ko,
        Lang::Tha => Language::Th,
        _ => Language::Other,
    }
}

/// Whether the n-gram heads were fitted on this language's words.
#[must_use]
pub fn has_ngrams(language: Language) -> bool {
    language.is_written()
}

/// The class of a language among those told apart by words; none of one told by its script.
#[must_use]
pub fn class(language: Language) -> Option<usize> {
    BY_WORDS.iter().position(|known| *known == language)
}

/// A text that is not in Latin letters: most scripts have one language that is read, and of the Cyrillic and the Arabic one
/// some letters, and whole sentences, tell.
fn by_script(text: &str) -> Language {
    let count = |is: fn(char) -> bool| text.chars().filter(|c| is(*c)).count();
    let kana = count(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let scripts = [
        (count(|c| matches!(c, '\u{4e00}'..='\u{9fff}')), if kana == 0 { Language::Zh } else { Language::Ja }),
        (kana, Language::Ja),
        (count(|c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}')), Language::Ko),
        (count(|c| matches!(c, '\u{e00}'..='\u{e7f}')), Language::Th),
        (count(|c| matches!(c, '\u{400}'..='\u{4ff}')), Language::Ru),
        (count(|c| matches!(c, '\u{600}'..='\u{6ff}')), Language::Ar),
    ];
    let (most, language) = scripts.into_iter().max_by_key(|(letters, _)| *letters).unwrap_or((0, Language::Other));
    // Ukrainian, Belarusian, Serbian and Macedonian; Persian and Urdu.
    let others = match language {
        Language::Ru => count(|c| "іїєґўјљњћђџѓќѕ".contains(c)),
        Language::Ar => count(|c| "پچژگکیےٹڈڑ".contains(c)),
        _ => 0,
    };
    if most == 0 || OTHER_LETTERS * others > most {
        return Language::Other;
    }
    let told_by_words = matches!(language, Language::Ru | Language::Ar) && most >= STATISTICS_FROM;
    told_by_words.then(|| statistics(text)).flatten().unwrap_or(language)
}

/// Latin letters with all their accents; look-alikes of other scripts were folded before.
fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{aa}' | '\u{ba}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}
