//! A cluster with everything that is named in its configuration.

mod balancers;
mod container;
mod instances;
mod wiring;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use ekafka_conn::Cluster;

use crate::client::ComponentClient;
use crate::config::KafkaConfig;
use crate::consumer::Consumer;
use crate::consumer_group::ConsumerGroup;
use crate::error::ComponentError;
use crate::interceptor::Chain;
use crate::producer::Producer;

use balancers::Balancers;
pub use container::{Container, load, load_file, load_toml, try_load};
use instances::Instances;

/// The producers, consumers and groups of one `[kafka]` table, each made when it is first asked for. Clones share them.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::Record;
///
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("sre-infra-test", 1)?;
/// let component = ekafka::load_toml(r#"
///     [kafka]
///     brokers = ["localhost:9092"]
///     [kafka.producers.p1]
///     topic = "sre-infra-test"
///     batchTimeout = "auto"
/// "#, "kafka")?
/// # .brokers(kafka.addresses())
/// .try_build()?;
///
/// let producer = component.try_producer("p1")?;
/// producer.write_messages(&[Record::new("Hello World!"), Record::new("One!")]).await?;
/// component.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = r#"
///     [kafka]
///     brokers = ["localhost:9092"]
///     [kafka.producers.p1]
///     topic = "orders"
///     [kafka.consumers.c1]
///     topic = "orders"
///     groupID = "shop"
///     [kafka.consumerGroups.cg1]
///     topic = "orders"
///     groupID = "shop"
/// "#;
/// let component = ekafka::load_toml(config, "kafka")?.build();
/// println!("{} has {:?}", component.name(), component.config().producers.keys());
///
/// // Names of the program's own; a name that is not in the configuration is a panic, or an error.
/// let (consumer, group) = (component.try_consumer("c1")?, component.try_consumer_group("cg1")?);
/// println!("{} and {}", consumer.config().topic, group.config().group_id);
/// assert!(component.try_producer("nobody").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Component {
    parts: Arc<Parts>,
}

/// What clones share.
struct Parts {
    config: KafkaConfig,
    balancers: Balancers,
    connection: ekafka_conn::ConnConfig,
    /// Metadata and connections of producers and client. A reader has its own: two long polls on one connection would
    /// wait for each other.
    cluster: Cluster,
    client_chain: Arc<Chain>,
    server_chain: Arc<Chain>,
    producers: Instances<Producer>,
    consumers: Instances<Consumer>,
    groups: Instances<ConsumerGroup>,
    client: ComponentClient,
}

impl Component {
    fn new(parts: Parts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    /// Where its table stands in the configuration, such as `kafka`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.parts.client_chain.identity.name
    }

    /// The configuration in effect.
    #[must_use]
    pub fn config(&self) -> &KafkaConfig {
        &self.parts.config
    }

    /// The brokers it was given.
    #[must_use]
    pub fn brokers(&self) -> &[String] {
        &self.parts.client_chain.identity.brokers
    }

    /// The producer `[kafka.producers.NAME]`: made now, or the same as before; a new one when that was closed. Nothing is
    /// dialled before the first message.
    ///
    /// ```
    /// let toml = "[kafka]\nbrokers = ['a:9092']\n[kafka.producers.p1]\ntopic = 'orders'";
    /// let component = ekafka::load_toml(toml, "kafka").unwrap().build();
    /// let error = component.try_producer("p2").unwrap_err();
    /// assert!(error.to_string().contains("p2"), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Unknown`] without such an entry, [`ComponentError::Writer`] with every fault of its settings; also
    /// outside of a Tokio runtime.
    pub fn try_producer(&self, name: &str) -> Result<Arc<Producer>, ComponentError> {
        let parts = &self.parts;
        parts.producers.get(name, || {
            let config = parts.entry("producers", &parts.config.producers, name)?;
            let writer = wiring::writer(config, &parts.balancers, parts.cluster.clone())?;
            let writer = writer.build()?;
            Ok(Producer::new(
                config.clone(),
                writer,
                Arc::clone(&parts.client_chain),
            ))
        })
    }

    /// As [`try_producer`](Self::try_producer), for names that are part of the program.
    ///
    /// # Panics
    /// With the error's text, where [`try_producer`](Self::try_producer) fails.
    #[must_use]
    #[track_caller]
    pub fn producer(&self, name: &str) -> Arc<Producer> {
        or_panic(self.try_producer(name))
    }

