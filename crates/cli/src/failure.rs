//! Why a command ended without success, as sentences for the person who typed it.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// A command's failure: what failed, with whom and why, and what to try.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The whole text without the advice.
    text: String,
    /// What to try, when something is known to help.
    advice: Option<String>,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The command could not do what it was asked for.
    Failed,
    /// It was asked in a way that makes no sense.
    Usage,
    /// Whoever read the output has gone; there is nobody to tell and nothing wrong.
    ReaderGone,
}

impl Failure {
    /// `what` failed because of `cause`, whose own causes are told too.
    pub(crate) fn new(what: impl fmt::Display, cause: &dyn Error) -> Self {
        Self {
            text: format!("{what}: {}", chain(cause)),
            advice: None,
            kind: Kind::Failed,
        }
    }

    /// `what` failed in several ways.
    pub(crate) fn each(what: impl fmt::Display, causes: &[impl Error]) -> Self {
        let causes: Vec<String> = causes.iter().map(|cause| chain(cause)).collect();
        Self::plain(format!("{what}: {}", causes.join("; ")))
    }

    /// A failure that is told by one sentence.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            advice: None,
            kind: Kind::Failed,
        }
    }

    /// The command line makes no sense; exit code 2.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            advice: None,
            kind: Kind::Usage,
        }
    }

    /// The standard output could not be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        let mut failure = Self::new("cannot write the output", error);
        if error.kind() == io::ErrorKind::BrokenPipe {
            failure.kind = Kind::ReaderGone;
        }
        failure
    }

    /// Adds what to try.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Tells it on standard error; the code to exit with.
    pub(crate) fn report(&self) -> ExitCode {
        match self.kind {
            Kind::ReaderGone => return ExitCode::SUCCESS,
            Kind::Failed | Kind::Usage => eprintln!("ekafka: {self}"),
        }
        ExitCode::from(if self.kind == Kind::Usage { 2 } else { 1 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.advice {
            Some(advice) => write!(f, "\n        try: {advice}"),
            None => Ok(()),
        }
    }
}

/// An error and its causes in one line; a cause that the error's own text tells already is left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}
