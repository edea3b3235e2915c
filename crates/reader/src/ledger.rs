//! Every partition that belongs to this reader, and where its cursor is.
//!
//! A cursor is in one place at a time: here while its start is being found, with one fetcher while it
//! is read, and back here with a reason. Answers quote the lane's tag, so one that was overtaken by a
//! seek, a pause or a revoke changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_conn::BrokerId;
use ekafka_protocol::{DecodeError, ErrorCode, Uuid};

use entry::{Entry, Place, Plan};

use crate::TopicPartition;
use crate::fetcher::BatchSizes;
use crate::lane::{Assignment, Lane};
use crate::reset::{OutOfRange, Position, Start, Target};

mod ends;
mod entry;
mod leaderless;
mod nearby;
#[cfg(test)]
mod tests;
mod truncation;

/// A partition as a fetcher reads it.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    pub(crate) lane: Arc<Lane>,
    /// Nil when the broker gives topics no ids.
    pub(crate) topic_id: Uuid,
    /// The leader's epoch in the view, -1 when unknown: an older or newer leader refuses it.
    pub(crate) leader_epoch: i32,
    /// The offset to fetch next.
    pub(crate) offset: i64,
    /// Leader epoch of the last record before `offset`; -1 when unknown.
    pub(crate) read_epoch: i32,
    /// How large this partition's batches are.
    pub(crate) sizes: BatchSizes,
    /// Whether a fetch succeeded since control sent it out.
    pub(crate) has_read: bool,
}

/// Why a cursor came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Returned {
    /// The leader is another broker, or has another epoch: refresh and go on.
    Moved,
    /// The offset is outside the log.
    OutOfRange,
    /// The connection failed, which is reported elsewhere.
    Disconnected,
    /// The broker refused this partition.
    Refused(ErrorCode),
    /// The batch at the offset has so many bytes, more than the whole budget.
    TooLarge(u32),
    /// The answer had bytes, but no whole batch.
    Incomplete(DecodeError),
    /// The leader would rather have another replica asked (KIP-392).
    Preferred(BrokerId),
}

/// A leader as the view has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) broker: BrokerId,
    pub(crate) epoch: i32,
    pub(crate) topic_id: Uuid,
}

/// What the ledger needs of the cluster view.
pub(crate) trait Leaders {
    /// The leader of a partition, if the view has one.
    fn leader(&self, partition: &TopicPartition) -> Option<Leader>;
}

/// What the shell has to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// Ask the coordinator for the group's offsets; answer with [`Ledger::handle_committed`].
    Committed(Vec<TopicPartition>),
    /// Ask the leader for offsets; answer with [`Ledger::handle_listed`].
    List {
        broker: BrokerId,
        questions: Vec<Question>,
    },
    /// Ask the leader where earlier leaders' logs end; answer with [`Ledger::handle_checked`].
    Check {
        broker: BrokerId,
        questions: Vec<EpochQuestion>,
    },
    /// Tell the broker's fetcher, if there is one, that a lane it read has ended.
    Drop { broker: BrokerId, lane: Arc<Lane> },
    /// Hand the cursors to the broker's fetcher.
    Fetch {
        broker: BrokerId,
        cursors: Vec<Cursor>,
    },
    /// Tell the application.
    Tell(Notice),
    /// Learn the leaders of these topics; answer with [`Ledger::handle_looked_up`].
    LookUp(Vec<Arc<str>>),
}

/// One partition of a `ListOffsets` request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) partition: TopicPartition,
    pub(crate) tag: u64,
    pub(crate) target: Target,
    pub(crate) leader_epoch: i32,
}

/// One partition of an `OffsetForLeaderEpoch` request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EpochQuestion {
    pub(crate) partition: TopicPartition,
    pub(crate) tag: u64,
    /// The epoch of the leader that is asked.
    pub(crate) leader_epoch: i32,
    /// The epoch whose end is asked for.
    pub(crate) read_epoch: i32,
}

