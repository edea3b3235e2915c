//! What is seen of a writer from outside: statistics, metrics, and lines for loggers.

use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Acks, Logger, Record, WriterConfig};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

use crate::rig::{config, kafka};

async fn one_partition() -> EmbeddedKafka {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
}

#[tokio::test(start_paused = true)]
async fn statistics_count_batches_and_begin_anew() {
    let kafka = one_partition().await;
    let linger = Duration::from_secs(1);
    let writer = config(&kafka).topic("t").linger(linger).batch_size(2);
    let writer = writer.build().unwrap();
    let value = "x".repeat(100);
    writer.write(&[Record::new(&value); 3]).await.unwrap();
    let stats = writer.stats();
    assert_eq!((stats.writes, stats.messages), (2, 3));
    assert_eq!(
        (stats.errors, stats.retries, stats.failed_messages),
        (0, 0, 0)
    );
    assert!((300..600).contains(&stats.bytes), "{}", stats.bytes);
    assert_eq!(stats.sent_bytes, stats.bytes, "nothing is compressed");
    assert_eq!(stats.requests, 2);
    let size = stats.batch_size;
    assert_eq!((size.min, size.max, size.count, size.sum), (1, 2, 2, 3));
    assert_eq!(stats.batch_bytes.sum, stats.bytes);
    assert_eq!(stats.batch_time.max, linger);
    assert_eq!(stats.batch_queue_time.max, linger);
    assert_eq!(stats.batch_queue_time.min, Duration::ZERO);
    assert_eq!(stats.write_time.count, 2);
    assert_eq!(stats.dials, 1);
    assert_eq!(stats.client_id, "ekafka");
    assert_eq!(stats.buffered_bytes, 0, "everything has its outcome");
    let stats = writer.stats();
    assert_eq!((stats.writes, stats.messages, stats.bytes), (0, 0, 0));
    assert_eq!((stats.batch_size.count, stats.write_time.count), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn statistics_count_what_goes_wrong() {
    let kafka = one_partition().await;
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    let _ = writer.stats();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::NOT_ENOUGH_REPLICAS)
        .times(2);
    writer.write(&[Record::new("v")]).await.unwrap();
    let stats = writer.stats();
    assert_eq!(
        (stats.writes, stats.messages),
        (3, 3),
        "each attempt counts"
    );
    assert_eq!((stats.errors, stats.retries), (2, 2));
    assert_eq!(stats.failed_messages, 0);
    assert_eq!(stats.batch_size.count, 1, "but it is one batch");
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    writer.write(&[Record::new("v"); 2]).await.unwrap_err();
    let stats = writer.stats();
    assert_eq!((stats.errors, stats.retries), (1, 0));
    assert_eq!(stats.failed_messages, 2);
}

#[tokio::test(start_paused = true)]
async fn statistics_tell_how_long_an_answer_takes_and_what_is_buffered() {
    let kafka = one_partition().await;
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    let _ = writer.stats();
    let second = Duration::from_secs(1);
    kafka.on_next(ApiKey::PRODUCE).delay_answer(second);
    let handle = writer.send(Record::new("v")).await.unwrap();
    assert!(writer.stats().buffered_bytes > 0);
    handle.await.unwrap();
    let stats = writer.stats();
    assert_eq!(
        (stats.write_time.min, stats.write_time.max),
        (second, second)
    );
    assert_eq!(stats.buffered_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn t114_statistics_show_the_settings() {
    let settings = |config: WriterConfig| config.addr("localhost:1").build().unwrap().stats();
    let stats = settings(WriterConfig::kafka_go());
    let (second, tenth) = (Duration::from_secs(1), Duration::from_millis(100));
    assert_eq!(stats.max_attempts, 10);
    assert_eq!(stats.write_backoff_min, tenth);
    assert_eq!(stats.write_backoff_max, second);
    assert_eq!(stats.max_batch_size, 100);
    assert_eq!(stats.batch_timeout, second);
    assert_eq!(stats.read_timeout, 10 * second);
    assert_eq!(stats.write_timeout, 10 * second);
    assert_eq!((stats.required_acks, stats.asynchronous), (-1, false));
    assert_eq!(stats.topic, "");
    let stats = settings(
        WriterConfig::kafka_go()
            .topic("orders")
            .max_attempts(3)
            .write_backoff_min(2 * tenth)
            .write_backoff_max(2 * second)
            .batch_size(7)
            .batch_timeout(tenth)
            .read_timeout(3 * second)
            .write_timeout(4 * second)
            .required_acks(Acks::One)
            .asynchronous(true),
    );
    assert_eq!(stats.max_attempts, 3);
    assert_eq!(stats.write_backoff_min, 2 * tenth);
    assert_eq!(stats.write_backoff_max, 2 * second);
    assert_eq!(stats.max_batch_size, 7);
    assert_eq!(stats.batch_timeout, tenth);
    assert_eq!(stats.read_timeout, 3 * second);
    assert_eq!(stats.write_timeout, 4 * second);
    assert_eq!((stats.required_acks, stats.asynchronous), (1, true));
    assert_eq!(stats.topic, "orders");
}

/// Counters by name and topic.
#[derive(Debug, Clone, Default)]
struct Recorded(Arc<Mutex<BTreeMap<String, Arc<Count>>>>);

#[derive(Debug, Default)]
struct Count {
    value: AtomicU64,
    /// How often it was raised.
    raised: AtomicU64,
}

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.value.fetch_add(value, Ordering::Relaxed);
        self.raised.fetch_add(1, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels().map(|label| label.value().to_owned());
        let name = format!("{} {}", key.name(), labels.collect::<Vec<_>>().join(" "));
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Counter::from_arc(Arc::clone(counts.entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_go_up_once_for_each_batch() {
    let recorded = Recorded::default();
    let _recording = metrics::set_default_local_recorder(&recorded);
    let kafka = one_partition().await;
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("v"); 100]).await.unwrap();
    // A snapshot takes nothing from metrics.
    let _ = writer.stats();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::NOT_ENOUGH_REPLICAS);
    writer.write(&[Record::new("v"); 50]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    writer.write(&[Record::new("v"); 7]).await.unwrap_err();
    let counts = recorded.0.lock().unwrap_or_else(PoisonError::into_inner);
    let count = |name: &str| {
        let count = &counts[name];
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (load(&count.value), load(&count.raised))
    };
    assert_eq!(count("ekafka_writer_messages_total ekafka t"), (150, 2));
    assert_eq!(
        count("ekafka_writer_failed_messages_total ekafka t"),
        (7, 1)
    );
    assert_eq!(count("ekafka_writer_bytes_total ekafka t").1, 2);
    assert_eq!(count("ekafka_writer_requests_total ekafka"), (4, 4));
    assert_eq!(count("ekafka_writer_retries_total ekafka"), (1, 1));
    assert_eq!(count("ekafka_writer_errors_total ekafka"), (2, 2));
    assert_eq!(count("ekafka_writer_dials_total ekafka"), (1, 1));
    assert!(count("ekafka_writer_sent_bytes_total ekafka").0 > 0);
}

/// Lines that a logger was given.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn logger(&self) -> Arc<dyn Logger> {
        let lines = Arc::clone(&self.0);
        Arc::new(move |line: Arguments<'_>| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(line.to_string());
        })
    }

    fn contain(&self, text: &str) -> bool {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|line| line.contains(text))
    }

    async fn until(&self, text: &str) {
        while !self.contain(text) {
            tokio::task::yield_now().await;
        }
    }
}

