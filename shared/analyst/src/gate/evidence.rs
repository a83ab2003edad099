//! What tells a fit from a near miss, as numbers.
#![expect(
    clippy::indexing_slicing,
    reason = "rows are numbered by the ticket itself; a wrong number must panic in a test, not score 0"
)]

use domain::Language;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::examples::Side;
use crate::{
    acts::{Act, PerAct},
    asked::Asked,
    sentence_vectors::Rows,
};

/// Numbers that rank the articles of a base.
pub const RANKED: usize = 9;
/// Numbers of a ticket beside any article.
pub const PLAIN: usize = 15 + ACTS.len() + SUBJECT_ACTS.len() + 6 + 3;
/// Numbers more of a ticket beside an article with examples.
pub const BESIDE: usize = 9;

/// What a ticket does that matters to whether an article can answer it.
const ACTS: [Act; 12] = [
    Act::Question,
    Act::Fault,
    Act::Outage,
    Act::Loss,
    Act::Leaving,
    Act::Evaluating,
    Act::Buying,
    Act::Closing,
    Act::Context,
    Act::Shopper,
    Act::Legal,
    Act::DataRequest,
];
const SUBJECT_ACTS: [Act; 3] = [Act::Question, Act::Fault, Act::Buying];
/// The subject says in a few words what it is about, and half as much.
const SUBJECT: f32 = 0.5;

/// A ticket beside an article.
#[derive(Clone, PartialEq, Debug)]
pub struct Evidence {
    pub ranked: [f32; RANKED],
    pub plain: Vec<f32>,
    /// None for an article without examples.
    pub beside: Option<Vec<f32>>,
}

impl Evidence {
    /// As the judges see it.
    #[must_use]
    pub fn numbers(&self) -> Vec<f32> {
        self.plain.iter().chain(self.beside.iter().flatten()).copied().collect()
    }
}

/// All that is known of what an article and its translations say, in one language.
#[derive(Clone, Default, Debug)]
pub(crate) struct Said {
    /// Titles and questions.
    pub(crate) questions: Rows,
    /// Every sentence of the answer and of what follows it.
    pub(crate) text: Rows,
}

/// The labelled tickets of an article, in whatever language: those it answers and those it does not; of both or of none.
pub(crate) type Sides = Option<[Side; 2]>;

/// How near each sentence of a ticket is to an article: cosines of the closest pairs.
#[derive(Clone, Debug)]
pub(crate) struct Nearness {
    questions: Vec<f32>,
    text: Vec<f32>,
    /// To what it is known to answer, its own questions included.
    answered: Vec<f32>,
    whole_questions: f32,
    whole_text: f32,
    whole_answered: f32,
    /// To what is near it and is known not to be answered.
    unanswered: Option<(Vec<f32>, f32)>,
}

impl Nearness {
    /// `all` are the rows of [`Asked::all`]. `without` leaves out an example, by its number: the ticket itself, while the gate
    /// is fitted.
    pub(crate) fn new(all: ArrayView2<'_, f32>, said: &Said, examples: &Sides, without: Option<usize>) -> Self {
        let (questions, whole_questions) = closest(&said.questions.cosines(all));
        let (text, whole_text) = closest(&said.text.cosines(all));
        let example = |side: &Side| {
            let but_one = |rows: &Rows, owners: &[usize]| {
                let mut cosines = rows.cosines(all);
                for (mut row, owner) in cosines.rows_mut().into_iter().zip(owners) {
                    if Some(*owner) == without {
                        row.fill(0.0);
                    }
                }
                closest(&cosines)
            };
            (but_one(&side.sentences, &side.owners).0, but_one(&side.wholes, &side.numbers).1)
        };
        let (mut answered, mut whole_answered) = (questions.clone(), whole_questions);
        if let Some([fits, _]) = examples {
            let (sentences, whole) = example(fits);
            answered.iter_mut().zip(sentences).for_each(|(near, other)| *near = near.max(other));
            whole_answered = whole_answered.max(whole);
        }
        Self {
            unanswered: examples.as_ref().map(|[_, misses]| example(misses)),
            questions,
            text,
            answered,
            whole_questions,
            whole_text,
            whole_answered,
        }
    }

    fn anywhere(&self, row: usize) -> f32 {
        self.questions[row].max(self.text[row])
    }

    /// How near the whole ticket is to one question or sentence.
    fn whole(&self) -> f32 {
        self.whole_questions.max(self.whole_text)
    }

    /// How near a sentence is to what the article answers.
    pub(crate) fn to(&self, row: usize) -> f32 {
        self.answered[row]
    }
}

/// For each row asked, then for the whole, the cosine of the closest, at least 0.
fn closest(cosines: &Array2<f32>) -> (Vec<f32>, f32) {
    let mut rows: Vec<f32> = cosines.columns().into_iter().map(|column| most(column.iter().copied())).collect();
    let whole = rows.pop().unwrap_or_default();
    (rows, whole)
}

fn most(numbers: impl Iterator<Item = f32>) -> f32 {
    numbers.fold(0.0, f32::max)
}

/// A ticket beside the articles of a base.
pub(crate) struct Comparison<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) language: Language,
    /// By article family.
    pub(crate) near: Vec<Nearness>,
}

