//! The bytes of a file, as UTF-8 as far as it can be told.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{InputError, sniff};

/// Far more than a year of tickets; what is larger is a mistake, and is refused before it fills the memory.
pub(super) const LARGEST: u64 = 256 * 1024 * 1024;

/// Enough to tell what a file is, before the rest is waited for.
const HEAD: u64 = 8 * 1024;

/// The name to report a file under, and its bytes; `-` is standard input.
///
/// # Errors
/// A file that cannot be read, is too large, or holds no table.
pub(super) fn bytes(path: &Path) -> Result<(String, Vec<u8>), InputError> {
    let standard = path == Path::new("-");
    let file = if standard { "standard input".to_owned() } else { path.display().to_string() };
    let bytes = if standard { limited(&file, io::stdin().lock(), LARGEST) } else { from_file(&file, path) };
    bytes.map(|bytes| (file, bytes))
}

fn from_file(name: &str, path: &Path) -> Result<Vec<u8>, InputError> {
    let unreadable = |cause| InputError::Unreadable { file: name.to_owned(), cause };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.len() > LARGEST {
        return Err(InputError::TooLarge { file: name.to_owned() });
    }
    limited(name, file, LARGEST)
}

/// All bytes. A pipe or a device does not say its length beforehand, and may have no end.
fn limited(name: &str, mut from: impl Read, most: u64) -> Result<Vec<u8>, InputError> {
    let unreadable = |cause| InputError::Unreadable { file: name.to_owned(), cause };
    let mut bytes = Vec::new();
    from.by_ref().take(HEAD).read_to_end(&mut bytes).map_err(unreadable)?;
    if let Some(found) = sniff::foreign(&bytes) {
        return Err(InputError::Foreign { file: name.to_owned(), found });
    }
    let left = most.saturating_add(1).saturating_sub(bytes.len() as u64);
    from.take(left).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(InputError::TooLarge { file: name.to_owned() });
    }
    Ok(match sniff::utf16(&bytes) {
        // Lossy: half a character costs itself alone.
        Some(encoding) => encoding.decode(&bytes).0.into_owned().into_bytes(),
        None => bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_input_is_given_up_at_the_limit() {
        let most = |from: &mut dyn Read, most| limited("t.csv", from, most).map(|bytes| bytes.len());
        assert!(matches!(most(&mut io::repeat(b'x'), 10_000), Err(InputError::TooLarge { .. })));
        assert!(matches!(most(&mut io::repeat(0), 10_000), Err(InputError::Foreign { .. })));
        assert!(matches!(most(&mut &[b'x'; 10][..], 10), Ok(10)));
        assert!(matches!(most(&mut &[b'x'; 11][..], 10), Err(InputError::TooLarge { .. })));
    }

    #[test]
    fn a_file_too_large_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Sparse: it takes no room on the disk.
        file.as_file().set_len(LARGEST + 1).unwrap();
        let error = bytes(file.path()).unwrap_err().to_string();
        assert!(error.ends_with("is larger than 256 MB; split it"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let missing = bytes(Path::new("/no/such.csv")).unwrap_err().to_string();
        assert!(missing.contains("/no/such.csv cannot be read"), "{missing}");
    }
}
