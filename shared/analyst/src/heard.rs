//! What of a text the heads hear: its subject and sentences without courtesy, boilerplate and what mailings say, which is the
//! same in every ticket.

use domain::Language;
use encoder::Vector;
use ndarray::Axis;

use crate::{
    acts::{Act, PerAct},
    features::{self, Features},
    inputs::{self, Inputs, MARKS, marks},
    kinds::Parts,
    languages,
};

/// A sentence or subject this sure to be courtesy, boilerplate or a mailing's says nothing.
const NOTHING: f32 = 0.6;

/// A ticket as the heads see it.
#[derive(Clone, PartialEq, Debug)]
pub struct Heard {
    pub inputs: Inputs,
    /// None in a language whose words the heads do not know.
    pub features: Option<Features>,
    /// The numbers of the sentences that the inputs' rows are of.
    pub said: Vec<usize>,
    pub surest: Surest,
    /// There is one, and it says something.
    has_subject: bool,
    /// Each of these sentences by itself below the same subject: none where there is but one.
    alone: Vec<Alone>,
}

/// How sure one of these sentences or the subject is to do something, 0 to 1 each.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Surest {
    /// To tell of an outage, a loss or a breach.
    pub grave: f32,
    /// To give notice, or to look at others.
    pub leaving: f32,
    /// To want to buy.
    pub buying: f32,
    /// To say that it is solved.
    pub settled: f32,
    /// Only to ask.
    pub asked: f32,
}

/// One sentence as a text.
#[derive(Clone, PartialEq, Debug)]
struct Alone {
    marks: [f32; MARKS],
    features: Option<Features>,
}

impl Heard {
    /// `inputs` and `parts` are of this subject and these sentences.
    #[must_use]
    pub fn new(inputs: &Inputs, parts: &Parts, subject: &str, sentences: &[String], language: Language) -> Self {
        let said = said(&parts.sentences);
        let subject = if says_something(&parts.subject) { subject.trim() } else { "" };
        let kept: Vec<&str> = said.iter().filter_map(|index| sentences.get(*index)).map(String::as_str).collect();
        let words = |text: &str| languages::has_ngrams(language).then(|| features::extract(subject, text));
        let alone = |sentence: &&str| Alone { marks: marks(&[(*sentence).to_owned()]), features: words(sentence) };
        let mut heard = inputs.of(&said, sentences);
        if subject.is_empty() {
            heard.subject = inputs::no_subject();
        }
        Self {
            inputs: heard,
            features: words(&kept.join("\n")),
            alone: if kept.len() > 1 { kept.iter().map(alone).collect() } else { Vec::new() },
            surest: Surest::of(parts, &said, !subject.is_empty()),
            has_subject: !subject.is_empty(),
            said,
        }
    }

    /// Whether a subject is heard.
    #[must_use]
    pub fn has_subject(&self) -> bool {
        self.has_subject
    }

    /// What each sentence means, and the subject where there is one.
    #[must_use]
    pub fn meanings(&self) -> Vec<Vector> {
        let mut meanings = self.inputs.meanings();
        let subject = meanings.pop().filter(|_| self.has_subject);
        // A text without a sentence has one row all the same.
        meanings.truncate(self.said.len());
        meanings.into_iter().chain(subject).collect()
    }

    /// Each sentence as a ticket of its own below the same subject, with its n-grams.
    pub(crate) fn alone(&self) -> impl Iterator<Item = (Inputs, Option<&Features>)> {
        self.alone.iter().zip(self.inputs.sentences.rows()).map(|(Alone { marks, features }, row)| {
            let sentences = row.insert_axis(Axis(0)).to_owned();
            let inputs = Inputs { sentences, subject: self.inputs.subject.clone(), marks: *marks };
            (inputs, features.as_ref())
        })
    }
}

/// The numbers of the sentences that say something; of all if none does.
fn said(sentences: &[PerAct]) -> Vec<usize> {
    let says = sentences.iter().enumerate().filter(|(_, acts)| says_something(acts));
    let said: Vec<usize> = says.map(|(index, _)| index).collect();
    if said.is_empty() { (0..sentences.len()).collect() } else { said }
}

fn says_something(acts: &PerAct) -> bool {
    acts[Act::Courtesy] + acts[Act::Boilerplate] + acts[Act::Bulk] < NOTHING
}

impl Surest {
    fn of(parts: &Parts, said: &[usize], has_subject: bool) -> Self {
        let surest = |does: &[Act]| {
            let sure = |acts: &PerAct| does.iter().map(|act| acts[*act]).sum::<f32>();
            let sentences = said.iter().filter_map(|index| parts.sentences.get(*index));
            sentences.chain(has_subject.then_some(&parts.subject)).map(sure).fold(0.0, f32::max)
        };
        Self {
            grave: surest(&[Act::Outage, Act::Loss, Act::Breach, Act::Vulnerability]),
            leaving: surest(&[Act::Leaving, Act::Evaluating]),
            buying: surest(&[Act::Buying]),
            settled: surest(&[Act::Closing, Act::AllClear]),
            asked: surest(&[Act::Question]),
        }
    }
}

/// What stands above the first sentence of a footer or disclaimer, which a mail server adds in its company's language; where
/// one stands first, as a banner does, what is not of that kind. None where there is no such sentence, or nothing else.
pub(crate) fn without_boilerplate(acts: &[PerAct], sentences: &[String]) -> Option<String> {
    let is_added = |acts: &PerAct| acts[Act::Boilerplate] + acts[Act::Bulk] >= NOTHING;
    let kept: Vec<&str> = match acts.iter().position(is_added)? {
        0 => {
            let written = acts.iter().zip(sentences).filter(|(acts, _)| !is_added(acts));
            written.map(|(_, sentence)| sentence.as_str()).collect()
        }
        first => sentences.iter().take(first).map(String::as_str).collect(),
    };
    (!kept.is_empty()).then(|| kept.join("\n"))
}
