//! What the wording alone says: linear heads over hashed n-grams, one byte a weight.

use std::borrow::Cow;

use crate::{
    features::{BUCKETS, Features},
    heads::Task,
};

/// One multinomial logistic regression.
#[derive(Clone, PartialEq, Debug)]
pub struct Words {
    /// Scale and bias for each class.
    pub classes: Vec<(f32, f32)>,
    /// Bucket by bucket, one signed byte for each class.
    pub weights: Cow<'static, [u8]>,
}

impl Words {
    /// The size of a task's weights, in bytes.
    pub fn bytes(task: Task) -> usize {
        BUCKETS * task.classes()
    }

    pub fn scores(&self, features: &Features) -> Vec<f32> {
        let classes = self.classes.len();
        let mut sums = vec![0.0f32; classes];
        for (bucket, value) in features {
            let start = *bucket as usize * classes;
            let row = self.weights.get(start..start + classes).unwrap_or_default();
            for (sum, weight) in sums.iter_mut().zip(row) {
                *sum += value * f32::from(weight.cast_signed());
            }
        }
        self.classes.iter().zip(sums).map(|((scale, bias), sum)| sum * scale + bias).collect()
    }
}
