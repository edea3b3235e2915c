//! Acks none, odd answers, new partitions, and the end.

use std::collections::HashMap;
use std::time::Duration;

use ekafka_protocol::messages::{MetadataRequest, PartitionProduceResponse, ProduceRequest};
use ekafka_protocol::{ApiKey, ErrorCode, Uuid};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::balancer::murmur2;
use ekafka_writer::{Acks, ErrorClass, Record, Writer, WriterConfig, WriterError};
use tokio::time::Instant;

use super::{expect_frozen, sent};
use crate::rig::{DELIVERY_TIMEOUT, config, kafka, start, values};

/// Acks none: a connection that is cut, or a broker that answers although it must not: nothing is sent twice, nobody waits,
/// and the answer that nobody asked for ends its connection.
#[tokio::test(start_paused = true)]
async fn s13_acks_none_never_retries() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").acks(Acks::None).build().unwrap();
    writer.write(&[Record::new("0")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).drop_before();
    let begun = Instant::now();
    // Handed to the operating system, or not: nothing else is known.
    let _ = writer.write(&[Record::new("lost")]).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits");
    tokio::time::sleep(Duration::from_secs(1)).await;
    kafka
        .on_next(ApiKey::PRODUCE)
        .replace(&b"\0\0\0\x04\0\0\0\x09"[..]);
    writer.write(&[Record::new("answered")]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    writer.write(&[Record::new("2")]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(values(&kafka, "t", 0), ["0", "answered", "2"]);
    let requests = kafka.requests_of(ApiKey::PRODUCE);
    assert_eq!(requests.len(), 4);
    let answered = requests[2].connection;
    assert_ne!(
        requests[3].connection, answered,
        "the answered one is closed"
    );
}

/// Nobody gets less than acknowledgement by all in-sync replicas, and idempotence, without asking for it.
#[tokio::test(start_paused = true)]
async fn s13_the_default_is_all_and_idempotent() {
    for config in [
        WriterConfig::default(),
        Writer::builder(),
        WriterConfig::kafka_go(),
    ] {
        let said = format!("{config:?}");
        assert!(said.contains("acks: All"), "{said}");
    }
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("v")]).await.unwrap();
    let request = &kafka.requests_of(ApiKey::PRODUCE)[0];
    assert_eq!(request.decode::<ProduceRequest>().unwrap().acks, -1);
    assert!(sent(&kafka)[0].producer >= 0);
}

/// One answer for six partitions: written, to be tried again, rejected, missing, twice, and one for a partition that was not in
/// the request. Each batch has one outcome; the missing one is sent again, or with nothing to recognise it by maybe written.
#[tokio::test(start_paused = true)]
async fn s14_each_partition_of_an_answer_for_itself() {
    for idempotent in [true, false] {
        let builder = EmbeddedKafka::builder().keep_bodies(true);
        let kafka = start(builder).await;
        kafka.create_topic_on("t", &vec![vec![1]; 6]).unwrap();
        let config = config(&kafka).topic("t").idempotence(idempotent);
        let writer = config.build().unwrap();
        let warm_up: Vec<_> = (0..6)
            .map(|partition| Record::new("0").partition(partition))
            .collect();
        writer.write(&warm_up).await.unwrap();
        kafka
            .on_next(ApiKey::PRODUCE)
            .edit::<ProduceRequest>(|answer| {
                let answers = &mut answer.responses[0].partition_responses;
                answers.sort_by_key(|answer| answer.index);
                answers[1].error_code = ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND;
                answers[2].error_code = ErrorCode::POLICY_VIOLATION;
                let twice = PartitionProduceResponse {
                    error_code: ErrorCode::INVALID_RECORD,
                    ..answers[4].clone()
                };
                let foreign = PartitionProduceResponse {
                    index: 77,
                    ..answers[5].clone()
                };
                answers.remove(3);
                answers.extend([twice, foreign]);
            });
        let records: Vec<_> = (0..6)
            .map(|partition| Record::new("1").partition(partition))
            .collect();
        let errors = writer.write(&records).await.unwrap_err();
        let failed: Vec<_> = errors
            .iter()
            .map(|(index, error)| (index, error.class()))
            .collect();
        let rejected = (2, ErrorClass::Rejected(ErrorCode::POLICY_VIOLATION));
        if idempotent {
            assert_eq!(failed, [rejected]);
            let mut again: Vec<_> = sent(&kafka)[12..]
                .iter()
                .map(|batch| batch.partition)
                .collect();
            again.sort_unstable();
            assert_eq!(again, [1, 3]);
            assert_eq!(values(&kafka, "t", 3), ["0", "1"], "once");
        } else {
            assert_eq!(failed, [rejected, (3, ErrorClass::MaybeWritten)]);
        }
        // Whatever the answer held, every partition goes on.
        writer.write(&records).await.unwrap();
    }
}

