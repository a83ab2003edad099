//! The embedded analyst: reads a ticket in well under a millisecond, without a key or a network.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, Agent, Intent, Language, Priority, Reading, Scored, Sentiment, Ticket,
    ports::{Analyst, PortError},
    reading::{Signal, Usage},
};

use crate::{
    draft::{self, Frame},
    features::{self, Features},
    injection,
    knowledge::KnowledgeBase,
    language,
    model::{Model, Pooled, Task, argmax},
    text,
};

/// How it signs its readings. Rises with every change of the model's kind.
pub const NAME: &str = "embedded-1";

/// An article below this does not match, and no draft is offered.
const MATCH: f32 = 0.55;
/// An article of another team than the ticket's has to fit better.
const OTHER_TEAM: f32 = 0.8;
/// From this confidence on a churn or buying signal is claimed; the plan decides what to make of it.
const CLAIM: f32 = 0.4;
/// Quotes named for a signal.
const MOST_QUOTES: usize = 2;
/// A sentence within this many log-odds of the strongest one is quoted as well.
const QUOTE_MARGIN: f32 = 1.0;

/// Linear heads over n-grams, articles for drafts, and the names teams sign with.
pub struct EmbeddedAnalyst {
    model: Model,
    knowledge: KnowledgeBase,
    signatures: BTreeMap<Agent, String>,
}

impl EmbeddedAnalyst {
    #[must_use]
    pub fn new(model: Model, knowledge: KnowledgeBase, signatures: BTreeMap<Agent, String>) -> Self {
        Self { model, knowledge, signatures }
    }

    /// Reads a ticket. Pure: the same ticket gives the same reading.
    #[must_use]
    pub fn read(&self, ticket: &Ticket, account: &Account) -> Reading {
        let body = self.customers_words(ticket);
        let whole = features::extract(&ticket.subject, &body);
        let priority = self.label(Task::Priority, &whole, &PRIORITIES);
        let agent = self.label(Task::Agent, &whole, &AGENTS);
        let sentiment = self.label(Task::Sentiment, &whole, &SENTIMENTS);
        let language = language::detect(&format!("{}\n{body}", ticket.subject));

        let sentences: Vec<(String, Features)> = text::sentences(&body)
            .into_iter()
            .map(|sentence| {
                let features = features::extract("", &sentence);
                (sentence, features)
            })
            .collect();
        let (churn, _) = self.signal(Task::Churn, Task::AnyChurn, &sentences, &whole);
        let (wish, class) = self.signal(Task::Intent, Task::AnyIntent, &sentences, &whole);
        let intent = class.checked_sub(1).and_then(|index| INTENTS.get(index).copied());

        Reading {
            analyst: NAME.to_owned(),
            fallback: None,
            language,
            priority,
            agent,
            sentiment,
            churn: Signal { value: churn.value, confidence: churn.confidence, quotes: churn.quotes },
            intent: Signal { value: intent.filter(|_| wish.value), confidence: wish.confidence, quotes: wish.quotes },
            reason: None,
            draft: self.article_draft(ticket, account, (priority.value, agent.value, sentiment.value, language)),
            suspicious: injection::suspected(ticket.texts()),
            second: None,
            redactions: BTreeMap::new(),
            usage: Usage::default(),
        }
    }

    /// Description and follow-ups, each without quoted history and signature.
    #[must_use]
    pub fn customers_words(&self, ticket: &Ticket) -> String {
        ticket.messages().map(text::current).collect::<Vec<_>>().join("\n\n")
    }

    fn label<T: Copy>(&self, task: Task, features: &Features, values: &[T]) -> Scored<T> {
        let probabilities = self.model.classify(task, features);
        let best = argmax(&probabilities);
        Scored {
            value: *values.get(best).expect("a value for each class"),
            confidence: probabilities.get(best).copied().unwrap_or(0.0),
        }
    }

