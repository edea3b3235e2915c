//! A member of a classic group (KIP-62): joins, syncs and sends heartbeats. An eager member gives its
//! partitions up before it joins again; a cooperative one (KIP-429) keeps them, gives up what the new
//! assignment leaves out, and then joins once more so that others can have it.
//!
//! Plain code: the caller passes the time, carries out each [`Action`] and hands back what came of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::verdict::{Failure, Verdict};
use crate::assignor::LastAssignment;

#[cfg(test)]
mod tests;

/// The member's timings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Without a heartbeat for this long the coordinator drops the member.
    pub(crate) session: Duration,
    /// The time all members have to join again.
    pub(crate) rebalance: Duration,
    /// Time between heartbeats.
    pub(crate) heartbeat: Duration,
    /// First pause after an error that heals by itself; doubles up to ten times itself.
    pub(crate) retry: Duration,
    /// Pause after an error that the application is told about.
    pub(crate) join_backoff: Duration,
}

/// What the shell has to do next.
#[derive(Debug)]
pub(crate) enum Action {
    /// Drop the cached coordinator.
    ForgetCoordinator,
    /// Send `JoinGroup`; answer with [`Classic::handle_join`].
    Join {
        member_id: String,
        /// What it keeps meanwhile; empty unless cooperative.
        owned: BTreeMap<String, Vec<i32>>,
        last: LastAssignment,
        /// Why, for whoever looks into the group (KIP-800).
        why: &'static str,
    },
    /// Divide the partitions as leader, then send `SyncGroup`; answer with [`Classic::handle_sync`].
    Assign { joined: Joined },
    /// Send `SyncGroup` with nothing to hand out; answer with [`Classic::handle_sync`].
    Sync {
        identity: Identity,
        protocol: String,
    },
    /// Send a heartbeat; answer with [`Classic::handle_heartbeat`].
    Heartbeat { identity: Identity },
    /// Take these back, let the application answer, commit, then call [`Classic::handle_revoked`].
    Revoke {
        partitions: BTreeMap<String, Vec<i32>>,
    },
    /// Take these back at once: they may belong to somebody else already.
    Lose {
        partitions: BTreeMap<String, Vec<i32>>,
    },
    /// Hand out these partitions, besides what is held.
    Assigned {
        partitions: BTreeMap<String, Vec<i32>>,
    },
    /// Tell the application; the member goes on by itself.
    Report(Failure),
    /// Tell the application; the member has stopped.
    Stop(Failure),
}

/// Who the member is to the coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The id the coordinator gave out.
    pub(crate) member_id: String,
    /// The generation joined.
    pub(crate) generation: i32,
}

/// A successful answer to `JoinGroup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) identity: Identity,
    /// The strategy that all members share.
    pub(crate) protocol: String,
    /// Whether this member has to divide the partitions.
    pub(crate) is_leader: bool,
    /// Every member with its subscription bytes; empty unless leader.
    pub(crate) members: Vec<JoinedMember>,
}

/// One member as the leader is told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) subscription: Bytes,
}

/// Why `JoinGroup` did not make a member.
#[derive(Debug, Clone)]
pub(crate) enum JoinFailure {
    /// The coordinator gave out an id and wants it back in a second join (KIP-394).
    MemberIdRequired(String),
    /// Anything else.
    Failed(Failure),
}

