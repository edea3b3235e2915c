//! One partition, from wherever it is told to begin.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ekafka_reader::{OutOfRange, Reader, ReaderBuilder, ReaderError, StartOffset};
use ekafka_writer::{Record, Writer};
use tokio::time::{Instant, timeout};

use crate::support::{Kafka, in_time};

/// How long a reader that should get nothing is listened to.
const SILENCE: Duration = Duration::from_millis(150);

/// Writes the numbers `from..to` to partition 0, in calls of at most a hundred.
async fn write_numbers(kafka: &Kafka, topic: &str, from: i64, to: i64) {
    let writer = kafka.writer(topic).build().expect("a writer");
    let values: Vec<String> = (from..to).map(|number| number.to_string()).collect();
    for part in values.chunks(100) {
        write(&writer, part).await;
    }
}

async fn write(writer: &Writer, values: &[String]) {
    let records = values.iter().map(|value| Record::new(value).partition(0));
    let records: Vec<Record<'_>> = records.collect();
    writer.write(&records).await.expect("written");
}

fn alone(kafka: &Kafka, topic: &str) -> ReaderBuilder {
    Reader::builder().brokers(kafka.brokers()).topic(topic)
}

/// The offset of the next message, whose value must be the number written there.
async fn next(reader: &mut Reader) -> i64 {
    let message = in_time(reader.fetch_message()).await.expect("a message");
    let value = message.offset().to_string();
    assert_eq!(message.value(), Some(value.as_bytes()));
    message.offset()
}

async fn assert_silent(reader: &mut Reader) {
    let early = timeout(SILENCE, reader.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
}

#[tokio::test]
async fn s1_33_t52_messages_are_of_the_chosen_partition() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    for partition in [0, 1, 2, 1] {
        let value = partition.to_string();
        let record = Record::new(&value).partition(partition);
        writer.write(&[record]).await.expect("written");
    }
    let mut reader = alone(&kafka, &topic)
        .partition(1)
        .build()
        .expect("a reader");
    for offset in 0..2 {
        let message = in_time(reader.fetch_message()).await.expect("a message");
        assert_eq!((message.topic(), message.partition()), (&*topic, 1));
        assert_eq!(message.offset(), offset);
        assert_eq!(message.value(), Some(&b"1"[..]));
    }
    assert_silent(&mut reader).await;
    in_time(reader.close()).await.expect("closed");
}

#[tokio::test]
async fn s1_39_the_offset_that_was_set_is_the_first_one_read() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 50).await;
    let mut reader = alone(&kafka, &topic).build().expect("a reader");
    reader.set_offset(42).await.expect("set");
    for offset in 42..50 {
        assert_eq!(next(&mut reader).await, offset);
    }
    in_time(reader.close()).await.expect("closed");
}

#[tokio::test]
async fn t44_a_thousand_messages_arrive_in_order() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 1_000).await;
    let mut reader = alone(&kafka, &topic).build().expect("a reader");
    for offset in 0..1_000 {
        assert_eq!(next(&mut reader).await, offset);
    }
    assert_silent(&mut reader).await;
}

#[tokio::test]
async fn t45_first_reads_what_is_there_and_last_waits_for_the_next() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 4).await;
    let mut first = alone(&kafka, &topic).build().expect("a reader");
    first.set_offset(StartOffset::First).await.expect("set");
    assert_eq!(next(&mut first).await, 0);
    assert_eq!(first.offset(), Some(1));
    let mut last = alone(&kafka, &topic).build().expect("a reader");
    last.set_offset(StartOffset::Last).await.expect("set");
    assert_silent(&mut last).await;
    write_numbers(&kafka, &topic, 4, 5).await;
    assert_eq!(next(&mut last).await, 4);
    assert_eq!(last.offset(), Some(5));
}

