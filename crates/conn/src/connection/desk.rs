//! What callers and the connection's task share: frames to be written, answers awaited, the writing half.
//!
//! Everything here happens under one short lock; nothing waits and no caller's code runs under it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use ekafka_protocol::{Frame, FrameCursor};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::waiter::Waiter;
use crate::error::{ConnError, Stage};
use crate::stream::WriteSide;

pub(super) struct Desk {
    /// Gone once the connection has ended.
    write: Option<WriteSide>,
    /// Frames not yet written completely, in order; the first may be written in part.
    queue: VecDeque<Outgoing>,
    /// Answers awaited, in the order in which the broker gives them.
    waiters: VecDeque<Waiter>,
    /// What must not be sent yet (throttle, log-in again), in order.
    held: VecDeque<(Frame, Addressee)>,
    /// Frames that ever entered `queue`.
    queued: u64,
    /// Frames of which at least one byte may have left.
    started: u64,
    /// The write loop waits for the socket: nobody else may poll it.
    blocked: bool,
    /// Bytes were written since the last flush.
    unflushed: bool,
    /// Copies of small pieces for streams that cannot gather.
    staging: BytesMut,
    /// New requests wait until then.
    throttled_until: Option<Instant>,
    /// New requests wait until the log-in is renewed.
    gated: bool,
    /// When the task looks at deadlines next.
    alarm: Instant,
    /// A request came since the last alarm.
    used: bool,
    /// The last alarm that found a request.
    last_used: Instant,
    ended: Option<ConnError>,
}

/// A frame on its way, and who is told once it is written (requests without an answer).
struct Outgoing {
    cursor: FrameCursor,
    /// The frame's place among all frames of the connection.
    place: u64,
    when_written: Option<Waiter>,
}

/// Who is told what became of a frame.
pub(super) enum Addressee {
    /// Told with the answer.
    Answer(Waiter),
    /// Told once the frame is written; the broker sends no answer.
    Written(Waiter),
}

impl Addressee {
    fn waiter(&self) -> &Waiter {
        let (Self::Answer(waiter) | Self::Written(waiter)) = self;
        waiter
    }

    fn into_waiter(self) -> Waiter {
        let (Self::Answer(waiter) | Self::Written(waiter)) = self;
        waiter
    }
}

/// What the caller of [`Desk::submit`] does after releasing the lock.
#[derive(Default)]
pub(super) struct Aftermath {
    /// The write loop has something to do.
    pub(super) wake_writer: bool,
    /// The alarm is too late for the new deadline.
    pub(super) wake_alarm: bool,
    /// The connection must end.
    pub(super) failure: Option<io::Error>,
    /// Told that their frame is written.
    pub(super) written: Vec<Waiter>,
    /// Refused: the connection had ended before.
    pub(super) refused: Option<(Waiter, ConnError)>,
}

/// What [`Desk::ring`] found.
pub(super) enum Alarm {
    /// Look again at the instant in `alarm`; these ran out of time before they were sent.
    Later(Vec<Waiter>),
    /// A request was not answered in time.
    Expired(Stage),
    /// Nothing was asked for the whole idle time.
    Idle,
}

impl Desk {
    pub(super) fn new(write: WriteSide, now: Instant) -> Self {
        Self {
            write: Some(write),
            queue: VecDeque::new(),
            waiters: VecDeque::new(),
            held: VecDeque::new(),
            queued: 0,
            started: 0,
            blocked: false,
            unflushed: false,
            staging: BytesMut::new(),
            throttled_until: None,
            gated: false,
            alarm: now,
            used: false,
            last_used: now,
            ended: None,
        }
    }

    /// Takes a frame, and writes it there and then when few others are under way.
    pub(super) fn submit(&mut self, frame: Frame, addressee: Addressee) -> Aftermath {
        if self.ended.is_none() && self.is_holding() {
            let waiter = addressee.waiter();
            let wake_alarm = waiter.deadline < self.alarm;
            self.held.push_back((frame, addressee));
            return Aftermath {
                wake_alarm,
                ..Aftermath::default()
            };
        }
        self.submit_urgent(frame, addressee)
    }

