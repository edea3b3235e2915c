//! One partition in the ledger: where its cursor is, and what is to be done next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ekafka_conn::BrokerId;
use ekafka_protocol::{ErrorCode, Uuid};

use super::{Cursor, EpochQuestion, Leaders, Notice, Question, Rules, Work};
use crate::TopicPartition;
use crate::fetcher::BatchSizes;
use crate::lane::{Assignment, Lane};
use crate::reset::{Start, Target};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) assignment: Arc<Assignment>,
    pub(super) lane: Arc<Lane>,
    pub(super) place: Place,
    /// Nothing is tried before this time.
    pub(super) not_before: Option<Instant>,
    /// Failures in a row.
    pub(super) failures: u32,
    /// The offset at which bytes could not be read, and how often in a row.
    pub(super) unreadable: (i64, u32),
    /// Whether it waits for the view to have a leader.
    pub(super) is_leaderless: bool,
    /// The replica to read in the place of the leader, and until when.
    pub(super) replica: Option<(BrokerId, Instant)>,
    /// Leader epoch of the last record before the offset; -1 when unknown.
    pub(super) read_epoch: i32,
    /// The newest leader epoch under which the offset was known to be in the log.
    pub(super) checked_epoch: i32,
    /// The id of the topic that the position belongs to; nil while it has none.
    pub(super) topic_id: Uuid,
    /// The id of the topic that the marks belong to; nil before it is known.
    pub(super) marked_topic_id: Uuid,
    /// How large this partition's batches are.
    pub(super) sizes: BatchSizes,
    pub(super) paused: bool,
    /// Whether it begins at the end because nothing was committed: where that is has to be committed, or whatever is
    /// written before the first commit would be lost to a member that comes back.
    pub(super) begins_at_end: bool,
    /// Whether the position was found outside the log and no other is known yet: what is marked need not be of the
    /// records that are in the log now.
    pub(super) is_adrift: bool,
    /// Whether what is marked is of an earlier topic of the name.
    pub(super) is_remade: bool,
}

/// Where the cursor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The coordinator has to be asked.
    NeedsCommitted,
    /// The leader has to be asked; `from` is the position that was out of range, if one was.
    NeedsTarget { target: Target, from: Option<i64> },
    /// One of the two is being asked.
    Asking {
        target: Option<Target>,
        from: Option<i64>,
    },
    /// The next offset is known.
    Idle(i64),
    /// The broker says that the offset is outside the log: the leader has to be asked whether it was cut.
    NeedsCheck { offset: i64 },
    /// The leader is being asked whether its log still has what was read.
    Checking {
        offset: i64,
        leader_epoch: i32,
        is_out_of_range: bool,
    },
    /// A fetcher has it.
    Fetching(BrokerId),
    /// Only a seek helps to get past this offset.
    Held(i64),
}

impl Place {
    pub(super) fn of(start: Start) -> Self {
        match start {
            Start::At(offset) => Self::Idle(offset),
            Start::Ask(target) => Self::NeedsTarget { target, from: None },
        }
    }

    /// The start that was asked for, when nothing has been done about it yet.
    fn start(self) -> Option<Start> {
        match self {
            Self::Idle(offset) => Some(Start::At(offset)),
            Self::NeedsTarget { target, from: None } => Some(Start::Ask(target)),
            _ => None,
        }
    }
}

impl Entry {
    pub(super) fn due(
        &mut self,
        now: Instant,
        rules: &Rules,
        leaders: &dyn Leaders,
        plan: &mut Plan,
    ) {
        let partition = &self.assignment.partition;
        match self.place {
            Place::Asking { .. } | Place::Checking { .. } | Place::Fetching(_) | Place::Held(_) => {
                return;
            }
            Place::NeedsCommitted => {
                plan.committed.push(partition.clone());
                self.place = Place::Asking {
                    target: None,
                    from: None,
                };
                self.not_before = None;
                return;
            }
            Place::NeedsTarget { .. } | Place::NeedsCheck { .. } | Place::Idle(_) => {}
        }
        let Some(leader) = leaders.leader(partition) else {
            if !plan.topics.contains(&partition.topic) {
                plan.topics.push(Arc::clone(&partition.topic));
            }
            self.not_before = Some(now + rules.backoff.1);
            self.is_leaderless = true;
            return;
        };
        self.not_before = None;
        self.is_leaderless = false;
        self.note_topic(leader.topic_id);
        if self.is_of_another_topic(leader.topic_id)
            && let Place::Idle(offset) | Place::NeedsCheck { offset } = self.place
        {
            self.read_epoch = -1;
            self.checked_epoch = -1;
            plan.notices.extend(self.follow_policy(rules, offset));
            if let Place::Held(_) = self.place {
                return;
            }
        } else if self.is_remade
            && let Some(start) = self.place.start()
        {
            plan.anew.push((self.assignment.partition.clone(), start));
            return;
        }
        let partition = &self.assignment.partition;
        if let Place::NeedsTarget { target, from } = self.place {
            let question = Question {
                partition: partition.clone(),
                tag: self.lane.tag,
                target,
                leader_epoch: leader.epoch,
            };
            plan.questions
                .entry(leader.broker)
                .or_default()
                .push(question);
            let target = Some(target);
            self.place = Place::Asking { target, from };
        } else if let Place::NeedsCheck { offset } = self.place {
            self.check(leader, offset, true, plan);
        } else if let Place::Idle(offset) = self.place {
            if self.is_unchecked(leader) {
                return self.check(leader, offset, false, plan);
            }
            self.checked_epoch = leader.epoch;
            let cursor = Cursor {
                lane: Arc::clone(&self.lane),
                topic_id: leader.topic_id,
                leader_epoch: leader.epoch,
                offset,
                read_epoch: self.read_epoch,
                sizes: self.sizes,
                has_read: false,
            };
            let broker = self.replica.map_or(leader.broker, |(broker, _)| broker);
            plan.cursors.entry(broker).or_default().push(cursor);
            self.place = Place::Fetching(broker);
        }
    }

