//! The errors of one call, each at the place of its record.

use std::fmt;

use ekafka_conn::Record;

use super::WriterError;

/// One slot for each record of a call, in the order of the call; `None` where the record was written.
///
/// ```no_run
/// # async fn example(writer: ekafka_writer::Writer, records: &[ekafka_writer::Record<'_>]) {
/// if let Err(errors) = writer.write(records).await {
///     eprintln!("{} of {} failed", errors.count(), errors.len());
///     // What no broker has is tried once more.
///     let unwritten = errors.iter().filter(|(_, error)| !error.maybe_written());
///     let again: Vec<_> = unwritten.map(|(index, _)| records[index]).collect();
///     let _ = writer.write(&again).await;
/// }
/// # }
/// ```
///
/// ```no_run
/// # async fn example(writer: ekafka_writer::Writer, records: &[ekafka_writer::Record<'_>]) {
/// if let Err(errors) = writer.write(records).await {
///     assert!(!errors.is_empty());
///     println!("the first: {:?}", errors.get(0));
///     for (record, error) in records.iter().zip(errors.into_slots()) {
///         println!("{:?}: {}", record.key, error.map_or("written".to_owned(), |error| error.to_string()));
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WriteErrors {
    slots: Vec<Option<WriterError>>,
}

impl WriteErrors {
    pub(crate) fn new(slots: Vec<Option<WriterError>>) -> Self {
        Self { slots }
    }

    /// How many records failed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// How many records the call had.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the call had no record; never true for an error that a call returned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The error of the record at `index` of the call, `None` when it was written.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&WriterError> {
        self.slots.get(index)?.as_ref()
    }

    /// The failed records: index in the call, and error.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &WriterError)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    /// The first record that is too large, and the others of the call; `records` are the call's. `None` when no record was.
    ///
    /// kafka-go's `MessageTooLargeError`, but that the others are written all the same, unless they have errors of their own.
    ///
    /// ```no_run
    /// # async fn example(writer: &ekafka_writer::Writer) {
    /// use ekafka_writer::Record;
    ///
    /// let records = [Record::new("short"), Record::new("long")];
    /// if let Err(errors) = writer.write(&records).await
    ///     && let Some(too_large) = errors.too_large(&records)
    /// {
    ///     eprintln!("record {} has {} bytes", too_large.index, too_large.size);
    /// }
    /// # }
    /// ```
    #[doc(alias = "MessageTooLargeError")]
    #[must_use]
    pub fn too_large<'a>(&self, records: &[Record<'a>]) -> Option<MessageTooLarge<'a>> {
        let (index, size, limit) = self.iter().find_map(|(index, error)| match error {
            WriterError::RecordTooLarge { size, limit } => Some((index, *size, *limit)),
            _ => None,
        })?;
        let others = records.iter().enumerate();
        let others = others.filter_map(|(other, record)| (other != index).then_some(*record));
        Some(MessageTooLarge {
            index,
            record: *records.get(index)?,
            rest: others.collect(),
            size,
            limit,
        })
    }

    /// One slot for each record.
    #[must_use]
    pub fn into_slots(self) -> Vec<Option<WriterError>> {
        self.slots
    }
}

impl fmt::Display for WriteErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} of {} records failed",
            self.count(),
            self.len()
        )?;
        for (place, (index, error)) in self.iter().take(TOLD).enumerate() {
            let word = if place == 0 { ", " } else { "; " };
            write!(formatter, "{word}record {index}: {error}")?;
        }
        if self.count() > TOLD {
            write!(formatter, "; and {} more", self.count() - TOLD)?;
        }
        Ok(())
    }
}

impl std::error::Error for WriteErrors {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, first) = self.iter().next()?;
        Some(first)
    }
}

/// The first record of a call that does not fit in a batch; made by [`WriteErrors::too_large`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {index} has {size} bytes, the limit is {limit}")]
pub struct MessageTooLarge<'a> {
    /// Its place in the call.
    pub index: usize,
    /// The record.
    pub record: Record<'a>,
    /// The other records of the call, in order.
    pub rest: Vec<Record<'a>>,
    /// Bytes of the record as the writer counts them; see [`WriterError::RecordTooLarge`].
    pub size: usize,
    /// The most that it may have.
    pub limit: usize,
}

/// Records whose errors a text names; the rest is counted.
const TOLD: usize = 3;
