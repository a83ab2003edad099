//! What to do about an alert, by the reason for it: the customer's own `playbooks.json`.
//!
//! Of each kind the first playbook whose conditions all hold is taken. The last one has no condition, so that there is
//! always one.

use std::{collections::BTreeSet, sync::Arc};

use serde::Deserialize;
use strum::IntoEnumIterator;

use crate::{AlertKind, Gravity, Intent, Priority, Sentiment, TopicId, fold::Folded, policy::Tier};

/// What is shipped, and stands where a customer has no file of their own.
const SHIPPED: &str = include_str!("../../data/customer/playbooks.json");

/// The playbooks of each kind of alert, in the order in which they are tried.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbooks {
    pub guardian: Vec<Playbook>,
    pub opportunity: Vec<Playbook>,
    /// A file of an earlier release has none: the shipped ones hold.
    #[serde(default = "shipped_outage")]
    pub outage: Vec<Playbook>,
}

fn shipped_outage() -> Vec<Playbook> {
    Playbooks::default().outage
}

/// What to do for one reason.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playbook {
    /// Names it: lower case, digits and hyphens.
    pub id: String,
    /// The reason in a few plain words, such as "a competitor is named".
    pub reason: Arc<str>,
    #[serde(default)]
    pub when: When,
    /// One to three plain sentences to whoever gets the alert.
    #[serde(rename = "do")]
    pub action: Arc<str>,
}

/// Conditions, all of which hold; of a list one is enough. A condition that is left out holds.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Words that stand in a quoted sentence. One that ends in `*` may go on.
    pub quoted: Vec<String>,
    /// Words that stand anywhere in the ticket.
    pub text: Vec<String>,
    /// The customer gives notice, or does not.
    pub notice: Option<bool>,
    pub gravity: Vec<Gravity>,
    pub priority: Vec<Priority>,
    pub sentiment: Vec<Sentiment>,
    pub intent: Vec<Intent>,
    pub tier: Vec<Tier>,
    /// What the ticket is about.
    pub topic: Vec<TopicId>,
    /// At least so many earlier tickets for the same team in 30 days.
    pub repeats: Option<usize>,
    /// The account is at high risk, or is not.
    pub high_risk: Option<bool>,
}

/// What the conditions are held against.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The sentences that carry the signal or the priority.
    pub quotes: Vec<&'a str>,
    /// Subject and messages.
    pub texts: Vec<&'a str>,
    pub notice: bool,
    pub gravity: Option<Gravity>,
    pub priority: Priority,
    pub sentiment: Sentiment,
    pub intent: Option<Intent>,
    pub tier: Tier,
    pub topic: Option<&'a TopicId>,
    pub repeats: usize,
    pub high_risk: bool,
}

/// What is wrong with a playbook, and how to mend it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlaybooksProblem {
    #[error("{kind}: has no playbook; add one without \"when\"")]
    None { kind: AlertKind },
    #[error("{kind}: the last playbook has a condition; take \"when\" out of it, or add one without at the end")]
    NoLast { kind: AlertKind },
    #[error("{kind}[{index}]: has no condition and hides those below it; move it to the end, or give it a \"when\"")]
    Hides { kind: AlertKind, index: usize },
    #[error("{kind}[{index}].id: is not of a-z, 0-9 and hyphens, or is twice; give it another")]
    Id { kind: AlertKind, index: usize },
    #[error("{kind}[{index}].{field}: is empty; write it out, or take it out")]
    Empty { kind: AlertKind, index: usize, field: &'static str },
    #[error("{kind}[{index}].do: is longer than {LONGEST} characters; a mail is read in a minute")]
    Long { kind: AlertKind, index: usize },
}

/// Of what to do, in characters.
const LONGEST: usize = 400;

impl Default for Playbooks {
    fn default() -> Self {
        serde_json::from_str(SHIPPED).expect("the shipped playbooks parse")
    }
}

impl Playbooks {
    #[must_use]
    pub fn of(&self, kind: AlertKind) -> &[Playbook] {
        match kind {
            AlertKind::Guardian => &self.guardian,
            AlertKind::Opportunity => &self.opportunity,
            AlertKind::Outage => &self.outage,
        }
    }

