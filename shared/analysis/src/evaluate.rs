//! How well labels were found.

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

    /// How often a class is the truth.
    #[must_use]
    pub fn truths(&self, class: usize) -> usize {
        (0..self.classes).map(|found| self.count(class, found)).sum()
    }
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
    }
}
