//! Control's part in a group: carries out what the member and the commits decide.

mod attention;
mod ownership;
mod topics;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use ekafka_conn::{ConnError, Connection, CoordinatorKind};
use ekafka_protocol::ErrorCode;
use tracing::Instrument;

use super::calls::Done;
use super::requests::Desk;
use super::{Control, Reply, calls, requests};
use crate::TopicPartition;
use crate::commit::{CommitOffset, Commits, Settled, Step};
use crate::config::GroupSettings;
use crate::error::ReaderError;
use crate::lane::{Assignment, Lease};
use crate::membership::classic::{Action, Classic, JoinFailure, Joined};
use crate::membership::verdict::{Failure, Verdict};

use crate::reset::{Position, StartOffset};
use attention::Attention;
pub(crate) use ownership::list;
use topics::Watched;

/// What a group call came to.
pub(crate) enum GroupDone {
    /// With the connection it was made over, if one was opened.
    Joined(Result<Joined, JoinFailure>, Option<Connection>),
    /// The assignment, and the partition counts it was made from when this member made it.
    Synced {
        result: Result<BTreeMap<String, Vec<i32>>, Failure>,
        counts: Option<BTreeMap<String, usize>>,
    },
    Beat {
        sent: Instant,
        generation: i32,
        result: Result<(), Failure>,
    },
    /// The committed offset of each partition asked for; `None` when nothing is committed.
    Fetched {
        /// What was held when it was asked.
        asked: HashMap<TopicPartition, Arc<Assignment>>,
        answers: Vec<(TopicPartition, Result<Option<Position>, ErrorCode>)>,
    },
    Committed {
        /// Which commit it answers.
        number: u64,
        generation: i32,
        result: Result<Vec<(TopicPartition, ErrorCode)>, Failure>,
    },
    Left,
}

/// Who waits for a commit.
#[derive(Debug)]
pub(crate) enum Waiter {
    Caller(Reply),
    /// The revocation with this ticket.
    Revocation(u64),
    Close,
    /// The commit is worth trying, and waited for by none.
    Nobody,
}

/// The membership of one reader.
pub(crate) struct Group {
    pub(super) settings: GroupSettings,
    pub(super) member: Classic,
    /// Lasts as long as the member.
    life: Arc<()>,
    pub(super) commits: Commits<Waiter>,
    /// The number of the newest commit sent; counted on when it is given up.
    last_commit: u64,
    /// The connection for joining and syncing, which the broker answers late: nothing else may wait
    /// behind them, and no other reader shares it.
    link: Option<Connection>,
    /// Everything assigned, revocations under way included.
    held: Vec<Arc<Assignment>>,
    /// What was held of logs that are gone, while there are messages of them.
    superseded: Vec<Arc<Assignment>>,
    /// How long it is good.
    lease: Arc<Lease>,
    /// The ticket of the revocation the application has not answered, and what it is about.
    revoking: Option<(u64, Vec<TopicPartition>)>,
    last_ticket: u64,
    /// The partition counts this member divided as leader.
    counts: Option<BTreeMap<String, usize>>,
    attention: Attention,
    watched: Watched,
    /// The topics of the last join.
    subscribed: Vec<Arc<str>>,
}

impl Group {
    pub(super) fn new(settings: GroupSettings, now: Instant) -> Self {
        Self {
            member: new_member(&settings, now),
            life: Arc::default(),
            commits: Commits::new(settings.commit_interval, now),
            last_commit: 0,
            link: None,
            held: Vec::new(),
            superseded: Vec::new(),
            lease: Arc::new(Lease::new(now)),
            revoking: None,
            last_ticket: 0,
            counts: None,
            attention: Attention::new(now, settings.timing.heartbeat),
            watched: Watched::new(settings.watch.clone(), now),
            subscribed: Vec::new(),
            settings,
        }
    }

    pub(super) fn next_deadline(&self, is_closing: bool) -> Option<Instant> {
        let is_between = self.member.is_between_generations();
        let commits = (!is_between)
            .then(|| self.commits.next_deadline())
            .flatten();
        if is_closing {
            return commits;
        }
        let check = self
            .settings
            .max_poll_interval
            .map(|_| self.attention.next_deadline());
        let member = self.watched.is_known().then(|| self.member.next_deadline());
        let watch = self.watched.next_deadline();
        let deadlines = [member.flatten(), commits, check, watch];
        deadlines.into_iter().flatten().min()
    }
}

