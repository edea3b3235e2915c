use kafka_protocol::messages as generated;

use super::*;
use crate::messages::tests::{Source, check_request, check_response};

#[test]
fn requests_are_those_of_the_generated_codec() {
    check_request(
        |source: &mut Source| SaslAuthenticateRequest {
            auth_bytes: source.bytes(),
        },
        |request, _| request.clone(),
        |request, _| {
            generated::SaslAuthenticateRequest::default()
                .with_auth_bytes(request.auth_bytes.clone())
        },
    );
}

#[test]
fn responses_are_those_of_the_generated_codec() {
    check_response::<SaslAuthenticateRequest, _>(
        |source| SaslAuthenticateResponse {
            error_code: source.error_code(),
            error_message: source.option(Source::string),
            auth_bytes: source.bytes(),
            session_lifetime_ms: source.i64(),
        },
        |response, version| SaslAuthenticateResponse {
            session_lifetime_ms: if version >= 1 {
                response.session_lifetime_ms
            } else {
                0
            },
            ..response.clone()
        },
        |response, _| {
            generated::SaslAuthenticateResponse::default()
                .with_error_code(response.error_code.0)
                .with_error_message(response.error_message.clone())
                .with_auth_bytes(response.auth_bytes.clone())
                .with_session_lifetime_ms(response.session_lifetime_ms)
        },
    );
}

#[test]
fn debug_output_holds_no_token() {
    let secret = Bytes::from_static(b"\0user\0hunter2");
    let request = SaslAuthenticateRequest {
        auth_bytes: secret.clone(),
    };
    let response = SaslAuthenticateResponse {
        auth_bytes: secret,
        ..Default::default()
    };
    let text = format!("{request:?} {response:?}");
    assert!(!text.contains("hunter2"), "{text}");
}
