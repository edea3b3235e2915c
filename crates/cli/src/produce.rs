//! `ekafka produce`: a record for each line of standard input.

use std::collections::VecDeque;
use std::time::Duration;

use clap::Args;
use ekafka::{Delivery, Header, Record, Writer, WriterError};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::Instant;

use crate::connection::Connection;
use crate::delivering::Delivering;
use crate::failure::Failure;
use crate::input::{KeyValue, key_and_value};
use crate::progress::Progress;
use crate::topics;

/// How many records may be unacknowledged before the next line is read.
const MOST_WAITING: usize = 20_000;

/// How many failed records are told one by one.
const MOST_TOLD: u64 = 10;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The topic to write to
    #[arg(long, short)]
    topic: String,
    /// Split each line at the first of these into key and value; a line without one has no key
    #[arg(long, value_name = "TEXT")]
    key_delimiter: Option<String>,
    /// A header of every record; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    header: Vec<KeyValue>,
    /// The partition to write to [default: by key, else wherever it is quickest]
    #[arg(long)]
    partition: Option<i32>,
    #[command(flatten)]
    delivery: Delivering,
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let topic = &arguments.topic;
    let partitions = topics::partitions(connection, topic).await?;
    if let Some(wanted) = arguments.partition
        && !partitions.iter().any(|partition| partition.id == wanted)
    {
        let count = partitions.len();
        return Err(
            Failure::plain(format!("topic {topic} has no partition {wanted}"))
                .advise(format!("--partition 0 to {}", count.saturating_sub(1))),
        );
    }
    let writer = arguments.delivery.writer(connection, topic)?;
    let mut tally = Tally::default();
    let outcome = write_lines(arguments, &writer, &mut tally).await;
    let limit = Instant::now() + Duration::from_secs(arguments.delivery.timeout);
    writer
        .close(limit)
        .await
        .map_err(|error| Failure::new("not everything was written", &error))?;
    outcome?;
    if tally.failed > 0 {
        return Err(Failure::plain(format!(
            "{} of {} records were not written to {topic}",
            tally.failed,
            tally.failed + tally.written
        )));
    }
    eprintln!("{} records written to {topic}", tally.written);
    Ok(())
}

async fn write_lines(
    arguments: &Arguments,
    writer: &Writer,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let headers: Vec<Header<'_>> = arguments
        .header
        .iter()
        .map(|header| Header {
            key: &header.key,
            value: Some(header.value.as_bytes()),
        })
        .collect();
    let mut input = BufReader::with_capacity(1 << 16, tokio::io::stdin());
    let mut line = Vec::new();
    let mut progress = Progress::new("records written", None);
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line).await;
        if read.map_err(|error| Failure::new("cannot read the input", &error))? == 0 {
            break;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let (key, value) = key_and_value(&line, arguments.key_delimiter.as_deref());
        let mut record = Record::new(value).headers(&headers);
        record.key = key;
        record.partition = arguments.partition;
        match writer.send(record).await {
            Ok(delivery) => tally.wait_for(delivery).await,
            Err(error) if error.is_fatal() => {
                return Err(Failure::new(format_args!("line {}", tally.line), &error));
            }
            Err(error) => tally.count(Err(&error)),
        }
        progress.tell(tally.written);
    }
    tally.finish().await;
    Ok(())
}

/// Records under way in the order of their lines, and how the others ended.
#[derive(Default)]
struct Tally {
    waiting: VecDeque<Delivery>,
    /// Lines whose outcome is known, counted from 1 when told.
    line: u64,
    written: u64,
    failed: u64,
}

impl Tally {
    async fn wait_for(&mut self, delivery: Delivery) {
        self.waiting.push_back(delivery);
        while self.waiting.len() > MOST_WAITING
            || self.waiting.front().is_some_and(Delivery::is_done)
        {
            self.settle().await;
        }
    }

    async fn finish(&mut self) {
        while !self.waiting.is_empty() {
            self.settle().await;
        }
    }

    async fn settle(&mut self) {
        if let Some(delivery) = self.waiting.pop_front() {
            match delivery.await {
                Ok(_) => self.count(Ok(())),
                Err(error) => self.count(Err(&error)),
            }
        }
    }

    fn count(&mut self, outcome: Result<(), &WriterError>) {
        self.line += 1;
        let Err(error) = outcome else {
            self.written += 1;
            return;
        };
        self.failed += 1;
        if self.failed <= MOST_TOLD {
            eprintln!(
                "ekafka: {}",
                Failure::new("a record was not written", error)
            );
        }
    }
}
