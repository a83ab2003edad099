//! SentencePiece's `nmt_nfkc` normaliser: a double-array trie from byte sequences to their replacements.

use crate::{Broken, file::word};

/// What a space is written as, before the first word too.
const SPACE: &str = "\u{2581}";

/// Trie units, then replacements that end in a zero byte.
pub(crate) struct Normalizer {
    trie: &'static [u8],
    replacements: &'static [u8],
}

impl Normalizer {
    pub(crate) fn new(bytes: &'static [u8]) -> Result<Self, Broken> {
        let (length, rest) = bytes.split_first_chunk().ok_or(Broken::TooShort)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (trie, replacements) = rest.split_at_checked(length).ok_or(Broken::TooShort)?;
        Ok(Self { trie, replacements })
    }

    /// Compatibility forms folded, white space runs made one `▁`, one `▁` before the first word, none at the end.
    pub(crate) fn normalize(&self, text: &str) -> String {
        let mut normal = String::with_capacity(text.len() + SPACE.len());
        let mut rest = text;
        let mut space = true;
        while !rest.is_empty() {
            let (replacement, length) = self.prefix(rest);
            for c in replacement.chars() {
                if c == ' ' {
                    space = true;
                } else {
                    if std::mem::take(&mut space) {
                        normal.push_str(SPACE);
                    }
                    normal.push(c);
                }
            }
            (_, rest) = rest.split_at(length);
        }
        normal
    }

    /// What the longest known prefix of the text becomes, and that prefix's length in bytes; a character that is not
    /// known stays.
    fn prefix<'a>(&self, text: &'a str) -> (&'a str, usize)
    where
        Self: 'a,
    {
        let mut longest = None;
        let mut node = word(self.trie, 0).map_or(0, offset);
        for (index, byte) in text.bytes().enumerate() {
            node ^= u32::from(byte);
            let Some(unit) = word(self.trie, node as usize).filter(|unit| unit & 0x8000_00ff == u32::from(byte)) else {
                break;
            };
            node ^= offset(unit);
            if unit & 0x100 != 0 {
                longest = word(self.trie, node as usize).map(|leaf| (leaf & 0x7fff_ffff, index + 1));
            }
        }
        longest
            .and_then(|(value, length)| Some((self.replacement(value)?, length)))
            .filter(|(_, length)| text.is_char_boundary(*length))
            .unwrap_or_else(|| {
                let length = text.chars().next().map_or(0, char::len_utf8);
                (text.get(..length).unwrap_or_default(), length)
            })
    }

    fn replacement(&self, at: u32) -> Option<&'static str> {
        let rest = self.replacements.get(at as usize..)?;
        std::str::from_utf8(rest.split(|byte| *byte == 0).next()?).ok()
    }
}

fn offset(unit: u32) -> u32 {
    (unit >> 10) << ((unit & 0x200) >> 6)
}