/// Partitions grow from 3 to 12 while records with keys are written and answers are lost: a key has one partition before and one
/// after, its order holds in both, and no batch changes its place once it is numbered.
#[tokio::test(start_paused = true)]
async fn s17_added_partitions_split_no_key() {
    let mut grown = 0;
    for seed in 0..200 {
        let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
        kafka.create_topic("t", 3).unwrap();
        let writer = config(&kafka).topic("t").batch_size(5).build().unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        fastrand::seed(seed);
        let mut handles = Vec::new();
        let grows_at = random.usize(50..250);
        for number in 0..300 {
            if number == grows_at {
                kafka.add_partitions("t", 12).unwrap();
            }
            if random.u8(..30) == 0 {
                let fault = kafka.on_next(ApiKey::PRODUCE);
                match random.u8(..3) {
                    0 => drop(fault.drop_after()),
                    1 => drop(fault.drop_before()),
                    _ => drop(fault.error(ErrorCode::NOT_LEADER_OR_FOLLOWER)),
                }
            }
            if random.u8(..10) == 0 {
                tokio::time::sleep(Duration::from_millis(random.u64(..300))).await;
            }
            let key = format!("key {}", random.u8(..20));
            let value = format!("{number} {key}");
            handles.push(writer.send(Record::new(&value).key(&key)).await.unwrap());
        }
        let mut places: HashMap<String, Vec<i32>> = HashMap::new();
        for (number, handle) in handles.into_iter().enumerate() {
            let delivered = handle.await.unwrap();
            let (partition, offset) = (delivered.partition(), delivered.offset().unwrap());
            let stored = &values(&kafka, "t", partition)[offset as usize];
            let (found, key) = stored.split_once(' ').unwrap();
            assert_eq!(found, number.to_string(), "seed {seed}");
            let hash = (murmur2(key.as_bytes()) & 0x7fff_ffff) as i32;
            assert!([hash % 3, hash % 12].contains(&partition), "seed {seed}");
            let places = places.entry(key.to_owned()).or_default();
            if places.last() != Some(&partition) {
                places.push(partition);
            }
            assert!(places.len() <= 2, "seed {seed}, {key}: {places:?}");
            grown += usize::from(partition >= 3);
        }
        for partition in 0..12 {
            let numbers: Vec<u32> = values(&kafka, "t", partition)
                .iter()
                .map(|value| value.split_once(' ').unwrap().0.parse().unwrap())
                .collect();
            assert!(numbers.is_sorted(), "seed {seed}: {numbers:?}");
        }
        expect_one_place(&kafka, seed);
    }
    assert!(grown > 5000, "{grown} records in new partitions");
}

/// A value is only ever sent to one partition.
fn expect_one_place(kafka: &EmbeddedKafka, seed: u64) {
    let sent = sent(kafka);
    expect_frozen(&sent);
    let mut places = HashMap::new();
    for batch in &sent {
        for value in &batch.values {
            let place = places.entry(value).or_insert(batch.partition);
            assert_eq!(*place, batch.partition, "seed {seed}: {value}");
        }
    }
}

/// Fifty senders race with flush, close and drop, in 1,000 orders: every record has exactly one outcome, and a true one; after
/// the close sends fail with `Closed`; the close ends a second after the delivery timeout at the latest.
#[tokio::test(start_paused = true)]
async fn s18_every_record_has_one_outcome_whatever_the_end() {
    for seed in 0..1000 {
        race(seed).await;
    }
}

