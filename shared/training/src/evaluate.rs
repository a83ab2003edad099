//! How well labels were found, and how far chance may have had a hand in it.

use crate::random::Random;

/// Samples drawn for an interval.
const SAMPLES: usize = 1_000;
/// Of equal width, over confidences from 0 to 1.
const BINS: usize = 10;

/// Counts of (truth, found) pairs over a fixed set of classes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confusion {
    classes: usize,
    counts: Vec<usize>,
}

impl Confusion {
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// # Panics
    /// If either class is not below the number of classes.
    pub fn add(&mut self, truth: usize, found: usize) {
        assert!(truth < self.classes && found < self.classes, "a class of this set");
        if let Some(count) = self.counts.get_mut(truth * self.classes + found) {
            *count += 1;
        }
    }

    #[must_use]
    pub fn count(&self, truth: usize, found: usize) -> usize {
        self.counts.get(truth * self.classes + found).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Share of pairs that agree, 0 to 1; 0 of nothing.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        ratio(right, self.total())
    }

    /// Mean F1 over the classes that occur as truth or as found, 0 to 1.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = (0..self.classes).filter_map(|class| self.f1(class)).collect();
        if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
    }

    /// F1 of one class; none if it neither occurs nor was found.
    #[must_use]
    pub fn f1(&self, class: usize) -> Option<f64> {
        let (truths, found) =
            (self.truths(class), (0..self.classes).map(|truth| self.count(truth, class)).sum::<usize>());
        (truths + found > 0).then(|| ratio(2 * self.count(class, class), truths + found))
    }

    /// Cohen's kappa with quadratic weights: 1 for agreement, 0 for what chance alone would give. Classes are in order.
    #[must_use]
    pub fn weighted_kappa(&self) -> f64 {
        let found = |class: usize| (0..self.classes).map(|truth| self.count(truth, class)).sum::<usize>();
        let (mut seen, mut chance) = (0.0, 0.0);
        for truth in 0..self.classes {
            for class in 0..self.classes {
                let distance = truth.abs_diff(class).pow(2) as f64;
                seen += distance * self.count(truth, class) as f64;
                chance += distance * ratio(self.truths(truth) * found(class), self.total());
            }
        }
        if chance > 0.0 { 1.0 - seen / chance } else { 0.0 }
    }

    /// Cohen's kappa: 1 for agreement, 0 for what chance alone would give.
    #[must_use]
    pub fn kappa(&self) -> f64 {
        let found = |class: usize| (0..self.classes).map(|truth| self.count(truth, class)).sum::<usize>();
        let chance: f64 = (0..self.classes)
            .map(|class| ratio(self.truths(class), self.total()) * ratio(found(class), self.total()))
            .sum();
        if chance < 1.0 { (self.accuracy() - chance) / (1.0 - chance) } else { 0.0 }
    }

    /// How often a class is the truth.
    #[must_use]
    pub fn truths(&self, class: usize) -> usize {
        (0..self.classes).map(|found| self.count(class, found)).sum()
    }
}

impl Confusion {
    /// The share of a class's tickets that were found, 0 to 1; none if there are none.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        (self.truths(class) > 0).then(|| ratio(self.count(class, class), self.truths(class)))
    }

    /// The share of what was found as a class that is it, 0 to 1; none if nothing was.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        let found = (0..self.classes).map(|truth| self.count(truth, class)).sum();
        (found > 0).then(|| ratio(self.count(class, class), found))
    }

    /// The share of pairs in which the first class was taken for the last one or the last for the first, 0 to 1.
    #[must_use]
    pub fn opposite(&self) -> f64 {
        let last = self.classes.saturating_sub(1);
        ratio(self.count(0, last) + self.count(last, 0), self.total())
    }

    #[must_use]
    pub fn of(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Self::new(classes);
        pairs.into_iter().for_each(|(truth, found)| confusion.add(truth, found));
        confusion
    }
}

/// The middle 95 % of a score over samples drawn from the items with replacement (the percentile bootstrap). The same
/// items give the same interval. Samples for which the score is not defined do not count; none if it is for none.
#[must_use]
pub fn interval<T: Copy>(items: &[T], score: impl Fn(&[T]) -> Option<f64>) -> Option<[f64; 2]> {
    let mut random = Random(95);
    let mut sample = Vec::with_capacity(items.len());
    let mut scores: Vec<f64> = (0..SAMPLES)
        .filter_map(|_| {
            sample.clear();
            sample.extend((0..items.len()).filter_map(|_| items.get(random.below(items.len())).copied()));
            score(&sample)
        })
        .collect();
    scores.sort_by(f64::total_cmp);
    let last = scores.len().checked_sub(1)?;
    let low = scores.len() * 25 / 1_000;
    Some([*scores.get(low)?, *scores.get(last - low)?])
}