/// The state of the member.
#[derive(Debug)]
pub(crate) struct Classic {
    timing: Timing,
    /// Empty until the coordinator gives one out.
    identity: Identity,
    phase: Phase,
    /// Whether it keeps its partitions while it joins again.
    is_cooperative: bool,
    /// Whether the application holds an assignment of this member.
    holds: bool,
    /// That assignment, with what is being given up.
    held: BTreeMap<String, Vec<i32>>,
    /// What the application has been asked to finish with.
    giving_up: BTreeMap<String, Vec<i32>>,
    /// What the coordinator assigned last.
    last: LastAssignment,
    /// Time to the next heartbeat. A cooperative member begins with short ones, because a rebalance is
    /// often followed by another at once.
    beat_gap: Duration,
    /// When the next heartbeat is due.
    beat_at: Instant,
    /// Whether a heartbeat is on the wire.
    beating: bool,
    /// When the coordinator last accepted a call, as far as the session goes.
    last_accepted: Instant,
    /// Until when it may keep its partitions without having joined again: the coordinator goes on without it
    /// then. Set while it holds some and has not joined.
    join_by: Option<Instant>,
    /// Errors in a row that heal by themselves.
    failures: u32,
    /// Why it joins next.
    why: &'static str,
    /// Actions decided while handling an answer, oldest first.
    decided: VecDeque<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Joins (after giving up what it holds) at this time.
    Unjoined {
        at: Instant,
    },
    /// The application has until then to answer.
    Revoking {
        until: Instant,
    },
    Joining,
    Syncing,
    Stable,
    Stopped,
}

impl Classic {
    pub(crate) fn new(timing: Timing, is_cooperative: bool, now: Instant) -> Self {
        Self {
            timing,
            identity: Identity {
                member_id: String::new(),
                generation: -1,
            },
            phase: Phase::Unjoined { at: now },
            is_cooperative,
            holds: false,
            held: BTreeMap::new(),
            giving_up: BTreeMap::new(),
            last: LastAssignment::default(),
            beat_gap: timing.heartbeat,
            beat_at: now,
            beating: false,
            last_accepted: now,
            join_by: None,
            failures: 0,
            why: "the member begins",
            decided: VecDeque::new(),
        }
    }

