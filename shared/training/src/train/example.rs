//! Labelled tickets and sentences, made ready for the heads.
#![expect(
    clippy::indexing_slicing,
    reason = "indices follow from the lengths of our own arrays; a wrong one must panic in a test, not skip a sentence"
)]

use std::ops::Range;

use analyst::{
    Kinds, Languages,
    acts::Act,
    customer_text::own_words,
    features::Features,
    heads::{PerSentenceTask, PerTask, SentenceTask, Task},
    heard::Heard,
    inputs::Inputs,
    kinds::fresh_subject,
    languages, text, topics,
};
use domain::{Intent, Language, Priority, quote};
use encoder::Encoder;
use ndarray::Array2;

use super::vary::{self, Noise};
use crate::{
    corpus::{ActSentence, LabelledSentence, LabelledTicket, NoiseText, Risk, TopicSentence},
    letters,
    random::Random,
};

/// A sentence alone tells less than a ticket, and there are more of them.
const OF_SENTENCE: f32 = 0.5;
/// Only the networks learn from a language without n-grams, and there are fewer tickets in each.
const OF_OTHER_LANGUAGE: f32 = 1.5;
/// Ways of typing that networks and encoder learn a ticket in, beside its own: slips in one way hit few of its words.
/// N-grams and calibration take the first.
const RETYPED: usize = 3;

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
    pub language: Language,
    /// Which fifth of the scenarios it belongs to.
    pub(super) fold: usize,
    pub(super) heard: Heard,
    /// The same text with what carries no label.
    pub(super) varied_ngrams: Option<Features>,
    /// For each sentence its class by each sentence task, where known.
    pub(super) sentences: Vec<SentenceClasses>,
    /// The ticket as others would have typed it.
    pub(super) retyped: Vec<Retyped>,
    /// What the encoder got: the subject, empty if none is heard, and the sentences.
    pub(super) texts: Vec<String>,
}

/// The class of a sentence by each sentence task, where known.
pub(super) type SentenceClasses = PerSentenceTask<Option<usize>>;

/// A ticket typed in another way.
#[derive(Clone, Debug)]
pub(super) struct Retyped {
    pub(super) inputs: Inputs,
    /// For each of its sentences the numbers of the ticket's sentences that are in it.
    pub(super) of: Vec<Range<usize>>,
    /// What the encoder got: the subject, and the sentences.
    pub(super) texts: Vec<String>,
}

/// Single sentences to learn from, without tickets around them.
#[derive(Clone, Debug)]
pub struct SentenceExamples {
    /// A row for each sentence.
    pub(super) inputs: Array2<f32>,
    pub(super) classes: Vec<SentenceClasses>,
    /// Which fifth each belongs to, as the same sentence does as a ticket.
    pub(super) folds: Vec<usize>,
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
            weight: if languages::has_ngrams(ticket.language) { 1.0 } else { OF_OTHER_LANGUAGE },
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

    /// A labelled sentence, as a ticket that says only this.
    #[must_use]
    pub fn of_sentence(ears: Ears<'_>, sentence: &LabelledSentence) -> Self {
        let classes = PerTask::from_fn(|task| match task {
            Task::Priority => sentence.severity.map(|severity| severity as usize),
            Task::Sentiment => Some(sentence.sentiment as usize),
            Task::Churn => Some(usize::from(sentence.churn.is_high())),
            Task::Intent => Some(intent_class(sentence.intent)),
            Task::Agent | Task::Topic => None,
        });
        let truth = Truth { classes, weight: OF_SENTENCE };
        Self::listen(ears, "", &sentence.text, &sentence.text, sentence.language, truth).0
    }

