//! krafka's consumer, which hands out what it has as a `Vec` of records.

use std::process::ExitCode;
use std::time::Duration;

use krafka::Kafka;
use krafka::consumer::{AutoOffsetReset, Consumer, ConsumerRecord, PartitionAssignmentStrategy};
use peer_line::{BEFORE_STAMPS, Diary, Error, Line, Meter, age, no_mode, touch};

fn main() -> ExitCode {
    peer_line::run(|line| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match line.mode.as_str() {
                "consume" => consume(line).await,
                "start" => start(line).await,
                "receive" => receive(line).await,
                "member" => member(line).await,
                _ => Err(no_mode(line)),
            }
        })
    })
}

async fn consumer(line: &Line) -> Result<Consumer, Error> {
    let kafka = Kafka::builder(&line.brokers).connect().await?;
    let mut builder = match line.group.as_str() {
        "" => kafka.consumer_without_group(),
        group => kafka.consumer(group),
    };
    builder = builder.auto_offset_reset(AutoOffsetReset::Earliest);
    if !line.defaults {
        // By default it decodes 1,000 records of an answer and fetches the rest again.
        builder = builder
            .max_poll_records(100_000)
            .max_buffered_records(100_000);
    }
    if line.mode == "member" {
        builder = builder.partition_assignment_strategy(match line.strategy.as_str() {
            "eager" => PartitionAssignmentStrategy::Range,
            _ => PartitionAssignmentStrategy::CooperativeSticky,
        });
    }
    let consumer = builder.build().await?;
    if line.group.is_empty() {
        consumer.assign(&line.topic, line.used()).await?;
    } else {
        consumer.subscribe([&line.topic]).await?;
    }
    Ok(consumer)
}

/// The next records, at least one.
async fn some(consumer: &Consumer) -> Result<Vec<ConsumerRecord>, Error> {
    for _ in 0..30 {
        let records = consumer.poll(Duration::from_secs(1)).await?;
        if !records.is_empty() {
            return Ok(records);
        }
    }
    Err("nothing came for 30 s".into())
}

async fn consume(line: &Line) -> Result<(), Error> {
    let meter = Meter::start()?;
    let consumer = consumer(line).await?;
    let (mut records, mut bytes, mut touched) = (0, 0, 0);
    while records < line.records {
        for record in some(&consumer).await? {
            records += 1;
            bytes += record.value.as_ref().map_or(0, |value| value.len());
            touched += touch(record.key.as_deref()) + touch(record.value.as_deref());
        }
    }
    std::hint::black_box(touched);
    meter.finish("krafka", records, bytes, 0)
}

async fn start(line: &Line) -> Result<(), Error> {
    let consumer = consumer(line).await?;
    some(&consumer).await?;
    println!("first");
    Ok(())
}

async fn receive(line: &Line) -> Result<(), Error> {
    let consumer = consumer(line).await?;
    let mut meter = Meter::start()?;
    let mut number = 0;
    while number < BEFORE_STAMPS + line.records {
        for record in some(&consumer).await? {
            if number >= BEFORE_STAMPS {
                meter.note(age(record.value.as_deref())?);
            }
            number += 1;
        }
    }
    meter.finish("krafka", line.records, line.records * line.size, 0)
}

async fn member(line: &Line) -> Result<(), Error> {
    let consumer = consumer(line).await?;
    let mut diary = Diary::open(line);
    loop {
        for record in consumer.poll(Duration::from_secs(1)).await? {
            diary.note(record.partition, record.value.as_deref())?;
        }
    }
}
