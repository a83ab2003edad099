//! Floors and caps on the priority an analyst read.
//!
//! In this order:
//!
//! | what was read | becomes |
//! |---|---|
//! | a kind of ticket that is not a request | what [`crate::kind`] says, but never lower beside a grave sentence |
//! | a P2 or P3 whose customer gives notice of leaving, from `grave_at_least` sure | P1, whatever is broken |
//! | a P2 or P3 beside a sentence of breach that is 0.6 sure, or one of outage or loss that is 0.8 sure | P1, unsure |
//! | a P3 beside a less sure one | P2, unsure |
//! | a P3 in a language that the analyst does not read | P2, unsure |
//!
//! Tone moves nothing, and neither does a soft sign of leaving: a tender, others that are evaluated, a question about the
//! notice period. The confidence is that of the label it ends at: the kind's or the notice's where that decided, and never
//! more than a grave sentence leaves to a calm label.

use crate::{Gravity, Kind, Language, LeavingNotice, Priority, Reading, kind, policy::Thresholds, quote};

/// A sentence of outage or loss this sure is worth looking at today, whatever stands around it.
const URGENT: f32 = 0.8;
/// A leak grows by the hour, so less is enough.
const LEAK: f32 = 0.6;
/// One of four: what is known of a ticket that says nothing.
const GUESS: f32 = 0.25;

/// The priority to act on.
#[derive(Clone, PartialEq, Debug)]
pub struct Settled {
    pub priority: Priority,
    /// 0 to 1.
    pub confidence: f32,
    /// A sentence for each rule that moved the priority or the confidence.
    pub reasons: Vec<String>,
}

impl Settled {
    fn to(&mut self, priority: Priority, reason: &str) {
        if self.priority != priority {
            let how = if priority < self.priority { "raised" } else { "lowered" };
            self.reasons.push(format!("{how} to {priority}: {reason}"));
            self.priority = priority;
        }
    }
}

