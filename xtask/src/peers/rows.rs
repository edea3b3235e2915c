//! What is measured, and what was promised of it.

use super::aims::{Aim, Shown};
use super::measure::Run;
use super::programs::Program;

/// One row of the comparison.
pub(super) struct Row {
    /// How the command line names it.
    pub(super) id: &'static str,
    pub(super) group: Group,
    /// What is done.
    pub(super) title: &'static str,
    pub(super) kind: Kind,
    /// Nodes that its brokers must have.
    pub(super) nodes: usize,
    /// Records of one run on one node.
    pub(super) records: u64,
    /// Bytes of a value.
    pub(super) size: u64,
    pub(super) codec: &'static str,
    /// Bytes of the batches of topics that are read.
    pub(super) batch: u64,
    /// Different keys; 0 for none.
    pub(super) keys: u64,
    /// Nothing configured but brokers, topic and group.
    pub(super) defaults: bool,
    /// The form of ekafka's API, where it has several.
    pub(super) api: Option<&'static str>,
    pub(super) shown: &'static [Shown],
}

/// Rows of one table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Produce,
    Consume,
    Delay,
    Sharing,
    Brokers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Produce,
    /// 1,000-record calls, one after another.
    Calls,
    /// As much as goes, once with the defaults and once with settings for throughput.
    Saturated,
    /// One partition behind a long way.
    Distant,
    Latency,
    /// The same at 1,000 records per second.
    Rated,
    /// The same beside a reader on one cluster handle.
    Beside,
    EndToEnd,
    /// Records that another process writes now and then.
    Receive,
    Consume,
    Group,
    /// The bytes that come for those of the log.
    Amplified,
    /// Process start to first record through a new group.
    Start,
    /// A second member joins.
    Eager,
    Cooperative,
    /// Two brokers without records beside a busy one.
    Idle,
    /// A stopped broker and one without records beside a busy one.
    Stopped,
}

impl Group {
    pub(super) const ALL: [Self; 5] = [
        Self::Produce,
        Self::Consume,
        Self::Delay,
        Self::Sharing,
        Self::Brokers,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Produce => "Producing",
            Self::Consume => "Consuming",
            Self::Delay => "Delays",
            Self::Sharing => "Groups",
            Self::Brokers => "Three brokers",
        }
    }
}

/// The rows of `--quick`.
pub(super) const QUICK: [&str; 12] = [
    "P1",
    "P1handle",
    "P1defaults",
    "P3",
    "L1",
    "C1",
    "C1m",
    "C2",
    "C3",
    "start",
    "idle",
    "P1r3",
];

const PLAIN: Row = Row {
    id: "P1",
    group: Group::Produce,
    title: "produce 100 B",
    kind: Kind::Produce,
    nodes: 1,
    records: 2_400_000,
    size: 100,
    codec: "none",
    batch: 200_000,
    keys: 0,
    defaults: false,
    api: Some("slice"),
    shown: &[cost(0.06, 0.33), MEMORY],
};

const CONSUME: Row = Row {
    id: "C1",
    group: Group::Consume,
    title: "consume 100 B, no group",
    kind: Kind::Consume,
    api: None,
    shown: &[cost(0.05, 0.24), MEMORY],
    ..PLAIN
};

const DELAY: Row = Row {
    id: "L1",
    group: Group::Delay,
    title: "one acknowledged record at a time",
    kind: Kind::Latency,
    records: 3_000,
    api: None,
    shown: &[
        median_delay(Aim::Floor(25.0)),
        median_delay(Aim::Than(Program::Rskafka, 1.0)),
    ],
    ..PLAIN
};

const AMPLIFIED: Row = Row {
    kind: Kind::Amplified,
    records: 600_000,
    shown: &[FETCHED],
    ..CONSUME
};

const THREE: Row = Row {
    id: "idle2",
    group: Group::Brokers,
    title: "consume 1 KiB from one broker, two others idle",
    kind: Kind::Idle,
    nodes: 3,
    records: 200_000,
    size: 1_024,
    shown: &[rate(Aim::Best)],
    ..CONSUME
};

