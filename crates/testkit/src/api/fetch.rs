//! Fetch, versions 4 to 18.
//!
//! Waits up to max wait for min bytes; at least one batch is sent even when it passes the limits (KIP-74). Fetch sessions
//! (KIP-227), leader epochs (KIP-320), topic ids (v13), diverging epochs (v12), last stable offset and aborted
//! transactions for committed reads, current leaders (KIP-951), replicas near the client (KIP-392).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ekafka_protocol::messages::{
    AbortedTransaction, EpochEndOffset, FetchRequest, FetchResponse, FetchedPartition,
    FetchedTopic, IsolationLevel,
};
use ekafka_protocol::{BrokerRequest, ErrorCode, StrBytes};
use tokio::time::Instant;

use super::produce::{current_leader, endpoints};
use super::{Answer, Call, Refusal, Waiting, reply};
use crate::cluster::Cluster;
use crate::server::Shared;
use crate::sessions::{FetchPlan, SessionPartition, SessionRequest};

pub(super) type Request = FetchRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request = Request::decode(call.version, body)?;
    let rack = if call.version >= FIRST_WITH_RACK {
        request.rack_id.to_string()
    } else {
        String::new()
    };
    let terms = Terms {
        min_bytes: usize::try_from(request.min_bytes).unwrap_or(0),
        max_bytes: usize::try_from(request.max_bytes).unwrap_or(0),
        is_committed: request.isolation_level == IsolationLevel::ReadCommitted,
        until: call.now + Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
    };
    let planned = {
        let cluster = &mut *shared.cluster();
        match call
            .refused()
            .filter(|_| call.version >= 7 && is_about_session(call))
        {
            Some(code) => Err(code),
            None => plan(cluster, call, request),
        }
    };
    match planned {
        Ok(plan) => {
            let mut waiting = WaitingFetch { plan, terms, rack };
            Ok(waiting
                .resume(shared, call)?
                .unwrap_or_else(|| Answer::Wait(Box::new(waiting))))
        }
        Err(error_code) => reply::<Request>(
            call,
            &FetchResponse {
                error_code,
                ..FetchResponse::default()
            },
        ),
    }
}

/// Whether an injected error belongs at the top of the answer.
fn is_about_session(call: &Call) -> bool {
    matches!(
        call.refused(),
        Some(
            ErrorCode::FETCH_SESSION_ID_NOT_FOUND
                | ErrorCode::INVALID_FETCH_SESSION_EPOCH
                | ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR
        )
    )
}

fn plan(cluster: &mut Cluster, call: &Call, request: Request) -> Result<FetchPlan, ErrorCode> {
    let by_topic_id = call.version >= 13;
    let mut partitions = Vec::new();
    for topic in &request.topics {
        let name = if by_topic_id {
            cluster.topic_name(topic.topic_id).unwrap_or_default()
        } else {
            topic.topic.as_str()
        };
        partitions.extend(topic.partitions.iter().map(|wanted| SessionPartition {
            topic: name.to_owned(),
            topic_id: topic.topic_id,
            partition: wanted.partition,
            fetch_offset: wanted.fetch_offset,
            leader_epoch: wanted.current_leader_epoch,
            last_fetched_epoch: wanted.last_fetched_epoch,
            max_bytes: wanted.partition_max_bytes,
            told: (-1, -1),
        }));
    }
    let forgotten = request.forgotten_topics_data.iter().flat_map(|topic| {
        topic
            .partitions
            .iter()
            .map(|partition| (topic.topic.to_string(), topic.topic_id, *partition))
    });
    let forgotten = forgotten.collect();
    let asked = SessionRequest {
        id: request.session_id,
        epoch: request.session_epoch,
        by_topic_id,
        partitions,
        forgotten,
    };
    let sessions = cluster.fetch_sessions.entry(call.node).or_default();
    sessions.plan(asked, &mut cluster.random)
}

/// How much to send, and until when to wait for it.
#[derive(Debug, Clone, Copy)]
struct Terms {
    min_bytes: usize,
    max_bytes: usize,
    is_committed: bool,
    until: Instant,
}

