//! SentencePiece's unigram segmentation: of all ways to cut a text into pieces, the likeliest (Viterbi).
#![expect(
    clippy::indexing_slicing,
    reason = "places are at most the text's length, bytes below 256; a wrong one must panic in a test, not lose a piece"
)]

use crate::{
    Broken,
    file::{File, SPECIAL, UNKNOWN},
    normalizer::Normalizer,
};

pub(crate) struct Tokenizer {
    normalizer: Normalizer,
    /// For each first byte, where the pieces that begin with it start; one more for the end.
    first: Vec<u32>,
}

/// The best way to reach a place in the text.
#[derive(Clone, Copy)]
struct Step {
    /// Summed in double precision, as the package does, so that ties fall the same way.
    score: f64,
    from: usize,
    row: u32,
}

impl Tokenizer {
    pub(crate) fn new(file: &File) -> Result<Self, Broken> {
        let starts = |byte: u32| {
            narrow(0, file.count, |index| {
                file.piece(index).and_then(|piece| piece.first()).is_some_and(|first| u32::from(*first) < byte)
            })
        };
        Ok(Self { normalizer: Normalizer::new(file.normalizer)?, first: (0..=256).map(starts).collect() })
    }

    /// The rows of the pieces of a text, without begin and end.
    pub(crate) fn rows(&self, file: &File, text: &str) -> Vec<u32> {
        let text = self.normalizer.normalize(text);
        let mut best = vec![Step { score: f64::NEG_INFINITY, from: 0, row: UNKNOWN }; text.len() + 1];
        best[0].score = 0.0;
        for (start, c) in text.char_indices() {
            let rest = &text.as_bytes()[start..];
            let reached = best[start].score;
            let mut reach = |length: usize, score: f32, row: u32| {
                let score = reached + f64::from(score);
                let step = &mut best[start + length];
                if score > step.score {
                    *step = Step { score, from: start, row };
                }
            };
            let mut single = false;
            for (index, length) in self.prefixes(file, rest) {
                single |= length == c.len_utf8();
                reach(length, file.score(index), index + SPECIAL);
            }
            if !single {
                reach(c.len_utf8(), file.unknown_score, UNKNOWN);
            }
        }
        let mut rows = Vec::new();
        let mut at = text.len();
        while at > 0 {
            rows.push(best[at].row);
            at = best[at].from;
        }
        rows.reverse();
        if rows.is_empty() { vec![UNKNOWN] } else { rows }
    }

    /// The pieces that a text begins with, shortest first, with their lengths in bytes. The text is not empty.
    fn prefixes<'a>(&'a self, file: &'a File, text: &'a [u8]) -> impl Iterator<Item = (u32, usize)> + 'a {
        let first = usize::from(text[0]);
        // The pieces from `low` on, below `high`, begin with the text's first `length` bytes.
        let (mut low, mut high) = (self.first[first], self.first[first + 1]);
        (1..=text.len())
            .map_while(move |length| {
                if length > 1 {
                    let byte = text.get(length - 1);
                    let at = |index| file.piece(index).and_then(|piece| piece.get(length - 1));
                    low = narrow(low, high, |index| at(index) < byte);
                    high = narrow(low, high, |index| at(index) <= byte);
                }
                let whole = file.piece(low).is_some_and(|piece| piece.len() == length);
                if low < high { Some((low, length, whole)) } else { None }
            })
            .filter_map(|(index, length, whole)| if whole { Some((index, length)) } else { None })
    }
}

/// The first index from `low` on, below `high`, of which the condition no longer holds.
fn narrow(mut low: u32, mut high: u32, holds: impl Fn(u32) -> bool) -> u32 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