/// Something the application is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Reading goes on elsewhere because the position was outside the log.
    Moved {
        partition: TopicPartition,
        from: i64,
        to: i64,
    },
    /// The log ends before what was handed out. Reading goes on at `to`, or waits for a seek.
    Truncated {
        partition: TopicPartition,
        from: i64,
        to: i64,
        is_held: bool,
    },
    /// The position is outside the log and the policy is to wait for a seek.
    OutOfRange {
        partition: TopicPartition,
        offset: i64,
    },
    /// One batch is larger than the whole budget; only a seek gets past it.
    TooLarge {
        partition: TopicPartition,
        offset: i64,
        size: u32,
    },
    /// The broker keeps sending bytes without a whole batch.
    Incomplete {
        partition: TopicPartition,
        offset: i64,
        error: DecodeError,
    },
    /// The broker keeps refusing the partition.
    Refused {
        step: &'static str,
        partition: TopicPartition,
        code: ErrorCode,
    },
}

/// The rules that come from the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Where to begin without a committed offset.
    pub(crate) start: Start,
    pub(crate) out_of_range: OutOfRange,
    /// First and longest pause between attempts for one partition.
    pub(crate) backoff: (Duration, Duration),
    /// Failures in a row from which on each is reported.
    pub(crate) max_attempts: u32,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    rules: Rules,
    entries: BTreeMap<TopicPartition, Entry>,
    /// Partitions for which there may be something to do; all others are read, asked about or held.
    restless: BTreeSet<TopicPartition>,
    /// Lanes that ended while a fetcher read them.
    dropped: Vec<(BrokerId, Arc<Lane>)>,
    /// Until when partitions are read from other replicas than the leader.
    nearby: BTreeSet<(Instant, TopicPartition)>,
    /// What took the place of assignments whose records are gone, for whoever commits.
    renewed: Vec<Arc<Assignment>>,
    /// The tag of the newest lane.
    last_tag: u64,
}

