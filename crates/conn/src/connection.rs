//! One connection to one broker: pipelined requests, answered in order.

mod authentication;
mod desk;
mod opening;
mod renewal;
mod task;
mod versions;
mod waiter;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ekafka_protocol::{ApiKey, Frame, Request, VersionRange};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

pub(crate) use self::versions::Versions;

use self::desk::{Addressee, Aftermath, Desk};
use self::waiter::{Decoded, Reply, Waiter, Written};
use crate::address::HostPort;
use crate::config::ConnConfig;
use crate::error::ConnError;
use crate::transport;

/// A handle on one open, logged-in connection. Clones share it; the last one dropped closes it.
///
/// Any number of requests may be under way; Kafka answers them in order. A request not answered by its deadline, and
/// any answer that cannot be read, ends the connection: everyone who waits is told the same cause.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let address = kafka.addresses().remove(0);
/// use std::time::Duration;
///
/// use ekafka_conn::{ConnConfig, Connection};
/// use ekafka_protocol::messages::ApiVersionsRequest;
/// use ekafka_protocol::{ApiKey, VersionRange};
/// use tokio::time::Instant;
///
/// let (host, port) = address.split_once(':').ok_or("no port")?;
/// let connection = Connection::open(host, port.parse()?, &ConnConfig::default()).await?;
/// println!("{:?} to {:?} ({})", connection.local_addr(), connection.peer_addr(), connection.address());
/// println!("{} kinds of requests", connection.broker_versions().count());
///
/// let request = ApiVersionsRequest {
///     client_software_name: "my-client".into(),
///     client_software_version: "1.0".into(),
/// };
/// let deadline = Instant::now() + Duration::from_secs(10);
/// let answer = connection.send(&request, deadline).await?;
/// let of_version_3 = connection.send_version(&request, 3, deadline).await?;
/// assert_eq!(answer.api_keys, of_version_3.api_keys);
///
/// // Without a future: the answer is handed to a function, in the task that reads it.
/// let (answered, answer) = tokio::sync::oneshot::channel();
/// connection.enqueue(&request, deadline, move |answer| {
///     let _ = answered.send(answer.is_ok());
/// });
/// assert!(answer.await?);
/// println!("speaks {}", connection.version_of(ApiKey::API_VERSIONS, VersionRange::new(0, 4))?);
/// assert_eq!((connection.in_flight(), connection.throttled()), (0, Duration::ZERO));
/// assert_eq!(connection.throttled_until(), None);
/// connection.close();
/// assert!(connection.is_closed());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connection {
    handle: Arc<Handle>,
}

/// Ends the connection when the last handle goes.
struct Handle {
    shared: Arc<Shared>,
}

/// What handles and the task share.
struct Shared {
    address: HostPort,
    config: ConnConfig,
    versions: Versions,
    /// When the first log-in began, and how long it lasts, if the broker limits it.
    session: Option<(Instant, Duration)>,
    /// Ours and the peer's, where the stream has any.
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    next_id: AtomicI32,
    /// Pauses the broker asked for so far, milliseconds after capping.
    throttled: AtomicU64,
    desk: Mutex<Desk>,
    /// Wakes the write loop.
    to_writer: Notify,
    /// Wakes the alarm loop.
    to_alarm: Notify,
    /// Has the read loop look whether it keeps memory for nothing.
    to_reader: Notify,
}

