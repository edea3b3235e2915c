use ekafka_protocol::messages::{ApiVersion, ApiVersionsResponse};
use ekafka_protocol::{ApiKey, VersionRange};

use super::Versions;
use crate::address::HostPort;
use crate::error::ConnError;

fn versions(listed: &[(i16, i16, i16)]) -> Versions {
    Versions::from_answer(&ApiVersionsResponse {
        api_keys: listed
            .iter()
            .map(|(key, min, max)| ApiVersion {
                api_key: ApiKey(*key),
                versions: VersionRange::new(*min, *max),
            })
            .collect(),
        ..ApiVersionsResponse::default()
    })
}

#[test]
fn s64_the_newest_version_in_both_ranges_is_chosen() {
    let broker = HostPort::new("kafka", 9092);
    let versions = versions(&[
        (0, 3, 9),
        (1, 4, 11),
        (3, 9, 12),
        (30_000, 0, 1),
        (-5, 0, 1),
        (2, 5, 1),
    ]);
    #[track_caller]
    fn check(
        versions: &Versions,
        broker: &HostPort,
        api: i16,
        ours: (i16, i16),
        expected: Option<i16>,
    ) {
        let chosen = versions.choose(broker, ApiKey(api), VersionRange::new(ours.0, ours.1));
        assert_eq!(chosen.ok(), expected);
    }
    check(&versions, &broker, 0, (3, 13), Some(9));
    check(&versions, &broker, 0, (0, 7), Some(7));
    // Both ends count: a broker that has dropped our newest version is not spoken to.
    check(&versions, &broker, 3, (0, 8), None);
    check(&versions, &broker, 1, (12, 18), None);
    // Not listed, listed empty, and keys no Kafka has.
    check(&versions, &broker, 17, (0, 1), None);
    check(&versions, &broker, 2, (0, 9), None);
    check(&versions, &broker, 30_000, (0, 1), None);
    check(&versions, &broker, -5, (0, 1), None);
}

#[test]
fn no_common_version_names_both_ranges() {
    let broker = HostPort::new("kafka", 9092);
    let error = versions(&[(0, 9, 11)])
        .choose(&broker, ApiKey::PRODUCE, VersionRange::new(3, 8))
        .unwrap_err();
    assert!(matches!(error, ConnError::Unsupported { .. }));
    let text = error.to_string();
    for part in ["kafka:9092", "Produce", "3-8", "9-11"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.is_fatal() && !error.is_retriable());
}
