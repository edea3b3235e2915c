//! The TLS listeners' key and certificate.

use std::fs;

use super::cluster::Cluster;
use crate::failure::Failure;

/// A fresh key and a self-signed certificate for 127.0.0.1 and localhost.
pub(super) fn make(cluster: &Cluster) -> Result<(), Failure> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| Failure::new(format!("no certificate: {error}")))?;
    let certificate = made.cert.pem();
    fs::write(cluster.certificate(), &certificate)?;
    let key = made.signing_key.serialize_pem();
    fs::write(cluster.key_store(), format!("{key}{certificate}"))?;
    Ok(())
}
