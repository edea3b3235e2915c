//! Serves an embedded cluster on fixed ports until it is interrupted, and says what clients do wrong: `serve [ADDRESS]
//! [NODES] [USER:PASSWORD] [CA-FILE]`. With a user connections must log in; with a file they must use TLS and trust what
//! is written there.

use std::error::Error;
use std::time::Duration;

use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9092".to_owned());
    let nodes = args.next().map_or(Ok(3), |count| count.parse())?;
    let mut builder = EmbeddedKafka::builder()
        .listen(address.parse()?)
        .nodes(nodes)
        .default_replication(3);
    if let Some((name, password)) = args.next().as_deref().and_then(|user| user.split_once(':')) {
        builder = builder
            .sasl_plain(name, password)
            .sasl_scram_256(name, password)
            .sasl_scram_512(name, password);
    }
    let ca = args.next();
    if ca.is_some() {
        builder = builder.tls();
    }
    let kafka = builder.start().await?;
    if let (Some(path), Some(files)) = (ca, kafka.tls_files()) {
        std::fs::write(path, files.ca)?;
    }
    println!("{}", kafka.bootstrap());
    let mut told = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let violations = kafka.violations();
        for violation in violations.iter().skip(told) {
            println!("{violation}");
        }
        told = violations.len();
    }
}
