//! Fitting the [`Model`]: networks by AdamW with dropout, n-gram heads by AdaGrad, and how both are combined on scenarios
//! that neither they nor the encoder have seen.
//!
//! Order and random numbers are fixed, so that the same corpus gives the same bytes on any number of threads, on processors
//! with the same vector instructions.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip an example"
)]

mod acts;
mod background;
mod calibrate;
mod example;
pub mod gate;
mod gradient;
mod kinds;
mod languages;
mod ngrams;
mod optimiser;
mod regression;
pub mod texts;
mod vary;
mod weighing;

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicUsize, Ordering},
};

use analyst::{
    features::Features,
    heads::{Batch, HIDDEN, Heads, PerTask, Task},
    inputs::Inputs,
    model::{Calibration, Ensemble, Model},
    ngram_head::NgramHead,
};
use ndarray::{Array1, Array2, ArrayView1};

pub use self::example::{Ears, SentenceExamples, TicketExample, Truth, is_held_out};
pub use self::{
    acts::ActExamples,
    background::{BackgroundExamples, Unseen},
    kinds::KindExamples,
    languages::LanguageExamples,
    vary::Noise,
};
use self::{
    gradient::Targets,
    optimiser::{Adam, Group},
    vary::Varied,
};
use crate::{parallel, random::Random};

/// Five, so that what judges the held-out ones has learnt from four fifths of the scenarios.
const FOLDS: usize = 5;
/// The fold that `infra/encoder/tune.py` leaves out: on any other, the encoder itself has seen the labels.
const HELD_OUT: usize = 0;
/// Networks in the ensemble. Three did a little worse on held-out scenarios; each more costs a reading its time.
const NETWORKS: usize = 5;
/// Passes over the tickets: many, since dropout slows learning down.
const EPOCHS: usize = 16;
/// Tickets per step: a mean over so many is steady, and an epoch has some five hundred steps.
const BATCH_TICKETS: usize = 64;
/// Single sentences per step, drawn with replacement: each of the 6,680 some seven times as often as a ticket.
const BATCH_SENTENCES: usize = 96;
/// The probability that a hidden unit is zeroed in a step. High, as there are far more weights than tickets.
const DROPOUT: f32 = 0.6;
/// Inverted dropout: the units kept are scaled up, so that inference needs no scaling.
const DROPOUT_SCALE: f32 = 1.0 / (1.0 - DROPOUT);
/// The learning rate at the first step: twice Adam's usual one, as it falls to zero.
const LEARNING_RATE: f32 = 2e-3;
/// PyTorch's default, as a share of the learning rate. Without decay, a hundred times more weights than there are tickets would fit
/// noise.
const WEIGHT_DECAY: f32 = 1e-2;
/// The deviation of the first hidden weights. Inputs have length √3, so that hidden units start below 1.
const HIDDEN_DEVIATION: f32 = 0.24;
/// The deviation of what a classifier's logits start with: near zero, so that no class has a lead.
const LOGIT_DEVIATION: f32 = 0.1;

/// A fitted model, and how its like did on scenarios it had not seen.
#[derive(Debug)]
pub struct Trained {
    pub model: Model,
    /// The numbers of the examples held out; the lists below are of these.
    pub unseen: Vec<usize>,
    /// For each the probabilities by one network and n-gram heads that had not seen its scenario. Their ensemble was fitted
    /// on these same examples: three numbers a task, and six a claim.
    pub held_out: Vec<PerTask<Vec<f32>>>,
    /// The same by the n-grams alone, and by the network alone: what either part is worth.
    pub by_ngrams: Vec<PerTask<Vec<f32>>>,
    pub by_networks: Vec<PerTask<Vec<f32>>>,
}

/// A network to fit.
#[derive(Clone, Copy)]
struct NetworkJob {
    /// The fold that it does not see; none for the networks of the model.
    held_out: Option<usize>,
    seed: usize,
}

/// What a network and an n-gram head that have not seen an example say of it.
struct HeldOutScores {
    /// Log-probabilities.
    network: Array1<f32>,
    /// Logits.
    ngrams: Array1<f32>,
}

