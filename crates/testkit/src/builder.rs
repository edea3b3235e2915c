//! Starting an embedded cluster.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ekafka_protocol::{ApiKey, VersionRange};
use tokio::time::Instant;

use crate::broker::{EmbeddedKafka, Fronts};
use crate::cluster::{Cluster, Node, WallClock};
use crate::server::Shared;
use crate::server::listener::{Front, bind};
use crate::settings::{SaslMechanism, Settings, User};
use crate::tls::TlsFiles;

/// What an embedded cluster is started with; see [`EmbeddedKafka::builder`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
///
/// use ekafka_protocol::{ApiKey, VersionRange};
/// use ekafka_testkit::EmbeddedKafka;
///
/// // Everything that can be set; most tests need none of it.
/// let kafka = EmbeddedKafka::builder()
///     .nodes(3)
///     .racks(["a", "b", "c"])
///     .listen("127.0.0.1:0".parse()?)
///     .seed(7)
///     // Topics and sizes.
///     .auto_create(false)
///     .default_partitions(6)
///     .default_replication(3)
///     .max_message_bytes(1 << 20)
///     .max_request_bytes(100 << 20)
///     .retention_bytes(1 << 30)
///     // Groups.
///     .initial_rebalance_delay(Duration::from_secs(3))
///     .session_timeouts(Duration::from_secs(6), Duration::from_secs(1_800))
///     // How far and how busy it is, what it speaks, what it insists on and remembers.
///     .round_trip(Duration::from_millis(1))
///     .throttle(Duration::ZERO)
///     .limit_api(ApiKey::FETCH, VersionRange::new(4, 11))
///     .insist_on_controller(true)
///     .keep_bodies(true)
///     .strict()
///     .start()
///     .await?;
///
/// // In memory, for a test with a paused clock; behind log-ins and TLS.
/// let inside = EmbeddedKafka::builder().in_memory().pipe_bytes(64 << 10).start().await?;
/// let guarded = EmbeddedKafka::builder()
///     .sasl_plain("user", "password")
///     .sasl_scram_256("user", "password")
///     .sasl_scram_512("user", "password")
///     .session_lifetime(Duration::from_secs(60))
///     .tls()
///     .start()
///     .await?;
/// let files = guarded.tls_files().ok_or("no certificates")?;
/// let same = EmbeddedKafka::builder().tls_files(files).start().await?;
/// let mutual = EmbeddedKafka::builder().tls_with_client_certificates().start().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    nodes: u16,
    listen: SocketAddr,
    /// Room of each direction of an in-memory connection, in bytes; none listens on TCP.
    pipe: Option<usize>,
    seed: Option<u64>,
    is_strict: bool,
    tls: Tls,
    /// The rack of each node, by its id from 1 on.
    racks: Vec<String>,
    settings: Settings,
}

/// Whether listeners speak TLS, and with what.
#[derive(Debug, Clone)]
enum Tls {
    Off,
    Made { asks_for_client_certificate: bool },
    Given(TlsFiles),
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            nodes: 3,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pipe: None,
            seed: None,
            is_strict: false,
            tls: Tls::Off,
            racks: Vec::new(),
            settings: Settings::default(),
        }
    }
}

impl Builder {
    /// How many nodes, with ids from 1. Default 3; at least 1.
    pub fn nodes(mut self, count: u16) -> Self {
        self.nodes = count.max(1);
        self
    }

    /// The address of the first node; the others get the ports that follow. Port 0, the default, takes free ports on
    /// 127.0.0.1.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// No ports: clients connect by [`EmbeddedKafka::connect`]. Under a paused clock and a current-thread runtime the
    /// cluster is then deterministic.
    pub fn in_memory(self) -> Self {
        self.pipe_bytes(PIPE)
    }

    /// In memory, with so much room in each direction of a connection: 1 delivers everything in slices of one byte.
    pub fn pipe_bytes(mut self, bytes: usize) -> Self {
        self.pipe = Some(bytes.max(1));
        self
    }

    /// Makes ids and choices repeatable, and starts the wall clock at a fixed time. Without, both are the machine's.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// A user that logs in with PLAIN. With any user, connections must log in.
    pub fn sasl_plain(self, name: &str, password: &str) -> Self {
        self.user(SaslMechanism::Plain, name, password)
    }

