//! The network stack of ekafka: one connection type for reader, writer, admin and the low-level `Conn`.

mod address;
mod config;
mod connection;
mod error;
mod frame;
mod message;
mod record;
mod sasl;
mod stream;
mod throttle;
mod tls;
mod transport;

pub use address::HostPort;
pub use config::ConnConfig;
pub use connection::Connection;
pub use error::{ConnError, Stage};
pub use message::{Message, MessageBatch};
pub use record::{Header, Record, milliseconds_since_1970};
pub use sasl::{
    DEFAULT_MAX_ITERATIONS, LoginError, MIN_ITERATIONS, Mechanism, MechanismError,
    MechanismSession, Plain, Scram, ScramAlgorithm, Secret, Step,
};
pub use tls::{TlsBuilder, TlsConfig};
pub use transport::{
    Dial, DialFuture, ResolveFuture, Resolver, Transport, dial_async_fn, dial_fn, resolver_fn,
};
