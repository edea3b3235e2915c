//! What the quickstart tells, chapter by chapter: write and read at the same time, then read on where the group left off.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ekafka::{Event, Message, Reader, ReaderError, Received, Record, StartOffset, Writer};

use crate::connection::Connection;
use crate::failure::Failure;

/// Records of one call to the writer.
const SLICE: u64 = 1_000;

/// Records that are written after the first reader has gone.
const LATER: u64 = 3;

/// Longer than this without a record means that something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// One run: a topic, a group named after it, and a number of records.
pub(super) struct Story<'a> {
    connection: &'a Connection,
    topic: &'a str,
    records: u64,
}

impl<'a> Story<'a> {
    pub(super) fn new(connection: &'a Connection, topic: &'a str, records: u64) -> Self {
        Self {
            connection,
            topic,
            records,
        }
    }

    pub(super) async fn tell(&self) -> Result<(), Failure> {
        let cluster = self.connection.cluster()?;
        let writer = Writer::builder()
            .cluster(cluster)
            .topic(self.topic)
            .build()
            .map_err(|error| Failure::new("cannot make a writer", &error))?;
        let mut reader = self.reader()?;
        let (written, read) =
            tokio::try_join!(self.write(&writer), self.read(&mut reader, 0..self.records))?;
        let closed = reader.close().await;
        closed.map_err(|error| Failure::new("cannot end in order", &error))?;
        say!("reader    left the group; its offsets are committed");
        self.read_on(&writer).await?;
        writer
            .close_within(PATIENCE)
            .await
            .map_err(|error| Failure::new("not everything was written", &error))?;
        written.tell("writer", "written and acknowledged");
        read.tell("reader", "read in order");
        Ok(())
    }

    /// Writes all records, each with its number as the value and one of a hundred keys.
    async fn write(&self, writer: &Writer) -> Result<Statistics, Failure> {
        let mut statistics = Statistics::begin();
        let mut first = 0;
        while first < self.records {
            let last = self.records.min(first + SLICE);
            self.write_numbers(writer, first..last).await?;
            statistics.calls += 1;
            statistics.records += last - first;
            if statistics.records == SLICE.min(self.records) {
                say!(
                    "writer    the first {} records are acknowledged",
                    statistics.records
                );
            }
            first = last;
        }
        statistics.end();
        say!(
            "writer    all {} records are acknowledged by all replicas",
            self.records
        );
        Ok(statistics)
    }

    async fn write_numbers(
        &self,
        writer: &Writer,
        numbers: std::ops::Range<u64>,
    ) -> Result<(), Failure> {
        let texts: Vec<(String, String)> = numbers
            .map(|number| (format!("key-{}", number % 100), number.to_string()))
            .collect();
        let records: Vec<Record<'_>> = texts
            .iter()
            .map(|(key, value)| Record::new(value).key(key))
            .collect();
        let written = writer.write(&records).await;
        written.map_err(|errors| Failure::new("the writer could not write", &errors))
    }

    /// Reads the records with these numbers as a member of the group, and commits each batch of them.
    async fn read(
        &self,
        reader: &mut Reader,
        numbers: std::ops::Range<u64>,
    ) -> Result<Statistics, Failure> {
        let mut statistics = Statistics::begin();
        let mut order = Order::default();
        let wanted = numbers.end - numbers.start;
        while statistics.records < wanted {
            let received = tokio::time::timeout(PATIENCE, reader.recv())
                .await
                .map_err(|_| {
                    let records = statistics.records;
                    Failure::plain(format!(
                        "no record for {PATIENCE:?} after {records} of {wanted}"
                    ))
                })?;
            match received.map_err(|error| failed(&error))? {
                Received::Message(message) => {
                    order.check(&message, &numbers)?;
                    if statistics.records == 0 {
                        say!("reader    the first record: {}", shown(&message));
                    }
                    statistics.records += 1;
                    let is_last = statistics.records == wanted;
                    if statistics.records.is_multiple_of(SLICE) || is_last {
                        statistics.calls += 1;
                        let last = order.last.values().cloned().collect::<Vec<_>>();
                        reader
                            .commit_messages(&last)
                            .await
                            .map_err(|error| failed(&error))?;
                    }
                }
                Received::Event(Event::Assigned(partitions)) => {
                    say!(
                        "group     {} partitions assigned to the reader",
                        partitions.len()
                    );
                    statistics.end();
                    statistics.begun = Instant::now();
                }
                _ => {}
            }
        }
        statistics.end();
        say!("reader    {wanted} records read, none missing, each key in order; committed:");
        for message in order.last.values() {
            say!(
                "          partition {} up to offset {}",
                message.partition(),
                message.offset()
            );
        }
        Ok(statistics)
    }

    /// A second reader of the same group sees exactly what came after the commit.
    async fn read_on(&self, writer: &Writer) -> Result<(), Failure> {
        let later = self.records..self.records + LATER;
        self.write_numbers(writer, later.clone()).await?;
        say!("writer    {LATER} more records");
        let mut reader = self.reader()?;
        self.read(&mut reader, later).await?;
        let closed = reader.close().await;
        closed.map_err(|error| Failure::new("cannot end in order", &error))?;
        say!("group     the second reader went on where the first had committed");
        Ok(())
    }

    fn reader(&self) -> Result<Reader, Failure> {
        Reader::builder()
            .cluster(self.connection.cluster()?)
            .topic(self.topic)
            .group_id(self.topic)
            .start_offset(StartOffset::First)
            .build()
            .map_err(|error| Failure::new("cannot make a reader", &error))
    }
}

/// What one side did, told at the end.
struct Statistics {
    begun: Instant,
    took: Duration,
    records: u64,
    /// Calls of the writer, or commits of the reader.
    calls: u64,
}

impl Statistics {
    fn begin() -> Self {
        Self {
            begun: Instant::now(),
            took: Duration::ZERO,
            records: 0,
            calls: 0,
        }
    }

    fn end(&mut self) {
        self.took = self.begun.elapsed();
    }

    fn tell(&self, who: &str, what: &str) {
        let rate = self.records as f64 / self.took.as_secs_f64().max(1e-6);
        let calls = if who == "writer" { "calls" } else { "commits" };
        say!(
            "{who:9} {} records {what} in {:.1?} ({rate:.0}/s), {} {calls}",
            self.records,
            self.took,
            self.calls
        );
    }
}

/// Sees to it that every number comes once and that the numbers of a partition ascend.
#[derive(Default)]
struct Order {
    /// The newest message of each partition.
    last: BTreeMap<i32, Message>,
}

impl Order {
    fn check(&mut self, message: &Message, numbers: &std::ops::Range<u64>) -> Result<(), Failure> {
        let wrong = |what: &str| Failure::plain(format!("{what}: {}", shown(message)));
        let number = number(message).ok_or_else(|| wrong("not one of our records"))?;
        if !numbers.contains(&number) {
            return Err(wrong("a record that was committed before"));
        }
        let before = self.last.insert(message.partition(), message.clone());
        match before.as_ref().and_then(self::number) {
            Some(before) if before >= number => Err(wrong("out of order")),
            _ => Ok(()),
        }
    }
}

fn number(message: &Message) -> Option<u64> {
    std::str::from_utf8(message.value()?).ok()?.parse().ok()
}

fn shown(message: &Message) -> String {
    let text =
        |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    format!(
        "partition {}, offset {}, key {}, value {}",
        message.partition(),
        message.offset(),
        text(message.key()),
        text(message.value())
    )
}

fn failed(error: &ReaderError) -> Failure {
    Failure::new("the reader could not read", error)
}
