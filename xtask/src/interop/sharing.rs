//! One group of several clients: two members of ours, Kafka's console consumer and librdkafka. They join one by one, share
//! the partitions of a topic that is being written, and leave one by one; every record must reach somebody.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::kafka::Tools;
use crate::process;

use super::report::Report;
use super::{Site, client};

/// Who may be a member.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ekafka,
    Java,
    Librdkafka,
}

/// The first of a group leads it: it reads what all the others say, and divides.
const GROUPS: [(&str, &[Kind]); 6] = [
    (
        "range",
        &[Kind::Ekafka, Kind::Java, Kind::Librdkafka, Kind::Ekafka],
    ),
    (
        "range",
        &[Kind::Librdkafka, Kind::Ekafka, Kind::Java, Kind::Ekafka],
    ),
    ("sticky", &[Kind::Ekafka, Kind::Java, Kind::Ekafka]),
    ("sticky", &[Kind::Java, Kind::Ekafka, Kind::Ekafka]),
    (
        "cooperative-sticky",
        &[Kind::Ekafka, Kind::Librdkafka, Kind::Java, Kind::Ekafka],
    ),
    (
        "cooperative-sticky",
        &[Kind::Java, Kind::Ekafka, Kind::Ekafka, Kind::Librdkafka],
    ),
];

pub(super) fn steps(
    site: &Site,
    tools: Option<&Tools>,
    python: Option<&Path>,
    report: &mut Report,
) {
    for (index, (strategy, kinds)) in GROUPS.iter().enumerate() {
        let is_here = |kind: &&Kind| match kind {
            Kind::Ekafka => true,
            Kind::Java => tools.is_some(),
            Kind::Librdkafka => python.is_some(),
        };
        let kinds: Vec<Kind> = kinds.iter().filter(is_here).copied().collect();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let name = format!("one group by {strategy}: {}", names.join(", "));
        if kinds.iter().all(|kind| *kind == Kind::Ekafka) {
            report.skip(&name, "no other client is here");
            continue;
        }
        report.step(&name, || {
            let name = site.name(&format!("sharing-{index}"));
            let topic = site.topic(&format!("sharing-{index}"), "6")?;
            let group = Group {
                site,
                tools,
                python,
                strategy,
                name,
                topic,
                seen: Seen::default(),
                written: 0,
            };
            group.run(&kinds)
        });
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ekafka => "ekafka",
            Self::Java => "console consumer",
            Self::Librdkafka => "librdkafka",
        }
    }
}

/// One group and the topic that it reads.
struct Group<'a> {
    site: &'a Site,
    tools: Option<&'a Tools>,
    python: Option<&'a Path>,
    strategy: &'a str,
    name: String,
    topic: String,
    seen: Seen,
    written: usize,
}

/// Every record that a member got: who, partition and offset, in the order of arrival.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(usize, i32, i64)>>>);

