use super::*;

#[track_caller]
fn check(builder: ReaderBuilder, expected: &[&str]) {
    match builder.build() {
        Ok(_) => assert!(expected.is_empty(), "accepted, but expected {expected:?}"),
        Err(ReaderError::Config { faults }) => assert_eq!(*faults, *expected),
        Err(error) => panic!("{error}"),
    }
}

fn valid() -> ReaderBuilder {
    ReaderBuilder::default()
        .brokers(["localhost:9092"])
        .topic("t")
}

#[test]
fn t53_every_fault_is_named_before_anything_is_dialled() {
    check(ReaderBuilder::default(), &["no brokers", "no topic"]);
    check(valid(), &[]);
    check(valid().partition(-1), &["a partition is negative"]);
    check(
        valid().max_bytes(0),
        &["max_bytes is 0", "min_bytes is above max_bytes"],
    );
    check(
        valid().min_bytes(2).max_bytes(1),
        &["min_bytes is above max_bytes"],
    );
    check(valid().min_bytes(1_000), &[]);
    check(
        valid().max_partition_bytes(0),
        &["max_partition_bytes is 0"],
    );
    check(valid().buffer_memory(0), &["buffer_memory is 0"]);
    check(
        valid().start_offset(StartOffset::At(-5)),
        &["the start offset is negative"],
    );
    check(
        valid().topics(["a", ""]),
        &["a topic has an empty name", "several topics need a group"],
    );
    let longest = Duration::from_millis(1);
    check(
        valid().retry_backoff(Duration::from_secs(1), longest),
        &["the first retry backoff is above the longest"],
    );
}

#[test]
fn t82_group_faults_are_named_too() {
    let group = || valid().group_id("g");
    check(group(), &[]);
    check(group().topics(["a", "b"]), &[]);
    check(
        group().partition(1),
        &["a group chooses the partitions itself"],
    );
    check(valid().group_id(""), &["the group has an empty name"]);
    check(group().assignors([]), &["a group needs an assignor"]);
    let second = Duration::from_secs(1);
    check(
        valid().commit_interval(second),
        &["commit_interval needs a group"],
    );
    check(
        valid().group_instance_id("i"),
        &["group_instance_id needs a group"],
    );
    check(
        group().session_timeout(second),
        &["heartbeat_interval is not below session_timeout"],
    );
    check(
        group().heartbeat_interval(Duration::ZERO),
        &["heartbeat_interval is 0"],
    );
    check(
        group().rebalance_timeout(Duration::ZERO),
        &["rebalance_timeout is 0"],
    );
    check(
        group().session_timeout(Duration::MAX),
        &["a timeout is above 24 days"],
    );
}

#[test]
fn all_faults_are_in_one_error() {
    let wrong = ReaderBuilder::default()
        .topics(["a", ""])
        .partition(-1)
        .group_id("")
        .assignors([])
        .min_bytes(9)
        .max_bytes(0)
        .buffer_memory(0)
        .queue_capacity(0)
        .start_offset(StartOffset::At(-7))
        .heartbeat_interval(Duration::ZERO)
        .retry_backoff(Duration::from_secs(2), Duration::from_secs(1));
    let error = wrong.build().unwrap_err();
    let ReaderError::Config { faults } = &error else {
        panic!("{error}");
    };
    assert_eq!(faults.len(), 13, "{faults:?}");
    let text = error.to_string();
    assert!(faults.iter().all(|fault| text.contains(fault)), "{text}");
    assert!(error.is_fatal() && !error.is_retriable());
    let neither = valid().partition(1).group_id("g").min_bytes(5).max_bytes(4);
    let both = [
        "a group chooses the partitions itself",
        "min_bytes is above max_bytes",
    ];
    check(neither, &both);
}
