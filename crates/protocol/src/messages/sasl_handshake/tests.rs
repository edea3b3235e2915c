use kafka_protocol::messages as generated;

use super::*;
use crate::messages::tests::{Source, check_request, check_response};

#[test]
fn requests_are_those_of_the_generated_codec() {
    check_request(
        |source: &mut Source| SaslHandshakeRequest {
            mechanism: source.string(),
        },
        |request, _| request.clone(),
        |request, _| {
            generated::SaslHandshakeRequest::default().with_mechanism(request.mechanism.clone())
        },
    );
}

#[test]
fn responses_are_those_of_the_generated_codec() {
    check_response::<SaslHandshakeRequest, _>(
        |source| SaslHandshakeResponse {
            error_code: source.error_code(),
            mechanisms: source.list(Source::string),
        },
        |response, _| response.clone(),
        |response, _| {
            generated::SaslHandshakeResponse::default()
                .with_error_code(response.error_code.0)
                .with_mechanisms(response.mechanisms.clone())
        },
    );
}
