//! The way of every call: which broker each item goes to, what is sent together, what is tried again and until when.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{
    BrokerId, ClusterView, ConnError, CoordinatorKind, Purpose, Refresh, To, TopicPartition,
};
use ekafka_protocol::{ErrorCode, Request, VersionRange};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::agenda::{Agenda, Told};
use crate::client::Client;
use crate::error::AdminError;

/// One call: what its requests and answers look like. Everything else is the same for all calls.
pub(crate) trait Call: Sync {
    /// The request that it sends, one or several times.
    type Request: Request;
    /// What it asks about: a topic, a partition, a group …
    type Item: Sync;
    /// What it learns about each.
    type Value;

    /// The versions that can say what is asked.
    fn versions(&self) -> VersionRange {
        Self::Request::VERSIONS
    }

    /// Who can answer about the item.
    fn place<'a>(&'a self, item: &'a Self::Item) -> Place<'a>;

    /// What an error calls the item: by default what it is asked of.
    fn subject(&self, item: &Self::Item) -> String {
        self.place(item).to_string()
    }

    /// Items of different lanes never share a request.
    fn lane(&self, _item: &Self::Item) -> usize {
        0
    }

    /// Whether this code is an answer here, although it may pass.
    fn is_final(&self, _code: ErrorCode) -> bool {
        false
    }

    /// The request about these items, of which the broker may take so long; or what this version has no place for.
    fn ask(
        &self,
        items: &[&Self::Item],
        version: i16,
        patience: Duration,
    ) -> Result<Self::Request, &'static str>;

    /// What the answer says about each of the items, in their order.
    fn read(
        &self,
        items: &[&Self::Item],
        answer: <Self::Request as Request>::Response,
        version: i16,
    ) -> Vec<Told<Self::Value>>;
}

/// Who can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Any,
    Controller,
    Broker(BrokerId),
    Group(&'a str),
    Leader(&'a TopicPartition),
}

impl fmt::Display for Place<'_> {
    /// The group, the partition or the broker; nothing where any broker or the controller can answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any | Self::Controller => Ok(()),
            Self::Broker(id) => write!(f, "broker {id}"),
            Self::Group(group) => f.write_str(group),
            Self::Leader(partition) => write!(f, "{partition}"),
        }
    }
}

/// Items that go to one broker in one request.
struct Parcel<'a> {
    to: To<'a>,
    lane: usize,
    /// Indices into the call's items.
    items: Vec<usize>,
}

/// Why a request has no answer.
enum Lost {
    Failed(Arc<ConnError>),
    TooOld { version: i16, what: &'static str },
}

impl Client {
    /// Makes the call: an outcome for each item, in order.
    ///
    /// # Errors
    /// When no broker has answered about anything.
    pub(crate) async fn call<C: Call>(
        &self,
        call: &C,
        items: &[C::Item],
    ) -> Result<Vec<Result<C::Value, AdminError>>, AdminError> {
        let deadline = Instant::now() + self.timeout;
        let mut agenda = Agenda::new(C::Request::API, items.len());
        let mut stale = BTreeSet::new();
        while !agenda.open().is_empty() {
            let parcels = self
                .sort(call, items, &mut agenda, &mut stale, deadline)
                .await;
            let tries = parcels.iter().map(|parcel| {
                let items: Vec<&C::Item> = parcel.items.iter().map(|at| &items[*at]).collect();
                async move { self.try_once(call, &items, parcel.to, deadline).await }
            });
            let answers = join_all(tries).await;
            for (parcel, answer) in parcels.iter().zip(answers) {
                self.note(call, items, parcel, answer, &mut agenda, &mut stale);
            }
            if agenda.open().is_empty() {
                break;
            }
            let pause = agenda.wait(self.retry_backoff, fastrand::f64());
            if Instant::now() + pause >= deadline {
                break;
            }
            sleep(pause).await;
        }
        agenda.finish()
    }

    /// Makes a call about one thing.
    pub(crate) async fn call_one<C: Call>(
        &self,
        call: &C,
        item: C::Item,
    ) -> Result<C::Value, AdminError> {
        let outcomes = self.call(call, std::slice::from_ref(&item)).await?;
        let unheard = AdminError::NotAnswered {
            api: C::Request::API,
            subject: call.subject(&item).into(),
        };
        outcomes.into_iter().next().unwrap_or(Err(unheard))
    }

