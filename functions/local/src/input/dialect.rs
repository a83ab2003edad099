//! How a file is written: what parts its fields, and where its header is.

use super::{
    InputError,
    columns::{Assignment, Columns, Missing},
    exports::Field,
    table::Table,
    text,
};
use crate::say::escaped;

/// What parts fields, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Reports put a title, a date and blank lines above their header.
const LINES_ABOVE: usize = 10;

/// Longer than any name of a column, in bytes: a text that stands where a header should is not looked through.
const LONGEST_NAME: usize = 1_024;

/// A table behind its header.
pub(super) struct Dialect<'a> {
    pub(super) delimiter: u8,
    pub(super) columns: Columns,
    pub(super) table: Table<'a>,
    /// Rows that stand above the header.
    pub(super) above: usize,
}

/// Finds the delimiter and the header that name the most of a ticket.
///
/// # Errors
/// No header with a text, or a column that was assigned and is not there.
pub(super) fn detect<'a>(file: &str, bytes: &'a [u8], assigned: &[Assignment]) -> Result<Dialect<'a>, InputError> {
    let told = told(bytes);
    let candidates = if let Some(delimiter) = told { vec![delimiter] } else { DELIMITERS.to_vec() };
    let mut best: Option<Dialect<'_>> = None;
    let mut first: Option<Vec<String>> = None;
    for delimiter in candidates {
        let mut table = Table::new(bytes, delimiter);
        if told.is_some() {
            table.next(None);
        }
        for above in 0..LINES_ABOVE {
            let Some((_, _, record)) = table.next(None) else { break };
            let names: Vec<String> = record.iter().map(name).collect();
            if above == 0 && first.as_ref().is_none_or(|first| first.len() < names.len()) {
                first = Some(names.clone());
            }
            let Ok(columns) = Columns::new(names, assigned) else { continue };
            // Further down it takes more than one word to be a header.
            if !columns.has_text() || above > 0 && columns.fit() < 2 {
                continue;
            }
            if best.as_ref().is_none_or(|best| best.columns.fit() < columns.fit()) {
                best = Some(Dialect { delimiter, columns, table, above });
            }
            break;
        }
    }
    best.ok_or_else(|| no_header(file, first.unwrap_or_default(), assigned))
}

/// A column's name: what is longer is none.
fn name(cell: &[u8]) -> String {
    text::clean(cell.get(..LONGEST_NAME.min(cell.len())).unwrap_or_default(), LONGEST_NAME).0.into_owned()
}

/// The delimiter that the first line tells, `sep=;` as Excel has it, perhaps in quotes.
fn told(bytes: &[u8]) -> Option<u8> {
    let line = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (word, rest) = line.split_at_checked(4)?;
    let (delimiter, rest) = rest.split_first()?;
    let ended = rest.iter().all(|byte| matches!(byte, b'"' | b' ' | b',' | b';' | b'\t'));
    (word.eq_ignore_ascii_case(b"sep=") && ended && delimiter.is_ascii() && *delimiter != b'"').then_some(*delimiter)
}

/// Why the header cannot be used.
pub(super) fn no_header(file: &str, names: Vec<String>, assigned: &[Assignment]) -> InputError {
    let file = file.to_owned();
    let found = listed(&names);
    match Columns::new(names.clone(), assigned) {
        Err(Missing { assignment }) => {
            let bare = Columns::new(names, &[]).ok();
            let near = bare.as_ref().and_then(|columns| columns.nearest(&assignment.column)).map(escaped);
            InputError::NoColumn { file, column: escaped(&assignment.column), found, near }
        }
        Ok(columns) => {
            let guess = |field| columns.guess(field).map(|name| (field, escaped(name)));
            let guess = guess(Field::Description).or_else(|| guess(Field::Subject));
            let (field, column) = guess.unwrap_or((Field::Description, "COLUMN".to_owned()));
            InputError::NoText { file, found, remedy: format!("--map {}={}", field.name(), quoted(&column)) }
        }
    }
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) { word.to_owned() } else { format!("\"{word}\"") }
}

/// Names of columns for a message: not too many, and none too long.
fn listed(names: &[String]) -> String {
    const MOST: usize = 40;
    let short = |name: &String| {
        let start: String = name.chars().take(40).collect();
        escaped(&start) + if start.len() < name.len() { "…" } else { "" }
    };
    let shown: Vec<String> = names.iter().filter(|name| !name.is_empty()).take(MOST).map(short).collect();
    let more = if names.len() > MOST { format!(" and {} more", names.len() - MOST) } else { String::new() };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_may_tell_the_delimiter() {
        for (text, expected) in [
            ("sep=;\nid;subject", Some(b';')),
            ("\"sep=;\"\r\nid;subject", Some(b';')),
            ("SEP=,\nid,subject", Some(b',')),
            ("sep=\t\nid\tsubject", Some(b'\t')),
            ("sep=;;;\nid;subject;x", Some(b';')),
            ("separator,subject", None),
            ("sep=", None),
            ("id,subject", None),
        ] {
            assert_eq!(told(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_a_header() {
        for (text, delimiter, above) in [
            ("id,subject,a;b\n", b',', 0),
            ("id;subject, short;description\n", b';', 0),
            ("id\tsubject\tdescription\n", b'\t', 0),
            ("id|subject|description\n", b'|', 0),
            ("subject\n", b',', 0),
            ("Tickets of May; by team\n\nid;subject;description\n1;a, b, c;d\n", b';', 1),
            ("sep=|\nid|subject\n", b'|', 0),
        ] {
            let found = detect("t.csv", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!((found.delimiter, found.above), (delimiter, above), "{text:?}");
        }
    }

    #[test]
    fn a_header_without_text_is_refused_with_a_remedy() {
        for (text, assigned, problem) in [
            ("a,b\n1,2\n", "", "Its columns are a, b. Name it, such as --map description=COLUMN"),
            ("id;Beschreibng;x\n", "", "--map description=Beschreibng"),
            ("id,My bdoy text\n", "", "--map "),
            (
                "id,Betreff\n",
                "subject=Betref",
                "has no column “Betref”; its columns are id, Betreff. Did you mean “Betreff”?",
            ),
            ("\u{1b}]0;x\u{202e}\u{7},b\n", "", "are ]0;x\\u{202e}, b"),
        ] {
            let assigned: Vec<Assignment> = assigned.parse().into_iter().collect();
            let Err(error) = detect("t.csv", text.as_bytes(), &assigned) else { panic!("{text:?}") };
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
