//! A component's client for topics, offsets and metadata.

use std::fmt;
use std::sync::Arc;

use ekafka_admin::{
    AdminError, Client, ClusterMetadata, CommittedOffset, CreateTopics, CreatedTopic, DeleteTopics,
    FoundOffset, ListOffsets, Metadata, OffsetFetch, OffsetSpec, Outcomes,
};
use ekafka_reader::TopicPartition;

use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{Call, Chain, Command, Operation, Response};

/// Makes the calls that the documents have, each through the component's interceptors and within `client.timeout`; made by
/// [`Component::client`](crate::Component::client).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// use ekafka::TopicConfig;
///
/// let toml = "[kafka]\nbrokers = ['localhost:9092']\n[kafka.client]\ntimeout = '3s'";
/// let component = ekafka::load_toml(toml, "kafka")?
/// #   .brokers(kafka.addresses())
///     .try_build()?;
/// let client = component.client();
/// client.create_topics([TopicConfig::new("orders", 3, 1)]).await?.all()?;
/// let cluster = client.metadata(["orders"]).await?;
/// assert_eq!(cluster.topics[0].partitions.len(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ComponentClient {
    client: Client,
    chain: Arc<Chain>,
}

impl ComponentClient {
    pub(crate) fn new(client: Client, chain: Arc<Chain>) -> Self {
        Self { client, chain }
    }

    /// Makes topics.
    ///
    /// ```no_run
    /// # async fn example(client: &ekafka::ComponentClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::TopicConfig;
    ///
    /// client.create_topics([TopicConfig::new("orders", 3, 1)]).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Admin`] when the controller does not answer; what became of each topic is in the result.
    ///
    /// # Cancel safety
    /// Safe; the topics may be made all the same.
    pub async fn create_topics(
        &self,
        topics: impl Into<CreateTopics>,
    ) -> Result<Outcomes<String, CreatedTopic>, ComponentError> {
        let topics = topics.into();
        let request = format!("{topics:?}");
        let asking = self.client.create_topics(topics);
        self.ask(Command::CreateTopics, request, asking).await
    }

    /// Deletes topics with everything in them.
    ///
    /// ```no_run
    /// # async fn example(client: &ekafka::ComponentClient) -> Result<(), Box<dyn std::error::Error>> {
    /// client.delete_topics(["orders", "bills"]).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Admin`] when the controller does not answer; what became of each topic is in the result.
    ///
    /// # Cancel safety
    /// Safe; the topics may be deleted all the same.
    pub async fn delete_topics(
        &self,
        topics: impl Into<DeleteTopics>,
    ) -> Result<Outcomes<String, ()>, ComponentError> {
        let topics = topics.into();
        let request = format!("{topics:?}");
        let asking = self.client.delete_topics(topics);
        self.ask(Command::DeleteTopics, request, asking).await
    }

    /// Where partitions begin, end, or stand at a time.
    ///
    /// ```no_run
    /// # async fn example(component: ekafka::Component) -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::TopicPartition;
    /// use ekafka::admin::{OffsetSpec, ListGroups};
    ///
    /// let ends = [(TopicPartition::new("orders", 0), OffsetSpec::Last)];
    /// for ((partition, _), found) in component.client().list_offsets(ends).await?.all()? {
    ///     println!("{partition} ends at {:?}", found.offset);
    /// }
    /// // Everything else that can be asked, without the layers around it.
    /// component.client().admin().list_groups(ListGroups::all()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Admin`]; what became of each partition is in the result.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn list_offsets(
        &self,
        wanted: impl Into<ListOffsets>,
    ) -> Result<Outcomes<(TopicPartition, OffsetSpec), FoundOffset>, ComponentError> {
        let wanted = wanted.into();
        let request = format!("{wanted:?}");
        let asking = self.client.list_offsets(wanted);
        self.ask(Command::ListOffsets, request, asking).await
    }

    /// What a group has committed.
    ///
    /// ```no_run
    /// # async fn example(client: &ekafka::ComponentClient) -> Result<(), Box<dyn std::error::Error>> {
    /// for (partition, committed) in client.offset_fetch("shop").await?.all()? {
    ///     println!("{partition}: {:?}", committed.map(|committed| committed.offset));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Admin`]; what became of each partition is in the result.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn offset_fetch(
        &self,
        wanted: impl Into<OffsetFetch>,
    ) -> Result<Outcomes<TopicPartition, Option<CommittedOffset>>, ComponentError> {
        let wanted = wanted.into();
        let request = format!("{wanted:?}");
        let asking = self.client.offset_fetch(wanted);
        self.ask(Command::OffsetFetch, request, asking).await
    }

    /// The cluster's brokers, controller and topics, asked anew.
    ///
    /// ```no_run
    /// # async fn example(client: &ekafka::ComponentClient) -> Result<(), ekafka::ComponentError> {
    /// let cluster = client.metadata(["orders"]).await?;
    /// println!("{} partitions", cluster.topics[0].partitions.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Admin`] when no broker answers. A topic's own error is in its description.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn metadata(
        &self,
        topics: impl Into<Metadata>,
    ) -> Result<ClusterMetadata, ComponentError> {
        let topics = topics.into();
        let request = format!("{topics:?}");
        let asking = self.client.metadata(topics);
        self.ask(Command::Metadata, request, asking).await
    }

    /// The client behind it, for all other calls. Interceptors do not see what is done there.
    #[must_use]
    pub fn admin(&self) -> &Client {
        &self.client
    }

    async fn ask<T: fmt::Debug + Send>(
        &self,
        command: Command,
        request: String,
        asking: impl Future<Output = Result<T, AdminError>> + Send,
    ) -> Result<T, ComponentError> {
        let context = Context::new();
        let mut call = self.chain.call(command, "", &context);
        call.set_request(request);
        let mut asking = Asking {
            asking: Some(Box::pin(asking)),
            answer: None,
        };
        self.chain.run(&mut call, &mut asking).await?;
        asking.answer.ok_or(ComponentError::Closed)
    }
}

struct Asking<F, T> {
    asking: Option<std::pin::Pin<Box<F>>>,
    answer: Option<T>,
}

impl<F, T> Operation for Asking<F, T>
where
    F: Future<Output = Result<T, AdminError>> + Send,
    T: fmt::Debug + Send,
{
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        if let Some(asking) = self.asking.take() {
            let answer = asking.await?;
            call.respond(Response::Text(format!("{answer:?}")));
            self.answer = Some(answer);
        }
        Ok(())
    }
}
