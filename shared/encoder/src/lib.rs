//! Sentences as vectors: a multilingual sentence encoder for English, French, German and Spanish.
//!
//! The network is Google's universal-sentence-encoder-multilingual v3, cut down and quantised by
//! `infra/encoder/build.py`; `shared/data/NOTICE` tells its origin and licence.
//!
//! Invariant: pure, and a sentence's vector does not depend on the sentences encoded with it.

mod file;
mod network;
mod normalizer;
mod tokenizer;

use std::sync::OnceLock;

pub use file::Broken;
use file::File;
use network::Network;
use tokenizer::Tokenizer;

/// Numbers of a sentence's vector.
pub const DIMENSIONS: usize = 512;

/// Of length 1: the product of two is their cosine.
pub type Vector = [f32; DIMENSIONS];

/// Tokens encoded at once: enough for the matrix products to be efficient, few enough to stay in the cache.
const BATCH_TOKENS: usize = 256;
/// Tokens looked at of one sentence, its begin and end included.
const LONGEST: usize = 256;

/// The encoder over its file's bytes: pieces and their vectors are used in place, the 3.4 million other weights (13 MB)
/// are unpacked on first use, in a few milliseconds.
pub struct Encoder {
    file: File,
    tokenizer: Tokenizer,
    network: OnceLock<Network>,
}

impl Encoder {
    /// # Errors
    /// [`Broken`]: the bytes are not a whole file of the version that this build reads.
    pub fn new(bytes: &'static [u8]) -> Result<Self, Broken> {
        let file = File::read(bytes)?;
        Ok(Self { file, tokenizer: Tokenizer::new(&file), network: OnceLock::new() })
    }

    /// One vector a sentence. A sentence without a word has one too, the same for all such.
    #[must_use]
    pub fn encode(&self, sentences: &[&str]) -> Vec<Vector> {
        let network = self.network.get_or_init(|| Network::unpack(&self.file));
        let mut vectors = Vec::with_capacity(sentences.len());
        let mut batch: Vec<Vec<u32>> = Vec::new();
        let mut tokens = 0;
        for sentence in sentences {
            let rows = self.rows(sentence);
            if !batch.is_empty() && tokens + rows.len() > BATCH_TOKENS {
                vectors.extend(network.vectors(&self.file, &std::mem::take(&mut batch)));
                tokens = 0;
            }
            tokens += rows.len();
            batch.push(rows);
        }
        if !batch.is_empty() {
            vectors.extend(network.vectors(&self.file, &batch));
        }
        vectors
    }

    /// The pieces a text is cut into; None for a stretch that no piece covers.
    #[must_use]
    pub fn pieces(&self, text: &str) -> Vec<Option<&str>> {
        let piece = |row: &u32| std::str::from_utf8(self.file.piece(row.checked_sub(file::SPECIAL)?)?).ok();
        self.tokenizer.rows(&self.file, text).iter().map(piece).collect()
    }

    fn rows(&self, sentence: &str) -> Vec<u32> {
        let mut rows = vec![file::BEGIN];
        rows.extend(self.tokenizer.rows(&self.file, sentence));
        rows.truncate(LONGEST - 1);
        rows.push(file::END);
        rows
    }
}

/// How alike two sentences are, from −1 to 1.
#[must_use]
pub fn cosine(a: &Vector, b: &Vector) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