#[tokio::test]
async fn t60_a_start_at_the_end_holds_without_a_group() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 4).await;
    let last = alone(&kafka, &topic).start_offset(StartOffset::Last);
    let mut last = last.build().expect("a reader");
    assert_silent(&mut last).await;
    write_numbers(&kafka, &topic, 4, 6).await;
    assert_eq!([next(&mut last).await, next(&mut last).await], [4, 5]);
}

#[tokio::test]
async fn t46_t61_each_set_offset_is_what_is_read_next() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 10).await;
    // A fetch under way ends before the next position is asked for.
    let reader = alone(&kafka, &topic).max_wait(SILENCE / 10);
    let mut reader = reader.build().expect("a reader");
    for _ in 0..20 {
        let offset = fastrand::i64(0..10);
        reader.set_offset(offset).await.expect("set");
        assert_eq!(reader.offset(), Some(offset));
        assert_eq!(next(&mut reader).await, offset);
    }
}

#[tokio::test]
async fn t47_the_time_of_a_record_leads_to_it() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after");
    let now = i64::try_from(now.as_millis()).expect("a time");
    for (from, time) in [(0, now - 2_000), (10, now)] {
        let values: Vec<String> = (from..from + 10).map(|at: i64| at.to_string()).collect();
        let records = values
            .iter()
            .map(|value| Record::new(value).timestamp(time));
        writer
            .write(&records.collect::<Vec<_>>())
            .await
            .expect("written");
    }
    let reader = alone(&kafka, &topic).max_wait(SILENCE / 10);
    let mut reader = reader.build().expect("a reader");
    let of_tenth = UNIX_EPOCH + Duration::from_millis(now.unsigned_abs());
    for (time, offset) in [
        (of_tenth, 10),
        (of_tenth - Duration::from_millis(1), 10),
        (of_tenth - Duration::from_secs(60), 0),
    ] {
        reader.set_offset_at(time).await.expect("set");
        assert_eq!(next(&mut reader).await, offset);
    }
}

#[tokio::test]
async fn t48_t49_s3_52_lag_counts_down_as_messages_are_read() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 10).await;
    let mut reader = alone(&kafka, &topic).build().expect("a reader");
    assert_eq!(reader.lag(), Some(0), "before reading");
    assert_eq!(in_time(reader.read_lag()).await.expect("told"), 10);
    for read in 1..=10 {
        assert_eq!(next(&mut reader).await, read - 1);
        assert_eq!(reader.offset(), Some(read));
        assert_eq!(reader.lag(), Some(10 - read));
        assert_eq!(in_time(reader.read_lag()).await.expect("told"), 10 - read);
    }
}

#[tokio::test]
async fn t50_nothing_comes_from_beyond_the_end_before_the_caller_gives_up() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 3).await;
    let reader = alone(&kafka, &topic).out_of_range(OutOfRange::Error);
    let mut reader = reader.build().expect("a reader");
    reader.set_offset(5_000).await.expect("set");
    let error = in_time(reader.fetch_message()).await.expect_err("too far");
    assert!(
        matches!(error, ReaderError::OffsetOutOfRange { offset: 5_000, .. }),
        "{error}"
    );
    let begun = Instant::now();
    assert_silent(&mut reader).await;
    assert!(begun.elapsed() >= SILENCE);
}

#[tokio::test]
async fn t51_a_topic_made_anew_and_smaller_is_out_of_range() {
    let kafka = Kafka::start_slow(
        Duration::from_secs(10),
        "what the reader knows of the topic's leader has to be found wrong first",
    )
    .await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 10).await;
    let reader = alone(&kafka, &topic).out_of_range(OutOfRange::Error);
    let mut reader = reader.build().expect("a reader");
    for offset in 0..10 {
        assert_eq!(next(&mut reader).await, offset);
    }
    kafka.make_anew(&topic, 1).await;
    let error = loop {
        // A moment without the topic may be told as well.
        match in_time(reader.fetch_message()).await {
            Err(ReaderError::Kafka { .. }) => {}
            other => break other.expect_err("it has fewer records than were read"),
        }
    };
    // A leader that knows of epochs tells where the logs part (KIP-320), an older one only that the offset is unknown.
    assert!(
        matches!(
            error,
            ReaderError::OffsetOutOfRange { offset: 10, .. }
                | ReaderError::Truncated {
                    offset: 10,
                    end: 0,
                    ..
                }
        ),
        "{error}"
    );
    reader.set_offset(0).await.expect("set");
    write_numbers(&kafka, &topic, 0, 1).await;
    assert_eq!(next(&mut reader).await, 0);
}

