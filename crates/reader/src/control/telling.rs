//! What the ledger notices, as events and errors for the application.

use super::Control;
use crate::error::ReaderError;
use crate::event::Event;
use crate::inbox::Item;
use crate::ledger::Notice;

impl Control {
    pub(super) fn tell(&mut self, notice: Option<Notice>) {
        match notice {
            None => {}
            Some(Notice::Moved {
                partition,
                from,
                to,
            }) => {
                let event = Event::OutOfRange {
                    partition,
                    from,
                    to,
                };
                self.inbox.push(Item::Event {
                    event,
                    ticket: None,
                });
            }
            Some(Notice::Truncated {
                partition,
                from,
                to,
                is_held: false,
            }) => {
                let event = Event::Truncated {
                    partition,
                    from,
                    to,
                };
                self.inbox.push(Item::Event {
                    event,
                    ticket: None,
                });
            }
            Some(Notice::Truncated {
                partition,
                from,
                to,
                is_held: true,
            }) => self.report(ReaderError::Truncated {
                partition,
                offset: from,
                end: to,
            }),
            Some(Notice::OutOfRange { partition, offset }) => {
                self.report(ReaderError::OffsetOutOfRange { partition, offset });
            }
            Some(Notice::TooLarge {
                partition,
                offset,
                size,
            }) => self.report(ReaderError::BatchTooLarge {
                partition,
                offset,
                size,
                limit: u32::try_from(self.settings.buffer_memory).unwrap_or(u32::MAX),
            }),
            Some(Notice::Incomplete {
                partition,
                offset,
                error,
            }) => self.report(ReaderError::Corrupt {
                partition,
                offset,
                source: Box::new(error),
            }),
            Some(Notice::Refused {
                step,
                partition,
                code,
            }) => {
                let subject = partition.to_string().into();
                self.report(ReaderError::Kafka {
                    step,
                    subject,
                    code,
                });
            }
        }
    }

    pub(super) fn report(&self, error: ReaderError) {
        self.counters.note_error();
        self.inbox.push(Item::Error(error));
    }
}
