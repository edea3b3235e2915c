use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_rustls::TlsAcceptor;

use super::{TlsBuilder, TlsConfig};

/// An authority that tests issue certificates from.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate chain and its key, as PEM.
struct Identity {
    chain: String,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "test authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.0).unwrap().pem();
        Identity { chain, key }
    }

    fn server(&self, names: &[&str]) -> Identity {
        self.issue(names, |_| {})
    }

    fn trusted(&self) -> TlsBuilder {
        TlsConfig::builder().ca_pem(self.0.pem())
    }
}

impl Identity {
    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    fn certificates(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
        use rustls::pki_types::pem::PemObject;
        rustls::pki_types::CertificateDer::pem_slice_iter(self.chain.as_bytes())
            .map(Result::unwrap)
            .collect()
    }

    /// A server that asks clients for no certificate.
    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.certificates(), self.key_der())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A server that demands certificates of `authority`.
    fn demanding(&self, authority: &Authority) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.certificates(), self.key_der())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Dials `host` and exchanges one byte each way with the server.
async fn dial(tls: &TlsConfig, host: &str, server: TlsAcceptor) -> io::Result<()> {
    let (ours, theirs) = tokio::io::duplex(16 * 1024);
    let serve = async move {
        let mut stream = server.accept(theirs).await?;
        let byte = stream.read_u8().await?;
        stream.write_u8(byte).await?;
        stream.flush().await
    };
    let talk = async {
        let mut stream = tls.connect(host, Box::new(ours)).await?;
        stream.write_u8(7).await?;
        stream.flush().await?;
        stream.read_u8().await.map(|byte| assert_eq!(byte, 7))
    };
    let (_served, talked) = tokio::join!(serve, talk);
    talked
}

async fn refusal(tls: &TlsConfig, host: &str, server: &Identity) -> String {
    dial(tls, host, server.acceptor())
        .await
        .unwrap_err()
        .to_string()
}

#[tokio::test]
async fn x01_certificate_for_another_name_is_refused_and_both_names_shown() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    let server = authority.server(&["one.example"]);
    dial(&tls, "one.example", server.acceptor()).await.unwrap();
    // DNS names may be written with their final dot.
    dial(&tls, "one.example.", server.acceptor()).await.unwrap();
    let error = refusal(&tls, "two.example", &server).await;
    assert!(
        error.contains("one.example") && error.contains("two.example"),
        "{error}"
    );
}

#[tokio::test]
async fn x02_name_in_the_common_name_alone_is_refused() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    let name = |params: &mut CertificateParams| {
        params
            .distinguished_name
            .push(DnType::CommonName, "one.example");
    };
    let server = authority.issue(&[], name);
    refusal(&tls, "one.example", &server).await;
}

#[tokio::test]
async fn x03_address_dialled_must_be_in_the_certificate_as_address() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    for address in ["127.0.0.1", "::1"] {
        let server = authority.server(&[address]);
        dial(&tls, address, server.acceptor()).await.unwrap();
        refusal(&tls, "127.0.0.2", &server).await;
        refusal(&tls, address, &authority.server(&["localhost"])).await;
    }
}

#[tokio::test]
async fn x04_wildcards_cover_one_whole_label() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    let server = authority.server(&["*.example.org"]);
    dial(&tls, "one.example.org", server.acceptor())
        .await
        .unwrap();
    refusal(&tls, "a.one.example.org", &server).await;
    refusal(&tls, "example.org", &server).await;
    for name in ["o*.example.org", "*.org"] {
        refusal(&tls, "org", &authority.server(&[name])).await;
    }
    refusal(
        &tls,
        "one.example.org",
        &authority.server(&["o*.example.org"]),
    )
    .await;
}

