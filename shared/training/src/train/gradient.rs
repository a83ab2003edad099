//! How the loss changes with each number of the heads.

use ndarray::{Array2, Axis, Slice, Zip};

use super::example::Truth;
use analyst::heads::{Batch, HIDDEN, Heads, JUDGED, JUDGEMENTS, Layer, Pass, SHARED, SIGNALS, SUBJECT, TASKS};
use analyst::inputs::MARKS;

/// What is known of a batch.
pub(super) struct Known<'a> {
    /// Of each ticket.
    pub(super) tickets: Vec<&'a Truth>,
    /// Of each row of the sentences, the class of each judgement, if known.
    pub(super) sentences: Vec<[Option<usize>; 4]>,
    /// The last so many rows belong to no ticket.
    pub(super) singles: usize,
}

/// The gradient of the mean cross-entropy over tickets, of every label that is known, plus that of every judgement over
/// the sentences for which it is known.
pub(super) fn gradient(heads: &Heads, batch: &Batch, pass: &Pass, known: &Known<'_>) -> Heads {
    let mut gradient = Heads::zeros();
    let mut sentence = Array2::<f32>::zeros(pass.sentence.raw_dim());
    let mut shared = Array2::<f32>::zeros((batch.tickets.len(), SHARED));
    let mut attention = Array2::<f32>::zeros(pass.attention.raw_dim());

    for ((task, layer), scores) in TASKS.into_iter().zip(&heads.tasks).zip(&pass.scores) {
        let mut errors = scores.clone();
        let count = batch.tickets.len() as f32;
        for (mut row, truth) in errors.rows_mut().into_iter().zip(&known.tickets) {
            let Some(class) = truth.class(task) else {
                row.fill(0.0);
                continue;
            };
            analyst::heads::softmax(row.view_mut());
            row.iter_mut().enumerate().for_each(|(index, error)| *error -= f32::from(u8::from(index == class)));
            row *= truth.weight / count;
        }
        let (Some(seen), Some(into)) = (pass.seen.get(task as usize), gradient.tasks.get_mut(task as usize)) else {
            continue;
        };
        *into =
            Layer { weights: seen.t().dot(&errors).as_standard_layout().into_owned(), bias: errors.sum_axis(Axis(0)) };
        let back = errors.dot(&layer.weights.t());
        shared += &back.slice_axis(Axis(1), Slice::from(HIDDEN..HIDDEN + SHARED));
        for (ticket, back) in batch.tickets.iter().zip(back.rows()) {
            let back = back.slice_axis(Axis(0), Slice::from(0..HIDDEN));
            let hidden = pass.sentence.slice_axis(Axis(0), Slice::from(ticket.clone()));
            let shares = pass.attention.column(task as usize);
            let shares = shares.slice_axis(Axis(0), Slice::from(ticket.clone()));
            let gains = hidden.dot(&back);
            let mean = gains.dot(&shares);
            let mut to = attention.column_mut(task as usize);
            let mut to = to.slice_axis_mut(Axis(0), Slice::from(ticket.clone()));
            Zip::from(&mut to).and(&gains).and(&shares).for_each(|to, gain, share| *to = share * (gain - mean));
            for (mut row, share) in
                sentence.slice_axis_mut(Axis(0), Slice::from(ticket.clone())).rows_mut().into_iter().zip(&shares)
            {
                row.scaled_add(*share, &back);
            }
        }
    }

    let mut judged = judgements(pass, known);
    for ((strongest, loudest), shared) in pass.strongest.rows().into_iter().zip(pass.loudest.rows()).zip(shared.rows())
    {
        for (unit, (row, back)) in strongest.iter().zip(shared.slice_axis(Axis(0), Slice::from(0..HIDDEN))).enumerate()
        {
            if let Some(to) = sentence.get_mut((*row, unit)) {
                *to += back;
            }
        }
        let backs = shared.slice_axis(Axis(0), Slice::from(2 * HIDDEN + SUBJECT..SHARED - MARKS));
        for judgement in JUDGEMENTS {
            for column in judgement.columns() {
                let (Some(row), Some(back)) = (loudest.get(column), backs.get(column)) else { continue };
                for other in judgement.columns() {
                    let share = pass.judged.get((*row, other)).map_or(0.0, |log| libm::expf(*log));
                    if let Some(to) = judged.get_mut((*row, other)) {
                        *to += JUDGED * back * (f32::from(u8::from(other == column)) - share);
                    }
                }
            }
        }
    }
    sentence += &judged.dot(&heads.signals.weights.t());
    sentence += &attention.dot(&heads.attention.t());
    gradient.signals = layer(&pass.sentence, &judged);
    gradient.attention = pass.sentence.t().dot(&attention).as_standard_layout().into_owned();
    gradient.sentence = hidden(&batch.sentences, &pass.sentence, sentence);
    gradient.whole =
        hidden(&batch.whole, &pass.whole, shared.slice_axis(Axis(1), Slice::from(HIDDEN..2 * HIDDEN)).to_owned());
    let columns = 2 * HIDDEN..2 * HIDDEN + SUBJECT;
    gradient.subject =
        hidden(&batch.subject, &pass.subject, shared.slice_axis(Axis(1), Slice::from(columns)).to_owned());
    gradient
}

