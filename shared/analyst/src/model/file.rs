//! The model's file: `TRIAGE10`; the number of networks as `u32`; each network's weight matrices, quantised, each followed
//! by its bias; the n-gram head of each task (scales, biases, then the weights, one signed byte each, used in place); the
//! ensemble of each task, weights and bias of each claim's weighing; both again, without n-grams. All numbers are
//! little-endian; those that are not quantised weights are `f32`.

use std::borrow::Cow;

use super::{Calibration, EVIDENCE, Ensemble, Model, PerClaim, Weighing};
use crate::{
    heads::{Heads, PerTask, Task},
    ngram_head::NgramHead,
    numbers::Numbers,
    quantised::Quantised,
};

const MAGIC: &[u8] = b"TRIAGE10";
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
        let mut file = Numbers::new(bytes.strip_prefix(MAGIC).ok_or(ModelError)?);
        let networks = networks(&mut file).ok_or(ModelError)?;
        let ngrams = PerTask::try_from_fn(|task| ngram_head(&mut file, task).ok_or(ModelError))?;
        let by_both = calibration(&mut file)?;
        let by_networks = calibration(&mut file)?;
        let read = Self { networks, ngrams, by_both, by_networks };
        if file.is_empty() { Ok(read) } else { Err(ModelError) }
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
        for Calibration { ensembles, weighings } in [&self.by_both, &self.by_networks] {
            for Ensemble { ngram_weight, scale, bias } in ensembles.values() {
                write(&mut bytes, [ngram_weight, scale, bias]);
            }
            for Weighing { weights, bias } in weighings.values() {
                write(&mut bytes, weights.iter().chain([bias]));
            }
        }
        bytes
    }
}

fn write<'a>(bytes: &mut Vec<u8>, numbers: impl IntoIterator<Item = &'a f32>) {
    bytes.extend(numbers.into_iter().flat_map(|number| number.to_le_bytes()));
}

/// This and what follows: None if the file ends before, or holds what no weights are.
fn networks(file: &mut Numbers) -> Option<Vec<Heads>> {
    let count = u32::from_le_bytes(file.bytes(size_of::<u32>())?.try_into().ok()?);
    (1..=MAX_NETWORKS).contains(&count).then(|| (0..count).map(|_| network(file)).collect())?
}

fn network(file: &mut Numbers) -> Option<Heads> {
    let mut network = Heads::zeros();
    for (weights, bias) in network.parameters_mut() {
        let (rows, columns) = weights.dim();
        Quantised::read(file.bytes(Quantised::bytes(rows, columns))?, columns)?.dequantise(weights);
        if let Some(bias) = bias {
            *bias = file.take(bias.len())?.into();
        }
    }
    Some(network)
}

fn ngram_head(file: &mut Numbers, task: Task) -> Option<NgramHead> {
    Some(NgramHead {
        scales: file.take(task.classes())?,
        biases: file.take(task.classes())?,
        weights: Cow::Borrowed(file.bytes(NgramHead::weight_bytes(task))?),
    })
}

fn calibration(file: &mut Numbers) -> Result<Calibration, ModelError> {
    Ok(Calibration {
        ensembles: PerTask::try_from_fn(|_| ensemble(file).ok_or(ModelError))?,
        weighings: PerClaim::try_from_fn(|_| weighing(file).ok_or(ModelError))?,
    })
}

fn ensemble(file: &mut Numbers) -> Option<Ensemble> {
    let [ngram_weight, scale, bias] = file.take(3)?.try_into().ok()?;
    Some(Ensemble { ngram_weight, scale, bias })
}

fn weighing(file: &mut Numbers) -> Option<Weighing> {
    let weights = file.take(EVIDENCE)?.try_into().ok()?;
    let [bias] = file.take(1)?.try_into().ok()?;
    Some(Weighing { weights, bias })
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
