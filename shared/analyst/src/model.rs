//! The trained model: an ensemble of networks that differ in chance alone, and a linear head over n-grams for each task.
//!
//! The networks' log-probabilities are averaged, interpolated with those of the n-gram head, and calibrated by a scale (an
//! inverse temperature) and a bias. How likely a P0, a sign of leaving or a wish to buy is, a last regression each says, over
//! the whole ticket, its loudest sentence and what its sentences do.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the shapes of our own arrays; a wrong one must panic in a test, not score 0"
)]

mod file;

use enum_map::{Enum, EnumMap};
use ndarray::Array1;
use strum::{EnumIter, IntoEnumIterator};

pub use self::file::ModelError;
use crate::{
    features::Features,
    heads::{Activations, Batch, Heads, PerTask, SentenceTask, Task, log_softmax, softmax},
    heard::{Heard, Surest},
    inputs::Inputs,
    ngram_head::NgramHead,
};

/// Bounds of the log-probability that a sentence carries nothing: between them its log-odds are finite in an `f32`.
const MIN_LOG_NONE: f32 = -15.0;
const MAX_LOG_NONE: f32 = -1e-6;

/// A sentence this sure by itself says what goes with its claim, whatever its ticket says.
const LOUD: f32 = 0.9;
/// And one this sure of a P0: a false one costs more.
const LOUD_P0: f32 = 0.97;
/// Probabilities nearer to 0 or 1 are no surer: their log-odds would outweigh everything else.
const NO_SURER: f32 = 0.001;
/// What speaks for a claim.
pub const EVIDENCE: usize = 5;

/// Everything that is learnt.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    networks: Vec<Heads>,
    ngrams: PerTask<NgramHead>,
    by_both: Calibration,
    /// For languages whose words the n-gram heads do not know.
    by_networks: Calibration,
}

/// How what is said of a ticket becomes probabilities. Fitted on held-out scenarios.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Calibration {
    pub ensembles: PerTask<Ensemble>,
    pub weighings: PerClaim<Weighing>,
}

impl Calibration {
    /// The whole ticket decides.
    #[must_use]
    pub fn new(ensembles: PerTask<Ensemble>) -> Self {
        Self { ensembles, weighings: PerClaim::default() }
    }
}

/// One value for each claim.
pub type PerClaim<T> = EnumMap<Claim, T>;

/// A yes or no that one sentence may decide, whatever stands around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, EnumIter)]
pub enum Claim {
    /// The ticket is a P0.
    Urgent,
    /// The account may leave.
    Leaving,
    /// Somebody wants to buy.
    Wish,
}

impl Claim {
    #[must_use]
    pub fn task(self) -> Task {
        match self {
            Self::Urgent => Task::Priority,
            Self::Leaving => Task::Churn,
            Self::Wish => Task::Intent,
        }
    }

    /// Whether a class of its task says yes. A P0 stands first, and so does nothing of the kind.
    #[must_use]
    pub fn holds(self, class: usize) -> bool {
        (class == 0) == (self == Self::Urgent)
    }

    fn probability(self, of: &PerTask<Vec<f32>>) -> f32 {
        let first = of[self.task()].first().copied().unwrap_or_default();
        if self == Self::Urgent { first } else { 1.0 - first }
    }

    /// Makes it this likely, and keeps the proportions of what the other classes share.
    fn settle(self, probabilities: &mut [f32], yes: f32) {
        let Some((first, others)) = probabilities.split_first_mut() else { return };
        *first = if self == Self::Urgent { yes } else { 1.0 - yes };
        let rest = (1.0 - *first) / others.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        others.iter_mut().for_each(|other| *other *= rest);
    }

    /// Lets a sentence that by itself makes the claim for sure, as the ticket does not, say what goes with it, however much
    /// calm stands around it: whose matter an outage is, and what somebody wants to buy.
    fn speak_up(self, ticket: &mut PerTask<Vec<f32>>, sentences: &[PerTask<Vec<f32>>]) {
        let by_it =
            |a: &&PerTask<Vec<f32>>, b: &&PerTask<Vec<f32>>| self.probability(a).total_cmp(&self.probability(b));
        let (sure, goes_with): (f32, &[Task]) = match self {
            Self::Urgent => (LOUD_P0, &[Task::Agent, Task::Topic]),
            // Churn has two classes, and the weighing sets both.
            Self::Leaving => return,
            Self::Wish => (LOUD, &[Task::Intent]),
        };
        let Some(loudest) = sentences.iter().max_by(by_it) else { return };
        if self.probability(loudest) >= sure && self.probability(loudest) > self.probability(ticket) {
            goes_with.iter().for_each(|task| ticket[*task].clone_from(&loudest[*task]));
        }
    }

