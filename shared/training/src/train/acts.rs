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
    is_held_out, ngrams,
    regression::{self, Schedule},
};
use crate::{corpus::ActSentence, random::Random};

const SCHEDULE: Schedule = Schedule { epochs: 60, weight_decay: 2e-4, label_smoothing: 0.05 };

/// Sentences as numbers, with their acts.
#[derive(Clone, Debug)]
pub struct ActExamples {
    /// Each sentence, then each as others would have typed it.
    inputs: Array2<f32>,
    ngrams: Vec<Features>,
    truth: Vec<usize>,
    /// Of the sentences, whether nothing else has learnt from them: neither the encoder nor the judge of the held-out ones.
    held_out: Vec<bool>,
}

impl ActExamples {
    #[must_use]
    pub fn new(encoder: &Encoder, sentences: &[ActSentence]) -> Self {
        let typed: Vec<String> =
            sentences.iter().enumerate().map(|(number, sentence)| retyped(number, sentence)).collect();
        let texts = || sentences.iter().map(|sentence| sentence.text.as_str()).chain(typed.iter().map(String::as_str));
        Self {
            inputs: Inputs::sentences(encoder, texts()),
            ngrams: texts().map(|text| features::extract("", text)).collect(),
            truth: sentences.iter().chain(sentences).map(|sentence| sentence.act as usize).collect(),
            held_out: sentences.iter().map(|sentence| is_held_out(&sentence.text)).collect(),
        }
    }

    /// Fitted on all of them.
    #[must_use]
    pub fn fit(&self) -> Acts {
        self.fit_on(&(0..self.sentences()).collect::<Vec<_>>())
    }

    fn sentences(&self) -> usize {
        self.held_out.len()
    }

    /// What a classifier says of each sentence held out that has seen the others only: the right act, and the likeliest.
    #[must_use]
    pub fn held_out(&self) -> Vec<(usize, Act)> {
        let (unseen, seen): (Vec<usize>, Vec<usize>) = (0..self.sentences()).partition(|index| self.held_out[*index]);
        let acts = self.fit_on(&seen);
        let likeliest = |index: usize| {
            let probabilities = acts.of(self.inputs.row(index), Some(&self.ngrams[index]));
            (self.truth[index], analyst::acts::likeliest(&probabilities).0)
        };
        unseen.into_iter().map(likeliest).collect()
    }

    /// On sentences by their numbers, and on these as others would have typed them.
    fn fit_on(&self, chosen: &[usize]) -> Acts {
        let typed = chosen.iter().map(|index| index + self.sentences());
        let chosen = &chosen.iter().copied().chain(typed).collect::<Vec<_>>();
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

/// A sentence as somebody else would have typed it, if that is another way.
pub(super) fn retyped(number: usize, sentence: &ActSentence) -> String {
    let lines =
        super::example::retype(std::slice::from_ref(&sentence.text), sentence.language, &mut Random(number as u64));
    lines.map_or_else(|| sentence.text.clone(), |lines| lines.concat())
}