    /// A sentence of which is known what it does, as a ticket that says only this: none where that settles no label.
    #[must_use]
    pub fn of_act(ears: Ears<'_>, sentence: &ActSentence) -> Option<Self> {
        let (priority, churn) = match sentence.act {
            Act::Outage | Act::Loss | Act::Breach => (Some(Priority::P0), Risk::None),
            Act::Leaving => (Some(Priority::P1), Risk::High),
            Act::Evaluating => (None, Risk::High),
            Act::Question | Act::Closing => (Some(Priority::P3), Risk::None),
            _ => return None,
        };
        let classes = PerTask::from_fn(|task| match task {
            Task::Priority => priority.map(|priority| priority as usize),
            Task::Churn => Some(usize::from(churn.is_high())),
            Task::Intent => (priority != Some(Priority::P3)).then_some(0),
            Task::Agent | Task::Sentiment | Task::Topic => None,
        });
        let truth = Truth { classes, weight: OF_SENTENCE };
        let (mut example, _) = Self::listen(ears, "", &sentence.text, &sentence.text, sentence.language, truth);
        if let [targets] = example.sentences.as_mut_slice() {
            targets[SentenceTask::Churn] = classes[Task::Churn];
            targets[SentenceTask::Severity] = classes[Task::Priority].map(|priority| priority + 1);
        }
        Some(example)
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
        let heard = Heard::new(&inputs, &parts, subject, &sentences, language);
        let sentences: Vec<String> = heard.said.iter().filter_map(|index| sentences.get(*index)).cloned().collect();
        // A ticket without a signal has none in its sentences; where it has one, the sentence is not known.
        let none = |task: Task| truth.classes[task].filter(|class| *class == 0);
        let targets = PerSentenceTask::from_fn(|task| match task {
            SentenceTask::Churn => none(Task::Churn),
            SentenceTask::Intent => none(Task::Intent),
            SentenceTask::Tone => none(Task::Sentiment),
            SentenceTask::Severity => None,
        });
        let mut random = Random(u64::from(hash(scenario)));
        let subject = if heard.has_subject() { subject } else { "" };
        let own: Vec<String> = std::iter::once(subject.to_owned()).chain(sentences.iter().cloned()).collect();
        let retyped: Vec<Vec<String>> = (0..RETYPED).filter_map(|_| retype(&own, language, &mut random)).collect();
        let varied = |_: &Features| {
            let lines = retyped.first().unwrap_or(&own);
            let (subject, sentences) = lines.split_first().expect("the subject is the first line");
            ears.noise.ngrams(subject, &sentences.join("\n"), language, &mut random)
        };
        let varied_ngrams = heard.features.as_ref().map(varied);
        let example = Self {
            texts: encoded_texts(subject, &sentences),
            language,
            fold: fold(scenario),
            retyped: retyped.iter().map(|lines| Retyped::new(ears.encoder, lines)).collect(),
            varied_ngrams,
            sentences: vec![targets; heard.inputs.sentences.nrows()],
            heard,
            truth,
        };
        (example, sentences)
    }
}

impl Retyped {
    /// `lines` are the subject and the sentences. Those that end without a mark are read as one.
    fn new(encoder: &Encoder, lines: &[String]) -> Self {
        let (subject, typed) = lines.split_first().expect("the subject is the first line");
        let sentences = text::sentences(&typed.join("\n"));
        // Where each line ends, in characters other than white space: what the two have in common.
        let ends = |texts: &[String]| -> Vec<usize> {
            let lengths = texts.iter().map(|text| text.chars().filter(|c| !c.is_whitespace()).count());
            lengths
                .scan(0, |end, length| {
                    *end += length;
                    Some(*end)
                })
                .collect()
        };
        let (of_typed, of_sentences) = (ends(typed), ends(&sentences));
        let mut start = 0;
        let of = of_sentences.iter().map(|end| {
            let from = of_typed.iter().position(|typed| *typed > start).unwrap_or_default();
            let to = of_typed.iter().position(|typed| *typed >= *end).unwrap_or(typed.len() - 1);
            start = *end;
            from..to.max(from) + 1
        });
        let mut of: Vec<Range<usize>> = of.collect();
        // A text without a sentence has one row all the same.
        if of.is_empty() {
            of.push(0..typed.len().max(1));
        }
        Self { inputs: Inputs::new(encoder, subject, &sentences), of, texts: encoded_texts(subject, &sentences) }
    }

    /// What is known of its sentences: the worst of what is known of those in each.
    pub(super) fn classes(&self, own: &[SentenceClasses]) -> Vec<SentenceClasses> {
        let of_all = |range: &Range<usize>| {
            PerSentenceTask::from_fn(|task: SentenceTask| {
                worst(own[range.clone()].iter().map(|classes| classes[task]), task)
            })
        };
        self.of.iter().map(of_all).collect()
    }
}

/// The subject and the sentences as the encoder gets them.
fn encoded_texts(subject: &str, sentences: &[String]) -> Vec<String> {
    std::iter::once(subject).chain(sentences.iter().map(String::as_str)).map(text::masked).collect()
}

/// The class of several sentences read as one: not known if one is not and no other carries anything.
fn worst(classes: impl Iterator<Item = Option<usize>>, task: SentenceTask) -> Option<usize> {
    let heavier = |a: usize, b: usize| match task {
        // None, then P0 to P3.
        SentenceTask::Severity => a.min(b),
        SentenceTask::Churn | SentenceTask::Intent | SentenceTask::Tone => a.max(b),
    };
    classes.reduce(|a, b| match (a, b) {
        (Some(0), other) | (other, Some(0)) => other,
        (Some(a), Some(b)) => Some(heavier(a, b)),
        (known, None) | (None, known) => known,
    })?
}

