//! DeleteTopics, versions 1 to 6: asked of the controller.

use std::time::Duration;

use ekafka_conn::Refresh;
use ekafka_protocol::cold::delete_topics_request::DeleteTopicState;
use ekafka_protocol::cold::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{milliseconds, topic_name};

/// Topics to delete, by name.
#[derive(Debug, Clone, Default)]
pub struct DeleteTopics {
    topics: Vec<String>,
}

impl<I: IntoIterator<Item = S>, S: Into<String>> From<I> for DeleteTopics {
    fn from(topics: I) -> Self {
        Self {
            topics: topics.into_iter().map(Into::into).collect(),
        }
    }
}

impl Client {
    /// Deletes topics with everything in them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// client.delete_topics(["orders"]).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the controller does not answer; what became of each topic is in the result. One that does not
    /// exist is refused with `UNKNOWN_TOPIC_OR_PARTITION`.
    ///
    /// # Cancel safety
    /// Safe; the topics may be deleted all the same.
    pub async fn delete_topics(
        &self,
        topics: impl Into<DeleteTopics>,
    ) -> Result<Outcomes<String, ()>, AdminError> {
        let call = topics.into();
        let outcomes = self.call(&call, &call.topics).await?;
        for topic in &call.topics {
            self.cluster
                .invalidate(Refresh::Topic(topic.as_str().into()));
        }
        Ok(Outcomes::new(
            call.topics.into_iter().zip(outcomes).collect(),
        ))
    }
}

impl Call for DeleteTopics {
    type Request = DeleteTopicsRequest;
    type Item = String;
    type Value = ();

    fn place<'a>(&'a self, _topic: &'a String) -> Place<'a> {
        Place::Controller
    }

    fn subject(&self, topic: &String) -> String {
        topic.clone()
    }

    fn ask(
        &self,
        topics: &[&String],
        version: i16,
        patience: Duration,
    ) -> Result<DeleteTopicsRequest, &'static str> {
        let names = topics.iter().map(|topic| topic_name(topic));
        let request = DeleteTopicsRequest::default().with_timeout_ms(milliseconds(patience));
        if version < FIRST_WITH_TOPIC_STATES {
            return Ok(request.with_topic_names(names.collect()));
        }
        let state = |name: TopicName| DeleteTopicState::default().with_name(Some(name));
        Ok(request.with_topics(names.map(state).collect()))
    }

    fn read(
        &self,
        topics: &[&String],
        answer: DeleteTopicsResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |topic: &&String| {
            let found = answer
                .responses
                .iter()
                .find(|found| found.name.as_ref().is_some_and(|name| ***name == ***topic));
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, found.error_message.as_deref(), || ())
            })
        };
        topics.iter().map(tell).collect()
    }
}

/// From this version on topics are named in objects of their own.
const FIRST_WITH_TOPIC_STATES: i16 = 6;
