//! The letters of a text, whatever it is written in: HTML, an export's escapes, characters that look alike.

/// The letters and digits of a text, as they look, in lower case.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Letters {
    pub(super) letters: String,
    /// For each byte of `letters` where in the text its letter starts and ends.
    pub(super) places: Vec<(usize, usize)>,
}

/// A person reads it as it stands: no tags, entities, escapes, quoting marks or invisible characters.
pub(super) fn is_plain(text: &str) -> bool {
    let quoted = text.contains(" > ") || text.starts_with("> ");
    !quoted
        && !text.contains(['<', '\\'])
        && !text.chars().any(|c| invisible(c) || look_alike(c) != c)
        && !text.match_indices('&').any(|(at, _)| entity(text.get(at..).unwrap_or_default()).is_some())
}

pub(super) fn letters(text: &str) -> Letters {
    let mut found = Letters::default();
    let mut push = |c: char, start: usize, end: usize| {
        for c in c.to_lowercase().map(look_alike).filter(|c| c.is_alphanumeric()) {
            found.letters.push(c);
            found.places.extend(std::iter::repeat_n((start, end), c.len_utf8()));
        }
    };
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        let length = match c {
            '<' => tag(rest),
            '&' => entity(rest).map(|(c, length)| {
                push(c.unwrap_or(' '), at, at + length);
                length
            }),
            // What an export writes for a line break.
            '\\' => rest.get(1..2).filter(|c| matches!(*c, "n" | "r" | "t")).map(|_| 2),
            _ => None,
        };
        if let Some(length) = length {
            at += length;
            continue;
        }
        push(c, at, at + c.len_utf8());
        at += c.len_utf8();
    }
    found
}

/// The longest tag; beyond, a `<` is one of the customer's own. In bytes.
const LONGEST_TAG: usize = 2_000;
/// Their text is not seen.
const UNSEEN: [(&str, &str); 3] = [("<style", "</style"), ("<script", "</script"), ("<!--", "-->")];

/// The length of a tag at the start of a text.
fn tag(text: &str) -> Option<usize> {
    let name = text.get(1..)?;
    if !name.strip_prefix('/').unwrap_or(name).starts_with(|c: char| c.is_ascii_alphabetic() || c == '!') {
        return None;
    }
    let within = |most: usize| {
        let most = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        text.get(..most.unwrap_or(0)).unwrap_or_default()
    };
    for (open, close) in UNSEEN {
        if text.get(..open.len()).is_some_and(|start| start.eq_ignore_ascii_case(open)) {
            let end = within(LONGEST_TAG).find(close)?;
            return Some(end + close.len());
        }
    }
    within(LONGEST_TAG).find('>').map(|end| end + 1)
}

/// The letter of an entity at the start of a text, if it is one, and its length.
fn entity(text: &str) -> Option<(Option<char>, usize)> {
    let end = text.bytes().take(10).position(|c| c == b';')?;
    let name = text.get(1..end).filter(|name| name.len() >= 2)?;
    let number = name.strip_prefix('#').map(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    });
    let letter = match number {
        Some(number) => Some(char::from_u32(number.ok()?)?),
        // Whatever other names there are, they name no letter.
        None if name.bytes().all(|c| c.is_ascii_alphanumeric()) => {
            ACCENTED.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)
        }
        None => return None,
    };
    Some((letter, end + 1))
}

const ACCENTED: [(&str, char); 36] = [
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("atilde", 'ã'),
    ("aring", 'å'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("igrave", 'ì'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("ograve", 'ò'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("otilde", 'õ'),
    ("oslash", 'ø'),
    ("ugrave", 'ù'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("Eacute", 'É'),
    ("Agrave", 'À'),
    ("Ccedil", 'Ç'),
    ("Ntilde", 'Ñ'),
    ("oelig", 'œ'),
];

/// Takes no place where it stands.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Cyrillic, Greek and full-width letters that are read as Latin ones. The same on both sides, so that a text of these
/// letters is found as well.
fn look_alike(c: char) -> char {
    const PAIRS: [(char, char); 31] = [
        ('а', 'a'),
        ('α', 'a'),
        ('е', 'e'),
        ('ε', 'e'),
        ('о', 'o'),
        ('ο', 'o'),
        ('р', 'p'),
        ('ρ', 'p'),
        ('с', 'c'),
        ('у', 'y'),
        ('х', 'x'),
        ('χ', 'x'),
        ('і', 'i'),
        ('ι', 'i'),
        ('ѕ', 's'),
        ('ј', 'j'),
        ('ԁ', 'd'),
        ('ӏ', 'l'),
        ('ո', 'n'),
        ('т', 't'),
        ('τ', 't'),
        ('м', 'm'),
        ('μ', 'm'),
        ('к', 'k'),
        ('κ', 'k'),
        ('н', 'h'),
        ('η', 'h'),
        ('в', 'b'),
        ('β', 'b'),
        ('υ', 'y'),
        ('ν', 'v'),
    ];
    match c {
        '\0'..='\x7f' => c,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => PAIRS.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to),
    }
}