/// Confidences of one range, and what came of them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bin {
    pub tickets: usize,
    /// The mean confidence, 0 to 1.
    pub confidence: f64,
    /// The share that was right, 0 to 1.
    pub right: f64,
}

/// A reliability table: ten ranges of confidence, those without tickets left out.
#[must_use]
pub fn reliability(outcomes: &[(f32, bool)]) -> Vec<Bin> {
    let mut sums = [(0usize, 0.0f64, 0usize); BINS];
    for (confidence, right) in outcomes {
        let bin = ((confidence * BINS as f32) as usize).min(BINS - 1);
        if let Some((count, confidences, rights)) = sums.get_mut(bin) {
            *count += 1;
            *confidences += f64::from(*confidence);
            *rights += usize::from(*right);
        }
    }
    let bin = |(tickets, confidences, rights): (usize, f64, usize)| Bin {
        tickets,
        confidence: confidences / tickets as f64,
        right: ratio(rights, tickets),
    };
    sums.into_iter().filter(|(tickets, ..)| *tickets > 0).map(bin).collect()
}

/// The expected calibration error: how far confidence and truth are apart, weighted by tickets, 0 to 1.
#[must_use]
pub fn calibration_error(outcomes: &[(f32, bool)]) -> f64 {
    let apart = |bin: Bin| bin.tickets as f64 * (bin.confidence - bin.right).abs();
    reliability(outcomes).into_iter().map(apart).sum::<f64>() / outcomes.len().max(1) as f64
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_a_small_table_by_hand() {
        let mut confusion = Confusion::new(3);
        for (truth, found) in [(0, 0), (0, 0), (0, 1), (1, 1)] {
            confusion.add(truth, found);
        }
        assert!((confusion.accuracy() - 0.75).abs() < 1e-9);
        assert!((confusion.f1(0).unwrap() - 0.8).abs() < 1e-9);
        assert!((confusion.f1(1).unwrap() - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(confusion.f1(2), None, "a class that is not there does not count");
        assert!((confusion.macro_f1() - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-9);
        assert!(Confusion::new(2).accuracy().abs() < 1e-9);
        assert_eq!(
            (confusion.recall(0), confusion.precision(1), confusion.recall(2)),
            (Some(2.0 / 3.0), Some(0.5), None)
        );
    }

    #[test]
    fn weighted_kappa_is_one_for_agreement_and_zero_for_chance() {
        let kappa = |pairs: &[(usize, usize)]| Confusion::of(4, pairs.iter().copied()).weighted_kappa();
        assert!((kappa(&[(0, 0), (1, 1), (2, 2), (3, 3)]) - 1.0).abs() < 1e-9);
        assert!(kappa(&[(0, 0), (0, 3), (3, 0), (3, 3)]).abs() < 1e-9);
        assert!(kappa(&[(0, 1), (1, 1), (2, 2), (3, 3)]) > kappa(&[(0, 3), (1, 1), (2, 2), (3, 3)]));
        assert!((Confusion::of(4, [(0, 3), (1, 1), (2, 2), (3, 3)]).opposite() - 0.25).abs() < 1e-9);
    }

    #[test]
    fn an_interval_holds_the_score_and_narrows_with_more_tickets() {
        let score = |items: &[u8]| Some(items.iter().map(|item| f64::from(*item)).sum::<f64>() / items.len() as f64);
        let few: Vec<u8> = [0, 1, 1, 1].repeat(5);
        let many: Vec<u8> = [0, 1, 1, 1].repeat(100);
        let ([a, b], [c, d]) = (interval(&few, score).unwrap(), interval(&many, score).unwrap());
        assert!(a <= 0.75 && 0.75 <= b && c <= 0.75 && 0.75 <= d);
        assert!(d - c < (b - a) / 3.0, "{a} {b} {c} {d}");
        assert_eq!(interval(&few, score), Some([a, b]));
        let only_of_ones = |items: &[u8]| items.contains(&1).then_some(1.0);
        assert_eq!(interval(&[0, 0, 0, 1], only_of_ones), Some([1.0, 1.0]));
        assert_eq!(interval(&[0, 0], only_of_ones), None);
    }

    #[test]
    fn confidence_that_means_what_it_says_has_no_error() {
        let honest = [(0.75, true), (0.75, true), (0.75, true), (0.75, false)];
        assert!(calibration_error(&honest).abs() < 1e-6);
        assert!((calibration_error(&[(0.9, false), (0.9, false)]) - 0.9).abs() < 1e-6);
        assert!(calibration_error(&[]).abs() < 1e-9);
        assert_eq!(reliability(&honest), [Bin { tickets: 4, confidence: 0.75, right: 0.75 }]);
    }
}
