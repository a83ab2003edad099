//! Fitting what sentences of the trade are like, and how well a topic is found by a few of its sentences.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

use analyst::{
    Background, Kinds,
    background::{Calibration, DIRECTIONS},
    customer_text::own_words,
    heard::Heard,
    inputs::Inputs,
    kinds::fresh_subject,
    text,
    topics::{self, TOPICS},
};
use domain::Language;
use encoder::{DIMENSIONS, Encoder, Vector};
use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::is_held_out;
use crate::{
    corpus::{LabelledTicket, TopicSentence},
    parallel,
    random::Random,
};

/// Examples that stand for a topic that is left out: what somebody may be expected to write down.
const EXAMPLES: usize = 10;
/// The languages of the examples, with enough sentences of each topic.
const LANGUAGES: [Language; 4] = [Language::En, Language::Fr, Language::De, Language::Es];
/// Vectors iterated with: more than are wanted, so that the last wanted one is found as fast as the first.
const BLOCK: usize = 2 * (DIRECTIONS + 1);
/// Twice as many change no part in its third digit.
const ITERATIONS: usize = 40;
const NEWTON_STEPS: usize = 30;
const SEED: u64 = 5;

/// Sentences by topic, and tickets whose topic is known, each as what its sentences mean.
#[derive(Clone, Debug)]
pub struct BackgroundExamples {
    /// A row each.
    sentences: Array2<f32>,
    meanings: Vec<Vector>,
    topics: Vec<usize>,
    languages: Vec<Language>,
    tickets: Vec<TicketMeanings>,
}

#[derive(Clone, Debug)]
struct TicketMeanings {
    meanings: Vec<Vector>,
    topic: usize,
    language: Language,
}

/// What came of a ticket when a topic was known by examples alone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unseen {
    /// Of the examples.
    pub examples: Language,
    /// Of the ticket.
    pub ticket: Language,
    /// Whether the ticket is about that topic.
    pub is: bool,
    /// The probability that it is.
    pub probability: f32,
}

/// A topic left out, with examples in one language: how near each ticket came.
struct LeftOut {
    topic: usize,
    examples: Language,
    nearness: Vec<f32>,
}

impl BackgroundExamples {
    /// Of the tickets those held out whose topic was marked: of the others the encoder was told the topic.
    #[must_use]
    pub fn new(
        encoder: &Encoder,
        kinds: &Kinds,
        sentences: &[TopicSentence],
        tickets: &[LabelledTicket],
        threads: usize,
    ) -> Self {
        let class = |topic: &str| topics::class(topic).expect("a known topic");
        let meanings = parallel::map(sentences, threads, |sentence| {
            let mut encoded = encoder.encode(&[&text::masked(&sentence.text)]);
            encoded.pop().expect("one sentence was given").vector
        });
        let mut rows = Array2::zeros((meanings.len(), DIMENSIONS));
        for (mut row, meaning) in rows.rows_mut().into_iter().zip(&meanings) {
            row.assign(&ArrayView1::from(meaning));
        }
        let unseen = tickets.iter().filter(|ticket| is_held_out(&ticket.scenario));
        let marked: Vec<(&LabelledTicket, usize)> =
            unseen.filter_map(|ticket| Some((ticket, class(ticket.topic.as_deref()?)))).collect();
        Self {
            sentences: rows,
            meanings,
            topics: sentences.iter().map(|sentence| class(&sentence.topic)).collect(),
            languages: sentences.iter().map(|sentence| sentence.language).collect(),
            tickets: parallel::map(&marked, threads, |(ticket, topic)| TicketMeanings {
                meanings: heard(encoder, kinds, ticket),
                topic: *topic,
                language: ticket.language,
            }),
        }
    }

    /// The background of all topics, and what came of every ticket with each topic left out in turn.
    #[must_use]
    pub fn fit(&self, threads: usize) -> (Background, Vec<Unseen>) {
        let scatters: Vec<Array2<f32>> = (0..TOPICS.len()).map(|topic| self.scatter(topic)).collect();
        let topics: Vec<usize> = (0..TOPICS.len()).collect();
        let left_out = parallel::map(&topics, threads, |topic| self.leave_out(*topic, &scatters));
        let left_out: Vec<LeftOut> = left_out.into_iter().flatten().collect();
        let outcomes = || {
            let of = |left_out: &LeftOut| {
                let truths = self.tickets.iter().map(|ticket| ticket.topic == left_out.topic).collect::<Vec<_>>();
                left_out.nearness.iter().copied().zip(truths).collect::<Vec<_>>()
            };
            left_out.iter().flat_map(of)
        };
        let calibration = calibrate(&outcomes().collect::<Vec<_>>());
        let unseen = left_out.iter().flat_map(|left_out| {
            self.tickets.iter().zip(&left_out.nearness).map(|(ticket, nearness)| Unseen {
                examples: left_out.examples,
                ticket: ticket.language,
                is: ticket.topic == left_out.topic,
                probability: calibration.probability(*nearness),
            })
        });
        (self.background(None, &scatters).calibrated(calibration), unseen.collect())
    }