/// The errors of the judgements. Sentences of tickets and single ones are two means, so that neither drowns the other.
fn judgements(pass: &Pass, known: &Known<'_>) -> Array2<f32> {
    let mut errors = Array2::zeros((pass.judged.nrows(), SIGNALS));
    let inside = pass.judged.nrows() - known.singles;
    for (index, judgement) in JUDGEMENTS.into_iter().enumerate() {
        let class = |row: usize| known.sentences.get(row).and_then(|classes| classes.get(index).copied().flatten());
        for rows in [0..inside, inside..pass.judged.nrows()] {
            let count = rows.clone().filter(|row| class(*row).is_some()).count().max(1) as f32;
            for row in rows {
                let Some(class) = class(row) else { continue };
                for (place, column) in judgement.columns().enumerate() {
                    let share = pass.judged.get((row, column)).map_or(0.0, |log| libm::expf(*log));
                    if let Some(to) = errors.get_mut((row, column)) {
                        *to = (share - f32::from(u8::from(place == class))) / count;
                    }
                }
            }
        }
    }
    errors
}

fn layer(input: &Array2<f32>, errors: &Array2<f32>) -> Layer {
    Layer { weights: input.t().dot(errors).as_standard_layout().into_owned(), bias: errors.sum_axis(Axis(0)) }
}

/// Through the hidden units that were not silent. `kept` is scaled as they were.
fn hidden(input: &Array2<f32>, kept: &Array2<f32>, mut errors: Array2<f32>) -> Layer {
    Zip::from(&mut errors).and(kept).for_each(|error, kept| {
        *error = if *kept > 0.0 { *error * super::KEPT_SCALE } else { 0.0 };
    });
    layer(input, &errors)
}

#[cfg(test)]
mod tests {
    use analyst::inputs::{Inputs, WIDTH};
    use ndarray::Array1;

    use super::*;
    use crate::random::Random;

    fn loss(heads: &Heads, batch: &Batch, known: &Known<'_>) -> f64 {
        let pass = heads.pass(batch, |_| {});
        let mut loss = 0.0;
        for (ticket, truth) in known.tickets.iter().enumerate() {
            for task in TASKS {
                if let Some(class) = truth.class(task) {
                    let scores = analyst::model::scores(&pass, task, ticket);
                    loss -= f64::from(truth.weight * scores[class]) / known.tickets.len() as f64;
                }
            }
        }
        let inside = known.sentences.len() - known.singles;
        for (index, judgement) in JUDGEMENTS.into_iter().enumerate() {
            for rows in [0..inside, inside..known.sentences.len()] {
                let known: Vec<(usize, usize)> =
                    rows.filter_map(|row| Some((row, known.sentences[row][index]?))).collect();
                for (row, class) in &known {
                    let log = pass.judged[(*row, judgement.columns().start + class)];
                    loss -= f64::from(log) / known.len() as f64;
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
            whole: Array1::from(numbers(WIDTH)),
            marks: [0.5; MARKS],
        };
        let (first, second) = (ticket(3), ticket(2));
        let single = first.subject.clone();
        let batch = Batch::of(&[&first, &second], &[single.view()]);
        let truths = [
            Truth { classes: [Some(2), Some(0), Some(1), Some(1), None], weight: 1.0 },
            Truth { classes: [Some(0), Some(2), None, Some(0), Some(3)], weight: 3.0 },
        ];
        let known = Known {
            tickets: truths.iter().collect(),
            sentences: vec![
                [Some(0), Some(0), None, Some(3)],
                [Some(1), Some(0), None, Some(0)],
                [Some(0), Some(0), None, Some(0)],
                [Some(0), Some(4), Some(2), None],
                [Some(0), Some(0), Some(0), None],
                [Some(1), Some(2), Some(1), Some(1)],
            ],
            singles: 1,
        };
        let mut heads = Heads::zeros();
        for number in heads.slices_mut().into_iter().flatten() {
            *number = random.normal(0.3);
        }
        let pass = heads.pass(&batch, |_| {});
        // Without silenced units nothing is scaled; the pass of training scales what it keeps.
        let mut gradient = gradient(&heads, &batch, &pass, &known);
        for layer in [&mut gradient.sentence, &mut gradient.whole, &mut gradient.subject] {
            layer.weights /= super::super::KEPT_SCALE;
            layer.bias /= super::super::KEPT_SCALE;
        }
        let before = loss(&heads, &batch, &known);
        for part in 0..heads.slices().len() {
            // The steepest number of each part, so that the slope stands out from rounding.
            let steep = gradient.slices()[part];
            let at = (0..steep.len()).max_by(|a, b| steep[*a].abs().total_cmp(&steep[*b].abs())).unwrap();
            let expected = f64::from(steep[at]);
            let mut slope = |step: f32| {
                heads.slices_mut()[part][at] += step;
                let after = loss(&heads, &batch, &known);
                heads.slices_mut()[part][at] -= step;
                (after - before) / f64::from(step)
            };
            let slope = (slope(2e-3) + slope(-2e-3)) / 2.0;
            assert!((slope - expected).abs() <= 0.03 * expected.abs() + 2e-3, "part {part}: {slope} and {expected}");
        }
    }
}