#[tokio::test]
async fn x05_expired_and_not_yet_valid_are_refused_and_said_so() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    let expired = authority.issue(&["one.example"], |p| {
        p.not_after = date_time_ymd(2020, 1, 1)
    });
    let error = refusal(&tls, "one.example", &expired).await;
    assert!(error.contains("expired"), "{error}");
    let early = authority.issue(&["one.example"], |p| {
        p.not_before = date_time_ymd(3000, 1, 1)
    });
    let error = refusal(&tls, "one.example", &early).await;
    assert!(error.contains("not valid yet"), "{error}");
}

#[tokio::test]
async fn x06_chains_that_do_not_end_at_a_trusted_authority_are_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let tls = authority.trusted().build().unwrap();
    refusal(&tls, "one.example", &stranger.server(&["one.example"])).await;

    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["one.example".to_owned()]).unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    refusal(&tls, "one.example", &Identity { chain, key }).await;

    let as_leaf = authority.issue(&["one.example"], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    refusal(&tls, "one.example", &as_leaf).await;

    let for_clients = authority.issue(&["one.example"], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    refusal(&tls, "one.example", &for_clients).await;

    // Signed by an intermediate that the server does not send, and then does.
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "intermediate");
    let key = KeyPair::generate().unwrap();
    let intermediate = Authority(CertifiedIssuer::signed_by(params, key, &authority.0).unwrap());
    let mut server = intermediate.server(&["one.example"]);
    refusal(&tls, "one.example", &server).await;
    server.chain.push_str(&intermediate.0.pem());
    dial(&tls, "one.example", server.acceptor()).await.unwrap();
}

#[tokio::test]
async fn x07_certificate_of_another_broker_is_refused() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    refusal(
        &tls,
        "broker1.example",
        &authority.server(&["broker2.example"]),
    )
    .await;
}

#[tokio::test]
async fn x08_revoked_certificate_is_refused() {
    let authority = Authority::new();
    let server = |serial: u64| {
        authority.issue(&["one.example"], |params| {
            params.serial_number = Some(serial.into())
        })
    };
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(13),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(4000, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&authority.0).unwrap().pem().unwrap();
    let tls = authority.trusted().crl_pem(list).build().unwrap();
    dial(&tls, "one.example", server(12).acceptor())
        .await
        .unwrap();
    let error = refusal(&tls, "one.example", &server(13)).await;
    assert!(error.to_lowercase().contains("revoked"), "{error}");
}

#[tokio::test]
async fn x09_only_the_dangerous_function_accepts_any_certificate() {
    let server = Authority::new().server(&["other.example"]);
    let tls = TlsConfig::builder()
        .dangerous_accept_any_certificate()
        .build()
        .unwrap();
    dial(&tls, "one.example", server.acceptor()).await.unwrap();
    assert!(format!("{tls:?}").contains("dangerous: true"));
}

#[tokio::test]
async fn x10_servers_of_old_versions_are_refused() {
    // A TLS 1.0 ServerHello, as an old server answers.
    let hello = [
        [22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1].as_slice(),
        [7; 32].as_slice(),
        [0, 0, 47, 0].as_slice(),
    ]
    .concat();
    let (ours, mut theirs) = tokio::io::duplex(16 * 1024);
    let tls = Authority::new().trusted().build().unwrap();
    let serve = async {
        theirs.write_all(&hello).await.unwrap();
        theirs
    };
    let (_theirs, connected) = tokio::join!(serve, tls.connect("one.example", Box::new(ours)));
    assert!(connected.is_err());
}

