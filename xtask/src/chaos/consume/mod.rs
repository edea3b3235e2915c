//! `cargo xtask chaos consume`: a group of processes reads what is being written, while members join, leave and are
//! killed and each broker is restarted. What they say they did is compared with the log, and with every commit that the
//! brokers kept.

mod audit;
mod commits;
mod diary;
mod member;
mod pause;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;

use super::load::Load;
use super::{Produce, create_topic, ledger, load, wait_until_in_sync};
use crate::failure::Failure;
use crate::kafka::{Tools, Trio};
use crate::process;

use self::audit::Evidence;
use self::diary::{Diary, Told, What};
use self::member::{Group, Member};

#[derive(Args)]
pub(super) struct Consume {
    /// How many records
    #[arg(long, default_value_t = 600_000)]
    records: u64,
    /// First of the ports of the cluster on 127.0.0.1, which is started unless it runs
    #[arg(long, default_value_t = 29092)]
    port: u16,
    /// Records a second, on average
    #[arg(long, default_value_t = 4_000)]
    rate: u64,
    /// Partitions of the topic
    #[arg(long, default_value_t = 12)]
    partitions: u16,
    /// Members of the group, in quiet times
    #[arg(long, default_value_t = 6)]
    members: usize,
    /// range, roundrobin, sticky or cooperative-sticky
    #[arg(long, default_value = "cooperative-sticky")]
    strategy: String,
    /// Start the programs as they were built last
    #[arg(long)]
    built: bool,
    /// Keep the diaries in this folder
    #[arg(long)]
    keep: Option<PathBuf>,
}

pub(super) fn run(consume: &Consume) -> Result<(), Failure> {
    // Compiling first keeps the brokers from competing with the compiler for cores.
    if !consume.built {
        load::build()?;
        member::build()?;
    }
    let tools = Tools::find()?;
    let trio = Trio::start(consume.port)?;
    let folder = match &consume.keep {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("ekafka-chaos-{}", std::process::id())),
    };
    fs::create_dir_all(&folder)?;
    let run = Run {
        consume,
        tools: &tools,
        trio: &trio,
        topic: format!("chaos-{}", std::process::id()),
        folder: &folder,
        begun: Instant::now(),
        steps: RefCell::default(),
    };
    let verdict = run.audit();
    if consume.keep.is_none() {
        fs::remove_dir_all(&folder)?;
    }
    verdict
}

/// What every step needs.
struct Run<'a> {
    consume: &'a Consume,
    tools: &'a Tools,
    trio: &'a Trio,
    /// The group has the same name.
    topic: String,
    folder: &'a Path,
    begun: Instant,
    /// What was done, and when by the clock that the diaries have.
    steps: RefCell<Vec<Told>>,
}

