//! SaslHandshake (key 17): agrees on a SASL mechanism.
//!
//! Source: schemas `SaslHandshakeRequest` and `SaslHandshakeResponse`, versions 0-1 (KIP-43,
//! KIP-152); never flexible.

use bytes::Bytes;

use super::{refuse_unless_read, refuse_unless_written};
use crate::{
    ApiKey, BrokerRequest, DecodeError, Decoder, EncodeError, Encoder, ErrorCode, Frame, Request,
    StrBytes, VersionRange,
};

#[cfg(test)]
mod tests;

/// Asks to log in by `mechanism`.
///
/// After version 0 the tokens of the mechanism follow bare, each with a 4-byte length; after
/// version 1 they travel in SaslAuthenticate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaslHandshakeRequest {
    /// The mechanism's registered name, such as `SCRAM-SHA-256`.
    pub mechanism: StrBytes,
}

/// Whether the broker offers the mechanism.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaslHandshakeResponse {
    /// `UNSUPPORTED_SASL_MECHANISM` when it does not.
    pub error_code: ErrorCode,
    /// All mechanisms it offers.
    pub mechanisms: Vec<StrBytes>,
}

impl Request for SaslHandshakeRequest {
    const API: ApiKey = ApiKey::SASL_HANDSHAKE;
    const VERSIONS: VersionRange = VersionRange::new(0, 1);
    type Response = SaslHandshakeResponse;

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        Encoder::new(out, false).string("mechanism", &self.mechanism)
    }

    fn decode_response(version: i16, body: Bytes) -> Result<SaslHandshakeResponse, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut decoder = Decoder::new(body, false);
        let error_code = decoder.error_code()?;
        let mechanisms = decoder.array("mechanisms", 2, |d| d.string("mechanism"))?;
        decoder.finish()?;
        Ok(SaslHandshakeResponse {
            error_code,
            mechanisms,
        })
    }
}

impl BrokerRequest for SaslHandshakeRequest {
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut decoder = Decoder::new(body, false);
        let mechanism = decoder.string("mechanism")?;
        decoder.finish()?;
        Ok(Self { mechanism })
    }

    fn encode_response(
        response: &SaslHandshakeResponse,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        let mut out = Encoder::new(out, false);
        out.error_code(response.error_code);
        out.array("mechanisms", &response.mechanisms, |out, name| {
            out.string("mechanism", name)
        })
    }
}
