//! Fitting the heads. Fixed order, fixed chance, so that the same corpus gives the same bytes on processors with the same
//! vector instructions.

mod calibrate;
mod example;
mod gradient;
mod optimiser;
mod words;

use std::{
    ops::RangeInclusive,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use analyst::{
    heads::{Batch, HIDDEN, Heads, TASKS, Task},
    inputs::Inputs,
    model::{self, Mix, Model},
    words::Words,
};
use ndarray::{Array1, Array2, ArrayView1};

pub use self::example::{Example, Singles, Truth};
use self::{gradient::Known, optimiser::Optimiser};
use crate::random::Random;

const FOLDS: usize = 5;
/// Networks that are averaged.
const NETWORKS: usize = 5;
const EPOCHS: usize = 45;
/// Tickets a step.
const BATCH: usize = 64;
/// Single sentences a step.
const SINGLES: usize = 96;
/// The share of hidden units that are silenced at each step.
const SILENCED: f32 = 0.6;
/// What the others are scaled by, so that their sum stays.
const KEPT_SCALE: f32 = 1.0 / (1.0 - SILENCED);

/// A fitted model, and how its like did on scenarios it had not seen.
#[derive(Debug)]
pub struct Trained {
    pub model: Model,
    /// For each example and task, in their order, the probabilities by one network and n-gram heads that had not seen its
    /// scenario. How they are mixed was found on these same points: three numbers a task.
    pub held_out: Vec<[Vec<f32>; 5]>,
    /// The same by the n-grams alone, and by the networks alone: what either part is worth.
    pub by_words: Vec<[Vec<f32>; 5]>,
    pub by_networks: Vec<[Vec<f32>; 5]>,
}

/// One thing to fit.
#[derive(Clone, Copy)]
enum Job {
    /// On all but one fold, for calibration and for the figures.
    Fold(usize),
    /// On all, with this seed.
    Network(usize),
    /// The n-gram heads, on all but one fold or on all.
    Words(Option<usize>),
}

enum Fitted {
    Network(Box<Heads>),
    Words(Box<[Words; 5]>),
}

/// Fits everything on all examples, on `threads` threads at once. `progress` is told of each part done and of how many
/// there are.
pub fn train(
    examples: &[Example],
    singles: &Singles,
    threads: usize,
    progress: impl Fn(usize, usize) + Sync,
) -> Trained {
    let mut jobs: Vec<Job> = (0..FOLDS).flat_map(|fold| [Job::Fold(fold), Job::Words(Some(fold))]).collect();
    jobs.extend((0..NETWORKS).map(Job::Network));
    jobs.push(Job::Words(None));

    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Vec<Mutex<Option<Fitted>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let (index, Some(job)) = take(&next, &jobs) {
                    let fitted = fit(*job, examples, singles);
                    if let Some(Ok(mut result)) = results.get(index).map(Mutex::lock) {
                        *result = Some(fitted);
                    }
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, jobs.len());
                }
            });
        }
    });
    let (mut folds, mut fold_words, mut networks, mut words) = (Vec::new(), Vec::new(), Vec::new(), None);
    for (job, result) in jobs.iter().zip(results) {
        let fitted = result.into_inner().ok().flatten().expect("every job was done");
        match (job, fitted) {
            (Job::Fold(_), Fitted::Network(heads)) => folds.push(heads),
            (Job::Network(_), Fitted::Network(heads)) => networks.push(*heads),
            (Job::Words(Some(_)), Fitted::Words(heads)) => fold_words.push(heads),
            (Job::Words(None), Fitted::Words(heads)) => words = Some(heads),
            (Job::Fold(_) | Job::Network(_), Fitted::Words(_)) | (Job::Words(_), Fitted::Network(_)) => {}
        }
    }

    let points: Vec<[Point; 5]> = examples
        .iter()
        .map(|example| {
            let network = folds.get(example.fold).expect("a network for each fold");
            let words = fold_words.get(example.fold).expect("n-gram heads for each fold");
            points(example, network, words)
        })
        .collect();
    let mixes = |shares: RangeInclusive<f32>| {
        TASKS.map(|task| {
            let points = points.iter().filter_map(|points| points.get(task as usize));
            calibrate::mix(task, &points.zip(examples).collect::<Vec<_>>(), shares.clone())
        })
    };
    let mixed = mixes(0.0..=1.0);
    Trained {
        held_out: probabilities(&points, &mixed),
        by_words: probabilities(&points, &mixes(1.0..=1.0)),
        by_networks: probabilities(&points, &mixes(0.0..=0.0)),
        model: Model::new(networks, *words.expect("fitted on all"), mixed),
    }
}

fn probabilities(points: &[[Point; 5]], mixes: &[Mix; 5]) -> Vec<[Vec<f32>; 5]> {
    points
        .iter()
        .map(|points| {
            let mut points = points.iter().zip(mixes);
            TASKS.map(|_| {
                let (point, mix) = points.next().expect("a point for each task");
                mix.probabilities(&point.network, &point.words)
            })
        })
        .collect()
}

/// What a network and the n-grams say of an example that neither has seen.
struct Point {
    network: Array1<f32>,
    words: Vec<f32>,
}

fn points(example: &Example, network: &Heads, words: &[Words; 5]) -> [Point; 5] {
    let pass = network.pass(&Batch::of(&[&example.inputs], &[]), |_| {});
    let mut words = words.iter();
    TASKS.map(|task| Point {
        network: model::scores(&pass, task, 0),
        words: words.next().map(|words| words.scores(&example.words)).unwrap_or_default(),
    })
}

