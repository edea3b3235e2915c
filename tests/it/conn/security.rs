use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{
    Conn, ConnConfig, ConnError, Dialer, HostPort, LoginError, Mechanism, MechanismError,
    MechanismSession, Plain, Record, Scram, ScramAlgorithm, Stage, TlsConfig,
};
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::{after, text};
use crate::support::{Kafka, listed};

/// Brokers that ask for a log-in: the real ones when the environment lists some.
struct Guarded {
    address: String,
    embedded: Option<EmbeddedKafka>,
}

impl Guarded {
    async fn start() -> Self {
        if let Some(mut brokers) = listed("EKAFKA_TEST_SASL_BROKERS") {
            return Self {
                address: brokers.remove(0),
                embedded: None,
            };
        }
        let builder = EmbeddedKafka::builder()
            .sasl_plain("alice", "alice-secret")
            .sasl_scram_256("bob", "bob-secret")
            .sasl_scram_512("carol", "carol-secret");
        let embedded = builder.start().await.expect("it starts");
        Self {
            address: embedded.addresses().remove(0),
            embedded: Some(embedded),
        }
    }

    async fn dial(&self, mechanism: impl Mechanism + 'static) -> Result<Conn, ConnError> {
        let config = ConnConfig::default()
            .sasl(Arc::new(mechanism))
            .allow_plaintext_sasl_plain();
        Dialer::new(config).dial(&self.address).await
    }
}

fn plain(password: &str) -> Plain {
    Plain::new("alice", password).expect("usable")
}

fn scram_256(password: &str) -> Scram {
    Scram::new(ScramAlgorithm::Sha256, "bob", password).expect("usable")
}

fn scram_512(password: &str) -> Scram {
    Scram::new(ScramAlgorithm::Sha512, "carol", password).expect("usable")
}

#[tokio::test]
async fn t37_right_credentials_connect() {
    let kafka = Guarded::start().await;
    let conns = [
        kafka.dial(plain("alice-secret")).await.unwrap(),
        kafka.dial(scram_256("bob-secret")).await.unwrap(),
        kafka.dial(scram_512("carol-secret")).await.unwrap(),
    ];
    for conn in conns {
        assert!(!conn.brokers().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn t38_wrong_passwords_are_refused_once() {
    let kafka = Guarded::start().await;
    let refused = [
        kafka.dial(plain("wrong")).await.unwrap_err(),
        kafka.dial(scram_256("wrong")).await.unwrap_err(),
        kafka.dial(scram_512("wrong")).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(
            error.code(),
            Some(ErrorCode::SASL_AUTHENTICATION_FAILED),
            "{error}"
        );
        assert!(error.is_fatal() && !error.is_retriable());
        assert!(!format!("{error} {error:?}").contains("wrong"), "{error:?}");
    }
    if let Some(embedded) = &kafka.embedded {
        assert_eq!(embedded.accepted_connections(), 3, "one try each");
    }
}

#[tokio::test]
async fn t39_mechanisms_are_reusable() {
    let kafka = Guarded::start().await;
    let mechanisms: [Arc<dyn Mechanism>; 3] = [
        Arc::new(plain("alice-secret")),
        Arc::new(scram_256("bob-secret")),
        Arc::new(scram_512("carol-secret")),
    ];
    for mechanism in mechanisms {
        let config = ConnConfig::default()
            .sasl(mechanism)
            .allow_plaintext_sasl_plain();
        let dialer = Dialer::new(config);
        for _ in 0..3 {
            dialer.dial(&kafka.address).await.unwrap();
        }
    }
}

#[derive(Debug)]
struct Unheard;

impl Mechanism for Unheard {
    fn name(&self) -> &str {
        "UNHEARD-OF"
    }

    fn start(&self, _: &HostPort) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
        Err(MechanismError::Random)
    }
}

/// Begins like any mechanism, but no broker knows it.
#[derive(Debug)]
struct Unknown(Plain);

impl Mechanism for Unknown {
    fn name(&self) -> &str {
        "UNKNOWN"
    }

    fn start(
        &self,
        host: &HostPort,
    ) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
        self.0.start(host)
    }
}

#[tokio::test]
async fn t27_x15_unknown_mechanism_is_refused_with_the_brokers_list() {
    let kafka = Guarded::start().await;
    let error = kafka
        .dial(Unknown(plain("alice-secret")))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UNSUPPORTED_SASL_MECHANISM));
    for offered in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        assert!(error.to_string().contains(offered), "{error}");
    }
}

