//! Serves an embedded cluster on fixed ports until it is interrupted, and says what clients do wrong: `serve [ADDRESS] [NODES]`.

use std::error::Error;
use std::time::Duration;

use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:9092".to_owned());
    let nodes = args.next().map_or(Ok(3), |count| count.parse())?;
    let builder = EmbeddedKafka::builder()
        .listen(address.parse()?)
        .nodes(nodes);
    let kafka = builder.default_replication(3).start().await?;
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
