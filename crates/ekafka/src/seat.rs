//! A reader that many tasks hold: one at a time asks it, and whoever waits for a message makes room for the others.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError};

use ekafka_conn::Message;
use ekafka_reader::{Reader, ReaderError, ReaderHandle, Received};
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::error::ComponentError;

/// A reader behind a lock that a waiting `recv` gives up for others.
#[derive(Debug)]
pub(crate) struct Seat {
    reader: Mutex<Option<Reader>>,
    /// What calls had taken that were given up before they returned it.
    left: std::sync::Mutex<VecDeque<Received>>,
    /// What makes a waiting call look up: calls that want the reader and are not content to wait for a message, and
    /// things that were left.
    others: watch::Sender<usize>,
    closing: watch::Sender<bool>,
    handle: OnceLock<ReaderHandle>,
    is_closed: AtomicBool,
}

/// The reader, until dropped.
pub(crate) struct Seated<'s> {
    guard: MutexGuard<'s, Option<Reader>>,
}

/// Which way of taking a message.
#[derive(Debug, Clone, Copy)]
enum Take {
    Fetch,
    Read,
}

impl Seat {
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            reader: Mutex::new(Some(reader)),
            left: std::sync::Mutex::default(),
            others: watch::Sender::new(0),
            closing: watch::Sender::new(false),
            handle: OnceLock::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(crate) async fn fetch(&self) -> Result<Message, ComponentError> {
        self.take(Take::Fetch).await
    }

    pub(crate) async fn read(&self) -> Result<Message, ComponentError> {
        self.take(Take::Read).await
    }

    async fn take(&self, how: Take) -> Result<Message, ComponentError> {
        loop {
            let mut reader = self.locked().await?;
            self.handle.get_or_init(|| reader.handle());
            while let Some(left) = self.take_left() {
                if let Received::Message(message) = left {
                    return Ok(message);
                }
            }
            let asked = async {
                match how {
                    Take::Fetch => reader.fetch_message().await,
                    Take::Read => reader.read_message().await,
                }
            };
            tokio::select! {
                biased;
                taken = asked => return Ok(taken?),
                wanted = self.wanted() => wanted?,
            }
        }
    }

    pub(crate) async fn recv(&self) -> Result<Received, ComponentError> {
        loop {
            let mut reader = self.locked().await?;
            if let Some(left) = self.take_left() {
                return Ok(left);
            }
            tokio::select! {
                biased;
                received = reader.recv() => return Ok(received?),
                wanted = self.wanted() => wanted?,
            }
        }
    }

    /// Leaves for the next call what this one has taken and cannot return.
    pub(crate) fn leave(&self, received: Received) {
        self.left().push_back(received);
        self.others.send_modify(|others| *others += 1);
    }

    fn take_left(&self) -> Option<Received> {
        let left = self.left().pop_front()?;
        self.others.send_modify(|others| *others -= 1);
        Some(left)
    }

    /// Forgets what was left, because reading goes on elsewhere.
    pub(crate) fn forget_left(&self) {
        while self.take_left().is_some() {}
    }

    fn left(&self) -> std::sync::MutexGuard<'_, VecDeque<Received>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader at once, whoever waits for a message with it.
    pub(crate) async fn now(&self) -> Result<Seated<'_>, ComponentError> {
        let _other = Other::new(&self.others);
        self.locked().await
    }

    /// Commits from any task.
    pub(crate) async fn commit(&self, messages: &[Message]) -> Result<(), ComponentError> {
        Ok(self.handle().await?.commit_messages(messages).await?)
    }

    pub(crate) async fn handle(&self) -> Result<&ReaderHandle, ComponentError> {
        if self.is_closed() {
            return Err(ComponentError::Closed);
        }
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let mut reader = self.now().await?;
        Ok(self.handle.get_or_init(|| reader.handle()))
    }

    /// The offset behind what was handed out last and its lag, once reading has begun.
    pub(crate) fn last_read(&self) -> Option<(i64, i64)> {
        self.handle.get().map(ReaderHandle::last_read)
    }

    /// Waits for a call of the reader, unless the seat is being closed: brokers that do not answer shall not delay that.
    pub(crate) async fn unless_closing<T>(
        &self,
        call: impl Future<Output = Result<T, ReaderError>>,
    ) -> Result<T, ComponentError> {
        let mut closing = self.closing.subscribe();
        tokio::select! {
            biased;
            result = call => Ok(result?),
            _ = closing.wait_for(|closing| *closing) => Err(ComponentError::Closed),
        }
    }

    /// Ends every call that waits, then the reader: commits what is marked and leaves the group. `Ok` if it has ended.
    pub(crate) async fn close(&self) -> Result<(), ComponentError> {
        self.is_closed.store(true, Ordering::Release);
        self.closing.send_replace(true);
        let reader = self.reader.lock().await.take();
        if let Some(reader) = reader {
            reader.close().await?;
        }
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    async fn locked(&self) -> Result<Seated<'_>, ComponentError> {
        if self.is_closed() {
            return Err(ComponentError::Closed);
        }
        let guard = self.reader.lock().await;
        if guard.is_none() || self.is_closed() {
            return Err(ComponentError::Closed);
        }
        Ok(Seated { guard })
    }

    /// Returns when another call wants the reader; fails when it is being closed.
    async fn wanted(&self) -> Result<(), ComponentError> {
        let (mut others, mut closing) = (self.others.subscribe(), self.closing.subscribe());
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => Err(ComponentError::Closed),
            _ = others.wait_for(|others| *others > 0) => Ok(()),
        }
    }
}

impl Deref for Seated<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.guard
            .as_ref()
            .expect("a seat without a reader is not handed out")
    }
}

impl DerefMut for Seated<'_> {
    fn deref_mut(&mut self) -> &mut Reader {
        self.guard
            .as_mut()
            .expect("a seat without a reader is not handed out")
    }
}

/// What a call has taken, until all layers around it have returned. Left for the next call when this one is given up.
pub(crate) struct Taken<'s> {
    pub(crate) seat: &'s Seat,
    received: Option<Received>,
}

impl<'s> Taken<'s> {
    pub(crate) fn nothing(seat: &'s Seat) -> Self {
        let received = None;
        Self { seat, received }
    }

    pub(crate) fn put(&mut self, received: Received) {
        self.received = Some(received);
    }

    pub(crate) fn into_received(mut self) -> Option<Received> {
        self.received.take()
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(received) = self.received.take() {
            self.seat.leave(received);
        }
    }
}

/// Counts as somebody who wants the reader until it is dropped.
struct Other<'s>(&'s watch::Sender<usize>);

impl<'s> Other<'s> {
    fn new(others: &'s watch::Sender<usize>) -> Self {
        others.send_modify(|others| *others += 1);
        Self(others)
    }
}

impl Drop for Other<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|others| *others -= 1);
    }
}
