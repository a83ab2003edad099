//! The trained weights: linear heads over hashed features, one byte a weight.
//!
//! File: `TRIAGE02`, then for each head its classes as u32, a scale and a bias for each class, the four numbers of its
//! calibration, and `BUCKETS` × classes signed bytes, bucket by bucket. All numbers little-endian, 32-bit floats.

use std::borrow::Cow;

use crate::features::{BUCKETS, Features};

const MAGIC: &[u8; 8] = b"TRIAGE02";
/// More classes than any head has.
const MOST_CLASSES: usize = 8;

/// What each head tells apart. The order is the file's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Task {
    /// Four classes of a ticket.
    Priority,
    /// Three classes of a ticket.
    Agent,
    /// Three classes of a ticket.
    Sentiment,
    /// Two classes of a sentence: no, yes.
    Churn,
    /// Five classes of a sentence: none, then the four intents.
    Intent,
    /// Two classes of a ticket: whether any sentence of it carries the signal.
    AnyChurn,
    /// The same for intents.
    AnyIntent,
}

impl Task {
    #[must_use]
    pub fn classes(self) -> usize {
        match self {
            Self::Priority => 4,
            Self::Agent | Self::Sentiment => 3,
            Self::Churn | Self::AnyChurn | Self::AnyIntent => 2,
            Self::Intent => 5,
        }
    }
}

/// The heads, by [`Task`] in its order.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    heads: [Head; 7],
}

/// One multinomial logistic regression.
#[derive(Clone, PartialEq, Debug)]
pub struct Head {
    /// Scale and bias for each class.
    pub(crate) classes: Vec<(f32, f32)>,
    pub(crate) calibration: Calibration,
    /// Bucket by bucket, one signed byte for each class.
    pub(crate) weights: Cow<'static, [u8]>,
}

/// How raw scores become a probability that means what it says. A head over whole tickets uses `slope` alone, to divide
/// the temperature out; a head over sentences is pooled by a logistic curve over [`Pooled`].
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Calibration {
    pub slope: f32,
    pub whole: f32,
    pub length: f32,
    pub offset: f32,
}

/// What a ticket's sentences and the ticket as a whole say of a signal.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pooled {
    /// Log-odds of the strongest sentence.
    pub best: f32,
    /// Log-odds by the words of the whole ticket.
    pub whole: f32,
    /// Natural logarithm of the number of sentences: the best of many is stronger by chance alone.
    pub length: f32,
}

impl Pooled {
    #[must_use]
    pub fn new(best: f32, whole: f32, sentences: usize) -> Self {
        Self { best, whole, length: libm::logf(sentences.max(1) as f32) }
    }
}

/// The bytes are not a model of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a model of this version; run `cargo run -- train`")]
pub struct ModelError;

impl Model {
    /// Reads a model in place: the weights are borrowed.
    ///
    /// # Errors
    /// [`ModelError`] for anything but a whole model of this version.
    pub fn read(bytes: &'static [u8]) -> Result<Self, ModelError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(ModelError)?;
        let mut head = |task: Task| Head::read(&mut rest, task.classes());
        let heads = [
            head(Task::Priority)?,
            head(Task::Agent)?,
            head(Task::Sentiment)?,
            head(Task::Churn)?,
            head(Task::Intent)?,
            head(Task::AnyChurn)?,
            head(Task::AnyIntent)?,
        ];
        if rest.is_empty() { Ok(Self { heads }) } else { Err(ModelError) }
    }

    pub(crate) fn new(heads: [Head; 7]) -> Self {
        Self { heads }
    }

