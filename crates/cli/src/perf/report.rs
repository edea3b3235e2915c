//! What a run cost: wall time, CPU time and memory of this process, and latencies.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde::Serialize;

use crate::failure::Failure;

/// A run under way.
pub(super) struct Meter {
    started: Instant,
    before: Cpu,
    latencies: Latencies,
}

/// Durations from 1 µs to 10 minutes, to three digits.
pub(super) struct Latencies(Histogram<u64>);

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
    /// User and system CPU seconds per million records.
    cpu_s_per_m: f64,
    rec_per_s: f64,
    /// Megabytes (10^6) of values.
    mb_per_s: f64,
    max_rss_kb: i64,
    p50_us: u64,
    p99_us: u64,
}

impl Meter {
    /// Begins to measure.
    pub(super) fn start() -> Result<Self, Failure> {
        let before = Cpu::of(&usage()?);
        Ok(Self {
            started: Instant::now(),
            before,
            latencies: Latencies::new()?,
        })
    }

    /// Where durations are noted.
    pub(super) fn latencies(&mut self) -> &mut Latencies {
        &mut self.latencies
    }

    /// Ends and prints: a JSON line, or a table of `what`.
    pub(super) fn finish(
        self,
        what: &str,
        (records, bytes): (u64, u64),
        as_json: bool,
    ) -> Result<(), Failure> {
        let wall = self.started.elapsed();
        let usage = usage()?;
        let report = self.report(wall, &usage, records, bytes);
        if as_json {
            let line = serde_json::to_string(&report);
            println!(
                "{}",
                line.map_err(|error| Failure::new("cannot write the report", &error))?
            );
        } else {
            report.print(what);
        }
        Ok(())
    }

    fn report(&self, wall: Duration, usage: &Usage, records: u64, bytes: u64) -> Report {
        let after = Cpu::of(usage);
        let seconds = |from: i64, to: i64| (to - from) as f64 / 1e6;
        let user_s = seconds(self.before.user, after.user);
        let sys_s = seconds(self.before.system, after.system);
        let wall_s = wall.as_secs_f64().max(1e-9);
        let millions = (records as f64 / 1e6).max(1e-12);
        Report {
            records,
            bytes,
            wall_s: round(wall_s, 6),
            user_s: round(user_s, 6),
            sys_s: round(sys_s, 6),
            cpu_s_per_m: round((user_s + sys_s) / millions, 4),
            rec_per_s: round(records as f64 / wall_s, 1),
            mb_per_s: round(bytes as f64 / 1e6 / wall_s, 3),
            max_rss_kb: max_rss_kb(usage),
            p50_us: self.latencies.quantile(0.5),
            p99_us: self.latencies.quantile(0.99),
        }
    }
}

impl Latencies {
    pub(super) fn new() -> Result<Self, Failure> {
        let histogram = Histogram::new_with_bounds(1, 600_000_000, 3);
        Ok(Self(histogram.map_err(|error| {
            Failure::new("cannot measure latencies", &error)
        })?))
    }

    /// Notes one duration.
    pub(super) fn note(&mut self, duration: Duration) {
        self.0
            .saturating_record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// In µs; 0 when none was noted.
    fn quantile(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
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
        println!("{} records {what}, {} bytes", self.records, self.bytes);
        println!("  wall     {:12.3} s", self.wall_s);
        println!(
            "  CPU      {:12.3} s  ({:.3} user, {:.3} system)",
            self.user_s + self.sys_s,
            self.user_s,
            self.sys_s
        );
        println!("  per 10^6 {:12.3} s of CPU", self.cpu_s_per_m);
        println!(
            "  rate     {:12.0} records/s, {:.1} MB/s",
            self.rec_per_s, self.mb_per_s
        );
        println!(
            "  latency  {:12} µs median, {} µs at 99 %",
            self.p50_us, self.p99_us
        );
        println!("  memory   {:12} kB at most", self.max_rss_kb);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_exactly_the_promised_fields() {
        let mut meter = Meter::start().expect("resources can be read");
        meter.latencies().note(Duration::from_micros(250));
        let usage = usage().expect("resources can be read");
        let report = meter.report(Duration::from_millis(500), &usage, 2_000, 200_000);
        let value = serde_json::to_value(report).expect("plain numbers");
        let fields: Vec<&str> = value
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        let mut expected = vec![
            "records",
            "bytes",
            "wall_s",
            "user_s",
            "sys_s",
            "cpu_s_per_m",
            "rec_per_s",
            "mb_per_s",
            "max_rss_kb",
            "p50_us",
            "p99_us",
        ];
        expected.sort_unstable();
        let mut fields = fields;
        fields.sort_unstable();
        assert_eq!(fields, expected);
        assert_eq!(value["rec_per_s"], 4_000.0);
        assert_eq!(value["mb_per_s"], 0.4);
        assert_eq!(value["p50_us"], 250);
        assert!(
            value["max_rss_kb"].as_i64() > Some(100),
            "a process needs more memory than that"
        );
    }
}
