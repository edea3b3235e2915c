//! Opening low-level connections: by address, or to the leader of a partition.

#[cfg(test)]
mod tests;

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use tokio::time::{Instant, sleep_until};

use crate::address::HostPort;
use crate::config::ConnConfig;
use crate::conn::{Broker, Conn, Partition};
use crate::connection::Connection;
use crate::error::{ConnError, Stage};

/// Opens [`Conn`]s as its configuration says.
///
/// ```
/// use std::time::Duration;
/// use ekafka_conn::{Conn, ConnConfig, ConnError, Dialer};
///
/// async fn leader(address: &str) -> Result<Conn, ConnError> {
///     let config = ConnConfig::default().timeout(Duration::from_secs(10)).dual_stack(true);
///     Dialer::new(config).dial_leader(address, "my-topic", 0).await
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dialer {
    config: ConnConfig,
}

impl Dialer {
    /// A dialer with that configuration.
    pub fn new(config: ConnConfig) -> Self {
        Self { config }
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &ConnConfig {
        &self.config
    }

    /// Connects to `address` (`host`, `host:port`, `[v6]:port`; 9092 without a port), without a
    /// topic.
    ///
    /// # Errors
    /// [`ConnError`] naming the step that failed.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn dial(&self, address: &str) -> Result<Conn, ConnError> {
        self.config.check()?;
        let address = self.address(address).await?;
        let link = Connection::open(address.host(), address.port(), &self.config).await?;
        Ok(Conn::new(link, "", 0, &self.config))
    }

