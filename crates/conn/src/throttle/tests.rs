use std::time::Duration;

use ekafka_protocol::ApiKey;

use super::{LONGEST, pause, trailing_pause};

#[test]
fn the_pause_is_read_where_the_client_must_keep_it() {
    let body = 250i32.to_be_bytes();
    assert_eq!(
        pause(ApiKey::FETCH, 12, &body),
        Some(Duration::from_millis(250))
    );
    assert_eq!(pause(ApiKey::FETCH, 7, &body), None);
    assert_eq!(pause(ApiKey::SASL_HANDSHAKE, 1, &body), None);
    assert_eq!(pause(ApiKey::METADATA, 12, &body[..3]), None);
}

#[test]
fn h13_absurd_pauses_are_capped_and_negative_ones_ignored() {
    assert_eq!(
        pause(ApiKey::METADATA, 12, &i32::MAX.to_be_bytes()),
        Some(LONGEST)
    );
    assert_eq!(pause(ApiKey::METADATA, 12, &(-1i32).to_be_bytes()), None);
    assert_eq!(pause(ApiKey::METADATA, 12, &0i32.to_be_bytes()), None);
}

#[test]
fn produce_answers_count_from_version_six() {
    assert_eq!(trailing_pause(5, 100), None);
    assert_eq!(trailing_pause(6, 100), Some(Duration::from_millis(100)));
    assert_eq!(trailing_pause(9, i32::MAX), Some(LONGEST));
}
