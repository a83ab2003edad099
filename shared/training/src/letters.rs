//! Changes of letters, as people type: slips of the fingers, accents, case. Training varies its tickets so, and
//! `metamorphic` looks whether labels stay.

use std::collections::HashMap;

use crate::random::Random;

/// Of a hundred letters of a text this many are mistyped. Fewer where its words are too short.
pub const TYPOS: usize = 3;
/// Slips in a shorter word make another one of it. In letters.
const SHORTEST: usize = 4;
/// Neighbours on a keyboard.
const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];
/// What a writer in a hurry leaves out.
const MARKS: [char; 18] = ['.', ',', ';', ':', '!', '?', '…', '¿', '¡', '"', '“', '”', '„', '«', '»', '(', ')', '‚'];

/// A slip of the fingers.
#[derive(Clone, Copy)]
enum Slip {
    Left,
    Doubled,
    Swapped,
    Neighbour,
}

impl Slip {
    const ALL: [Self; 4] = [Self::Left, Self::Doubled, Self::Swapped, Self::Neighbour];

    /// How many letters are wrong then.
    fn letters(self) -> usize {
        match self {
            Self::Left | Self::Doubled | Self::Neighbour => 1,
            Self::Swapped => 2,
        }
    }

    /// A word of at least [`SHORTEST`] letters with the slip; the first letter is rarely wrong.
    fn made(self, word: &str, random: &mut Random) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        let place = 1 + random.below(letters.len() - 2);
        match self {
            Self::Left => drop(letters.remove(place)),
            Self::Doubled => letters.insert(place, letters.get(place).copied().unwrap_or_default()),
            Self::Swapped => letters.swap(place, place + 1),
            Self::Neighbour => {
                if let Some(letter) = letters.get_mut(place) {
                    *letter = neighbour(*letter);
                }
            }
        }
        letters.into_iter().collect()
    }
}

/// The key beside it; itself where it is on no row.
fn neighbour(letter: char) -> char {
    let row = ROWS.iter().find_map(|row| row.split_once(letter.to_ascii_lowercase()));
    let key = row.and_then(|(before, after)| after.chars().next().or_else(|| before.chars().next_back()));
    match key {
        Some(key) if letter.is_uppercase() => key.to_ascii_uppercase(),
        Some(key) => key,
        None => letter,
    }
}

/// Lines of one text with slips in three letters of a hundred; none where that is less than a letter.
#[must_use]
pub fn mistyped<S: AsRef<str>>(lines: &[S], random: &mut Random) -> Option<Vec<String>> {
    let tokens = || lines.iter().flat_map(|line| line.as_ref().split_inclusive(char::is_whitespace));
    let letters = lines.iter().flat_map(|line| line.as_ref().chars()).filter(|c| c.is_alphabetic()).count();
    let words = tokens().filter(|token| is_typed(core(token).1)).count();

    let mut left = letters * TYPOS / 100;
    let mut order: Vec<usize> = (0..words).collect();
    random.shuffle(&mut order);
    let mut slips = HashMap::new();
    for word in order {
        let slip = Slip::ALL.get(random.below(Slip::ALL.len())).copied().unwrap_or(Slip::Left);
        let Some(rest) = left.checked_sub(slip.letters()) else { break };
        left = rest;
        slips.insert(word, slip);
    }
    if slips.is_empty() {
        return None;
    }

    let mut place = 0;
    let mut slipped = |token: &str| {
        let (before, word, after) = core(token);
        if !is_typed(word) {
            return token.to_owned();
        }
        place += 1;
        match slips.get(&(place - 1)) {
            Some(slip) => format!("{before}{}{after}", slip.made(word, random)),
            None => token.to_owned(),
        }
    };
    let line = |line: &S| line.as_ref().split_inclusive(char::is_whitespace).map(&mut slipped).collect();
    Some(lines.iter().map(line).collect())
}

/// A token's marks before, its word, its marks after.
fn core(token: &str) -> (&str, &str, &str) {
    let word = token.trim_matches(|c: char| !c.is_alphanumeric());
    let at = token.len() - token.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
    let (before, rest) = token.split_at(if word.is_empty() { 0 } else { at });
    let (word, after) = rest.split_at(word.len());
    (before, word, after)
}

