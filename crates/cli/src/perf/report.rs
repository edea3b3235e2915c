//! What a run cost: wall time, CPU time and memory of this process, and latencies.

use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::Serialize;

use super::latencies::{Latencies, Quantiles, Timings};
use crate::failure::Failure;

#[cfg(test)]
mod tests;

/// What `--json` prints, for `--help`.
pub(super) const FIELDS: &str = "\
--json prints one line with these keys, always all of them:
  records, bytes            what was written or read; bytes of values
  wall_s, user_s, sys_s     of the measured part, after a warm-up; cpu_s is user and system together
  process_cpu_s             CPU since the process began
  cpu_s_per_m               CPU seconds per million records
  rec_per_s, mb_per_s       rates; MB are 10^6 bytes of values
  max_rss_kb                the most memory the process had
  p50_us, p99_us, p999_us, max_us
                            produce: from call to acknowledgement (one in 64 for --api handle); latency: the same for each
                            record, or from call to receipt; consume: waiting for a batch or message. With --rate, from
                            the moment the record was due, which counts what a slow answer held up
  call_p50_us, call_p99_us, call_p999_us, call_max_us
                            with --rate, from the call itself; else null
  first_record_ms           consume: from the start of the process to the first record; else null
  requests, fetched_bytes, received_bytes
                            consume: answers to fetches, the bytes of whole batches in them, and these with what the brokers
                            cut off, which is fetched again; else null";

/// A run under way.
pub(super) struct Meter {
    started: Instant,
    before: Cpu,
    latencies: Latencies,
    calls: Latencies,
}

/// What a run did.
#[derive(Default)]
pub(super) struct Done {
    pub(super) records: u64,
    /// Of values.
    pub(super) bytes: u64,
    /// From the start of the process to the first record.
    pub(super) first_record: Option<Duration>,
    /// Answers to fetches, the bytes of whole batches in them, and of all.
    pub(super) fetched: Option<(u64, u64, u64)>,
}

/// CPU time of this process so far, in µs.
#[derive(Clone, Copy)]
struct Cpu {
    user: i64,
    system: i64,
}

/// The result; the JSON line has exactly these fields.
#[derive(Debug, Serialize)]
struct Report {
    records: u64,
    /// Of values.
    bytes: u64,
    wall_s: f64,
    user_s: f64,
    sys_s: f64,
    cpu_s: f64,
    process_cpu_s: f64,
    /// User and system CPU seconds per million records.
    cpu_s_per_m: f64,
    rec_per_s: f64,
    /// Megabytes (10^6) of values.
    mb_per_s: f64,
    max_rss_kb: i64,
    #[serde(flatten)]
    latency: Quantiles,
    call_p50_us: Option<u64>,
    call_p99_us: Option<u64>,
    call_p999_us: Option<u64>,
    call_max_us: Option<u64>,
    first_record_ms: Option<f64>,
    requests: Option<u64>,
    fetched_bytes: Option<u64>,
    received_bytes: Option<u64>,
}

impl Meter {
    /// Begins to measure.
    pub(super) fn start() -> Result<Self, Failure> {
        let before = Cpu::of(&usage()?);
        Ok(Self {
            latencies: Latencies::new()?,
            calls: Latencies::new()?,
            before,
            started: Instant::now(),
        })
    }

    /// When it began.
    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Where durations are noted.
    pub(super) fn latencies(&mut self) -> &mut Latencies {
        &mut self.latencies
    }

    /// Adds what a task measured.
    pub(super) fn add(&mut self, timings: Timings) {
        self.latencies.note_all(timings.latencies);
        self.calls.note_all(timings.calls);
    }

    /// Ends and prints: a JSON line, or a table of `what`.
    pub(super) fn finish(self, what: &str, done: &Done, as_json: bool) -> Result<(), Failure> {
        let wall = self.started.elapsed();
        let usage = usage()?;
        let report = self.report(wall, &usage, done);
        if as_json {
            let line = serde_json::to_string(&report);
            say!(
                "{}",
                line.map_err(|error| Failure::new("cannot write the report", &error))?
            );
        } else {
            report.print(what);
        }
        Ok(())
    }

