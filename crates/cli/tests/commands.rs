//! The command as a person uses it: processes, their output, their exit codes.
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod started;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use ekafka_testkit::EmbeddedKafka;

use crate::started::{Broker, ekafka};

#[test]
fn quickstart_needs_nothing_and_tells_its_story() {
    let output = ekafka()
        .args(["quickstart", "--records", "2000"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for part in [
        "three embedded nodes",
        "2000 records read",
        "committed",
        "went on where",
    ] {
        assert!(told.contains(part), "{part:?} is missing: {told}");
    }
}

#[test]
fn topics_are_created_listed_described_and_deleted() {
    let broker = Broker::start();
    broker.output(
        &[
            "topics",
            "create",
            "orders",
            "--partitions",
            "2",
            "--replication",
            "3",
        ],
        "",
    );
    let list = broker.output(&["topics", "list"], "");
    let row: Vec<&str> = list
        .lines()
        .find(|line| line.starts_with("orders"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(row, ["orders", "2", "3"]);
    let described = broker.output(&["topics", "describe", "orders"], "");
    assert_eq!(described.lines().count(), 1 + 2, "{described}");
    assert!(
        broker
            .failure(&["topics", "create", "orders"])
            .contains("exists already")
    );
    broker.output(&["topics", "delete", "orders"], "");
    assert!(
        broker
            .failure(&["topics", "describe", "orders"])
            .contains("no topic orders")
    );
}

#[test]
fn topics_are_told_as_json_too() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "orders", "--partitions", "2"], "");
    broker.output(&["produce", "-t", "orders", "-p", "1"], "one\ntwo\n");
    let lines = |text: String| -> Vec<serde_json::Value> {
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    };
    let list = lines(broker.output(&["topics", "list", "--json"], ""));
    assert_eq!(
        (&list[0]["topic"], &list[0]["partitions"]),
        (&"orders".into(), &2.into())
    );
    let described = lines(broker.output(&["topics", "describe", "orders", "--json"], ""));
    let offsets = |at: usize| {
        (
            &described[at]["first_offset"],
            &described[at]["next_offset"],
        )
    };
    assert_eq!(offsets(0), (&0.into(), &0.into()));
    assert_eq!(offsets(1), (&0.into(), &2.into()));
    assert!(
        described[1]["in_sync"]
            .as_array()
            .is_some_and(|ids| !ids.is_empty())
    );
}

/// As `| head -1` does once it has its line.
#[test]
fn a_reader_of_the_output_that_goes_away_is_no_failure() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "orders"], "");
    broker.output(&["produce", "--topic", "orders"], "one\n");
    let group = ["consume", "-t", "orders", "-g", "shop", "-c", "1"];
    broker.output(&group, "");
    for arguments in [
        &["topics", "list"][..],
        &["topics", "describe", "orders", "--json"],
        &["groups", "list"],
        &["lag", "--group", "shop"],
        &["consume", "--topic", "orders", "--exit-at-end"],
    ] {
        let (nobody, output) = std::io::pipe().unwrap();
        drop(nobody);
        let mut command = ekafka();
        let command = command.args(["--brokers", &broker.brokers]).args(arguments);
        let ended = command
            .stdout(output)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(
            (ended.status.code(), &*said),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn lines_come_back_with_key_header_and_order() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let arguments = [
            "produce",
            "--topic",
            "t",
            "--key-delimiter",
            "=",
            "--header",
            "h=1",
            "--compression",
            codec,
        ];
        broker.output(&arguments, "a=1\nplain\n");
    }
    let shown = broker.output(
        &[
            "consume",
            "--topic",
            "t",
            "--exit-at-end",
            "--format",
            r"%o %k:%v %h\n",
        ],
        "",
    );
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 10, "{shown}");
    assert_eq!(lines[..2], ["0 a:1 h=1", "1 :plain h=1"]);
    assert_eq!(lines[8..], ["8 a:1 h=1", "9 :plain h=1"]);
    let json = broker.output(
        &[
            "consume",
            "--topic",
            "t",
            "--partition",
            "0",
            "--offset",
            "9",
            "--count",
            "1",
            "--format",
            "json",
        ],
        "",
    );
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&value["offset"], &value["key"]),
        (&9.into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_group_goes_on_where_it_stopped() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    broker.output(&["produce", "--topic", "t"], "1\n2\n3\n");
    let consume = ["consume", "--topic", "t", "--group", "g", "--count"];
    assert_eq!(
        broker.output(&[&consume[..], &["2"]].concat(), ""),
        "1\n2\n"
    );
    assert_eq!(broker.output(&[&consume[..], &["1"]].concat(), ""), "3\n");
}

