//! A value of the context travels as a message header to whoever reads the message, and a balancer of one's own.
//!
//! `cargo run -p ekafka --example custom_keys`; `EGO_LOG_EXTRA_KEYS=X-Ego-Uid` does the same as `extra_keys`.
//!
//! > partition 1
//! > X-Ego-Uid: 9527

use ekafka::{Context, Record};
use ekafka_testkit::EmbeddedKafka;

const CONFIG: &str = r#"
[kafka]
brokers=["localhost:9092"]
[kafka.producers.p1]
topic="sre-infra-test"
balancer="my-balancer"
[kafka.consumers.c1]
topic="sre-infra-test"
groupID="group-1"
"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("sre-infra-test", 3)?;
    let component = ekafka::load_toml(CONFIG, "kafka")?
        .brokers(kafka.addresses())
        .extra_keys(["X-Ego-Uid"])
        .register_balancer("my-balancer", |_: &Record<'_>, partitions: &[i32]| {
            partitions[1]
        })
        .build();

    let context = Context::new().with_value("X-Ego-Uid", "9527");
    let producer = component.producer("p1");
    let messages = [Record::new("hello")];
    producer.write_messages_with(&context, &messages).await?;

    let consumer = component.consumer("c1");
    let message = consumer.read_message().await?;
    let context = consumer.context(&message);
    println!("partition {}", message.partition());
    println!(
        "X-Ego-Uid: {}",
        context.value("X-Ego-Uid").unwrap_or("none")
    );
    component.close().await?;
    Ok(())
}
