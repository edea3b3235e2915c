//! One record into the batch of its partition, and its handle.

use std::pin::Pin;
use std::sync::Arc;

use ekafka_conn::Record;
use tokio::time::Instant;

use super::{Choice, data, is_free, leave_sticky};
use crate::accumulator::{Offer, Permit, Topic};
use crate::error::WriterError;
use crate::receipt::Delivery;
use crate::sender::Event;
use crate::writer::{Door, Obstacle, clock};

impl Door {
    /// One record, when nothing has to be waited for.
    #[inline]
    pub(in crate::writer) fn try_accept(
        &self,
        record: &Record<'_>,
    ) -> Result<Delivery, Box<Obstacle>> {
        let is_own = record.topic.is_none();
        if is_own
            && let Some(topic) = self.found.get()
            && !topic.is_replaced()
        {
            return self.put(topic, record, &mut None);
        }
        let name = self
            .topic_of(record)
            .map_err(|error| Box::new(Obstacle::Error(error)))?;
        let shelf = &self.sender.shelf;
        let topic = shelf.topic(name).ok_or_else(|| Box::new(Obstacle::Topic))?;
        let outcome = self.put(&topic, record, &mut None);
        if is_own {
            // Another thread may have been first, or it was made anew: then the shelf has its successor.
            let _ = self.found.set(topic);
        }
        outcome
    }

    /// As [`accept_one`](Self::accept_one), in a box, so that the future of a record that need not wait stays small.
    #[cold]
    #[inline(never)]
    pub(in crate::writer) fn accept_in_time<'a>(
        &'a self,
        record: &'a Record<'a>,
        obstacle: Box<Obstacle>,
    ) -> Pin<Box<dyn Future<Output = Result<Delivery, WriterError>> + Send + 'a>> {
        Box::pin(self.accept_one(record, obstacle))
    }

    /// One record, waiting for what is in its way.
    async fn accept_one(
        &self,
        record: &Record<'_>,
        mut obstacle: Box<Obstacle>,
    ) -> Result<Delivery, WriterError> {
        let name = self.topic_of(record)?;
        let deadline = Instant::now() + self.max_block;
        let mut paid = None;
        loop {
            match *obstacle {
                Obstacle::Topic => {}
                Obstacle::Room(bytes) => paid = Some(self.wait_for_room(bytes, deadline).await?),
                Obstacle::Error(error) => return Err(error),
            }
            let topic = self.find_topic(name).await?;
            match self.put(&topic, record, &mut paid) {
                Ok(delivery) => return Ok(delivery),
                Err(next) => obstacle = next,
            }
        }
    }

    /// Appends one record to the partition of its choice.
    #[inline]
    fn put(
        &self,
        topic: &Arc<Topic>,
        record: &Record<'_>,
        paid: &mut Option<Permit>,
    ) -> Result<Delivery, Box<Obstacle>> {
        let partitions = topic.partitions();
        let choice = if self.balancer.is_none() && is_free(record) {
            Choice::sticky(topic, partitions)
        } else {
            self.choose(topic, partitions, record)
                .map_err(|error| Box::new(Obstacle::Error(error)))?
        };
        let partition = &partitions.list[choice.position];
        let shelf = &self.sender.shelf;
        let mut queue = partition.queue();
        let timestamp = match record.timestamp {
            Some(timestamp) => timestamp,
            None => clock::stamp(&mut queue),
        };
        let before = queue.open_len();
        let offer = shelf.offer(
            partition,
            &mut queue,
            &data(record, timestamp),
            paid,
            Instant::now,
        );
        if let (Offer::Accepted(index), Some(_)) = (&offer, &shelf.outside.teller) {
            queue.set_tags(*index, std::iter::once(record.tag));
        }
        let accepted = match offer {
            Offer::Accepted(index) => match queue.newest() {
                Some(receipt) => Ok((Arc::clone(receipt), index)),
                None => Err(Box::new(Obstacle::Error(WriterError::Closed))),
            },
            Offer::NoRoom(bytes) => Err(Box::new(Obstacle::Room(bytes))),
            refused => Err(Box::new(self.refusal(refused, topic, partition))),
        };
        let leave = choice.is_sticky && self.is_time_to_leave(&mut queue, before);
        let poke = queue.has_news() && queue.poke(shelf.patience(), shelf.budget.is_contended());
        drop(queue);
        if leave {
            leave_sticky(topic, partitions, choice.position);
        }
        if poke {
            self.sender.post(Event::Ready(Arc::clone(partition)));
        }
        // Made last, so that it is written once and to where the caller wants it: a move right after stalls.
        match accepted {
            Ok((receipt, index)) => Ok(Delivery::new(receipt, index, timestamp)),
            Err(obstacle) => Err(obstacle),
        }
    }
}
