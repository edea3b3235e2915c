//! Two consumer servers in one application, message by message, until it is told to end.
//!
//! `cargo run -p ekafka --example consumer_server`; end it with Ctrl-C.
//!
//! > got a message: hello
//! > closed

use ekafka::consumerserver::{self, RecoverableError};
use ekafka::{App, Record};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;

const CONFIG: &str = r#"
[kafka]
debug=false
brokers=["localhost:9094"]

[kafka.client]
timeout="3s"

[kafka.producers.p1]
topic="sre-infra-test"

[kafka.consumers.c1]
topic="sre-infra-test"
groupID="group-1"
startOffset = -2
commitInterval = "1s"

[kafkaConsumerServers.s1]
debug=true
consumerName="c1"

[kafka.consumers.c2]
topic="sre-infra-test"
groupID="group-1"
commitInterval = "1s"

[kafkaConsumerServers.s2]
consumerName="c2"
"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("sre-infra-test", 2)?;
    ekafka::config::load_from_str(CONFIG)?;
    let component = ekafka::load("kafka").brokers(kafka.addresses()).build();

    let mut app = App::new();
    for name in ["kafkaConsumerServers.s1", "kafkaConsumerServers.s2"] {
        let server = consumerserver::load(name).ekafka(&component).build();
        // Takes what goes wrong in reading, handling and committing.
        let (errors, _unread) = mpsc::channel(16);
        server.on_each_message(errors, |_context, message| async move {
            let value = std::str::from_utf8(message.value().unwrap_or_default())?;
            if value.is_empty() {
                return Err(RecoverableError::new("may be tried again").into());
            }
            println!("got a message: {value}");
            Ok(())
        });
        app = app.serve(server);
    }
    let producer = component.producer("p1");
    let app =
        app.beside(async move { Ok(producer.write_messages(&[Record::new("hello")]).await?) });
    app.run().await?;
    println!("closed");
    Ok(())
}
