//! Labelled tickets and sentences, made ready for the heads.

use analyst::{
    customer_text::own_words,
    features::{self, Features},
    heads::{PerSentenceTask, PerTask, SentenceTask, Task},
    inputs::Inputs,
    text,
};
use domain::{Intent, quote};
use encoder::Encoder;
use ndarray::Array2;

use crate::corpus::{LabelledSentence, LabelledTicket};

/// The labels of a ticket, where known.
#[derive(Clone, PartialEq, Debug)]
pub struct Truth {
    pub classes: PerTask<Option<usize>>,
    /// How many tickets it counts for.
    pub weight: f32,
}

/// A ticket to learn from.
#[derive(Clone, Debug)]
pub struct TicketExample {
    pub truth: Truth,
    /// Which fifth of the scenarios it belongs to.
    pub(super) fold: usize,
    pub(super) inputs: Inputs,
    pub(super) ngrams: Features,
    /// For each sentence its class by each sentence task, where known.
    pub(super) sentences: Vec<PerSentenceTask<Option<usize>>>,
}

/// Single sentences to learn from, without tickets around them.
#[derive(Clone, Debug)]
pub struct SentenceExamples {
    /// A row for each sentence.
    pub(super) inputs: Array2<f32>,
    pub(super) classes: Vec<PerSentenceTask<Option<usize>>>,
}

impl TicketExample {
    /// A ticket of the corpus, with its marked sentences.
    #[must_use]
    pub fn of_corpus(encoder: &Encoder, ticket: &LabelledTicket) -> Self {
        let truth = Truth {
            classes: PerTask::from_fn(|task| {
                Some(match task {
                    Task::Priority => ticket.priority as usize,
                    Task::Agent => return ticket.agent.class(),
                    Task::Sentiment => ticket.sentiment as usize,
                    Task::Churn => usize::from(ticket.churn.is_high()),
                    Task::Intent => intent_class(ticket.intent),
                })
            }),
            weight: 1.0,
        };
        let mut example = Self::of_ticket(encoder, &ticket.subject, &ticket.body, &ticket.scenario, truth);
        let sentences = text::sentences(&own_words(&ticket.subject, &ticket.body));
        let class_if_quoted = |sentence: &str, quotes: &[String], class: Option<usize>| {
            if carries(sentence, quotes) { class } else { Some(0) }
        };
        let classes = example.truth.classes;
        // Sentence severity has "none" before P0.
        let severity = classes[Task::Priority].map(|priority| priority + 1);
        for (targets, sentence) in example.sentences.iter_mut().zip(&sentences) {
            targets[SentenceTask::Churn] = class_if_quoted(sentence, &ticket.churn_quotes, classes[Task::Churn]);
            targets[SentenceTask::Intent] = class_if_quoted(sentence, &ticket.intent_quotes, classes[Task::Intent]);
            if let Some(quotes) = &ticket.sentiment_quotes {
                targets[SentenceTask::Tone] = class_if_quoted(sentence, quotes, classes[Task::Sentiment]);
            }
            if let Some(quotes) = &ticket.priority_quotes {
                targets[SentenceTask::Severity] = class_if_quoted(sentence, quotes, severity);
            }
        }
        example
    }

    /// A ticket of which only the labels are known. Tickets of one `scenario` are never on both sides of a split.
    #[must_use]
    pub fn of_ticket(encoder: &Encoder, subject: &str, body: &str, scenario: &str, truth: Truth) -> Self {
        let body = own_words(subject, body);
        let inputs = Inputs::new(encoder, subject, &text::sentences(&body));
        // A ticket without a signal has none in its sentences; where it has one, the sentence is not known.
        let none = |task: Task| truth.classes[task].filter(|class| *class == 0);
        let targets = PerSentenceTask::from_fn(|task| match task {
            SentenceTask::Churn => none(Task::Churn),
            SentenceTask::Intent => none(Task::Intent),
            SentenceTask::Tone => none(Task::Sentiment),
            SentenceTask::Severity => None,
        });
        Self {
            fold: fold(scenario),
            ngrams: features::extract(subject, &body),
            sentences: vec![targets; inputs.sentences.nrows()],
            inputs,
            truth,
        }
    }
}

impl SentenceExamples {
    #[must_use]
    pub fn new(encoder: &Encoder, sentences: &[LabelledSentence]) -> Self {
        let classes = |sentence: &LabelledSentence| {
            PerSentenceTask::from_fn(|task| {
                Some(match task {
                    SentenceTask::Churn => usize::from(sentence.churn.is_high()),
                    SentenceTask::Intent => intent_class(sentence.intent),
                    SentenceTask::Tone => sentence.sentiment as usize,
                    SentenceTask::Severity => sentence.severity.map_or(0, |priority| priority as usize + 1),
                })
            })
        };
        Self {
            inputs: Inputs::sentences(encoder, sentences.iter().map(|sentence| sentence.text.as_str())),
            classes: sentences.iter().map(classes).collect(),
        }
    }
}

/// None comes before the intents.
fn intent_class(intent: Option<Intent>) -> usize {
    intent.map_or(0, |intent| intent as usize + 1)
}

/// Whether a quote and the sentence are the same, or one holds the other.
fn carries(sentence: &str, quotes: &[String]) -> bool {
    quotes.iter().any(|quote| {
        !quote::verified(&[sentence.to_owned()], quote).is_empty()
            || !quote::verified(std::slice::from_ref(quote), sentence).is_empty()
    })
}

/// Scenarios, not tickets, are split: FNV-1a of the name.
fn fold(scenario: &str) -> usize {
    let hash = scenario.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The lowest bits of FNV-1a depend on few bits of the text.
    (hash >> 8) as usize % super::FOLDS
}
