//! What the wording alone says: a linear classifier per task over hashed n-grams, one byte a weight.
#![expect(
    clippy::indexing_slicing,
    reason = "buckets are below BUCKETS by construction; a wrong one must panic in a test, not score 0"
)]

use std::borrow::Cow;

use ndarray::Array1;

use crate::{
    features::{BUCKETS, Features},
    heads::{Task, log_softmax, softmax},
    numbers::Numbers,
};

/// One multinomial logistic regression.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NgramHead {
    /// For each class what a byte of its weights is worth.
    pub scales: Vec<f32>,
    /// For each class.
    pub biases: Vec<f32>,
    /// Bucket by bucket, one signed byte for each class.
    pub weights: Cow<'static, [u8]>,
}

/// The file form of one head: scales and biases as little-endian `f32`, then the weights, used in place. None if the file
/// ends before.
pub(crate) fn read(file: &mut Numbers, classes: usize) -> Option<NgramHead> {
    let (scales, biases) = (file.take(classes)?, file.take(classes)?);
    Some(NgramHead { scales, biases, weights: file.bytes(BUCKETS * classes)?.into() })
}

/// The probabilities of two classifiers as one: their log-probabilities averaged, `weight` being the wording's.
pub(crate) fn mixed(mut by_meaning: Array1<f32>, mut by_wording: Array1<f32>, weight: f32) -> Array1<f32> {
    log_softmax(by_meaning.view_mut());
    log_softmax(by_wording.view_mut());
    let mut both = by_meaning * (1.0 - weight) + by_wording * weight;
    softmax(both.view_mut());
    both
}

pub(crate) fn bytes(head: &NgramHead) -> impl Iterator<Item = u8> {
    let numbers = head.scales.iter().chain(&head.biases).flat_map(|number| number.to_le_bytes());
    numbers.chain(head.weights.iter().copied())
}

impl NgramHead {
    /// The size of a task's weights, in bytes.
    pub fn weight_bytes(task: Task) -> usize {
        BUCKETS * task.classes()
    }

    pub fn logits(&self, features: &Features) -> Array1<f32> {
        let classes = self.scales.len();
        let mut sums = vec![0.0f32; classes];
        for (bucket, value) in features {
            let start = *bucket as usize * classes;
            for (sum, weight) in sums.iter_mut().zip(&self.weights[start..start + classes]) {
                *sum += value * f32::from(weight.cast_signed());
            }
        }
        sums.iter().zip(&self.scales).zip(&self.biases).map(|((sum, scale), bias)| sum * scale + bias).collect()
    }
}
