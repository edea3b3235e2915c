//! Messages as streams, of a reader and of each of its partitions.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use tokio::sync::mpsc::unbounded_channel;

use super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{PartitionStream, PartitionStreams, Received};
use crate::reset::StartOffset;

async fn next<S: Stream + ?Sized>(mut stream: Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_what_is_there_and_waits_for_more() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    {
        let mut stream = pin!(reader.messages());
        for offset in 0..5 {
            let message = next(stream.as_mut()).await.unwrap().unwrap();
            assert_eq!(message.offset(), offset);
        }
        let is_pending =
            poll_fn(|context| Poll::Ready(stream.as_mut().poll_next(context).is_pending()));
        assert!(is_pending.await);
    }
    // What comes while no stream is there is not lost.
    write(&kafka, "t", 0, 5);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut stream = pin!(reader.messages());
    for offset in 5..10 {
        let message = next(stream.as_mut()).await.unwrap().unwrap();
        assert_eq!(message.offset(), offset);
    }
}

async fn partition(streams: &mut PartitionStreams) -> PartitionStream {
    let patience = Duration::from_secs(60);
    let next = tokio::time::timeout(patience, streams.next()).await;
    next.expect("a partition").expect("an open reader").unwrap()
}

#[tokio::test(start_paused = true)]
async fn without_a_group_each_chosen_partition_has_its_stream() {
    let kafka = kafka().await;
    kafka.create_topic("t", 3).unwrap();
    write(&kafka, "t", 0, 3);
    write(&kafka, "t", 2, 3);
    let reader = builder(&kafka)
        .topic("t")
        .partitions([0, 2])
        .build()
        .unwrap();
    let mut streams = reader.into_partitions();
    let mut two = [partition(&mut streams).await, partition(&mut streams).await];
    for (stream, of) in two.iter_mut().zip([0, 2]) {
        assert_eq!(stream.partition(), &TopicPartition::new("t", of));
        for offset in 0..3 {
            // The streams are fed whether anybody waits for partitions or not.
            let message = stream.next().await.unwrap();
            assert_eq!((message.partition(), message.offset()), (of, offset));
        }
    }
    drop(two);
    streams.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_revoked_stream_ends_and_the_group_waits_for_its_last_commit() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 5);
    write(&kafka, "t", 1, 5);
    let group = builder(&kafka).topic("t").group_id("g");
    let (tell, mut told) = unbounded_channel();
    let member = |name: &'static str| {
        let mut streams = group.clone().build().unwrap().into_partitions();
        let tell = tell.clone();
        async move {
            let mut tasks = tokio::task::JoinSet::new();
            loop {
                tokio::select! {
                    Some(stream) = streams.next() => {
                        let (mut stream, tell) = (stream.unwrap(), tell.clone());
                        tasks.spawn(async move {
                            let mut last = None;
                            while let Some(message) = stream.next().await {
                                tell.send((name, message.partition(), message.offset())).unwrap();
                                last = Some(message);
                            }
                            // Long work at the end: the group has to wait for it.
                            tokio::time::sleep(Duration::from_secs(5)).await;
                            if let Some(last) = last {
                                stream.commit_messages(&[last]).await.unwrap();
                            }
                        });
                    }
                    Some(done) = tasks.join_next() => done.unwrap(),
                }
            }
        }
    };
    let mut members = tokio::task::JoinSet::<()>::new();
    members.spawn(member("first"));
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        let (_, partition, offset) = told.recv().await.unwrap();
        assert!(seen.insert((partition, offset)));
    }
    members.spawn(member("second"));
    tokio::time::sleep(Duration::from_secs(30)).await;
    write(&kafka, "t", 0, 5);
    write(&kafka, "t", 1, 5);
    let mut names = BTreeSet::new();
    for _ in 0..10 {
        let patience = Duration::from_secs(60);
        let next = tokio::time::timeout(patience, told.recv()).await;
        let (name, partition, offset) = next.expect("every record").unwrap();
        assert!(
            seen.insert((partition, offset)),
            "{partition} {offset} twice"
        );
        names.insert(name);
    }
    assert_eq!(names, BTreeSet::from(["first", "second"]));
    assert!(told.try_recv().is_err(), "nothing is given twice");
}

#[tokio::test(start_paused = true)]
async fn s24_a_position_that_moves_is_an_item_of_its_partitions_stream() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    for partition in [0, 1] {
        write(&kafka, "t", partition, 10);
        write(&kafka, "t", partition, 5);
    }
    kafka.delete_records("t", 1, 10).unwrap();
    let reader = builder(&kafka).topic("t").partitions([0, 1]);
    let reader = reader.start_offset(StartOffset::At(3)).build().unwrap();
    let mut streams = reader.into_partitions();
    let mut first = partition(&mut streams).await;
    let mut second = partition(&mut streams).await;
    let Some(Received::Event(event)) = second.recv().await else {
        panic!("no event");
    };
    let partition = TopicPartition::new("t", 1);
    let (from, to) = (3, 10);
    assert_eq!(
        event,
        Event::OutOfRange {
            partition,
            from,
            to
        }
    );
    assert_eq!(second.next().await.unwrap().offset(), 10);
    assert_eq!(first.next().await.unwrap().offset(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_a_reader_had_taken_goes_on_in_its_streams() {
    for group in [false, true] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 5);
        write(&kafka, "t", 0, 5);
        let mut reader = builder(&kafka).topic("t");
        if group {
            reader = reader.group_id("g");
        }
        let mut reader = reader.build().unwrap();
        assert_eq!(offsets(&mut reader, 3).await, [0, 1, 2]);
        let mut streams = reader.into_partitions();
        let mut stream = partition(&mut streams).await;
        for offset in 3..10 {
            assert_eq!(stream.next().await.unwrap().offset(), offset);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stops_does_not_hold_up_the_others() {
    let kafka = kafka().await;
    kafka.create_topic("t", 4).unwrap();
    for _ in 0..40 {
        for partition in 0..4 {
            write(&kafka, "t", partition, 100);
        }
    }
    let reader = builder(&kafka).topic("t").partitions(0..4);
    let reader = reader
        .max_bytes(8_000)
        .max_partition_bytes(4_000)
        .buffer_memory(64_000)
        .build()
        .unwrap();
    let mut streams = reader.into_partitions();
    let mut sleepers = Vec::new();
    for _ in 0..3 {
        let mut stream = partition(&mut streams).await;
        assert_eq!(stream.next().await.unwrap().offset(), 0);
        sleepers.push(stream);
    }
    let mut awake = partition(&mut streams).await;
    let all = async {
        for offset in 0..4_000 {
            assert_eq!(awake.next().await.unwrap().offset(), offset);
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, all).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_kept_does_not_keep_the_reader_open() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let limit = Duration::from_secs(3);
    let builder = builder(&kafka).topic("t").group_id("g");
    let reader = builder.close_timeout(limit).build().unwrap();
    let mut streams = reader.into_partitions();
    let mut kept = partition(&mut streams).await;
    kept.next().await.unwrap();
    let begun = tokio::time::Instant::now();
    let error = streams.close().await.unwrap_err();
    assert!(
        matches!(error, ReaderError::Timeout { after, .. } if after == limit),
        "{error}"
    );
    assert!(begun.elapsed() < limit + Duration::from_secs(1));
    assert!(kept.next().await.is_none());
}
