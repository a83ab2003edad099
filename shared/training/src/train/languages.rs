//! Fitting the language detector.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

use analyst::{
    Languages,
    features::{self, Features},
    languages::{self, LANGUAGES},
};
use domain::Language;

use super::{folds, ngrams};

/// Texts with their languages.
#[derive(Clone, Debug)]
pub struct LanguageExamples {
    ngrams: Vec<Features>,
    truth: Vec<usize>,
    weights: Vec<f32>,
}

impl LanguageExamples {
    /// Each text is in a language that its words tell. Each language counts for as much as any other, however many texts it has.
    #[must_use]
    pub fn new(texts: &[(&str, Language)]) -> Self {
        let class = |language: Language| languages::class(language).expect("a language told by its words");
        let truth: Vec<usize> = texts.iter().map(|(_, language)| class(*language)).collect();
        let mut counts = [0usize; LANGUAGES];
        for class in &truth {
            counts[*class] += 1;
        }
        let mean = texts.len() as f32 / LANGUAGES as f32;
        Self {
            ngrams: texts.iter().map(|(text, _)| features::extract("", text)).collect(),
            weights: truth.iter().map(|class| mean / counts[*class] as f32).collect(),
            truth,
        }
    }

    #[must_use]
    pub fn fit(&self) -> Languages {
        self.fit_on(&(0..self.truth.len()).collect::<Vec<_>>())
    }

    /// What a detector says of each text that has not seen its fifth.
    #[must_use]
    pub fn held_out(&self, texts: &[(&str, Language)]) -> Vec<Language> {
        let mut said = vec![Language::En; texts.len()];
        for (seen, unseen) in folds(texts.len()) {
            let languages = self.fit_on(&seen);
            for index in unseen {
                said[index] = languages.detect(texts[index].0);
            }
        }
        said
    }

    fn fit_on(&self, chosen: &[usize]) -> Languages {
        let examples = chosen.iter().map(|index| ngrams::Example {
            ngrams: &self.ngrams[*index],
            class: self.truth[*index],
            weight: self.weights[*index],
        });
        Languages::new(ngrams::fit(LANGUAGES, &examples.collect::<Vec<_>>()))
    }
}
