//! Where a reader or a writer tells its story in lines of text, for applications whose logging takes lines. The same
//! events go to `tracing`, with fields.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Takes one line of text at a time, without a line break.
///
/// Closures are loggers; one line hands over to any logging library:
///
/// ```
/// use ekafka_conn::Logger;
///
/// let logger = |line: std::fmt::Arguments<'_>| eprintln!("kafka: {line}");
/// logger.log(format_args!("{} records written", 3));
/// ```
#[doc(alias = "LoggerFunc")]
pub trait Logger: Send + Sync {
    /// Takes a line. It should return soon; lines that come faster than it returns are left out.
    fn log(&self, line: fmt::Arguments<'_>);
}

impl<F: Fn(fmt::Arguments<'_>) + Send + Sync> Logger for F {
    fn log(&self, line: fmt::Arguments<'_>) {
        self(line);
    }
}

impl fmt::Debug for dyn Logger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Logger")
    }
}

/// The loggers of a reader or a writer: one for all that happens, one for what goes wrong.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka_conn::Loggers;
///
/// let loggers = Loggers {
///     logger: None,
///     error_logger: Some(Arc::new(|line: std::fmt::Arguments<'_>| eprintln!("{line}"))),
/// };
/// assert!(!loggers.is_silent());
/// loggers.log(format_args!("nobody hears this"));
/// loggers.error(format_args!("this goes to standard error"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Loggers {
    /// What happens; also errors, when there is no logger for them.
    pub logger: Option<Arc<dyn Logger>>,
    /// What goes wrong.
    pub error_logger: Option<Arc<dyn Logger>>,
}

impl Loggers {
    /// Whether nobody listens, so that no line need be made.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.logger.is_none() && self.error_logger.is_none()
    }

    /// Tells what happened. A logger that panics loses the line and nothing else.
    pub fn log(&self, line: fmt::Arguments<'_>) {
        tell(self.logger.as_deref(), line);
    }

    /// Tells what went wrong: to the logger for errors, or to the other where there is none.
    pub fn error(&self, line: fmt::Arguments<'_>) {
        let logger = self.error_logger.as_deref().or(self.logger.as_deref());
        tell(logger, line);
    }
}

fn tell(logger: Option<&dyn Logger>, line: fmt::Arguments<'_>) {
    let Some(logger) = logger else { return };
    if catch_unwind(AssertUnwindSafe(|| logger.log(line))).is_err() {
        tracing::warn!("a logger panicked");
    }
}
