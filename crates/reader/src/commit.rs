//! What to commit and when: merges marks, keeps one commit on the wire, never lets an offset fall.
//!
//! Two commits on the wire at once could land in either order, and the older one would set the offset
//! back; so the next waits for the answer and takes everything marked until then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_protocol::ErrorCode;

use crate::TopicPartition;
use crate::lane::Assignment;
use crate::membership::verdict::{Failure, Verdict};

#[cfg(test)]
mod tests;

/// One offset of a commit request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitOffset {
    pub(crate) partition: TopicPartition,
    /// The next offset to read.
    pub(crate) offset: i64,
    /// Of the batch before it; -1 when unknown.
    pub(crate) leader_epoch: i32,
}

/// What the shell has to do next. `W` is whoever waits for a result.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<W> {
    /// Send these offsets, then call [`Commits::handle`].
    Send(Vec<CommitOffset>),
    /// There was nothing left to send for these.
    Done(Vec<W>),
}

/// The end of one commit.
#[derive(Debug)]
pub(crate) struct Settled<W> {
    /// Everybody who asked for it.
    pub(crate) waiters: Vec<W>,
    /// `Err` names what failed and the partition, if one partition did.
    pub(crate) result: Result<(), (Option<TopicPartition>, Failure)>,
}

/// The commits of one reader.
#[derive(Debug)]
pub(crate) struct Commits<W> {
    /// Time between commits nobody waits for; `None` commits only on request.
    interval: Option<Duration>,
    /// Assignments that may hold marks.
    tracked: Vec<Arc<Assignment>>,
    /// The offset the coordinator holds for each tracked partition, as far as known.
    committed: HashMap<TopicPartition, i64>,
    /// Whoever asked since the last send.
    waiting: Vec<W>,
    /// The commit on the wire or between two attempts.
    flying: Option<Flying<W>>,
    /// When the interval is over; set by the first mark seen after a commit.
    tick_at: Option<Instant>,
}

#[derive(Debug)]
struct Flying<W> {
    offsets: Vec<CommitOffset>,
    waiters: Vec<W>,
    attempt: u32,
    /// `None` while on the wire.
    retry_at: Option<Instant>,
}

impl<W> Commits<W> {
    pub(crate) fn new(interval: Option<Duration>, now: Instant) -> Self {
        Self {
            tick_at: interval.map(|interval| now + interval),
            interval,
            tracked: Vec::new(),
            committed: HashMap::new(),
            waiting: Vec::new(),
            flying: None,
        }
    }

    /// Begins to watch the marks of an assignment.
    pub(crate) fn track(&mut self, assignment: Arc<Assignment>) {
        self.tracked.push(assignment);
    }

    /// Stops watching assignments that ended; their marks stay uncommitted.
    pub(crate) fn forget_ended(&mut self) {
        self.tracked.retain(|assignment| !assignment.is_ended());
        let tracked: HashSet<&TopicPartition> =
            (self.tracked.iter().map(|assignment| &assignment.partition)).collect();
        self.committed
            .retain(|partition, _| tracked.contains(partition));
        // What waits for another attempt would otherwise be sent for a partition of somebody else.
        if let Some(flying) = &mut self.flying {
            let offsets = &mut flying.offsets;
            offsets.retain(|offset| tracked.contains(&offset.partition));
        }
    }

    /// The coordinator holds this offset already.
    pub(crate) fn note_committed(&mut self, partition: TopicPartition, offset: i64) {
        self.committed.insert(partition, offset);
    }

    /// Commits whatever is marked now and tells `waiter` how it went.
    pub(crate) fn request(&mut self, waiter: W) {
        self.waiting.push(waiter);
    }

