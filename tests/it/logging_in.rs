//! SASL and TLS, on the embedded broker or on the listeners of a real one.

use std::sync::Arc;

use ekafka_conn::{
    ConnConfig, ConnError, Connection, Mechanism, Plain, Scram, ScramAlgorithm, TlsConfig,
};
use ekafka_protocol::messages::MetadataRequest;
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Record, Writer};

use crate::support::{host_and_port, listed, soon};

/// Somewhere to log in; the embedded broker stays while it is held.
pub(crate) struct Door {
    pub(crate) address: String,
    authority: Option<Vec<u8>>,
    _embedded: Option<EmbeddedKafka>,
}

/// The users of `cargo xtask kafka`, and of the embedded broker here.
pub(crate) async fn sasl_door() -> Door {
    if let Some(brokers) = listed("EKAFKA_TEST_SASL_BROKERS") {
        return Door {
            address: brokers[0].clone(),
            authority: None,
            _embedded: None,
        };
    }
    let builder = EmbeddedKafka::builder()
        .nodes(1)
        .sasl_plain("alice", "alice-secret")
        .sasl_scram_256("bob", "bob-secret")
        .sasl_scram_512("carol", "carol-secret");
    let embedded = builder.start().await.expect("a free port");
    Door {
        address: embedded.bootstrap(),
        authority: None,
        _embedded: Some(embedded),
    }
}

/// Where TLS is spoken; none on a real broker that has no such listener.
async fn tls_door() -> Option<Door> {
    if listed("EKAFKA_TEST_BROKERS").is_some() {
        let address = listed("EKAFKA_TEST_TLS_BROKERS")?[0].clone();
        let file = std::env::var("EKAFKA_TEST_TLS_CA").expect("comes with the brokers");
        let authority = std::fs::read(file).expect("the authority's certificate");
        return Some(Door {
            address,
            authority: Some(authority),
            _embedded: None,
        });
    }
    let embedded = EmbeddedKafka::builder()
        .nodes(1)
        .tls()
        .start()
        .await
        .expect("a free port");
    let files = embedded.tls_files().expect("it was started with TLS");
    let authority = Some(files.ca.into_bytes());
    Some(Door {
        address: embedded.bootstrap(),
        authority,
        _embedded: Some(embedded),
    })
}

impl Door {
    async fn open(&self, config: &ConnConfig) -> Result<Connection, ConnError> {
        let (host, port) = host_and_port(&self.address);
        Connection::open(host, port, config).await
    }

    async fn log_in(&self, mechanism: impl Mechanism + 'static) -> Result<Connection, ConnError> {
        let config = ConnConfig::default()
            .sasl(Arc::new(mechanism))
            .allow_plaintext_sasl_plain();
        self.open(&config).await
    }
}

fn scram(algorithm: ScramAlgorithm, user: &str, password: &str) -> Scram {
    Scram::new(algorithm, user, password).expect("plain ASCII")
}

async fn works(connection: &Connection) {
    let answer = connection
        .send(&MetadataRequest::default(), soon())
        .await
        .expect("metadata");
    assert!(!answer.brokers.is_empty());
}

#[tokio::test]
async fn each_mechanism_lets_its_user_in() {
    let door = sasl_door().await;
    let plain = Plain::new("alice", "alice-secret").expect("plain ASCII");
    works(&door.log_in(plain).await.expect("alice")).await;
    let bob = scram(ScramAlgorithm::Sha256, "bob", "bob-secret");
    works(&door.log_in(bob).await.expect("bob")).await;
    let carol = scram(ScramAlgorithm::Sha512, "carol", "carol-secret");
    works(&door.log_in(carol).await.expect("carol")).await;
}

#[tokio::test]
async fn t113_a_writer_logs_in() {
    let door = sasl_door().await;
    let plain = Plain::new("alice", "alice-secret").expect("plain ASCII");
    let config = ConnConfig::default()
        .sasl(Arc::new(plain))
        .allow_plaintext_sasl_plain();
    let writer = Writer::builder()
        .brokers([&door.address])
        .connection(config)
        .topic(format!("written-by-alice-{:x}", fastrand::u64(..)))
        .allow_auto_topic_creation(true)
        .build()
        .expect("a writer");
    let delivered = writer.send(Record::new("v")).await.expect("accepted");
    assert_eq!(delivered.await.expect("written").offset(), Some(0));
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_being_told() {
    let door = sasl_door().await;
    let plain = Plain::new("alice", "wr0ng-secret").expect("plain ASCII");
    let error = door.log_in(plain).await.expect_err("not her password");
    assert!(
        matches!(error, ConnError::Login { .. }) && error.is_fatal(),
        "{error}"
    );
    let bob = scram(ScramAlgorithm::Sha256, "bob", "wr0ng-secret");
    let error = door.log_in(bob).await.expect_err("not his password");
    assert!(matches!(error, ConnError::Login { .. }), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("wr0ng-secret"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_user_of_another_mechanism_is_refused() {
    let door = sasl_door().await;
    let carol = scram(ScramAlgorithm::Sha256, "carol", "carol-secret");
    let error = door
        .log_in(carol)
        .await
        .expect_err("carol has only SHA-512");
    assert!(matches!(error, ConnError::Login { .. }), "{error}");
}

#[tokio::test]
async fn tls_is_spoken_to_a_broker_whose_authority_is_trusted() {
    let Some(door) = tls_door().await else { return };
    let authority = door.authority.as_deref().expect("a TLS door has one");
    let tls = TlsConfig::builder()
        .ca_pem(authority)
        .build()
        .expect("one certificate");
    works(
        &door
            .open(&ConnConfig::default().tls(tls))
            .await
            .expect("trusted"),
    )
    .await;
}

#[tokio::test]
async fn tls_is_refused_when_another_authority_is_trusted() {
    let Some(door) = tls_door().await else { return };
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("made");
    let tls = TlsConfig::builder()
        .ca_pem(other.cert.pem())
        .build()
        .expect("one certificate");
    let error = door
        .open(&ConnConfig::default().tls(tls))
        .await
        .expect_err("not trusted");
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[tokio::test]
async fn plaintext_to_a_tls_listener_says_so() {
    let Some(door) = tls_door().await else { return };
    let error = door
        .open(&ConnConfig::default())
        .await
        .expect_err("it speaks TLS");
    assert!(error.to_string().contains("TLS"), "{error}");
}
