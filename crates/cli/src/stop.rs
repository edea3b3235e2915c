//! Being asked to stop: by an interrupt from the terminal, or by a request to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// From its making on, neither ends the process by itself.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn new() -> Result<Self, Failure> {
        let handle =
            |kind| signal(kind).map_err(|error| Failure::new("cannot wait for interrupts", &error));
        Ok(Self {
            interrupt: handle(SignalKind::interrupt())?,
            terminate: handle(SignalKind::terminate())?,
        })
    }

    /// Waits until it is asked for, again after each time. Dropping the future loses nothing.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
