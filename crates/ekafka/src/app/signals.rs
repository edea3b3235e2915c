//! The signals that end an application.

use std::io;

/// A signal, and how it wants the application to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signal {
    pub(super) number: i32,
    /// At once.
    pub(super) is_hard: bool,
}

impl Signal {
    /// What the application itself wishes.
    pub(super) const GRACEFUL: Self = Self {
        number: 15,
        is_hard: false,
    };
}

/// The signals as they come.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> Signal {
        let (number, is_hard) = tokio::select! {
            _ = self.interrupt.recv() => (2, false),
            _ = self.quit.recv() => (3, true),
            _ = self.terminate.recv() => (15, false),
        };
        Signal { number, is_hard }
    }
}

/// Ctrl-C alone.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal {
                number: 2,
                is_hard: false,
            },
            Err(_) => std::future::pending().await,
        }
    }
}
