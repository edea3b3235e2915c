use std::time::{Duration, SystemTime};

use ekafka_admin::{AdminError, CommittedOffset, OffsetFetch, OffsetSpec};
use ekafka_conn::{Record, milliseconds_since_1970};
use ekafka_protocol::ErrorCode;

use super::{at, client};
use crate::support::{Kafka, in_time};

/// Three records, a second apart; the time of the first.
async fn three_records(kafka: &Kafka, topic: &str) -> SystemTime {
    let first = SystemTime::now() - Duration::from_secs(60);
    let times = [0, 1, 2].map(|second| first + Duration::from_secs(second));
    let records = times.map(|time| Record::new("value").timestamp(milliseconds_since_1970(time)));
    let writer = kafka.writer(topic).build().expect("a writer");
    writer.write(&records).await.expect("written");
    writer.close().await.expect("closed");
    first
}

#[tokio::test]
async fn t160_offsets_are_found_at_both_ends_and_by_time() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(1).await;
    let first = three_records(&kafka, &topic).await;
    let second = milliseconds_since_1970(first + Duration::from_secs(1));
    let wanted = [
        OffsetSpec::First,
        OffsetSpec::Last,
        OffsetSpec::Time(second),
        OffsetSpec::from(SystemTime::now() + Duration::from_secs(3600)),
    ];
    let found = client
        .list_offsets(wanted.map(|spec| (at(&topic, 0), spec)))
        .await;
    let found = found.unwrap().all().unwrap();
    let offsets: Vec<Option<i64>> = found.iter().map(|(_, found)| found.offset).collect();
    assert_eq!(offsets, [Some(0), Some(3), Some(1), None]);
    let times: Vec<Option<i64>> = found.iter().map(|(_, found)| found.timestamp).collect();
    assert_eq!(
        times,
        [None, None, Some(second), None],
        "only a question about time has one"
    );
}

#[tokio::test]
async fn a_missing_partition_does_not_spoil_the_others() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(1).await;
    let wanted = [
        (at(&topic, 7), OffsetSpec::Last),
        (at(&topic, 0), OffsetSpec::Last),
    ];
    let found = client.list_offsets(wanted).await.unwrap();
    let codes: Vec<Option<ErrorCode>> = found
        .iter()
        .map(|(_, found)| found.err().and_then(AdminError::code))
        .collect();
    assert_eq!(codes, [Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), None]);
}

#[tokio::test]
async fn t155_committed_offsets_of_a_group_are_read() {
    let kafka = Kafka::start_slow(Duration::from_secs(10), "a group comes together").await;
    let client = client(&kafka);
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    three_records(&kafka, &topic).await;
    let mut reader = kafka.member(&topic, &group).build().unwrap();
    let first = in_time(reader.fetch_message()).await.unwrap();
    let second = in_time(reader.fetch_message()).await.unwrap();
    reader.commit_messages(&[first, second]).await.unwrap();
    reader.close().await.unwrap();

    let offset = |found: &Option<CommittedOffset>| found.as_ref().map(|found| found.offset);
    let all = client
        .offset_fetch(group.as_str())
        .await
        .unwrap()
        .all()
        .unwrap();
    let [(partition, found)] = &all[..] else {
        panic!("{all:?}");
    };
    assert_eq!((partition, offset(found)), (&at(&topic, 0), Some(2)));

    let asked = [at(&topic, 1), at(&topic, 0)];
    let some = OffsetFetch::all_of(&group).partitions(asked.clone());
    let some = client.offset_fetch(some).await.unwrap().all().unwrap();
    let offsets: Vec<_> = some.iter().map(|(_, found)| offset(found)).collect();
    assert_eq!(offsets, [None, Some(2)], "in the order asked");
}
