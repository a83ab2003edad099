//! One network of the ensemble: a shared trunk with a classification head per [`Task`], over a ticket's [`Inputs`].
//!
//! Forward pass:
//! 1. Three dense ReLU layers take each sentence, the whole text and the subject to hidden units.
//! 2. A linear layer classifies each sentence by itself ([`SentenceTask`]): churn, intent, tone, severity.
//! 3. Per task, softmax attention over the sentences of a ticket gives a weighted mean of their hidden units.
//! 4. A linear head per task sees that mean, and what all heads share: hidden units and sentence log-probabilities, both
//!    max-pooled over the sentences, the hidden units of whole text and subject, and the marks of style.

use std::ops::Range;

use enum_map::{Enum, EnumMap};
use ndarray::{Array, Array1, Array2, ArrayView1, ArrayViewMut1, Axis, Dimension, Slice, Zip};
use strum::{EnumCount, EnumIter, IntoEnumIterator, IntoStaticStr};

use crate::{
    inputs::{Inputs, MARKS, WIDTH},
    quantised::Quantised,
    topics::{AREAS, TOPICS},
};

/// Hidden units for a sentence, and for the whole text. 96 did a little worse on held-out scenarios.
pub const HIDDEN: usize = 160;
/// Hidden units for the subject: it is one line, so it gets fewer than a text.
pub const SUBJECT: usize = 64;
/// Scales the pooled log-probabilities: they reach −15, while all other inputs of a head stay near 1.
pub const LOG_PROBABILITY_SCALE: f32 = 0.3;
/// Columns of a head's input that all tasks share.
pub const SHARED: usize = HIDDEN + HIDDEN + SUBJECT + SENTENCE_CLASSES + MARKS;
/// Columns of a head's input: the attention-weighted mean, then what all share.
pub const HEAD_INPUT: usize = HIDDEN + SHARED;
/// Classes of all sentence tasks together.
pub const SENTENCE_CLASSES: usize = 15;

/// Which columns of the shared input hold what.
pub mod shared_columns {
    use super::{HIDDEN, MARKS, Range, SENTENCE_CLASSES, SHARED, SUBJECT};

    /// Hidden units, max-pooled over the sentences.
    pub const SENTENCES: Range<usize> = 0..HIDDEN;
    pub const WHOLE: Range<usize> = HIDDEN..2 * HIDDEN;
    pub const SUBJECT_LINE: Range<usize> = 2 * HIDDEN..2 * HIDDEN + SUBJECT;
    /// Log-probabilities of the sentence classes, scaled and max-pooled over the sentences.
    pub const SENTENCE_TASKS: Range<usize> = SHARED - MARKS - SENTENCE_CLASSES..SHARED - MARKS;
    pub const STYLE: Range<usize> = SHARED - MARKS..SHARED;
}

/// What is predicted of a ticket. The order is the file's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Enum, EnumCount, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Task {
    /// P0 to P3.
    Priority,
    /// Integrations, data, operations: the bundled teams.
    Agent,
    /// Neutral, frustrated, angry.
    Sentiment,
    /// No, yes.
    Churn,
    /// None, then the four intents.
    Intent,
    /// What it is about, as [`TOPICS`] lists them.
    Topic,
}

/// A value for each task.
pub type PerTask<T> = EnumMap<Task, T>;

impl Task {
    #[must_use]
    pub fn classes(self) -> usize {
        match self {
            Self::Priority => 4,
            Self::Agent => AREAS,
            Self::Sentiment => 3,
            Self::Churn => 2,
            Self::Intent => 5,
            Self::Topic => TOPICS.len(),
        }
    }
}

/// What is predicted of a single sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, EnumIter)]
pub enum SentenceTask {
    /// No, yes.
    Churn,
    /// None, then the four intents.
    Intent,
    /// Neutral, frustrated, angry.
    Tone,
    /// None, then a fact that makes a ticket P0 to P3.
    Severity,
}

/// A value for each sentence task.
pub type PerSentenceTask<T> = EnumMap<SentenceTask, T>;

