//! What becomes of a batch after an answer, a failure or too long a wait.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::ConnError;
use ekafka_protocol::messages::{PartitionProduceResponse, ProduceResponse};
use ekafka_protocol::{ErrorCode, Uuid};
use tokio::time::Instant;

use super::{Core, Leaders, Sent};
use crate::error::{Cause, TopicPartition, WriterError};
use crate::receipt::Ack;
use crate::sender::in_flight::Place;
use crate::sender::outcome::{Stored, Verdict, verdict};

impl Core {
    /// A broker answered a request.
    pub(crate) fn handle_answer(
        &mut self,
        request: u64,
        answer: &ProduceResponse,
        leaders: &impl Leaders,
        now: Instant,
    ) {
        let Some(mut sent) = self.requests.remove(&request) else {
            return;
        };
        self.note_answered(&sent, now);
        self.way.note(now.saturating_duration_since(sent.at), now);
        self.shelf.set_pace(self.way.pace(self.rules.depth));
        let wait = u64::try_from(answer.throttle_time_ms).unwrap_or(0);
        self.shelf
            .outside
            .counters
            .note_throttle(Duration::from_millis(wait));
        // Brokers mostly answer in the order of the request: the search begins where the last one ended.
        let mut from = 0;
        for topic in &answer.responses {
            for partition in &topic.partition_responses {
                let found = self.find(&mut sent, from, |at, topic_id| {
                    at.partition == partition.index
                        && if topic.name.is_empty() {
                            topic.topic_id == topic_id
                        } else {
                            *topic.name == *at.topic
                        }
                });
                match found {
                    Some((position, number, id)) => {
                        from = position + 1;
                        self.handle_partition(number, id, partition, leaders, now);
                    }
                    None => tracing::warn!(
                        partition = partition.index,
                        "answer for a batch that was not sent"
                    ),
                }
            }
        }
        for position in 0..sent.batches.len() {
            let Some((number, id)) = sent.batches[position].take() else {
                continue;
            };
            self.shelf.outside.counters.note_error();
            if self.rules.idempotent {
                self.retry(
                    number,
                    id,
                    Stored::Maybe,
                    false,
                    Cause::NoAnswer,
                    leaders,
                    now,
                );
            } else {
                self.land(number, id, Stored::Maybe);
                self.fail_for(number, id, Cause::NoAnswer);
            }
        }
        sent.batches.clear();
        self.spare_batches.push(sent.batches);
        self.renew();
    }

    /// A request failed as a whole, or got an answer that cannot be read.
    pub(crate) fn handle_failure(
        &mut self,
        request: u64,
        error: &ConnError,
        leaders: &impl Leaders,
        now: Instant,
    ) {
        let Some(sent) = self.requests.remove(&request) else {
            return;
        };
        self.note_answered(&sent, now);
        let maybe_sent = error.maybe_sent() || matches!(error, ConnError::Closed);
        let stored = if maybe_sent {
            Stored::Maybe
        } else {
            Stored::No
        };
        let cause = Arc::new(error.clone());
        for (number, id) in sent.batches.into_iter().flatten() {
            let cause = Cause::Connection(Arc::clone(&cause));
            self.shelf.outside.counters.note_error();
            if error.is_retriable() || matches!(error, ConnError::Closed) {
                self.retry(number, id, stored, true, cause, leaders, now);
            } else {
                self.land(number, id, stored);
                self.fail_for(number, id, cause);
            }
        }
        self.renew();
    }

    /// A request that no broker answers (acks none) was handed to the operating system.
    pub(crate) fn handle_written(&mut self, request: u64, now: Instant) {
        let Some(sent) = self.requests.remove(&request) else {
            return;
        };
        self.note_answered(&sent, now);
        for (number, id) in sent.batches.into_iter().flatten() {
            self.succeed(
                number,
                id,
                Ack {
                    base_offset: None,
                    log_append_time: None,
                },
            );
        }
    }

    fn note_answered(&mut self, sent: &Sent, now: Instant) {
        self.plan.handle_answered(sent.broker);
        let took = now.saturating_duration_since(sent.at);
        self.shelf.outside.counters.note_request(took);
    }

