//! What an application can learn of a writer: its statistics, and what its functions are told.

use std::sync::Arc;

use crate::Writer;
use crate::accumulator::{Patience, Pool};
use crate::completion::{self, Callback, Teller};
use crate::outside::Outside;
use crate::stats::{Counters, WriterStats};
use crate::story::{Story, narrate};
use ekafka_conn::Loggers;

impl Writer {
    /// What the writer has done since the last call; counts begin anew, settings stay. All clones count together.
    ///
    /// ```no_run
    /// # fn example(writer: &ekafka_writer::Writer) {
    /// let stats = writer.stats();
    /// println!("{} records in {} batches, {} errors", stats.messages, stats.writes, stats.errors);
    /// # }
    /// ```
    #[must_use]
    pub fn stats(&self) -> WriterStats {
        let door = &self.door;
        let shelf = &door.sender.shelf;
        let rules = door.sender.rules();
        WriterStats {
            max_attempts: u64::from(rules.max_attempts),
            write_backoff_min: rules.backoff.0,
            write_backoff_max: rules.backoff.1,
            max_batch_size: shelf.limits.batch_size as u64,
            batch_timeout: match shelf.limits.patience {
                Patience::Linger(linger) => linger,
                Patience::Adaptive | Patience::Paced(_) => std::time::Duration::ZERO,
            },
            read_timeout: door.read_timeout,
            write_timeout: rules.request_timeout,
            required_acks: rules.acks,
            asynchronous: door.asynchronous,
            topic: door.topic.as_deref().unwrap_or_default().to_owned(),
            buffered_bytes: shelf.budget.in_use(),
            ..shelf.outside.counters.take()
        }
    }
}

/// Starts what tells the application of a writer.
pub(super) fn start(
    client_id: &str,
    topic: Option<&str>,
    loggers: Loggers,
    completion: Option<Callback>,
    pool: &Arc<Pool>,
) -> Outside {
    let mut outside = Outside {
        counters: Counters::new(client_id),
        ..Outside::default()
    };
    if let Some(callback) = completion {
        let (teller, jobs) = Teller::new(callback, Arc::clone(pool));
        outside.teller = Some(teller);
        #[expect(
            clippy::disallowed_methods,
            reason = "the completion task: one per writer that has a completion function"
        )]
        tokio::spawn(completion::run(jobs));
    }
    if !loggers.is_silent() {
        let (story, lines) = Story::new();
        story.tell(match topic {
            Some(topic) => format!("writing to {topic}"),
            None => "writing to the topics that records name".to_owned(),
        });
        outside.story = Some(story);
        #[expect(
            clippy::disallowed_methods,
            reason = "the task of the loggers: one per writer that has any"
        )]
        tokio::spawn(narrate(loggers, lines));
    }
    outside
}
