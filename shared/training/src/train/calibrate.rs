//! Fitting the [`Ensemble`] of each task: interpolation weight, scale and bias, on scenarios held out.
#![expect(
    clippy::indexing_slicing,
    reason = "a class is one of its task's; a wrong one must panic in a test, not count as impossible"
)]

use std::ops::RangeInclusive;

use analyst::{
    heads::{PerTask, Task},
    model::Ensemble,
};

use super::{HeldOutScores, TicketExample};

/// Widths of the search, from coarse to fine: below the last, probabilities change by about a percent.
const WIDTHS: [f32; 4] = [1.0, 0.4, 0.15, 0.05];
/// Rounds at each width: five steps take the n-gram weight from one end to the other, one more finds that it is the end.
const ROUNDS: usize = 6;
/// What a step of width 1 adds to the n-gram weight, which lies between 0 and 1.
const NGRAM_WEIGHT_STEP: f32 = 0.2;
/// What a step of width 1 adds to the logarithm of the scale.
const LOG_SCALE_STEP: f32 = 0.5;
/// Where the search for the n-gram weight starts: the networks alone do better than the n-grams alone.
const FIRST_NGRAM_WEIGHT: f32 = 0.3;
/// Bounds of the scale: a few held-out tickets must not make every confidence the same, or all of them 0 or 1.
const MIN_SCALE: f32 = 0.05;
const MAX_SCALE: f32 = 4.0;
/// The least probability that counts: one ticket thought impossible must not outweigh all others.
const MIN_PROBABILITY: f32 = 1e-6;

/// A held-out ticket whose label is known.
struct Labelled<'a> {
    scores: &'a HeldOutScores,
    class: usize,
    weight: f32,
}

/// The ensemble of the least negative log-likelihood, by coordinate descent in ever smaller steps. `ngram_weights` are the
/// ones allowed.
pub(super) fn fit<'a>(
    task: Task,
    examples: impl Iterator<Item = (&'a TicketExample, &'a PerTask<HeldOutScores>)>,
    ngram_weights: &RangeInclusive<f32>,
) -> Ensemble {
    let labelled: Vec<Labelled<'_>> = examples
        .filter_map(|(example, scores)| {
            let class = example.truth.classes[task]?;
            // Single sentences are no mail: how often they carry a signal says nothing of how often tickets do.
            (example.truth.weight >= 1.0).then_some(())?;
            // Where nobody knows the words, only the networks are weighed.
            (example.heard.features.is_some() || *ngram_weights.end() == 0.0).then_some(())?;
            Some(Labelled { scores: &scores[task], class, weight: example.truth.weight })
        })
        .collect();
    let has_bias = match task {
        // The corpus has more signals than an inbox; the bias moves them against "none".
        Task::Churn | Task::Intent => true,
        Task::Priority | Task::Agent | Task::Sentiment | Task::Topic => false,
    };
    let ngram_weight = FIRST_NGRAM_WEIGHT.clamp(*ngram_weights.start(), *ngram_weights.end());
    let mut best = Ensemble { ngram_weight, scale: 1.0, bias: 0.0 };
    let mut least = negative_log_likelihood(best, &labelled);
    for width in WIDTHS {
        for _ in 0..ROUNDS {
            let from = best;
            let moved = |by: Ensemble| Ensemble {
                ngram_weight: (from.ngram_weight + NGRAM_WEIGHT_STEP * by.ngram_weight)
                    .clamp(*ngram_weights.start(), *ngram_weights.end()),
                scale: (from.scale * libm::expf(LOG_SCALE_STEP * by.scale)).clamp(MIN_SCALE, MAX_SCALE),
                bias: if has_bias { from.bias + by.bias } else { 0.0 },
            };
            let still = Ensemble { ngram_weight: 0.0, scale: 0.0, bias: 0.0 };
            for step in [-width, width] {
                for by in [
                    Ensemble { ngram_weight: step, ..still },
                    Ensemble { scale: step, ..still },
                    Ensemble { bias: step, ..still },
                ] {
                    let candidate = moved(by);
                    let loss = negative_log_likelihood(candidate, &labelled);
                    if loss < least {
                        (best, least) = (candidate, loss);
                    }
                }
            }
        }
    }
    best
}

fn negative_log_likelihood(ensemble: Ensemble, tickets: &[Labelled<'_>]) -> f32 {
    let of_ticket = |ticket: &Labelled<'_>| {
        let HeldOutScores { network, ngrams } = ticket.scores;
        let probabilities = ensemble.probabilities(network, ngrams.clone());
        -ticket.weight * libm::logf(probabilities[ticket.class].max(MIN_PROBABILITY))
    };
    tickets.iter().map(of_ticket).sum()
}
