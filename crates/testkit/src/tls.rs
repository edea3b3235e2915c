//! TLS on the listeners: certificates given, or made for the cluster.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// Certificates in PEM form: what the listeners show, and what clients need to trust and to prove.
///
/// ```
/// use ekafka_testkit::TlsFiles;
///
/// # fn main() -> std::io::Result<()> {
/// let files = TlsFiles::make(&["localhost".to_owned()], false)?;
/// std::fs::write(std::env::temp_dir().join("ca.pem"), &files.ca)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates of the authority that clients trust.
    pub ca: String,
    /// The listeners' certificate, and what leads from it to the authority.
    pub chain: String,
    /// The key of that certificate.
    pub key: String,
    /// The authority that client certificates must come from; none asks clients for no certificate.
    pub client_ca: Option<String>,
    /// A client certificate and its key, where some were made.
    pub client: Option<(String, String)>,
}

impl TlsFiles {
    /// Makes an authority, a certificate for these host names and addresses, and a client certificate.
    ///
    /// # Errors
    ///
    /// When a name is none.
    pub fn make(names: &[String], asks_for_client_certificate: bool) -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "ekafka testkit authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(other)?)
            .map_err(other)?;
        let issue = |names: Vec<String>, name: &str| -> io::Result<(String, String)> {
            let mut params = CertificateParams::new(names).map_err(other)?;
            params.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().map_err(other)?;
            let certificate = params.signed_by(&key, &authority).map_err(other)?;
            Ok((certificate.pem(), key.serialize_pem()))
        };
        let (chain, key) = issue(names.to_vec(), "ekafka testkit broker")?;
        let client = issue(vec!["client".to_owned()], "ekafka testkit client")?;
        let ca = authority.pem();
        let client_ca = asks_for_client_certificate.then(|| ca.clone());
        Ok(Self {
            ca,
            chain,
            key,
            client_ca,
            client: Some(client),
        })
    }

    /// What listeners accept connections with.
    pub(crate) fn acceptor(&self) -> io::Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(other)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(pem)? {
                    roots.add(certificate).map_err(other)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(other)?)
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(other)?;
        let config = builder
            .with_single_cert(certificates(&self.chain)?, key)
            .map_err(other)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn certificates(pem: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(other)
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
