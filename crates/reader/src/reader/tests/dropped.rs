//! Futures that are dropped: each call is given up after its first poll, its second, and so on until it is ready before
//! that. Nothing may be lost or come twice.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use ekafka_protocol::ApiKey;
use ekafka_testkit::EmbeddedKafka;
use futures_core::Stream;

use super::setup::*;
use crate::TopicPartition;
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::reader::{PartitionStream, Reader, Received};

/// More polls than any call needs.
const POLLS: usize = 12;

/// Polls a future at most `polls` times, each after something happened; then drops it.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// As [`polled`], for a future that nobody may wake again.
async fn soon<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let patience = Duration::from_millis(5);
    let polled = tokio::time::timeout(patience, polled(future, polls));
    polled.await.ok().flatten()
}

/// Ten batches of three records, in one partition.
async fn thirty() -> (EmbeddedKafka, ReaderBuilder) {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..10 {
        write(&kafka, "t", 0, 3);
    }
    let builder = builder(&kafka).topic("t");
    (kafka, builder)
}

fn zero() -> TopicPartition {
    TopicPartition::new("t", 0)
}

/// Lets the other tasks do what they can.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

async fn committed(reader: &Reader) -> i64 {
    let committed = reader.committed(&[zero()]).await.unwrap();
    committed[0].1.unwrap_or(0)
}

/// Reads thirty records by calls of which every second is given up after `polls` polls.
async fn read_thirty<T>(
    reader: &mut Reader,
    polls: usize,
    call: impl AsyncFn(&mut Reader) -> T,
    offsets_of: impl Fn(T) -> Vec<i64>,
) {
    let mut read = Vec::new();
    while read.len() < 30 {
        match polled(call(reader), polls).await {
            Some(received) => read.extend(offsets_of(received)),
            None => {
                settle().await;
                read.extend(offsets_of(call(reader).await));
            }
        }
    }
    let expected: Vec<i64> = (0..30).collect();
    assert_eq!(read, expected, "dropped after {polls} polls");
}

