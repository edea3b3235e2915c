//! Consumer groups: what is committed is not read again, and members share the partitions.

use std::collections::BTreeSet;

use ekafka_admin::Client;
use ekafka_reader::assignor::{Assignor, CooperativeStickyAssignor};
use ekafka_reader::{Event, Reader, Received};
use ekafka_writer::Record;

use crate::support::{Kafka, in_time};

#[tokio::test]
async fn a_later_member_goes_on_behind_the_commit() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    let writer = kafka.writer(&topic).build().expect("a writer");
    writer
        .write(&["a", "b", "c"].map(Record::new))
        .await
        .expect("written");

    let mut first = kafka.member(&topic, &group).build().expect("a reader");
    let a = in_time(first.fetch_message()).await.expect("a record");
    let b = in_time(first.fetch_message()).await.expect("a record");
    in_time(first.commit_messages(&[b, a]))
        .await
        .expect("committed");
    in_time(first.close()).await.expect("closed");

    let mut second = kafka.member(&topic, &group).build().expect("a reader");
    let message = in_time(second.fetch_message()).await.expect("a record");
    assert_eq!(
        message.value(),
        Some(&b"c"[..]),
        "a and b are committed, in whatever order they were named"
    );
    in_time(second.close()).await.expect("closed");
}

#[tokio::test]
async fn what_was_not_committed_is_read_again() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    let writer = kafka.writer(&topic).build().expect("a writer");
    writer
        .write(&["a", "b"].map(Record::new))
        .await
        .expect("written");
    for _ in 0..2 {
        let mut member = kafka.member(&topic, &group).build().expect("a reader");
        let message = in_time(member.fetch_message()).await.expect("a record");
        assert_eq!(message.value(), Some(&b"a"[..]));
        in_time(member.close()).await.expect("closed");
    }
}

#[tokio::test]
async fn two_members_share_the_partitions() {
    let kafka = Kafka::start_slow(
        std::time::Duration::from_secs(10),
        "the second member joins at the first one's next heartbeat",
    )
    .await;
    let topic = kafka.topic(4).await;
    let group = kafka.unique("group");
    let mut first = kafka.member(&topic, &group).build().expect("a reader");
    assert_eq!(
        assigned(&mut first, 4).await.len(),
        4,
        "the only member has everything"
    );
    let mut second = kafka.member(&topic, &group).build().expect("a reader");
    let (of_first, of_second) = tokio::join!(assigned(&mut first, 2), assigned(&mut second, 2));
    assert!(of_first.is_disjoint(&of_second));
    let all: BTreeSet<i32> = of_first.union(&of_second).copied().collect();
    assert_eq!(all, BTreeSet::from([0, 1, 2, 3]));
    let (first, second) = tokio::join!(in_time(first.close()), in_time(second.close()));
    first.and(second).expect("closed");
}

/// Takes items until so many partitions are assigned; which.
async fn assigned(reader: &mut Reader, count: usize) -> BTreeSet<i32> {
    let mut held = BTreeSet::new();
    loop {
        match in_time(reader.recv()).await.expect("an item") {
            Received::Event(Event::Assigned(partitions)) => {
                held.extend(partitions.iter().map(|partition| partition.partition));
                if held.len() == count {
                    return held;
                }
            }
            Received::Event(Event::Revoked(partitions) | Event::Lost(partitions)) => {
                for partition in partitions {
                    held.remove(&partition.partition);
                }
            }
            other => panic!("nothing was written, but there is {other:?}"),
        }
    }
}

/// What `reader` is told next; records on the way are dropped.
async fn next_event(reader: &mut Reader) -> Event {
    loop {
        if let Received::Event(event) = in_time(reader.recv()).await.expect("received") {
            return event;
        }
    }
}

#[tokio::test]
async fn a_cooperative_group_hands_over_only_what_moves() {
    let kafka = Kafka::start_slow(
        std::time::Duration::from_secs(10),
        "two rebalances that begin with a heartbeat",
    )
    .await;
    let topic = kafka.topic(4).await;
    let strategy: std::sync::Arc<dyn Assignor> = std::sync::Arc::new(CooperativeStickyAssignor);
    let builder = kafka
        .member(&topic, &kafka.unique("group"))
        .heartbeat_interval(std::time::Duration::from_millis(200))
        .assignors([strategy]);
    let mut first = builder.clone().build().expect("a reader");
    let Event::Assigned(all) = next_event(&mut first).await else {
        panic!("not an assignment");
    };
    assert_eq!(all.len(), 4);
    let mut second = builder.build().expect("a reader");
    let both = async {
        let Event::Assigned(none) = next_event(&mut second).await else {
            panic!("not an assignment");
        };
        assert_eq!(none, []);
        next_event(&mut second).await
    };
    let old = async {
        let revoked = next_event(&mut first).await;
        let writer = kafka.writer(&topic).build().expect("a writer");
        for partition in 0..4 {
            let record = Record::new("late").partition(partition);
            writer.write(&[record]).await.expect("written");
        }
        let mut kept = BTreeSet::new();
        for _ in 0..2 {
            let message = in_time(first.fetch_message()).await.expect("a record");
            kept.insert(message.partition());
        }
        (revoked, kept)
    };
    let ((revoked, kept), moved) = tokio::join!(old, both);
    let (Event::Revoked(revoked), Event::Assigned(moved)) = (revoked, moved) else {
        panic!("not a hand-over");
    };
    assert_eq!(revoked, moved);
    let mut read = BTreeSet::new();
    for _ in 0..2 {
        let message = in_time(second.fetch_message()).await.expect("a record");
        read.insert(message.partition());
    }
    let moved: BTreeSet<i32> = moved.iter().map(|one| one.partition).collect();
    assert_eq!(read, moved);
    assert_eq!(&kept | &moved, BTreeSet::from([0, 1, 2, 3]));
    in_time(first.close()).await.expect("closed");
    in_time(second.close()).await.expect("closed");
}

#[tokio::test]
async fn s50_the_classic_protocol_works_whatever_else_the_broker_offers() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(2).await;
    let group = kafka.unique("group");
    let mut member = kafka.member(&topic, &group).build().expect("a reader");
    let event = in_time(member.recv()).await.expect("assigned");
    assert!(
        matches!(&event, Received::Event(Event::Assigned(both)) if both.len() == 2),
        "{event:?}"
    );
    let client = Client::builder().brokers(kafka.brokers()).build();
    let client = client.expect("a client");
    let described = in_time(client.describe_groups([&group])).await;
    let described = described.and_then(ekafka_admin::Outcomes::all);
    let described = &described.expect("a group")[0].1;
    assert_eq!(described.protocol_type, "consumer");
    assert_eq!(described.group_type, "classic", "not of KIP-848");
    in_time(member.close()).await.expect("closed");
}
