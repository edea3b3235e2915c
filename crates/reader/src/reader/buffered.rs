//! What the application has taken from the inbox and not yet been handed.

use std::sync::Arc;

use ekafka_conn::{Message, MessageBatch};
use ekafka_protocol::DecodeError;
use ekafka_protocol::records::{DecodeLimits, RecordSpans, Records};

use crate::TopicPartition;
use crate::batch::{RecordBatch, message_batch};
use crate::control::now as clock;
use crate::fetcher::decode::{ChunkReader, OpenBatch};
use crate::inbox::{Chunk, Unpacked};
use crate::lane::Lane;
use crate::stats::{Counters, Gauges};

/// One chunk, the batch opened in it, and what was handed out last.
#[derive(Debug)]
pub(super) struct Buffered {
    limits: DecodeLimits,
    chunk: Option<ChunkReader>,
    open: Option<Open>,
    /// The lane of the last message and the offset behind it.
    last: Option<(Arc<Lane>, i64)>,
    /// What was handed out and is not counted yet.
    gauges: Gauges,
    /// Whether the next batch may be opened; `None` when nobody has to be asked.
    leave: Option<bool>,
    /// Whether the chunk waits for control's word on whose it is.
    is_doubtful: bool,
}

/// The batch that messages are taken from.
#[derive(Debug)]
struct Open {
    spans: RecordSpans,
    batch: Arc<MessageBatch>,
    records: Records,
    lane: Arc<Lane>,
    from: i64,
    end: i64,
    /// What ended `spans` too early.
    damage: Option<DecodeError>,
    /// Frees what the batch was unpacked to once nothing of it is left to hand out.
    _unpacked: Option<Unpacked>,
}

/// Bytes that could not be read. The lane is frozen: nothing behind them is handed out.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) lane: Arc<Lane>,
    /// The first offset that was not handed out.
    pub(super) offset: i64,
    /// The offset behind the batch, as far as it is known.
    pub(super) end: Option<i64>,
    pub(super) error: DecodeError,
}

impl Buffered {
    pub(super) fn new(limits: DecodeLimits, counters: Arc<Counters>) -> Self {
        Self {
            limits,
            chunk: None,
            open: None,
            last: None,
            gauges: Gauges::new(counters),
            leave: None,
            is_doubtful: false,
        }
    }

    /// Opens no batch without leave from now on.
    pub(super) fn ask_for_leave(&mut self) {
        self.leave = Some(false);
    }

    /// Lets one batch be opened.
    pub(super) fn give_leave(&mut self) {
        self.leave = Some(true);
    }

    /// Whether there may be more batches, and only leave is missing.
    pub(super) fn wants_leave(&self) -> bool {
        self.leave == Some(false) && self.chunk.is_some() && self.open.is_none()
    }

    /// Whether there may be more batches, and the partition may be another's by now.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// The partition of what is at the ready, if anything is.
    pub(super) fn partition(&self) -> Option<&TopicPartition> {
        let chunk = self.chunk.as_ref().map(|chunk| &chunk.lane);
        let lane = self.open.as_ref().map(|open| &open.lane).or(chunk);
        lane.map(|lane| lane.partition())
    }

    /// Puts a chunk at the ready, in the place of one that is used up.
    pub(super) fn put(&mut self, chunk: Chunk) {
        self.flush();
        self.open = None;
        self.chunk = Some(ChunkReader::new(chunk, self.limits));
    }

    /// The next message of the opened batch. `None` when it has none, which is for
    /// [`next_message`](Self::next_message) to look into.
    ///
    /// Small, and made part of each caller: an owned message is eight words, and each function that it is returned through
    /// moves them once more.
    #[inline(always)]
    pub(super) fn ready(&mut self) -> Option<Message> {
        let open = self.open.as_mut()?;
        loop {
            match open.spans.next()? {
                Ok(span) if span.offset >= open.from => {
                    let next = span.offset + 1;
                    if !open.lane.advance(next) {
                        return None;
                    }
                    let batch = Arc::clone(&open.batch);
                    self.note_last(next);
                    self.gauges.messages += 1;
                    self.gauges.bytes += span.data_len() as u64;
                    return Some(Message::new(batch, span));
                }
                Ok(_) => {}
                Err(error) => {
                    open.damage = Some(error);
                    return None;
                }
            }
        }
    }

    /// The next message; `None` when another chunk is needed.
    pub(super) fn next_message(&mut self) -> Result<Option<Message>, Fault> {
        loop {
            if let Some(message) = self.ready() {
                return Ok(Some(message));
            }
            if let Some(open) = &mut self.open {
                let lane = Arc::clone(&open.lane);
                if let Some(error) = open.damage.take() {
                    return Err(self.fault(lane, error));
                }
                // The last records may have been compacted away.
                if !lane.advance(open.end) {
                    self.drop_chunk();
                    return Ok(None);
                }
            }
            // What it was unpacked to is freed before another is opened.
            self.open = None;
            self.open = self.open_next()?;
            if self.open.is_none() {
                return Ok(None);
            }
        }
    }

