//! The words of the articles, as stems, each text's by the rules of its language.

use std::collections::{BTreeMap, HashMap};

use domain::Language;
use rust_stemmers::{Algorithm, Stemmer};
use strum::IntoEnumIterator;

use super::Article;
use crate::features;

/// How often the words of a title and of a question count, against once for the answer: they are closer to how customers
/// ask.
const TITLE_WEIGHT: f32 = 3.0;
const QUESTION_WEIGHT: f32 = 2.0;

/// The stems of the articles' words, numbered as they come.
pub(super) struct Vocabulary {
    stemmers: BTreeMap<Language, Stemmer>,
    stems: HashMap<String, usize>,
    /// Words as written in the articles, so that they need no stemming in a ticket; None for words that say nothing.
    words: HashMap<String, Option<usize>>,
}

impl Vocabulary {
    pub(super) fn new() -> Self {
        let words = STOP.iter().map(|word| ((*word).to_owned(), None)).collect();
        let stemmers = Language::iter().map(|language| (language, Stemmer::create(algorithm(language)))).collect();
        Self { stemmers, stems: HashMap::new(), words }
    }

    pub(super) fn len(&self) -> usize {
        self.stems.len()
    }

    /// The stems of a text, new ones added.
    fn learn(&mut self, text: &str, language: Language) -> Vec<usize> {
        let mut found = Vec::new();
        for word in features::words(text) {
            if !self.words.contains_key(&word) {
                let next = self.stems.len();
                let stem = self.stem(&word, language);
                let number = *self.stems.entry(stem).or_insert(next);
                self.words.insert(word.clone(), Some(number));
            }
            found.extend(self.words.get(&word).copied().flatten());
        }
        found
    }

    fn stem(&self, word: &str, language: Language) -> String {
        self.stemmers[&language].stem(word).into_owned()
    }

    /// The known stems of a text.
    pub(super) fn known(&self, text: &str, language: Language) -> Vec<usize> {
        features::words(text)
            .into_iter()
            .filter_map(|word| match self.words.get(&word) {
                Some(known) => *known,
                None => self.stems.get(&self.stem(&word, language)).copied(),
            })
            .collect()
    }

    /// How often each stem counts for an article.
    pub(super) fn weigh(&mut self, article: &Article) -> BTreeMap<usize, f32> {
        let mut counts = BTreeMap::new();
        let mut add = |text: &str, language: Language, weight: f32| {
            for stem in self.learn(text, language) {
                *counts.entry(stem).or_insert(0.0) += weight;
            }
        };
        for (language, wording) in &article.wordings {
            add(&wording.title, *language, TITLE_WEIGHT);
            wording.questions.iter().for_each(|question| add(question, *language, QUESTION_WEIGHT));
        }
        add(&article.answer, article.language, 1.0);
        article.details.iter().for_each(|sentence| add(sentence, article.language, 1.0));
        counts
    }

    pub(super) fn questions(&self, article: &Article) -> Vec<Vec<usize>> {
        let questions = article.wordings.iter().flat_map(|(language, wording)| {
            wording.questions.iter().chain([&wording.title]).map(|question| (*language, question))
        });
        questions
            .map(|(language, question)| {
                let mut stems = self.known(question, language);
                stems.sort_unstable();
                stems.dedup();
                stems
            })
            .collect()
    }
}

fn algorithm(language: Language) -> Algorithm {
    match language {
        Language::Fr => Algorithm::French,
        Language::De => Algorithm::German,
        Language::Es => Algorithm::Spanish,
        Language::It => Algorithm::Italian,
        Language::Pt => Algorithm::Portuguese,
        Language::Nl => Algorithm::Dutch,
        Language::Tr => Algorithm::Turkish,
        Language::Ru => Algorithm::Russian,
        Language::Ar => Algorithm::Arabic,
        Language::En | Language::Pl | Language::Ja | Language::Zh | Language::Ko | Language::Th | Language::Other => {
            Algorithm::English
        }
    }
}

/// Words that say nothing about the matter.
const STOP: &[&str] = &[
    "a",
    "about",
    "after",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "because",
    "been",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "dont",
    "for",
    "from",
    "get",
    "go",
    "had",
    "has",
    "have",
    "hello",
    "hi",
    "how",
    "i",
    "if",
    "im",
    "in",
    "into",
    "is",
    "it",
    "its",
    "ive",
    "just",
    "like",
    "me",
    "my",
    "need",
    "no",
    "not",
    "now",
    "of",
    "on",
    "one",
    "or",
    "our",
    "out",
    "over",
    "please",
    "see",
    "so",
    "some",
    "team",
    "thank",
    "thanks",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "they",
    "this",
    "to",
    "up",
    "us",
    "want",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
    "0",
    "s",
    "t",
    "customer",
    "everybody",
    "anybody",
    "something",
    "dear",
];
