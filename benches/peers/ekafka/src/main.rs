//! ekafka where `ekafka perf` has no such form: members of groups, receivers, chosen partitions, a writer beside a reader.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ekafka::assignor::{CooperativeStickyAssignor, RangeAssignor};
use ekafka::{Cluster, ConnConfig, Reader, ReaderBuilder, Record, StartOffset, Writer};
use peer_line::{BEFORE_STAMPS, Diary, Error, Line, Meter, Payload, WARM_UP, age, no_mode, touch};

fn main() -> ExitCode {
    peer_line::run(|line| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match line.mode.as_str() {
                "consume" => consume(line).await,
                "receive" => receive(line).await,
                "member" => member(line).await,
                "beside" => beside(line).await,
                _ => Err(no_mode(line)),
            }
        })
    })
}

fn cluster(line: &Line) -> Result<Cluster, Error> {
    Ok(Cluster::new(
        line.brokers.split(','),
        ConnConfig::default(),
    )?)
}

fn reader(line: &Line) -> Result<ReaderBuilder, Error> {
    let builder = Reader::builder()
        .cluster(cluster(line)?)
        .topic(&line.topic)
        .start_offset(StartOffset::First);
    Ok(match line.group.as_str() {
        "" => builder.partitions(line.used()),
        group => builder.group_id(group),
    })
}

async fn consume(line: &Line) -> Result<(), Error> {
    let meter = Meter::start()?;
    let mut reader = reader(line)?.build()?;
    let (mut records, mut bytes, mut touched) = (0, 0, 0);
    while records < line.records {
        let batch = tokio::time::timeout(Duration::from_secs(30), reader.next_batch()).await??;
        for record in &batch {
            let record = record?;
            records += 1;
            bytes += record.value.map_or(0, <[u8]>::len);
            touched += touch(record.key) + touch(record.value);
        }
    }
    std::hint::black_box(touched);
    meter.finish("ekafka", records, bytes, 0)
}

async fn receive(line: &Line) -> Result<(), Error> {
    let mut reader = reader(line)?.build()?;
    let mut meter = Meter::start()?;
    for number in 0..BEFORE_STAMPS + line.records {
        let next = tokio::time::timeout(Duration::from_secs(30), reader.fetch_message());
        let message = next.await??;
        if number >= BEFORE_STAMPS {
            meter.note(age(message.value())?);
        }
    }
    meter.finish("ekafka", line.records, line.records * line.size, 0)
}

async fn member(line: &Line) -> Result<(), Error> {
    let builder = reader(line)?.commit_interval(Duration::from_secs(1));
    let mut reader = match line.strategy.as_str() {
        "eager" => builder.assignors([std::sync::Arc::new(RangeAssignor) as _]),
        _ => builder.assignors([std::sync::Arc::new(CooperativeStickyAssignor) as _]),
    }
    .build()?;
    let mut diary = Diary::open(line);
    loop {
        let message = reader.read_message().await?;
        diary.note(message.partition(), message.value())?;
    }
}

/// How long acknowledgements take while a reader on the same cluster handle waits for records that nobody writes, and while
/// there is none, in turns.
async fn beside(line: &Line) -> Result<(), Error> {
    let cluster = cluster(line)?;
    let writer = Writer::builder()
        .cluster(cluster.clone())
        .topic(line.topic.as_str())
        .build()?;
    let payload = Payload::new(line.size);
    let write = async |number: usize| -> Result<Duration, Error> {
        let begun = Instant::now();
        let record = Record {
            partition: Some(0),
            ..Record::new(payload.value(number))
        };
        writer.write(&[record]).await?;
        Ok(begun.elapsed())
    };
    for number in 0..WARM_UP {
        write(number).await?;
    }
    let meter = Meter::start()?;
    let mut quantiles = [Vec::new(), Vec::new()];
    for turn in 0..2 * TURNS {
        let waits = turn % 2 == 1;
        let mut reader = Reader::builder()
            .cluster(cluster.clone())
            .topic(&line.topic)
            .partitions(1..line.partitions)
            .build()?;
        let waiting = waits.then(|| tokio::spawn(async move { reader.next_batch().await }));
        if waits {
            // Until the brokers hold its fetches.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut times = Meter::start()?;
        for number in 0..line.records / TURNS {
            times.note(write(number).await?);
        }
        quantiles[turn % 2].push(times.quantiles());
        if let Some(waiting) = waiting {
            if waiting.is_finished() {
                return Err("the reader did not wait".into());
            }
            waiting.abort();
        }
    }
    // Of all turns the middle one, so that what else the machine does in some of them does not decide.
    let [alone, beside] = quantiles.map(|turns| [0, 1].map(|which| middle(&turns, which)));
    let more = format!(
        r#","beside_p50_us":{},"beside_p99_us":{},"alone_p50_us":{},"alone_p99_us":{}"#,
        beside[0], beside[1], alone[0], alone[1]
    );
    meter.finish_with("ekafka", line.records, 0, WARM_UP, &more)
}

fn middle(turns: &[[u128; 2]], which: usize) -> u128 {
    let mut values: Vec<u128> = turns.iter().map(|turn| turn[which]).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

const TURNS: usize = 15;