async fn trouble(kafka: &EmbeddedKafka, config: WriterConfig) {
    let writer = config.topic("t").build().unwrap();
    writer.write(&[Record::new("v"); 3]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::NOT_ENOUGH_REPLICAS);
    writer.write(&[Record::new("v")]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    writer.write(&[Record::new("v"); 2]).await.unwrap_err();
    writer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn loggers_are_told_what_happens_and_what_goes_wrong() {
    let kafka = one_partition().await;
    let (lines, faults) = (Lines::default(), Lines::default());
    let config = config(&kafka).logger(lines.logger());
    trouble(&kafka, config.error_logger(faults.logger())).await;
    lines.until("writing to t").await;
    lines.until("t[0]: wrote 3 records from offset 0 on").await;
    faults.until("attempt 1 failed: NOT_ENOUGH_REPLICAS").await;
    faults
        .until("2 records: t[0]: rejected: INVALID_RECORD")
        .await;
    assert!(!lines.contain("attempt") && !faults.contain("wrote"));
}

#[tokio::test(start_paused = true)]
async fn without_a_logger_for_errors_the_other_takes_them() {
    let kafka = one_partition().await;
    let lines = Lines::default();
    let logger = lines.logger();
    let panicking = move |line: Arguments<'_>| {
        logger.log(line);
        panic!("the logger's own fault");
    };
    trouble(&kafka, config(&kafka).logger(Arc::new(panicking))).await;
    lines.until("attempt 1 failed: NOT_ENOUGH_REPLICAS").await;
    lines
        .until("2 records: t[0]: rejected: INVALID_RECORD")
        .await;
}
