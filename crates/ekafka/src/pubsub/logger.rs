//! The built-in loggers.

use std::fmt;

/// Tells what readers and writers do through [`tracing`], at info level.
///
/// ```
/// ekafka::pubsub::Logger.printf(format_args!("{} records", 3));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logger;

/// Tells what goes wrong in readers and writers through [`tracing`], at error level.
///
/// ```
/// ekafka::pubsub::ErrorLogger.printf(format_args!("{} records lost", 3));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErrorLogger;

impl Logger {
    /// Takes a line.
    pub fn printf(self, line: fmt::Arguments<'_>) {
        tracing::info!(target: "ekafka::pubsub", "[kafka] {line}");
    }
}

impl ErrorLogger {
    /// Takes a line.
    pub fn printf(self, line: fmt::Arguments<'_>) {
        tracing::error!(target: "ekafka::pubsub", "[kafka] {line}");
    }
}

impl ekafka_conn::Logger for Logger {
    fn log(&self, line: fmt::Arguments<'_>) {
        self.printf(line);
    }
}

impl ekafka_conn::Logger for ErrorLogger {
    fn log(&self, line: fmt::Arguments<'_>) {
        self.printf(line);
    }
}