    /// Puts open items that go to the same broker together.
    async fn sort<'a, C: Call>(
        &self,
        call: &'a C,
        items: &'a [C::Item],
        agenda: &mut Agenda<C::Value>,
        stale: &mut BTreeSet<Arc<str>>,
        deadline: Instant,
    ) -> Vec<Parcel<'a>> {
        let open = agenda.open();
        let topics: BTreeSet<&Arc<str>> = open
            .iter()
            .filter_map(|at| match call.place(&items[*at]) {
                Place::Leader(partition) => Some(&partition.topic),
                _ => None,
            })
            .collect();
        let view = self.view_of(&topics, stale, deadline).await;
        stale.clear();
        let mut parcels: Vec<Parcel<'a>> = Vec::new();
        for at in open {
            let item = &items[at];
            let to = match call.place(item) {
                Place::Any => To::Any,
                Place::Controller => To::Controller,
                Place::Broker(id) => To::Broker(id),
                Place::Group(group) => To::Group(group),
                Place::Leader(partition) => match &view {
                    Err(error) => {
                        agenda.note_failure(at, error, false);
                        continue;
                    }
                    Ok(view) => match leader(view, partition) {
                        Ok(id) => To::Broker(id),
                        Err(code) => {
                            let again = code == ErrorCode::LEADER_NOT_AVAILABLE;
                            if again {
                                stale.insert(partition.topic.clone());
                            }
                            agenda.note(at, &call.subject(item), Told::Refused(code, None), again);
                            continue;
                        }
                    },
                },
            };
            let lane = call.lane(item);
            let known = parcels
                .iter_mut()
                .find(|parcel| parcel.to == to && parcel.lane == lane);
            match known {
                Some(parcel) => parcel.items.push(at),
                None => parcels.push(Parcel {
                    to,
                    lane,
                    items: vec![at],
                }),
            }
        }
        parcels
    }

    /// A view that has the topics, each of them newer than before this call if it is in `stale`.
    async fn view_of(
        &self,
        topics: &BTreeSet<&Arc<str>>,
        stale: &BTreeSet<Arc<str>>,
        deadline: Instant,
    ) -> Result<Arc<ClusterView>, Arc<ConnError>> {
        let first = self.cluster.view().generation;
        loop {
            let view = self.cluster.view();
            let is_missing = |topic: &Arc<str>| match view.topic(topic) {
                None => true,
                Some(known) => {
                    let is_doubtful = known.error.is_error() || stale.contains(topic);
                    is_doubtful && view.generation == first
                }
            };
            let missing: Vec<&Arc<str>> = topics
                .iter()
                .copied()
                .filter(|topic| is_missing(topic))
                .collect();
            if missing.is_empty() {
                return Ok(view);
            }
            for topic in missing {
                self.cluster.invalidate(Refresh::Topic(topic.clone()));
            }
            self.cluster
                .view_newer_than(view.generation, deadline)
                .await?;
        }
    }

    /// One request and its answer.
    async fn try_once<C: Call>(
        &self,
        call: &C,
        items: &[&C::Item],
        to: To<'_>,
        deadline: Instant,
    ) -> Result<Vec<Told<C::Value>>, Lost> {
        let now = Instant::now();
        let limit = deadline.min(now + self.request_timeout);
        let connection = self
            .cluster
            .connection_to(to, Purpose::General, limit)
            .await?;
        let version = connection.version_of(C::Request::API, call.versions())?;
        let patience = patience(limit.saturating_duration_since(Instant::now()));
        let request = call
            .ask(items, version, patience)
            .map_err(|what| Lost::TooOld { version, what })?;
        let answer = connection.send_version(&request, version, limit).await?;
        Ok(call.read(items, answer, version))
    }

    /// Takes down what became of a parcel, and forgets what has proved wrong about the cluster.
    fn note<C: Call>(
        &self,
        call: &C,
        items: &[C::Item],
        parcel: &Parcel<'_>,
        answer: Result<Vec<Told<C::Value>>, Lost>,
        agenda: &mut Agenda<C::Value>,
        stale: &mut BTreeSet<Arc<str>>,
    ) {
        let mut answer = answer.map(Vec::into_iter);
        for at in parcel.items.iter().copied() {
            let item = &items[at];
            let place = call.place(item);
            match &mut answer {
                Ok(told) => {
                    let told = told.next().unwrap_or(Told::Nothing);
                    let again = match &told {
                        Told::Refused(code, _) => {
                            may_pass(*code, place) && !call.is_final(*code) && {
                                self.doubt(place, *code, stale);
                                true
                            }
                        }
                        _ => false,
                    };
                    agenda.note(at, &call.subject(item), told, again);
                }
                Err(Lost::Failed(error)) => {
                    let is_unknown = matches!(place, Place::Broker(_))
                        && matches!(&**error, ConnError::NoBroker { .. });
                    self.doubt(place, ErrorCode::NETWORK_EXCEPTION, stale);
                    agenda.note_failure(at, error, error.is_retriable() && !is_unknown);
                }
                Err(Lost::TooOld { version, what }) => agenda.settle(
                    at,
                    AdminError::TooOld {
                        api: C::Request::API,
                        version: *version,
                        what,
                    },
                ),
            }
        }
    }

    /// What led to this refusal may have been out of date.
    fn doubt(&self, place: Place<'_>, code: ErrorCode, stale: &mut BTreeSet<Arc<str>>) {
        let is_loading = code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
        match place {
            Place::Controller => self.cluster.invalidate(Refresh::All),
            Place::Group(group) if !is_loading => {
                let kind = CoordinatorKind::Group;
                self.cluster.forget_coordinator(kind, group);
            }
            Place::Leader(partition) => {
                stale.insert(partition.topic.clone());
            }
            Place::Any | Place::Broker(_) | Place::Group(_) => {}
        }
    }
}

impl From<ConnError> for Lost {
    fn from(error: ConnError) -> Self {
        Self::Failed(Arc::new(error))
    }
}

/// Whether the same question may be answered a moment later. A topic that the cluster does not know is no passing
/// matter, unless its own leader says so while metadata lists it.
fn may_pass(code: ErrorCode, place: Place<'_>) -> bool {
    let is_unknown = code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    code.is_retriable() && (!is_unknown || matches!(place, Place::Leader(_)))
}

/// Who leads a partition, or why nobody does.
fn leader(view: &ClusterView, partition: &TopicPartition) -> Result<BrokerId, ErrorCode> {
    let topic = view
        .topic(&partition.topic)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let Some(found) = topic.partition(partition.partition) else {
        return Err(match topic.error {
            ErrorCode::NONE => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            code => code,
        });
    };
    found.leader.ok_or(ErrorCode::LEADER_NOT_AVAILABLE)
}

/// How long the broker may take, so that its answer is here within `left`.
fn patience(left: Duration) -> Duration {
    left.saturating_sub((left / 4).min(MARGIN))
}

/// For the answer's way back.
const MARGIN: Duration = Duration::from_secs(1);
