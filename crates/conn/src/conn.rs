//! The low-level door: one connection to one broker, usually the leader of one partition.

mod admin;
mod deadline;
mod offsets;
mod position;
mod read;
mod write;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI16, Ordering};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode, Request};
use tokio::time::Instant;

pub use admin::{Broker, Partition, TopicConfig};
pub use position::{FIRST_OFFSET, LAST_OFFSET, SeekMode, Whence};
pub use read::ReadBatchConfig;
pub use write::Written;

use crate::acks::Acks;
use crate::address::HostPort;
use crate::config::ConnConfig;
use crate::connection::Connection;
use crate::error::{ConnError, Stage};
use deadline::Deadline;

/// A connection to one broker, with a topic, a partition and a position in it when made by
/// [`Dialer::dial_leader`](crate::Dialer::dial_leader).
///
/// Nothing is retried, buffered or looked up behind the caller's back: each call is the requests it
/// names. Use a writer or a reader unless that is what you want.
///
/// A clone is another handle on the same connection: deadlines and acknowledgements are shared, the
/// position is its own from then on. Requests of several handles are under way together; a broker
/// works on those of one connection one after the other. The connection is closed by
/// [`close`](Self::close), or when the last handle is dropped.
///
/// A call that passes its deadline, and any failure but an error code of the broker, closes the
/// connection.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let address = kafka.addresses().remove(0);
/// use std::time::Duration;
///
/// use ekafka_conn::{Acks, Dialer, Record};
/// use tokio::time::Instant;
///
/// let leader = Dialer::default().dial_leader(&address, "orders", 0).await?;
/// println!("{}-{} is at {}", leader.topic(), leader.partition(), leader.broker().address());
/// println!("from {:?} to {:?}", leader.local_addr(), leader.remote_addr());
///
/// // Bounds each read and each write from now on; the two also apart.
/// leader.set_deadline(Instant::now() + Duration::from_secs(10));
/// leader.set_read_deadline(Instant::now() + Duration::from_secs(20));
/// leader.set_write_deadline(None);
/// leader.set_required_acks(Acks::One)?;
/// leader.write_messages(&[Record::new("two apples")]).await?;
/// leader.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Conn {
    shared: Arc<Shared>,
    /// Where the next read begins: an offset, [`FIRST_OFFSET`] or [`LAST_OFFSET`].
    position: i64,
}

/// What the handles on a connection share.
struct Shared {
    link: Connection,
    broker: Broker,
    /// Empty without a topic.
    topic: Arc<str>,
    partition: i32,
    /// -1 or 1.
    acks: AtomicI16,
    transactional_id: Option<Arc<str>>,
    /// Bounds requests while no deadline is set.
    request_timeout: Duration,
    read_deadline: Deadline,
    write_deadline: Deadline,
}

