//! Kafka's wire format: bytes to typed messages and back, without I/O and without a clock.
//!
//! - [`Frame`] and [`Decoder`]: bytes on their way out and in; big ones are never copied.
//! - [`Request`]: what a request has that can be sent; [`BrokerRequest`] is its mirror image.
//! - [`messages`]: the messages that are hot or read before authentication, coded by hand.
//! - [`records`] and [`compression`]: record batches and message sets, both ways.
//! - [`consumer_protocol`]: what members of a group tell each other.
//! - [`cold`]: all others, generated, read behind a check of every length ([`precheck`]).
//! - [`ApiKey`], [`VersionRange`], [`ErrorCode`]: Kafka's tables.

mod frame;
mod request;

mod header;
pub mod messages;

pub mod compression;
pub mod records;

pub mod cold;
pub mod consumer_protocol;
pub mod precheck;

mod decoder;
mod encoder;

mod api;
mod error;
mod error_code;

pub use api::{ApiKey, VersionRange, request_header_version, response_header_version};
pub use decoder::Decoder;
pub use encoder::{Encoder, TaggedFields};
pub use error::{DecodeError, EncodeError};
pub use error_code::ErrorCode;
pub use frame::{Frame, FrameCursor, LENGTH_BYTES, decode_frame_length, peek_api};
pub use header::{RequestHeader, decode_correlation_id, skip_response_tags};
pub use kafka_protocol::protocol::StrBytes;
pub use request::{BrokerRequest, Request};
pub use uuid::Uuid;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