impl Control {
    /// Does everything that is due for the group.
    pub(super) fn carry_out_group(&mut self, now: Instant) {
        self.take_renewed();
        // A reader that closes commits and leaves; it takes part in nothing else, but in the generation that
        // has begun: without it, no commit is accepted.
        let is_closing = self.closing.is_some();
        if !is_closing {
            self.check_attention(now);
            self.watch_topics(now);
        }
        if let Some(group) = &mut self.group
            && group.subscribed != self.settings.topics
        {
            group.member.rejoin(now, "the topics have changed");
        }
        while let Some(action) = self
            .group
            .as_mut()
            .filter(|group| !is_closing || group.member.is_between_generations())
            .and_then(|group| group.poll_member(now))
        {
            self.carry_out_action(now, action);
        }
        if let Some(group) = &self.group {
            group.lease.set(group.member.holds_until());
        }
        while let Some(step) = self
            .group
            .as_mut()
            .filter(|group| !group.member.is_between_generations())
            .and_then(|group| group.commits.poll(now))
        {
            match step {
                Step::Send(offsets) => self.send_commit(offsets),
                Step::Done(waiters) => self.tell_waiters(waiters, Ok(())),
            }
        }
    }

    fn carry_out_action(&mut self, now: Instant, action: Action) {
        let Some(group) = &self.group else {
            return;
        };
        let desk = self.desk(group, now);
        // Another process has this one's place: nothing follows.
        let is_last = matches!(action, Action::Stop(_));
        match action {
            Action::ForgetCoordinator => {
                let id = &desk.settings.id;
                desk.cluster.forget_coordinator(CoordinatorKind::Group, id);
                if let Some(group) = &mut self.group {
                    group.link = None;
                }
            }
            Action::Join {
                member_id,
                owned,
                last,
                why,
            } => {
                let topics = self.settings.topics.clone();
                if let Some(group) = &mut self.group {
                    group.subscribed.clone_from(&topics);
                }
                let span = tracing::debug_span!("join", why);
                let why = Some(why);
                let join = requests::join(desk, topics, member_id, owned, last, why);
                self.call_as_member(join.instrument(span));
            }
            Action::Assign { joined } => self.call_as_member(requests::divide(desk, joined)),
            Action::Sync { identity, protocol } => {
                self.call_as_member(requests::follow(desk, identity, protocol));
            }
            Action::Heartbeat { identity } => self.call_as_member(requests::beat(desk, identity)),
            Action::Revoke { partitions } => self.revoke(now, list(partitions)),
            Action::Lose { partitions } => self.lose(&list(partitions)),
            Action::Assigned { partitions } => self.take_assignment(partitions),
            Action::Report(failure) | Action::Stop(failure) => {
                let id = &desk.settings.id;
                self.report(error_of("joining the group", id, None, failure));
                if is_last {
                    self.finish_close();
                }
            }
        }
    }

    /// Makes a call whose answer counts for nothing once another member is in the place of this one.
    fn call_as_member(&mut self, call: impl Future<Output = Done> + Send + 'static) {
        if let Some(group) = &self.group {
            let life = Arc::downgrade(&group.life);
            self.call(calls::unless_over(life, call));
        }
    }

    pub(super) fn handle_group_done(&mut self, now: Instant, done: GroupDone) {
        let Some(group) = &mut self.group else {
            return;
        };
        match done {
            GroupDone::Joined(result, link) => {
                group.link = link;
                let error = match &result {
                    Err(JoinFailure::Failed(Failure::Connection(error))) => Some(error.clone()),
                    _ => None,
                };
                group.member.handle_join(now, result);
                self.note_join_failure(error);
            }
            GroupDone::Synced { result, counts } => {
                group.counts = counts;
                let error = match &result {
                    Err(Failure::Connection(error)) => Some(error.clone()),
                    Err(_) => None,
                    Ok(_) => {
                        self.unreachable = 0;
                        None
                    }
                };
                group.member.handle_sync(now, result);
                self.note_join_failure(error);
                // The topics may have changed while they were divided.
                self.divide_anew(now);
            }
            GroupDone::Beat {
                sent,
                generation,
                result,
            } => group.member.handle_heartbeat(now, sent, generation, result),
            GroupDone::Fetched { asked, answers } => self.handle_fetched(now, &asked, answers),
            // The answer to a commit given up meanwhile must not pass for that to a later one.
            GroupDone::Committed { number, .. } if number != group.last_commit => {}
            GroupDone::Committed {
                generation, result, ..
            } => self.handle_committed(now, generation, result),
            GroupDone::Left => self.finish_close(),
        }
    }