    /// The file form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for head in &self.heads {
            bytes.extend((head.classes.len() as u32).to_le_bytes());
            let Calibration { slope, whole, length, offset } = head.calibration;
            for (a, b) in head.classes.iter().chain([&(slope, whole), &(length, offset)]) {
                bytes.extend(a.to_le_bytes());
                bytes.extend(b.to_le_bytes());
            }
            bytes.extend_from_slice(&head.weights);
        }
        bytes
    }

    pub(crate) fn head(&self, task: Task) -> &Head {
        let [priority, agent, sentiment, churn, intent, any_churn, any_intent] = &self.heads;
        match task {
            Task::Priority => priority,
            Task::Agent => agent,
            Task::Sentiment => sentiment,
            Task::Churn => churn,
            Task::Intent => intent,
            Task::AnyChurn => any_churn,
            Task::AnyIntent => any_intent,
        }
    }

    /// Calibrated probabilities of a whole ticket's classes.
    #[must_use]
    pub fn classify(&self, task: Task, features: &Features) -> Vec<f32> {
        let head = self.head(task);
        let scores: Vec<f32> = head.scores(features).iter().map(|score| score * head.calibration.slope).collect();
        softmax(&scores)
    }

    /// How strongly a text carries the signal (log-odds of anything but class 0), and which class it is.
    #[must_use]
    pub fn signal(&self, task: Task, features: &Features) -> (f32, usize) {
        signal(&self.head(task).scores(features))
    }

    /// The probability that a ticket carries the signal.
    #[must_use]
    pub fn pooled(&self, task: Task, pooled: Pooled) -> f32 {
        self.head(task).calibration.probability(pooled)
    }
}

impl Calibration {
    #[must_use]
    pub fn probability(self, pooled: Pooled) -> f32 {
        let sum = self.slope * pooled.best + self.whole * pooled.whole + self.length * pooled.length + self.offset;
        1.0 / (1.0 + libm::expf(-sum))
    }
}

impl Head {
    fn read(rest: &mut &'static [u8], classes: usize) -> Result<Self, ModelError> {
        if take(rest).map(u32::from_le_bytes)? as usize != classes {
            return Err(ModelError);
        }
        let mut pair = || Ok((take(rest).map(f32::from_le_bytes)?, take(rest).map(f32::from_le_bytes)?));
        let scales = (0..classes).map(|_| pair()).collect::<Result<_, ModelError>>()?;
        let ((slope, whole), (length, offset)) = (pair()?, pair()?);
        let (weights, after) = rest.split_at_checked(BUCKETS * classes).ok_or(ModelError)?;
        *rest = after;
        Ok(Self { classes: scales, calibration: Calibration { slope, whole, length, offset }, weights: weights.into() })
    }

    pub(crate) fn scores(&self, features: &Features) -> Vec<f32> {
        let classes = self.classes.len();
        let mut sums = [0.0f32; MOST_CLASSES];
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

/// Log-odds of anything but the first class, and the likeliest of the others.
pub(crate) fn signal(scores: &[f32]) -> (f32, usize) {
    let Some((none, others)) = scores.split_first() else { return (f32::NEG_INFINITY, 0) };
    let class = argmax(others) + 1;
    let most = others.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = others.iter().map(|score| libm::expf(score - most)).sum();
    (most + libm::logf(sum) - none, class)
}

pub(crate) fn softmax(scores: &[f32]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f32> = scores.iter().map(|score| libm::expf(score - most)).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|exp| exp / sum).collect()
}

/// The first of the largest; 0 of none.
pub(crate) fn argmax(values: &[f32]) -> usize {
    let best = values.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(index, _)| index)
}

fn take(rest: &mut &'static [u8]) -> Result<[u8; 4], ModelError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(ModelError)?;
    *rest = after;
    Ok(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_model_reads_and_writes_to_the_byte() {
        let model = Model::read(data::MODEL).unwrap();
        assert_eq!(model.to_bytes(), data::MODEL);
    }

    #[test]
    fn anything_else_is_refused() {
        let (start, _) = data::MODEL.split_at(data::MODEL.len() - 1);
        for bytes in [&[][..], b"TRIAGE02", b"TRIAGE99", start] {
            assert_eq!(Model::read(bytes), Err(ModelError));
        }
    }

    #[test]
    fn a_signal_is_the_odds_against_none() {
        let (odds, class) = signal(&[0.0, 1.0, 3.0]);
        assert_eq!(class, 2);
        assert!((odds - libm::logf(libm::expf(1.0) + libm::expf(3.0))).abs() < 1e-5);
    }
}
