//! The backward pass: the gradient of the training loss with respect to every parameter of a network.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the shapes of our own arrays; a wrong one must panic in a test, not lose a gradient"
)]

use analyst::heads::{
    Activations, Batch, HEAD_INPUT, HIDDEN, Heads, LOG_PROBABILITY_SCALE, Layer, PerSentenceTask, SENTENCE_CLASSES,
    SHARED, SentenceTask, Task, shared_columns, softmax,
};
use ndarray::{Array2, Axis, Slice, Zip};
use strum::IntoEnumIterator;

use super::example::Truth;

/// The labels of a batch, where known.
pub(super) struct Targets<'a> {
    /// Of each ticket.
    pub(super) tickets: Vec<&'a Truth>,
    /// Of each row of the sentences, the class for each sentence task.
    pub(super) sentences: Vec<PerSentenceTask<Option<usize>>>,
    /// How many of the last sentences belong to no ticket.
    pub(super) single_sentences: usize,
}

/// The gradient of the loss: the mean cross-entropy over tickets, summed over the tasks, plus the mean cross-entropy over
/// sentences, summed over the sentence tasks. Labels that are not known count for nothing.
pub(super) fn gradient(heads: &Heads, batch: &Batch, pass: &Activations, targets: &Targets<'_>) -> Heads {
    let mut gradient = Heads::zeros();
    // Gradients with respect to activations, named after them.
    let mut sentence = Array2::<f32>::zeros(pass.sentence.raw_dim());
    let mut shared = Array2::<f32>::zeros((batch.tickets.len(), SHARED));
    let mut attention = Array2::<f32>::zeros(pass.attention.raw_dim());

    for task in Task::iter() {
        let logits = ticket_errors(task, pass, targets);
        gradient.tasks[task] = layer(&pass.head_inputs[task], &logits);
        let inputs = logits.dot(&heads.tasks[task].weights.t());
        shared += &inputs.slice_axis(Axis(1), Slice::from(HIDDEN..HEAD_INPUT));
        let column = task as usize;
        for (ticket, inputs) in batch.tickets.iter().zip(inputs.rows()) {
            let rows = Slice::from(ticket.clone());
            // Of the attention-weighted mean: to the sentences by their weights, to the weights through the softmax.
            let mean = inputs.slice_axis(Axis(0), Slice::from(0..HIDDEN));
            let weights = pass.attention.column(column);
            let weights = weights.slice_axis(Axis(0), rows);
            let gains = pass.sentence.slice_axis(Axis(0), rows).dot(&mean);
            let mean_gain = gains.dot(&weights);
            let mut scores = attention.column_mut(column);
            let mut scores = scores.slice_axis_mut(Axis(0), rows);
            Zip::from(&mut scores).and(&gains).and(&weights).for_each(|score, gain, weight| {
                *score = weight * (gain - mean_gain);
            });
            for (mut row, weight) in sentence.slice_axis_mut(Axis(0), rows).rows_mut().into_iter().zip(&weights) {
                row.scaled_add(*weight, &mean);
            }
        }
    }

    let mut classes = sentence_errors(pass, targets);
    for (ticket, shared) in shared.rows().into_iter().enumerate() {
        // Max-pooling passes a gradient on to the sentence it picked.
        for (unit, pooled) in shared.slice_axis(Axis(0), Slice::from(shared_columns::SENTENCES)).iter().enumerate() {
            sentence[(pass.hidden_argmax[(ticket, unit)], unit)] += pooled;
        }
        let pooled = shared.slice_axis(Axis(0), Slice::from(shared_columns::SENTENCE_TASKS));
        for task in SentenceTask::iter() {
            for column in task.columns() {
                let row = pass.class_argmax[(ticket, column)];
                for other in task.columns() {
                    let probability = libm::expf(pass.sentence_log_probabilities[(row, other)]);
                    classes[(row, other)] +=
                        LOG_PROBABILITY_SCALE * pooled[column] * (indicator(other == column) - probability);
                }
            }
        }
    }
    sentence += &classes.dot(&heads.sentence_tasks.weights.t());
    sentence += &attention.dot(&heads.attention.t());
    gradient.sentence_tasks = layer(&pass.sentence, &classes);
    gradient.attention = pass.sentence.t().dot(&attention).as_standard_layout().into_owned();
    gradient.sentence = hidden_layer(&batch.sentences, &pass.sentence, sentence);
    let whole = shared.slice_axis(Axis(1), Slice::from(shared_columns::WHOLE));
    gradient.whole = hidden_layer(&batch.whole, &pass.whole, whole.to_owned());
    let subject = shared.slice_axis(Axis(1), Slice::from(shared_columns::SUBJECT_LINE));
    gradient.subject = hidden_layer(&batch.subject, &pass.subject, subject.to_owned());
    gradient
}

/// The gradient with respect to a task's logits: softmax minus one-hot target, weighted.
fn ticket_errors(task: Task, pass: &Activations, targets: &Targets<'_>) -> Array2<f32> {
    let mut errors = pass.logits[task].clone();
    let count = errors.nrows() as f32;
    for (mut row, truth) in errors.rows_mut().into_iter().zip(&targets.tickets) {
        match truth.classes[task] {
            Some(class) => {
                softmax(row.view_mut());
                row[class] -= 1.0;
                row *= truth.weight / count;
            }
            None => row.fill(0.0),
        }
    }
    errors
}

