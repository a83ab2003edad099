//! What sort of ticket it is, by what its sentences do.

pub(crate) mod marks;

use domain::{Kind, Language, Scored};
use enum_map::EnumMap;
use ndarray::{Array1, Axis};
use strum::{EnumCount, IntoEnumIterator};

use crate::{
    Acts,
    acts::{Act, PerAct},
    features,
    heads::{Layer, softmax},
    inputs::{Inputs, WIDTH},
    languages,
    model::argmax,
    numbers::Numbers,
};

/// Numbers of a ticket: for each act its most and its mean over the sentences, and that of the subject; the marks; and what
/// its sentences mean together.
pub const EVIDENCE: usize = 3 * Act::COUNT + MARKS + WIDTH;
const MARKS: usize = 6;

/// A sentence this sure to say so is plain.
const PLAIN: f32 = 0.5;
/// A request that is less sure may be a fraud whose threats sound like an outage.
const SURE: f32 = 0.9;
/// A grave sentence this sure to be a fraud's is one.
const THREAT: f32 = 0.2;
/// A sentence this sure to say so settles what is forwarded below it.
const CLOSED: f32 = 0.4;

/// What each part of a ticket does.
#[derive(Clone, PartialEq, Debug)]
pub struct Parts {
    pub subject: PerAct,
    /// In the order of the text's sentences.
    pub sentences: Vec<PerAct>,
    marks: [f32; MARKS],
    /// The mean of what the sentences mean.
    meaning: Array1<f32>,
}

/// The classifier of sentences, and over what it says and what the whole means that of tickets.
#[derive(Clone, PartialEq, Debug)]
pub struct Kinds {
    acts: Acts,
    tickets: Layer,
}

/// The bytes are no classifier of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a classifier of kinds of this version; run `cargo run --release -- train --only-kinds`")]
pub struct KindsError;

const MAGIC: &[u8] = b"KINDS002";

impl Kinds {
    #[must_use]
    pub fn new(acts: Acts, tickets: Layer) -> Self {
        Self { acts, tickets }
    }

    /// Reads the file form: the magic; the ticket layer's weights by row and its biases as little-endian `f32`; then the
    /// classifier of sentences.
    ///
    /// # Errors
    /// [`KindsError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, KindsError> {
        bytes.strip_prefix(MAGIC).and_then(Self::read_after_magic).ok_or(KindsError)
    }

    fn read_after_magic(bytes: &'static [u8]) -> Option<Self> {
        let mut file = Numbers::new(bytes);
        let tickets = file.layer(EVIDENCE, Kind::COUNT)?;
        let acts = Acts::read(&mut file)?;
        file.is_empty().then_some(Self { acts, tickets })
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Layer { weights, bias } = &self.tickets;
        let numbers = weights.iter().chain(bias).flat_map(|number| number.to_le_bytes());
        MAGIC.iter().copied().chain(numbers).chain(self.acts.to_bytes()).collect()
    }

    /// What each part of a ticket does. `inputs` are of this subject and these sentences.
    #[must_use]
    pub fn parts(&self, inputs: &Inputs, subject: Option<&str>, sentences: &[String], language: Language) -> Parts {
        Parts::new(&self.acts, inputs, subject, sentences, language)
    }

    /// The likeliest kind. What is not likely a request is as sure as that it is none: the kinds beside it are told apart for
    /// people, and most of them cause the same.
    #[must_use]
    pub fn kind(&self, parts: &Parts) -> Scored<Kind> {
        let mut logits = self.tickets.weights.t().dot(&parts.evidence()) + &self.tickets.bias;
        softmax(logits.view_mut());
        let probabilities = logits.to_vec();
        let (request, others) = probabilities.split_first().expect("a request is the first kind");
        let value = Kind::iter().nth(argmax(others) + 1).unwrap_or_default();
        if (0.5..SURE).contains(request) && parts.is_threat() {
            Scored { value: Kind::Phishing, confidence: PLAIN }
        } else if *request >= 0.5 {
            Scored { value: Kind::Request, confidence: *request }
        } else if parts.support(value) >= SUPPORT {
            Scored { value, confidence: 1.0 - request }
        } else {
            // The whole sounds like it, and no sentence says it.
            Scored { value: Kind::Request, confidence: 1.0 - others.iter().copied().fold(0.0, f32::max) }
        }
    }
}

/// The subject, if it was written for this message: that of an answer or a forward is an older one's, and that of a program
/// quotes one.
#[must_use]
pub fn fresh_subject(subject: &str) -> Option<&str> {
    let plain = mail::subject::parse(subject).kind == mail::subject::Kind::Plain;
    (plain && !marks::is_automatic(subject)).then_some(subject)
}

