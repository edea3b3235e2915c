//! One member of the group of `cargo xtask chaos consume`: reads, works, commits, and keeps a diary of it.
//!
//! The diary has one line for each thing that happens, written before what follows from it, so that it holds all that
//! this process knew when it was killed:
//!
//! ```text
//! assigned PARTITION MICROS        the group gave it
//! revoked PARTITION MICROS         the group takes it; finished work is committed now
//! released PARTITION MICROS        the next item is asked for: the group may go on
//! lost PARTITION MICROS            taken without notice
//! got PARTITION OFFSET NUMBER APPENDED MICROS    APPENDED is when the broker took it, in milliseconds
//! done PARTITION OFFSET MICROS     everything got up to there is processed, and may be committed from now on
//! refused MICROS ERROR             a commit
//! error MICROS ERROR               anything else the reader told
//! closed MICROS
//! ```
//!
//! It leaves the group when its input ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Parser, ValueEnum};
use ekafka::assignor::{
    Assignor, CooperativeStickyAssignor, RangeAssignor, RoundRobinAssignor, StickyAssignor,
};
use ekafka::{Event, Message, Reader, Received, TopicPartition};
use tokio::sync::oneshot;
use tokio::time::timeout;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    brokers: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    #[arg(long)]
    strategy: Strategy,
    /// Milliseconds between commits nobody waits for; without it each piece of work is committed at once
    #[arg(long)]
    commit_interval: Option<u64>,
    #[arg(long)]
    diary: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Strategy {
    Range,
    Roundrobin,
    Sticky,
    CooperativeSticky,
}

impl Strategy {
    fn assignor(self) -> Arc<dyn Assignor> {
        match self {
            Self::Range => Arc::new(RangeAssignor),
            Self::Roundrobin => Arc::new(RoundRobinAssignor),
            Self::Sticky => Arc::new(StickyAssignor),
            Self::CooperativeSticky => Arc::new(CooperativeStickyAssignor),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut builder = Reader::builder()
        .brokers(arguments.brokers.split(','))
        .topic(&*arguments.topic)
        .group_id(&*arguments.group)
        .assignors([arguments.strategy.assignor()])
        .session_timeout(Duration::from_secs(6))
        .rebalance_timeout(Duration::from_secs(10))
        .heartbeat_interval(Duration::from_secs(1));
    if let Some(milliseconds) = arguments.commit_interval {
        builder = builder.commit_interval(Duration::from_millis(milliseconds));
    }
    let mut member = Member {
        reader: builder.build()?,
        diary: Diary::open(&arguments.diary)?,
        unfinished: BTreeMap::new(),
        count: 0,
    };
    member.run(end_of_input()).await?;
    if let Err(error) = member.reader.close().await {
        member.diary.write("refused", &format!("{error}"))?;
    }
    member.diary.write("closed", "")?;
    Ok(())
}

struct Member {
    reader: Reader,
    diary: Diary,
    /// The last message got of each partition, not processed yet.
    unfinished: BTreeMap<i32, Message>,
    /// Messages not processed yet.
    count: usize,
}

impl Member {
    async fn run(
        &mut self,
        mut told_to_leave: oneshot::Receiver<()>,
    ) -> Result<(), Box<dyn Error>> {
        loop {
            let received = tokio::select! {
                _ = &mut told_to_leave => return self.finish().await,
                received = timeout(LONGEST_PAUSE, self.reader.recv()) => received,
            };
            match received {
                Err(_) => self.finish().await?,
                Ok(Ok(Received::Message(message))) => self.take(message).await?,
                Ok(Ok(Received::Event(event))) => self.handle(event).await?,
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    self.diary.write("error", &format!("{error}"))?;
                    if error.is_fatal() {
                        return Err(error.into());
                    }
                }
            }
        }
    }

    async fn take(&mut self, message: Message) -> Result<(), Box<dyn Error>> {
        let number = message.value().and_then(|value| value.get(..DIGITS));
        let number = std::str::from_utf8(number.unwrap_or_default())?;
        let (partition, offset) = (message.partition(), message.offset());
        let appended = message.timestamp();
        self.diary
            .write("got", &format!("{partition} {offset} {number} {appended}"))?;
        self.unfinished.insert(partition, message);
        self.count += 1;
        if self.count >= PIECE {
            self.finish().await?;
        }
        Ok(())
    }

    async fn handle(&mut self, event: Event) -> Result<(), Box<dyn Error>> {
        match event {
            Event::Assigned(partitions) => self.diary.write_each("assigned", &partitions)?,
            Event::Revoked(partitions) => {
                self.diary.write_each("revoked", &partitions)?;
                self.finish().await?;
                self.diary.write_each("released", &partitions)?;
            }
            Event::Lost(partitions) => {
                self.diary.write_each("lost", &partitions)?;
                for lost in &partitions {
                    self.unfinished.remove(&lost.partition);
                }
            }
            other => self.diary.write("error", &format!("{other:?}"))?,
        }
        Ok(())
    }

    /// Processes what was got, then commits it.
    async fn finish(&mut self) -> Result<(), Box<dyn Error>> {
        self.count = 0;
        let finished: Vec<Message> = std::mem::take(&mut self.unfinished).into_values().collect();
        for message in &finished {
            let line = format!("{} {}", message.partition(), message.offset());
            self.diary.write("done", &line)?;
        }
        if let Err(error) = self.reader.commit_messages(&finished).await {
            self.diary.write("refused", &format!("{error}"))?;
        }
        Ok(())
    }
}

struct Diary(File);

impl Diary {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(file))
    }

    /// One write for each line, so that none is cut when this process is killed.
    fn write(&mut self, what: &str, rest: &str) -> std::io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = now.unwrap_or_default().as_micros();
        let line = match what {
            "refused" | "error" | "closed" => format!("{what} {micros} {rest}\n"),
            _ => format!("{what} {rest} {micros}\n"),
        };
        self.0.write_all(line.as_bytes())
    }

    fn write_each(&mut self, what: &str, partitions: &[TopicPartition]) -> std::io::Result<()> {
        for partition in partitions {
            self.write(what, &partition.partition.to_string())?;
        }
        Ok(())
    }
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

/// Messages that are processed and committed together.
const PIECE: usize = 50;
/// What was got is processed after so long even if nothing follows.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// A record's number, in its value.
const DIGITS: usize = 10;