#[tokio::test]
async fn t57_answers_cut_off_at_a_hundred_bytes_lose_nothing() {
    let kafka =
        Kafka::start_slow(Duration::from_secs(5), "an answer for each of 200 records").await;
    let topic = kafka.topic(1).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let values: Vec<String> = (0..200).map(|size| "x".repeat(size)).collect();
    for value in &values {
        writer.write(&[Record::new(value)]).await.expect("written");
    }
    let reader = alone(&kafka, &topic)
        .max_bytes(100)
        .max_partition_bytes(100);
    let mut reader = reader.build().expect("a reader");
    for (offset, value) in (0..).zip(&values) {
        let message = in_time(reader.fetch_message()).await.expect("a message");
        assert_eq!(message.offset(), offset);
        assert_eq!(message.value(), Some(value.as_bytes()));
    }
}

#[tokio::test]
async fn t59_the_smallest_limit_reads_500_messages() {
    let kafka = Kafka::start_slow(Duration::from_secs(5), "an answer for each of 50 batches").await;
    let topic = kafka.topic(1).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let values: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    for part in values.chunks(10) {
        write(&writer, part).await;
    }
    let reader = alone(&kafka, &topic).max_bytes(1).max_partition_bytes(1);
    let mut reader = reader.build().expect("a reader");
    for offset in 0..500 {
        assert_eq!(next(&mut reader).await, offset);
    }
    assert_silent(&mut reader).await;
}

#[tokio::test]
async fn t58_a_compacted_partition_gives_each_key_that_is_left_once() {
    let kafka = Kafka::start_slow(
        Duration::from_secs(60),
        "a segment ends after a moment, and a real broker compacts in its own time",
    )
    .await;
    let topic = kafka
        .topic_with(
            1,
            &[
                ("cleanup.policy", "compact"),
                ("segment.ms", "100"),
                ("min.cleanable.dirty.ratio", "0.01"),
            ],
        )
        .await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let keys = ["a", "b", "c", "d"];
    for round in 0..25 {
        let value = round.to_string();
        let records = keys.map(|key| Record::new(&value).key(key));
        writer.write(&records).await.expect("written");
    }
    let seen = loop {
        // Ends the segment, which may be compacted from then on.
        writer
            .write(&[Record::new("end").key("end")])
            .await
            .expect("written");
        let mut reader = alone(&kafka, &topic).build().expect("a reader");
        let mut seen = Vec::new();
        loop {
            let message = in_time(reader.fetch_message()).await.expect("a message");
            let key = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
            seen.push((key, message.offset()));
            if message.lag() == 1 {
                break;
            }
        }
        in_time(reader.close()).await.expect("closed");
        // A pass of the cleaner may have ended before the newest segments were closed.
        let left = |key| seen.iter().filter(|(of, _)| of == key).count();
        if keys.iter().all(|key| left(*key) == 1) {
            break seen;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(seen.is_sorted_by(|one, other| one.1 < other.1), "{seen:?}");
    for (at, key) in keys.iter().enumerate() {
        let newest = seen.iter().rev().find(|(of, _)| of == key);
        let offset = 96 + i64::try_from(at).expect("small");
        assert_eq!(newest, Some(&(key.to_string(), offset)));
    }
}
