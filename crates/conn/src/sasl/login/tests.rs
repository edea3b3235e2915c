use std::time::Duration;

use ekafka_protocol::{ErrorCode, VersionRange};

use super::{Action, Login, LoginError, MAX_TOKEN, Offered, Privacy};
use crate::sasl::{Mechanism, MechanismError, MechanismSession, Plain, Step};
use crate::{HostPort, Scram, ScramAlgorithm};

const CURRENT: Offered = Offered {
    handshake: Some(VersionRange::new(0, 1)),
    authenticate: Some(VersionRange::new(0, 2)),
};
const ENCRYPTED: Privacy = Privacy {
    encrypted: true,
    clear_allowed: false,
};
const CLEAR: Privacy = Privacy {
    encrypted: false,
    clear_allowed: false,
};

fn host() -> HostPort {
    HostPort::new("broker", 9092)
}

fn plain() -> Plain {
    Plain::new("user", "secret").unwrap()
}

fn start(offered: Offered) -> Result<(Login, Action), LoginError> {
    Login::start(&plain(), &host(), offered, ENCRYPTED)
}

fn accept(login: &mut Login) -> Result<Action, LoginError> {
    login.handle_handshake(ErrorCode::NONE, ["SCRAM-SHA-256", "PLAIN"].into_iter())
}

/// Answers each token by one more byte, for `left` rounds.
#[derive(Debug)]
struct Rounds(usize);

struct Round(usize);

impl Mechanism for Rounds {
    fn name(&self) -> &str {
        "ROUNDS"
    }

    fn start(&self, _: &HostPort) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
        Ok((Box::new(Round(self.0)), Vec::new()))
    }
}

impl MechanismSession for Round {
    fn next(&mut self, challenge: &[u8]) -> Result<Step, MechanismError> {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                Ok(Step::Send([challenge, b"+"].concat()))
            }
            None => Ok(Step::Done),
        }
    }
}

#[test]
fn tokens_travel_in_requests_after_handshake_v1() {
    let (mut login, action) = start(CURRENT).unwrap();
    assert!(
        action
            == Action::Handshake {
                version: 1,
                mechanism: "PLAIN".to_owned()
            }
    );
    let action = accept(&mut login).unwrap();
    let token = b"\0user\0secret".to_vec();
    assert!(action == Action::Authenticate { version: 2, token });
    let action = login
        .handle_authenticate(ErrorCode::NONE, None, b"", 0)
        .unwrap();
    assert!(action == Action::Done(None));
}

#[test]
fn session_lifetime_is_reported() {
    for (milliseconds, lifetime) in [(3_600_000, Some(Duration::from_secs(3600))), (-1, None)] {
        let (mut login, _) = start(CURRENT).unwrap();
        accept(&mut login).unwrap();
        let action = login
            .handle_authenticate(ErrorCode::NONE, None, b"", milliseconds)
            .unwrap();
        assert!(action == Action::Done(lifetime));
    }
}

#[test]
fn x19_bare_tokens_only_for_brokers_that_know_nothing_else() {
    let old = Offered {
        handshake: Some(VersionRange::new(0, 0)),
        authenticate: None,
    };
    let (mut login, action) = start(old).unwrap();
    assert!(
        action
            == Action::Handshake {
                version: 0,
                mechanism: "PLAIN".to_owned()
            }
    );
    assert!(accept(&mut login).unwrap() == Action::Raw(b"\0user\0secret".to_vec()));
    assert!(login.handle_token(b"").unwrap() == Action::Done(None));
    // One that lists v1 is never spoken to in bare tokens.
    let odd = Offered {
        authenticate: None,
        ..CURRENT
    };
    assert_eq!(start(odd).err(), Some(LoginError::NotOffered));
}

#[test]
fn x14_broker_without_a_log_in_is_refused() {
    let none = Offered {
        handshake: None,
        authenticate: None,
    };
    assert_eq!(start(none).err(), Some(LoginError::NotOffered));
    let foreign = Offered {
        handshake: Some(VersionRange::new(7, 9)),
        ..CURRENT
    };
    assert_eq!(start(foreign).err(), Some(LoginError::NotOffered));
}

#[test]
fn x15_other_mechanisms_are_listed_not_tried() {
    let offered = ["PLAIN", "GSSAPI\n"];
    let expected = LoginError::Mechanism {
        mechanism: "SCRAM-SHA-512".into(),
        offered: "PLAIN, GSSAPI\\n".into(),
    };
    let scram = Scram::new(ScramAlgorithm::Sha512, "user", "secret").unwrap();
    for code in [ErrorCode::UNSUPPORTED_SASL_MECHANISM, ErrorCode::NONE] {
        let (mut login, _) = Login::start(&scram, &host(), CURRENT, CLEAR).unwrap();
        let error = login
            .handle_handshake(code, offered.into_iter())
            .err()
            .unwrap();
        assert_eq!(error, expected);
        assert_eq!(error.code(), Some(ErrorCode::UNSUPPORTED_SASL_MECHANISM));
    }
}

