//! Floors and caps on the priority an analyst read.

use crate::{Priority, policy::Thresholds, reading::Scored};

/// The priority to act on, and a sentence for each rule that moved it.
///
/// Cap: a P0 less sure than `p0_at_least` is a P1. Floor: a customer who says it may leave over something that is
/// degraded (P2) is a P1; over a question (P3) it is not, since nothing is broken. Tone moves nothing.
#[must_use]
pub fn settle(read: Scored<Priority>, churn_explicit: bool, thresholds: &Thresholds) -> (Priority, Vec<String>) {
    let mut priority = read.value;
    let mut reasons = Vec::new();
    if priority == Priority::P0 && read.confidence < thresholds.p0_at_least {
        priority = Priority::P1;
        reasons.push("capped at P1: not sure enough of a P0".to_owned());
    }
    if priority == Priority::P2 && churn_explicit {
        priority = Priority::P1;
        reasons.push("raised to P1: the customer may leave over this fault".to_owned());
    }
    (priority, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn floors_and_caps() {
        use Priority::{P0, P1, P2, P3};
        let thresholds = Thresholds { p0_at_least: 0.4, ..sample::policy().thresholds };
        for (read, confidence, churn, expected) in [
            (P0, 0.9, false, P0),
            (P0, 0.4, false, P0),
            (P0, 0.39, false, P1),
            (P0, 0.9, true, P0),
            (P1, 0.9, true, P1),
            (P2, 0.9, false, P2),
            (P2, 0.9, true, P1),
            (P3, 0.9, true, P3),
            (P3, 0.1, false, P3),
        ] {
            let (settled, reasons) = settle(Scored { value: read, confidence }, churn, &thresholds);
            assert_eq!(settled, expected, "{read} {confidence} {churn}");
            assert_eq!(reasons.is_empty(), settled == read, "every move has its reason");
        }
    }
}
