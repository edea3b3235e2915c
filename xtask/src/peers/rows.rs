//! What is measured.

/// One row of the comparison.
pub(super) struct Row {
    /// How the command line names it.
    pub(super) id: &'static str,
    /// What is done.
    pub(super) title: &'static str,
    pub(super) kind: Kind,
    /// Records of one run on one node.
    pub(super) records: u64,
    /// Bytes of a value.
    pub(super) size: u64,
    pub(super) codec: &'static str,
    /// Different keys; 0 for none.
    pub(super) keys: u64,
    /// Nothing configured but brokers, topic and group.
    pub(super) defaults: bool,
    /// The form of ekafka's API, where it has several.
    pub(super) api: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Produce,
    /// 1,000-record calls, one after another.
    Calls,
    Latency,
    EndToEnd,
    Consume,
    Group,
    /// Process start to first record through a new group.
    Start,
}

/// The rows of `--quick`.
pub(super) const QUICK: [&str; 6] = ["P1", "P1handle", "P3", "L1", "C1", "C2"];

const PLAIN: Row = Row {
    id: "P1",
    title: "produce 100 B",
    kind: Kind::Produce,
    records: 3_000_000,
    size: 100,
    codec: "none",
    keys: 0,
    defaults: false,
    api: Some("slice"),
};

const CONSUME: Row = Row {
    id: "C1",
    title: "consume 100 B, no group",
    kind: Kind::Consume,
    api: None,
    ..PLAIN
};

pub(super) const ROWS: &[Row] = &[
    PLAIN,
    Row {
        id: "P1handle",
        title: "produce 100 B, every handle awaited",
        api: Some("handle"),
        ..PLAIN
    },
    Row {
        id: "P1defaults",
        title: "produce 100 B, nothing configured",
        defaults: true,
        api: None,
        ..PLAIN
    },
    Row {
        id: "P1k",
        title: "produce 100 B, 1,000 keys",
        records: 1_500_000,
        keys: 1_000,
        ..PLAIN
    },
    Row {
        id: "P2",
        title: "produce 1 KiB",
        records: 600_000,
        size: 1_024,
        ..PLAIN
    },
    Row {
        id: "P3",
        title: "produce 100 B, lz4",
        codec: "lz4",
        ..PLAIN
    },
    Row {
        id: "P4",
        title: "produce 100 B, zstd",
        codec: "zstd",
        ..PLAIN
    },
    Row {
        id: "P5",
        title: "produce 10 KiB",
        records: 60_000,
        size: 10_240,
        ..PLAIN
    },
    Row {
        id: "L1",
        title: "one acknowledged record at a time",
        kind: Kind::Latency,
        records: 3_000,
        api: None,
        ..PLAIN
    },
    Row {
        id: "W1k",
        title: "calls of 1,000 records in sequence, nothing configured",
        kind: Kind::Calls,
        records: 300_000,
        defaults: true,
        ..PLAIN
    },
    CONSUME,
    Row {
        id: "C1m",
        title: "consume 100 B, no group, a message at a time",
        api: Some("message"),
        ..CONSUME
    },
    Row {
        id: "C2",
        title: "consume 100 B, lz4",
        codec: "lz4",
        ..CONSUME
    },
    Row {
        id: "C3",
        title: "consume 100 B through a new group, interval commits",
        kind: Kind::Group,
        ..CONSUME
    },
    Row {
        id: "Cdefaults",
        title: "consume 100 B through a new group, nothing configured",
        kind: Kind::Group,
        defaults: true,
        ..CONSUME
    },
    Row {
        id: "start",
        title: "process start to first record through a new group",
        kind: Kind::Start,
        records: 10_000,
        ..CONSUME
    },
    Row {
        id: "e2e",
        title: "from the call that writes a record to its reception",
        kind: Kind::EndToEnd,
        records: 2_000,
        api: None,
        ..PLAIN
    },
];
