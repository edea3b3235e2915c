//! The command-line tools of Apache Kafka, and with them its Java client.

use std::process::Command;
use std::time::Duration;

use crate::failure::Failure;
use crate::kafka::Tools;

use super::report::Report;
use super::{Site, client, lines};

/// Records of the console steps, and of those that measure.
const FEW: usize = 200;
const MANY: usize = 20_000;

/// How often a group is looked at until its member is there.
const LOOKS: u32 = 20;

pub(super) fn steps(site: &Site, tools: &Tools, report: &mut Report) {
    topics(site, tools, report);
    console(site, tools, report);
    groups(site, tools, report);
    performance(site, tools, report);
}

fn topics(site: &Site, tools: &Tools, report: &mut Report) {
    let topic = site.name("tools");
    let command = |arguments: &[&str]| {
        client::run(tool(site, tools, "TopicCommand").args(arguments), "").map(|said| said.out)
    };
    report.step("TopicCommand --create", || {
        let seen = command(&["--create", "--topic", &topic, "--partitions", "3"])?;
        lines::containing(&format!("Created topic {topic}"), &seen).map(str::to_owned)
    });
    report.step("TopicCommand --list", || {
        lines::containing(&topic, &command(&["--list"])?).map(str::to_owned)
    });
    report.step("TopicCommand --describe", || {
        let seen = command(&["--describe", "--topic", &topic])?;
        lines::containing("PartitionCount: 3", &seen)?;
        let led = seen
            .lines()
            .filter(|line| line.contains("Leader: ") && !line.contains("Leader: none"))
            .count();
        lines::equal("partitions with a leader", 3, led)
    });
}

fn console(site: &Site, tools: &Tools, report: &mut Report) {
    let topic = site.name("tools");
    let records: Vec<String> = (0..FEW)
        .map(|n| format!("origin:java,n:{n}\tkey-{n}\tvalue {n}"))
        .collect();
    report.step(
        "ConsoleProducer -> ConsoleConsumer, keys and headers",
        || {
            produce(site, tools, &topic, &(records.join("\n") + "\n"), "none")?;
            lines::same_set(&records, &consume(site, tools, &topic, FEW, &[])?)
        },
    );
    let group = site.name("group");
    let in_group = ["--group", &group];
    report.step("ConsoleConsumer --group reads everything", || {
        lines::same_set(&records, &consume(site, tools, &topic, FEW, &in_group)?)
    });
    report.step("ConsoleConsumer --group goes on where it committed", || {
        let more: Vec<String> = (0..FEW)
            .map(|n| format!("origin:java\tkey-{n}\tagain {n}"))
            .collect();
        produce(site, tools, &topic, &(more.join("\n") + "\n"), "none")?;
        lines::same_set(&more, &consume(site, tools, &topic, FEW, &in_group)?)
    });
}

