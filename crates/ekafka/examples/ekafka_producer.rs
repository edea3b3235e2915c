//! A producer by name, from a configuration in a text: three messages, then closed.
//!
//! `cargo run -p ekafka --example ekafka_producer`
//!
//! > [ekafka.response] kafka […] […ms] WriteMessages […"Value":"Hello World!"…] => {}
//! > produce message success --------------->

use ekafka::Record;
use ekafka_testkit::EmbeddedKafka;

const CONFIG: &str = r#"
[kafka]
	debug=true
	brokers=["localhost:9091","localhost:9092","localhost:9093"]
	[kafka.client]
		timeout="3s"
	[kafka.producers.p1]        # a producer with the name p1
		topic="sre-infra-test"  # the topic of its messages
"#;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("sre-infra-test", 1)?;

    ekafka::config::load_from_str(CONFIG)?;
    let component = ekafka::load("kafka").brokers(kafka.addresses()).build();
    let producer = component.producer("p1");
    let messages = ["Hello World!", "One!", "Two!"].map(Record::new);
    producer.write_messages(&messages).await?;
    producer.close().await?;
    println!("produce message success --------------->");
    Ok(())
}