impl Ledger {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            entries: BTreeMap::new(),
            restless: BTreeSet::new(),
            dropped: Vec::new(),
            nearby: BTreeSet::new(),
            renewed: Vec::new(),
            last_tag: 0,
        }
    }

    /// Numbers lanes upwards from `first`, which no other reader of the process shares.
    pub(crate) fn number_from(mut self, first: u64) -> Self {
        self.last_tag = first;
        self
    }

    /// Adds a partition that starts at `start`, or at the committed offset when there is no `start`.
    pub(crate) fn assign(&mut self, assignment: Arc<Assignment>, start: Option<Start>) {
        let place = start.map_or(Place::NeedsCommitted, Place::of);
        self.last_tag += 1;
        let entry = Entry {
            lane: lane(&assignment, self.last_tag, place, -1),
            place,
            not_before: None,
            failures: 0,
            unreadable: (-1, 0),
            is_leaderless: false,
            replica: None,
            read_epoch: -1,
            checked_epoch: -1,
            topic_id: Uuid::nil(),
            marked_topic_id: Uuid::nil(),
            sizes: BatchSizes::default(),
            paused: false,
            begins_at_end: false,
            is_adrift: false,
            is_remade: false,
            assignment: Arc::clone(&assignment),
        };
        self.restless.insert(assignment.partition.clone());
        self.entries.insert(assignment.partition.clone(), entry);
    }

    /// Takes these partitions away. Nothing of them is handed out from here on.
    pub(crate) fn revoke(&mut self, partitions: &[TopicPartition]) -> Vec<Arc<Assignment>> {
        let mut assignments = Vec::new();
        for partition in partitions {
            if let Some(entry) = self.entries.remove(partition) {
                self.restless.remove(partition);
                self.drop_lane(&entry);
                assignments.push(entry.assignment);
            }
        }
        assignments
    }

    /// Takes every partition away. Nothing of them is handed out from here on.
    pub(crate) fn revoke_all(&mut self) -> Vec<Arc<Assignment>> {
        let partitions: Vec<TopicPartition> = self.entries.keys().cloned().collect();
        self.revoke(&partitions)
    }

    /// Reads on from `start`; false when the partition is not assigned.
    pub(crate) fn seek(&mut self, partition: &TopicPartition, start: Start) -> bool {
        let entry = self.entries.get_mut(partition);
        let is_adrift = entry.is_some_and(|entry| entry.is_adrift);
        let leader_epoch = -1;
        let is_known = if is_adrift {
            self.begin_anew(partition, start, leader_epoch)
        } else {
            self.seek_known(partition, start, leader_epoch)
        };
        if let Some(entry) = self.entries.get_mut(partition) {
            // Whoever asks for an offset means it in the topic that there is now.
            entry.topic_id = Uuid::nil();
        }
        is_known
    }

    /// Reads on from `start`, before which lies a record of that leader epoch.
    fn seek_known(&mut self, partition: &TopicPartition, start: Start, leader_epoch: i32) -> bool {
        self.replace(partition, |entry, _| {
            entry.place = Place::of(start);
            entry.begins_at_end = false;
            entry.read_epoch = leader_epoch;
        })
    }

    /// Stops handing out the partition's records; false when it is not assigned.
    pub(crate) fn pause(&mut self, partition: &TopicPartition) -> bool {
        self.replace(partition, |entry, place| {
            entry.place = place;
            entry.paused = true;
        })
    }

    /// Reads on where `pause` stopped; false when the partition is not assigned.
    pub(crate) fn resume(&mut self, partition: &TopicPartition) -> bool {
        let Some(entry) = self.touch(partition) else {
            return false;
        };
        entry.paused = false;
        true
    }

    /// Everything that can be done at `now`.
    pub(crate) fn due(&mut self, now: Instant, leaders: &dyn Leaders) -> Vec<Work> {
        self.leave_replicas(now);
        let dropped = std::mem::take(&mut self.dropped).into_iter();
        let mut work: Vec<Work> = dropped
            .map(|(broker, lane)| Work::Drop { broker, lane })
            .collect();
        let mut plan = Plan::default();
        let (entries, rules) = (&mut self.entries, &self.rules);
        self.restless.retain(|partition| {
            let Some(entry) = entries.get_mut(partition).filter(|entry| !entry.paused) else {
                return false;
            };
            if entry.not_before.is_none_or(|at| at <= now) {
                entry.due(now, rules, leaders, &mut plan);
            }
            entry.is_restless()
        });
        let anew = std::mem::take(&mut plan.anew);
        work.extend(plan.into_work());
        for (partition, start) in &anew {
            self.begin_anew(partition, *start, -1);
        }
        if !anew.is_empty() {
            work.extend(self.due(now, leaders));
        }
        work
    }

    /// When `due` has something to do without an answer arriving.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let restless = self.restless.iter();
        let entries = restless.filter_map(|partition| self.entries.get(partition));
        let waiting = entries.filter(|entry| !entry.paused);
        let nearby = self.nearby.first().map(|(until, _)| *until);
        let waiting = waiting.filter_map(|entry| entry.not_before);
        waiting.chain(nearby).min()
    }

    /// The coordinator's answer for one partition; `None` means that nothing is committed.
    pub(crate) fn handle_committed(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        answer: Result<Option<Position>, ErrorCode>,
    ) -> Option<Notice> {
        let rules = self.rules;
        let entry = self.touch(partition)?;
        let Place::Asking { target: None, .. } = entry.place else {
            return None;
        };
        match answer {
            Ok(Some(position)) => {
                entry.read_epoch = position.leader_epoch;
                entry.lane.note_read_epoch(position.leader_epoch);
                entry.found(position.offset);
                None
            }
            Ok(None) => {
                entry.place = Place::of(rules.start);
                entry.begins_at_end = rules.start == Start::Ask(Target::Last);
                if let Start::At(offset) = rules.start {
                    entry.found(offset);
                }
                None
            }
            Err(code) => {
                entry.place = Place::NeedsCommitted;
                entry.fail(now, &rules, "fetching the committed offset", code)
            }
        }
    }

    /// A leader's answer for one partition; `None` means that no record is that late.
    pub(crate) fn handle_listed(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        tag: u64,
        answer: Result<Option<i64>, ErrorCode>,
    ) -> Option<Notice> {
        let rules = self.rules;
        let entry = self.touch(partition)?;
        let Place::Asking {
            target: Some(target),
            from,
        } = entry.place
        else {
            return None;
        };
        if entry.lane.tag != tag {
            return None;
        }
        match answer {
            Ok(Some(offset)) => {
                let failures = entry.failures;
                entry.found(offset);
                if from.is_some() {
                    // The broker may refuse this position too: only a fetch that succeeds ends the row.
                    entry.failures = failures;
                }
                if std::mem::take(&mut entry.begins_at_end) {
                    entry.assignment.mark(offset, -1);
                }
                // Behind what the lane has handed out nothing counts as new, so going back takes another lane.
                let reached = entry.lane.position();
                let is_remade = std::mem::take(&mut entry.is_remade);
                entry.is_adrift = false;
                let marked = entry.assignment.marked();
                let is_before_marks = is_remade && marked.is_some_and(|(next, _)| offset < next);
                let is_back = reached.is_some_and(|reached| offset < reached);
                if from.is_some() && (is_back || is_before_marks) {
                    self.go_back(partition, offset, -1);
                }
                let partition = partition.clone();
                from.map(|from| Notice::Moved {
                    partition,
                    from,
                    to: offset,
                })
            }
            Ok(None) => {
                let target = Target::Last;
                entry.place = Place::NeedsTarget { target, from };
                None
            }
            Err(code) => {
                entry.place = Place::NeedsTarget { target, from };
                entry.fail(now, &rules, "listing offsets", code)
            }
        }
    }

    /// A fetcher gave a cursor back.
    pub(crate) fn handle_returned(
        &mut self,
        now: Instant,
        cursor: &Cursor,
        reason: &Returned,
    ) -> Option<Notice> {
        let rules = self.rules;
        let partition = cursor.lane.partition();
        let entry = self.touch(partition)?;
        if entry.lane.tag != cursor.lane.tag {
            return None;
        }
        // Whatever went wrong with another replica, the leader is asked next.
        let replica = self.forget_replica(partition);
        let entry = self.entries.get_mut(partition)?;
        let was = entry.place;
        entry.place = Place::Idle(cursor.offset);
        entry.read_epoch = cursor.read_epoch;
        entry.sizes = cursor.sizes;
        if cursor.has_read {
            entry.failures = 0;
        }
        match reason {
            Returned::Preferred(broker) if replica.is_none() && was != Place::Fetching(*broker) => {
                self.read_nearby(now, partition, *broker);
                None
            }
            // Whoever names another in a leader's place, or itself, would be followed in a circle.
            Returned::Preferred(_) | Returned::Moved | Returned::Disconnected => {
                entry.delay(now, &rules);
                None
            }
            // A replica that lags says so about offsets that the leader has. The leader may not know that, and
            // name it again.
            Returned::OutOfRange if replica.is_some() => {
                entry.delay(now, &rules);
                None
            }
            Returned::TooLarge(size) => {
                entry.place = Place::Held(cursor.offset);
                Some(Notice::TooLarge {
                    partition: partition.clone(),
                    offset: cursor.offset,
                    size: *size,
                })
            }
            Returned::Incomplete(error) => {
                let offset = cursor.offset;
                let times = entry.note_unreadable(now, &rules, offset);
                let (partition, error) = (partition.clone(), error.clone());
                (times > 1).then_some(Notice::Incomplete {
                    partition,
                    offset,
                    error,
                })
            }
            Returned::Refused(code) => entry.fail(now, &rules, "fetching", *code),
            // Whether the log was cut is asked before the policy moves on.
            Returned::OutOfRange if entry.read_epoch >= 0 => {
                entry.delay(now, &rules);
                entry.place = Place::NeedsCheck {
                    offset: cursor.offset,
                };
                None
            }
            Returned::OutOfRange => {
                entry.delay(now, &rules);
                entry.follow_policy(&rules, cursor.offset)
            }
        }
    }

    /// The bytes at `offset` cannot be read: they are fetched again after a pause. Says how often in a
    /// row that has happened at this offset; 0 when the lane has ended meanwhile.
    pub(crate) fn handle_unreadable(&mut self, now: Instant, lane: &Arc<Lane>, offset: i64) -> u32 {
        let rules = self.rules;
        let partition = lane.partition();
        let entry = self.entries.get(partition);
        if entry.is_none_or(|entry| entry.lane.tag != lane.tag) {
            return 0;
        }
        let read_epoch = lane.read_epoch();
        self.seek_known(partition, Start::At(offset), read_epoch);
        let Some(entry) = self.touch(partition) else {
            return 0;
        };
        entry.note_unreadable(now, &rules, offset)
    }

    /// Ends the partition's lane and begins another at the place `choose` makes of the old one.
    fn replace(
        &mut self,
        partition: &TopicPartition,
        choose: impl FnOnce(&mut Entry, Place),
    ) -> bool {
        let Some(entry) = self.entries.get_mut(partition) else {
            return false;
        };
        self.restless.insert(partition.clone());
        let stopped_at = entry.lane.freeze();
        if let Place::Fetching(broker) = entry.place {
            self.dropped.push((broker, Arc::clone(&entry.lane)));
        }
        // What a fetcher read ahead is dropped with the lane, so the next offset is the application's.
        let place = match (entry.place, stopped_at) {
            (
                Place::Fetching(_)
                | Place::Idle(_)
                | Place::NeedsCheck { .. }
                | Place::Checking { .. }
                | Place::NeedsTarget { from: Some(_), .. }
                | Place::Asking { from: Some(_), .. },
                Some(offset),
            ) => {
                entry.read_epoch = entry.lane.read_epoch();
                Place::Idle(offset)
            }
            (Place::Held(at), Some(offset)) if offset < at => {
                entry.read_epoch = entry.lane.read_epoch();
                Place::Idle(offset)
            }
            (
                Place::Asking {
                    target: Some(target),
                    from,
                },
                _,
            ) => Place::NeedsTarget { target, from },
            (Place::Asking { target: None, .. }, _) => Place::NeedsCommitted,
            (place, _) => place,
        };
        choose(entry, place);
        entry.not_before = None;
        self.last_tag += 1;
        let goes_on = entry.place == place
            && matches!(place, Place::Idle(_) | Place::Held(_))
            && Arc::ptr_eq(&entry.assignment, &entry.lane.assignment);
        entry.lane = if goes_on {
            let lane = entry.lane.successor(self.last_tag);
            lane.note_read_epoch(entry.read_epoch);
            Arc::new(lane)
        } else {
            let (tag, epoch) = (self.last_tag, entry.read_epoch);
            lane(&entry.assignment, tag, entry.place, epoch)
        };
        true
    }

    /// The partition's entry, which may have to be looked at from here on.
    fn touch(&mut self, partition: &TopicPartition) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(partition)?;
        if !self.restless.contains(partition) {
            self.restless.insert(partition.clone());
        }
        Some(entry)
    }

    fn drop_lane(&mut self, entry: &Entry) {
        entry.lane.freeze();
        if let Place::Fetching(broker) = entry.place {
            self.dropped.push((broker, Arc::clone(&entry.lane)));
        }
    }
}

fn lane(assignment: &Arc<Assignment>, tag: u64, place: Place, read_epoch: i32) -> Arc<Lane> {
    let lane = Lane::new(Arc::clone(assignment), tag);
    lane.note_read_epoch(read_epoch);
    if let Place::Idle(offset) = place {
        lane.start(offset);
    }
    Arc::new(lane)
}
