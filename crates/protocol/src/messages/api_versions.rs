//! ApiVersions (key 18): what a broker speaks. The first request on every connection.
//!
//! Source: schemas `ApiVersionsRequest` and `ApiVersionsResponse`, versions 0-4; KIP-511, KIP-584.

use bytes::Bytes;

use super::{refuse_unless_read, refuse_unless_written};
use crate::{
    ApiKey, BrokerRequest, DecodeError, Decoder, EncodeError, Encoder, ErrorCode, Frame, Request,
    StrBytes, TaggedFields, VersionRange,
};

#[cfg(test)]
mod tests;

/// Asks which APIs in which versions the broker speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiVersionsRequest {
    /// Name of the client library; letters, digits, `-` and `.` only (KIP-511). From version 3 on.
    pub client_software_name: StrBytes,
    /// Version of the client library, of the same characters. From version 3 on.
    pub client_software_version: StrBytes,
}

/// What the broker speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVersionsResponse {
    /// `UNSUPPORTED_VERSION` when the request's version was too new; `api_keys` then still says
    /// which versions of ApiVersions would be understood.
    pub error_code: ErrorCode,
    /// The APIs.
    pub api_keys: Vec<ApiVersion>,
    /// How long the broker held the answer back, in milliseconds. From version 1 on.
    pub throttle_time_ms: i32,
    /// Cluster features the broker could turn on. From version 3 on.
    pub supported_features: Vec<SupportedFeature>,
    /// Grows with each change of `finalized_features`; -1 when unknown. From version 3 on.
    pub finalized_features_epoch: i64,
    /// Cluster features that are on. From version 3 on.
    pub finalized_features: Vec<FinalizedFeature>,
    /// Only of meaning while a ZooKeeper cluster migrates. From version 3 on.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: ErrorCode::NONE,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

/// One API the broker speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiVersion {
    /// Which; maybe one this crate does not know.
    pub api_key: ApiKey,
    /// In which versions.
    pub versions: VersionRange,
}

/// A feature a broker could turn on (KIP-584).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportedFeature {
    /// Its name, such as `metadata.version`.
    pub name: StrBytes,
    /// The lowest level.
    pub min_version: i16,
    /// The highest level.
    pub max_version: i16,
}

/// A feature that is on (KIP-584).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalizedFeature {
    /// Its name, such as `transaction.version`.
    pub name: StrBytes,
    /// The highest level in the cluster.
    pub max_version_level: i16,
    /// The lowest level in the cluster.
    pub min_version_level: i16,
}

impl Request for ApiVersionsRequest {
    const API: ApiKey = ApiKey::API_VERSIONS;
    const VERSIONS: VersionRange = VersionRange::new(0, 4);
    type Response = ApiVersionsResponse;

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        if version >= FIRST_FLEXIBLE {
            let mut out = Encoder::new(out, true);
            out.string("client software name", &self.client_software_name)?;
            out.string("client software version", &self.client_software_version)?;
            out.no_tags();
        }
        Ok(())
    }

    /// Reads the answer. A refusal of the version (`UNSUPPORTED_VERSION`) is laid out as version 0,
    /// whatever was asked.
    fn decode_response(version: i16, body: Bytes) -> Result<ApiVersionsResponse, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut decoder = Decoder::new(body, false);
        let refused = decoder.peek_i16() == Some(ErrorCode::UNSUPPORTED_VERSION.0);
        let version = if refused { 0 } else { version };
        decoder.set_flexible(version >= FIRST_FLEXIBLE);
        let answer = decode_answer(version, &mut decoder)?;
        decoder.finish()?;
        Ok(answer)
    }
}

