//! Records out of a CSV's bytes, going on after broken quoting.

use super::{Fault, InputError, REQUIRED, field::Fields};

/// Walks through the records. When quoting is broken, the line where the record began is reported and reading goes on
/// with the next line, so that one stray quote does not swallow the rest of the file.
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    columns: Vec<String>,
    /// Where the next record begins: byte and line.
    at: usize,
    line: u64,
    record: csv::ByteRecord,
}

impl<'a> Table<'a> {
    pub(super) fn open(file: &str, bytes: &'a [u8]) -> Result<Self, InputError> {
        let file = file.to_owned();
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(InputError::Encoding { file, found: "it looks like UTF-16" });
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.trim_ascii().is_empty() {
            return Err(InputError::Empty { file });
        }
        let mut table = Self { bytes, columns: Vec::new(), at: 0, line: 1, record: csv::ByteRecord::new() };
        table.read();
        let header: Option<Vec<&str>> = table.record.iter().map(|name| std::str::from_utf8(name).ok()).collect();
        let header = header.ok_or(InputError::Encoding { file: file.clone(), found: "in line 1" })?;
        table.columns = header.iter().map(|name| name.trim().to_lowercase()).collect();
        let missing: Vec<&str> =
            REQUIRED.into_iter().filter(|name| !table.columns.iter().any(|column| column == name)).collect();
        if missing.is_empty() {
            return Ok(table);
        }
        let found = if header.join(",").len() > 200 { "another header".to_owned() } else { header.join(", ") };
        let hint = if found.contains(';') { "; separate columns with commas, not semicolons" } else { "" };
        Err(InputError::Columns { file, missing, found, hint })
    }

    /// The next record with its line; blank lines are passed over.
    pub(super) fn next(&mut self) -> Option<(u64, Result<Fields<'_>, Fault>)> {
        self.skip_blank_lines();
        let (start, line) = (self.at, self.line);
        if !self.read() {
            return None;
        }
        if quoting_is_broken(self.bytes.get(start..self.at).unwrap_or_default()) {
            self.resume_after_line(start, line);
            let fault = "the quoting is broken: put a text with commas, quotes or line breaks in double quotes, and \
                         double every quote inside it";
            return Some((line, Err((None, fault.to_owned()))));
        }
        let (found, expected) = (self.record.len(), self.columns.len());
        if found != expected {
            let fault =
                format!("has {found} fields where the header has {expected}; put a text with commas in double quotes");
            return Some((line, Err((None, fault))));
        }
        Some((line, Ok(Fields { columns: &self.columns, record: &self.record })))
    }

    fn skip_blank_lines(&mut self) {
        while let Some(byte @ (b'\r' | b'\n')) = self.bytes.get(self.at) {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
    }

    /// Reads one record and moves behind it; false at the end.
    fn read(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(rest.len().clamp(1, 8 * 1024))
            .from_reader(rest);
        let found = reader.read_byte_record(&mut self.record).unwrap_or(false);
        let used = usize::try_from(reader.position().byte()).unwrap_or(rest.len()).min(rest.len());
        let skipped = rest.get(..used).unwrap_or_default();
        self.line += skipped.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at += used;
        found
    }

    fn resume_after_line(&mut self, start: usize, line: u64) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        (self.at, self.line) = (start + length, line + 1);
    }
}

/// RFC 4180: a quote opens a field or is inside a quoted one, doubled; after the closing quote the field ends.
fn quoting_is_broken(raw: &[u8]) -> bool {
    let mut quoted = false;
    let mut before = b',';
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (quoted, byte) {
            (true, b'"') if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (true, b'"') => {
                quoted = false;
                if !matches!(bytes.peek(), None | Some(b',' | b'\r' | b'\n')) {
                    return true;
                }
            }
            (false, b'"') if matches!(before, b',' | b'\n' | b'\r') => quoted = true,
            (false, b'"') => return true,
            _ => {}
        }
        before = byte;
    }
    quoted
}
