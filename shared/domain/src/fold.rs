//! Words as they are compared: in lower case, without accents and marks.

/// A letter in lower case without its accent.
pub(crate) fn letter(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().map(|c| match c {
        'á' | 'à' | 'â' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'î' | 'ï' => 'i',
        'ó' | 'ô' | 'ö' => 'o',
        'ú' | 'û' | 'ü' | 'ù' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    })
}

/// Texts as words with one blank around each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Folded(String);

impl Folded {
    pub(crate) fn new(texts: &[&str]) -> Self {
        let mut folded = String::from(" ");
        for text in texts {
            let letters = text.chars().flat_map(letter).map(|c| if c.is_alphanumeric() { c } else { ' ' });
            let letters: String = letters.collect();
            for word in letters.split_whitespace() {
                folded.push_str(word);
                folded.push(' ');
            }
        }
        Self(folded)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == " "
    }

    /// Whether these words stand there one after the other; the last one may go on if it ends in `*`.
    pub(crate) fn says(&self, words: &str) -> bool {
        let wanted = Self::new(&[words]);
        let wanted = if words.trim_end().ends_with('*') { wanted.0.trim_end() } else { wanted.0.as_str() };
        self.0.contains(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_whatever_their_form() {
        let text = Folded::new(&["Wir KÜNDIGEN, zum Quartalsende!", "d'accord"]);
        for (words, expected) in [
            ("kundigen zum", true),
            ("kündig*", true),
            ("kündig", false),
            ("quartal*", true),
            ("digen", false),
            ("D’accord", true),
        ] {
            assert_eq!(text.says(words), expected, "{words}");
        }
    }
}