    /// With [`EXAMPLES`] of its sentences as examples, in each of [`LANGUAGES`].
    fn leave_out(&self, topic: usize, scatters: &[Array2<f32>]) -> Vec<LeftOut> {
        let background = self.background(Some(topic), scatters);
        let with_examples_in = |examples: Language| {
            let of_topic = |index: &usize| self.topics[*index] == topic && self.languages[*index] == examples;
            let mut chosen: Vec<usize> = (0..self.topics.len()).filter(of_topic).collect();
            Random(SEED).shuffle(&mut chosen);
            let matter = background.matter(chosen.iter().take(EXAMPLES).map(|index| &self.meanings[*index]));
            let nearness = self.tickets.iter().map(|ticket| background.nearness(&ticket.meanings, &[&matter])[0]);
            LeftOut { topic, examples, nearness: nearness.collect() }
        };
        LANGUAGES.map(with_examples_in).into()
    }

    fn background(&self, left_out: Option<usize>, scatters: &[Array2<f32>]) -> Background {
        let kept: Vec<usize> = (0..self.topics.len()).filter(|index| Some(self.topics[*index]) != left_out).collect();
        let mean = self.sentences.select(Axis(0), &kept).mean_axis(Axis(0)).expect("there are sentences");
        let others = scatters.iter().enumerate().filter(|(topic, _)| Some(*topic) != left_out);
        let within: Array2<f32> =
            others.fold(Array2::zeros((DIMENSIONS, DIMENSIONS)), |sum, (_, scatter)| sum + scatter);
        let of_topic = |topic: usize| {
            let of = (0..self.topics.len()).filter(move |index| self.topics[*index] == topic);
            of.map(|index| &self.meanings[index]).collect::<Vec<&Vector>>()
        };
        let topics: Vec<Vec<&Vector>> =
            (0..TOPICS.len()).filter(|topic| Some(*topic) != left_out).map(of_topic).collect();
        Background::new(vector(mean.view()), shrunk(&principal(&within)), &topics)
    }

    /// How the sentences of a topic differ from their mean, in all pairs of numbers.
    fn scatter(&self, topic: usize) -> Array2<f32> {
        let of: Vec<usize> = (0..self.topics.len()).filter(|index| self.topics[*index] == topic).collect();
        let mut rows = self.sentences.select(Axis(0), &of);
        if let Some(mean) = rows.mean_axis(Axis(0)) {
            rows -= &mean;
        }
        rows.t().dot(&rows)
    }
}

/// What a ticket's sentences mean, as the analyst hears it.
fn heard(encoder: &Encoder, kinds: &Kinds, ticket: &LabelledTicket) -> Vec<Vector> {
    let sentences = text::sentences(&own_words(&ticket.subject, &ticket.body));
    let inputs = Inputs::new(encoder, &ticket.subject, &sentences);
    let parts = kinds.parts(&inputs, fresh_subject(&ticket.subject), &sentences, ticket.language);
    Heard::new(&inputs, &parts, &ticket.subject, &sentences, ticket.language).meanings()
}

fn vector(row: ArrayView1<'_, f32>) -> Vector {
    let mut vector = [0.0; DIMENSIONS];
    vector.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
    vector
}

/// A principal direction, of length 1, and the variance along it.
struct Principal {
    direction: Array1<f32>,
    variance: f32,
}

/// The first [`DIRECTIONS`] + 1, by orthogonal iteration.
fn principal(scatter: &Array2<f32>) -> Vec<Principal> {
    let mut random = Random(SEED);
    let mut block = Array2::from_shape_simple_fn((DIMENSIONS, BLOCK), || random.normal(1.0));
    for _ in 0..ITERATIONS {
        block = scatter.dot(&block);
        orthonormalise(&mut block);
    }
    let of = |direction: ArrayView1<'_, f32>| {
        let variance = direction.dot(&scatter.dot(&direction));
        Principal { direction: direction.to_owned(), variance }
    };
    let mut found: Vec<Principal> = block.columns().into_iter().map(of).collect();
    found.sort_by(|a, b| b.variance.total_cmp(&a.variance));
    found.truncate(DIRECTIONS + 1);
    found
}

