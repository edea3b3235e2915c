//! Members of one group side by side, and a diary of what they do that is checked line by line.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ekafka_conn::{Cluster, ConnConfig, Message, dial_fn};
use ekafka_testkit::EmbeddedKafka;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::setup::write;
use crate::config::ReaderBuilder;
use crate::event::Event;
use crate::reader::{Reader, Received};

/// What a process does its work through: nothing passes while it is shut.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<(bool, Vec<Waker>)>);

impl Gate {
    pub(super) fn shut(&self) {
        self.0.lock().unwrap().0 = true;
    }

    pub(super) fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = false;
        state.1.drain(..).for_each(Waker::wake);
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.0 {
            state.1.push(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    async fn pass(&self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }
}

/// A connection of a process that can be frozen.
struct Gated(DuplexStream, Arc<Gate>);

impl AsyncRead for Gated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        std::task::ready!(self.1.poll(context));
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Gated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::task::ready!(self.1.poll(context));
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.1.poll(context));
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// The group "g" on topic "t", and all that happens in it.
pub(super) struct Crowd {
    pub(super) kafka: EmbeddedKafka,
    pub(super) diary: Diary,
    pub(super) members: Vec<Member>,
    started: usize,
    partitions: i32,
    written: Vec<i64>,
}

/// One process.
pub(super) struct Member {
    pub(super) number: usize,
    network: Arc<Gate>,
    application: Arc<Gate>,
    leave: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// How a member works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Between commits nobody waits for; `None` commits each piece at once.
    pub(super) commit_interval: Option<Duration>,
    /// Messages processed and committed together.
    pub(super) piece: usize,
    /// How long a piece takes.
    pub(super) work: Duration,
}

impl Crowd {
    pub(super) fn new(kafka: EmbeddedKafka, partitions: i32) -> Self {
        kafka.create_topic("t", partitions).unwrap();
        Self {
            diary: Diary::default(),
            members: Vec::new(),
            started: 0,
            partitions,
            written: (0..partitions).map(|_| 0).collect(),
            kafka,
        }
    }

    /// Starts one more member; `further` sets its reader up.
    pub(super) fn join(
        &mut self,
        habits: Habits,
        further: impl FnOnce(ReaderBuilder) -> ReaderBuilder,
    ) {
        let number = self.started;
        self.started += 1;
        let (network, application) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
        let (connector, gate) = (self.kafka.connector(), Arc::clone(&network));
        let dial = dial_fn(move |host, port| {
            let stream = connector.connect(host, port)?;
            Ok(Gated(stream, Arc::clone(&gate)))
        });
        let config = ConnConfig::default().dial_fn(dial);
        let cluster = Cluster::new([self.kafka.bootstrap()], config).unwrap();
        let reader = Reader::builder().cluster(cluster).topic("t").group_id("g");
        let mut reader = further(reader);
        if let Some(interval) = habits.commit_interval {
            reader = reader.commit_interval(interval);
        }
        let life = Life {
            number,
            reader: reader.build().unwrap(),
            diary: self.diary.clone(),
            gate: Arc::clone(&application),
            habits,
            unfinished: Vec::new(),
        };
        let (leave, told) = oneshot::channel();
        #[expect(clippy::disallowed_methods, reason = "members run side by side")]
        let task = tokio::spawn(life.run(told));
        self.members.push(Member {
            number,
            network,
            application,
            leave: Some(leave),
            task,
        });
    }

    /// Ends a member in order.
    pub(super) fn leave(&mut self, index: usize) -> JoinHandle<()> {
        let mut member = self.members.remove(index);
        member.thaw();
        let _ = member.leave.take().map(|leave| leave.send(()));
        member.task
    }

    /// Ends a member at once.
    pub(super) fn kill(&mut self, index: usize) {
        let member = self.members.remove(index);
        member.task.abort();
        self.diary.lock().end(member.number);
    }

    pub(super) fn write(&mut self, partition: i32, count: i64) {
        write(&self.kafka, "t", partition, count);
        self.written[usize::try_from(partition).unwrap()] += count;
    }

    pub(super) fn write_somewhere(&mut self, random: &mut fastrand::Rng, most: i64) {
        let partition = random.i32(0..self.partitions);
        self.write(partition, random.i64(1..=most));
    }

    pub(super) fn write_everywhere(&mut self, count: i64) {
        for partition in 0..self.partitions {
            self.write(partition, count);
        }
    }

    pub(super) fn partitions(&self) -> usize {
        self.written.len()
    }

