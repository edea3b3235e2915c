use super::*;

#[test]
fn keys_are_the_table_s_indexes() {
    for (index, entry) in TABLE.iter().enumerate() {
        assert_eq!(usize::try_from(entry.key.0), Ok(index), "{}", entry.name);
    }
}

#[test]
fn header_versions_follow_flexibility() {
    let check = |api, version, request, response| {
        assert_eq!(
            request_header_version(api, version),
            request,
            "{api} {version}"
        );
        assert_eq!(
            response_header_version(api, version),
            response,
            "{api} {version}"
        );
    };
    check(ApiKey::PRODUCE, 8, 1, 0);
    check(ApiKey::PRODUCE, 9, 2, 1);
    check(ApiKey::SASL_HANDSHAKE, 1, 1, 0);
    check(ApiKey::API_VERSIONS, 2, 1, 0);
    check(ApiKey::API_VERSIONS, 4, 2, 0);
    check(ApiKey::OFFSET_DELETE, 0, 1, 0);
}

#[test]
fn names_are_kafka_s_and_unknown_numbers_print_as_numbers() {
    assert_eq!(ApiKey::LIST_OFFSETS.to_string(), "ListOffsets");
    assert_eq!(format!("{:?}", ApiKey(3)), "Metadata");
    assert_eq!(ApiKey(-1).to_string(), "ApiKey(-1)");
    assert_eq!(ApiKey(999).to_string(), "ApiKey(999)");
    assert!(ApiKey(999).stable_versions().is_empty());
}

#[test]
fn unstable_versions_are_left_out() {
    assert_eq!(ApiKey::OFFSET_COMMIT.stable_versions().max, 9);
    assert_eq!(ApiKey::INIT_PRODUCER_ID.stable_versions().max, 5);
    assert!(ApiKey::STREAMS_GROUP_HEARTBEAT.stable_versions().is_empty());
    assert!(ApiKey::LEADER_AND_ISR.stable_versions().is_empty());
}

#[test]
fn the_latest_common_version_respects_both_ends() {
    let ours = VersionRange::new(3, 13);
    let check = |min, max, expected| {
        assert_eq!(
            ours.latest_common(VersionRange::new(min, max)),
            expected,
            "{min}-{max}"
        );
    };
    check(0, 7, Some(7));
    check(0, 20, Some(13));
    check(13, 20, Some(13));
    check(14, 20, None);
    check(0, 2, None);
    check(5, 4, None);
}
