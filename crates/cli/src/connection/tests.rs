use super::*;

fn login(text: &str) -> Result<Login, String> {
    text.parse()
}

#[test]
fn a_login_names_mechanism_and_user() {
    assert_eq!(
        login("scram-sha-256:bob"),
        Ok(Login {
            kind: LoginKind::Sha256,
            user: "bob".to_owned()
        })
    );
    // Only the first colon separates; the rest belongs to the name.
    assert_eq!(
        login("PLAIN:tenant:alice"),
        Ok(Login {
            kind: LoginKind::Plain,
            user: "tenant:alice".to_owned()
        })
    );
}

#[test]
fn an_unknown_mechanism_is_refused_with_those_there_are() {
    assert!(login("KERBEROS:bob").is_err_and(|text| text.contains("SCRAM-SHA-512")));
    assert!(login("PLAIN").is_err());
    assert!(login("PLAIN:").is_err());
}

#[test]
fn no_brokers_is_a_question_about_usage() {
    let failure = Connection::default()
        .brokers()
        .expect_err("no brokers were named");
    assert!(failure.to_string().contains("EKAFKA_BROKERS"), "{failure}");
}

#[test]
fn a_missing_authority_file_is_named() {
    let connection = Connection {
        tls_ca: Some("no-such-file.pem".into()),
        ..Connection::default()
    };
    let Err(failure) = connection.config() else {
        panic!("the file does not exist")
    };
    assert!(
        failure.to_string().contains("no-such-file.pem"),
        "{failure}"
    );
}