impl Conn {
    /// A door on an open connection, to read and write one partition of which the broker should be
    /// the leader. `topic` may be empty for calls that need none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(1).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address: ekafka_conn::HostPort = kafka.addresses().remove(0).parse()?;
    /// use ekafka_conn::{Conn, ConnConfig, Connection};
    ///
    /// let config = ConnConfig::default();
    /// let connection = Connection::open(address.host(), address.port(), &config).await?;
    /// let conn = Conn::new(connection, "orders", 0, &config);
    /// assert_eq!(conn.read_offsets().await?, (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(link: Connection, topic: &str, partition: i32, config: &ConnConfig) -> Self {
        let address = link.address();
        let broker = Broker::at(address.host(), address.port());
        Self::to_broker(link, broker, topic, partition, config)
    }

    pub(crate) fn to_broker(
        link: Connection,
        broker: Broker,
        topic: &str,
        partition: i32,
        config: &ConnConfig,
    ) -> Self {
        let shared = Shared {
            link,
            broker,
            topic: topic.into(),
            partition,
            acks: AtomicI16::new(Acks::All.number()),
            transactional_id: config.transactional_id.clone().filter(|id| !id.is_empty()),
            request_timeout: config.request_timeout,
            read_deadline: Deadline::new(),
            write_deadline: Deadline::new(),
        };
        Self {
            shared: Arc::new(shared),
            position: FIRST_OFFSET,
        }
    }

    /// The broker dialled, with the id and rack known when it was; no request is sent.
    pub fn broker(&self) -> &Broker {
        &self.shared.broker
    }

    /// The topic; empty when there is none.
    pub fn topic(&self) -> &str {
        &self.shared.topic
    }

    /// The partition; 0 without a topic.
    pub fn partition(&self) -> i32 {
        self.shared.partition
    }

    /// The address of our end; `None` for streams of a custom dial function.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.shared.link.local_addr()
    }

    /// The address of the broker's end; `None` for streams of a custom dial function.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.shared.link.peer_addr()
    }

    /// Sets both deadlines. `None` removes them.
    ///
    /// A deadline applies to requests under way too. Without one, requests have the configuration's
    /// request timeout, and reading waits for records as long as it takes.
    pub fn set_deadline(&self, deadline: impl Into<Option<Instant>>) {
        let deadline = deadline.into();
        self.set_read_deadline(deadline);
        self.set_write_deadline(deadline);
    }

    /// Sets the deadline of what reads: fetching, offsets, metadata, versions, coordinators,
    /// joining's second half (sync), committed offsets.
    pub fn set_read_deadline(&self, deadline: impl Into<Option<Instant>>) {
        self.shared.read_deadline.set(deadline.into());
    }

    /// Sets the deadline of everything else.
    pub fn set_write_deadline(&self, deadline: impl Into<Option<Instant>>) {
        self.shared.write_deadline.set(deadline.into());
    }

    /// Sets who must have a write before it is answered: [`Acks::All`] in-sync replicas (the default), or the leader
    /// ([`Acks::One`]). Kafka's numbers for them, -1 and 1, do as well.
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with `INVALID_REQUIRED_ACKS` for any other number, and for [`Acks::None`]: a write that nobody
    /// acknowledges has no result to return.
    pub fn set_required_acks(&self, acks: impl TryInto<Acks>) -> Result<(), ConnError> {
        match acks.try_into() {
            Ok(acks @ (Acks::One | Acks::All)) => {
                self.shared.acks.store(acks.number(), Ordering::Relaxed);
                Ok(())
            }
            Ok(Acks::None) | Err(_) => {
                Err(self.refused(ApiKey::PRODUCE, ErrorCode::INVALID_REQUIRED_ACKS))
            }
        }
    }

    /// Closes the connection for every handle, at once; what is under way fails, and so do later calls.
    ///
    /// # Errors
    /// [`ConnError::Closed`] when it was closed before.
    pub fn close(&self) -> Result<(), ConnError> {
        if self.shared.link.is_closed() {
            return Err(ConnError::Closed);
        }
        self.shared.link.close();
        Ok(())
    }

    /// Sends any request in the newest version both sides speak, and returns the answer as it came:
    /// error codes inside it are for the caller to read. For calls without a method of their own,
    /// such as those of group membership.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
    /// use ekafka_protocol::messages::ApiVersionsRequest;
    ///
    /// let request = ApiVersionsRequest {
    ///     client_software_name: "my-client".into(),
    ///     client_software_version: "1.0".into(),
    /// };
    /// let newest_of_both = leader.send(&request).await?;
    /// let third = leader.send_version(&request, 3).await?;
    /// assert_eq!(newest_of_both.api_keys, third.api_keys);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConnError`] when there is no answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable; the request may still be carried out.
    pub async fn send<R: Request>(&self, request: &R) -> Result<R::Response, ConnError> {
        let answer = self.shared.link.send(request, forever());
        let limit = Instant::now() + self.shared.request_timeout;
        self.within(R::API, Some(limit), answer).await
    }

    /// As [`send`](Self::send), in one given version: for requests whose shape depends on it.
    ///
    /// # Errors
    /// [`ConnError::Unsupported`] when the broker does not speak that version; otherwise as
    /// [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn send_version<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, ConnError> {
        let answer = self.shared.link.send_version(request, version, forever());
        let limit = Instant::now() + self.shared.request_timeout;
        self.within(R::API, Some(limit), answer).await
    }

    /// Awaits an answer under the deadline of its kind; `fallback` holds while none is set.
    async fn within<T>(
        &self,
        api: ApiKey,
        fallback: Option<Instant>,
        answer: impl Future<Output = Result<T, ConnError>>,
    ) -> Result<T, ConnError> {
        let shared = &*self.shared;
        let deadline = self.deadline_of(api);
        let timed_out = |sent| ConnError::Timeout {
            broker: shared.link.address().clone(),
            stage: Stage::Request(api),
            sent,
        };
        if deadline
            .get()
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            return Err(timed_out(false));
        }
        match deadline.bound(fallback, answer).await {
            Some(answer) => answer,
            None => {
                // The answer may still come, and nobody could tell it from the next one's delay.
                shared.link.close();
                Err(timed_out(true))
            }
        }
    }

    fn deadline_of(&self, api: ApiKey) -> &Deadline {
        let (read, write) = (&self.shared.read_deadline, &self.shared.write_deadline);
        match api {
            ApiKey::FETCH
            | ApiKey::LIST_OFFSETS
            | ApiKey::METADATA
            | ApiKey::FIND_COORDINATOR
            | ApiKey::SYNC_GROUP
            | ApiKey::OFFSET_FETCH => read,
            ApiKey::API_VERSIONS if read.get().is_some() => read,
            _ => write,
        }
    }

    /// The topic, for calls that need one.
    fn topic_needed(&self) -> Result<&str, ConnError> {
        match &*self.shared.topic {
            "" => Err(ConnError::config(
                "the connection has no topic: make it by dial_leader",
            )),
            topic => Ok(topic),
        }
    }

    /// The broker's error code, if it is one.
    fn check(&self, api: ApiKey, code: ErrorCode) -> Result<(), ConnError> {
        if code == ErrorCode::NONE {
            Ok(())
        } else {
            Err(self.refused(api, code))
        }
    }

    pub(crate) fn refused(&self, api: ApiKey, code: ErrorCode) -> ConnError {
        ConnError::Kafka {
            broker: self.address().clone(),
            api,
            code,
        }
    }

    pub(crate) fn address(&self) -> &HostPort {
        self.shared.link.address()
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("broker", self.address())
            .field("topic", &self.topic())
            .field("partition", &self.partition())
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Later than any deadline: the connection's own timer must not fire before the caller's, which may
/// still be moved.
fn forever() -> Instant {
    Instant::now() + Duration::from_secs(30 * 365 * 24 * 3600)
}
