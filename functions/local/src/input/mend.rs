//! A record whose writer did not double the quotes inside it.

/// A text is far shorter; what is longer has lost its closing quote.
const LONGEST: usize = 256 * 1024;

/// A record as it was meant.
pub(super) struct Mended {
    pub(super) fields: Vec<Vec<u8>>,
    /// Bytes it takes, its line end included.
    pub(super) length: usize,
}

/// The record at the start of the bytes, taking quotes for text unless they stand at the ends of a field. None unless it
/// has exactly as many fields as there are columns.
pub(super) fn mended(bytes: &[u8], delimiter: u8, columns: Option<usize>) -> Option<Mended> {
    let bytes = bytes.get(..LONGEST.min(bytes.len()))?;
    let ends = |at: usize| bytes.get(at).is_none_or(|byte| *byte == delimiter || matches!(byte, b'\r' | b'\n'));
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let mut field = Vec::new();
        if bytes.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let byte = *bytes.get(at)?;
                let doubled = byte == b'"' && bytes.get(at + 1) == Some(&b'"');
                if doubled {
                    field.push(b'"');
                    at += 2;
                    // `"he said "no"",`: the first belongs to the text, the second closes.
                    if ends(at) {
                        break;
                    }
                } else if byte == b'"' && ends(at + 1) {
                    at += 1;
                    break;
                } else {
                    // A quote that opens another field: the closing one is missing.
                    if byte == b'"' && !field.is_empty() && ends(at - 1) {
                        return None;
                    }
                    field.push(byte);
                    at += 1;
                }
            }
        } else {
            let start = at;
            while !ends(at) {
                at += 1;
            }
            field.extend_from_slice(bytes.get(start..at)?);
        }
        fields.push(field);
        match bytes.get(at) {
            Some(byte) if *byte == delimiter => at += 1,
            Some(_) => {
                at += 1;
                break;
            }
            None => break,
        }
    }
    columns.is_none_or(|columns| columns == fields.len()).then_some(Mended { fields, length: at })
}
