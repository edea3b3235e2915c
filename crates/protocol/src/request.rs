//! What a request is to those who send it and to those who answer it.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::protocol::{Decodable, Encodable, Message, Request as KafkaRequest};

use crate::decoder::LEFT_OVER;
use crate::precheck::{self, Direction};
use crate::{ApiKey, DecodeError, EncodeError, Frame, VersionRange};

#[cfg(test)]
mod tests;

/// A request as its sender sees it.
///
/// Implemented by this crate's own messages ([`messages`](crate::messages)) and by every request
/// type in [`cold`](crate::cold).
pub trait Request: Send + Sync {
    /// The API it belongs to.
    const API: ApiKey;
    /// The versions this crate can write and whose answers it can read; stable ones only.
    const VERSIONS: VersionRange;
    /// The answer.
    type Response: Send + 'static;

    /// The versions that can carry this very value, within [`Self::VERSIONS`].
    ///
    /// Narrower when the value has something only some versions can say: a produce request for a
    /// topic without a known id cannot be written in versions that name topics by id. Senders
    /// negotiate with this range.
    fn versions(&self) -> VersionRange {
        Self::VERSIONS
    }

    /// Writes the body.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when `version` is outside [`Self::versions`] or a field is too long; `out`
    /// then holds a part of the body.
    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError>;

    /// Reads the body of the answer to a request of that version; record batches and strings are
    /// slices of `body`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are no such answer, or more than it.
    fn decode_response(version: i16, body: Bytes) -> Result<Self::Response, DecodeError>;

    /// How long the client is asked to pause, in milliseconds, where the answer does not begin with it (KIP-124).
    ///
    /// Most answers begin with their throttle time; this is for those that have it elsewhere.
    fn throttle_time_ms(_response: &Self::Response) -> i32 {
        0
    }
}

/// A request as the broker sees it: the other half of [`Request`], for embedded brokers and tests.
///
/// A tool that speaks to a broker, and one that stands in for it:
///
/// ```
/// use bytes::Bytes;
/// use ekafka_protocol::cold::{self, FindCoordinatorRequest, FindCoordinatorResponse};
/// use ekafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
/// use ekafka_protocol::{
///     BrokerRequest, Frame, LENGTH_BYTES, Request, RequestHeader, decode_correlation_id,
///     request_header_version, response_header_version, skip_response_tags,
/// };
///
/// let request = ApiVersionsRequest {
///     client_software_name: "my-tool".into(),
///     client_software_version: "1.0".into(),
/// };
/// // The newest version that this value can be written in and the broker speaks.
/// let version = request.versions().latest_common(ApiVersionsRequest::API.stable_versions());
/// let version = version.ok_or("no version in common")?;
/// let wire = Frame::request(version, 7, Some("tool-1"), &request)?.to_bytes();
///
/// // The broker's side: header, body, answer.
/// let mut frame = wire.slice(LENGTH_BYTES..);
/// let header = RequestHeader::decode(&mut frame)?;
/// assert_eq!((header.api, header.correlation_id), (ApiVersionsRequest::API, 7));
/// let received = ApiVersionsRequest::decode(header.version, frame)?;
/// assert_eq!(&*received.client_software_name, "my-tool");
/// let response = ApiVersionsResponse::default();
/// let wire = Frame::response::<ApiVersionsRequest>(version, 7, &response)?.to_bytes();
///
/// // The tool's side again.
/// let mut frame = wire.slice(LENGTH_BYTES..);
/// assert_eq!(decode_correlation_id(&mut frame)?, 7);
/// skip_response_tags(header.api, version, &mut frame)?;
/// let answer = ApiVersionsRequest::decode_response(version, frame)?;
/// assert_eq!(answer.api_keys, []);
/// assert_eq!(ApiVersionsRequest::throttle_time_ms(&answer), 0);
/// assert_eq!(request_header_version(header.api, 3), 2);
/// assert_eq!(response_header_version(header.api, 3), 0);
///
/// // Bodies alone, of a generated message.
/// let request = FindCoordinatorRequest::default().with_key("shop".into());
/// let mut body = Frame::new();
/// request.encode(0, &mut body)?;
/// let received: FindCoordinatorRequest = cold::decode_request(0, body.to_bytes())?;
/// assert_eq!(received, request);
/// let mut body = Frame::new();
/// FindCoordinatorRequest::encode_response(&FindCoordinatorResponse::default(), 0, &mut body)?;
/// FindCoordinatorRequest::decode_response(0, body.to_bytes())?;
/// assert!(FindCoordinatorRequest::decode_response(0, Bytes::from("no answer")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait BrokerRequest: Request + Sized {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are no such request, or more than it.
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError>;

    /// Writes the body of the answer.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the answer cannot be written in that version.
    fn encode_response(
        response: &Self::Response,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError>;
}

impl<T> Request for T
where
    T: KafkaRequest + Send + Sync,
    T::Response: Send + 'static,
{
    const API: ApiKey = ApiKey(T::KEY);
    const VERSIONS: VersionRange = ApiKey(T::KEY)
        .stable_versions()
        .intersect(VersionRange::new(
            <T as Message>::VERSIONS.min,
            <T as Message>::VERSIONS.max,
        ));
    type Response = T::Response;

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        encode_generated(
            self,
            <Self as Request>::API,
            <Self as Request>::VERSIONS,
            version,
            out,
        )
    }

    fn decode_response(version: i16, body: Bytes) -> Result<Self::Response, DecodeError> {
        decode_generated(
            <Self as Request>::API,
            <Self as Request>::VERSIONS,
            version,
            Direction::Response,
            body,
        )
    }
}

impl<T> BrokerRequest for T
where
    T: KafkaRequest + Send + Sync,
    T::Response: Send + 'static,
{
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        decode_generated(
            <Self as Request>::API,
            <Self as Request>::VERSIONS,
            version,
            Direction::Request,
            body,
        )
    }

    fn encode_response(
        response: &Self::Response,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        encode_generated(
            response,
            <Self as Request>::API,
            <Self as Request>::VERSIONS,
            version,
            out,
        )
    }
}

fn encode_generated<M: Encodable>(
    message: &M,
    api: ApiKey,
    versions: VersionRange,
    version: i16,
    out: &mut Frame,
) -> Result<(), EncodeError> {
    if !versions.contains(version) {
        return Err(EncodeError::Version {
            api: api.0,
            version,
        });
    }
    message.encode(out.inline_mut(), version).map_err(|error| {
        let detail = Arc::from(format!("{error:#}"));
        EncodeError::Message {
            api: api.0,
            version,
            detail,
        }
    })
}

/// The generated decoder trusts lengths, so every length is checked before it sees the bytes.
fn decode_generated<M: Decodable>(
    api: ApiKey,
    versions: VersionRange,
    version: i16,
    direction: Direction,
    mut body: Bytes,
) -> Result<M, DecodeError> {
    if !versions.contains(version) {
        return Err(DecodeError::Version {
            api: api.0,
            version,
        });
    }
    precheck::check(api, version, direction, &body)?;
    let message = M::decode(&mut body, version).map_err(|error| {
        let detail = Arc::from(format!("{error:#}"));
        DecodeError::Message {
            api: api.0,
            version,
            detail,
        }
    })?;
    if direction == Direction::Response && !body.is_empty() {
        return Err(LEFT_OVER);
    }
    Ok(message)
}
