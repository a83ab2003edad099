//! Files with ticket text or addresses in them: on a machine with several users the others have no business there.

use std::{fs::File, io::Write, path::Path};

/// Creates a file that only its owner may read or write. One that exists is emptied and keeps its mode.
///
/// # Errors
/// What the file system says.
pub fn create(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes such a file whole.
///
/// # Errors
/// What the file system says.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    create(path)?.write_all(bytes.as_ref())
}
