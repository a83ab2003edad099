//! Labelled tickets and sentences, made ready for the heads.

use analyst::{
    features::{self, Features},
    heads::Task,
    inputs::Inputs,
    text,
};
use domain::quote;
use encoder::Encoder;
use ndarray::Array2;

use crate::corpus::{LabelledSentence, LabelledTicket};

/// The labels of a ticket, where known.
#[derive(Clone, PartialEq, Debug)]
pub struct Truth {
    /// The class of each task, in the order of [`Task`].
    pub classes: [Option<usize>; 5],
    /// How many tickets it counts for.
    pub weight: f32,
}

impl Truth {
    #[must_use]
    pub fn class(&self, task: Task) -> Option<usize> {
        self.classes.get(task as usize).copied().flatten()
    }
}

/// A ticket to learn from.
#[derive(Clone, Debug)]
pub struct Example {
    pub truth: Truth,
    /// Which fifth of the scenarios it belongs to.
    pub(super) fold: usize,
    pub(super) inputs: Inputs,
    pub(super) words: Features,
    /// The class of each judgement of each sentence, where known.
    pub(super) sentences: Vec<[Option<usize>; 4]>,
}

/// Sentences to learn from, without tickets around them.
#[derive(Clone, Debug)]
pub struct Singles {
    pub(super) inputs: Array2<f32>,
    pub(super) classes: Vec<[Option<usize>; 4]>,
}

impl Example {
    /// A ticket of the corpus, with its marked sentences.
    #[must_use]
    pub fn of_corpus(encoder: &Encoder, ticket: &LabelledTicket) -> Self {
        let truth = Truth {
            classes: [
                Some(ticket.priority as usize),
                ticket.agent.class(),
                Some(ticket.sentiment as usize),
                Some(usize::from(ticket.churn.is_high())),
                Some(ticket.intent.map_or(0, |intent| intent as usize + 1)),
            ],
            weight: 1.0,
        };
        let mut example = Self::of_ticket(encoder, &ticket.subject, &ticket.body, &ticket.scenario, truth);
        let sentences = text::sentences(&text::current(&ticket.body));
        let class = |sentence: &str, quotes: &[String], class: Option<usize>| {
            if carries(sentence, quotes) { class } else { Some(0) }
        };
        let [priority, _, sentiment, churn, intent] = example.truth.classes;
        for (known, sentence) in example.sentences.iter_mut().zip(&sentences) {
            let [_, _, calm, _] = *known;
            let tone = ticket.sentiment_quotes.as_ref().and_then(|quotes| class(sentence, quotes, sentiment)).or(calm);
            let severity =
                ticket.priority_quotes.as_ref().and_then(|quotes| class(sentence, quotes, priority.map(|p| p + 1)));
            *known = [
                class(sentence, &ticket.churn_quotes, churn),
                class(sentence, &ticket.intent_quotes, intent),
                tone,
                severity,
            ];
        }
        example
    }

    /// A ticket of which only the labels are known. Tickets of one `scenario` are never on both sides of a split.
    #[must_use]
    pub fn of_ticket(encoder: &Encoder, subject: &str, body: &str, scenario: &str, truth: Truth) -> Self {
        let body = text::current(body);
        let inputs = Inputs::new(encoder, subject, &text::sentences(&body));
        // Without a signal in the ticket there is none in its sentences.
        let none = |task: Task| truth.class(task).filter(|class| *class == 0);
        let known = [none(Task::Churn), none(Task::Intent), none(Task::Sentiment), None];
        Self {
            fold: fold(scenario),
            words: features::extract(subject, &body),
            sentences: vec![known; inputs.sentences.nrows()],
            inputs,
            truth,
        }
    }
}

impl Singles {
    #[must_use]
    pub fn new(encoder: &Encoder, sentences: &[LabelledSentence]) -> Self {
        let class = |sentence: &LabelledSentence| {
            [
                Some(usize::from(sentence.churn.is_high())),
                Some(sentence.intent.map_or(0, |intent| intent as usize + 1)),
                Some(sentence.sentiment as usize),
                Some(sentence.severity.map_or(0, |priority| priority as usize + 1)),
            ]
        };
        Self {
            inputs: Inputs::sentences(encoder, sentences.iter().map(|sentence| sentence.text.as_str())),
            classes: sentences.iter().map(class).collect(),
        }
    }
}

fn carries(sentence: &str, quotes: &[String]) -> bool {
    quotes.iter().any(|quote| {
        !quote::verified(&[sentence.to_owned()], quote).is_empty()
            || !quote::verified(std::slice::from_ref(quote), sentence).is_empty()
    })
}

/// Scenarios, not tickets, are split: FNV-1a of the name.
fn fold(scenario: &str) -> usize {
    let hash = scenario.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 8) as usize % super::FOLDS
}
