//! What one fetch of a [`Conn`] returned, message by message.

mod contents;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::messages::AbortedTransaction;
use ekafka_protocol::{ApiKey, ErrorCode};

use crate::conn::Conn;
use crate::error::{ConnError, Stage};
use crate::message::Message;
use contents::Contents;

/// The messages of one fetch, in order.
///
/// A batch borrows its connection, so nothing else can be read meanwhile; when it is closed or
/// dropped, the connection's position is behind the last message taken out.
///
/// ```compile_fail
/// # async fn misuse(conn: &mut ekafka_conn::Conn) {
/// let mut batch = conn.read_batch(1, 1_000_000).await;
/// conn.read_message(1_000_000).await; // the batch still has the connection
/// batch.read_message();
/// # }
/// ```
///
/// ```
/// # async fn example(conn: &mut ekafka_conn::Conn) -> Result<(), ekafka_conn::ConnError> {
/// let mut batch = conn.read_batch(10_000, 1_000_000).await;
/// while let Some(message) = batch.read_message()? {
///     println!("{} at {}", message.payload_len(), message.offset());
/// }
/// batch.close()
/// # }
/// ```
pub struct Batch<'a> {
    conn: &'a mut Conn,
    contents: Option<Contents>,
    /// Taken out of the contents, not by the caller.
    held_back: Option<Message>,
    /// The offset behind the last message given out; `None` while the position is unresolved.
    offset: Option<i64>,
    high_water_mark: i64,
    throttle: Duration,
    /// What every later call fails with.
    error: Option<ConnError>,
    /// Nothing is left.
    is_drained: bool,
}

/// What [`Batch::read`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Filled {
    /// The buffer begins with a value of this many bytes; a null value has none.
    Value(usize),
    /// The buffer is full and the value is longer. It was not taken: the next call reads it again.
    Short {
        /// Bytes that the value needs.
        needed: usize,
    },
    /// The batch has no more messages.
    End,
}

/// A successful fetch.
pub(crate) struct Fetched {
    /// The offset asked for.
    pub(crate) offset: i64,
    pub(crate) high_water_mark: i64,
    pub(crate) throttle: Duration,
    /// `None` when there was nothing in time.
    pub(crate) records: Option<Bytes>,
    /// Transactions whose records are left out; empty unless committed records were asked for.
    pub(crate) aborted: Vec<AbortedTransaction>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(conn: &'a mut Conn, fetched: Result<Fetched, ConnError>) -> Self {
        let mut batch = Self {
            conn,
            contents: None,
            held_back: None,
            offset: None,
            high_water_mark: -1,
            throttle: Duration::ZERO,
            error: None,
            is_drained: false,
        };
        match fetched {
            Ok(fetched) => batch.fill(fetched),
            Err(error) => batch.error = Some(error),
        }
        batch
    }

    fn fill(&mut self, fetched: Fetched) {
        self.offset = Some(fetched.offset);
        self.high_water_mark = fetched.high_water_mark;
        self.throttle = fetched.throttle;
        match fetched.records {
            Some(records) => {
                let contents = Contents::new(
                    self.conn.topic(),
                    self.conn.partition(),
                    fetched.high_water_mark,
                    fetched.offset,
                    records,
                    fetched.aborted,
                );
                self.contents = Some(contents);
            }
            None => self.error = Some(self.timed_out()),
        }
    }

