//! Multinomial logistic regression by Adam (Kingma and Ba, 2015) with decoupled weight decay.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

use analyst::heads::{Layer, softmax};
use ndarray::{Array1, Array2, Axis};

use crate::random::Random;

/// Adam's usual rate times five: the problem is convex, and the rate falls along a line to zero.
const LEARNING_RATE: f32 = 5e-3;
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
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
    let zeros = || Layer { weights: Array2::zeros((inputs.ncols(), classes)), bias: Array1::zeros(classes) };
    let (mut layer, mut random, mut order) = (zeros(), Random(SEED), chosen.to_vec());
    let steps = schedule.epochs * order.len().div_ceil(BATCH);
    let mut optimiser = Adam { first: zeros(), second: zeros(), step: 0, steps, decay: schedule.weight_decay };
    for _ in 0..schedule.epochs {
        random.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let rows = inputs.select(Axis(0), batch);
            let mut errors = layer.forward(&rows);
            for (mut row, index) in errors.rows_mut().into_iter().zip(batch) {
                softmax(row.view_mut());
                row -= schedule.label_smoothing / classes as f32;
                row[truth[*index]] -= 1.0 - schedule.label_smoothing;
            }
            errors /= batch.len() as f32;
            let gradient = Layer { weights: rows.t().dot(&errors), bias: errors.sum_axis(Axis(0)) };
            optimiser.step(&mut layer, &gradient);
        }
    }
    layer
}

struct Adam {
    first: Layer,
    second: Layer,
    step: usize,
    steps: usize,
    decay: f32,
}

impl Adam {
    fn step(&mut self, layer: &mut Layer, gradient: &Layer) {
        let progress = self.step as f32 / self.steps as f32;
        let (rate, decay) = (LEARNING_RATE * (1.0 - progress), self.decay * (1.0 - progress));
        self.step += 1;
        let correction = |beta: f32| 1.0 / (1.0 - libm::powf(beta, self.step as f32));
        let (first_correction, second_correction) = (correction(BETA_1), correction(BETA_2));
        let update = |weight: &mut f32, gradient: f32, first: &mut f32, second: &mut f32, decay: f32| {
            *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
            *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
            let direction = *first * first_correction / (libm::sqrtf(*second * second_correction) + EPSILON);
            *weight -= rate * direction + decay * *weight;
        };
        let moments = self.first.weights.iter_mut().zip(&mut self.second.weights);
        for ((weight, gradient), (first, second)) in layer.weights.iter_mut().zip(&gradient.weights).zip(moments) {
            update(weight, *gradient, first, second, decay);
        }
        let moments = self.first.bias.iter_mut().zip(&mut self.second.bias);
        for ((weight, gradient), (first, second)) in layer.bias.iter_mut().zip(&gradient.bias).zip(moments) {
            update(weight, *gradient, first, second, 0.0);
        }
    }
}
