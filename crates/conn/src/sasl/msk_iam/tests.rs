use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::super::{Mechanism, MechanismError, Step};
use super::MskIam;
use crate::HostPort;

/// The mechanism with the credentials of the published examples, its clock stopped.
fn at(region: &str, second: u64) -> MskIam {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    MskIam::new("ACCESS_KEY", "SECRET_KEY", region)
        .unwrap()
        .clock(move || now)
}

fn token(mechanism: &MskIam, host: &str) -> Value {
    let (_, initial) = mechanism.start(&HostPort::new(host, 9098)).unwrap();
    serde_json::from_slice(&initial).unwrap()
}

/// 2021-10-14 13:05:00 UTC.
const OCTOBER: u64 = 1_634_216_700;

#[test]
fn t40_token_is_the_one_other_clients_send() {
    assert_eq!(
        token(&at("us-east-1", OCTOBER), "localhost"),
        json!({
            "version": "2020_10_22",
            "host": "localhost",
            "user-agent": "ekafka",
            "action": "kafka-cluster:Connect",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": "ACCESS_KEY/20211014/us-east-1/kafka-cluster/aws4_request",
            "x-amz-date": "20211014T130500Z",
            "x-amz-expires": "300",
            "x-amz-signedheaders": "host",
            "x-amz-signature": "6b8d25f9b45b9c7db9da855a49112d80379224153a27fd279c305a5b7940d1a7",
        })
    );
}

#[test]
fn session_token_expiry_host_and_region_are_signed() {
    // Signed by an independent program; the session token needs escaping both in JSON and in what is signed.
    let session = r#"a/b+c~=="\%"#;
    let mechanism = at("eu-central-1", 1_709_251_199)
        .session_token(session)
        .unwrap()
        .expiry(Duration::from_millis(900_999))
        .unwrap();
    let token = token(&mechanism, "b-1.example.com");
    assert_eq!(token["x-amz-security-token"], session);
    assert_eq!(token["x-amz-date"], "20240229T235959Z");
    assert_eq!(token["x-amz-expires"], "900");
    assert_eq!(
        token["x-amz-signature"],
        "0f51eec727b4c45551c03650596d560c0295786102917693e608e7c9c9a49c19"
    );
}

#[test]
fn dates_follow_the_gregorian_calendar() {
    for (second, date) in [
        (0, "19700101T000000Z"),
        (951_782_400, "20000229T000000Z"),
        (951_868_800, "20000301T000000Z"),
        (1_735_689_599, "20241231T235959Z"),
        (4_107_542_400, "21000301T000000Z"),
        (253_402_300_799, "99991231T235959Z"),
    ] {
        let token = token(&at("us-east-1", second), "localhost");
        assert_eq!(token["x-amz-date"], date);
    }
}

#[test]
fn times_that_cannot_be_written_are_refused() {
    let early = || SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let mechanism = at("us-east-1", 0).clock(early);
    for mechanism in [mechanism, at("us-east-1", 253_402_300_800)] {
        let refused = mechanism.start(&HostPort::new("localhost", 9098));
        assert!(matches!(
            refused.map(|_| ()),
            Err(MechanismError::Credentials(_))
        ));
    }
}

#[test]
fn signing_time_is_now_unless_told() {
    let date = |mechanism: &MskIam| token(mechanism, "localhost")["x-amz-date"].to_string();
    let seconds = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap().as_secs()
    };
    let mechanism = MskIam::new("ACCESS_KEY", "SECRET_KEY", "us-east-1").unwrap();
    let before = seconds();
    let signed = date(&mechanism);
    let after = seconds();
    assert!(
        (before..=after).any(|second| date(&at("us-east-1", second)) == signed),
        "{signed}"
    );
}

#[test]
fn every_log_in_is_signed_anew_and_ends_with_the_first_answer() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(OCTOBER);
    let asked = std::sync::atomic::AtomicU64::new(0);
    let mechanism = at("us-east-1", 0).clock(move || {
        let minutes = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        start + Duration::from_mins(minutes)
    });
    for date in ["20211014T130500Z", "20211014T130600Z"] {
        assert_eq!(token(&mechanism, "localhost")["x-amz-date"], date);
    }
    let (mut session, _) = mechanism.start(&HostPort::new("localhost", 9098)).unwrap();
    assert_eq!(session.next(br#"{"request-id":"x"}"#), Ok(Step::Done));
}

#[test]
fn host_is_escaped_in_the_token() {
    let token = token(&at("us-east-1", 0), "a\"\\\u{1}\u{e9}");
    assert_eq!(token["host"], "a\"\\\u{1}\u{e9}");
}

#[test]
fn unusable_settings_are_refused() {
    for (access, secret, region) in [
        ("", "s", "r"),
        ("a/b", "s", "r"),
        ("a", "", "r"),
        ("a", "s\n", "r"),
        ("a", "s", ""),
        ("a", "s", "r/s"),
        ("a", "s", "r s"),
    ] {
        assert!(
            matches!(
                MskIam::new(access, secret, region),
                Err(MechanismError::Credentials(_))
            ),
            "{access:?} {secret:?} {region:?}"
        );
    }
    let mechanism = at("us-east-1", 0);
    for token in ["", "token\n"] {
        assert!(mechanism.clone().session_token(token).is_err(), "{token:?}");
    }
    let week = Duration::from_hours(168);
    for expiry in [Duration::from_millis(999), week + Duration::from_secs(1)] {
        assert!(mechanism.clone().expiry(expiry).is_err(), "{expiry:?}");
    }
    assert!(mechanism.expiry(week).is_ok());
}

#[test]
fn x26_debug_shows_no_secret() {
    let mechanism = MskIam::new("ACCESS_KEY", "canary-secret", "us-east-1")
        .unwrap()
        .session_token("canary-token")
        .unwrap();
    let shown = format!("{mechanism:?}");
    assert!(
        shown.contains("ACCESS_KEY") && !shown.contains("canary"),
        "{shown}"
    );
    // Nor is the secret key in what is sent.
    let (_, initial) = mechanism.start(&HostPort::new("localhost", 9098)).unwrap();
    assert!(
        !String::from_utf8(initial)
            .unwrap()
            .contains("canary-secret")
    );
}
