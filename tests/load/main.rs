//! The load of `cargo xtask chaos produce`: numbered records through a writer, and a ledger with the outcome of each.
//!
//! One line per record: its number, then `written PARTITION OFFSET`, or the class of the error and the error. The last
//! twentieth of the records is sent only after standard input has ended, so that whoever breaks the cluster meanwhile is
//! done before the load is.
#![expect(
    clippy::print_stdout,
    reason = "progress is reported to the job that started this program"
)]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use ekafka::{Delivery, Record, Writer, WriterError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    records: u64,
    /// Records a second, on average; every other half second they come all at once
    #[arg(long)]
    rate: u64,
    /// Bytes of a value
    #[arg(long)]
    size: usize,
    /// Gives every record a key, so that all partitions fill evenly
    #[arg(long)]
    keyed: bool,
    /// Where to write the outcomes
    #[arg(long)]
    ledger: PathBuf,
    /// Milliseconds after which a record is given up; the writer's default when not set
    #[arg(long)]
    delivery_timeout: Option<u64>,
    /// Nobody recognises what is sent twice
    #[arg(long)]
    no_idempotence: bool,
}

type Accepted = (u64, Result<Delivery, WriterError>);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut config = Writer::builder()
        .brokers(arguments.brokers.split(','))
        .topic(&*arguments.topic);
    if let Some(milliseconds) = arguments.delivery_timeout {
        config = config.delivery_timeout(Duration::from_millis(milliseconds));
    }
    if arguments.no_idempotence {
        config = config.idempotence(false);
    }
    let writer = config.build()?;
    let (accepted, outcomes) = mpsc::channel(MOST_UNRECORDED);
    let ledger = BufWriter::new(File::create(&arguments.ledger)?);
    #[expect(
        clippy::disallowed_methods,
        reason = "a task of this program, which is no library"
    )]
    let recording = tokio::spawn(record(outcomes, ledger));
    send_all(&writer, &arguments, accepted).await?;
    recording.await??;
    if let Err(undelivered) = writer.close_within(LONGEST_END).await {
        println!("{undelivered}");
    }
    Ok(())
}

async fn send_all(
    writer: &Writer,
    arguments: &Arguments,
    accepted: mpsc::Sender<Accepted>,
) -> Result<(), Box<dyn Error>> {
    let mut released = Some(end_of_input());
    let per_tick = (arguments.rate / TICKS_A_SECOND).max(1);
    let mut next_tick = Instant::now();
    let mut number = 0;
    let mut is_burst = false;
    while number < arguments.records {
        if number >= arguments.records - arguments.records / 20
            && let Some(released) = released.take()
        {
            released.await?;
        }
        println!("sent {number}");
        let end = (number + per_tick).min(arguments.records);
        while number < end {
            let value = value(number, arguments.size);
            let record = Record::new(&value);
            let record = match arguments.keyed {
                true => record.key(value.get(..DIGITS).unwrap_or_default()),
                false => record,
            };
            let outcome = writer.send(record).await;
            accepted.send((number, outcome)).await?;
            number += 1;
            if !is_burst && number % (per_tick / 50).max(1) == 0 {
                sleep(TICK / 50).await;
            }
        }
        is_burst = !is_burst;
        next_tick += TICK;
        sleep_until(next_tick).await;
        // What an outage held up is not made up for at once.
        next_tick = next_tick.max(Instant::now() - TICK);
    }
    Ok(())
}

async fn record(
    mut outcomes: mpsc::Receiver<Accepted>,
    mut ledger: BufWriter<File>,
) -> std::io::Result<()> {
    while let Some((number, accepted)) = outcomes.recv().await {
        let outcome = match accepted {
            Ok(delivery) => delivery.await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(delivered) => {
                let offset = delivered.offset().unwrap_or(-1);
                writeln!(
                    ledger,
                    "{number} written {} {offset}",
                    delivered.partition()
                )?;
            }
            Err(error) if error.maybe_written() => {
                writeln!(ledger, "{number} maybe_written {error}")?
            }
            Err(error) => writeln!(ledger, "{number} not_written {error}")?,
        }
    }
    ledger.flush()
}

/// The number, as often as it takes to fill the value: whoever reads it back can tell every byte.
fn value(number: u64, size: usize) -> String {
    let word = format!("{number:010} ");
    word.chars().cycle().take(size.max(word.len())).collect()
}

fn end_of_input() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        // However the input ends, it has ended.
        let _ = std::io::stdin().read_to_end(&mut rest);
        let _ = tell.send(());
    });
    told
}

/// A record's number, in its value.
const DIGITS: usize = 10;
/// Records that were accepted and whose outcome is not in the ledger yet.
const MOST_UNRECORDED: usize = 400_000;

const TICKS_A_SECOND: u64 = 2;
const TICK: Duration = Duration::from_millis(500);
const LONGEST_END: Duration = Duration::from_secs(60);
