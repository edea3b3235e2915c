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
use crate::reader::{PartitionStream, PartitionStreams};

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
        let mut stream = pin!(reader.stream());
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
    let mut stream = pin!(reader.stream());
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
            // The streams are fed by whoever waits for partitions.
            let message = tokio::select! {
                message = stream.next() => message.unwrap(),
                _ = streams.next() => panic!("no other partition"),
            };
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
