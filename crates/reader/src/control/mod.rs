//! The one task of a reader: commands, returned cursors, group calls and timers.
//!
//! It decides nothing itself: the ledger, the member and the commits are asked what is due, calls carry
//! it out, and answers go back to them.

pub(crate) mod asking;
pub(crate) mod calls;
mod closing;
pub(crate) mod group;
mod lag;
pub(crate) mod pending;
pub(crate) mod requests;
mod serving;
mod telling;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_conn::{BrokerId, Cluster, ClusterView, ConnError, Connection, Refresh};
use ekafka_protocol::{DecodeError, ErrorCode};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::TopicPartition;
use crate::config::Settings;
use crate::error::ReaderError;
use crate::fetcher::Fetcher;
use crate::inbox::Inbox;
use crate::lane::{Assignment, Lane};
use crate::ledger::{Cursor, Leader, Leaders, Ledger, Returned, Work};
use crate::reset::Start;
use crate::stats::Counters;

use calls::Done;
use closing::Closing;
use group::Group;
use lag::LagWatch;
use pending::Calls;
use serving::Recalls;

/// What reaches control. The channel is unbounded: a fetcher sends once per answer, the application
/// once per call it waits for.
#[derive(Debug)]
pub(crate) enum Note {
    /// A fetcher gives cursors back.
    Returned(Vec<(Cursor, Returned)>),
    /// A fetcher ended with its connection.
    Broken {
        broker: BrokerId,
        cursors: Vec<Cursor>,
        error: ConnError,
    },
    /// A fetcher wants to go on at that time.
    Rest(Box<Fetcher>, tokio::time::Instant),
    /// The application answered an event.
    Answered(u64),
    /// The application may have slept for longer than its partitions are its own, and waits for word.
    Doubtful,
    /// A chunk of the lane cannot be read from `offset` on.
    Unreadable {
        lane: Arc<Lane>,
        offset: i64,
        /// The offset behind the batch, as far as it is known.
        end: Option<i64>,
        error: DecodeError,
    },
    Command(Command),
}

/// What the application asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Seek(TopicPartition, Start, Reply),
    Pause(Vec<TopicPartition>, Reply),
    Resume(Vec<TopicPartition>, Reply),
    /// Where is the application? `None` while that is not known.
    Position(TopicPartition, oneshot::Sender<Option<i64>>),
    /// Commit what is marked.
    Commit(Reply),
    Close(Reply),
}

/// Where the result of a command goes.
pub(crate) type Reply = oneshot::Sender<Result<(), ReaderError>>;

/// The state of the task.
pub(crate) struct Control {
    cluster: Cluster,
    settings: Settings,
    inbox: Arc<Inbox>,
    notes: UnboundedReceiver<Note>,
    /// For the fetchers.
    sender: UnboundedSender<Note>,
    counters: Arc<Counters>,
    ledger: Ledger,
    calls: Calls<Done>,
    /// The connections that fetchers use or used last.
    connections: HashMap<BrokerId, Connection>,
    /// By which fetchers are called back from a fetch that takes long.
    recalls: Recalls,
    /// Fetchers that pause, and until when.
    resting: Vec<(Instant, Box<Fetcher>)>,
    /// Topics whose leaders are being learnt.
    looking_up: BTreeSet<Arc<str>>,
    /// Failed connections in a row.
    unreachable: u32,
    group: Option<Group>,
    /// `None` when nobody wants to know the lag.
    lag_watch: Option<LagWatch>,
    /// Set once the reader is told to end.
    closing: Option<Closing>,
    /// Whether the reader has closed.
    is_done: bool,
}

/// What control needs to begin.
pub(crate) struct Beginning {
    pub(crate) cluster: Cluster,
    pub(crate) settings: Settings,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) notes: UnboundedReceiver<Note>,
    pub(crate) sender: UnboundedSender<Note>,
    pub(crate) counters: Arc<Counters>,
    /// Where the partitions begin, when there is no group.
    pub(crate) start: Start,
    /// Lanes are numbered from here on.
    pub(crate) first_tag: u64,
}