impl SentenceTask {
    /// The columns of its classes among all sentence classes.
    pub fn columns(self) -> Range<usize> {
        match self {
            Self::Churn => 0..2,
            Self::Intent => 2..7,
            Self::Tone => 7..10,
            Self::Severity => 10..SENTENCE_CLASSES,
        }
    }
}

/// A dense layer: `inputs · weights + bias`.
#[derive(Clone, PartialEq, Debug)]
pub struct Layer {
    /// A row for each input, a column for each output.
    pub weights: Array2<f32>,
    pub bias: Array1<f32>,
}

impl Layer {
    pub fn zeros(inputs: usize, outputs: usize) -> Self {
        Self { weights: Array2::zeros((inputs, outputs)), bias: Array1::zeros(outputs) }
    }

    pub fn forward(&self, inputs: &Array2<f32>) -> Array2<f32> {
        inputs.dot(&self.weights) + &self.bias
    }

    /// Weights by row, and biases.
    pub fn slices(&self) -> [&[f32]; 2] {
        [slice(&self.weights), slice(&self.bias)]
    }

    pub fn slices_mut(&mut self) -> [&mut [f32]; 2] {
        [slice_mut(&mut self.weights), slice_mut(&mut self.bias)]
    }
}

/// The parameters of one network. Also the shape of its gradient.
#[derive(Clone, PartialEq, Debug)]
pub struct Heads {
    /// The hidden layer over each sentence.
    pub sentence: Layer,
    /// The hidden layer over the whole text.
    pub whole: Layer,
    /// The hidden layer over the subject.
    pub subject: Layer,
    /// The classifier of single sentences.
    pub sentence_tasks: Layer,
    /// Attention scores from a sentence's hidden units: a column for each task.
    pub attention: Array2<f32>,
    /// The classifier of each task.
    pub tasks: PerTask<Layer>,
}

impl Heads {
    pub fn zeros() -> Self {
        Self {
            sentence: Layer::zeros(WIDTH, HIDDEN),
            whole: Layer::zeros(WIDTH, HIDDEN),
            subject: Layer::zeros(WIDTH, SUBJECT),
            sentence_tasks: Layer::zeros(HIDDEN, SENTENCE_CLASSES),
            attention: Array2::zeros((HIDDEN, Task::COUNT)),
            tasks: PerTask::from_fn(|task: Task| Layer::zeros(HEAD_INPUT, task.classes())),
        }
    }

    /// The weight matrices and the bias that belongs to each, if one does, in the file's order.
    pub fn parameters(&self) -> impl Iterator<Item = (&Array2<f32>, Option<&Array1<f32>>)> {
        let layers = [&self.sentence, &self.whole, &self.subject, &self.sentence_tasks].into_iter();
        let layers = layers.chain(self.tasks.values()).map(|layer| (&layer.weights, Some(&layer.bias)));
        std::iter::once((&self.attention, None)).chain(layers)
    }

    pub fn parameters_mut(&mut self) -> impl Iterator<Item = (&mut Array2<f32>, Option<&mut Array1<f32>>)> {
        let layers = [&mut self.sentence, &mut self.whole, &mut self.subject, &mut self.sentence_tasks].into_iter();
        let layers = layers.chain(self.tasks.values_mut()).map(|layer| (&mut layer.weights, Some(&mut layer.bias)));
        std::iter::once((&mut self.attention, None)).chain(layers)
    }

    /// Rounds each weight to the nearest one that the model's file can hold.
    pub fn quantise(&mut self) {
        for (weights, _) in self.parameters_mut() {
            Quantised::of(weights).dequantise(weights);
        }
    }

    /// All parameters as flat slices, in the file's order.
    pub fn slices(&self) -> Vec<&[f32]> {
        let mut slices = Vec::new();
        for (weights, bias) in self.parameters() {
            slices.push(slice(weights));
            slices.extend(bias.map(slice));
        }
        slices
    }

    pub fn slices_mut(&mut self) -> Vec<&mut [f32]> {
        let mut slices = Vec::new();
        for (weights, bias) in self.parameters_mut() {
            slices.push(slice_mut(weights));
            slices.extend(bias.map(slice_mut));
        }
        slices
    }
}

