//! From a record to its place in a batch: topic, partition, room.

mod single;

use std::hint::black_box;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use ekafka_conn::Record;
use ekafka_protocol::records::RecordData;
use tokio::time::Instant;

use super::call::Call;
use super::{Door, Obstacle, clock};
use crate::accumulator::{Offer, Partition, Partitions, Permit, Queue, Shut, Topic};
use crate::balancer::murmur2;
use crate::error::{Cause, WriterError};
use crate::receipt::Receipt;
use crate::sender::Event;

impl Door {
    /// Puts the records of a call into batches; those that cannot be are noted in the call.
    pub(super) async fn accept(&self, records: &[Record<'_>], call: &mut Call) {
        // One look at the clock for all of them.
        let now = clock::now();
        if let Some(topic) = &self.topic
            && records.iter().all(|record| record.topic.is_none())
        {
            self.accept_topic(topic, records, None, call, now).await;
        } else {
            for (name, indexes) in self.by_topic(records, call) {
                self.accept_topic(name, records, Some(&indexes), call, now)
                    .await;
            }
        }
        self.tell(call);
    }

    /// Tells the sender of the queues that have something for it: all at once, so that they share
    /// requests. Must come before every wait of a call, since a call may be dropped there.
    fn tell(&self, call: &mut Call) {
        self.sender.post_ready(&mut call.ready);
    }

    /// Records of one topic: all of the call, or those with the given indexes.
    async fn accept_topic(
        &self,
        name: &str,
        records: &[Record<'_>],
        indexes: Option<&[u32]>,
        call: &mut Call,
        now: i64,
    ) {
        let refuse_all = |call: &mut Call, error: &WriterError| match indexes {
            None => (0..records.len()).for_each(|index| call.refuse(index, error.clone())),
            Some(indexes) => indexes
                .iter()
                .for_each(|index| call.refuse(*index as usize, error.clone())),
        };
        let topic = match self.sender.shelf.topic(name) {
            Some(topic) => topic,
            None => {
                self.tell(call);
                match self.find_topic(name).await {
                    Ok(topic) => topic,
                    Err(error) => return refuse_all(call, &error),
                }
            }
        };
        if self.balancer.is_none() && indexes.is_none() && records.iter().all(is_free) {
            self.accept_sticky(&topic, records, 0..records.len(), call, now)
                .await;
            return;
        }
        if self.balancer.is_some() {
            // The application's code may panic: what is accepted by then must not wait for a call that is gone.
            self.tell(call);
        }
        let count = indexes.map_or(records.len(), <[u32]>::len);
        let mut chosen = Vec::with_capacity(count);
        let mut sticky = None;
        {
            let partitions = topic.partitions();
            for step in 0..count {
                let index = indexes.map_or(step as u32, |indexes| indexes[step]);
                let record = &records[index as usize];
                // Values are copied in another order, for which the processor could not fetch them ahead: it does now.
                black_box(record.value.and_then(|value| value.first().copied()));
                match self.choose(&topic, partitions, record) {
                    Ok(choice) => {
                        chosen.push((choice.position as u32, index));
                        if choice.is_sticky {
                            sticky = Some(choice.position);
                        }
                    }
                    Err(error) => call.refuse(index as usize, error),
                }
            }
        }
        call.expect_runs(topic.partitions().list.len().min(count));
        arrange(&mut chosen, topic.partitions().list.len());
        let start = call.order.len();
        call.order.extend(chosen.iter().map(|(_, index)| *index));
        let mut from = 0;
        for run in chosen.chunk_by(|left, right| left.0 == right.0) {
            let position = run[0].0 as usize;
            let range = start + from..start + from + run.len();
            from += run.len();
            let Some(partition) = topic.partitions().list.get(position).map(Arc::clone) else {
                continue;
            };
            let sticky = sticky.filter(|sticky| *sticky == position);
            let mut left = range;
            while !left.is_empty() {
                left.start = self
                    .append(&topic, &partition, records, left.clone(), call, now, sticky)
                    .await;
            }
        }
    }

    /// Records without key or partition: each batch's worth to the partition drawn for it.
    async fn accept_sticky(
        &self,
        topic: &Arc<Topic>,
        records: &[Record<'_>],
        range: Range<usize>,
        call: &mut Call,
        now: i64,
    ) {
        let mut left = range;
        while !left.is_empty() {
            let (position, partition) = {
                let partitions = topic.partitions();
                let position = topic.sticky.current(partitions.list.len());
                (position, partitions.list.get(position).map(Arc::clone))
            };
            let Some(partition) = partition else { return };
            let done = self
                .append(
                    topic,
                    &partition,
                    records,
                    left.clone(),
                    call,
                    now,
                    Some(position),
                )
                .await;
            left.start = done;
        }
    }

    /// Appends the records at a range of the call's order to one partition, under one lock unless room has to be waited
    /// for. With `sticky`, stops when it is time for another partition. Returns the position it came to.
    #[expect(
        clippy::too_many_arguments,
        reason = "one step of a call, with the call's facts"
    )]
    async fn append(
        &self,
        topic: &Arc<Topic>,
        partition: &Arc<Partition>,
        records: &[Record<'_>],
        range: Range<usize>,
        call: &mut Call,
        now: i64,
        sticky: Option<usize>,
    ) -> usize {
        let mut position = range.start;
        let mut paid = None;
        while position < range.end {
            let (stop, poke, leave) = {
                let shelf = &self.sender.shelf;
                let mut queue = partition.queue();
                let before = queue.open_len();
                let stop = self.append_run(
                    partition,
                    &mut queue,
                    records,
                    &mut position,
                    range.end,
                    call,
                    now,
                    &mut paid,
                );
                let leave = sticky.is_some() && self.is_time_to_leave(&mut queue, before);
                (
                    stop,
                    queue.poke(shelf.patience(), shelf.budget.is_contended()),
                    leave,
                )
            };
            if poke {
                call.ready.push(Arc::clone(partition));
            }
            if !matches!(stop, Stop::End) {
                // A full batch need not wait for the rest of the call.
                self.tell(call);
            }
            if let (true, Some(from)) = (leave, sticky) {
                leave_sticky(topic, topic.partitions(), from);
            }
            match stop {
                Stop::End => {}
                Stop::BatchFull if leave => return position,
                Stop::BatchFull => {}
                Stop::NoRoom(bytes) => {
                    let deadline = *call
                        .deadline
                        .get_or_insert_with(|| Instant::now() + self.max_block);
                    match self.wait_for_room(bytes, deadline).await {
                        Ok(permit) => paid = Some(permit),
                        Err(error) => {
                            (position..range.end)
                                .for_each(|left| call.refuse(call.index(left), error.clone()));
                            return range.end;
                        }
                    }
                }
                Stop::Refused(offer) => {
                    let error = match self.refusal(offer, topic, partition) {
                        Obstacle::Error(error) => error,
                        Obstacle::Topic | Obstacle::Room(_) => WriterError::NotWritten {
                            at: partition.at.clone(),
                            cause: Cause::TopicReplaced,
                        },
                    };
                    call.refuse(call.index(position), error);
                    position += 1;
                }
            }
        }
        position
    }

    /// As many records as the queue takes without waiting, up to the end of a batch.
    #[expect(
        clippy::too_many_arguments,
        reason = "the part of `append` that runs under the lock"
    )]
    fn append_run(
        &self,
        partition: &Partition,
        queue: &mut Queue,
        records: &[Record<'_>],
        position: &mut usize,
        end: usize,
        call: &mut Call,
        now: i64,
        paid: &mut Option<Permit>,
    ) -> Stop {
        let start = *position;
        let mut batch: Option<(Arc<Receipt>, u32)> = None;
        let mut stop = Stop::End;
        while *position < end {
            let record = &records[call.index(*position)];
            let first = data(record, record.timestamp.unwrap_or(now));
            if batch.is_some() && !queue.has_open() {
                stop = Stop::BatchFull;
                break;
            }
            match self
                .sender
                .shelf
                .offer(partition, queue, &first, paid, Instant::now)
            {
                Offer::Accepted(index) => {
                    if index == 0 && batch.is_some() {
                        // It opened the next batch: what came before belongs to the one that was closed.
                        if let Some((receipt, first)) = batch.take() {
                            let noted = *position - start;
                            call.note_run(receipt, start, noted, first);
                        }
                        let receipt = queue.newest().map(Arc::clone);
                        if let Some(receipt) = receipt {
                            call.note_run(receipt, *position, 1, 0);
                        }
                        if self.sender.shelf.outside.teller.is_some() {
                            let tag = records[call.index(*position)].tag;
                            queue.set_tags(0, std::iter::once(tag));
                        }
                        *position += 1;
                        return Stop::BatchFull;
                    }
                    if batch.is_none() {
                        batch = queue.newest().map(|receipt| (Arc::clone(receipt), index));
                    }
                    *position += 1;
                    // The others of this batch need no decision of their own.
                    let others = (*position..end).map(|position| {
                        let record = &records[call.index(position)];
                        data(record, record.timestamp.unwrap_or(now))
                    });
                    let count = self.sender.shelf.offer_all(queue, others);
                    if self.sender.shelf.outside.teller.is_some() {
                        let tagged = *position - 1..*position + count;
                        let tags = tagged.map(|position| records[call.index(position)].tag);
                        queue.set_tags(index, tags);
                    }
                    *position += count;
                }
                Offer::NoRoom(bytes) => {
                    stop = Stop::NoRoom(bytes);
                    break;
                }
                refused => {
                    stop = Stop::Refused(refused);
                    break;
                }
            }
        }
        if let Some((receipt, first)) = batch {
            call.note_run(receipt, start, *position - start, first);
        }
        stop
    }

    /// Waits in line for room in the memory.
    async fn wait_for_room(&self, bytes: usize, deadline: Instant) -> Result<Permit, WriterError> {
        let began = Instant::now();
        let waiting = self.sender.shelf.budget.take(bytes);
        // The line is joined before the sender is told, so that it sees someone waiting.
        tokio::pin!(waiting);
        let told = async {
            self.sender.post(Event::Contention);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            permit = &mut waiting => Ok(permit),
            () = told => Err(WriterError::Closed),
            () = tokio::time::sleep_until(deadline) => Err(WriterError::NoRoom { waited: began.elapsed() }),
        }
    }

    /// The partition for a record: its own, the balancer's, its key's or the sticky one.
    #[inline(never)]
    fn choose(
        &self,
        topic: &Topic,
        partitions: &Partitions,
        record: &Record<'_>,
    ) -> Result<Choice, WriterError> {
        let count = partitions.list.len();
        let partition = match (record.partition, &self.balancer, record.key) {
            (Some(partition), _, _) => partition,
            (None, Some(balancer), _) => balancer.balance(record, &partitions.ids),
            (None, None, Some(key)) => {
                let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
                ((murmur2(key) & 0x7fff_ffff) % count).cast_signed()
            }
            (None, None, None) => return Ok(Choice::sticky(topic, partitions)),
        };
        match usize::try_from(partition) {
            Ok(position) if position < count => Ok(Choice {
                position,
                is_sticky: false,
            }),
            _ => Err(WriterError::InvalidPartition {
                topic: Arc::clone(&topic.name),
                partition,
                partitions: count as i32,
            }),
        }
    }

    #[inline]
    fn is_time_to_leave(&self, queue: &mut Queue, before: usize) -> bool {
        // A batch that was closed meanwhile had at least its bound, or nearly.
        let bound = self.sender.shelf.limits.batch_bytes;
        let after = queue.open_len();
        let bytes = if after >= before {
            after - before
        } else {
            bound
        };
        queue.count_sticky(bytes, bound)
    }

    #[inline(never)]
    fn refusal(&self, offer: Offer, topic: &Topic, partition: &Partition) -> Obstacle {
        match offer {
            Offer::TooLarge { size, limit } => {
                Obstacle::Error(WriterError::RecordTooLarge { size, limit })
            }
            Offer::Invalid(source) => Obstacle::Error(WriterError::Encode { source }),
            Offer::NoRoom(bytes) => Obstacle::Room(bytes),
            Offer::Shut(Shut::Writer) | Offer::Accepted(_) => {
                Obstacle::Error(self.closed_error(&topic.name, partition.at.partition))
            }
            Offer::Shut(Shut::Replaced) => Obstacle::Topic,
        }
    }

    /// The records of a call by their topics, in order of first appearance; records with a wrong topic are refused.
    fn by_topic<'a>(&'a self, records: &[Record<'a>], call: &mut Call) -> Vec<(&'a str, Vec<u32>)> {
        let mut topics: Vec<(&str, Vec<u32>)> = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match self.topic_of(record) {
                Err(error) => call.refuse(index, error),
                Ok(name) => match topics.iter_mut().rev().find(|(known, _)| *known == name) {
                    Some((_, indexes)) => indexes.push(index as u32),
                    None => topics.push((name, vec![index as u32])),
                },
            }
        }
        topics
    }
}