#[tokio::test]
async fn mechanism_that_cannot_begin_says_why() {
    let kafka = Guarded::start().await;
    let error = kafka.dial(Unheard).await.unwrap_err();
    let ConnError::Login { cause, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(**cause, LoginError::Exchange(MechanismError::Random));
}

#[tokio::test]
async fn broker_that_asks_for_a_log_in_refuses_requests_without() {
    let kafka = Guarded::start().await;
    let config = ConnConfig::default().timeout(Duration::from_secs(5));
    let conn = Dialer::new(config).dial(&kafka.address).await;
    // Brokers tell their versions to anyone, and then close the connection.
    if let Ok(conn) = conn {
        conn.set_deadline(after(Duration::from_secs(5)));
        let error = conn.brokers().await.unwrap_err();
        assert!(matches!(error, ConnError::Disconnected { .. }), "{error}");
    }
}

/// A broker behind TLS, and who vouches for it.
async fn encrypted() -> (String, TlsConfig, Option<EmbeddedKafka>) {
    if let Some(mut brokers) = listed("EKAFKA_TEST_TLS_BROKERS") {
        let ca = std::env::var("EKAFKA_TEST_TLS_CA").expect("the authority's file");
        let tls = TlsConfig::builder().ca_file(ca).build().expect("it starts");
        return (brokers.remove(0), tls, None);
    }
    let embedded = EmbeddedKafka::builder()
        .tls()
        .start()
        .await
        .expect("it starts");
    let ca = embedded.tls_files().expect("made at the start").ca;
    let tls = TlsConfig::builder().ca_pem(ca).build().expect("it starts");
    (embedded.addresses().remove(0), tls, Some(embedded))
}

#[tokio::test]
async fn t33_connections_through_tls_work() {
    let (address, tls, kafka) = encrypted().await;
    let dialer = Dialer::new(ConnConfig::default().tls(tls));
    let conn = dialer.dial(&address).await.unwrap();
    assert!(!conn.brokers().await.unwrap().is_empty());
    let Some(embedded) = kafka else { return };
    // The leader's address comes from the answer, and its certificate is checked like any other.
    embedded.create_topic("topic", 1).unwrap();
    let mut leader = dialer.dial_leader(&address, "topic", 0).await.unwrap();
    leader.set_deadline(after(Duration::from_secs(5)));
    let value = "x".repeat(200_000);
    leader.write_messages(&[Record::new(&value)]).await.unwrap();
    assert_eq!(text(&leader.read_message(1_000_000).await.unwrap()), value);
}

#[tokio::test]
async fn x06_unknown_authority_is_refused() {
    let (address, _, _kafka) = encrypted().await;
    let stranger = ekafka_testkit::TlsFiles::make(&["127.0.0.1".to_owned()], false).unwrap();
    let tls = TlsConfig::builder().ca_pem(stranger.ca).build().unwrap();
    let error = Dialer::new(ConnConfig::default().tls(tls))
        .dial(&address)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Open {
                stage: Stage::Tls,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn x11_broker_that_demands_a_client_certificate() {
    let embedded = EmbeddedKafka::builder()
        .tls_with_client_certificates()
        .start()
        .await
        .unwrap();
    let address = embedded.addresses().remove(0);
    let files = embedded.tls_files().expect("made at the start");
    let (chain, key) = files.client.expect("made at the start");
    let trusted = TlsConfig::builder().ca_pem(&files.ca);
    let tls = trusted.client_certificate_pem(chain, key).build().unwrap();
    let conn = Dialer::new(ConnConfig::default().tls(tls))
        .dial(&address)
        .await
        .unwrap();
    assert_eq!(conn.brokers().await.unwrap().len(), 3);

    let tls = TlsConfig::builder().ca_pem(&files.ca).build().unwrap();
    Dialer::new(ConnConfig::default().tls(tls))
        .dial(&address)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn x16_password_through_tls_needs_no_permission() {
    let builder = EmbeddedKafka::builder()
        .tls()
        .sasl_plain("alice", "alice-secret");
    let embedded = builder.start().await.unwrap();
    let address = embedded.addresses().remove(0);
    let tls = TlsConfig::builder()
        .ca_pem(embedded.tls_files().unwrap().ca)
        .build()
        .unwrap();
    let config = ConnConfig::default()
        .tls(tls)
        .sasl(Arc::new(plain("alice-secret")));
    Dialer::new(config.clone()).dial(&address).await.unwrap();

    // Without TLS the same credentials are not even dialled with, on loopback as anywhere.
    let before = embedded.accepted_connections();
    let config = ConnConfig::default().sasl(Arc::new(plain("alice-secret")));
    let error = Dialer::new(config).dial(&address).await.unwrap_err();
    assert!(matches!(error, ConnError::Config(_)), "{error}");
    assert_eq!(embedded.accepted_connections(), before);
}

#[tokio::test]
async fn x09_unchecked_certificates_do_not_permit_passwords_in_clear() {
    let tls = TlsConfig::builder()
        .dangerous_accept_any_certificate()
        .build()
        .unwrap();
    assert!(ConnConfig::default().tls(tls).check().is_ok());
    let embedded = EmbeddedKafka::builder().tls().start().await.unwrap();
    let tls = TlsConfig::builder()
        .dangerous_accept_any_certificate()
        .build()
        .unwrap();
    let dialer = Dialer::new(ConnConfig::default().tls(tls));
    dialer.dial(&embedded.addresses()[0]).await.unwrap();
    let clear = ConnConfig::default().sasl(Arc::new(plain("alice-secret")));
    assert!(matches!(clear.check(), Err(ConnError::Config(_))));
}

#[tokio::test]
async fn t41_h04_tls_against_a_plaintext_port_fails_with_a_hint() {
    let kafka = Kafka::start().await;
    let tls = TlsConfig::builder()
        .dangerous_accept_any_certificate()
        .build()
        .unwrap();
    let config = ConnConfig::default()
        .tls(tls)
        .timeout(Duration::from_millis(800));
    let error = Dialer::new(config)
        .dial(&kafka.brokers()[0])
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("does this port speak plaintext?"),
        "{error}"
    );
}

#[tokio::test]
async fn h04_plaintext_against_a_tls_port_fails_with_a_hint() {
    let (address, _, _kafka) = encrypted().await;
    let config = ConnConfig::default().timeout(Duration::from_millis(800));
    let error = Dialer::new(config).dial(&address).await.unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[tokio::test]
async fn x13_no_password_follows_a_failed_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        use tokio::io::AsyncWriteExt;
        stream.write_all(b"\0\0\0\x04\0\0\0\0").await.unwrap();
        let mut sent = Vec::new();
        // The client may reset the connection instead of closing it.
        let _ = stream.read_to_end(&mut sent).await;
        sent
    };
    let tls = TlsConfig::builder()
        .dangerous_accept_any_certificate()
        .build()
        .unwrap();
    let config = ConnConfig::default()
        .tls(tls)
        .sasl(Arc::new(plain("alice-secret")));
    let dialer = Dialer::new(config);
    let (sent, dialled) = tokio::join!(serve, dialer.dial(&address));
    assert!(matches!(
        dialled.unwrap_err(),
        ConnError::Open {
            stage: Stage::Tls,
            ..
        }
    ));
    let leaks = |needle: &[u8]| sent.windows(needle.len()).any(|window| window == needle);
    assert!(!leaks(b"alice") && !leaks(b"secret"));
}

#[tokio::test]
async fn t34_tls_handshake_ends_with_its_limit_and_with_its_future() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tls = TlsConfig::builder()
        .dangerous_accept_any_certificate()
        .build()
        .unwrap();
    let config = ConnConfig::default()
        .tls(tls)
        .timeout(Duration::from_millis(100));
    let error = Dialer::new(config.clone())
        .dial(&address)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Timeout {
                stage: Stage::Tls,
                ..
            }
        ),
        "{error}"
    );

    let dialer = Dialer::new(config.timeout(Duration::from_secs(3600)));
    drop(listener.accept().await.unwrap());
    let accepted = tokio::select! {
        dialled = dialer.dial(&address) => panic!("{dialled:?}"),
        accepted = listener.accept() => accepted,
    };
    // The dial was dropped, so its socket is closed behind what it had sent.
    let mut sent = Vec::new();
    accepted.unwrap().0.read_to_end(&mut sent).await.unwrap();
}

#[tokio::test]
async fn t42_tls_alert_in_an_answer_is_named() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let conn = super::any(&kafka).await;
    embedded
        .on_next(ApiKey::METADATA)
        .replace(&b"\x15\x03\x03\0\x02\x02\x46"[..]);
    let error = conn.brokers().await.unwrap_err();
    assert!(matches!(error, ConnError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("TLS"), "{error}");
}
