//! Multinomial logistic regression by [`Adam`].
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

use analyst::heads::{Layer, softmax};
use ndarray::{Array2, Axis};

use super::optimiser::{Adam, Group};
use crate::random::Random;

/// Adam's usual rate times five: the problem is convex, and the rate falls along a line to zero.
const LEARNING_RATE: f32 = 5e-3;
const BATCH: usize = 64;
const SEED: u64 = 11;

/// What is learnt from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Examples<'a> {
    /// A row each.
    pub(super) inputs: &'a Array2<f32>,
    pub(super) truth: &'a [usize],
    pub(super) classes: usize,
}

/// How long, and how hard weights are pulled towards zero; both were found by cross-validation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) epochs: usize,
    /// Of a step at the full learning rate.
    pub(super) weight_decay: f32,
    /// The share of the truth that is spread over all classes, where a text may be two things.
    pub(super) label_smoothing: f32,
}

/// Fits on the `chosen` rows.
pub(super) fn fit(examples: Examples<'_>, chosen: &[usize], schedule: Schedule) -> Layer {
    let Examples { inputs, truth, classes } = examples;
    let (mut layer, mut random, mut order) = (Layer::zeros(inputs.ncols(), classes), Random(SEED), chosen.to_vec());
    let steps = order.len().div_ceil(BATCH);
    let mut optimiser = Adam::new(layer.slices().into_iter().map(<[f32]>::len));
    for epoch in 0..schedule.epochs {
        random.shuffle(&mut order);
        for (step, batch) in order.chunks(BATCH).enumerate() {
            let rows = inputs.select(Axis(0), batch);
            let mut errors = layer.forward(&rows);
            for (mut row, index) in errors.rows_mut().into_iter().zip(batch) {
                softmax(row.view_mut());
                row -= schedule.label_smoothing / classes as f32;
                row[truth[*index]] -= 1.0 - schedule.label_smoothing;
            }
            errors /= batch.len() as f32;
            // A product with a transposed matrix may be in the other order.
            let weights = rows.t().dot(&errors).as_standard_layout().into_owned();
            let gradient = Layer { weights, bias: errors.sum_axis(Axis(0)) };
            let left = 1.0 - (epoch * steps + step) as f32 / (schedule.epochs * steps) as f32;
            let decays = [schedule.weight_decay * left, 0.0];
            let groups = layer.slices_mut().into_iter().zip(gradient.slices()).zip(decays);
            optimiser.step(
                groups.map(|((weights, gradient), decay)| Group { weights, gradient, decay }),
                LEARNING_RATE * left,
            );
        }
    }
    layer
}
