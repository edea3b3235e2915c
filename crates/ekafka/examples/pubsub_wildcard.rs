//! Subscribes to all topics that fit a pattern, and acknowledges by hand.
//!
//! `cargo run -p ekafka --example pubsub_wildcard [HOST:PORT]`
//!
//! > logger.sensor.hg: 40 %
//! > logger.sensor.ts: 21 °C

use ekafka::Context;
use ekafka::pubsub::*;
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| embedded.bootstrap());

    let broker = new_broker([with_address([address.as_str()]), with_async(false)]);
    let context = Context::new();
    for (topic, text) in [
        ("logger.sensor.hg", "40 %"),
        ("logger.sensor.ts", "21 °C"),
        ("logger.other", "not for us"),
    ] {
        create_topic(&address, topic, 1, 1).await?;
        broker.publish_raw(&context, topic, text, []).await?;
    }

    let (sender, mut lines) = mpsc::channel(2);
    let handler = move |_context, event: Event| {
        let sender = sender.clone();
        async move {
            let text = String::from_utf8_lossy(event.body()).into_owned();
            sender.send(format!("{}: {text}", event.topic())).await?;
            Ok(event.ack().await?)
        }
    };
    let options = [with_queue_name("fx-group"), disable_auto_ack()];
    let subscriber = broker
        .subscribe("logger.sensor.*", handler, options)
        .await?;

    let mut received = Vec::new();
    while received.len() < 2 {
        received.extend(lines.recv().await);
    }
    received.sort();
    received.iter().for_each(|line| println!("{line}"));
    subscriber.unsubscribe().await?;
    broker.disconnect().await?;
    Ok(())
}
