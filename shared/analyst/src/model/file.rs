//! The model's file: `TRIAGE03`; the number of networks as `u32`; each network's parameters; for each task a scale and a bias
//! for each class of its n-gram head, and its ensemble; then the n-gram weights, one signed byte each, used in place. All
//! numbers are little-endian, 32-bit floats.

use std::borrow::Cow;

use super::{Ensemble, Model};
use crate::{
    heads::{Heads, PerTask},
    ngram_head::NgramHead,
};

const MAGIC: &[u8; 8] = b"TRIAGE03";
/// More networks than any model has: a damaged count must not ask for gigabytes.
const MAX_NETWORKS: u32 = 16;

/// The bytes are not a model of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a model of this version; run `cargo run --release -- train`")]
pub struct ModelError;

impl Model {
    /// Reads the file form. Network weights are dequantised, n-gram weights used in place.
    ///
    /// # Errors
    /// [`ModelError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, ModelError> {
        let mut file = Cursor(bytes);
        if file.take(MAGIC.len())? != MAGIC {
            return Err(ModelError);
        }
        let count = u32::from_le_bytes(file.array()?);
        if !(1..=MAX_NETWORKS).contains(&count) {
            return Err(ModelError);
        }
        let networks = (0..count).map(|_| file.network()).collect::<Result<_, _>>()?;
        let mut ngrams = PerTask::<NgramHead>::default();
        let mut ensembles = PerTask::<Ensemble>::default();
        for (task, head) in &mut ngrams {
            for _ in 0..task.classes() {
                head.scales.push(file.number()?);
                head.biases.push(file.number()?);
            }
            ensembles[task] = Ensemble { ngram_weight: file.number()?, scale: file.number()?, bias: file.number()? };
        }
        for (task, head) in &mut ngrams {
            head.weights = Cow::Borrowed(file.take(NgramHead::weight_bytes(task))?);
        }
        if file.0.is_empty() { Ok(Self { networks, ngrams, ensembles }) } else { Err(ModelError) }
    }

    /// The file form. A model that was read gives the bytes it was read from.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.networks.len() as u32).to_le_bytes());
        for slice in self.networks.iter().flat_map(Heads::slices) {
            write(&mut bytes, slice);
        }
        for (task, head) in &self.ngrams {
            for (scale, bias) in head.scales.iter().zip(&head.biases) {
                write(&mut bytes, [scale, bias]);
            }
            let Ensemble { ngram_weight, scale, bias } = &self.ensembles[task];
            write(&mut bytes, [ngram_weight, scale, bias]);
        }
        for head in self.ngrams.values() {
            bytes.extend_from_slice(&head.weights);
        }
        bytes
    }
}

fn write<'a>(bytes: &mut Vec<u8>, numbers: impl IntoIterator<Item = &'a f32>) {
    bytes.extend(numbers.into_iter().flat_map(|number| number.to_le_bytes()));
}

/// Takes sections off the front.
struct Cursor(&'static [u8]);

impl Cursor {
    fn take(&mut self, bytes: usize) -> Result<&'static [u8], ModelError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(ModelError)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], ModelError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ModelError)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A finite number: one that is not would spread to every probability.
    fn number(&mut self) -> Result<f32, ModelError> {
        let number = f32::from_le_bytes(self.array()?);
        if number.is_finite() { Ok(number) } else { Err(ModelError) }
    }

    fn network(&mut self) -> Result<Heads, ModelError> {
        let mut network = Heads::zeros();
        for number in network.slices_mut().into_iter().flatten() {
            *number = self.number()?;
        }
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::Task;

    #[test]
    fn the_bundled_model_writes_itself_again() {
        let model = Model::read(data::MODEL).unwrap();
        assert!(model.to_bytes() == data::MODEL);
    }

    #[test]
    fn anything_else_is_refused() {
        let (cut, _) = data::MODEL.split_at(data::MODEL.len() - 1);
        let longer = [data::MODEL, &[0]].concat();
        for bytes in [&[][..], b"TRIAGE03", b"TRIAGE99", cut, longer.leak()] {
            assert_eq!(Model::read(bytes), Err(ModelError));
        }
    }

    #[test]
    fn damaged_numbers_are_refused() {
        let check = |place: usize, value: [u8; 4]| {
            let mut damaged = data::MODEL.to_vec();
            damaged[place..place + 4].copy_from_slice(&value);
            assert_eq!(Model::read(damaged.leak()), Err(ModelError), "{value:?} at {place}");
        };
        check(0, *b"triA");
        // The number of networks.
        check(8, 0u32.to_le_bytes());
        check(8, u32::MAX.to_le_bytes());
        // The first number, and the last number of an ensemble.
        check(12, f32::NAN.to_le_bytes());
        let ngrams = Task::iter().map(NgramHead::weight_bytes).sum::<usize>();
        check(data::MODEL.len() - ngrams - 4, f32::NAN.to_le_bytes());
    }
}
