//! The task of a [`ConsumerGroup`](super::ConsumerGroup): carries out what its member decides, and keeps one generation at
//! a time.

mod beginning;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_conn::{Cluster, Connection, CoordinatorKind};
use ekafka_protocol::ErrorCode;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::commit_queue::CommitQueue;
use super::generation::Life;
use super::offers::Offers;
use crate::TopicPartition;
use crate::commit::CommitOffset;
use crate::config::GroupSettings;
use crate::control::calls::Done;
use crate::control::group::{GroupDone, error_of, list};
use crate::control::pending::Calls;
use crate::control::requests::{self, Desk};
use crate::control::{Reply, now};
use crate::error::ReaderError;
use crate::membership::classic::{Action, Classic, JoinFailure};
use crate::membership::verdict::Failure;
use crate::reset::{Position, StartOffset};

/// What reaches the task. The channel is unbounded: the application sends once for each call it waits for, and once for
/// each function that returns.
#[derive(Debug)]
pub(super) enum Note {
    Commit {
        generation: i32,
        offsets: Vec<(TopicPartition, i64)>,
        reply: Reply,
    },
    /// A function of the generation with this life has returned.
    Returned(Arc<Life>),
    Close(oneshot::Sender<()>),
}

/// What the task needs to begin.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) group: GroupSettings,
    pub(super) topics: Vec<Arc<str>>,
    pub(super) start: StartOffset,
    /// How often the numbers of partitions are compared; `None` for not at all.
    pub(super) watch: Option<Duration>,
    /// Failures in a row from which on each is told.
    pub(super) max_attempts: u32,
}

/// The state of the task.
pub(super) struct Host {
    cluster: Cluster,
    settings: Settings,
    notes: UnboundedReceiver<Note>,
    /// For the generations.
    sender: UnboundedSender<Note>,
    offers: Arc<Offers>,
    calls: Calls<Done>,
    member: Classic,
    /// The connection for joining and syncing.
    link: Option<Connection>,
    turn: Turn,
    /// Topic → number of partitions that this member divided as leader.
    divided: BTreeMap<String, usize>,
    /// Whether the member waits for the functions before it gives its partitions up.
    is_revoking: bool,
    /// Whether the generation was lost: its functions have nothing to commit any more.
    is_lost: bool,
    commits: CommitQueue<Reply>,
    /// The number of the newest commit sent; counted on when it is given up.
    last_commit: u64,
    /// Failures to join in a row.
    failures: u32,
    /// When the numbers of partitions are compared next.
    watch_at: Instant,
    closing: Vec<oneshot::Sender<()>>,
    /// Whether it has said that it leaves.
    is_leaving: bool,
    is_done: bool,
}

/// How far the present generation is.
#[derive(Debug)]
enum Turn {
    /// There is none.
    None,
    /// It is not known yet where its partitions begin.
    Asking(Asking),
    /// The application has it, or can have it.
    Given(Given),
}

#[derive(Debug)]
struct Asking {
    assigned: Vec<TopicPartition>,
    /// `None` for nothing committed.
    known: HashMap<TopicPartition, Option<Position>>,
    /// Lasts as long as an answer counts.
    life: Arc<()>,
    /// When to ask again; `None` while a call is under way.
    retry_at: Option<Instant>,
    tries: u32,
}

#[derive(Debug)]
struct Given {
    id: i32,
    life: Arc<Life>,
    /// Topic → number of partitions, as far as they are watched.
    counts: BTreeMap<Arc<str>, usize>,
}

impl Drop for Given {
    fn drop(&mut self) {
        // However it went, the functions hear of the end.
        self.life.end();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // However it came to its end, be it that a strategy of the application's panicked: nobody waits any longer.
        self.offers.close();
    }
}

impl Host {
    pub(super) fn new(
        cluster: Cluster,
        settings: Settings,
        notes: UnboundedReceiver<Note>,
        sender: UnboundedSender<Note>,
        offers: Arc<Offers>,
    ) -> Self {
        let now = now();
        Self {
            member: Classic::new(settings.group.timing, false, now),
            watch_at: now + settings.watch.unwrap_or_default(),
            cluster,
            settings,
            notes,
            sender,
            offers,
            calls: Calls::default(),
            link: None,
            turn: Turn::None,
            divided: BTreeMap::new(),
            is_revoking: false,
            is_lost: false,
            commits: CommitQueue::default(),
            last_commit: 0,
            failures: 0,
            closing: Vec::new(),
            is_leaving: false,
            is_done: false,
        }
    }

