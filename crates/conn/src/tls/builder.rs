//! Putting a TLS configuration together.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::dangerous::AnyCertificate;
use super::{TlsConfig, server_name};
use crate::error::ConnError;

/// Collects what a [`TlsConfig`] needs; [`build`](Self::build) reports every fault at once.
///
/// ```no_run
/// use ekafka_conn::{ConnConfig, TlsConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsConfig::builder()
///     .ca_file("ca.pem")
///     .client_certificate_files("chain.pem", "key.pem")
///     .server_name("kafka.example.com")
///     .build()?;
/// let config = ConnConfig::default().tls(tls);
///
/// let from_memory = TlsConfig::builder()
///     .ca_pem(std::fs::read("ca.pem")?)
///     .crl_pem(std::fs::read("revoked.pem")?)
///     .client_certificate_pem(std::fs::read("chain.pem")?, std::fs::read("key.pem")?)
///     .build()?;
///
/// // For a test alone.
/// let open = TlsConfig::builder().dangerous_accept_any_certificate().build()?;
/// # Ok(())
/// # }
/// ```
pub struct TlsBuilder {
    roots: RootCertStore,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    server_name: Option<ServerName<'static>>,
    dangerous: bool,
    faults: Vec<String>,
}

impl TlsBuilder {
    pub(super) fn new() -> Self {
        Self {
            roots: RootCertStore::empty(),
            revoked: Vec::new(),
            identity: None,
            server_name: None,
            dangerous: false,
            faults: Vec::new(),
        }
    }

