//! `ekafka produce`: a record for each line of standard input.

mod json_line;
mod outcomes;

use std::time::Duration;

use clap::{Args, ValueEnum};
use ekafka::{Header, Record, Writer};
use tokio::io::{AsyncBufReadExt, BufReader, Stdin};
use tokio::time::Instant;

use self::json_line::JsonLine;
use self::outcomes::Outcomes;
use crate::connection::Connection;
use crate::delivering::Delivering;
use crate::failure::Failure;
use crate::input::{KeyValue, key_and_value};
use crate::progress::Progress;
use crate::stop::Stop;
use crate::topics;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The topic to write to
    #[arg(long, short)]
    topic: String,
    /// text: each line is a value, or key and value; json: an object with any of key, value, headers, partition and
    /// timestamp, as `consume --format json` shows them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Split each line at the first of these into key and value; a line without one has no key
    #[arg(long, short = 'K', value_name = "TEXT")]
    key_delimiter: Option<String>,
    /// A header of every record; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    header: Vec<KeyValue>,
    /// The partition to write to, unless a line names one [default: as --balancer says]
    #[arg(long, short)]
    partition: Option<i32>,
    /// Lines per second at most [default: as many as are acknowledged]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Tell on standard output what became of each line, counted from 0, as soon as it is known, in one line of JSON:
    /// {"line":0,"partition":2,"offset":17}, where the offset is null if the broker does not tell it, or
    /// {"line":1,"class":"not_written|maybe_written|rejected|fatal","error":"…"}
    #[arg(long)]
    report: bool,
    #[command(flatten)]
    delivery: Delivering,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let topic = &arguments.topic;
    if arguments.format == Format::Json && arguments.key_delimiter.is_some() {
        return Err(Failure::usage(
            "--key-delimiter splits lines of text, not of JSON",
        ));
    }
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
    let mut outcomes = Outcomes::new(arguments.report);
    let mut stop = Stop::new()?;
    let read = write_lines(arguments, &writer, &mut outcomes, &mut stop).await;
    // What was read is told, unless whoever stops the command cannot wait for that.
    let told = tokio::select! {
        told = outcomes.finish() => told,
        () = stop.asked() => return Err(outcomes.give_up()),
    };
    let limit = Duration::from_secs(arguments.delivery.timeout);
    writer
        .close_within(limit)
        .await
        .map_err(|error| Failure::new("not everything was written", &error))?;
    read?;
    told?;
    let (written, failed) = outcomes.counts();
    if failed > 0 {
        return Err(Failure::plain(format!(
            "{failed} of {} records were not written to {topic}",
            failed + written
        )));
    }
    eprintln!("{written} records written to {topic}");
    Ok(())
}

/// Sends the lines until there are no more, or the command is asked to stop.
async fn write_lines(
    arguments: &Arguments,
    writer: &Writer,
    outcomes: &mut Outcomes,
    stop: &mut Stop,
) -> Result<(), Failure> {
    let mut input = BufReader::with_capacity(1 << 16, tokio::io::stdin());
    let mut line = Vec::new();
    let mut progress = Progress::new("records written", None);
    let started = Instant::now();
    let mut number = 0_u64;
    loop {
        line.clear();
        let next = async {
            if let Some(rate) = arguments.rate {
                let due = number.saturating_mul(1_000_000_000) / u64::from(rate);
                tokio::time::sleep_until(started + Duration::from_nanos(due)).await;
            }
            read_line(&mut input, &mut line).await
        };
        let next = async {
            tokio::select! {
                biased;
                () = stop.asked() => Ok(false),
                read = next => read,
            }
        };
        let read = outcomes.until(next).await?;
        if !read.map_err(|error| Failure::new("cannot read the input", &error))? {
            return Ok(());
        }
        match send(arguments, writer, &line).await {
            Ok(delivery) => outcomes.wait_for(number, delivery).await?,
            Err(refused) => outcomes.refused(number, &refused)?,
        }
        if outcomes.is_over() && !arguments.report {
            return Err(Failure::plain(format!("line {number} ended the writer")));
        }
        number += 1;
        progress.tell(outcomes.counts().0);
    }
}

/// The next line without its end; false when there is none. Dropping the future and calling again loses nothing, as
/// long as the line is kept.
async fn read_line(input: &mut BufReader<Stdin>, line: &mut Vec<u8>) -> std::io::Result<bool> {
    if input.read_until(b'\n', line).await? == 0 && line.is_empty() {
        return Ok(false);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(true)
}

/// Why a line became no record.
enum Refused {
    /// It makes no sense.
    Line(String),
    Writer(ekafka::WriterError),
}

async fn send(
    arguments: &Arguments,
    writer: &Writer,
    line: &[u8],
) -> Result<ekafka::Delivery, Refused> {
    let parsed = match arguments.format {
        Format::Json => JsonLine::parse(line).map_err(Refused::Line)?,
        Format::Text => JsonLine::default(),
    };
    let own = arguments.header.iter().map(|header| Header {
        key: &header.key,
        value: Some(header.value.as_bytes()),
    });
    let headers: Vec<Header<'_>> = parsed.headers().chain(own).collect();
    let mut record = parsed.record();
    if arguments.format == Format::Text {
        let (key, value) = key_and_value(line, arguments.key_delimiter.as_deref());
        record.key = key;
        record.value = Some(value);
    }
    record = Record {
        partition: record.partition.or(arguments.partition),
        ..record.headers(&headers)
    };
    writer.send(record).await.map_err(Refused::Writer)
}
