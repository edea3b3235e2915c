//! Commits of a generation, one on the wire at a time and in the order of the calls: an older one that arrived later would
//! set an offset back.

use std::collections::VecDeque;
use std::time::Instant;

use crate::TopicPartition;
use crate::commit::{ATTEMPTS, CommitOffset, Refusal, delay_after, is_worth_repeating, worst};
use crate::membership::verdict::Failure;
use ekafka_protocol::ErrorCode;

/// `W` is whoever waits for the result.
#[derive(Debug)]
pub(super) struct CommitQueue<W> {
    waiting: VecDeque<(Vec<CommitOffset>, W)>,
    flying: Option<Flying<W>>,
}

#[derive(Debug)]
struct Flying<W> {
    offsets: Vec<CommitOffset>,
    waiter: W,
    attempt: u32,
    /// `None` while on the wire.
    retry_at: Option<Instant>,
}

/// The end of one commit.
#[derive(Debug)]
pub(super) struct Settled<W> {
    pub(super) waiter: W,
    pub(super) result: Result<(), Refusal>,
}

impl<W> Default for CommitQueue<W> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            flying: None,
        }
    }
}

impl<W> CommitQueue<W> {
    pub(super) fn push(&mut self, offsets: Vec<CommitOffset>, waiter: W) {
        self.waiting.push_back((offsets, waiter));
    }

    /// What to send at `now`.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Vec<CommitOffset>> {
        if self.flying.is_none() {
            let (offsets, waiter) = self.waiting.pop_front()?;
            self.flying = Some(Flying {
                offsets,
                waiter,
                attempt: 1,
                retry_at: Some(now),
            });
        }
        let flying = self.flying.as_mut()?;
        flying.retry_at.take_if(|at| now >= *at)?;
        Some(flying.offsets.clone())
    }

    /// When `poll` has something to send without an answer or a call arriving.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.flying.as_ref().and_then(|flying| flying.retry_at)
    }

    /// Whether everything is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.flying.is_none() && self.waiting.is_empty()
    }

    /// The coordinator's answer: a code for each partition, or no answer at all.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        answer: Result<Vec<(TopicPartition, ErrorCode)>, Failure>,
    ) -> Option<Settled<W>> {
        let mut flying = self.flying.take()?;
        let failed = match answer {
            Ok(codes) => {
                let refused = codes
                    .into_iter()
                    .filter(|(_, code)| *code != ErrorCode::NONE);
                worst(refused.map(|(partition, code)| (Some(partition), Failure::Code(code))))
            }
            Err(failure) => Some((None, failure)),
        };
        if let Some((_, failure)) = &failed
            && flying.attempt < ATTEMPTS
            && is_worth_repeating(failure)
        {
            flying.retry_at = Some(now + delay_after(flying.attempt));
            flying.attempt += 1;
            self.flying = Some(flying);
            return None;
        }
        Some(Settled {
            waiter: flying.waiter,
            result: failed.map_or(Ok(()), Err),
        })
    }

    /// Everybody who waits: the generation is over and nothing more is sent.
    pub(super) fn abandon(&mut self) -> Vec<W> {
        let waiting = self.waiting.drain(..).map(|(_, waiter)| waiter);
        let mut waiters: Vec<W> = waiting.collect();
        waiters.extend(self.flying.take().map(|flying| flying.waiter));
        waiters
    }
}