    /// The ticket's signal is that of its strongest sentence, which is quoted.
    fn signal(
        &self,
        task: Task,
        any: Task,
        sentences: &[(String, Features)],
        ticket: &Features,
    ) -> (Signal<bool>, usize) {
        let mut scored: Vec<(f32, usize, &String)> = sentences
            .iter()
            .map(|(sentence, features)| {
                let (odds, class) = self.model.signal(task, features);
                (odds, class, sentence)
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some((best, class, _)) = scored.first().copied() else {
            return (Signal { value: false, confidence: 0.0, quotes: Vec::new() }, 0);
        };
        let (whole, _) = self.model.signal(any, ticket);
        let confidence = self.model.pooled(task, Pooled::new(best, whole, sentences.len()));
        let value = confidence >= CLAIM;
        let near = scored.iter().take(MOST_QUOTES).filter(|(odds, _, _)| value && best - odds <= QUOTE_MARGIN);
        let quotes = near.map(|(_, _, sentence)| (*sentence).clone()).collect();
        (Signal { value, confidence, quotes }, class)
    }

    #[must_use]
    pub fn knowledge(&self) -> &KnowledgeBase {
        &self.knowledge
    }

    #[must_use]
    pub fn signatures(&self) -> &BTreeMap<Agent, String> {
        &self.signatures
    }

    /// A reply made of an article's own words, whoever read the labels: for P2 and P3, if an article in the ticket's
    /// language truly matches.
    #[must_use]
    pub fn article_draft(
        &self,
        ticket: &Ticket,
        account: &Account,
        (priority, agent, sentiment, language): (Priority, Agent, Sentiment, Language),
    ) -> Option<domain::Draft> {
        if priority < Priority::P2 {
            return None;
        }
        let mut found = self.knowledge.search(&ticket.subject, &self.customers_words(ticket), 1).into_iter().next()?;
        if found.article.agent != agent {
            found.score *= OTHER_TEAM;
        }
        if found.score < MATCH || found.article.language != language {
            return None;
        }
        let first_name = ticket.requester_name.as_deref().and_then(|name| name.split_whitespace().next());
        let frame = Frame {
            name: first_name.unwrap_or(&account.name),
            company: first_name.is_none(),
            sentiment,
            signature: self.signatures.get(&agent).map_or("The support team", String::as_str),
        };
        Some(draft::compose(found, frame))
    }
}

#[async_trait]
impl Analyst for EmbeddedAnalyst {
    async fn read(&self, ticket: &Ticket, account: &Account, _: Duration) -> Result<Reading, PortError> {
        Ok(self.read(ticket, account))
    }
}

const PRIORITIES: [Priority; 4] = [Priority::P0, Priority::P1, Priority::P2, Priority::P3];
const AGENTS: [Agent; 3] = [Agent::Nexus, Agent::Cipher, Agent::Sentinel];
const SENTIMENTS: [Sentiment; 3] = [Sentiment::Neutral, Sentiment::Frustrated, Sentiment::Angry];
const INTENTS: [Intent; 4] = [Intent::PricingRequest, Intent::Upgrade, Intent::Expansion, Intent::CustomService];

#[cfg(test)]
mod tests {
    use domain::sample;
    use strum::IntoEnumIterator;

    use super::*;

    fn analyst() -> EmbeddedAnalyst {
        let signatures = Agent::iter().map(|agent| (agent, format!("The {} team", agent.title()))).collect();
        let knowledge = KnowledgeBase::parse(data::knowledge_base()).unwrap();
        EmbeddedAnalyst::new(Model::read(data::MODEL).unwrap(), knowledge, signatures)
    }

    fn read(subject: &str, description: &str) -> Reading {
        let ticket = Ticket { subject: subject.into(), description: description.into(), ..sample::ticket(1) };
        analyst().read(&ticket, &sample::account())
    }

    #[test]
    fn classes_and_labels_are_in_the_same_order() {
        assert!(Priority::iter().eq(PRIORITIES));
        assert!(Agent::iter().eq(AGENTS));
        assert!(Sentiment::iter().eq(SENTIMENTS));
        assert!(Intent::iter().eq(INTENTS));
    }

    #[test]
    fn the_sentence_that_carries_a_signal_is_quoted() {
        let text = "The nightly stock sync failed twice this month. We have decided not to renew our contract and will \
                    move to another provider. The log is attached.";
        let reading = read("Stock sync", text);
        assert!(reading.churn.value, "{:?}", reading.churn);
        assert_eq!(
            reading.churn.quotes.first().map(String::as_str),
            Some("We have decided not to renew our contract and will move to another provider.")
        );
        let calm = read("Cancel an order", "How do I cancel a single order after it was exported to the warehouse?");
        assert!(calm.churn.confidence < reading.churn.confidence);
    }

    #[test]
    fn a_how_to_gets_a_draft_and_an_unrelated_text_gets_none() {
        let how_to = read("Rotate an API key", "Hi, how can I rotate our API key without downtime? Where is the menu?");
        let draft = how_to.draft.expect("an article matches");
        assert_eq!(draft.article, "rotate-an-api-key");
        assert!(draft.text.starts_with("Hi Acme team,"), "{}", draft.text);
        assert!(read("Lunch", "Shall we meet at the harbour café on Friday?").draft.is_none());
    }

    #[test]
    fn other_languages_get_no_english_draft() {
        let text = "Bonjour, comment renouveler notre clé API sans interruption de service ? Merci d'avance.";
        let reading = read("Rotate an API key", text);
        assert_eq!((reading.language, reading.draft), (Language::Fr, None));
    }

    #[test]
    fn any_text_can_be_read() {
        for text in
            ["", " ", "\u{0}", "💥💥💥", &"a".repeat(70_000), &"word ".repeat(10_000), "<script>alert(1)</script>"]
        {
            let reading = read(text, text);
            let confidences = [
                reading.priority.confidence,
                reading.agent.confidence,
                reading.sentiment.confidence,
                reading.churn.confidence,
                reading.intent.confidence,
            ];
            assert!(confidences.iter().all(|confidence| (0.0..=1.0).contains(confidence)), "{confidences:?}");
        }
    }
}
