use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse, OffsetCommitRequest};

use super::*;
use crate::StrBytes;

#[test]
fn a_generated_request_round_trips_through_both_halves() {
    let request = HeartbeatRequest::default()
        .with_group_id(StrBytes::from_static_str("g").into())
        .with_generation_id(7);
    for version in HeartbeatRequest::VERSIONS_RANGE.iter() {
        let mut body = Frame::new();
        Request::encode(&request, version, &mut body).expect("encodes");
        let read = HeartbeatRequest::decode_body(version, body.to_bytes());
        assert_eq!(read, Ok(request.clone()));

        let response = HeartbeatResponse::default().with_error_code(27);
        let mut body = Frame::new();
        HeartbeatRequest::encode_response(&response, version, &mut body).expect("encodes");
        let read = HeartbeatRequest::decode_response(version, body.to_bytes());
        assert_eq!(read, Ok(response));
    }
}

#[test]
fn unstable_and_unknown_versions_are_refused() {
    let range = <OffsetCommitRequest as Request>::VERSIONS;
    assert_eq!(
        (range.min, range.max),
        (2, 9),
        "version 10 is not stable in Kafka 4.1"
    );
    let error = Request::encode(&OffsetCommitRequest::default(), 10, &mut Frame::new());
    assert_eq!(
        error,
        Err(EncodeError::Version {
            api: 8,
            version: 10
        })
    );
    let error = OffsetCommitRequest::decode_response(10, Bytes::new());
    assert_eq!(
        error,
        Err(DecodeError::Version {
            api: 8,
            version: 10
        })
    );
}

/// Short ways around names that the generated traits have too.
trait Short: BrokerRequest {
    const VERSIONS_RANGE: VersionRange = <Self as Request>::VERSIONS;
    fn decode_body(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        <Self as BrokerRequest>::decode(version, body)
    }
}
impl<T: BrokerRequest> Short for T {}
