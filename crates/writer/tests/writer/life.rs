//! Waiting for room, flushing, closing, dropping: nobody waits for ever, and nobody is told twice or wrongly.

use std::time::Duration;

use ekafka_protocol::ApiKey;
use ekafka_writer::{ErrorClass, Record, WriterError};
use tokio::time::Instant;

use crate::rig::{DELIVERY_TIMEOUT, REQUEST_TIMEOUT, config, kafka, values};

#[tokio::test(start_paused = true)]
async fn flush_sends_lingering_records_and_waits_for_them() {
    let kafka = kafka().await;
    kafka.create_topic("t", 3).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .linger(Duration::from_secs(10))
        .build()
        .unwrap();
    let mut handles = Vec::new();
    for partition in 0..3 {
        handles.push(
            writer
                .send(Record::new("v").partition(partition))
                .await
                .unwrap(),
        );
    }
    let begun = Instant::now();
    writer.flush().await;
    assert!(
        begun.elapsed() < Duration::from_millis(20),
        "{:?}",
        begun.elapsed()
    );
    assert!(handles.iter().all(ekafka_writer::Delivery::is_done));
}

/// S1.60: close delivers what is buffered, without its linger.
#[tokio::test(start_paused = true)]
async fn close_delivers_what_is_buffered() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .linger(Duration::from_secs(10))
        .build()
        .unwrap();
    let mut handles = Vec::new();
    for number in 0..100 {
        handles.push(writer.send(Record::new(&number.to_string())).await.unwrap());
    }
    let begun = Instant::now();
    writer.close().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_millis(20),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(values(&kafka, "t", 0).len(), 100);
    for handle in handles {
        handle.await.unwrap();
    }
    let error = writer.send(Record::new("late")).await.unwrap_err();
    assert!(matches!(error, WriterError::Closed), "{error}");
    assert!(writer.write(&[Record::new("late")]).await.is_err());
    writer.close().await.unwrap();
}

/// T98.
#[tokio::test(start_paused = true)]
async fn closing_a_writer_that_did_nothing_is_quick() {
    let writer = ekafka_writer::Writer::builder()
        .brokers(["127.0.0.1:1"])
        .build()
        .unwrap();
    let begun = Instant::now();
    writer.close().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn close_says_what_it_gave_up() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .idempotence(false)
        .build()
        .unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence();
    let on_wire = writer.send(Record::new("on the wire")).await.unwrap();
    let queued = writer.send(Record::new("queued")).await.unwrap();
    let (begun, limit) = (Instant::now(), Duration::from_secs(2));
    let undelivered = writer.close_within(limit).await.unwrap_err();
    assert!(begun.elapsed() <= limit + Duration::from_millis(1));
    assert_eq!((undelivered.not_written, undelivered.maybe_written), (1, 1));
    let [share] = &undelivered.partitions[..] else {
        panic!("one partition: {undelivered}");
    };
    assert_eq!((&*share.at.topic, share.at.partition), ("t", 0));
    assert_eq!((share.not_written, share.maybe_written), (1, 1));
    assert!(undelivered.to_string().contains("(t[0])"), "{undelivered}");
    assert_eq!(on_wire.await.unwrap_err().class(), ErrorClass::MaybeWritten);
    assert_eq!(queued.await.unwrap_err().class(), ErrorClass::NotWritten);
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_silent_brokers_no_longer_than_a_delivery_may_take() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence().times(usize::MAX);
    let on_wire = writer.send(Record::new("on the wire")).await.unwrap();
    let queued = writer.send(Record::new("queued")).await.unwrap();
    let begun = Instant::now();
    writer.close().await.unwrap();
    let took = begun.elapsed();
    let longest = DELIVERY_TIMEOUT + Duration::from_millis(1);
    assert!((DELIVERY_TIMEOUT..=longest).contains(&took), "{took:?}");
    // Both failed by themselves, and say so.
    assert!(on_wire.await.unwrap_err().maybe_written());
    queued.await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn dropping_the_writer_ends_every_wait() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence();
    let on_wire = writer.send(Record::new("on the wire")).await.unwrap();
    let queued = writer.send(Record::new("queued")).await.unwrap();
    drop(writer);
    assert_eq!(on_wire.await.unwrap_err().class(), ErrorClass::MaybeWritten);
    assert_eq!(queued.await.unwrap_err().class(), ErrorClass::NotWritten);
    while kafka.open_connections() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn the_end_of_the_runtime_ends_every_wait() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let first = runtime();
    let (writer, handle) = first.block_on(async {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let writer = config(&kafka).topic("t").build().unwrap();
        writer.write(&[Record::new("before")]).await.unwrap();
        kafka.on_next(ApiKey::PRODUCE).silence();
        let handle = writer.send(Record::new("on the wire")).await.unwrap();
        // The broker is left running: its end would be another story.
        std::mem::forget(kafka);
        (writer, handle)
    });
    drop(first);
    runtime().block_on(async {
        assert!(handle.await.unwrap_err().maybe_written());
        assert!(writer.send(Record::new("later")).await.is_err());
    });
}