    pub(super) fn grow(&mut self, partitions: i32) {
        self.kafka.add_partitions("t", partitions).unwrap();
        self.partitions = partitions;
        self.written.resize(usize::try_from(partitions).unwrap(), 0);
    }

    /// Waits until every record is processed.
    pub(super) async fn finish(&self, longest: Duration) {
        let finished = async {
            loop {
                let done = self.diary.lock().done.clone();
                let mut all = (0..).zip(&self.written);
                if all.all(|(partition, end)| done.get(&partition).copied().unwrap_or(0) == *end) {
                    break;
                }
                self.check_commits();
                sleep(Duration::from_millis(100)).await;
            }
        };
        if timeout(longest, finished).await.is_err() {
            let diary = self.diary.lock();
            panic!(
                "written {:?}, done {:?} after {longest:?}:\n{}",
                self.written,
                diary.done,
                diary.tail()
            );
        }
        self.check_commits();
    }

    /// V10: what is committed never falls, and is never ahead of what is processed.
    pub(super) fn check_commits(&self) {
        let mut diary = self.diary.lock();
        for partition in 0..self.partitions {
            if let Some(committed) = self.kafka.committed("g", "t", partition) {
                diary.check_committed(partition, committed);
            }
        }
    }

    /// Everything written is committed.
    pub(super) fn check_all_committed(&self) {
        for (partition, end) in (0..).zip(&self.written) {
            let committed = self.kafka.committed("g", "t", partition).unwrap_or(0);
            assert_eq!(committed, *end, "partition {partition}");
        }
    }

