//! What each kind of ticket may cause, in one table.
//!
//! | kind | priority | team | draft and public answer | alerts | besides |
//! |---|---|---|---|---|---|
//! | request | as read | as read | as other rules say | as read | |
//! | automatic, thanks, solicitation, phishing | P3 | as read | none | none | phishing is marked suspicious |
//! | machine alert | as read | as read | none | none | |
//! | security report | P1 or more urgent | that of `security` | none | none | |
//! | legal letter | P2 or more urgent | that of `contract` | none | Guardian only by notice of leaving | |
//! | data request | P2 or more urgent | that of `privacy` | none | none but by notice of leaving | |
//! | person in danger | P1 or more urgent | as read | none | none | tag and note for a person |
//! | empty | P3 | as read | none | none | unsure |
//!
//! Where a grave sentence stands beside the rest, nothing is lowered and no alert withheld: what machines and sellers write
//! may enclose a customer's words. A rule needs its kind at least `kind_at_least` sure; below that the ticket is unsure and
//! not answered, and nothing else changes.

use crate::{Kind, Priority};

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// Set to this, unless a grave sentence stands in the text.
    pub lowered_to: Option<Priority>,
    /// At least as urgent as this.
    pub at_least: Option<Priority>,
    /// The topic it belongs to by law or by policy: the ticket goes to the team that has it.
    pub topic: Option<&'static str>,
    /// Replies may be drafted, and under other rules sent.
    pub answerable: bool,
    pub alerts: Alerts,
}

/// Which signals of a ticket of some kind count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alerts {
    All,
    /// Only a notice of leaving, the customer's own.
    Notice,
    /// None, unless a grave sentence stands in the text.
    None,
    /// None whatever else is said: a person is more than an account.
    Never,
}

/// Where notices of leaving belong, and letters of lawyers.
pub(crate) const CONTRACT: &str = "contract";

#[must_use]
pub fn rules(kind: Kind) -> Rules {
    let request = Rules { lowered_to: None, at_least: None, topic: None, answerable: true, alerts: Alerts::All };
    let machine = Rules { answerable: false, alerts: Alerts::None, ..request };
    let harmless = Rules { lowered_to: Some(Priority::P3), ..machine };
    let of_law = Rules { at_least: Some(Priority::P2), alerts: Alerts::Notice, ..machine };
    match kind {
        Kind::Request => request,
        Kind::Automatic | Kind::Thanks | Kind::Solicitation | Kind::Phishing | Kind::Empty => harmless,
        Kind::MachineAlert => machine,
        Kind::SecurityReport => Rules { at_least: Some(Priority::P1), topic: Some("security"), ..machine },
        Kind::LegalLetter => Rules { topic: Some(CONTRACT), ..of_law },
        Kind::DataRequest => Rules { topic: Some("privacy"), ..of_law },
        Kind::PersonInDanger => Rules { at_least: Some(Priority::P1), alerts: Alerts::Never, ..machine },
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::topics;

    #[test]
    fn only_a_request_is_answered_and_sold_to() {
        for kind in Kind::iter() {
            let rules = rules(kind);
            let request = kind == Kind::Request;
            assert_eq!((rules.answerable, rules.alerts == Alerts::All), (request, request), "{kind}");
            assert!(rules.lowered_to.is_none() || rules.at_least.is_none(), "{kind} cannot be both");
            assert!(rules.topic.is_none_or(|topic| topics::class(topic).is_some()), "{kind} has a known topic");
        }
    }
}
