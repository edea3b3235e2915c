//! How records are batched, placed and delivered: the options that `produce` and `perf` share.

#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ekafka::balancer::{
    Balancer, Crc32Balancer, Hash, LeastBytes, Murmur2Balancer, ReferenceHash, RoundRobin,
};
use ekafka::{Acks, Compression, Writer};

use crate::connection::Connection;
use crate::failure::Failure;

/// The names of the options, for those that exclude them.
pub(crate) const OPTIONS: [&str; 7] = [
    "acks",
    "compression",
    "timeout",
    "linger",
    "batch_bytes",
    "batch_size",
    "balancer",
];

#[derive(Args)]
#[command(next_help_heading = "Delivery")]
pub(crate) struct Delivering {
    /// Who must have a record before it counts as written: none, one (the leader) or all in-sync replicas
    #[arg(long, default_value = "all")]
    acks: Acks,
    /// none, gzip, snappy, lz4 or zstd, with a level where the codec has one: zstd:3
    #[arg(long, default_value = "none", value_parser = compression)]
    compression: Compression,
    /// Give a record up after this many seconds
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
    /// Let a batch wait so long for more records: 5ms, 1s, 0 [default: only while its partition waits for an answer]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    linger: Option<Duration>,
    /// Bytes, before compression, at which a batch is full; also the largest record [default: 256 KiB, records up to 1 MiB]
    #[arg(long, value_name = "BYTES")]
    batch_bytes: Option<usize>,
    /// Records at which a batch is full [default: no bound]
    #[arg(long, value_name = "RECORDS")]
    batch_size: Option<usize>,
    /// Who chooses the partition: sticky, round-robin (round-robin:N changes after N records), least-bytes, hash,
    /// reference-hash (Sarama's), crc32, crc32-consistent (librdkafka's), murmur2, murmur2-consistent (Java's)
    #[arg(long, value_name = "NAME", default_value = "sticky")]
    balancer: Placing,
}

/// Who chooses the partition of a record that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placing {
    /// The writer's own choice: murmur2 by key, batch by batch without one.
    Sticky,
    RoundRobin(u32),
    LeastBytes,
    Hash,
    ReferenceHash,
    Crc32 {
        consistent: bool,
    },
    Murmur2 {
        consistent: bool,
    },
}

impl Delivering {
    /// A writer for `topic` with these options.
    pub(crate) fn writer(&self, connection: &Connection, topic: &str) -> Result<Writer, Failure> {
        let limit = Duration::from_secs(self.timeout);
        let mut config = Writer::builder()
            .cluster(connection.cluster()?)
            .topic(topic)
            .acks(self.acks)
            .compression(self.compression)
            .request_timeout(limit)
            .delivery_timeout(limit)
            .max_block(limit);
        if let Some(linger) = self.linger {
            config = config.linger(linger);
        }
        if let Some(bytes) = self.batch_bytes {
            config = config.batch_bytes(bytes);
        }
        if let Some(records) = self.batch_size {
            config = config.batch_size(records);
        }
        if let Some(balancer) = self.balancer.balancer() {
            config = config.balancer_arc(balancer);
        }
        config
            .build()
            .map_err(|error| Failure::usage(error.to_string()))
    }
}

impl Placing {
    fn balancer(self) -> Option<Arc<dyn Balancer>> {
        Some(match self {
            Self::Sticky => return None,
            Self::RoundRobin(chunk) => Arc::new(RoundRobin::new(chunk)),
            Self::LeastBytes => Arc::new(LeastBytes::new()),
            Self::Hash => Arc::new(Hash::new()),
            Self::ReferenceHash => Arc::new(ReferenceHash::new()),
            Self::Crc32 { consistent } => Arc::new(Crc32Balancer { consistent }),
            Self::Murmur2 { consistent } => Arc::new(Murmur2Balancer { consistent }),
        })
    }
}

impl FromStr for Placing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(chunk) = text.strip_prefix("round-robin:") {
            return match chunk.parse() {
                Ok(chunk) if chunk > 0 => Ok(Self::RoundRobin(chunk)),
                _ => Err("round-robin: is followed by a number of records, from 1".to_owned()),
            };
        }
        Ok(match text {
            "sticky" => Self::Sticky,
            "round-robin" => Self::RoundRobin(1),
            "least-bytes" => Self::LeastBytes,
            "hash" => Self::Hash,
            "reference-hash" => Self::ReferenceHash,
            "crc32" => Self::Crc32 { consistent: false },
            "crc32-consistent" => Self::Crc32 { consistent: true },
            "murmur2" => Self::Murmur2 { consistent: false },
            "murmur2-consistent" => Self::Murmur2 { consistent: true },
            _ => {
                return Err(
                    "sticky, round-robin, round-robin:N, least-bytes, hash, reference-hash, crc32, \
                     crc32-consistent, murmur2 or murmur2-consistent"
                        .to_owned(),
                );
            }
        })
    }
}

/// A number with its unit: `us`, `ms`, `s` or `m`. Zero needs none.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no time; write 250us, 5ms, 1s or 2m");
    let digits = text.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "" if number == 0 => Ok(Duration::ZERO),
        "us" => Ok(Duration::from_micros(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        _ => Err(wrong()),
    }
}

fn compression(text: &str) -> Result<Compression, String> {
    Compression::from_str(text).map_err(|error| error.to_string())
}
