//! The records of a file, whatever it is: CSV, or JSON of any shape.

use std::collections::{HashMap, HashSet};

use csv::ByteRecord;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Input, InputError, Origin, columns::Columns, dialect, draft, json, notes::What, rows::Rows, sniff, table::Quoting,
};

/// Below, a file is read before a bar could be seen.
const LONG: usize = 4 * 1024 * 1024;

/// Columns that JSON objects may have between them: more is no export, and would fill the memory.
const MOST_PATHS: usize = 5_000;

/// Parses the bytes of a file.
///
/// # Errors
/// [`InputError`] for what concerns the whole file.
pub(super) fn parse(file: &str, bytes: &[u8], from: Origin<'_>) -> Result<Input, InputError> {
    let mut bytes = bytes;
    while let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        bytes = rest;
    }
    if bytes.trim_ascii().is_empty() {
        return Err(InputError::Empty { file: file.to_owned() });
    }
    let bar = bar(bytes.len());
    let rows = if sniff::is_json(bytes) { of_json(file, bytes, from) } else { of_csv(file, bytes, from, &bar) };
    bar.finish_and_clear();
    Ok(rows?.finish())
}

fn bar(bytes: usize) -> ProgressBar {
    if bytes < LONG {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes as u64);
    let style = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes} read, {eta} left");
    bar.set_style(style.expect("a fixed template"));
    bar
}

fn of_csv<'a>(file: &str, bytes: &[u8], from: Origin<'a>, bar: &ProgressBar) -> Result<Rows<'a>, InputError> {
    let dialect = dialect::detect(file, bytes, from.map)?;
    let (delimiter, mut table) = (dialect.delimiter, dialect.table);
    let mut rows = Rows::new(file, dialect.columns, from.teams);
    let columns = rows.columns.names.len();
    if dialect.above > 0 {
        let s = if dialect.above == 1 { "" } else { "s" };
        rows.said.push(format!("{} row{s} above the header passed over", dialect.above));
    }
    while let Some((line, quoting, record)) = table.next(Some(columns)) {
        match quoting {
            Quoting::Sound => {}
            Quoting::Mended => rows.notes.add(None, What::Quoting, line),
            Quoting::Broken => {
                let fault = "the quoting is broken: put a text with commas, quotes or line breaks in double quotes, and \
                             double every quote inside it";
                rows.skip(line, None, fault.to_owned());
                continue;
            }
        }
        match draft::aligned(record, &rows.columns, delimiter) {
            Some(whole) => {
                rows.notes.add(None, What::TooManyFields, line);
                rows.take(line, &whole);
            }
            None => rows.take(line, record),
        }
        if line.is_multiple_of(1_000) {
            bar.set_position(table.position() as u64);
        }
    }
    Ok(rows)
}

/// Twice through: first for the paths of all objects, which are the columns, then for the rows.
fn of_json<'a>(file: &str, bytes: &[u8], from: Origin<'a>) -> Result<Rows<'a>, InputError> {
    let assigned = from.map;
    let whole = json::whole_characters(bytes);
    let bytes = &*whole;
    let unreadable = |cause| InputError::Json { file: file.to_owned(), cause };
    let (mut names, mut places): (Vec<String>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    json::each(bytes, |_, value| {
        let Ok(value) = value else { return };
        json::flat(&value, &mut |path, _| {
            if names.len() < MOST_PATHS && !places.contains_key(path) {
                places.insert(path.to_owned(), names.len());
                names.push(path.to_owned());
            }
        });
    })
    .map_err(unreadable)?;
    let columns = Columns::new(names.clone(), assigned).ok().filter(Columns::has_text);
    let columns = columns.ok_or_else(|| dialect::no_header(file, names, assigned))?;
    let mut rows = Rows::new(file, columns, from.teams);
    let wanted: HashSet<usize> = rows.columns.of.values().flatten().copied().chain(rows.columns.direction).collect();
    json::each(bytes, |line, value| {
        let value = match value {
            Ok(value) => value,
            Err(fault) => return rows.skip(line, None, fault),
        };
        let mut cells = vec![String::new(); rows.columns.names.len()];
        let mut said = false;
        json::flat(&value, &mut |path, text| {
            if let Some(place) = places.get(path).filter(|place| wanted.contains(place))
                && let Some(cell) = cells.get_mut(*place)
            {
                *cell = text;
                said = true;
            }
        });
        if said {
            rows.take(line, &ByteRecord::from(cells));
        } else {
            rows.skip(line, None, "is no ticket".to_owned());
        }
    })
    .map_err(unreadable)?;
    Ok(rows)
}
