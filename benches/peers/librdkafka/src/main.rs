//! librdkafka through rust-rdkafka: `ThreadedProducer` and `BaseConsumer`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant};

use peer_line::{BEFORE_STAMPS, Diary, Error, Line, Meter, Payload, WARM_UP, age, no_mode, touch};
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

fn main() -> ExitCode {
    peer_line::run(|line| match line.mode.as_str() {
        "produce" => produce(line),
        "consume" => consume(line),
        "latency" => latency(line),
        "start" => start(line),
        "receive" => receive(line),
        "member" => member(line),
        _ => Err(no_mode(line)),
    })
}

/// Counts what is acknowledged.
#[derive(Clone, Default)]
struct Counting(Arc<Count>);

#[derive(Default)]
struct Count {
    acknowledged: AtomicUsize,
    /// How many the thread below waits for.
    awaited: AtomicUsize,
    waiting: Mutex<Option<Thread>>,
}

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            eprintln!("not written: {error}");
            return;
        }
        let count = self.0.acknowledged.fetch_add(1, Ordering::AcqRel) + 1;
        if count == self.0.awaited.load(Ordering::Acquire)
            && let Ok(waiting) = self.0.waiting.lock()
            && let Some(thread) = &*waiting
        {
            thread.unpark();
        }
    }
}

impl Counting {
    fn count(&self) -> usize {
        self.0.acknowledged.load(Ordering::Acquire)
    }

    /// A flush would look for the outcome ten times a second.
    fn wait_for(&self, count: usize) -> Result<(), Error> {
        let begun = Instant::now();
        *self.0.waiting.lock().map_err(|_| "a thread panicked")? = Some(std::thread::current());
        self.0.awaited.store(count, Ordering::Release);
        while self.count() < count {
            if begun.elapsed() > PATIENCE {
                return Err("not acknowledged in 30 s".into());
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        Ok(())
    }
}

fn producer(line: &Line, linger_ms: &str) -> Result<(ThreadedProducer<Counting>, Counting), Error> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &line.brokers)
        .set("acks", "all");
    if !line.defaults {
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", linger_ms)
            .set("batch.size", "1000000")
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", "200000")
            .set("queue.buffering.max.kbytes", "262144")
            .set("compression.type", &line.codec);
    }
    if line.keys > 0 {
        config.set("partitioner", "murmur2_random");
    }
    let counting = Counting::default();
    Ok((config.create_with_context(counting.clone())?, counting))
}

fn send(
    producer: &ThreadedProducer<Counting>,
    topic: &str,
    key: Option<&str>,
    value: &[u8],
) -> Result<(), Error> {
    let mut record = BaseRecord::<str, [u8]>::to(topic).payload(value);
    if let Some(key) = key {
        record = record.key(key);
    }
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                std::thread::sleep(Duration::from_micros(500));
                record = back;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

fn produce(line: &Line) -> Result<(), Error> {
    let (producer, counting) = producer(line, "5")?;
    send(&producer, &line.topic, None, b"warm-up")?;
    counting.wait_for(1)?;
    let (payload, keys) = (Payload::new(line.size), line.all_keys());
    let meter = Meter::start()?;
    for number in 0..line.records {
        let key = keys.get(number.checked_rem(keys.len()).unwrap_or_default());
        send(
            &producer,
            &line.topic,
            key.map(String::as_str),
            payload.value(number),
        )?;
    }
    producer.flush(Duration::from_secs(120))?;
    let acknowledged = counting.count() - 1;
    meter.finish("librdkafka", acknowledged, acknowledged * line.size, 1)
}

fn latency(line: &Line) -> Result<(), Error> {
    let (producer, counting) = producer(line, "0")?;
    let payload = Payload::new(line.size);
    let write = |number: usize| {
        let before = counting.count();
        send(&producer, &line.topic, None, payload.value(number))?;
        counting.wait_for(before + 1)
    };
    for number in 0..WARM_UP {
        write(number)?;
    }
    let mut meter = Meter::start()?;
    for number in 0..line.records {
        let begun = Instant::now();
        write(number)?;
        meter.note(begun.elapsed());
    }
    meter.finish(
        "librdkafka",
        line.records,
        line.records * line.size,
        WARM_UP,
    )
}

fn consumer(line: &Line) -> Result<BaseConsumer, Error> {
    let mut config = ClientConfig::new();
    let group = if line.group.is_empty() {
        "none"
    } else {
        &line.group
    };
    config
        .set("bootstrap.servers", &line.brokers)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest");
    if line.group.is_empty() {
        config.set("enable.auto.commit", "false");
    }
    if line.mode == "member" {
        let strategy = match line.strategy.as_str() {
            "eager" => "range",
            _ => "cooperative-sticky",
        };
        config.set("partition.assignment.strategy", strategy);
    }
    if !line.defaults {
        config
            .set("check.crcs", "true")
            .set("queued.min.messages", "1000000")
            .set("fetch.queue.backoff.ms", "2");
    }
    let consumer: BaseConsumer = config.create()?;
    if line.group.is_empty() {
        let mut all = TopicPartitionList::new();
        for partition in line.used() {
            all.add_partition_offset(&line.topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&all)?;
    } else {
        consumer.subscribe(&[&line.topic])?;
    }
    Ok(consumer)
}

/// The next message. A poll also ends, with nothing, when the group has a new assignment or a commit is done.
fn next(consumer: &BaseConsumer) -> Result<BorrowedMessage<'_>, Error> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(message) = consumer.poll(PATIENCE) {
            return Ok(message?);
        }
    }
    Err("nothing came for 30 s".into())
}

const PATIENCE: Duration = Duration::from_secs(30);

fn consume(line: &Line) -> Result<(), Error> {
    let meter = Meter::start()?;
    let consumer = consumer(line)?;
    let (mut records, mut bytes, mut touched) = (0, 0, 0);
    while records < line.records {
        let message = next(&consumer)?;
        records += 1;
        bytes += message.payload().map_or(0, <[u8]>::len);
        touched += touch(message.key()) + touch(message.payload());
    }
    std::hint::black_box(touched);
    meter.finish("librdkafka", records, bytes, 0)
}

fn receive(line: &Line) -> Result<(), Error> {
    let consumer = consumer(line)?;
    let mut meter = Meter::start()?;
    for number in 0..BEFORE_STAMPS + line.records {
        let message = next(&consumer)?;
        if number >= BEFORE_STAMPS {
            meter.note(age(message.payload())?);
        }
    }
    meter.finish("librdkafka", line.records, line.records * line.size, 0)
}

fn member(line: &Line) -> Result<(), Error> {
    let consumer = consumer(line)?;
    let mut diary = Diary::open(line);
    loop {
        let message = next(&consumer)?;
        diary.note(message.partition(), message.payload())?;
    }
}

fn start(line: &Line) -> Result<(), Error> {
    let consumer = consumer(line)?;
    next(&consumer)?;
    println!("first");
    Ok(())
}
