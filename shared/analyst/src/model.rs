//! The trained weights of the embedded analyst, and what they make of a ticket.
//!
//! File: `TRIAGE03`; the number of networks as u32; each network's numbers; for each task a scale and a bias for each class
//! of its n-gram head, and its mix; then the n-gram weights, one signed byte each, used in place. All numbers are
//! little-endian, 32-bit floats.

use ndarray::Array1;

use crate::{
    features::Features,
    heads::{Batch, Heads, Judgement, Pass, TASKS, Task, log_softmax, softmax},
    inputs::Inputs,
    words::Words,
};

const MAGIC: &[u8; 8] = b"TRIAGE03";
/// More networks than any model has.
const MOST_NETWORKS: u32 = 16;

/// Networks of one kind that differ in chance alone, whose scores are averaged, mixed with heads over n-grams.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    networks: Vec<Heads>,
    words: [Words; 5],
    mixes: [Mix; 5],
}

/// How scores become a probability that means what it says: found on scenarios held out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mix {
    /// The share of the n-gram head, 0 to 1.
    pub words: f32,
    pub slope: f32,
    /// Added to every class but the first.
    pub offset: f32,
}

/// What a model says of a ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Opinion {
    probabilities: [Vec<f32>; 5],
    /// For each sentence the log-odds that it carries churn.
    pub churn: Vec<f32>,
    /// For each sentence the log-odds that it carries a wish to buy.
    pub intent: Vec<f32>,
}

