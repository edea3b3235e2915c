//! How connections are opened and kept.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::ConnError;
use crate::sasl::Mechanism;
use crate::tls::TlsConfig;
use crate::transport::{Dial, Resolver};

/// How connections are opened and kept; every field of kafka-go's Dialer has its setter here.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ekafka_conn::{ConnConfig, Scram, ScramAlgorithm, resolver_fn};
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = ConnConfig::default()
///     .client_id("shop")
///     // Who is there; `tls` encrypts.
///     .sasl(Arc::new(Scram::new(ScramAlgorithm::Sha256, "user", "password")?))
///     // How it is dialled.
///     .timeout(Duration::from_secs(10))
///     .deadline(Instant::now() + Duration::from_secs(60))
///     .local_addr("0.0.0.0".parse()?)
///     .dual_stack(true)
///     .fallback_delay(Duration::from_millis(300))
///     .keep_alive(Some(Duration::from_secs(30)))
///     .resolver(resolver_fn(|_host| Ok(vec!["127.0.0.1:9092".parse().map_err(std::io::Error::other)?])))
///     // How long things take at most.
///     .request_timeout(Duration::from_secs(30))
///     .connections_max_idle(Duration::from_secs(540))
///     .max_frame(64 << 20)
///     // How what failed is tried again, and how old knowledge may be.
///     .reconnect_backoff(Duration::from_millis(50), Duration::from_secs(1))
///     .retry_backoff(Duration::from_millis(100))
///     .metadata_max_age(Duration::from_secs(300))
///     .rebootstrap_interval(Duration::from_secs(300));
/// config.check()?;
/// assert_eq!(config.client_name(), "shop");
///
/// // Not both of these in production: a password for whoever listens.
/// let unsafe_login = ConnConfig::default().allow_plaintext_sasl_plain().transactional_id("shop-1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ConnConfig {
    pub(crate) client_id: Option<Arc<str>>,
    pub(crate) timeout: Duration,
    pub(crate) deadline: Option<Instant>,
    pub(crate) request_timeout: Duration,
    pub(crate) connections_max_idle: Duration,
    pub(crate) max_frame: usize,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) sasl: Option<Arc<dyn Mechanism>>,
    pub(crate) plaintext_sasl_plain: bool,
    pub(crate) local_addr: Option<IpAddr>,
    pub(crate) dual_stack: bool,
    pub(crate) fallback_delay: Duration,
    pub(crate) keep_alive: Option<Duration>,
    pub(crate) resolver: Option<Arc<dyn Resolver>>,
    pub(crate) dial_fn: Option<Arc<dyn Dial>>,
    pub(crate) transactional_id: Option<Arc<str>>,
    pub(crate) reconnect_backoff: Duration,
    pub(crate) reconnect_backoff_max: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) metadata_max_age: Duration,
    pub(crate) rebootstrap_interval: Duration,
}

impl Default for ConnConfig {
    fn default() -> Self {
        Self {
            client_id: Some("ekafka".into()),
            timeout: Duration::from_secs(10),
            deadline: None,
            request_timeout: Duration::from_secs(30),
            connections_max_idle: Duration::from_secs(9 * 60),
            max_frame: 100 * 1024 * 1024,
            tls: None,
            sasl: None,
            plaintext_sasl_plain: false,
            local_addr: None,
            dual_stack: true,
            fallback_delay: Duration::from_millis(300),
            keep_alive: Some(Duration::from_secs(15)),
            resolver: None,
            dial_fn: None,
            transactional_id: None,
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            retry_backoff: Duration::from_millis(100),
            metadata_max_age: Duration::from_secs(5 * 60),
            rebootstrap_interval: Duration::from_secs(30),
        }
    }
}

impl ConnConfig {
    /// Names this client in every request, for the broker's logs and quotas.
    /// Kafka: `client.id`.
    /// Default: `ekafka`; an empty text sends none.
    /// Extremes: at most 32,767 bytes; every request carries it.
    pub fn client_id(mut self, client_id: impl Into<Arc<str>>) -> Self {
        let client_id: Arc<str> = client_id.into();
        self.client_id = (!client_id.is_empty()).then_some(client_id);
        self
    }

    /// The name that [`client_id`](Self::client_id) set; empty for none.
    #[must_use]
    pub fn client_name(&self) -> &str {
        self.client_id.as_deref().unwrap_or_default()
    }

