//! Tells copies of one message from two messages, without keeping the text.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Letters and digits looked at: two mails that agree so far and then differ are rarer than cut ones.
const LOOKED_AT: usize = 2_000;

/// Of a text's letters and digits, in any case, whatever stands between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// None for a text without a letter or digit: all such are alike.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let letters = text.chars().filter(|c| c.is_alphanumeric()).take(LOOKED_AT);
        let letters: String = letters.flat_map(char::to_lowercase).collect();
        let digest = Sha256::digest(letters.as_bytes());
        let (first, _) = digest.split_first_chunk::<8>().expect("a SHA-256 has 32 bytes");
        (!letters.is_empty()).then(|| Self(u64::from_be_bytes(*first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_differ_in_nothing_but_what_stands_between() {
        let check =
            |a: &str, b: &str, same: bool| assert_eq!(Fingerprint::of(a) == Fingerprint::of(b), same, "{a} {b}");
        check("We leave, today.", "> we LEAVE\n> today", true);
        check("We leave today.", "We leave tomorrow.", false);
        assert_eq!(Fingerprint::of(" \n--"), None);
    }
}
