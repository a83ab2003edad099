//! Fitting the heads. Deterministic: fixed order, fixed arithmetic, so that the same corpus gives the same bytes.

use domain::quote;

use crate::{
    corpus::{LabelledTicket, Risk},
    evaluate::Confusion,
    features::{self, BUCKETS, Features},
    model::{Calibration, Head, Model, Task, argmax, signal, softmax},
    text,
};

const FOLDS: usize = 5;
const EPOCHS: usize = 20;
const STEP: f32 = 0.1;
/// Pull of every weight towards zero at each example that touches it, for whole tickets and for sentences. Both found
/// by cross-validation.
const TICKET_DECAY: f32 = 1e-3;
const SENTENCE_DECAY: f32 = 3e-3;
/// A sentence with a signal counts this much more than one without: there are twenty times fewer of them.
const SIGNAL_WEIGHT: f32 = 4.0;
/// A missed signal costs this much more than a false one; the confidence of a signal is tilted by it.
const MISS_COST: f32 = 2.0;

/// A fitted model, and how its like did on scenarios it had not seen.
#[derive(Debug)]
pub struct Trained {
    pub model: Model,
    /// Held-out results by task, over all folds.
    pub held_out: Vec<(Task, Confusion)>,
}

/// Fits all heads on all tickets. `progress` is told of each finished head.
#[must_use]
pub fn train(tickets: &[LabelledTicket], mut progress: impl FnMut(Task)) -> Trained {
    let examples: Vec<Example<'_>> = tickets.iter().map(Example::new).collect();
    let mut held_out = Vec::new();
    let mut fit = |task: Task| {
        let (head, confusion) = match task {
            Task::Priority | Task::Agent | Task::Sentiment => fit_tickets(task, &examples),
            Task::Churn | Task::Intent => fit_sentences(task, &examples),
        };
        held_out.push((task, confusion));
        progress(task);
        head
    };
    let heads = [fit(Task::Priority), fit(Task::Agent), fit(Task::Sentiment), fit(Task::Churn), fit(Task::Intent)];
    Trained { model: Model::new(heads), held_out }
}

/// A ticket made ready for every head.
struct Example<'a> {
    ticket: &'a LabelledTicket,
    fold: usize,
    whole: Features,
    sentences: Vec<Sentence>,
}

struct Sentence {
    features: Features,
    churn: bool,
    intent: bool,
}

impl<'a> Example<'a> {
    fn new(ticket: &'a LabelledTicket) -> Self {
        let body = text::current(&ticket.body);
        let carries = |sentence: &str, quotes: &[String]| {
            quotes.iter().any(|quote| {
                !quote::verified(&[sentence.to_owned()], quote).is_empty()
                    || !quote::verified(std::slice::from_ref(quote), sentence).is_empty()
            })
        };
        let sentences = text::sentences(&body)
            .into_iter()
            .map(|sentence| Sentence {
                features: features::extract("", &sentence),
                churn: carries(&sentence, &ticket.churn_quotes),
                intent: carries(&sentence, &ticket.intent_quotes),
            })
            .collect();
        Self { ticket, fold: fold(&ticket.scenario), whole: features::extract(&ticket.subject, &body), sentences }
    }

    /// The class of the whole ticket.
    fn class(&self, task: Task) -> usize {
        match task {
            Task::Priority => self.ticket.priority as usize,
            Task::Agent => self.ticket.agent as usize,
            Task::Sentiment => self.ticket.sentiment as usize,
            Task::Churn => usize::from(self.ticket.churn == Risk::High),
            Task::Intent => self.ticket.intent.map_or(0, |intent| intent as usize + 1),
        }
    }

    fn sentence_class(&self, task: Task, sentence: &Sentence) -> usize {
        let carries = if task == Task::Churn { sentence.churn } else { sentence.intent };
        if carries { self.class(task) } else { 0 }
    }
}

