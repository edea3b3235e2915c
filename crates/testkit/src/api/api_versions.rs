//! ApiVersions, versions 0 to 4.
//!
//! Names every API this broker offers. A request in a version above is answered in version 0 with UNSUPPORTED_VERSION and
//! the versions of ApiVersions itself (KIP-511); allowed before login. APIs hidden by the test are left out.

use bytes::Bytes;
use ekafka_protocol::messages::{ApiVersion, ApiVersionsResponse};
use ekafka_protocol::{ErrorCode, Frame, VersionRange};

use super::{APIS, Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = ekafka_protocol::messages::ApiVersionsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    if call.refused() == Some(ErrorCode::UNSUPPORTED_VERSION) {
        return refuse(call, None);
    }
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> ApiVersionsResponse {
    let is_sound = call.version < 3
        || (is_software_name(&request.client_software_name)
            && is_software_name(&request.client_software_version));
    let error = if is_sound {
        ErrorCode::NONE
    } else {
        ErrorCode::INVALID_REQUEST
    };
    let offered = APIS.iter().filter_map(|api| {
        let versions = cluster
            .settings
            .limits
            .get(&api.key)
            .map_or(api.versions, |limit| limit.intersect(api.versions));
        (!versions.is_empty()).then_some(ApiVersion {
            api_key: api.key,
            versions,
        })
    });
    ApiVersionsResponse {
        error_code: call.refused().unwrap_or(error),
        api_keys: offered.collect(),
        throttle_time_ms: cluster.throttle_ms(),
        finalized_features_epoch: -1,
        ..ApiVersionsResponse::default()
    }
}

/// The answer to a version that is not offered.
pub(super) fn refuse(call: &Call, limit: Option<&VersionRange>) -> Result<Answer, Refusal> {
    let own = APIS.iter().filter(|api| api.key == call.api);
    let own = own.map(|api| ApiVersion {
        api_key: api.key,
        versions: limit.map_or(api.versions, |limit| limit.intersect(api.versions)),
    });
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UNSUPPORTED_VERSION,
        api_keys: own.collect(),
        ..ApiVersionsResponse::default()
    };
    Ok(Answer::Reply(Frame::response::<Request>(
        0,
        call.correlation_id,
        &response,
    )?))
}

/// Letters, digits, `-` and `.`, beginning and ending with a letter or digit (KIP-511).
fn is_software_name(name: &str) -> bool {
    let alphanumeric = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
