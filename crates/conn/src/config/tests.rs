use std::time::Duration;

use super::ConnConfig;

#[test]
fn the_default_passes_its_own_check() {
    ConnConfig::default().check().unwrap();
}

#[test]
fn all_faults_are_reported_in_one_error() {
    let error = ConnConfig::default()
        .timeout(Duration::ZERO)
        .max_frame(0)
        .reconnect_backoff(Duration::from_secs(2), Duration::from_secs(1))
        .client_id("x".repeat(40_000))
        .check()
        .unwrap_err()
        .to_string();
    for fault in [
        "timeout is zero",
        "max_frame",
        "first wait",
        "client_id is longer",
    ] {
        assert!(error.contains(fault), "{error}");
    }
}

#[test]
fn endless_time_limits_do_not_overflow() {
    let config = ConnConfig::default()
        .timeout(Duration::MAX)
        .request_timeout(Duration::MAX);
    let now = tokio::time::Instant::now();
    assert!(config.dial_deadline(now) > now);
    assert!(config.request_deadline(now) > now);
}

#[test]
fn the_earlier_of_timeout_and_deadline_limits_a_dial() {
    let now = tokio::time::Instant::now();
    let config = ConnConfig::default().deadline(now + Duration::from_secs(1));
    assert_eq!(config.dial_deadline(now), now + Duration::from_secs(1));
    let config = ConnConfig::default().deadline(now + Duration::from_secs(60));
    assert_eq!(config.dial_deadline(now), now + Duration::from_secs(10));
}
