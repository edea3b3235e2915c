//! A Kafka broker inside the process, for tests and demonstrations.
//!
//! [`EmbeddedKafka`] is a real broker on real TCP ports, in memory, with one or many nodes: any Kafka client can use it.
//! Inside a test it can also be reached without a network ([`EmbeddedKafka::connect`]), where a paused clock and a seed make
//! it deterministic. Faults are scripted ([`EmbeddedKafka::on_next`]), and what a correct client would never send is noted
//! ([`EmbeddedKafka::violations`]).

mod broker;
mod builder;
mod delay;
mod faults;
mod journal;
mod server;

mod api;

mod cluster;
mod group;
mod log;
mod reply;
mod sasl;
mod sessions;
mod settings;
mod tls;
mod topic;
mod transactions;

pub use broker::{Connector, EmbeddedKafka};
pub use builder::Builder;
pub use delay::DelayProxy;
pub use faults::{ConnectFaultBuilder, FaultBuilder};
pub use journal::LoggedRequest;
pub use tls::TlsFiles;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
