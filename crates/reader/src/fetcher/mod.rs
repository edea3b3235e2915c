//! Reads from one broker: asks, puts what comes on the inbox, and asks again in the same turn.
//!
//! A fetcher is a value that moves. While a fetch is on the wire, and while there is no work or no room,
//! it lies in the inbox; whoever brings the answer, room or work goes on with it; after a failure its
//! cursors go back to control. So a partition is fetched by one broker at a time, and a steady flow needs
//! no task of its own.
//!
//! A broker answers the requests of a connection in order, and holds a fetch while nothing is written.
//! New cursors do not wait for that: control calls the fetcher back, and it asks again by another
//! connection, in the same session. The answer to the first fetch then counts for nothing.
//!
//! Source: `Fetch` (KIP-74 limits, KIP-227 sessions, KIP-320 epochs).

mod answer;
mod book;
pub(crate) mod decode;
mod extent;
mod session;
mod sizes;

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{BrokerId, ConnError, Connection};
use ekafka_protocol::StrBytes;
use ekafka_protocol::messages::{FetchRequest, FetchResponse, IsolationLevel};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::control::Note;
use crate::inbox::Inbox;
use crate::ledger::{Cursor, Returned};
use crate::stats::Counters;

use answer::Outcome;
use book::Book;
use session::{Session, SessionVerdict};
pub(crate) use sizes::BatchSizes;

/// What all fetchers of a reader share.
#[derive(Debug, Clone)]
pub(crate) struct FetchSettings {
    /// The broker may answer late until there are so many bytes.
    pub(crate) min_bytes: i32,
    /// Bytes of one answer.
    pub(crate) max_bytes: i32,
    /// Bytes of one partition in one answer; a lane with as many unread bytes is left out.
    pub(crate) max_partition_bytes: i32,
    /// How long the broker may wait for `min_bytes`.
    pub(crate) max_wait: Duration,
    /// On top of the wait, the time an answer may take.
    pub(crate) request_timeout: Duration,
    pub(crate) isolation_level: IsolationLevel,
    /// Empty for none.
    pub(crate) rack: StrBytes,
    /// Bytes of the whole budget: a batch above it cannot be read.
    pub(crate) budget: u64,
}

/// The reading of one broker.
#[derive(Debug)]
pub(crate) struct Fetcher {
    broker: BrokerId,
    connection: Connection,
    settings: Arc<FetchSettings>,
    inbox: Arc<Inbox>,
    control: UnboundedSender<Note>,
    counters: Arc<Counters>,
    book: Book,
    session: Session,
    /// Bytes set aside for the answer under way.
    reserved: u64,
    /// When the fetch under way was sent, or will be, and how long the broker may hold it.
    sent: (Instant, Duration),
    /// Answers in a row that brought no partition ahead.
    empty: u32,
    /// Those of them that came although the broker could have waited.
    hasty: u32,
    /// Whether the other connection still waits for the answer to a fetch that was given up.
    is_overdue: bool,
}

impl Fetcher {
    pub(crate) fn new(
        broker: BrokerId,
        connection: Connection,
        settings: Arc<FetchSettings>,
        inbox: Arc<Inbox>,
        control: UnboundedSender<Note>,
        counters: Arc<Counters>,
    ) -> Box<Self> {
        Box::new(Self {
            broker,
            connection,
            settings,
            inbox,
            control,
            counters,
            book: Book::default(),
            session: Session::default(),
            reserved: 0,
            sent: (Instant::now(), Duration::ZERO),
            empty: 0,
            hasty: 0,
            is_overdue: false,
        })
    }

    pub(crate) fn broker(&self) -> BrokerId {
        self.broker
    }

    /// Whether the fetcher reads nothing that anybody wants.
    pub(crate) fn is_done(&self) -> bool {
        self.book.is_empty()
    }

    /// Bytes a whole answer may have.
    pub(crate) fn wanted(&self) -> u64 {
        u64::try_from(self.settings.max_bytes).unwrap_or(0)
    }

    /// Whether there is a lane that is not full.
    pub(crate) fn is_hungry(&self) -> bool {
        self.book.has_hungry(self.lane_limit())
    }

    /// Sends the next fetch, or leaves the fetcher in the inbox until there is a reason to.
    pub(crate) fn run(self: Box<Self>) {
        let mut fetcher = self;
        loop {
            fetcher.read_mail();
            let limit = fetcher.lane_limit();
            fetcher.book.settle(limit);
            if fetcher.book.has_hungry(limit) {
                fetcher.reserved = fetcher.inbox.reserve(fetcher.wanted());
            }
            if fetcher.reserved > 0 {
                return fetcher.send();
            }
            let inbox = Arc::clone(&fetcher.inbox);
            match inbox.park(fetcher) {
                Some(runnable) => fetcher = runnable,
                None => return,
            }
        }
    }

    /// Gives up the fetch under way, from which the inbox has called the fetcher back, and asks anew by
    /// `connection`. Returns the connection that still waits for the answer.
    pub(crate) fn run_by(mut self: Box<Self>, connection: Connection) -> Connection {
        self.inbox.unreserve(std::mem::take(&mut self.reserved));
        self.session.skip();
        self.empty = 0;
        let other = std::mem::replace(&mut self.connection, connection);
        self.run();
        other
    }