    /// Limits opening a connection: name look-up, TCP, TLS, version exchange and log-in together.
    /// Kafka: `socket.connection.setup.timeout.ms`.
    /// Default: 10 s.
    /// Extremes: too short fails on a busy broker; long delays trying the next broker. Zero is refused.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// An absolute limit for opening a connection, beside [`timeout`](Self::timeout); the earlier one holds.
    /// Kafka: no property (kafka-go's `Dialer.Deadline`).
    /// Default: none.
    /// Extremes: dials after it fail at once.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// How long a request of the cluster itself, or one sent without a deadline of its own, may wait for its answer.
    /// Kafka: `request.timeout.ms`.
    /// Default: 30 s.
    /// Extremes: a request not answered in time ends its connection, so too short causes reconnects. Zero is refused.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Closes a connection that carried nothing for this long.
    /// Kafka: `connections.max.idle.ms`.
    /// Default: 9 min, below the broker's 10 min.
    /// Extremes: short costs dials; above the broker's own limit the first request after a pause may find it closed.
    pub fn connections_max_idle(mut self, idle: Duration) -> Self {
        self.connections_max_idle = idle;
        self
    }

    /// The longest answer accepted, bytes without the length prefix.
    /// Kafka: `receive.message.max.bytes` of librdkafka.
    /// Default: 100 MiB.
    /// Extremes: below the fetch limit answers are refused and the connection ends. 0 and above 2^31-1 are refused.
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// Encrypts connections and checks the broker's certificate.
    /// Kafka: `security.protocol` `SSL` or `SASL_SSL`.
    /// Default: plaintext.
    /// Extremes: costs about as much CPU as the socket itself.
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Logs in on every new connection.
    /// Kafka: `sasl.mechanism` with `sasl.jaas.config`.
    /// Default: no log-in.
    /// Extremes: a broker that offers no log-in is refused rather than used without one.
    pub fn sasl(mut self, mechanism: Arc<dyn Mechanism>) -> Self {
        self.sasl = Some(mechanism);
        self
    }

    /// Allows mechanisms that show the secret itself (PLAIN) on connections without TLS. Anyone on the path can read it.
    /// Kafka: no property; `SASL_PLAINTEXT` implies it there.
    /// Default: refused, on loopback too.
    /// Extremes: on or off; logs a warning at each connection when used.
    pub fn allow_plaintext_sasl_plain(mut self) -> Self {
        self.plaintext_sasl_plain = true;
        self
    }

    /// Dials from this address of the machine.
    /// Kafka: no property (kafka-go's `Dialer.LocalAddr`).
    /// Default: the operating system's choice.
    /// Extremes: addresses of the other family are then not tried.
    pub fn local_addr(mut self, address: IpAddr) -> Self {
        self.local_addr = Some(address);
        self
    }

    /// Tries IPv6 and IPv4 addresses side by side when a name has both (RFC 8305).
    /// Kafka: no property (kafka-go's `Dialer.DualStack`).
    /// Default: on.
    /// Extremes: off tries all addresses one after another.
    pub fn dual_stack(mut self, on: bool) -> Self {
        self.dual_stack = on;
        self
    }

    /// How long the first address family is waited for before the second is tried beside it.
    /// Kafka: no property (kafka-go's `Dialer.FallbackDelay`).
    /// Default: 300 ms.
    /// Extremes: zero opens two sockets for each dial.
    pub fn fallback_delay(mut self, delay: Duration) -> Self {
        self.fallback_delay = delay;
        self
    }

    /// Sends TCP keep-alive probes after this much silence; `None` sends none.
    /// Kafka: `socket.keepalive.enable` of librdkafka.
    /// Default: 15 s.
    /// Extremes: below one second is rounded up by the system.
    pub fn keep_alive(mut self, interval: Option<Duration>) -> Self {
        self.keep_alive = interval;
        self
    }

    /// Looks names up in place of the operating system.
    /// Kafka: no property (kafka-go's `Dialer.Resolver`).
    /// Default: the operating system's resolver.
    /// Extremes: asked anew at every dial.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Opens streams in place of the built-in TCP dial; address options then have no effect, TLS and SASL still do.
    /// Kafka: no property (kafka-go's `Dialer.DialFunc`).
    /// Default: TCP.
    /// Extremes: none.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use ekafka_conn::{ConnConfig, dial_async_fn};
    /// use tokio::net::TcpStream;
    ///
    /// // Through a proxy that always listens at the same place.
    /// let dial = dial_async_fn(|_host, _port| TcpStream::connect("127.0.0.1:1080"));
    /// let config = ConnConfig::default().dial_fn(dial);
    /// ```
    pub fn dial_fn(mut self, dial: Arc<dyn Dial>) -> Self {
        self.dial_fn = Some(dial);
        self
    }