    /// The next thing to do at `now`; call until it returns `None`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Step<W>> {
        if let Some(flying) = &mut self.flying {
            let due = flying.retry_at.is_some_and(|at| now >= at);
            flying.retry_at = flying.retry_at.filter(|_| !due);
            return due.then(|| Step::Send(flying.offsets.clone()));
        }
        let tick = self.tick_at.is_some_and(|at| now >= at);
        if tick {
            self.tick_at = self.interval.map(|interval| now + interval);
        }
        if !tick && self.waiting.is_empty() {
            return None;
        }
        let offsets = self.unsaved();
        let waiters = std::mem::take(&mut self.waiting);
        if offsets.is_empty() {
            return (!waiters.is_empty()).then_some(Step::Done(waiters));
        }
        self.flying = Some(Flying {
            offsets: offsets.clone(),
            waiters,
            attempt: 1,
            retry_at: None,
        });
        Some(Step::Send(offsets))
    }

    /// When `poll` has something to do without an answer or a request arriving.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        match &self.flying {
            Some(flying) => flying.retry_at,
            None => self.tick_at,
        }
    }

    /// The coordinator's answer: a code for each partition, or no answer at all.
    pub(crate) fn handle(
        &mut self,
        now: Instant,
        answer: Result<Vec<(TopicPartition, ErrorCode)>, Failure>,
    ) -> Option<Settled<W>> {
        let flying = self.flying.as_mut()?;
        let failed = match answer {
            Ok(codes) => {
                let refused: HashMap<TopicPartition, ErrorCode> = codes
                    .into_iter()
                    .filter(|(_, code)| *code != ErrorCode::NONE)
                    .collect();
                let (failed, saved): (Vec<_>, Vec<_>) = std::mem::take(&mut flying.offsets)
                    .into_iter()
                    .partition(|offset| refused.contains_key(&offset.partition));
                flying.offsets = failed;
                self.note_saved(saved);
                worst(refused)
            }
            Err(failure) => Some((None, failure)),
        };
        let Some((partition, failure)) = failed else {
            return self.settle(Ok(()));
        };
        let flying = self.flying.as_mut()?;
        if flying.attempt < ATTEMPTS && is_worth_repeating(&failure) {
            flying.retry_at = Some(now + delay_after(flying.attempt));
            flying.attempt += 1;
            return None;
        }
        self.settle(Err((partition, failure)))
    }

    fn note_saved(&mut self, offsets: Vec<CommitOffset>) {
        let offsets = offsets
            .into_iter()
            .map(|done| (done.partition, done.offset));
        let saved: HashMap<TopicPartition, i64> = offsets.collect();
        for assignment in &self.tracked {
            if let Some(offset) = saved.get(&assignment.partition) {
                assignment.note_saved(*offset);
            }
        }
        self.committed.extend(saved);
    }

    /// Gives up the commit under way and everybody who waits, as on leaving without an answer.
    pub(crate) fn abandon(&mut self) -> Vec<W> {
        let mut waiters = std::mem::take(&mut self.waiting);
        if let Some(flying) = self.flying.take() {
            waiters.extend(flying.waiters);
        }
        waiters
    }

    /// Every mark above what the coordinator holds.
    fn unsaved(&self) -> Vec<CommitOffset> {
        let marked = self.tracked.iter().filter_map(|assignment| {
            let (offset, leader_epoch) = assignment.marked()?;
            let held = self
                .committed
                .get(&assignment.partition)
                .copied()
                .unwrap_or(-1);
            (offset > held).then(|| CommitOffset {
                partition: assignment.partition.clone(),
                offset,
                leader_epoch,
            })
        });
        marked.collect()
    }

    fn settle(
        &mut self,
        result: Result<(), (Option<TopicPartition>, Failure)>,
    ) -> Option<Settled<W>> {
        let waiters = self.flying.take()?.waiters;
        Some(Settled { waiters, result })
    }
}

/// The refusal to report: one that concerns the membership wins over one that concerns a partition.
pub(crate) fn worst(
    refused: HashMap<TopicPartition, ErrorCode>,
) -> Option<(Option<TopicPartition>, Failure)> {
    let failures = refused
        .into_iter()
        .map(|(partition, code)| (Some(partition), Failure::Code(code)));
    failures.max_by_key(|(_, failure)| match failure.verdict() {
        Verdict::Stop | Verdict::LoseMember | Verdict::LoseGeneration => 2,
        Verdict::Report => 1,
        Verdict::Retry | Verdict::FindCoordinator | Verdict::Rejoin => 0,
    })
}

pub(crate) fn is_worth_repeating(failure: &Failure) -> bool {
    match failure {
        Failure::Code(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => true,
        // The same generation may commit until it joins again, and the shell commits before it does.
        _ => matches!(
            failure.verdict(),
            Verdict::Retry | Verdict::FindCoordinator | Verdict::Rejoin
        ),
    }
}

/// The pause after an attempt, counted from 1.
pub(crate) fn delay_after(attempt: u32) -> Duration {
    (FIRST_DELAY * attempt * attempt).min(LONGEST_DELAY)
}

/// Attempts a commit gets before its error is reported.
pub(crate) const ATTEMPTS: u32 = 3;
/// Pause after the first attempt; grows with the square of the attempts.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
