//! Labelled tickets and sentences, made ready for the heads.

use analyst::{
    Kinds, Languages,
    customer_text::own_words,
    features::Features,
    heads::{PerSentenceTask, PerTask, SentenceTask, Task},
    heard::Heard,
    inputs::Inputs,
    kinds::fresh_subject,
    text, topics,
};
use domain::{Intent, Language, quote};
use encoder::Encoder;
use ndarray::Array2;

use super::vary::{self, Noise};
use crate::{
    corpus::{LabelledSentence, LabelledTicket, NoiseText, TopicSentence},
    random::Random,
};

/// The labels of a ticket, where known.
#[derive(Clone, PartialEq, Debug)]
pub struct Truth {
    pub classes: PerTask<Option<usize>>,
    /// How many tickets it counts for.
    pub weight: f32,
}

/// How a ticket is heard before the heads see it, and what it is varied with.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "an encoder has nothing to show")]
pub struct Ears<'a> {
    pub encoder: &'a Encoder,
    pub kinds: &'a Kinds,
    pub languages: &'a Languages,
    pub noise: &'a Noise,
}

/// A ticket to learn from.
#[derive(Clone, Debug)]
pub struct TicketExample {
    pub truth: Truth,
    pub(super) language: Language,
    /// Which fifth of the scenarios it belongs to.
    pub(super) fold: usize,
    pub(super) inputs: Inputs,
    /// None in a language whose words the n-gram heads do not learn.
    pub(super) ngrams: Option<Features>,
    /// The same text with what carries no label.
    pub(super) varied_ngrams: Option<Features>,
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
    pub fn of_corpus(ears: Ears<'_>, ticket: &LabelledTicket) -> Self {
        let truth = Truth {
            classes: PerTask::from_fn(|task| {
                Some(match task {
                    Task::Priority => ticket.priority as usize,
                    Task::Agent => return ticket.agent.class(),
                    Task::Sentiment => ticket.sentiment as usize,
                    Task::Churn => usize::from(ticket.churn.is_high()),
                    Task::Intent => intent_class(ticket.intent),
                    Task::Topic => return ticket.topic.as_deref().and_then(topics::class),
                })
            }),
            weight: 1.0,
        };
        let (mut example, sentences) =
            Self::listen(ears, &ticket.subject, &ticket.body, &ticket.scenario, ticket.language, truth);
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

    /// A sentence of which only the topic is known, as a ticket of its own.
    #[must_use]
    pub fn of_topic(ears: Ears<'_>, sentence: &TopicSentence) -> Self {
        let class = topics::class(&sentence.topic);
        let area = class.and_then(|class| Some(topics::TOPICS.get(class)?.area));
        let truth = Truth {
            classes: PerTask::from_fn(|task| match task {
                Task::Topic => class,
                Task::Agent => area,
                Task::Priority | Task::Sentiment | Task::Churn | Task::Intent => None,
            }),
            weight: 1.0,
        };
        Self::listen(ears, "", &sentence.text, &sentence.text, sentence.language, truth).0
    }

    /// A text without any signal.
    #[must_use]
    pub fn of_noise(ears: Ears<'_>, noise: &NoiseText) -> Self {
        let truth = Truth { classes: vary::no_signal(), weight: 1.0 };
        Self::listen(ears, "", &noise.text, &noise.text, noise.language, truth).0
    }

    /// A ticket of which only the labels are known. Tickets of one `scenario` are never on both sides of a split.
    #[must_use]
    pub fn of_ticket(
        ears: Ears<'_>,
        subject: &str,
        body: &str,
        scenario: &str,
        language: Option<Language>,
        truth: Truth,
    ) -> Self {
        let language = language.unwrap_or_else(|| ears.languages.detect(&format!("{subject}\n{body}")));
        Self::listen(ears, subject, body, scenario, language, truth).0
    }

    /// The ticket, and its sentences that say something.
    fn listen(
        ears: Ears<'_>,
        subject: &str,
        body: &str,
        scenario: &str,
        language: Language,
        truth: Truth,
    ) -> (Self, Vec<String>) {
        let body = own_words(subject, body);
        let sentences = text::sentences(&body);
        let inputs = Inputs::new(ears.encoder, subject, &sentences);
        let parts = ears.kinds.parts(&inputs, fresh_subject(subject), &sentences, language);
        let Heard { inputs, features, said, .. } = Heard::new(&inputs, &parts, subject, &sentences, language);
        let sentences: Vec<String> = said.iter().filter_map(|index| sentences.get(*index)).cloned().collect();
        // A ticket without a signal has none in its sentences; where it has one, the sentence is not known.
        let none = |task: Task| truth.classes[task].filter(|class| *class == 0);
        let targets = PerSentenceTask::from_fn(|task| match task {
            SentenceTask::Churn => none(Task::Churn),
            SentenceTask::Intent => none(Task::Intent),
            SentenceTask::Tone => none(Task::Sentiment),
            SentenceTask::Severity => None,
        });
        let varied = |_: &Features| {
            let mut random = Random(u64::from(hash(scenario)));
            ears.noise.ngrams(subject, &sentences.join("\n"), language, &mut random)
        };
        let example = Self {
            language,
            fold: fold(scenario),
            varied_ngrams: features.as_ref().map(varied),
            ngrams: features,
            sentences: vec![targets; inputs.sentences.nrows()],
            inputs,
            truth,
        };
        (example, sentences)
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

/// Scenarios, not tickets, are split.
fn fold(scenario: &str) -> usize {
    // The lowest bits of FNV-1a depend on few bits of the text.
    (hash(scenario) >> 8) as usize % super::FOLDS
}

/// FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
