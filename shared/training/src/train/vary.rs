//! Tickets varied as mail varies them, so that what carries no label moves none: sentences of nothing put between, a poor
//! subject or none, and a question beside the matter.
#![expect(
    clippy::indexing_slicing,
    reason = "indices are drawn below the lengths of our own arrays; a wrong one must panic in a test, not skip a ticket"
)]

use analyst::{
    features::{self, Features},
    heads::{PerSentenceTask, PerTask, Task},
    inputs::{self, Inputs, MARKS},
};
use domain::Language;
use encoder::Encoder;
use ndarray::{Array2, Axis, concatenate};

use super::example::{TicketExample, Truth};
use crate::{corpus::NoiseText, random::Random};

/// How often a step of training sees a ticket with another subject, with sentences of nothing, with another question.
const OTHER_SUBJECT: f32 = 0.3;
const NOISE: f32 = 0.5;
const QUESTION: f32 = 0.15;
/// How often as another would have typed it.
const RETYPED: f32 = 0.4;
/// Sentences of nothing put into one ticket, at most.
const MOST_NOISE: usize = 5;
/// Of a subject that is replaced, so many are left out, and the others say nothing.
const NO_SUBJECT: f32 = 0.5;
/// Sentences of nothing are in another language than the ticket in so many: disclaimers and banners often are.
const FOREIGN: f32 = 0.15;

/// What carries no label, ready to be put into tickets.
#[derive(Clone, Debug)]
pub struct Noise {
    texts: Vec<NoiseText>,
    /// A row for each text.
    rows: Array2<f32>,
    sentences: Vec<usize>,
    subjects: Vec<usize>,
}

impl Noise {
    #[must_use]
    pub fn new(encoder: &Encoder, texts: Vec<NoiseText>) -> Self {
        let numbers = |subject: bool| {
            let of = move |(index, text): (usize, &NoiseText)| (text.is_subject() == subject).then_some(index);
            texts.iter().enumerate().filter_map(of).collect()
        };
        Self {
            rows: Inputs::sentences(encoder, texts.iter().map(|text| text.text.as_str())),
            sentences: numbers(false),
            subjects: numbers(true),
            texts,
        }
    }

    /// One of these texts, in this language if one of a few drawn is.
    fn draw(&self, among: &[usize], language: Language, random: &mut Random) -> usize {
        const TRIES: usize = 24;
        let any = random.uniform() < FOREIGN;
        let mut drawn = among[random.below(among.len())];
        for _ in 0..TRIES {
            if any || self.texts[drawn].language == language {
                break;
            }
            drawn = among[random.below(among.len())];
        }
        drawn
    }

    /// The n-grams of a text once more, with sentences of nothing and perhaps without its subject.
    pub(super) fn ngrams(&self, subject: &str, body: &str, language: Language, random: &mut Random) -> Features {
        let subject = if random.uniform() < OTHER_SUBJECT { "" } else { subject };
        let mut body = body.to_owned();
        if !self.sentences.is_empty() {
            for _ in 0..random.below(3) {
                let text = &self.texts[self.draw(&self.sentences, language, random)].text;
                body = if random.uniform() < 0.5 { format!("{text}\n{body}") } else { format!("{body}\n{text}") };
            }
        }
        features::extract(subject, &body)
    }

    /// The ticket as a step of training sees it. `questions` are tickets that ask for something harmless.
    pub(super) fn vary(&self, ticket: &TicketExample, questions: &[&TicketExample], random: &mut Random) -> Varied {
        let mut varied = Varied::typed(ticket, random);
        if random.uniform() < QUESTION && !questions.is_empty() {
            varied.beside(ticket, questions[random.below(questions.len())], random);
        }
        if random.uniform() < OTHER_SUBJECT {
            varied.inputs.subject = if random.uniform() < NO_SUBJECT || self.subjects.is_empty() {
                inputs::no_subject()
            } else {
                self.rows.row(self.draw(&self.subjects, ticket.language, random)).to_owned()
            };
        }
        if random.uniform() < NOISE && !self.sentences.is_empty() {
            for _ in 0..=random.below(MOST_NOISE) {
                let drawn = self.draw(&self.sentences, ticket.language, random);
                let at = random.below(varied.sentences.len() + 1);
                let row = self.rows.row(drawn).insert_axis(Axis(0));
                let (before, after) = varied.inputs.sentences.view().split_at(Axis(0), at);
                varied.inputs.sentences = concatenate(Axis(0), &[before, row, after]).expect("rows of one width");
                varied.sentences.insert(at, PerSentenceTask::from_fn(|_| Some(0)));
                varied.inputs.marks = together(varied.inputs.marks, self.marks(drawn));
            }
        }
        varied
    }

