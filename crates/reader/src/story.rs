//! What happens to a reader, told to `tracing` and in lines of text.
//!
//! The lines go through a bounded channel to a task of their own, so that the application's logger
//! holds up neither the network nor a lock. Lines that come faster than it takes them are left out.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;

use ekafka_conn::Loggers;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::event::Event;
use crate::inbox::Item;

/// A line, and whether it is about something that went wrong.
type Line = (bool, String);

/// Where the rooms of a reader leave their lines.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    lines: Sender<Line>,
}

impl Story {
    /// A story, and what its task reads.
    pub(crate) fn new() -> (Self, Receiver<Line>) {
        let (lines, receiver) = channel(LINES);
        (Self { lines }, receiver)
    }

    /// Tells an event or an error as it is put in line for the application.
    pub(crate) fn tell_item(&self, item: &Item) {
        match item {
            Item::Chunk(_) => {}
            Item::Event { event, .. } => self.tell(describe(event)),
            Item::Error(error) => self.tell_fault(with_causes(error)),
        }
    }

    pub(crate) fn tell(&self, line: String) {
        // The task is gone, or is late: the line is left out.
        let _ = self.lines.try_send((false, line));
    }

    pub(crate) fn tell_fault(&self, line: String) {
        let _ = self.lines.try_send((true, line));
    }
}

/// Hands lines to the loggers until the reader is gone.
pub(crate) async fn narrate(loggers: Loggers, mut lines: Receiver<Line>) {
    while let Some((is_fault, line)) = lines.recv().await {
        if is_fault {
            loggers.error(format_args!("{line}"));
        } else {
            loggers.log(format_args!("{line}"));
        }
    }
}

/// Tells `tracing` of an event or an error as it is put in line; the span around it says whose.
pub(crate) fn trace(item: &Item) {
    let event = match item {
        Item::Chunk(_) => return,
        Item::Error(error) => {
            let cause: Option<&(dyn Error + 'static)> = error.source();
            return tracing::warn!(%error, cause, "told the application of an error");
        }
        Item::Event { event, .. } => event,
    };
    match event {
        Event::Assigned(all) => tracing::info!(count = all.len(), which = %Few(all), "assigned"),
        Event::Revoked(all) => tracing::info!(count = all.len(), which = %Few(all), "revoked"),
        Event::Lost(all) => tracing::warn!(count = all.len(), which = %Few(all), "lost"),
        Event::OutOfRange {
            partition,
            from,
            to,
        } => tracing::warn!(%partition, from, to, "the position was out of range"),
        Event::Truncated {
            partition,
            from,
            to,
        } => tracing::warn!(%partition, from, to, "the log was cut below the position"),
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::Assigned(partitions) => format!("assigned: {}", Few(partitions)),
        Event::Revoked(partitions) => format!("revoked: {}", Few(partitions)),
        Event::Lost(partitions) => format!("lost: {}", Few(partitions)),
        Event::OutOfRange {
            partition,
            from,
            to,
        } => format!("{partition}: offset {from} is out of range, reading on at {to}"),
        Event::Truncated {
            partition,
            from,
            to,
        } => format!("{partition}: the log was cut, reading on at {to} instead of {from}"),
    }
}

/// Names, of which no more than a few are shown: a reader may have thousands.
pub(crate) struct Few<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for Few<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (at, name) in self.0.iter().take(SHOWN).enumerate() {
            let between = if at == 0 { "" } else { ", " };
            write!(f, "{between}{name}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Names shown in one line or field.
const SHOWN: usize = 16;
/// Lines kept for a logger that is slow.
const LINES: usize = 256;