/// The gradient with respect to the logits of the sentence tasks. Sentences of tickets and single ones are two means, so
/// that neither drowns the other.
fn sentence_errors(pass: &Activations, targets: &Targets<'_>) -> Array2<f32> {
    let all = pass.sentence_log_probabilities.nrows();
    let mut errors = Array2::zeros((all, SENTENCE_CLASSES));
    let of_tickets = all - targets.single_sentences;
    for task in SentenceTask::iter() {
        for rows in [0..of_tickets, of_tickets..all] {
            let labelled = |row: usize| Some((row, targets.sentences[row][task]?));
            let labelled: Vec<(usize, usize)> = rows.filter_map(labelled).collect();
            for (row, class) in &labelled {
                for (index, column) in task.columns().enumerate() {
                    let probability = libm::expf(pass.sentence_log_probabilities[(*row, column)]);
                    errors[(*row, column)] = (probability - indicator(index == *class)) / labelled.len() as f32;
                }
            }
        }
    }
    errors
}

fn indicator(condition: bool) -> f32 {
    f32::from(u8::from(condition))
}

/// The gradient of a dense layer, given that of its outputs.
fn layer(inputs: &Array2<f32>, outputs: &Array2<f32>) -> Layer {
    Layer { weights: inputs.t().dot(outputs).as_standard_layout().into_owned(), bias: outputs.sum_axis(Axis(0)) }
}

/// The gradient of a dense layer with ReLU and dropout, given that of its `activations`: nothing flows through units that
/// were negative or dropped, and the others were scaled up.
fn hidden_layer(inputs: &Array2<f32>, activations: &Array2<f32>, mut outputs: Array2<f32>) -> Layer {
    Zip::from(&mut outputs).and(activations).for_each(|output, activation| {
        *output = if *activation > 0.0 { *output * super::DROPOUT_SCALE } else { 0.0 };
    });
    layer(inputs, &outputs)
}

#[cfg(test)]
mod tests {
    use analyst::{
        heads::PerTask,
        inputs::{Inputs, MARKS, WIDTH},
    };
    use ndarray::Array1;

    use super::*;
    use crate::random::Random;

    fn loss(heads: &Heads, batch: &Batch, targets: &Targets<'_>) -> f64 {
        let pass = heads.forward(batch);
        let mut loss = 0.0;
        for (ticket, truth) in targets.tickets.iter().enumerate() {
            for task in Task::iter() {
                if let Some(class) = truth.classes[task] {
                    let log_probability = pass.log_probabilities(task, ticket)[class];
                    loss -= f64::from(truth.weight * log_probability) / targets.tickets.len() as f64;
                }
            }
        }
        let of_tickets = targets.sentences.len() - targets.single_sentences;
        for task in SentenceTask::iter() {
            for rows in [0..of_tickets, of_tickets..targets.sentences.len()] {
                let labelled: Vec<(usize, usize)> =
                    rows.filter_map(|row| Some((row, targets.sentences[row][task]?))).collect();
                for (row, class) in &labelled {
                    let log_probability = pass.sentence_log_probabilities[(*row, task.columns().start + class)];
                    loss -= f64::from(log_probability) / labelled.len() as f64;
                }
            }
        }
        loss
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let mut random = Random(7);
        let mut numbers = |count: usize| (0..count).map(|_| random.normal(0.04)).collect::<Vec<f32>>();
        let mut ticket = |count: usize| Inputs {
            sentences: Array2::from_shape_vec((count, WIDTH), numbers(count * WIDTH)).unwrap(),
            subject: Array1::from(numbers(WIDTH)),
            marks: [0.5; MARKS],
        };
        let (first, second) = (ticket(3), ticket(2));
        let single = first.subject.clone();
        let batch = Batch::new(&[&first, &second], &[single.view()]);
        let truths = [
            Truth { classes: PerTask::from_array([Some(2), Some(0), Some(1), Some(1), None, Some(7)]), weight: 1.0 },
            Truth { classes: PerTask::from_array([Some(0), Some(2), None, Some(0), Some(3), None]), weight: 3.0 },
        ];
        let sentences: [[Option<usize>; 4]; 6] = [
            [Some(0), Some(0), None, Some(3)],
            [Some(1), Some(0), None, Some(0)],
            [Some(0), Some(0), None, Some(0)],
            [Some(0), Some(4), Some(2), None],
            [Some(0), Some(0), Some(0), None],
            [Some(1), Some(2), Some(1), Some(1)],
        ];
        let targets = Targets {
            tickets: truths.iter().collect(),
            sentences: sentences.into_iter().map(PerSentenceTask::from_array).collect(),
            single_sentences: 1,
        };
        let mut heads = Heads::zeros();
        for number in heads.slices_mut().into_iter().flatten() {
            *number = random.normal(0.3);
        }
        let pass = heads.forward(&batch);
        // Without dropout nothing is scaled, but the backward pass scales what dropout would have kept.
        let mut gradient = gradient(&heads, &batch, &pass, &targets);
        for layer in [&mut gradient.sentence, &mut gradient.whole, &mut gradient.subject] {
            layer.weights /= super::super::DROPOUT_SCALE;
            layer.bias /= super::super::DROPOUT_SCALE;
        }
        let before = loss(&heads, &batch, &targets);
        for part in 0..heads.slices().len() {
            // The steepest parameter of each part, so that the slope stands out from rounding.
            let steep = gradient.slices()[part];
            let at = (0..steep.len()).max_by(|a, b| steep[*a].abs().total_cmp(&steep[*b].abs())).unwrap();
            let expected = f64::from(steep[at]);
            let mut slope = |step: f32| {
                heads.slices_mut()[part][at] += step;
                let after = loss(&heads, &batch, &targets);
                heads.slices_mut()[part][at] -= step;
                (after - before) / f64::from(step)
            };
            let slope = (slope(2e-3) + slope(-2e-3)) / 2.0;
            assert!((slope - expected).abs() <= 0.03 * expected.abs() + 2e-3, "part {part}: {slope} and {expected}");
        }
    }
}
