//! A line on standard error that tells how far a long job is, for people only.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes.
const PERIOD: Duration = Duration::from_millis(200);

/// Shows nothing unless standard error is a terminal.
pub(crate) struct Progress {
    what: &'static str,
    /// How many there will be, when that is known.
    total: Option<u64>,
    started: Instant,
    /// When the line may change again; none when nobody looks.
    next: Option<Instant>,
    is_shown: bool,
}

impl Progress {
    /// Counts `what` ("records written"), `total` of them when that is known.
    pub(crate) fn new(what: &'static str, total: Option<u64>) -> Self {
        let started = Instant::now();
        let next = std::io::stderr().is_terminal().then_some(started + PERIOD);
        Self {
            what,
            total,
            started,
            next,
            is_shown: false,
        }
    }

    /// Tells that `done` are done by now. Cheap enough to be called for each batch.
    pub(crate) fn tell(&mut self, done: u64) {
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + PERIOD);
        self.is_shown = true;
        let line = line(self.what, done, self.total, now - self.started);
        let mut out = std::io::stderr().lock();
        // Nothing depends on this line; a terminal that has gone away is no failure.
        let _ = write!(out, "\r{line}\x1b[K").and_then(|()| out.flush());
    }

    /// Takes the line away.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            eprint!("\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// `1200/5000 records written, 24 %, 600/s, 6 s left`.
fn line(what: &str, done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    match total {
        Some(total) if total > 0 => {
            let share = 100.0 * done as f64 / total as f64;
            let left = total.saturating_sub(done) as f64 / rate.max(0.001);
            format!("{done}/{total} {what}, {share:.0} %, {rate:.0}/s, {left:.0} s left")
        }
        _ => format!("{done} {what}, {rate:.0}/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_share_rate_and_time_left() {
        let elapsed = Duration::from_secs(2);
        assert_eq!(
            line("records", 1200, Some(4800), elapsed),
            "1200/4800 records, 25 %, 600/s, 6 s left"
        );
        assert_eq!(line("records", 1200, None, elapsed), "1200 records, 600/s");
    }
}
