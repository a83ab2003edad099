//! What the heads learn from, as the encoder gets it, a line of JSON each: `infra/encoder/tune.py` fits the encoder to it.

use analyst::{
    acts::Act,
    heads::{SentenceTask, Task},
    inputs, text,
};
use domain::Language;
use serde::Serialize;
use strum::{EnumCount, IntoEnumIterator};

use super::{
    TicketExample,
    acts::retyped,
    example::{SentenceClasses, is_held_out},
};
use crate::corpus::{ActSentence, NoiseText};

/// A line, by what is known of its text. Classes are numbers, none where a label is not known.
#[derive(Serialize, Debug)]
#[serde(tag = "what", rename_all = "snake_case")]
enum Line<'a> {
    /// How many classes there are: by each task, by each sentence task, and of acts.
    Classes { tasks: Vec<usize>, sentence_tasks: Vec<usize>, acts: usize },
    Ticket {
        language: Language,
        /// Not to be learnt from.
        held_out: bool,
        weight: f32,
        /// By each task.
        classes: Vec<Option<usize>>,
        marks: [f32; inputs::MARKS],
        /// In its own words, then as others would have typed it.
        typed: Vec<Typed<'a>>,
    },
    /// A sentence of which is known what it does, in its own words, then as others would have typed it.
    Act { held_out: bool, act: usize, typed: [String; 2] },
    /// A sentence or subject that carries no label.
    Nothing { language: Language, subject: bool, text: String },
    /// A text without labels, of which the encoder shall go on to think as it does.
    Other { text: String },
}

#[derive(Serialize, Debug)]
struct Typed<'a> {
    /// Empty where none is heard.
    subject: &'a str,
    sentences: &'a [String],
    /// For each sentence its class by each sentence task.
    classes: Vec<Vec<Option<usize>>>,
}

impl<'a> Typed<'a> {
    fn new(texts: &'a [String], classes: &[SentenceClasses]) -> Self {
        let (subject, sentences) = texts.split_first().expect("the subject stands first");
        let classes = classes.iter().map(|classes| classes.values().copied().collect()).collect();
        Self { subject, sentences, classes }
    }
}

/// All of it.
#[must_use]
pub fn lines(
    tickets: &[TicketExample],
    acts: &[ActSentence],
    noise: &[NoiseText],
    others: impl Iterator<Item = String>,
) -> String {
    let classes = Line::Classes {
        tasks: Task::iter().map(Task::classes).collect(),
        sentence_tasks: SentenceTask::iter().map(|task| task.columns().len()).collect(),
        acts: Act::COUNT,
    };
    let tickets = tickets.iter().map(|ticket| Line::Ticket {
        language: ticket.language,
        held_out: ticket.fold == super::HELD_OUT,
        weight: ticket.truth.weight,
        classes: ticket.truth.classes.values().copied().collect(),
        marks: ticket.heard.inputs.marks,
        typed: std::iter::once(Typed::new(&ticket.texts, &ticket.sentences))
            .chain(ticket.retyped.iter().map(|typed| Typed::new(&typed.texts, &typed.classes(&ticket.sentences))))
            .collect(),
    });
    let acts = acts.iter().enumerate().map(|(number, sentence)| Line::Act {
        held_out: is_held_out(&sentence.text),
        act: sentence.act as usize,
        typed: [sentence.text.clone(), retyped(number, sentence)].map(|typed| text::masked(&typed)),
    });
    let noise = noise.iter().map(|noise| Line::Nothing {
        language: noise.language,
        subject: noise.is_subject(),
        text: text::masked(&noise.text),
    });
    let others = others.map(|other| Line::Other { text: text::masked(&other) });
    let json = |line: Line<'_>| serde_json::to_string(&line).expect("strings and numbers") + "\n";
    std::iter::once(classes).chain(tickets).chain(acts).chain(noise).chain(others).map(json).collect()
}