#[tokio::test]
async fn x11_client_certificates() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = authority.server(&["one.example"]);
    let with = |identity: &Identity| {
        let builder = authority.trusted();
        builder
            .client_certificate_pem(&identity.chain, identity.key.serialize_pem())
            .build()
    };
    let client = |authority: &Authority| {
        authority.issue(&[], |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        })
    };
    let right = with(&client(&authority)).unwrap();
    dial(&right, "one.example", server.demanding(&authority))
        .await
        .unwrap();

    let none = authority.trusted().build().unwrap();
    dial(&none, "one.example", server.demanding(&authority))
        .await
        .unwrap_err();
    let wrong = with(&client(&stranger)).unwrap();
    dial(&wrong, "one.example", server.demanding(&authority))
        .await
        .unwrap_err();
    let old = authority.issue(&[], |params| {
        params.not_after = date_time_ymd(2020, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    dial(
        &with(&old).unwrap(),
        "one.example",
        server.demanding(&authority),
    )
    .await
    .unwrap_err();

    let mut swapped = client(&authority);
    swapped.key = KeyPair::generate().unwrap();
    with(&swapped).unwrap_err();
}

#[test]
fn x11_unusable_keys_are_named_without_their_text() {
    let authority = Authority::new();
    let chain = authority.server(&["one.example"]).chain;
    let keys = [
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nQ0FOQVJZ\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ*\n-----END PRIVATE KEY-----\n",
            "base64",
        ),
        ("-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\n", "no end"),
        (
            "-----BEGIN PRIVATE KEY-----\nQ0FOQVJZ\n-----END PRIVATE KEY-----\n",
            "client certificate",
        ),
        ("", "nothing usable"),
    ];
    for (key, expected) in keys {
        let builder = authority.trusted().client_certificate_pem(&chain, key);
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(
            !error.contains("Q0FOQVJZ") && !error.contains("CANARY"),
            "{error}"
        );
    }
}

#[test]
fn every_fault_is_reported_at_once() {
    let error = TlsConfig::builder()
        .ca_file("/nonexistent/ca.pem")
        .ca_pem("no certificate")
        .server_name("not a name")
        .build()
        .unwrap_err()
        .to_string();
    for expected in ["/nonexistent/ca.pem", "no CA certificate", "not a name"] {
        assert!(error.contains(expected), "{error}");
    }
    let error = TlsConfig::builder().build().unwrap_err().to_string();
    assert!(error.contains("nobody is trusted"), "{error}");
}

#[tokio::test]
async fn x12_resumed_sessions_are_bound_to_the_name() {
    let authority = Authority::new();
    let tls = authority.trusted().build().unwrap();
    let server = authority.server(&["one.example"]);
    let acceptor = server.acceptor();
    for _ in 0..3 {
        dial(&tls, "one.example", acceptor.clone()).await.unwrap();
        dial(&tls, "two.example", acceptor.clone())
            .await
            .unwrap_err();
    }
}

#[tokio::test]
async fn x13_plaintext_answer_to_a_tls_handshake_is_refused() {
    let tls = Authority::new().trusted().build().unwrap();
    for answer in [
        &b"\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ] {
        let (ours, mut theirs) = tokio::io::duplex(16 * 1024);
        let serve = async {
            theirs.write_all(answer).await.unwrap();
            theirs
        };
        let (theirs, connected) = tokio::join!(serve, tls.connect("one.example", Box::new(ours)));
        let error = connected.map(drop).unwrap_err();
        assert!(
            error
                .get_ref()
                .is_some_and(|source| source.is::<rustls::Error>()),
            "{error}"
        );
        assert_only_tls_records(theirs).await;
    }
}

/// All that was sent before giving up is a handshake and an alert.
async fn assert_only_tls_records(mut sent: DuplexStream) {
    while let Ok(kind) = sent.read_u8().await {
        assert!([21, 22].contains(&kind), "record type {kind}");
        sent.read_u16().await.unwrap();
        let length = sent.read_u16().await.unwrap();
        let mut body = vec![0; usize::from(length)];
        sent.read_exact(&mut body).await.unwrap();
    }
}

#[tokio::test]
async fn own_server_name_replaces_the_host_dialled() {
    let authority = Authority::new();
    let server = authority.server(&["kafka.example"]);
    let tls = authority
        .trusted()
        .server_name("kafka.example")
        .build()
        .unwrap();
    dial(&tls, "10.0.0.1", server.acceptor()).await.unwrap();
    refusal(&tls, "10.0.0.1", &authority.server(&["10.0.0.1"])).await;
}
