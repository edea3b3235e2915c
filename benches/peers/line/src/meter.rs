//! Wall time, CPU time and memory of this process, and latencies, told as one line of JSON.

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Error;

/// What happened since it was started.
#[derive(Debug)]
pub struct Meter {
    begun: Instant,
    cpu_us: i64,
    times: Vec<Duration>,
}

impl Meter {
    /// Starts to measure.
    ///
    /// # Errors
    /// When the system does not tell the time used.
    pub fn start() -> Result<Self, Error> {
        Ok(Self {
            cpu_us: cpu_us()?,
            begun: Instant::now(),
            times: Vec::new(),
        })
    }

    /// Notes one latency.
    pub fn note(&mut self, took: Duration) {
        self.times.push(took);
    }

    /// Prints the line: records acknowledged or received, bytes of their values, and records written before the start.
    ///
    /// # Errors
    /// When the system does not tell the time or memory used.
    pub fn finish(
        self,
        client: &str,
        records: usize,
        bytes: usize,
        warm_up: usize,
    ) -> Result<(), Error> {
        self.finish_with(client, records, bytes, warm_up, "")
    }

    /// The same with more fields, each with a comma before it.
    ///
    /// # Errors
    /// When the system does not tell the time or memory used.
    pub fn finish_with(
        mut self,
        client: &str,
        records: usize,
        bytes: usize,
        warm_up: usize,
        more: &str,
    ) -> Result<(), Error> {
        let wall = self.begun.elapsed().as_secs_f64();
        let cpu = (cpu_us()? - self.cpu_us) as f64 / 1e6;
        let memory = peak_memory()?;
        let [p50, p99] = self.quantiles();
        println!(
            r#"{{"client":"{client}","records":{records},"bytes":{bytes},"warm_up":{warm_up},"wall_s":{wall:.6},"cpu_s":{cpu:.6},"max_rss_kb":{memory},"p50_us":{p50},"p99_us":{p99}{more}}}"#
        );
        Ok(())
    }

    /// The median of what was noted, and its 99th percentile, in µs.
    pub fn quantiles(&mut self) -> [u128; 2] {
        self.times.sort_unstable();
        [self.at(0.5), self.at(0.99)]
    }

    fn at(&self, share: f64) -> u128 {
        let last = self.times.len().saturating_sub(1);
        self.times
            .get((last as f64 * share) as usize)
            .map_or(0, Duration::as_micros)
    }
}

fn cpu_us() -> Result<i64, Error> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
}

/// The largest resident size in kB, of this program alone: what getrusage tells may be that of whoever started it.
fn peak_memory() -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let (_, after) = status.split_once("VmHWM:").ok_or("no VmHWM")?;
    Ok(after.split_whitespace().next().ok_or("no VmHWM")?.parse()?)
}
