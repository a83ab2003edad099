//! How near a ticket is to a matter that the heads do not know, beside what any ticket is near to.
//!
//! A matter is a few sentences that somebody wrote down. By plain cosines all sentences of the trade are near to each other,
//! so that a ticket is compared with the known topics as well, and in a space in which the topics lie apart: what all
//! sentences share is taken off, and the directions in which sentences of one topic differ most are shrunk. Fitted by leaving
//! each topic out in turn and giving ten of its sentences as examples; docs/decisions.md has the figures.

use encoder::{Vector, cosine};

use crate::{numbers::Numbers, topics::TOPICS};

/// Directions that are shrunk. With 8 or 32 the left-out topics were found a little worse.
pub const DIRECTIONS: usize = 16;
/// How much more the nearest topic counts than the next. Between 5 and 20 little changes.
const SHARPNESS: f32 = 10.0;
/// The share of tickets that a team has whose matter is learnt. Nobody makes a team for less, and the fit saw one topic of
/// [`TOPICS`] at a time, which is one ticket in 32.
const SHARE: f32 = 0.1;

/// What sentences of the trade are like.
#[derive(Clone, PartialEq, Debug)]
pub struct Background {
    mean: Vector,
    /// Of length 1 and orthogonal; each with the part that is taken off, 0 to 1.
    directions: Vec<(Vector, f32)>,
    /// The centre of each of [`TOPICS`], as [`Self::apart`] has them.
    topics: Vec<Vector>,
    calibration: Calibration,
}

/// From nearness to the log-odds that a ticket is about a matter.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Calibration {
    pub scale: f32,
    pub bias: f32,
}

impl Calibration {
    /// The probability that a ticket is about a matter to which it is so near: of one ticket in ten, as a team would have it.
    #[must_use]
    pub fn probability(self, nearness: f32) -> f32 {
        let odds = |share: f32| libm::logf(share / (1.0 - share));
        let more = odds(SHARE) - odds(1.0 / TOPICS.len() as f32);
        1.0 / (1.0 + libm::expf(-(self.scale * nearness + self.bias + more)))
    }
}

/// The centre of a few sentences.
#[derive(Clone, PartialEq, Debug)]
pub struct Matter(Vector);

/// The bytes are no background of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a background of this version; run `cargo run --release -- train --only-kinds`")]
pub struct BackgroundError;

const MAGIC: &[u8] = b"BACKGR01";

impl Background {
    /// `topics` are sentences of each of [`TOPICS`], or of those that are known.
    #[must_use]
    pub fn new(mean: Vector, directions: Vec<(Vector, f32)>, topics: &[Vec<&Vector>]) -> Self {
        let mut background = Self { mean, directions, topics: Vec::new(), calibration: Calibration::default() };
        background.topics = topics.iter().map(|sentences| background.centre(sentences.iter().copied())).collect();
        background
    }

    #[must_use]
    pub fn calibrated(self, calibration: Calibration) -> Self {
        Self { calibration, ..self }
    }