    fn read_mail(&mut self) {
        let morning = self.inbox.mail(self.broker);
        self.is_overdue = morning.is_overdue;
        for lane in morning.dropped {
            self.book.drop_lane(&lane);
        }
        for cursor in morning.cursors.into_values() {
            self.book.add(cursor);
        }
    }

    fn send(mut self: Box<Self>) {
        let request = self.request();
        let connection = self.connection.clone();
        // A request that the broker has asked to hold back takes no time of its own.
        let leaves = connection.throttled_until().unwrap_or_else(Instant::now);
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        self.sent = (leaves, wait);
        let (inbox, broker) = (Arc::clone(&self.inbox), self.broker);
        let deadline = leaves + wait + self.settings.request_timeout;
        let Some(number) = inbox.send_off(self) else {
            return;
        };
        connection.enqueue(&request, deadline, move |answer| {
            if let Some(fetcher) = inbox.answered(broker, number) {
                fetcher.handle(answer);
            }
        });
    }

    fn request(&mut self) -> FetchRequest {
        let max_bytes = i32::try_from(self.reserved).unwrap_or(i32::MAX);
        let partition_max = self.settings.max_partition_bytes.min(max_bytes);
        let (has_ids, is_mixed) = (self.book.has_ids(), self.book.is_mixed());
        let is_full = self.session.begin(has_ids, is_mixed);
        let asked = self.book.ask(is_full, partition_max);
        FetchRequest {
            max_wait_ms: self.wait(asked.left_out),
            min_bytes: self.settings.min_bytes,
            max_bytes,
            isolation_level: self.settings.isolation_level,
            session_id: self.session.id(),
            session_epoch: self.session.epoch(),
            topics: asked.topics,
            forgotten_topics_data: asked.forgotten,
            rack_id: self.settings.rack.clone(),
            ..FetchRequest::default()
        }
    }

    /// Milliseconds the broker may wait. Short while full lanes are left out, so that they are asked for
    /// again soon after the application made room, longer the longer nothing moves; and short while the
    /// other connection is not free to call the fetcher back by.
    fn wait(&self, left_out: usize) -> i32 {
        let longest = self.settings.max_wait;
        let wait = if self.is_overdue {
            longest.min(SHORT_WAIT * (1 << self.empty.min(3)))
        } else if left_out > 0 {
            longest.min(SHORT_WAIT * (1 << self.empty.min(6)))
        } else {
            longest
        };
        i32::try_from(wait.as_millis()).unwrap_or(i32::MAX)
    }

    fn handle(mut self: Box<Self>, answer: Result<FetchResponse, ConnError>) {
        let reserved = std::mem::take(&mut self.reserved);
        let response = match answer {
            Ok(response) => response,
            Err(error) => {
                self.inbox.unreserve(reserved);
                let _ = self.control.send(Note::Broken {
                    broker: self.broker,
                    cursors: self.book.take_all(),
                    error,
                });
                return;
            }
        };
        match self
            .session
            .handle(response.session_id, response.error_code)
        {
            SessionVerdict::Good => {}
            SessionVerdict::Restart => {
                self.inbox.unreserve(reserved);
                return self.rest_if_hasty(true);
            }
            SessionVerdict::Refused(code) => {
                self.inbox.unreserve(reserved);
                let cursors = self.book.take_all();
                return self.give_back(cursors, &Returned::Refused(code));
            }
        }
        let (sent, longest) = self.sent;
        let arrived = Instant::now();
        let Outcome {
            received,
            chunks,
            returned,
            has_moved,
        } = answer::sort(&mut self.book, &self.settings, response);
        self.counters
            .note_fetch(received, &chunks, arrived - sent, longest);
        let is_vain = !has_moved && returned.is_empty();
        self.inbox.deliver(reserved, chunks);
        self.counters.note_read(arrived.elapsed());
        if !returned.is_empty() {
            // Control is gone only when the reader is.
            let _ = self.control.send(Note::Returned(returned));
        }
        self.rest_if_hasty(is_vain);
    }

    /// Goes on, after a pause when the broker keeps answering at once with nothing new.
    fn rest_if_hasty(mut self: Box<Self>, is_vain: bool) {
        let (sent, wait) = self.sent;
        self.empty = if is_vain {
            self.empty.saturating_add(1)
        } else {
            0
        };
        let is_hasty = is_vain && sent.elapsed() < wait / 2;
        self.hasty = if is_hasty {
            self.hasty.saturating_add(1)
        } else {
            0
        };
        if self.hasty < HASTY_ANSWERS {
            return self.run();
        }
        let pause = SHORT_WAIT * (1 << (self.hasty - HASTY_ANSWERS).min(6));
        let until = Instant::now() + pause.min(self.settings.max_wait);
        let control = self.control.clone();
        let _ = control.send(Note::Rest(self, until));
    }

    fn give_back(self: Box<Self>, cursors: Vec<Cursor>, reason: &Returned) {
        let returned = cursors.into_iter().map(|cursor| (cursor, reason.clone()));
        let _ = self.control.send(Note::Returned(returned.collect()));
        self.run();
    }

    fn lane_limit(&self) -> u64 {
        u64::try_from(self.settings.max_partition_bytes).unwrap_or(0)
    }
}

/// The broker's first wait while full lanes are left out.
const SHORT_WAIT: Duration = Duration::from_millis(10);
/// So many hasty answers in a row are taken for chance.
const HASTY_ANSWERS: u32 = 3;