/// Fits everything on all examples, on `threads` threads at once. `progress` is told how many parts are done, and of how
/// many.
pub fn train(
    examples: &[TicketExample],
    sentences: &SentenceExamples,
    noise: &Noise,
    threads: usize,
    progress: impl Fn(usize, usize) + Sync,
) -> Trained {
    let judge = NetworkJob { held_out: Some(HELD_OUT), seed: NETWORKS };
    let finals = (0..NETWORKS).map(|seed| NetworkJob { held_out: None, seed });
    let network_jobs: Vec<NetworkJob> = std::iter::once(judge).chain(finals).collect();
    let ngram_jobs = [Some(HELD_OUT), None];

    let (done, all) = (AtomicUsize::new(0), network_jobs.len() + ngram_jobs.len());
    let part_done = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, all);
    let mut networks = parallel::map(&network_jobs, threads, |job| {
        let singles = (0..sentences.folds.len()).filter(|number| Some(sentences.folds[*number]) != job.held_out);
        let singles: Vec<usize> = singles.collect();
        let network = fit_network(&without(examples, job.held_out), (sentences, &singles), noise, job.seed);
        part_done();
        network
    });
    let network = networks.remove(0);
    let [judge_ngrams, ngrams] = parallel::map(&ngram_jobs, threads, |held_out| {
        let examples = without(examples, *held_out);
        let heads = PerTask::from_fn(|task| fit_ngrams(task, &examples));
        part_done();
        heads
    })
    .try_into()
    .expect("as many as jobs");

    let numbers: Vec<usize> = (0..examples.len()).filter(|number| examples[*number].fold == HELD_OUT).collect();
    let unseen: Vec<&TicketExample> = numbers.iter().map(|number| &examples[*number]).collect();
    let scores: Vec<PerTask<HeldOutScores>> =
        unseen.iter().map(|example| held_out_scores(example, &network, &judge_ngrams)).collect();
    let typed = unseen.iter().filter_map(|example| Some((*example, retyped_scores(example, &network, &judge_ngrams)?)));
    let typed: Vec<(&TicketExample, PerTask<HeldOutScores>)> = typed.collect();
    let calibrated =
        || unseen.iter().copied().zip(&scores).chain(typed.iter().map(|(example, scores)| (*example, scores)));
    let ensembles = |ngram_weights: RangeInclusive<f32>| {
        PerTask::from_fn(|task| calibrate::fit(task, calibrated(), &ngram_weights))
    };
    let (both, alone) = (Calibration::new(ensembles(0.0..=1.0)), Calibration::new(ensembles(0.0..=0.0)));
    let judge = Model::new(vec![network], judge_ngrams, both, alone);
    let weighings = |has_ngrams: bool| {
        let of = unseen.iter().copied().filter(|example| example.heard.features.is_some() == has_ngrams);
        weighing::fit(&of.collect::<Vec<_>>(), &judge, threads)
    };
    let both = Calibration { weighings: weighings(true), ..both };
    let alone = Calibration { weighings: weighings(false), ..alone };
    let judge = judge.recalibrated(both, alone);
    let held_out = |example: &&TicketExample| {
        let prediction = judge.predict(&example.heard);
        PerTask::from_fn(|task| prediction.probabilities(task).to_vec())
    };
    Trained {
        held_out: parallel::map(&unseen, threads, held_out),
        by_ngrams: probabilities(&scores, &ensembles(1.0..=1.0)),
        by_networks: probabilities(&scores, &alone.ensembles),
        unseen: numbers,
        model: Model::new(networks, ngrams, both, alone),
    }
}

fn fit_ngrams(task: Task, examples: &[&TicketExample]) -> NgramHead {
    let labelled = examples.iter().flat_map(|example| {
        let class = example.truth.classes[task];
        let both = [&example.heard.features, &example.varied_ngrams].into_iter().flatten();
        // A ticket and its variant count for one.
        let weight = example.truth.weight / 2.0;
        both.filter_map(move |ngrams| Some(ngrams::Example { ngrams, class: class?, weight }))
    });
    ngrams::fit(task.classes(), &labelled.collect::<Vec<_>>())
}

