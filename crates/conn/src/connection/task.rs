//! The task of one socket: reads answers, writes what callers left over, watches deadlines.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::{DecodeError, skip_response_tags};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::Shared;
use super::desk::Alarm;
use super::renewal;
use super::waiter::Waiter;
use crate::error::{ConnError, Stage};
use crate::frame::FrameReader;
use crate::stream::ReadSide;
use crate::throttle;

/// Runs until the connection ends; everyone who waits is told why.
///
/// The guard is made by the caller, so that it works even when the task is dropped before it first runs.
pub(super) async fn run(ending: EndOnDrop, read: ReadSide, frames: FrameReader) {
    let shared = &ending.0;
    let cause = tokio::select! {
        biased;
        cause = read_loop(shared, read, frames) => cause,
        cause = write_loop(shared) => cause,
        cause = alarm_loop(shared) => cause,
        cause = renewal::renew_loop(shared) => cause,
    };
    shared.end(&cause);
}

/// Tells the waiters when the task is dropped, for example with its runtime.
pub(super) struct EndOnDrop(pub(super) Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(&ConnError::Closed);
    }
}

async fn read_loop(shared: &Shared, mut read: ReadSide, mut frames: FrameReader) -> ConnError {
    loop {
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    if let Err(cause) = answer(shared, frame) {
                        return cause;
                    }
                }
                Ok(None) => break,
                Err(fault) => return shared.malformed(shared.awaited_stage(), fault),
            }
        }
        if frames.is_inside_frame()
            && let Err(cause) = check_awaited(shared, frames.correlation_id())
        {
            return cause;
        }
        let has_kept = frames.kept() > 0;
        let received = {
            let mut space = frames.space();
            tokio::select! {
                biased;
                received = read.read_buf(&mut space) => Some(received),
                () = shared.to_reader.notified(), if has_kept => None,
            }
        };
        let Some(received) = received else {
            frames.cool();
            continue;
        };
        match received {
            Ok(0) if frames.is_inside_frame() => {
                return shared.disconnected("the broker closed it inside an answer");
            }
            Ok(0) => return shared.disconnected("the broker closed it"),
            Ok(count) => frames.note_received(count),
            Err(error) => return shared.failed(&error),
        }
    }
}

/// Refuses bytes nobody asked for before they are collected: Kafka answers in order, so only the oldest request can be meant.
fn check_awaited(shared: &Shared, correlation_id: Option<i32>) -> Result<(), ConnError> {
    let desk = shared.desk();
    let Some(waiter) = desk.next_answered() else {
        drop(desk);
        return Err(shared.malformed(Stage::Nothing, UNSOLICITED));
    };
    match correlation_id {
        Some(found) if found != waiter.correlation_id => {
            let stage = Stage::Request(waiter.api);
            drop(desk);
            Err(shared.malformed(stage, MISMATCH))
        }
        _ => Ok(()),
    }
}

fn answer(shared: &Shared, mut frame: Bytes) -> Result<(), ConnError> {
    let correlation_id = frame.first_chunk().copied().map(i32::from_be_bytes);
    check_awaited(shared, correlation_id)?;
    let waiter = shared.desk().take_answered();
    let (Some(waiter), true) = (waiter, frame.len() >= CORRELATION_ID) else {
        return Err(shared.malformed(Stage::Nothing, UNSOLICITED));
    };
    bytes::Buf::advance(&mut frame, CORRELATION_ID);
    if let Err(fault) = skip_response_tags(waiter.api, waiter.version, &mut frame) {
        let cause = shared.malformed(Stage::Request(waiter.api), fault);
        waiter.fail(cause.clone());
        return Err(cause);
    }
    if let Some(pause) = throttle::pause(waiter.api, waiter.version, &frame) {
        shared.throttle(waiter.api, pause);
    }
    waiter.answer(frame)
}

async fn write_loop(shared: &Shared) -> ConnError {
    loop {
        shared.to_writer.notified().await;
        let mut written = Vec::new();
        let result = poll_fn(|cx| {
            let mut desk = shared.desk();
            if let Some(cause) = desk.ended() {
                return Poll::Ready(Err(cause.clone()));
            }
            let polled = desk.poll_drain(cx, &mut written);
            if polled.is_pending() {
                desk.set_blocked();
            }
            drop(desk);
            tell_written(&mut written);
            polled.map_err(|error| shared.failed(&error))
        })
        .await;
        tell_written(&mut written);
        if let Err(cause) = result {
            return cause;
        }
    }
}

pub(super) fn tell_written(written: &mut Vec<Waiter>) {
    for waiter in written.drain(..) {
        // A request without an answer has nothing to decode, so nothing to fail on.
        let _ = waiter.answer(Bytes::new());
    }
}

async fn alarm_loop(shared: &Shared) -> ConnError {
    let mut cooled = Instant::now();
    loop {
        let now = Instant::now();
        if now >= cooled + COOLING {
            cooled = now;
            shared.to_reader.notify_one();
        }
        let (alarm, at, queued) = {
            let mut desk = shared.desk();
            // The write loop may be waiting for a socket that will never take more.
            if let Some(cause) = desk.ended() {
                return cause.clone();
            }
            let alarm = desk.ring(now, shared.config.connections_max_idle);
            (alarm, desk.alarm(), desk.has_queued())
        };
        match alarm {
            Alarm::Later(late) => {
                for waiter in late {
                    let stage = Stage::Request(waiter.api);
                    waiter.fail(shared.timed_out(stage));
                }
            }
            Alarm::Expired(stage) => return shared.timed_out(stage),
            Alarm::Idle => return shared.disconnected("idle for too long"),
        }
        if queued {
            shared.to_writer.notify_one();
        }
        tokio::select! {
            () = tokio::time::sleep_until(at) => {}
            () = shared.to_alarm.notified() => {}
        }
    }
}

impl Shared {
    fn malformed(&self, stage: Stage, fault: DecodeError) -> ConnError {
        ConnError::Malformed {
            broker: self.address.clone(),
            stage,
            cause: Arc::new(fault),
        }
    }

    fn awaited_stage(&self) -> Stage {
        match self.desk().next_answered() {
            Some(waiter) => Stage::Request(waiter.api),
            None => Stage::Nothing,
        }
    }

    fn disconnected(&self, cause: &str) -> ConnError {
        ConnError::Disconnected {
            broker: self.address.clone(),
            cause: cause.into(),
            sent: false,
        }
    }

    pub(super) fn failed(&self, error: &io::Error) -> ConnError {
        self.disconnected(&error.to_string())
    }

    fn timed_out(&self, stage: Stage) -> ConnError {
        ConnError::Timeout {
            broker: self.address.clone(),
            stage,
            sent: false,
        }
    }
}

/// Memory for large answers is kept for at least so long after the last one, and at most until the second look at the
/// deadlines from then on.
const COOLING: Duration = Duration::from_secs(5);

/// Bytes of the correlation id at the front of each answer.
const CORRELATION_ID: usize = 4;

const UNSOLICITED: DecodeError = DecodeError::Corrupt {
    what: "answer",
    detail: "no request was waiting for it",
};

const MISMATCH: DecodeError = DecodeError::Corrupt {
    what: "correlation id",
    detail: "not that of the oldest request",
};
