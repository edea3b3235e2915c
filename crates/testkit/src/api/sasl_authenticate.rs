//! SaslAuthenticate, versions 0 to 2. A refused log-in is answered, then the connection is closed. Says how long the log-in
//! lasts from version 1 on (KIP-368).

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use ekafka_protocol::messages::SaslAuthenticateResponse;
use ekafka_protocol::{BrokerRequest, ErrorCode};
use tokio::time::Instant;

use super::{Answer, Call, Refusal, reply, text};
use crate::sasl::{Login, Progress};
use crate::server::Shared;

pub(super) type Request = ekafka_protocol::messages::SaslAuthenticateRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request = Request::decode(call.version, body)?;
    let progress = match call.refused() {
        Some(code) => Err(code),
        None => authenticate(shared, &call.login, &request.auth_bytes, call.now),
    };
    let mut response = SaslAuthenticateResponse::default();
    match progress {
        Ok(Progress::Challenge(token)) => response.auth_bytes = token.into(),
        Ok(Progress::Done(token, lifetime)) => {
            response.auth_bytes = token.into();
            response.session_lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        }
        Err(code) => {
            response.error_code = code;
            response.error_message = Some(text(refusal(code)));
            return Ok(match reply::<Request>(call, &response)? {
                Answer::Reply(frame) => Answer::Last(frame),
                other => other,
            });
        }
    }
    reply::<Request>(call, &response)
}

/// Takes one token, bare or in a SaslAuthenticate.
pub(crate) fn authenticate(
    shared: &Shared,
    login: &Mutex<Login>,
    token: &[u8],
    now: Instant,
) -> Result<Progress, ErrorCode> {
    let nonce: String = {
        let random = &mut shared.cluster().random;
        (0..32).map(|_| random.alphanumeric()).collect()
    };
    login
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .token(&shared.users, token, &nonce, now)
}

/// Says no more than that it was refused: which part was wrong is no one's business.
fn refusal(code: ErrorCode) -> &'static str {
    if code == ErrorCode::SASL_AUTHENTICATION_FAILED {
        "Authentication failed: invalid credentials"
    } else {
        code.message()
    }
}