impl Opinion {
    /// Of each class, calibrated; their sum is 1.
    #[must_use]
    pub fn probabilities(&self, task: Task) -> &[f32] {
        self.probabilities.get(task as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The bytes are not a model of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a model of this version; run `cargo run --release -- train`")]
pub struct ModelError;

impl Model {
    /// # Errors
    /// [`ModelError`] for anything but a whole model of this version.
    pub fn read(bytes: &'static [u8]) -> Result<Self, ModelError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(ModelError)?;
        let count = u32::from_le_bytes(take(&mut rest)?);
        if !(1..=MOST_NETWORKS).contains(&count) {
            return Err(ModelError);
        }
        let mut networks = Vec::new();
        for _ in 0..count {
            let mut network = Heads::zeros();
            for number in network.slices_mut().into_iter().flatten() {
                *number = take_number(&mut rest)?;
            }
            networks.push(network);
        }
        let mut heads = Vec::new();
        for task in TASKS {
            let mut number = || take_number(&mut rest);
            let classes = (0..task.classes()).map(|_| Ok((number()?, number()?))).collect::<Result<Vec<_>, _>>()?;
            heads.push((task, classes, Mix { words: number()?, slope: number()?, offset: number()? }));
        }
        let mut words = Vec::new();
        let mut mixes = Vec::new();
        for (task, classes, mix) in heads {
            let (weights, after) = rest.split_at_checked(Words::bytes(task)).ok_or(ModelError)?;
            rest = after;
            words.push(Words { classes, weights: weights.into() });
            mixes.push(mix);
        }
        let words = words.try_into().map_err(|_| ModelError)?;
        let mixes = mixes.try_into().map_err(|_| ModelError)?;
        if rest.is_empty() { Ok(Self { networks, words, mixes }) } else { Err(ModelError) }
    }

    pub fn new(networks: Vec<Heads>, words: [Words; 5], mixes: [Mix; 5]) -> Self {
        Self { networks, words, mixes }
    }

    /// The file form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.networks.len() as u32).to_le_bytes());
        let mut number = |number: f32| bytes.extend(number.to_le_bytes());
        self.networks.iter().flat_map(Heads::slices).flatten().for_each(|value| number(*value));
        for (words, mix) in self.words.iter().zip(&self.mixes) {
            for (scale, bias) in &words.classes {
                number(*scale);
                number(*bias);
            }
            number(mix.words);
            number(mix.slope);
            number(mix.offset);
        }
        self.words.iter().for_each(|words| bytes.extend_from_slice(&words.weights));
        bytes
    }

    /// How far the wording alone is from asking for nothing, for each task: cheap enough for every sentence of any text.
    #[must_use]
    pub fn strengths(&self, features: &Features) -> [f32; 5] {
        let mut heads = TASKS.into_iter().zip(&self.words);
        TASKS.map(|_| {
            let (task, words) = heads.next().expect("a head for each task");
            strength(task, &words.scores(features))
        })
    }

    /// Judges a ticket by its inputs and its n-grams.
    #[must_use]
    pub fn judge(&self, inputs: &Inputs, features: &Features) -> Opinion {
        let batch = Batch::of(&[inputs], &[]);
        let passes: Vec<Pass> = self.networks.iter().map(|network| network.pass(&batch, |_| {})).collect();
        let mut parts = TASKS.into_iter().zip(self.words.iter().zip(&self.mixes));
        let probabilities = TASKS.map(|_| {
            let (task, (words, mix)) = parts.next().expect("a part for each task");
            let scores: Vec<Array1<f32>> = passes.iter().map(|pass| scores(pass, task, 0)).collect();
            mix.probabilities(&average(&scores), &words.scores(features))
        });
        let odds = |judgement: Judgement| {
            (0..inputs.sentences.nrows())
                .map(|sentence| {
                    let sum: f32 = passes.iter().map(|pass| sentence_odds(pass, judgement, sentence)).sum();
                    sum / passes.len() as f32
                })
                .collect()
        };
        Opinion { probabilities, churn: odds(Judgement::Churn), intent: odds(Judgement::Intent) }
    }
}

/// The score of the strongest class beside that of the class nobody would miss.
fn strength(task: Task, scores: &[f32]) -> f32 {
    let strongest = |scores: &[f32]| scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    match task {
        // P3 stands last.
        Task::Priority => scores.split_last().map_or(0.0, |(calm, rest)| strongest(rest) - calm),
        Task::Sentiment | Task::Churn | Task::Intent => {
            scores.split_first().map_or(0.0, |(calm, rest)| strongest(rest) - calm)
        }
        // Every team is as good as another: what tells them apart is a clear favourite.
        Task::Agent => strongest(scores) - scores.iter().sum::<f32>() / scores.len().max(1) as f32,
    }
}

/// A ticket's log-probabilities by one pass.
pub fn scores(pass: &Pass, task: Task, ticket: usize) -> Array1<f32> {
    let mut scores = pass
        .scores
        .get(task as usize)
        .map_or_else(|| Array1::zeros(task.classes()), |scores| scores.row(ticket).to_owned());
    log_softmax(scores.view_mut());
    scores
}

fn average(scores: &[Array1<f32>]) -> Array1<f32> {
    let mut sum = Array1::zeros(scores.first().map_or(0, Array1::len));
    scores.iter().for_each(|scores| sum += scores);
    sum / scores.len().max(1) as f32
}

/// Log-odds of anything but nothing.
fn sentence_odds(pass: &Pass, judgement: Judgement, sentence: usize) -> f32 {
    let none = pass.judged.get((sentence, judgement.columns().start)).copied().unwrap_or(0.0);
    let none = none.clamp(-15.0, -1e-6);
    libm::logf(1.0 - libm::expf(none)) - none
}

impl Mix {
    /// `scores` are log-probabilities by the networks, `words` scores by the n-grams.
    pub fn probabilities(self, scores: &Array1<f32>, words: &[f32]) -> Vec<f32> {
        let mut words = Array1::from(words.to_vec());
        log_softmax(words.view_mut());
        let mut mixed = (scores * (1.0 - self.words) + words * self.words) * self.slope;
        mixed.iter_mut().skip(1).for_each(|score| *score += self.offset);
        softmax(mixed.view_mut());
        mixed.to_vec()
    }
}

/// The first of the largest; 0 of none.
pub fn argmax(values: &[f32]) -> usize {
    let best = values.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(index, _)| index)
}

fn take(rest: &mut &'static [u8]) -> Result<[u8; 4], ModelError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(ModelError)?;
    *rest = after;
    Ok(*bytes)
}

/// A number that can be reckoned with.
fn take_number(rest: &mut &'static [u8]) -> Result<f32, ModelError> {
    Some(f32::from_le_bytes(take(rest)?)).filter(|number| number.is_finite()).ok_or(ModelError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_model_reads_and_writes_to_the_byte() {
        let model = Model::read(data::MODEL).unwrap();
        assert!(model.to_bytes() == data::MODEL);
    }

    #[test]
    fn anything_else_is_refused() {
        let (start, _) = data::MODEL.split_at(data::MODEL.len() - 1);
        for bytes in [&[][..], b"TRIAGE03", b"TRIAGE99", start] {
            assert_eq!(Model::read(bytes), Err(ModelError));
        }
        let mut broken = data::MODEL.to_vec();
        broken[100..104].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(Model::read(broken.leak()), Err(ModelError), "a number that is none");
    }
}