struct WaitingFetch {
    plan: FetchPlan,
    terms: Terms,
    /// Where the client stands; empty when it does not say.
    rack: String,
}

impl Waiting for WaitingFetch {
    fn until(&self) -> Instant {
        self.terms.until
    }

    fn resume(&mut self, shared: &Shared, call: &Call) -> Result<Option<Answer>, Refusal> {
        let response = {
            let mut cluster = shared.cluster();
            let cluster = &mut *cluster;
            let found = read_all(cluster, call, self);
            let is_enough = found.bytes >= self.terms.min_bytes || found.has_error;
            if !is_enough && call.now < self.terms.until {
                for wanted in &self.plan.partitions {
                    if let Some(partition) = cluster.partition_mut(&wanted.topic, wanted.partition)
                    {
                        partition.wake_on_change(&call.waker);
                    }
                }
                return Ok(None);
            }
            respond(cluster, call, &self.plan, found)
        };
        reply::<Request>(call, &response).map(Some)
    }
}

/// What all partitions of a fetch hold.
struct Found {
    partitions: Vec<FetchedPartition>,
    bytes: usize,
    /// An error, a log that parted, or another replica to ask: nothing to wait for.
    has_error: bool,
}

fn read_all(cluster: &mut Cluster, call: &Call, fetch: &WaitingFetch) -> Found {
    let WaitingFetch { plan, terms, rack } = fetch;
    let mut found = Found {
        partitions: Vec::with_capacity(plan.partitions.len()),
        bytes: 0,
        has_error: false,
    };
    for wanted in &plan.partitions {
        let room = terms.max_bytes.saturating_sub(found.bytes);
        let is_first = found.bytes == 0;
        let partition = match read(cluster, call, wanted, *terms, rack, (room, is_first)) {
            Ok(partition) => partition,
            Err(error_code) => FetchedPartition {
                error_code,
                current_leader: cluster
                    .partition(&wanted.topic, wanted.partition)
                    .and_then(|partition| current_leader(error_code, partition)),
                records: Some(Bytes::new()),
                ..FetchedPartition::default()
            },
        };
        found.bytes += partition.records.as_ref().map_or(0, Bytes::len);
        found.has_error |=
            partition.error_code != ErrorCode::NONE || partition.diverging_epoch.is_some();
        found.has_error |= partition.preferred_read_replica >= 0;
        found.partitions.push(FetchedPartition {
            partition_index: wanted.partition,
            ..partition
        });
    }
    found
}

fn read(
    cluster: &mut Cluster,
    call: &Call,
    wanted: &SessionPartition,
    terms: Terms,
    rack: &str,
    (room, is_first): (usize, bool),
) -> Result<FetchedPartition, ErrorCode> {
    if let Some(code) = call.refused_for(&wanted.topic, wanted.partition) {
        return Err(code);
    }
    if !wanted.topic_id.is_nil() && cluster.topic_by_id(wanted.topic_id).is_none() {
        return Err(ErrorCode::UNKNOWN_TOPIC_ID);
    }
    let (topic, number) = (&wanted.topic, wanted.partition);
    let preferred = cluster.preferred_replica(topic, number, rack, wanted.fetch_offset);
    let may_follow = call.version >= FIRST_WITH_RACK;
    let (partition, end) = cluster.read_on(call.node, topic, number, may_follow)?;
    partition.check_epoch(wanted.leader_epoch)?;
    let preferred = preferred.filter(|_| partition.leader == call.node);
    let log = &partition.log;
    let fetched = FetchedPartition {
        high_watermark: end,
        last_stable_offset: log.stable_offset().min(end),
        preferred_read_replica: preferred.unwrap_or(-1),
        log_start_offset: log.start_offset(),
        records: Some(Bytes::new()),
        ..FetchedPartition::default()
    };
    if let Some(diverging) = diverging(log, wanted, partition.leader_epoch) {
        return Ok(FetchedPartition {
            diverging_epoch: Some(diverging),
            ..fetched
        });
    }
    if wanted.fetch_offset < log.start_offset() || wanted.fetch_offset > end {
        return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
    }
    if preferred.is_some() {
        return Ok(fetched);
    }
    let limit = if terms.is_committed {
        log.stable_offset().min(end)
    } else {
        end
    };
    let room = room.min(usize::try_from(wanted.max_bytes).unwrap_or(0));
    let records = collect(log, wanted.fetch_offset, limit, room, is_first);
    let aborted = log
        .aborted_between(wanted.fetch_offset, limit)
        .map(|aborted| AbortedTransaction {
            producer_id: aborted.producer_id,
            first_offset: aborted.first_offset,
        });
    let aborted = terms.is_committed.then(|| aborted.collect());
    Ok(FetchedPartition {
        records: Some(records),
        aborted_transactions: aborted,
        ..fetched
    })
}

