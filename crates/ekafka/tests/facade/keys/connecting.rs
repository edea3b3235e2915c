//! What the keys for TLS do beside encrypting.

use std::path::PathBuf;

use ekafka::Record;
use ekafka_testkit::{EmbeddedKafka, TlsFiles};

use super::with;
use crate::rig::{soon, start};

/// Files of one test, removed with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str, files: &TlsFiles) -> Self {
        let folder = format!("ekafka-facade-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), &files.ca).unwrap();
        if let Some((certificate, key)) = &files.client {
            std::fs::write(folder.join("cert.pem"), certificate).unwrap();
            std::fs::write(folder.join("key.pem"), key).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn works(kafka: &EmbeddedKafka, keys: &str) -> bool {
    let keys = format!("tlsEnable = true\n{keys}");
    let producer = "batchTimeout = 'auto'\nmaxAttempts = 1\nreadTimeout = '2s'";
    let producer = with(kafka, &keys, producer, "").producer("p1");
    let records = [Record::new("x")];
    soon(producer.write_messages(&records)).await.is_ok()
}

/// A broker that asks for a client certificate gets the one of the files.
#[tokio::test(start_paused = true)]
async fn a_client_certificate_is_shown() {
    let kafka = start(EmbeddedKafka::builder().tls_with_client_certificates()).await;
    kafka.create_topic("t", 1).unwrap();
    let files = Files::new("client", &kafka.tls_files().unwrap());
    let trusting = format!(
        "tlsCaFile = '{}'\ntlsServerName = 'localhost'",
        files.path("ca.pem")
    );
    let shown = format!(
        "{trusting}\ntlsCertFile = '{}'\ntlsKeyFile = '{}'",
        files.path("cert.pem"),
        files.path("key.pem")
    );
    assert!(works(&kafka, &shown).await);
    assert!(!works(&kafka, &trusting).await, "nobody comes in without");
}

/// The name that is looked for in the broker's certificate.
#[tokio::test(start_paused = true)]
async fn the_server_name_is_compared() {
    let kafka = start(EmbeddedKafka::builder().tls()).await;
    kafka.create_topic("t", 1).unwrap();
    let files = Files::new("name", &kafka.tls_files().unwrap());
    let trusting = format!("tlsCaFile = '{}'", files.path("ca.pem"));
    assert!(works(&kafka, &format!("{trusting}\ntlsServerName = 'localhost'")).await);
    assert!(!works(&kafka, &format!("{trusting}\ntlsServerName = 'elsewhere'")).await);
    let careless = "tlsServerName = 'elsewhere'\ntlsInsecureSkipVerify = true";
    assert!(works(&kafka, careless).await, "nothing is compared");
}
