//! `cargo xtask chaos`: brokers of a real Apache Kafka are killed under load, and every outcome that the client reported
//! is compared with what Kafka's own consumer reads back.

mod audit;
mod consume;
mod ledger;
mod load;
mod read_back;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::kafka::{Tools, Trio};
use crate::process;

use self::audit::Audit;
use self::load::Load;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Numbered records through a writer while each of three brokers is killed and started again
    Produce(Produce),
    /// A group of six reads while members join, leave and are killed, and each broker is restarted
    Consume(consume::Consume),
}

#[derive(Args)]
struct Produce {
    /// How many records
    #[arg(long, default_value_t = 2_000_000)]
    records: u64,
    /// First of the ports of the cluster on 127.0.0.1, which is started unless it runs
    #[arg(long, default_value_t = 29092)]
    port: u16,
    /// Records a second, on average
    #[arg(long, default_value_t = 25_000)]
    rate: u64,
    /// Bytes of a record's value
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 6)]
    partitions: u16,
    /// Seconds that a killed broker stays away; the second one comes back after a fifth of it
    #[arg(long, default_value_t = 10)]
    down: u64,
    /// Milliseconds after which the writer gives a record up; a short one shows what it says of those
    #[arg(long)]
    delivery_timeout: Option<u64>,
    /// Without idempotence: records may be doubled, but not lost
    #[arg(long)]
    no_idempotence: bool,
    /// Give every record a key, so that all partitions fill evenly
    #[arg(long)]
    keyed: bool,
    /// Keep the ledger in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let produce = match &arguments.what {
        What::Produce(produce) => produce,
        What::Consume(consume) => return consume::run(consume),
    };
    // Compiling first keeps the brokers from competing with the compiler for cores.
    load::build()?;
    let tools = Tools::find()?;
    let trio = Trio::start(produce.port)?;
    let folder = match &produce.keep {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("ekafka-chaos-{}", std::process::id())),
    };
    fs::create_dir_all(&folder)?;
    let verdict = audit(produce, &tools, &trio, &folder.join("ledger"));
    if produce.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    }
    verdict
}

fn audit(produce: &Produce, tools: &Tools, trio: &Trio, ledger: &Path) -> Result<(), Failure> {
    let topic = format!("chaos-{}", std::process::id());
    create_topic(produce, tools, trio, &topic)?;
    let begun = Instant::now();
    let mut load = Load::start(produce, &trio.brokers(), &topic, ledger)?;
    for node in 1..=NODES {
        load.wait_for(produce.records * u64::from(node) / u64::from(NODES + 1))?;
        println!(
            "{:>6.1} s  node {node} is killed",
            begun.elapsed().as_secs_f64()
        );
        trio.kill(node)?;
        let away = if node == 2 {
            produce.down / 5
        } else {
            produce.down
        };
        sleep(Duration::from_secs(away));
        trio.restart(node)?;
        println!(
            "{:>6.1} s  node {node} is back",
            begun.elapsed().as_secs_f64()
        );
        wait_until_in_sync(tools, trio, &topic)?;
    }
    load.finish()?;
    println!(
        "{:>6.1} s  the load has ended",
        begun.elapsed().as_secs_f64()
    );
    let outcomes = ledger::read(ledger, produce.records)?;
    let mut audit = Audit::new(&outcomes, produce.size, !produce.no_idempotence);
    read_back::all(tools, &trio.brokers(), &topic, &mut audit)?;
    println!(
        "{:>6.1} s  everything is read back",
        begun.elapsed().as_secs_f64()
    );
    let verdict = audit.verdict();
    println!("{verdict}");
    if verdict.is_clean() {
        return Ok(());
    }
    Err(Failure::new(
        "the writer's outcomes are not what the log holds",
    ))
}

fn create_topic(produce: &Produce, tools: &Tools, trio: &Trio, topic: &str) -> Result<(), Failure> {
    let partitions = produce.partitions.to_string();
    let mut command = tools.class("org.apache.kafka.tools.TopicCommand");
    command.args(["--bootstrap-server", &trio.brokers(), "--create"]);
    command.args(["--topic", topic, "--partitions", &partitions]);
    command.args([
        "--replication-factor",
        "3",
        "--config",
        "min.insync.replicas=2",
        // When a record can be read is when a broker took it.
        "--config",
        "message.timestamp.type=LogAppendTime",
    ]);
    process::capture(&mut command).map(drop)
}

/// Waits until every replica has caught up, so that the next broker killed is not the only one with a record.
fn wait_until_in_sync(tools: &Tools, trio: &Trio, topic: &str) -> Result<(), Failure> {
    let give_up = Instant::now() + LONGEST_CATCHING_UP;
    loop {
        let mut command = tools.class("org.apache.kafka.tools.TopicCommand");
        command.args(["--bootstrap-server", &trio.brokers(), "--describe"]);
        command.args(["--under-replicated-partitions", "--topic", topic]);
        let seen = process::capture(&mut command);
        match seen {
            Ok(seen) if seen.trim().is_empty() => return Ok(()),
            _ if Instant::now() < give_up => sleep(Duration::from_secs(1)),
            Ok(seen) => return Err(Failure::new(format!("replicas stay behind: {seen}"))),
            Err(failure) => return Err(failure),
        }
    }
}

const NODES: u16 = 3;

const LONGEST_CATCHING_UP: Duration = Duration::from_secs(120);
