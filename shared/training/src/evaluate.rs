//! How well labels were found: scores of a confusion matrix, bootstrap intervals, calibration.
#![expect(
    clippy::indexing_slicing,
    reason = "a class or a bin that does not exist must panic in a test, not go uncounted"
)]

use crate::random::Random;

/// Bootstrap samples for an interval: enough that 25 lie beyond either end.
const SAMPLES: usize = 1_000;
/// Of a thousand samples, how many lie below and above an interval of 95 %.
const TAIL_PER_THOUSAND: usize = 25;
/// Any fixed one, so that the same items give the same interval.
const SEED: u64 = 95;
/// Bins of equal width over confidences from 0 to 1: the usual number for the expected calibration error.
const BINS: usize = 10;

/// A confusion matrix: counts of (truth, found) pairs over a fixed set of classes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Confusion {
    /// For each truth a row, in it for each finding its count.
    counts: Vec<Vec<usize>>,
}

impl Confusion {
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    #[must_use]
    pub fn of(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Self::new(classes);
        for (truth, found) in pairs {
            confusion.add(truth, found);
        }
        confusion
    }

    /// # Panics
    /// If either class is not below the number of classes.
    pub fn add(&mut self, truth: usize, found: usize) {
        self.counts[truth][found] += 1;
    }

    /// # Panics
    /// If either class is not below the number of classes.
    #[must_use]
    pub fn count(&self, truth: usize, found: usize) -> usize {
        self.counts[truth][found]
    }

    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().flatten().sum()
    }

    /// How often a class is the truth.
    #[must_use]
    pub fn truths(&self, class: usize) -> usize {
        self.counts[class].iter().sum()
    }

    /// How often a class was found.
    fn findings(&self, class: usize) -> usize {
        self.counts.iter().map(|row| row[class]).sum()
    }

    fn classes(&self) -> std::ops::Range<usize> {
        0..self.counts.len()
    }

    /// The share of pairs that agree, 0 to 1; 0 of nothing.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: usize = self.classes().map(|class| self.count(class, class)).sum();
        ratio(right, self.total())
    }

    /// The share of a class's tickets that were found, 0 to 1; none if there are none.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        defined_ratio(self.count(class, class), self.truths(class))
    }

    /// The share of what was found as a class that is it, 0 to 1; none if nothing was.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        defined_ratio(self.count(class, class), self.findings(class))
    }

    /// The harmonic mean of precision and recall of a class; none if it neither occurs nor was found.
    #[must_use]
    pub fn f1(&self, class: usize) -> Option<f64> {
        defined_ratio(2 * self.count(class, class), self.truths(class) + self.findings(class))
    }

    /// The mean F1 over the classes that occur as truth or as found, 0 to 1; 0 of nothing.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = self.classes().filter_map(|class| self.f1(class)).collect();
        if scores.is_empty() { 0.0 } else { scores.iter().sum::<f64>() / scores.len() as f64 }
    }

    /// Cohen's kappa with quadratic weights: 1 for agreement, 0 for what chance alone would give. Classes are in order.
    #[must_use]
    pub fn weighted_kappa(&self) -> f64 {
        let (mut observed, mut expected) = (0.0, 0.0);
        for truth in self.classes() {
            for found in self.classes() {
                let weight = truth.abs_diff(found).pow(2) as f64;
                observed += weight * self.count(truth, found) as f64;
                expected += weight * ratio(self.truths(truth) * self.findings(found), self.total());
            }
        }
        if expected > 0.0 { 1.0 - observed / expected } else { 0.0 }
    }

    /// Cohen's kappa: 1 for agreement, 0 for what chance alone would give.
    #[must_use]
    pub fn kappa(&self) -> f64 {
        let total = self.total();
        let by_chance = |class| ratio(self.truths(class), total) * ratio(self.findings(class), total);
        let expected: f64 = self.classes().map(by_chance).sum();
        if expected < 1.0 { (self.accuracy() - expected) / (1.0 - expected) } else { 0.0 }
    }

    /// The share of pairs in which the first class was taken for the last one or the last for the first, 0 to 1.
    #[must_use]
    pub fn opposite(&self) -> f64 {
        let Some(last) = self.classes().next_back() else { return 0.0 };
        ratio(self.count(0, last) + self.count(last, 0), self.total())
    }
}

