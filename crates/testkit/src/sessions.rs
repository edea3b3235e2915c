//! Fetch sessions of one broker (KIP-227): which partitions a session reads and what it was told last. Pure.

use std::collections::BTreeMap;

use ekafka_protocol::ErrorCode;
use uuid::Uuid;

/// The sessions one broker keeps, by session id.
#[derive(Debug, Default)]
pub(crate) struct FetchSessions {
    by_id: BTreeMap<i32, FetchSession>,
}

/// One session.
#[derive(Debug)]
pub(crate) struct FetchSession {
    /// The epoch the next request must carry.
    epoch: i32,
    /// Whether the session names topics by id (Fetch v13 on).
    by_topic_id: bool,
    /// In the order they were added; what was served moves to the end, so that nothing starves.
    partitions: Vec<SessionPartition>,
}

/// A partition of a fetch, as the client last asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionPartition {
    pub(crate) topic: String,
    pub(crate) topic_id: Uuid,
    pub(crate) partition: i32,
    pub(crate) fetch_offset: i64,
    /// -1 when the client does not know.
    pub(crate) leader_epoch: i32,
    /// The epoch of the last record the client has, -1 when it does not say (KIP-320).
    pub(crate) last_fetched_epoch: i32,
    pub(crate) max_bytes: i32,
    /// High watermark and log start the client was told last; -1 when nothing yet.
    pub(crate) told: (i64, i64),
}

/// What a request says about its session.
#[derive(Debug)]
pub(crate) struct SessionRequest {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    pub(crate) by_topic_id: bool,
    pub(crate) partitions: Vec<SessionPartition>,
    /// Topic name and id (whichever is used) and partition.
    pub(crate) forgotten: Vec<(String, Uuid, i32)>,
}

/// What a fetch is to read.
#[derive(Debug)]
pub(crate) struct FetchPlan {
    /// 0 without a session.
    pub(crate) session: i32,
    /// Whether partitions without news are left out of the answer.
    pub(crate) is_incremental: bool,
    pub(crate) partitions: Vec<SessionPartition>,
}

/// The epoch that ends a session or asks for none.
const FINAL_EPOCH: i32 = -1;
/// The epoch that asks for a new session.
const INITIAL_EPOCH: i32 = 0;
/// Sessions kept at most (`max.incremental.fetch.session.cache.slots`); a full cache answers without a session.
const SLOTS: usize = 1000;

impl FetchSessions {
    /// Applies what a request says about its session and gives the partitions to read.
    pub(crate) fn plan(
        &mut self,
        request: SessionRequest,
        random: &mut fastrand::Rng,
    ) -> Result<FetchPlan, ErrorCode> {
        if request.epoch == FINAL_EPOCH || request.epoch == INITIAL_EPOCH {
            self.by_id.remove(&request.id);
            let session = if request.epoch == INITIAL_EPOCH {
                self.open(&request, random)
            } else {
                0
            };
            return Ok(FetchPlan {
                session,
                is_incremental: false,
                partitions: request.partitions,
            });
        }
        let session = self
            .by_id
            .get_mut(&request.id)
            .ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        if session.epoch != request.epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.by_topic_id != request.by_topic_id {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        for wanted in request.partitions {
            match session
                .partitions
                .iter_mut()
                .find(|known| known.is_same(&wanted.topic, wanted.topic_id, wanted.partition))
            {
                Some(known) => {
                    *known = SessionPartition {
                        told: known.told,
                        ..wanted
                    }
                }
                None => session.partitions.push(wanted),
            }
        }
        for (topic, id, partition) in &request.forgotten {
            session
                .partitions
                .retain(|known| !known.is_same(topic, *id, *partition));
        }
        Ok(FetchPlan {
            session: request.id,
            is_incremental: true,
            partitions: session.partitions.clone(),
        })
    }

    fn open(&mut self, request: &SessionRequest, random: &mut fastrand::Rng) -> i32 {
        if self.by_id.len() >= SLOTS {
            return 0;
        }
        let mut id = random.i32(1..);
        while self.by_id.contains_key(&id) {
            id = random.i32(1..);
        }
        let partitions = request.partitions.clone();
        self.by_id.insert(
            id,
            FetchSession {
                epoch: 1,
                by_topic_id: request.by_topic_id,
                partitions,
            },
        );
        id
    }

    /// Notes what an answer says about a partition; one with records goes to the end of the queue.
    pub(crate) fn told(
        &mut self,
        session: i32,
        partition: &SessionPartition,
        told: (i64, i64),
        has_records: bool,
    ) {
        let Some(session) = self.by_id.get_mut(&session) else {
            return;
        };
        let is_it = |known: &SessionPartition| {
            known.is_same(&partition.topic, partition.topic_id, partition.partition)
        };
        let Some(at) = session.partitions.iter().position(is_it) else {
            return;
        };
        if has_records {
            let mut moved = session.partitions.remove(at);
            moved.told = told;
            session.partitions.push(moved);
        } else if let Some(known) = session.partitions.get_mut(at) {
            known.told = told;
        }
    }
}

impl SessionPartition {
    fn is_same(&self, topic: &str, id: Uuid, partition: i32) -> bool {
        self.partition == partition
            && if id.is_nil() {
                self.topic == topic
            } else {
                self.topic_id == id
            }
    }
}
