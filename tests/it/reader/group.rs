//! A member of a group: what it commits, where the next one begins.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::Logger;
use ekafka_reader::assignor::{Assignor, RangeAssignor};
use ekafka_reader::{Message, Reader, StartOffset, TopicPartition};
use ekafka_writer::Record;
use tokio::time::timeout;

use crate::support::{Kafka, in_time};

/// Writes values `from..to` to partition 0.
async fn write_numbers(kafka: &Kafka, topic: &str, from: i64, to: i64) {
    let writer = kafka.writer(topic).build().expect("a writer");
    let values: Vec<String> = (from..to).map(|number| number.to_string()).collect();
    let records = values.iter().map(|value| Record::new(value).partition(0));
    writer
        .write(&records.collect::<Vec<_>>())
        .await
        .expect("written");
}

async fn next(reader: &mut Reader) -> Message {
    in_time(reader.fetch_message()).await.expect("a message")
}

/// What the coordinator has for partition 0.
async fn committed(reader: &Reader, topic: &str) -> Option<i64> {
    let partition = [TopicPartition::new(topic, 0)];
    in_time(reader.committed(&partition)).await.expect("told")[0].1
}

#[tokio::test]
async fn s1_42_s3_23_a_restarted_member_goes_on_behind_what_was_committed() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    write_numbers(&kafka, &topic, 0, 6).await;
    let mut begin = 0;
    for _ in 0..3 {
        let mut member = kafka.member(&topic, &group).build().expect("a reader");
        let messages = [next(&mut member).await, next(&mut member).await];
        assert_eq!(messages.each_ref().map(Message::offset), [begin, begin + 1]);
        in_time(member.commit_messages(&messages))
            .await
            .expect("committed");
        in_time(member.close()).await.expect("closed");
        begin += 2;
    }
}

#[tokio::test]
async fn s1_43_s3_36_read_message_commits_what_it_returns() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 3).await;
    let member = kafka.member(&topic, &kafka.unique("group"));
    let mut member = member.build().expect("a reader");
    for offset in 0..3 {
        let message = in_time(member.read_message()).await.expect("a message");
        assert_eq!(message.offset(), offset);
        assert_eq!(
            committed(&member, &topic).await,
            Some(offset + 1),
            "at once"
        );
    }
    in_time(member.close()).await.expect("closed");
}

#[tokio::test]
async fn s1_50_s1_52_s3_19_only_a_commit_commits_and_the_highest_offset_counts() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 6).await;
    let member = kafka.member(&topic, &kafka.unique("group"));
    let mut member = member.build().expect("a reader");
    let mut messages = Vec::new();
    for _ in 0..6 {
        messages.push(next(&mut member).await);
    }
    assert_eq!(
        committed(&member, &topic).await,
        None,
        "fetching commits nothing"
    );
    in_time(member.commit_messages(&messages[3..4]))
        .await
        .expect("committed");
    assert_eq!(
        committed(&member, &topic).await,
        Some(4),
        "1, 2 and 3 are covered"
    );
    let mixed = [
        messages[4].clone(),
        messages[5].clone(),
        messages[1].clone(),
    ];
    in_time(member.commit_messages(&mixed))
        .await
        .expect("committed");
    assert_eq!(
        committed(&member, &topic).await,
        Some(6),
        "the order does not matter"
    );
    in_time(member.commit_messages(&messages[..1]))
        .await
        .expect("covered already");
    assert_eq!(committed(&member, &topic).await, Some(6), "it never falls");
    in_time(member.close()).await.expect("closed");
}

#[tokio::test]
async fn s3_20_a_committed_offset_wins_over_the_start_offset() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    write_numbers(&kafka, &topic, 0, 8).await;
    let mut first = kafka.member(&topic, &group).build().expect("a reader");
    let mut read = Vec::new();
    for _ in 0..5 {
        read.push(next(&mut first).await);
    }
    in_time(first.commit_messages(&read))
        .await
        .expect("committed");
    in_time(first.close()).await.expect("closed");
    let second = kafka.member(&topic, &group).start_offset(StartOffset::Last);
    let mut second = second.build().expect("a reader");
    assert_eq!(next(&mut second).await.offset(), 5, "not the end");
    in_time(second.close()).await.expect("closed");
}

