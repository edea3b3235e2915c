//! Several members, several topics, and members that leave.

use std::time::Duration;

use ekafka_admin::Client;
use ekafka_reader::{Reader, ReaderError};
use ekafka_writer::Record;

use tokio::time::timeout;

use crate::support::{Kafka, in_time};

/// Joining members wait for the others' next heartbeat.
const JOINING: &str = "a member that joins waits for the others' next heartbeat";

/// One record for each of `partitions`.
async fn write_to(kafka: &Kafka, topic: &str, partitions: std::ops::Range<i32>) {
    let writer = kafka.writer(topic).build().expect("a writer");
    let records = partitions.map(|partition| Record::new("value").partition(partition));
    writer
        .write(&records.collect::<Vec<_>>())
        .await
        .expect("written");
}

#[tokio::test]
async fn t67_the_first_messages_carry_topic_and_offset() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    write_to(&kafka, &topic, 0..1).await;
    write_to(&kafka, &topic, 0..1).await;
    let member = kafka.member(&topic, &kafka.unique("group"));
    let mut member = member.build().expect("a reader");
    for offset in 0..2 {
        let message = in_time(member.fetch_message()).await.expect("a message");
        assert_eq!((message.topic(), message.offset()), (&*topic, offset));
    }
    in_time(member.close()).await.expect("closed");
}

#[tokio::test]
async fn t71_each_of_eight_members_gets_messages() {
    let kafka = Kafka::start_slow(Duration::from_secs(20), JOINING).await;
    let topic = kafka.topic(16).await;
    let group = kafka.unique("group");
    let mut tasks = tokio::task::JoinSet::new();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for id in 0..8 {
        let mut member = kafka.member(&topic, &group).build().expect("a reader");
        let tell = tell.clone();
        tasks.spawn(async move {
            while member.read_message().await.is_ok() && tell.send(id).is_ok() {}
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < 8 {
        write_to(&kafka, &topic, 0..16).await;
        for _ in 0..16 {
            seen.insert(in_time(told.recv()).await.expect("a message"));
        }
    }
    tasks.shutdown().await;
}

#[tokio::test]
async fn t72_after_a_second_member_joined_both_read() {
    let kafka = Kafka::start_slow(Duration::from_secs(20), JOINING).await;
    let topic = kafka.topic(2).await;
    let group = kafka.unique("group");
    let mut first = kafka.member(&topic, &group).build().expect("a reader");
    for _ in 0..6 {
        write_to(&kafka, &topic, 0..2).await;
    }
    for _ in 0..12 {
        in_time(first.read_message()).await.expect("a message");
    }
    let mut second = kafka.member(&topic, &group).build().expect("a reader");
    let read_twelve = async |reader: &mut Reader| {
        for _ in 0..12 {
            in_time(reader.read_message()).await.expect("a message");
        }
    };
    // The second has nothing before it has a partition, and then all that comes to that.
    let writing = async {
        tokio::select! {
            event = second.recv() => drop(event.expect("assigned")),
            message = first.fetch_message() => panic!("nothing was written: {message:?}"),
        }
        for _ in 0..12 {
            write_to(&kafka, &topic, 0..2).await;
        }
    };
    in_time(writing).await;
    tokio::join!(read_twelve(&mut first), read_twelve(&mut second));
    let (first, second) = tokio::join!(in_time(first.close()), in_time(second.close()));
    first.and(second).expect("closed");
}

#[tokio::test]
async fn t75_a_close_empties_the_list_of_members() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    write_to(&kafka, &topic, 0..1).await;
    let mut member = kafka.member(&topic, &group).build().expect("a reader");
    in_time(member.read_message()).await.expect("a message");
    let client = Client::builder().brokers(kafka.brokers()).build();
    let client = client.expect("a client");
    let members = async || {
        let described = client.describe_groups([&group]).await.expect("answers");
        let described = described.all().expect("a group");
        described[0].1.members.len()
    };
    assert_eq!(members().await, 1);
    in_time(member.close()).await.expect("closed");
    assert_eq!(members().await, 0);
}

#[tokio::test]
async fn t77_a_topic_made_after_the_reader_began_is_found_and_read() {
    let kafka = Kafka::start_slow(
        Duration::from_secs(5),
        "a topic that is not there is looked for now and then",
    )
    .await;
    let topics = [kafka.topic(1).await, kafka.unique("later")];
    for topics in [&topics[1..], &topics[..]] {
        let member = kafka.member(&topics[0], &kafka.unique("group"));
        let member = member.topics(topics).watch_partition_changes(true);
        let member = member.partition_watch_interval(Duration::from_millis(100));
        let mut member = member.build().expect("a reader");
        let later = &topics[topics.len() - 1];
        let nothing = timeout(Duration::from_millis(500), member.fetch_message()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        kafka.make(later, 1).await;
        write_to(&kafka, later, 0..1).await;
        let message = in_time(member.fetch_message()).await.expect("a message");
        assert_eq!((message.topic(), message.offset()), (&**later, 0));
        in_time(member.close()).await.expect("closed");
        kafka.remove(later).await;
    }
}

#[tokio::test]
async fn t78_two_topics_are_read_and_counted_until_the_close() {
    let kafka = Kafka::start().await;
    let topics = [kafka.topic(1).await, kafka.topic(1).await];
    for topic in &topics {
        write_to(&kafka, topic, 0..1).await;
    }
    let member = kafka.member(&topics[0], &kafka.unique("group"));
    let mut member = member.topics(&topics).build().expect("a reader");
    let mut read = Vec::new();
    for _ in 0..2 {
        let message = in_time(member.fetch_message()).await.expect("a message");
        read.push(message.topic().to_owned());
    }
    read.sort();
    let mut expected = topics.to_vec();
    expected.sort();
    assert_eq!(read, expected);
    assert_eq!(member.stats().messages, 2);
    let handle = member.handle();
    let (closed, ended) = tokio::join!(in_time(handle.close()), in_time(member.fetch_message()));
    closed.expect("closed");
    assert!(matches!(ended, Err(ReaderError::Closed)), "{ended:?}");
}
