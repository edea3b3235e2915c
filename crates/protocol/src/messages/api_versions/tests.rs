use kafka_protocol::messages as generated;
use kafka_protocol::messages::api_versions_response as parts;

use super::*;
use crate::messages::tests::{Source, check_request, check_response};

#[test]
fn requests_are_those_of_the_generated_codec() {
    check_request(
        |source: &mut Source| ApiVersionsRequest {
            client_software_name: source.string(),
            client_software_version: source.string(),
        },
        |request, version| {
            if version >= 3 {
                request.clone()
            } else {
                ApiVersionsRequest::default()
            }
        },
        |request, _| {
            generated::ApiVersionsRequest::default()
                .with_client_software_name(request.client_software_name.clone())
                .with_client_software_version(request.client_software_version.clone())
        },
    );
}

#[test]
fn responses_are_those_of_the_generated_codec() {
    check_response::<ApiVersionsRequest, _>(draw_response, masked, generated);
}

fn draw_response(source: &mut Source) -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode(source.i16() % 30),
        api_keys: source.list(|source| ApiVersion {
            api_key: ApiKey(source.i16()),
            versions: VersionRange::new(source.i16(), source.i16()),
        }),
        throttle_time_ms: source.i32(),
        supported_features: source.list(|source| SupportedFeature {
            name: source.string(),
            min_version: i16::from(source.i8() % 2),
            max_version: source.i16(),
        }),
        finalized_features_epoch: source.option(Source::i64).unwrap_or(-1),
        finalized_features: source.list(|source| FinalizedFeature {
            name: source.string(),
            max_version_level: source.i16(),
            min_version_level: source.i16(),
        }),
        zk_migration_ready: source.bool(),
    }
}

fn masked(response: &ApiVersionsResponse, version: i16) -> ApiVersionsResponse {
    let mut masked = response.clone();
    if version < 4 {
        masked
            .supported_features
            .retain(|feature| feature.min_version != 0);
    }
    if version < 3 {
        let ApiVersionsResponse {
            error_code,
            api_keys,
            throttle_time_ms,
            ..
        } = masked;
        masked = ApiVersionsResponse {
            error_code,
            api_keys,
            throttle_time_ms,
            ..Default::default()
        };
    }
    if version < 1 {
        masked.throttle_time_ms = 0;
    }
    masked
}

fn generated(response: &ApiVersionsResponse, _: i16) -> generated::ApiVersionsResponse {
    let api = |api: &ApiVersion| {
        parts::ApiVersion::default()
            .with_api_key(api.api_key.0)
            .with_min_version(api.versions.min)
            .with_max_version(api.versions.max)
    };
    let supported = |feature: &SupportedFeature| {
        parts::SupportedFeatureKey::default()
            .with_name(feature.name.clone())
            .with_min_version(feature.min_version)
            .with_max_version(feature.max_version)
    };
    let finalized = |feature: &FinalizedFeature| {
        parts::FinalizedFeatureKey::default()
            .with_name(feature.name.clone())
            .with_max_version_level(feature.max_version_level)
            .with_min_version_level(feature.min_version_level)
    };
    generated::ApiVersionsResponse::default()
        .with_error_code(response.error_code.0)
        .with_api_keys(response.api_keys.iter().map(api).collect())
        .with_throttle_time_ms(response.throttle_time_ms)
        .with_supported_features(response.supported_features.iter().map(supported).collect())
        .with_finalized_features_epoch(response.finalized_features_epoch)
        .with_finalized_features(response.finalized_features.iter().map(finalized).collect())
        .with_zk_migration_ready(response.zk_migration_ready)
}

#[test]
fn a_refusal_is_read_in_the_layout_of_version_0() {
    let refusal = ApiVersionsResponse {
        error_code: ErrorCode::UNSUPPORTED_VERSION,
        api_keys: vec![ApiVersion {
            api_key: ApiKey::API_VERSIONS,
            versions: VersionRange::new(0, 2),
        }],
        ..Default::default()
    };
    let mut body = Frame::new();
    ApiVersionsRequest::encode_response(&refusal, 0, &mut body).expect("encodes");
    assert_eq!(body.to_bytes(), &[0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 2][..]);
    for asked in 0..=4 {
        assert_eq!(
            ApiVersionsRequest::decode_response(asked, body.to_bytes()),
            Ok(refusal.clone())
        );
    }
}

#[test]
fn a_count_on_six_bytes_is_refused_without_memory() {
    let body = Bytes::from_static(&[0, 0, 0x7f, 0xff, 0xff, 0xff]);
    let error = ApiVersionsRequest::decode_response(0, body).expect_err("nothing follows");
    let length = i32::MAX.into();
    assert_eq!(
        error,
        DecodeError::Length {
            what: "api keys",
            length,
            limit: 0
        }
    );
}
