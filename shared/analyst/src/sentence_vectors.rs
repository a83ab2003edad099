//! What sentences mean, worked out when the product is built: a vector of each in 516 bytes, found by its text.
//!
//! The vectors are rounded to signed bytes. One that is worked out at run time is rounded the same way, so that an article
//! means the same wherever its vectors come from.

use encoder::{DIMENSIONS, Encoder, Vector};
use ndarray::{Array2, ArrayView2, Axis, Slice, linalg::general_mat_mul};
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
    /// Reads the file form: the magic; then in ascending order the first 8 bytes of the text's SHA-256, the scale as
    /// little-endian `f32`, and 512 signed bytes.
    ///
    /// # Errors
    /// [`SentenceVectorsError`] for any bytes that [`Self::to_bytes`] cannot have written.
    pub fn read(bytes: &'static [u8]) -> Result<Self, SentenceVectorsError> {
        let entries = bytes.strip_prefix(MAGIC).ok_or(SentenceVectorsError)?;
        let read = Self { entries };
        let sound = entries.len().is_multiple_of(ENTRY)
            && read.keys().is_sorted_by(|a, b| a < b)
            && entries.chunks_exact(ENTRY).all(|entry| entry.get(KEY..).is_some_and(is_rounded));
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
        unrounded(self.find(text)?)
    }

    fn find(&self, text: &str) -> Option<&'static [u8]> {
        let key = key(text);
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let entry = self.entries.get(middle * ENTRY..(middle + 1) * ENTRY)?;
            let (found, vector) = entry.split_at_checked(KEY)?;
            match found.cmp(&key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(vector),
            }
        }
        None
    }

    /// A row for each text: as it was worked out when the product was built, else by the encoder now.
    #[must_use]
    pub(crate) fn rows(&self, encoder: &Encoder, texts: &[&str]) -> Rows {
        let known: Vec<Option<&[u8]>> = texts.iter().map(|text| self.find(text)).collect();
        let unknown = texts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(text, _)| *text);
        let mut worked_out = encoded(encoder, unknown).into_iter().map(|vector| rounded(&vector));
        let mut rows = Rows(Vec::with_capacity(texts.len() * ROUNDED));
        for known in known {
            match known {
                Some(known) => rows.extend(known),
                None => rows.extend(&worked_out.next().expect("one for each that is not known")),
            }
        }
        rows
    }

    fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.chunks_exact(ENTRY).filter_map(|entry| entry.get(..KEY))
    }
}

/// Vectors kept as bytes, in a quarter of their numbers' memory, and unpacked a few at a time.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Rows(Vec<u8>);

/// Vectors unpacked at once: 64 kB, which a processor's cache holds.
const UNPACKED: usize = 32;

impl Rows {
    /// For each row the cosines of it and each of these.
    pub(crate) fn cosines(&self, with: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut cosines = Array2::zeros((self.len(), with.nrows()));
        let mut unpacked = Array2::zeros((UNPACKED, DIMENSIONS));
        let blocks = self.0.chunks(UNPACKED * ROUNDED).zip(cosines.axis_chunks_iter_mut(Axis(0), UNPACKED));
        for (block, mut cosines) in blocks {
            for (bytes, mut row) in block.chunks_exact(ROUNDED).zip(unpacked.rows_mut()) {
                let vector = unrounded(bytes).expect("whoever read or made them has seen to that");
                row.iter_mut().zip(vector).for_each(|(to, from)| *to = from);
            }
            let filled = unpacked.slice_axis(Axis(0), Slice::from(..cosines.nrows()));
            general_mat_mul(1.0, &filled, &with.t(), 0.0, &mut cosines);
        }
        cosines
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len() / ROUNDED
    }

    /// Adds vectors in the form of [`rounded`].
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
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

/// Whether [`unrounded`] has an answer.
pub(crate) fn is_rounded(bytes: &[u8]) -> bool {
    parts(bytes).is_some()
}

/// None if there are not as many bytes as a vector has, or the scale is no number.
fn unrounded(bytes: &[u8]) -> Option<Vector> {
    let (scale, codes) = parts(bytes)?;
    Some(codes.map(|code| f32::from(code.cast_signed()) * scale))
}

/// The scale and the codes.
fn parts(bytes: &[u8]) -> Option<(f32, &[u8; DIMENSIONS])> {
    let (scale, codes) = bytes.split_first_chunk()?;
    let scale = f32::from_le_bytes(*scale);
    Some((scale, codes.try_into().ok()?)).filter(|_| scale.is_finite())
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
        let none = SentenceVectors::read(MAGIC).unwrap();
        assert_eq!(vectors.rows(&encoder, &texts), none.rows(&encoder, &texts));
    }

    #[test]
    fn cosines_are_of_all_rows_however_many_are_unpacked_at_once() {
        for count in [0, 1, UNPACKED, 2 * UNPACKED + 3] {
            let unit = |place: usize| -> Vector { std::array::from_fn(|index| f32::from(u8::from(index == place))) };
            let mut rows = Rows::default();
            (0..count).for_each(|place| rows.extend(&rounded(&unit(place))));
            assert_eq!(rows.len(), count);
            let with = Array2::from_shape_fn((2, DIMENSIONS), |(row, place)| (place + 1000 * row) as f32);
            let expected = Array2::from_shape_fn((count, 2), |(place, row)| (place + 1000 * row) as f32);
            assert!((rows.cosines(with.view()) - expected).iter().all(|error| error.abs() < 1e-3));
        }
    }

    #[test]
    fn broken_bytes_are_refused() {
        for bytes in [&b""[..], b"SENTVEC0", b"SENTVEC1too short"] {
            assert!(SentenceVectors::read(bytes).is_err());
        }
    }
}
