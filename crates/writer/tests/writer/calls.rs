//! What a call accepts, what it refuses, and when its batches leave.

use std::time::Duration;

use ekafka_protocol::compression::Compression;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::balancer::RoundRobin;
use ekafka_writer::{Acks, ErrorClass, Record, Writer, WriterError};
use tokio::time::Instant;

use crate::rig::{config, kafka, start, stored, values};

#[tokio::test(start_paused = true)]
async fn a_configuration_names_all_its_faults() {
    let error = Writer::builder()
        .acks(Acks::One)
        .idempotence(true)
        .max_in_flight(6)
        .batch_size(0)
        .retry_backoff(Duration::from_secs(2), Duration::from_secs(1))
        .build()
        .unwrap_err();
    let text = error.to_string();
    for fault in [
        "no brokers",
        "needs acks all",
        "5 requests in flight",
        "batch_size is zero",
        "longer one",
    ] {
        assert!(text.contains(fault), "{text}");
    }
    assert!(error.is_fatal());
}

#[test]
fn without_a_runtime_there_is_no_writer() {
    let error = Writer::builder()
        .brokers(["localhost:9092"])
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("Tokio runtime"), "{error}");
}

/// S1.66, S1.67, T109.
#[tokio::test(start_paused = true)]
async fn exactly_one_of_writer_and_record_names_the_topic() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka.create_topic("u", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    let errors = writer
        .write(&[Record::new("twice").topic("t"), Record::new("once")])
        .await
        .unwrap_err();
    assert!(
        matches!(errors.get(0), Some(WriterError::Topic { topic: Some(_) })),
        "{errors}"
    );
    assert!(errors.get(1).is_none(), "the other record is written");
    let writer = config(&kafka).build().unwrap();
    let records = [
        Record::new("a").topic("u"),
        Record::new("nowhere"),
        Record::new("b").topic("t"),
    ];
    let errors = writer.write(&records).await.unwrap_err();
    assert_eq!(errors.count(), 1);
    assert!(matches!(
        errors.get(1),
        Some(WriterError::Topic { topic: None })
    ));
    assert_eq!(values(&kafka, "t", 0), ["once", "b"]);
    assert_eq!(values(&kafka, "u", 0), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn records_that_cannot_be_written_do_not_hold_the_others() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    let writer = config(&kafka).topic("t").batch_bytes(1000).build().unwrap();
    let large = "x".repeat(1000);
    let records = [
        Record::new("0").partition(0),
        Record::new("no partition").partition(2),
        Record::new(&large).partition(0),
        Record::new("3").partition(0),
        Record::new("no partition").partition(-1),
    ];
    let errors = writer.write(&records).await.unwrap_err();
    assert_eq!(
        errors.iter().map(|(index, _)| index).collect::<Vec<_>>(),
        [1, 2, 4]
    );
    assert!(matches!(
        errors.get(1),
        Some(WriterError::InvalidPartition {
            partition: 2,
            partitions: 2,
            ..
        })
    ));
    assert!(matches!(
        errors.get(2),
        Some(WriterError::RecordTooLarge { limit: 1000, .. })
    ));
    assert!(
        errors
            .iter()
            .all(|(_, error)| error.class() == ErrorClass::NotWritten)
    );
    assert_eq!(values(&kafka, "t", 0), ["0", "3"]);
}

/// T110: a balancer's mistake is an error of the record.
#[tokio::test(start_paused = true)]
async fn a_balancer_that_returns_no_partition_fails_the_record() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let wrong = |_: &Record<'_>, _: &[i32]| -1;
    let writer = config(&kafka).topic("t").balancer(wrong).build().unwrap();
    let errors = writer.write(&[Record::new("v")]).await.unwrap_err();
    assert!(matches!(
        errors.get(0),
        Some(WriterError::InvalidPartition { partition: -1, .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_balancer_sees_every_record() {
    let kafka = kafka().await;
    kafka.create_topic("t", 3).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .balancer(RoundRobin::new(2))
        .build()
        .unwrap();
    let numbers: Vec<_> = (0..12).map(|number| number.to_string()).collect();
    let records: Vec<_> = numbers.iter().map(Record::new).collect();
    writer.write(&records).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["0", "1", "6", "7"]);
    assert_eq!(values(&kafka, "t", 1), ["2", "3", "8", "9"]);
    assert_eq!(values(&kafka, "t", 2), ["4", "5", "10", "11"]);
}

/// S3.7, S3.8, S3.11, S3.12, S3.14: kafka-go's three batch parameters, to the millisecond.
#[tokio::test(start_paused = true)]
async fn lingering_batches_leave_when_full_or_when_their_time_has_come() {
    let check = async |sizes: &[usize], batch_size: usize, expected: Duration, requests: usize| {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let linger = Duration::from_secs(1);
        let writer = config(&kafka)
            .topic("t")
            .linger(linger)
            .batch_size(batch_size)
            .build()
            .unwrap();
        let begun = Instant::now();
        for size in sizes {
            writer.write(&vec![Record::new("v"); *size]).await.unwrap();
        }
        let took = begun.elapsed();
        assert!(
            took >= expected && took < expected + Duration::from_millis(20),
            "{sizes:?} took {took:?}"
        );
        assert_eq!(
            kafka.requests_of(ApiKey::PRODUCE).len(),
            requests,
            "{sizes:?}"
        );
    };
    let second = Duration::from_secs(1);
    check(&[3], 100, second, 1).await;
    check(&[1, 1, 1], 100, second * 3, 3).await;
    check(&[220], 100, second, 3).await;
    check(&[20], 100, second, 1).await;
    check(&[1, 1], 1, Duration::ZERO, 2).await;
    check(&[100], 100, Duration::ZERO, 1).await;
}

#[tokio::test(start_paused = true)]
async fn batches_fill_while_the_partition_has_one_in_flight() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("warm up")]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .delay(Duration::from_millis(10));
    let mut handles = Vec::new();
    for _ in 0..500 {
        handles.push(writer.send(Record::new("v")).await.unwrap());
    }
    for handle in handles {
        handle.await.unwrap();
    }
    assert_eq!(
        kafka.requests_of(ApiKey::PRODUCE).len(),
        3,
        "one alone, and all that came meanwhile"
    );
}

/// T111, T112, S1.63.
#[tokio::test(start_paused = true)]
async fn an_unknown_topic_is_waited_for_and_never_made_unasked() {
    let kafka = start(
        EmbeddedKafka::builder()
            .auto_create(true)
            .default_partitions(2),
    )
    .await;
    let writer = config(&kafka)
        .topic("t")
        .max_block(Duration::from_secs(3))
        .build()
        .unwrap();
    let begun = Instant::now();
    let errors = writer
        .write(&[Record::new("a"), Record::new("b")])
        .await
        .unwrap_err();
    assert_eq!(errors.count(), 2);
    assert!(
        errors.to_string().contains("UNKNOWN_TOPIC_OR_PARTITION"),
        "{errors}"
    );
    assert_eq!(begun.elapsed().as_secs(), 3);
    let waiting = tokio::spawn({
        let writer = writer.clone();
        async move { writer.write(&[Record::new("c")]).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    kafka.create_topic("t", 1).unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(values(&kafka, "t", 0), ["c"]);

    let writer = config(&kafka)
        .topic("made")
        .allow_auto_topic_creation(true)
        .build()
        .unwrap();
    writer
        .write(&[Record::new("d").partition(1)])
        .await
        .unwrap();
    assert_eq!(values(&kafka, "made", 1), ["d"]);
}

#[tokio::test(start_paused = true)]
async fn partitions_that_are_added_are_used() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("0")]).await.unwrap();
    let early = writer
        .write(&[Record::new("1").partition(2)])
        .await
        .unwrap_err();
    assert!(matches!(
        early.get(0),
        Some(WriterError::InvalidPartition { .. })
    ));
    kafka.add_partitions("t", 3).unwrap();
    // Found out at the next refresh, or earlier when anything else asks for metadata.
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    writer
        .write(&[Record::new("1").partition(2)])
        .await
        .unwrap();
    assert_eq!(values(&kafka, "t", 2), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn every_codec_arrives() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd", "gzip:1"] {
        let compression: Compression = codec.parse().unwrap();
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let writer = config(&kafka)
            .topic("t")
            .compression(compression)
            .build()
            .unwrap();
        let value = "the same again and ".repeat(20);
        writer.write(&vec![Record::new(&value); 500]).await.unwrap();
        let found = stored(&kafka, "t", 0);
        assert_eq!(found.len(), 500);
        assert!(
            found
                .iter()
                .all(|record| record.value.as_deref() == Some(value.as_bytes())),
            "{codec}"
        );
        let bytes = kafka.log("t", 0).unwrap().len();
        assert_eq!(
            bytes < 500 * value.len() / 5,
            codec != "none",
            "{codec}: {bytes} bytes"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn try_send_never_waits() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .buffer_memory(64 * 1024)
        .batch_bytes(32 * 1024)
        .build()
        .unwrap();
    let error = writer.try_send(Record::new("v")).unwrap_err();
    assert!(
        matches!(error, WriterError::NoRoom { .. }),
        "the partitions are not known yet: {error}"
    );
    writer.write(&[Record::new("warm up")]).await.unwrap();
    let value = "x".repeat(10_000);
    let mut accepted = Vec::new();
    let error = loop {
        match writer.try_send(Record::new(&value)) {
            Ok(handle) => accepted.push(handle),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, WriterError::NoRoom { .. }) && error.is_retriable(),
        "{error}"
    );
    assert!((3..=6).contains(&accepted.len()), "{}", accepted.len());
    for handle in accepted {
        handle.await.unwrap();
    }
    writer.try_send(Record::new(&value)).unwrap().await.unwrap();
    writer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_topic_is_told_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("not a valid name!").build().unwrap();
    let begun = Instant::now();
    let errors = writer.write(&[Record::new("v")]).await.unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        errors
            .to_string()
            .contains(ErrorCode::INVALID_TOPIC_EXCEPTION.name().unwrap()),
        "{errors}"
    );
}

/// T100: nobody listens.
#[tokio::test(start_paused = true)]
async fn a_dead_address_is_an_error_that_names_it() {
    let writer = Writer::builder()
        .brokers(["127.0.0.1:1"])
        .topic("t")
        .max_block(Duration::from_secs(3))
        .build()
        .unwrap();
    let errors = writer.write(&[Record::new("v")]).await.unwrap_err();
    assert!(errors.to_string().contains("127.0.0.1:1"), "{errors}");
    assert_eq!(errors.get(0).unwrap().class(), ErrorClass::NotWritten);
}

/// Everything that can be wrong with a record, each told at its place, while the others go on.
#[tokio::test(start_paused = true)]
async fn bad_records_are_named_by_their_place_and_nothing_of_them_is_sent() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let missing = |record: &Record<'_>, _: &[i32]| i32::from(record.key == Some(b"astray"));
    let writer = config(&kafka)
        .balancer(missing)
        .batch_bytes(1000)
        .max_block(Duration::from_secs(1))
        .build()
        .unwrap();
    let large = "x".repeat(1000);
    let records = [
        Record::new("0").topic("t"),
        Record::new("no topic"),
        Record::new("no such topic").topic("u"),
        Record::new(&large).topic("t"),
        Record::new("no such partition").topic("t").partition(1),
        Record::new("balanced astray").topic("t").key("astray"),
        Record::new("no topic's name").topic(""),
        Record::new("7").topic("t"),
    ];
    let errors = writer.write(&records).await.unwrap_err();
    let named: Vec<_> = errors.iter().map(|(index, _)| index).collect();
    assert_eq!(named, [1, 2, 3, 4, 5, 6], "{errors}");
    use WriterError::{InvalidPartition, RecordTooLarge, Topic, TopicUnavailable};
    let error = |index| errors.get(index).unwrap();
    assert!(matches!(error(1), Topic { topic: None }));
    assert!(matches!(error(2), TopicUnavailable { .. }), "{}", error(2));
    assert!(matches!(error(3), RecordTooLarge { limit: 1000, .. }));
    assert!(matches!(error(4), InvalidPartition { partition: 1, .. }));
    assert!(matches!(error(5), InvalidPartition { partition: 1, .. }));
    assert_eq!(error(6).class(), ErrorClass::NotWritten);
    assert_eq!(errors.too_large(&records).unwrap().record, records[3]);
    assert_eq!(values(&kafka, "t", 0), ["0", "7"]);
    writer.close().await.unwrap();
    let errors = writer.write(&records[..1]).await.unwrap_err();
    assert!(matches!(errors.get(0), Some(WriterError::Closed)));
}

#[test]
fn bad_settings_are_told_before_anything_is_sent() {
    let error = Writer::builder().topic("").build().unwrap_err();
    assert!(error.to_string().contains("no brokers"), "{error}");
    assert!(error.to_string().contains("topic has no name"), "{error}");
    for level in ["gzip:10", "zstd:99", "lz4:0x", "lzma"] {
        assert!(level.parse::<Compression>().is_err(), "{level}");
    }
}

/// The panic is the caller's; what the call had accepted before goes its way.
#[tokio::test(start_paused = true)]
async fn a_balancer_that_panics_harms_its_own_call_alone() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka.create_topic("u", 1).unwrap();
    let panicking = |record: &Record<'_>, _: &[i32]| {
        assert!(record.topic == Some("t"), "the balancer's own fault");
        0
    };
    let writer = config(&kafka).balancer(panicking).build().unwrap();
    for topic in ["t", "u"] {
        let record = Record::new("before").topic(topic).partition(0);
        writer.write(&[record]).await.unwrap();
    }
    let call = tokio::spawn({
        let writer = writer.clone();
        async move {
            let records = [Record::new("1").topic("t"), Record::new("2").topic("u")];
            writer.write(&records).await
        }
    });
    assert!(call.await.unwrap_err().is_panic());
    writer.flush().await;
    writer.write(&[Record::new("3").topic("t")]).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["before", "1", "3"]);
    assert_eq!(values(&kafka, "u", 0), ["before"]);
}
