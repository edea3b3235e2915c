//! DeleteRecords, versions 0 to 2 (KIP-107): asked of each partition's leader.

use std::time::Duration;

use ekafka_conn::TopicPartition;
use ekafka_protocol::cold::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ekafka_protocol::cold::{DeleteRecordsRequest, DeleteRecordsResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{by_topic, milliseconds};

impl Client {
    /// Deletes the records before an offset of each partition; `None` means all records there are. The new first offset
    /// of each.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_conn::TopicPartition;
    ///
    /// // Everything that is there now; a number would keep what begins with it.
    /// let all = [(TopicPartition::new("orders", 0), None)];
    /// for (partition, first) in client.delete_records(all).await?.all()? {
    ///     println!("{partition} begins at {first}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no leader answers; what became of each partition is in the result. An offset behind the last
    /// record is refused with `OFFSET_OUT_OF_RANGE`.
    ///
    /// # Cancel safety
    /// Safe; the records may be deleted all the same.
    pub async fn delete_records(
        &self,
        before: impl IntoIterator<Item = (TopicPartition, Option<i64>)>,
    ) -> Result<Outcomes<TopicPartition, i64>, AdminError> {
        let items: Vec<(TopicPartition, Option<i64>)> = before.into_iter().collect();
        let outcomes = self.call(&DeleteRecords, &items).await?;
        let partitions = items.into_iter().map(|(partition, _)| partition);
        Ok(Outcomes::new(partitions.zip(outcomes).collect()))
    }
}

struct DeleteRecords;

impl Call for DeleteRecords {
    type Request = DeleteRecordsRequest;
    type Item = (TopicPartition, Option<i64>);
    type Value = i64;

    fn place<'a>(&'a self, (partition, _): &'a Self::Item) -> Place<'a> {
        Place::Leader(partition)
    }

    fn ask(
        &self,
        items: &[&Self::Item],
        _version: i16,
        patience: Duration,
    ) -> Result<DeleteRecordsRequest, &'static str> {
        let partitions = items.iter().map(|(known, offset)| {
            let partition = DeleteRecordsPartition::default()
                .with_partition_index(known.partition)
                .with_offset(offset.unwrap_or(HIGH_WATERMARK));
            (known, partition)
        });
        let topics = by_topic(partitions).into_iter().map(|(name, partitions)| {
            DeleteRecordsTopic::default()
                .with_name(name)
                .with_partitions(partitions)
        });
        Ok(DeleteRecordsRequest::default()
            .with_topics(topics.collect())
            .with_timeout_ms(milliseconds(patience)))
    }

    fn read(
        &self,
        items: &[&Self::Item],
        answer: DeleteRecordsResponse,
        _version: i16,
    ) -> Vec<Told<i64>> {
        let tell = |(wanted, _): &&Self::Item| {
            let found = answer
                .topics
                .iter()
                .filter(|topic| **topic.name == *wanted.topic)
                .flat_map(|topic| &topic.partitions)
                .find(|found| found.partition_index == wanted.partition);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, None, || found.low_watermark)
            })
        };
        items.iter().map(tell).collect()
    }
}

/// Stands for all records there are.
const HIGH_WATERMARK: i64 = -1;