    /// The transactional id that produce requests of a low-level connection carry.
    /// Kafka: `transactional.id`.
    /// Default: none.
    /// Extremes: none.
    pub fn transactional_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.transactional_id = Some(id.into());
        self
    }

    /// Waits between dials to a broker that fails: the first wait and the longest; doubled in between, ±20 % at random.
    /// Kafka: `reconnect.backoff.ms`, `reconnect.backoff.max.ms`.
    /// Default: 50 ms and 1 s.
    /// Extremes: short floods a broken broker; long delays recovery by as much. Zero is refused.
    pub fn reconnect_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.reconnect_backoff = first;
        self.reconnect_backoff_max = longest;
        self
    }

    /// The least time between two metadata requests, and between retries of a request that found no answer.
    /// Kafka: `retry.backoff.ms`.
    /// Default: 100 ms.
    /// Extremes: short loads the brokers while a leader is elected; long delays seeing the new one. Zero is refused.
    pub fn retry_backoff(mut self, backoff: Duration) -> Self {
        self.retry_backoff = backoff;
        self
    }

    /// Reads metadata again after this much time without any reason.
    /// Kafka: `metadata.max.age.ms`.
    /// Default: 5 min.
    /// Extremes: long hides new partitions; short costs a request each. Zero is refused.
    pub fn metadata_max_age(mut self, age: Duration) -> Self {
        self.metadata_max_age = age;
        self
    }

    /// Goes back to the bootstrap addresses at most this often while no known broker answers (KIP-899).
    /// Kafka: `metadata.recovery.rebootstrap.trigger.ms` (KIP-1102).
    /// Default: 30 s; the first time is at once.
    /// Extremes: short asks the resolver more often; long delays finding a cluster that moved. Zero is refused.
    pub fn rebootstrap_interval(mut self, interval: Duration) -> Self {
        self.rebootstrap_interval = interval;
        self
    }

    /// Finds all faults at once.
    ///
    /// # Errors
    /// [`ConnError::Config`] listing every fault.
    pub fn check(&self) -> Result<(), ConnError> {
        let mut faults = Vec::new();
        for (name, value) in [
            ("timeout", self.timeout),
            ("request_timeout", self.request_timeout),
            ("connections_max_idle", self.connections_max_idle),
            ("reconnect_backoff", self.reconnect_backoff),
            ("retry_backoff", self.retry_backoff),
            ("metadata_max_age", self.metadata_max_age),
            ("rebootstrap_interval", self.rebootstrap_interval),
        ] {
            if value.is_zero() {
                faults.push(format!("{name} is zero"));
            }
        }
        if self.reconnect_backoff > self.reconnect_backoff_max {
            faults.push("reconnect_backoff's first wait is above its longest".to_owned());
        }
        if self.max_frame == 0 || self.max_frame > MAX_FRAME {
            faults.push(format!("max_frame is not between 1 and {MAX_FRAME} bytes"));
        }
        for (name, text) in [
            ("client_id", &self.client_id),
            ("transactional_id", &self.transactional_id),
        ] {
            if text.as_ref().is_some_and(|text| text.len() > MAX_STRING) {
                faults.push(format!("{name} is longer than {MAX_STRING} bytes"));
            }
        }
        if let Some(mechanism) = &self.sasl
            && mechanism.exposes_secret()
            && self.tls.is_none()
            && !self.plaintext_sasl_plain
        {
            faults.push(format!(
                "SASL {} would send the password readable for anyone: set tls, or call allow_plaintext_sasl_plain()",
                mechanism.name()
            ));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(ConnError::config(faults.join("; ")))
        }
    }

    /// When a dial that begins at `now` must have ended.
    pub(crate) fn dial_deadline(&self, now: Instant) -> Instant {
        let limit = now + self.timeout.min(FOREVER);
        self.deadline.map_or(limit, |deadline| deadline.min(limit))
    }

    /// The deadline of a request without one of its own.
    pub(crate) fn request_deadline(&self, now: Instant) -> Instant {
        now + self.request_timeout.min(FOREVER)
    }
}

impl fmt::Debug for ConnConfig {
    /// Leaves out everything that might hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnConfig")
            .field("client_id", &self.client_id)
            .field("timeout", &self.timeout)
            .field("request_timeout", &self.request_timeout)
            .field("tls", &self.tls.is_some())
            .field(
                "sasl",
                &self.sasl.as_ref().map(|sasl| sasl.name().to_owned()),
            )
            .finish_non_exhaustive()
    }
}

/// The longest frame that Kafka's length prefix (a positive `i32`) can announce.
const MAX_FRAME: usize = i32::MAX as usize;

/// The longest string in a request header (`i16` length), bytes.
const MAX_STRING: usize = i16::MAX as usize;

/// A time span long enough to mean "never" and short enough to be added to an instant.
pub(crate) const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

#[cfg(test)]
mod tests;