impl Connection {
    /// Dials, encrypts, agrees on versions and logs in, as `config` says, all within its time limit.
    ///
    /// # Errors
    /// [`ConnError::Config`] before anything is dialled; otherwise the step that failed and its cause.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn open(host: &str, port: u16, config: &ConnConfig) -> Result<Self, ConnError> {
        config.check()?;
        Self::open_checked(HostPort::new(host, port), config, 0).await
    }

    /// [`open`](Self::open) with a configuration that was checked before; of a name's addresses the one at `turn` is tried
    /// first.
    pub(crate) async fn open_checked(
        address: HostPort,
        config: &ConnConfig,
        turn: usize,
    ) -> Result<Self, ConnError> {
        let deadline = config.dial_deadline(Instant::now());
        let opened = transport::open(&address, config, turn, deadline).await?;
        let (local, peer) = (opened.local, opened.peer);
        let ready = opening::prepare(opened.stream, &address, config, deadline).await?;
        let shared = Arc::new(Shared {
            address,
            config: config.clone(),
            versions: ready.versions,
            session: ready.session,
            local,
            peer,
            next_id: AtomicI32::new(ready.next_id),
            throttled: AtomicU64::new(0),
            desk: Mutex::new(Desk::new(ready.write, Instant::now())),
            to_writer: Notify::new(),
            to_alarm: Notify::new(),
            to_reader: Notify::new(),
        });
        #[expect(
            clippy::disallowed_methods,
            reason = "the connection task: one per socket"
        )]
        tokio::spawn(task::run(
            task::EndOnDrop(shared.clone()),
            ready.read,
            ready.frames,
        ));
        Ok(Self {
            handle: Arc::new(Handle { shared }),
        })
    }

    /// Sends `request` in the newest version both sides speak, and waits for the answer until `deadline`.
    ///
    /// # Errors
    /// [`ConnError`]; an error code inside the answer is not one.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection intact: the request may still be sent, its answer is dropped.
    pub async fn send<R: Request>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response, ConnError> {
        let (tell, told) = oneshot::channel();
        self.enqueue(request, deadline, move |answer| {
            // A caller that is gone does not mind.
            let _ = tell.send(answer);
        });
        told.await.unwrap_or(Err(ConnError::Closed))
    }

    /// Sends `request` in one given `version`, and waits for the answer until `deadline`.
    ///
    /// # Errors
    /// [`ConnError::Unsupported`] when the broker does not speak that version; otherwise as [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn send_version<R: Request>(
        &self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<R::Response, ConnError> {
        let only = VersionRange::new(version, version);
        self.version_of(R::API, only)?;
        let (tell, told) = oneshot::channel();
        self.enqueue_as(request, Ok(version), deadline, move |answer| {
            let _ = tell.send(answer);
        });
        told.await.unwrap_or(Err(ConnError::Closed))
    }

    /// Encodes `request` now and sends it after those enqueued before; on a connection with little under way it is
    /// written there and then.
    ///
    /// `reply` is called exactly once, whatever happens, mostly from the connection's own task: it must be short and
    /// must not block. It gets the answer, or the error that [`send`](Self::send) would return.
    pub fn enqueue<R: Request>(
        &self,
        request: &R,
        deadline: Instant,
        reply: impl FnOnce(Result<R::Response, ConnError>) + Send + 'static,
    ) {
        let version = self.version_of(R::API, request.versions());
        self.enqueue_as(request, version, deadline, reply);
    }

    /// Like [`enqueue`](Self::enqueue) for a request that the broker does not answer (produce with acks none):
    /// `reply` is called once its last byte was handed to the operating system.
    ///
    /// ```
    /// use ekafka_conn::Connection;
    /// use ekafka_protocol::messages::ProduceRequest;
    /// use tokio::time::Instant;
    ///
    /// fn send(connection: &Connection, without_acks: &ProduceRequest, deadline: Instant) {
    ///     connection.enqueue_no_reply(without_acks, deadline, |handed_over| {
    ///         println!("handed over: {}", handed_over.is_ok());
    ///     });
    /// }
    /// ```
    pub fn enqueue_no_reply<R: Request>(
        &self,
        request: &R,
        deadline: Instant,
        reply: impl FnOnce(Result<(), ConnError>) + Send + 'static,
    ) {
        let version = self.version_of(R::API, request.versions());
        let shared = self.shared();
        match version.and_then(|version| Ok((version, shared.encode(request, version)?))) {
            Ok((version, (id, frame))) => {
                let reply = Box::new(Written(reply));
                let waiter = Waiter::new(id, R::API, version, deadline, reply);
                shared.submit(frame, Addressee::Written(waiter));
            }
            Err(error) => reply(Err(error)),
        }
    }

    /// The highest version of `api` within `ours` that the broker speaks.
    ///
    /// # Errors
    /// [`ConnError::Unsupported`] naming both ranges.
    pub fn version_of(&self, api: ApiKey, ours: VersionRange) -> Result<i16, ConnError> {
        self.shared()
            .versions
            .choose(&self.shared().address, api, ours)
    }

    /// The versions that the broker announced on this connection, by API, ascending.
    pub fn broker_versions(&self) -> impl Iterator<Item = (ApiKey, VersionRange)> {
        self.shared().versions.iter()
    }

    /// The address that was dialled.
    pub fn address(&self) -> &HostPort {
        &self.shared().address
    }

    /// Our socket address; `None` for a custom transport.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.shared().local
    }

    /// The broker's socket address; `None` for a custom transport.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.shared().peer
    }

    /// Requests not yet answered.
    pub fn in_flight(&self) -> usize {
        self.shared().desk().in_flight()
    }

    /// Time the broker has asked this connection to pause, in all (KIP-219); each pause counts at most 60 s.
    pub fn throttled(&self) -> Duration {
        Duration::from_millis(self.shared().throttled.load(Ordering::Relaxed))
    }

    /// Until when the broker has asked this connection to send nothing (KIP-219): requests are held back so long. `None`
    /// when they leave at once.
    pub fn throttled_until(&self) -> Option<Instant> {
        let until = self.shared().desk().throttled_until();
        until.filter(|until| *until > Instant::now())
    }

    /// Whether the connection has ended; it never comes back.
    pub fn is_closed(&self) -> bool {
        self.shared().desk().ended().is_some()
    }

    /// Ends the connection at once; requests under way fail with [`ConnError::Closed`]. A second call does nothing.
    pub fn close(&self) {
        self.shared().end(&ConnError::Closed);
    }

    /// Ends the connection; requests under way fail with `cause`.
    pub(crate) fn end(&self, cause: &ConnError) {
        self.shared().end(cause);
    }

    fn enqueue_as<R: Request>(
        &self,
        request: &R,
        version: Result<i16, ConnError>,
        deadline: Instant,
        reply: impl FnOnce(Result<R::Response, ConnError>) + Send + 'static,
    ) {
        let shared = self.shared();
        match version.and_then(|version| Ok((version, shared.encode(request, version)?))) {
            Ok((version, (id, frame))) => {
                let reply = shared.reply::<R>(version, reply);
                let waiter = Waiter::new(id, R::API, version, deadline, reply);
                shared.submit(frame, Addressee::Answer(waiter));
            }
            Err(error) => reply(Err(error)),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("address", self.address())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.end(&ConnError::Closed);
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // A panic under the lock could only come from a broken invariant of the desk; its data stays usable.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encode<R: Request>(&self, request: &R, version: i16) -> Result<(i32, Frame), ConnError> {
        // Ids need only differ among the requests under way; their order on the wire is that of the queue.
        let id = self.next_id.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let frame = Frame::request(version, id, self.config.client_id.as_deref(), request)?;
        Ok((id, frame))
    }

    /// What decodes the answer to an `R` and hands it to `tell`.
    fn reply<R: Request>(
        self: &Arc<Self>,
        version: i16,
        tell: impl FnOnce(Result<R::Response, ConnError>) + Send + 'static,
    ) -> Box<dyn Reply> {
        Box::new(Decoded {
            shared: self.clone(),
            api: R::API,
            version,
            decode: R::decode_response,
            throttle_time_ms: R::throttle_time_ms,
            tell,
        })
    }

    fn submit(&self, frame: Frame, addressee: Addressee) {
        let after = self.desk().submit(frame, addressee);
        self.follow_up(after);
    }

    /// Sends what may pass those held back.
    fn submit_urgent(&self, frame: Frame, addressee: Addressee) {
        let after = self.desk().submit_urgent(frame, addressee);
        self.follow_up(after);
    }

    fn follow_up(&self, mut after: Aftermath) {
        task::tell_written(&mut after.written);
        if let Some((waiter, cause)) = after.refused {
            waiter.fail(cause);
        }
        if after.wake_writer {
            self.to_writer.notify_one();
        }
        if after.wake_alarm {
            self.to_alarm.notify_one();
        }
        if let Some(failure) = after.failure {
            self.end(&self.failed(&failure));
        }
    }

    /// Ends the connection and tells everyone who waits.
    fn end(&self, cause: &ConnError) {
        let told = self.desk().end(cause);
        for (waiter, cause) in told {
            waiter.fail(cause);
        }
        // The first loop that sees the end takes the whole task with it.
        self.to_writer.notify_one();
        self.to_alarm.notify_one();
    }

    /// Holds new requests back, as the broker asked.
    fn throttle(&self, api: ApiKey, pause: Duration) {
        let milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.throttled.fetch_add(milliseconds, Ordering::Relaxed);
        tracing::debug!(broker = %self.address, %api, ?pause, "throttled by the broker");
        self.desk().throttle(Instant::now() + pause);
        self.to_alarm.notify_one();
    }
}

#[cfg(test)]
mod tests;
