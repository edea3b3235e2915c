//! Standard output, which may be a pipe whose reader has seen enough.

use std::fmt;
use std::io::{self, Write};

use crate::failure::Failure;

/// Writes a line. Where it cannot be written the command has no purpose any more and ends: quietly when the reader has gone.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}") {
        Failure::output(&error).report();
        let is_failure = error.kind() != io::ErrorKind::BrokenPipe;
        std::process::exit(i32::from(is_failure));
    }
}
