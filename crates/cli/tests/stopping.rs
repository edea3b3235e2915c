//! Commands that are interrupted, asked to end, or cannot begin.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod started;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::Value;

use started::{Broker, ekafka};

/// Starts a command of which all streams are read or written here.
fn spawn(broker: &Broker, arguments: &[&str]) -> Child {
    let mut command = ekafka();
    command
        .args(["--brokers", &broker.brokers])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(process: &Child, name: &str) {
    let id = process.id().to_string();
    let told = Command::new("kill").args([name, &id]).status().unwrap();
    assert!(told.success());
}

fn json(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// An address at which nobody listens.
fn free_address() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().to_string()
}

#[test]
fn an_interrupted_produce_reports_everything_that_is_stored() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "2"], "");
    let mut process = spawn(&broker, &["produce", "--topic", "t", "--report"]);
    let mut input = process.stdin.take().unwrap();
    let flood = thread::spawn(move || {
        // Ends when nobody reads any more.
        while input.write_all(b"line\n").is_ok() {}
    });
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut reported = 0_i64;
    while let Some(Ok(line)) = lines.next() {
        let outcome: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(outcome["line"], reported);
        reported += 1;
        if reported == 1_000 {
            signal(&process, "-INT");
        }
    }
    let output = process.wait_with_output().unwrap();
    flood.join().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(&format!("{reported} records written to t")),
        "{said}"
    );
    let described = broker.output(&["topics", "describe", "t", "--json"], "");
    let stored = json(&described);
    let stored = stored
        .iter()
        .map(|one| one["next_offset"].as_i64().unwrap());
    assert_eq!(stored.sum::<i64>(), reported);
}

#[test]
fn an_interrupted_produce_does_not_wait_for_input() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    let mut process = spawn(&broker, &["produce", "--topic", "t", "--report"]);
    let mut input = process.stdin.take().unwrap();
    input.write_all(b"whole\nhalf").unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("\"offset\":0"));
    signal(&process, "-TERM");
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 records written to t"), "{said}");
    drop(input);
}

#[test]
fn a_second_interrupt_ends_a_produce_that_waits_for_its_brokers() {
    let mut broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    let mut process = spawn(&broker, &["produce", "--topic", "t", "--report"]);
    let mut input = process.stdin.take().unwrap();
    input.write_all(b"first\n").unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    broker.process.kill().unwrap();
    broker.process.wait().unwrap();
    input.write_all(b"second\n").unwrap();
    drop(input);
    // The end of the input, or the first of them, ends the reading; the next one the waiting. Two may come as one.
    while process.try_wait().unwrap().is_none() {
        signal(&process, "-INT");
        thread::yield_now();
    }
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stopped: 1 records were written"), "{said}");
}

#[test]
fn a_member_that_is_asked_to_end_leaves_its_group() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    broker.output(&["produce", "--topic", "t"], "a\n");
    for (group, name) in [("one", "-TERM"), ("two", "-INT")] {
        let mut process = spawn(&broker, &["consume", "--topic", "t", "--group", group]);
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "a");
        signal(&process, name);
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{name}: {said}");
        let described = broker.output(&["groups", "describe", group, "--json"], "");
        let described = &json(&described)[0];
        assert_eq!(described["members"], serde_json::json!([]), "{name}");
        assert_eq!(described["partitions"][0]["committed"], 1, "{name}");
    }
}

#[test]
fn a_watched_group_that_is_deleted_is_told() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    broker.output(&["produce", "--topic", "t"], "a\n");
    broker.output(
        &["consume", "--topic", "t", "--group", "g", "--count", "1"],
        "",
    );
    let mut process = spawn(&broker, &["lag", "--group", "g", "--watch", "1", "--json"]);
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    broker.output(&["groups", "delete", "g"], "");
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("there is no group g"), "{said}");
}

#[test]
fn every_group_that_cannot_be_deleted_is_told() {
    let broker = Broker::start();
    let said = broker.failure(&["groups", "delete", "first", "second"]);
    assert!(said.contains("first") && said.contains("second"), "{said}");
}

#[test]
fn brokers_that_cannot_be_reached_are_told_each_once() {
    let (one, other) = (free_address(), free_address());
    let commands: [&[&str]; 4] = [
        &["topics", "list"],
        &["consume", "--regex", "t.*", "--group", "g"],
        &["lag", "--group", "g"],
        &["produce", "--topic", "t"],
    ];
    for arguments in commands {
        let mut command = ekafka();
        command.args(["--brokers", &format!("{one},{other}")]);
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        for address in [&one, &other] {
            assert_eq!(said.matches(address.as_str()).count(), 1, "{said}");
        }
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}

#[test]
fn an_address_that_makes_no_sense_is_wrong_usage() {
    for wrong in ["", "127.0.0.1:0", "http://127.0.0.1:9092", ":9092"] {
        let mut command = ekafka();
        let output = command
            .args(["--brokers", wrong, "topics", "list"])
            .output();
        let output = output.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {said}");
        assert!(said.contains(&format!("{wrong:?}")), "{said}");
    }
}

#[test]
fn a_consumer_outlasts_its_brokers_and_tells_so_once() {
    let mut broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    broker.output(&["produce", "--topic", "t"], "a\n");
    let mut process = spawn(&broker, &["consume", "--topic", "t", "--group", "g"]);
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "a");
    broker.process.kill().unwrap();
    broker.process.wait().unwrap();
    let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
    let told = said.find(|line| line.as_ref().unwrap().contains("trying on"));
    assert!(
        told.unwrap()
            .unwrap()
            .starts_with("ekafka: cannot read t: ")
    );
    // The second one does not wait until the group has been left.
    while process.try_wait().unwrap().is_none() {
        signal(&process, "-INT");
        thread::yield_now();
    }
    assert!(process.wait().unwrap().success());
}

#[test]
fn an_offset_that_is_not_there_is_told_once() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    broker.output(&["produce", "--topic", "t"], "a\n");
    let beyond = ["consume", "--topic", "t", "--from", "99", "--count", "1"];
    let output = broker.run(&beyond, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(
        said,
        "t[0]: offset 99 is not there (any more); reading on at 0\n"
    );
}

#[test]
fn a_topic_that_cannot_be_deleted_does_not_keep_the_others() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "there", "--partitions", "1"], "");
    let output = broker.run(&["topics", "delete", "missing", "there"], "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "deleted there\n");
    assert!(
        said.contains("missing") && !said.contains("there:"),
        "{said}"
    );
    let said = broker.failure(&["topics", "create", "bad name"]);
    assert!(said.contains("letters, digits"), "{said}");
}