/// S11: a slow broker, more writers than room: the bound holds, the line moves, those who leave it take nothing.
#[tokio::test(start_paused = true)]
async fn callers_wait_in_line_for_room() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let config = config(&kafka)
        .topic("t")
        .buffer_memory(128 * 1024)
        .batch_bytes(32 * 1024);
    let writer = config
        .delivery_timeout(Duration::from_secs(600))
        .build()
        .unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .delay(Duration::from_millis(100))
        .times(100);
    let value = "x".repeat(8 * 1024);
    let mut tasks = Vec::new();
    for number in 0..200 {
        let (writer, value) = (writer.clone(), value.clone());
        tasks.push(tokio::spawn(async move {
            let sending = writer.send(Record::new(&value));
            if number % 4 == 3 {
                // Gives up waiting, unless there is room at once.
                match tokio::time::timeout(Duration::from_millis(number), sending).await {
                    Ok(handle) => handle.unwrap().await.is_ok(),
                    Err(_) => false,
                }
            } else {
                sending.await.unwrap().await.is_ok()
            }
        }));
    }
    let mut written = 0;
    for (number, task) in tasks.into_iter().enumerate() {
        let is_written = task.await.unwrap();
        assert!(is_written || number % 4 == 3);
        written += usize::from(is_written);
    }
    assert_eq!(
        values(&kafka, "t", 0).len(),
        written + 1,
        "a cancelled send leaves nothing"
    );
    let largest = kafka
        .requests_of(ApiKey::PRODUCE)
        .iter()
        .map(|request| request.size)
        .max();
    assert!(largest <= Some(160 * 1024), "{largest:?}");
    // All room is back: a record as large as a batch may be goes through.
    writer
        .write(&[Record::new(&"x".repeat(32 * 1024 - 200))])
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_ends() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let config = config(&kafka)
        .topic("t")
        .buffer_memory(32 * 1024)
        .batch_bytes(16 * 1024);
    let writer = config.max_block(Duration::from_secs(1)).build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence();
    let value = "x".repeat(10 * 1024);
    let begun = Instant::now();
    let errors = writer
        .write(&vec![Record::new(&value); 10])
        .await
        .unwrap_err();
    // One batch is lost in silence and sent again, another waited, and for the others there was no room.
    assert!(begun.elapsed() >= REQUEST_TIMEOUT);
    assert!(begun.elapsed() < DELIVERY_TIMEOUT);
    let refused = errors
        .iter()
        .filter(|(_, error)| matches!(error, WriterError::NoRoom { .. }))
        .count();
    assert_eq!(refused, errors.count());
    assert_eq!(values(&kafka, "t", 0).len(), 1 + 10 - refused);
}

/// S18: writers, flush and close at the same time.
#[tokio::test(start_paused = true)]
async fn every_record_has_one_outcome_whatever_the_end() {
    for seed in 0..100 {
        let kafka = kafka().await;
        kafka.create_topic("t", 3).unwrap();
        let writer = config(&kafka).topic("t").batch_size(7).build().unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut tasks = Vec::new();
        for task in 0..20 {
            let (writer, pause) = (writer.clone(), random.u64(..5));
            tasks.push(tokio::spawn(async move {
                let mut outcomes = Vec::new();
                for number in 0..10 {
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
        tokio::time::sleep(Duration::from_millis(random.u64(..30))).await;
        match seed % 3 {
            0 => writer.close().await.unwrap(),
            1 => {
                writer.flush().await;
                writer.close_within(Duration::ZERO).await.ok();
            }
            _ => {
                kafka.on_next(ApiKey::PRODUCE).drop_after();
                writer.close().await.unwrap();
            }
        }
        let found: Vec<_> = (0..3)
            .flat_map(|partition| values(&kafka, "t", partition))
            .collect();
        let mut count = 0;
        for task in tasks {
            for (value, outcome) in task.await.unwrap() {
                let copies = found.iter().filter(|found| **found == value).count();
                count += copies;
                match outcome {
                    Ok(()) => assert_eq!(copies, 1, "{value}"),
                    Err(error) if error.maybe_written() => assert!(copies <= 1, "{value}"),
                    Err(error) => assert_eq!(copies, 0, "{value}: {error}"),
                }
            }
        }
        assert_eq!(count, found.len());
    }
}
