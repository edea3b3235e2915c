//! Fetch requests of one partition, one in flight for each partition, from one thread per leader; and the way of one
//! record from a writer to a waiting reader.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ekafka_protocol::StrBytes;
use ekafka_protocol::messages::{FetchPartition, FetchRequest, FetchTopic, FetchedPartition};
use ekafka_protocol::records::{BatchIter, DecodeLimits};
use peer_line::{BEFORE_STAMPS, Error, Line, Meter, WARM_UP, age, touch};

use crate::producing::Lone;
use crate::wire::{Wire, leaders, recycle};

pub(crate) fn consume(line: &Line) -> Result<(), Error> {
    let meter = Meter::start()?;
    let leaders = leaders(line)?;
    let counted = std::thread::scope(|scope| -> Result<Counted, Error> {
        let threads: Vec<_> = leaders
            .iter()
            .map(|(address, partitions)| scope.spawn(|| drain(line, address, partitions)))
            .collect();
        let mut sum = Counted::default();
        for thread in threads {
            let counted = thread
                .join()
                .map_err(|_| Error::from("a thread panicked"))?;
            sum.add(&counted?);
        }
        Ok(sum)
    })?;
    std::hint::black_box(counted.touched);
    meter.finish("floor", counted.records, counted.bytes, 0)
}

#[derive(Default)]
struct Counted {
    records: usize,
    bytes: usize,
    touched: u64,
}

impl Counted {
    fn note(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.records += 1;
        self.bytes += value.map_or(0, <[u8]>::len);
        self.touched += touch(key) + touch(value);
    }

    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.touched += other.touched;
    }
}

/// Reads partitions to their ends.
fn drain(line: &Line, address: &str, partitions: &[i32]) -> Result<Counted, Error> {
    let mut wire = Wire::connect(address)?;
    let mut counted = Counted::default();
    let mut buffer = Vec::new();
    for partition in partitions {
        wire.send(FETCH, &request(line, &[(*partition, 0)], 0))?;
    }
    let mut asked = partitions.len();
    while asked > 0 {
        asked -= 1;
        let (whole, response) = wire.receive::<FetchRequest>(FETCH, &mut buffer)?;
        for answer in response
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
        {
            let (partition, end) = (answer.partition_index, answer.high_watermark);
            let next = each(answer, |key, value| counted.note(key, value))?;
            if next < end {
                wire.send(FETCH, &request(line, &[(partition, next)], 0))?;
                asked += 1;
            }
        }
        recycle(whole, &mut buffer);
    }
    Ok(counted)
}

/// Shows the key and value of each record of an answer; the offset to go on from.
fn each(
    answer: FetchedPartition,
    mut show: impl FnMut(Option<&[u8]>, Option<&[u8]>),
) -> Result<i64, Error> {
    if answer.error_code.is_error() {
        return Err(format!("not fetched: {}", answer.error_code).into());
    }
    let limits = DecodeLimits::default();
    let mut next = 0;
    for batch in BatchIter::new(answer.records.unwrap_or_else(Bytes::new), &limits) {
        let batch = batch?;
        next = batch.last_offset() + 1;
        for record in &batch.records(&limits)? {
            let record = record?;
            show(record.key, record.value);
        }
    }
    Ok(next)
}

/// How long the records took that another process stamps.
pub(crate) fn receive(line: &Line) -> Result<(), Error> {
    let received = listeners(line)?;
    let mut meter = Meter::start()?;
    for number in 0..BEFORE_STAMPS + line.records {
        let came = received.recv_timeout(Duration::from_secs(30))?;
        if number >= BEFORE_STAMPS {
            meter.note(came.age);
        }
    }
    meter.finish("floor", line.records, line.records * line.size, 0)
}

/// A thread per leader that waits for records.
fn listeners(line: &Line) -> Result<Receiver<Came>, Error> {
    let (sender, received) = channel();
    for (address, partitions) in leaders(line)? {
        let (line, sender) = (line.clone(), sender.clone());
        std::thread::spawn(move || {
            if let Err(error) = listen(&line, &address, &partitions, &sender) {
                eprintln!("{error}");
            }
        });
    }
    Ok(received)
}

/// A record that came.
struct Came {
    at: Instant,
    /// Since it was stamped, if it was.
    age: Duration,
}

pub(crate) fn end_to_end(line: &Line) -> Result<(), Error> {
    let received = listeners(line)?;
    let mut lone = Lone::new(line)?;
    for number in 0..WARM_UP {
        pass(&mut lone, number, &received)?;
    }
    let mut meter = Meter::start()?;
    for number in 0..line.records {
        meter.note(pass(&mut lone, number, &received)?);
    }
    meter.finish("floor", line.records, line.records * line.size, WARM_UP)
}

fn pass(lone: &mut Lone<'_>, number: usize, received: &Receiver<Came>) -> Result<Duration, Error> {
    let begun = Instant::now();
    lone.write(number)?;
    let came = received.recv_timeout(Duration::from_secs(30))?;
    Ok(came.at.saturating_duration_since(begun))
}

/// Tells when each record came.
fn listen(
    line: &Line,
    address: &str,
    partitions: &[i32],
    sender: &Sender<Came>,
) -> Result<(), Error> {
    let mut wire = Wire::connect(address)?;
    let mut offsets: Vec<(i32, i64)> = partitions.iter().map(|partition| (*partition, 0)).collect();
    let mut buffer = Vec::new();
    loop {
        wire.send(FETCH, &request(line, &offsets, 500))?;
        let (whole, response) = wire.receive::<FetchRequest>(FETCH, &mut buffer)?;
        let at = Instant::now();
        for answer in response
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
        {
            let partition = answer.partition_index;
            let mut came = Vec::new();
            let next = each(answer, |_, value| {
                let age = age(value).unwrap_or_default();
                came.push(Came { at, age });
            })?;
            came.into_iter().try_for_each(|came| sender.send(came))?;
            if let Some(place) = offsets.iter_mut().find(|(known, _)| *known == partition) {
                place.1 = place.1.max(next);
            }
        }
        recycle(whole, &mut buffer);
    }
}

fn request(line: &Line, wanted: &[(i32, i64)], max_wait_ms: i32) -> FetchRequest {
    let partitions = wanted
        .iter()
        .map(|(partition, fetch_offset)| FetchPartition {
            partition: *partition,
            fetch_offset: *fetch_offset,
            partition_max_bytes: FETCH_BYTES,
            ..FetchPartition::default()
        });
    FetchRequest {
        max_wait_ms,
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic: StrBytes::from(line.topic.clone()),
            partitions: partitions.collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

/// Per partition; more than that leaves the second-level cache.
const FETCH_BYTES: i32 = 250_000;

/// Version 11, the last that is not flexible.
const FETCH: i16 = 11;
