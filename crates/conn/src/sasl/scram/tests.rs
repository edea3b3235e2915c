use sasl::common::scram::{ScramProvider, Sha1, Sha256};

use super::super::{MechanismError, MechanismSession, Step};
use super::sha512::Sha512;
use super::{Scram, ScramAlgorithm};

const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SALT: &str = "W22ZaJ0SNY7soEsUEjb6gQ==";

fn begin<S: ScramProvider + 'static>(
    user: &str,
    password: &str,
    nonce: &str,
) -> (Box<dyn MechanismSession>, String) {
    let scram = Scram::new(ScramAlgorithm::Sha256, user, password).unwrap();
    let (session, initial) = scram.session::<S>(nonce.to_owned());
    (session, String::from_utf8(initial).unwrap())
}

/// Runs a whole exchange whose four messages are known.
#[track_caller]
fn check_vector<S: ScramProvider + 'static>(nonce: &str, messages: [&str; 4]) {
    let [client_first, server_first, client_last, server_last] = messages;
    let (mut session, initial) = begin::<S>("user", "pencil", nonce);
    assert_eq!(initial, client_first);
    assert!(session.is_expensive());
    let reply = session.next(server_first.as_bytes()).unwrap();
    assert_eq!(reply, Step::Send(client_last.as_bytes().to_vec()));
    assert!(!session.is_expensive());
    assert_eq!(session.next(server_last.as_bytes()), Ok(Step::Done));
    let over = MechanismError::Challenge("the exchange has ended");
    assert_eq!(session.next(server_last.as_bytes()), Err(over));
}

#[test]
fn x23_vector_of_rfc_5802() {
    check_vector::<Sha1>(
        "fyko+d2lbbFgONRv9qkxdawL",
        [
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ],
    );
}

#[test]
fn x23_vector_of_rfc_7677() {
    check_vector::<Sha256>(
        NONCE,
        [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ],
    );
}

/// The same exchange with SHA-512, computed with Python's hashlib and hmac.
#[test]
fn x23_vector_with_sha_512() {
    check_vector::<Sha512>(
        NONCE,
        [
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
            "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
        ],
    );
}

/// The answer to a first message of the server.
fn first(message: &str) -> Result<Step, MechanismError> {
    begin::<Sha256>("user", "pencil", NONCE)
        .0
        .next(message.as_bytes())
}

#[test]
fn x20_server_nonce_must_extend_ours() {
    let wrong = [
        "",
        "other",
        &NONCE[..10],
        NONCE,
        "rOprNGfwEbeRWgbNEkqP%hvYDpWUa2RaTCAf",
        "rOprNGfwEbeRWgbNEkqO\u{7f}",
    ];
    for nonce in wrong {
        let answer = first(&format!("r={nonce},s={SALT},i=4096"));
        assert_eq!(answer, Err(MechanismError::Nonce), "{nonce:?}");
    }
}

#[test]
fn x21_iterations_and_salt_are_bounded_before_hashing() {
    for (count, found) in [("1", 1), ("4095", 4095), ("1000001", 1_000_001)] {
        let (min, max) = (4096, 1_000_000);
        let error = MechanismError::Iterations { found, min, max };
        let answer = first(&format!("r={SERVER_NONCE},s={SALT},i={count}"));
        assert_eq!(answer, Err(error), "{count}");
    }
    for count in [
        "2147483647",
        "4294967296",
        "99999999999999999999",
        "",
        "-1",
        "+4096",
        "0x1000",
    ] {
        let answer = first(&format!("r={SERVER_NONCE},s={SALT},i={count}"));
        assert!(answer.is_err(), "{count}");
    }
    let megabyte = "A".repeat(1_398_104);
    for salt in ["", "!", megabyte.as_str()] {
        let answer = first(&format!("r={SERVER_NONCE},s={salt},i=4096"));
        assert!(
            matches!(answer, Err(MechanismError::Challenge(_))),
            "{}",
            salt.len()
        );
    }
    assert!(matches!(
        first(&format!("r={SERVER_NONCE},s={SALT},i=4096")),
        Ok(Step::Send(_))
    ));
}

#[test]
fn x21_iteration_cap_is_configurable() {
    let scram = Scram::new(ScramAlgorithm::Sha256, "user", "pencil")
        .unwrap()
        .max_iterations(5_000);
    let message = |count| format!("r={SERVER_NONCE},s={SALT},i={count}");
    let (mut session, _) = scram.session::<Sha256>(NONCE.to_owned());
    let error = MechanismError::Iterations {
        found: 5_001,
        min: 4_096,
        max: 5_000,
    };
    assert_eq!(session.next(message(5_001).as_bytes()), Err(error));
    let (mut session, _) = scram.session::<Sha256>(NONCE.to_owned());
    assert!(session.next(message(5_000).as_bytes()).is_ok());
}

