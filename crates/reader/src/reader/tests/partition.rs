//! Reading partitions without a group.

use super::setup::*;
use crate::reset::StartOffset;

#[tokio::test(start_paused = true)]
async fn t44_all_messages_arrive_in_order() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..10 {
        write(&kafka, "t", 0, 100);
    }
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    let expected: Vec<i64> = (0..1000).collect();
    assert_eq!(offsets(&mut reader, 1000).await, expected);
    assert_eq!(reader.offset(), Some(1000));
    assert_eq!(reader.lag(), Some(0));
    reader.close().await;
}

#[tokio::test(start_paused = true)]
async fn t45_first_begins_with_what_is_there_and_last_waits_for_the_next() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 4);
    let mut first = builder(&kafka).topic("t").build().unwrap();
    assert_eq!(offsets(&mut first, 1).await, [0]);
    assert_eq!(first.offset(), Some(1));
    assert_eq!(first.lag(), Some(3));
    let last = builder(&kafka).topic("t").start_offset(StartOffset::Last);
    let mut last = last.build().unwrap();
    let early = tokio::time::timeout(std::time::Duration::from_secs(5), last.fetch_message());
    assert!(early.await.is_err());
    write(&kafka, "t", 0, 1);
    assert_eq!(offsets(&mut last, 1).await, [4]);
    assert_eq!(last.offset(), Some(5));
}