    /// A user that logs in with SCRAM-SHA-256.
    pub fn sasl_scram_256(self, name: &str, password: &str) -> Self {
        self.user(SaslMechanism::ScramSha256, name, password)
    }

    /// A user that logs in with SCRAM-SHA-512.
    pub fn sasl_scram_512(self, name: &str, password: &str) -> Self {
        self.user(SaslMechanism::ScramSha512, name, password)
    }

    fn user(mut self, mechanism: SaslMechanism, name: &str, password: &str) -> Self {
        let user = User {
            mechanism,
            name: name.to_owned(),
            password: password.to_owned(),
        };
        self.settings.users.push(user);
        self
    }

    /// How long a log-in lasts before the client must renew it (`connections.max.reauth.ms`). Default: for ever.
    pub fn session_lifetime(mut self, time: Duration) -> Self {
        self.settings.session_lifetime = time;
        self
    }

    /// TLS with certificates made at the start; [`EmbeddedKafka::tls_files`] has the authority that clients need.
    pub fn tls(mut self) -> Self {
        self.tls = Tls::Made {
            asks_for_client_certificate: false,
        };
        self
    }

    /// As [`tls`](Self::tls), and clients must show a certificate of the same authority.
    pub fn tls_with_client_certificates(mut self) -> Self {
        self.tls = Tls::Made {
            asks_for_client_certificate: true,
        };
        self
    }

    /// TLS with these certificates.
    pub fn tls_files(mut self, files: TlsFiles) -> Self {
        self.tls = Tls::Given(files);
        self
    }

    /// Time added to the way between clients and brokers, there and back, without limiting the rate. Default 0.
    pub fn round_trip(mut self, time: Duration) -> Self {
        self.settings.round_trip = time;
        self
    }

    /// Said in every answer that has room for it (`throttle_time_ms`). Default 0.
    pub fn throttle(mut self, time: Duration) -> Self {
        self.settings.throttle = time;
        self
    }

    /// Whether asking for a topic makes it (`auto.create.topics.enable`). Default true.
    pub fn auto_create(mut self, is_on: bool) -> Self {
        self.settings.auto_create = is_on;
        self
    }

    /// Partitions of topics that do not say (`num.partitions`). Default 1.
    pub fn default_partitions(mut self, count: i32) -> Self {
        self.settings.default_partitions = count.max(1);
        self
    }

    /// Replicas of topics that do not say (`default.replication.factor`), at most the number of nodes. Default 1.
    pub fn default_replication(mut self, factor: i16) -> Self {
        self.settings.default_replication = factor.max(1);
        self
    }

