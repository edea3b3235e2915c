//! Waiting to the microsecond. The runtime's timers count in milliseconds, which is longer than most answers take.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Instant;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

use crate::failure::Failure;

/// A timer of one task.
pub(in crate::perf) struct Alarm(AsyncFd<Timer>);

struct Timer(TimerFd);

impl Alarm {
    pub(in crate::perf) fn new() -> Result<Self, Failure> {
        let failed = |error: &dyn std::error::Error| Failure::new("cannot set up a timer", error);
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).map_err(|error| failed(&error))?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe code; what `Timer` names is its own descriptor, open as long as it lives"
        )]
        let timer = AsyncFd::new(Timer(timer)).map_err(|error| failed(&error))?;
        Ok(Self(timer))
    }

    /// Returns at `due`, or at once when it has passed.
    pub(in crate::perf) async fn wait_until(&self, due: Instant) -> Result<(), Failure> {
        self.wait(due)
            .await
            .map_err(|error| Failure::new("a timer failed", &error))
    }

    async fn wait(&self, due: Instant) -> io::Result<()> {
        let left = due.saturating_duration_since(Instant::now());
        // Zero would mean: never.
        if left.is_zero() {
            return Ok(());
        }
        let timer = &self.0.get_ref().0;
        let once = Expiration::OneShot(TimeSpec::from_duration(left));
        timer.set(once, TimerSetTimeFlags::empty())?;
        loop {
            let mut ready = self.0.readable().await?;
            // An alarm that nobody waited for in the end may have left the mark; then this blocks and clears it.
            if let Ok(rang) = ready.try_io(|timer| Ok(timer.get_ref().0.wait()?)) {
                return rang;
            }
        }
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