    /// Whether the topic was deleted and made again since the position was found: its offsets mean nothing there.
    fn is_of_another_topic(&mut self, id: Uuid) -> bool {
        if self.topic_id.is_nil() || id.is_nil() {
            self.topic_id = id;
        }
        self.topic_id != id
    }

    fn note_topic(&mut self, id: Uuid) {
        if !id.is_nil() {
            let before = std::mem::replace(&mut self.marked_topic_id, id);
            self.is_remade |= !before.is_nil() && before != id;
        }
    }

    /// Whether there is something to do that waits neither for an answer nor for a seek.
    pub(super) fn is_restless(&self) -> bool {
        matches!(self.place, Place::NeedsCommitted) || self.is_waiting_for_leader()
    }

    pub(super) fn is_waiting_for_leader(&self) -> bool {
        matches!(
            self.place,
            Place::NeedsTarget { .. } | Place::NeedsCheck { .. } | Place::Idle(_)
        )
    }

    pub(super) fn found(&mut self, offset: i64) {
        self.failures = 0;
        self.not_before = None;
        self.topic_id = Uuid::nil();
        self.place = Place::Idle(offset.max(0));
        // A lane that began already stays where the application is: what was fetched before the position
        // went out of range is still to be handed out.
        self.lane.start(offset);
    }

    /// The offset is outside the log: asks where to go on, or waits for a seek.
    pub(super) fn follow_policy(&mut self, rules: &Rules, offset: i64) -> Option<Notice> {
        self.is_adrift = true;
        let Some(target) = rules.out_of_range.target() else {
            self.place = Place::Held(offset);
            self.not_before = None;
            let partition = self.assignment.partition.clone();
            return Some(Notice::OutOfRange { partition, offset });
        };
        let from = Some(offset);
        self.place = Place::NeedsTarget { target, from };
        None
    }

    /// Waits before the bytes at `offset` are fetched again; says how often in a row that has happened.
    pub(super) fn note_unreadable(&mut self, now: Instant, rules: &Rules, offset: i64) -> u32 {
        let (at, times) = self.unreadable;
        let times = if at == offset {
            times.saturating_add(1)
        } else {
            1
        };
        self.unreadable = (offset, times);
        self.failures = times - 1;
        self.delay(now, rules);
        times
    }

    /// Waits before the next attempt, longer after each failure in a row.
    pub(super) fn delay(&mut self, now: Instant, rules: &Rules) {
        let (first, longest) = rules.backoff;
        let factor = 1u32 << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + first.saturating_mul(factor).min(longest));
    }

    /// Waits before the next attempt, and says so once the attempts are used up.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        rules: &Rules,
        step: &'static str,
        code: ErrorCode,
    ) -> Option<Notice> {
        self.delay(now, rules);
        let partition = self.assignment.partition.clone();
        let reported = !code.is_retriable() || self.failures >= rules.max_attempts;
        (reported && code != ErrorCode::NONE).then_some(Notice::Refused {
            step,
            partition,
            code,
        })
    }
}

/// Work grouped by whom it goes to.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) committed: Vec<TopicPartition>,
    pub(super) questions: BTreeMap<BrokerId, Vec<Question>>,
    pub(super) checks: BTreeMap<BrokerId, Vec<EpochQuestion>>,
    pub(super) cursors: BTreeMap<BrokerId, Vec<Cursor>>,
    pub(super) topics: Vec<Arc<str>>,
    pub(super) notices: Vec<Notice>,
    /// Sought in topics that were made again, which nothing is known to be marked of.
    pub(super) anew: Vec<(TopicPartition, Start)>,
}

impl Plan {
    pub(super) fn into_work(self) -> Vec<Work> {
        let mut work: Vec<Work> = self.notices.into_iter().map(Work::Tell).collect();
        if !self.topics.is_empty() {
            work.push(Work::LookUp(self.topics));
        }
        if !self.committed.is_empty() {
            work.push(Work::Committed(self.committed));
        }
        let questions = self.questions.into_iter();
        work.extend(questions.map(|(broker, questions)| Work::List { broker, questions }));
        let checks = self.checks.into_iter();
        work.extend(checks.map(|(broker, questions)| Work::Check { broker, questions }));
        let cursors = self.cursors.into_iter();
        work.extend(cursors.map(|(broker, cursors)| Work::Fetch { broker, cursors }));
        work
    }
}