/// Why a run of records ended.
#[derive(Debug)]
enum Stop {
    /// All are in the batch.
    End,
    BatchFull,
    NoRoom(usize),
    Refused(Offer),
}

/// Where a record goes.
struct Choice {
    /// Index in the topic's list.
    position: usize,
    /// Drawn by the writer, which may draw another when it likes.
    is_sticky: bool,
}

impl Choice {
    #[inline]
    fn sticky(topic: &Topic, partitions: &Partitions) -> Self {
        Self {
            position: topic.sticky.current(partitions.list.len()),
            is_sticky: true,
        }
    }
}

/// Whether the writer may choose any partition for it.
#[inline]
fn is_free(record: &Record<'_>) -> bool {
    record.partition.is_none() && record.key.is_none()
}

/// Partitions up to which records are counted by partition: what has room on the stack.
const COUNTED: usize = 256;

/// Brings the records of one partition together, in the call's order.
fn arrange(chosen: &mut Vec<(u32, u32)>, partitions: usize) {
    // Counting many records costs less than comparing them.
    if partitions > COUNTED.min(chosen.len()) {
        chosen.sort_unstable();
        return;
    }
    let mut places = [0; COUNTED];
    for (position, _) in &*chosen {
        places[*position as usize] += 1;
    }
    let mut next = 0;
    for place in &mut places {
        next += mem::replace(place, next);
    }
    let mut arranged = vec![(0, 0); chosen.len()];
    for record in &*chosen {
        let place = &mut places[record.0 as usize];
        arranged[*place] = *record;
        *place += 1;
    }
    *chosen = arranged;
}

#[inline(never)]
fn leave_sticky(topic: &Topic, partitions: &Partitions, from: usize) {
    let backlog = |position: usize| {
        partitions
            .list
            .get(position)
            .map_or(0, |partition| partition.queue().backlog())
    };
    topic.sticky.leave(from, partitions.list.len(), backlog);
}

#[inline]
fn data<'a>(record: &Record<'a>, timestamp: i64) -> RecordData<'a> {
    RecordData {
        timestamp,
        key: record.key,
        value: record.value,
        headers: record.headers,
    }
}

#[cfg(test)]
mod tests {
    use super::arrange;

    #[test]
    fn records_of_a_partition_come_together_in_the_order_of_the_call() {
        for (count, partitions) in [(0, 1), (1, 1), (7, 3), (1_000, 6), (5, 1_000)] {
            let mut chosen: Vec<(u32, u32)> = (0..count)
                .map(|index| (index * 7919 % partitions, index))
                .collect();
            let mut expected = chosen.clone();
            expected.sort_unstable();
            arrange(&mut chosen, partitions as usize);
            assert_eq!(chosen, expected, "{count} records, {partitions} partitions");
        }
    }
}