    /// Copies the value of the next message into `buffer`. Cheaper than
    /// [`read_message`](Self::read_message) when the value is all that is wanted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
    /// use ekafka_conn::{Filled, Record};
    ///
    /// leader.write_messages(&["one", "seven", "ten"].map(Record::new)).await?;
    /// let mut batch = leader.read_batch(1, 1_000_000).await;
    /// let mut buffer = [0; 4];
    /// assert_eq!(batch.read(&mut buffer)?, Filled::Value(3));
    /// assert_eq!(batch.read(&mut buffer)?, Filled::Short { needed: 5 });
    /// assert_eq!(batch.offset(), 1);
    /// for message in batch.messages() {
    ///     println!("{:?}", message?.value());
    /// }
    /// assert!(batch.is_drained() && batch.err().is_none());
    /// println!("partition {} ends at {}", batch.partition(), batch.high_water_mark());
    /// println!("the broker asked for a pause of {:?}", batch.throttle());
    /// batch.close()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Why the fetch failed: [`ConnError::Kafka`] with `REQUEST_TIMED_OUT` when there was nothing to
    /// read in time, with the broker's code when it refused, or why there is no answer. Every later
    /// call fails alike.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<Filled, ConnError> {
        let Some(message) = self.take()? else {
            return Ok(Filled::End);
        };
        let value = message.value().unwrap_or_default();
        let needed = value.len();
        let copied = needed.min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..copied), value.get(..copied)) {
            to.copy_from_slice(from);
        }
        if copied < needed {
            self.held_back = Some(message);
            return Ok(Filled::Short { needed });
        }
        self.offset = Some(message.offset().saturating_add(1));
        Ok(Filled::Value(needed))
    }

    /// The next message; `None` at the end of the batch.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_message(&mut self) -> Result<Option<Message>, ConnError> {
        let message = self.take()?;
        if let Some(message) = &message {
            self.offset = Some(message.offset().saturating_add(1));
        }
        Ok(message)
    }

    /// Iterates over what is left, as [`read_message`](Self::read_message) gives it; a failure is
    /// told once and ends the iteration.
    pub fn messages(&mut self) -> Messages<'_, 'a> {
        Messages {
            batch: self,
            has_ended: false,
        }
    }

    /// The offset of the next message, or where the next one will be; a marker
    /// ([`FIRST_OFFSET`](crate::FIRST_OFFSET)) when the fetch failed before it was resolved.
    pub fn offset(&self) -> i64 {
        self.offset.unwrap_or_else(|| self.conn.position())
    }

    /// The partition's high watermark at the time of the fetch: the offset behind the last record
    /// that all in-sync replicas have. -1 when the fetch failed.
    pub fn high_water_mark(&self) -> i64 {
        self.high_water_mark
    }

    /// The partition's number.
    pub fn partition(&self) -> i32 {
        self.conn.partition()
    }

    /// How long the broker held the answer back because of a quota.
    pub fn throttle(&self) -> Duration {
        self.throttle
    }

    /// Why reading failed, if it did. The end of the batch is no failure, see
    /// [`is_drained`](Self::is_drained).
    pub fn err(&self) -> Option<&ConnError> {
        self.error.as_ref()
    }

    /// Whether a read has met the end of the batch.
    pub fn is_drained(&self) -> bool {
        self.is_drained
    }

    /// Gives the connection back; what was not read is fetched again by the next batch.
    ///
    /// # Errors
    /// What reading failed with, as [`err`](Self::err) tells.
    pub fn close(mut self) -> Result<(), ConnError> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// The next message, before it counts as read.
    fn take(&mut self) -> Result<Option<Message>, ConnError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        if let Some(message) = self.held_back.take() {
            return Ok(Some(message));
        }
        let Some(contents) = &mut self.contents else {
            return Ok(None);
        };
        match contents.next_message() {
            Ok(Some(message)) => Ok(Some(message)),
            Ok(None) => {
                self.offset = Some(contents.offset());
                self.is_drained = true;
                Ok(None)
            }
            Err(fault) => {
                let error = ConnError::Malformed {
                    broker: self.conn.address().clone(),
                    stage: Stage::Request(ApiKey::FETCH),
                    cause: Arc::new(fault),
                };
                self.error = Some(error.clone());
                Err(error)
            }
        }
    }

    fn timed_out(&self) -> ConnError {
        self.conn
            .refused(ApiKey::FETCH, ErrorCode::REQUEST_TIMED_OUT)
    }
}

/// Messages until the end of the batch, or until the first failure; see [`Batch::messages`].
#[derive(Debug)]
pub struct Messages<'b, 'a> {
    batch: &'b mut Batch<'a>,
    has_ended: bool,
}

impl Iterator for Messages<'_, '_> {
    type Item = Result<Message, ConnError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = self.batch.read_message().transpose();
        self.has_ended = !matches!(next, Some(Ok(_)));
        next
    }
}

impl std::iter::FusedIterator for Messages<'_, '_> {}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(offset) = self.offset {
            self.conn.set_position(offset);
        }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("topic", &self.conn.topic())
            .field("partition", &self.partition())
            .field("offset", &self.offset())
            .field("high_water_mark", &self.high_water_mark)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
