//! What happens to a reader, told in lines of text.
//!
//! The lines go through a bounded channel to a task of their own, so that the application's logger
//! holds up neither the network nor a lock. Lines that come faster than it takes them are left out.

#[cfg(test)]
mod tests;

use ekafka_conn::Loggers;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::TopicPartition;
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

fn describe(event: &Event) -> String {
    match event {
        Event::Assigned(partitions) => format!("assigned: {}", list(partitions)),
        Event::Revoked(partitions) => format!("revoked: {}", list(partitions)),
        Event::Lost(partitions) => format!("lost: {}", list(partitions)),
        Event::OutOfRange {
            partition,
            from,
            to,
        } => format!("{partition}: offset {from} is out of range, reading on at {to}"),
        other => format!("{other:?}"),
    }
}

fn list(partitions: &[TopicPartition]) -> String {
    let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.join(", ")
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Lines kept for a logger that is slow.
const LINES: usize = 256;
