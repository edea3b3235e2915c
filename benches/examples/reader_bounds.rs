//! What a reader holds and costs at its edges, against a broker in another process.
//!
//! `memory`: resident memory while the application sleeps, on 100 partitions of data that expands twenty times.
//! `partitions`: CPU of reading 100 active partitions alone, and among 10,000.

#![expect(clippy::print_stdout, reason = "a command's output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on ends")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::BytesMut;
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{BatchBuilder, RecordData};
use ekafka_reader::{Reader, ReaderBuilder};
use ekafka_testkit::EmbeddedKafka;

const BOUND: u64 = 8 << 20;
const ACTIVE: i32 = 100;
const ROUNDS: i64 = 200;
const PER_BATCH: i64 = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["memory"] => memory(),
        ["partitions"] => partitions(),
        ["broker", "memory"] => serve_packed().await,
        ["broker", count] => serve_active(count.parse().unwrap()).await,
        ["read", brokers, count] => read_active(brokers, count.parse().unwrap()).await,
        ["sleep", brokers, way] => sleep(brokers, way == "streams").await,
        _ => println!("memory | partitions"),
    }
}

fn memory() {
    println!(
        "100 partitions, zstd 20:1, buffer_memory {} KiB",
        BOUND / 1024
    );
    for way in ["messages", "streams"] {
        let broker = Broker::start("memory");
        run(&["sleep", &broker.bootstrap, way]);
    }
}

fn partitions() {
    let cost = |count: &str| {
        let broker = Broker::start(count);
        let cpu: f64 = run(&["read", &broker.bootstrap, count])
            .trim()
            .parse()
            .unwrap();
        println!("{count:>6} partitions, 100 active: {cpu:.1} ms of client CPU");
        cpu
    };
    // In turns, since the machine is not always equally fast.
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        few.push(cost("100"));
        many.push(cost("10000"));
    }
    few.sort_by(f64::total_cmp);
    many.sort_by(f64::total_cmp);
    println!("ratio of the medians: {:.2}", many[1] / few[1]);
}

/// Reads one message, or one of each partition, then sleeps and tells what the process holds.
async fn sleep(brokers: &str, by_streams: bool) {
    let reader = builder(brokers, ACTIVE).buffer_memory(BOUND);
    let mut reader = reader.build().unwrap();
    let before = resident();
    let way = if by_streams {
        "a stream each"
    } else {
        "messages"
    };
    let mut held = Vec::new();
    if by_streams {
        let mut streams = reader.into_partitions();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..ACTIVE {
            let mut stream = streams.next().await.unwrap().unwrap();
            waiting.spawn(async move {
                let first = stream.next().await;
                tokio::time::sleep(Duration::from_secs(60)).await;
                (first, stream)
            });
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        tell(way, before);
        drop(waiting);
    } else {
        held.push(reader.fetch_message().await.unwrap());
        tokio::time::sleep(Duration::from_secs(5)).await;
        tell(way, before);
    }
}

fn tell(way: &str, before: u64) {
    let (now, most) = (resident(), status("VmHWM:"));
    let limit = BOUND / 1024 + 20 * 1024;
    let verdict = if now <= limit { "within" } else { "ABOVE" };
    println!(
        "  {way:<14} {now} KiB resident ({before} at the start, {most} at most), {verdict} the bound + 20 MiB"
    );
}

/// CPU milliseconds for half of what is written, once every partition has been named to the broker.
async fn read_active(brokers: &str, partitions: i32) {
    let mut reader = builder(brokers, partitions).build().unwrap();
    let quarter = i64::from(ACTIVE) * ROUNDS / 4;
    for _ in 0..quarter {
        reader.next_batch().await.unwrap();
    }
    let before = cpu();
    for _ in 0..2 * quarter {
        let batch = reader.next_batch().await.unwrap();
        assert!(batch.iter().all(|record| record.is_ok()));
    }
    println!("{:.3}", (cpu() - before) / 1e6);
}

fn builder(brokers: &str, partitions: i32) -> ReaderBuilder {
    let builder = Reader::builder().brokers([brokers]).topic("t");
    builder.partitions(0..partitions)
}

/// Partitions that each unpack to more than the bound.
async fn serve_packed() {
    let kafka = EmbeddedKafka::builder().nodes(1).start().await.unwrap();
    kafka.create_topic("t", ACTIVE).unwrap();
    let mut value = vec![7; 1_040];
    let mut batch = BatchBuilder::new(BytesMut::new());
    let mut random = 1u64;
    for _ in 0..1_000 {
        for byte in &mut value[..40] {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (random >> 56) as u8;
        }
        append(&mut batch, &value);
    }
    let mut sealed = batch.seal(Compression::from(Codec::Zstd)).unwrap();
    let bytes = sealed.stamp(-1, -1, -1).to_vec();
    for partition in 0..ACTIVE {
        for index in 0..10 {
            let mut bytes = BytesMut::from(&*bytes);
            bytes[..8].copy_from_slice(&(index * 1_000i64).to_be_bytes());
            kafka
                .plant("t", partition, bytes.freeze(), 1_000, 0)
                .unwrap();
        }
    }
    announce(&kafka);
    wait_for_end().await;
}

/// Writes a batch to each active partition every 50 ms, as soon as somebody reads.
async fn serve_active(partitions: i32) {
    let kafka = EmbeddedKafka::builder().nodes(1).start().await.unwrap();
    kafka.create_topic("t", partitions).unwrap();
    announce(&kafka);
    while kafka.requests_of(ekafka_protocol::ApiKey::FETCH).is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let spread = partitions / ACTIVE;
    for round in 0..ROUNDS {
        let mut batch = BatchBuilder::new(BytesMut::new());
        for _ in 0..PER_BATCH {
            append(&mut batch, &[7; 100]);
        }
        let mut sealed = batch.seal(Compression::NONE).unwrap();
        let mut bytes = sealed.stamp(-1, -1, -1).to_vec();
        bytes[..8].copy_from_slice(&(round * PER_BATCH).to_be_bytes());
        for partition in 0..ACTIVE {
            let bytes = bytes.clone().into();
            kafka
                .plant("t", partition * spread, bytes, PER_BATCH, 0)
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    wait_for_end().await;
}

fn append(batch: &mut BatchBuilder, value: &[u8]) {
    let record = RecordData {
        timestamp: 0,
        key: None,
        value: Some(value),
        headers: &[],
    };
    batch.append(&record).unwrap();
}

fn announce(kafka: &EmbeddedKafka) {
    println!("{}", kafka.bootstrap());
}

/// Until the measuring process goes.
async fn wait_for_end() {
    let end = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
    let _ = end.await;
}

/// A broker in a process of its own, which ends with this value.
struct Broker {
    process: Child,
    bootstrap: String,
}

impl Broker {
    fn start(what: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["broker", what]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut bootstrap = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut bootstrap).unwrap();
        Self {
            process,
            bootstrap: bootstrap.trim().to_owned(),
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs this program with other words and gives what it prints, which is shown unless it is a number.
fn run(words: &[&str]) -> String {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(words).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if text.trim().parse::<f64>().is_err() {
        print!("{text}");
    }
    text
}

/// CPU time of this thread in ns; it does all the work.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

fn resident() -> u64 {
    status("VmRSS:")
}

/// A line of this process's status, in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let number = line.split_whitespace().nth(1).unwrap();
    number.parse().unwrap()
}
