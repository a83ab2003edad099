//! Records out of a CSV's bytes, going on after broken quoting.

use csv::ByteRecord;

use super::mend;

/// Walks through the records. A record whose quoting is broken is mended; where that fails, the line it began on is
/// reported and reading goes on with the next, so that one stray quote does not swallow the rest of the file.
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// Where the reader began, and where the next record does.
    base: usize,
    at: usize,
    /// The line there, from 1.
    line: u64,
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
}

/// What a record was found to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quoting {
    Sound,
    Mended,
    Broken,
}

impl<'a> Table<'a> {
    pub(super) fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        let reader = reader(bytes, delimiter);
        Self { bytes, delimiter, base: 0, at: 0, line: 1, reader, record: ByteRecord::new() }
    }

    /// The next record with the line it begins on; blank lines are passed over. `columns` is how many fields a mended
    /// one must have.
    pub(super) fn next(&mut self, columns: Option<usize>) -> Option<(u64, Quoting, &ByteRecord)> {
        let found = self.reader.read_byte_record(&mut self.record).unwrap_or(false);
        let end = self.base + usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        let end = if found { end.min(self.bytes.len()) } else { self.bytes.len() };
        let raw = self.bytes.get(self.at..end).unwrap_or_default();
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = self.at + blank;
        let line = self.line + self.lines(self.at, start);
        if !found {
            return None;
        }
        if !quoting_is_broken(raw.get(blank..).unwrap_or_default(), self.delimiter) {
            self.line = line + self.lines(start, end);
            self.at = end;
            return Some((line, Quoting::Sound, &self.record));
        }
        let rest = self.bytes.get(start..).unwrap_or_default();
        let mended = mend::mended(rest, self.delimiter, columns);
        let length = mended.as_ref().map_or_else(|| line_length(rest), |mended| mended.length);
        self.line = line + self.lines(start, start + length);
        self.at = start + length;
        // Mostly it ended where it should: making a reader costs as much as reading some hundred rows.
        if self.at != end {
            self.base = self.at;
            self.reader = reader(self.bytes.get(self.at..).unwrap_or_default(), self.delimiter);
        }
        match mended {
            Some(mended) => {
                self.record = ByteRecord::from(mended.fields);
                Some((line, Quoting::Mended, &self.record))
            }
            None => Some((line, Quoting::Broken, &self.record)),
        }
    }

    /// How far it has come, in bytes.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Line ends of any kind between two places.
    fn lines(&self, from: usize, to: usize) -> u64 {
        let ends = |at: &usize| match self.bytes.get(*at) {
            Some(b'\n') => true,
            Some(b'\r') => self.bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        (from..to).filter(ends).count() as u64
    }
}

fn reader(rest: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(rest.len().clamp(1, 8 * 1024))
        .from_reader(rest)
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(rest.len(), |end| end + 1)
}

/// RFC 4180: a quote opens a field or is inside a quoted one, doubled; after the closing quote the field ends.
fn quoting_is_broken(raw: &[u8], delimiter: u8) -> bool {
    if !raw.contains(&b'"') {
        return false;
    }
    let ends = |byte: u8| byte == delimiter || matches!(byte, b'\r' | b'\n');
    let mut quoted = false;
    let mut before = delimiter;
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (quoted, byte) {
            (true, b'"') if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (true, b'"') => {
                quoted = false;
                if bytes.peek().is_some_and(|next| !ends(*next)) {
                    return true;
                }
            }
            (false, b'"') if ends(before) => quoted = true,
            (false, b'"') => return true,
            _ => {}
        }
        before = byte;
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: u8, columns: usize) -> Vec<(u64, Quoting, Vec<String>)> {
        let mut table = Table::new(text.as_bytes(), delimiter);
        let mut found = Vec::new();
        while let Some((line, quoting, record)) = table.next(Some(columns)) {
            let fields = record.iter().map(|field| String::from_utf8(field.to_vec()).unwrap()).collect();
            found.push((line, quoting, if quoting == Quoting::Broken { Vec::new() } else { fields }));
        }
        found
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("{end}a,b{end}{end}\"c{end}c\",d{end}e,f");
            let lines: Vec<u64> = read(&text, b',', 2).iter().map(|(line, ..)| *line).collect();
            assert_eq!(lines, [2, 4, 6], "{end:?}");
        }
    }

    #[test]
    fn stray_quotes_are_mended() {
        for (row, expected) in [
            (r#"1,5" screen,x"#, vec!["1", r#"5" screen"#, "x"]),
            (r#"1,"he said "no" twice",x"#, vec!["1", r#"he said "no" twice"#, "x"]),
            (r#"1,"a "b" c, d",x"#, vec!["1", r#"a "b" c, d"#, "x"]),
            (r#"1,"he said "no"",x"#, vec!["1", r#"he said "no""#, "x"]),
            (r#"1,"""doubled"" and "not"",x"#, vec!["1", r#""doubled" and "not""#, "x"]),
            ("1,\"two \"lines\" \nof it\",x", vec!["1", "two \"lines\" \nof it", "x"]),
        ] {
            let found = read(&format!("{row}\n2,b,c\n"), b',', 3);
            assert_eq!(found[0], (1, Quoting::Mended, expected.iter().map(|&field| field.to_owned()).collect()));
            assert_eq!(found[1].2, ["2", "b", "c"], "{row}");
        }
    }

    #[test]
    fn an_open_quote_swallows_no_other_row() {
        for (row, delimiter) in [("1,\"never closed,x", b','), ("1;\"never closed;x", b';')] {
            let d = char::from(delimiter);
            let text = format!("{row}\n2{d}\"fine, \"\"really\"\"\nfine\"{d}c\n3{d}b{d}c\n");
            let found = read(&text, delimiter, 3);
            assert_eq!(found.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), [1, 2, 4], "{found:?}");
            assert_eq!(found[0].1, Quoting::Broken);
            assert_eq!((found[1].1, found[2].1), (Quoting::Sound, Quoting::Sound));
        }
    }

    #[test]
    fn many_broken_rows_take_linear_time() {
        let text = "1,\"a\"b,c\n".repeat(20_000) + "2,\"open";
        assert_eq!(read(&text, b',', 3).len(), 20_001);
    }
}