fn slice<D: Dimension>(numbers: &Array<f32, D>) -> &[f32] {
    numbers.as_slice().expect("in standard order")
}

fn slice_mut<D: Dimension>(numbers: &mut Array<f32, D>) -> &mut [f32] {
    numbers.as_slice_mut().expect("in standard order")
}

/// Tickets side by side, then sentences that belong to no ticket.
pub struct Batch {
    /// The sentences of all tickets, ticket by ticket, then the single ones.
    pub sentences: Array2<f32>,
    /// For each ticket its rows of `sentences`.
    pub tickets: Vec<Range<usize>>,
    pub whole: Array2<f32>,
    pub subject: Array2<f32>,
    pub marks: Array2<f32>,
}

impl Batch {
    pub fn new(tickets: &[&Inputs], single_sentences: &[ArrayView1<'_, f32>]) -> Self {
        let count = tickets.iter().map(|ticket| ticket.sentences.nrows()).sum::<usize>();
        let mut batch = Self {
            sentences: Array2::zeros((count + single_sentences.len(), WIDTH)),
            tickets: Vec::with_capacity(tickets.len()),
            whole: Array2::zeros((tickets.len(), WIDTH)),
            subject: Array2::zeros((tickets.len(), WIDTH)),
            marks: Array2::zeros((tickets.len(), MARKS)),
        };
        let mut start = 0;
        for (index, ticket) in tickets.iter().enumerate() {
            let end = start + ticket.sentences.nrows();
            batch.sentences.slice_axis_mut(Axis(0), Slice::from(start..end)).assign(&ticket.sentences);
            batch.whole.row_mut(index).assign(&ticket.whole());
            batch.subject.row_mut(index).assign(&ticket.subject);
            batch.marks.row_mut(index).assign(&ArrayView1::from(&ticket.marks));
            batch.tickets.push(start..end);
            start = end;
        }
        for (index, sentence) in single_sentences.iter().enumerate() {
            batch.sentences.row_mut(start + index).assign(sentence);
        }
        batch
    }
}

/// What a forward pass computes, kept for the backward pass.
pub struct Activations {
    /// Hidden units, after ReLU and dropout.
    pub sentence: Array2<f32>,
    pub whole: Array2<f32>,
    pub subject: Array2<f32>,
    /// For each sentence the log-probabilities of the classes of each sentence task.
    pub sentence_log_probabilities: Array2<f32>,
    /// For each sentence and task its attention weight within its ticket.
    pub attention: Array2<f32>,
    /// For each ticket and hidden unit the sentence that max-pooling picked.
    pub hidden_argmax: Array2<usize>,
    /// For each ticket and sentence class the sentence that max-pooling picked.
    pub class_argmax: Array2<usize>,
    /// The input of each task's head.
    pub head_inputs: PerTask<Array2<f32>>,
    pub logits: PerTask<Array2<f32>>,
}

impl Activations {
    /// A ticket's log-probabilities.
    pub fn log_probabilities(&self, task: Task, ticket: usize) -> Array1<f32> {
        let mut scores = self.logits[task].row(ticket).to_owned();
        log_softmax(scores.view_mut());
        scores
    }
}

impl Heads {
    /// The forward pass of inference.
    pub fn forward(&self, batch: &Batch) -> Activations {
        self.forward_with_dropout(batch, |_| {})
    }

