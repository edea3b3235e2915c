//! What became of each line: counted, told on standard error when it failed, and reported when that is asked for.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Stdout, Write};

use ekafka::{Delivered, Delivery, WriterError};
use serde::Serialize;

use super::Refused;
use crate::failure::Failure;

/// How many records may be unacknowledged before the next line is read.
const MOST_WAITING: usize = 20_000;

/// How many failed records are told one by one.
const MOST_TOLD: u64 = 10;

/// Lines under way in their order, and how the others ended.
pub(super) struct Outcomes {
    waiting: VecDeque<(u64, Delivery)>,
    written: u64,
    failed: u64,
    is_over: bool,
    report: Option<BufWriter<Stdout>>,
}

#[derive(Serialize)]
struct Stored {
    line: u64,
    partition: i32,
    offset: Option<i64>,
}

#[derive(Serialize)]
struct Lost<'a> {
    line: u64,
    class: &'a str,
    error: &'a str,
}

impl Outcomes {
    pub(super) fn new(is_reported: bool) -> Self {
        Self {
            waiting: VecDeque::new(),
            written: 0,
            failed: 0,
            is_over: false,
            report: is_reported.then(|| BufWriter::with_capacity(1 << 16, io::stdout())),
        }
    }

    /// How many lines were written, and how many were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.written, self.failed)
    }

    /// Whether the writer takes nothing more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Notes outcomes until `work` is done.
    pub(super) async fn until<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                outcome = first(&mut self.waiting), if !self.waiting.is_empty() => self.settle(outcome)?,
            }
            if !self.waiting.front().is_some_and(|(_, next)| next.is_done()) {
                self.flush()?;
            }
        }
    }

    /// A line is under way.
    pub(super) async fn wait_for(&mut self, line: u64, delivery: Delivery) -> Result<(), Failure> {
        self.waiting.push_back((line, delivery));
        while self.waiting.len() > MOST_WAITING {
            let outcome = first(&mut self.waiting).await;
            self.settle(outcome)?;
        }
        Ok(())
    }

    /// A line became no record.
    pub(super) fn refused(&mut self, line: u64, refused: &Refused) -> Result<(), Failure> {
        match refused {
            Refused::Line(error) => self.lost(line, "not_written", error),
            Refused::Writer(error) => self.failed(line, error),
        }
    }

    /// Waits for all.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        while !self.waiting.is_empty() {
            let outcome = first(&mut self.waiting).await;
            self.settle(outcome)?;
        }
        self.flush()
    }

    /// The lines that are still under way are not waited for.
    pub(super) fn give_up(&mut self) -> Failure {
        if let Err(failure) = self.flush() {
            return failure;
        }
        let (written, waiting) = (self.written, self.waiting.len());
        Failure::plain(format!(
            "stopped: {written} records were written, and {waiting} may have been"
        ))
    }

    fn settle(&mut self, outcome: Result<Delivered, WriterError>) -> Result<(), Failure> {
        let Some((line, _)) = self.waiting.pop_front() else {
            return Ok(());
        };
        match outcome {
            Ok(delivered) => {
                self.written += 1;
                self.tell(&Stored {
                    line,
                    partition: delivered.partition(),
                    offset: delivered.offset(),
                })
            }
            Err(error) => self.failed(line, &error),
        }
    }

    fn failed(&mut self, line: u64, error: &WriterError) -> Result<(), Failure> {
        self.is_over |= error.is_fatal();
        let text = Failure::new("a record was not written", error).to_string();
        self.lost(line, &error.class().to_string(), &text)
    }

    fn lost(&mut self, line: u64, class: &str, error: &str) -> Result<(), Failure> {
        self.failed += 1;
        if self.failed <= MOST_TOLD {
            eprintln!("ekafka: line {line}: {error}");
        }
        self.tell(&Lost { line, class, error })
    }

    fn tell(&mut self, outcome: &impl Serialize) -> Result<(), Failure> {
        let Some(out) = &mut self.report else {
            return Ok(());
        };
        let line = serde_json::to_writer(&mut *out, outcome).map_err(io::Error::from);
        line.and_then(|()| out.write_all(b"\n"))
            .map_err(|error| Failure::output(&error))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.report {
            Some(out) => out.flush().map_err(|error| Failure::output(&error)),
            None => Ok(()),
        }
    }
}

/// The outcome of the first line under way; there must be one. Dropping the future loses nothing.
async fn first(waiting: &mut VecDeque<(u64, Delivery)>) -> Result<Delivered, WriterError> {
    match waiting.front_mut() {
        Some((_, delivery)) => delivery.await,
        None => Err(WriterError::Closed),
    }
}