    /// Like [`submit`](Self::submit), past those that are held.
    pub(super) fn submit_urgent(&mut self, frame: Frame, addressee: Addressee) -> Aftermath {
        let mut after = Aftermath::default();
        if let Some(cause) = &self.ended {
            let cause = cause.clone().with_sent(false);
            after.refused = Some((addressee.into_waiter(), cause));
            return after;
        }
        self.used = true;
        after.wake_alarm = addressee.waiter().deadline < self.alarm;
        // With several requests under way another one is not late when the write loop gathers it with its neighbours.
        let alone = self.queue.is_empty()
            && (self.waiters.len() < DIRECT_IN_FLIGHT || frame.len() >= DIRECT_BYTES);
        self.push(frame, addressee);
        if self.blocked {
            return after;
        }
        if !alone {
            after.wake_writer = true;
            return after;
        }
        let mut cx = Context::from_waker(std::task::Waker::noop());
        match self.poll_drain(&mut cx, &mut after.written) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(failure)) => after.failure = Some(failure),
            Poll::Pending => {
                self.blocked = true;
                after.wake_writer = true;
            }
        }
        after
    }

    /// Writes until nothing is left; pending when the socket is full. `written` gets those to be told.
    pub(super) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        written: &mut Vec<Waiter>,
    ) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let count = ready!(self.poll_write_some(cx))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(count, written);
        }
        if self.unflushed
            && let Some(write) = &mut self.write
        {
            ready!(Pin::new(write).poll_flush(cx))?;
            self.unflushed = false;
        }
        self.blocked = false;
        Poll::Ready(Ok(()))
    }

    /// Tells the write loop's side that it owns the socket's waker now.
    pub(super) fn set_blocked(&mut self) {
        self.blocked = true;
    }

    /// The waiter at the front, if its frame has begun to leave: only that one can be answered.
    pub(super) fn next_answered(&self) -> Option<&Waiter> {
        self.waiters
            .front()
            .filter(|waiter| waiter.place < self.started)
    }

    pub(super) fn take_answered(&mut self) -> Option<Waiter> {
        self.waiters.pop_front()
    }

    /// Requests not yet answered or written, held ones included.
    pub(super) fn in_flight(&self) -> usize {
        self.waiters.len()
            + self.held.len()
            + self
                .queue
                .iter()
                .filter(|out| out.when_written.is_some())
                .count()
    }

    pub(super) fn ended(&self) -> Option<&ConnError> {
        self.ended.as_ref()
    }

    /// Ends the connection; everyone returned is told the cause given with it.
    pub(super) fn end(&mut self, cause: &ConnError) -> Vec<(Waiter, ConnError)> {
        if self.ended.is_some() {
            return Vec::new();
        }
        self.ended = Some(cause.clone());
        self.write = None;
        let started = self.started;
        let unwritten = self.queue.drain(..).filter_map(|out| out.when_written);
        let held = self.held.drain(..).map(|(_, addressee)| {
            let mut waiter = addressee.into_waiter();
            waiter.place = u64::MAX;
            waiter
        });
        self.waiters
            .drain(..)
            .chain(unwritten)
            .chain(held)
            .map(|waiter| {
                let sent = waiter.place < started;
                (waiter, cause.clone().with_sent(sent))
            })
            .collect()
    }

    /// Holds new requests back until `until` (KIP-219).
    pub(super) fn throttle(&mut self, until: Instant) {
        self.throttled_until = Some(self.throttled_until.map_or(until, |known| known.max(until)));
    }

    /// When requests are no longer held back by [`throttle`](Self::throttle).
    pub(super) fn throttled_until(&self) -> Option<Instant> {
        self.throttled_until
    }

    /// Holds new requests back while the log-in is renewed, or lets them go.
    pub(super) fn set_gated(&mut self, gated: bool) {
        self.gated = gated;
        self.release();
    }

    /// When the task must look again.
    pub(super) fn alarm(&self) -> Instant {
        self.alarm
    }

    /// Until when the last of the requests under way may be answered.
    pub(super) fn last_deadline(&self) -> Option<Instant> {
        self.waiters.iter().map(|waiter| waiter.deadline).max()
    }

    /// Whether the write loop has something to write.
    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty() || self.unflushed
    }

    /// Looks at everything that time decides, and sets the next alarm.
    pub(super) fn ring(&mut self, now: Instant, max_idle: Duration) -> Alarm {
        if std::mem::take(&mut self.used) || !self.waiters.is_empty() {
            self.last_used = now;
        }
        if self.throttled_until.is_some_and(|until| until <= now) {
            self.throttled_until = None;
            self.release();
        }
        let awaited = || {
            let writing = self
                .queue
                .iter()
                .filter_map(|out| out.when_written.as_ref());
            self.waiters.iter().chain(writing)
        };
        if let Some(waiter) = awaited().find(|waiter| waiter.deadline <= now) {
            return Alarm::Expired(Stage::Request(waiter.api));
        }
        let mut alarm = now + LOOK_AGAIN;
        if let Some(earliest) = awaited().map(|waiter| waiter.deadline).min() {
            alarm = alarm.min(earliest);
        } else if self.held.is_empty() {
            let idle_at = self.last_used + max_idle;
            if idle_at <= now {
                return Alarm::Idle;
            }
            alarm = alarm.min(idle_at);
        }
        let late = self.take_late_held(now);
        for (_, addressee) in &self.held {
            alarm = alarm.min(addressee.waiter().deadline);
        }
        if let Some(until) = self.throttled_until {
            alarm = alarm.min(until);
        }
        self.alarm = alarm;
        Alarm::Later(late)
    }

    fn take_late_held(&mut self, now: Instant) -> Vec<Waiter> {
        let mut late = Vec::new();
        for (frame, addressee) in std::mem::take(&mut self.held) {
            match addressee {
                Addressee::Answer(waiter) | Addressee::Written(waiter)
                    if waiter.deadline <= now =>
                {
                    late.push(waiter);
                }
                kept => self.held.push_back((frame, kept)),
            }
        }
        late
    }

    fn is_holding(&self) -> bool {
        self.gated || self.throttled_until.is_some()
    }

    fn release(&mut self) {
        if !self.is_holding() {
            for (frame, addressee) in std::mem::take(&mut self.held) {
                self.push(frame, addressee);
            }
        }
    }

    fn push(&mut self, frame: Frame, addressee: Addressee) {
        let place = self.queued;
        self.queued += 1;
        let when_written = match addressee {
            Addressee::Answer(mut waiter) => {
                waiter.place = place;
                self.waiters.push_back(waiter);
                None
            }
            Addressee::Written(mut waiter) => {
                waiter.place = place;
                Some(waiter)
            }
        };
        self.queue.push_back(Outgoing {
            cursor: FrameCursor::new(frame),
            place,
            when_written,
        });
    }

    fn poll_write_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(write) = &mut self.write else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if !write.is_write_vectored() {
            return poll_write_copied(Pin::new(write), cx, &self.queue, &mut self.staging);
        }
        if self.queue.len() <= FEW_SLICES / 2 {
            poll_write_gathered::<FEW_SLICES>(Pin::new(write), cx, &self.queue)
        } else {
            poll_write_gathered::<MOST_SLICES>(Pin::new(write), cx, &self.queue)
        }
    }

    fn advance(&mut self, mut count: usize, written: &mut Vec<Waiter>) {
        while count > 0
            && let Some(first) = self.queue.front_mut()
        {
            self.started = self.started.max(first.place + 1);
            count = first.cursor.advance(count);
            if !first.cursor.is_done() {
                return;
            }
            if let Some(done) = self.queue.pop_front()
                && let Some(waiter) = done.when_written
            {
                written.push(waiter);
            }
        }
    }
}

