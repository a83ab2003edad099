//! How often people let a label stand, by how sure the analyst was of it.

use std::collections::HashMap;

use domain::{AuditEntry, Mode, Summary, TicketId, plan::Field};
use runtime::words;

/// What people changed of each ticket.
pub(crate) type Corrected = HashMap<TicketId, Changed>;

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Changed {
    priority: bool,
    team: bool,
}

/// Of the tickets on which a label was written to the helpdesk: in shadow there is nothing to correct.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Labels {
    pub priority: Stood,
    pub team: Stood,
}

/// One label.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stood {
    /// 0.9 or more.
    pub very_sure: Tally,
    /// 0.7 to 0.9.
    pub sure: Tally,
    /// Less.
    pub less_sure: Tally,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    pub set: usize,
    pub corrected: usize,
}

/// By ticket.
pub(crate) fn corrected(entries: &[AuditEntry]) -> Corrected {
    let mut found = Corrected::new();
    for entry in entries {
        let is = |field: Field| entry.target == <&str>::from(field);
        let changed = found.entry(entry.ticket).or_default();
        changed.priority |= is(Field::Priority);
        changed.team |= is(Field::Group) || is(Field::AgentId);
    }
    found
}

impl Labels {
    pub(crate) fn add(&mut self, summary: &Summary, changed: Changed) {
        let (Some(mode), Some(confidence)) = (summary.mode, summary.confidence) else { return };
        match mode {
            Mode::Shadow => {}
            // The priority is the agents' own, and nobody sets it.
            Mode::Suggest => self.team.add(confidence.agent, changed.team),
            Mode::Act => {
                self.priority.add(confidence.priority, changed.priority);
                self.team.add(confidence.agent, changed.team);
            }
        }
    }
}

impl Stood {
    fn add(&mut self, confidence: f32, corrected: bool) {
        let tally = match confidence {
            0.9.. => &mut self.very_sure,
            0.7.. => &mut self.sure,
            _ => &mut self.less_sure,
        };
        tally.set += 1;
        tally.corrected += usize::from(corrected);
    }

    pub(crate) fn by_sureness(&self) -> impl Iterator<Item = (&'static str, Tally)> {
        [("90 % sure or more", self.very_sure), ("70 to 90 % sure", self.sure), ("less than 70 % sure", self.less_sure)]
            .into_iter()
    }

    pub(crate) fn total(&self) -> Tally {
        self.by_sureness().fold(Tally::default(), |sum, (_, tally)| Tally {
            set: sum.set + tally.set,
            corrected: sum.corrected + tally.corrected,
        })
    }
}

impl Tally {
    /// `12 of 512 (2 %)`
    pub(crate) fn told(self) -> String {
        let share = 100.0 * self.corrected as f64 / self.set.max(1) as f64;
        format!("{} of {} ({share:.0} %)", words::count(self.corrected), words::count(self.set))
    }
}

#[cfg(test)]
mod tests {
    use domain::{AuditAction, record::Confidence, sample};

    use super::*;

    #[test]
    fn only_what_was_written_can_be_corrected() {
        let entry = |number, field: Field| AuditEntry {
            target: <&str>::from(field).into(),
            ..sample::audit_entry(number, AuditAction::Correction)
        };
        let entries = [entry(1, Field::Priority), entry(2, Field::Group), entry(2, Field::AgentId)];
        let corrected = corrected(&entries);
        let mut labels = Labels::default();
        for (number, mode, priority) in [
            (1, Mode::Act, 0.95),
            (2, Mode::Act, 0.7),
            (3, Mode::Act, 0.4),
            (4, Mode::Suggest, 0.9),
            (5, Mode::Shadow, 0.9),
        ] {
            let confidence = Confidence { priority, agent: 0.9, topic: 0.0, churn: 0.0, intent: 0.0 };
            let summary = sample::record(number, "Acme", sample::now()).summary();
            let summary = Summary { mode: Some(mode), confidence: Some(confidence), ..summary };
            labels.add(&summary, corrected.get(&summary.ticket).copied().unwrap_or_default());
        }
        let tally = |set, corrected| Tally { set, corrected };
        let priority = Stood { very_sure: tally(1, 1), sure: tally(1, 0), less_sure: tally(1, 0) };
        assert_eq!(labels, Labels { priority, team: Stood { very_sure: tally(4, 1), ..Stood::default() } });
        assert_eq!((labels.priority.total(), tally(12, 512).told().len() > 3), (tally(3, 1), true));
    }

    #[test]
    fn a_summary_of_before_says_nothing() {
        let mut labels = Labels::default();
        labels.add(&Summary { mode: None, ..sample::record(1, "Acme", sample::now()).summary() }, Changed::default());
        assert_eq!(labels, Labels::default());
    }
}
