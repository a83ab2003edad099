//! Fitting the n-gram heads.
#![expect(
    clippy::indexing_slicing,
    reason = "buckets are below BUCKETS by construction; a wrong one must panic in a test, not be skipped"
)]

use analyst::{
    features::{BUCKETS, Features},
    heads::softmax,
    ngram_head::NgramHead,
};

use crate::random::Random;

/// A text's n-grams and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Example<'a> {
    pub(super) ngrams: &'a Features,
    pub(super) class: usize,
    /// How many texts it counts for.
    pub(super) weight: f32,
}

/// Passes over the examples: `AdaGrad`'s steps shrink with each, so that more would change little.
const EPOCHS: usize = 15;
/// `AdaGrad`'s step for the weights, whose gradients are scaled one by one.
const LEARNING_RATE: f32 = 0.1;
/// Plain gradient descent for the few biases: every example moves them, so they take smaller steps.
const BIAS_LEARNING_RATE: f32 = 0.01;
/// Pull of every weight towards zero at each example that touches it, found by cross-validation.
const WEIGHT_DECAY: f32 = 1e-3;
/// Where the sums of squared gradients start, so that the first quotient is finite.
const EPSILON: f32 = 1e-8;
/// The same order of examples for each task and fold.
const SEED: u64 = 42;
/// The largest code of a signed byte.
const LARGEST_CODE: f32 = 127.0;

/// Multinomial logistic regression by `AdaGrad` over a fixed shuffle, then quantised to bytes.
pub(super) fn fit(classes: usize, examples: &[Example<'_>]) -> NgramHead {
    let mut weights = vec![0.0f32; BUCKETS * classes];
    let mut squared_gradients = vec![EPSILON; BUCKETS * classes];
    let mut biases = ndarray::Array1::<f32>::zeros(classes);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = Random(SEED);
    for _ in 0..EPOCHS {
        random.shuffle(&mut order);
        for example in order.iter().map(|index| examples[*index]) {
            let mut errors = biases.clone();
            for (bucket, value) in example.ngrams {
                for (logit, weight) in errors.iter_mut().zip(row(&mut weights, *bucket, classes)) {
                    *logit += value * *weight;
                }
            }
            softmax(errors.view_mut());
            errors[example.class] -= 1.0;
            errors *= example.weight;
            biases.scaled_add(-BIAS_LEARNING_RATE, &errors);
            for (bucket, value) in example.ngrams {
                let weights = row(&mut weights, *bucket, classes);
                let squares = row(&mut squared_gradients, *bucket, classes);
                for ((weight, square), error) in weights.iter_mut().zip(squares).zip(&errors) {
                    let gradient = error * value + WEIGHT_DECAY * *weight;
                    *square += gradient * gradient;
                    *weight -= LEARNING_RATE * gradient / libm::sqrtf(*square);
                }
            }
        }
    }
    quantised(&weights, &biases.to_vec())
}

/// The cells of one bucket.
fn row(table: &mut [f32], bucket: u32, classes: usize) -> &mut [f32] {
    let start = bucket as usize * classes;
    &mut table[start..start + classes]
}

/// One scale for each class, by its largest weight.
fn quantised(weights: &[f32], biases: &[f32]) -> NgramHead {
    let classes = biases.len();
    let scale = |class: usize| {
        let of_class = weights.iter().skip(class).step_by(classes);
        let largest = of_class.fold(0.0f32, |largest, weight| largest.max(weight.abs()));
        // Never zero, so that a class without weights divides by something.
        largest.max(f32::MIN_POSITIVE) / LARGEST_CODE
    };
    let scales: Vec<f32> = (0..classes).map(scale).collect();
    let code = |(weight, scale): (&f32, &f32)| ((weight / scale).round() as i8).cast_unsigned();
    let codes: Vec<u8> = weights.chunks(classes).flat_map(|row| row.iter().zip(&scales).map(code)).collect();
    NgramHead { scales, biases: biases.to_vec(), weights: codes.into() }
}
