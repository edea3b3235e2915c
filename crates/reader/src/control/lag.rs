//! The lag in the statistics, looked up at an interval: fetches tell it only while there is room for records.

use std::time::{Duration, Instant};

use ekafka_protocol::ErrorCode;

use super::{Control, ViewLeaders, calls};
use crate::TopicPartition;
use crate::control::calls::Done;

/// When the partitions' ends are asked for.
pub(super) struct LagWatch {
    interval: Duration,
    due: Instant,
    /// Brokers that have not answered yet.
    asked: usize,
}

impl LagWatch {
    pub(super) fn new(interval: Option<Duration>, now: Instant) -> Option<Self> {
        interval.map(|interval| Self {
            interval,
            due: now + interval,
            asked: 0,
        })
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.due
    }
}

impl Control {
    /// Asks where the partitions end when that is due, unless an answer is still missing.
    pub(super) fn look_up_lag(&mut self, now: Instant) {
        let Some(watch) = self.lag_watch.as_mut().filter(|watch| watch.due <= now) else {
            return;
        };
        watch.due = now + watch.interval;
        if watch.asked > 0 {
            return;
        }
        let view = self.cluster.view();
        let questions = self.ledger.ends(&ViewLeaders(&view));
        watch.asked = questions.len();
        for (broker, questions) in questions {
            let isolation = self.settings.fetch.isolation_level;
            let deadline = now + self.settings.request_timeout;
            let list = calls::list(self.cluster.clone(), broker, questions, isolation, deadline);
            self.call(async move {
                match list.await {
                    Done::Listed(answers) => Done::Ends(answers),
                    done => done,
                }
            });
        }
    }

    /// Notes the ends, and the lag of the partition that was read last, or of all before the first record.
    pub(super) fn handle_ends(
        &mut self,
        answers: Vec<(TopicPartition, u64, Result<Option<i64>, ErrorCode>)>,
    ) {
        if let Some(watch) = &mut self.lag_watch {
            watch.asked = watch.asked.saturating_sub(1);
        }
        for (partition, tag, answer) in answers {
            // What cannot be asked now is asked next time.
            if let Ok(Some(end)) = answer {
                self.ledger.note_end(&partition, tag, end);
            }
        }
        if let Some(lag) = self.ledger.lag(self.counters.last_read()) {
            self.counters.note_lag(lag);
        }
    }
}
