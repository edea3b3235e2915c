//! SaslAuthenticate (key 36): carries one token of the SASL exchange each way.
//!
//! Source: schemas `SaslAuthenticateRequest` and `SaslAuthenticateResponse`, versions 0-2
//! (KIP-152, KIP-368).

use std::fmt;

use bytes::Bytes;

use super::{refuse_unless_read, refuse_unless_written};
use crate::{
    ApiKey, BrokerRequest, DecodeError, Decoder, EncodeError, Encoder, ErrorCode, Frame, Request,
    StrBytes, VersionRange,
};

#[cfg(test)]
mod tests;

/// The client's next token. `Debug` leaves the token out, since it may hold a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SaslAuthenticateRequest {
    /// The token, as the mechanism defines it.
    pub auth_bytes: Bytes,
}

impl fmt::Debug for SaslAuthenticateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslAuthenticateRequest")
            .finish_non_exhaustive()
    }
}

/// The broker's answer to it. `Debug` leaves the token out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SaslAuthenticateResponse {
    /// `SASL_AUTHENTICATION_FAILED` when the log-in failed.
    pub error_code: ErrorCode,
    /// What the broker says about a failure.
    pub error_message: Option<StrBytes>,
    /// The broker's token.
    pub auth_bytes: Bytes,
    /// After this many milliseconds the connection must log in again; 0 for never. From version 1 on.
    pub session_lifetime_ms: i64,
}

impl fmt::Debug for SaslAuthenticateResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslAuthenticateResponse")
            .field("error_code", &self.error_code)
            .field("error_message", &self.error_message)
            .field("session_lifetime_ms", &self.session_lifetime_ms)
            .finish_non_exhaustive()
    }
}

impl Request for SaslAuthenticateRequest {
    const API: ApiKey = ApiKey::SASL_AUTHENTICATE;
    const VERSIONS: VersionRange = VersionRange::new(0, 2);
    type Response = SaslAuthenticateResponse;

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        let mut out = Encoder::new(out, version >= FIRST_FLEXIBLE);
        out.bytes("auth bytes", &self.auth_bytes)?;
        out.no_tags();
        Ok(())
    }

    fn decode_response(version: i16, body: Bytes) -> Result<SaslAuthenticateResponse, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut decoder = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let mut response = SaslAuthenticateResponse {
            error_code: decoder.error_code()?,
            error_message: decoder.nullable_string("error message")?,
            auth_bytes: decoder.bytes("auth bytes")?,
            session_lifetime_ms: 0,
        };
        if version >= 1 {
            response.session_lifetime_ms = decoder.i64("session lifetime")?;
        }
        decoder.skip_tags()?;
        decoder.finish()?;
        Ok(response)
    }
}

impl BrokerRequest for SaslAuthenticateRequest {
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut decoder = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let auth_bytes = decoder.bytes("auth bytes")?;
        decoder.skip_tags()?;
        decoder.finish()?;
        Ok(Self { auth_bytes })
    }

    fn encode_response(
        response: &SaslAuthenticateResponse,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        let mut out = Encoder::new(out, version >= FIRST_FLEXIBLE);
        out.error_code(response.error_code);
        out.nullable_string("error message", response.error_message.as_deref())?;
        out.bytes("auth bytes", &response.auth_bytes)?;
        if version >= 1 {
            out.i64(response.session_lifetime_ms);
        }
        out.no_tags();
        Ok(())
    }
}

const FIRST_FLEXIBLE: i16 = 2;
