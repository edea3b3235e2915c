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
    pub(crate) result: Result<(), Refusal>,
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
    /// What was refused for good while the rest is tried again.
    refused: Option<Refusal>,
}

/// What failed, and the partition if it is one that did.
pub(crate) type Refusal = (Option<TopicPartition>, Failure);

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

    /// Watches the marks of an assignment in the place of that before, whose records are gone: what was committed of
    /// them is no bound for what is to be.
    pub(crate) fn renew(&mut self, assignment: Arc<Assignment>) {
        let partition = &assignment.partition;
        self.tracked.retain(|one| one.partition != *partition);
        self.committed.remove(partition);
        if let Some(flying) = &mut self.flying {
            let offsets = &mut flying.offsets;
            offsets.retain(|offset| offset.partition != *partition);
        }
        self.tracked.push(assignment);
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
            flying.retry_at.take_if(|at| now >= *at)?;
            // Everything it was about may have been taken away.
            if flying.offsets.is_empty() && flying.refused.is_none() {
                return self.flying.take().map(|one| Step::Done(one.waiters));
            }
            return Some(Step::Send(flying.offsets.clone()));
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
            refused: None,
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
        let mut flying = self.flying.take()?;
        let passing = match answer {
            Ok(codes) => self.note_answer(&mut flying, codes),
            Err(failure) if is_worth_repeating(&failure) => Some((None, failure)),
            Err(failure) => {
                flying.refused = Some((None, failure));
                None
            }
        };
        // What is over for the member is over for every partition.
        let refused = flying.refused.as_ref();
        let is_over = refused.is_some_and(|(_, failure)| gravity(failure) > 1);
        if passing.is_some() && !is_over && flying.attempt < ATTEMPTS {
            flying.retry_at = Some(now + delay_after(flying.attempt));
            flying.attempt += 1;
            self.flying = Some(flying);
            return None;
        }
        let worst = worst(flying.refused.into_iter().chain(passing));
        Some(Settled {
            waiters: flying.waiters,
            result: worst.map_or(Ok(()), Err),
        })
    }

    /// Leaves in `flying` what is to be tried again, and returns why. What was taken away since is not in it any more:
    /// its code concerns nobody.
    fn note_answer(
        &mut self,
        flying: &mut Flying<W>,
        codes: Vec<(TopicPartition, ErrorCode)>,
    ) -> Option<Refusal> {
        let codes: HashMap<TopicPartition, ErrorCode> = codes.into_iter().collect();
        let mut saved = Vec::new();
        let mut passing = None;
        for offset in std::mem::take(&mut flying.offsets) {
            let code = codes.get(&offset.partition).copied();
            let Some(code) = code.filter(|code| *code != ErrorCode::NONE) else {
                saved.push(offset);
                continue;
            };
            let refusal = (Some(offset.partition.clone()), Failure::Code(code));
            if is_worth_repeating(&refusal.1) {
                passing = Some(refusal);
                flying.offsets.push(offset);
            } else {
                flying.refused = worst(flying.refused.take().into_iter().chain([refusal]));
            }
        }
        self.note_saved(saved);
        passing
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
}

/// The refusal to report: one that concerns the membership wins over one that concerns a partition.
pub(crate) fn worst(refusals: impl IntoIterator<Item = Refusal>) -> Option<Refusal> {
    let refusals = refusals.into_iter();
    refusals.max_by_key(|(_, failure)| gravity(failure))
}

fn gravity(failure: &Failure) -> u8 {
    match failure.verdict() {
        Verdict::Stop | Verdict::LoseMember | Verdict::LoseGeneration => 2,
        Verdict::Report => 1,
        Verdict::Retry | Verdict::FindCoordinator | Verdict::Rejoin => 0,
    }
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
