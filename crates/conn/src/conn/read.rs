//! Fetching from the connection's partition.

use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::messages::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition, IsolationLevel,
};
use ekafka_protocol::records::BATCH_OVERHEAD;
use ekafka_protocol::{ApiKey, ErrorCode, StrBytes};
use tokio::time::Instant;

use super::deadline::{broker_timeout, milliseconds};
use super::{Conn, forever};
use crate::batch::{Batch, Fetched, Filled};
use crate::error::ConnError;
use crate::message::Message;

/// What a batch should hold, and how long to wait for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadBatchConfig {
    /// The broker answers when it has so many bytes, or when the wait is over. 0 answers at once.
    pub min_bytes: usize,
    /// The broker stops behind so many bytes; at least one record batch comes whole.
    pub max_bytes: usize,
    /// Which records of transactions are shown. Default: all.
    pub isolation_level: IsolationLevel,
    /// How long the broker may wait for `min_bytes`; zero waits for as long as the deadline allows.
    pub max_wait: Duration,
}

impl Conn {
    /// Reads the value of the next message into `buffer`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
    /// use ekafka_conn::{Filled, ReadBatchConfig, Record};
    ///
    /// leader.write_messages(&["one", "two", "three", "four"].map(Record::new)).await?;
    /// let mut buffer = [0; 100];
    /// assert_eq!(leader.read(&mut buffer).await?, Filled::Value(3));
    /// assert_eq!(leader.read_message(1_000_000).await?.value(), Some(&b"two"[..]));
    ///
    /// // What the broker has, until it is 1 MB: at least one byte of it, or whatever there is at once.
    /// assert_eq!(leader.read_batch(1, 1_000_000).await.messages().count(), 2);
    /// leader.write(b"five").await?;
    /// let at_once = ReadBatchConfig { max_bytes: 1_000_000, ..ReadBatchConfig::default() };
    /// assert_eq!(leader.read_batch_with(at_once).await.messages().count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with `REQUEST_TIMED_OUT` when there was nothing to read by the deadline
    /// (see [`ConnError::is_timeout`]), with `OFFSET_OUT_OF_RANGE` when the position lies outside the
    /// partition; [`ConnError`] when there is no answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable and the position unchanged.
    pub async fn read(&mut self, buffer: &mut [u8]) -> Result<Filled, ConnError> {
        loop {
            let before = self.position;
            let mut batch = self.read_batch(1, buffer.len().max(1)).await;
            match batch.read(buffer)? {
                Filled::End => {}
                filled => return Ok(filled),
            }
            drop(batch);
            self.check_progress(before)?;
        }
    }

    /// Reads the next message. `max_bytes` bounds what is fetched for it, but for one batch that
    /// comes whole.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable and the position unchanged.
    pub async fn read_message(&mut self, max_bytes: usize) -> Result<Message, ConnError> {
        loop {
            let before = self.position;
            let mut batch = self.read_batch(1, max_bytes.max(1)).await;
            if let Some(message) = batch.read_message()? {
                return Ok(message);
            }
            drop(batch);
            self.check_progress(before)?;
        }
    }

    /// A fetch without any message is followed by another one if it got past something, such as
    /// control records.
    fn check_progress(&self, before: i64) -> Result<(), ConnError> {
        if self.position == before {
            return Err(self.refused(ApiKey::FETCH, ErrorCode::REQUEST_TIMED_OUT));
        }
        Ok(())
    }

