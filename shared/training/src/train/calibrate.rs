//! Probabilities that mean what they say, from scores on scenarios held out.

use std::ops::RangeInclusive;

use analyst::{heads::Task, model::Mix};

use super::{Example, Point};

/// The mix under which the held-out labels are least surprising: one number after the other, in ever
/// smaller steps. `shares` is what the n-grams may have of it.
pub(super) fn mix(task: Task, points: &[(&Point, &Example)], shares: RangeInclusive<f32>) -> Mix {
    let known: Vec<(&Point, usize, f32)> = points
        .iter()
        .filter_map(|(point, example)| Some((*point, example.truth.class(task)?, example.truth.weight)))
        .collect();
    let surprise = |mix: Mix| -> f32 {
        let of = |(point, class, weight): &(&Point, usize, f32)| {
            let probabilities = mix.probabilities(&point.network, &point.words);
            -weight * libm::logf(probabilities.get(*class).copied().unwrap_or(0.0).max(1e-6))
        };
        known.iter().map(of).sum()
    };
    let signal = matches!(task, Task::Churn | Task::Intent);
    let (least_words, most_words) = shares.into_inner();
    let mut best = Mix { words: 0.3f32.clamp(least_words, most_words), slope: 1.0, offset: 0.0 };
    let mut least = surprise(best);
    for width in [1.0f32, 0.4, 0.15, 0.05] {
        for _ in 0..6 {
            let Mix { words, slope, offset } = best;
            let ways = |place: u8| [-width, 0.0, width].into_iter().map(move |step| (place, step));
            for (place, step) in (0..3).flat_map(ways) {
                let by = |this: u8| if place == this { step } else { 0.0 };
                let (by_words, by_slope, by_offset) = (by(0), by(1), by(2));
                let next = Mix {
                    words: (words + 0.2 * by_words).clamp(least_words, most_words),
                    slope: (slope * libm::expf(0.5 * by_slope)).clamp(0.05, 4.0),
                    offset: if signal { offset + by_offset } else { 0.0 },
                };
                let surprise = surprise(next);
                if surprise < least {
                    (best, least) = (next, surprise);
                }
            }
        }
    }
    best
}
