//! Everything that is learnt, read from the bytes that are part of the build.

use encoder::Encoder;

use crate::{
    Background, Gate, Kinds, Languages, Model, SentenceVectors, background::BackgroundError, gate::GateError,
    kinds::KindsError, languages::LanguagesError, model::ModelError, sentence_vectors::SentenceVectorsError,
};

/// The encoder and the classifiers over it.
pub struct Weights {
    pub encoder: Encoder,
    pub model: Model,
    pub kinds: Kinds,
    pub languages: Languages,
    pub background: Background,
    pub gate: Gate,
    /// What the sentences of the bundled articles mean.
    pub known: SentenceVectors,
}

/// Bytes of the build are not what this version reads.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("encoder.bin: {0}")]
    Encoder(#[from] encoder::Broken),
    #[error("model.bin: {0}")]
    Model(#[from] ModelError),
    #[error("kinds.bin: {0}")]
    Kinds(#[from] KindsError),
    #[error("languages.bin: {0}")]
    Languages(#[from] LanguagesError),
    #[error("background.bin: {0}")]
    Background(#[from] BackgroundError),
    #[error("gate.bin: {0}")]
    Gate(#[from] GateError),
    #[error("knowledge.bin: {0}")]
    Known(#[from] SentenceVectorsError),
}

impl Weights {
    /// # Errors
    /// [`WeightsError`]: a file of `shared/data/models` is of another version.
    pub fn bundled() -> Result<Self, WeightsError> {
        Ok(Self {
            encoder: Encoder::new(data::ENCODER)?,
            model: Model::read(data::MODEL)?,
            kinds: Kinds::read(data::KINDS)?,
            languages: Languages::read(data::LANGUAGES)?,
            background: Background::read(data::BACKGROUND)?,
            gate: Gate::read(data::GATE)?,
            known: SentenceVectors::read(data::KNOWLEDGE)?,
        })
    }
}
