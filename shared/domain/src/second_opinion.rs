//! Ticket text may raise attention and never lower it: what a reader that follows no instructions saw in it stands.
//!
//! The first reading is a language model's, which a text can talk to; the second is the embedded analyst's, which it
//! cannot.
//!
//! | what the second reading saw | what the first one can still do |
//! |---|---|
//! | P0 | nothing |
//! | P1 or P2, on a suspicious text from `unsure_below` | nothing |
//! | a priority | lower it by one level; what it lowers further ends one level below, unsure |
//! | a priority two levels or more below the first one's | raise it so far with a grave sentence of the ticket; else by one level, unsure |
//! | the customer may leave, from `churn_likely` | nothing |
//! | the customer wants to buy, from `opportunity_signal` | nothing |
//! | a notice of leaving, from `grave_at_least` | nothing |
//! | no leaving | hear it: as notice given with a sentence of that kind from `grave_at_least`, else as a likely risk |
//! | no wish to buy | hear it, below the critical band |
//! | a grave sentence | name a graver one |
//! | a person in danger, a security report, a legal letter, a data request | name a more urgent one of these |
//! | no kind that quiets a ticket, and a P0 or P1, a signal or a grave sentence | name no kind that does |
//!
//! The cost: where the embedded analyst is wrong, a right model cannot put it right by itself. Its mistakes end at a
//! person, as an unsure ticket or as an alert too many, and never as one too few.

use std::borrow::Cow;

use crate::{
    Grave, Gravity, Kind, Priority, Reading, SecondOpinion,
    kind::{self, Alerts},
    policy::Thresholds,
    reading::Scored,
};

/// How sure a wish to buy is that the first reading alone heard: below the critical band.
const HEARD_ALONE: f32 = 0.8;

/// The reading with what it lost put back, and a sentence for each such thing. Quotes were verified before.
#[must_use]
pub fn held<'a>(reading: &'a Reading, thresholds: &Thresholds) -> (Cow<'a, Reading>, Vec<String>) {
    let Some(second) = &reading.second else { return (Cow::Borrowed(reading), Vec::new()) };
    let mut held = Cow::Borrowed(reading);
    let mut reasons = Vec::new();
    if let Some((priority, reason)) = priority(reading, second, thresholds) {
        reasons.push(reason);
        held.to_mut().priority = priority;
    }
    // A claim without words of the customer must not stand in the way of one that has them.
    let heard = reading.churn.value
        && reading.churn.confidence >= thresholds.churn_likely
        && (!reading.churn.quotes.is_empty() || second.churn.quotes.is_empty());
    if !heard && hears_churn(second, thresholds) {
        reasons.push("held: the embedded analyst heard that the customer may leave".to_owned());
        held.to_mut().churn = second.churn.clone();
    }
    let gives_notice = |grave: &Grave| grave.what == Gravity::Leaving && grave.confidence >= thresholds.grave_at_least;
    let leaving = [&reading.grave, &second.grave].into_iter().flatten().any(gives_notice);
    if heard && !leaving && !hears_churn(second, thresholds) && reading.churn.confidence >= thresholds.churn_explicit {
        reasons.push("a likely risk only: no sentence gives notice, and the embedded analyst heard none".to_owned());
        held.to_mut().churn.confidence = f32::midpoint(thresholds.churn_likely, thresholds.churn_explicit);
    }
    let wanted = reading.intent.value.is_some()
        && reading.intent.confidence >= signal(thresholds)
        && (!reading.intent.quotes.is_empty() || second.intent.quotes.is_empty());
    if !wanted && hears_intent(second, thresholds) {
        reasons.push("held: the embedded analyst heard that the customer wants to buy".to_owned());
        held.to_mut().intent = second.intent.clone();
    }
    if wanted && !hears_intent(second, thresholds) && reading.intent.confidence > HEARD_ALONE {
        reasons.push("not critical: the embedded analyst heard no wish to buy".to_owned());
        held.to_mut().intent.confidence = HEARD_ALONE;
    }
    if let Some(notice) = &second.notice
        && notice.confidence >= thresholds.grave_at_least
        && reading.notice.as_ref().is_none_or(|first| first.confidence < thresholds.grave_at_least)
    {
        reasons.push("held: the embedded analyst read a notice of leaving".to_owned());
        held.to_mut().notice = Some(notice.clone());
    }
    if let Some(grave) = &second.grave
        && grave.confidence >= thresholds.grave_at_least
        && reading.grave.as_ref().is_none_or(|first| first.what > grave.what)
    {
        reasons.push(format!("held: the embedded analyst read a sentence that tells of {}", grave.what.title()));
        held.to_mut().grave = Some(grave.clone());
    }
    if let Some(reason) = kind_reason(reading, second, thresholds) {
        reasons.push(reason);
        held.to_mut().kind = second.kind;
    }
    (held, reasons)
}

