//! Fitting each [`Weighing`]: what the whole ticket, its loudest sentence and what its sentences do say together of a claim.

use analyst::{
    heads::Layer,
    model::{EVIDENCE, Model, PerClaim, Weighing},
};
use ndarray::{Array2, ArrayView1};

use super::{
    TicketExample,
    regression::{self, Schedule},
};
use crate::parallel;

/// Six numbers are fitted on thousands of tickets: more passes change nothing.
const SCHEDULE: Schedule = Schedule { epochs: 40, weight_decay: 0.0, label_smoothing: 0.0 };

/// The judge has not seen these examples.
pub(super) fn fit(examples: &[&TicketExample], judge: &Model, threads: usize) -> PerClaim<Weighing> {
    // Single sentences have no other beside them.
    let tickets = examples.iter().copied().filter(|example| example.truth.weight >= 1.0);
    let tickets: Vec<&TicketExample> = tickets.collect();
    let evidence = parallel::map(&tickets, threads, |example| judge.evidence(&example.heard));
    PerClaim::from_fn(|claim| {
        let labelled = tickets.iter().zip(&evidence).filter_map(|(example, evidence)| {
            Some((evidence[claim], claim.holds(example.truth.classes[claim.task()]?)))
        });
        weighing(&labelled.collect::<Vec<_>>())
    })
}

/// The ticket alone decides where there is none to fit on.
fn weighing(labelled: &[([f32; EVIDENCE], bool)]) -> Weighing {
    if labelled.is_empty() {
        return Weighing::default();
    }
    let inputs = labelled.iter().flat_map(|(evidence, _)| *evidence).collect();
    let inputs = Array2::from_shape_vec((labelled.len(), EVIDENCE), inputs).expect("a row each");
    let truth: Vec<usize> = labelled.iter().map(|(_, holds)| usize::from(*holds)).collect();
    let examples = regression::Examples { inputs: &inputs, truth: &truth, classes: 2 };
    let Layer { weights, bias } = regression::fit(examples, &(0..truth.len()).collect::<Vec<_>>(), SCHEDULE);
    let yes = |pair: ArrayView1<'_, f32>| pair.iter().copied().reduce(|no, yes| yes - no).unwrap_or_default();
    let mut weighing = Weighing { bias: yes(bias.view()), ..Weighing::default() };
    for (weight, row) in weighing.weights.iter_mut().zip(weights.rows()) {
        *weight = yes(row);
    }
    weighing
}
