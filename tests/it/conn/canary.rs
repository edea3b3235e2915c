//! Secrets are looked for in everything this side shows: events at every level, errors, `Debug` and `Display`.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::{Engine, engine::general_purpose};
use ekafka_conn::{ConnConfig, Dialer, Mechanism, Plain, Scram, ScramAlgorithm, Secret, TlsConfig};
use ekafka_testkit::{EmbeddedKafka, TlsFiles};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const MARKER: &str = "canary/pass word+9";

/// Writes down every event and every field of every span.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Listener {
    fn note(&self, metadata: &Metadata<'_>, visit: impl FnOnce(&mut Fields<'_>)) {
        let mut heard = self.0.lock().expect("no panic while it is held");
        let _ = write!(heard, "\n{} {}", metadata.target(), metadata.name());
        visit(&mut Fields(&mut heard));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(span.metadata(), |fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut heard = self.0.lock().expect("no panic while it is held");
        values.record(&mut Fields(&mut heard));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The forms in which a secret may slip out.
fn forms(secret: &str) -> Vec<String> {
    let base64 = general_purpose::STANDARD_NO_PAD.encode(secret);
    let hex = |separator: &str, digit: fn(u8) -> String| {
        secret
            .bytes()
            .map(digit)
            .collect::<Vec<_>>()
            .join(separator)
    };
    vec![
        secret.to_owned(),
        base64,
        general_purpose::URL_SAFE_NO_PAD.encode(secret),
        general_purpose::STANDARD_NO_PAD.encode(format!("\0alice\0{secret}")),
        hex("", |byte| format!("{byte:02x}")),
        hex("", |byte| format!("{byte:02X}")),
        // As the bytes of a `Vec<u8>` print.
        hex(", ", |byte| byte.to_string()),
        secret
            .replace('/', "%2F")
            .replace(' ', "%20")
            .replace('+', "%2B"),
    ]
}

fn mechanisms(password: &str) -> [Arc<dyn Mechanism>; 3] {
    [
        Arc::new(Plain::new("alice", password).expect("usable")),
        Arc::new(Scram::new(ScramAlgorithm::Sha256, "bob", password).expect("usable")),
        Arc::new(Scram::new(ScramAlgorithm::Sha512, "carol", password).expect("usable")),
    ]
}

#[tokio::test]
async fn x26_x27_x28_passwords_and_keys_are_shown_nowhere() {
    let listener = Listener::default();
    // With one subscriber alone, tracing asks only the thread that meets an event first whether anybody wants it, and
    // remembers the answer; tests on other threads would say no for all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    // One thread runs everything, so its default hears everything.
    let _listening = tracing::subscriber::set_default(listener.clone());
    let embedded = EmbeddedKafka::builder()
        .sasl_plain("alice", MARKER)
        .sasl_scram_256("bob", MARKER)
        .sasl_scram_512("carol", MARKER)
        .start()
        .await
        .unwrap();
    let address = embedded.addresses().remove(0);
    let wrong = format!("{MARKER}{MARKER}");
    let mut shown = String::new();
    for password in [MARKER, &wrong] {
        for mechanism in mechanisms(password) {
            write!(
                shown,
                "{mechanism:?} {:?} ",
                mechanism.start(&"kafka".parse().unwrap()).is_ok()
            )
            .unwrap();
            let config = ConnConfig::default()
                .sasl(mechanism)
                .timeout(Duration::from_secs(5));
            // Without permission, PLAIN is refused by the check.
            write!(shown, "{config:?} {config:#?} {:?} ", config.check()).unwrap();
            let dialer = Dialer::new(config.allow_plaintext_sasl_plain());
            match dialer.dial(&address).await {
                Ok(conn) => write!(shown, "{conn:?} {:?} ", conn.brokers().await).unwrap(),
                Err(error) => write!(shown, "{error} {error:?} {error:#?} ").unwrap(),
            }
        }
    }
    let secret = Secret::new(MARKER);
    write!(shown, "{secret:?} {secret:#?} ").unwrap();

    let files = TlsFiles::make(&["127.0.0.1".to_owned()], true).unwrap();
    let (chain, key) = files.client.unwrap();
    let builder = TlsConfig::builder()
        .ca_pem(&files.ca)
        .client_certificate_pem(&chain, &key);
    write!(shown, "{builder:?} ").unwrap();
    write!(shown, "{:?} ", builder.build()).unwrap();
    let broken = key.replace("END", "DNE");
    let builder = TlsConfig::builder()
        .ca_pem(&files.ca)
        .client_certificate_pem(&chain, broken);
    write!(shown, "{:?} ", builder.build()).unwrap();

    let heard = listener.0.lock().unwrap().clone();
    assert!(
        heard.contains("readable for anyone"),
        "the warning about clear passwords: {heard}"
    );
    assert!(
        shown.contains("SCRAM") && shown.contains("alice"),
        "{shown}"
    );
    for text in [&heard, &shown] {
        for form in forms(MARKER) {
            assert!(!text.contains(&form), "{form} in {text}");
        }
        for line in key.lines().filter(|line| !line.starts_with("-----")) {
            assert!(!text.contains(line), "{text}");
        }
    }
}