    fn report(&self, wall: Duration, usage: &Usage, done: &Done) -> Report {
        let after = Cpu::of(usage);
        let seconds = |from: i64, to: i64| (to - from) as f64 / 1e6;
        let user_s = seconds(self.before.user, after.user);
        let sys_s = seconds(self.before.system, after.system);
        let wall_s = wall.as_secs_f64().max(1e-9);
        let millions = (done.records as f64 / 1e6).max(1e-12);
        let calls = (!self.calls.is_empty()).then(|| self.calls.quantiles());
        let call = |of: fn(&Quantiles) -> u64| calls.as_ref().map(of);
        Report {
            records: done.records,
            bytes: done.bytes,
            wall_s: round(wall_s, 6),
            user_s: round(user_s, 6),
            sys_s: round(sys_s, 6),
            cpu_s: round(user_s + sys_s, 6),
            process_cpu_s: round(seconds(0, after.user + after.system), 6),
            cpu_s_per_m: round((user_s + sys_s) / millions, 4),
            rec_per_s: round(done.records as f64 / wall_s, 1),
            mb_per_s: round(done.bytes as f64 / 1e6 / wall_s, 3),
            max_rss_kb: max_rss_kb(usage),
            latency: self.latencies.quantiles(),
            call_p50_us: call(|told| told.p50_us),
            call_p99_us: call(|told| told.p99_us),
            call_p999_us: call(|told| told.p999_us),
            call_max_us: call(|told| told.max_us),
            first_record_ms: done
                .first_record
                .map(|first| round(first.as_secs_f64() * 1e3, 3)),
            requests: done.fetched.map(|(requests, ..)| requests),
            fetched_bytes: done.fetched.map(|(_, bytes, _)| bytes),
            received_bytes: done.fetched.map(|(.., bytes)| bytes),
        }
    }
}

impl Cpu {
    fn of(usage: &Usage) -> Self {
        Self {
            user: usage.user_time().num_microseconds(),
            system: usage.system_time().num_microseconds(),
        }
    }
}

impl Report {
    fn print(&self, what: &str) {
        say!("{} records {what}, {} bytes", self.records, self.bytes);
        say!("  wall     {:12.3} s", self.wall_s);
        say!(
            "  CPU      {:12.3} s  ({:.3} user, {:.3} system)",
            self.cpu_s,
            self.user_s,
            self.sys_s
        );
        say!("  per 10^6 {:12.3} s of CPU", self.cpu_s_per_m);
        say!(
            "  rate     {:12.0} records/s, {:.1} MB/s",
            self.rec_per_s,
            self.mb_per_s
        );
        let latency = &self.latency;
        say!(
            "  latency  {:12} µs median, {} µs at 99 %, {} µs at 99.9 %, {} µs at most",
            latency.p50_us,
            latency.p99_us,
            latency.p999_us,
            latency.max_us
        );
        if let (Some(median), Some(p99)) = (self.call_p50_us, self.call_p99_us) {
            say!("  calls    {median:12} µs median, {p99} µs at 99 %, late starts not counted");
        }
        say!("  memory   {:12} kB at most", self.max_rss_kb);
        if let Some(first) = self.first_record_ms {
            say!("  first    {first:12.3} ms from the start of the process to the first record");
        }
        if let (Some(requests), Some(bytes), Some(all)) =
            (self.requests, self.fetched_bytes, self.received_bytes)
        {
            say!("  fetches  {requests:12}, {bytes} bytes of whole batches, {all} of all");
        }
    }
}

fn usage() -> Result<Usage, Failure> {
    getrusage(UsageWho::RUSAGE_SELF)
        .map_err(|error| Failure::new("cannot read the resources used", &error))
}

/// Linux counts in kilobytes, macOS in bytes.
fn max_rss_kb(usage: &Usage) -> i64 {
    let counted = usage.max_rss();
    if cfg!(target_os = "macos") {
        counted / 1024
    } else {
        counted
    }
}

fn round(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}