impl Comparison<'_> {
    /// The evidence for one of the families; `words` is how well their words agree, 0 to 1.
    pub(crate) fn evidence(&self, family: usize, words: f32) -> Evidence {
        Evidence { ranked: self.ranked(family, words), plain: self.plain(family), beside: self.beside(family) }
    }

    pub(crate) fn ranked(&self, family: usize, words: f32) -> [f32; RANKED] {
        let near = &self.near[family];
        let mut weights = self.asked.weights();
        weights.iter_mut().skip(self.asked.body).for_each(|subject| *subject = SUBJECT);
        [
            mean(&weights, &near.questions),
            mean(&weights, &near.text),
            mean(&weights, &near.answered),
            most(near.questions.iter().copied()),
            most(near.text.iter().copied()),
            near.whole_questions,
            near.whole_text,
            near.whole_answered,
            words,
        ]
    }

    /// The question that the article covers worst.
    fn worst(&self, near: &Nearness) -> usize {
        let asking = self.asked.asking_numbers().into_iter();
        asking.min_by(|a, b| near.anywhere(*a).total_cmp(&near.anywhere(*b))).unwrap_or_default()
    }

    /// How near a row is to the closest other family.
    fn elsewhere(&self, family: usize, row: usize) -> f32 {
        let others = self.near.iter().enumerate().filter(|(other, _)| *other != family);
        most(others.map(|(_, near)| near.anywhere(row)))
    }

    fn plain(&self, family: usize) -> Vec<f32> {
        let (asked, near) = (self.asked, &self.near[family]);
        let body = asked.body;
        let weights = asked.weights();
        let asking = asked.asking_numbers();
        let worst = self.worst(near);
        let rows = 0..asked.acts.len();
        let lead: Vec<f32> = rows.clone().map(|row| near.anywhere(row) - self.elsewhere(family, row)).collect();
        let subject = body..asked.acts.len();
        // Where no subject was written for this message, it says what the body says.
        let of_subject = |numbers: &[f32]| {
            numbers
                .get(subject.clone())
                .and_then(|rest| rest.first())
                .copied()
                .unwrap_or_else(|| mean(&weights, numbers))
        };
        let others = self.near.iter().enumerate().filter(|(other, _)| *other != family);
        let elsewhere = most(rows.map(|row| self.elsewhere(family, row)));
        let mut numbers = vec![
            most(near.questions[..body].iter().copied()),
            most(near.text[..body].iter().copied()),
            mean(&weights, &near.questions),
            mean(&weights, &near.text),
            of_subject(&near.questions),
            of_subject(&near.text),
            near.questions[worst],
            near.text[worst],
            asking.iter().map(|row| lead[*row]).fold(f32::INFINITY, f32::min),
            mean(&weights, &lead),
            of_subject(&lead),
            (0..asked.acts.len()).map(|row| near.anywhere(row)).fold(0.0, f32::max) - elsewhere,
            near.whole_questions,
            near.whole_text,
            near.whole() - most(others.map(|(_, near)| near.whole())),
        ];
        let acts = &asked.acts[..body];
        numbers.extend(ACTS.map(|act| most(acts.iter().map(|acts| acts[act]))));
        let subject_acts = asked.acts.get(body);
        numbers.extend(SUBJECT_ACTS.map(|act| subject_acts.map_or(0.0, |acts| acts[act])));
        let share = |act: Act| {
            let said: f32 = asked.saying[..body].iter().sum();
            let of_act = acts.iter().zip(&asked.saying).map(|(acts, saying): (&PerAct, &f32)| saying * acts[act]);
            of_act.sum::<f32>() / said.max(1e-6)
        };
        numbers.extend([
            share(Act::Fault),
            share(Act::Question),
            acts.last().map_or(0.0, |acts| acts[Act::Fault]),
            most(asked.asking[..body].iter().copied()),
            asking.len().min(4) as f32 / 4.0,
            libm::log1pf(body as f32),
        ]);
        numbers.extend(
            [Language::Fr, Language::De, Language::Es].map(|language| f32::from(u8::from(language == self.language))),
        );
        numbers
    }

    fn beside(&self, family: usize) -> Option<Vec<f32>> {
        let near = &self.near[family];
        let (unanswered, whole_unanswered) = near.unanswered.as_ref()?;
        let body = self.asked.body;
        let weights = self.asked.weights();
        let lead: Vec<f32> = near.answered.iter().zip(unanswered).map(|(answered, other)| answered - other).collect();
        Some(vec![
            most(near.answered.iter().copied()),
            most(unanswered.iter().copied()),
            lead[..body].iter().copied().fold(f32::INFINITY, f32::min),
            mean(&weights, &lead),
            lead[self.worst(near)],
            lead.get(body).copied().unwrap_or_else(|| mean(&weights, &lead)),
            near.whole_answered,
            *whole_unanswered,
            near.whole_answered - whole_unanswered,
        ])
    }
}

fn mean(weights: &Array1<f32>, numbers: &[f32]) -> f32 {
    weights.dot(&ArrayView1::from(numbers)) / weights.sum()
}