    fn note_join_failure(&mut self, error: Option<ConnError>) {
        // A fatal one the member reports itself.
        if let Some(error) = error.filter(|error| !error.is_fatal()) {
            self.note_unreachable("joining the group", error);
        }
    }

    pub(super) fn fetch_committed(&mut self, partitions: Vec<TopicPartition>) {
        let Some(group) = &self.group else {
            return;
        };
        let held = group.held.iter().map(|assignment| {
            let partition = assignment.partition.clone();
            (partition, Arc::clone(assignment))
        });
        let asked = held.collect();
        let desk = self.desk(group, super::now());
        self.call(requests::fetch_offsets(desk, asked, partitions));
    }

    fn handle_fetched(
        &mut self,
        now: Instant,
        asked: &HashMap<TopicPartition, Arc<Assignment>>,
        answers: Vec<(TopicPartition, Result<Option<Position>, ErrorCode>)>,
    ) {
        for (partition, answer) in answers {
            let Some(group) = &mut self.group else {
                return;
            };
            // An answer for an ownership that is over: others may have committed since.
            let was_held = asked.get(&partition);
            if was_held.is_none_or(|assignment| assignment.is_ended()) {
                continue;
            }
            if let (Ok(Some(offset)), Some(assignment)) = (answer, was_held) {
                assignment.note_saved(offset.offset);
                group
                    .commits
                    .note_committed(partition.clone(), offset.offset);
            }
            if answer.is_err_and(is_about_coordinator) {
                let id = Arc::clone(&group.settings.id);
                self.cluster.forget_coordinator(CoordinatorKind::Group, &id);
            }
            let notice = self.ledger.handle_committed(now, &partition, answer);
            self.tell(notice);
        }
    }

    /// Commits whatever is marked and tells `reply`.
    pub(super) fn request_commit(&mut self, reply: Reply) {
        match &mut self.group {
            Some(group) => group.commits.request(Waiter::Caller(reply)),
            None => {
                let _ = reply.send(Err(ReaderError::Unavailable {
                    call: "commit",
                    reason: "without a group",
                }));
            }
        }
    }

    /// Commits where a group that begins at the end begins.
    pub(super) fn commit_beginnings(&mut self) {
        if self.settings.start == StartOffset::Last
            && let Some(group) = &mut self.group
        {
            group.commits.request(Waiter::Nobody);
        }
    }

    fn send_commit(&mut self, offsets: Vec<CommitOffset>) {
        let Some(group) = &mut self.group else {
            return;
        };
        group.last_commit += 1;
        let number = group.last_commit;
        let identity = group.member.identity().cloned();
        let Some(group) = &self.group else {
            return;
        };
        let desk = self.desk(group, super::now());
        let span = tracing::debug_span!("commit", partitions = offsets.len());
        self.call(requests::commit(desk, number, identity, offsets).instrument(span));
    }

