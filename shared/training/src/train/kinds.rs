//! Fitting the classifier of whole tickets over what their sentences do.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

use analyst::{
    Acts, Kinds,
    customer_text::own_words,
    heads::Layer,
    inputs::Inputs,
    kinds::{EVIDENCE, Parts, fresh_subject},
    model::argmax,
    text,
};
use domain::{Kind, Language};
use encoder::Encoder;
use ndarray::{Array2, Axis};
use strum::EnumCount;

use super::{
    folds,
    regression::{self, Schedule},
};
use crate::corpus::{KindTicket, LabelledTicket};

const SCHEDULE: Schedule = Schedule { epochs: 80, weight_decay: 2e-5, label_smoothing: 0.05 };

/// Tickets as numbers, with their kinds.
#[derive(Clone, Debug)]
pub struct KindExamples {
    evidence: Array2<f32>,
    truth: Vec<usize>,
}

impl KindExamples {
    /// Tickets by kind, then tickets of customers, which are all requests.
    #[must_use]
    pub fn new(encoder: &Encoder, acts: &Acts, tickets: &[KindTicket], requests: &[&LabelledTicket]) -> Self {
        let by_kind = tickets.iter().map(|ticket| (&ticket.subject, &ticket.body, ticket.language, ticket.kind));
        let others = requests.iter().map(|ticket| (&ticket.subject, &ticket.body, ticket.language, Kind::Request));
        let all: Vec<(&String, &String, Language, Kind)> = by_kind.chain(others).collect();
        let mut evidence = Array2::zeros((all.len(), EVIDENCE));
        for ((subject, body, language, _), mut row) in all.iter().zip(evidence.rows_mut()) {
            let sentences = text::sentences(&own_words(subject, body));
            let inputs = Inputs::new(encoder, subject, &sentences);
            row.assign(&Parts::new(acts, &inputs, fresh_subject(subject), &sentences, *language).evidence());
        }
        Self { evidence, truth: all.iter().map(|(_, _, _, kind)| *kind as usize).collect() }
    }

    #[must_use]
    pub fn fit(&self, acts: Acts) -> Kinds {
        Kinds::new(acts, self.fit_on(&(0..self.truth.len()).collect::<Vec<_>>()))
    }

    /// What a classifier says of each ticket that has not seen its fifth: its kind's number.
    #[must_use]
    pub fn held_out(&self) -> Vec<usize> {
        let mut said = vec![0; self.truth.len()];
        for (seen, unseen) in folds(self.truth.len()) {
            let logits = self.fit_on(&seen).forward(&self.evidence.select(Axis(0), &unseen));
            for (index, row) in unseen.iter().zip(logits.rows()) {
                said[*index] = argmax(&row.to_vec());
            }
        }
        said
    }

    fn fit_on(&self, chosen: &[usize]) -> Layer {
        let examples = regression::Examples { inputs: &self.evidence, truth: &self.truth, classes: Kind::COUNT };
        regression::fit(examples, chosen, SCHEDULE)
    }

    /// The kinds' numbers.
    #[must_use]
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }
}
