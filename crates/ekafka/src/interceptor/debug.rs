//! Development output: each call with its request and response on the terminal.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::call::Call;
use super::show;
use crate::error::ComponentError;

/// Where development output goes.
#[derive(Clone)]
pub(crate) struct Terminal {
    out: Arc<Mutex<dyn Write + Send>>,
    has_colours: bool,
}

/// Prints `[ekafka.response] NAME [BROKERS] [1.234ms] COMMAND REQUEST => RESPONSE`.
#[derive(Debug)]
pub(crate) struct Debug {
    pub(crate) terminal: Terminal,
}

impl Terminal {
    /// Standard output; coloured when a person looks at it.
    pub(crate) fn standard() -> Self {
        let out = std::io::stdout();
        let has_colours = out.is_terminal();
        Self {
            out: Arc::new(Mutex::new(out)),
            has_colours,
        }
    }

    /// Any other place, without colours.
    pub(crate) fn to(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Arc::new(Mutex::new(out)),
            has_colours: false,
        }
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.has_colours {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

impl Debug {
    pub(super) fn after(&self, call: &Call<'_>, result: &Result<(), ComponentError>) {
        let terminal = &self.terminal;
        let outcome = if result.is_ok() { YELLOW } else { RED };
        let milliseconds = call.elapsed().as_secs_f64() * 1e3;
        let request = format!("{} {}", call.command(), show::request(call));
        let line = format!(
            "{} {} [{}] [{milliseconds:.3}ms] {} => {}\n",
            terminal.painted(GREEN, "[ekafka.response]"),
            call.component(),
            call.brokers().join(","),
            terminal.painted(BLUE, request.trim_end()),
            terminal.painted(outcome, &show::response(call, result)),
        );
        let mut out = terminal.out.lock().unwrap_or_else(PoisonError::into_inner);
        // A terminal that is gone is no reason to fail a call.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal")
            .field("has_colours", &self.has_colours)
            .finish_non_exhaustive()
    }
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";