    /// The forward pass of training. `dropout` is applied to each hidden layer's activations.
    pub fn forward_with_dropout(&self, batch: &Batch, mut dropout: impl FnMut(&mut Array2<f32>)) -> Activations {
        let mut hidden = |layer: &Layer, inputs: &Array2<f32>| {
            let mut hidden = layer.forward(inputs);
            hidden.mapv_inplace(|value| value.max(0.0));
            dropout(&mut hidden);
            hidden
        };
        let sentence = hidden(&self.sentence, &batch.sentences);
        let whole = hidden(&self.whole, &batch.whole);
        let subject = hidden(&self.subject, &batch.subject);
        let sentence_log_probabilities = self.sentence_log_probabilities(&sentence);
        let mut attention = sentence.dot(&self.attention);
        for ticket in &batch.tickets {
            let mut of_ticket = attention.slice_axis_mut(Axis(0), Slice::from(ticket.clone()));
            of_ticket.columns_mut().into_iter().for_each(softmax);
        }

        let tickets = batch.tickets.len();
        let mut hidden_argmax = Array2::zeros((tickets, HIDDEN));
        let mut class_argmax = Array2::zeros((tickets, SENTENCE_CLASSES));
        let mut shared = Array2::zeros((tickets, SHARED));
        shared.slice_axis_mut(Axis(1), Slice::from(shared_columns::WHOLE)).assign(&whole);
        shared.slice_axis_mut(Axis(1), Slice::from(shared_columns::SUBJECT_LINE)).assign(&subject);
        shared.slice_axis_mut(Axis(1), Slice::from(shared_columns::STYLE)).assign(&batch.marks);
        let scaled = &sentence_log_probabilities * LOG_PROBABILITY_SCALE;
        for (index, ticket) in batch.tickets.iter().enumerate() {
            let mut row = shared.row_mut(index);
            let pooled = row.slice_axis_mut(Axis(0), Slice::from(shared_columns::SENTENCES));
            max_pool(&sentence, ticket, hidden_argmax.row_mut(index), pooled);
            let pooled = row.slice_axis_mut(Axis(0), Slice::from(shared_columns::SENTENCE_TASKS));
            max_pool(&scaled, ticket, class_argmax.row_mut(index), pooled);
        }
        let head_inputs = PerTask::from_fn(|task: Task| {
            let mut inputs = Array2::zeros((tickets, HEAD_INPUT));
            inputs.slice_axis_mut(Axis(1), Slice::from(HIDDEN..HEAD_INPUT)).assign(&shared);
            for (ticket, mut row) in batch.tickets.iter().zip(inputs.rows_mut()) {
                let weights = attention.column(task as usize);
                let weights = weights.slice_axis(Axis(0), Slice::from(ticket.clone()));
                let mean = weights.dot(&sentence.slice_axis(Axis(0), Slice::from(ticket.clone())));
                row.slice_axis_mut(Axis(0), Slice::from(0..HIDDEN)).assign(&mean);
            }
            inputs
        });
        let logits = PerTask::from_fn(|task| self.tasks[task].forward(&head_inputs[task]));
        Activations {
            sentence,
            whole,
            subject,
            sentence_log_probabilities,
            attention,
            hidden_argmax,
            class_argmax,
            head_inputs,
            logits,
        }
    }

    fn sentence_log_probabilities(&self, hidden: &Array2<f32>) -> Array2<f32> {
        let mut scores = self.sentence_tasks.forward(hidden);
        for mut row in scores.rows_mut() {
            for task in SentenceTask::iter() {
                log_softmax(row.slice_axis_mut(Axis(0), Slice::from(task.columns())));
            }
        }
        scores
    }
}

/// For each column the largest value among a ticket's rows, and the row that has it; the first of equals.
fn max_pool(
    rows: &Array2<f32>,
    ticket: &Range<usize>,
    mut argmax: ArrayViewMut1<'_, usize>,
    mut max: ArrayViewMut1<'_, f32>,
) {
    max.fill(f32::NEG_INFINITY);
    for index in ticket.clone() {
        Zip::from(&mut argmax).and(&mut max).and(&rows.row(index)).for_each(|argmax, max, value| {
            if *value > *max {
                (*argmax, *max) = (index, *value);
            }
        });
    }
}

/// Logits to log-probabilities. The largest is subtracted first, so that no exponential overflows.
pub fn log_softmax(mut logits: ArrayViewMut1<'_, f32>) {
    let max = logits.fold(f32::NEG_INFINITY, |max, logit| max.max(*logit));
    let sum: f32 = logits.iter().map(|logit| libm::expf(logit - max)).sum();
    let log_sum = max + libm::logf(sum);
    logits.mapv_inplace(|logit| logit - log_sum);
}

/// Logits to probabilities.
pub fn softmax(mut logits: ArrayViewMut1<'_, f32>) {
    log_softmax(logits.view_mut());
    logits.mapv_inplace(libm::expf);
}
