//! Produce requests of one batch, several in flight, from one thread per leader; and one record at a time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use ekafka_protocol::StrBytes;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::messages::{PartitionProduceData, ProduceRequest, TopicProduceData};
use ekafka_protocol::records::{BatchBuilder, RecordData, SealedBatch};
use peer_line::{Error, Line, Meter, Payload, WARM_UP, stamp};

use crate::wire::{Wire, compression, leaders};

pub(crate) fn produce(line: &Line) -> Result<(), Error> {
    let leaders = leaders(line)?;
    let payload = Payload::new(line.size);
    let keys = line.all_keys();
    let compression = compression(line)?;
    let all: usize = leaders.values().map(Vec::len).sum();
    let mut lone = Lone::new(line)?;
    for number in 0..all {
        // A new topic's leader may not know yet that it is one.
        let begun = Instant::now();
        while let Err(error) = lone.write(number) {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let meter = Meter::start()?;
    let sent = std::thread::scope(|scope| -> Result<usize, Error> {
        let mut threads = Vec::new();
        let mut done = 0;
        for (address, partitions) in &leaders {
            let first = line.records * done / all;
            done += partitions.len();
            let numbers = first..line.records * done / all;
            let mut filler = Filler {
                payload: &payload,
                keys: &keys,
                compression,
                numbers,
                batch: line.batch_or(BATCH),
                buffers: Vec::new(),
                sent: 0,
            };
            threads.push(scope.spawn(move || filler.run(line, address, partitions)));
        }
        threads.into_iter().try_fold(0, |sum, thread| {
            let sent = thread.join();
            Ok(sum + sent.map_err(|_| Error::from("a thread panicked"))??)
        })
    })?;
    let bytes = line.records * line.size;
    let more = format!(r#","log_bytes":{sent}"#);
    meter.finish_with("floor", line.records, bytes, all, &more)
}

struct Filler<'a> {
    payload: &'a Payload,
    keys: &'a [String],
    compression: Compression,
    numbers: std::ops::Range<usize>,
    /// Bytes of a batch before compression.
    batch: usize,
    /// Emptied, to be filled again.
    buffers: Vec<BytesMut>,
    /// Bytes of batches as they went on the wire.
    sent: usize,
}

impl Filler<'_> {
    /// The bytes of all batches.
    fn run(&mut self, line: &Line, address: &str, partitions: &[i32]) -> Result<usize, Error> {
        let mut wire = Wire::connect(address)?;
        let mut waiting: VecDeque<SealedBatch> = VecDeque::new();
        let mut answer = Vec::new();
        let mut turns = partitions.iter().cycle();
        while let Some(mut batch) = self.next_batch()? {
            let partition = *turns.next().ok_or("a leader without partitions")?;
            let records = batch.stamp(-1, -1, -1);
            self.sent += records.len();
            wire.send(PRODUCE, &request(line, partition, records))?;
            waiting.push_back(batch);
            if waiting.len() == line.in_flight.max(1) {
                self.settle(&mut wire, &mut waiting, &mut answer)?;
            }
        }
        while !waiting.is_empty() {
            self.settle(&mut wire, &mut waiting, &mut answer)?;
        }
        Ok(self.sent)
    }

    fn next_batch(&mut self) -> Result<Option<SealedBatch>, Error> {
        if self.numbers.is_empty() {
            return Ok(None);
        }
        let now = now_ms();
        let buffer = self.buffers.pop();
        let mut open = BatchBuilder::new(buffer.unwrap_or_else(|| BytesMut::zeroed(BATCH)));
        for number in self.numbers.by_ref() {
            open.append(&RecordData {
                timestamp: now,
                key: match self.keys {
                    [] => None,
                    keys => Some(keys[number % keys.len()].as_bytes()),
                },
                value: Some(self.payload.value(number)),
                headers: &[],
            })?;
            if open.len() + self.payload.value(number).len() + 64 > self.batch {
                break;
            }
        }
        let output = self.buffers.pop().unwrap_or_default();
        Ok(Some(open.seal_into(self.compression, output)?))
    }

    /// Takes the next answer and the buffers of its batch.
    fn settle(
        &mut self,
        wire: &mut Wire,
        waiting: &mut VecDeque<SealedBatch>,
        answer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        acknowledged(wire, answer)?;
        if let Some(mut batch) = waiting.pop_front() {
            let spare = batch.take_spare();
            if spare.capacity() > 0 {
                self.buffers.push(spare);
            }
            self.buffers.extend(batch.recycle());
        }
        Ok(())
    }
}

/// Writes records one at a time.
pub(crate) struct Lone<'a> {
    line: &'a Line,
    wires: Vec<(Wire, Vec<i32>)>,
    payload: Arc<Payload>,
    answer: Vec<u8>,
    buffer: Option<BytesMut>,
}

