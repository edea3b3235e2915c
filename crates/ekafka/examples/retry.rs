//! Writes to a topic that the first attempt makes: three attempts of ten seconds, a short wait where there is no leader yet.
//!
//! `cargo run -p ekafka --example retry [HOST:PORT]`
//!
//! > written

use std::error::Error;
use std::time::Duration;

use ekafka::{ErrorCode, Record, WriterConfig};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::{sleep, timeout};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| embedded.addresses().remove(0));
    let writer = WriterConfig::kafka_go()
        .addr(address)
        .topic("made-by-the-first-attempt")
        .allow_auto_topic_creation(true)
        .build()?;
    let records = ["one", "two", "three"].map(Record::new);
    for attempt in 1..=3 {
        match timeout(Duration::from_secs(10), writer.write(&records)).await {
            Ok(Ok(())) => {
                println!("written");
                return Ok(());
            }
            Ok(Err(errors)) => {
                let leaderless = errors
                    .iter()
                    .all(|(_, error)| error.code() == Some(ErrorCode::LEADER_NOT_AVAILABLE));
                if !leaderless {
                    return Err(errors.into());
                }
                println!("attempt {attempt}: no leader yet");
            }
            Err(_) => println!("attempt {attempt}: ten seconds were not enough"),
        }
        sleep(Duration::from_millis(250)).await;
    }
    Err("not written in three attempts".into())
}
