//! Whether an article answers what a ticket asks: the whole article, and every question of the ticket.
//!
//! Two logistic regressions. One is for articles of which labelled tickets are known, both such as it answers and such as
//! are near it and are not answered; the other for all others.

pub(crate) mod evidence;
mod examples;

use encoder::DIMENSIONS;
use ndarray::{Array1, ArrayView1};

pub use self::{
    evidence::{BESIDE, Evidence, PLAIN, RANKED},
    examples::{Example, Examples},
};
use crate::numbers::Numbers;

/// The score at which an article is good enough for a draft, whichever regression judged.
pub const DRAFT: f32 = 0.45;
/// The score at which it is good enough for a public answer: `auto_reply_match` as it is delivered.
pub const PUBLIC: f32 = 0.6;

/// A regression with the two log-odds that count.
#[derive(Clone, PartialEq, Debug)]
pub struct Judge {
    /// For each number of the evidence, then for each number of what the ticket is about.
    pub weights: Array1<f32>,
    pub bias: f32,
    /// From these log-odds on a draft is offered: 86 in 100 of the pairs that it was chosen on fit.
    pub draft: f32,
    /// From these on an answer may go out: 98 in 100 of those pairs fit.
    pub public: f32,
}

/// What is learnt of pairs of a ticket and an article.
#[derive(Clone, PartialEq, Debug)]
pub struct Gate {
    /// What ranks the articles of a base, for each number of [`Evidence::ranked`].
    pub ranking: [f32; RANKED],
    /// For articles without examples.
    pub plain: Judge,
    /// For articles with examples.
    pub exemplified: Judge,
    pub examples: Examples,
}

/// The bytes are no gate of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a gate of this version; run `cargo run --release -- train --only-gate`")]
pub struct GateError;

const MAGIC: &[u8] = b"GATE0001";

impl Judge {
    /// The log-odds that the article fits.
    #[must_use]
    pub fn log_odds(&self, evidence: &[f32], whole: ArrayView1<'_, f32>) -> f32 {
        let numbers = evidence.iter().chain(whole);
        self.bias + self.weights.iter().zip(numbers).map(|(weight, number)| weight * number).sum::<f32>()
    }

    /// 0 to 1, rising with the log-odds: [`DRAFT`] where they are enough for a draft, [`PUBLIC`] where they are enough for a
    /// public answer.
    #[must_use]
    pub fn score(&self, log_odds: f32) -> f32 {
        let logistic = |x: f32| 1.0 / (1.0 + libm::expf(-x));
        if log_odds < self.draft {
            2.0 * DRAFT * logistic(log_odds - self.draft)
        } else if log_odds < self.public {
            DRAFT + (PUBLIC - DRAFT) * (log_odds - self.draft) / (self.public - self.draft)
        } else {
            PUBLIC + (1.0 - PUBLIC) * (2.0 * logistic(log_odds - self.public) - 1.0)
        }
    }

    fn read(file: &mut Numbers, evidence: usize) -> Option<Self> {
        let weights = file.take(evidence + DIMENSIONS)?.into();
        let [bias, draft, public] = file.take(3)?.try_into().ok()?;
        Some(Self { weights, bias, draft, public })
    }

    fn numbers(&self) -> impl Iterator<Item = f32> {
        self.weights.iter().copied().chain([self.bias, self.draft, self.public])
    }
}

impl Gate {
    /// Knows nothing: where fitting begins.
    #[must_use]
    pub fn blank() -> Self {
        let judge = |evidence: usize| Judge {
            weights: Array1::zeros(evidence + DIMENSIONS),
            bias: 0.0,
            draft: 0.0,
            public: 1.0,
        };
        Self {
            ranking: [1.0; RANKED],
            plain: judge(PLAIN),
            exemplified: judge(PLAIN + BESIDE),
            examples: Examples::default(),
        }
    }

    /// Reads the file form: the magic; then as little-endian `f32` the ranking, the plain judge and the one with examples,
    /// each with weights, bias and the log-odds for a draft and an answer; then the examples.
    ///
    /// # Errors
    /// [`GateError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, GateError> {
        bytes.strip_prefix(MAGIC).and_then(Self::read_after_magic).ok_or(GateError)
    }

    fn read_after_magic(bytes: &'static [u8]) -> Option<Self> {
        let mut file = Numbers::new(bytes);
        let ranking = file.take(RANKED)?.try_into().ok()?;
        let plain = Judge::read(&mut file, PLAIN)?;
        let exemplified = Judge::read(&mut file, PLAIN + BESIDE)?;
        Some(Self { ranking, plain, exemplified, examples: Examples::read(&mut file)? })
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.ranking.into_iter().chain(self.plain.numbers()).chain(self.exemplified.numbers());
        let numbers = numbers.flat_map(f32::to_le_bytes);
        MAGIC.iter().copied().chain(numbers).chain(self.examples.to_bytes()).collect()
    }

    /// How well an article fits, 0 to 1: see [`Judge::score`].
    #[must_use]
    pub fn score(&self, evidence: &Evidence, whole: ArrayView1<'_, f32>) -> f32 {
        let judge = if evidence.beside.is_some() { &self.exemplified } else { &self.plain };
        judge.score(judge.log_odds(&evidence.numbers(), whole))
    }

    /// Where an article stands among those of its base, by [`Evidence::ranked`].
    #[must_use]
    pub fn rank(&self, ranked: &[f32; RANKED]) -> f32 {
        self.ranking.iter().zip(ranked).map(|(weight, number)| weight * number).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_rises_through_both_thresholds() {
        let judge = Judge { weights: Array1::zeros(0), bias: 0.0, draft: 0.5, public: 2.5 };
        let scores: Vec<f32> = (-40..80).map(|tenths| judge.score(tenths as f32 / 10.0)).collect();
        assert!(scores.is_sorted_by(|a, b| a < b) && scores.iter().all(|score| (0.0..=1.0).contains(score)));
        assert!((judge.score(0.5) - DRAFT).abs() < 1e-6 && (judge.score(2.5) - PUBLIC).abs() < 1e-6);
    }

    #[test]
    fn a_gate_equals_the_one_read() {
        let gate = Gate::read(data::GATE).unwrap();
        assert!(gate.to_bytes() == data::GATE);
        assert!(Gate::read(b"GATE0001").is_err());
    }
}
