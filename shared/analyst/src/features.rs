//! A text as a sparse vector: hashed word and character n-grams and a few marks of style.
#![expect(clippy::indexing_slicing, reason = "a run of equal hashes has a first one")]

/// Buckets of the hashed space: few enough that the weights of all tasks are 1.6 MB, at the price of collisions.
pub const BUCKETS: usize = 1 << 15;

/// Bucket and weight, by ascending bucket, of unit length (or empty).
pub type Features = Vec<(u32, f32)>;

/// The features of a text. `subject` is told apart from the rest only by counting for more.
#[must_use]
pub fn extract(subject: &str, body: &str) -> Features {
    let mut hashes = Vec::with_capacity(8 * (subject.len() + body.len()));
    let mut scratch = Vec::new();
    for (text, times) in [(subject, 2), (body, 1)] {
        let words = words(text);
        for _ in 0..times {
            grams(&words, &mut hashes, &mut scratch);
        }
    }
    marks(body, &mut hashes);
    weighted(hashes)
}

/// Lower-case words without accents, figures as one placeholder.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase).chain([' ']) {
        match fold(c) {
            Some(folded) if folded.is_ascii_digit() && word.ends_with('0') => {}
            Some(folded) if folded.is_ascii_digit() => word.push('0'),
            Some(folded) => word.push(folded),
            None if c == '\'' || c == '’' => {}
            None if !word.is_empty() => words.push(std::mem::take(&mut word)),
            None => {}
        }
    }
    words
}

/// A letter or digit without its accent; None for anything that separates words.
fn fold(c: char) -> Option<char> {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => Some('a'),
        'ç' => Some('c'),
        'è' | 'é' | 'ê' | 'ë' => Some('e'),
        'ì' | 'í' | 'î' | 'ï' => Some('i'),
        'ñ' => Some('n'),
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => Some('o'),
        'ù' | 'ú' | 'û' | 'ü' => Some('u'),
        'ß' => Some('s'),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    }
}

/// Words, pairs of words, and the 3-, 4- and 5-grams of each word between its borders.
fn grams(words: &[String], hashes: &mut Vec<u32>, scratch: &mut Vec<u8>) {
    let mut previous: Option<&String> = None;
    for word in words {
        hashes.push(hash(b'w', word.as_bytes(), b""));
        if let Some(previous) = previous {
            hashes.push(hash(b'p', previous.as_bytes(), word.as_bytes()));
        }
        previous = Some(word);
        scratch.clear();
        scratch.push(b'<');
        scratch.extend_from_slice(word.as_bytes());
        scratch.push(b'>');
        for n in 3..=5 {
            for gram in scratch.windows(n) {
                hashes.push(hash(b'c', gram, b""));
            }
        }
    }
}

/// Exclamation marks, questions, length: how it is said.
fn marks(body: &str, hashes: &mut Vec<u32>) {
    let count = |mark| body.matches(mark).count().min(3);
    let mut mark = |name: &[u8], level: usize| {
        let level = u8::try_from(level.min(9)).expect("a digit");
        hashes.push(hash(b'm', name, &[b'0' + level]));
    };
    mark(b"exclamation", count('!'));
    mark(b"question", count('?'));
    mark(b"length", body.len().checked_ilog2().unwrap_or(0) as usize);
}

/// FNV-1a over the parts, folded to a bucket.
fn hash(kind: u8, first: &[u8], second: &[u8]) -> u32 {
    let mut state: u32 = 0x811c_9dc5;
    for byte in [kind].iter().chain(first).chain([0xff].iter()).chain(second) {
        state = (state ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    }
    // FNV's high bits are the better mixed ones, so they are folded into the low ones.
    (state ^ (state >> 15)) & (BUCKETS as u32 - 1)
}

/// Damped counts, scaled to unit length.
fn weighted(mut hashes: Vec<u32>) -> Features {
    hashes.sort_unstable();
    let mut features: Features =
        hashes.chunk_by(|a, b| a == b).map(|run| (run[0], libm::sqrtf(run.len() as f32))).collect();
    let length = libm::sqrtf(features.iter().map(|(_, weight)| weight * weight).sum());
    for (_, weight) in &mut features {
        *weight /= length;
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_figures_do_not_matter() {
        assert_eq!(words("Été 2024: don't PANIC!"), ["ete", "0", "dont", "panic"]);
        assert_eq!(words("Order A-1042"), ["order", "a", "0"]);
    }

    #[test]
    fn a_vector_is_sorted_and_of_unit_length() {
        let features = extract("Webhook broken", "It fails. It fails again!");
        assert!(features.is_sorted_by(|a, b| a.0 < b.0));
        let length: f32 = features.iter().map(|(_, weight)| weight * weight).sum();
        assert!((length - 1.0).abs() < 1e-4);
        assert!(features.iter().all(|(bucket, _)| (*bucket as usize) < BUCKETS));
    }
}
