//! What a completion function is told, and when: once for each batch, with all its records, whatever becomes of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Acks, CompletedBatch, ErrorClass, Record, WriterConfig};

use crate::rig::{DELIVERY_TIMEOUT, config, kafka, stored, values};

/// What was told of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    partition: i32,
    class: Option<ErrorClass>,
    /// Value, offset and tag of each record.
    records: Vec<(String, Option<i64>, u64)>,
}

impl Told {
    fn of(batch: &CompletedBatch) -> Self {
        let records = batch.records().map(|record| {
            let value = String::from_utf8(record.value().unwrap().to_vec()).unwrap();
            (value, record.offset(), record.tag())
        });
        let records: Vec<_> = records.collect();
        assert_eq!(records.len(), batch.len(), "every record is told");
        assert_eq!(batch.topic(), "t");
        Self {
            partition: batch.partition(),
            class: batch.error().map(ekafka_writer::WriterError::class),
            records,
        }
    }
}

/// All that was told so far.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Told>>>);

impl Ledger {
    /// Has everything written down that the writer tells.
    fn of(config: WriterConfig) -> (Self, WriterConfig) {
        let ledger = Self::default();
        let lines = ledger.clone();
        let config = config.topic("t").completion(move |batch| {
            let told = Told::of(batch);
            lines.lines().push(told);
        });
        (ledger, config)
    }

    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The values told with each class, in order.
    fn values(&self) -> Vec<(Option<ErrorClass>, Vec<String>)> {
        let lines = self.lines();
        let values = lines.iter().map(|told| {
            let values = told.records.iter().map(|(value, _, _)| value.clone());
            (told.class, values.collect())
        });
        values.collect()
    }
}

async fn one_partition() -> EmbeddedKafka {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
}

fn lines(class: Option<ErrorClass>, values: &[&str]) -> (Option<ErrorClass>, Vec<String>) {
    (
        class,
        values.iter().map(|value| (*value).to_owned()).collect(),
    )
}

#[tokio::test(start_paused = true)]
async fn t115_t120_s3_17_it_is_told_before_the_call_returns_with_offsets_and_tags() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka));
    let writer = config.batch_size(2).build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    ledger.lines().clear();
    let records: Vec<_> = ["a", "b", "c"].iter().map(Record::new).collect();
    let tagged: Vec<_> = records.iter().zip(7..).map(|(r, tag)| r.tag(tag)).collect();
    writer.write(&tagged).await.unwrap();
    let told = |records: &[(&str, i64, u64)]| Told {
        partition: 0,
        class: None,
        records: records
            .iter()
            .map(|(value, offset, tag)| ((*value).to_owned(), Some(*offset), *tag))
            .collect(),
    };
    let expected = [told(&[("a", 1, 7), ("b", 2, 8)]), told(&[("c", 3, 9)])];
    assert_eq!(*ledger.lines(), expected);
    // Records of a handle, of which only some have a tag.
    ledger.lines().clear();
    let first = writer.send(Record::new("d")).await.unwrap();
    let second = writer.send(Record::new("e").tag(5)).await.unwrap();
    first.await.unwrap();
    second.await.unwrap();
    let tags: Vec<_> = ledger
        .lines()
        .iter()
        .flat_map(|told| {
            told.records
                .iter()
                .map(|(value, _, tag)| (value.clone(), *tag))
        })
        .collect();
    assert_eq!(tags, [("d".to_owned(), 0), ("e".to_owned(), 5)]);
}

#[tokio::test(start_paused = true)]
async fn s3_17_an_asynchronous_call_is_told_of_success_and_failure_alike() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka));
    let writer = config.asynchronous(true).build().unwrap();
    writer.write(&[Record::new("fine")]).await.unwrap();
    writer.flush().await;
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    writer.write(&[Record::new("refused")]).await.unwrap();
    writer.flush().await;
    let rejected = ErrorClass::Rejected(ErrorCode::INVALID_RECORD);
    assert_eq!(
        ledger.values(),
        [lines(None, &["fine"]), lines(Some(rejected), &["refused"])]
    );
    assert_eq!(ledger.lines()[0].records[0].1, Some(0));
    assert_eq!(ledger.lines()[1].records[0].1, None);
}

#[tokio::test(start_paused = true)]
async fn acks_none_is_told_without_offsets() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka));
    let writer = config.acks(Acks::None).build().unwrap();
    writer.write(&[Record::new("v")]).await.unwrap();
    assert_eq!(ledger.lines()[0].records, [("v".to_owned(), None, 0)]);
}

#[tokio::test(start_paused = true)]
async fn the_append_time_is_told_where_the_broker_sets_it() {
    let kafka = kafka().await;
    let config_values = [("message.timestamp.type", "LogAppendTime")];
    kafka.create_topic_with("t", 1, &config_values).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let writer = config(&kafka).topic("t").completion(move |batch| {
        let times: Vec<_> = batch.records().map(|record| record.timestamp()).collect();
        tell.send(times).unwrap();
    });
    let writer = writer.build().unwrap();
    writer
        .write(&[Record::new("v").timestamp(5)])
        .await
        .unwrap();
    assert_eq!(told.recv().unwrap(), [stored(&kafka, "t", 0)[0].timestamp]);
    assert_ne!(stored(&kafka, "t", 0)[0].timestamp, 5);
}