    /// Reads the file form: the magic; then as little-endian `f32` the mean, each direction with its part, the centre of each
    /// topic, scale and bias.
    ///
    /// # Errors
    /// [`BackgroundError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, BackgroundError> {
        bytes.strip_prefix(MAGIC).and_then(Self::read_after_magic).ok_or(BackgroundError)
    }

    fn read_after_magic(bytes: &'static [u8]) -> Option<Self> {
        let mut file = Numbers::new(bytes);
        let mut vector = || -> Option<Vector> { file.take(encoder::DIMENSIONS)?.try_into().ok() };
        let mean = vector()?;
        let directions = (0..DIRECTIONS).map(|_| vector()).collect::<Option<Vec<_>>>()?;
        let topics = (0..TOPICS.len()).map(|_| vector()).collect::<Option<_>>()?;
        let directions = directions.into_iter().zip(file.take(DIRECTIONS)?).collect();
        let [scale, bias] = file.take(2)?.try_into().ok()?;
        file.is_empty().then_some(Self { mean, directions, topics, calibration: Calibration { scale, bias } })
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { mean, directions, topics, calibration } = self;
        let vectors = std::iter::once(mean).chain(directions.iter().map(|(direction, _)| direction)).chain(topics);
        let parts = directions.iter().map(|(_, part)| *part);
        let numbers = vectors.flatten().copied().chain(parts).chain([calibration.scale, calibration.bias]);
        MAGIC.iter().copied().chain(numbers.flat_map(f32::to_le_bytes)).collect()
    }

    /// The matter of sentences, by what each means.
    #[must_use]
    pub fn matter<'a>(&self, examples: impl Iterator<Item = &'a Vector>) -> Matter {
        Matter(self.centre(examples))
    }

    /// For each matter the probability that a ticket is about it, by what its sentences and its subject mean.
    #[must_use]
    pub fn probabilities(&self, ticket: &[Vector], matters: &[&Matter]) -> Vec<f32> {
        let nearness = self.nearness(ticket, matters).into_iter();
        nearness.map(|nearness| self.calibration.probability(nearness)).collect()
    }

    /// For each matter how near a ticket is to it beside the topics and the other matters: by its nearest sentence, and as a
    /// whole.
    #[must_use]
    pub fn nearness(&self, ticket: &[Vector], matters: &[&Matter]) -> Vec<f32> {
        let sentences: Vec<Vector> = ticket.iter().map(|sentence| self.apart(sentence)).collect();
        let whole = unit(sum(sentences.iter()));
        let nearest = |centre: &Vector| sentences.iter().map(|other| cosine(other, centre)).fold(-1.0, f32::max);
        let by_sentence = |centre: &Vector| SHARPNESS * nearest(centre);
        let as_whole = |centre: &Vector| SHARPNESS * cosine(&whole, centre);
        let beside = |place: usize, near: &dyn Fn(&Vector) -> f32| {
            let others = matters.iter().enumerate().filter(|(other, _)| *other != place);
            let others = self.topics.iter().chain(others.map(|(_, matter)| &matter.0));
            libm::logf(others.map(|centre| libm::expf(near(centre))).sum())
        };
        let near = |(place, matter): (usize, &&Matter)| {
            let sentence = by_sentence(&matter.0) - beside(place, &by_sentence);
            sentence + as_whole(&matter.0) - beside(place, &as_whole)
        };
        matters.iter().enumerate().map(near).collect()
    }

    /// A sentence in the space in which topics lie apart, of length 1.
    fn apart(&self, sentence: &Vector) -> Vector {
        let mut rest = *sentence;
        rest.iter_mut().zip(&self.mean).for_each(|(value, mean)| *value -= mean);
        for (direction, part) in &self.directions {
            let along = part * cosine(&rest, direction);
            rest.iter_mut().zip(direction).for_each(|(value, direction)| *value -= along * direction);
        }
        unit(rest)
    }

    fn centre<'a>(&self, sentences: impl Iterator<Item = &'a Vector>) -> Vector {
        let apart: Vec<Vector> = sentences.map(|sentence| self.apart(sentence)).collect();
        unit(sum(apart.iter()))
    }
}

fn sum<'a>(vectors: impl Iterator<Item = &'a Vector>) -> Vector {
    let mut sum = [0.0; encoder::DIMENSIONS];
    for vector in vectors {
        sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// Of length 1, or nothing of nothing.
fn unit(mut vector: Vector) -> Vector {
    let length = libm::sqrtf(cosine(&vector, &vector));
    if length > 0.0 {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(axis: usize, shared: f32) -> Vector {
        let mut vector = [0.0; encoder::DIMENSIONS];
        vector[0] = shared;
        vector[axis] += 1.0;
        unit(vector)
    }

    /// Topics along axes of their own, all with a share of the first axis.
    fn background() -> Background {
        let sentences: Vec<Vector> = (0..TOPICS.len()).map(|topic| along(100 + topic, 0.5)).collect();
        let mean = along(1, 0.0).map(|_| 0.0);
        let directions = (0..DIRECTIONS).map(|axis| (along(axis, 0.0), if axis == 0 { 1.0 } else { 0.0 })).collect();
        let topics: Vec<Vec<&Vector>> = sentences.iter().map(|sentence| vec![sentence]).collect();
        Background::new(mean, directions, &topics).calibrated(Calibration { scale: 1.0, bias: 0.0 })
    }

    #[test]
    fn what_was_written_is_read() {
        let background = background();
        let bytes: &'static [u8] = background.to_bytes().leak();
        assert_eq!(Background::read(bytes), Ok(background));
        for broken in [&bytes[1..], &bytes[..bytes.len() - 1], b"", MAGIC] {
            assert_eq!(Background::read(broken), Err(BackgroundError));
        }
    }

    #[test]
    fn the_nearest_matter_wins_and_a_known_topic_beats_both() {
        let background = background();
        let (one, two) = (along(200, 0.5), along(201, 0.5));
        let matters = [one, two].map(|example| background.matter([example].iter()));
        let matters: Vec<&Matter> = matters.iter().collect();
        let found = |ticket: &[Vector]| background.probabilities(ticket, &matters);
        let of_one = found(&[along(200, 0.5), along(300, 0.5)]);
        assert!(of_one[0] > 0.9 && of_one[1] < 0.1, "{of_one:?}");
        let of_a_topic = found(&[along(105, 0.5), along(300, 0.5)]);
        assert!(of_a_topic.iter().all(|probability| *probability < 0.05), "{of_a_topic:?}");
        let of_nothing = found(&[]);
        assert!(of_nothing.iter().all(|probability| *probability < 0.1), "{of_nothing:?}");
    }

    #[test]
    fn what_all_sentences_share_counts_for_nothing() {
        let background = background();
        let matter = background.matter([along(200, 0.5)].iter());
        let nearness = |ticket: Vector| background.nearness(&[ticket], &[&matter])[0];
        assert!((nearness(along(200, 0.1)) - nearness(along(200, 5.0))).abs() < 0.01);
    }
}
