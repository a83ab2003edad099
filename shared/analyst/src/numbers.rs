//! Sections off the front of a file's bytes.

use ndarray::Array2;

use crate::heads::Layer;

pub(crate) struct Numbers(&'static [u8]);

impl Numbers {
    pub(crate) fn new(bytes: &'static [u8]) -> Self {
        Self(bytes)
    }

    /// None if there are not as many, or one is not finite: it would spread to every probability.
    pub(crate) fn take(&mut self, count: usize) -> Option<Vec<f32>> {
        let bytes = self.bytes(count.checked_mul(size_of::<f32>())?)?;
        let numbers: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        numbers.iter().all(|number| number.is_finite()).then_some(numbers)
    }

    /// Weights by row, then the biases.
    pub(crate) fn layer(&mut self, rows: usize, columns: usize) -> Option<Layer> {
        let weights = Array2::from_shape_vec((rows, columns), self.take(rows * columns)?).ok()?;
        Some(Layer { weights, bias: self.take(columns)?.into() })
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'static [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