#[tokio::test(start_paused = true)]
async fn what_closing_gives_up_is_told_too() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka).idempotence(false));
    let writer = config.build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    ledger.lines().clear();
    kafka.on_next(ApiKey::PRODUCE).silence();
    let on_wire = writer.send(Record::new("on the wire")).await.unwrap();
    let queued = writer.send(Record::new("queued")).await.unwrap();
    let limit = Duration::from_secs(2);
    writer.close_within(limit).await.unwrap_err();
    on_wire.await.unwrap_err();
    queued.await.unwrap_err();
    assert_eq!(
        ledger.values(),
        [
            lines(Some(ErrorClass::MaybeWritten), &["on the wire"]),
            lines(Some(ErrorClass::NotWritten), &["queued"]),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_dropping_gives_up_is_told_too() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka).linger(Duration::from_secs(10)));
    let writer = config.build().unwrap();
    let handle = writer.send(Record::new("lingering")).await.unwrap();
    drop(writer);
    handle.await.unwrap_err();
    let expected = lines(Some(ErrorClass::NotWritten), &["lingering"]);
    assert_eq!(ledger.values(), [expected]);
}

#[test]
fn what_the_end_of_the_runtime_gives_up_is_told_too() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let (ledger, writer) = runtime.block_on(async {
        let kafka = one_partition().await;
        let (ledger, config) = Ledger::of(config(&kafka).linger(Duration::from_secs(10)));
        let writer = config.build().unwrap();
        let _accepted = writer.send(Record::new("lingering")).await.unwrap();
        std::mem::forget(kafka);
        (ledger, writer)
    });
    drop(runtime);
    drop(writer);
    let expected = lines(Some(ErrorClass::NotWritten), &["lingering"]);
    assert_eq!(ledger.values(), [expected]);
}

/// A batch that is given up while it is on the wire is told once, though its answer comes later.
#[tokio::test(start_paused = true)]
async fn a_late_answer_changes_nothing() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka));
    let writer = config
        .request_timeout(2 * DELIVERY_TIMEOUT)
        .build()
        .unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    ledger.lines().clear();
    let late = DELIVERY_TIMEOUT + Duration::from_secs(1);
    kafka.on_next(ApiKey::PRODUCE).delay(late);
    let errors = writer.write(&[Record::new("late")]).await.unwrap_err();
    assert!(errors.get(0).unwrap().maybe_written());
    let expected = [lines(Some(ErrorClass::MaybeWritten), &["late"])];
    assert_eq!(ledger.values(), expected);
    tokio::time::sleep(late).await;
    assert_eq!(ledger.values(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_cut_is_told_as_what_it_was_cut_into() {
    let kafka = one_partition().await;
    let (ledger, config) = Ledger::of(config(&kafka));
    let writer = config.build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    ledger.lines().clear();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::MESSAGE_TOO_LARGE);
    let records: Vec<_> = ["a", "b", "c"].iter().map(Record::new).collect();
    let tagged: Vec<_> = records.iter().zip(1..).map(|(r, tag)| r.tag(tag)).collect();
    writer.write(&tagged).await.unwrap();
    let told: Vec<_> = ledger
        .lines()
        .iter()
        .map(|told| told.records.clone())
        .collect();
    let record = |value: &str, offset, tag| (value.to_owned(), Some(offset), tag);
    assert_eq!(
        told,
        [
            vec![record("a", 1, 1)],
            vec![record("b", 2, 2), record("c", 3, 3)]
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_harms_no_one() {
    let kafka = one_partition().await;
    let config = config(&kafka).topic("t");
    let writer = config
        .completion(|_| panic!("its own fault"))
        .build()
        .unwrap();
    writer.write(&[Record::new("1")]).await.unwrap();
    writer.write(&[Record::new("2")]).await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["1", "2"]);
}

/// No lock is held meanwhile, so that it may write itself.
#[tokio::test(start_paused = true)]
async fn a_function_may_write_what_failed_again() {
    let kafka = one_partition().await;
    let writer = Arc::new(std::sync::OnceLock::<ekafka_writer::Writer>::new());
    let own = Arc::downgrade(&writer);
    let config = config(&kafka).topic("t").completion(move |batch| {
        if batch.error().is_none() {
            return;
        }
        let Some(writer) = own.upgrade() else { return };
        for record in batch.records() {
            let again = Record::new(record.value().unwrap());
            drop(writer.get().unwrap().try_send(again).unwrap());
        }
    });
    let writer = writer.get_or_init(|| config.build().unwrap());
    writer.write(&[Record::new("1")]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    writer.write(&[Record::new("2")]).await.unwrap_err();
    writer.flush().await;
    assert_eq!(values(&kafka, "t", 0), ["1", "2"]);
}

/// The records that wait for the function keep their room.
#[tokio::test]
async fn a_slow_function_slows_writing_down() {
    let kafka = one_partition().await;
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let config = config(&kafka).topic("t").completion(move |_| {
        let _ = wait.lock().unwrap_or_else(PoisonError::into_inner).recv();
    });
    let config = config.buffer_memory(32 * 1024).batch_bytes(16 * 1024);
    // The function blocks its thread, so it has one to itself.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let writer = {
        let _guard = runtime.enter();
        config.build().unwrap()
    };
    let value = "x".repeat(10 * 1024);
    let first = writer.send(Record::new(&value)).await.unwrap();
    let second = writer.send(Record::new(&value)).await.unwrap();
    while values(&kafka, "t", 0).len() < 2 {
        tokio::task::yield_now().await;
    }
    let error = writer.try_send(Record::new(&value)).unwrap_err();
    assert!(error.to_string().contains("no room"), "{error}");
    assert!(!first.is_done());
    drop(go);
    first.await.unwrap();
    second.await.unwrap();
    writer
        .send(Record::new(&value))
        .await
        .unwrap()
        .await
        .unwrap();
    runtime.shutdown_background();
}
