//! Fitting the heads over n-grams.

use analyst::{
    features::BUCKETS,
    heads::{Task, softmax},
    words::Words,
};

use super::Example;
use crate::random::Random;

const EPOCHS: usize = 15;
const STEP: f32 = 0.1;
/// Pull of every weight towards zero at each example that touches it, found by cross-validation.
const DECAY: f32 = 1e-3;

/// Multinomial logistic regression by `AdaGrad` over a fixed shuffle, then rounded to bytes.
pub(super) fn fit(task: Task, examples: &[&Example]) -> Words {
    let classes = task.classes();
    let mut weights = vec![0.0f32; BUCKETS * classes];
    let mut squares = vec![1e-8f32; BUCKETS * classes];
    let mut biases = ndarray::Array1::<f32>::zeros(classes);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = Random(42);
    for _ in 0..EPOCHS {
        random.shuffle(&mut order);
        for example in order.iter().filter_map(|index| examples.get(*index)) {
            let Some(truth) = example.truth.class(task) else { continue };
            let mut errors = biases.clone();
            for (bucket, value) in &example.words {
                for (score, weight) in errors.iter_mut().zip(cells(&mut weights, *bucket, classes)) {
                    *score += value * *weight;
                }
            }
            softmax(errors.view_mut());
            for (class, error) in errors.iter_mut().enumerate() {
                *error = (*error - f32::from(u8::from(class == truth))) * example.truth.weight;
            }
            biases.scaled_add(-0.01, &errors);
            for (bucket, value) in &example.words {
                let cells = cells(&mut weights, *bucket, classes);
                let squares = self::cells(&mut squares, *bucket, classes);
                for ((weight, square), error) in cells.iter_mut().zip(squares).zip(&errors) {
                    let gradient = error * value + DECAY * *weight;
                    *square += gradient * gradient;
                    *weight -= STEP * gradient / libm::sqrtf(*square);
                }
            }
        }
    }
    rounded(&weights, &biases.to_vec())
}

fn cells(table: &mut [f32], bucket: u32, classes: usize) -> &mut [f32] {
    table.get_mut(bucket as usize * classes..).and_then(|rest| rest.get_mut(..classes)).unwrap_or_default()
}

fn rounded(weights: &[f32], biases: &[f32]) -> Words {
    let classes = biases.len();
    let scale = |class: usize| {
        let most = weights.iter().skip(class).step_by(classes).fold(0.0f32, |most, weight| most.max(weight.abs()));
        most.max(f32::MIN_POSITIVE) / 127.0
    };
    let scales: Vec<f32> = (0..classes).map(scale).collect();
    let byte = |(weight, scale): (&f32, &f32)| ((weight / scale).round() as i8).cast_unsigned();
    let bytes: Vec<u8> = weights.chunks(classes).flat_map(|row| row.iter().zip(&scales).map(byte)).collect();
    Words { classes: scales.into_iter().zip(biases.iter().copied()).collect(), weights: bytes.into() }
}
