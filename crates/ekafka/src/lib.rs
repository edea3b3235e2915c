//! A Kafka client in Rust: fast per record, hard to break, pleasant to read.

pub use ekafka_conn::{
    ConnConfig, ConnError, Connection, Dial, DialFuture, Header, HostPort, LoginError, Mechanism,
    MechanismError, MechanismSession, Message, Plain, Record, ResolveFuture, Resolver, Scram,
    ScramAlgorithm, Secret, Stage, Step, TlsBuilder, TlsConfig, Transport, dial_async_fn, dial_fn,
    resolver_fn,
};
pub use ekafka_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};
pub use ekafka_reader::{Event, OutOfRange, ReaderError, StartOffset, TopicPartition, assignor};
pub use ekafka_writer::{
    Cause, Delivered, Delivery, ErrorClass, WriteErrors, WriterError, balancer,
};
