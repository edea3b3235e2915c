//! What happens to a writer, told in lines of text.
//!
//! The lines go through a bounded channel to a task of their own, so that the application's logger holds up neither the
//! network nor a lock. Lines that come faster than it takes them are left out.

use ekafka_conn::Loggers;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A line, and whether it is about something that went wrong.
type Line = (bool, String);

/// Where the rooms of a writer leave their lines.
#[derive(Debug)]
pub(crate) struct Story {
    lines: Sender<Line>,
}

impl Story {
    /// A story, and what its task reads.
    pub(crate) fn new() -> (Self, Receiver<Line>) {
        let (lines, receiver) = channel(LINES);
        (Self { lines }, receiver)
    }

    pub(crate) fn tell(&self, line: String) {
        // The task is gone, or is late: the line is left out.
        let _ = self.lines.try_send((false, line));
    }

    pub(crate) fn tell_fault(&self, line: String) {
        let _ = self.lines.try_send((true, line));
    }
}

/// Hands lines to the loggers until the writer is gone.
pub(crate) async fn narrate(loggers: Loggers, mut lines: Receiver<Line>) {
    while let Some((is_fault, line)) = lines.recv().await {
        if is_fault {
            loggers.error(format_args!("{line}"));
        } else {
            loggers.log(format_args!("{line}"));
        }
    }
}

/// Lines kept for a logger that is slow.
const LINES: usize = 256;