/// A ticket is of a kind only if one of its sentences is at least this sure to do what the kind does.
const SUPPORT: f32 = 0.3;

impl Parts {
    /// `inputs` are of this subject and these sentences. No subject is told of where it is an older message's.
    #[must_use]
    pub fn new(acts: &Acts, inputs: &Inputs, subject: Option<&str>, sentences: &[String], language: Language) -> Self {
        let rows = inputs.sentences.rows().into_iter().zip(sentences);
        let of = |row, sentence: &str| {
            let ngrams = languages::has_ngrams(language).then(|| features::extract("", sentence));
            acts.of(row, ngrams.as_ref())
        };
        Self {
            subject: subject.map(|subject| of(inputs.subject.view(), subject)).unwrap_or_default(),
            sentences: rows.map(|(row, sentence)| of(row, sentence)).collect(),
            marks: marks(subject.unwrap_or_default(), sentences),
            meaning: inputs.sentences.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(WIDTH)),
        }
    }

    /// How sure the surest sentence is to do what tickets of this kind do.
    fn support(&self, kind: Kind) -> f32 {
        let acts: &[Act] = match kind {
            Kind::Automatic => &[Act::Absence, Act::Acknowledgement, Act::Bounce, Act::Bulk],
            Kind::Thanks => &[Act::Closing, Act::Courtesy],
            Kind::MachineAlert => &[Act::Alarm, Act::AllClear],
            Kind::Solicitation => &[Act::Pitch, Act::Application, Act::Shopper],
            Kind::Phishing => &[Act::Phishing, Act::Bulk, Act::Pitch],
            Kind::SecurityReport => &[Act::Vulnerability, Act::Breach],
            Kind::LegalLetter => &[Act::Legal],
            Kind::DataRequest => &[Act::DataRequest],
            Kind::PersonInDanger => &[Act::Danger],
            // What says nothing has no sentence that does.
            Kind::Request | Kind::Empty => return 1.0,
        };
        let said = self.sentences.iter().chain([&self.subject]);
        said.map(|found| acts.iter().map(|act| found[*act]).sum()).fold(0.0, f32::max)
    }

    /// Whether the sentence that tells most plainly of an outage or a loss asks for what a fraud asks for: it is not told,
    /// it is threatened.
    fn is_threat(&self) -> bool {
        let grave = |acts: &PerAct| acts[Act::Outage] + acts[Act::Loss];
        let gravest = self.sentences.iter().max_by(|a, b| grave(a).total_cmp(&grave(b)));
        gravest.is_some_and(|acts| grave(acts) >= PLAIN && acts[Act::Phishing] >= THREAT)
    }

    /// Whether the writer says that it is settled.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sentences.iter().any(|acts| acts[Act::Closing] >= CLOSED)
    }

    /// Whether a machine says that all is well, in one sentence plainly, and rather than that something is wrong.
    #[must_use]
    pub fn is_all_clear(&self) -> bool {
        let said = || self.sentences.iter().chain([&self.subject]);
        let all = |act: Act| said().map(|acts| acts[act]).sum::<f32>();
        said().any(|acts| acts[Act::AllClear] >= PLAIN) && all(Act::AllClear) > all(Act::Alarm)
    }

    /// As the classifier of tickets sees it.
    #[must_use]
    pub fn evidence(&self) -> Array1<f32> {
        let count = self.sentences.len().max(1) as f32;
        let most = PerAct::from_fn(|act| self.sentences.iter().map(|acts| acts[act]).fold(0.0, f32::max));
        let mean: EnumMap<Act, f32> =
            PerAct::from_fn(|act| self.sentences.iter().map(|acts| acts[act]).sum::<f32>() / count);
        let acts = most.values().chain(mean.values()).chain(self.subject.values());
        acts.chain(&self.marks).chain(&self.meaning).copied().collect()
    }
}

/// Words, sentences, a question, an address on the web, no subject, no sentence.
fn marks(subject: &str, sentences: &[String]) -> [f32; MARKS] {
    let has = |mark: &str| f32::from(u8::from(sentences.iter().any(|sentence| sentence.contains(mark))));
    let words = sentences.iter().map(|sentence| sentence.split_whitespace().count()).sum::<usize>() as f32;
    [
        libm::log1pf(words) / 5.0,
        (sentences.len() as f32).min(30.0) / 30.0,
        has("?"),
        has("://"),
        f32::from(u8::from(subject.trim().is_empty())),
        f32::from(u8::from(sentences.is_empty())),
    ]
}