/// For each fold the numbers of the examples outside and inside.
fn folds(count: usize) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> {
    (0..FOLDS).map(move |fold| (0..count).partition(|index| index % FOLDS != fold))
}

/// All examples but those of one fold.
fn without(examples: &[TicketExample], fold: Option<usize>) -> Vec<&TicketExample> {
    examples.iter().filter(|example| Some(example.fold) != fold).collect()
}

fn held_out_scores(example: &TicketExample, network: &Heads, ngrams: &PerTask<NgramHead>) -> PerTask<HeldOutScores> {
    scores(&example.heard.inputs, example.heard.features.as_ref(), network, ngrams)
}

/// Of the ticket as another would have typed it.
fn retyped_scores(
    example: &TicketExample,
    network: &Heads,
    ngrams: &PerTask<NgramHead>,
) -> Option<PerTask<HeldOutScores>> {
    let retyped = example.retyped.first()?;
    Some(scores(&retyped.inputs, example.varied_ngrams.as_ref(), network, ngrams))
}

fn scores(
    inputs: &Inputs,
    features: Option<&Features>,
    network: &Heads,
    ngrams: &PerTask<NgramHead>,
) -> PerTask<HeldOutScores> {
    let pass = network.forward(&Batch::new(&[inputs], &[]));
    PerTask::from_fn(|task| HeldOutScores {
        network: pass.log_probabilities(task, 0),
        ngrams: features.map_or_else(|| Array1::zeros(task.classes()), |own| ngrams[task].logits(own)),
    })
}

fn probabilities(scores: &[PerTask<HeldOutScores>], ensembles: &PerTask<Ensemble>) -> Vec<PerTask<Vec<f32>>> {
    let of_example = |scores: &PerTask<HeldOutScores>| {
        PerTask::from_fn(|task| {
            let HeldOutScores { network, ngrams } = &scores[task];
            ensembles[task].probabilities(network, ngrams.clone())
        })
    };
    scores.iter().map(of_example).collect()
}

/// `singles` are the numbers of the single sentences that it learns from.
fn fit_network(
    examples: &[&TicketExample],
    (sentences, singles): (&SentenceExamples, &[usize]),
    noise: &Noise,
    seed: usize,
) -> Heads {
    // The model's first seed is 1: the weights that are committed were fitted so.
    let mut random = Random(seed as u64 + 1);
    let mut heads = initial(&mut random);
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let steps = examples.len().div_ceil(BATCH_TICKETS);
    let questions: Vec<&TicketExample> =
        examples.iter().copied().filter(|example| vary::is_question(example)).collect();
    let mut optimiser = Adam::new(heads.slices().into_iter().map(<[f32]>::len));
    for epoch in 0..EPOCHS {
        random.shuffle(&mut order);
        for (step, chosen) in order.chunks(BATCH_TICKETS).enumerate() {
            let vary = |index: &usize| noise.vary(examples[*index], &questions, &mut random);
            let tickets: Vec<Varied> = chosen.iter().map(vary).collect();
            let singles: Vec<usize> = match singles.len() {
                0 => Vec::new(),
                count => (0..BATCH_SENTENCES).map(|_| singles[random.below(count)]).collect(),
            };
            let rows: Vec<ArrayView1<'_, f32>> = singles.iter().map(|index| sentences.inputs.row(*index)).collect();
            let inputs: Vec<&Inputs> = tickets.iter().map(|ticket| &ticket.inputs).collect();
            let batch = Batch::new(&inputs, &rows);
            let single_classes = singles.iter().map(|index| &sentences.classes[*index]);
            let classes = tickets.iter().flat_map(|ticket| &ticket.sentences).chain(single_classes);
            let targets = Targets {
                tickets: tickets.iter().map(|ticket| &ticket.truth).collect(),
                sentences: classes.copied().collect(),
                single_sentences: singles.len(),
            };
            let dropout = |hidden: &mut Array2<f32>| {
                hidden.mapv_inplace(|unit| if random.uniform() < DROPOUT { 0.0 } else { unit * DROPOUT_SCALE });
            };
            let pass = heads.forward_with_dropout(&batch, dropout);
            let gradient = gradient::gradient(&heads, &batch, &pass, &targets);
            let rate = learning_rate(epoch * steps + step, EPOCHS * steps);
            let groups = heads.slices_mut().into_iter().zip(gradient.slices());
            let decay = rate * WEIGHT_DECAY;
            optimiser.step(groups.map(|(weights, gradient)| Group { weights, gradient, decay }), rate);
        }
    }
    heads
}