#[test]
fn perf_prints_one_line_of_json() {
    let broker = Broker::start();
    let runs = [
        "produce --records 3000 --size 10",
        "produce --records 3000 --size 10 --keys 7 --balancer hash --linger 1ms --tasks 2",
        "produce --records 3000 --size 10 --api handle --defaults",
        "latency --records 50",
        "latency --records 50 --end-to-end",
        "consume --records 3000",
        "consume --records 3000 --api message",
        "consume --records 3000 --group g",
        "consume --records 3000 --group h --api message --commit-interval 10ms",
    ];
    for run in runs {
        let value = perf(&broker, run);
        let records = value["records"].as_u64().unwrap();
        assert!(records == 50 || records >= 3000, "{value}");
        assert!(
            value["rec_per_s"].as_f64() > Some(0.0) && value["p999_us"].as_u64() > Some(0),
            "{value}"
        );
        assert!(value["call_p50_us"].is_null(), "{value}");
        let reads = run.starts_with("consume");
        assert_eq!(value["first_record_ms"].as_f64() > Some(0.0), reads);
        assert_eq!(value["requests"].as_u64() > Some(0), reads, "{value}");
    }
}

#[test]
fn perf_keeps_to_a_rate_and_counts_from_when_records_were_due() {
    let broker = Broker::start();
    for run in [
        "produce --records 200 --rate 2000 --api handle",
        "produce --records 200 --rate 2000 --slice 10",
        "latency --records 200 --rate 2000",
        "latency --records 200 --rate 2000 --end-to-end",
    ] {
        let value = perf(&broker, run);
        let rate = value["rec_per_s"].as_f64().unwrap();
        assert!(rate < 2100.0, "{run}: {rate}");
        if !run.contains("--end-to-end") {
            let (due, call) = (&value["p50_us"], &value["call_p50_us"]);
            assert!(due.as_u64() >= call.as_u64(), "{run}: {value}");
        }
    }
}

#[test]
fn perf_consume_checks_the_size_of_values() {
    let broker = Broker::start();
    perf(&broker, "produce --records 100 --size 10 --partitions 1");
    let said = broker.failure(&["perf", "consume", "--size", "11"]);
    assert!(said.contains("bytes, not 11"), "{said}");
}

/// The line of JSON that a `perf` command prints.
fn perf(broker: &Broker, command: &str) -> serde_json::Value {
    let mut arguments = vec!["perf"];
    arguments.extend(command.split(' '));
    arguments.push("--json");
    let line = broker.output(&arguments, "");
    assert_eq!(line.lines().count(), 1, "{line}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn produce_reports_each_line() {
    let broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "2"], "");
    let shown = broker.output(
        &[
            "produce",
            "--topic",
            "t",
            "--balancer",
            "round-robin",
            "--report",
            "--rate",
            "1000",
        ],
        "a\nb\n\nc",
    );
    let told: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let stored = |line: u64, partition: i32, offset: i64| serde_json::json!({"line": line, "partition": partition, "offset": offset});
    assert_eq!(
        told,
        [
            stored(0, 0, 0),
            stored(1, 1, 0),
            stored(2, 0, 1),
            stored(3, 1, 1)
        ]
    );
    let input = concat!(
        r#"{"key":"k","value":null,"headers":[{"key":"h","value":"1"}],"partition":1,"timestamp":5}"#,
        "\nno json\n",
        r#"{"value":"x","partition":7}"#,
        "\n",
        r#"{"value":{"base64":"//4="},"partition":0}"#,
        "\n",
    );
    let output = broker.run(
        &["produce", "--topic", "t", "--format", "json", "--report"],
        input,
    );
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    let mut told: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    told.sort_by_key(|outcome| outcome["line"].as_u64());
    assert_eq!((&told[0], &told[3]), (&stored(0, 1, 2), &stored(3, 0, 2)));
    for (line, part) in [(1, "JSON"), (2, "no partition 7")] {
        assert_eq!(told[line]["class"], "not_written", "{shown}");
        assert!(
            told[line]["error"].as_str().unwrap().contains(part),
            "{shown}"
        );
    }
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("line 1: ") && said.contains("2 of 4 records"),
        "{said}"
    );
    let row = broker.output(
        &[
            "consume",
            "--topic",
            "t",
            "--partition",
            "1",
            "--offset",
            "2",
            "--count",
            "1",
            "--format",
            "%k %h %T\\n",
        ],
        "",
    );
    assert_eq!(row, "k h=1 5\n");
}

