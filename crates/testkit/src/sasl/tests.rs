use std::time::Duration;

use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use super::{Login, Progress, UserBase};
use crate::settings::{SaslMechanism, User};

fn users(mechanism: SaslMechanism, name: &str, password: &str) -> UserBase {
    let user = User {
        mechanism,
        name: name.to_owned(),
        password: password.to_owned(),
    };
    UserBase::new(vec![user], Duration::from_secs(10))
}

#[test]
fn plain_takes_the_right_password_and_nothing_else() {
    let users = users(SaslMechanism::Plain, "bob", "secret");
    let now = Instant::now();
    let refused = Err(ErrorCode::SASL_AUTHENTICATION_FAILED);
    for (token, expected) in [
        (
            "\0bob\0secret",
            Ok(Progress::Done(Vec::new(), Duration::from_secs(10))),
        ),
        (
            "bob\0bob\0secret",
            Ok(Progress::Done(Vec::new(), Duration::from_secs(10))),
        ),
        ("eve\0bob\0secret", refused.clone()),
        ("\0bob\0Secret", refused.clone()),
        ("\0eve\0secret", refused.clone()),
        ("bob\0secret", refused.clone()),
        ("", refused.clone()),
    ] {
        let mut login = Login::default();
        login.begin(&users, "PLAIN", false).unwrap();
        assert_eq!(
            login.token(&users, token.as_bytes(), "", now),
            expected,
            "{token:?}"
        );
        assert_eq!(login.is_valid(now), expected.is_ok());
        assert!(!login.is_valid(now + Duration::from_secs(10)));
    }
}

#[test]
fn only_mechanisms_with_users_are_offered() {
    let users = users(SaslMechanism::ScramSha256, "bob", "secret");
    let mut login = Login::default();
    assert_eq!(
        login.begin(&users, "PLAIN", false),
        Err(ErrorCode::UNSUPPORTED_SASL_MECHANISM)
    );
    assert_eq!(
        login.token(&users, b"x", "", Instant::now()),
        Err(ErrorCode::ILLEGAL_SASL_STATE)
    );
    assert_eq!(
        login.begin(&UserBase::default(), "PLAIN", false),
        Err(ErrorCode::ILLEGAL_SASL_STATE)
    );
}

/// The exchange that RFC 7677 prints has another salt than ours, so the proof is checked by the client of this repository
/// and by Kafka's own; here: what must be refused.
#[test]
fn scram_refuses_a_wrong_nonce_binding_or_proof() {
    for mechanism in [SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
        let users = users(mechanism, "a,b=c", "secret");
        let now = Instant::now();
        for last in [
            "c=biws,r=nonceserver,p=AAAA",
            "c=biws,r=other,p=AAAA",
            "c=eSws,r=nonceserver,p=AAAA",
            "r=x",
        ] {
            let mut login = Login::default();
            login.begin(&users, mechanism.name(), false).unwrap();
            let first = login
                .token(&users, b"n,,n=a=2Cb=3Dc,r=nonce", "server", now)
                .unwrap();
            let Progress::Challenge(first) = first else {
                panic!("done too early")
            };
            let first = String::from_utf8(first).unwrap();
            assert!(
                first.starts_with("r=nonceserver,s=") && first.ends_with(",i=4096"),
                "{first}"
            );
            let refused = login.token(&users, last.as_bytes(), "", now);
            assert_eq!(
                refused,
                Err(ErrorCode::SASL_AUTHENTICATION_FAILED),
                "{last}"
            );
            assert!(!login.is_valid(now));
        }
    }
}