impl Run<'_> {
    fn audit(&self) -> Result<(), Failure> {
        let produce = self.produce();
        create_topic(&produce, self.tools, self.trio, &self.topic)?;
        let ledger = self.folder.join("ledger");
        let brokers = self.trio.brokers();
        let load = Load::start(&produce, &brokers, &self.topic, &ledger)?;
        let mut group = Group {
            consume: self.consume,
            brokers,
            topic: &self.topic,
            folder: self.folder,
            started: 0,
        };
        let mut members = Vec::new();
        for _ in 0..self.consume.members {
            members.push(group.start()?);
        }
        self.break_things(&mut group, &mut members)?;
        load.finish()?;
        self.say("everything is written");
        let ends = self.wait_until_processed(&mut members, group.started)?;
        for member in members {
            member.leave()?;
        }
        self.say("all members have left");
        let commits = commits::all(self.tools, &self.trio.brokers(), &self.topic)?;
        let diaries = self.diaries(group.started)?;
        let verdict = audit::verdict(&Evidence {
            outcomes: &ledger::read(&ledger, self.consume.records)?,
            ends: &ends,
            diaries: &diaries,
            commits: &commits,
        });
        for line in pause::tell(verdict.longest_pause, &diaries, &self.steps.borrow()) {
            println!("{line}");
        }
        println!("{verdict}");
        if verdict.is_clean() {
            return Ok(());
        }
        Err(Failure::new("the group did not keep its promises"))
    }

    /// Each broker is restarted once, while one member is dead; between that, members leave, join and die.
    fn break_things(
        &self,
        group: &mut Group<'_>,
        members: &mut Vec<Member>,
    ) -> Result<(), Failure> {
        sleep(BREATH * 2);
        for node in 1..=NODES {
            self.kill(members, usize::from(node))?;
            self.say(&format!("node {node} is stopped and started"));
            self.trio.restart(node)?;
            self.say(&format!("node {node} is back"));
            self.join(group, members)?;
            sleep(BREATH);
            let leaving = members.remove(usize::from(node + 1) % members.len());
            self.say(&format!("member {} leaves", leaving.number));
            leaving.leave()?;
            sleep(BREATH);
            self.join(group, members)?;
            self.join(group, members)?;
            sleep(BREATH);
            self.kill(members, 0)?;
            self.kill(members, 1)?;
            sleep(BREATH);
            self.join(group, members)?;
            sleep(BREATH);
            for member in members.iter_mut() {
                member.check()?;
            }
            wait_until_in_sync(self.tools, self.trio, &self.topic)?;
        }
        Ok(())
    }

    fn join(&self, group: &mut Group<'_>, members: &mut Vec<Member>) -> Result<(), Failure> {
        let member = group.start()?;
        self.say(&format!("member {} joins", member.number));
        members.push(member);
        Ok(())
    }

    fn kill(&self, members: &mut Vec<Member>, index: usize) -> Result<(), Failure> {
        let member = members.remove(index % members.len());
        self.say(&format!("member {} is killed", member.number));
        member.kill()
    }

    /// The ends of the partitions, once everything below them is processed or the patience is over.
    fn wait_until_processed(
        &self,
        members: &mut [Member],
        started: usize,
    ) -> Result<BTreeMap<i32, i64>, Failure> {
        let ends = end_offsets(self.tools, &self.trio.brokers(), &self.topic)?;
        let give_up = Instant::now() + LONGEST_CATCHING_UP;
        loop {
            for member in members.iter_mut() {
                member.check()?;
            }
            let mut done: BTreeMap<i32, i64> = BTreeMap::new();
            for diary in self.diaries(started)? {
                for entry in diary.entries {
                    if let What::Done { offset } = entry.what {
                        let highest = done.entry(entry.partition).or_default();
                        *highest = offset.max(*highest);
                    }
                }
            }
            let is_done = |(partition, end): (&i32, &i64)| {
                *end == 0 || done.get(partition).is_some_and(|last| last + 1 == *end)
            };
            if ends.iter().all(is_done) {
                self.say("everything is processed");
                return Ok(ends);
            }
            if Instant::now() > give_up {
                self.say("not everything is processed");
                return Ok(ends);
            }
            sleep(BREATH);
        }
    }

    fn diaries(&self, started: usize) -> Result<Vec<Diary>, Failure> {
        let each = (0..started).map(|number| {
            // A member that was killed at once may not have begun one.
            let path = member::diary(self.folder, number);
            diary::parse(&fs::read_to_string(path).unwrap_or_default())
        });
        each.collect()
    }

    fn produce(&self) -> Produce {
        Produce {
            records: self.consume.records,
            port: self.consume.port,
            rate: self.consume.rate,
            size: 100,
            partitions: self.consume.partitions,
            down: 0,
            delivery_timeout: None,
            no_idempotence: false,
            keyed: true,
            keep: None,
        }
    }

    fn say(&self, what: &str) {
        println!("{:>6.1} s  {what}", self.begun.elapsed().as_secs_f64());
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        self.steps.borrow_mut().push(Told {
            at: u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX),
            text: what.to_owned(),
        });
    }
}

/// One behind the last offset of each partition.
fn end_offsets(tools: &Tools, brokers: &str, topic: &str) -> Result<BTreeMap<i32, i64>, Failure> {
    let mut command = tools.class("org.apache.kafka.tools.GetOffsetShell");
    command.args(["--bootstrap-server", brokers, "--topic", topic]);
    let seen = process::capture(&mut command)?;
    let each = seen.lines().map(|line| {
        let mut words = line.trim().rsplit(':');
        let end = words.next()?.parse().ok()?;
        Some((words.next()?.parse().ok()?, end))
    });
    each.collect::<Option<_>>()
        .ok_or_else(|| Failure::new(format!("not offsets: {seen}")))
}

const NODES: u16 = 3;
/// Between two events: longer than a heartbeat, so that some are learnt of, shorter than a session, so that some meet.
const BREATH: Duration = Duration::from_secs(4);
const LONGEST_CATCHING_UP: Duration = Duration::from_secs(90);
