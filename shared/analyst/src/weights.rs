//! Everything that is learnt, read from the bytes that are part of the build.

use encoder::Encoder;

use crate::{
    Background, Kinds, Languages, Model, background::BackgroundError, kinds::KindsError, languages::LanguagesError,
    model::ModelError,
};

/// The encoder and the classifiers over it.
pub struct Weights {
    pub encoder: Encoder,
    pub model: Model,
    pub kinds: Kinds,
    pub languages: Languages,
    pub background: Background,
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
        })
    }
}
