//! Standard output that may be closed early, as by `| head`: output that nobody reads is not worth a panic.

use std::{fmt::Display, io::Write};

/// Prints a line.
pub fn line(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