#[test]
fn produce_reports_every_line_when_the_brokers_die() {
    let mut broker = Broker::start();
    broker.output(&["topics", "create", "t", "--partitions", "1"], "");
    let mut process = ekafka()
        .args([
            "--brokers",
            &broker.brokers,
            "produce",
            "--topic",
            "t",
            "--report",
            "--timeout",
            "1",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = process.stdin.take().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    input.write_all(b"kept\n").unwrap();
    assert_eq!(
        lines.next().unwrap().unwrap(),
        r#"{"line":0,"partition":0,"offset":0}"#
    );
    broker.process.kill().unwrap();
    broker.process.wait().unwrap();
    input.write_all(b"lost\nlost\n").unwrap();
    drop(input);
    let told: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    for (outcome, line) in told.iter().zip(1..) {
        assert_eq!(outcome["line"], line);
        let class = outcome["class"].as_str().unwrap();
        assert!(
            ["not_written", "maybe_written"].contains(&class),
            "{outcome}"
        );
    }
    assert_eq!(process.wait().unwrap().code(), Some(1));
}

#[test]
fn failures_say_what_with_whom_and_what_to_try() {
    let broker = Broker::start();
    let said = broker.failure(&["produce", "--topic", "nowhere"]);
    assert!(
        said.contains("nowhere") && said.contains("127.0.0.1:") && said.contains("try:"),
        "{said}"
    );
    let said = broker.failure(&["consume", "--topic", "nowhere"]);
    assert!(said.contains("topics create nowhere"), "{said}");
    broker.output(&["topics", "create", "t", "--partitions", "2"], "");
    let said = broker.failure(&["consume", "--topic", "t", "--partition", "2"]);
    assert!(said.contains("--partition 0 to 1"), "{said}");
    let said = broker.failure(&["perf", "consume", "--topic", "t"]);
    assert!(said.contains("perf produce --topic t"), "{said}");
}

#[test]
fn a_broker_with_sasl_lets_only_its_user_in() {
    let login = ["--sasl", "SCRAM-SHA-256:bob"];
    let broker = Broker::start_with(&login);
    let said = broker.failure(&["topics", "list"]);
    assert!(said.contains("--sasl"), "{said}");
    let create = |password: &str| {
        ekafka()
            .env("EKAFKA_SASL_PASSWORD", password)
            .args(["--brokers", &broker.brokers])
            .args(login)
            .args(["topics", "create", "t"])
            .output()
            .unwrap()
    };
    assert!(create("bob-secret").status.success());
    let refused = create("not-that");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(!said.contains("not-that"), "{said}");
}

#[test]
fn a_port_where_nobody_listens_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let output = ekafka()
        .args(["--brokers", &address, "topics", "list"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&address), "{said}");
}

#[test]
fn wrong_usage_ends_with_code_2() {
    let wrong: [&[&str]; 12] = [
        &["perf", "produce", "--records", "0"],
        &["perf", "latency", "--records", "0"],
        &["broker", "--listen", "9092"],
        &["produce", "--topic", "t", "--balancer", "random"],
        &["perf", "produce", "--defaults", "--linger", "5ms"],
        &["broker", "--tls-ca", "ca.pem"],
        &["topics", "list"],
        &["no-such-command"],
        &["consume", "--topic", "t", "--format", "%q"],
        &["broker", "--nodes", "0"],
        &["produce", "--topic", "t", "--acks", "some"],
        &[
            "--brokers",
            "127.0.0.1:1",
            "--sasl",
            "PLAIN:alice",
            "topics",
            "list",
        ],
    ];
    for arguments in wrong {
        let output = ekafka().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_without_a_leader_is_shown_as_such() {
    let kafka = EmbeddedKafka::builder().nodes(2).start().await.unwrap();
    kafka.create_topic_on("t", &[vec![1], vec![2]]).unwrap();
    let brokers = kafka.bootstrap();
    kafka.stop_node(2).await;
    let run = |arguments: &[&str]| {
        let mut command = ekafka();
        command.args(["--brokers", &brokers]).args(arguments);
        command.output().unwrap()
    };
    let described = run(&["topics", "describe", "t", "--json"]);
    let said = String::from_utf8(described.stderr).unwrap();
    assert!(described.status.success(), "{said}");
    let shown = String::from_utf8(described.stdout).unwrap();
    let shown: Vec<serde_json::Value> = shown
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&shown[0]["leader"], &shown[0]["next_offset"]),
        (&1.into(), &0.into())
    );
    assert!(shown[1]["leader"].is_null() && shown[1]["next_offset"].is_null());
    let read = run(&["consume", "--topic", "t", "--exit-at-end"]);
    let said = String::from_utf8(read.stderr).unwrap();
    assert_eq!(read.status.code(), Some(1), "{said}");
    assert!(said.contains("t/1 has no leader"), "{said}");
}
