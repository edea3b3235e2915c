//! Polls a group member for messages and for what happens to the group.
//!
//! `cargo run -p ekafka --example ekafka_consumer_group`
//!
//! > assigned: 3 partitions
//! > message: hello

use std::time::Duration;

use ekafka::{GroupEvent, Record};
use ekafka_testkit::EmbeddedKafka;

const CONFIG: &str = r#"
[kafka]
brokers = ["127.0.0.1:9092", "127.0.0.1:9093", "127.0.0.1:9094"]

[kafka.client]
timeout = "3s"

[kafka.producers.p1]
topic = "my-topic"

[kafka.consumerGroups.cg1]
JoinGroupBackoff = "1s"
groupID = "group-1"
topic = "my-topic"
"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("my-topic", 3)?;
    let container = ekafka::load_toml(CONFIG, "kafka")?;
    let component = container.brokers(kafka.addresses()).build();
    // Made by the first call; later ones give the same.
    let group = component.consumer_group("cg1");
    let messages = [Record::new("hello")];
    component.producer("p1").write_messages(&messages).await?;

    loop {
        match tokio::time::timeout(Duration::from_secs(60), group.poll()).await?? {
            GroupEvent::Message(message) => {
                let value = message.value().unwrap_or_default();
                println!("message: {}", String::from_utf8_lossy(value));
                group.commit_messages(&[message]).await?;
                break;
            }
            GroupEvent::AssignedPartitions(assigned) => {
                println!("assigned: {} partitions", assigned.partitions.len());
            }
            GroupEvent::RevokedPartitions(_) => println!("revoked"),
            GroupEvent::Error(error) => return Err(error.into()),
            _ => {}
        }
    }
    group.close().await?;
    Ok(())
}
