//! What sentences mean, worked out when the product is built: a vector of each in 516 bytes, found by its text.
//!
//! The vectors are rounded to signed bytes. One that is worked out at run time is rounded the same way, so that an article
//! means the same wherever its vectors come from.

use encoder::{DIMENSIONS, Encoder, Vector};
use ndarray::Array2;
use sha2::{Digest, Sha256};

use crate::text;

const MAGIC: &[u8] = b"SENTVEC1";
const KEY: usize = 8;
const ENTRY: usize = KEY + ROUNDED;
/// The scale and a byte for each number.
pub(crate) const ROUNDED: usize = size_of::<f32>() + DIMENSIONS;
const LARGEST_CODE: f32 = 127.0;

/// A file's bytes, in order of the keys; none of them is copied.
#[derive(Clone, Copy, Debug)]
pub struct SentenceVectors {
    entries: &'static [u8],
}

/// The bytes are no vectors of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not sentence vectors of this version; run `cargo run --release -- train --only-gate`")]
pub struct SentenceVectorsError;

impl SentenceVectors {
    /// No sentence's.
    pub const NONE: Self = Self { entries: &[] };

    /// Reads the file form: the magic; then in ascending order the first 8 bytes of the text's SHA-256, the scale as
    /// little-endian `f32`, and 512 signed bytes.
    ///
    /// # Errors
    /// [`SentenceVectorsError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, SentenceVectorsError> {
        let entries = bytes.strip_prefix(MAGIC).ok_or(SentenceVectorsError)?;
        let read = Self { entries };
        let sound = entries.len().is_multiple_of(ENTRY) && read.keys().is_sorted_by(|a, b| a < b);
        if sound { Ok(read) } else { Err(SentenceVectorsError) }
    }

    /// The file form of these texts' vectors.
    #[must_use]
    pub fn to_bytes<'a>(encoder: &Encoder, texts: impl Iterator<Item = &'a str>) -> Vec<u8> {
        let mut entries: Vec<([u8; KEY], &str)> = texts.map(|text| (key(text), text)).collect();
        entries.sort_unstable();
        entries.dedup_by_key(|(key, _)| *key);
        let vectors = encoded(encoder, entries.iter().map(|(_, text)| *text));
        let entries =
            entries.iter().zip(&vectors).flat_map(|((key, _), vector)| key.iter().copied().chain(rounded(vector)));
        MAGIC.iter().copied().chain(entries).collect()
    }

    /// How many sentences it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() / ENTRY
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What a text means, if it is one of these.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Vector> {
        let key = key(text);
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let entry = self.entries.get(middle * ENTRY..(middle + 1) * ENTRY)?;
            let (found, vector) = entry.split_at_checked(KEY)?;
            match found.cmp(&key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return unrounded(vector),
            }
        }
        None
    }

    /// A row for each text: as it was worked out when the product was built, else by the encoder now.
    #[must_use]
    pub fn rows(&self, encoder: &Encoder, texts: &[&str]) -> Array2<f32> {
        let known: Vec<Option<Vector>> = texts.iter().map(|text| self.get(text)).collect();
        let unknown = texts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(text, _)| *text);
        let mut worked_out = encoded(encoder, unknown).into_iter().map(|vector| unrounded(&rounded(&vector)));
        let mut rows = Array2::zeros((texts.len(), DIMENSIONS));
        for (mut row, known) in rows.rows_mut().into_iter().zip(known) {
            let vector = known.or_else(|| worked_out.next().flatten());
            row.iter_mut().zip(vector.iter().flatten()).for_each(|(to, from)| *to = *from);
        }
        rows
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.chunks_exact(ENTRY).filter_map(|entry| entry.get(..KEY))
    }
}

fn encoded<'a>(encoder: &Encoder, texts: impl Iterator<Item = &'a str>) -> Vec<Vector> {
    let texts: Vec<String> = texts.map(text::masked).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    encoder.encode(&texts).into_iter().map(|encoded| encoded.vector).collect()
}

/// The first bytes of a text's SHA-256. Of 5,000 texts no two share them but once in a trillion bases.
pub(crate) fn key(text: &str) -> [u8; KEY] {
    let mut key = [0; KEY];
    key.iter_mut().zip(Sha256::digest(text)).for_each(|(to, from)| *to = from);
    key
}

/// The scale, then a signed byte for each number.
pub(crate) fn rounded(vector: &Vector) -> Vec<u8> {
    let largest = vector.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
    let scale = (largest / LARGEST_CODE).max(f32::MIN_POSITIVE);
    let codes = vector.iter().map(|number| ((number / scale).round() as i8).cast_unsigned());
    scale.to_le_bytes().into_iter().chain(codes).collect()
}

/// None if there are not as many bytes as a vector has, or the scale is no number.
pub(crate) fn unrounded(bytes: &[u8]) -> Option<Vector> {
    let (scale, codes) = bytes.split_first_chunk()?;
    let scale = f32::from_le_bytes(*scale);
    let codes: &[u8; DIMENSIONS] = codes.try_into().ok()?;
    scale.is_finite().then(|| codes.map(|code| f32::from(code.cast_signed()) * scale))
}

#[cfg(test)]
mod tests {
    use encoder::cosine;

    use super::*;

    #[test]
    fn a_sentence_is_found_by_its_text() {
        let encoder = Encoder::new(data::ENCODER).unwrap();
        let texts = ["How do I rotate a key?", "Where is my payout?", "Who may invite users?"];
        let bytes = SentenceVectors::to_bytes(&encoder, texts.into_iter().chain(["Who may invite users?"]));
        let vectors = SentenceVectors::read(bytes.leak()).unwrap();
        assert_eq!(vectors.len(), texts.len());
        for text in texts {
            let whole = encoder.encode(&[&crate::text::masked(text)])[0].vector;
            assert!(cosine(&vectors.get(text).unwrap(), &whole) > 0.999);
        }
        assert_eq!(vectors.get("Something else"), None);
        let (known, now) = (vectors.rows(&encoder, &texts), SentenceVectors::NONE.rows(&encoder, &texts));
        assert_eq!(known, now);
    }

    #[test]
    fn broken_bytes_are_refused() {
        for bytes in [&b""[..], b"SENTVEC0", b"SENTVEC1too short"] {
            assert!(SentenceVectors::read(bytes).is_err());
        }
    }
}
