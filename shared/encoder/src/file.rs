//! The encoder's file, read in place. `infra/encoder/build.py` writes it.
#![expect(
    clippy::indexing_slicing,
    reason = "sections are measured when the file is read, rows are below their number; a wrong one must panic in a test"
)]

use crate::DIMENSIONS;

/// Rises with every change of the format, so that no build reads another's file.
const MAGIC: &[u8; 8] = b"encoder1";
/// Rows of the table before the pieces': the three below.
pub(crate) const SPECIAL: u32 = 3;
pub(crate) const UNKNOWN: u32 = 0;
pub(crate) const BEGIN: u32 = 1;
pub(crate) const END: u32 = 2;

/// Bits of a code, so that eight codes are five bytes. A sixth is worth 8 MB and little else; four lose too much.
const BITS: usize = 5;
const ROW_BYTES: usize = DIMENSIONS * BITS / 8;

/// Why the bytes are no encoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    #[error("not an encoder's file of the version that this build reads")]
    Magic,
    #[error("the encoder's file ends too early")]
    TooShort,
    #[error("the encoder's file holds more than an encoder")]
    TooLong,
}

/// The sections of the file.
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) count: u32,
    pub(crate) unknown_score: f32,
    ends: &'static [u8],
    scores: &'static [u8],
    /// For each row of the table the step between two codes, and the value of code 0.
    steps: &'static [u8],
    lows: &'static [u8],
    /// For each row its codes, the first in the lowest bits.
    codes: &'static [u8],
    pub(crate) weights: &'static [u8],
    pieces: &'static [u8],
    pub(crate) normalizer: &'static [u8],
}

impl File {
    pub(crate) fn read(bytes: &'static [u8]) -> Result<Self, Broken> {
        let mut rest = Cursor(bytes);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(Broken::Magic);
        }
        let [count, blob, normalizer] = [rest.u32()?, rest.u32()?, rest.u32()?];
        let pieces = count as usize;
        let rows = pieces + SPECIAL as usize;
        let file = Self {
            count,
            unknown_score: f32::from_bits(rest.u32()?),
            ends: rest.take(4 * pieces)?,
            scores: rest.take(4 * pieces)?,
            steps: rest.take(4 * rows)?,
            lows: rest.take(4 * rows)?,
            codes: rest.take(rows * ROW_BYTES)?,
            weights: rest.take(crate::network::BYTES)?,
            pieces: rest.take(blob as usize)?,
            normalizer: rest.take(normalizer as usize)?,
        };
        if rest.0.is_empty() { Ok(file) } else { Err(Broken::TooLong) }
    }

    /// A piece's UTF-8. Pieces are in the order of their bytes.
    pub(crate) fn piece(&self, index: u32) -> Option<&'static [u8]> {
        let end = word(self.ends, index as usize)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => word(self.ends, before as usize)? as usize,
            None => 0,
        };
        self.pieces.get(start..end)
    }

    /// A piece's log-probability.
    pub(crate) fn score(&self, index: u32) -> f32 {
        float(self.scores, index as usize)
    }

    /// Unpacks the vector of a row.
    pub(crate) fn embed<'a>(&self, row: u32, into: impl Iterator<Item = &'a mut f32>) {
        let row = row as usize;
        let (step, low) = (float(self.steps, row), float(self.lows, row));
        let codes = &self.codes[row * ROW_BYTES..(row + 1) * ROW_BYTES];
        let codes = codes.as_chunks().0.iter().flat_map(|&[a, b, c, d, e]| {
            let eight = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
            [0, 1, 2, 3, 4, 5, 6, 7].map(|code| (eight >> (code * BITS)) & ((1 << BITS) - 1))
        });
        into.zip(codes).for_each(|(value, code)| *value = code as f32 * step + low);
    }
}

/// Takes sections off the front.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Broken::TooShort)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Broken> {
        word(self.take(4)?, 0).ok_or(Broken::TooShort)
    }
}

/// The little-endian number at an index.
pub(crate) fn word(bytes: &[u8], index: usize) -> Option<u32> {
    bytes.get(4 * index..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn float(bytes: &[u8], index: usize) -> f32 {
    f32::from_bits(word(bytes, index).expect("an index below the number of rows"))
}