/// Gram-Schmidt, column by column.
fn orthonormalise(block: &mut Array2<f32>) {
    for column in 0..block.ncols() {
        for before in 0..column {
            let along = block.column(column).dot(&block.column(before));
            let taken = &block.column(before) * along;
            let mut left = block.column_mut(column);
            left -= &taken;
        }
        let length = libm::sqrtf(block.column(column).dot(&block.column(column)));
        block.column_mut(column).mapv_inplace(|value| value / length.max(f32::MIN_POSITIVE));
    }
}

/// Each direction with the part that brings its deviation down to that of the last one, which is left out.
fn shrunk(principal: &[Principal]) -> Vec<(Vector, f32)> {
    let (last, others) = principal.split_last().expect("more than one direction");
    let part = |variance: f32| 1.0 - libm::sqrtf((last.variance / variance.max(f32::MIN_POSITIVE)).min(1.0));
    others.iter().map(|found| (vector(found.direction.view()), part(found.variance))).collect()
}

/// Logistic regression on one number, by Newton's method.
fn calibrate(outcomes: &[(f32, bool)]) -> Calibration {
    let count = outcomes.len().max(1) as f64;
    let mean = outcomes.iter().map(|(nearness, _)| f64::from(*nearness)).sum::<f64>() / count;
    let (mut scale, mut bias) = (0.0f64, 0.0f64);
    for _ in 0..NEWTON_STEPS {
        // Gradient and Hessian of the log-loss; `c` is the nearness about its mean, which keeps the two apart.
        let (mut by_scale, mut by_bias, mut scale_scale, mut scale_bias, mut bias_bias) = (0.0, 0.0, 1e-9, 0.0, 1e-9);
        for (nearness, is) in outcomes {
            let c = f64::from(*nearness) - mean;
            let probability = 1.0 / (1.0 + libm::exp(-(scale * c + bias)));
            let error = probability - f64::from(u8::from(*is));
            let weight = probability * (1.0 - probability);
            by_scale += error * c;
            by_bias += error;
            scale_scale += weight * c * c;
            scale_bias += weight * c;
            bias_bias += weight;
        }
        let determinant = scale_scale * bias_bias - scale_bias * scale_bias;
        // A step too long would overshoot where nearly all outcomes are on one side.
        let step = |numerator: f64| (numerator / determinant).clamp(-2.0, 2.0);
        scale -= step(bias_bias * by_scale - scale_bias * by_bias);
        bias -= step(scale_scale * by_bias - scale_bias * by_scale);
    }
    Calibration { scale: scale as f32, bias: (bias - scale * mean) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directions_of_most_variance_are_found() {
        let variance = |axis: usize| 1_000.0 / (axis + 1) as f32;
        let scatter = Array2::from_diag(&Array1::from_iter((0..DIMENSIONS).map(variance)));
        let found = principal(&scatter);
        for (axis, Principal { direction, variance: found }) in found.iter().enumerate().take(5) {
            assert!((found - variance(axis)).abs() < 0.01 * variance(axis), "{axis}: {found}");
            assert!(direction[axis].abs() > 0.99, "{axis}: {}", direction[axis]);
        }
        let parts: Vec<f32> = shrunk(&found).iter().map(|(_, part)| *part).collect();
        assert_eq!(parts.len(), DIRECTIONS);
        assert!((parts[0] - (1.0 - libm::sqrtf(1.0 / 17.0))).abs() < 0.01, "{parts:?}");
        assert!(parts.is_sorted_by(|a, b| a >= b), "{parts:?}");
    }

    #[test]
    fn a_calibration_says_how_often_it_is_right() {
        let truth = Calibration { scale: 1.5, bias: -2.0 };
        let mut random = Random(1);
        let outcomes: Vec<(f32, bool)> = (0..40_000)
            .map(|_| {
                let nearness = 8.0 * (random.uniform() - 0.5);
                (nearness, random.uniform() < 1.0 / (1.0 + libm::expf(-(truth.scale * nearness + truth.bias))))
            })
            .collect();
        let found = calibrate(&outcomes);
        assert!((found.scale - truth.scale).abs() < 0.05 && (found.bias - truth.bias).abs() < 0.05, "{found:?}");
    }
}