#[tokio::test]
async fn s3_21_with_nothing_committed_each_start_is_at_the_start_offset() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    write_numbers(&kafka, &topic, 0, 3).await;
    for _ in 0..2 {
        let mut member = kafka.member(&topic, &group).build().expect("a reader");
        assert_eq!(next(&mut member).await.offset(), 0);
        in_time(member.close()).await.expect("closed");
    }
    // A start at the end is where the first one found it, so that a restart loses nothing written in between.
    let late = || kafka.member(&topic, &group).start_offset(StartOffset::Last);
    let mut member = late().build().expect("a reader");
    let early = timeout(Duration::from_millis(300), member.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
    write_numbers(&kafka, &topic, 3, 5).await;
    assert_eq!(next(&mut member).await.offset(), 3);
    in_time(member.close()).await.expect("closed");
    let mut member = late().build().expect("a reader");
    assert_eq!(next(&mut member).await.offset(), 3, "it was not committed");
    in_time(member.close()).await.expect("closed");
}

#[tokio::test]
async fn s3_37_the_synchronous_sample_works_as_it_is_written() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_numbers(&kafka, &topic, 0, 3).await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let logger = |name: &'static str| -> Arc<dyn Logger> {
        let tell = tell.clone();
        Arc::new(move |line: std::fmt::Arguments<'_>| {
            let _ = tell.send(format!("{name}: {line}"));
        })
    };
    let range: Arc<dyn Assignor> = Arc::new(RangeAssignor);
    let member = kafka
        .member(&topic, &kafka.unique("group"))
        .start_offset(StartOffset::First)
        .max_bytes(10_000_000)
        .assignors([range])
        .commit_interval(Duration::ZERO)
        .logger(logger("log"))
        .error_logger(logger("error"));
    let mut member = member.build().expect("a reader");
    assert_eq!(member.config().commit_interval, None, "zero is synchronous");
    for offset in 0..3 {
        let message = next(&mut member).await;
        assert_eq!(message.offset(), offset);
        in_time(member.commit_messages(&[message]))
            .await
            .expect("committed");
        assert_eq!(committed(&member, &topic).await, Some(offset + 1));
    }
    let reading = in_time(told.recv()).await.expect("a line");
    assert_eq!(reading, format!("log: reading {topic}"));
    let assigned = in_time(told.recv()).await.expect("a line");
    assert_eq!(assigned, format!("log: assigned: {topic}[0]"));
    in_time(member.close()).await.expect("closed");
}

#[tokio::test]
async fn t73_members_on_different_topics_each_read_only_their_own() {
    let kafka = Kafka::start_slow(
        Duration::from_secs(10),
        "the second member joins at the first one's next heartbeat",
    )
    .await;
    let group = kafka.unique("group");
    let topics = [kafka.topic(2).await, kafka.topic(2).await];
    let members = topics.each_ref().map(|topic| {
        let member = kafka.member(topic, &group).build();
        member.expect("a reader")
    });
    for topic in &topics {
        let writer = kafka.writer(topic).build().expect("a writer");
        for partition in [0, 1, 0, 1] {
            let record = Record::new(topic).partition(partition);
            writer.write(&[record]).await.expect("written");
        }
    }
    let read = |mut member: Reader, topic: String| async move {
        for _ in 0..4 {
            let message = in_time(member.read_message()).await.expect("a message");
            assert_eq!(message.topic(), topic);
            assert_eq!(message.value(), Some(topic.as_bytes()));
        }
        let early = timeout(Duration::from_millis(300), member.fetch_message()).await;
        assert!(early.is_err(), "{early:?}");
        member
    };
    let ([one, other], [first, second]) = (topics, members);
    let (first, second) = tokio::join!(read(first, one), read(second, other));
    let (first, second) = tokio::join!(in_time(first.close()), in_time(second.close()));
    first.and(second).expect("closed");
}

#[tokio::test]
async fn t74_one_member_reads_all_partitions() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    for partition in 0..3 {
        let value = partition.to_string();
        let record = Record::new(&value).partition(partition);
        writer.write(&[record]).await.expect("written");
    }
    let member = kafka.member(&topic, &kafka.unique("group"));
    let mut member = member.build().expect("a reader");
    let mut read = Vec::new();
    for _ in 0..3 {
        let message = next(&mut member).await;
        let value = message.partition().to_string();
        assert_eq!(message.value(), Some(value.as_bytes()));
        read.push(message.partition());
    }
    read.sort_unstable();
    assert_eq!(read, [0, 1, 2]);
    in_time(member.close()).await.expect("closed");
}
