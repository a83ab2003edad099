//! Fitting the heads. Deterministic: fixed order, fixed arithmetic, so that the same corpus gives the same bytes.

use domain::quote;

use crate::{
    corpus::{LabelledTicket, Risk},
    evaluate::Confusion,
    features::{self, BUCKETS, Features},
    model::{Calibration, Head, Model, Pooled, Task, argmax, signal, softmax},
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
            Task::Priority | Task::Agent | Task::Sentiment | Task::AnyChurn | Task::AnyIntent => {
                fit_tickets(task, &examples)
            }
            Task::Churn => fit_sentences(task, Task::AnyChurn, &examples),
            Task::Intent => fit_sentences(task, Task::AnyIntent, &examples),
        };
        held_out.push((task, confusion));
        progress(task);
        head
    };
    let heads = [
        fit(Task::Priority),
        fit(Task::Agent),
        fit(Task::Sentiment),
        fit(Task::Churn),
        fit(Task::Intent),
        fit(Task::AnyChurn),
        fit(Task::AnyIntent),
    ];
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
            Task::Churn | Task::AnyChurn => usize::from(self.ticket.churn == Risk::High),
            Task::AnyIntent => usize::from(self.ticket.intent.is_some()),
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
    let mut scored = Vec::new();
    for held in 0..FOLDS {
        let head = fit_whole(task, examples.iter().filter(|example| example.fold != held));
        let held = examples.iter().filter(|example| example.fold == held);
        scored.extend(held.map(|example| (head.scores(&example.whole), example.class(task))));
    }
    let mut confusion = Confusion::new(task.classes());
    for (scores, class) in &scored {
        confusion.add(*class, argmax(scores));
    }
    let mut head = fit_whole(task, examples.iter());
    head.calibration = Calibration { slope: temperature(&scored), ..Calibration::default() };
    (head, confusion)
}

fn fit_sentences(task: Task, any: Task, examples: &[Example<'_>]) -> (Head, Confusion) {
    let mut points = Vec::new();
    for held in 0..FOLDS {
        let rest = || examples.iter().filter(|example| example.fold != held);
        let (head, whole) = (fit_each_sentence(task, rest()), fit_whole(any, rest()));
        for example in examples.iter().filter(|example| example.fold == held) {
            let sentences = example.sentences.iter().map(|sentence| signal(&head.scores(&sentence.features)));
            let best = sentences.fold((f32::NEG_INFINITY, 0), |best, next| if next.0 > best.0 { next } else { best });
            // A ticket of no words at all tells nothing.
            if best.0.is_finite() {
                let (whole, _) = signal(&whole.scores(&example.whole));
                let pooled = Pooled::new(best.0, whole, example.sentences.len());
                points.push((pooled, best.1, example.class(task)));
            }
        }
    }
    let calibration = logistic(&points);
    let mut confusion = Confusion::new(task.classes());
    for (pooled, class, truth) in points {
        confusion.add(truth, if calibration.probability(pooled) >= 0.5 { class } else { 0 });
    }
    let mut head = fit_each_sentence(task, examples.iter());
    head.calibration = calibration;
    (head, confusion)
}

fn fit_whole<'a>(task: Task, examples: impl Iterator<Item = &'a Example<'a>>) -> Head {
    let row = |example: &'a Example<'a>| Row { features: &example.whole, class: example.class(task), weight: 1.0 };
    fit(&examples.map(row).collect::<Vec<_>>(), task.classes(), TICKET_DECAY)
}

fn fit_each_sentence<'a>(task: Task, examples: impl Iterator<Item = &'a Example<'a>>) -> Head {
    let rows: Vec<Row<'a>> = examples
        .flat_map(|example| {
            example.sentences.iter().map(move |sentence| {
                let class = example.sentence_class(task, sentence);
                let weight = if class == 0 { 1.0 } else { SIGNAL_WEIGHT };
                Row { features: &sentence.features, class, weight }
            })
        })
        .collect();
    fit(&rows, task.classes(), SENTENCE_DECAY)
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
        calibration: Calibration::default(),
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

/// Logistic regression over the pooled scores by gradient descent on their standardised values.
fn logistic(points: &[(Pooled, usize, usize)]) -> Calibration {
    let columns: [fn(&Pooled) -> f32; 3] = [|pooled| pooled.best, |pooled| pooled.whole, |pooled| pooled.length];
    let count = points.len().max(1) as f32;
    let [best, whole, length] = columns.map(|column| {
        let mean = points.iter().map(|(pooled, ..)| column(pooled)).sum::<f32>() / count;
        let square = |pooled: &Pooled| (column(pooled) - mean) * (column(pooled) - mean);
        let variance = points.iter().map(|(pooled, ..)| square(pooled)).sum::<f32>() / count;
        (mean, libm::sqrtf(variance).max(1e-6))
    });
    let mut curve = Calibration::default();
    for _ in 0..2_000 {
        let mut step = Calibration::default();
        for (pooled, _, class) in points {
            let pooled = Pooled {
                best: (pooled.best - best.0) / best.1,
                whole: (pooled.whole - whole.0) / whole.1,
                length: (pooled.length - length.0) / length.1,
            };
            let (truth, cost) = if *class == 0 { (0.0, 1.0) } else { (1.0, MISS_COST) };
            let error = cost * (curve.probability(pooled) - truth) / count;
            step.slope += error * pooled.best;
            step.whole += error * pooled.whole;
            step.length += error * pooled.length;
            step.offset += error;
        }
        curve.slope -= step.slope;
        curve.whole -= step.whole;
        curve.length -= step.length;
        curve.offset -= step.offset;
    }
    let (by_best, by_whole, by_length) = (curve.slope / best.1, curve.whole / whole.1, curve.length / length.1);
    let offset = curve.offset - by_best * best.0 - by_whole * whole.0 - by_length * length.0;
    Calibration { slope: by_best, whole: by_whole, length: by_length, offset }
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
