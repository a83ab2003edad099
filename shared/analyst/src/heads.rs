//! The heads: a small network over a ticket's [`Inputs`](crate::inputs::Inputs).
//!
//! Every sentence is taken to a hidden layer and judged by itself: does it carry churn, a wish to buy, a tone, a fact that
//! decides the priority? For each label of the ticket a linear head then sees the sentences it attends to, the strongest
//! of each hidden unit, the strongest judgements, the subject, the whole text and the marks of style.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis, Slice, Zip};

use crate::inputs::{Inputs, MARKS, WIDTH};

/// Hidden units for a sentence, and for the whole text.
pub const HIDDEN: usize = 160;
/// Hidden units for the subject.
pub const SUBJECT: usize = 64;
/// What the strongest judgements are scaled by: they are log-probabilities, far larger than the rest.
pub const JUDGED: f32 = 0.3;
/// What a ticket's head sees beside what it attends to.
pub const SHARED: usize = HIDDEN + HIDDEN + SUBJECT + SIGNALS + MARKS;

/// What the heads say of a ticket. The order is the file's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Task {
    /// P0 to P3.
    Priority,
    /// Nexus, Cipher, Sentinel.
    Agent,
    /// Neutral, frustrated, angry.
    Sentiment,
    /// No, yes.
    Churn,
    /// None, then the four intents.
    Intent,
}

/// Every task, in its order.
pub const TASKS: [Task; 5] = [Task::Priority, Task::Agent, Task::Sentiment, Task::Churn, Task::Intent];

impl Task {
    #[must_use]
    pub fn classes(self) -> usize {
        match self {
            Self::Priority => 4,
            Self::Agent | Self::Sentiment => 3,
            Self::Churn => 2,
            Self::Intent => 5,
        }
    }
}

/// What the heads say of a sentence: the columns of each judgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// No, yes.
    Churn,
    /// None, then the four intents.
    Intent,
    /// Neutral, frustrated, angry.
    Tone,
    /// Nothing of the kind, then a fact that makes a ticket P0 to P3.
    Severity,
}

pub const JUDGEMENTS: [Judgement; 4] = [Judgement::Churn, Judgement::Intent, Judgement::Tone, Judgement::Severity];
pub const SIGNALS: usize = 15;

impl Judgement {
    pub fn columns(self) -> Range<usize> {
        match self {
            Self::Churn => 0..2,
            Self::Intent => 2..7,
            Self::Tone => 7..10,
            Self::Severity => 10..15,
        }
    }
}

/// A matrix and what is added to each row of the product.
#[derive(Clone, PartialEq, Debug)]
pub struct Layer {
    pub weights: Array2<f32>,
    pub bias: Array1<f32>,
}

impl Layer {
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { weights: Array2::zeros((rows, columns)), bias: Array1::zeros(columns) }
    }

    pub fn apply(&self, rows: &Array2<f32>) -> Array2<f32> {
        rows.dot(&self.weights) + &self.bias
    }
}

/// One network. Also the form of its gradient.
#[derive(Clone, PartialEq, Debug)]
pub struct Heads {
    pub sentence: Layer,
    pub whole: Layer,
    pub subject: Layer,
    pub signals: Layer,
    /// A column for each task.
    pub attention: Array2<f32>,
    /// A layer for each task, over what it attends to and then what all share.
    pub tasks: [Layer; 5],
}

/// Tickets side by side. Rows of `sentences` outside all ranges belong to no ticket.
pub struct Batch {
    pub sentences: Array2<f32>,
    pub tickets: Vec<Range<usize>>,
    pub whole: Array2<f32>,
    pub subject: Array2<f32>,
    pub marks: Array2<f32>,
}