#[tokio::test(start_paused = true)]
async fn receiving_that_is_dropped_at_any_poll_loses_and_repeats_nothing() {
    for polls in 0..POLLS {
        for group in [false, true] {
            let member = async || {
                let (kafka, builder) = thirty().await;
                let builder = if group {
                    builder.group_id("g")
                } else {
                    builder
                };
                (kafka, builder.build().unwrap())
            };
            let (_kafka, mut reader) = member().await;
            let fetch = async |reader: &mut Reader| reader.fetch_message().await.unwrap();
            read_thirty(&mut reader, polls, fetch, |message| vec![message.offset()]).await;
            let (_kafka, mut reader) = member().await;
            let receive = async |reader: &mut Reader| reader.recv().await.unwrap();
            read_thirty(&mut reader, polls, receive, |received| match received {
                Received::Message(message) => vec![message.offset()],
                Received::Event(_) => Vec::new(),
            })
            .await;
            let (_kafka, mut reader) = member().await;
            let batch = async |reader: &mut Reader| reader.next_batch().await.unwrap();
            read_thirty(&mut reader, polls, batch, |batch| {
                batch.iter().map(|record| record.unwrap().offset).collect()
            })
            .await;
            let (_kafka, mut reader) = member().await;
            let stream = async |reader: &mut Reader| {
                let mut stream = pin!(reader.messages());
                let next = poll_fn(|context| stream.as_mut().poll_next(context)).await;
                next.unwrap().unwrap()
            };
            read_thirty(&mut reader, polls, stream, |message| vec![message.offset()]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn read_message_dropped_at_any_poll_returns_each_once_and_commits_no_further() {
    for polls in 0..POLLS {
        let (_kafka, builder) = thirty().await;
        let mut reader = builder.group_id("g").build().unwrap();
        for offset in 0..30 {
            let message = match polled(reader.read_message(), polls).await {
                Some(message) => message.unwrap(),
                None => {
                    settle().await;
                    // The commit may have gone out; of the message that was taken and of no other.
                    let committed = committed(&reader).await;
                    assert!((offset..=offset + 1).contains(&committed), "{committed}");
                    reader.read_message().await.unwrap()
                }
            };
            assert_eq!(message.offset(), offset, "dropped after {polls} polls");
            assert_eq!(committed(&reader).await, offset + 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s1_36_futures_dropped_at_any_poll_lose_no_record() {
    for polls in 1..6 {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        for _ in 0..10 {
            write(&kafka, "t", 0, 3);
        }
        let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
        let mut read = Vec::new();
        let mut turn = 0;
        while read.len() < 30 {
            turn += 1;
            match turn % 3 {
                0 => {
                    if let Some(message) = polled(reader.fetch_message(), polls).await {
                        read.push(message.unwrap().offset());
                    }
                }
                1 => {
                    if let Some(message) = polled(reader.read_message(), polls).await {
                        read.push(message.unwrap().offset());
                    }
                }
                _ => {
                    if let Some(batch) = polled(reader.next_batch(), polls).await {
                        let batch = batch.unwrap();
                        read.extend(batch.iter().map(|record| record.unwrap().offset));
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let expected: Vec<i64> = (0..30).collect();
        assert_eq!(read, expected, "dropped after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn commits_dropped_at_any_poll_stay_marked_and_go_with_the_close() {
    for polls in 1..POLLS {
        for way in 0..4 {
            let (_kafka, builder) = thirty().await;
            let builder = builder.group_id("g");
            let mut reader = builder.clone().build().unwrap();
            let handle = reader.handle();
            let end = match way {
                0 | 1 => {
                    let messages = [fetch(&mut reader).await, fetch(&mut reader).await];
                    if way == 0 {
                        polled(reader.commit_messages(&messages), polls).await;
                    } else {
                        polled(handle.commit_messages(&messages), polls).await;
                    }
                    2
                }
                _ => {
                    let batch = reader.next_batch().await.unwrap();
                    if way == 2 {
                        polled(reader.commit_batch(&batch), polls).await;
                    } else {
                        polled(handle.commit_batch(&batch), polls).await;
                    }
                    batch.next_offset()
                }
            };
            reader.close().await.unwrap();
            let mut second = builder.build().unwrap();
            assert_eq!(offsets(&mut second, 1).await, [end], "{polls} {way}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn moving_dropped_at_any_poll_moves_or_does_not_and_loses_nothing_behind() {
    for polls in 0..POLLS {
        for way in 0..4 {
            let (_kafka, builder) = thirty().await;
            let mut reader = builder.build().unwrap();
            assert_eq!(offsets(&mut reader, 4).await, [0, 1, 2, 3]);
            // Record 20 has timestamp 1020.
            let time = UNIX_EPOCH + Duration::from_millis(1_020);
            match way {
                0 => drop(polled(reader.set_offset(20), polls).await),
                1 => drop(polled(reader.set_offset_at(time), polls).await),
                2 => drop(polled(reader.seek(&zero(), 20), polls).await),
                _ => {
                    let handle = reader.handle();
                    drop(polled(handle.seek(&zero(), 20), polls).await);
                }
            }
            settle().await;
            let next = fetch(&mut reader).await.offset();
            assert!(next == 4 || next == 20, "{next}, {polls} {way}");
            let rest: Vec<i64> = (next + 1..30).collect();
            assert_eq!(
                offsets(&mut reader, rest.len()).await,
                rest,
                "{polls} {way}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pausing_dropped_at_any_poll_loses_nothing() {
    for polls in 0..POLLS {
        let (_kafka, builder) = thirty().await;
        let mut reader = builder.build().unwrap();
        let handle = reader.handle();
        let zero = [zero()];
        let mut expected = 0..30;
        for round in 0..6 {
            let read = offsets(&mut reader, 5).await;
            assert_eq!(read, expected.by_ref().take(5).collect::<Vec<_>>());
            if round % 2 == 0 {
                polled(reader.pause(&zero), polls).await;
                polled(reader.resume(&zero), polls).await;
                reader.resume(&zero).await.unwrap();
            } else {
                polled(handle.pause(&zero), polls).await;
                polled(handle.resume(&zero), polls).await;
                handle.resume(&zero).await.unwrap();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn questions_dropped_at_any_poll_change_nothing() {
    for polls in 0..POLLS {
        let (_kafka, builder) = thirty().await;
        let mut alone = builder.clone().build().unwrap();
        polled(alone.read_lag(), polls).await;
        assert_eq!(alone.read_lag().await.unwrap(), 30);
        assert_eq!(offsets(&mut alone, 3).await, [0, 1, 2]);
        polled(alone.read_lag(), polls).await;
        assert_eq!(alone.read_lag().await.unwrap(), 27);
        let mut member = builder.group_id("g").build().unwrap();
        let message = fetch(&mut member).await;
        member.commit_messages(&[message]).await.unwrap();
        polled(member.committed(&[zero()]), polls).await;
        assert_eq!(committed(&member).await, 1);
        assert_eq!(offsets(&mut member, 3).await, [1, 2, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_dropped_at_any_poll_ends_the_reader_and_commits_no_more_than_was_marked() {
    for polls in 0..POLLS {
        for by_handle in [false, true] {
            let (kafka, builder) = thirty().await;
            let builder = builder
                .group_id("g")
                .session_timeout(Duration::from_secs(6));
            let builder = builder.commit_interval(Duration::from_secs(60));
            let mut reader = builder.clone().build().unwrap();
            let messages = [fetch(&mut reader).await, fetch(&mut reader).await];
            reader.commit_messages(&messages[..1]).await.unwrap();
            let handle = reader.handle();
            if by_handle {
                polled(handle.close(), polls).await;
                settle().await;
                if polls > 0 {
                    let error = reader.fetch_message().await.unwrap_err();
                    assert!(matches!(error, ReaderError::Closed), "{error}");
                    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
                }
                drop(reader);
            } else {
                polled(reader.close(), polls).await;
            }
            let mut second = builder.build().unwrap();
            let next = fetch(&mut second).await.offset();
            assert!(next <= 1, "{next}, {polls} {by_handle}");
            if by_handle && polls > 0 {
                assert_eq!(next, 1, "it ends in order by itself");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn partition_streams_dropped_at_any_poll_lose_and_repeat_nothing() {
    for polls in 1..POLLS {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        for _ in 0..5 {
            write(&kafka, "t", 0, 3);
            write(&kafka, "t", 1, 3);
        }
        let reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
        let mut streams = reader.into_partitions();
        let mut held: Vec<PartitionStream> = Vec::new();
        let mut read = BTreeSet::new();
        let mut turn = 0;
        while read.len() < 30 {
            if let Some(next) = soon(streams.next(), polls).await {
                held.push(next.unwrap().unwrap());
            }
            turn += 1;
            for stream in &mut held {
                let partition = stream.partition().partition;
                let mut offsets = Vec::new();
                if turn % 2 == 0 {
                    if let Some(message) = soon(stream.next(), polls).await {
                        let message = message.unwrap();
                        offsets.push(message.offset());
                        polled(stream.commit_messages(&[message]), polls).await;
                    }
                } else if let Some(batch) = soon(stream.next_batch(), polls).await {
                    let batch = batch.unwrap();
                    offsets.extend(batch.iter().map(|record| record.unwrap().offset));
                    polled(stream.commit_batch(&batch), polls).await;
                }
                for offset in offsets {
                    assert!(
                        read.insert((partition, offset)),
                        "{partition} {offset} twice"
                    );
                }
            }
            settle().await;
        }
        assert_eq!(held.len(), 2);
        drop(held);
        // What was marked by commits given up is committed at the end; a close given up stops at once.
        streams.close().await.unwrap();
        let again = builder(&kafka).topic("t").group_id("g").build().unwrap();
        let names = [0, 1].map(|partition| TopicPartition::new("t", partition));
        for (_, committed) in again.committed(&names).await.unwrap() {
            assert_eq!(committed, Some(15), "{polls}");
        }
        let mut streams = again.into_partitions();
        soon(streams.next(), polls).await;
        soon(Box::pin(streams.close()), polls).await;
    }
}