    /// How sure a sentence is to do what makes the claim.
    fn done(self, surest: Surest) -> f32 {
        match self {
            Self::Urgent => surest.grave,
            Self::Leaving => surest.leaving,
            Self::Wish => surest.buying,
        }
    }
}

/// The log-odds of a claim: a weighted sum of the log-odds by the whole ticket, by its loudest sentence alone, and that a
/// sentence does what makes the claim, says that it is solved, or only asks. Fitted on held-out scenarios.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weighing {
    pub weights: [f32; EVIDENCE],
    pub bias: f32,
}

impl Default for Weighing {
    /// The whole ticket decides.
    fn default() -> Self {
        Self { weights: [1.0, 0.0, 0.0, 0.0, 0.0], bias: 0.0 }
    }
}

impl Weighing {
    fn probability(&self, evidence: [f32; EVIDENCE]) -> f32 {
        let log_odds = self.bias + evidence.iter().zip(self.weights).map(|(odds, weight)| odds * weight).sum::<f32>();
        1.0 / (1.0 + libm::expf(-log_odds))
    }
}

/// How the log-probabilities of networks and n-gram head become one calibrated distribution. Fitted on held-out scenarios.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Ensemble {
    /// The interpolation weight of the n-gram head, 0 to 1; the networks have the rest.
    pub ngram_weight: f32,
    /// The inverse temperature: below 1 it makes confidences milder.
    pub scale: f32,
    /// Added to every class but the first.
    pub bias: f32,
}

/// What a model predicts of a ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Prediction {
    probabilities: PerTask<Vec<f32>>,
    /// For each sentence the log-odds that it carries churn.
    pub churn: Vec<f32>,
    /// For each sentence the log-odds that it carries a wish to buy.
    pub intent: Vec<f32>,
    /// For each sentence the probabilities that it states a fact that makes a ticket P0, P1, P2 or P3.
    pub severity: Vec<[f32; 4]>,
}

impl Prediction {
    /// Of each class, calibrated; their sum is 1.
    #[must_use]
    pub fn probabilities(&self, task: Task) -> &[f32] {
        &self.probabilities[task]
    }
}

impl Model {
    /// Rounds the networks' weights to what the file can hold, so that a fitted model predicts what a read one does.
    #[must_use]
    pub fn new(
        mut networks: Vec<Heads>,
        ngrams: PerTask<NgramHead>,
        by_both: Calibration,
        by_networks: Calibration,
    ) -> Self {
        networks.iter_mut().for_each(Heads::quantise);
        Self { networks, ngrams, by_both, by_networks }
    }

    /// The same calibrated anew: by networks and n-grams, and by networks alone.
    #[must_use]
    pub fn recalibrated(self, by_both: Calibration, by_networks: Calibration) -> Self {
        Self { by_both, by_networks, ..self }
    }

    fn calibration(&self, features: Option<&Features>) -> &Calibration {
        if features.is_some() { &self.by_both } else { &self.by_networks }
    }

    /// How far the wording alone is from asking for nothing, for each task: cheap enough for every sentence of any text.
    #[must_use]
    pub fn strengths(&self, features: &Features) -> PerTask<f32> {
        PerTask::from_fn(|task| strength(task, &self.ngrams[task].logits(features).to_vec()))
    }

    /// Reads a ticket as a whole, and where one sentence by itself is loud enough, that sentence.
    #[must_use]
    pub fn predict(&self, heard: &Heard) -> Prediction {
        let passes = self.passes(&[&heard.inputs]);
        let (mut probabilities, evidence) = self.weighed(heard, &passes);
        for (claim, weighing) in &self.calibration(heard.features.as_ref()).weighings {
            claim.settle(&mut probabilities[claim.task()], weighing.probability(evidence[claim]));
        }
        let log_odds = |task: SentenceTask| {
            let mean = |sentence: usize| {
                passes.iter().map(|pass| sentence_log_odds(pass, task, sentence)).sum::<f32>() / passes.len() as f32
            };
            (0..heard.inputs.sentences.nrows()).map(mean).collect()
        };
        let (churn, intent) = (log_odds(SentenceTask::Churn), log_odds(SentenceTask::Intent));
        let severity = (0..heard.inputs.sentences.nrows()).map(|sentence| severity(&passes, sentence)).collect();
        Prediction { probabilities, churn, intent, severity }
    }

    /// What each [`Weighing`] weighs, in its order.
    #[must_use]
    pub fn evidence(&self, heard: &Heard) -> PerClaim<[f32; EVIDENCE]> {
        self.weighed(heard, &self.passes(&[&heard.inputs])).1
    }

