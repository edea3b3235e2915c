//! What the caller holds: positions, statistics, loggers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ekafka_protocol::{ApiKey, ErrorCode};

use super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::reader::Reader;
use crate::reset::StartOffset;

#[tokio::test(start_paused = true)]
async fn t48_t49_lag_counts_down_with_what_was_read() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    assert_eq!(reader.lag(), Some(0));
    assert_eq!(reader.read_lag().await.unwrap(), 5);
    for read in 1..=5 {
        fetch(&mut reader).await;
        assert_eq!(reader.lag(), Some(5 - read));
        assert_eq!(reader.read_lag().await.unwrap(), 5 - read);
    }
    // The broker knows of more than was fetched.
    kafka.on_next(ApiKey::FETCH).delay(Duration::from_secs(9));
    write(&kafka, "t", 0, 2);
    assert_eq!(reader.read_lag().await.unwrap(), 2);
    let last = builder(&kafka).topic("t").start_offset(StartOffset::Last);
    assert_eq!(last.build().unwrap().read_lag().await.unwrap(), 0);
    let inside = builder(&kafka).topic("t").start_offset(StartOffset::At(3));
    assert_eq!(inside.build().unwrap().read_lag().await.unwrap(), 4);
    let missing = builder(&kafka).topic("t").partition(7).build().unwrap();
    let error = missing.read_lag().await.unwrap_err();
    assert!(matches!(error, ReaderError::Kafka { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_time_behind_every_record_is_the_end() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 5);
    let hour = Duration::from_secs(3_600);
    let far = UNIX_EPOCH + Duration::from_millis(i64::MAX.unsigned_abs());
    for time in [SystemTime::now() + hour, far] {
        let mut reader = builder(&kafka).topic("t").build().unwrap();
        reader.set_offset_at(time).await.unwrap();
        assert_eq!(reader.read_lag().await.unwrap(), 0);
        assert_silent(&mut reader).await;
        assert_eq!(reader.read_lag().await.unwrap(), 0);
        let (_, next) = kafka.offsets("t", 0).unwrap();
        write(&kafka, "t", 0, 2);
        assert_eq!(reader.read_lag().await.unwrap(), 2);
        assert_eq!(offsets(&mut reader, 1).await, [next]);
        assert_eq!(reader.read_lag().await.unwrap(), 1);
    }
    let empty = builder(&kafka).topic("t").partition(1);
    let empty = empty.start_offset(StartOffset::Time(UNIX_EPOCH));
    assert_eq!(empty.build().unwrap().read_lag().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_lag_in_the_statistics_is_asked_for_at_its_interval() {
    let minute = Duration::from_secs(60);
    for (interval, asked, lag) in [
        (Some(minute), 5, 7),
        (Some(Duration::ZERO), 0, 0),
        (None, 0, 0),
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        write(&kafka, "t", 1, 3);
        let reader = builder(&kafka).topic("t").partitions([0, 1]);
        let reader = reader.start_offset(StartOffset::At(0));
        let reader = reader.request_timeout(minute * 600);
        let mut reader = reader.read_lag_interval(interval).build().unwrap();
        fetch(&mut reader).await;
        assert_eq!(reader.stats().lag, 2, "as fetched");
        // The next fetch stays away.
        kafka.on_next(ApiKey::FETCH).delay(minute * 60);
        write(&kafka, "t", 0, 1);
        tokio::time::sleep(minute / 2).await;
        write(&kafka, "t", 1, 5);
        tokio::time::sleep(minute * 5).await;
        let asked_for = kafka.requests_of(ApiKey::LIST_OFFSETS).len();
        assert_eq!(asked_for, asked, "{interval:?}");
        let known = if asked > 0 { lag } else { 2 };
        assert_eq!(reader.handle().stats().lag, known, "{interval:?}");
        offsets(&mut reader, 2).await;
        assert_eq!(reader.stats().lag, known - 2, "{interval:?}");
    }
    let grouped = Reader::builder().brokers(["a:1"]).topic("t").group_id("g");
    let error = grouped.read_lag_interval(Some(minute)).build().unwrap_err();
    assert!(error.to_string().contains("read_lag_interval"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn t54_s1_45_to_s1_49_a_group_has_no_single_position() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 2);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.build().unwrap();
    assert!(matches!(
        reader.set_offset(0).await,
        Err(ReaderError::Unavailable { .. })
    ));
    assert!(matches!(
        reader.read_lag().await,
        Err(ReaderError::Unavailable { .. })
    ));
    assert_eq!(kafka.requests().len(), 0, "refused before anything is sent");
    fetch(&mut reader).await;
    assert_eq!((reader.offset(), reader.lag()), (None, None));
    let stats = reader.stats();
    assert_eq!(stats.partition, "-1");
    assert_eq!((stats.offset, stats.lag), (1, 1), "statistics have both");
    let alone = builder(&kafka).topic("t").partition(0).build().unwrap();
    assert!(matches!(
        alone.committed(&[TopicPartition::new("t", 0)]).await,
        Err(ReaderError::Unavailable { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn s3_35_s3_53_statistics_agree_with_what_was_read_and_begin_anew() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    for _ in 0..7 {
        write(&kafka, "t", 1, 1);
    }
    let builder = builder(&kafka).topic("t").partition(1).queue_capacity(1);
    let mut reader = builder.build().unwrap();
    let message = fetch(&mut reader).await;
    let stats = reader.stats();
    assert_eq!((stats.dials, stats.messages, stats.rebalances), (1, 1, 0));
    assert_eq!(stats.bytes, 4, "key and value");
    assert_eq!(stats.lag, message.high_water_mark() - stats.offset);
    assert_eq!((stats.queue_length, stats.queue_capacity), (7, 1));
    assert_eq!((stats.fetch_size.count, stats.fetch_size.max), (1, 7));
    assert_eq!((stats.topic.as_str(), stats.partition.as_str()), ("t", "1"));
    assert_eq!(stats.client_id, "ekafka");
    let batch = reader.next_batch().await.unwrap();
    let stats = reader.stats();
    assert_eq!((stats.dials, stats.messages, stats.batches), (0, 1, 1));
    assert_eq!(stats.offset, batch.next_offset());
}

#[tokio::test(start_paused = true)]
async fn s3_18_a_full_queue_is_not_fetched_ahead_of() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..40 {
        write(&kafka, "t", 0, 1);
    }
    let builder = builder(&kafka).topic("t").queue_capacity(2);
    let mut reader = builder.max_partition_bytes(200).build().unwrap();
    fetch(&mut reader).await;
    let mut before = 0;
    for _ in 0..39 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let queued = reader.handle().stats().queue_length;
        // A request leaves while at most one waits, and brings at most three of these batches.
        assert!(queued <= 4, "{queued} messages wait");
        before = before.max(queued);
        fetch(&mut reader).await;
    }
    assert!(before >= 2, "nothing was fetched ahead");
}

#[tokio::test(start_paused = true)]
async fn committed_offsets_are_told_as_the_coordinator_has_them() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 3);
    let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
    let names = [TopicPartition::new("t", 0), TopicPartition::new("t", 1)];
    let [zero, one] = names.clone();
    let nothing = reader.committed(&names).await.unwrap();
    assert_eq!(nothing, [(zero.clone(), None), (one.clone(), None)]);
    let message = fetch(&mut reader).await;
    reader.commit_messages(&[message]).await.unwrap();
    let told = reader.committed(&names).await.unwrap();
    assert_eq!(told, [(zero, Some(1)), (one, None)]);
    kafka
        .on_next(ApiKey::OFFSET_FETCH)
        .error(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    let refused = reader.committed(&names).await.unwrap_err();
    assert!(matches!(refused, ReaderError::Kafka { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn s1_52_s3_27_only_the_readers_own_messages_are_committed_and_none_after_close() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 4);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.clone().build().unwrap();
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(fetch(&mut reader).await);
    }
    // The highest counts, in whatever order they are named.
    messages.rotate_left(1);
    reader.commit_messages(&messages).await.unwrap();
    let partition = [TopicPartition::new("t", 0)];
    let committed = reader.committed(&partition).await.unwrap();
    assert_eq!(committed[0].1, Some(3));
    // A message of a reader without a group names a partition that this group never gave out.
    let mut alone = builder(&kafka).topic("t").build().unwrap();
    let foreign = fetch(&mut alone).await;
    let refused = reader.commit_messages(std::slice::from_ref(&foreign)).await;
    assert!(matches!(refused, Err(ReaderError::NotAssigned { .. })));
    let handle = reader.handle();
    reader.close().await.unwrap();
    for messages in [&messages[..], &[foreign]] {
        let refused = handle.commit_messages(messages).await.unwrap_err();
        assert!(matches!(refused, ReaderError::Closed), "{refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn s3_37_loggers_are_told_of_assignments_and_errors() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let logger = |name: &'static str| -> Arc<dyn ekafka_conn::Logger> {
        let told = Arc::clone(&told);
        Arc::new(move |line: std::fmt::Arguments<'_>| {
            told.lock().unwrap().push(format!("{name} {line}"));
        })
    };
    let group = builder(&kafka).topic("t").group_id("g");
    let group = group.logger(logger("log")).error_logger(logger("error"));
    kafka
        .on_next(ApiKey::JOIN_GROUP)
        .error(ErrorCode::GROUP_AUTHORIZATION_FAILED);
    let mut reader = group.build().unwrap();
    assert!(reader.fetch_message().await.is_err());
    fetch(&mut reader).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = told.lock().unwrap();
    assert_eq!(told[0], "log reading t");
    assert!(
        told[1].starts_with("error joining the group of g"),
        "{told:?}"
    );
    assert_eq!(told[2], "log assigned: t[0]");
}

#[tokio::test(start_paused = true)]
async fn the_settings_in_force_are_told() {
    let kafka = kafka().await;
    let group = builder(&kafka)
        .topic("t")
        .group_id("g")
        .max_bytes(10_000_000);
    let config = group.build().unwrap().config();
    assert_eq!(config.group_id.as_deref(), Some("g"));
    assert_eq!((config.min_bytes, config.max_bytes), (1, 10_000_000));
    assert_eq!(config.heartbeat_interval, Some(Duration::from_secs(3)));
    assert_eq!(config.partitions, [0; 0]);
    assert_eq!(config.commit_interval, None);
}