impl Group<'_> {
    fn run(mut self, kinds: &[Kind]) -> Result<String, Failure> {
        let mut members = Vec::new();
        for (number, kind) in kinds.iter().enumerate() {
            members.push(self.start(number, *kind)?);
            // Whoever was here before still gets some, too.
            self.write_until_all_get_some(number + 1)?;
        }
        let mut stays = members.len();
        for member in members {
            stays -= 1;
            member.leave()?;
            if stays > 0 {
                self.write()?;
                self.wait_until_all_is_read()?;
            }
        }
        self.conclude(kinds)
    }

    fn start(&self, number: usize, kind: Kind) -> Result<Member, Failure> {
        let brokers = self.site.brokers.as_str();
        let (topic, group) = (self.topic.as_str(), self.name.as_str());
        let missing = || Failure::new(format!("no {}", kind.name()));
        let mut command = match kind {
            Kind::Ekafka => {
                let mut command = Command::new(process::built("release/chaos-member"));
                command.args(["--brokers", brokers, "--topic", topic, "--group", group]);
                command.args(["--strategy", self.strategy, "--diary", "/dev/stdout"]);
                command
            }
            Kind::Java => {
                let class = "org.apache.kafka.tools.consumer.ConsoleConsumer";
                let mut command = self.tools.ok_or_else(missing)?.class(class);
                command.args(["--bootstrap-server", brokers, "--topic", topic]);
                command.args(["--group", group]);
                let strategy = match self.strategy {
                    "range" => "RangeAssignor",
                    "sticky" => "StickyAssignor",
                    _ => "CooperativeStickyAssignor",
                };
                let package = "org.apache.kafka.clients.consumer";
                for property in [
                    format!("partition.assignment.strategy={package}.{strategy}"),
                    "auto.offset.reset=earliest".to_owned(),
                ] {
                    command.args(["--consumer-property", &property]);
                }
                for property in ["print.partition", "print.offset"] {
                    command.args(["--property", &format!("{property}=true")]);
                }
                command
            }
            Kind::Librdkafka => {
                let mut command = Command::new(self.python.ok_or_else(missing)?);
                command.args(["-c", SCRIPT, brokers, topic, group, self.strategy]);
                command
            }
        };
        Member::start(&mut command, number, kind, &self.seen)
    }

    /// Sixty records with keys of their own, so that each partition gets some.
    fn write(&mut self) -> Result<(), Failure> {
        let lines = (self.written..self.written + 60).map(|n| format!("key-{n}\t{n:010}\n"));
        let input: String = lines.collect();
        let produce = ["produce", "--topic", &self.topic, "--key-delimiter", "\t"];
        client::run(&mut self.site.ekafka(&produce), &input)?;
        self.written += 60;
        Ok(())
    }

    fn write_until_all_get_some(&mut self, members: usize) -> Result<(), Failure> {
        let begun = self.seen.all().len();
        let give_up = Instant::now() + LIMIT;
        loop {
            self.write()?;
            sleep(Duration::from_millis(500));
            let all = self.seen.all();
            let some: BTreeSet<usize> = all.iter().skip(begun).map(|(who, ..)| *who).collect();
            if some.len() == members {
                return Ok(());
            }
            if Instant::now() > give_up {
                return Err(Failure::new(format!(
                    "expected {members} members to get records, seen {some:?} of them"
                )));
            }
        }
    }

    fn wait_until_all_is_read(&self) -> Result<(), Failure> {
        let give_up = Instant::now() + LIMIT;
        loop {
            let read = self.seen.different();
            if read == self.written {
                return Ok(());
            }
            if Instant::now() > give_up {
                let written = self.written;
                return Err(Failure::new(format!(
                    "expected {written} records, seen {read}"
                )));
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn conclude(&self, kinds: &[Kind]) -> Result<String, Failure> {
        self.wait_until_all_is_read()?;
        let all = self.seen.all();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for (who, ..) in &all {
            *counts.entry(*who).or_default() += 1;
        }
        let each = kinds.iter().enumerate().map(|(number, kind)| {
            let count = counts.get(&number).copied().unwrap_or(0);
            format!("{} {count}", kind.name())
        });
        let each: Vec<String> = each.collect();
        let mut first: BTreeMap<(i32, i64), usize> = BTreeMap::new();
        let mut again: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for (who, partition, offset) in &all {
            let before = *first.entry((*partition, *offset)).or_insert(*who);
            if before != *who {
                *again.entry((before, *who)).or_default() += 1;
            }
        }
        let name = |number: usize| kinds.get(number).map_or("nobody", |kind| kind.name());
        let pairs: Vec<String> = again
            .iter()
            .map(|((from, to), count)| format!(" ({count} from {} to {})", name(*from), name(*to)))
            .collect();
        // A member of ours commits what it has before it gives a partition up; Kafka's own may read on until it is
        // told that a partition goes, and does not commit again then.
        let is_ours = |number: &usize| kinds.get(*number) == Some(&Kind::Ekafka);
        if again.keys().any(|(from, _)| is_ours(from)) {
            return Err(Failure::new(format!(
                "expected nothing of ours to be read again, seen{}",
                pairs.concat()
            )));
        }
        Ok(format!(
            "all {} records, {} again{}; {}",
            self.written,
            all.len() - self.written,
            pairs.concat(),
            each.join(", ")
        ))
    }
}

impl Seen {
    fn all(&self) -> Vec<(usize, i32, i64)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn different(&self) -> usize {
        let all = self.all();
        let records: BTreeSet<(i32, i64)> = all.iter().map(|(_, p, o)| (*p, *o)).collect();
        records.len()
    }

    fn note(&self, who: usize, partition: i32, offset: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((who, partition, offset));
    }
}

/// A process that is a member.
struct Member(Child);

impl Member {
    fn start(
        command: &mut Command,
        number: usize,
        kind: Kind,
        seen: &Seen,
    ) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let out = child.stdout.take();
        let seen = seen.clone();
        std::thread::spawn(move || {
            let lines = out.into_iter().flat_map(|out| BufReader::new(out).lines());
            for line in lines.map_while(Result::ok) {
                if let Some((partition, offset)) = record(kind, &line) {
                    seen.note(number, partition, offset);
                }
            }
        });
        Ok(Self(child))
    }

    /// Has it leave the group in order.
    fn leave(mut self) -> Result<(), Failure> {
        // Ours ends with its input, the others when they are asked to.
        drop(self.0.stdin.take());
        let id = self.0.id().to_string();
        let give_up = Instant::now() + LIMIT;
        let mut asked = false;
        while self.0.try_wait()?.is_none() {
            if !asked && Instant::now() + LIMIT > give_up + Duration::from_secs(1) {
                process::succeeds(Command::new("kill").args(["-TERM", &id]));
                asked = true;
            }
            if Instant::now() > give_up {
                return Err(Failure::new("expected a member to leave, seen it stay"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // After its own end there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The partition and offset in a line of output, if it is about a record.
fn record(kind: Kind, line: &str) -> Option<(i32, i64)> {
    let (partition, offset) = match kind {
        Kind::Ekafka => {
            let mut words = line.strip_prefix("got ")?.split(' ');
            (words.next()?, words.next()?)
        }
        Kind::Java => {
            let mut fields = line.split('\t').filter_map(|field| field.split_once(':'));
            let (_, partition) = fields.clone().find(|(name, _)| *name == "Partition")?;
            let (_, offset) = fields.find(|(name, _)| *name == "Offset")?;
            (partition, offset)
        }
        Kind::Librdkafka => line.split_once(' ')?,
    };
    Some((partition.parse().ok()?, offset.parse().ok()?))
}

/// How long one step of a group may take; a member that joins costs at most a rebalance.
const LIMIT: Duration = Duration::from_secs(60);

const SCRIPT: &str = include_str!("sharing.py");