impl Control {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let now = now();
        let Beginning {
            settings, start, ..
        } = beginning;
        let mut control = Self {
            ledger: Ledger::new(settings.rules).number_from(beginning.first_tag),
            group: settings.group.clone().map(|group| Group::new(group, now)),
            calls: Calls::default(),
            connections: HashMap::new(),
            recalls: Recalls::default(),
            resting: Vec::new(),
            looking_up: BTreeSet::new(),
            unreachable: 0,
            lag_watch: LagWatch::new(settings.read_lag_interval, now),
            closing: None,
            is_done: false,
            cluster: beginning.cluster,
            inbox: beginning.inbox,
            notes: beginning.notes,
            sender: beginning.sender,
            counters: beginning.counters,
            settings,
        };
        for topic in &control.settings.topics {
            control.cluster.track(topic);
        }
        control.watch_view();
        if control.group.is_none() {
            control.assign_fixed(start);
        }
        control
    }

    /// Runs until the reader is closed. Dropping the future stops everything at once.
    pub(crate) async fn run(mut self) {
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
                done = self.calls.next() => self.handle_done(done),
                () = wake => {}
            }
        }
    }

    fn assign_fixed(&mut self, start: Start) {
        for topic in self.settings.topics.clone() {
            for partition in self.settings.partitions.clone() {
                let partition = TopicPartition::new(Arc::clone(&topic), partition);
                let assignment = Arc::new(Assignment::new(partition));
                self.ledger.assign(assignment, Some(start));
            }
        }
    }

    /// Does everything that is due.
    fn carry_out(&mut self, now: Instant) {
        let (due, resting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.resting)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        self.resting = resting;
        for (_, fetcher) in due {
            fetcher.run();
        }
        self.call_back_due(now);
        self.check_close(now);
        self.carry_out_group(now);
        self.look_up_lag(now);
        let view = self.cluster.view();
        for work in self.ledger.due(now, &ViewLeaders(&view)) {
            self.carry_out_work(work);
        }
    }

    fn carry_out_work(&mut self, work: Work) {
        match work {
            Work::LookUp(topics) => self.look_up(topics),
            Work::Committed(partitions) => self.fetch_committed(partitions),
            Work::List { broker, questions } => {
                let isolation = self.settings.fetch.isolation_level;
                let deadline = now() + self.settings.request_timeout;
                let cluster = self.cluster.clone();
                self.call(calls::list(cluster, broker, questions, isolation, deadline));
            }
            Work::Check { broker, questions } => {
                let deadline = now() + self.settings.request_timeout;
                let cluster = self.cluster.clone();
                self.call(calls::check(cluster, broker, questions, deadline));
            }
            Work::Drop { broker, lane } => {
                if let Some(fetcher) = self.inbox.send_drop(broker, lane) {
                    fetcher.run();
                }
            }
            Work::Fetch { broker, cursors } => self.serve(broker, cursors),
            Work::Tell(notice) => self.tell(Some(notice)),
        }
    }

    fn look_up(&mut self, topics: Vec<Arc<str>>) {
        for topic in topics {
            if self.looking_up.insert(Arc::clone(&topic)) {
                let deadline = now() + self.settings.request_timeout;
                self.call(calls::look_up(self.cluster.clone(), topic, deadline));
            }
        }
    }

    fn watch_view(&mut self) {
        let generation = self.cluster.view().generation;
        let deadline = now() + VIEW_PATIENCE;
        let newer = calls::newer_view(self.cluster.clone(), generation, deadline);
        // Whatever ends the wait, the view is looked at again; what failed at once would do so again at once.
        self.call(async move {
            if !newer.await {
                tokio::time::sleep_until(deadline.min(now() + VIEW_PAUSE).into()).await;
            }
            Done::NewView
        });
    }

    fn handle_note(&mut self, note: Note) {
        let now = now();
        match note {
            Note::Returned(cursors) => {
                for (cursor, reason) in cursors {
                    self.take_back(now, &cursor, &reason);
                }
            }
            Note::Broken {
                broker,
                mut cursors,
                error,
            } => {
                cursors.extend(self.inbox.remove(broker));
                self.lose_broker(now, cursors, error);
            }
            Note::Rest(fetcher, until) => self.resting.push((until.into_std(), fetcher)),
            Note::Answered(ticket) => self.handle_answered(ticket),
            Note::Doubtful => {
                self.carry_out_group(now);
                self.inbox.remind();
            }
            Note::Unreadable {
                lane,
                offset,
                end,
                error,
            } => self.handle_unreadable(now, &lane, (offset, end), error),
            Note::Command(command) => self.handle_command(command),
        }
    }

    fn handle_command(&mut self, command: Command) {
        let (result, reply) = match command {
            Command::Seek(partition, start, reply) => {
                let done = self.ledger.seek(&partition, start);
                (done.then_some(()).ok_or(partition), reply)
            }
            Command::Pause(partitions, reply) => {
                (each(partitions, |one| self.ledger.pause(one)), reply)
            }
            Command::Resume(partitions, reply) => {
                (each(partitions, |one| self.ledger.resume(one)), reply)
            }
            Command::Position(partition, reply) => {
                // A caller that is gone does not mind.
                let _ = reply.send(self.ledger.position(&partition));
                return;
            }
            Command::Commit(reply) => return self.request_commit(reply),
            Command::Close(reply) => return self.begin_close(now(), reply),
        };
        self.inbox.discard_frozen();
        let result = result.map_err(|partition| ReaderError::NotAssigned { partition });
        // A caller that is gone does not mind.
        let _ = reply.send(result);
    }

    fn handle_done(&mut self, done: Done) {
        let now = now();
        match done {
            Done::Connected { broker, result } => self.handle_connected(now, broker, result),
            Done::Spare { broker, result } => self.handle_spare(broker, result),
            Done::Listed(answers) => {
                for (partition, tag, answer) in answers {
                    self.refresh_after(answer.as_ref().err(), &partition);
                    let notice = self.ledger.handle_listed(now, &partition, tag, answer);
                    self.tell(notice);
                }
                self.commit_beginnings();
            }
            Done::Ends(answers) => self.handle_ends(answers),
            Done::Checked(answers) => {
                for (partition, tag, answer) in answers {
                    self.refresh_after(answer.as_ref().err(), &partition);
                    let notice = self.ledger.handle_checked(now, &partition, tag, answer);
                    self.inbox.discard_frozen();
                    self.tell(notice);
                }
            }
            Done::LookedUp { topic, result } => {
                self.looking_up.remove(&topic);
                self.handle_looked_up(now, &topic, result);
            }
            Done::NewView => {
                self.watch_view();
                let view = self.cluster.view();
                self.ledger.handle_new_view(&ViewLeaders(&view));
                self.handle_new_view(now);
            }
            Done::Topics(topics) => self.handle_topics(now, topics),
            Done::Group(done) => self.handle_group_done(now, done),
            Done::Nothing => {}
        }
    }

    fn handle_looked_up(&mut self, now: Instant, topic: &str, result: Result<(), ConnError>) {
        let view = self.cluster.view();
        let leaders = ViewLeaders(&view);
        match result {
            Ok(()) => {
                self.unreachable = 0;
                // The topic can be used as soon as one partition has a leader: others may have none.
                let mut is_lacking = false;
                let notices = self
                    .ledger
                    .handle_looked_up(now, topic, &leaders, |partition| {
                        is_lacking = true;
                        leaders.lack_of(partition)
                    });
                if is_lacking {
                    self.cluster.invalidate(Refresh::Topic(topic.into()));
                }
                for notice in notices {
                    self.tell(Some(notice));
                }
            }
            Err(ConnError::Topic { code, .. }) => {
                let told = self.ledger.handle_looked_up(now, topic, &leaders, |_| code);
                self.tell(told.into_iter().next());
            }
            Err(error) => {
                self.ledger
                    .handle_looked_up(now, topic, &leaders, |_| ErrorCode::NONE);
                self.note_unreachable("finding the leader", error);
            }
        }
    }

    fn take_back(&mut self, now: Instant, cursor: &Cursor, reason: &Returned) {
        let partition = cursor.lane.partition();
        match reason {
            Returned::Moved => self.refresh(partition),
            Returned::Refused(code) => self.refresh_after(Some(code), partition),
            Returned::Disconnected => self.cluster.invalidate(Refresh::All),
            _ => {}
        }
        let notice = self.ledger.handle_returned(now, cursor, reason);
        self.tell(notice);
    }

    fn refresh_after(&self, code: Option<&ErrorCode>, partition: &TopicPartition) {
        if code.is_some() {
            self.refresh(partition);
        }
    }

    fn refresh(&self, partition: &TopicPartition) {
        let topic = partition.topic.to_string();
        self.cluster.invalidate(Refresh::Topic(topic.into()));
    }

    /// The batch from `offset` to `end` is damaged: fetched again, reported once that has not helped, and
    /// passed over if the application wants that.
    fn handle_unreadable(
        &mut self,
        now: Instant,
        lane: &Arc<Lane>,
        (offset, end): (i64, Option<i64>),
        error: DecodeError,
    ) {
        let failures = self.ledger.handle_unreadable(now, lane, offset);
        if failures > 1 {
            let partition = lane.partition().clone();
            if self.settings.skip_corrupt_batches {
                let next = end.unwrap_or_else(|| offset.saturating_add(1));
                self.ledger.seek(&partition, Start::At(next));
            }
            self.report(ReaderError::Corrupt {
                partition,
                offset,
                source: Box::new(error),
            });
        }
    }

    fn note_unreachable(&mut self, step: &'static str, error: ConnError) {
        self.unreachable = self.unreachable.saturating_add(1);
        tracing::debug!(%error, step, attempt = self.unreachable, "broker not reached");
        if error.is_fatal() || self.unreachable >= self.settings.rules.max_attempts {
            let source = Box::new(error);
            self.report(ReaderError::Connection { step, source });
        }
    }

    fn call(&mut self, call: impl Future<Output = Done> + Send + 'static) {
        self.calls.push(call);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let resting = self.resting.iter().map(|(until, _)| *until).min();
        let group = self
            .group
            .as_ref()
            .and_then(|group| group.next_deadline(self.closing.is_some()));
        let (ledger, recall) = (self.ledger.next_deadline(), self.recalls.next_deadline());
        let lag = self.lag_watch.as_ref().map(LagWatch::next_deadline);
        let deadlines = [resting, group, ledger, recall, lag, self.close_deadline()];
        deadlines.into_iter().flatten().min()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // However it came to its end, be it that a strategy of the application's panicked: nobody waits any longer.
        self.inbox.close();
    }
}

