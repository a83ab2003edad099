//! Fitting the classifier of single sentences.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

use analyst::{
    acts::{Act, Acts},
    features::{self, Features},
    inputs::Inputs,
};
use encoder::Encoder;
use ndarray::Array2;
use strum::EnumCount;

use super::{
    folds, ngrams,
    regression::{self, Schedule},
};
use crate::corpus::ActSentence;

const SCHEDULE: Schedule = Schedule { epochs: 60, weight_decay: 2e-4 };

/// Sentences as numbers, with their acts.
#[derive(Clone, Debug)]
pub struct ActExamples {
    inputs: Array2<f32>,
    ngrams: Vec<Features>,
    truth: Vec<usize>,
}

impl ActExamples {
    #[must_use]
    pub fn new(encoder: &Encoder, sentences: &[ActSentence]) -> Self {
        Self {
            inputs: Inputs::sentences(encoder, sentences.iter().map(|sentence| sentence.text.as_str())),
            ngrams: sentences.iter().map(|sentence| features::extract("", &sentence.text)).collect(),
            truth: sentences.iter().map(|sentence| sentence.act as usize).collect(),
        }
    }

    /// Fitted on all of them.
    #[must_use]
    pub fn fit(&self) -> Acts {
        self.fit_on(&(0..self.truth.len()).collect::<Vec<_>>())
    }

    /// What a classifier says of each sentence that has not seen its fifth.
    #[must_use]
    pub fn held_out(&self) -> Vec<Act> {
        let mut said = vec![Act::Context; self.truth.len()];
        for (seen, unseen) in folds(self.truth.len()) {
            let acts = self.fit_on(&seen);
            for index in unseen {
                let probabilities = acts.of(self.inputs.row(index), Some(&self.ngrams[index]));
                said[index] = analyst::acts::likeliest(&probabilities).0;
            }
        }
        said
    }

    fn fit_on(&self, chosen: &[usize]) -> Acts {
        let examples = regression::Examples { inputs: &self.inputs, truth: &self.truth, classes: Act::COUNT };
        let wordings = chosen.iter().map(|index| ngrams::Example {
            ngrams: &self.ngrams[*index],
            class: self.truth[*index],
            weight: 1.0,
        });
        let ngrams = ngrams::fit(Act::COUNT, &wordings.collect::<Vec<_>>());
        Acts::new(regression::fit(examples, chosen, SCHEDULE), ngrams)
    }
}