async fn race(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    fastrand::seed(seed);
    let kafka = kafka().await;
    kafka.create_topic("t", 3).unwrap();
    let config = config(&kafka).topic("t").batch_size(random.usize(1..8));
    let writer = config.build().unwrap();
    let mut tasks = Vec::new();
    for task in 0..50 {
        let (writer, pause) = (writer.clone(), random.u64(..5));
        tasks.push(tokio::spawn(async move {
            let mut outcomes = Vec::new();
            for number in 0..4 {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let value = format!("{task}-{number}");
                let outcome = match writer.send(Record::new(&value)).await {
                    Ok(handle) => handle.await.map(|_| ()),
                    Err(error) => Err(error),
                };
                outcomes.push((value, outcome));
            }
            outcomes
        }));
    }
    tokio::time::sleep(Duration::from_millis(random.u64(..15))).await;
    let fault = kafka.on_next(ApiKey::PRODUCE).skip(random.usize(..3));
    match random.u8(..4) {
        0 => drop(fault.drop_after()),
        1 => drop(fault.silence()),
        2 => drop(fault.drop_before()),
        _ => drop(fault.times(0)),
    }
    let patience = Duration::from_millis(random.u64(..25_000));
    for step in [random.u8(..3), random.u8(..3)] {
        match step {
            0 => {
                let _ = tokio::time::timeout(patience, writer.flush()).await;
            }
            1 => {
                let _ = writer.close_within(patience).await;
            }
            _ => tokio::time::sleep(Duration::from_millis(random.u64(..5))).await,
        }
    }
    let closing = Instant::now();
    let _ = writer.close().await;
    assert!(
        closing.elapsed() <= DELIVERY_TIMEOUT + Duration::from_secs(1),
        "seed {seed}"
    );
    let error = writer.send(Record::new("late")).await.unwrap_err();
    assert!(matches!(error, WriterError::Closed), "seed {seed}: {error}");
    drop(writer);
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.extend(task.await.unwrap());
    }
    assert_eq!(outcomes.len(), 200, "seed {seed}");
    let found: Vec<_> = (0..3)
        .flat_map(|partition| values(&kafka, "t", partition))
        .collect();
    let found = super::copies(&found);
    for (value, outcome) in &outcomes {
        let copies = found.get(value.as_str()).copied().unwrap_or(0);
        match outcome {
            Ok(()) => assert_eq!(copies, 1, "seed {seed}: {value}"),
            Err(error) if error.maybe_written() => {
                assert!(copies <= 1, "seed {seed}: {value}: {error}");
            }
            Err(error) => assert_eq!(copies, 0, "seed {seed}: {value}: {error}"),
        }
    }
}

/// The leader takes connections and never says a word, and no other comes: nothing was ever sent, so no request times out.
#[tokio::test(start_paused = true)]
async fn s68_a_writer_that_never_reached_the_leader_closes_in_time() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka.create_topic_on("t", &[vec![2]]).unwrap();
    kafka.on_connect().node(2).silence().times(usize::MAX);
    let writer = config(&kafka).topic("t").build().unwrap();
    let handle = writer.send(Record::new("v")).await.unwrap();
    let begun = Instant::now();
    let closing = tokio::time::timeout(DELIVERY_TIMEOUT * 2, writer.close());
    closing.await.expect("it ends").unwrap();
    assert!(begun.elapsed() <= DELIVERY_TIMEOUT + Duration::from_secs(1));
    let error = handle.await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotWritten);
}

/// S35: metadata names a topic of that name with another id and without any partition, then the old one again.
#[tokio::test(start_paused = true)]
async fn s35_a_topic_that_seems_made_anew_without_partitions_breaks_no_call() {
    let kafka = kafka().await;
    kafka.create_topic_on("t", &[vec![1]]).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka
        .on_next(ApiKey::METADATA)
        .edit::<MetadataRequest>(|answer| {
            for topic in &mut answer.topics {
                topic.topic_id = Uuid::from_u128(99);
                topic.error_code = ErrorCode::LEADER_NOT_AVAILABLE;
                topic.partitions.clear();
            }
        })
        .times(3);
    kafka.move_leader("t", 0, 2).unwrap();
    let mut expected = vec!["before".to_owned()];
    for number in 0..20 {
        let [first, second] = [number.to_string(), format!("{number}, too")];
        let handle = writer.send(Record::new(&first)).await.unwrap();
        writer.write(&[Record::new(&second)]).await.unwrap();
        handle.await.unwrap();
        expected.extend([first, second]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(kafka.pending_faults(), 0);
    assert_eq!(values(&kafka, "t", 0), expected);
}