    /// The consumer `[kafka.consumers.NAME]`: made now, or the same as before; a new one when that was closed. Nothing is
    /// dialled before the first message is asked for.
    ///
    /// # Errors
    /// [`ComponentError::Unknown`] without such an entry, [`ComponentError::Reader`] with every fault of its settings.
    pub fn try_consumer(&self, name: &str) -> Result<Arc<Consumer>, ComponentError> {
        let parts = &self.parts;
        parts.consumers.get(name, || {
            let config = parts.entry("consumers", &parts.config.consumers, name)?;
            let reader = wiring::consumer(config, parts.brokers(), &parts.connection).build()?;
            Ok(Consumer::new(
                config.clone(),
                reader,
                Arc::clone(&parts.server_chain),
            ))
        })
    }

    /// As [`try_consumer`](Self::try_consumer), for names that are part of the program.
    ///
    /// # Panics
    /// With the error's text, where [`try_consumer`](Self::try_consumer) fails.
    #[must_use]
    #[track_caller]
    pub fn consumer(&self, name: &str) -> Arc<Consumer> {
        or_panic(self.try_consumer(name))
    }

    /// The group member `[kafka.consumerGroups.NAME]`: made now, or the same as before; a new one when that was closed. It
    /// joins the group when it is first polled.
    ///
    /// # Errors
    /// [`ComponentError::Unknown`] without such an entry, [`ComponentError::Reader`] with every fault of its settings.
    pub fn try_consumer_group(&self, name: &str) -> Result<Arc<ConsumerGroup>, ComponentError> {
        let parts = &self.parts;
        parts.groups.get(name, || {
            let config = parts.entry("consumerGroups", &parts.config.consumer_groups, name)?;
            let reader = wiring::group(config, parts.brokers(), &parts.connection).build()?;
            Ok(ConsumerGroup::new(
                config.clone(),
                reader,
                Arc::clone(&parts.server_chain),
            ))
        })
    }

    /// As [`try_consumer_group`](Self::try_consumer_group), for names that are part of the program.
    ///
    /// # Panics
    /// With the error's text, where [`try_consumer_group`](Self::try_consumer_group) fails.
    #[must_use]
    #[track_caller]
    pub fn consumer_group(&self, name: &str) -> Arc<ConsumerGroup> {
        or_panic(self.try_consumer_group(name))
    }

    /// The client for topics, offsets and metadata; the same each time.
    #[must_use]
    pub fn client(&self) -> &ComponentClient {
        &self.parts.client
    }

    /// Closes every instance that was made: first consumers and groups leave, all at once and within 10 s, then producers
    /// deliver what they have, for as long as a delivery may take at most. Asking for one afterwards makes a new one.
    ///
    /// ```no_run
    /// # async fn example(component: ekafka::Component) -> Result<(), ekafka::ComponentError> {
    /// // Producers deliver what they have, consumers commit what is marked and leave their groups.
    /// component.close().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first one of any instance; all are closed whatever happens to one.
    ///
    /// # Cancel safety
    /// Dropping the future leaves some instances closed and others not.
    pub async fn close(&self) -> Result<(), ComponentError> {
        let groups = self.parts.groups.take_all();
        let groups = groups.iter().map(|group| boxed(group.close()));
        let consumers = self.parts.consumers.take_all();
        let consumers = consumers.iter().map(|consumer| boxed(consumer.close()));
        let left = all_of(groups.chain(consumers).collect()).await;
        let producers = self.parts.producers.take_all();
        let producers = producers.iter().map(|producer| boxed(producer.close()));
        left.and(all_of(producers.collect()).await)
    }
}

impl Parts {
    fn brokers(&self) -> &[String] {
        &self.client_chain.identity.brokers
    }

    fn entry<'e, T>(
        &self,
        table: &str,
        entries: &'e std::collections::BTreeMap<String, T>,
        name: &str,
    ) -> Result<&'e T, ComponentError> {
        entries.get(name).ok_or_else(|| ComponentError::Unknown {
            path: format!("{}.{table}", self.config.path),
            name: name.to_owned(),
            known: entries.keys().cloned().collect(),
        })
    }
}

type Closing<'c> = Pin<Box<dyn Future<Output = Result<(), ComponentError>> + Send + 'c>>;

fn boxed<'c>(close: impl Future<Output = Result<(), ComponentError>> + Send + 'c) -> Closing<'c> {
    Box::pin(close)
}

/// Waits for all at the same time; the first failure is the result.
async fn all_of(mut closing: Vec<Closing<'_>>) -> Result<(), ComponentError> {
    let mut result = Ok(());
    std::future::poll_fn(|context| {
        closing.retain_mut(|close| match close.as_mut().poll(context) {
            Poll::Ready(Err(error)) if result.is_ok() => {
                result = Err(error);
                false
            }
            Poll::Ready(_) => false,
            Poll::Pending => true,
        });
        match closing.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    result
}

#[track_caller]
fn or_panic<T>(result: Result<T, ComponentError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("name", &self.name())
            .field("brokers", &self.brokers())
            .finish_non_exhaustive()
    }
}
