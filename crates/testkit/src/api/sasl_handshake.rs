//! SaslHandshake, versions 0 and 1. After version 0 the tokens come bare, without SaslAuthenticate around them (KIP-152).

use bytes::Bytes;
use ekafka_protocol::messages::SaslHandshakeResponse;
use ekafka_protocol::{BrokerRequest, ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, reply};
use crate::server::Shared;

pub(super) type Request = ekafka_protocol::messages::SaslHandshakeRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request = Request::decode(call.version, body)?;
    let begun = match call.refused() {
        Some(code) => Err(code),
        None => call
            .login()
            .begin(&shared.users, &request.mechanism, call.version == 0),
    };
    let mechanisms = shared.users.mechanisms();
    let response = SaslHandshakeResponse {
        error_code: begun.err().unwrap_or(ErrorCode::NONE),
        mechanisms: mechanisms
            .iter()
            .map(|mechanism| StrBytes::from_static_str(mechanism.name()))
            .collect(),
    };
    reply::<Request>(call, &response)
}