    /// The next thing to do at `now`; call until it returns `None`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Action> {
        if let Some(action) = self.decided.pop_front() {
            return Some(action);
        }
        match self.phase {
            Phase::Unjoined { .. } if self.holds && now >= self.keeps_until() => {
                self.why = SILENT;
                self.lose(now);
                return self.decided.pop_front();
            }
            Phase::Unjoined { at } if now >= at => return Some(self.begin_join(now)),
            Phase::Revoking { until } if now >= until => {
                self.give_up_unanswered(now);
                return self.decided.pop_front();
            }
            Phase::Stable | Phase::Revoking { .. } => {}
            Phase::Joining | Phase::Syncing if self.holds => {}
            _ => return None,
        }
        if now >= self.session_end() {
            self.lose_meanwhile(now, SILENT);
            return self.decided.pop_front();
        }
        if now >= self.beat_at && !self.beating {
            self.beating = true;
            return Some(Action::Heartbeat {
                identity: self.identity.clone(),
            });
        }
        None
    }

    /// When `poll` has something to do without an answer arriving.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let alive = || {
            let beat = (!self.beating).then_some(self.beat_at);
            beat.map_or_else(|| self.session_end(), |beat| beat.min(self.session_end()))
        };
        match self.phase {
            Phase::Unjoined { at } if self.holds => Some(at.min(self.keeps_until())),
            Phase::Unjoined { at } => Some(at),
            Phase::Revoking { until } => Some(until.min(alive())),
            Phase::Stable => Some(alive()),
            // The coordinator may not have got the request: what is kept is kept as long as it answers.
            Phase::Joining | Phase::Syncing => self.holds.then(alive),
            Phase::Stopped => None,
        }
    }

    /// The member's identity while the coordinator accepts commits of it.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        let keeps = self.is_cooperative && self.holds;
        let accepts = match self.phase {
            Phase::Stable | Phase::Revoking { .. } => true,
            // The old generation stands until all members have joined.
            Phase::Unjoined { .. } | Phase::Joining => keeps,
            Phase::Syncing | Phase::Stopped => false,
        };
        accepts.then_some(&self.identity)
    }

    /// When what it holds stops being its own unless something is heard before.
    pub(crate) fn holds_until(&self) -> Instant {
        match self.phase {
            Phase::Unjoined { .. } => self.keeps_until(),
            _ => self.session_end(),
        }
    }

    /// Whether the member holds partitions while the coordinator accepts no commit: for a moment.
    pub(crate) fn is_between_generations(&self) -> bool {
        self.holds && self.phase == Phase::Syncing
    }

    /// Whether a commit may have been overtaken by a new generation of which this member learns soon.
    pub(crate) fn is_rejoining(&self) -> bool {
        self.holds && matches!(self.phase, Phase::Joining | Phase::Syncing)
    }

    /// The id to leave with, when the coordinator gave one out.
    pub(crate) fn leave(&mut self) -> Option<String> {
        let stopped = self.phase == Phase::Stopped;
        self.phase = Phase::Stopped;
        self.decided.clear();
        let member_id = std::mem::take(&mut self.identity.member_id);
        (!stopped && !member_id.is_empty()).then_some(member_id)
    }

    /// Joins again as soon as the application has given its partitions back.
    pub(crate) fn rejoin(&mut self, now: Instant, why: &'static str) {
        if self.phase == Phase::Stable {
            self.why = why;
            self.withdraw(now, now);
        }
    }

    /// The application answered [`Action::Revoke`] and its finished work is committed.
    pub(crate) fn handle_revoked(&mut self, now: Instant) {
        if let Phase::Revoking { .. } = self.phase {
            self.drop_given_up();
            self.withdraw(now, now);
        }
    }

    pub(crate) fn handle_join(&mut self, now: Instant, answer: Result<Joined, JoinFailure>) {
        if self.phase != Phase::Joining {
            return;
        }
        match answer {
            Ok(joined) => {
                self.identity = joined.identity.clone();
                self.last_accepted = now;
                self.join_by = None;
                self.beat_at = now + self.timing.heartbeat;
                self.beating = false;
                self.phase = Phase::Syncing;
                self.decided.push_back(if joined.is_leader {
                    Action::Assign { joined }
                } else {
                    Action::Sync {
                        identity: joined.identity,
                        protocol: joined.protocol,
                    }
                });
            }
            Err(JoinFailure::MemberIdRequired(member_id)) => {
                let is_new = self.identity.member_id.is_empty();
                let at = if is_new { now } else { self.next_join(now) };
                self.identity.member_id = member_id;
                self.why = "the coordinator gave out a member id";
                self.phase = Phase::Unjoined { at };
            }
            Err(JoinFailure::Failed(failure)) => self.fail(now, failure),
        }
    }

    /// What the coordinator answered to `SyncGroup`, or why the leader could not assign.
    pub(crate) fn handle_sync(
        &mut self,
        now: Instant,
        answer: Result<BTreeMap<String, Vec<i32>>, Failure>,
    ) {
        if self.phase != Phase::Syncing {
            return;
        }
        match answer {
            Ok(partitions) => {
                self.failures = 0;
                self.last_accepted = now;
                self.beating = false;
                self.holds = true;
                self.phase = Phase::Stable;
                self.take(now, partitions);
            }
            Err(failure) => self.fail(now, failure),
        }
    }

    /// What the coordinator answered to the heartbeat sent at `sent` for `generation`.
    pub(crate) fn handle_heartbeat(
        &mut self,
        now: Instant,
        sent: Instant,
        generation: i32,
        answer: Result<(), Failure>,
    ) {
        if generation != self.identity.generation {
            return;
        }
        self.beating = false;
        self.beat_gap = (self.beat_gap * 2).min(self.timing.heartbeat);
        self.beat_at = now + self.beat_gap;
        if !matches!(self.phase, Phase::Stable | Phase::Revoking { .. }) {
            match answer.map_err(|failure| failure.verdict()) {
                Ok(()) | Err(Verdict::Rejoin) => {
                    self.last_accepted = sent.max(self.last_accepted);
                }
                // The request under way never arrived, and the group went on without this member.
                Err(Verdict::LoseMember | Verdict::Stop)
                    if matches!(self.phase, Phase::Joining | Phase::Syncing) =>
                {
                    self.lose_meanwhile(now, FORGOTTEN);
                }
                // What else is wrong, the answer to the request says.
                Err(_) => {}
            }
            return;
        }
        match answer {
            Ok(()) => {
                self.failures = 0;
                self.last_accepted = sent;
            }
            Err(failure) => match failure.verdict() {
                Verdict::Rejoin => {
                    // The coordinator still counts this as a sign of life.
                    self.last_accepted = sent;
                    self.rejoin(now, REBALANCING);
                }
                verdict @ (Verdict::Retry | Verdict::FindCoordinator) => {
                    if verdict == Verdict::FindCoordinator {
                        self.decided.push_back(Action::ForgetCoordinator);
                    }
                    self.beat_at = now + self.next_retry();
                }
                // It says nothing about the membership, which lasts until the session ends.
                Verdict::Report => self.decided.push_back(Action::Report(failure)),
                _ => self.fail(now, failure),
            },
        }
    }

    /// A commit was refused in a way that concerns the membership.
    pub(crate) fn handle_commit_failure(
        &mut self,
        now: Instant,
        generation: i32,
        failure: Failure,
    ) {
        let is_settled = matches!(self.phase, Phase::Stable | Phase::Revoking { .. });
        if generation != self.identity.generation || !is_settled {
            return;
        }
        match failure.verdict() {
            Verdict::Rejoin => self.rejoin(now, REBALANCING),
            Verdict::LoseGeneration | Verdict::LoseMember | Verdict::Stop => {
                self.fail(now, failure)
            }
            Verdict::FindCoordinator => self.decided.push_back(Action::ForgetCoordinator),
            Verdict::Retry | Verdict::Report => {}
        }
    }

    fn begin_join(&mut self, now: Instant) -> Action {
        if self.holds && !self.is_cooperative {
            let partitions = self.held.clone();
            return self.begin_revoking(now, partitions);
        }
        self.phase = Phase::Joining;
        self.beat_at = now + self.timing.heartbeat;
        Action::Join {
            member_id: self.identity.member_id.clone(),
            owned: self.held.clone(),
            last: self.last.clone(),
            why: self.why,
        }
    }

    fn begin_revoking(&mut self, now: Instant, partitions: BTreeMap<String, Vec<i32>>) -> Action {
        self.giving_up.clone_from(&partitions);
        self.phase = Phase::Revoking {
            until: now + self.grace(),
        };
        Action::Revoke { partitions }
    }

    /// Compares a new assignment with what is held: what is missing has to be given up, the rest of it
    /// begins.
    fn take(&mut self, now: Instant, partitions: BTreeMap<String, Vec<i32>>) {
        let gap = if self.is_cooperative {
            QUICK_BEAT.min(self.timing.heartbeat)
        } else {
            self.timing.heartbeat
        };
        self.beat_gap = gap;
        self.beat_at = now + gap;
        let added = without(&partitions, &self.held);
        let leaving = without(&self.held, &partitions);
        for (topic, ids) in &added {
            let held = self.held.entry(topic.clone()).or_default();
            held.extend(ids);
        }
        self.last = LastAssignment {
            partitions,
            generation: self.identity.generation,
        };
        if !leaving.is_empty() {
            self.why = "partitions were given up";
            let action = self.begin_revoking(now, leaving);
            self.decided.push_back(action);
        }
        self.decided
            .push_back(Action::Assigned { partitions: added });
    }

    /// The application did not answer in time. The coordinator has gone on without an eager member by
    /// now; a cooperative one keeps the rest.
    fn give_up_unanswered(&mut self, now: Instant) {
        self.why = "the application did not give its partitions up in time";
        if !self.is_cooperative {
            return self.lose(now);
        }
        let partitions = self.giving_up.clone();
        self.drop_given_up();
        self.withdraw(now, now);
        self.decided.push_back(Action::Lose { partitions });
    }

    fn drop_given_up(&mut self) {
        self.held = without(&self.held, &std::mem::take(&mut self.giving_up));
        self.holds = self.is_cooperative;
    }

    fn fail(&mut self, now: Instant, failure: Failure) {
        self.why = match failure.verdict() {
            Verdict::Rejoin => REBALANCING,
            Verdict::LoseGeneration => "the generation is over",
            Verdict::LoseMember => FORGOTTEN,
            _ => "a call to the coordinator failed",
        };
        match failure.verdict() {
            Verdict::Retry => {
                let at = now + self.next_retry();
                self.withdraw(now, at);
            }
            Verdict::FindCoordinator => {
                self.decided.push_back(Action::ForgetCoordinator);
                let at = now + self.next_retry();
                self.withdraw(now, at);
            }
            Verdict::Rejoin => {
                let at = self.next_join(now);
                self.withdraw(now, at);
            }
            Verdict::LoseGeneration => {
                let at = self.next_join(now);
                self.lose(at);
            }
            Verdict::LoseMember => {
                self.identity.member_id.clear();
                let at = self.next_join(now);
                self.lose(at);
            }
            Verdict::Report => {
                let at = now + self.timing.join_backoff;
                // What a cooperative member holds is given to nobody before it has joined, or is given up.
                if self.is_cooperative {
                    self.withdraw(now, at);
                } else {
                    self.lose(at);
                }
                self.decided.push_back(Action::Report(failure));
            }
            Verdict::Stop => {
                self.lose(now);
                self.phase = Phase::Stopped;
                self.decided.push_back(Action::Stop(failure));
            }
        }
    }

    /// The session is over. A request under way goes on: its answer says what to hold next.
    fn lose_meanwhile(&mut self, now: Instant, why: &'static str) {
        self.why = why;
        let phase = self.phase;
        let generation = self.identity.generation;
        self.lose(now);
        if matches!(phase, Phase::Joining | Phase::Syncing) {
            self.phase = phase;
            self.identity.generation = generation;
        }
    }

    /// Joins again at `at`, with what it holds.
    fn withdraw(&mut self, now: Instant, at: Instant) {
        self.phase = Phase::Unjoined { at };
        if self.holds {
            let by = now + self.grace();
            self.join_by.get_or_insert(by);
        }
    }

    /// Forgets the generation and joins again at `at`.
    fn lose(&mut self, at: Instant) {
        self.identity.generation = -1;
        self.phase = Phase::Unjoined { at };
        self.giving_up.clear();
        self.join_by = None;
        let partitions = std::mem::take(&mut self.held);
        if std::mem::take(&mut self.holds) {
            self.decided.push_back(Action::Lose { partitions });
        }
    }

    /// When to join after an answer that asks for it: at once, unless joining itself was answered so and has failed
    /// before.
    fn next_join(&mut self, now: Instant) -> Instant {
        if self.phase != Phase::Joining {
            return now;
        }
        let is_first = self.failures == 0;
        let pause = self.next_retry();
        if is_first { now } else { now + pause }
    }

    fn next_retry(&mut self) -> Duration {
        let factor = 1 << self.failures.min(4);
        self.failures = self.failures.saturating_add(1);
        (self.timing.retry * factor).min(self.timing.retry * 10)
    }

    /// The part of a rebalance in which partitions may be kept: the rest is for what is on its way.
    fn grace(&self) -> Duration {
        self.timing.rebalance.mul_f32(0.8)
    }

    fn keeps_until(&self) -> Instant {
        let session_end = self.session_end();
        self.join_by.map_or(session_end, |by| by.min(session_end))
    }

    fn session_end(&self) -> Instant {
        self.last_accepted + self.timing.session
    }
}

/// The partitions of `these` that are not among `others`; a topic of which none is left is left out.
fn without(
    these: &BTreeMap<String, Vec<i32>>,
    others: &BTreeMap<String, Vec<i32>>,
) -> BTreeMap<String, Vec<i32>> {
    let topics = these.iter().map(|(topic, ids)| {
        let others: BTreeSet<&i32> = others.get(topic).into_iter().flatten().collect();
        let left = ids.iter().filter(|id| !others.contains(id)).copied();
        (topic.clone(), left.collect::<Vec<i32>>())
    });
    topics.filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Somebody else began it.
const REBALANCING: &str = "the group rebalances";
/// It says that there is no such member.
const FORGOTTEN: &str = "the coordinator forgot the member";
/// No call was accepted for as long as a session lasts.
const SILENT: &str = "the session ended";
/// The first heartbeat after a cooperative assignment; each next one waits twice as long.
const QUICK_BEAT: Duration = Duration::from_millis(20);