    /// The next batch, or the rest of the opened one, from `again` on if that is of the opened one; `None`
    /// when another chunk is needed.
    pub(super) fn next_batch(
        &mut self,
        again: Option<&Message>,
    ) -> Result<Option<RecordBatch>, Fault> {
        loop {
            let open = match self.open.take() {
                Some(open) => Some(open),
                None => self.open_next()?,
            };
            let Some(open) = open else {
                return Ok(None);
            };
            let position = open.lane.position().unwrap_or(open.from);
            let again = again
                .filter(|message| std::ptr::eq(message.batch(), &raw const *open.batch))
                .map(Message::offset);
            if position >= open.end && again.is_none() {
                continue;
            }
            if !open.lane.advance(open.end) {
                self.drop_chunk();
                return Ok(None);
            }
            let left = u64::try_from(open.end - position).unwrap_or(0);
            let left = left.min(open.records.count_or_more());
            self.flush();
            self.last = Some((Arc::clone(&open.lane), open.end));
            self.gauges.batches += 1;
            self.gauges.messages += left;
            self.gauges.bytes += open.records.bytes().len() as u64;
            self.flush();
            return Ok(Some(RecordBatch {
                lane: open.lane,
                records: open.records,
                from: again.unwrap_or_else(|| position.max(open.from)),
                end: open.end,
                leader_epoch: open.batch.leader_epoch,
            }));
        }
    }

    /// Marks the last message as processed; false when its partition was taken away.
    #[inline]
    pub(super) fn mark_last(&self, leader_epoch: i32) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|(lane, next)| lane.assignment.mark_returned(*next, leader_epoch))
    }

    /// The offset behind the last message or batch.
    pub(super) fn offset(&self) -> Option<i64> {
        self.last.as_ref().map(|(_, next)| *next)
    }

    /// The partition of the last message or batch, and the offset behind it.
    pub(super) fn position(&self) -> Option<(TopicPartition, i64)> {
        let (lane, next) = self.last.as_ref()?;
        Some((lane.partition().clone(), *next))
    }

    /// Counts what was handed out since the last time.
    pub(super) fn flush(&mut self) {
        if let Some((lane, next)) = &self.last {
            self.gauges.flush(lane, *next);
        }
    }

    /// How far the last message is from the end of its partition.
    pub(super) fn lag(&self) -> i64 {
        self.last.as_ref().map_or(0, |(lane, next)| lane.lag(*next))
    }

    /// The position was set by hand.
    pub(super) fn forget_offset(&mut self) {
        self.flush();
        self.last = None;
    }

    #[inline(never)]
    fn open_next(&mut self) -> Result<Option<Open>, Fault> {
        self.is_doubtful = false;
        let Some(chunk) = &mut self.chunk else {
            return Ok(None);
        };
        if !chunk.lane.is_live() {
            self.drop_chunk();
            return Ok(None);
        }
        if self.leave == Some(false) {
            return Ok(None);
        }
        self.is_doubtful = chunk.lane.is_doubtful(clock());
        if self.is_doubtful {
            return Ok(None);
        }
        self.leave = self.leave.map(|_| false);
        let lane = Arc::clone(&chunk.lane);
        match chunk.next() {
            Ok(Some(batch)) => match open(Arc::clone(&lane), batch) {
                Ok(open) => Ok(Some(open)),
                Err(error) => Err(self.fault(lane, error)),
            },
            Ok(None) => {
                chunk.lane.advance(chunk.reached());
                self.drop_chunk();
                Ok(None)
            }
            Err(error) => Err(self.fault(lane, error)),
        }
    }

    #[inline]
    fn note_last(&mut self, next: i64) {
        if let (Some(last), Some(open)) = (&mut self.last, &self.open)
            && Arc::ptr_eq(&last.0, &open.lane)
        {
            last.1 = next;
            return;
        }
        self.flush();
        self.last = self
            .open
            .as_ref()
            .map(|open| (Arc::clone(&open.lane), next));
    }

    fn fault(&mut self, lane: Arc<Lane>, error: DecodeError) -> Fault {
        let chunk = self.chunk.take();
        self.open = None;
        let reached = chunk.as_ref().map_or(0, ChunkReader::reached);
        let offset = lane.freeze().unwrap_or(reached);
        let end = chunk.and_then(|chunk| chunk.end_of_batch(offset));
        Fault {
            lane,
            offset,
            end,
            error,
        }
    }

    fn drop_chunk(&mut self) {
        self.flush();
        self.open = None;
        self.chunk = None;
    }
}

fn open(lane: Arc<Lane>, batch: OpenBatch) -> Result<Open, DecodeError> {
    let OpenBatch {
        records,
        from,
        end,
        leader_epoch,
        unpacked,
    } = batch;
    let shared = message_batch(&lane, &records, leader_epoch);
    Ok(Open {
        spans: records.clone().into_spans()?,
        batch: shared,
        records,
        lane,
        from,
        end,
        damage: None,
        _unpacked: unpacked,
    })
}
