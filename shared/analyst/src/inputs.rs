//! A ticket as numbers: what the encoder makes of each sentence and of the subject, and marks of style.

use encoder::{Encoded, Encoder, Vector};
use ndarray::{Array1, Array2, Axis};

use crate::text;

/// Numbers of a text: what the encoder makes of it at three depths, its meaning first.
pub const WIDTH: usize = 2 * encoder::DIMENSIONS + encoder::FINDINGS;
/// Marks of style.
pub const MARKS: usize = 4;

/// What the heads see of a ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Inputs {
    /// One row for each sentence of the body, at least one.
    pub sentences: Array2<f32>,
    /// Zeros where there is none.
    pub subject: Array1<f32>,
    /// Length, exclamation marks, question marks, sentences; each 0 to about 3.
    pub marks: [f32; MARKS],
}

impl Inputs {
    /// Of a subject and the sentences of the customer's own words.
    #[must_use]
    pub fn new(encoder: &Encoder, subject: &str, sentences: &[String]) -> Self {
        Self::within(encoder, subject, sentences, &|| true)
    }

    /// Of the subject and the first sentences, as many as there is time for: `go_on` is asked before each.
    #[must_use]
    pub fn within(encoder: &Encoder, subject: &str, sentences: &[String], go_on: &dyn Fn() -> bool) -> Self {
        let mut texts: Vec<String> = sentences.iter().map(|sentence| text::masked(sentence)).collect();
        if texts.is_empty() {
            texts.push(String::new());
        }
        texts.push(text::masked(subject));
        let mut encoded = encoder.encode_within(&texts.iter().map(String::as_str).collect::<Vec<_>>(), go_on);
        let encoded_subject = encoded.pop().expect("the subject was pushed last");
        let subject = if subject.trim().is_empty() { no_subject() } else { row(&encoded_subject) };
        Self { sentences: rows(&encoded), subject, marks: marks(sentences) }
    }

    /// The mean of the sentences: what the text is about as a whole.
    #[must_use]
    pub fn whole(&self) -> Array1<f32> {
        self.sentences.mean_axis(Axis(0)).expect("at least one sentence")
    }

    /// Of some of the sentences, by their numbers; of all of them if there are none.
    #[must_use]
    pub fn of(&self, chosen: &[usize], sentences: &[String]) -> Self {
        if chosen.is_empty() || chosen.len() == self.sentences.nrows() {
            return self.clone();
        }
        let kept: Vec<String> = chosen.iter().filter_map(|index| sentences.get(*index)).cloned().collect();
        Self { sentences: self.sentences.select(Axis(0), chosen), subject: self.subject.clone(), marks: marks(&kept) }
    }

    /// What each sentence means, the subject last.
    #[must_use]
    pub fn meanings(&self) -> Vec<Vector> {
        let rows = self.sentences.rows().into_iter().chain([self.subject.view()]);
        rows.map(|row| {
            let mut meaning = [0.0; encoder::DIMENSIONS];
            meaning.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            meaning
        })
        .collect()
    }

    /// Single sentences, without a ticket around them.
    #[must_use]
    pub fn sentences<'a>(encoder: &Encoder, sentences: impl Iterator<Item = &'a str>) -> Array2<f32> {
        let texts: Vec<String> = sentences.map(text::masked).collect();
        rows(&encoder.encode(&texts.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

/// What the heads see where there is no subject.
#[must_use]
pub fn no_subject() -> Array1<f32> {
    Array1::zeros(WIDTH)
}

fn row(encoded: &Encoded) -> Array1<f32> {
    encoded.vector.iter().chain(&encoded.average).chain(&encoded.findings).copied().collect()
}

fn rows(encoded: &[Encoded]) -> Array2<f32> {
    let mut rows = Array2::zeros((encoded.len(), WIDTH));
    for (encoded, mut to) in encoded.iter().zip(rows.rows_mut()) {
        to.assign(&row(encoded));
    }
    rows
}

/// Length, exclamation marks, question marks, sentences.
#[must_use]
pub fn marks(sentences: &[String]) -> [f32; MARKS] {
    let characters = || sentences.iter().flat_map(|sentence| sentence.chars());
    let count = |wanted: fn(&char) -> bool| characters().filter(wanted).count() as f32;
    let words = sentences.iter().map(|sentence| sentence.split_whitespace().count()).sum::<usize>() as f32;
    [
        libm::log1pf(words) / 3.0,
        count(|c| *c == '!').min(4.0) / 2.0,
        count(|c| *c == '?').min(4.0) / 2.0,
        (sentences.len() as f32).min(30.0) / 10.0,
    ]
}