    /// The one to act by. None only where a kind has no playbook at all, which [`Playbooks::problems`] tells of.
    #[must_use]
    pub fn choose(&self, kind: AlertKind, facts: &Facts<'_>) -> Option<&Playbook> {
        let (quotes, texts) = (Folded::new(&facts.quotes), Folded::new(&facts.texts));
        self.of(kind).iter().find(|playbook| playbook.when.holds(facts, &quotes, &texts))
    }

    /// Everything that is wrong with them.
    #[must_use]
    pub fn problems(&self) -> Vec<PlaybooksProblem> {
        AlertKind::iter().flat_map(|kind| problems(kind, self.of(kind))).collect()
    }
}

fn problems(kind: AlertKind, playbooks: &[Playbook]) -> Vec<PlaybooksProblem> {
    let Some((last, others)) = playbooks.split_last() else { return vec![PlaybooksProblem::None { kind }] };
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, Playbook { id, reason, when, action }) in playbooks.iter().enumerate() {
        let plain = id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if id.is_empty() || !plain || !seen.insert(id) {
            problems.push(PlaybooksProblem::Id { kind, index });
        }
        let empty = |text: &str| text.trim().is_empty();
        let words = |words: &[String]| words.iter().any(|word| Folded::new(&[word.as_str()]).is_empty());
        let fields = [
            ("reason", empty(reason)),
            ("do", empty(action)),
            ("when.quoted", words(&when.quoted)),
            ("when.text", words(&when.text)),
        ];
        let empty = fields.into_iter().filter(|(_, empty)| *empty);
        problems.extend(empty.map(|(field, _)| PlaybooksProblem::Empty { kind, index, field }));
        if action.chars().count() > LONGEST {
            problems.push(PlaybooksProblem::Long { kind, index });
        }
    }
    let hides = others.iter().position(|playbook| playbook.when == When::default());
    problems.extend(hides.map(|index| PlaybooksProblem::Hides { kind, index }));
    if last.when != When::default() {
        problems.push(PlaybooksProblem::NoLast { kind });
    }
    problems
}

impl When {
    fn holds(&self, facts: &Facts<'_>, quotes: &Folded, texts: &Folded) -> bool {
        fn one_of<T: PartialEq>(wanted: &[T], found: Option<T>) -> bool {
            wanted.is_empty() || found.is_some_and(|found| wanted.contains(&found))
        }
        let said = |words: &[String], text: &Folded| words.is_empty() || words.iter().any(|word| text.says(word));
        said(&self.quoted, quotes)
            && said(&self.text, texts)
            && self.notice.is_none_or(|notice| notice == facts.notice)
            && one_of(&self.gravity, facts.gravity)
            && one_of(&self.priority, Some(facts.priority))
            && one_of(&self.sentiment, Some(facts.sentiment))
            && one_of(&self.intent, facts.intent)
            && one_of(&self.tier, Some(facts.tier))
            && (self.topic.is_empty() || facts.topic.is_some_and(|topic| self.topic.contains(topic)))
            && self.repeats.is_none_or(|least| facts.repeats >= least)
            && self.high_risk.is_none_or(|high_risk| high_risk == facts.high_risk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            quotes: Vec::new(),
            texts: Vec::new(),
            notice: false,
            gravity: None,
            priority: Priority::P2,
            sentiment: Sentiment::Neutral,
            intent: None,
            tier: Tier::Standard,
            topic: None,
            repeats: 0,
            high_risk: true,
        }
    }

    fn check(kind: AlertKind, facts: &Facts<'_>, expected: &str) {
        assert_eq!(Playbooks::default().choose(kind, facts).unwrap().id, expected, "{facts:?}");
    }

