//! What each sentence does: its dialogue act, by a linear classifier over the encoder's vectors.

use enum_map::{Enum, EnumMap};
use ndarray::ArrayView1;
use serde::Deserialize;
use strum::{EnumCount, EnumIter, IntoStaticStr};

use crate::{
    features::Features,
    heads::{Layer, softmax},
    inputs::WIDTH,
    ngram_head::{self, NgramHead, mixed},
    numbers::Numbers,
};

/// What a sentence does. The order is the file's.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Enum, EnumCount, EnumIter, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Act {
    /// Greets, thanks in advance, signs off.
    Courtesy,
    /// A signature, a disclaimer, a footer.
    Boilerplate,
    /// Neutral background, without a fault and without a wish.
    Context,
    /// A how-to, a wish, a routine request.
    Question,
    /// Something is wrong, and limited.
    Fault,
    /// Everything or everybody is hit, now.
    Outage,
    /// Data or money is gone.
    Loss,
    /// Strangers see or reach what they must not.
    Breach,
    /// Gives notice, or threatens to.
    Leaving,
    /// Compares vendors, asks for the notice period.
    Evaluating,
    /// Wants to buy from us.
    Buying,
    /// Says that it is solved.
    Closing,
    /// An out-of-office note.
    Absence,
    /// Another helpdesk confirms that it has our message.
    Acknowledgement,
    /// Mail could not be delivered.
    Bounce,
    /// A newsletter, an invitation, a notice of an invoice.
    Bulk,
    /// A monitor or a job says that something is wrong.
    Alarm,
    /// A monitor or a job says that all is well.
    AllClear,
    /// A vendor sells to us.
    Pitch,
    /// Somebody looks for work.
    Application,
    /// A consumer takes us for a shop.
    Shopper,
    Phishing,
    /// A weakness or a leak, told by whoever saw it.
    Vulnerability,
    /// A lawyer, a court or an authority.
    Legal,
    /// Somebody asks for their own data, or for its erasure.
    DataRequest,
    /// Harm to oneself or to others.
    Danger,
}

/// The probability of each act; their sum is 1.
pub type PerAct = EnumMap<Act, f32>;

/// The weight of the n-grams' log-probabilities beside those of the encoder's numbers, which have the rest.
const NGRAM_WEIGHT: f32 = 0.4;

/// The classifier: one linear layer over the encoder's numbers, one over n-grams, and the mean of what they say.
#[derive(Clone, PartialEq, Debug)]
pub struct Acts {
    dense: Layer,
    ngrams: NgramHead,
}

impl Acts {
    #[must_use]
    pub fn new(dense: Layer, ngrams: NgramHead) -> Self {
        Self { dense, ngrams }
    }

    /// None if the file ends before.
    pub(crate) fn read(file: &mut Numbers) -> Option<Self> {
        Some(Self { dense: file.layer(WIDTH, Act::COUNT)?, ngrams: ngram_head::read(file, Act::COUNT)? })
    }

    /// Weights by row and biases of the dense layer as little-endian `f32`, then the n-gram head.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.dense.weights.iter().chain(&self.dense.bias).flat_map(|number| number.to_le_bytes());
        numbers.chain(ngram_head::bytes(&self.ngrams)).collect()
    }

    /// What a sentence does, by a row of [`Inputs::sentences`](crate::inputs::Inputs::sentences) and, in a language whose
    /// words are known, by its n-grams.
    #[must_use]
    pub fn of(&self, sentence: ArrayView1<'_, f32>, ngrams: Option<&Features>) -> PerAct {
        let mut by_meaning = self.dense.weights.t().dot(&sentence) + &self.dense.bias;
        let both = if let Some(ngrams) = ngrams {
            mixed(by_meaning, self.ngrams.logits(ngrams), NGRAM_WEIGHT)
        } else {
            softmax(by_meaning.view_mut());
            by_meaning
        };
        let mut probabilities = both.iter();
        PerAct::from_fn(|_| probabilities.next().copied().unwrap_or_default())
    }
}

/// The likeliest act.
#[must_use]
pub fn likeliest(acts: &PerAct) -> (Act, f32) {
    let best = acts.iter().fold((Act::Context, 0.0), |best, (act, p)| if *p > best.1 { (act, *p) } else { best });
    (best.0, best.1)
}
