//! Fitting the [`Urgency`]: what the whole ticket, its loudest sentence and what its sentences do say together of a P0.

use analyst::{
    heads::{Layer, Task},
    model::{EVIDENCE, Model, Urgency},
};
use ndarray::{Array2, ArrayView1};

use super::{
    TicketExample,
    regression::{self, Schedule},
};
use crate::parallel;

/// Six numbers are fitted on ten thousand tickets: more passes change nothing.
const SCHEDULE: Schedule = Schedule { epochs: 40, weight_decay: 0.0, label_smoothing: 0.0 };

/// `judges` are the models that have not seen the examples of each fold.
pub(super) fn fit(examples: &[TicketExample], judges: &[Model], threads: usize) -> Urgency {
    // Single sentences have no other beside them.
    let tickets: Vec<(&TicketExample, &Model, usize)> = examples
        .iter()
        .filter(|example| example.truth.weight >= 1.0)
        .filter_map(|example| Some((example, judges.get(example.fold)?, example.truth.classes[Task::Priority]?)))
        .collect();
    let evidence = parallel::map(&tickets, threads, |(example, judge, _)| judge.evidence(&example.heard));
    let inputs = Array2::from_shape_fn((evidence.len(), EVIDENCE), |(row, column)| {
        evidence.get(row).and_then(|numbers| numbers.get(column)).copied().unwrap_or_default()
    });
    let truth: Vec<usize> = tickets.iter().map(|(.., priority)| usize::from(*priority == 0)).collect();
    let examples = regression::Examples { inputs: &inputs, truth: &truth, classes: 2 };
    let Layer { weights, bias } = regression::fit(examples, &(0..truth.len()).collect::<Vec<_>>(), SCHEDULE);
    let yes = |pair: ArrayView1<'_, f32>| pair.iter().copied().reduce(|no, yes| yes - no).unwrap_or_default();
    let mut urgency = Urgency { bias: yes(bias.view()), ..Urgency::default() };
    for (weight, row) in urgency.weights.iter_mut().zip(weights.rows()) {
        *weight = yes(row);
    }
    urgency
}
