//! A Kafka client in Rust: fast per record, hard to break, pleasant to read.

pub use ekafka_conn::{
    Batch, Broker, BrokerId, BrokerView, Cluster, ClusterView, Conn, ConnConfig, ConnError,
    Connection, CoordinatorKind, Dial, DialFuture, Dialer, FIRST_OFFSET, Filled, Header, HostPort,
    IsolationLevel, LAST_OFFSET, LeaderEpoch, LoginError, Mechanism, MechanismError,
    MechanismSession, Message, Partition, PartitionView, Plain, Purpose, ReadBatchConfig, Record,
    Refresh, ResolveFuture, Resolver, Scram, ScramAlgorithm, Secret, SeekMode, Stage, Step,
    TlsBuilder, TlsConfig, To, TopicConfig, TopicView, Transport, Whence, Written, dial_async_fn,
    dial_fn, resolver_fn,
};
pub use ekafka_protocol::compression::{Codec, Compression};
pub use ekafka_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode};
pub use ekafka_reader::{
    Event, OutOfRange, Reader, ReaderBuilder, ReaderError, ReaderHandle, Received, RecordBatch,
    RecordBatchIter, StartOffset, TopicPartition, assignor,
};
pub use ekafka_writer::{
    Acks, Cause, Delivered, Delivery, ErrorClass, Undelivered, WriteErrors, Writer, WriterConfig,
    WriterError, balancer,
};
