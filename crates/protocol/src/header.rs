//! The headers in front of request and response bodies.
//!
//! Source: schemas `RequestHeader` (versions 1 and 2) and `ResponseHeader` (0 and 1). Request:
//! api key 2 bytes, version 2, correlation id 4, client id (nullable string with a 2-byte length
//! in both versions), then tagged fields in version 2. Response: correlation id 4, then tagged
//! fields in version 1. All big-endian.

use bytes::Bytes;

use crate::api::{request_header_version, response_header_version};
use crate::{ApiKey, DecodeError, Decoder, EncodeError, Encoder, Frame, StrBytes};

#[cfg(test)]
mod tests;

/// What stands in front of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which API the body belongs to.
    pub api: ApiKey,
    /// The version of the body.
    pub version: i16,
    /// Repeated by the response.
    pub correlation_id: i32,
    /// The client's name for itself.
    pub client_id: Option<StrBytes>,
}

impl RequestHeader {
    /// Reads the header from the front of `frame` (without its length) and leaves the body there.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes end early or a length is wrong.
    pub fn decode(frame: &mut Bytes) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(frame.clone(), false);
        let api = ApiKey(decoder.i16("api key")?);
        let version = decoder.i16("api version")?;
        let correlation_id = decoder.i32("correlation id")?;
        let client_id = decoder.nullable_string("client id")?;
        // A version no one knows has a header no one knows; ApiVersions must be answered even then
        // (KIP-511), and all that is needed for it was read.
        if api.stable_versions().contains(version) && request_header_version(api, version) >= 2 {
            decoder.set_flexible(true);
            decoder.skip_tags()?;
        }
        *frame = decoder.rest();
        Ok(Self {
            api,
            version,
            correlation_id,
            client_id,
        })
    }
}

/// Reads the correlation id at the front of a response frame (without its length) and leaves the rest.
///
/// # Errors
///
/// [`DecodeError::Truncated`] when there are fewer than 4 bytes.
pub fn decode_correlation_id(frame: &mut Bytes) -> Result<i32, DecodeError> {
    let mut decoder = Decoder::new(frame.clone(), false);
    let correlation_id = decoder.i32("correlation id")?;
    *frame = decoder.rest();
    Ok(correlation_id)
}

/// Skips what follows the correlation id in the response header and leaves the body.
///
/// # Errors
///
/// [`DecodeError`] when the tagged fields are cut off or their lengths are wrong.
pub fn skip_response_tags(api: ApiKey, version: i16, frame: &mut Bytes) -> Result<(), DecodeError> {
    if response_header_version(api, version) >= 1 {
        let mut decoder = Decoder::new(frame.clone(), true);
        decoder.skip_tags()?;
        *frame = decoder.rest();
    }
    Ok(())
}

pub(crate) fn put_request_header(
    frame: &mut Frame,
    api: ApiKey,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
) -> Result<(), EncodeError> {
    let flexible = request_header_version(api, version) >= 2;
    // The client id keeps its 2-byte length in flexible headers too.
    let mut out = Encoder::new(frame, false);
    out.i16(api.0);
    out.i16(version);
    out.i32(correlation_id);
    out.nullable_string("client id", client_id)?;
    Encoder::new(frame, flexible).no_tags();
    Ok(())
}

pub(crate) fn put_response_header(
    frame: &mut Frame,
    api: ApiKey,
    version: i16,
    correlation_id: i32,
) {
    frame.put_i32(correlation_id);
    Encoder::new(frame, response_header_version(api, version) >= 1).no_tags();
}
