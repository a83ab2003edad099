//! Sentences as vectors: a multilingual sentence encoder for fifteen languages.
//!
//! The network is Google's universal-sentence-encoder-multilingual v3, tuned to support mail by `infra/encoder/tune.py` and
//! quantised by `infra/encoder/build.py`; `shared/data/models/NOTICE` tells its origin and licence.
//!
//! Invariant: pure, and a sentence's vector does not depend on the sentences encoded with it.

mod file;
mod network;
mod normalizer;
mod tokenizer;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub use file::Broken;
use file::File;
use network::{Network, Pool, Workspace};
use tokenizer::Tokenizer;

/// Numbers of a sentence's vector, as the original network has them.
pub const DIMENSIONS: usize = 512;

/// Numbers of what the convolutions find: as many as their branches have columns.
pub const FINDINGS: usize = network::NARROW;

/// Of length 1: the product of two is their cosine.
pub type Vector = [f32; DIMENSIONS];

/// A text as the network sees it, at three depths.
#[derive(Clone, PartialEq, Debug)]
pub struct Encoded {
    /// What it means: the network's answer.
    pub vector: Vector,
    /// The average over its words before the last layers, closer to the wording.
    pub average: Vector,
    /// The strongest that each convolution answers to any few neighbouring words: what a single phrase says, however much
    /// stands around it. Of length 1, its mean 0.
    pub findings: [f32; FINDINGS],
}

/// Tokens encoded at once: enough for the matrix products to be efficient, few enough to stay in the cache.
const BATCH_TOKENS: usize = 256;
/// Tokens looked at of one sentence, its begin and end included: a longer "sentence" is a log or a table, and its time is
/// bounded.
const LONGEST: usize = 256;

/// The encoder over its file's bytes: pieces and their vectors are used in place, the 3.4 million other weights (13 MB)
/// are unpacked on first use, in a few milliseconds.
pub struct Encoder {
    file: File,
    tokenizer: Tokenizer,
    network: OnceLock<Network>,
    /// Where nobody works at the moment; in all as many as ever worked at once.
    idle: Mutex<Vec<Workspace>>,
}

impl Encoder {
    /// # Errors
    /// [`Broken`]: the bytes are not a whole file of the version that this build reads.
    pub fn new(bytes: &'static [u8]) -> Result<Self, Broken> {
        let file = File::read(bytes)?;
        Ok(Self { file, tokenizer: Tokenizer::new(&file)?, network: OnceLock::new(), idle: Mutex::default() })
    }

    /// What the network makes of each sentence. A sentence without a word has a vector too, the same for all such.
    #[must_use]
    pub fn encode(&self, sentences: &[&str]) -> Vec<Encoded> {
        self.finish(&self.pools(sentences, &|| true))
    }

    /// The sentences of one text.
    ///
    /// `go_on` is asked before every sentence but the first and the last one, which are encoded in any case; from its
    /// first no on, sentences are left out.
    #[must_use]
    pub fn encode_within(&self, sentences: &[&str], go_on: &dyn Fn() -> bool) -> Vec<Encoded> {
        self.finish(&self.pools(sentences, go_on))
    }

    fn pools(&self, sentences: &[&str], go_on: &dyn Fn() -> bool) -> Vec<Pool> {
        let network = self.network();
        let mut workspace = self.idle().pop().unwrap_or_else(Workspace::new);
        let mut pools = Vec::with_capacity(sentences.len() + 1);
        let mut batch: Vec<Vec<u32>> = Vec::new();
        let mut tokens = 0;
        let mut stopped = false;
        for (index, sentence) in sentences.iter().enumerate() {
            let always = index == 0 || index + 1 == sentences.len();
            stopped = stopped || !always && !go_on();
            if stopped && !always {
                continue;
            }
            let rows = self.rows(sentence);
            if !batch.is_empty() && tokens + rows.len() > BATCH_TOKENS {
                pools.extend(network.pools(&self.file, &std::mem::take(&mut batch), &mut workspace));
                tokens = 0;
            }
            tokens += rows.len();
            batch.push(rows);
        }
        if !batch.is_empty() {
            pools.extend(network.pools(&self.file, &batch, &mut workspace));
        }
        self.idle().push(workspace);
        pools
    }

    /// Also after a panic elsewhere: a workspace holds nothing that the next batch reads.
    fn idle(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, pools: &[Pool]) -> Vec<Encoded> {
        if pools.is_empty() { Vec::new() } else { self.network().finish(pools) }
    }

    fn network(&self) -> &Network {
        self.network.get_or_init(|| Network::unpack(&self.file))
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
