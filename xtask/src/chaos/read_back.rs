//! The whole topic by Kafka's own console consumer.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::audit::Audit;
use crate::failure::Failure;
use crate::kafka::Tools;
use crate::process;

/// Reads every record, and checks that the reader has come to the end of each partition.
pub(super) fn all(
    tools: &Tools,
    brokers: &str,
    topic: &str,
    audit: &mut Audit<'_>,
) -> Result<(), Failure> {
    let expected = end_offsets(tools, brokers, topic)?;
    let mut command = tools.class("org.apache.kafka.tools.consumer.ConsoleConsumer");
    command.args(["--bootstrap-server", brokers, "--topic", topic]);
    command.args(["--from-beginning", "--max-messages", &expected.to_string()]);
    command.args(["--timeout-ms", "60000"]);
    for property in ["print.partition", "print.offset"] {
        command.arg("--property").arg(format!("{property}=true"));
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(out) = child.stdout.take() else {
        return Err(Failure::new("the consumer has no output"));
    };
    let mut seen = 0;
    for line in BufReader::new(out).lines() {
        let line = line?;
        let (partition, offset, value) =
            parse(&line).ok_or_else(|| Failure::new(format!("not a record: {line:.80}")))?;
        audit.see(partition, offset, value);
        seen += 1;
    }
    child.wait()?;
    if seen != expected {
        return Err(Failure::new(format!(
            "the consumer read {seen} records, the partitions hold {expected}"
        )));
    }
    Ok(())
}

/// How many records the partitions hold; nothing is deleted or compacted here.
fn end_offsets(tools: &Tools, brokers: &str, topic: &str) -> Result<u64, Failure> {
    let mut command = tools.class("org.apache.kafka.tools.GetOffsetShell");
    command.args(["--bootstrap-server", brokers, "--topic", topic]);
    let seen = process::capture(&mut command)?;
    seen.lines()
        .map(|line| line.rsplit(':').next()?.trim().parse::<u64>().ok())
        .sum::<Option<u64>>()
        .ok_or_else(|| Failure::new(format!("not offsets: {seen}")))
}

/// `Partition:2<tab>Offset:17<tab>value`, in whichever order the release prints the two.
pub(super) fn parse(line: &str) -> Option<(i32, i64, &str)> {
    let (mut partition, mut offset) = (None, None);
    let mut rest = line;
    for _ in 0..2 {
        let (field, after) = rest.split_once('\t')?;
        rest = after;
        match field.split_once(':')? {
            ("Partition", number) => partition = number.parse().ok(),
            ("Offset", number) => offset = number.parse().ok(),
            _ => return None,
        }
    }
    Some((partition?, offset?, rest))
}