    /// Fetches a batch of at least `min_bytes` if the broker gets them by the deadline, and of
    /// `max_bytes` at most, but for one record batch that comes whole.
    ///
    /// Failures are reported by the batch. The batch borrows the connection; where it ends, the next
    /// one begins.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable and the position unchanged.
    pub async fn read_batch(&mut self, min_bytes: usize, max_bytes: usize) -> Batch<'_> {
        let config = ReadBatchConfig {
            min_bytes,
            max_bytes,
            ..ReadBatchConfig::default()
        };
        self.read_batch_with(config).await
    }

    /// Fetches a batch as `config` says; see [`read_batch`](Self::read_batch).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable and the position unchanged. The broker still
    /// finishes the fetch before it turns to later requests: with `min_bytes` above 1, after the
    /// whole wait.
    pub async fn read_batch_with(&mut self, config: ReadBatchConfig) -> Batch<'_> {
        let fetched = self.fetch(config).await;
        Batch::new(self, fetched)
    }

    pub(crate) fn set_position(&mut self, position: i64) {
        self.position = position;
    }

    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    async fn fetch(&self, config: ReadBatchConfig) -> Result<Fetched, ConnError> {
        let topic = self.topic_needed()?;
        let request = fetch_request(topic, self.partition(), config)?;
        let offset = self.resolve_position().await?;
        let is_shared = Arc::strong_count(&self.shared) > 1;
        let wait = Wait::new(config, self.shared.read_deadline.get(), is_shared);
        loop {
            let mut request = request.clone();
            request.max_wait_ms = milliseconds(wait.next(Instant::now()));
            if let Some(partition) = request
                .topics
                .first_mut()
                .and_then(|topic| topic.partitions.first_mut())
            {
                partition.fetch_offset = offset;
            }
            let answer = self.shared.link.send(&request, forever());
            let answer = self.within(ApiKey::FETCH, None, answer).await?;
            let (throttle, found) = self.fetched(answer)?;
            let is_empty = found.high_watermark == offset
                || found.records.as_ref().is_none_or(bytes::Bytes::is_empty);
            if is_empty && !wait.is_over(Instant::now()) {
                continue;
            }
            return Ok(Fetched {
                offset,
                high_water_mark: found.high_watermark,
                throttle,
                records: if is_empty { None } else { found.records },
                aborted: found.aborted_transactions.unwrap_or_default(),
            });
        }
    }

    /// Our partition in an answer.
    fn fetched(&self, answer: FetchResponse) -> Result<(Duration, FetchedPartition), ConnError> {
        self.check(ApiKey::FETCH, answer.error_code)?;
        let throttle = u64::try_from(answer.throttle_time_ms).unwrap_or(0);
        let found = answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .find(|found| found.partition_index == self.partition())
            .ok_or_else(|| self.not_answered(ApiKey::FETCH))?;
        self.check(ApiKey::FETCH, found.error_code)?;
        Ok((Duration::from_millis(throttle), found))
    }
}

/// A request for one partition, without a session; offset and wait are filled in later.
fn fetch_request(
    topic: &str,
    partition: i32,
    config: ReadBatchConfig,
) -> Result<FetchRequest, ConnError> {
    let ReadBatchConfig {
        min_bytes,
        max_bytes,
        ..
    } = config;
    if min_bytes > max_bytes || max_bytes > MAX_BYTES {
        let what = format!(
            "min_bytes {min_bytes} and max_bytes {max_bytes} are not in order, or above {MAX_BYTES}"
        );
        return Err(ConnError::config(what));
    }
    let bytes = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let partition = FetchPartition {
        partition,
        partition_max_bytes: bytes(max_bytes + BATCH_OVERHEAD),
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: StrBytes::from_string(topic.to_owned()),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    Ok(FetchRequest {
        min_bytes: bytes(min_bytes),
        max_bytes: bytes(max_bytes + BATCH_OVERHEAD),
        isolation_level: config.isolation_level,
        session_epoch: NO_SESSION,
        topics: vec![topic],
        ..FetchRequest::default()
    })
}

/// How long fetches wait at the broker.
///
/// A broker works on the requests of one connection one after the other, so a fetch that waits for
/// any record at all is cut into short ones: requests through other handles, and those after a read
/// that was given up, get their turn.
struct Wait {
    /// When the waiting ends; `None` is never.
    until: Option<Instant>,
    /// How long one fetch waits; `None` when it waits for the whole time.
    slice: Option<Duration>,
    whole: Duration,
}

impl Wait {
    fn new(config: ReadBatchConfig, deadline: Option<Instant>, is_shared: bool) -> Self {
        let now = Instant::now();
        let whole = match config.max_wait {
            Duration::ZERO => broker_timeout(deadline, now),
            wait => wait,
        };
        let slice = if is_shared { SHARED_SLICE } else { SLICE };
        let is_sliced = config.min_bytes == 1 && config.max_wait.is_zero();
        Self {
            until: deadline.map(|_| now + whole),
            slice: is_sliced.then_some(slice),
            whole,
        }
    }

    fn next(&self, now: Instant) -> Duration {
        match (self.slice, self.until) {
            (None, _) => self.whole,
            (Some(slice), None) => slice,
            (Some(slice), Some(until)) => until.saturating_duration_since(now).min(slice),
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.slice.is_none() || self.until.is_some_and(|until| until <= now)
    }
}

/// What a fetch waits at a time while nobody else uses the connection.
const SLICE: Duration = Duration::from_millis(500);

/// What a fetch waits at a time while other handles may be waiting for their turn.
const SHARED_SLICE: Duration = Duration::from_millis(50);

/// The largest `max_bytes`: with the header of one record batch it still fits the request.
const MAX_BYTES: usize = i32::MAX as usize - BATCH_OVERHEAD;

/// The session epoch of a fetch outside any session (KIP-227).
const NO_SESSION: i32 = -1;