/// The priority to go on with, if it is not the first reading's, and why.
fn priority(reading: &Reading, second: &SecondOpinion, thresholds: &Thresholds) -> Option<(Scored<Priority>, String)> {
    let (first, own) = (reading.priority, second.priority);
    let stands = match own.value {
        Priority::P0 => true,
        Priority::P1 | Priority::P2 => reading.suspicious && own.confidence >= thresholds.unsure_below,
        Priority::P3 => false,
    };
    if stands && own.value < first.value {
        return Some((own, format!("held at {}: the embedded analyst saw it in the same text", own.value)));
    }
    let confidence = first.confidence.min(thresholds.unsure_below / 2.0);
    let unsure = |value| Scored { value, confidence };
    let (up, down) = (more_urgent(own.value), less_urgent(own.value));
    if first.value > down {
        let reason = format!("held at {down}: the model says {}, the embedded analyst {}", first.value, own.value);
        return Some((unsure(down), reason));
    }
    // A verified grave sentence is the customer's own reason for a long way up.
    if first.value < up && reading.grave.is_none() {
        let reason = format!("raised to {up} only: no sentence of the ticket shows why it should be {}", first.value);
        return Some((unsure(up), reason));
    }
    None
}

fn less_urgent(priority: Priority) -> Priority {
    match priority {
        Priority::P0 => Priority::P1,
        Priority::P1 => Priority::P2,
        Priority::P2 | Priority::P3 => Priority::P3,
    }
}

fn more_urgent(priority: Priority) -> Priority {
    match priority {
        Priority::P0 | Priority::P1 => Priority::P0,
        Priority::P2 => Priority::P1,
        Priority::P3 => Priority::P2,
    }
}

fn hears_churn(second: &SecondOpinion, thresholds: &Thresholds) -> bool {
    second.churn.value && second.churn.confidence >= thresholds.churn_likely
}

fn hears_intent(second: &SecondOpinion, thresholds: &Thresholds) -> bool {
    second.intent.value.is_some() && second.intent.confidence >= signal(thresholds)
}

/// Confidence is rounded to tenths before it is compared.
fn signal(thresholds: &Thresholds) -> f32 {
    (f32::from(thresholds.opportunity_signal) - 0.5) / 10.0
}

/// Why the second reading's kind stands.
fn kind_reason(reading: &Reading, second: &SecondOpinion, thresholds: &Thresholds) -> Option<String> {
    let (first, own) = (reading.kind.value, second.kind.value);
    if protected(own).is_some_and(|own| protected(first).is_none_or(|first| first > own)) {
        return Some(format!("held: the embedded analyst read the kind as {}", own.title()));
    }
    let loud = second.priority.value <= Priority::P1
        || hears_churn(second, thresholds)
        || hears_intent(second, thresholds)
        || second.grave.is_some();
    let talked_down = quiets(first) && !quiets(own) && loud;
    talked_down.then(|| format!("not taken for {}: the embedded analyst heard more in it", first.title()))
}

/// Kinds that nobody may talk away, the most urgent first.
fn protected(kind: Kind) -> Option<u8> {
    match kind {
        Kind::PersonInDanger => Some(0),
        Kind::SecurityReport => Some(1),
        Kind::LegalLetter => Some(2),
        Kind::DataRequest => Some(3),
        Kind::Request
        | Kind::Automatic
        | Kind::Thanks
        | Kind::MachineAlert
        | Kind::Solicitation
        | Kind::Phishing
        | Kind::Empty => None,
    }
}