/// The lines as somebody else might have typed them: in a hurry, without accents, on a locked shift key, with slips. None
/// where that changes nothing.
pub(super) fn retype(own: &[String], language: Language, random: &mut Random) -> Option<Vec<String>> {
    let plain = |line: &String| letters::plain(line, language == Language::De);
    let of_all = |change: &dyn Fn(&String) -> String| own.iter().map(change).collect::<Vec<_>>();
    let typed = match random.below(8) {
        0 => of_all(&|line| letters::hurried(line)),
        1 => of_all(&|line| letters::hurried(&plain(line))),
        2 => of_all(&plain),
        3 => of_all(&|line| line.to_uppercase()),
        4 => letters::mistyped(&of_all(&|line| letters::hurried(line)), random)?,
        _ => letters::mistyped(own, random)?,
    };
    (typed != own).then_some(typed)
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
            folds: sentences.iter().map(|sentence| fold(&sentence.text)).collect(),
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

/// Whether this scenario, or a sentence by itself, is of the fold that nothing but the model itself learns from.
#[must_use]
pub fn is_held_out(scenario: &str) -> bool {
    fold(scenario) == super::HELD_OUT
}

/// FNV-1a.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    fn severities(classes: &[SentenceClasses]) -> Vec<Option<usize>> {
        classes.iter().map(|classes| classes[SentenceTask::Severity]).collect()
    }

    fn of_severity(class: Option<usize>) -> SentenceClasses {
        PerSentenceTask::from_fn(|task| if task == SentenceTask::Severity { class } else { Some(0) })
    }

    #[test]
    fn sentences_typed_without_an_end_are_one_with_the_worst_of_their_labels() {
        let encoder = Encoder::new(data::ENCODER).unwrap();
        let own = [of_severity(Some(0)), of_severity(Some(4)), of_severity(Some(1)), of_severity(None)];
        let lines = ["shop", "hello there", "one label is blurred", "and nobody can pay", "What now?"];
        let apart =
            Retyped::new(&encoder, &strings(&["Shop", "Hello.", "One label is blurred.", "Nobody can pay.", "What?"]));
        assert_eq!(severities(&apart.classes(&own)), [Some(0), Some(4), Some(1), None]);
        let hurried = Retyped::new(&encoder, &strings(&lines));
        assert_eq!(hurried.of, [0..3, 3..4]);
        assert_eq!(hurried.inputs.sentences.nrows(), 2);
        assert_eq!(severities(&hurried.classes(&own)), [Some(1), None]);
    }

    #[test]
    fn a_text_without_a_sentence_has_one_row_however_typed() {
        let encoder = Encoder::new(data::ENCODER).unwrap();
        let own = [of_severity(Some(2))];
        for lines in [&["shop down"][..], &["shop down", ""], &["shop down", "???"]] {
            let typed = Retyped::new(&encoder, &strings(lines));
            assert_eq!(severities(&typed.classes(&own)), [Some(2)], "{lines:?}");
            assert_eq!(typed.inputs.sentences.nrows(), 1);
        }
    }

    #[test]
    fn what_is_not_known_stays_so_beside_nothing() {
        let of = |classes: &[Option<usize>], task| worst(classes.iter().copied(), task);
        assert_eq!(of(&[Some(0), None], SentenceTask::Churn), None);
        assert_eq!(of(&[None, Some(1)], SentenceTask::Churn), Some(1));
        assert_eq!(of(&[Some(1), Some(2)], SentenceTask::Tone), Some(2));
        assert_eq!(of(&[Some(3), Some(2), Some(0)], SentenceTask::Severity), Some(2));
    }

    #[test]
    fn a_ticket_is_typed_in_several_ways_with_as_many_lines() {
        let own = strings(&["Größere Störung", "Seit heute Morgen kann niemand bezahlen.", "Bitte melden Sie sich!"]);
        let ways: Vec<Vec<String>> = (0..40).filter_map(|seed| retype(&own, Language::De, &mut Random(seed))).collect();
        assert!(ways.iter().all(|lines| lines.len() == own.len() && *lines != own));
        for way in [
            ["größere störung", "seit heute morgen kann niemand bezahlen", "bitte melden sie sich"],
            ["Groessere Stoerung", "Seit heute Morgen kann niemand bezahlen.", "Bitte melden Sie sich!"],
            ["GRÖSSERE STÖRUNG", "SEIT HEUTE MORGEN KANN NIEMAND BEZAHLEN.", "BITTE MELDEN SIE SICH!"],
        ] {
            assert!(ways.contains(&strings(&way)), "{way:?}");
        }
    }
}
