//! Publishes texts without waiting, is told what became of them, and makes and deletes the topic for it.
//!
//! `cargo run -p ekafka --example pubsub_completion [HOST:PORT]`
//!
//! > created
//! > Completion: Hello World! at partition 0, offset 0
//! > Completion: Hello World! at partition 0, offset 9
//! > deleted

use ekafka::Context;
use ekafka::pubsub::*;
use ekafka_testkit::EmbeddedKafka;

const TOPIC: &str = "test_topic";

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| embedded.bootstrap());

    create_topic(&address, TOPIC, 1, 1).await?;
    println!("created");

    let completion = with_completion(|messages: &[Message], error| match error {
        Some(error) => println!("Completion failed: {error}"),
        None => messages.iter().for_each(|message| {
            let text = String::from_utf8_lossy(message.value.as_deref().unwrap_or_default());
            let (partition, offset) = (message.partition, message.offset);
            println!("Completion: {text} at partition {partition}, offset {offset}");
        }),
    });
    let broker = new_broker([
        with_address([address.as_str()]),
        with_async(true),
        completion,
    ]);
    let context = Context::new();
    for _ in 0..10 {
        broker
            .publish_raw(&context, TOPIC, "Hello World!", [])
            .await?;
    }
    // Delivers what was published; the completion has been called when it returns.
    broker.disconnect().await?;

    delete_topic(&address, [TOPIC]).await?;
    println!("deleted");
    Ok(())
}