impl<'a> Lone<'a> {
    pub(crate) fn new(line: &'a Line) -> Result<Self, Error> {
        let wires = leaders(line)?
            .into_iter()
            .map(|(address, partitions)| Ok((Wire::connect(&address)?, partitions)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            line,
            wires,
            payload: Arc::new(Payload::new(line.size)),
            answer: Vec::new(),
            buffer: None,
        })
    }

    pub(crate) fn write(&mut self, number: usize) -> Result<(), Error> {
        let payload = Arc::clone(&self.payload);
        self.write_value(number, payload.value(number))
    }

    fn write_value(&mut self, number: usize, value: &[u8]) -> Result<(), Error> {
        let count = self.wires.len();
        let (wire, partitions) = &mut self.wires[number % count];
        let partition = partitions[number / count % partitions.len()];
        let mut open = BatchBuilder::new(self.buffer.take().unwrap_or_default());
        open.append(&RecordData {
            timestamp: now_ms(),
            value: Some(value),
            ..RecordData::default()
        })?;
        let mut batch = open.seal(Compression::NONE)?;
        let records = batch.stamp(-1, -1, -1);
        wire.send(PRODUCE, &request(self.line, partition, records))?;
        acknowledged(wire, &mut self.answer)?;
        self.buffer = batch.recycle();
        Ok(())
    }
}

pub(crate) fn latency(line: &Line) -> Result<(), Error> {
    let mut lone = Lone::new(line)?;
    for number in 0..WARM_UP {
        lone.write(number)?;
    }
    let mut meter = Meter::start()?;
    let start = Instant::now();
    for number in 0..line.records {
        wait_until_due(line, start, number);
        let begun = Instant::now();
        lone.write(number)?;
        meter.note(begun.elapsed());
    }
    meter.finish("floor", line.records, line.records * line.size, WARM_UP)
}

/// Writes stamped records in turn to all partitions, at a rate, until the process is ended.
pub(crate) fn tick(line: &Line) -> Result<(), Error> {
    let mut lone = Lone::new(line)?;
    let mut value = Payload::new(line.size).value(0).to_vec();
    let start = Instant::now();
    for number in 0.. {
        wait_until_due(line, start, number);
        stamp(&mut value)?;
        lone.write_value(number, &value)?;
    }
    Ok(())
}

/// Until a record is due that is one of so many per second.
fn wait_until_due(line: &Line, start: Instant, number: usize) {
    if line.rate > 0 {
        let due = Duration::from_secs_f64(number as f64 / line.rate as f64);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
}

fn acknowledged(wire: &mut Wire, answer: &mut Vec<u8>) -> Result<(), Error> {
    let (whole, response) = wire.receive::<ProduceRequest>(PRODUCE, answer)?;
    let topics = response.responses.iter();
    for partition in topics.flat_map(|topic| &topic.partition_responses) {
        if partition.error_code.is_error() {
            return Err(format!("not written: {}", partition.error_code).into());
        }
    }
    drop(response);
    crate::wire::recycle(whole, answer);
    Ok(())
}

fn request(line: &Line, partition: i32, records: Bytes) -> ProduceRequest {
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: StrBytes::from(line.topic.clone()),
            partition_data: vec![PartitionProduceData {
                index: partition,
                records: Some(records),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// Bytes of a batch before compression when nothing else is said.
const BATCH: usize = 200_000;

/// Version 9, which brokers from 2.4 on have.
const PRODUCE: i16 = 9;
