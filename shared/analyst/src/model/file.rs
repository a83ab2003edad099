//! The model's file: `TRIAGE09`; the number of networks as `u32`; each network's weight matrices, quantised, each followed
//! by its bias; the n-gram head of each task (scales, biases, then the weights, one signed byte each, used in place); the
//! ensemble of each task, then that without n-grams; weights and bias of each claim's weighing. All numbers are little-endian; those that
//! are not quantised weights are `f32`.

use std::borrow::Cow;

use super::{EVIDENCE, Ensemble, Model, PerClaim, Weighing};
use crate::{
    heads::{Heads, PerTask, Task},
    ngram_head::NgramHead,
    quantised::Quantised,
};

const MAGIC: &[u8; 8] = b"TRIAGE09";
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
        let ngrams = PerTask::try_from_fn(|task| file.ngram_head(task))?;
        let ensembles = PerTask::try_from_fn(|_| file.ensemble())?;
        let by_networks = PerTask::try_from_fn(|_| file.ensemble())?;
        let weighings = PerClaim::try_from_fn(|_| file.weighing())?;
        if file.0.is_empty() {
            Ok(Self { networks, ngrams, ensembles, by_networks, weighings })
        } else {
            Err(ModelError)
        }
    }

    /// The file form. A model that was read gives the bytes it was read from.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.networks.len() as u32).to_le_bytes());
        for (weights, bias) in self.networks.iter().flat_map(Heads::parameters) {
            Quantised::of(weights).write(&mut bytes);
            write(&mut bytes, bias.into_iter().flatten());
        }
        for NgramHead { scales, biases, weights } in self.ngrams.values() {
            write(&mut bytes, scales.iter().chain(biases));
            bytes.extend_from_slice(weights);
        }
        for Ensemble { ngram_weight, scale, bias } in self.ensembles.values().chain(self.by_networks.values()) {
            write(&mut bytes, [ngram_weight, scale, bias]);
        }
        for Weighing { weights, bias } in self.weighings.values() {
            write(&mut bytes, weights.iter().chain([bias]));
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

    fn numbers(&mut self, count: usize) -> Result<Vec<f32>, ModelError> {
        (0..count).map(|_| self.number()).collect()
    }

    fn network(&mut self) -> Result<Heads, ModelError> {
        let mut network = Heads::zeros();
        for (weights, bias) in network.parameters_mut() {
            let (rows, columns) = weights.dim();
            let bytes = self.take(Quantised::bytes(rows, columns))?;
            Quantised::read(bytes, columns).ok_or(ModelError)?.dequantise(weights);
            for number in bias.into_iter().flatten() {
                *number = self.number()?;
            }
        }
        Ok(network)
    }

    fn ngram_head(&mut self, task: Task) -> Result<NgramHead, ModelError> {
        Ok(NgramHead {
            scales: self.numbers(task.classes())?,
            biases: self.numbers(task.classes())?,
            weights: Cow::Borrowed(self.take(NgramHead::weight_bytes(task))?),
        })
    }

    fn weighing(&mut self) -> Result<Weighing, ModelError> {
        let mut weights = [0.0; EVIDENCE];
        for weight in &mut weights {
            *weight = self.number()?;
        }
        Ok(Weighing { weights, bias: self.number()? })
    }

    fn ensemble(&mut self) -> Result<Ensemble, ModelError> {
        Ok(Ensemble { ngram_weight: self.number()?, scale: self.number()?, bias: self.number()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_model_writes_itself_again() {
        let model = Model::read(data::MODEL).unwrap();
        assert!(model.to_bytes() == data::MODEL);
    }

    #[test]
    fn the_bundled_model_stays_small() {
        assert!(data::MODEL.len() < 6_000_000, "{} bytes", data::MODEL.len());
    }

    #[test]
    fn anything_else_is_refused() {
        let (cut, _) = data::MODEL.split_at(data::MODEL.len() - 1);
        let longer = [data::MODEL, &[0]].concat();
        for bytes in [&[][..], b"TRIAGE09", b"TRIAGE06", cut, longer.leak()] {
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
        // The first scale, and the last number of all.
        check(12, f32::NAN.to_le_bytes());
        check(data::MODEL.len() - 4, f32::NAN.to_le_bytes());
    }
}
