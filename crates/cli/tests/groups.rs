//! Groups as a person handles them from the command line.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod started;

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::started::{Broker, ekafka};

/// A topic with two partitions, three records in each.
fn with_records() -> Broker {
    let broker = Broker::start();
    broker.output(&["topics", "create", "orders", "--partitions", "2"], "");
    for partition in ["0", "1"] {
        broker.output(
            &["produce", "--topic", "orders", "--partition", partition],
            "a\nb\nc\n",
        );
    }
    broker
}

/// Lets a group read a number of records, and leave.
fn read(broker: &Broker, group: &str, count: &str) -> String {
    let consume = [
        "consume", "--topic", "orders", "--group", group, "--count", count,
    ];
    broker.output(&consume, "")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn lags(broker: &Broker, group: &str) -> Vec<(i64, i64)> {
    let found = lines(&broker.output(&["lag", "--group", group, "--json"], ""));
    let number = |line: &Value, key: &str| line[key].as_i64().unwrap();
    let lag = |line: &Value| (number(line, "partition"), number(line, "lag"));
    found.iter().map(lag).collect()
}

#[test]
fn a_group_is_listed_described_and_deleted() {
    let broker = with_records();
    read(&broker, "shop", "6");
    let listed = broker.output(&["groups", "list"], "");
    let line = listed
        .lines()
        .find(|line| line.starts_with("shop"))
        .unwrap();
    assert!(
        line.contains("Empty") && line.contains("classic"),
        "{listed}"
    );
    let listed = lines(&broker.output(&["groups", "list", "--json", "--state", "Empty"], ""));
    assert_eq!(listed[0]["group"], "shop");
    let none = broker.output(&["groups", "list", "--json", "--state", "Stable"], "");
    assert_eq!(none, "");

    let described = broker.output(&["groups", "describe", "shop"], "");
    assert!(described.starts_with("group shop: Empty"), "{described}");
    assert!(described.contains("total lag 0"), "{described}");
    let described = lines(&broker.output(&["groups", "describe", "shop", "--json"], ""));
    assert_eq!(described[0]["partitions"].as_array().unwrap().len(), 2);

    assert_eq!(
        broker.output(&["groups", "delete", "shop"], ""),
        "deleted shop\n"
    );
    let said = broker.failure(&["groups", "describe", "shop"]);
    assert!(said.contains("there is no group shop"), "{said}");
    let said = broker.failure(&["groups", "delete", "shop"]);
    assert!(said.contains("GROUP_ID_NOT_FOUND"), "{said}");
}

#[test]
fn offsets_are_reset_in_every_way_and_only_when_told_to() {
    let broker = with_records();
    read(&broker, "shop", "6");
    assert_eq!(lags(&broker, "shop"), [(0, 0), (1, 0)]);
    let reset = |options: &[&str]| {
        let all: Vec<&str> = ["groups", "reset-offsets", "shop"]
            .into_iter()
            .chain(options.iter().copied())
            .collect();
        broker.output(&all, "")
    };
    let planned = lines(&reset(&["--to-earliest", "--json"]));
    assert_eq!(
        (&planned[0]["before"], &planned[0]["after"]),
        (&3.into(), &0.into())
    );
    assert_eq!(planned[0]["executed"], false);
    reset(&["--to-earliest", "--dry-run"]);
    assert_eq!(
        lags(&broker, "shop"),
        [(0, 0), (1, 0)],
        "nothing was changed yet"
    );

    reset(&["--to-earliest", "--execute"]);
    assert_eq!(lags(&broker, "shop"), [(0, 3), (1, 3)]);
    reset(&["--to-offset", "2", "--topic", "orders:1", "--execute"]);
    assert_eq!(lags(&broker, "shop"), [(0, 3), (1, 1)]);
    reset(&["--shift-by", "-1", "--topic", "orders:1", "--execute"]);
    assert_eq!(lags(&broker, "shop"), [(0, 3), (1, 2)]);
    reset(&["--shift-by", "99", "--execute"]);
    assert_eq!(
        lags(&broker, "shop"),
        [(0, 0), (1, 0)],
        "not beyond the end"
    );
    reset(&["--to-datetime", "-1h", "--execute"]);
    assert_eq!(lags(&broker, "shop"), [(0, 3), (1, 3)]);
    reset(&["--to-datetime", "2199-01-01T00:00:00Z", "--execute"]);
    assert_eq!(lags(&broker, "shop"), [(0, 0), (1, 0)]);
    reset(&["--to-earliest", "--execute"]);
    reset(&["--to-latest", "--execute"]);
    assert_eq!(lags(&broker, "shop"), [(0, 0), (1, 0)]);
    reset(&["--to-earliest", "--execute"]);
    assert_eq!(read(&broker, "shop", "6").lines().count(), 6);
}

#[test]
fn what_cannot_be_reset_says_why() {
    let broker = with_records();
    let reset = |options: &[&str]| {
        let all: Vec<&str> = ["groups", "reset-offsets", "new"]
            .into_iter()
            .chain(options.iter().copied())
            .collect();
        broker.run(&all, "")
    };
    let said = |options: &[&str]| {
        let output = reset(options);
        assert!(!output.status.success(), "{options:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["--to-earliest"]).contains("has committed nothing"));
    assert!(said(&["--to-earliest", "--topic", "absent"]).contains("no topic absent"));
    assert!(said(&["--to-earliest", "--topic", "orders:7"]).contains("no partition 7"));
    assert!(said(&["--shift-by", "1", "--topic", "orders"]).contains("no committed offset"));
    assert_eq!(
        reset(&["--topic", "orders"]).status.code(),
        Some(2),
        "where to?"
    );
    let both = ["--to-earliest", "--to-latest"];
    assert_eq!(reset(&both).status.code(), Some(2));
    assert_eq!(reset(&["--to-datetime", "soon"]).status.code(), Some(2));
}

#[test]
fn a_live_member_shows_its_partitions_and_keeps_its_offsets() {
    let broker = with_records();
    let mut command = ekafka();
    command.args([
        "--brokers",
        &broker.brokers,
        "consume",
        "--topic",
        "orders",
        "--group",
        "live",
    ]);
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(process.stderr.take().unwrap()).lines();
    assert_eq!(
        events.next().unwrap().unwrap(),
        "assigned: orders[0], orders[1]"
    );
    let described = lines(&broker.output(&["groups", "describe", "live", "--json"], ""));
    assert_eq!(described[0]["state"], "Stable");
    let members = described[0]["members"].as_array().unwrap();
    assert_eq!(members[0]["assignment"].as_array().unwrap().len(), 2);
    assert_eq!(members[0]["client_id"], "ekafka-cli");

    let said = broker.failure(&[
        "groups",
        "reset-offsets",
        "live",
        "--to-earliest",
        "--execute",
    ]);
    assert!(said.contains("1 active members"), "{said}");
    let said = broker.failure(&["groups", "delete", "live"]);
    assert!(
        said.contains("NON_EMPTY_GROUP") && said.contains("stop its members"),
        "{said}"
    );

    // A second member takes half of the partitions, then leaves.
    let joined = [
        "consume",
        "--topic",
        "orders",
        "--group",
        "live",
        "--exit-at-end",
    ];
    let second = broker.run(&joined, "");
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(
        said.lines()
            .any(|line| line.starts_with("assigned: orders[")),
        "{said}"
    );
    let seen: Vec<String> = events.by_ref().take(2).map(Result::unwrap).collect();
    assert!(seen[0].starts_with("revoked: orders["), "{seen:?}");
    assert!(seen[1].starts_with("assigned: orders["), "{seen:?}");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// A command that is running, and the lines of its standard output.
struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(broker: &Broker, arguments: &[&str]) -> Self {
        let mut command = ekafka();
        command
            .args(["--brokers", &broker.brokers])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// As Ctrl-C in a terminal; the command must end well.
    fn interrupt(mut self) {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(told.success());
        let ended = self.process.wait().unwrap();
        assert!(ended.success(), "{ended}");
    }
}

#[test]
fn topics_are_read_by_a_pattern_also_those_that_come_later() {
    let broker = with_records();
    let create = |topic: &str, value: &str| {
        broker.output(&["topics", "create", topic, "--partitions", "1"], "");
        broker.output(&["produce", "--topic", topic], value);
    };
    create("orders-eu", "eu\n");
    create("old-orders", "old\n");
    let all = [
        "consume",
        "--regex",
        "orders(-.*)?",
        "--group",
        "all",
        "--format",
        "%t %v\\n",
    ];
    let mut running = Running::start(&broker, &all);
    let mut seen: Vec<String> = (0..7).map(|_| running.line()).collect();
    seen.sort();
    let twice = |value: &str| vec![format!("orders {value}"); 2];
    let expected = [
        twice("a"),
        twice("b"),
        twice("c"),
        vec!["orders-eu eu".to_owned()],
    ];
    assert_eq!(seen, expected.concat());
    create("orders-us", "us\n");
    assert_eq!(running.line(), "orders-us us");
    running.interrupt();
    // What was shown is committed, and the group is left.
    assert_eq!(lags(&broker, "all"), [(0, 0), (1, 0), (0, 0), (0, 0)]);

    let alone = broker.run(&["consume", "--regex", "orders.*"], "");
    assert_eq!(alone.status.code(), Some(2), "a pattern needs a group");
    let both = [
        "consume", "--regex", "o.*", "--topic", "orders", "--group", "g",
    ];
    assert_eq!(broker.run(&both, "").status.code(), Some(2));
    assert_eq!(broker.run(&["consume"], "").status.code(), Some(2));
    let said = broker.failure(&["consume", "--regex", "orders(", "--group", "g"]);
    assert!(said.contains("topic_pattern"), "{said}");
}

#[test]
fn a_lag_is_watched_until_interrupted() {
    let broker = with_records();
    read(&broker, "shop", "6");
    let watch = ["lag", "--group", "shop", "--watch", "1", "--json"];
    let mut running = Running::start(&broker, &watch);
    let mut next = || {
        let look = [running.line(), running.line()].join("\n");
        lines(&look)
            .iter()
            .map(|line| line["lag"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(next(), 0);
    broker.output(&["produce", "--topic", "orders"], "d\ne\n");
    while next() != 2 {}
    read(&broker, "shop", "2");
    while next() != 0 {}
    running.interrupt();
    let none = broker.run(&["lag", "--group", "shop", "--watch", "0"], "");
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn reading_begins_at_a_time_and_follows_from_the_end() {
    let broker = with_records();
    let from = |start: &str| {
        let options = [
            "consume",
            "--topic",
            "orders",
            "--exit-at-end",
            "--from",
            start,
        ];
        broker.output(&options, "").lines().count()
    };
    assert_eq!(from("@-1h"), 6);
    assert_eq!(from("@2199-01-01"), 0);
    assert_eq!(from("2"), 2);
    assert_eq!(from("last"), 0);
    let mut command = ekafka();
    command.args([
        "--brokers",
        &broker.brokers,
        "consume",
        "--topic",
        "orders",
        "--follow",
    ]);
    command.args(["--count", "1", "--isolation", "committed"]);
    let process = command.stdout(Stdio::piped()).spawn().unwrap();
    // What is written before it reads is not shown; it shows one of those that come after.
    let output = std::thread::spawn(move || process.wait_with_output().unwrap());
    while !output.is_finished() {
        broker.output(&["produce", "--topic", "orders"], "new\n");
    }
    assert_eq!(output.join().unwrap().stdout, b"new\n");
    let both = broker.run(
        &["consume", "--topic", "orders", "--follow", "--exit-at-end"],
        "",
    );
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn the_embedded_broker_refuses_to_be_told_of_other_brokers() {
    for options in [
        ["broker", "--brokers", "other:9092"],
        ["--brokers", "other:9092", "broker"],
    ] {
        let output = ekafka().args(options).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("--listen"), "{said}");
    }
}