    /// Connects to the leader of a partition, which any broker of the cluster, such as the one at
    /// `address`, is asked for.
    ///
    /// # Errors
    /// As [`lookup_partition`](Self::lookup_partition) and [`dial`](Self::dial).
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn dial_leader(
        &self,
        address: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Conn, ConnError> {
        let found = self.lookup_partition(address, topic, partition).await?;
        self.dial_partition(&found).await
    }

    /// Connects to the leader that `partition` names.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// use ekafka_conn::Dialer;
    ///
    /// let dialer = Dialer::default();
    /// println!("dials for {}", dialer.config().client_name());
    /// let leader = dialer.lookup_leader(&address, "orders", 2).await?;
    /// let partition = dialer.lookup_partition(&address, "orders", 2).await?;
    /// assert_eq!(partition.leader, leader);
    /// for partition in dialer.lookup_partitions(&address, "orders").await? {
    ///     dialer.dial_partition(&partition).await?.close()?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with `LEADER_NOT_AVAILABLE` when it names none that can be dialled;
    /// otherwise as [`dial`](Self::dial).
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn dial_partition(&self, partition: &Partition) -> Result<Conn, ConnError> {
        let Partition {
            leader, topic, id, ..
        } = partition;
        if leader.host.is_empty() || leader.port == 0 {
            let broker = HostPort::new(leader.host.as_str(), leader.port);
            return Err(refused(&broker, ErrorCode::LEADER_NOT_AVAILABLE));
        }
        let link = Connection::open(&leader.host, leader.port, &self.config).await?;
        Ok(Conn::to_broker(
            link,
            leader.clone(),
            topic,
            *id,
            &self.config,
        ))
    }

    /// The leader of a partition.
    ///
    /// # Errors
    /// As [`lookup_partition`](Self::lookup_partition).
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn lookup_leader(
        &self,
        address: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Broker, ConnError> {
        Ok(self
            .lookup_partition(address, topic, partition)
            .await?
            .leader)
    }

    /// A partition and who holds it. While it has no leader, or the topic is not known (yet), the
    /// broker is asked again, for as long as the configuration gives a dial.
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with the code that was last in the way; `UNKNOWN_TOPIC_OR_PARTITION` at
    /// once when the topic is there and the partition is not. Otherwise as [`dial`](Self::dial).
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn lookup_partition(
        &self,
        address: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Partition, ConnError> {
        let conn = self.dial(address).await?;
        let limit = self.config.dial_deadline(Instant::now());
        conn.set_deadline(limit);
        let mut attempt = 1;
        loop {
            let answer = conn.read_partitions(&[topic]).await;
            let error = match judge(answer, partition, conn.address()) {
                Judged::Found(found) => return Ok(found),
                Judged::Failed(error) => return Err(error),
                Judged::NotYet(code) => refused(conn.address(), code),
            };
            let again = Instant::now() + pause(attempt);
            if again >= limit {
                return Err(error);
            }
            sleep_until(again).await;
            attempt += 1;
        }
    }

    /// The partitions of a topic; the broker is asked once.
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with the topic's error code; otherwise as [`dial`](Self::dial).
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn lookup_partitions(
        &self,
        address: &str,
        topic: &str,
    ) -> Result<Vec<Partition>, ConnError> {
        let conn = self.dial(address).await?;
        conn.set_deadline(self.config.dial_deadline(Instant::now()));
        conn.read_partitions(&[topic]).await
    }

    /// Parses an address. One without a port gets the resolver's, if it names one.
    async fn address(&self, text: &str) -> Result<HostPort, ConnError> {
        let parsed: HostPort = text.parse()?;
        let resolver = match &self.config.resolver {
            Some(resolver) if !has_port(text) => resolver,
            _ => return Ok(parsed),
        };
        if parsed.host().parse::<std::net::IpAddr>().is_ok() {
            return Ok(parsed);
        }
        let resolving = resolver.resolve(parsed.host());
        let limit = self.config.dial_deadline(Instant::now());
        let (broker, stage) = (parsed.clone(), Stage::Resolve);
        match tokio::time::timeout_at(limit, resolving).await {
            Ok(Ok(found)) => {
                let port = found
                    .first()
                    .map(std::net::SocketAddr::port)
                    .filter(|port| *port != 0);
                Ok(match port {
                    Some(port) => HostPort::new(parsed.host(), port),
                    None => parsed,
                })
            }
            Ok(Err(cause)) => Err(ConnError::Open {
                broker,
                stage,
                cause: cause.into(),
            }),
            Err(_) => Err(ConnError::Timeout {
                broker,
                stage,
                sent: false,
            }),
        }
    }
}

/// What one answer means for a look-up.
#[derive(Debug)]
enum Judged {
    Found(Partition),
    /// Worth asking again: this is in the way.
    NotYet(ErrorCode),
    Failed(ConnError),
}

fn judge(answer: Result<Vec<Partition>, ConnError>, wanted: i32, broker: &HostPort) -> Judged {
    let partitions = match answer {
        Ok(partitions) => partitions,
        Err(ConnError::Kafka { code, .. }) if code.is_retriable() => return Judged::NotYet(code),
        Err(error) => return Judged::Failed(error),
    };
    let knows_topic = !partitions.is_empty();
    match partitions
        .into_iter()
        .find(|partition| partition.id == wanted)
    {
        Some(found) if found.leader.id >= 0 && !found.leader.host.is_empty() => {
            Judged::Found(found)
        }
        Some(_) => Judged::NotYet(ErrorCode::LEADER_NOT_AVAILABLE),
        None if knows_topic => {
            Judged::Failed(refused(broker, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))
        }
        None => Judged::NotYet(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    }
}

fn refused(broker: &HostPort, code: ErrorCode) -> ConnError {
    ConnError::Kafka {
        broker: broker.clone(),
        api: ApiKey::METADATA,
        code,
    }
}

/// How long to wait before asking again.
fn pause(attempt: u32) -> Duration {
    (FIRST_PAUSE * attempt.saturating_mul(attempt).min(100)).min(LONGEST_PAUSE)
}

/// Whether the text of an address names a port.
fn has_port(text: &str) -> bool {
    let text = text.trim();
    match text.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .is_some_and(|(_, after)| after.starts_with(':')),
        None => text.matches(':').count() == 1,
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