/// Scenarios, not tickets, are split: FNV-1a of the name.
fn fold(scenario: &str) -> usize {
    let hash = scenario.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 8) as usize % FOLDS
}

fn fit_tickets(task: Task, examples: &[Example<'_>]) -> (Head, Confusion) {
    let fit_on = |kept: &dyn Fn(&Example<'_>) -> bool| {
        let rows: Vec<Row<'_>> = examples
            .iter()
            .filter(|example| kept(example))
            .map(|example| Row { features: &example.whole, class: example.class(task), weight: 1.0 })
            .collect();
        fit(&rows, task.classes(), TICKET_DECAY)
    };
    let mut scored = Vec::new();
    for held in 0..FOLDS {
        let head = fit_on(&|example| example.fold != held);
        let held = examples.iter().filter(|example| example.fold == held);
        scored.extend(held.map(|example| (head.scores(&example.whole), example.class(task))));
    }
    let mut confusion = Confusion::new(task.classes());
    for (scores, class) in &scored {
        confusion.add(*class, argmax(scores));
    }
    let mut head = fit_on(&|_| true);
    head.calibration = Calibration { slope: temperature(&scored), offset: 0.0 };
    (head, confusion)
}

fn fit_sentences(task: Task, examples: &[Example<'_>]) -> (Head, Confusion) {
    let fit_on = |kept: &dyn Fn(&Example<'_>) -> bool| {
        let rows: Vec<Row<'_>> = examples
            .iter()
            .filter(|example| kept(example))
            .flat_map(|example| {
                example.sentences.iter().map(|sentence| {
                    let class = example.sentence_class(task, sentence);
                    let weight = if class == 0 { 1.0 } else { SIGNAL_WEIGHT };
                    Row { features: &sentence.features, class, weight }
                })
            })
            .collect();
        fit(&rows, task.classes(), SENTENCE_DECAY)
    };
    let mut pooled = Vec::new();
    for held in 0..FOLDS {
        let head = fit_on(&|example| example.fold != held);
        for example in examples.iter().filter(|example| example.fold == held) {
            let sentences = example.sentences.iter().map(|sentence| signal(&head.scores(&sentence.features)));
            let best = sentences.fold((f32::NEG_INFINITY, 0), |best, next| if next.0 > best.0 { next } else { best });
            // A ticket of no words at all tells nothing.
            if best.0.is_finite() {
                pooled.push((best, example.class(task)));
            }
        }
    }
    let curve: Vec<(f32, bool)> = pooled.iter().map(|((score, _), class)| (*score, *class != 0)).collect();
    let calibration = logistic(&curve);
    let mut confusion = Confusion::new(task.classes());
    for ((score, class), truth) in pooled {
        confusion.add(truth, if calibration.probability(score) >= 0.5 { class } else { 0 });
    }
    let mut head = fit_on(&|_| true);
    head.calibration = calibration;
    (head, confusion)
}

struct Row<'a> {
    features: &'a Features,
    class: usize,
    weight: f32,
}

/// Multinomial logistic regression by `AdaGrad` over a fixed shuffle, then rounded to bytes.
fn fit(rows: &[Row<'_>], classes: usize, decay: f32) -> Head {
    let mut weights = vec![0.0f32; BUCKETS * classes];
    let mut squares = vec![1e-8f32; BUCKETS * classes];
    let mut biases = vec![0.0f32; classes];
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let mut random = Lcg(42);
    for _ in 0..EPOCHS {
        random.shuffle(&mut order);
        for row in order.iter().filter_map(|index| rows.get(*index)) {
            let mut scores = biases.clone();
            for (bucket, value) in row.features {
                for (score, weight) in scores.iter_mut().zip(cells(&mut weights, *bucket, classes)) {
                    *score += value * *weight;
                }
            }
            let mut errors = softmax(&scores);
            for (class, error) in errors.iter_mut().enumerate() {
                *error = (*error - f32::from(u8::from(class == row.class))) * row.weight;
            }
            for (bias, error) in biases.iter_mut().zip(&errors) {
                *bias -= 0.01 * error;
            }
            for (bucket, value) in row.features {
                let cells = cells(&mut weights, *bucket, classes);
                let squares = self::cells(&mut squares, *bucket, classes);
                for ((weight, square), error) in cells.iter_mut().zip(squares).zip(&errors) {
                    let gradient = error * value + decay * *weight;
                    *square += gradient * gradient;
                    *weight -= STEP * gradient / libm::sqrtf(*square);
                }
            }
        }
    }
    rounded(&weights, biases)
}

fn cells(table: &mut [f32], bucket: u32, classes: usize) -> &mut [f32] {
    table.get_mut(bucket as usize * classes..).and_then(|rest| rest.get_mut(..classes)).unwrap_or_default()
}

#[expect(clippy::cast_possible_truncation, reason = "within -127 to 127 by its scale")]
fn rounded(weights: &[f32], biases: Vec<f32>) -> Head {
    let classes = biases.len();
    let scale = |class: usize| {
        let most = weights.iter().skip(class).step_by(classes).fold(0.0f32, |most, weight| most.max(weight.abs()));
        most.max(f32::MIN_POSITIVE) / 127.0
    };
    let scales: Vec<f32> = (0..classes).map(scale).collect();
    let bytes = weights
        .chunks(classes)
        .flat_map(|row| row.iter().zip(&scales).map(|(weight, scale)| ((weight / scale).round() as i8).cast_unsigned()))
        .collect::<Vec<u8>>();
    Head {
        classes: scales.into_iter().zip(biases).collect(),
        calibration: Calibration { slope: 1.0, offset: 0.0 },
        weights: bytes.into(),
    }
}

/// The slope in 0.05 to 4 under which the held-out labels were least surprising.
fn temperature(scored: &[(Vec<f32>, usize)]) -> f32 {
    let surprise = |slope: f32| -> f32 {
        scored
            .iter()
            .map(|(scores, class)| {
                let probabilities = softmax(&scores.iter().map(|score| score * slope).collect::<Vec<_>>());
                -libm::logf(probabilities.get(*class).copied().unwrap_or(0.0).max(1e-6))
            })
            .sum()
    };
    let slopes = (1..=80u8).map(|step| f32::from(step) * 0.05);
    slopes.map(|slope| (surprise(slope), slope)).fold((f32::INFINITY, 1.0), |a, b| if b.0 < a.0 { b } else { a }).1
}

/// Logistic regression of one variable by gradient descent over its standardised values.
fn logistic(points: &[(f32, bool)]) -> Calibration {
    let count = points.len().max(1) as f32;
    let mean = points.iter().map(|(score, _)| score).sum::<f32>() / count;
    let variance = points.iter().map(|(score, _)| (score - mean) * (score - mean)).sum::<f32>() / count;
    let deviation = libm::sqrtf(variance).max(1e-6);
    let (mut slope, mut offset) = (1.0f32, 0.0f32);
    for _ in 0..2_000 {
        let (mut slope_error, mut offset_error) = (0.0f32, 0.0f32);
        for (score, truth) in points {
            let score = (score - mean) / deviation;
            let cost = if *truth { MISS_COST } else { 1.0 };
            let error = cost * (Calibration { slope, offset }.probability(score) - f32::from(u8::from(*truth)));
            slope_error += error * score;
            offset_error += error;
        }
        slope -= slope_error / count;
        offset -= offset_error / count;
    }
    Calibration { slope: slope / deviation, offset: offset - slope * mean / deviation }
}

/// A linear congruential generator (Knuth's MMIX constants): order, not secrecy.
struct Lcg(u64);

impl Lcg {
    fn shuffle(&mut self, order: &mut [usize]) {
        for end in (1..order.len()).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(end, (self.0 >> 33) as usize % (end + 1));
        }
    }
}
