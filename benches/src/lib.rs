//! Inputs shared by the benches.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ekafka_protocol::EncodeError;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, Header, RecordData};
use nix::time::{ClockId, clock_gettime};

/// Records of one batch in every bench.
pub const RECORDS: usize = 1_000;

/// A kind of record.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How reports name it.
    pub name: &'static str,
    /// Bytes of the value.
    pub value: usize,
    /// Whether it has a key of 16 bytes and two headers.
    pub decorated: bool,
}

/// The shapes that are measured.
pub const SHAPES: [Shape; 4] = [
    Shape {
        name: "10B",
        value: 10,
        decorated: false,
    },
    Shape {
        name: "100B",
        value: 100,
        decorated: false,
    },
    Shape {
        name: "1KB",
        value: 1_000,
        decorated: false,
    },
    Shape {
        name: "100B+key+2headers",
        value: 100,
        decorated: true,
    },
];

/// The key of decorated records.
pub const KEY: &[u8] = b"key-0123456789ab";

/// The headers of decorated records.
pub const HEADERS: [Header<'static>; 2] = [
    Header {
        key: "trace-id",
        value: Some(b"0123456789abcdef"),
    },
    Header {
        key: "source",
        value: Some(b"bench"),
    },
];

/// Log lines, so that codecs have something to do.
#[must_use]
pub fn payload(length: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 128);
    let mut state = 12_345u32;
    while text.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let line = format!(
            r#"{{"level":"info","service":"orders","id":{state},"took_ms":{}}}"#,
            state >> 24
        );
        text.extend_from_slice(line.as_bytes());
    }
    text.truncate(length);
    text
}

/// The values of one batch, one after another.
#[must_use]
pub fn values(shape: Shape) -> Vec<u8> {
    payload(shape.value * RECORDS)
}

/// The record at `index`, whose value is taken from [`values`].
#[must_use]
pub fn record(shape: Shape, values: &[u8], index: usize) -> RecordData<'_> {
    RecordData {
        timestamp: 1_700_000_000_000 + index as i64,
        key: shape.decorated.then_some(KEY),
        value: values.get(index * shape.value..(index + 1) * shape.value),
        headers: if shape.decorated { &HEADERS } else { &[] },
    }
}

/// Encodes one batch into `buffer` and returns it as it goes on the wire.
///
/// # Errors
/// Whatever the encoder reports.
pub fn encode(
    shape: Shape,
    values: &[u8],
    buffer: BytesMut,
    compression: Compression,
) -> Result<Bytes, EncodeError> {
    let mut open = BatchBuilder::new(buffer);
    for index in 0..RECORDS {
        open.append(&record(shape, values, index))?;
    }
    Ok(open.seal(compression)?.stamp(-1, -1, -1))
}

/// CPU time of this thread so far: what a client costs, when it has no other, whatever the broker beside it does.
///
/// # Panics
/// When the system has no such clock.
#[must_use]
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    Duration::from(time.expect("a clock of this thread"))
}

/// A broker in a process of its own, so that its work is not counted; ended when dropped.
#[derive(Debug)]
pub struct Broker {
    process: Child,
    /// Where it listens.
    pub address: String,
}

impl Broker {
    /// Starts the running program anew as `broker ARGUMENTS`, which tells its address in its first line.
    ///
    /// # Errors
    /// When the process cannot be started, or tells nothing.
    pub fn start(arguments: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("broker")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the broker has no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let address = address.trim().to_owned();
        Ok(Self { process, address })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