    fn marks(&self, text: usize) -> [f32; MARKS] {
        analyst::inputs::marks(std::slice::from_ref(&self.texts[text].text))
    }
}

/// A ticket for one step.
pub(super) struct Varied {
    pub(super) inputs: Inputs,
    pub(super) truth: Truth,
    pub(super) sentences: Vec<PerSentenceTask<Option<usize>>>,
}

impl Varied {
    /// The ticket as it is, or as another would have typed it.
    fn typed(ticket: &TicketExample, random: &mut Random) -> Self {
        let truth = ticket.truth.clone();
        if random.uniform() < RETYPED && !ticket.retyped.is_empty() {
            let typed = &ticket.retyped[random.below(ticket.retyped.len())];
            Self { inputs: typed.inputs.clone(), truth, sentences: typed.classes(&ticket.sentences) }
        } else {
            Self { inputs: ticket.heard.inputs.clone(), truth, sentences: ticket.sentences.clone() }
        }
    }

    /// Puts a harmless ticket before or behind: the graver one decides, and where neither is, nobody knows the team.
    fn beside(&mut self, ticket: &TicketExample, question: &TicketExample, random: &mut Random) {
        let first = random.uniform() < 0.5;
        let both =
            |a: &Array2<f32>, b: &Array2<f32>| concatenate(Axis(0), &[a.view(), b.view()]).expect("rows of one width");
        let (mine, other) = (&self.inputs.sentences, &question.heard.inputs.sentences);
        self.inputs.sentences = if first { both(other, mine) } else { both(mine, other) };
        self.sentences = if first {
            [question.sentences.as_slice(), &self.sentences].concat()
        } else {
            [self.sentences.as_slice(), &question.sentences].concat()
        };
        if random.uniform() < 0.5 {
            self.inputs.subject.clone_from(&question.heard.inputs.subject);
        }
        self.inputs.marks = together(self.inputs.marks, question.heard.inputs.marks);
        let graver = |task: Task| ticket.truth.classes[task] < question.truth.classes[task];
        if !graver(Task::Priority) || ticket.truth.classes[Task::Priority].is_none() {
            self.truth.classes[Task::Agent] = None;
            self.truth.classes[Task::Topic] = None;
        }
    }
}

/// Whether it asks for something harmless.
pub(super) fn is_question(ticket: &TicketExample) -> bool {
    const CALM: PerTask<Option<usize>> = PerTask::from_array([Some(3), None, Some(0), Some(0), Some(0), None]);
    CALM.iter().all(|(task, class)| class.is_none() || ticket.truth.classes[task] == *class)
}

/// The marks of two texts as one; [`analyst::inputs::marks`] tells what each is.
fn together(a: [f32; MARKS], b: [f32; MARKS]) -> [f32; MARKS] {
    let words = |length: f32| libm::expm1f(3.0 * length);
    let (of_a, of_b) = (words(a[0]), words(b[0]));
    [libm::log1pf(of_a + of_b) / 3.0, (a[1] + b[1]).min(2.0), (a[2] + b[2]).min(2.0), (a[3] + b[3]).min(3.0)]
}

/// Texts without any signal are tickets of which only that is known.
#[must_use]
pub(super) fn no_signal() -> PerTask<Option<usize>> {
    PerTask::from_fn(|task| match task {
        Task::Churn | Task::Intent | Task::Sentiment => Some(0),
        Task::Priority | Task::Agent | Task::Topic => None,
    })
}