    fn handle_partition(
        &mut self,
        number: usize,
        id: u64,
        answer: &PartitionProduceResponse,
        leaders: &impl Leaders,
        now: Instant,
    ) {
        let code = answer.error_code;
        self.land(number, id, Stored::No);
        let ack = Ack {
            base_offset: (answer.base_offset >= 0).then_some(answer.base_offset),
            log_append_time: (answer.log_append_time_ms >= 0).then_some(answer.log_append_time_ms),
        };
        let verdict = verdict(code);
        if !matches!(verdict, Verdict::Written | Verdict::Duplicate) {
            self.shelf.outside.counters.note_error();
        }
        match verdict {
            Verdict::Written | Verdict::Duplicate => self.succeed(number, id, ack),
            Verdict::Retry { stored, stale } => {
                self.retry(number, id, stored, stale, Cause::Code(code), leaders, now);
            }
            Verdict::Split => self.split(number, id, answer, now),
            Verdict::OutOfSequence => self.handle_out_of_sequence(number, id, code, leaders, now),
            Verdict::Reject => self.reject(number, id, answer),
            Verdict::GiveUp => {
                self.land(number, id, Stored::Maybe);
                self.fail_for(number, id, Cause::Code(code));
            }
            Verdict::Fatal => self.fail(Cause::Code(code)),
        }
    }

