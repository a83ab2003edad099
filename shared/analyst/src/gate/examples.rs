//! Labelled tickets: what an article answers, and what is near it and is not answered.

use encoder::{DIMENSIONS, Vector};
use ndarray::Array2;

use crate::{
    asked::Asked,
    numbers::Numbers,
    sentence_vectors::{ROUNDED, rounded, unrounded},
};

/// One labelled ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Example {
    /// The [fingerprint](crate::knowledge::KnowledgeBase::fingerprint_of) of the article.
    pub article: [u8; 8],
    /// Whether the article answers it.
    pub fits: bool,
    /// What it is about as a whole; then what each of its sentences means that says something.
    vectors: Vec<Vec<u8>>,
}

/// Labelled tickets of all articles that have some.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Examples(pub Vec<Example>);

/// The examples of one article on one side, as rows.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) sentences: Array2<f32>,
    /// Which example each row is of.
    pub(crate) owners: Vec<usize>,
    pub(crate) wholes: Array2<f32>,
    /// Which example each whole is.
    pub(crate) numbers: Vec<usize>,
}

impl Example {
    #[must_use]
    pub fn new(article: [u8; 8], fits: bool, asked: &Asked) -> Self {
        let vectors = std::iter::once(asked.whole()).chain(asked.said());
        let rounded = vectors.map(|row| {
            let mut vector = [0.0; DIMENSIONS];
            vector.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
            rounded(&vector)
        });
        Self { article, fits, vectors: rounded.collect() }
    }

    fn vectors(&self) -> impl Iterator<Item = Vector> {
        self.vectors.iter().filter_map(|bytes| unrounded(bytes))
    }
}

impl Examples {
    /// Of one article, on one side. None if there are none.
    pub(crate) fn side(&self, article: [u8; 8], fits: bool) -> Option<Side> {
        let (mut sentences, mut owners, mut wholes, mut numbers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (number, example) in
            self.0.iter().enumerate().filter(|(_, example)| example.article == article && example.fits == fits)
        {
            let mut vectors = example.vectors();
            wholes.extend(vectors.next()?);
            numbers.push(number);
            for sentence in vectors {
                sentences.extend(sentence);
                owners.push(number);
            }
        }
        let rows = |numbers: Vec<f32>| Array2::from_shape_vec((numbers.len() / DIMENSIONS, DIMENSIONS), numbers).ok();
        if numbers.is_empty() {
            return None;
        }
        Some(Side { sentences: rows(sentences)?, wholes: rows(wholes)?, owners, numbers })
    }

    /// Reads the file form: for each example the article's fingerprint, a byte for whether it fits, one for how many vectors
    /// there are, and these.
    pub(super) fn read(file: &mut Numbers) -> Option<Self> {
        let mut examples = Vec::new();
        while !file.is_empty() {
            let article = file.bytes(8)?.try_into().ok()?;
            let [fits, count] = file.bytes(2)?.try_into().ok()?;
            let vectors = (0..count).map(|_| file.bytes(ROUNDED).map(<[u8]>::to_vec)).collect::<Option<Vec<_>>>()?;
            if fits > 1 || count == 0 || vectors.iter().any(|bytes| unrounded(bytes).is_none()) {
                return None;
            }
            examples.push(Example { article, fits: fits == 1, vectors });
        }
        Some(Self(examples))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let of = |example: &Example| {
            let kept = example.vectors.len().min(usize::from(u8::MAX));
            let mut bytes = example.article.to_vec();
            bytes.extend([u8::from(example.fits), kept as u8]);
            bytes.extend(example.vectors.iter().take(kept).flatten());
            bytes
        };
        self.0.iter().flat_map(of).collect()
    }
}