fn groups(site: &Site, tools: &Tools, report: &mut Report) {
    let (topic, group) = (site.name("tools"), site.name("group"));
    let command = |arguments: &[&str]| {
        let mut command = tool(site, tools, "consumer.group.ConsumerGroupCommand");
        client::run(command.args(arguments), "").map(|said| said.out)
    };
    report.step("ConsumerGroupCommand --list", || {
        lines::containing(&group, &command(&["--list"])?).map(str::to_owned)
    });
    report.step("ConsumerGroupCommand --describe", || {
        let seen = command(&["--describe", "--group", &group])?;
        lines::equal(
            "committed in all",
            2 * FEW as u64,
            column(&seen, "CURRENT-OFFSET"),
        )?;
        lines::equal("lag", 0, column(&seen, "LAG"))?;
        Ok(format!("{} committed, lag 0", 2 * FEW))
    });
    report.step("ConsumerGroupCommand --describe --members", || {
        let mut consumer = tool(site, tools, "consumer.ConsoleConsumer");
        consumer.args(["--topic", &topic, "--group", &group]);
        let consumer = client::start(&mut consumer)?;
        let members = || command(&["--describe", "--members", "--group", &group]);
        let mut seen = members()?;
        for _ in 0..LOOKS {
            if column(&seen, "#PARTITIONS") == 3 {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
            seen = members()?;
        }
        consumer.terminate()?;
        lines::equal("partitions of members", 3, column(&seen, "#PARTITIONS"))
    });
    report.step("ConsumerGroupCommand --reset-offsets", || {
        command(&[
            "--reset-offsets",
            "--to-earliest",
            "--execute",
            "--topic",
            &topic,
            "--group",
            &group,
        ])?;
        let seen = command(&["--describe", "--group", &group])?;
        lines::equal("lag", 2 * FEW as u64, column(&seen, "LAG"))
    });
    report.step("ConsumerGroupCommand --delete", || {
        command(&["--delete", "--group", &group])?;
        let seen = command(&["--list"])?;
        let left = seen.lines().filter(|line| line.trim() == group).count();
        lines::equal("groups left of that name", 0, left)
    });
}

fn performance(site: &Site, tools: &Tools, report: &mut Report) {
    let topic = site.name("tools");
    let many = MANY.to_string();
    let servers = format!("bootstrap.servers={}", site.brokers);
    let produce = |topic: &str, more: &[&str]| {
        let mut command = tools.class("org.apache.kafka.tools.ProducerPerformance");
        command.args(["--topic", topic, "--num-records", &many]);
        command.args(["--record-size", "100", "--throughput", "-1"]);
        command.args(more).args(["--producer-props", &servers]);
        let seen = client::run(&mut command, "")?.out;
        lines::containing(&format!("{MANY} records sent"), &seen)?;
        Ok(seen.trim().lines().last().unwrap_or_default().to_owned())
    };
    report.step("ProducerPerformance", || produce(&topic, &[]));
    report.step("GetOffsetShell", || {
        let mut command = tool(site, tools, "GetOffsetShell");
        let seen = client::run(command.args(["--topic", &topic]), "")?.out;
        let total: u64 = seen
            .lines()
            .filter_map(|line| line.rsplit(':').next()?.trim().parse::<u64>().ok())
            .sum();
        lines::equal("end offsets in all", (MANY + 2 * FEW) as u64, total)
    });
    report.step("ConsumerPerformance", || {
        let mut command = tool(site, tools, "ConsumerPerformance");
        command.args(["--topic", &topic, "--messages", &many, "--timeout", "30000"]);
        let seen = client::run(&mut command, "")?.out;
        // Start, end, megabytes, megabytes a second, messages, …
        let read: Option<usize> = seen
            .lines()
            .filter_map(|line| line.split(',').nth(4)?.trim().parse().ok())
            .next_back();
        match read {
            Some(read) if read >= MANY => Ok(format!("{read} messages")),
            _ => Err(Failure::new(format!(
                "expected {MANY} messages, seen {:?}",
                seen.trim()
            ))),
        }
    });
    report.step(
        "ProducerPerformance in transactions, read committed",
        || {
            let topic = site.topic("transactions", "3")?;
            let id = site.name("transactional-id");
            produce(
                &topic,
                &[
                    "--transactional-id",
                    &id,
                    "--transaction-duration-ms",
                    "100",
                ],
            )?;
            let committed = ["--isolation-level", "read_committed"];
            let seen = consume(site, tools, &topic, MANY, &committed)?;
            lines::equal("records", MANY, seen.lines().count())
        },
    );
}

/// Writes lines of headers, key and value, parted by tabs.
pub(super) fn produce(
    site: &Site,
    tools: &Tools,
    topic: &str,
    input: &str,
    codec: &str,
) -> Result<(), Failure> {
    let mut command = tool(site, tools, "ConsoleProducer");
    command.args(["--topic", topic, "--compression-codec", codec]);
    command.args(["--property", "parse.key=true"]);
    command.args(["--property", "parse.headers=true"]);
    client::run(&mut command, input).map(drop)
}

/// So many records from a topic's beginning, as lines of headers, key and value parted by tabs.
pub(super) fn consume(
    site: &Site,
    tools: &Tools,
    topic: &str,
    count: usize,
    more: &[&str],
) -> Result<String, Failure> {
    let mut command = tool(site, tools, "consumer.ConsoleConsumer");
    command.args([
        "--topic",
        topic,
        "--from-beginning",
        "--timeout-ms",
        "20000",
    ]);
    command.arg("--max-messages").arg(count.to_string());
    command.args(["--property", "print.key=true"]);
    command.args(["--property", "print.headers=true"]);
    command.args(["--consumer-property", "group.protocol=classic"]);
    client::run(command.args(more), "").map(|said| said.out)
}

fn tool(site: &Site, tools: &Tools, name: &str) -> Command {
    let mut command = tools.class(&format!("org.apache.kafka.tools.{name}"));
    command.args(["--bootstrap-server", &site.brokers]);
    command
}

/// The sum of a table's column, found by its heading; what is not a number counts nothing.
fn column(table: &str, heading: &str) -> u64 {
    let mut place = None;
    let mut sum = 0;
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match place {
            None => place = words.iter().position(|word| *word == heading),
            Some(place) => {
                let number = words.get(place).and_then(|word| word.parse::<u64>().ok());
                sum += number.unwrap_or(0);
            }
        }
    }
    sum
}