/// Where the client's log and this one part, when the client says which epoch its last record is of (KIP-595).
fn diverging(
    log: &crate::log::PartitionLog,
    wanted: &SessionPartition,
    current: i32,
) -> Option<EpochEndOffset> {
    if wanted.last_fetched_epoch < 0 {
        return None;
    }
    let (epoch, end_offset) = log.end_of_epoch(wanted.last_fetched_epoch, current);
    let parted = epoch < wanted.last_fetched_epoch || end_offset < wanted.fetch_offset;
    (parted && epoch >= 0).then_some(EpochEndOffset { epoch, end_offset })
}

/// What lies from `offset` on, cut at `room` wherever that is, as Kafka cuts it. The first batch is never cut: that of a
/// fetch comes whatever its size, that of a later partition only if it fits.
fn collect(
    log: &crate::log::PartitionLog,
    offset: i64,
    limit: i64,
    room: usize,
    is_first: bool,
) -> Bytes {
    let mut chosen = Vec::new();
    let mut bytes = 0;
    let mut cut = None;
    for batch in log.read_from(offset, limit) {
        let fits = bytes + batch.len() <= room || (is_first && chosen.is_empty());
        if !fits {
            cut = (!chosen.is_empty()).then_some(batch);
            break;
        }
        bytes += batch.len();
        chosen.push(batch);
    }
    let mut records = BytesMut::with_capacity(bytes);
    for batch in chosen {
        records.extend_from_slice(&batch.head);
        records.extend_from_slice(&batch.tail);
    }
    if let Some(batch) = cut {
        let begun = batch.head.iter().chain(&batch.tail);
        records.extend(begun.take(room.saturating_sub(bytes)));
    }
    records.freeze()
}

fn respond(cluster: &mut Cluster, call: &Call, plan: &FetchPlan, found: Found) -> FetchResponse {
    let mut response = FetchResponse {
        throttle_time_ms: cluster.throttle_ms(),
        session_id: plan.session,
        ..FetchResponse::default()
    };
    let leaders = found
        .partitions
        .iter()
        .filter_map(|partition| partition.current_leader.map(|leader| leader.leader_id));
    response.node_endpoints = endpoints(cluster, leaders.collect());
    let sessions = cluster.fetch_sessions.entry(call.node).or_default();
    for (wanted, partition) in plan.partitions.iter().zip(found.partitions) {
        let told = (partition.high_watermark, partition.log_start_offset);
        let has_records = partition
            .records
            .as_ref()
            .is_some_and(|records| !records.is_empty());
        let has_news = has_records
            || told != wanted.told
            || partition.error_code != ErrorCode::NONE
            || partition.preferred_read_replica >= 0
            || partition.diverging_epoch.is_some();
        if plan.is_incremental && !has_news {
            continue;
        }
        sessions.told(plan.session, wanted, told, has_records);
        let is_same = |topic: &FetchedTopic| {
            topic.topic_id == wanted.topic_id
                && (!wanted.topic_id.is_nil() || topic.topic.as_str() == wanted.topic)
        };
        match response.responses.last_mut().filter(|topic| is_same(topic)) {
            Some(topic) => topic.partitions.push(partition),
            None => response.responses.push(FetchedTopic {
                topic: StrBytes::from_string(wanted.topic.clone()),
                topic_id: wanted.topic_id,
                partitions: vec![partition],
            }),
        }
    }
    response
}

/// The first version in which a client says where it stands (KIP-392).
const FIRST_WITH_RACK: i16 = 11;