    /// Runs until the group is closed. Dropping the future stops everything at once.
    pub(super) async fn run(mut self: Box<Self>) {
        while !self.is_done {
            self.carry_out(now());
            let deadline = self.next_deadline();
            let wake = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(note) = self.notes.recv() => self.handle_note(note),
                done = self.calls.next() => {
                    if let Done::Group(done) = done {
                        self.handle_done(now(), done);
                    }
                }
                () = wake => {}
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let commits = self.commits.next_deadline();
        let member = (!self.is_held_up())
            .then(|| self.member.next_deadline())
            .flatten();
        let ask = match &self.turn {
            Turn::Asking(asking) => asking.retry_at,
            _ => None,
        };
        let watch = match (&self.turn, self.settings.watch) {
            (Turn::Given(_), Some(_)) if self.closing.is_empty() => Some(self.watch_at),
            _ => None,
        };
        [commits, member, ask, watch].into_iter().flatten().min()
    }

    /// Does everything that is due.
    fn carry_out(&mut self, now: Instant) {
        if self.closing.is_empty() {
            self.watch(now);
        }
        self.ask_for_offsets(now);
        if let Some(offsets) = self.commits.poll(now) {
            self.send_commit(now, offsets);
        }
        // Until its functions have returned it stays a member, or nothing could be committed.
        if !self.closing.is_empty() {
            self.leave_when_ready(now);
        }
        while !self.is_held_up()
            && let Some(action) = self.member.poll(now)
        {
            self.carry_out_action(now, action);
        }
    }

    /// Whether functions of a lost generation still run: the member does not join again before they return.
    fn is_held_up(&self) -> bool {
        self.is_lost && self.running() > 0
    }

    fn running(&self) -> usize {
        match &self.turn {
            Turn::Given(given) => given.life.running(),
            _ => 0,
        }
    }

    fn carry_out_action(&mut self, now: Instant, action: Action) {
        let desk = self.desk(now);
        match action {
            Action::ForgetCoordinator => self.forget_coordinator(),
            Action::Join {
                member_id,
                owned,
                last,
                why,
            } => {
                // Whoever still ran has returned.
                self.turn = Turn::None;
                self.is_lost = false;
                let topics = self.settings.topics.clone();
                let join = requests::join(desk, topics, member_id, owned, last, Some(why));
                self.calls.push(join);
            }
            Action::Assign { joined } => self.calls.push(requests::divide(desk, joined)),
            Action::Sync { identity, protocol } => {
                self.calls.push(requests::follow(desk, identity, protocol));
            }
            Action::Heartbeat { identity } => self.calls.push(requests::beat(desk, identity)),
            Action::Revoke { .. } => {
                self.is_revoking = true;
                self.end_generation(now);
            }
            Action::Lose { .. } => {
                self.is_revoking = false;
                self.is_lost = true;
                self.refuse_commits();
                self.end_generation(now);
            }
            Action::Assigned { partitions } => {
                self.turn = Turn::Asking(Asking {
                    assigned: list(partitions),
                    known: HashMap::new(),
                    life: Arc::default(),
                    retry_at: Some(now),
                    tries: 0,
                });
                self.ask_for_offsets(now);
            }
            Action::Report(failure) => self.report("joining the group", failure),
            Action::Stop(failure) => {
                self.report("joining the group", failure);
                self.offers.close();
            }
        }
    }

    fn handle_note(&mut self, note: Note) {
        let now = now();
        match note {
            Note::Commit {
                generation,
                offsets,
                reply,
            } => {
                let is_present = self.present().is_some_and(|id| id == generation);
                if !is_present {
                    let failure = Failure::Code(ErrorCode::ILLEGAL_GENERATION);
                    let error = self.commit_error(None, failure);
                    // A caller that is gone does not mind.
                    let _ = reply.send(Err(error));
                    return;
                }
                let offsets = offsets.into_iter().map(|(partition, offset)| CommitOffset {
                    partition,
                    offset,
                    leader_epoch: -1,
                });
                self.commits.push(offsets.collect(), reply);
            }
            Note::Returned(life) => {
                if matches!(&self.turn, Turn::Given(given) if Arc::ptr_eq(&given.life, &life)) {
                    self.end_generation(now);
                    if self.closing.is_empty() {
                        let why = "a function of the application returned";
                        self.member.rejoin(now, why);
                    }
                }
            }
            Note::Close(reply) => {
                self.closing.push(reply);
                self.end_generation(now);
            }
        }
    }

    /// The generation in which commits are accepted.
    fn present(&self) -> Option<i32> {
        let identity = self.member.identity()?;
        match &self.turn {
            Turn::Given(given) if given.id == identity.generation => Some(given.id),
            _ => None,
        }
    }

    /// Tells the functions that it is over; gives the partitions up once all have returned.
    fn end_generation(&mut self, now: Instant) {
        match &self.turn {
            Turn::Given(given) => {
                if given.life.end() {
                    self.offers.withdraw();
                }
            }
            _ => self.turn = Turn::None,
        }
        // What the functions committed last goes before the partitions do.
        if self.is_revoking && self.running() == 0 && self.commits.is_empty() {
            self.is_revoking = false;
            self.turn = Turn::None;
            self.member.handle_revoked(now);
        }
    }

    fn leave_when_ready(&mut self, now: Instant) {
        if self.running() > 0 || !self.commits.is_empty() || self.is_done {
            return;
        }
        self.turn = Turn::None;
        if std::mem::replace(&mut self.is_leaving, true) {
            return;
        }
        // A static member stays: it is expected back (KIP-345).
        let is_static = self.settings.group.instance_id.is_some();
        let Some(member_id) = self.member.leave().filter(|_| !is_static) else {
            return self.finish();
        };
        let leave = requests::leave(self.desk(now), member_id, "the group was closed");
        self.calls.push(async move {
            leave.await;
            Done::Group(GroupDone::Left)
        });
    }

    fn finish(&mut self) {
        self.is_done = true;
        self.offers.close();
        for reply in self.closing.drain(..) {
            // A caller that is gone does not mind.
            let _ = reply.send(());
        }
    }

    fn handle_done(&mut self, now: Instant, done: GroupDone) {
        match done {
            GroupDone::Joined(result, link) => {
                self.link = link;
                if let Err(JoinFailure::Failed(failure)) = &result {
                    self.note_failure(failure);
                }
                self.member.handle_join(now, result);
            }
            GroupDone::Synced { result, counts } => {
                self.divided = counts.unwrap_or_default();
                match &result {
                    Ok(_) => self.failures = 0,
                    Err(failure) => self.note_failure(failure),
                }
                self.member.handle_sync(now, result);
            }
            GroupDone::Beat {
                sent,
                generation,
                result,
            } => self.member.handle_heartbeat(now, sent, generation, result),
            GroupDone::Fetched { answers, .. } => self.handle_offsets(now, answers),
            GroupDone::Committed { number, .. } if number != self.last_commit => {}
            GroupDone::Committed {
                generation, result, ..
            } => {
                if let Some(settled) = self.commits.handle(now, result) {
                    let result = settled.result.map_err(|(partition, failure)| {
                        let told = failure.clone();
                        self.member.handle_commit_failure(now, generation, failure);
                        self.commit_error(partition, told)
                    });
                    let _ = settled.waiter.send(result);
                }
                if self.is_revoking {
                    self.end_generation(now);
                }
            }
            GroupDone::Left => self.finish(),
        }
    }

    /// Errors that heal are told from the `max_attempts`th in a row on; what the member reports by itself it reports once.
    fn note_failure(&mut self, failure: &Failure) {
        self.failures = self.failures.saturating_add(1);
        if failure.heals_silently() && self.failures >= self.settings.max_attempts {
            self.report("joining the group", failure.clone());
        }
    }

    fn send_commit(&mut self, now: Instant, offsets: Vec<CommitOffset>) {
        self.last_commit += 1;
        let identity = self.member.identity().cloned();
        let commit = requests::commit(self.desk(now), self.last_commit, identity, offsets);
        self.calls.push(commit);
    }

    /// The generation is lost: nothing of it can be committed any more.
    fn refuse_commits(&mut self) {
        self.last_commit += 1;
        for reply in self.commits.abandon() {
            let failure = Failure::Code(ErrorCode::ILLEGAL_GENERATION);
            let _ = reply.send(Err(self.commit_error(None, failure)));
        }
    }

    fn commit_error(&self, partition: Option<TopicPartition>, failure: Failure) -> ReaderError {
        let id = &self.settings.group.id;
        error_of("committing offsets", id, partition, failure)
    }

    fn report(&self, step: &'static str, failure: Failure) {
        let id = &self.settings.group.id;
        self.offers.report(error_of(step, id, None, failure));
    }

    fn forget_coordinator(&mut self) {
        let id = &self.settings.group.id;
        self.cluster.forget_coordinator(CoordinatorKind::Group, id);
        self.link = None;
    }

    fn desk(&self, now: Instant) -> Desk {
        Desk {
            cluster: self.cluster.clone(),
            settings: self.settings.group.clone(),
            link: self.link.clone(),
            now,
        }
    }
}