    /// Waits until members have so many partitions each, in ascending order.
    pub(super) async fn settle(&self, expected: &[usize]) {
        let settled = async {
            loop {
                let mut loads: Vec<usize> = self.loads().into_values().collect();
                loads.sort_unstable();
                if loads == expected {
                    break;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        let longest = Duration::from_secs(60);
        if timeout(longest, settled).await.is_err() {
            let tail = self.diary.lock().tail();
            panic!("{:?} in the place of {expected:?}:\n{tail}", self.loads());
        }
    }

    /// Who has which partition.
    pub(super) fn owners(&self) -> BTreeMap<i32, usize> {
        self.diary.lock().owners.clone()
    }

    /// The longest time between two messages of each partition since this was asked last.
    pub(super) fn take_gaps(&self) -> BTreeMap<i32, Duration> {
        std::mem::take(&mut self.diary.lock().gaps)
    }

    /// How many partitions each member has, by its number.
    pub(super) fn loads(&self) -> BTreeMap<usize, usize> {
        let diary = self.diary.lock();
        let alive = self.members.iter().map(|member| (member.number, 0));
        let mut loads: BTreeMap<usize, usize> = alive.collect();
        for owner in diary.owners.values() {
            *loads.entry(*owner).or_default() += 1;
        }
        loads
    }
}

impl Member {
    /// Nothing of the process moves any more; with `is_deaf` only its connections do not.
    pub(super) fn freeze(&self, is_deaf: bool) {
        self.network.shut();
        if !is_deaf {
            self.application.shut();
        }
    }

    pub(super) fn thaw(&self) {
        self.network.open();
        self.application.open();
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }
}

/// What a member's application does.
struct Life {
    number: usize,
    reader: Reader,
    diary: Diary,
    gate: Arc<Gate>,
    habits: Habits,
    unfinished: Vec<Message>,
}

impl Life {
    async fn run(mut self, mut told: oneshot::Receiver<()>) {
        loop {
            self.gate.pass().await;
            let received = tokio::select! {
                biased;
                _ = &mut told => break,
                received = timeout(Duration::from_millis(50), self.reader.recv()) => received,
            };
            // A frozen process takes nothing; what came out meanwhile was on its way before.
            match received {
                Err(_) => self.work().await,
                Ok(Ok(Received::Message(message))) => {
                    self.diary
                        .got(self.number, message.partition(), message.offset());
                    self.unfinished.push(message);
                    if self.unfinished.len() >= self.habits.piece {
                        self.work().await;
                    }
                }
                Ok(Ok(Received::Event(event))) => self.handle(event).await,
                Ok(Err(error)) => assert!(!error.is_fatal(), "{error:?}"),
            }
        }
        self.work().await;
        self.diary.lock().end(self.number);
        // A last commit that is refused leaves work to others, no more.
        let _ = self.reader.close().await;
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
                for one in partitions {
                    self.diary.assigned(self.number, one.partition);
                }
            }
            Event::Revoked(partitions) => {
                self.work().await;
                for one in partitions {
                    self.diary.gone(self.number, one.partition);
                }
            }
            Event::Lost(partitions) => {
                let is_lost = |message: &Message| {
                    let mut lost = partitions.iter();
                    lost.any(|one| one.partition == message.partition())
                };
                self.unfinished.retain(|message| !is_lost(message));
                for one in &partitions {
                    self.diary.gone(self.number, one.partition);
                }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Processes what was got, then commits it.
    async fn work(&mut self) {
        if self.unfinished.is_empty() {
            return;
        }
        let pieces = std::mem::take(&mut self.unfinished);
        if !self.habits.work.is_zero() {
            sleep(self.habits.work).await;
        }
        self.gate.pass().await;
        for message in &pieces {
            self.diary.done(message.partition(), message.offset());
        }
        let _ = self.reader.commit_messages(&pieces).await;
    }
}

/// What all members did so far. Every line is checked when it is written.
#[derive(Clone, Default)]
pub(super) struct Diary(Arc<Mutex<Pages>>);

#[derive(Default)]
pub(super) struct Pages {
    /// Who was told last that it has a partition, and not that it has not.
    owners: BTreeMap<i32, usize>,
    /// What each member has been given, with the offset it gets next, once it is known.
    held: BTreeMap<(usize, i32), Option<i64>>,
    /// One behind the last offset that was processed, all before included.
    done: BTreeMap<i32, i64>,
    committed: BTreeMap<i32, i64>,
    /// Longest time between two messages of one ownership, by partition.
    last_got: BTreeMap<i32, Instant>,
    gaps: BTreeMap<i32, Duration>,
    lines: Vec<String>,
}

impl Diary {
    pub(super) fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn assigned(&self, member: usize, partition: i32) {
        let mut pages = self.lock();
        pages.note(format!("{member} assigned {partition}"));
        pages.held.insert((member, partition), None);
        pages.owners.insert(partition, member);
    }

    fn gone(&self, member: usize, partition: i32) {
        let mut pages = self.lock();
        pages.note(format!("{member} gone {partition}"));
        pages.forget(member, partition);
    }

    /// V9, V11: a message of a partition that is held, by nobody else since, and the next one.
    fn got(&self, member: usize, partition: i32, offset: i64) {
        let mut pages = self.lock();
        pages.note(format!("{member} got {partition} {offset}"));
        let tail = pages.tail();
        assert_eq!(
            pages.owners.get(&partition),
            Some(&member),
            "not its own:\n{tail}"
        );
        let begin = pages.committed.get(&partition).copied().unwrap_or(0);
        let end = pages.done.get(&partition).copied().unwrap_or(0);
        let next = pages.held.get_mut(&(member, partition)).unwrap();
        match next {
            // V12: an owner begins where the group has committed; the last look at that may be old.
            None => assert!((begin..=end).contains(&offset), "{begin} to {end}:\n{tail}"),
            Some(next) => assert_eq!(offset, *next, "not the next one:\n{tail}"),
        }
        *next = Some(offset + 1);
        let now = Instant::now();
        if let Some(last) = pages.last_got.insert(partition, now) {
            let gap = pages.gaps.entry(partition).or_default();
            *gap = (now - last).max(*gap);
        }
    }

    fn done(&self, partition: i32, offset: i64) {
        let mut pages = self.lock();
        let done = pages.done.entry(partition).or_default();
        assert!(offset <= *done, "{offset} of {partition} after {done}");
        *done = (offset + 1).max(*done);
    }
}

impl Pages {
    fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    fn tail(&self) -> String {
        let first = self.lines.len().saturating_sub(40);
        self.lines[first..].join("\n")
    }

    fn forget(&mut self, member: usize, partition: i32) {
        self.held.remove(&(member, partition));
        if self.owners.get(&partition) == Some(&member) {
            self.owners.remove(&partition);
        }
    }

    fn end(&mut self, member: usize) {
        self.note(format!("{member} ends"));
        self.held.retain(|(who, _), _| *who != member);
        self.owners.retain(|_, who| *who != member);
    }

    fn check_committed(&mut self, partition: i32, committed: i64) {
        let done = self.done.get(&partition).copied().unwrap_or(0);
        let before = self.committed.insert(partition, committed).unwrap_or(0);
        assert!(
            committed <= done,
            "{committed} of {partition} committed, {done} done:\n{}",
            self.tail()
        );
        assert!(
            committed >= before,
            "{committed} of {partition} after {before}"
        );
    }
}