/// Applies `change` to every partition; `Err` names one for which it is false.
fn each(
    partitions: Vec<TopicPartition>,
    mut change: impl FnMut(&TopicPartition) -> bool,
) -> Result<(), TopicPartition> {
    let mut failed = None;
    for partition in partitions {
        if !change(&partition) {
            failed = Some(partition);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The view is looked at again after so long even if nothing is known to have changed.
const VIEW_PATIENCE: Duration = Duration::from_secs(600);

/// The pause after a look at the view that failed at once.
const VIEW_PAUSE: Duration = Duration::from_secs(1);

pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The leaders in a cluster view.
struct ViewLeaders<'a>(&'a ClusterView);

impl ViewLeaders<'_> {
    /// Why a partition has no leader.
    fn lack_of(&self, partition: &TopicPartition) -> ErrorCode {
        let topic = self.0.topic(&partition.topic);
        match topic.and_then(|topic| topic.partition(partition.partition)) {
            Some(_) => ErrorCode::LEADER_NOT_AVAILABLE,
            None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        }
    }
}

impl Leaders for ViewLeaders<'_> {
    fn leader(&self, partition: &TopicPartition) -> Option<Leader> {
        let (broker, epoch) = self.0.leader(&partition.topic, partition.partition)?;
        let topic = self.0.topic(&partition.topic)?;
        Some(Leader {
            broker,
            epoch: epoch.0,
            topic_id: topic.id,
        })
    }
}
