//! Ticket text may raise attention and never lower it: what a reader that follows no instructions saw in it stands.
//!
//! | what the second opinion saw | stands from |
//! |---|---|
//! | P0 | `p0_at_least` |
//! | P1 | on a suspicious text only, from `unsure_below` |
//! | the customer may leave | `hold_at_least`; on a suspicious text `churn_likely` |
//! | the customer wants to buy | on a suspicious text only, whatever is a signal |
//!
//! On a text that instructs its reader, the first reading is worth no more than the second one. A P0 always stands: seven
//! of eight that the embedded analyst sees in held-out tickets are right, and a missed outage costs most.

use std::borrow::Cow;

use crate::{Priority, Reading, policy::Thresholds};

/// The reading with what it lost put back, and a sentence for each such thing. Quotes were verified before.
#[must_use]
pub fn held<'a>(reading: &'a Reading, thresholds: &Thresholds) -> (Cow<'a, Reading>, Vec<String>) {
    let Some(second) = &reading.second else { return (Cow::Borrowed(reading), Vec::new()) };
    let suspicious = reading.suspicious;
    let mut held = Cow::Borrowed(reading);
    let mut reasons = Vec::new();

    let urgent = match second.priority.value {
        Priority::P0 => second.priority.confidence >= thresholds.p0_at_least,
        Priority::P1 => suspicious && second.priority.confidence >= thresholds.unsure_below,
        Priority::P2 | Priority::P3 => false,
    };
    if urgent && second.priority.value < reading.priority.value {
        reasons.push(format!("held at {}: the embedded analyst saw it in the same text", second.priority.value));
        held.to_mut().priority = second.priority;
    }
    // A claim without words of the customer must not stand in the way of one that has them.
    let heard = reading.churn.value
        && reading.churn.confidence >= thresholds.churn_likely
        && (!reading.churn.quotes.is_empty() || second.churn.quotes.is_empty());
    let firm = if suspicious { thresholds.churn_likely } else { thresholds.hold_at_least };
    if !heard && second.churn.value && second.churn.confidence >= firm {
        reasons.push("held: the embedded analyst heard that the customer may leave".to_owned());
        held.to_mut().churn = second.churn.clone();
    }
    // Confidence is rounded to tenths before it is compared.
    let signal = (f32::from(thresholds.opportunity_signal) - 0.5) / 10.0;
    let wanted = reading.intent.value.is_some()
        && reading.intent.confidence >= signal
        && (!reading.intent.quotes.is_empty() || second.intent.quotes.is_empty());
    if suspicious && !wanted && second.intent.value.is_some() && second.intent.confidence >= signal {
        reasons.push("held: the embedded analyst heard that the customer wants to buy".to_owned());
        held.to_mut().intent = second.intent.clone();
    }
    (held, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Intent, Scored, SecondOpinion, sample};

    /// Far enough apart to tell which of them was looked at.
    fn thresholds() -> Thresholds {
        Thresholds {
            p0_at_least: 0.4,
            unsure_below: 0.4,
            hold_at_least: 0.8,
            churn_likely: 0.45,
            opportunity_signal: 6,
            ..sample::policy().thresholds
        }
    }

    /// A calm P3 reading beside a second one that saw everything, `confidence` sure.
    fn check(suspicious: bool, priority: Priority, confidence: f32, expected: (Priority, bool, bool)) {
        let alarmed = sample::signals();
        let mut second = SecondOpinion { priority: Scored { value: priority, confidence }, ..sample::second(&alarmed) };
        (second.churn.confidence, second.intent.confidence) = (confidence, confidence);
        let calm = Reading {
            priority: Scored { value: Priority::P3, confidence: 1.0 },
            second: Some(second),
            suspicious,
            ..sample::reading()
        };
        let (held, reasons) = held(&calm, &thresholds());
        let found = (held.priority.value, held.churn.value, held.intent.value.is_some());
        assert_eq!(found, expected, "{suspicious} {priority} {confidence}");
        let changes = [found.0 != Priority::P3, found.1, found.2].into_iter().filter(|changed| *changed).count();
        assert_eq!(reasons.len(), changes, "every change has its reason");
    }

    #[test]
    fn what_was_seen_firmly_stands_and_on_a_suspicious_text_less_is_enough() {
        use Priority::{P0, P1, P2, P3};
        check(false, P0, 0.8, (P0, true, false));
        check(false, P0, 0.79, (P0, false, false));
        check(false, P0, 0.39, (P3, false, false));
        check(false, P1, 1.0, (P3, true, false));
        check(true, P0, 0.6, (P0, true, true));
        check(true, P1, 0.6, (P1, true, true));
        check(true, P2, 0.6, (P3, true, true));
        check(true, P0, 0.3, (P3, false, false));
        check(true, P0, 0.54, (P0, true, false));
    }

    #[test]
    fn a_louder_first_reading_is_not_touched() {
        let loud = sample::signals();
        let second = SecondOpinion {
            priority: Scored { value: Priority::P2, confidence: 1.0 },
            churn: crate::reading::Signal { confidence: 1.0, ..loud.churn.clone() },
            intent: crate::reading::Signal { value: Some(Intent::Upgrade), confidence: 1.0, quotes: vec![] },
            ..sample::second(&loud)
        };
        let reading = Reading { second: Some(second), ..loud };
        let (held, reasons) = held(&reading, &thresholds());
        assert_eq!((&*held, reasons.len()), (&reading, 0));
    }
}