    /// The largest record batch taken, in bytes (`message.max.bytes`). Default 1,048,588.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_message_bytes = bytes;
        self
    }

    /// The largest request taken, in bytes (`socket.request.max.bytes`). Default 100 MiB.
    pub fn max_request_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_request_bytes = bytes;
        self
    }

    /// Bytes kept per partition (`log.retention.bytes`): the oldest batches go when there are more. Default: everything.
    pub fn retention_bytes(mut self, bytes: u64) -> Self {
        self.settings.retention_bytes = Some(bytes);
        self
    }

    /// How long a group's first rebalance waits for more members (`group.initial.rebalance.delay.ms`). Default 0, where
    /// Kafka's is 3 s.
    pub fn initial_rebalance_delay(mut self, time: Duration) -> Self {
        self.settings.initial_rebalance_delay = time;
        self
    }

    /// Bounds of what members may ask for as session timeout (`group.min.session.timeout.ms` and its max). Default 6 s to
    /// 30 min.
    pub fn session_timeouts(mut self, min: Duration, max: Duration) -> Self {
        self.settings.session_timeouts = (min, max);
        self
    }

    /// Whether only the controller takes administrative requests, as before KRaft; other nodes answer NOT_CONTROLLER.
    /// Default false.
    pub fn insist_on_controller(mut self, is_on: bool) -> Self {
        self.settings.insists_on_controller = is_on;
        self
    }

    /// Puts the nodes into these racks, in the order of their ids, and has leaders send consumers that name a rack to a
    /// replica in sync there, as Kafka does with a rack-aware replica selector (KIP-392). Default none.
    pub fn racks<R: Into<String>>(mut self, racks: impl IntoIterator<Item = R>) -> Self {
        self.racks = racks.into_iter().map(Into::into).collect();
        self
    }

    /// Offers an API in these versions only; [`VersionRange::EMPTY`] hides it. How to be an older broker.
    pub fn limit_api(mut self, api: ApiKey, versions: VersionRange) -> Self {
        self.settings.limits.insert(api, versions);
        self
    }

    /// Keeps the bodies of requests in [`EmbeddedKafka::requests`], so that they can be decoded there. Default false.
    pub fn keep_bodies(mut self, is_on: bool) -> Self {
        self.settings.keeps_bodies = is_on;
        self
    }

    /// Panics when the cluster is dropped after a request that a correct client never sends. Default false; see
    /// [`EmbeddedKafka::violations`].
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// Starts the cluster on the current runtime; it ends when the answer is dropped.
    ///
    /// # Errors
    ///
    /// When a port cannot be opened or a certificate not be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
    pub async fn start(self) -> io::Result<EmbeddedKafka> {
        let mut listeners = Vec::new();
        let mut nodes = BTreeMap::new();
        for (id, number) in (1..).zip(0..self.nodes) {
            let mut node = Node {
                host: format!("kafka-{id}"),
                port: PORT,
                is_up: true,
                rack: self.racks.get(usize::from(number)).cloned(),
            };
            if self.pipe.is_none() {
                let mut address = self.listen;
                if address.port() != 0 {
                    let port = address
                        .port()
                        .checked_add(number)
                        .ok_or(io::ErrorKind::AddrNotAvailable)?;
                    address.set_port(port);
                }
                let listener = bind(address).await?;
                let bound = listener.local_addr()?;
                node.port = bound.port();
                node.host = reachable(bound);
                listeners.push((id, bound, listener));
            }
            nodes.insert(id, node);
        }
        let tls = self.certificates(&nodes)?;
        let acceptor = tls.as_ref().map(TlsFiles::acceptor).transpose()?;
        let random = self
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let clock = WallClock {
            started: Instant::now(),
            started_ms: self.started_ms(),
        };
        let shared = Shared::new(
            Cluster::new(self.settings, nodes.clone(), random, clock),
            acceptor,
        );
        let mut fronts = Fronts {
            pipe: self.pipe,
            tls,
            ..Fronts::default()
        };
        for (id, address, listener) in listeners {
            fronts.addresses.insert(id, address);
            fronts
                .open
                .insert(id, Front::tcp(Arc::clone(&shared), id, listener));
        }
        if self.pipe.is_some() {
            fronts.open = nodes.keys().map(|&id| (id, Front::in_memory(id))).collect();
        }
        Ok(EmbeddedKafka::new(
            shared,
            Arc::new(Mutex::new(fronts)),
            self.is_strict,
        ))
    }

    fn certificates(&self, nodes: &BTreeMap<i32, Node>) -> io::Result<Option<TlsFiles>> {
        let asks = match &self.tls {
            Tls::Off => return Ok(None),
            Tls::Given(files) => return Ok(Some(files.clone())),
            Tls::Made {
                asks_for_client_certificate,
            } => *asks_for_client_certificate,
        };
        let hosts = nodes.values().map(|node| node.host.clone());
        let mut names: Vec<String> = hosts
            .chain(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .collect();
        names.sort_unstable();
        names.dedup();
        TlsFiles::make(&names, asks).map(Some)
    }

    /// Where the broker's wall clock begins, in ms since 1970.
    fn started_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.seed.map_or_else(
            || i64::try_from(since.as_millis()).unwrap_or(0),
            |_| SEEDED_START_MS,
        )
    }
}

/// The host clients are told: the bound address, or 127.0.0.1 when it is "any".
fn reachable(bound: SocketAddr) -> String {
    if bound.ip().is_unspecified() {
        Ipv4Addr::LOCALHOST.to_string()
    } else {
        bound.ip().to_string()
    }
}

/// The port of in-memory nodes, which differ by their host names.
const PORT: u16 = 9092;
/// Room of an in-memory connection in each direction, in bytes.
const PIPE: usize = 64 * 1024;
/// The wall clock of seeded clusters starts here: 2023-11-14 22:13:20 UTC.
const SEEDED_START_MS: i64 = 1_700_000_000_000;