#[test]
fn x22_only_the_right_server_signature_ends_the_exchange() {
    let right = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    let last = |message: &str| {
        let (mut session, _) = begin::<Sha256>("user", "pencil", NONCE);
        session
            .next(format!("r={SERVER_NONCE},s={SALT},i=4096").as_bytes())
            .unwrap();
        session.next(message.as_bytes())
    };
    for wrong in [
        "v=",
        "v=AAAA",
        "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ] {
        assert_eq!(last(wrong), Err(MechanismError::Signature), "{wrong}");
    }
    for wrong in ["", "v", "v=!", "x=AAAA", right] {
        assert!(
            matches!(last(wrong), Err(MechanismError::Challenge(_))),
            "{wrong}"
        );
    }
    assert_eq!(last(&format!("v={right},x=extension")), Ok(Step::Done));
}

#[test]
fn x22_success_before_the_proof_is_refused() {
    let right = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    for early in ["", right] {
        assert!(
            matches!(first(early), Err(MechanismError::Challenge(_))),
            "{early}"
        );
    }
}

#[test]
fn x22_the_servers_error_field_is_shown_escaped() {
    let refused = |words: &str| Err(MechanismError::Refused(words.into()));
    assert_eq!(
        first("e=invalid-username-encoding"),
        refused("invalid-username-encoding")
    );
    assert_eq!(first("e=a\u{1b}[2J\n"), refused("a\\u{1b}[2J\\n"));
    let long = first(&format!("e={}", "x".repeat(10_000)));
    assert_eq!(long, refused(&"x".repeat(200)));
}

#[test]
fn x23_mandatory_extensions_are_refused_and_optional_ones_ignored() {
    let answer = first(&format!("m=must,r={SERVER_NONCE},s={SALT},i=4096"));
    assert!(matches!(answer, Err(MechanismError::Challenge(_))));
    assert!(first(&format!("r={SERVER_NONCE},s={SALT},i=4096,x=may")).is_ok());
}

#[test]
fn x23_names_are_escaped_and_prepared() {
    let (_, initial) = begin::<Sha256>("a=b,c", "pencil", "n");
    assert_eq!(initial, "n,,n=a=3Db=2Cc,r=n");
    // SASLprep: a soft hyphen maps to nothing, a Roman numeral to its letters.
    let (_, initial) = begin::<Sha256>("I\u{ad}X\u{2168}", "pencil", "n");
    assert_eq!(initial, "n,,n=IXIX,r=n");
    let proof = |password: &str| {
        let (mut session, _) = begin::<Sha256>("user", password, NONCE);
        session.next(format!("r={SERVER_NONCE},s={SALT},i=4096").as_bytes())
    };
    assert_eq!(proof("I\u{ad}X"), proof("IX"));
    assert_ne!(proof("IX"), proof("ix"));
}

#[test]
fn x23_forbidden_credentials_are_refused() {
    for (user, password) in [
        ("", "p"),
        ("u", ""),
        ("u", "\u{ad}"),
        ("u\u{7}", "p"),
        ("u", "p\u{0}"),
        ("\u{627}1", "p"),
    ] {
        let refused = Scram::new(ScramAlgorithm::Sha512, user, password);
        assert!(
            matches!(refused, Err(MechanismError::Credentials(_))),
            "{user:?} {password:?}"
        );
    }
}

#[test]
fn t39_each_start_has_its_own_nonce() {
    use super::super::Mechanism;
    let scram = Scram::new(ScramAlgorithm::Sha512, "user", "pencil").unwrap();
    let host = crate::HostPort::new("broker", 9092);
    let firsts: std::collections::HashSet<Vec<u8>> =
        (0..3).map(|_| scram.start(&host).unwrap().1).collect();
    assert_eq!(firsts.len(), 3);
    // 256 bits in base64.
    assert!(
        firsts
            .iter()
            .all(|first| first.len() == "n,,n=user,r=".len() + 44)
    );
}

#[test]
fn x26_debug_shows_no_password() {
    let scram = Scram::new(ScramAlgorithm::Sha512, "user", "canary-password").unwrap();
    let shown = format!("{scram:?} {:?}", scram.password);
    assert!(
        shown.contains("user") && !shown.contains("canary"),
        "{shown}"
    );
}