/// Applies the table above. `notice` is the customer's own, and sure enough.
#[must_use]
pub fn settle(reading: &Reading, notice: Option<&LeavingNotice>, thresholds: &Thresholds) -> Settled {
    let read = reading.priority;
    let mut settled = Settled { priority: read.value, confidence: read.confidence, reasons: Vec::new() };
    let grave = reading.grave.as_ref().filter(|grave| grave.confidence >= thresholds.grave_at_least);
    let kind = reading.kind;
    if kind.value != Kind::Request && kind.confidence >= thresholds.kind_at_least {
        let rules = kind::rules(kind.value);
        let lowered = rules.lowered_to.filter(|to| *to > settled.priority && grave.is_none());
        let raised = rules.at_least.filter(|least| *least < settled.priority);
        if let Some(priority) = lowered.or(raised) {
            settled.to(priority, &format!("the ticket is of the kind {}", kind.value.title()));
            settled.confidence = kind.confidence;
        } else if rules.lowered_to == Some(settled.priority) {
            settled.confidence = settled.confidence.max(kind.confidence);
        }
    }
    if let Some(notice) = notice {
        if settled.priority > Priority::P1 {
            settled.to(Priority::P1, "the customer gives notice of leaving");
            settled.confidence = notice.confidence;
        } else if settled.priority == Priority::P1 {
            settled.confidence = settled.confidence.max(notice.confidence);
        }
    }
    if let Some(grave) = grave
        && settled.priority >= Priority::P2
    {
        // What is no notice moves nothing, but must not be answered as if it were not there.
        if grave.what != Gravity::Leaving || reading.draft.is_some() {
            settled.confidence = settled.confidence.min(1.0 - grave.confidence);
        }
        let words = reading.grave_words().map(|words| format!(": “{}”", quote::shown(words))).unwrap_or_default();
        let told = format!("one sentence tells of {}{words}", grave.what.title());
        let urgent = match grave.what {
            Gravity::Leaving => None,
            // It may be the instruction itself that names an outage.
            Gravity::Outage | Gravity::Loss | Gravity::Breach if reading.suspicious => Some(Priority::P2),
            Gravity::Outage | Gravity::Loss if grave.confidence >= URGENT => Some(Priority::P1),
            Gravity::Breach if grave.confidence >= LEAK => Some(Priority::P1),
            Gravity::Outage | Gravity::Loss | Gravity::Breach => Some(Priority::P2),
        };
        match urgent {
            Some(priority) if priority < settled.priority => settled.to(priority, &told),
            Some(_) => settled.reasons.push(told),
            None => {}
        }
    }
    if kind.value == Kind::Empty {
        settled.confidence = settled.confidence.min(GUESS);
    }
    let unread = reading.language == Language::Other && settled.confidence < thresholds.unsure_below;
    if unread && settled.priority == Priority::P3 {
        settled.to(Priority::P2, "the analyst does not read its language");
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grave, Scored, sample};
    use Priority::{P0, P1, P2, P3};

    fn reading(priority: Priority, confidence: f32) -> Reading {
        Reading { priority: Scored { value: priority, confidence }, ..sample::reading() }
    }

    fn thresholds() -> Thresholds {
        Thresholds { grave_at_least: 0.5, kind_at_least: 0.5, unsure_below: 0.4, ..sample::policy().thresholds }
    }

    fn check(reading: &Reading, expected: (Priority, f32)) {
        let Settled { priority, confidence, reasons } = settle(reading, reading.notice.as_ref(), &thresholds());
        assert_eq!((priority, confidence), expected, "{reading:?} {reasons:?}");
        assert!(priority == reading.priority.value || !reasons.is_empty(), "every move has its reason");
    }

    #[test]
    fn what_was_read_stands_however_unsure() {
        for read in [P0, P1, P2, P3] {
            check(&reading(read, 0.3), (read, 0.3));
        }
    }

    #[test]
    fn a_notice_is_never_below_p1() {
        let notice = Some(LeavingNotice { confidence: 0.8, quote: "We cancel.".into() });
        for (read, confidence, expected) in [
            (P0, 0.4, (P0, 0.4)),
            (P1, 0.4, (P1, 0.8)),
            (P1, 0.9, (P1, 0.9)),
            (P2, 0.9, (P1, 0.8)),
            (P3, 0.9, (P1, 0.8)),
        ] {
            check(&Reading { notice: notice.clone(), ..reading(read, confidence) }, expected);
        }
        let thanks = Scored { value: Kind::Thanks, confidence: 0.9 };
        check(&Reading { notice, kind: thanks, ..reading(P1, 0.9) }, (P1, 0.8));
    }

    #[test]
    fn a_soft_sign_moves_nothing() {
        for read in [P1, P2, P3] {
            check(&Reading { priority: Scored { value: read, confidence: 0.9 }, ..sample::signals() }, (read, 0.9));
        }
    }

    #[test]
    fn a_kind_moves_what_its_row_says() {
        for (kind, sure, read, expected) in [
            (Kind::Automatic, 0.8, P0, (P3, 0.8)),
            (Kind::Automatic, 0.8, P3, (P3, 0.9)),
            (Kind::Automatic, 0.4, P0, (P0, 0.9)),
            (Kind::MachineAlert, 0.8, P1, (P1, 0.9)),
            (Kind::SecurityReport, 0.8, P3, (P1, 0.8)),
            (Kind::SecurityReport, 0.8, P0, (P0, 0.9)),
            (Kind::LegalLetter, 0.8, P3, (P2, 0.8)),
            (Kind::PersonInDanger, 0.6, P3, (P1, 0.6)),
        ] {
            let reading = Reading { kind: Scored { value: kind, confidence: sure }, ..reading(read, 0.9) };
            check(&reading, expected);
        }
    }

    #[test]
    fn a_grave_sentence_leaves_no_calm_label_sure() {
        let grave = |what, confidence| Some(Grave { what, confidence, quote: "Nobody can pay.".into() });
        for (what, confidence, read, expected) in [
            (Gravity::Outage, 0.75, P3, (P2, 0.25)),
            (Gravity::Outage, 0.875, P3, (P1, 0.125)),
            (Gravity::Breach, 0.75, P2, (P1, 0.25)),
            (Gravity::Leaving, 0.75, P3, (P3, 0.9)),
            (Gravity::Loss, 0.75, P1, (P1, 0.9)),
            (Gravity::Loss, 0.4, P3, (P3, 0.9)),
        ] {
            check(&Reading { grave: grave(what, confidence), ..reading(read, 0.9) }, expected);
        }
        let enclosed = Reading {
            kind: Scored { value: Kind::Thanks, confidence: 0.9 },
            grave: grave(Gravity::Outage, 0.75),
            ..reading(P0, 0.9)
        };
        check(&enclosed, (P0, 0.9));
    }

    #[test]
    fn what_cannot_be_read_is_not_called_low() {
        for (confidence, expected) in [(0.25, P2), (0.9, P3)] {
            let other = Reading { language: Language::Other, ..reading(P3, confidence) };
            check(&other, (expected, confidence));
        }
    }
}
