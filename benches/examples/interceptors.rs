//! Writes a number of batches by a component's producer, to be run under callgrind: `interceptors none|metrics BATCHES`, with
//! no interceptor at all, or with that for metrics and a recorder that counts. A batch of the count is ten calls with a
//! hundred records, the documents' `batchSize`. A broker runs in a process of its own, so that only the client is counted;
//! `cargo xtask bench instructions` compares the two.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ekafka::Record;
use ekafka_benches::{Broker, SHAPES, record, values};
use ekafka_testkit::EmbeddedKafka;
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match &arguments[..] {
        [what] if what == "broker" => runtime.block_on(serve()),
        [what, batches] => runtime.block_on(produce(what, batches.parse()?)),
        _ => Err("usage: interceptors none|metrics BATCHES".into()),
    }
}

/// A broker until this process is ended; says where it is.
async fn serve() -> Result<(), Box<dyn Error>> {
    let kafka = EmbeddedKafka::builder().nodes(1).start().await?;
    kafka.create_topic("t", 1)?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", kafka.bootstrap())?;
    output.flush()?;
    std::future::pending().await
}

async fn produce(what: &str, batches: usize) -> Result<(), Box<dyn Error>> {
    // What the writer counts by itself is counted in both runs.
    metrics::set_global_recorder(Recorder)?;
    let broker = Broker::start(&[])?;
    let with_metrics = match what {
        "none" => false,
        "metrics" => true,
        _ => return Err("unknown job".into()),
    };
    let toml = format!(
        "[kafka]\nbrokers = ['{}']\nenableTraceInterceptor = false\n\
         enableMetricInterceptor = {with_metrics}\n[kafka.producers.p1]\ntopic = 't'\n",
        broker.address
    );
    let component = ekafka::load_toml(&toml, "kafka")?.try_build()?;
    let producer = component.try_producer("p1")?;
    let shape = SHAPES
        .into_iter()
        .find(|shape| shape.name == "100B")
        .ok_or("unknown shape")?;
    let values = values(shape);
    let records: Vec<_> = (0..CALL)
        .map(|index| Record::new(record(shape, &values, index).value.unwrap_or_default()))
        .collect();
    for _ in 0..batches * CALLS {
        producer.write_messages(&records).await?;
    }
    Ok(())
}

/// Counts as an exporter does: by atomics, histograms in eleven buckets.
struct Recorder;

#[derive(Default)]
struct Buckets([AtomicU64; 11]);

impl HistogramFn for Buckets {
    fn record(&self, value: f64) {
        let bound = |power: usize| 0.005 * f64::powi(2.0, i32::try_from(power).unwrap_or(0));
        for (power, bucket) in self.0.iter().enumerate() {
            if value <= bound(power) {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(AtomicU64::new(0)))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Buckets::default()))
    }
}

/// Records of one call, and calls of one batch of the count.
const CALL: usize = 100;
const CALLS: usize = 10;
