//! Topics made and deleted.

use ekafka_admin::{AdminError, Client};
use ekafka_conn::TopicConfig;
use ekafka_protocol::ErrorCode;

use crate::error::ComponentError;

/// Creates a topic, asking a broker at `address` (several are joined by commas) over a plain connection; one that exists is
/// left as it is. [`KafkaBroker::create_topic`](super::KafkaBroker::create_topic) logs in and encrypts as its options say.
///
/// ```no_run
/// use ekafka::pubsub::{create_topic, delete_topic};
///
/// # async fn example() -> Result<(), ekafka::ComponentError> {
/// create_topic("localhost:9092", "orders", 3, 1).await?;
/// delete_topic("localhost:9092", ["orders"]).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ComponentError::Admin`] when the cluster refuses or does not answer.
///
/// # Cancel safety
/// Dropping the future leaves it open whether the topic is created.
pub async fn create_topic(
    address: &str,
    topic: &str,
    partitions: i32,
    replication_factor: i16,
) -> Result<(), ComponentError> {
    create(&client(address)?, topic, partitions, replication_factor).await
}

/// Deletes topics, asking a broker at `address` (several are joined by commas) over a plain connection.
///
/// # Errors
/// [`ComponentError::Admin`] with the first that was refused, such as one that does not exist; the others are deleted.
///
/// # Cancel safety
/// Dropping the future leaves it open whether the topics are deleted.
pub async fn delete_topic<S: Into<String>>(
    address: &str,
    topics: impl IntoIterator<Item = S>,
) -> Result<(), ComponentError> {
    let topics = topics.into_iter().map(Into::into).collect();
    delete(&client(address)?, topics).await
}

fn client(address: &str) -> Result<Client, AdminError> {
    Client::builder().brokers([address]).build()
}

pub(super) async fn create(
    client: &Client,
    topic: &str,
    partitions: i32,
    replication_factor: i16,
) -> Result<(), ComponentError> {
    let config = TopicConfig::new(topic, partitions, replication_factor);
    match client.create_topics([config]).await?.all() {
        Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

pub(super) async fn delete(client: &Client, topics: Vec<String>) -> Result<(), ComponentError> {
    client.delete_topics(topics).await?.all()?;
    Ok(())
}