impl BrokerRequest for ApiVersionsRequest {
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut request = Self::default();
        let mut decoder = Decoder::new(body, version >= FIRST_FLEXIBLE);
        if version >= FIRST_FLEXIBLE {
            request.client_software_name = decoder.string("client software name")?;
            request.client_software_version = decoder.string("client software version")?;
            decoder.skip_tags()?;
        }
        decoder.finish()?;
        Ok(request)
    }

    /// Writes the answer. For a refusal (`UNSUPPORTED_VERSION`) pass version 0, in which every
    /// client reads it.
    fn encode_response(
        response: &ApiVersionsResponse,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        let mut out = Encoder::new(out, version >= FIRST_FLEXIBLE);
        out.error_code(response.error_code);
        out.array("api keys", &response.api_keys, |out, api| {
            out.i16(api.api_key.0);
            out.i16(api.versions.min);
            out.i16(api.versions.max);
            out.no_tags();
            Ok(())
        })?;
        if version >= 1 {
            out.i32(response.throttle_time_ms);
        }
        out.tags(features(response, version)?);
        Ok(())
    }
}

fn decode_answer(version: i16, d: &mut Decoder) -> Result<ApiVersionsResponse, DecodeError> {
    let mut response = ApiVersionsResponse {
        error_code: d.error_code()?,
        ..Default::default()
    };
    response.api_keys = d.array("api keys", 6, |d| {
        let api_key = ApiKey(d.i16("api key")?);
        let versions = VersionRange::new(d.i16("min version")?, d.i16("max version")?);
        d.skip_tags()?;
        Ok(ApiVersion { api_key, versions })
    })?;
    if version >= 1 {
        response.throttle_time_ms = d.i32("throttle time")?;
    }
    d.tags(|tag, d| {
        match tag {
            0 => response.supported_features = decode_supported(d)?,
            1 => response.finalized_features_epoch = d.i64("finalized features epoch")?,
            2 => response.finalized_features = decode_finalized(d)?,
            3 => response.zk_migration_ready = d.bool("zk migration ready")?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(response)
}

fn decode_supported(d: &mut Decoder) -> Result<Vec<SupportedFeature>, DecodeError> {
    d.array("supported features", 6, |d| {
        let name = d.string("feature name")?;
        let (min_version, max_version) = (d.i16("min version")?, d.i16("max version")?);
        d.skip_tags()?;
        Ok(SupportedFeature {
            name,
            min_version,
            max_version,
        })
    })
}

fn decode_finalized(d: &mut Decoder) -> Result<Vec<FinalizedFeature>, DecodeError> {
    d.array("finalized features", 6, |d| {
        let name = d.string("feature name")?;
        let (max_version_level, min_version_level) = (d.i16("max level")?, d.i16("min level")?);
        d.skip_tags()?;
        Ok(FinalizedFeature {
            name,
            max_version_level,
            min_version_level,
        })
    })
}

fn features(response: &ApiVersionsResponse, version: i16) -> Result<TaggedFields, EncodeError> {
    let mut tags = TaggedFields::default();
    // Clients of version 3 refuse a lowest level of 0, so such features are not told to them.
    let told = |feature: &&SupportedFeature| version >= 4 || feature.min_version != 0;
    let supported: Vec<_> = response.supported_features.iter().filter(told).collect();
    if !supported.is_empty() {
        tags.put(0, |out| {
            out.array("supported features", &supported, |out, feature| {
                out.string("feature name", &feature.name)?;
                out.i16(feature.min_version);
                out.i16(feature.max_version);
                out.no_tags();
                Ok(())
            })
        })?;
    }
    if response.finalized_features_epoch != -1 {
        tags.put(1, |out| {
            out.i64(response.finalized_features_epoch);
            Ok(())
        })?;
    }
    if !response.finalized_features.is_empty() {
        tags.put(2, |out| {
            out.array(
                "finalized features",
                &response.finalized_features,
                |out, feature| {
                    out.string("feature name", &feature.name)?;
                    out.i16(feature.max_version_level);
                    out.i16(feature.min_version_level);
                    out.no_tags();
                    Ok(())
                },
            )
        })?;
    }
    if response.zk_migration_ready {
        tags.put(3, |out| {
            out.bool(true);
            Ok(())
        })?;
    }
    Ok(tags)
}

const FIRST_FLEXIBLE: i16 = 3;
