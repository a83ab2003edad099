//! What a ticket asks: its sentences with what each does and means.

use encoder::{DIMENSIONS, Vector};
use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::acts::{Act, PerAct};

/// A sentence with a question mark asks at least this much, whatever it sounds like.
const MARKED: f32 = 0.8;
/// How much a sentence counts that says something and asks nothing: it tells what the questions are about.
const SAID: f32 = 0.05;
/// A sentence that asks this surely is a question.
const ASKS: f32 = 0.5;
/// Against a text of courtesy alone: something has to count.
const LEAST: f32 = 1e-6;

/// A ticket as the knowledge base sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Asked {
    /// A row for each sentence of the body, then the subject's if it was written for this message.
    pub(crate) meanings: Array2<f32>,
    pub(crate) acts: Vec<PerAct>,
    /// How surely each asks something, 0 to 1.
    pub(crate) asking: Vec<f32>,
    /// How surely each is neither courtesy nor boilerplate, 0 to 1.
    pub(crate) saying: Vec<f32>,
    /// How many of the rows are of the body.
    pub(crate) body: usize,
    /// The mean of the body's sentences by how much each asks, of length 1.
    pub(crate) whole: Array1<f32>,
}

impl Asked {
    /// Of sentences with what each does and means, `body` of them of the body and the rest the subject. A subject without a
    /// body is what is asked. None without any.
    #[must_use]
    pub fn new<'a>(sentences: impl Iterator<Item = (&'a str, &'a PerAct, &'a Vector)>, body: usize) -> Option<Self> {
        let sentences: Vec<(&str, &PerAct, &Vector)> = sentences.collect();
        let rows: Vec<f32> = sentences.iter().flat_map(|(.., meaning)| meaning.iter().copied()).collect();
        let meanings = Array2::from_shape_vec((sentences.len(), DIMENSIONS), rows).ok()?;
        let acts: Vec<PerAct> = sentences.iter().map(|(_, acts, _)| **acts).collect();
        let saying: Vec<f32> =
            acts.iter().map(|acts| (1.0 - acts[Act::Courtesy] - acts[Act::Boilerplate]).max(0.0)).collect();
        let asks = |((text, acts, _), saying): (&(&str, &PerAct, &Vector), &f32)| {
            let marked = if text.trim_end().ends_with('?') { MARKED } else { 0.0 };
            (asking(acts) * saying).max(marked)
        };
        let asking: Vec<f32> = sentences.iter().zip(&saying).map(asks).collect();
        let body = if body == 0 { sentences.len() } else { body.min(sentences.len()) };
        if body == 0 {
            return None;
        }
        let mut asked = Self { meanings, acts, asking, saying, body, whole: Array1::zeros(DIMENSIONS) };
        asked.whole = asked.weights().dot(&asked.meanings);
        let length = libm::sqrtf(asked.whole.dot(&asked.whole)).max(f32::MIN_POSITIVE);
        asked.whole /= length;
        Some(asked)
    }

    /// How much each row counts; the subject does not.
    pub(crate) fn weights(&self) -> Array1<f32> {
        let of = |(index, (asking, saying)): (usize, (&f32, &f32))| {
            if index < self.body { asking + SAID * saying + LEAST } else { 0.0 }
        };
        self.asking.iter().zip(&self.saying).enumerate().map(of).collect()
    }

    /// What each sentence that says something means, as an example to others.
    pub fn said(&self) -> impl Iterator<Item = ArrayView1<'_, f32>> {
        const SAYS: f32 = 0.4;
        let nothing = self.saying.iter().all(|saying| *saying <= SAYS);
        let rows = self.meanings.axis_iter(Axis(0)).zip(&self.saying);
        rows.filter(move |(_, saying)| nothing || **saying > SAYS).map(|(row, _)| row)
    }

    /// The rows of the body that are questions; where none is one, the row that is most like one.
    pub(crate) fn asking_numbers(&self) -> Vec<usize> {
        let body = || self.asking.iter().enumerate().take(self.body);
        let asking: Vec<usize> = body().filter(|(_, asking)| **asking >= ASKS).map(|(row, _)| row).collect();
        if asking.is_empty() {
            body().max_by(|a, b| a.1.total_cmp(b.1)).map(|(row, _)| row).into_iter().collect()
        } else {
            asking
        }
    }

    /// What each sentence means, then what they mean together.
    pub(crate) fn all(&self) -> Array2<f32> {
        let mut all = self.meanings.clone();
        all.push_row(self.whole()).expect("as wide as a sentence");
        all
    }

    /// What it is about as a whole.
    #[must_use]
    pub fn whole(&self) -> ArrayView1<'_, f32> {
        self.whole.view()
    }
}

/// A question, a wish, or what sounds like one.
fn asking(acts: &PerAct) -> f32 {
    acts[Act::Question] + acts[Act::Buying] + acts[Act::Evaluating] + acts[Act::Shopper] + acts[Act::DataRequest]
}