    fn passes(&self, tickets: &[&Inputs]) -> Vec<Activations> {
        let batch = Batch::new(tickets, &[]);
        self.networks.iter().map(|network| network.forward(&batch)).collect()
    }

    /// What ticket and sentences are, and what of it speaks for each claim.
    fn weighed(&self, heard: &Heard, passes: &[Activations]) -> (PerTask<Vec<f32>>, PerClaim<[f32; EVIDENCE]>) {
        let mut ticket = self.probabilities(passes, 0, heard.features.as_ref());
        let alone = self.alone(heard);
        let surest = heard.surest;
        let evidence = PerClaim::from_fn(|claim: Claim| {
            let whole = claim.probability(&ticket);
            let loudest = alone.iter().map(|sentence| claim.probability(sentence)).max_by(f32::total_cmp);
            [whole, loudest.unwrap_or(whole), claim.done(surest), surest.settled, surest.asked].map(log_odds)
        });
        Claim::iter().for_each(|claim| claim.speak_up(&mut ticket, &alone));
        (ticket, evidence)
    }

    /// What each sentence would be by itself, below the same subject; none of a single one.
    fn alone(&self, heard: &Heard) -> Vec<PerTask<Vec<f32>>> {
        let (tickets, features): (Vec<Inputs>, Vec<Option<&Features>>) = heard.alone().unzip();
        if tickets.is_empty() {
            return Vec::new();
        }
        let passes = self.passes(&tickets.iter().collect::<Vec<_>>());
        let of = |(sentence, features)| self.probabilities(&passes, sentence, features);
        features.into_iter().enumerate().map(of).collect()
    }

    fn probabilities(&self, passes: &[Activations], ticket: usize, features: Option<&Features>) -> PerTask<Vec<f32>> {
        PerTask::from_fn(|task| {
            let mut mean = Array1::zeros(task.classes());
            for pass in passes {
                mean += &pass.log_probabilities(task, ticket);
            }
            mean /= passes.len() as f32;
            let ngrams =
                features.map_or_else(|| Array1::zeros(task.classes()), |features| self.ngrams[task].logits(features));
            self.calibration(features).ensembles[task].probabilities(&mean, ngrams)
        })
    }
}

fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(NO_SURER, 1.0 - NO_SURER);
    libm::logf(probability / (1.0 - probability))
}

/// The score of the strongest class beside that of the class nobody would miss.
fn strength(task: Task, scores: &[f32]) -> f32 {
    let strongest = |scores: &[f32]| scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    match task {
        // P3 stands last.
        Task::Priority => scores.split_last().map_or(0.0, |(calm, rest)| strongest(rest) - calm),
        Task::Sentiment | Task::Churn | Task::Intent => {
            scores.split_first().map_or(0.0, |(calm, rest)| strongest(rest) - calm)
        }
        // Every team and topic is as good as another: what tells them apart is a clear favourite.
        Task::Agent | Task::Topic => strongest(scores) - scores.iter().sum::<f32>() / scores.len().max(1) as f32,
    }
}

/// The log-odds that a sentence is of any class but the first, which is none.
fn sentence_log_odds(pass: &Activations, task: SentenceTask, sentence: usize) -> f32 {
    let none = pass.sentence_log_probabilities[(sentence, task.columns().start)];
    let none = none.clamp(MIN_LOG_NONE, MAX_LOG_NONE);
    libm::logf(1.0 - libm::expf(none)) - none
}

/// The mean over the networks. The first class is none.
fn severity(passes: &[Activations], sentence: usize) -> [f32; 4] {
    let first = SentenceTask::Severity.columns().start + 1;
    std::array::from_fn(|class| {
        let of = |pass: &Activations| libm::expf(pass.sentence_log_probabilities[(sentence, first + class)]);
        passes.iter().map(of).sum::<f32>() / passes.len() as f32
    })
}

impl Ensemble {
    /// `networks` are mean log-probabilities.
    pub fn probabilities(self, networks: &Array1<f32>, mut ngram_logits: Array1<f32>) -> Vec<f32> {
        log_softmax(ngram_logits.view_mut());
        let mut logits = (networks * (1.0 - self.ngram_weight) + ngram_logits * self.ngram_weight) * self.scale;
        logits.iter_mut().skip(1).for_each(|logit| *logit += self.bias);
        softmax(logits.view_mut());
        logits.to_vec()
    }
}

/// The index of the largest value, the first of equals; 0 of none.
pub fn argmax(values: &[f32]) -> usize {
    let best = values.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(index, _)| index)
}