    fn handle_committed(
        &mut self,
        now: Instant,
        generation: i32,
        result: Result<Vec<(TopicPartition, ErrorCode)>, Failure>,
    ) {
        let Some(group) = &mut self.group else {
            return;
        };
        // The next attempt goes to whoever coordinates the group by then.
        let is_misdirected = match &result {
            Ok(codes) => codes.iter().any(|(_, code)| is_about_coordinator(*code)),
            Err(failure) => failure.verdict() == Verdict::FindCoordinator,
        };
        if is_misdirected {
            let id = &group.settings.id;
            self.cluster.forget_coordinator(CoordinatorKind::Group, id);
        }
        // The group went on while the commit travelled; what is still held goes with the new generation.
        let is_overtaken = group.member.is_rejoining() || generation != group.generation();
        let result = result.map(|mut codes| {
            for (_, code) in &mut codes {
                if is_overtaken && *code == ErrorCode::ILLEGAL_GENERATION {
                    *code = ErrorCode::REBALANCE_IN_PROGRESS;
                }
            }
            codes
        });
        let Some(Settled { waiters, result }) = group.commits.handle(now, result) else {
            return;
        };
        let result = result.map_err(|(partition, failure)| {
            let id = Arc::clone(&group.settings.id);
            group
                .member
                .handle_commit_failure(now, generation, failure.clone());
            error_of("committing offsets", &id, partition, failure)
        });
        if let Err(error) = &result
            && waiters.is_empty()
        {
            tracing::warn!(%error, "offsets not committed, they are tried again with the next");
        }
        self.tell_waiters(waiters, result);
    }

    fn tell_waiters(&mut self, waiters: Vec<Waiter>, result: Result<(), ReaderError>) {
        for waiter in waiters {
            match waiter {
                Waiter::Caller(reply) => {
                    // A caller that is gone does not mind.
                    let _ = reply.send(result.clone());
                }
                Waiter::Revocation(ticket) => self.finish_revocation(ticket),
                Waiter::Nobody => {}
                Waiter::Close => self.leave(result.clone()),
            }
        }
    }

    pub(super) fn desk(&self, group: &Group, now: Instant) -> Desk {
        Desk {
            cluster: self.cluster.clone(),
            settings: group.settings.clone(),
            link: group.link.clone(),
            now,
        }
    }

    pub(super) fn handle_new_view(&mut self, now: Instant) {
        if let Some(group) = &mut self.group {
            group.watched.note_new_view(now);
        }
        self.divide_anew(now);
    }

    /// The leader divides anew when a topic it divided has grown, appeared or gone.
    fn divide_anew(&mut self, now: Instant) {
        let Some(group) = &mut self.group else {
            return;
        };
        let Some(counts) = &group.counts else {
            return;
        };
        let view = self.cluster.view();
        let is_changed = counts.iter().any(|(topic, count)| {
            let partitions = view.topic(topic).map(|topic| topic.partitions.len());
            partitions.is_some_and(|partitions| partitions != *count)
        });
        if is_changed {
            group.member.rejoin(now, "partitions have come or gone");
        }
    }
}

impl Group {
    /// What the member does next, once it is known which topics it reads.
    fn poll_member(&mut self, now: Instant) -> Option<Action> {
        if !self.watched.is_known() {
            return None;
        }
        self.member.poll(now)
    }

    /// The generation of what is assigned, -1 when nothing can be.
    fn generation(&self) -> i32 {
        self.member
            .identity()
            .map_or(-1, |identity| identity.generation)
    }
}

/// A member that has not joined. It is cooperative when every strategy it offers is.
fn new_member(settings: &GroupSettings, now: Instant) -> Classic {
    let mut assignors = settings.assignors.iter();
    let is_cooperative = assignors.all(|assignor| assignor.is_cooperative());
    Classic::new(settings.timing, is_cooperative, now)
}

fn names(assignments: &[Arc<Assignment>]) -> Vec<TopicPartition> {
    let partitions = assignments.iter().map(|assignment| &assignment.partition);
    partitions.cloned().collect()
}

pub(crate) fn is_about_coordinator(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NOT_COORDINATOR
            | ErrorCode::COORDINATOR_NOT_AVAILABLE
            | ErrorCode::NETWORK_EXCEPTION
    )
}

/// A group call's failure as the application sees it.
pub(crate) fn error_of(
    step: &'static str,
    group: &Arc<str>,
    partition: Option<TopicPartition>,
    failure: Failure,
) -> ReaderError {
    match failure {
        Failure::Code(code) => ReaderError::Kafka {
            step,
            subject: partition.map_or_else(|| Arc::clone(group), |one| one.to_string().into()),
            code,
        },
        Failure::Connection(error) => {
            let source = Box::new(error);
            ReaderError::Connection { step, source }
        }
        Failure::Malformed(what, error) => ReaderError::Malformed {
            what,
            group: Arc::clone(group),
            source: Box::new(error),
        },
    }
}