fn take<'a>(next: &AtomicUsize, jobs: &'a [Job]) -> (usize, Option<&'a Job>) {
    let index = next.fetch_add(1, Ordering::Relaxed);
    (index, jobs.get(index))
}

fn fit(job: Job, examples: &[Example], singles: &Singles) -> Fitted {
    let without = |fold: Option<usize>| -> Vec<&Example> {
        examples.iter().filter(|example| Some(example.fold) != fold).collect()
    };
    match job {
        Job::Fold(fold) => Fitted::Network(Box::new(fit_network(&without(Some(fold)), singles, NETWORKS + fold))),
        Job::Network(seed) => Fitted::Network(Box::new(fit_network(&without(None), singles, seed))),
        Job::Words(fold) => Fitted::Words(Box::new(TASKS.map(|task: Task| words::fit(task, &without(fold))))),
    }
}

fn fit_network(examples: &[&Example], singles: &Singles, seed: usize) -> Heads {
    let mut random = Random(seed as u64 + 1);
    let mut heads = start(&mut random);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let steps = examples.len().div_ceil(BATCH);
    let mut optimiser = Optimiser::new(EPOCHS * steps);
    for _ in 0..EPOCHS {
        random.shuffle(&mut order);
        for chosen in order.chunks(BATCH) {
            let tickets: Vec<&Example> = chosen.iter().filter_map(|index| examples.get(*index).copied()).collect();
            let extra: Vec<usize> = match singles.classes.len() {
                0 => Vec::new(),
                count => (0..SINGLES).map(|_| random.below(count)).collect(),
            };
            let rows: Vec<ArrayView1<'_, f32>> = extra.iter().map(|index| singles.inputs.row(*index)).collect();
            let inputs: Vec<&Inputs> = tickets.iter().map(|example| &example.inputs).collect();
            let batch = Batch::of(&inputs, &rows);
            let single = extra.iter().filter_map(|index| singles.classes.get(*index));
            let known = Known {
                tickets: tickets.iter().map(|example| &example.truth).collect(),
                sentences: tickets.iter().flat_map(|example| &example.sentences).chain(single).copied().collect(),
                singles: extra.len(),
            };
            let thin = |hidden: &mut Array2<f32>| {
                hidden.mapv_inplace(|value| if random.unit() < SILENCED { 0.0 } else { value * KEPT_SCALE });
            };
            let pass = heads.pass(&batch, thin);
            let gradient = gradient::gradient(&heads, &batch, &pass, &known);
            optimiser.step(&mut heads, &gradient);
        }
    }
    heads
}

/// Where training starts. Inputs have length √2, hidden units should stay below 1.
fn start(random: &mut Random) -> Heads {
    let mut heads = Heads::zeros();
    for layer in [&mut heads.sentence, &mut heads.whole, &mut heads.subject] {
        layer.weights.mapv_inplace(|_| random.normal(0.29));
    }
    let deviation = 0.1 / libm::sqrtf(HIDDEN as f32);
    heads.signals.weights.mapv_inplace(|_| random.normal(deviation));
    for layer in &mut heads.tasks {
        let deviation = 0.1 / libm::sqrtf(layer.weights.nrows() as f32);
        layer.weights.mapv_inplace(|_| random.normal(deviation));
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;
    use std::path::Path;

    use encoder::Encoder;

    fn bundled(encoder: &Encoder, every: usize) -> Vec<Example> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/corpus/training/tickets");
        let tickets = corpus::tickets(Path::new(folder)).unwrap().into_iter();
        tickets.step_by(every).map(|ticket| Example::of_corpus(encoder, &ticket)).collect()
    }

    #[test]
    fn the_same_tickets_give_the_same_bytes_on_any_number_of_threads_and_chance_is_beaten() {
        let encoder = Encoder::new(data::ENCODER).unwrap();
        let examples = bundled(&encoder, 20);
        let none = Singles::new(&encoder, &[]);
        let fit = |threads: usize| train(&examples, &none, threads, |_, _| {});
        let (one, two) = (fit(1), fit(2));
        assert!(one.model.to_bytes() == two.model.to_bytes());
        let right = |task: Task| {
            let hit = |(example, held_out): (&Example, &[Vec<f32>; 5])| {
                example.truth.class(task) == Some(model::argmax(&held_out[task as usize]))
            };
            examples.iter().zip(&one.held_out).filter(|pair| hit(*pair)).count() as f64 / examples.len() as f64
        };
        assert!(
            right(Task::Priority) > 0.42 && right(Task::Agent) > 0.5,
            "{} {}",
            right(Task::Priority),
            right(Task::Agent)
        );
    }

    #[test]
    fn tickets_with_only_some_labels_teach_those() {
        let encoder = Encoder::new(data::ENCODER).unwrap();
        let example = |subject: &str, agent: usize, scenario: &str| {
            let truth = Truth { classes: [None, Some(agent), None, None, None], weight: 3.0 };
            Example::of_ticket(&encoder, subject, "Please look at it.", scenario, truth)
        };
        let examples: Vec<Example> = (0..30)
            .flat_map(|index| {
                let scenario = format!("customer {index}");
                [example("Invoice wrong", 2, &scenario), example("Webhook dead", 0, &scenario)]
            })
            .collect();
        let trained = train(&examples, &Singles::new(&encoder, &[]), 2, |_, _| {});
        for (example, held_out) in examples.iter().zip(&trained.held_out) {
            assert_eq!(example.truth.class(Task::Agent), Some(model::argmax(&held_out[Task::Agent as usize])));
        }
    }
}
