//! Publishes values as JSON with headers, and handles them as values.
//!
//! `cargo run -p ekafka --example pubsub [HOST:PORT]`
//!
//! > Topic logger.sensor.ts, version 1.0.0: humidity 40, temperature 20
//! > Topic logger.sensor.ts, version 1.0.0: humidity 41, temperature 21
//! > Topic logger.sensor.ts, version 1.0.0: humidity 42, temperature 22

use ekafka::Context;
use ekafka::pubsub::*;
use ekafka_testkit::EmbeddedKafka;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Serialize, Deserialize)]
struct Hygrothermograph {
    humidity: f64,
    temperature: f64,
}

const TOPIC: &str = "logger.sensor.ts";

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| embedded.bootstrap());

    let broker = new_broker([with_address([address]), with_codec(PayloadCodec::Json)]);
    broker.connect().await?;

    let (sender, mut handled) = mpsc::channel(3);
    let handler = move |_context, topic: String, headers: Headers, message: Hygrothermograph| {
        let sender = sender.clone();
        async move {
            let version = headers.get("version").unwrap_or_default();
            let (humidity, temperature) = (message.humidity, message.temperature);
            println!(
                "Topic {topic}, version {version}: humidity {humidity}, temperature {temperature}"
            );
            Ok(sender.send(()).await?)
        }
    };
    let options = [
        with_queue_name("fx-group"),
        with_subscribe_auto_create_topic(TOPIC, 1, 1),
    ];
    subscribe(&*broker, TOPIC, handler, options).await?;

    for step in 0..3 {
        let message = Hygrothermograph {
            humidity: 40.0 + f64::from(step),
            temperature: 20.0 + f64::from(step),
        };
        let headers = with_headers([("version", "1.0.0")]);
        publish(&*broker, &Context::new(), TOPIC, &message, [headers]).await?;
    }
    for _ in 0..3 {
        handled.recv().await;
    }
    broker.disconnect().await?;
    Ok(())
}