pub(super) const ROWS: &[Row] = &[
    PLAIN,
    Row {
        id: "P1handle",
        title: "produce 100 B, every handle awaited",
        api: Some("handle"),
        shown: &[cost(0.09, 0.33)],
        ..PLAIN
    },
    Row {
        id: "P1defaults",
        title: "produce 100 B, nothing configured",
        defaults: true,
        api: None,
        shown: &[cost(0.08, 0.62)],
        ..PLAIN
    },
    Row {
        id: "P1k",
        title: "produce 100 B, 1,000 keys",
        records: 1_200_000,
        keys: 1_000,
        shown: &[cost(0.12, 0.67)],
        ..PLAIN
    },
    Row {
        id: "P2",
        title: "produce 1 KiB",
        records: 400_000,
        size: 1_024,
        shown: &[cost(0.3, 0.81)],
        ..PLAIN
    },
    Row {
        id: "P3",
        title: "produce 100 B, lz4",
        codec: "lz4",
        shown: &[cost(0.25, 0.69)],
        ..PLAIN
    },
    Row {
        id: "P4",
        title: "produce 100 B, zstd",
        codec: "zstd",
        records: 1_800_000,
        shown: &[cost(0.45, 1.12)],
        ..PLAIN
    },
    Row {
        id: "P5",
        title: "produce 10 KiB",
        records: 40_000,
        size: 10_240,
        shown: &[cost(2.2, 5.5)],
        ..PLAIN
    },
    Row {
        id: "W1k",
        title: "calls of 1,000 records in sequence, nothing configured",
        kind: Kind::Calls,
        records: 600_000,
        defaults: true,
        shown: &[rate(Aim::Least(2_000.0))],
        ..PLAIN
    },
    Row {
        id: "full",
        title: "as much as goes, nothing configured",
        kind: Kind::Saturated,
        records: 3_000_000,
        defaults: true,
        api: None,
        shown: &[rate(Aim::Than(Program::EkafkaTuned, 0.9))],
        ..PLAIN
    },
    Row {
        id: "D10",
        title: "one partition 10 ms away, nothing configured",
        kind: Kind::Distant,
        records: 3_000_000,
        defaults: true,
        api: None,
        shown: &[
            rate(Aim::Than(Program::Librdkafka, 1.0)),
            rate(Aim::Than(Program::Rskafka, 5.0)),
        ],
        ..PLAIN
    },
    DELAY,
    Row {
        id: "R1k",
        title: "1,000 records a second, nothing configured",
        kind: Kind::Rated,
        defaults: true,
        shown: &[median_delay(Aim::Floor(100.0))],
        ..DELAY
    },
    Row {
        id: "beside",
        title: "beside a long-polling reader on one cluster handle",
        kind: Kind::Beside,
        records: 10_000,
        shown: &[Shown {
            what: "p99 ÷ p99 alone",
            value: |run| run.ratio,
            digits: 2,
            more: false,
            aim: Aim::Most(1.1),
        }],
        ..DELAY
    },
    Row {
        id: "e2e",
        title: "from the call that writes a record to its reception",
        kind: Kind::EndToEnd,
        records: 2_000,
        shown: &[median_delay(Aim::Best)],
        ..DELAY
    },
    Row {
        id: "idle",
        title: "written by another process to received, idle consumer",
        kind: Kind::Receive,
        records: 500,
        shown: &[median_delay(Aim::Than(Program::Rskafka, 1.0))],
        ..DELAY
    },
    CONSUME,
    Row {
        id: "C1m",
        title: "consume 100 B, no group, a message at a time",
        api: Some("message"),
        shown: &[cost(0.07, 0.24)],
        ..CONSUME
    },
    Row {
        id: "C2",
        title: "consume 100 B, lz4",
        codec: "lz4",
        shown: &[cost(0.08, 0.21)],
        ..CONSUME
    },
    Row {
        id: "C3",
        title: "consume 100 B through a new group, interval commits",
        kind: Kind::Group,
        shown: &[cost(0.06, 0.28)],
        ..CONSUME
    },
    Row {
        id: "Cdefaults",
        title: "consume 100 B through a new group, nothing configured",
        kind: Kind::Group,
        defaults: true,
        shown: &[cost(0.06, 0.21)],
        ..CONSUME
    },
    Row {
        id: "A16k",
        title: "100 B in batches of 16 KB",
        batch: 16_000,
        ..AMPLIFIED
    },
    Row {
        id: "A250k",
        title: "100 B in batches of 250 KB",
        batch: 250_000,
        ..AMPLIFIED
    },
    Row {
        id: "A1M",
        title: "100 B in batches of 1 MB",
        batch: 1_000_000,
        ..AMPLIFIED
    },
    Row {
        id: "A1Mlarge",
        title: "100 KB in batches of 1 MB",
        batch: 1_000_000,
        records: 1_200,
        size: 100_000,
        ..AMPLIFIED
    },
    Row {
        id: "start",
        group: Group::Sharing,
        title: "process start to first record through a new group",
        kind: Kind::Start,
        shown: &[Shown {
            what: "ms",
            value: |run| run.p50_us / 1e3,
            digits: 1,
            more: false,
            aim: Aim::Than(Program::Krafka, 1.0),
        }],
        ..CONSUME
    },
    Row {
        id: "eager",
        group: Group::Sharing,
        title: "a second member joins, eager",
        kind: Kind::Eager,
        records: 0,
        shown: &[moves(30.0)],
        ..CONSUME
    },
    Row {
        id: "cooperative",
        group: Group::Sharing,
        title: "a second member joins, cooperative",
        kind: Kind::Cooperative,
        records: 0,
        shown: &[STAYS, moves(300.0)],
        ..CONSUME
    },
    Row {
        id: "P1r3",
        group: Group::Brokers,
        title: "produce 100 B, three brokers, replication 3",
        nodes: 3,
        records: 900_000,
        shown: &[cost(0.12, 0.53)],
        ..PLAIN
    },
    THREE,
    Row {
        id: "stopped",
        title: "the same, another broker idle and one stopped",
        kind: Kind::Stopped,
        shown: &[Shown {
            what: "rate ÷ rate alone",
            value: |run| run.ratio,
            digits: 2,
            more: true,
            aim: Aim::Least(0.95),
        }],
        ..THREE
    },
];