    /// Trusts the certificate authorities of a PEM file.
    #[must_use]
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        match self.read(path.as_ref()) {
            Some(pem) => self.ca_pem(pem),
            None => self,
        }
    }

    /// Trusts the certificate authorities of a PEM text, which holds at least one.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        for certificate in self.certificates(pem.as_ref(), "CA") {
            if let Err(error) = self.roots.add(certificate) {
                self.faults.push(format!("CA certificate: {error}"));
            }
        }
        self
    }

    /// Trusts the certificate authorities of the operating system, beside others that are given.
    ///
    /// ```
    /// use ekafka_conn::{ConnConfig, ConnError, TlsConfig};
    ///
    /// fn encrypted() -> Result<ConnConfig, ConnError> {
    ///     let tls = TlsConfig::builder().native_roots().build()?;
    ///     Ok(ConnConfig::default().tls(tls))
    /// }
    /// ```
    #[cfg(feature = "native-roots")]
    #[must_use]
    pub fn native_roots(mut self) -> Self {
        let found = rustls_native_certs::load_native_certs();
        let (added, _unusable) = self.roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let causes: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            self.faults.push(format!(
                "no root certificates in the system {}",
                causes.join(", ")
            ));
        }
        self
    }

    /// Refuses certificates on the revocation lists of a PEM text. Certificates whose status no
    /// list tells are then refused too.
    #[must_use]
    pub fn crl_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        let lists: Result<Vec<_>, pem::Error> =
            CertificateRevocationListDer::pem_slice_iter(pem.as_ref()).collect();
        match lists {
            Ok(lists) if !lists.is_empty() => self.revoked.extend(lists),
            Ok(_) => self
                .faults
                .push("no revocation list in the PEM text".to_owned()),
            Err(error) => self
                .faults
                .push(format!("revocation list: {}", fault(&error))),
        }
        self
    }

    /// Shows this certificate chain (PEM, own certificate first) and proves it with this private
    /// key (PEM, not encrypted).
    #[must_use]
    pub fn client_certificate_pem(
        mut self,
        chain: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Self {
        let chain = self.certificates(chain.as_ref(), "client");
        if key
            .as_ref()
            .windows(ENCRYPTED.len())
            .any(|text| text == ENCRYPTED)
        {
            self.faults
                .push("the client key is encrypted: decrypt it first".to_owned());
            return self;
        }
        match PrivateKeyDer::from_pem_slice(key.as_ref()) {
            Ok(key) => self.identity = Some((chain, key)),
            Err(error) => self.faults.push(format!("client key: {}", fault(&error))),
        }
        self
    }

    /// As [`client_certificate_pem`](Self::client_certificate_pem), from two files.
    #[must_use]
    pub fn client_certificate_files(
        mut self,
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Self {
        match (self.read(chain.as_ref()), self.read(key.as_ref())) {
            (Some(chain), Some(key)) => self.client_certificate_pem(chain, key),
            _ => self,
        }
    }

    /// Asks for this name, and demands it of every broker's certificate, in place of the host that
    /// is dialled. For brokers behind one address with one certificate.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        match server_name(name) {
            Ok(name) => self.server_name = Some(name),
            Err(error) => self.faults.push(format!("server name {name:?}: {error}")),
        }
        self
    }

    /// Accepts any certificate: whoever sits between can read and change everything. For
    /// experiments only; each connection logs a warning, and a password still needs its own
    /// permission to be sent.
    #[must_use]
    pub fn dangerous_accept_any_certificate(mut self) -> Self {
        self.dangerous = true;
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`ConnError::Config`] listing every fault: unreadable files, bad PEM, nobody to trust, a key
    /// that does not fit its certificate. No text of a key is in it.
    pub fn build(mut self) -> Result<TlsConfig, ConnError> {
        if self.roots.is_empty() && !self.dangerous && self.faults.is_empty() {
            self.faults
                .push("nobody is trusted: give a CA, or the system's roots".to_owned());
        }
        if !self.faults.is_empty() {
            return Err(ConnError::config(format!(
                "TLS: {}",
                self.faults.join("; ")
            )));
        }
        let (dangerous, server_name) = (self.dangerous, self.server_name.take());
        let client = self.client_config().map_err(ConnError::config)?;
        Ok(TlsConfig {
            client: Arc::new(client),
            server_name,
            dangerous,
        })
    }

    fn client_config(self) -> Result<ClientConfig, String> {
        let provider = Arc::new(default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?
            .dangerous();
        let builder = if self.dangerous {
            tracing::warn!("TLS accepts any certificate");
            builder.with_custom_certificate_verifier(Arc::new(AnyCertificate::new(provider)))
        } else {
            let roots = Arc::new(self.roots);
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
                .with_crls(self.revoked)
                .build()
                .map_err(|error| format!("TLS roots: {error}"))?;
            builder.with_custom_certificate_verifier(verifier)
        };
        match self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("TLS client certificate: {error}")),
        }
    }

    fn certificates(&mut self, pem: &[u8], whose: &str) -> Vec<CertificateDer<'static>> {
        let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(pem).collect();
        match found {
            Ok(found) if !found.is_empty() => return found,
            Ok(_) => self
                .faults
                .push(format!("no {whose} certificate in the PEM text")),
            Err(error) => self
                .faults
                .push(format!("{whose} certificate: {}", fault(&error))),
        }
        Vec::new()
    }

    fn read(&mut self, path: &Path) -> Option<Vec<u8>> {
        std::fs::read(path)
            .map_err(|error| self.faults.push(format!("{}: {error}", path.display())))
            .ok()
    }
}

impl fmt::Debug for TlsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsBuilder")
            .field("roots", &self.roots.len())
            .field("server_name", &self.server_name)
            .field("dangerous", &self.dangerous)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a PEM text, without any of the text.
fn fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section's first line is malformed",
        pem::Error::Base64Decode(_) => "not base64",
        pem::Error::NoItemsFound => "nothing usable in the PEM text",
        _ => "unreadable",
    }
}

/// How encrypted keys show themselves: `BEGIN ENCRYPTED PRIVATE KEY`, `Proc-Type: 4,ENCRYPTED`.
const ENCRYPTED: &[u8] = b"ENCRYPTED";
