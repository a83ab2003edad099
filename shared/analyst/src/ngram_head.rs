//! What the wording alone says: a linear classifier per task over hashed n-grams, one byte a weight.
#![expect(
    clippy::indexing_slicing,
    reason = "buckets are below BUCKETS by construction; a wrong one must panic in a test, not score 0"
)]

use std::borrow::Cow;

use ndarray::Array1;

use crate::{
    features::{BUCKETS, Features},
    heads::Task,
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