/// From [`LEARNING_RATE`] along half a cosine to zero.
fn learning_rate(step: usize, steps: usize) -> f32 {
    LEARNING_RATE * 0.5 * (1.0 + libm::cosf(core::f32::consts::PI * step as f32 / steps as f32))
}

/// Where training starts: small random weights, biases and attention scores of zero.
fn initial(random: &mut Random) -> Heads {
    let mut heads = Heads::zeros();
    for layer in [&mut heads.sentence, &mut heads.whole, &mut heads.subject] {
        layer.weights.mapv_inplace(|_| random.normal(HIDDEN_DEVIATION));
    }
    let deviation = LOGIT_DEVIATION / libm::sqrtf(HIDDEN as f32);
    heads.sentence_tasks.weights.mapv_inplace(|_| random.normal(deviation));
    for layer in heads.tasks.values_mut() {
        let deviation = LOGIT_DEVIATION / libm::sqrtf(layer.weights.nrows() as f32);
        layer.weights.mapv_inplace(|_| random.normal(deviation));
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{self, ActSentence};
    use std::{path::Path, sync::LazyLock};

    use analyst::{Kinds, Languages, acts::Act, model::argmax};
    use domain::Language;
    use encoder::Encoder;

    /// The bundled classifiers, and nothing to vary with.
    struct Bundled {
        encoder: Encoder,
        kinds: Kinds,
        languages: Languages,
        noise: Noise,
    }

    impl Bundled {
        fn new() -> Self {
            let encoder = Encoder::new(data::ENCODER).unwrap();
            Self {
                noise: Noise::new(&encoder, Vec::new()),
                kinds: Kinds::read(data::KINDS).unwrap(),
                languages: Languages::read(data::LANGUAGES).unwrap(),
                encoder,
            }
        }

        fn ears(&self) -> Ears<'_> {
            Ears { encoder: &self.encoder, kinds: &self.kinds, languages: &self.languages, noise: &self.noise }
        }

        fn corpus(&self, every: usize) -> Vec<TicketExample> {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/corpus/training/tickets");
            let tickets = corpus::tickets(Path::new(folder)).unwrap().into_iter();
            tickets.step_by(every).map(|ticket| TicketExample::of_corpus(self.ears(), &ticket)).collect()
        }

        fn fit(&self, examples: &[TicketExample], threads: usize) -> Trained {
            let none = SentenceExamples::new(&self.encoder, &[]);
            train(examples, &none, &self.noise, threads, |_, _| {})
        }
    }

    /// A sixtieth of the corpus, small enough to be fitted in a test, and a model of it made on one thread.
    static SMALL: LazyLock<(Vec<TicketExample>, Trained)> = LazyLock::new(|| {
        let bundled = Bundled::new();
        let examples = bundled.corpus(60);
        let trained = bundled.fit(&examples, 1);
        (examples, trained)
    });

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let (examples, one) = &*SMALL;
        assert!(one.model.to_bytes() == Bundled::new().fit(examples, 2).model.to_bytes());
    }

    #[test]
    fn a_fitted_model_equals_the_one_read() {
        let (_, trained) = &*SMALL;
        let read = Model::read(trained.model.to_bytes().leak()).unwrap();
        assert!(read == trained.model);
    }

    #[test]
    fn a_small_corpus_beats_chance() {
        let (examples, trained) = &*SMALL;
        let right = |task: Task| {
            let hit = |(number, held_out): &(&usize, &PerTask<Vec<f32>>)| {
                examples[**number].truth.classes[task] == Some(argmax(&held_out[task]))
            };
            let hits = trained.unseen.iter().zip(&trained.held_out).filter(hit).count();
            hits as f64 / trained.unseen.len() as f64
        };
        let (priority, team) = (right(Task::Priority), right(Task::Agent));
        assert!(priority > 0.42 && team > 0.5, "{priority} and {team}");
    }

    #[test]
    fn what_a_sentence_does_teaches_the_labels_that_follow_from_it() {
        let bundled = Bundled::new();
        let of = |act: Act| {
            let sentence = ActSentence { text: "This is it.".to_owned(), language: Language::En, act };
            let classes = TicketExample::of_act(bundled.ears(), &sentence)?.truth.classes;
            Some((classes[Task::Priority], classes[Task::Churn]))
        };
        assert_eq!(of(Act::Outage), Some((Some(0), Some(0))));
        assert_eq!(of(Act::Leaving), Some((Some(1), Some(1))));
        assert_eq!(of(Act::Evaluating), Some((None, Some(1))));
        assert_eq!(of(Act::Closing), Some((Some(3), Some(0))));
        assert_eq!(of(Act::Fault), None);
    }

    #[test]
    fn what_the_encoder_is_tuned_to_is_what_the_heads_hear() {
        let bundled = Bundled::new();
        let truth = Truth { classes: PerTask::from_fn(|task| (task == Task::Churn).then_some(0)), weight: 1.0 };
        let body = "Nobody can pay since 9:30. Orders are lost!";
        let subject = "Conversation with Ann";
        let ticket = TicketExample::of_ticket(bundled.ears(), subject, body, "x", Some(Language::En), truth);
        let act = ActSentence { text: "It is DOWN.".to_owned(), language: Language::En, act: Act::Outage };
        let lines = texts::lines(&[ticket], &[act], &[], std::iter::once("Pay by 2 cards?".to_owned()));
        let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [classes, ticket, act, other] = lines.try_into().unwrap();
        assert_eq!(classes["tasks"], serde_json::json!([4, 3, 3, 2, 5, 32]));
        assert_eq!(classes["sentence_tasks"], serde_json::json!([2, 5, 3, 5]));
        assert_eq!(ticket["classes"], serde_json::json!([null, null, null, 0, null, null]));
        let own = &ticket["typed"][0];
        assert_eq!(own["subject"], "", "a subject that says nothing is not heard");
        assert_eq!(own["sentences"], serde_json::json!(["nobody can pay since 0.", "orders are lost!"]));
        assert_eq!(own["classes"], serde_json::json!([[0, null, null, null], [0, null, null, null]]));
        for typed in ticket["typed"].as_array().unwrap() {
            assert_eq!(typed["sentences"].as_array().unwrap().len(), typed["classes"].as_array().unwrap().len());
        }
        assert_eq!((&act["typed"][0], &act["act"]), (&"it is down.".into(), &(Act::Outage as usize).into()));
        assert_eq!(other, serde_json::json!({ "what": "other", "text": "pay by 0 cards?" }));
    }

    #[test]
    fn tickets_with_only_some_labels_teach_those() {
        let bundled = Bundled::new();
        let example = |subject: &str, agent: usize, scenario: &str| {
            let classes = PerTask::from_fn(|task| (task == Task::Agent).then_some(agent));
            let truth = Truth { classes, weight: 3.0 };
            TicketExample::of_ticket(bundled.ears(), subject, "Please look at it.", scenario, None, truth)
        };
        let examples: Vec<TicketExample> = (0..30)
            .flat_map(|index| {
                let scenario = format!("customer {index}");
                [example("Invoice wrong", 2, &scenario), example("Webhook dead", 0, &scenario)]
            })
            .collect();
        let trained = bundled.fit(&examples, 2);
        for (number, held_out) in trained.unseen.iter().zip(&trained.held_out) {
            assert_eq!(examples[*number].truth.classes[Task::Agent], Some(argmax(&held_out[Task::Agent])));
        }
    }
}