#[test]
fn x16_password_in_clear_needs_permission_by_name() {
    let begin = |privacy| Login::start(&plain(), &host(), CURRENT, privacy).map(drop);
    // The host makes no difference, loopback included.
    let local = HostPort::new("127.0.0.1", 9092);
    let refused = LoginError::Clear {
        mechanism: "PLAIN".into(),
    };
    assert_eq!(begin(CLEAR), Err(refused.clone()));
    assert_eq!(
        Login::start(&plain(), &local, CURRENT, CLEAR).map(drop),
        Err(refused)
    );
    assert_eq!(begin(ENCRYPTED), Ok(()));
    assert_eq!(
        begin(Privacy {
            encrypted: false,
            clear_allowed: true
        }),
        Ok(())
    );
    // A mechanism that shows nothing needs none.
    let scram = Scram::new(ScramAlgorithm::Sha256, "user", "secret").unwrap();
    assert!(Login::start(&scram, &host(), CURRENT, CLEAR).is_ok());
}

#[test]
fn x17_refusal_carries_code_and_escaped_words() {
    let (mut login, _) = start(CURRENT).unwrap();
    accept(&mut login).unwrap();
    let code = ErrorCode::SASL_AUTHENTICATION_FAILED;
    let error = login
        .handle_authenticate(code, Some("no\u{1b}[1m"), b"", 0)
        .err()
        .unwrap();
    assert_eq!(
        error,
        LoginError::Refused {
            code,
            message: "no\\u{1b}[1m".into()
        }
    );
    // Nothing is answered after a refusal.
    let again = login.handle_authenticate(ErrorCode::NONE, None, b"", 0);
    assert_eq!(again.err(), Some(LoginError::Order));
}

#[test]
fn x18_answers_out_of_turn_are_refused() {
    let (mut login, _) = start(CURRENT).unwrap();
    let early = login.handle_authenticate(ErrorCode::NONE, None, b"", 0);
    assert_eq!(early.err(), Some(LoginError::Order));

    let (mut login, _) = start(CURRENT).unwrap();
    accept(&mut login).unwrap();
    assert_eq!(accept(&mut login).err(), Some(LoginError::Order));

    let (mut login, _) = start(CURRENT).unwrap();
    accept(&mut login).unwrap();
    login
        .handle_authenticate(ErrorCode::NONE, None, b"", 0)
        .unwrap();
    let after = login.handle_authenticate(ErrorCode::NONE, None, b"", 0);
    assert_eq!(after.err(), Some(LoginError::Order));
}

#[test]
fn x18_tokens_are_bounded_both_ways() {
    let rounds = Rounds(1);
    let begin = || {
        let (mut login, _) = Login::start(&rounds, &host(), CURRENT, CLEAR).unwrap();
        login
            .handle_handshake(ErrorCode::NONE, ["ROUNDS"].into_iter())
            .unwrap();
        login
    };
    let answer = |length: usize| {
        begin()
            .handle_authenticate(ErrorCode::NONE, None, &vec![b'x'; length], 0)
            .err()
    };
    assert_eq!(answer(MAX_TOKEN - 1), None);
    let too_long = LoginError::TokenLength {
        length: MAX_TOKEN + 1,
    };
    // Theirs, and ours made from theirs.
    assert_eq!(answer(MAX_TOKEN + 1), Some(too_long.clone()));
    assert_eq!(answer(MAX_TOKEN), Some(too_long));
}

#[test]
fn exchanges_of_many_rounds_go_on_until_done() {
    let (mut login, _) = Login::start(&Rounds(3), &host(), CURRENT, CLEAR).unwrap();
    let mut action = login
        .handle_handshake(ErrorCode::NONE, ["ROUNDS"].into_iter())
        .unwrap();
    let mut sent = Vec::new();
    while let Action::Authenticate { token, .. } = action {
        action = login
            .handle_authenticate(ErrorCode::NONE, None, &token, 0)
            .unwrap();
        sent.push(token.len());
    }
    assert_eq!(sent, [0, 1, 2, 3]);
    assert!(action == Action::Done(None));
}

#[test]
fn hashing_is_announced_before_the_token_that_needs_it() {
    let scram = Scram::new(ScramAlgorithm::Sha256, "user", "secret").unwrap();
    let (mut login, _) = Login::start(&scram, &host(), CURRENT, CLEAR).unwrap();
    assert!(!login.is_expensive());
    login
        .handle_handshake(ErrorCode::NONE, ["SCRAM-SHA-256"].into_iter())
        .unwrap();
    assert!(login.is_expensive());
}
