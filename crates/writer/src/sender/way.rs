//! How far away the brokers are, by the shortest time that an answer took of late: longer ones may have waited for the
//! broker's work, or ours. Pure.

use std::time::Duration;

use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// The shortest times of this period and of the one before.
#[derive(Debug, Default)]
pub(crate) struct Way {
    shortest: Option<Duration>,
    former: Option<Duration>,
    /// When this period began.
    since: Option<Instant>,
    /// No matter how long it is: larger batches were refused.
    ignored: bool,
}

impl Way {
    /// An answer took so long.
    pub(crate) fn note(&mut self, took: Duration, now: Instant) {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= PERIOD {
            self.since = Some(now);
            self.former = self.shortest.take();
        }
        self.shortest = Some(self.shortest.map_or(took, |shortest| shortest.min(took)));
    }

    /// A share of the way for each of `places` batches on it, if even the fastest answer took so long that they might carry
    /// too little.
    pub(crate) fn pace(&self, places: usize) -> Option<Duration> {
        let shortest = self.shortest.into_iter().chain(self.former).min();
        let long = shortest.filter(|shortest| !self.ignored && *shortest >= LONG)?;
        Some(long / u32::try_from(places).unwrap_or(u32::MAX).max(1))
    }

    /// Larger batches are of no use.
    pub(crate) fn ignore(&mut self) {
        self.ignored = true;
    }
}

/// What is this old counts for one more such time.
const PERIOD: Duration = Duration::from_secs(10);

/// Five batches of 256 KiB in this time are 330 MB/s; networks and brokers seldom take more.
const LONG: Duration = Duration::from_millis(4);