impl Batch {
    pub fn of(inputs: &[&Inputs], more: &[ArrayView1<'_, f32>]) -> Self {
        let count = inputs.iter().map(|ticket| ticket.sentences.nrows()).sum::<usize>();
        let mut batch = Self {
            sentences: Array2::zeros((count + more.len(), WIDTH)),
            tickets: Vec::with_capacity(inputs.len()),
            whole: Array2::zeros((inputs.len(), WIDTH)),
            subject: Array2::zeros((inputs.len(), WIDTH)),
            marks: Array2::zeros((inputs.len(), MARKS)),
        };
        let mut start = 0;
        for (index, ticket) in inputs.iter().enumerate() {
            let end = start + ticket.sentences.nrows();
            batch.sentences.slice_axis_mut(Axis(0), Slice::from(start..end)).assign(&ticket.sentences);
            batch.whole.row_mut(index).assign(&ticket.whole);
            batch.subject.row_mut(index).assign(&ticket.subject);
            batch.marks.row_mut(index).iter_mut().zip(ticket.marks).for_each(|(to, from)| *to = from);
            batch.tickets.push(start..end);
            start = end;
        }
        for (row, mut to) in
            more.iter().zip(batch.sentences.slice_axis_mut(Axis(0), Slice::from(start..start + more.len())).rows_mut())
        {
            to.assign(row);
        }
        batch
    }
}

/// Everything a pass through the heads comes by.
pub struct Pass {
    pub sentence: Array2<f32>,
    pub whole: Array2<f32>,
    pub subject: Array2<f32>,
    /// Log-probabilities of each judgement of each sentence.
    pub judged: Array2<f32>,
    /// For each sentence and task the share of its ticket's attention.
    pub attention: Array2<f32>,
    /// For each ticket and hidden unit the sentence that has the most of it.
    pub strongest: Array2<usize>,
    /// For each ticket and column of the judgements the sentence that has the most of it.
    pub loudest: Array2<usize>,
    /// For each task what its head saw, and its scores.
    pub seen: [Array2<f32>; 5],
    pub scores: [Array2<f32>; 5],
}

impl Heads {
    pub fn zeros() -> Self {
        Self {
            sentence: Layer::zeros(WIDTH, HIDDEN),
            whole: Layer::zeros(WIDTH, HIDDEN),
            subject: Layer::zeros(WIDTH, SUBJECT),
            signals: Layer::zeros(HIDDEN, SIGNALS),
            attention: Array2::zeros((HIDDEN, TASKS.len())),
            tasks: TASKS.map(|task| Layer::zeros(HIDDEN + SHARED, task.classes())),
        }
    }

    /// All numbers, in the file's order.
    pub fn slices(&self) -> Vec<&[f32]> {
        let layers = [&self.sentence, &self.whole, &self.subject, &self.signals].into_iter().chain(&self.tasks);
        let mut slices: Vec<&[f32]> = vec![self.attention.as_slice().expect("in standard order")];
        for layer in layers {
            slices.push(layer.weights.as_slice().expect("in standard order"));
            slices.push(layer.bias.as_slice().expect("in standard order"));
        }
        slices
    }

    pub fn slices_mut(&mut self) -> Vec<&mut [f32]> {
        let layers = [&mut self.sentence, &mut self.whole, &mut self.subject, &mut self.signals]
            .into_iter()
            .chain(&mut self.tasks);
        let mut slices: Vec<&mut [f32]> = vec![self.attention.as_slice_mut().expect("in standard order")];
        for layer in layers {
            slices.push(layer.weights.as_slice_mut().expect("in standard order"));
            slices.push(layer.bias.as_slice_mut().expect("in standard order"));
        }
        slices
    }

