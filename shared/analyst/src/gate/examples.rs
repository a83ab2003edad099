//! Labelled tickets: what an article answers, and what is near it and is not answered.

use std::borrow::Cow;

use encoder::DIMENSIONS;

use crate::{
    asked::Asked,
    numbers::Numbers,
    sentence_vectors::{ROUNDED, Rows, is_rounded, rounded},
};

/// One labelled ticket.
#[derive(Clone, PartialEq, Debug)]
pub struct Example {
    /// The [fingerprint](crate::knowledge::KnowledgeBase::fingerprint_of) of the article.
    pub article: [u8; 8],
    /// Whether the article answers it.
    pub fits: bool,
    /// What it is about as a whole; then what each of its sentences means that says something, [`ROUNDED`] bytes each.
    vectors: Cow<'static, [u8]>,
}

/// Labelled tickets of all articles that have some.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Examples(pub Vec<Example>);

/// The examples of one article on one side, as rows.
#[derive(Clone, Default, Debug)]
pub(crate) struct Side {
    pub(crate) sentences: Rows,
    /// Which example each row is of.
    pub(crate) owners: Vec<usize>,
    pub(crate) wholes: Rows,
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
        // The file counts them in a byte.
        Self { article, fits, vectors: rounded.take(u8::MAX.into()).flatten().collect() }
    }
}

impl Examples {
    /// Of one article, on one side. None if there are none.
    pub(crate) fn side(&self, article: [u8; 8], fits: bool) -> Option<Side> {
        let mut side = Side::default();
        for (number, example) in
            self.0.iter().enumerate().filter(|(_, example)| example.article == article && example.fits == fits)
        {
            let (whole, sentences) = example.vectors.split_at_checked(ROUNDED)?;
            side.wholes.extend(whole);
            side.numbers.push(number);
            side.sentences.extend(sentences);
            side.owners.resize(side.sentences.len(), number);
        }
        (!side.numbers.is_empty()).then_some(side)
    }

    /// Reads the file form: for each example the article's fingerprint, a byte for whether it fits, one for how many vectors
    /// there are, and these.
    pub(super) fn read(file: &mut Numbers) -> Option<Self> {
        let mut examples = Vec::new();
        while !file.is_empty() {
            let article = file.bytes(8)?.try_into().ok()?;
            let [fits, count] = file.bytes(2)?.try_into().ok()?;
            let vectors = file.bytes(usize::from(count) * ROUNDED)?;
            if fits > 1 || count == 0 || !vectors.chunks_exact(ROUNDED).all(is_rounded) {
                return None;
            }
            examples.push(Example { article, fits: fits == 1, vectors: vectors.into() });
        }
        Some(Self(examples))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let of = |example: &Example| {
            let mut bytes = example.article.to_vec();
            bytes.extend([u8::from(example.fits), (example.vectors.len() / ROUNDED) as u8]);
            bytes.extend(&*example.vectors);
            bytes
        };
        self.0.iter().flat_map(of).collect()
    }
}
