//! A writer as a sink, for code that is written in terms of streams and sinks.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ekafka_conn::{Header, Record};
use futures_sink::Sink;

use crate::error::WriterError;
use crate::receipt::Delivery;
use crate::writer::Writer;

/// A [`Sink`] of records; made by [`Writer::sink`].
///
/// A record that fails is the error of a later call, of the first one that comes to know: each failure is told once, and
/// the sink goes on. Flushing waits for the outcome of every record that was put in. Closing does the same and leaves the
/// writer open. What is dropped with the sink is written all the same.
pub struct RecordSink {
    writer: Writer,
    /// Accepted and not told, in the order in which they were put in.
    deliveries: VecDeque<Delivery>,
    /// A record that waits for room, or for its topic to be found.
    waiting: Option<Waiting>,
    /// A flush of the writer that is under way.
    flushing: Option<Flushing>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<Delivery, WriterError>> + Send>>;
type Flushing = Pin<Box<dyn Future<Output = ()> + Send>>;

impl RecordSink {
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            writer,
            deliveries: VecDeque::new(),
            waiting: None,
            flushing: None,
        }
    }

    /// Waits until the record that has to wait is accepted.
    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WriterError>> {
        let Some(waiting) = &mut self.waiting else {
            return Poll::Ready(Ok(()));
        };
        let accepted = ready!(waiting.as_mut().poll(context));
        self.waiting = None;
        self.deliveries.push_back(accepted?);
        Poll::Ready(Ok(()))
    }

    /// Takes the outcomes that are known from the front.
    fn take_known(&mut self, context: &mut Context<'_>) -> Result<(), WriterError> {
        while self.deliveries.front().is_some_and(Delivery::is_done) {
            // Known, so it is ready.
            let _: Poll<()> = self.poll_first(context)?;
        }
        Ok(())
    }

    /// The outcome of the record that was put in first.
    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WriterError>> {
        let Some(first) = self.deliveries.front_mut() else {
            return Poll::Ready(Ok(()));
        };
        let outcome = ready!(Pin::new(first).poll(context));
        self.deliveries.pop_front();
        Poll::Ready(outcome.map(|_| ()))
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WriterError>> {
        ready!(self.poll_waiting(context))?;
        if self.deliveries.is_empty() {
            self.flushing = None;
            return Poll::Ready(Ok(()));
        }
        let writer = &self.writer;
        let flushing = self.flushing.get_or_insert_with(|| {
            let writer = writer.clone();
            Box::pin(async move { writer.flush().await })
        });
        ready!(flushing.as_mut().poll(context));
        self.flushing = None;
        while !self.deliveries.is_empty() {
            ready!(self.poll_first(context))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<Record<'_>> for RecordSink {
    type Error = WriterError;

    fn poll_ready(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), WriterError>> {
        let this = self.get_mut();
        ready!(this.poll_waiting(context))?;
        Poll::Ready(this.take_known(context))
    }

    fn start_send(self: Pin<&mut Self>, record: Record<'_>) -> Result<(), WriterError> {
        let this = self.get_mut();
        match this.writer.try_send(record) {
            Ok(delivery) => this.deliveries.push_back(delivery),
            Err(WriterError::NoRoom { .. }) => {
                let (writer, record) = (this.writer.clone(), OwnRecord::new(&record));
                this.waiting = Some(Box::pin(async move { record.send(&writer).await }));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn poll_flush(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), WriterError>> {
        self.get_mut().poll_all(context)
    }

    fn poll_close(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), WriterError>> {
        self.get_mut().poll_all(context)
    }
}

impl fmt::Debug for RecordSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecordSink")
            .field("writer", &self.writer)
            .field("deliveries", &self.deliveries.len())
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}

/// A copy of a record that waits.
struct OwnRecord {
    topic: Option<String>,
    partition: Option<i32>,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: Option<i64>,
    tag: u64,
}

impl OwnRecord {
    fn new(record: &Record<'_>) -> Self {
        let headers = record.headers.iter();
        let headers =
            headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
        Self {
            topic: record.topic.map(str::to_owned),
            partition: record.partition,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.collect(),
            timestamp: record.timestamp,
            tag: record.tag,
        }
    }

    async fn send(self, writer: &Writer) -> Result<Delivery, WriterError> {
        let headers = self.headers.iter().map(|(key, value)| Header {
            key,
            value: value.as_deref(),
        });
        let headers: Vec<_> = headers.collect();
        let record = Record {
            topic: self.topic.as_deref(),
            partition: self.partition,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: &headers,
            timestamp: self.timestamp,
            tag: self.tag,
        };
        writer.send(record).await
    }
}
