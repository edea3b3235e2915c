use super::super::{Mechanism, MechanismError, Step};
use super::Plain;
use crate::HostPort;

#[test]
fn token_is_name_and_password_between_zero_bytes() {
    let plain = Plain::new("user", "päss").unwrap();
    for _ in 0..3 {
        let (mut session, initial) = plain.start(&HostPort::new("broker", 9092)).unwrap();
        assert_eq!(initial, b"\0user\0p\xc3\xa4ss");
        assert_eq!(session.next(b""), Ok(Step::Done));
    }
    assert!(plain.exposes_secret());
}

#[test]
fn x23_unusable_credentials_are_refused() {
    for (user, password) in [("", "p"), ("u", ""), ("u\0", "p"), ("u", "p\0q")] {
        let refused = Plain::new(user, password);
        assert!(
            matches!(refused, Err(MechanismError::Credentials(_))),
            "{user:?} {password:?}"
        );
    }
}

#[test]
fn x26_debug_shows_no_password() {
    let shown = format!("{:?}", Plain::new("user", "canary-password").unwrap());
    assert!(
        shown.contains("user") && !shown.contains("canary"),
        "{shown}"
    );
}
