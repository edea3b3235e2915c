//! kcat, and with it librdkafka.

use std::process::Command;

use crate::failure::Failure;

use super::report::Report;
use super::{Site, client, lines};

/// Records of one group step.
const FEW: usize = 500;

pub(super) fn steps(site: &Site, report: &mut Report) {
    let topic = site.name("kcat");
    report.step("kcat -L: brokers, topic, partitions", || {
        site.topic("kcat", "3")?;
        let seen = client::run(kcat(site, "-L").args(["-t", &topic]), "")?.out;
        lines::containing(&format!("topic \"{topic}\" with 3 partitions"), &seen)?;
        lines::containing(" brokers:", &seen).map(|line| line.trim().to_owned())
    });
    let records: Vec<String> = (0..FEW).map(|n| format!("k{n}\tv{n}")).collect();
    let expected: Vec<String> = records
        .iter()
        .map(|record| format!("origin=kcat\t{record}"))
        .collect();
    report.step("kcat -P, then -C", || {
        produce(site, &topic, &(records.join("\n") + "\n"), "none")?;
        lines::same_set(&expected, &consume(site, &topic)?)
    });
    report.step("kcat -G: a group reads everything", || {
        lines::same_set(&expected, &in_group(site, &topic, FEW)?)
    });
    report.step("kcat -G: the group goes on where it committed", || {
        let more: Vec<String> = (0..FEW).map(|n| format!("k{n}\tagain {n}")).collect();
        produce(site, &topic, &(more.join("\n") + "\n"), "none")?;
        let expected: Vec<String> = more
            .iter()
            .map(|record| format!("origin=kcat\t{record}"))
            .collect();
        lines::same_set(&expected, &in_group(site, &topic, FEW)?)
    });
    report.step("kcat -Q: the offset of a time before all records", || {
        let query = format!("{topic}:0:1");
        let seen = client::run(kcat(site, "-Q").args(["-t", &query]), "")?.out;
        lines::containing("offset 0", &seen).map(str::to_owned)
    });
}

/// Writes lines of key, tab and value, with a header.
pub(super) fn produce(site: &Site, topic: &str, input: &str, codec: &str) -> Result<(), Failure> {
    let mut command = kcat(site, "-P");
    command.args(["-t", topic, "-K", "\t", "-H", "origin=kcat", "-z", codec]);
    client::run(&mut command, input).map(drop)
}

/// Everything in a topic, as lines of headers, key and value.
pub(super) fn consume(site: &Site, topic: &str) -> Result<String, Failure> {
    let mut command = kcat(site, "-C");
    command.args(["-t", topic, "-o", "beginning", "-e", "-q", "-f", FORMAT]);
    client::run(&mut command, "").map(|said| said.out)
}

fn in_group(site: &Site, topic: &str, count: usize) -> Result<String, Failure> {
    let group = site.name("kcat-group");
    let mut command = Command::new("kcat");
    command.args(["-b", &site.brokers, "-q", "-f", FORMAT, "-c"]);
    command.arg(count.to_string());
    command.args(["-X", "auto.offset.reset=earliest", "-G", &group, topic]);
    client::run(&mut command, "").map(|said| said.out)
}

fn kcat(site: &Site, mode: &str) -> Command {
    let mut command = Command::new("kcat");
    command.args(["-b", &site.brokers, mode]);
    command
}

const FORMAT: &str = "%h\\t%k\\t%s\\n";