    /// Takes a batch through. `thin` may silence hidden units.
    pub fn pass(&self, batch: &Batch, mut thin: impl FnMut(&mut Array2<f32>)) -> Pass {
        let mut hidden = |layer: &Layer, rows: &Array2<f32>| {
            let mut hidden = layer.apply(rows);
            hidden.mapv_inplace(|value| value.max(0.0));
            thin(&mut hidden);
            hidden
        };
        let sentence = hidden(&self.sentence, &batch.sentences);
        let whole = hidden(&self.whole, &batch.whole);
        let subject = hidden(&self.subject, &batch.subject);
        let mut judged = self.signals.apply(&sentence);
        for mut row in judged.rows_mut() {
            JUDGEMENTS
                .iter()
                .for_each(|judgement| log_softmax(row.slice_axis_mut(Axis(0), Slice::from(judgement.columns()))));
        }
        let mut attention = sentence.dot(&self.attention);
        for ticket in &batch.tickets {
            attention.slice_axis_mut(Axis(0), Slice::from(ticket.clone())).columns_mut().into_iter().for_each(softmax);
        }

        let tickets = batch.tickets.len();
        let mut strongest = Array2::zeros((tickets, HIDDEN));
        let mut loudest = Array2::zeros((tickets, SIGNALS));
        let mut shared = Array2::zeros((tickets, SHARED));
        shared.slice_axis_mut(Axis(1), Slice::from(HIDDEN..2 * HIDDEN)).assign(&whole);
        shared.slice_axis_mut(Axis(1), Slice::from(2 * HIDDEN..2 * HIDDEN + SUBJECT)).assign(&subject);
        shared.slice_axis_mut(Axis(1), Slice::from(SHARED - MARKS..SHARED)).assign(&batch.marks);
        for (index, ticket) in batch.tickets.iter().enumerate() {
            let mut shared = shared.row_mut(index);
            most(
                &sentence,
                ticket,
                strongest.row_mut(index),
                shared.slice_axis_mut(Axis(0), Slice::from(0..HIDDEN)),
                1.0,
            );
            let columns = 2 * HIDDEN + SUBJECT..SHARED - MARKS;
            most(&judged, ticket, loudest.row_mut(index), shared.slice_axis_mut(Axis(0), Slice::from(columns)), JUDGED);
        }
        let seen = TASKS.map(|task| {
            let mut seen = Array2::zeros((tickets, HIDDEN + SHARED));
            seen.slice_axis_mut(Axis(1), Slice::from(HIDDEN..HIDDEN + SHARED)).assign(&shared);
            for (ticket, mut row) in batch.tickets.iter().zip(seen.rows_mut()) {
                let attended = attention.column(task as usize);
                let attended = attended.slice_axis(Axis(0), Slice::from(ticket.clone()));
                row.slice_axis_mut(Axis(0), Slice::from(0..HIDDEN))
                    .assign(&attended.dot(&sentence.slice_axis(Axis(0), Slice::from(ticket.clone()))));
            }
            seen
        });
        let mut layers = self.tasks.iter().zip(&seen).map(|(layer, seen)| layer.apply(seen));
        let scores = TASKS.map(|_| layers.next().expect("a layer for each task"));
        Pass { sentence, whole, subject, judged, attention, strongest, loudest, seen, scores }
    }
}

/// For each column the row of a ticket that has the most of it, and how much, times `scale`.
fn most(
    rows: &Array2<f32>,
    ticket: &Range<usize>,
    mut which: ArrayViewMut1<'_, usize>,
    mut much: ArrayViewMut1<'_, f32>,
    scale: f32,
) {
    much.fill(f32::NEG_INFINITY);
    for (index, row) in rows.slice_axis(Axis(0), Slice::from(ticket.clone())).axis_iter(Axis(0)).enumerate() {
        Zip::from(&mut which).and(&mut much).and(&row).for_each(|which, much, value| {
            if value * scale > *much {
                (*which, *much) = (ticket.start + index, value * scale);
            }
        });
    }
}

pub fn log_softmax(mut scores: ArrayViewMut1<'_, f32>) {
    let most = scores.fold(f32::NEG_INFINITY, |most, score| most.max(*score));
    let sum: f32 = scores.iter().map(|score| libm::expf(score - most)).sum();
    let all = most + libm::logf(sum);
    scores.mapv_inplace(|score| score - all);
}

pub fn softmax(mut scores: ArrayViewMut1<'_, f32>) {
    log_softmax(scores.view_mut());
    scores.mapv_inplace(libm::expf);
}
