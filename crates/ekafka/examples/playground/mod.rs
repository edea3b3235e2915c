//! The brokers that an example runs on: those that its first argument names (`HOST:PORT,…`), or else an embedded one.

use std::error::Error;

use ekafka::{Client, TopicConfig};
use ekafka_testkit::EmbeddedKafka;

/// The brokers, for as long as the example runs.
pub(crate) struct Playground {
    brokers: Vec<String>,
    _embedded: Option<EmbeddedKafka>,
}

impl Playground {
    pub(crate) fn brokers(&self) -> &[String] {
        &self.brokers
    }
}

/// Brokers with these topics, of so many partitions each. On named ones they must not be there yet: what others have
/// in them is left alone.
pub(crate) async fn start(topics: &[(&str, i32)]) -> Result<Playground, Box<dyn Error>> {
    if let Some(named) = std::env::args().nth(1) {
        let brokers: Vec<String> = named.split(',').map(str::to_owned).collect();
        let client = Client::builder().brokers(&brokers).build()?;
        let topics = topics.iter();
        let topics = topics.map(|(name, partitions)| TopicConfig::new(*name, *partitions, 1));
        client.create_topics(topics).await?.all()?;
        return Ok(Playground {
            brokers,
            _embedded: None,
        });
    }
    let embedded = EmbeddedKafka::builder().start().await?;
    for (name, partitions) in topics {
        embedded.create_topic(name, *partitions)?;
    }
    Ok(Playground {
        brokers: embedded.addresses(),
        _embedded: Some(embedded),
    })
}
