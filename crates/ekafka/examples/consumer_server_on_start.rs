//! Consumer servers that hand the consumer, or the group, over to code of the application's own.
//!
//! `cargo run -p ekafka --example consumer_server_on_start`
//!
//! > consumer got offset 0
//! > closed

use ekafka::{App, GroupEvent, Record, consumerserver};
use ekafka_testkit::EmbeddedKafka;

const CONFIG: &str = r#"
[kafka]
brokers=["localhost:9094"]
[kafka.producers.p1]
topic="sre-infra-test"
[kafka.consumers.c1]
topic="sre-infra-test"
groupID="group-1"
[kafka.consumerGroups.cg1]
topic="sre-infra-test"
groupID="group-2"
[kafkaConsumerServers.s1]
consumerName="c1"
consumerGroupName="cg1"
"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("sre-infra-test", 1)?;
    ekafka::config::load_from_str(CONFIG)?;
    let component = ekafka::load("kafka").brokers(kafka.addresses()).build();
    let messages = [Record::new("hello")];
    component.producer("p1").write_messages(&messages).await?;
    let server = || {
        consumerserver::load("kafkaConsumerServers.s1")
            .ekafka(&component)
            .build()
    };

    let with_consumer = server();
    with_consumer.on_start(|_context, consumer| async move {
        let message = consumer.fetch_message().await?;
        println!("consumer got offset {}", message.offset());
        Ok(consumer.commit_messages(&[message]).await?)
    });
    let with_group = server();
    with_group.on_consumer_group_start(|_context, group| async move {
        loop {
            if let GroupEvent::Message(message) = group.poll().await? {
                println!("group got offset {}", message.offset());
                return Ok(group.commit_messages(&[message]).await?);
            }
        }
    });
    // Each ends when its code returns.
    App::new()
        .serve(with_consumer)
        .serve(with_group)
        .run()
        .await?;
    println!("closed");
    Ok(())
}