const fn cost(most: f64, best: f64) -> Shown {
    Shown {
        what: "CPU-s per million",
        value: |run| run.cpu,
        digits: 3,
        more: false,
        aim: Aim::Cost { most, best },
    }
}

const fn rate(aim: Aim) -> Shown {
    Shown {
        what: "k records/s",
        value: |run| run.rate,
        digits: 0,
        more: true,
        aim,
    }
}

const fn median_delay(aim: Aim) -> Shown {
    Shown {
        what: "p50 µs",
        value: |run| run.p50_us,
        digits: 0,
        more: false,
        aim,
    }
}

const fn moves(most: f64) -> Shown {
    Shown {
        what: "ms without records, partitions that move",
        value: |run: &Run| run.moves_ms,
        digits: 0,
        more: false,
        aim: Aim::Most(most),
    }
}

const STAYS: Shown = Shown {
    what: "ms without records, partitions that stay",
    value: |run| run.stays_ms,
    digits: 0,
    more: false,
    aim: Aim::Most(20.0),
};

const MEMORY: Shown = Shown {
    what: "resident MB",
    value: |run| run.memory,
    digits: 0,
    more: false,
    aim: Aim::Most(24.0),
};

const FETCHED: Shown = Shown {
    what: "bytes fetched ÷ bytes of the log",
    value: |run| run.ratio,
    digits: 3,
    more: false,
    aim: Aim::Most(1.05),
};