/// Kinds that lower a ticket or withhold its alerts.
fn quiets(kind: Kind) -> bool {
    let rules = kind::rules(kind);
    protected(kind).is_none() && (rules.lowered_to.is_some() || rules.alerts != Alerts::All)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Grave, Intent, reading::Signal, sample};
    use Priority::{P0, P1, P2, P3};

    /// Far enough apart to tell which of them was looked at.
    fn thresholds() -> Thresholds {
        Thresholds {
            unsure_below: 0.4,
            churn_likely: 0.45,
            churn_explicit: 0.6,
            opportunity_signal: 6,
            grave_at_least: 0.5,
            ..sample::policy().thresholds
        }
    }

    fn scored<T>(value: T, confidence: f32) -> Scored<T> {
        Scored { value, confidence }
    }

    fn grave(what: Gravity) -> Option<Grave> {
        Some(Grave { what, confidence: 0.9, quote: "Nobody can pay.".into() })
    }

    /// What becomes of a first priority beside a second one.
    fn check(first: Priority, second: (Priority, f32), suspicious: bool, quoted: bool, expected: (Priority, bool)) {
        let quiet = sample::reading();
        let reading = Reading {
            priority: scored(first, 0.9),
            grave: grave(Gravity::Outage).filter(|_| quoted),
            second: Some(SecondOpinion { priority: scored(second.0, second.1), ..sample::second(&quiet) }),
            suspicious,
            ..quiet
        };
        let (held, reasons) = held(&reading, &thresholds());
        let unsure = held.priority.confidence < thresholds().unsure_below;
        assert_eq!((held.priority.value, unsure), expected, "{first} {second:?} {suspicious} {quoted}");
        assert_eq!(reasons.is_empty(), held.priority == reading.priority, "every change has its reason");
    }

    #[test]
    fn a_priority_is_lowered_by_one_level() {
        check(P3, (P0, 0.8), false, false, (P0, false));
        check(P1, (P0, 0.35), false, false, (P0, true));
        check(P3, (P1, 1.0), false, false, (P2, true));
        check(P2, (P1, 1.0), false, false, (P2, false));
        check(P3, (P2, 1.0), false, false, (P3, false));
        check(P2, (P1, 0.6), true, false, (P1, false));
        check(P3, (P2, 0.6), true, false, (P2, false));
        check(P3, (P2, 0.3), true, false, (P3, false));
    }

    #[test]
    fn a_long_way_up_needs_the_customers_words() {
        check(P0, (P3, 0.9), false, true, (P0, false));
        check(P0, (P3, 0.9), false, false, (P2, true));
        check(P1, (P3, 0.9), false, false, (P2, true));
        check(P0, (P2, 0.9), false, false, (P1, true));
        check(P1, (P2, 0.9), false, false, (P1, false));
        check(P0, (P1, 0.9), false, false, (P0, false));
    }

    /// Whether leaving and buying are heard beside a second reading that is so sure of both.
    fn check_signals(confidence: f32, expected: (bool, bool)) {
        let mut second = sample::second(&sample::signals());
        (second.churn.confidence, second.intent.confidence) = (confidence, confidence);
        let reading = Reading { second: Some(second), ..sample::reading() };
        let (held, reasons) = held(&reading, &thresholds());
        let found = (held.churn.value, held.intent.value.is_some());
        assert_eq!(found, expected, "{confidence}");
        assert_eq!(reasons.len(), usize::from(found.0) + usize::from(found.1), "every change has its reason");
    }

    #[test]
    fn a_signal_that_was_heard_stands() {
        check_signals(0.6, (true, true));
        check_signals(0.54, (true, false));
        check_signals(0.44, (false, false));
    }

    #[test]
    fn what_the_model_alone_hears_is_no_emergency() {
        let loud = sample::signals();
        let alone = |grave| {
            let second = Some(sample::second(&sample::reading()));
            let reading = Reading { grave, second, ..loud.clone() };
            let (held, _) = held(&reading, &thresholds());
            (held.churn.confidence >= thresholds().churn_explicit, held.churn.value, held.intent.confidence)
        };
        assert_eq!(alone(None), (false, true, HEARD_ALONE));
        assert_eq!(alone(grave(Gravity::Leaving)), (true, true, HEARD_ALONE));
    }

    fn check_kind(first: Kind, second: Kind, loud: bool, expected: Kind) {
        let own = if loud { sample::signals() } else { sample::reading() };
        let second = SecondOpinion { kind: scored(second, 0.6), ..sample::second(&own) };
        let reading = Reading { kind: scored(first, 0.9), second: Some(second), ..own };
        assert_eq!(held(&reading, &thresholds()).0.kind.value, expected, "{first} {loud}");
    }

    #[test]
    fn a_kind_is_not_talked_down() {
        check_kind(Kind::Request, Kind::LegalLetter, false, Kind::LegalLetter);
        check_kind(Kind::DataRequest, Kind::SecurityReport, false, Kind::SecurityReport);
        check_kind(Kind::PersonInDanger, Kind::SecurityReport, false, Kind::PersonInDanger);
        check_kind(Kind::Automatic, Kind::Request, true, Kind::Request);
        check_kind(Kind::MachineAlert, Kind::Request, true, Kind::Request);
        check_kind(Kind::Automatic, Kind::Request, false, Kind::Automatic);
        check_kind(Kind::Automatic, Kind::Thanks, true, Kind::Automatic);
        check_kind(Kind::Request, Kind::Automatic, false, Kind::Request);
    }

    #[test]
    fn a_grave_sentence_is_not_overlooked() {
        let check = |first: Option<Grave>, second: Option<Grave>, expected: Option<Gravity>| {
            let quiet = sample::reading();
            let second = SecondOpinion { grave: second, ..sample::second(&quiet) };
            let reading = Reading { grave: first, second: Some(second), ..quiet };
            assert_eq!(held(&reading, &thresholds()).0.grave.as_ref().map(|grave| grave.what), expected);
        };
        check(None, grave(Gravity::Loss), Some(Gravity::Loss));
        check(grave(Gravity::Leaving), grave(Gravity::Loss), Some(Gravity::Loss));
        check(grave(Gravity::Outage), grave(Gravity::Loss), Some(Gravity::Outage));
        check(grave(Gravity::Outage), None, Some(Gravity::Outage));
        check(None, grave(Gravity::Loss).map(|grave| Grave { confidence: 0.4, ..grave }), None);
    }

    #[test]
    fn a_notice_is_not_overlooked() {
        let notice = |confidence| Some(crate::LeavingNotice { confidence, quote: "We cancel.".into() });
        for (first, second, expected) in [
            (None, notice(0.5), notice(0.5)),
            (None, notice(0.4), None),
            (notice(0.9), notice(0.6), notice(0.9)),
            (notice(0.9), None, notice(0.9)),
        ] {
            let quiet = sample::reading();
            let second = SecondOpinion { notice: second, ..sample::second(&quiet) };
            let reading = Reading { notice: first, second: Some(second), ..quiet };
            let (held, reasons) = held(&reading, &thresholds());
            assert_eq!(held.notice, expected);
            assert_eq!(reasons.is_empty(), held.notice == reading.notice, "every change has its reason");
        }
    }

    #[test]
    fn a_louder_first_reading_is_not_touched() {
        let loud = sample::signals();
        let second = SecondOpinion {
            priority: scored(P2, 1.0),
            churn: Signal { confidence: 1.0, ..loud.churn.clone() },
            intent: Signal { value: Some(Intent::Upgrade), confidence: 1.0, quotes: vec![] },
            ..sample::second(&loud)
        };
        let reading = Reading { second: Some(second), ..loud };
        let (held, reasons) = held(&reading, &thresholds());
        assert_eq!((&*held, reasons.len()), (&reading, 0));
    }
}