    #[test]
    fn a_reason_chooses_its_playbook() {
        let quoted = |quote| Facts { quotes: vec![quote], ..facts() };
        for (quote, expected) in [
            ("What is our notice period?", "notice-period"),
            ("Wie lange ist die Kündigungsfrist?", "notice-period"),
            ("We are moving all nine stores to a competitor.", "competitor"),
            ("Nous avons signé chez un concurrent.", "competitor"),
            ("You are too expensive for what we get.", "price"),
            ("Nobody has answered us for eleven days.", "unanswered"),
            ("Please export all our data before we go.", "data-export"),
            ("Our renewal is up and we will not sign again.", "contract-end"),
            ("Our new CTO wants something else.", "champion-left"),
            ("This is the third time this year.", "repeated-fault"),
            ("Our lawyers have the SLA clause open.", "legal"),
            ("You promised it would be fixed for good.", "broken-promise"),
            ("We do not feel at home any more.", "otherwise"),
        ] {
            check(AlertKind::Guardian, &quoted(quote), expected);
        }
        check(AlertKind::Guardian, &Facts { notice: true, ..facts() }, "notice-given");
        check(AlertKind::Guardian, &Facts { priority: Priority::P0, ..facts() }, "outage");
        check(AlertKind::Guardian, &Facts { gravity: Some(Gravity::Loss), ..facts() }, "loss");
        check(AlertKind::Guardian, &Facts { repeats: 2, ..facts() }, "repeated-tickets");
        check(AlertKind::Opportunity, &facts(), "at-risk");
        let calm = Facts { high_risk: false, ..facts() };
        for (quote, expected) in [
            ("What is the price for five more stores with a discount?", "discount"),
            ("Can we try it for a month first?", "trial"),
            ("We need two more users.", "more-users"),
            ("We are opening three stores in Spain.", "more-stores"),
        ] {
            check(AlertKind::Opportunity, &Facts { quotes: vec![quote], ..calm.clone() }, expected);
        }
        for (intent, expected) in [
            (Intent::PricingRequest, "pricing"),
            (Intent::Upgrade, "upgrade"),
            (Intent::Expansion, "expansion"),
            (Intent::CustomService, "custom-service"),
        ] {
            check(AlertKind::Opportunity, &Facts { intent: Some(intent), ..calm.clone() }, expected);
        }
    }

    #[test]
    fn the_shipped_playbooks_are_in_order() {
        let shipped = Playbooks::default();
        assert_eq!(shipped.problems(), []);
        for kind in AlertKind::iter() {
            assert!(shipped.of(kind).len() >= 12, "{kind}");
        }
        let topics = shipped.outage.iter().flat_map(|playbook| &playbook.when.topic);
        assert!(topics.clone().count() > 0);
        for topic in topics {
            assert!(crate::topics::class(topic.as_str()).is_some(), "{topic}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_mending() {
        let last = r#"{"id": "otherwise", "reason": "x", "do": "y"}"#;
        for (guardian, problem) in [
            ("", "guardian: has no playbook"),
            (r#"{"id": "a", "reason": "x", "when": {"notice": true}, "do": "y"}"#, "guardian: the last playbook has a"),
            (r#"{"id": "a", "reason": "x", "do": "y"}, LAST"#, "guardian[0]: has no condition and hides"),
            (r#"{"id": "A b", "reason": "x", "when": {"notice": true}, "do": "y"}, LAST"#, "guardian[0].id: is not of"),
            (
                r#"{"id": "otherwise", "reason": "x", "when": {"notice": true}, "do": "y"}, LAST"#,
                "guardian[1].id: is not",
            ),
            (
                r#"{"id": "a", "reason": " ", "when": {"notice": true}, "do": "y"}, LAST"#,
                "guardian[0].reason: is empty",
            ),
            (
                r#"{"id": "a", "reason": "x", "when": {"quoted": ["-"]}, "do": "y"}, LAST"#,
                "guardian[0].when.quoted: is",
            ),
        ] {
            let text = format!(r#"{{"guardian": [{}], "opportunity": [{last}]}}"#, guardian.replace("LAST", last));
            let problems = serde_json::from_str::<Playbooks>(&text).unwrap().problems();
            let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(told.iter().any(|told| told.starts_with(problem)), "{problem}: {told:?}");
        }
    }
}