    fn succeed(&mut self, number: usize, id: u64, ack: Ack) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(flight) = lane
            .position(id)
            .and_then(|index| lane.flights.remove(index))
        else {
            return;
        };
        if let Some((stamp, _)) = &flight.stamped {
            lane.sequence.handle_written(*stamp);
        }
        lane.partition.queue().handle_resolved();
        if flight.resolver.is_some() {
            self.shelf
                .outside
                .note_written(&lane.partition, &flight, &ack);
        }
        flight.resolve(Ok(ack), &self.shelf.pool);
        self.list(number);
    }

    /// Sends a batch again after the backoff, unless it has had its attempts or its time.
    #[expect(
        clippy::too_many_arguments,
        reason = "the facts of one failed attempt, used together nowhere else"
    )]
    fn retry(
        &mut self,
        number: usize,
        id: u64,
        stored: Stored,
        stale: bool,
        cause: Cause,
        leaders: &impl Leaders,
        now: Instant,
    ) {
        self.land(number, id, stored);
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(flight) = lane
            .position(id)
            .and_then(|index| lane.flights.get_mut(index))
        else {
            return;
        };
        let at = &lane.partition.at;
        let given_up = flight.resolver.is_none() || self.failed.is_some();
        if given_up
            || self.rules.acks == 0
            || flight.attempts >= self.rules.max_attempts
            || flight.expires <= now
        {
            self.fail_for(number, id, cause);
            return;
        }
        self.shelf
            .outside
            .note_retry(&lane.partition, flight.attempts, &cause);
        let until = now + backoff(self.rules.backoff, flight.attempts);
        let epoch = leaders.leader(at).map_or(-1, |(_, epoch)| epoch);
        flight.place = Place::Waiting {
            until,
            stale_epoch: stale.then_some(epoch),
        };
        flight.cause = Some(cause);
        if stale {
            self.wishes.stale.push(Arc::clone(&at.topic));
        }
        self.arm(number, until);
        self.list(number);
    }

    /// The broker expected another sequence number. While an earlier batch is unresolved that is the natural consequence
    /// and this one waits for its turn; the first batch of a partition has lost its sequence, and needs a new epoch.
    fn handle_out_of_sequence(
        &mut self,
        number: usize,
        id: u64,
        code: ErrorCode,
        leaders: &impl Leaders,
        now: Instant,
    ) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(index) = lane.position(id) else {
            return;
        };
        let flight = &mut lane.flights[index];
        if index > 0 && flight.resolver.is_some() {
            flight.place = Place::Waiting {
                until: now,
                stale_epoch: None,
            };
            flight.cause = Some(Cause::Code(code));
            // An earlier batch was sent again and again, this one only followed it.
            flight.attempts = flight.attempts.saturating_sub(1);
            return;
        }
        lane.sequence
            .handle_disagreement(code == ErrorCode::INVALID_PRODUCER_EPOCH);
        let (ambiguous, is_first) = (flight.ambiguous, flight.attempts <= 1);
        self.note_doubt(number);
        if ambiguous || !self.rules.idempotent {
            // With another number the broker could not tell a second copy from the first.
            self.fail_for(number, id, Cause::Code(code));
            return;
        }
        let cause = Cause::Code(code);
        self.retry(number, id, Stored::No, false, cause, leaders, now);
        if is_first {
            // The new epoch is all it needs; only when that does not help, time may.
            self.hurry(number, id, now);
        }
    }

    fn hurry(&mut self, number: usize, id: u64, now: Instant) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let flight = lane
            .position(id)
            .and_then(|index| lane.flights.get_mut(index));
        if let Some(flight) = flight {
            flight.place = Place::Waiting {
                until: now,
                stale_epoch: None,
            };
        }
    }

    /// Definitely refused for its size: two halves, which share its sequence numbers, may pass.
    fn split(&mut self, number: usize, id: u64, answer: &PartitionProduceResponse, now: Instant) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(index) = lane.position(id) else {
            return;
        };
        let flight = &mut lane.flights[index];
        if flight.ambiguous {
            self.fail_for(number, id, Cause::Code(answer.error_code));
            return;
        }
        if flight.count() < 2 || flight.resolver.is_none() {
            self.reject(number, id, answer);
            return;
        }
        self.way.ignore();
        let first_id = self.next_id;
        self.next_id += 2;
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(flight) = lane.flights.remove(index) else {
            return;
        };
        let stamp = flight.stamped.as_ref().map(|(stamp, _)| *stamp);
        match flight.split(self.rules.compression, (first_id + 1, first_id + 2), now) {
            Ok((first, second)) => {
                if let Some(stamp) = stamp {
                    lane.sequence.handle_split(stamp);
                }
                lane.partition.queue().handle_split();
                lane.flights.insert(index, second);
                lane.handle_split(index);
                lane.flights.insert(index, first);
                self.list(number);
            }
            Err(flight) => {
                lane.flights.insert(index, *flight);
                self.reject(number, id, answer);
            }
        }
    }

    fn reject(&mut self, number: usize, id: u64, answer: &PartitionProduceResponse) {
        let code = answer.error_code;
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(flight) = lane.position(id).and_then(|index| lane.flights.get(index)) else {
            return;
        };
        if flight.ambiguous {
            self.fail_for(number, id, Cause::Code(code));
            return;
        }
        let words = answer
            .record_errors
            .iter()
            .find_map(|error| error.message.as_ref());
        let detail = answer
            .error_message
            .as_ref()
            .or(words)
            .map(|text| shortened(text));
        let at = lane.partition.at.clone();
        self.remove(number, id, Some(WriterError::Rejected { at, code, detail }));
    }

    pub(super) fn land(&mut self, number: usize, id: u64, stored: Stored) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        if let Some(flight) = lane
            .position(id)
            .and_then(|index| lane.flights.get_mut(index))
        {
            flight.land(stored);
        }
    }

    /// The batch of a request that an answer is about, searched from a position on and taken out.
    fn find(
        &self,
        sent: &mut Sent,
        from: usize,
        is_it: impl Fn(&TopicPartition, Uuid) -> bool,
    ) -> Option<(usize, usize, u64)> {
        let count = sent.batches.len();
        let position = (0..count)
            .map(|step| (from + step) % count)
            .find(|position| {
                let Some((number, _)) = sent.batches[*position] else {
                    return false;
                };
                let lane = self.lanes[number].as_ref();
                lane.is_some_and(|lane| is_it(&lane.partition.at, lane.partition.topic_id))
            })?;
        let (number, id) = sent.batches[position].take()?;
        Some((position, number, id))
    }
}

/// The wait before the next attempt: doubled each time, within its bounds, 20 % more or less so that clients spread out.
fn backoff((first, longest): (Duration, Duration), attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(30);
    let wait = first.saturating_mul(1 << doublings).min(longest);
    wait.mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// A broker's words, bounded: they end up in logs.
fn shortened(text: &str) -> Arc<str> {
    text.chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_DETAIL)
        .collect::<String>()
        .into()
}

const LONGEST_DETAIL: usize = 256;
