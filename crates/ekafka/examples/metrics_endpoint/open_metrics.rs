//! A recorder of the `metrics` facade that writes what it has counted in the text format of OpenMetrics 1.0.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit,
};

pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets, in seconds: those that the documents' metrics have.
const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Everything counted so far. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct OpenMetrics {
    counters: Series<Count>,
    histograms: Series<Times>,
}

/// By name, then by labels.
type Series<T> = Arc<Mutex<BTreeMap<String, BTreeMap<String, Arc<T>>>>>;

#[derive(Default)]
struct Count(AtomicU64);

#[derive(Default)]
struct Times(Mutex<([u64; BUCKETS.len()], u64, f64)>);

impl OpenMetrics {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, series) in locked(&self.counters).iter() {
            let family = name.trim_end_matches("_total");
            let _ = writeln!(text, "# TYPE {family} counter");
            for (labels, count) in series {
                let count = count.0.load(Ordering::Relaxed);
                let _ = writeln!(text, "{family}_total{{{labels}}} {count}");
            }
        }
        for (name, series) in locked(&self.histograms).iter() {
            let _ = writeln!(text, "# TYPE {name} histogram");
            for (labels, times) in series {
                let (below, count, sum) = *locked(&times.0);
                let comma = if labels.is_empty() { "" } else { "," };
                let mut bucket = |bound: &str, below| {
                    let le = format!("{comma}le=\"{bound}\"");
                    let _ = writeln!(text, "{name}_bucket{{{labels}{le}}} {below}");
                };
                for (bound, below) in BUCKETS.iter().zip(below) {
                    bucket(&format!("{bound:?}"), below);
                }
                bucket("+Inf", count);
                let _ = writeln!(text, "{name}_sum{{{labels}}} {sum}");
                let _ = writeln!(text, "{name}_count{{{labels}}} {count}");
            }
        }
        text + "# EOF\n"
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn of<T: Default>(series: &Series<T>, key: &Key) -> Arc<T> {
    let escaped = |value: &str| {
        value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    };
    let labels = key.labels();
    let labels: Vec<String> = labels
        .map(|label| format!("{}=\"{}\"", label.key(), escaped(label.value())))
        .collect();
    let mut series = locked(series);
    let by_labels = series.entry(key.name().to_owned()).or_default();
    Arc::clone(by_labels.entry(labels.join(",")).or_default())
}

impl metrics::Recorder for OpenMetrics {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(of(&self.counters, key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(of(&self.histograms, key))
    }
}

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

impl HistogramFn for Times {
    fn record(&self, value: f64) {
        let (below, count, sum) = &mut *locked(&self.0);
        for (bound, below) in BUCKETS.iter().zip(below) {
            *below += u64::from(value <= *bound);
        }
        *count += 1;
        *sum += value;
    }
}