/// A word of prose: no address, no code.
fn is_typed(word: &str) -> bool {
    word.chars().all(char::is_alphabetic) && word.chars().nth(SHORTEST - 1).is_some()
}

/// Letters without their accents. German has a spelling for what its keyboard lacks.
#[must_use]
pub fn plain(text: &str, german: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'ä' if german => plain.push_str("ae"),
            'ö' if german => plain.push_str("oe"),
            'ü' if german => plain.push_str("ue"),
            'Ä' if german => plain.push_str("Ae"),
            'Ö' if german => plain.push_str("Oe"),
            'Ü' if german => plain.push_str("Ue"),
            'ß' => plain.push_str("ss"),
            'œ' => plain.push_str("oe"),
            'Œ' => plain.push_str("OE"),
            'æ' => plain.push_str("ae"),
            'Æ' => plain.push_str("AE"),
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => plain.push('a'),
            'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => plain.push('A'),
            'è' | 'é' | 'ê' | 'ë' => plain.push('e'),
            'È' | 'É' | 'Ê' | 'Ë' => plain.push('E'),
            'ì' | 'í' | 'î' | 'ï' => plain.push('i'),
            'Ì' | 'Í' | 'Î' | 'Ï' => plain.push('I'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' => plain.push('o'),
            'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' => plain.push('O'),
            'ù' | 'ú' | 'û' | 'ü' => plain.push('u'),
            'Ù' | 'Ú' | 'Û' | 'Ü' => plain.push('U'),
            'ç' => plain.push('c'),
            'Ç' => plain.push('C'),
            'ñ' => plain.push('n'),
            'Ñ' => plain.push('N'),
            'ÿ' | 'ý' => plain.push('y'),
            c => plain.push(c),
        }
    }
    plain
}

/// Lower case, without the marks between and around words. Those within one stay, as in `3.5` and `shop.example`.
#[must_use]
pub fn hurried(text: &str) -> String {
    let mut hurried = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let within = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        if within || !MARKS.contains(&c) {
            hurried.extend(c.to_lowercase());
        }
        before = c;
    }
    hurried
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "Hello, since this morning our warehouse receives addresses without house numbers from \
                        shop.example, about two hundred parcels, order 55120-B among them. Could somebody look?";

    #[test]
    fn at_most_three_letters_in_a_hundred_are_mistyped() {
        let letters = BODY.chars().filter(|c| c.is_alphabetic()).count();
        for seed in 0..200 {
            let lines = mistyped(&[BODY], &mut Random(seed)).unwrap();
            let wrong = strsim::levenshtein(BODY, &lines.concat());
            assert!(wrong > 0 && wrong * 100 <= letters * TYPOS, "{wrong} of {letters}: {lines:?}");
            for kept in ["shop.example", " 55120-B "] {
                assert!(lines.concat().contains(kept), "{kept} in {lines:?}");
            }
        }
        assert_eq!(mistyped(&["Short", "It is so."], &mut Random(1)), None);
    }

    #[test]
    fn a_seed_slips_the_same_way() {
        let once = |seed| mistyped(&["Addresses without numbers", BODY], &mut Random(seed));
        assert_eq!(once(1), once(1));
        assert_ne!(once(1), once(2));
    }

    #[test]
    fn accents_go_as_each_language_writes_without() {
        assert_eq!(plain("Größe Äpfel", true), "Groesse Aepfel");
        assert_eq!(
            plain("Où est le cœur naïf, garçon ? ¿Mañana, señor Gómez?", false),
            "Ou est le coeur naif, garcon ? ¿Manana, senor Gomez?"
        );
    }

    #[test]
    fn a_hurried_text_keeps_what_is_within_words() {
        assert_eq!(
            hurried("¿Dónde? On shop.example (v3.5), “now”: it's 10 %!"),
            "dónde on shop.example v3.5 now it's 10 %"
        );
    }
}
