//! Positions: asking for them and changing them, and the settings in force.

use super::Reader;
use crate::TopicPartition;
use crate::config::ReaderConfig;
use crate::control::{asking, now};
use crate::error::ReaderError;
use crate::reset::{Start, StartOffset, Target};

impl Reader {
    /// Reads on from `start` in one assigned partition, with or without a group. What was fetched before
    /// is dropped; committed offsets do not move.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// use ekafka_reader::{StartOffset, TopicPartition};
    ///
    /// let partition = TopicPartition::new("orders", 3);
    /// reader.seek(&partition, StartOffset::First).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError::NotAssigned`], or [`ReaderError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the position moved.
    pub async fn seek(
        &mut self,
        partition: &TopicPartition,
        start: impl Into<StartOffset>,
    ) -> Result<(), ReaderError> {
        self.begin();
        self.unconfirmed.take_if(|message| {
            message.topic() == &*partition.topic && message.partition() == partition.partition
        });
        self.handle.seek(partition, start).await
    }

    /// Hands out nothing of these partitions until [`resume`](Self::resume); their positions stay.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// use ekafka_reader::TopicPartition;
    ///
    /// let busy = [TopicPartition::new("orders", 3)];
    /// reader.pause(&busy).await?;
    /// // Others are read meanwhile.
    /// reader.resume(&busy).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError::NotAssigned`] naming one that is not assigned, or [`ReaderError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether they are paused.
    pub async fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), ReaderError> {
        self.begin();
        self.handle.pause(partitions).await
    }

    /// Reads on in paused partitions.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether they are paused.
    pub async fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), ReaderError> {
        self.begin();
        self.handle.resume(partitions).await
    }

    /// How many offsets lie between the position and the end of its partition, asked of the leader; with
    /// several partitions, of all together where nothing was handed out yet, else of the last one's.
    ///
    /// # Errors
    /// [`ReaderError::Unavailable`] with a group, and what the leader or the way to it says.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn read_lag(&self) -> Result<i64, ReaderError> {
        if self.settings.group.is_some() {
            return Err(ReaderError::Unavailable {
                call: "read_lag",
                reason: "with a group",
            });
        }
        if let Some((partition, offset)) = self.buffered.position() {
            let end = self.end_of(&partition).await?;
            return Ok(end.saturating_sub(offset).max(0));
        }
        let mut lag = 0;
        for partition in self.fixed_partitions() {
            let end = self.end_of(&partition).await?;
            let begin = match (self.position(&partition).await, self.start) {
                (Some(offset), _) | (None, Start::At(offset)) => offset,
                (None, Start::Ask(Target::Last)) => end,
                (None, Start::Ask(target)) => self.ask(&partition, target).await?.unwrap_or(end),
            };
            lag += end.saturating_sub(begin).max(0);
        }
        Ok(lag)
    }

    /// The offset that the application gets next of a partition, or a later one when there is no record at it: control
    /// batches and aborted records are passed. `None` when the partition is not assigned, or where reading begins is not
    /// known yet.
    ///
    /// ```no_run
    /// # async fn example(reader: ekafka_reader::Reader) {
    /// use ekafka_reader::TopicPartition;
    ///
    /// let partition = TopicPartition::new("orders", 3);
    /// println!("goes on at {:?}", reader.position(&partition).await);
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn position(&self, partition: &TopicPartition) -> Option<i64> {
        if self.unstarted.is_some() {
            return None;
        }
        self.handle.position(partition).await
    }

    /// What the group has committed for each of `partitions`, asked of the coordinator: the next offset
    /// to read, or `None` for nothing.
    ///
    /// ```no_run
    /// # async fn example(reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// use ekafka_reader::TopicPartition;
    ///
    /// let partition = TopicPartition::new("orders", 3);
    /// for (partition, next) in reader.committed(&[partition]).await? {
    ///     println!("{partition}: {next:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError::Unavailable`] without a group, and what the coordinator or the way to it says.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, ReaderError> {
        let Some(group) = self.settings.group.clone() else {
            return Err(ReaderError::Unavailable {
                call: "committed",
                reason: "without a group",
            });
        };
        let (cluster, partitions) = (self.cluster.clone(), partitions.to_vec());
        asking::committed(cluster, group, partitions, now()).await
    }

    /// The settings in force, with defaults filled in.
    #[must_use]
    pub fn config(&self) -> ReaderConfig {
        ReaderConfig::of(&self.settings)
    }

    async fn end_of(&self, partition: &TopicPartition) -> Result<i64, ReaderError> {
        // Every log has an end; only a time may lie behind all records.
        let end = self.ask(partition, Target::Last).await?;
        Ok(end.unwrap_or(0))
    }

    async fn ask(
        &self,
        partition: &TopicPartition,
        target: Target,
    ) -> Result<Option<i64>, ReaderError> {
        let isolation = self.settings.fetch.isolation_level;
        let deadline = now() + self.settings.request_timeout;
        asking::offset_of(&self.cluster, partition, target, isolation, deadline).await
    }
}