fn poll_write_gathered<const SLICES: usize>(
    write: Pin<&mut WriteSide>,
    cx: &mut Context<'_>,
    queue: &VecDeque<Outgoing>,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let mut filled = 0;
    for out in queue {
        match slices.get_mut(filled..) {
            Some(room) if !room.is_empty() => filled += out.cursor.fill_io_slices(room),
            _ => break,
        }
    }
    write.poll_write_vectored(cx, slices.get(..filled).unwrap_or_default())
}

/// For streams that cannot gather: small pieces are copied together, large ones go alone.
fn poll_write_copied(
    write: Pin<&mut WriteSide>,
    cx: &mut Context<'_>,
    queue: &VecDeque<Outgoing>,
    staging: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); FEW_SLICES];
    let mut filled = 0;
    for out in queue {
        match slices.get_mut(filled..) {
            Some(room) if !room.is_empty() => filled += out.cursor.fill_io_slices(room),
            _ => break,
        }
    }
    if let Some(first) = slices.first()
        && first.len() >= PIECE
    {
        return write.poll_write(cx, first);
    }
    staging.clear();
    for slice in slices.iter().take(filled) {
        let room = PIECE - staging.len();
        staging.extend_from_slice(slice.get(..room).unwrap_or(slice));
    }
    write.poll_write(cx, staging)
}

/// Requests under way below which a caller writes its own frame.
const DIRECT_IN_FLIGHT: usize = 2;

/// Frames from this size gain nothing from being gathered, bytes.
const DIRECT_BYTES: usize = 32 * 1024;

/// Slices of one gathered write when few frames wait; sits on the stack.
const FEW_SLICES: usize = 32;

/// Slices of one gathered write at most: the system's IOV_MAX.
const MOST_SLICES: usize = 1024;

/// The most bytes copied together for one write.
const PIECE: usize = 64 * 1024;

/// The longest time between two looks at the deadlines; a request with a longer deadline need not wake the task.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