/// The middle 95 % of a score over samples drawn from the items with replacement (the percentile bootstrap). The same
/// items give the same interval. Samples for which the score is not defined do not count; none if it is for none.
#[must_use]
pub fn interval<T: Copy>(items: &[T], score: impl Fn(&[T]) -> Option<f64>) -> Option<[f64; 2]> {
    let mut random = Random(SEED);
    let mut sample = Vec::with_capacity(items.len());
    let mut scores = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        sample.clear();
        sample.extend((0..items.len()).map(|_| items[random.below(items.len())]));
        scores.extend(score(&sample));
    }
    scores.sort_by(f64::total_cmp);
    let last = scores.len().checked_sub(1)?;
    let tail = scores.len() * TAIL_PER_THOUSAND / 1_000;
    Some([scores[tail], scores[last - tail]])
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
    let mut bins = [Bin { tickets: 0, confidence: 0.0, right: 0.0 }; BINS];
    for (confidence, right) in outcomes {
        // A confidence of 1 belongs to the last bin.
        let bin = &mut bins[((confidence * BINS as f32) as usize).min(BINS - 1)];
        bin.tickets += 1;
        bin.confidence += f64::from(*confidence);
        bin.right += f64::from(u8::from(*right));
    }
    let mean = |sums: Bin| Bin {
        tickets: sums.tickets,
        confidence: sums.confidence / sums.tickets as f64,
        right: sums.right / sums.tickets as f64,
    };
    bins.into_iter().filter(|bin| bin.tickets > 0).map(mean).collect()
}

/// The expected calibration error: how far confidence and truth are apart, weighted by tickets, 0 to 1.
#[must_use]
pub fn calibration_error(outcomes: &[(f32, bool)]) -> f64 {
    let apart = |bin: Bin| bin.tickets as f64 * (bin.confidence - bin.right).abs();
    reliability(outcomes).into_iter().map(apart).sum::<f64>() / outcomes.len().max(1) as f64
}

/// How well confidence tells right from wrong: the probability that one that was right is the surer of two, the area under
/// the ROC curve, 0.5 by chance. None where all were right or all wrong.
#[must_use]
pub fn discrimination(outcomes: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = outcomes.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let right = sorted.iter().filter(|(_, right)| *right).count();
    let wrong = sorted.len() - right;
    // Of the wrong ones those less sure count whole, those as sure half.
    let (mut below, mut won): (usize, f64) = (0, 0.0);
    for equals in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let rights = equals.iter().filter(|(_, right)| *right).count();
        let wrongs = equals.len() - rights;
        won += rights as f64 * (below as f64 + wrongs as f64 / 2.0);
        below += wrongs;
    }
    (right > 0 && wrong > 0).then(|| won / (right as f64 * wrong as f64))
}

/// 0 of nothing.
fn ratio(part: usize, whole: usize) -> f64 {
    defined_ratio(part, whole).unwrap_or(0.0)
}

/// None of nothing.
fn defined_ratio(part: usize, whole: usize) -> Option<f64> {
    if whole == 0 { None } else { Some(part as f64 / whole as f64) }
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
    #[should_panic(expected = "index out of bounds")]
    fn a_class_outside_the_set_panics() {
        // In one flat table this pair would have been counted as (2, 1).
        Confusion::new(3).add(1, 4);
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
    fn confidence_that_is_higher_where_right_tells() {
        assert_eq!(discrimination(&[(0.9, true), (0.8, true), (0.3, false)]), Some(1.0));
        assert_eq!(discrimination(&[(0.9, false), (0.3, true)]), Some(0.0));
        assert_eq!(discrimination(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(discrimination(&[(0.9, true), (0.6, false), (0.6, true), (0.2, false)]), Some(0.875));
        assert_eq!(discrimination(&[(0.9, true)]), None);
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
